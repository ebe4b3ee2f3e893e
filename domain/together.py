"""Together: what several threads ask for at the same moment is done by one of them for all.

While one group is done, the next one gathers. Nobody waits for a group to fill.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from typing import Generic, TypeVar

from domain.engine import OutcomeUnknown
from domain.engine.deadline import TookTooLong, deadline

T = TypeVar("T")
R = TypeVar("R")


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class _Asked(Generic[T, R]):
    """What one thread asks for, and what became of it."""

    what: T
    turn: Lock = field(default_factory=_taken)
    """Released once, when its thread is to go on after it had to wait."""
    outcome: R | Exception | None = None
    is_alone: bool = False
    """Whether its group failed, so that its thread does it again alone."""
    after: _Asked[T, R] | None = None
    """Who is woken by its thread: all at once, they would wait for the interpreter again."""


class Together(Generic[T, R]):
    """Does what threads ask for in groups; ``do`` gives an outcome for each of its arguments.

    An exception in its place is the outcome of one. If ``do`` itself fails, nothing was done, and
    every thread does its own alone; but where it is unknown whether it was done, it is for all.
    """

    def __init__(self, do: Callable[[Sequence[T]], Sequence[R | Exception]], most: int) -> None:
        self._do, self._most = do, most
        self._lock = Lock()
        self._waiting: list[_Asked[T, R]] = []
        self._is_busy = False

    @property
    def waiting(self) -> int:
        """How many wait for the group that is being done."""
        return len(self._waiting)

    def ask(self, what: T) -> R:
        """The outcome for one, done with whatever others ask for at the moment."""
        asked: _Asked[T, R] = _Asked(what)
        with self._lock:
            is_first, self._is_busy = not self._is_busy, True
            if not is_first:
                self._waiting.append(asked)
        if not is_first:
            self._wait(asked)
        if asked.outcome is None and not asked.is_alone:
            self._lead(asked)
        if asked.is_alone:
            (asked.outcome,) = self._do([what])
        assert asked.outcome is not None
        if isinstance(asked.outcome, Exception):
            raise asked.outcome
        return asked.outcome

    def _wait(self, asked: _Asked[T, R]) -> None:
        """Until it is done or its thread has to do it; who has no time left leaves the queue."""
        until = deadline()
        seconds = -1.0 if until is None else max(0.0, until - time.monotonic())
        is_its_turn = False
        try:
            is_its_turn = asked.turn.acquire(timeout=seconds)
        finally:
            if not is_its_turn and not self._has_left(asked):
                is_its_turn = asked.turn.acquire()  # it is being done
            if asked.after is not None:
                asked.after.turn.release()
        if not is_its_turn:
            raise TookTooLong("Others write for too long")

    def _has_left(self, asked: _Asked[T, R]) -> bool:
        with self._lock:
            is_waiting = asked in self._waiting
            if is_waiting:
                self._waiting.remove(asked)
        return is_waiting

    def _lead(self, first: _Asked[T, R]) -> None:
        """Do this with all that waits, and pass the lead on to who came meanwhile."""
        with self._lock:
            group = [first, *self._waiting[: self._most - 1]]
            del self._waiting[: self._most - 1]
        try:
            self._do_all(group)
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.pop(0).turn.release()
                else:
                    self._is_busy = False
            for asked in group:
                if asked.outcome is None and not asked.is_alone:  # this thread is being ended
                    asked.outcome = OutcomeUnknown()
            for asked, after in pairwise(group[1:]):
                asked.after = after
            for asked in group[1:2]:
                asked.turn.release()

    def _do_all(self, group: Sequence[_Asked[T, R]]) -> None:
        try:
            outcomes = self._do([asked.what for asked in group])
        except OutcomeUnknown as error:
            for asked in group:
                asked.outcome = OutcomeUnknown()
                asked.outcome.__cause__ = error
        except Exception as error:
            for asked in group:
                if len(group) == 1:
                    asked.outcome = error
                else:
                    asked.is_alone = True
        else:
            for asked, outcome in zip(group, outcomes, strict=True):
                asked.outcome = outcome
