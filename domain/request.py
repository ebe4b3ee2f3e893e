"""A request that was carried out, stored so that a repetition is recognised.

It is recognised by its target, the id of the noun it created or changed, or by the idempotency key
that its sender chose, which belongs to this one request for good.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from domain.refusal import BadIdempotencyKey

LONGEST_KEY = 200
"""The most characters in an idempotency key."""
_QUOTED = re.compile(r'"([^"\\,]*)"')
_PLAIN = re.compile(rf'[^\s",\\]{{1,{LONGEST_KEY}}}')


class Request(NamedTuple):
    """A command that was carried out, with what its answer contains."""

    target: str
    position: int
    """The position of its last fact; before recording, the index of that fact in the append."""
    digest: str
    """``Command.digest``: of the command without the texts people wrote."""
    texts: tuple[str, ...]
    """The commitments to its texts, in order."""
    id: str
    key: str | None = None
    """The digest of its sender and its idempotency key (see ``key_digest``), if it had one."""
    further: tuple[str, ...] = ()
    """The digests of the keys under which it was repeated."""


def key_digest(actor: str, key: str) -> str:
    """The digest of an idempotency key and its sender, whose keys are separate from all others'.

    The key may stand in quotation marks, as the IETF draft writes it. Refuses
    (``BadIdempotencyKey``) a malformed one.
    """
    quoted = _QUOTED.fullmatch(key)
    plain = quoted[1] if quoted else key
    if not (plain.isascii() and plain.isprintable() and _PLAIN.fullmatch(plain)):
        raise BadIdempotencyKey(key, LONGEST_KEY)
    return sha256(f"{actor}\n{plain}".encode()).hexdigest()
