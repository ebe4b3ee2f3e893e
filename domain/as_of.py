"""The proof behind an answer “as of” a position: the log's root there, and a later checkpoint.

The root of the log at a position is trusted only because a signed checkpoint is proved to extend
exactly that tree.

The file is text: a header, the size and the root at the position, the hashes of the consistency
proof (RFC 6962, section 2.1.2), a blank line, the checkpoint. This file depends only on those that
check a checkpoint.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from domain.checkpoint import (
    Checkpoint,
    Trusted,
    decode_proof,
    encode_proof,
    open_checkpoint,
    verify_growth,
)
from domain.note import VerifierKey, base64, decimal, readable
from domain.tree import NotVerified

HEADER = "stemma-as-of@v1"


class AsOf(NamedTuple):
    """The root of the log at some size, and the trusted checkpoint that extends it."""

    size: int
    root: bytes
    trusted: Trusted


def make_as_of(*, size: int, root: bytes, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The file that backs answers as of a position."""
    head = f"{HEADER}\nsize {size}\nroot {b64encode(root).decode()}\n{encode_proof(proof)}\n"
    return head.encode() + checkpoint


def verify_as_of(data: bytes, keys: Collection[VerifierKey], **asked: Any) -> AsOf:
    """Check a file made by ``make_as_of``; raises NotVerified with the fault.

    ``asked`` are options of ``open_checkpoint``.
    """
    head, blank, checkpoint = readable(data, "file").partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != HEADER:
        raise NotVerified(f"the file is not a {HEADER} with a checkpoint below")
    if len(lines) < 3 or not lines[1].startswith("size ") or not lines[2].startswith("root "):
        raise NotVerified("the file does not state the size and the root of the log")
    size = decimal(lines[1].removeprefix("size "), "size")
    root = base64(lines[2].removeprefix("root "), "root")
    trusted = open_checkpoint(checkpoint.encode(), keys, **asked)
    then = Checkpoint(trusted.checkpoint.origin, size, root)
    verify_growth(then, trusted.checkpoint, decode_proof(lines[3:]))
    return AsOf(size, root, trusted)
