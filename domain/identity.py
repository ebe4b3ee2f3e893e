"""Ids: chosen by a client, random, or derived from the id of a whole.

The same part of the same whole always has the same id, so that a repetition finds it again.
"""

from __future__ import annotations

import re
from hashlib import sha1
from os import urandom
from time import time_ns
from uuid import UUID

ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""An id in its normal form."""


def is_id(text: str) -> bool:
    """Whether a text is an id in its normal form, which every recorded one has."""
    return ID.fullmatch(text) is not None


def may_be_id(text: str) -> bool:
    """Whether a text is an id in any spelling."""
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def new_id(id: str | None) -> str:
    """The id that a client chose, in its normal form, or a random one.

    It is the UUID of version 7 (RFC 9562, section 5.7), which begins with the milliseconds since
    1970: what is recorded about the same time is side by side in every index.
    """
    if id is None:
        return _spelled((time_ns() // 1_000_000).to_bytes(6, "big") + urandom(10), 7)
    if is_id(id):
        return id
    try:
        return str(UUID(id))
    except ValueError:
        # Imported here, as a checker of receipts has no use for refusals.
        from domain.refusal import BadId

        raise BadId(id) from None


def named_id(namespace: UUID, name: str) -> str:
    """The UUID of version 5 (RFC 9562, section 5.5), made here because an import makes many."""
    return _spelled(sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest(), 5)


def part_id(whole: str, part: str, number: int) -> str:
    """The id of something recorded along with a whole, so that a repetition finds it again.

    It is a UUID of version 5 as well, in the namespace of the whole. Of a whole whose id begins
    with its time, so does that of the part (version 8, section 5.8).
    """
    named = bytes.fromhex(whole.replace("-", "")) + f"{part}/{number}".encode()
    digest = sha1(named, usedforsecurity=False).digest()
    return _spelled(named[:6] + digest[6:], 8) if whole[14] in "78" else _spelled(digest, 5)


def _spelled(data: bytes, version: int) -> str:
    """The UUID of a version that has the other bits of 16 bytes (RFC 9562, section 4)."""
    text = data.hex()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


_VARIANTS = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}
"""By hexadecimal digit: the one with the upper bits 10 and the same lower two bits."""
