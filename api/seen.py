"""What people have seen: up to which position they have read what happened to them.

One row per person instead of facts: it concerns nobody else, and is erased with its holder.
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
    """The positions up to which people have read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upto(self, holder: str) -> int:
        """The position up to which somebody has read; 0 if unknown."""
        sql = "SELECT position FROM seen WHERE holder = :holder"
        rows = self._engine.query(sql, holder=holder)
        return int(rows[0][0]) if rows else 0

    def read(self, holder: str, position: int) -> int:
        """Note that somebody has read up to a position; returns the furthest one noted."""
        with self._engine.transaction() as writer:
            writer.insert(SEEN, [(holder, position)])
        return self.upto(holder)
