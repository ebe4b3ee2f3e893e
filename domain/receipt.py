"""A receipt: one fact, and the proof that it is in the log, in one small file.

A receipt can be written in only one way, and the signature of the log or of a required witness
covers every byte of it, except for signature lines that are repeated or by keys nobody asks for.

The file is a C2SP tlog-proof (sections "Format" and "Verifying a tlog proof"); its extra line
holds the leaf. This file depends only on the standard library and cryptography, so that a receipt
can be checked on its own, years later.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from domain.checkpoint import Quorum, Trusted, decode_proof, encode_proof, open_checkpoint
from domain.note import VerifierKey, base64, decimal, readable
from domain.tree import (
    HASH_BYTES,
    LARGEST_ENTRY_BYTES,
    LARGEST_SIZE,
    NotVerified,
    leaf_hash,
    verify_inclusion,
)
from domain.trust import Misused

# -- Leaves --------------------------------------------------------------------------------------

LEAF = "fact@v1"
"""The format of leaves; a changed format gets another name."""
NO_LINKS = "[]"
"""The links of a fact without subjects, which its leaf leaves out."""


class Link(NamedTuple):
    """The place of a fact among all facts about a subject (see domain.chain)."""

    subject: str
    """A work or a contributor."""
    number: int
    """Its number among them, from 1."""
    previous: int = 0
    """The position of the previous fact about the subject; 0 if there is none."""
    hash: bytes = b""
    """The hash of the previous fact's leaf (RFC 6962); empty if there is none."""


class Leaf(NamedTuple):
    """A fact as it was stored, with its place in the journal and in the history of each subject."""

    position: int
    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    links: tuple[Link, ...] = ()

    def link_to(self, subject: str) -> Link:
        """Its place among the facts about a subject; NotVerified if it is not about that."""
        for link in self.links:
            if link.subject == subject:
                return link
        raise NotVerified(f"position {self.position} is not about {subject}")


def leaf_bytes(
    position: int,
    originator_id: str,
    originator_version: int,
    topic: str,
    state: bytes,
    links: Iterable[Link] = (),
) -> bytes:
    """The leaf of a fact: its place as one line of JSON, then its stored bytes unchanged.

    Each fact has exactly one leaf, and each leaf one fact; ValueError for values without a leaf.
    """
    for name, number in (("position", position), ("originator_version", originator_version)):
        if type(number) is not int or not 0 <= number <= LARGEST_SIZE:
            raise ValueError(f"the {name} of a leaf is a number from 0 to 2^63 - 1")
    for name, text in (("originator_id", originator_id), ("topic", topic)):
        if not isinstance(text, str):
            raise ValueError(f"the {name} of a leaf is text")
    linked = f"[{','.join(_spelled(link, position) for link in links)}]"
    return spell_leaf(position, originator_id, originator_version, topic, state, linked)


def spell_leaf(
    position: int, originator_id: str, originator_version: int, topic: str, state: bytes, links: str
) -> bytes:
    """The leaf for values known to be valid; ``links`` is their JSON."""
    # Written by hand for speed, because an append waits for it; json.dumps writes the same.
    linked = "" if links == NO_LINKS else f',"links":{links}'
    place = (
        f'{{"stemma":"{LEAF}","position":{position},"originator_id":{_text(originator_id)},'
        f'"originator_version":{originator_version},"topic":{_text(topic)}{linked}}}\n'
    )
    leaf = place.encode() + state
    if len(leaf) > LARGEST_ENTRY_BYTES:
        raise ValueError(f"a leaf of {len(leaf)} bytes is too large; {LARGEST_ENTRY_BYTES} fit")
    return leaf


_text = json.encoder.encode_basestring  # what json.dumps uses with ensure_ascii=False


def spell_link(subject: str, number: int, previous: int, hash: str) -> str:
    """One link as JSON, with its hash in base64; the first fact about a subject names no other."""
    if number == 1:
        return f"[{_text(subject)},1]"
    return f'[{_text(subject)},{number},{previous},"{hash}"]'


def read_links(text: str) -> tuple[Link, ...]:
    """Read links from their JSON in a leaf."""
    return _links(json.loads(text))


def numbers_in(texts: Iterable[str]) -> Iterator[Iterator[tuple[str, int]]]:
    """Of the links of each fact: subjects with their numbers. All are read at once."""
    for links in json.loads(f"[{','.join(texts)}]"):
        yield ((link[0], link[1]) for link in links)


def _spelled(link: Link, position: int) -> str:
    if [type(part) for part in link] != [str, int, int, bytes]:
        raise ValueError("a link of a leaf is text, two numbers and a hash")
    if link != (link.subject, 1, 0, b""):
        if not 1 < link.number <= position or not link.number - 1 <= link.previous < position:
            raise ValueError("a link of a leaf names a fact before it")
        if len(link.hash) != HASH_BYTES:
            raise ValueError("a link of a leaf holds a hash of 32 bytes")
    return spell_link(*link[:3], b64encode(link.hash).decode())


def _links(spelled: Iterable[Sequence[Any]]) -> tuple[Link, ...]:
    return tuple(
        Link(subject, number, *((before[0], b64decode(before[1])) if before else ()))
        for subject, number, *before in spelled
    )


def read_leaf(data: bytes) -> Leaf:
    """Read a leaf; NotVerified for any bytes that ``leaf_bytes`` does not produce."""
    place, state = read_place(data)
    try:
        del place["stemma"]
        links = _links(place.pop("links", ()))
        leaf = Leaf(**place, state=state, links=links)
        is_leaf = leaf_bytes(*leaf) == data
    except (ValueError, TypeError, LookupError) as problem:
        raise NotVerified(NO_LEAF) from problem
    if not is_leaf:
        raise NotVerified("the leaf is not in its only spelling")
    return leaf


NO_LEAF = "the leaf is not one of this form: a line of place, then a fact"


def read_place(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The place that a leaf states, in any spelling, and its fact; NotVerified if it is no leaf."""
    line, _, state = data.partition(b"\n")
    try:
        place = json.loads(line.decode())
    except (ValueError, RecursionError) as problem:
        raise NotVerified(NO_LEAF) from problem
    if not isinstance(place, dict):
        raise NotVerified(NO_LEAF)
    return place, state


# -- Proofs (C2SP tlog-proof) --------------------------------------------------------------------

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class LogProof:
    """The claim, still to be verified, that a leaf is at an index in a log."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """The signed checkpoint, byte for byte as the log issued it."""
    extra: bytes | None = None
    """Further data for the reader, not trusted as it is; in a receipt, the leaf."""

    def encode(self) -> bytes:
        """The proof as a file (tlog-proof, section "Format")."""
        extra = "" if self.extra is None else f"extra {b64encode(self.extra).decode()}\n"
        head = f"{HEADER}\n{extra}index {self.index}\n{encode_proof(self.hashes)}\n"
        return head.encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof from a file, without verifying it; Misused if the file holds several."""
        head, _, checkpoint = readable(data, "receipt").partition("\n\n")
        if not checkpoint.endswith("\n"):
            raise NotVerified("the receipt does not end with a blank line and a checkpoint")
        header, *lines = head.split("\n")
        if header != HEADER:
            raise NotVerified(f"the receipt does not begin with {HEADER}")
        if f"\n{HEADER}\n" in checkpoint:
            raise Misused("the file holds several receipts: “verify history” checks them")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = base64(lines.pop(0).removeprefix("extra "), "extra data")
        if not lines or not lines[0].startswith("index "):
            raise NotVerified("the receipt has no line with its index")
        index = decimal(lines.pop(0).removeprefix("index "), "index")
        return cls(index, decode_proof(lines), checkpoint.encode(), extra)


def is_receipt(data: bytes) -> bool:
    """Whether a file claims to be a receipt."""
    return data.startswith(HEADER.encode())


WITHHELD = "withheld "
"""Begins a file of receipts without the facts about money that its reader may not read."""


def withheld_line(numbers: Iterable[int]) -> bytes:
    """The line with the numbers of the facts left out of a history; empty if there are none."""
    written = " ".join(map(str, numbers))
    return f"{WITHHELD}{written}\n".encode() if written else b""


def split_withheld(data: bytes) -> tuple[list[int], bytes]:
    """The numbers of the facts that a file leaves out, ascending, and the receipts after them."""
    if not data.startswith(WITHHELD.encode()):
        return [], data
    line, _, receipts = data.partition(b"\n")
    numbers = [
        decimal(word, "number of a withheld fact")
        for word in readable(line, "first line").removeprefix(WITHHELD).split(" ")
    ]
    if numbers != sorted({*numbers} - {0}):
        raise NotVerified("the numbers of what is withheld are not in order")
    return numbers, receipts


def split_receipts(data: bytes) -> list[bytes]:
    """The receipts in a file that holds several, one after the other."""
    lines = data.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if line == f"{HEADER}\n".encode()]
    if not starts or starts[0]:
        raise NotVerified(f"the file does not begin with {HEADER}")
    ends = [*starts[1:], len(lines)]
    return [b"".join(lines[start:end]) for start, end in zip(starts, ends, strict=True)]


# -- Receipts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Receipt:
    """A verified receipt: the recorded fact, its index in the log, and who vouches for it."""

    leaf: Leaf
    index: int
    trusted: Trusted


def make_receipt(*, leaf: bytes, index: int, proof: Collection[bytes], checkpoint: bytes) -> bytes:
    """The receipt for the leaf at an index, under a signed checkpoint."""
    return LogProof(index, tuple(proof), checkpoint, leaf).encode()


def verify_receipt(
    data: bytes,
    keys: Collection[VerifierKey],
    *,
    origin: str | None = None,
    witnesses: Collection[VerifierKey] = (),
    quorum: Quorum | None = None,
) -> Receipt:
    """Check a receipt against the keys of the log; raises NotVerified, which names the fault.

    Follows tlog-proof, section "Verifying a tlog proof"; for origin, witnesses and quorum see
    open_checkpoint.
    """
    proof = LogProof.parse(data)
    if proof.extra is None:
        raise NotVerified("the receipt does not contain its leaf")
    trusted = open_checkpoint(
        proof.checkpoint, keys, origin=origin, witnesses=witnesses, quorum=quorum
    )
    verify_inclusion(
        leaf_hash(proof.extra),
        index=proof.index,
        size=trusted.checkpoint.size,
        proof=proof.hashes,
        root=trusted.checkpoint.root,
    )
    leaf = read_leaf(proof.extra)
    if leaf.position != proof.index + 1:  # or a later fact could pass for an earlier one
        raise NotVerified(
            f"position {proof.index + 1}: it says that it is at position {leaf.position}"
        )
    return Receipt(leaf, proof.index, trusted)
