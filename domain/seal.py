"""Personal and free texts behind salted commitments, so that they can be erased.

A fact holds only the digest of a text; the text itself is in the vault.

The form is the disclosure of RFC 9901 (SD-JWT), section 4.2: the digest is the base64url SHA-256
of the base64url text of the JSON array ``[salt, name, value]``, with a salt of 128 bits.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from os import urandom
from typing import Any, NamedTuple

TEXTS = frozenset(
    {
        *("name", "title", "display", "reason", "evidence", "note", "text", "document"),
        *("source_name", "category_name", "payer_name", "reference"),
        *("credited_as", "join_phrase", "character", "ai_tool", "creators", "identifier"),
        *("goal", "prompt", "kind_name", "media_url"),
    }
)
"""The names of the fields that hold texts people write."""


class Disclosure(NamedTuple):
    """A text that a fact commits to: its digest, owner, name, salt and value."""

    digest: str
    owner: str
    name: str
    salt: str
    value: str


class Owned(NamedTuple):
    """A text in the vault by its owner, digest and name."""

    owner: str
    digest: str
    name: str


class Said(NamedTuple):
    """A text that a fact will commit to: its owner, name and value."""

    owner: str
    name: str
    value: str


def base64url(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


_text = json.encoder.encode_basestring  # as json.dumps with ensure_ascii=False


def digest_of(salt: str, name: str, value: str) -> str:
    """The commitment to a named text under a salt (RFC 9901, section 4.2.3)."""
    array = f"[{_text(salt)},{_text(name)},{_text(value)}]"
    return base64url(sha256(base64url(array.encode()).encode()).digest())


def seal(owner: str, name: str, value: str, salt: str | None = None) -> Disclosure:
    """A new disclosure of a text, with a random salt unless its author chose one."""
    salt = salt or base64url(urandom(16))
    return Disclosure(digest_of(salt, name, value), owner, name, salt, value)


# -- owners of texts -----------------------------------------------------------------------------


def spell_owners(owners: Mapping[str, str], actor: str) -> str:
    """``Fact.owners``: ``field=owner`` for each text of a fact that the actor does not own."""
    return " ".join([f"{name}={owner}" for name, owner in owners.items() if owner != actor])


def owner_in(content: Mapping[str, Any], digest: str) -> str | None:
    """The owner of a text, by the fact that commits to it; None if the fact states no owners."""
    actor = str(content["actor"])
    if digest == content.get("message"):
        return actor
    if content.get("owners") is None:
        return None
    owners = dict(one.split("=", 1) for one in str(content["owners"]).split())
    field = next(name for name, value in content.items() if value == digest)
    return owners.get(field, actor)
