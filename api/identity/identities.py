"""Identities: for which contributor the subjects of an outside issuer of tokens act.

Only a digest of issuer and subject is stored, so this table names nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from domain.contributor import Contributor
from domain.engine import Engine, Table
from domain.permission import OPERATOR

IDENTITIES = Table(
    "identities",
    dict.fromkeys(("digest", "holder", "made_at"), "TEXT"),
    keys=(("digest",),),
    on_conflict="(digest) DO UPDATE SET holder = excluded.holder, made_at = excluded.made_at",
)


class Identity(NamedTuple):
    """An identity as it is stored."""

    digest: str
    holder: str
    made_at: str


class Identities:
    """The identities of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, issuer: str, subject: str, holder: str) -> Identity:
        """Let a subject act for a holder: the operator, or the contributor of this id."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        made = Identity(digest_of(issuer, subject), holder, now)
        with self._engine.transaction() as transaction:
            transaction.insert(IDENTITIES, [made])
        return made

    def end(self, issuer: str, subject: str) -> bool:
        """Remove the identity of a subject; False if there was none."""
        return bool(
            self._engine.execute(
                "DELETE FROM identities WHERE digest = :digest",
                digest=digest_of(issuer, subject),
            )
        )

    def holder_of(self, issuer: str, subject: str) -> str | None:
        """The holder for whom a subject acts; None if it has no identity."""
        rows = self._engine.query(
            "SELECT holder FROM identities WHERE digest = :digest",
            digest=digest_of(issuer, subject),
        )
        return str(rows[0][0]) if rows else None

    def list(self) -> list[Identity]:
        rows = self._engine.query(
            "SELECT digest, holder, made_at FROM identities ORDER BY made_at, digest"
        )
        return [Identity(*row) for row in rows]

    def is_active(self, holder: str) -> bool:
        """Whether a holder is the operator, or a contributor who was admitted and not forgotten."""
        if holder == OPERATOR:
            return True
        rows = self._engine.query(
            "SELECT DISTINCT topic FROM stored_events WHERE originator_id = :holder "
            "AND topic IN :topics",
            holder=holder,
            topics=[Contributor.Admitted.TOPIC, Contributor.Forgotten.TOPIC],
        )
        return rows == [(Contributor.Admitted.TOPIC,)]


def digest_of(issuer: str, subject: str) -> str:
    """The SHA-256 of an issuer and a subject; unambiguous, as an address has no line break."""
    return sha256(f"{issuer}\n{subject}".encode("utf-8", "surrogatepass")).hexdigest()
