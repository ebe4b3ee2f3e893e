"""The heartbeat: when a follower last completed all of its steps.

It is stored in the database with the database's own clock, so every process can tell a follower
that died or hangs inside a page from one that has nothing to do.
"""

from __future__ import annotations

import time

from domain.engine import Engine, Table

SECONDS_BETWEEN_BEATS = 2.0

HEARTBEATS = Table(
    "heartbeats",
    {"name": "TEXT", "at": "BIGINT"},
    keys=(("name",),),
    on_conflict="(name) DO UPDATE SET at = excluded.at",
    in_backups=False,
)
"""The latest beat of any follower, and the latest trial of a write, in milliseconds since 1970."""

FOLLOWER, TRIAL = "follower", "trial"


class Heartbeat:
    """The heartbeat of the followers of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._beaten = -SECONDS_BETWEEN_BEATS  # a monotonic clock may begin at 0

    def step(self) -> bool:
        """Beat as the last step of a follower, so that one stuck in another step does not beat."""
        self.beat()
        return False

    def beat(self) -> None:
        """Beat, unless the last beat was a moment ago.

        One row for all followers: it matters that one is alive, not which.
        """
        if time.monotonic() - self._beaten >= SECONDS_BETWEEN_BEATS:
            at = _milliseconds(self._engine.now())
            with self._engine.transaction(durable=False) as transaction:
                transaction.insert(HEARTBEATS, [(FOLLOWER, at)])
            self._beaten = time.monotonic()

    def age(self) -> float | None:
        """Seconds since a follower last beat; None if none ever did."""
        beats = self._engine.query("SELECT at FROM heartbeats WHERE name = :name", name=FOLLOWER)
        return self._engine.now() - int(beats[0][0]) / 1000 if beats else None

    def try_writing(self) -> None:
        """Write a row as a command would; raises DatabaseUnavailable with the reason if refused."""
        self._engine.must_take_writes(HEARTBEATS, (TRIAL, _milliseconds(self._engine.now())))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
