"""Signed notes: a text, and lines under it by which known keys vouch for it.

A text counts only if a key known beforehand has signed exactly these bytes; one signature of a
known key that does not hold invalidates the whole note.

The format is C2SP signed-note (sections "Format", "Signatures", "Verifier keys"); the encoding of
the secret key is that of golang.org/x/mod/sumdb/note. Three kinds of key are known: plain Ed25519,
and the timestamped Ed25519 and ML-DSA-44 of C2SP tlog-cosignature. This file depends only on the
standard library and cryptography, and it is one file, so that a note can be checked on its own,
years later.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from os import urandom
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain import ml_dsa
from domain.tree import LARGEST_SIZE, NotVerified

ED25519 = 0x01
COSIGNATURE = 0x04
ML_DSA = 0x06
"""The signature types understood here (signed-note, section "Signature types")."""
WITNESSING = frozenset({COSIGNATURE, ML_DSA})
"""Those that say when a tree was seen."""

MOST_SIGNATURES = 100
"""A note with more is refused unread, as x/mod does; 16 must be accepted at least."""

KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA: ml_dsa.PUBLIC_BYTES}
SEED_BYTES = 32
KEY_ID_BYTES = 4
TIME_BYTES = 8
LATEST_TIME = 2**63 - 1

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_UNREADABLE = re.compile(r"[\x00-\x09\x0b-\x1f]")
"""Control characters other than newline."""


class UnknownKeyKind(NotVerified):
    """A key is well formed, and of a kind that is not understood here."""


# -- Spellings -----------------------------------------------------------------------------------


def decimal(text: str, what: str) -> int:
    """A number below 2**63 without sign and leading zeros; NotVerified for any other spelling."""
    if _DECIMAL.fullmatch(text) and (number := int(text)) <= LARGEST_SIZE:
        return number
    raise NotVerified(f"the {what} {_shown(text)} is not a number from 0 to 2^63 - 1")


def base64(text: str, what: str) -> bytes:
    """The bytes of a standard base64 (RFC 4648, section 4) in its only canonical spelling."""
    data, is_canonical = _decoded(text, what)
    if not is_canonical:
        raise NotVerified(f"the {what} {_shown(text)} is not canonical base64")
    return data


def _decoded(text: str, what: str) -> tuple[bytes, bool]:
    """The bytes of a base64, and whether there are no stray bits behind its last character."""
    try:
        data = b64decode(text.encode("ascii"), validate=True)
    except ValueError as problem:
        raise NotVerified(f"the {what} {_shown(text)} is not base64") from problem
    return data, b64encode(data).decode() == text


def readable(data: bytes, what: str) -> str:
    """UTF-8 without control characters but newline (signed-note, section "Format")."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise NotVerified(f"the {what} is not UTF-8 at byte {problem.start}") from problem
    if found := _UNREADABLE.search(text):
        raise NotVerified(f"the {what} has the control character {found.group()!r}")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def _must_be_name(name: str) -> None:
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise NotVerified(f"{_shown(name)} is not the name of a key")
    readable(name.encode("utf-8", "surrogateescape"), "name of the key")


# -- Keys ----------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def key_id(name: str, kind: int, public: bytes) -> bytes:
    """SHA-256(name || 0x0A || kind || public key)[:4] (signed-note, section "Signatures")."""
    digest = sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()
    return digest[:KEY_ID_BYTES]


_PRIME = 2**255 - 19
_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_WEAK = {0, 1, _PRIME - 1, _OF_ORDER_8, _PRIME - _OF_ORDER_8}
"""The points of Ed25519 with an order of at most 8, by y: anyone can sign for such a key."""


def _is_weak(public: bytes) -> bool:
    """Whether a key is such a point, or not in its only spelling (RFC 8032, section 5.1.3)."""
    y = int.from_bytes(public, "little") & (2**255 - 1)  # the last bit is the sign of x
    return y >= _PRIME or y in _WEAK


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name: what someone must hold beforehand to check anything."""

    name: str
    public: bytes
    kind: int = ED25519
    sizes: tuple[int, int] = field(default=(0, LARGEST_SIZE), compare=False)
    """The first and the last size of a log for which it counts."""

    def __post_init__(self) -> None:
        _must_be_name(self.name)
        _must_be_kind(self.kind)
        if len(self.public) != (needed := KEY_BYTES[self.kind]):
            raise NotVerified(f"the key of {self.name} has {len(self.public)} bytes, not {needed}")
        if self.kind != ML_DSA and _is_weak(self.public):
            raise NotVerified(f"the key of {self.name} is weak: anyone can sign for it")

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart; not a secure hash."""
        return key_id(self.name, self.kind, self.public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name+id+base64`` (signed-note, section "Verifier keys").

        Behind a blank may stand the sizes for which it counts, such as ``1-500`` or ``501-``.
        """
        text, _, sizes = text.partition(" ")
        name, id, data = _parts(text, "verifier key")
        key = cls(name, data[1:], data[0], _sizes(sizes))
        if key.id != id:
            raise NotVerified(f"the verifier key of {name} has the id {id.hex()}, not its own")
        return key

    def __str__(self) -> str:
        return _written(self.name, self.id, self.kind, self.public)

    @property
    def line(self) -> str:
        """The key with the sizes for which it counts, unless these are all."""
        first, last = self.sizes
        said = f" {first}-{last if last < LARGEST_SIZE else ''}"
        return f"{self}{said if self.sizes != (0, LARGEST_SIZE) else ''}"

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Whether these bytes are this key's signature of the text."""
        if self.kind == ED25519:
            return self._holds(signature, text.encode())
        time = time_of(signature)
        if time > LATEST_TIME:
            return False
        try:
            message = _seen_at(self.name, self.kind, text, time)
        except (ValueError, OverflowError):  # for ML-DSA a text has to be a checkpoint
            return False
        return self._holds(signature[TIME_BYTES:], message)

    def _holds(self, signature: bytes, message: bytes) -> bool:
        if self.kind == ML_DSA:
            return ml_dsa.has_signed(self.public, signature, message)
        return _has_signed(self.public, signature, message)


@lru_cache(maxsize=256)
def _has_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this is the Ed25519 signature of a message; cached, as many proofs share a note."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True)
class SignerKey:
    """A secret key under a name; its seed is never shown by accident."""

    name: str
    seed: bytes = field(repr=False)
    kind: int = ED25519

    def __post_init__(self) -> None:
        _must_be_name(self.name)
        _must_be_kind(self.kind)
        if len(self.seed) != SEED_BYTES:
            raise NotVerified(f"the signer key of {self.name} does not have 32 bytes")

    @classmethod
    def new(cls, name: str, kind: int = ED25519) -> Self:
        """A fresh random key."""
        return cls(name, urandom(SEED_BYTES), kind)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``PRIVATE+KEY+name+id+base64`` (x/mod/sumdb/note, NewSigner)."""
        if not text.startswith(_SECRET):
            raise NotVerified("a signer key begins with PRIVATE+KEY+")
        name, id, data = _parts(text.removeprefix(_SECRET), "signer key", is_secret=True)
        try:  # a mistyped key may have part of its secret in its name
            key = cls(name, data[1:], data[0])
        except NotVerified:
            raise NotVerified("the signer key has no valid name, kind or length") from None
        if key.verifier.id != id:
            raise NotVerified("the id of the signer key is not its own")
        return key

    def secret_text(self) -> str:
        """The key as it is kept in a file; anyone who reads it can sign."""
        return _SECRET + _written(self.name, self.verifier.id, self.kind, self.seed)

    @cached_property
    def verifier(self) -> VerifierKey:
        """The public half."""
        if self.kind == ML_DSA:
            return VerifierKey(self.name, ml_dsa.public_of(self.seed), ML_DSA)
        public = self._secret.public_key()
        return VerifierKey(self.name, public.public_bytes_raw(), self.kind)

    @cached_property
    def _secret(self) -> Ed25519PrivateKey:
        """The key made from the seed, which takes as long as signing with it."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def sign(self, text: str, time: int | None = None) -> Signature:
        """Vouch for a text; a cosignature says when, in seconds since 1970."""
        if self.kind == ED25519:
            return Signature(self.name, self.verifier.id, self._signed(text.encode()))
        if time is None or not 0 <= time <= LATEST_TIME:
            raise ValueError("a cosignature needs a time")
        data = time.to_bytes(TIME_BYTES, "big")
        data += self._signed(_seen_at(self.name, self.kind, text, time))
        return Signature(self.name, self.verifier.id, data)

    def _signed(self, message: bytes) -> bytes:
        if self.kind == ML_DSA:
            return ml_dsa.sign(self.seed, message)
        return self._secret.sign(message)


def _sizes(text: str) -> tuple[int, int]:
    """The sizes for which a key counts; all of them if nothing is said."""
    first, _, last = text.partition("-")
    return (
        decimal(first, "first size of a key") if first else 0,
        decimal(last, "last size of a key") if last else LARGEST_SIZE,
    )


_SECRET = "PRIVATE+KEY+"


def _must_be_kind(kind: int) -> None:
    if kind == ML_DSA and not ml_dsa.is_known():
        raise UnknownKeyKind("keys of the kind 0x06 (ML-DSA-44) need a newer cryptography")
    if kind not in KEY_BYTES:
        raise UnknownKeyKind(f"keys of the kind {kind:#04x} are not understood")


def _written(name: str, id: bytes, kind: int, key: bytes) -> str:
    return f"{name}+{id.hex()}+{b64encode(bytes([kind]) + key).decode()}"


def _parts(text: str, what: str, *, is_secret: bool = False) -> tuple[str, bytes, bytes]:
    """Name, id, and the kind with the key, of an encoded key."""
    # Base64 may hold a plus, so only the first two separate.
    match text.split("+", 2):
        case [name, id, data] if re.fullmatch(r"[0-9a-f]{8}", id):
            try:
                decoded = base64(data, what)
            except NotVerified:
                if is_secret:  # a secret is not repeated in a message
                    raise NotVerified(f"the {what} is not base64") from None
                raise
            if decoded:
                return name, bytes.fromhex(id), decoded
    raise NotVerified(f"the {what} is not of the form name+id+base64")


# -- Cosignatures (C2SP tlog-cosignature, section "Ed25519 signed message") ----------------------


def cosigned_message(text: str, time: int) -> bytes:
    """What a witness signs: a header, the time, and the whole text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _seen_at(name: str, kind: int, text: str, time: int) -> bytes:
    """The message of a witness, as its kind of key signs it."""
    if kind == ML_DSA:
        return ml_dsa.cosigned_message(name, text, time)
    return cosigned_message(text, time)


def time_of(signature: bytes) -> int:
    """When a cosignature was made, in seconds since 1970."""
    return int.from_bytes(signature[:TIME_BYTES], "big")


# -- Notes (C2SP signed-note, section "Format") --------------------------------------------------


class Signature(NamedTuple):
    """One line under a note: who signed, with which of their keys, and the signature."""

    name: str
    key_id: bytes
    data: bytes

    @property
    def line(self) -> str:
        """The line as it is in the note, with its newline."""
        return f"— {self.name} {b64encode(self.key_id + self.data).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line without its newline."""
        if not line.startswith("— "):
            raise NotVerified(f"{_shown(line)} is not a signature line")
        name, _, encoded = line.removeprefix("— ").partition(" ")
        _must_be_name(name)
        data, is_canonical = _decoded(encoded, f"signature of {name}")
        if len(data) <= KEY_ID_BYTES:
            raise NotVerified(f"the signature of {name} is too short")
        kind = cls if is_canonical else Misspelt
        return kind(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])  # type: ignore[return-value]


class Misspelt(Signature):
    """A line with stray bits behind its base64: RFC 4648, section 3.5, lets us reject it.

    Of an unknown key it says nothing all the same (signed-note, section "Signatures").
    """


class Note(NamedTuple):
    """A text and the signatures under it, not verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Take a note apart."""
        whole = readable(data, "note")
        text, blank, lines = whole.rpartition("\n\n")
        if not blank:
            raise NotVerified("the note has no blank line before its signatures")
        return cls(text + "\n", read_signatures(lines))

    def encode(self) -> bytes:
        """The note as it is sent and kept."""
        return "".join(
            [self.text, "\n", *(signature.line for signature in self.signatures)]
        ).encode()


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """Read one or more signature lines, each ended by a newline."""
    if not lines.endswith("\n"):
        raise NotVerified("the note does not end with a signature line and a newline")
    split = lines[:-1].split("\n")
    if len(split) > MOST_SIGNATURES:
        raise NotVerified(f"the note has more than {MOST_SIGNATURES} signatures")
    return tuple(map(Signature.parse, split))


def sign(text: str, *signers: SignerKey) -> bytes:
    """A note with one signature of each signer; the text must end with a newline."""
    if not text.endswith("\n"):
        raise NotVerified("the text of a note ends with a newline")
    readable(text.encode(), "note")
    return Note(text, tuple(signer.sign(text) for signer in signers)).encode()


class Opened(NamedTuple):
    """A note that known keys have signed; the other signatures say nothing."""

    text: str
    verified: tuple[Signature, ...]
    others: tuple[Signature, ...]


def verify(note: Note, keys: Iterable[VerifierKey]) -> Opened:
    """Check the signatures of known keys; at least one must be there, and none may fail.

    A key is known by its name and its id together: one that shares only one of them is another
    key (signed-note, section "Signatures"). A repeated line counts once, as in x/mod: that section
    asks that each line of a known key holds, and this one does.
    """
    known = _by_name_and_id(keys)
    verified, others = [], []
    for signature in note.signatures:
        if isinstance(signature, Misspelt) and signature[:2] in known:
            raise NotVerified(f"the signature of {signature.name} is not canonical base64")
    for signature in dict.fromkeys(note.signatures):
        key = known.get((signature.name, signature.key_id))
        if key is None:
            others.append(signature)
        elif key.has_signed(note.text, signature.data):
            verified.append(signature)
        else:
            raise NotVerified(f"the signature of {key.name}+{key.id.hex()} does not hold")
    if not verified:
        there = ", ".join(f"{name}+{id.hex()}" for name, id, _ in note.signatures)
        raise NotVerified(f"no known key has signed; the signatures are of {there}")
    return Opened(note.text, tuple(verified), tuple(others))


def _by_name_and_id(keys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise NotVerified(f"two different keys are called {key.name}+{key.id.hex()}")
    return known
