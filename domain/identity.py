"""Ids: chosen by a client, random, or derived from the whole that something is a part of.

The same part of the same whole has the same id, so that a repetition finds it again.
"""

from __future__ import annotations

import re
from hashlib import sha1
from uuid import UUID, uuid4

from domain.refusal import BadId

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


def is_id(text: str) -> bool:
    """Whether a text is an id in its usual form, which every recorded one has."""
    return bool(_UUID.match(text))


def may_be_id(text: str) -> bool:
    """Whether a text is an id in any spelling."""
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def new_id(id: str | None) -> str:
    """The id a client chose, in its usual form, or a random one."""
    if id is None:
        return str(uuid4())
    if is_id(id):
        return id
    try:
        return str(UUID(id))
    except ValueError:
        raise BadId(id) from None


def part_id(whole: str, part: str, number: int) -> str:
    """The id of something recorded along with a whole, so that a repetition finds it again.

    It is the UUID of version 5 (RFC 9562, section 5.5), made here because an import makes many.
    """
    named = bytes.fromhex(whole.replace("-", "")) + f"{part}/{number}".encode()
    digest = bytearray(sha1(named, usedforsecurity=False).digest())
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest[:16].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
