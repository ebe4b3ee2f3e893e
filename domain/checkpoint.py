"""A checkpoint: how many leaves a log holds and their root, signed by the log and its witnesses.

From one trusted checkpoint to the next a log only grows. One that shrank, forked or was rewritten
is refused, and the message says which.

The format is C2SP tlog-checkpoint (section "Note text") in a signed note; cosignatures of
witnesses are C2SP tlog-cosignature (section "Format"). This file depends only on the standard
library and cryptography, so that a checkpoint can be checked on its own, years later.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from domain import note
from domain.note import (
    WITNESSING,
    Note,
    Signature,
    SignerKey,
    VerifierKey,
    decimal,
    readable,
    time_of,
)
from domain.tree import EMPTY_ROOT, HASH_BYTES, LARGEST_SIZE, NotVerified, verify_consistency


@dataclass(frozen=True)
class Checkpoint:
    """What a log states about itself: its name, its size, and the root over its leaves."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines, kept as they are; monitors cannot audit them, so Stemma writes none."""

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise NotVerified("a line of the checkpoint is empty")
            readable(line.encode(), "checkpoint")
        if not 0 <= self.size <= LARGEST_SIZE:
            raise NotVerified(f"no tree has {self.size} leaves")
        if not self.root:
            raise NotVerified("the checkpoint has an empty root")

    @property
    def text(self) -> str:
        """The text that is signed (tlog-checkpoint, section "Note text")."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint; whether the root is possible is checked on opening."""
        if not text.endswith("\n"):
            raise NotVerified("the checkpoint does not end with a newline")
        lines = text[:-1].split("\n")
        if len(lines) < 3:
            raise NotVerified(f"the checkpoint has {len(lines)} lines, not at least 3")
        origin, size, root, *extensions = lines
        return cls(
            origin,
            decimal(size, "size of the checkpoint"),
            note.base64(root, "root of the checkpoint"),
            tuple(extensions),
        )


Quorum = int | Callable[[Collection[VerifierKey]], bool]
"""How many witnesses are needed, or whether some are enough (domain.trust)."""


class Cosignature(NamedTuple):
    """A witness saw this as the largest tree of the log at a time (seconds since 1970)."""

    witness: str
    time: int


class Trusted(NamedTuple):
    """A checkpoint that the log has signed, and the witnesses that have seen it too."""

    checkpoint: Checkpoint
    signers: tuple[Signature, ...]
    """The signatures of the log that hold."""
    cosignatures: tuple[Cosignature, ...]


def sign(checkpoint: Checkpoint, *signers: SignerKey) -> bytes:
    """The checkpoint as a signed note."""
    must_be_possible(checkpoint)
    return note.sign(checkpoint.text, *signers)


def open_checkpoint(
    data: bytes,
    keys: Collection[VerifierKey],
    *,
    origin: str | None = None,
    witnesses: Collection[VerifierKey] = (),
    quorum: Quorum | None = None,
) -> Trusted:
    """Trust a checkpoint that the log and enough witnesses have signed; else NotVerified.

    The origin must be the one given or, without one, the name of the key that signed
    (tlog-checkpoint, section "Signatures"). ``quorum`` of the witnesses must have cosigned, or
    those of whom it says so; by default all of them. None of these keys may sign twice, though the
    same line may be there again. Signatures of any other key are ignored.
    """
    parsed = Note.parse(data)
    checkpoint = Checkpoint.parse(parsed.text)
    must_be_possible(checkpoint)
    _must_sign_once(parsed, (*keys, *witnesses))
    signers = note.verify(parsed, keys).verified
    if origin is None:
        signers = tuple(signer for signer in signers if signer.name == checkpoint.origin)
    if not signers or origin not in {None, checkpoint.origin}:
        raise NotVerified(f"the checkpoint is of another log, {checkpoint.origin!r}")
    must_count(signers, keys, checkpoint.size)
    seen = _cosigned(parsed, witnesses)
    _must_be_enough([key for key, _ in seen], witnesses, quorum)
    return Trusted(checkpoint, signers, tuple(Cosignature(key.name, time) for key, time in seen))


def must_count(signers: Iterable[Signature], keys: Iterable[VerifierKey], size: int) -> None:
    """Refuse a tree that only keys have signed which do not count for its size."""
    ranges: dict[tuple[str, bytes], tuple[int, int]] = {}
    for key in keys:  # one that is given twice, as by a policy, keeps the narrower sizes
        first, last = ranges.get((key.name, key.id), key.sizes)
        ranges[key.name, key.id] = max(first, key.sizes[0]), min(last, key.sizes[1])
    signed = {signer[:2]: ranges[signer[:2]] for signer in signers}
    if not any(first <= size <= last for first, last in signed.values()):
        (name, id), (first, last) = next(iter(signed.items()))
        raise NotVerified(
            f"{name}+{id.hex()} counts for the sizes {first} to {last}, and this one is {size}"
        )


def _must_be_enough(
    seen: Collection[VerifierKey], witnesses: Collection[VerifierKey], quorum: Quorum | None
) -> None:
    needed = len(set(witnesses)) if quorum is None else quorum
    is_met = needed(seen) if callable(needed) else len(seen) >= needed
    if not is_met:
        missing = _names({key.name for key in witnesses} - {key.name for key in seen})
        asked = "as the policy asks" if callable(needed) else needed
        raise NotVerified(
            f"cosigned by {len(seen)} of the witnesses, not {asked}; missing: {missing}"
        )


def _cosigned(
    parsed: Note, witnesses: Collection[VerifierKey]
) -> tuple[tuple[VerifierKey, int], ...]:
    """Who of these witnesses has cosigned, and when; a signature that does not hold is refused."""
    must_be_witnesses(witnesses)
    known = {(witness.name, witness.id): witness for witness in witnesses}
    if not any(signature[:2] in known for signature in parsed.signatures):
        return ()
    verified = note.verify(parsed, witnesses).verified
    # Without a time it says nothing about when the tree was seen (tlog-witness, "add-checkpoint").
    times = ((known[name, id], time_of(data)) for name, id, data in verified)
    return tuple((key, time) for key, time in times if time)


def _must_sign_once(parsed: Note, keys: Iterable[VerifierKey]) -> None:
    known = {(key.name, key.id) for key in keys}
    # The same line again says nothing more; another line of the same key would (signed-note,
    # section "Signatures", refuses neither).
    distinct = dict.fromkeys(parsed.signatures)
    signers = [signature[:2] for signature in distinct if signature[:2] in known]
    for name, id in signers:
        if signers.count((name, id)) > 1:
            raise NotVerified(f"{name}+{id.hex()} has signed the checkpoint twice")


def _must_be_witness(key: VerifierKey | SignerKey) -> None:
    if key.kind not in WITNESSING:
        raise NotVerified(f"the key of {key.name} is not one of a witness (cosignature/v1)")


def must_be_witnesses(keys: Collection[VerifierKey]) -> None:
    """A cosignature does not say whose it is: one key under two names would count twice."""
    names: dict[bytes, str] = {}
    for key in keys:
        _must_be_witness(key)
        if names.setdefault(key.public, key.name) != key.name:
            raise NotVerified(f"{names[key.public]} and {key.name} are one witness: one key")


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none of those named"


def must_be_possible(checkpoint: Checkpoint) -> None:
    """Raise NotVerified if no tree of this size has such a root."""
    if len(checkpoint.root) != HASH_BYTES:
        raise NotVerified(f"the root of the checkpoint has {len(checkpoint.root)} bytes, not 32")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise NotVerified("the checkpoint has the size 0 and not the root of an empty tree")


def cosign(data: bytes, witness: SignerKey, time: int) -> str:
    """The line by which a witness vouches for a checkpoint (tlog-witness, "add-checkpoint")."""
    _must_be_witness(witness)
    parsed = Note.parse(data)
    must_be_possible(Checkpoint.parse(parsed.text))
    return witness.sign(parsed.text, time).line


def cosigned(
    data: bytes, witnesses: Collection[VerifierKey]
) -> tuple[Checkpoint, tuple[Signature, ...]]:
    """A checkpoint, and the lines under it by which witnesses vouch for it, one for each.

    Lines of other keys, the log's included, are ignored. NotVerified if there is no line of a
    witness, or one that does not hold.
    """
    must_be_witnesses(witnesses)
    parsed = Note.parse(data)
    checkpoint = Checkpoint.parse(parsed.text)
    must_be_possible(checkpoint)
    _must_sign_once(parsed, witnesses)
    return checkpoint, note.verify(parsed, witnesses).verified


def must_continue(old: Checkpoint, new: Checkpoint) -> None:
    """Raise NotVerified if a log has become smaller, or another one."""
    if old.origin != new.origin:
        raise NotVerified(f"{new.origin} is another log than {old.origin}")
    if new.size < old.size:
        raise NotVerified(f"rollback: {old.origin} had {old.size} leaves and now has {new.size}")


def verify_growth(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """Raise NotVerified unless the log has only grown since the old checkpoint.

    An old checkpoint of size 0 is refused: it says nothing about what came after.
    """
    must_continue(old, new)
    if new.size == old.size and new.root != old.root:
        raise NotVerified(f"fork: {old.origin} shows two different trees of {old.size} leaves")
    try:
        verify_consistency(
            old_size=old.size,
            size=new.size,
            proof=proof,
            old_root=old.root,
            root=new.root,
        )
    except NotVerified as problem:
        raise NotVerified(
            f"{old.origin} is not shown to have kept its first {old.size} leaves: {problem}"
        ) from problem


def encode_proof(proof: Iterable[bytes]) -> str:
    """The hashes of a proof, one base64 a line (tlog-witness and tlog-proof)."""
    return "".join(f"{b64encode(hash).decode()}\n" for hash in proof)


def decode_proof(lines: Iterable[str]) -> tuple[bytes, ...]:
    """Read the hashes of a proof from lines without their newlines."""
    proof = tuple(note.base64(line, f"proof hash {i}") for i, line in enumerate(lines))
    for i, hash in enumerate(proof):
        if len(hash) != HASH_BYTES:
            raise NotVerified(f"the proof hash {i} has {len(hash)} bytes, not {HASH_BYTES}")
    return proof
