"""A promise: the log's word, given with the answer to a write, that a fact stands at a position.

A fact that was acknowledged and is not in the log where it was promised proves that the log was
changed in between; the promise is kept by the sender of the write.

The form is a signed note (C2SP signed-note) of five lines, which is no checkpoint: its second line
names the log. This file depends only on those that check a receipt.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from typing import NamedTuple, Self

from domain import note
from domain.checkpoint import must_count
from domain.note import Note, SignerKey, VerifierKey, decimal
from domain.tree import HASH_BYTES, NotVerified

HEADER = "stemma-promise@v1"


class Promise(NamedTuple):
    """The statement that a leaf with this hash is at a position of a log."""

    log: str
    position: int
    hash: bytes
    """The hash of the leaf (RFC 6962): of the fact as stored, with its place."""
    time: str
    """When the fact was recorded."""

    @property
    def text(self) -> str:
        """The text that is signed."""
        hashed = b64encode(self.hash).decode()
        return f"{HEADER}\n{self.log}\n{self.position}\n{hashed}\n{self.time}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a promise."""
        match text.split("\n"):
            case [header, log, position, hash, time, ""] if header == HEADER:
                promise = cls(
                    log, decimal(position, "position"), note.base64(hash, "hash of the leaf"), time
                )
                if promise.position and len(promise.hash) == HASH_BYTES:
                    return promise
        raise NotVerified(f"the note is not a {HEADER}")


def make_promise(promise: Promise, signer: SignerKey) -> str:
    """The promise as a signed note."""
    return note.sign(promise.text, signer).decode()


def open_promise(data: bytes, keys: Collection[VerifierKey]) -> Promise:
    """A promise that a key of the log has signed; NotVerified for anything else."""
    parsed = Note.parse(data)
    promise = Promise.parse(parsed.text)
    signers = [one for one in note.verify(parsed, keys).verified if one.name == promise.log]
    if not signers:
        raise NotVerified(f"the promise is of another log, {promise.log!r}")
    must_count(signers, keys, promise.position)
    return promise
