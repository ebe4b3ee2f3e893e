"""Appending: how appends come one after the other, though several threads and processes make them.

Threads of this process share transactions (domain.together). A group is recorded optimistically,
without a lock: the database refuses it if another process has taken the next position. After that
has happened, the next groups wait for the lock first.

An append is never repeated here: if the connection breaks, the caller has to find out whether it
was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from eventsourcing.persistence import IntegrityError

from domain.append import Append, Recording, read_since
from domain.clock import STAMP, START, Point
from domain.engine import DatabaseUnavailable, Engine
from domain.engine.deadline import TookTooLong
from domain.heads import Basis
from domain.lately import MOST_FACTS, Lately, Since
from domain.stored import COLUMNS, FACTS
from domain.together import Together

LEAST_PAUSE, MOST_PAUSE = 8, 64
"""How many groups take the lock first after one that came too late; doubled each time in a row."""
MOST_TOGETHER = 64
"""The most appends that share a transaction."""

Outcomes = list[Sequence[int] | Exception]
"""Of each append: its positions, or why it was refused."""


class Appending:
    """Records the appends of one process; safe to use from several threads."""

    def __init__(self, engine: Engine, lately: Lately) -> None:
        self._engine, self._lately = engine, lately
        self._locked_first = 0
        """How many of the next groups take the lock first, because another process was faster."""
        self._pause = LEAST_PAUSE
        """How many will do so when that happens again."""
        self.together = Together(self._record, MOST_TOGETHER)

    def append(self, append: Append) -> Sequence[int]:
        """Record an append; returns its positions, or raises IntegrityError if others came first.

        One that erases texts is recorded alone, and removes them from the files as far as possible.
        """
        if not append.is_alone:
            return self.together.ask(append)
        (outcome,) = self._record(append, lambda: [append])
        if isinstance(outcome, Exception):
            raise outcome
        if append.erased:
            # It is recorded; a follower tries again.
            with suppress(DatabaseUnavailable, TookTooLong):
                self._engine.settle()
        return outcome

    def _record(self, first: Append, close: Callable[[], Sequence[Append]]) -> Outcomes:
        """Record a group in one transaction."""
        if self._locked_first:
            self._locked_first -= 1
            return self._under_lock(first, close)
        appends = close()
        if all(one.is_plain for one in appends):
            try:
                outcomes = self._without_lock(appends)
            except IntegrityError:
                self._locked_first, self._pause = self._pause, min(2 * self._pause, MOST_PAUSE)
            else:
                self._pause = LEAST_PAUSE
                return outcomes
        return self._under_lock(first, lambda: appends)

    def _without_lock(self, appends: Sequence[Append]) -> Outcomes:
        """Raises IntegrityError if another process records something at the next position."""
        bases = _known(appends)
        since = self._lately.since(bases) if bases else None
        with self._engine.optimistic(*(_ends_at(since.end) if since else ())) as transaction:
            recording = Recording(transaction, appends, since or read_since(transaction, appends))
        return self._ended(recording)

    def _under_lock(self, first: Append, close: Callable[[], Sequence[Append]]) -> Outcomes:
        """While this waits for the lock, more may join the group."""
        known = _known([first])
        thought = self._lately.since(known) if known else None
        sql = _from(thought.end) if thought else "SELECT 1"
        with self._engine.appending(FACTS, sql) as (transaction, rows):
            appends = close()
            since: Since | None = None
            if thought and (bases := _known(appends)):
                since = self._lately.since_others(bases, thought.end, rows)
            recording = Recording(transaction, appends, since or read_since(transaction, appends))
        return self._ended(recording)

    def _ended(self, recording: Recording) -> Outcomes:
        self._lately.recorded(recording.group())
        return recording.outcomes


def _known(appends: Sequence[Append]) -> list[Basis]:
    """What appends were decided on; nothing if anything has to be read for one of them."""
    bases = [one.basis for one in appends if one.basis is not None and one.is_known]
    return bases if len(bases) == len(appends) else []


def _ends_at(end: Point) -> tuple[str, Sequence[Any]]:
    """The row that must exist where facts are to follow a point (see ``Engine.optimistic``)."""
    return ("", ()) if end == START else (_AT_POINT, (end.position, end.stamp.encode()))


_AT_POINT = f"stored_events WHERE position = ? AND {STAMP} = ?"


def _from(end: Point) -> str:
    """A query, without values, for the fact at a point and those that others recorded since."""
    where = f"position >= {end.position:d} ORDER BY position LIMIT {MOST_FACTS + 2}"
    return f"SELECT {COLUMNS} FROM stored_events WHERE {where}"
