"""What makes a text of a person acceptable.

A text that is accepted can be stored and returned unchanged, character by character.
"""

from __future__ import annotations

import re

from domain.refusal import BadText, TextTooLong

LIMITS = {
    "name": 200,
    "title": 500,
    "display": 100,
    "medium": 40,
    "licence": 200,
    "reason": 5000,
    "evidence": 5000,
    "note": 5000,
    "text": 5000,
    "document": 500,
    "source": 200,
    "category": 200,
    "payer": 200,
    "about": 200,
    "reference": 200,
}
"""How long each text may be, in characters."""

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def plain_text(field: str, value: str) -> str:
    """A text that can be stored: not empty, not too long, without NUL or lone surrogates."""
    if not value.strip():
        raise BadText(field, "an empty text says nothing")
    if len(value) > LIMITS[field]:
        raise TextTooLong(field, LIMITS[field])
    if "\0" in value:
        raise BadText(field, "the character NUL can't be kept")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadText(field, "half of a surrogate pair can't be kept") from None
    return value


def hex_digest(sha256: str) -> str:
    """A SHA-256 digest as 64 hexadecimal digits in lower case."""
    if not _SHA256.match(sha256.lower()):
        raise BadText("sha256", "not 64 hexadecimal digits")
    return sha256.lower()
