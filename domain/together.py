"""Batches the requests of several threads, so that one thread carries them out for all.

While one group is carried out, the next one gathers. Nobody waits for a group to fill, but a thread
that would begin one gives way to those of the last one, which may be about to ask again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import Generic, TypeVar

from domain.engine import OutcomeUnknown
from domain.engine.deadline import TookTooLong, deadline

T = TypeVar("T")
R = TypeVar("R")
Outcomes = Sequence[R | Exception | None]
Do = Callable[[T, Callable[[], Sequence[T]]], Outcomes[R] | Callable[[], Outcomes[R]]]


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class _Asked(Generic[T, R]):
    """The request of one thread, and its outcome."""

    what: T
    turn: Lock = field(default_factory=_taken)
    """Held until its thread, which waits for it, may go on."""
    outcome: R | Exception | None = None
    is_alone: bool = False
    """Whether its group failed, so that its thread repeats the request alone."""
    after: _Asked[T, R] | None = None
    """The request whose thread this one wakes: all woken at once would wait for the interpreter."""


class Together(Generic[T, R]):
    """Carries out requests in groups; ``do`` returns the outcome of each, in order.

    ``do`` is given the first request, and a function that closes the group and returns all of its
    requests. Until it is called, more may join, for example while ``do`` waits for a lock. It may
    also return a function that returns the outcomes; meanwhile the next group is carried out.

    An exception returned as an outcome is raised for that request alone; for None, its thread
    repeats it alone. If ``do`` itself raises, nothing was done, and every thread repeats its own
    request alone; but OutcomeUnknown is raised for every request of the group. To repeat one alone
    is to call ``alone`` or, without it, ``do`` for it.
    """

    def __init__(self, do: Do[T, R], most: int, alone: Callable[[T], R] | None = None) -> None:
        self._do, self._most, self._alone = do, most, alone
        self._lock = Lock()
        self._waiting: list[_Asked[T, R]] = []
        self._is_busy = False
        self._others = 0
        """How many requests beside the first were in the group that was done last."""

    @property
    def waiting(self) -> int:
        """How many requests wait while a group is carried out."""
        return len(self._waiting)

    def ask(self, what: T) -> R:
        """The outcome of a request, carried out together with those of other threads.

        Raises TookTooLong if the thread's deadline passes before its turn.
        """
        asked: _Asked[T, R] = _Asked(what)
        with self._lock:
            is_first, self._is_busy = not self._is_busy, True
            if not is_first:
                self._waiting.append(asked)
        if not is_first:
            self._wait(asked)
        if asked.outcome is None and not asked.is_alone:
            self._lead(asked, gives_way=is_first)
        if asked.is_alone:
            asked.outcome = self._repeated(what)
        assert asked.outcome is not None
        if isinstance(asked.outcome, Exception):
            raise asked.outcome
        return asked.outcome

    def _repeated(self, what: T) -> R | Exception | None:
        if self._alone is not None:
            return self._alone(what)
        outcomes = self._do(what, lambda: [what])
        (outcome,) = outcomes() if callable(outcomes) else outcomes
        return outcome

    def _wait(self, asked: _Asked[T, R]) -> None:
        """Wait until it is done or its thread has to lead; past its deadline, leave the queue."""
        until = deadline()
        seconds = -1.0 if until is None else max(0.0, until - time.monotonic())
        is_its_turn = False
        try:
            is_its_turn = asked.turn.acquire(timeout=seconds)
        finally:
            if not is_its_turn and not self._has_left(asked):
                is_its_turn = asked.turn.acquire()  # it has left the queue: it is being done
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

    def _lead(self, first: _Asked[T, R], *, gives_way: bool) -> None:
        """Carry out this request with those that wait, and pass the lead to one that is left."""
        group = [first]
        try:
            with self._failing(group):
                try:
                    if gives_way:
                        self._give_way()
                    outcomes = self._do(first.what, partial(self._close, group))
                finally:
                    self._pass_on()
                if callable(outcomes):
                    outcomes = outcomes()
                for asked, outcome in zip(group, outcomes, strict=True):
                    asked.outcome, asked.is_alone = outcome, outcome is None
        finally:
            for asked in group:
                if asked.outcome is None and not asked.is_alone:  # this thread is being ended
                    asked.outcome = OutcomeUnknown()
            self._others = len(group) - 1
            for asked, after in pairwise(group[1:]):
                asked.after = after
            for asked in group[1:2]:
                asked.turn.release()

    def _give_way(self) -> None:
        for _ in range(self._others):
            if len(self._waiting) >= self._others:
                return
            time.sleep(0)  # one of them may run

    def _close(self, group: list[_Asked[T, R]]) -> Sequence[T]:
        """Add those that wait to a group; returns all of its requests."""
        with self._lock:
            group.extend(self._waiting[: self._most - 1])
            del self._waiting[: self._most - 1]
        return [asked.what for asked in group]

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.pop(0).turn.release()
            else:
                self._is_busy = False

    @contextmanager
    def _failing(self, group: list[_Asked[T, R]]) -> Iterator[None]:
        """Make an error in the block the outcome of a single request, or leave all to be repeated.

        Nobody repeats what may have been done.
        """
        try:
            yield
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
