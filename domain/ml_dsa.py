"""ML-DSA-44, the signatures of witnesses that a quantum computer does not break (FIPS 204).

The message is a structure of C2SP tlog-cosignature, section "ML-DSA-44 signed message"; it commits
to the name of the witness and to the tree, not to further lines of a checkpoint.

Not every release of cryptography has the algorithm: where it is missing, its keys are of a kind
that is not understood.
"""

from __future__ import annotations

from base64 import b64decode
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

PUBLIC_BYTES = 1312
LABEL = b"subtree/v1\n\0"


@cache
def is_known() -> bool:
    """Whether the installed cryptography has the algorithm."""
    try:
        _private(bytes(32))
    except (ImportError, UnsupportedAlgorithm):
        return False
    return True


def _private(seed: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric import mldsa

    return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)


@cache
def public_of(seed: bytes) -> bytes:
    """The public key of a seed of 32 bytes."""
    public: bytes = _private(seed).public_key().public_bytes_raw()
    return public


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature of a message."""
    signature: bytes = _private(seed).sign(message)
    return signature


def has_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether it is the signature of a message by this key."""
    from cryptography.hazmat.primitives.asymmetric import mldsa

    try:
        mldsa.MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def cosigned_message(name: str, text: str, time: int) -> bytes:
    """What a witness of a name signs at a time; ValueError if the text is of no checkpoint."""
    origin, size, root, *_ = text.split("\n")
    hash = b64decode(root, validate=True)
    if len(hash) != 32 or not size.isascii():
        raise ValueError("no root of a tree")
    return b"".join(
        (
            *(LABEL, _prefixed(name), time.to_bytes(8, "big"), _prefixed(origin)),
            *((0).to_bytes(8, "big"), int(size).to_bytes(8, "big"), hash),
        )
    )


def _prefixed(text: str) -> bytes:
    """A text of up to 255 bytes behind its length (RFC 8446, section 3.4)."""
    data = text.encode()
    if not data:
        raise ValueError("the text is empty")
    return len(data).to_bytes(1, "big") + data
