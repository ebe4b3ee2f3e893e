"""API keys: who is asking, and what their key lets them do at most.

Only the digest of a key is stored, so a reader of the database cannot act as anybody. A key ends
when it is revoked, expires or its holder is forgotten, in every process at once.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from math import log2
from secrets import token_urlsafe
from typing import NamedTuple

from api.identity.scope import EVERYTHING, Caller, Scope
from domain.contributor import Contributor
from domain.engine import DatabaseUnavailable, Engine, Table
from domain.identity import new_id
from domain.permission import OPERATOR

log = logging.getLogger(__name__)
audit = logging.getLogger("stemma.audit")

PREFIX = "stemma_"
"""The prefix of every key, so that people and secret scanners recognise one."""

RANDOM_BYTES = 32
# Read from the journal itself: the key is void from the fact on, in every process at once.
_FORGOTTEN = (
    "SELECT 'forgotten' FROM stored_events "
    f"WHERE originator_id = k.holder AND topic = '{Contributor.Forgotten.TOPIC}'"
)
SHORTEST_ID, ID_LENGTH = 8, 12
USED_SECONDS = 60
"""The last use of a key is written at most so often."""
SHORTEST_KEY = 32
LEAST_BITS_EACH = 2.75
"""The least entropy of the characters of a key from outside: sixteen different ones, used alike,
have 4 bits each, and of 40,000 random keys of 32 hexadecimal digits none had under 2.9."""


KEYS = Table(
    "api_keys",
    {"digest": "TEXT", "holder": "TEXT", "made_at": "TEXT", "revoked_at": "TEXT NULL"},
    keys=(("digest",),),
)
# A table of its own: a key that an earlier version made has no row, and so everything, for ever.
KEY_TERMS = Table(
    "api_key_terms",
    {"digest": "TEXT", **dict.fromkeys(("label", "scope", "expires_at", "used_at"), "TEXT NULL")},
    keys=(("digest",),),
)


class Key(NamedTuple):
    """What is stored about a key."""

    digest: str
    holder: str
    made_at: str
    revoked_at: str | None
    """A time, or the word “forgotten” if the holder was forgotten."""
    label: str | None = None
    """What its holder calls it."""
    scope: str | None = None
    expires_at: str | None = None
    used_at: str | None = None

    @property
    def name(self) -> str:
        """The first characters of the digest, which identify the key and open nothing."""
        return self.digest[:ID_LENGTH]

    @property
    def is_valid(self) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > _now())


class Keys:
    """The keys of one database, and the operator's key from the settings."""

    def __init__(self, engine: Engine, operator_key: str | None = None) -> None:
        self._engine = engine
        self._operator = digest_of(operator_key) if operator_key else None
        self._noted: dict[str, float] = {}
        """When this process last wrote down that a key was used."""
        # In a thread of its own: a request never waits for somebody else's transaction to end.
        self._writer = ThreadPoolExecutor(1, "uses-of-keys")

    def close(self) -> None:
        """Finish writing."""
        self._writer.shutdown()

    # -- who is asking ---------------------------------------------------------------------

    def caller(self, token: str) -> Caller | None:
        """Who asks with this key; None if it is not valid."""
        return self.caller_of_digest(digest_of(token))

    def caller_of_digest(self, digest: str) -> Caller | None:
        """The same, by the digest of a key."""
        if self._operator and hmac.compare_digest(digest, self._operator):
            return Caller(OPERATOR, key=digest)
        # The time this takes leaks nothing: the lookup is by digest, which a guesser of keys cannot
        # steer.
        rows = self._engine.query(
            "SELECT k.holder, t.scope, t.expires_at, t.used_at FROM api_keys k "
            "LEFT JOIN api_key_terms t ON t.digest = k.digest "
            "WHERE k.digest = :digest AND k.revoked_at IS NULL "
            f"AND (t.expires_at IS NULL OR t.expires_at > :now) AND NOT EXISTS ({_FORGOTTEN})",
            digest=digest,
            now=_now(),
        )
        if not rows:
            return None
        holder, scope, expires_at, used_at = rows[0]
        self._note_use(digest, used_at)
        return Caller(holder, Scope.stored(scope), digest, expires_at)

    def _note_use(self, digest: str, used_at: str | None) -> None:
        """Have it written down that a key was used, at most once a minute."""
        now = time.monotonic()
        if now - self._noted.get(digest, -USED_SECONDS) < USED_SECONDS:
            return
        self._noted[digest] = now
        if used_at is None or used_at < _now(timedelta(seconds=-USED_SECONDS)):
            self._writer.submit(self._write_use, digest)

    def _write_use(self, digest: str) -> None:
        try:
            with self._engine.transaction(durable=False) as transaction:
                transaction.execute(
                    "INSERT INTO api_key_terms (digest, used_at) VALUES (:digest, :now) "
                    "ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at",
                    digest=digest,
                    now=_now(),
                )
        except DatabaseUnavailable as problem:
            log.warning("the use of a key was not written down: %s", problem)

    def holder_of(self, token: str) -> str | None:
        """The operator or the contributor whose key this is; None if the key is not valid."""
        caller = self.caller(token)
        return None if caller is None else caller.actor

    # -- made and ended --------------------------------------------------------------------

    def create(
        self,
        holder: str,
        *,
        label: str | None = None,
        scope: Scope = EVERYTHING,
        expires_at: str | None = None,
    ) -> str:
        """A new key for the operator or a contributor's id. It cannot be shown again."""
        token = PREFIX + token_urlsafe(RANDOM_BYTES)
        holder = holder if holder == OPERATOR else new_id(holder)
        words = None if scope.words is None else str(scope)
        key = Key(digest_of(token), holder, _now(), None, label, words, expires_at)
        with self._engine.transaction() as transaction:
            transaction.insert(KEYS, [key[:4]])
            transaction.insert(KEY_TERMS, [(key.digest, *key[4:])])
        audit.info("key made", extra={"holder": holder, "key": key.name})
        return token

    def replace(self, key: Key, grace: timedelta) -> str:
        """A new key in place of this one, which is valid for the grace period only."""
        made = self.create(
            key.holder,
            label=key.label,
            scope=Scope.stored(key.scope),
            expires_at=key.expires_at,
        )
        if not grace:
            self.end(key)
        elif key.expires_at is None or key.expires_at > _now(grace):
            self._engine.execute(
                "INSERT INTO api_key_terms (digest, expires_at) VALUES (:digest, :until) "
                "ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at",
                digest=key.digest,
                until=_now(grace),
            )
        return made

    def end(self, key: Key) -> None:
        """Revoke a key: it is refused from the next request on, in every process."""
        self._engine.execute(
            "UPDATE api_keys SET revoked_at = :now WHERE digest = :digest AND revoked_at IS NULL",
            now=_now(),
            digest=key.digest,
        )
        audit.info("key revoked", extra={"holder": key.holder, "key": key.name})

    def revoke(self, key: str) -> Key | None:
        """Revoke a key, named by itself or by the start of its digest; None if not one is meant."""
        meant = self.named(key)
        if meant is not None:
            self.end(meant)
        return meant

    # -- listed ----------------------------------------------------------------------------

    def list(self, holders: Collection[str] | None = None) -> list[Key]:
        """Every key ever made, or those of these holders, oldest first."""
        chosen = "" if holders is None else "WHERE k.holder IN :holders "
        rows = self._engine.query(
            "SELECT k.digest, k.holder, k.made_at, "
            f"coalesce(k.revoked_at, ({_FORGOTTEN} LIMIT 1)), "
            "t.label, t.scope, t.expires_at, t.used_at "
            "FROM api_keys k LEFT JOIN api_key_terms t ON t.digest = k.digest "
            f"{chosen}ORDER BY k.made_at, k.digest",
            **({} if holders is None else {"holders": sorted(holders)}),
        )
        return [Key(*row) for row in rows]

    def named(self, key: str, holders: Collection[str] | None = None) -> Key | None:
        """The key that is meant by itself or by the start of its digest, if it is exactly one."""
        digest = digest_of(key) if key.startswith(PREFIX) else key.lower()
        meant = [known for known in self.list(holders) if known.digest.startswith(digest)]
        return meant[0] if len(digest) >= SHORTEST_ID and len(meant) == 1 else None


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


def _now(ahead: timedelta = timedelta()) -> str:
    """The time, or that after some more; times of one form compare as texts."""
    return (datetime.now(UTC) + ahead).isoformat(timespec="microseconds")
