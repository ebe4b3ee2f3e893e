"""A request that was carried out, kept so that a repetition is recognised.

It is recognised by its target: the id of what it made or changed; or by the idempotency key that
its sender chose, which names this one request for ever.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from domain.refusal import BadIdempotencyKey

LONGEST_KEY = 200
_QUOTED = re.compile(r'"([^"\\,]*)"')
_PLAIN = re.compile(rf'[^\s",\\]{{1,{LONGEST_KEY}}}')


class Request(NamedTuple):
    """A command that was carried out, and what its answer names."""

    target: str
    position: int
    """The position of its last fact; before recording, the place of that fact in the append."""
    digest: str
    """Of the content of the command, without the texts of people."""
    texts: tuple[str, ...]
    """The commitments of its sealed texts, in order."""
    id: str
    key: str | None = None
    """The digest of its sender and idempotency key, if it had one."""
    further: tuple[str, ...] = ()
    """Those under which it was repeated."""


def key_digest(actor: str, key: str) -> str:
    """What is kept of an idempotency key: it names a request of its sender alone.

    The key is given plainly or, as the IETF draft writes it, in quotation marks.
    """
    quoted = _QUOTED.fullmatch(key)
    plain = quoted[1] if quoted else key
    if not (plain.isascii() and plain.isprintable() and _PLAIN.fullmatch(plain)):
        raise BadIdempotencyKey(key, LONGEST_KEY)
    return sha256(f"{actor}\n{plain}".encode()).hexdigest()
