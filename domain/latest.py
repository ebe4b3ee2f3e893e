"""The latest fact about a subject, and the proof that nothing about it came after.

With each checkpoint the log signs a second note: the root of a map from every work and person to
the number and position of the latest fact about it. A proof shows the map's value for one subject,
or that it has none, under a checkpoint of the same tree.

The map is a sparse Merkle tree (domain.sparse); its key is the id, its value "NUMBER POSITION". It
has a note of its own instead of a further line in the checkpoint, because not every kind of
cosignature covers such lines, and other clients would have to carry them. Everybody who mirrors the
leaves checks that the map follows from them. This file imports only what is needed to check a
checkpoint.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, NamedTuple, Self

from domain import note, sparse
from domain.checkpoint import (
    Checkpoint,
    Trusted,
    decode_proof,
    encode_proof,
    must_count,
    open_checkpoint,
)
from domain.note import Note, SignerKey, VerifierKey, base64, decimal, readable
from domain.sparse import MapLeaf, Proof
from domain.tree import HASH_BYTES, NotVerified

HEADER, MAP = "stemma-latest@v1", "stemma-map@v1"


class Place(NamedTuple):
    """The latest fact about a subject: its number among the facts about it, and its position."""

    number: int
    position: int

    def __str__(self) -> str:
        return f"{self.number} {self.position}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NUMBER POSITION``; raises NotVerified for any other text."""
        number, _, position = text.partition(" ")
        place = cls(decimal(number, "number of the fact"), decimal(position, "position"))
        if not place.number:
            raise NotVerified("facts are numbered from 1")
        return place


def leaf_for(subject: str, place: Place) -> MapLeaf:
    """The leaf of the map for a subject."""
    return sparse.leaf_of(subject.encode(), str(place).encode())


def path_of(subject: str) -> bytes:
    """The path to a subject's leaf in the map."""
    return sparse.leaf_of(subject.encode(), b"").path


def must_be_map_of(root: bytes, places: Iterable[tuple[str, tuple[int, int]]]) -> None:
    """Raise NotVerified unless the map with exactly these entries has this (signed) root."""
    if sparse.root_of(leaf_for(subject, Place(*place)) for subject, place in places) != root:
        raise NotVerified("the map that was signed is not the one that follows from the leaves")


# -- The map of a checkpoint ---------------------------------------------------------------------


class MapOf(NamedTuple):
    """The root of the map that belongs to a checkpoint's tree."""

    checkpoint: Checkpoint
    root: bytes

    @property
    def text(self) -> str:
        """The text of the signed note. It can't pass for a checkpoint: line 2 is no size."""
        log, roots = self.checkpoint, (self.checkpoint.root, self.root)
        tree, held = (b64encode(root).decode() for root in roots)
        return f"{MAP}\n{log.origin}\n{log.size}\n{tree}\n{held}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a signed note; raises NotVerified for any other text."""
        header, _, rest = text.partition("\n")
        if header != MAP or rest.count("\n") != 4:
            raise NotVerified(f"the note is not a {MAP}")
        checkpoint = Checkpoint.parse(rest)
        root = base64(checkpoint.extensions[0], "root of the map")
        if len(root) != HASH_BYTES:
            raise NotVerified(f"the root of the map has {len(root)} bytes, not {HASH_BYTES}")
        return cls(Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root), root)


def sign_map(checkpoint: Checkpoint, root: bytes, *signers: SignerKey) -> bytes:
    """The signed note that states the root of the map for a checkpoint's tree."""
    return note.sign(MapOf(checkpoint, root).text, *signers)


def open_map(data: bytes, keys: Collection[VerifierKey], trusted: Trusted) -> bytes:
    """Check a map's note; return the root that the log signed for a trusted checkpoint's tree.

    Raises NotVerified for a note by another log or for another tree.
    """
    parsed = Note.parse(data)
    stated = MapOf.parse(parsed.text)
    logs = {one.name for one in trusted.signers}
    signers = [one for one in note.verify(parsed, keys).verified if one.name in logs]
    if not signers:
        raise NotVerified("the map is signed by another log than the checkpoint")
    must_count(signers, keys, stated.checkpoint.size)
    if stated.checkpoint != replace(trusted.checkpoint, extensions=()):
        raise NotVerified("the map is of another tree than the checkpoint")
    return stated.root


# -- The proof of one subject --------------------------------------------------------------------


class Latest(NamedTuple):
    """What a checked proof shows: the latest fact about a subject, in the tree of a checkpoint."""

    subject: str
    place: Place | None
    """None if there is no fact about it."""
    map: bytes
    """The root of the map."""
    trusted: Trusted

    @property
    def size(self) -> int:
        """The position up to which no later fact about the subject exists."""
        return self.trusted.checkpoint.size

    def told(self) -> str:
        """The fact in words: ``none`` or ``fact NUMBER at position POSITION``."""
        if self.place is None:
            return "none"
        return f"fact {self.place.number} at position {self.place.position}"

    def must_end(self, subject: str, place: Place, withheld: int, size: int) -> None:
        """Raise NotVerified unless a subject's history up to ``size`` ends with this fact, or with
        as many after it as were withheld from its reader.
        """
        if self.subject != subject:
            raise NotVerified(f"the proof of the latest fact is about {self.subject}")
        if self.size < size:
            raise NotVerified(f"the proof of the latest fact ends at {self.size}, not {size}")
        number, position = place.number + withheld, place.position + withheld
        is_last = self.place == place
        if withheld and self.place is not None:
            is_last = self.place.number == number and self.place.position >= position
        if not is_last:
            where = f"after position {place.position}" if withheld else f"at position {position}"
            raise NotVerified(
                f"the history ends with fact {number} of {subject} {where}, and the latest is "
                f"{self.told()}"
            )


def make_latest(
    *, subject: str, place: Place | None, proof: Proof, map: bytes, checkpoint: bytes
) -> bytes:
    """The proof as a file: the statement, the hashes, the map's note and the checkpoint."""
    other = "" if proof.other is None else f"other {b64encode(proof.other.data).decode()}\n"
    statement = f"of {subject}\nfact {'none' if place is None else place}\n{other}"
    head = f"{HEADER}\n{statement}{encode_proof(proof.beside)}\n"
    return head.encode() + map + b"\n" + checkpoint


def verify_latest(data: bytes, keys: Collection[VerifierKey], **asked: Any) -> Latest:
    """Check a file made by ``make_latest``; raises NotVerified, which names the fault.

    ``asked`` are options of ``open_checkpoint``.
    """
    parts = readable(data, "file").split("\n\n")
    head = parts[0].split("\n")
    if len(parts) != 5 or len(head) < 3 or head[0] != HEADER:
        raise NotVerified(f"the file is not a {HEADER} with two notes below")
    _, of, fact, *rest = head
    if not of.startswith("of ") or not fact.startswith("fact "):
        raise NotVerified("the file does not say of what the latest fact is, or which it is")
    subject, stated = of.removeprefix("of "), fact.removeprefix("fact ")
    place = None if stated == "none" else Place.parse(stated)
    other = _other(rest.pop(0)) if rest and rest[0].startswith("other ") else None
    trusted = open_checkpoint("\n\n".join(parts[3:]).encode(), keys, **asked)
    root = open_map(f"{parts[1]}\n\n{parts[2]}\n".encode(), keys, trusted)
    if place is not None and not place.number <= place.position <= trusted.checkpoint.size:
        raise NotVerified(f"there is no position {place.position} with fact {place.number}")
    value = None if place is None else leaf_for(subject, place).value
    sparse.verify(Proof(decode_proof(rest), other), path_of(subject), value, root)
    return Latest(subject, place, root, trusted)


def _other(line: str) -> MapLeaf:
    data = base64(line.removeprefix("other "), "other leaf of the map")
    return MapLeaf(data[:HASH_BYTES], data[HASH_BYTES:])
