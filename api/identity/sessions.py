"""Browser sessions, opened by signing in with a key.

A session is valid only as long as the key that opened it, or the one that replaced that in it. Only
the digest of its token is stored.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from api.identity.keys import PREFIX, RANDOM_BYTES, Keys, digest_of
from api.identity.scope import Caller
from domain.engine import Engine, Table

LIFETIME = timedelta(days=14)


SESSIONS = Table(
    "sessions",
    dict.fromkeys(("digest", "key_digest", "until"), "TEXT"),
    keys=(("digest",),),
    in_backups=False,
)


class Sessions:
    """The sessions of one database."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        self._engine, self._keys = engine, keys

    def open(self, key: str) -> str | None:
        """The token of a new session; None if the key is not valid or its scope does not read."""
        caller = self._keys.caller(key)
        if caller is None or not caller.scope.reads:
            return None
        token, now = token_urlsafe(RANDOM_BYTES), datetime.now(UTC)
        self._engine.execute("DELETE FROM sessions WHERE until <= :now", now=now.isoformat())
        self._engine.execute(
            "INSERT INTO sessions (digest, key_digest, until) VALUES (:digest, :key, :until)",
            digest=digest_of(token),
            key=digest_of(key),
            until=(now + LIFETIME).isoformat(),
        )
        return token

    def caller(self, token: str) -> Caller | None:
        """The caller of a session, with the scope of their key; None if the session has ended."""
        rows = self._engine.query(
            "SELECT key_digest FROM sessions WHERE digest = :digest AND until > :now",
            digest=digest_of(token),
            now=datetime.now(UTC).isoformat(),
        )
        return self._keys.caller_of_digest(str(rows[0][0])) if rows else None

    def go_on(self, token: str, key: str) -> None:
        """Let a session go on with a key that replaces the one that opened it."""
        self._engine.execute(
            "UPDATE sessions SET key_digest = :key WHERE digest = :digest",
            key=digest_of(key),
            digest=digest_of(token),
        )

    def close(self, token: str) -> None:
        self._engine.execute("DELETE FROM sessions WHERE digest = :digest", digest=digest_of(token))


def form_token(session: str) -> str:
    """The token in every form of a session, which nobody without its token can compute."""
    return digest_of(f"form {session}")


def key_of_form(session: str, sent: str) -> str:
    """The key that a form of a session makes, each time that it is sent."""
    mac = hmac.digest(session.encode(), f"key {sent}".encode(), sha256)
    return PREFIX + urlsafe_b64encode(mac).decode().rstrip("=")
