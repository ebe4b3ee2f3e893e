"""What has been seen: up to which position somebody has read what happened to them.

A row for each who said so, no fact: it concerns nobody else, and is erased with its holder.
"""

from __future__ import annotations

from domain.engine import Engine, Table

SEEN = Table(
    "seen",
    {"holder": "TEXT", "position": "BIGINT"},
    keys=(("holder",),),
    on_conflict="(holder) DO UPDATE SET position = excluded.position "
    "WHERE seen.position < excluded.position",
    small=True,
)


class Seen:
    """Up to where people have read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upto(self, holder: str) -> int:
        """Up to where somebody has; 0 if they never said so."""
        sql = "SELECT position FROM seen WHERE holder = :holder"
        rows = self._engine.query(sql, holder=holder)
        return int(rows[0][0]) if rows else 0

    def read(self, holder: str, position: int) -> int:
        """Somebody has read up to a position, or further before; up to where they have."""
        with self._engine.transaction() as writer:
            writer.insert(SEEN, [(holder, position)])
        return self.upto(holder)
