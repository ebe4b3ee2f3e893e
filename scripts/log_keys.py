"""The keys that sign the log: made, rotated and retired in the file that the settings name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from domain.note import SignerKey, VerifierKey
from domain.tree import LARGEST_SIZE, NotVerified
from scripts.safe_file import written_whole
from scripts.settings import BadSetting, LogKeys, Settings, read_log_keys

MADE_UP = "stemma.invalid/"
"""The beginning of the name of a log that was given none: for trying out, with any database."""


def make_log_key(settings: Settings, name: str = "") -> SignerKey | None:
    """Write a new key for signing the log; None if there is one, or the file is not ours."""
    if settings.log_key.startswith("env:") or Path(settings.log_key).exists():
        return None
    return _add_log_key(settings, name or f"{MADE_UP}{token_hex(8)}", LogKeys())


def rotate_log_key(settings: Settings) -> SignerKey:
    """Write a new key of the same name; the present one continues to sign as well."""
    keys = _keys_in_our_file(settings)
    assert keys.signer is not None
    return _add_log_key(settings, keys.signer.name, keys)


def retire_log_keys(settings: Settings, size: int | None) -> list[VerifierKey]:
    """Forget the secret former keys; returns their public keys, which stay published.

    They count up to the size that the log has now.
    """
    signer, former = _keys_in_our_file(settings)
    assert signer is not None
    last = LARGEST_SIZE if size is None else size
    public = [
        replace(key.verifier, sizes=(0, last)) if isinstance(key, SignerKey) else key
        for key in former
    ]
    _write_log_keys(settings, signer, *public)
    return public


def _keys_in_our_file(settings: Settings) -> LogKeys:
    keys = LogKeys() if settings.log_key.startswith("env:") else read_log_keys(settings)
    if keys.signer is None:
        raise BadSetting(
            f"STEMMA_LOG_KEY: there is no file with a secret key at {settings.log_key}"
        )
    return keys


def _add_log_key(settings: Settings, name: str, keys: LogKeys) -> SignerKey:
    try:
        key = SignerKey.new(name)
    except (ValueError, NotVerified) as error:
        raise BadSetting(
            f"“{name}” is not a name for a key: write one such as example.org/log, without spaces "
            "and “+”"
        ) from error
    signer = [] if keys.signer is None else [keys.signer]
    _write_log_keys(settings, key, *signer, *keys.former)
    return key


def _write_log_keys(settings: Settings, *keys: SignerKey | VerifierKey) -> None:
    path = Path(settings.log_key)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (key.secret_text() if isinstance(key, SignerKey) else key.line for key in keys)
    with written_whole(path) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
