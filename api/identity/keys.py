"""API keys: for whom a key acts, and what it lets them do at most.

Only the digest of a key is stored, so a reader of the database cannot act as anybody. When a key is
revoked or expires, or its holder is forgotten, every process refuses it at once.
"""

from __future__ import annotations

import hmac
import logging
import re
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
from api.listing import WHOLE, Slice
from domain.clock import STAMP
from domain.contributor import Contributor
from domain.engine import DatabaseUnavailable, Engine, Table
from domain.identity import new_id
from domain.permission import OPERATOR

log = logging.getLogger(__name__)
audit = logging.getLogger("stemma.audit")

PREFIX = "stemma_"
"""The prefix of every key, so that people and secret scanners recognise one."""

RANDOM_BYTES = 32
# Read from the journal itself, so that every process refuses the key from that fact on.
_FORGOTTEN = (
    f"SELECT {STAMP} FROM stored_events "
    f"WHERE originator_id = k.holder AND topic = '{Contributor.Forgotten.TOPIC}'"
)
SHORTEST_ID, ID_LENGTH = 8, 12
_BEGINNING = re.compile(rf"[0-9a-f]{{{SHORTEST_ID},}}")
USED_SECONDS = 60
"""The last use of a key is stored at most once in this time."""
SHORTEST_KEY = 32
LEAST_BITS_EACH = 2.75
"""The least entropy per character of a key made elsewhere. Sixteen equally frequent characters have
4 bits each; of 40,000 random keys of 32 hexadecimal digits, none had less than 2.9."""


KEYS = Table(
    "api_keys",
    {"digest": "TEXT", "holder": "TEXT", "made_at": "TEXT", "revoked_at": "TEXT NULL"},
    keys=(("digest",),),
    on_conflict="(digest) DO NOTHING",  # the same form, sent again
)
# A separate table: a key made by an earlier version has no row, so it may do everything and does
# not expire.
KEY_TERMS = Table(
    "api_key_terms",
    {"digest": "TEXT", **dict.fromkeys(("label", "scope", "expires_at", "used_at"), "TEXT NULL")},
    keys=(("digest",),),
    on_conflict="(digest) DO NOTHING",
)


VALID, EXPIRED, REVOKED, VOID = STATES = ("valid", "expired", "revoked", "void")


class Key(NamedTuple):
    """A key as it is stored."""

    digest: str
    holder: str
    made_at: str
    revoked_at: str | None
    label: str | None = None
    """What its holder calls it."""
    scope: str | None = None
    expires_at: str | None = None
    used_at: str | None = None
    forgotten_at: str | None = None
    """When its holder was forgotten, which makes every key void."""

    @property
    def name(self) -> str:
        """The first characters of the digest: they identify the key, but do not authenticate."""
        return self.digest[:ID_LENGTH]

    @property
    def place(self) -> tuple[str, str]:
        """Its place in a list."""
        return self.made_at, self.name

    @property
    def state(self) -> str:
        """One of ``STATES``."""
        if self.revoked_at is not None:
            return REVOKED
        if self.forgotten_at is not None:
            return VOID
        return EXPIRED if self.expires_at is not None and self.expires_at <= _now() else VALID

    @property
    def is_valid(self) -> bool:
        """Whether it can be used."""
        return self.state == VALID


class Keys:
    """The keys of one database, and the operator's key from the settings."""

    def __init__(self, engine: Engine, operator_key: str | None = None) -> None:
        self._engine = engine
        self._operator = digest_of(operator_key) if operator_key else None
        self._noted: dict[str, float] = {}
        """By digest: when this process last noted that a key was used, on its monotonic clock."""
        # In a separate thread, so that no request waits for another transaction to end.
        self._writer = ThreadPoolExecutor(1, "uses-of-keys")

    def close(self) -> None:
        """Store the uses noted so far, and stop."""
        self._writer.shutdown()

    # -- authentication --------------------------------------------------------------------

    def caller(self, token: str) -> Caller | None:
        """The caller whose key this is; None if it is not valid."""
        return self.caller_of_digest(digest_of(token))

    def caller_of_digest(self, digest: str) -> Caller | None:
        """The caller whose key has this digest; None if it is not valid."""
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
        """Let the writing thread store that a key was used, at most every ``USED_SECONDS``."""
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
        """The operator or the id of the contributor whose key this is; None if it is not valid."""
        caller = self.caller(token)
        return None if caller is None else caller.actor

    # -- creating and ending ---------------------------------------------------------------

    def create(
        self,
        holder: str,
        *,
        label: str | None = None,
        scope: Scope = EVERYTHING,
        expires_at: str | None = None,
        token: str | None = None,
    ) -> str:
        """Create a key for the operator or a contributor's id; its token cannot be shown again.

        With the ``token`` of a key that is valid, it creates no other.
        """
        if token is not None and (there := self.named(token)) is not None:
            if there.is_valid:
                return token
            token = None
        token = token or PREFIX + token_urlsafe(RANDOM_BYTES)
        holder = holder if holder == OPERATOR else new_id(holder)
        words = None if scope.words is None else str(scope)
        key = Key(digest_of(token), holder, _now(), None, label, words, expires_at)
        with self._engine.transaction() as transaction:
            transaction.insert(KEYS, [key[:4]])
            transaction.insert(KEY_TERMS, [(key.digest, label, words, expires_at, None)])
        audit.info("key made", extra={"holder": holder, "key": key.name})
        return token

    def replace(self, key: Key, grace: timedelta, token: str | None = None) -> str:
        """Create a key with the same terms; this one then ends after the grace period."""
        made = self.create(
            key.holder,
            label=key.label,
            scope=Scope.stored(key.scope),
            expires_at=key.expires_at,
            token=token,
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
        """Revoke a key; every process refuses it from the next request on."""
        self._engine.execute(
            "UPDATE api_keys SET revoked_at = :now WHERE digest = :digest AND revoked_at IS NULL",
            now=_now(),
            digest=key.digest,
        )
        audit.info("key revoked", extra={"holder": key.holder, "key": key.name})

    def revoke(self, key: str) -> Key | None:
        """Revoke the key that ``named`` finds, and return it; None if it finds none."""
        meant = self.named(key)
        if meant is not None:
            self.end(meant)
        return meant

    # -- listing ---------------------------------------------------------------------------

    def list(
        self, holders: Collection[str] | None = None, part: Slice = WHOLE, *, begins: str = ""
    ) -> list[Key]:
        """Every key ever made, or those of these holders, whose digest begins so; oldest first."""
        rows = part.rows(
            self._engine,
            "SELECT k.digest, k.holder, k.made_at, k.revoked_at, t.label, t.scope, t.expires_at, "
            f"t.used_at, ({_FORGOTTEN} LIMIT 1) "
            "FROM api_keys k LEFT JOIN api_key_terms t ON t.digest = k.digest "
            "WHERE k.digest >= :begins AND k.digest < :end "
            f"{'' if holders is None else 'AND k.holder IN :holders'}",
            f"k.made_at, substr(k.digest, 1, {ID_LENGTH})",
            begins=begins,
            end=f"{begins}g",  # follows all digests that begin so
            **({} if holders is None else {"holders": sorted(holders)}),
        )
        return [Key._make((*key, at and bytes(at).decode())) for *key, at in rows]

    def named(self, key: str, holders: Collection[str] | None = None) -> Key | None:
        """The key with this token, or the only one whose digest begins so; None if not exactly one.

        A beginning has at least ``SHORTEST_ID`` digits.
        """
        digest = digest_of(key) if key.startswith(PREFIX) else key.lower()
        meant = self.list(holders, begins=digest) if _BEGINNING.fullmatch(digest) else []
        return meant[0] if len(meant) == 1 else None


def strong_key(key: str) -> str:
    """A key made elsewhere, unless it is easy to guess: then a ValueError says how to make one."""
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
    """The time now, or so far ahead, in one format so that times compare as texts."""
    return (datetime.now(UTC) + ahead).isoformat(timespec="microseconds")
