"""The heartbeat: when a follower last completed all of its steps.

It is stored in the database with the database's own clock, so every process can tell a follower
that died or hangs inside a page from one that has nothing to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

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

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._beaten = -SECONDS_BETWEEN_BEATS  # a monotonic clock may begin at 0
        self._heard, self._heard_at = 0, 0.0

    def step(self) -> bool:
        """Beat as the last step of a follower, so that one stuck in another step does not beat."""
        self.beat()
        return False

    def beat(self) -> None:
        """Beat, unless the last beat was a moment ago.

        One row for all followers: it matters that one is alive, not which.
        """
        if self._clock() - self._beaten >= SECONDS_BETWEEN_BEATS:
            at = _milliseconds(self._engine.now())
            with self._engine.transaction(durable=False) as transaction:
                transaction.insert(HEARTBEATS, [(FOLLOWER, at)])
            self._beaten = self._clock()

    def age(self) -> float | None:
        """Seconds since a follower last beat; None if none ever did.

        At least as many as since this process has first heard of that beat: after the clock was set
        back, it would seem to be yet to come.
        """
        beats = self._engine.query("SELECT at FROM heartbeats WHERE name = :name", name=FOLLOWER)
        if not beats:
            return None
        beat, now = int(beats[0][0]), self._clock()
        if beat != self._heard:
            self._heard, self._heard_at = beat, now
        return max(self._engine.now() - beat / 1000, now - self._heard_at)

    def try_writing(self) -> None:
        """Write a row as a command would; raises DatabaseUnavailable with the reason if refused."""
        self._engine.must_take_writes(HEARTBEATS, (TRIAL, _milliseconds(self._engine.now())))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
