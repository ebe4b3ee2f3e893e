"""A log at a URL: requests to it, and the keys by which its answers are verified."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

from domain.checkpoint import (
    Checkpoint,
    Trusted,
    decode_proof,
    must_continue,
    open_checkpoint,
    verify_growth,
)
from domain.latest import Latest, verify_latest
from domain.note import Note, VerifierKey
from domain.receipt import Receipt, verify_receipt
from domain.tree import ENTRIES, LARGEST_ENTRY_BYTES, TILE_WIDTH, NotVerified, Tile
from scripts.described import printable
from scripts.line import Connections, open_alone
from scripts.mirrored import must_be_seen

TOO_MANY = 429
PATIENCE = 20
"""How many times a request is repeated that the service asks to wait for."""
LONGEST_WAIT_SECONDS = 60.0
LARGEST_ANSWER_BYTES = TILE_WIDTH * (2 + LARGEST_ENTRY_BYTES)
"""The size of the largest answer of a log, an entry bundle."""


class Unreachable(Exception):
    """The log does not answer, or answers with an error."""

    def __init__(
        self, told: str, status: int | None = None, said: str = "", wait: str | None = None
    ) -> None:
        super().__init__(told)
        self.status, self.said, self.wait = status, said, wait


@dataclass(frozen=True)
class Remote:
    """A log to be queried, and what its answers are verified by."""

    url: str
    keys: Sequence[VerifierKey]
    api_key: str | None = None
    """The API key of an auditor; leaves need one, unless they are published."""
    max_age: int | None = None
    """The log counts as frozen if it has not grown, or was not seen by witnesses, for this many
    seconds."""
    seen: Mapping[str, Any] = field(default_factory=dict)
    """Options of ``open_checkpoint``: which witnesses must have seen a tree."""

    @property
    def is_witnessed(self) -> bool:
        """Whether witnesses are required."""
        return bool(self.seen.get("witnesses"))

    def names(self, tree: Checkpoint) -> set[str]:
        """The names of the log: in its checkpoints, and of its keys."""
        return {tree.origin, *(key.name for key in self.keys)}

    def checkpoint(self) -> tuple[bytes, Trusted]:
        """The latest checkpoint or, if witnesses are required, the latest that they have seen."""
        note = self.note("checkpoint/witnessed" if self.is_witnessed else "checkpoint")
        return note, open_checkpoint(note, self.keys, **self.seen)

    def note(self, path: str) -> bytes:
        """A checkpoint, not verified; if there is none, the error says where a log is."""
        try:
            return fetch(f"{self.url}/{path}")
        except Unreachable as problem:
            if problem.status not in (401, 404) or self.url.endswith("/log"):
                raise
            told = f"{problem}\nIs there a log? That of a service of Stemma is at {self.url}/log."
            raise Unreachable(told, problem.status) from problem

    def prove_growth(self, old: Checkpoint, new: Checkpoint) -> None:
        """Raise NotVerified unless the log proves that one tree extends the other."""
        must_continue(old, new)
        asked = f"{self.url}/consistency?old={old.size}&new={new.size}"
        lines = fetch(asked).decode("utf-8", "replace").splitlines()
        verify_growth(old, new, decode_proof(lines))

    def must_be_recent(self, trusted: Trusted, kept: Path) -> None:
        """Raise NotVerified if the log seems frozen, by witnesses or, without any, by our file."""
        old, since = None, 0.0
        if kept.exists():
            old, since = Checkpoint.parse(Note.parse(kept.read_bytes()).text), kept.stat().st_mtime
        self.must_have_grown(trusted, old, since)

    def must_have_grown(self, trusted: Trusted, old: Checkpoint | None, since: float) -> None:
        """Raise NotVerified if witnesses or, without any, we have seen no new tree lately."""
        if self.max_age is None:
            return
        if trusted.cosignatures:
            must_be_seen(trusted, self.max_age)
            return
        has_grown, age = old is None or old.size != trusted.checkpoint.size, time.time() - since
        if not has_grown and age > self.max_age:
            raise NotVerified(f"frozen: the log has not grown for {int(age)} seconds")

    def tile(self, tile: Tile, line: Connections | None = None) -> bytes:
        """A tile, or a bundle of entries, which may need a key."""
        try:
            key = self.api_key if tile.level == ENTRIES else None
            return fetch_patiently(f"{self.url}/{tile.path}", key=key, line=line)
        except Unreachable as problem:
            if problem.status not in (401, 403):
                raise
            told = "The leaves need the key of an auditor (--api-key); --hashes needs none."
            raise Unreachable(f"{problem}\n{told}") from problem

    def map(self, size: int) -> bytes | None:
        """The signed map of the tree of a size; None if the log shows none."""
        try:
            return fetch(f"{self.url}/map/{size}")
        except Unreachable as problem:
            if problem.status != 404:
                raise
            return None

    def latest(self, id: str) -> Latest:
        """The latest fact about a person or a work, as the log has signed it."""
        seen = "?witnessed=true" if self.is_witnessed else ""
        proof = fetch_patiently(f"{self.url}/latest/{id}{seen}", key=self.api_key)
        latest = verify_latest(proof, self.keys, **self.seen)
        if latest.subject != id:
            raise NotVerified(f"the proof of the latest fact about {id} is about {latest.subject}")
        return latest

    def receipt(self, position: int) -> Receipt:
        """The receipt of the fact at a position."""
        address = f"{self.url.removesuffix('/log')}/facts/{position}/receipt"
        receipt = verify_receipt(fetch_patiently(address, key=self.api_key), self.keys)
        if receipt.leaf.position != position:
            raise NotVerified(f"the receipt of position {position} is of {receipt.leaf.position}")
        return receipt


def fetch_patiently(
    address: str,
    waits: Collection[int] = (TOO_MANY,),
    *,
    key: str | None,
    line: Connections | None = None,
) -> bytes:
    """The content at a URL of a service that may ask to wait.

    A large log has more tiles, or a history more facts, than a service allows in a minute.
    """
    for _ in range(PATIENCE):
        try:
            return fetch(address, key=key, line=line)
        except Unreachable as problem:
            if problem.status not in waits:
                raise
            time.sleep(_wait_of(problem))
    return fetch(address, key=key, line=line)


def fetch(
    address: str,
    posted: bytes | None = None,
    *,
    key: str | None = None,
    line: Connections | None = None,
) -> bytes:
    """The content at a URL, or the answer to ``posted``."""
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{address} is not an http address")
    asked = Request(address, posted, {"Accept-Encoding": "gzip, identity"})
    if key is not None:
        # Unredirected: the key is not sent to wherever a redirection leads.
        asked.add_unredirected_header("Authorization", f"Bearer {key}")
    try:
        try:
            with line.open(asked) if line else open_alone(asked) as answer:
                data: bytes = answer.read(LARGEST_ANSWER_BYTES + 1)
                if answer.headers.get("Content-Encoding") == "gzip":
                    data = _unpacked(data)
        except HTTPError as refused:
            with refused:
                said = refused.read(10_000).decode("utf-8", "replace")
            told = f"{address}: {refused.code} {printable(_in_words(said) or refused.reason)}"
            raise Unreachable(told, refused.code, said, refused.headers["Retry-After"]) from refused
    # ValueError: a redirection leads to what is no address.
    except (URLError, HTTPException, OSError, ValueError, zlib.error) as error:
        why = getattr(error, "reason", error)
        told = printable(getattr(why, "strerror", None) or str(why))
        raise Unreachable(f"{address}: {told}") from error
    if len(data) > LARGEST_ANSWER_BYTES:
        raise Unreachable(f"{address} answers more than {LARGEST_ANSWER_BYTES} bytes")
    return data


def _in_words(said: str) -> str:
    """The human-readable detail of a refusal."""
    try:
        problem = json.loads(said)
        return f"{problem['detail']} ({problem['code']})"
    except (ValueError, LookupError, TypeError, RecursionError):
        return said[:1000]


def _unpacked(data: bytes) -> bytes:
    """Decompressed data, limited to one byte more than the maximum against decompression bombs."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    unpacked = unpacker.decompress(data, LARGEST_ANSWER_BYTES + 1)
    if not unpacker.eof and len(unpacked) <= LARGEST_ANSWER_BYTES:
        raise zlib.error("the compressed answer is not complete")
    return unpacked


def _wait_of(problem: Unreachable) -> float:
    """How many seconds a service asks to wait."""
    said = problem.wait
    seconds = float(said) if said is not None and said.isdecimal() else 1.0
    return min(seconds, LONGEST_WAIT_SECONDS)
