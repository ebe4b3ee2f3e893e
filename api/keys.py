"""API keys: who is asking.

Only the digest of a key is stored, so a reader of the database cannot act as anybody.
"""

from __future__ import annotations

import hmac
import logging
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from math import log2
from secrets import token_urlsafe
from typing import NamedTuple

from domain.contributor import Contributor
from domain.engine import Engine, Table
from domain.identity import new_id
from domain.permission import OPERATOR

PREFIX = "stemma_"
"""The prefix of every key, so that people and secret scanners recognise one."""

RANDOM_BYTES = 32
# Read from the journal itself: the key is void from the fact on, in every process at once.
_FORGOTTEN = (
    "SELECT 'forgotten' FROM stored_events "
    f"WHERE originator_id = holder AND topic = '{Contributor.Forgotten.TOPIC}'"
)
SHORTEST_NAME, NAME_LENGTH = 8, 12
SHORTEST_KEY = 32
LEAST_BITS_EACH = 2.75
"""The least entropy of the characters of a key from outside: sixteen different ones, used alike,
have 4 bits each, and of 40,000 random keys of 32 hexadecimal digits none had under 2.9."""

audit = logging.getLogger("stemma.audit")


KEYS = Table(
    "api_keys",
    {"digest": "TEXT", "holder": "TEXT", "made_at": "TEXT", "revoked_at": "TEXT NULL"},
    keys=(("digest",),),
)


class Key(NamedTuple):
    """What is stored about a key."""

    digest: str
    holder: str
    made_at: str
    revoked_at: str | None
    """A time, or the word “forgotten” if the holder was forgotten."""

    @property
    def name(self) -> str:
        """The first characters of the digest, which identify the key and open nothing."""
        return self.digest[:NAME_LENGTH]


class Keys:
    """The keys of one database, and the operator's key from the settings."""

    def __init__(self, engine: Engine, operator_key: str | None = None) -> None:
        self._engine = engine
        self._operator = digest_of(operator_key) if operator_key else None

    def create(self, holder: str) -> str:
        """A new key for the operator or a contributor's id. It cannot be shown again."""
        token = PREFIX + token_urlsafe(RANDOM_BYTES)
        holder = holder if holder == OPERATOR else new_id(holder)
        self._engine.execute(
            "INSERT INTO api_keys (digest, holder, made_at) VALUES (:digest, :holder, :made_at)",
            digest=digest_of(token),
            holder=holder,
            made_at=_now(),
        )
        audit.info("key made", extra={"holder": holder, "key": digest_of(token)[:NAME_LENGTH]})
        return token

    def holder_of(self, token: str) -> str | None:
        """The operator or the contributor whose key this is; None if the key is not valid."""
        return self.holder_of_digest(digest_of(token))

    def holder_of_digest(self, digest: str) -> str | None:
        """The same, by the digest of a key."""
        if self._operator and hmac.compare_digest(digest, self._operator):
            return OPERATOR
        # The time this takes leaks nothing: the lookup is by digest, which a guesser of keys cannot
        # steer.
        rows = self._engine.query(
            "SELECT holder FROM api_keys WHERE digest = :digest AND revoked_at IS NULL "
            f"AND NOT EXISTS ({_FORGOTTEN})",
            digest=digest,
        )
        return str(rows[0][0]) if rows else None

    def list(self) -> list[Key]:
        """Every key ever made, oldest first."""
        rows = self._engine.query(
            f"SELECT digest, holder, made_at, coalesce(revoked_at, ({_FORGOTTEN} LIMIT 1)) "
            "FROM api_keys ORDER BY made_at, digest"
        )
        return [Key(*row) for row in rows]

    def revoke(self, key: str) -> Key | None:
        """Revoke a key, named by itself or by the start of its digest; None if that is not one key.

        It is refused from the next request on, in every process.
        """
        digest = digest_of(key) if key.startswith(PREFIX) else key.lower()
        meant = [known for known in self.list() if known.digest.startswith(digest)]
        if len(digest) < SHORTEST_NAME or len(meant) != 1:
            return None
        self._engine.execute(
            "UPDATE api_keys SET revoked_at = :now WHERE digest = :digest AND revoked_at IS NULL",
            now=_now(),
            digest=meant[0].digest,
        )
        audit.info("key revoked", extra={"holder": meant[0].holder, "key": meant[0].name})
        return meant[0]


def strong_key(key: str) -> str:
    """A key from outside, if nobody can guess it; raises ValueError that says how to make one."""
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    entropy = -sum(n / len(key) * log2(n / len(key)) for n in Counter(key).values())
    is_row = sum(step in (-1, 0, 1) for step in steps) > 0.6 * len(steps)
    is_even = is_row or key in (key * 2)[1:-1] or entropy < LEAST_BITS_EACH
    if key and (len(key) < SHORTEST_KEY or is_even):
        raise ValueError(
            f"a key that acts as the operator has at least {SHORTEST_KEY} random characters. "
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return key


def digest_of(token: str) -> str:
    """The SHA-256 of a key; one round is enough for 256 random bits."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
