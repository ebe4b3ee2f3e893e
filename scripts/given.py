"""Reading what a verifier is given besides a file: keys, and the texts of a fact.

It needs what scripts.verify needs: the standard library and cryptography.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from domain.chain import content_of
from domain.note import VerifierKey
from domain.receipt import is_receipt, verify_receipt
from domain.seal import Disclosure, digest_of
from domain.signature import must_be_key_of
from domain.tree import NotVerified
from domain.trust import Misused


def read_actor_keys(
    text: str, keys: Sequence[VerifierKey], before: int, **asked: Any
) -> list[VerifierKey]:
    """The keys of an actor: as text, from a file, or from the receipt of a registration.

    Such a receipt is verified with the same options; its fact must be before position ``before``.
    """
    path = Path(text)
    if len(text) > 4096 or not path.is_file() or not is_receipt(data := path.read_bytes()):
        return read_keys([text])
    leaf = verify_receipt(data, keys, **asked).leaf
    if leaf.position >= before:
        raise NotVerified(f"{path} registers the key at position {leaf.position}, which is later")
    if leaf.topic != "contributor.key_registered":
        raise NotVerified(f"{path} is the receipt of a {leaf.topic}, not of a key's registration")
    return [must_be_key_of(leaf.originator_id, content_of(leaf).get("key", ""))]


def read_disclosures(path: Path) -> list[Disclosure]:
    """The disclosures of a fact, as GET /facts/{position}/disclosures returns them."""
    try:
        told = json.loads(path.read_text("utf-8"))["disclosures"]
        return [Disclosure(digest_of(*one), "", one[1], one[0], one[2]) for one in told]
    except (ValueError, TypeError, LookupError, RecursionError) as problem:
        raise NotVerified(f"{path} does not hold disclosures") from problem


def read_keys(texts: Iterable[str]) -> list[VerifierKey]:
    """Verifier keys as text, or from files with one per line; Misused for anything else."""
    return [key for text in texts for key in _keys_in(text)]


def _keys_in(text: str) -> list[VerifierKey]:
    try:
        return [VerifierKey.parse(text)]
    except NotVerified as problem:
        path = Path(text)
        if len(text) <= 4096 and path.is_file():
            lines = path.read_text("utf-8", "replace").split("\n")
            with suppress(NotVerified):
                if keys := [VerifierKey.parse(line.strip()) for line in lines if line.strip()]:
                    return keys
        what = "is neither a public key, as NAME+ID+BASE64, nor a file with some"
        raise Misused(f"{text[:100]!r} {what}: {problem}") from problem
