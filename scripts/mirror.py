"""Mirroring a log: its tiles, and with a key its leaves, are copied into a folder and checked.

The one rule: the checkpoint in the folder is replaced only after everything below the new one was
computed again and the old one was found in it; so a rewrite, a fork or a rollback is noticed.

The folder is itself a C2SP tlog-tiles log: any web server can serve it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from domain.checkpoint import Trusted, open_checkpoint
from domain.note import VerifierKey
from domain.tree import ENTRIES, LARGEST_ENTRY_BYTES, TILE_WIDTH, NotVerified, Tile, tiles_of
from scripts.verify import bundles_of, check_hashes, check_log, must_continue, printable

TIMEOUT_SECONDS = 30
LARGEST_ANSWER_BYTES = TILE_WIDTH * (2 + LARGEST_ENTRY_BYTES)
"""The size of the largest answer of a log, an entry bundle."""


class Unreachable(Exception):
    """The log does not answer, or answers with an error."""

    def __init__(self, told: str, status: int | None = None) -> None:
        super().__init__(told)
        self.status = status


def mirror(
    url: str,
    folder: Path,
    keys: Sequence[VerifierKey],
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    *,
    api_key: str | None = None,
    only_hashes: bool = False,
) -> Trusted:
    """Bring a folder up to date with the log at an address; NotVerified if the log was rewritten.

    Full tiles already there are not fetched again: they never change. The leaves need the key of
    an auditor, unless they are published; hashes alone show everything but what was recorded.
    """
    note = fetch(f"{url}/checkpoint")
    trusted = open_checkpoint(note, keys)
    kept = folder / "checkpoint"
    remembered = open_checkpoint(kept.read_bytes(), keys).checkpoint if kept.exists() else None
    if remembered is not None:
        must_continue(remembered, trusted.checkpoint)
    size = trusted.checkpoint.size
    tiles = [*([] if only_hashes else bundles_of(size)), *tiles_of(size)]
    for number, tile in enumerate(tiles, start=1):
        _keep(url, folder, tile, api_key)
        progress(number, len(tiles))
    if only_hashes:
        check_hashes(folder, trusted.checkpoint, remembered)
    else:
        logs = {trusted.checkpoint.origin, *(key.name for key in keys)}
        check_log(folder, trusted.checkpoint, remembered, logs)
    write_whole(kept, note)
    return trusted


def _keep(url: str, folder: Path, tile: Tile, api_key: str | None) -> None:
    path = folder / tile.path
    if tile.width < TILE_WIDTH or not path.exists():
        write_whole(path, _fetched(f"{url}/{tile.path}", tile, api_key))


def _fetched(address: str, tile: Tile, api_key: str | None) -> bytes:
    if tile.level != ENTRIES:
        return fetch(address)
    try:
        return fetch(address, key=api_key)
    except Unreachable as problem:
        if problem.status not in (401, 403):
            raise
        raise Unreachable(
            f"{problem}\nThe leaves need the key of an auditor (--api-key); --hashes needs none."
        ) from problem


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def fetch(address: str, posted: bytes | None = None, *, key: str | None = None) -> bytes:
    """The content at an address, or its answer to what is posted there."""
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{address} is not an http address")
    asked = Request(address, posted)
    if key is not None:
        # Not sent on to wherever a redirection leads.
        asked.add_unredirected_header("Authorization", f"Bearer {key}")
    try:
        with urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(LARGEST_ANSWER_BYTES + 1)
    except HTTPError as refused:
        with refused:
            said = printable(refused.read(1000).decode("utf-8", "replace"))
        raise Unreachable(f"{address}: {refused.code} {said}", refused.code) from refused
    except (URLError, OSError) as error:
        raise Unreachable(f"{address}: {error}") from error
    if len(data) > LARGEST_ANSWER_BYTES:
        raise Unreachable(f"{address} answers more than {LARGEST_ANSWER_BYTES} bytes")
    return data


__all__ = ["NotVerified", "Unreachable", "fetch", "mirror", "write_whole"]
