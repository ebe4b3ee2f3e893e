"""Who waits for the projections to reach a position: one thread looks for all of them.

The position is read once for everybody, however many wait, and only while somebody does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

LOOK_SECONDS = 0.02
"""How often it looks for what other processes have folded."""


class Expected(NamedTuple):
    """A position, until when it is waited for, and what is done then."""

    position: int
    deadline: float
    reached: Future[None]

    def is_over(self, position: int, now: float) -> bool:
        """Whether there is nothing left to wait for."""
        return self.position <= position or self.deadline <= now


class Arrivals:
    """The positions that are waited for."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._expected: list[Expected] = []
        self._changed = threading.Condition()
        self._is_looking = False

    def expect(self, position: int, seconds: float) -> Future[None]:
        """Done once the position is reached, or the seconds are over."""
        one = Expected(position, time.monotonic() + seconds, Future())
        with self._changed:
            self._expected.append(one)
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._watch, name="arrivals", daemon=True).start()
        return one.reached

    def look(self) -> None:
        """Look at once: this process has folded a page."""
        with self._changed:
            self._changed.notify_all()

    def _watch(self) -> None:
        while True:
            position = 0
            # Whatever is wrong, everybody is told so by their own question.
            with suppress(Exception):
                position = self._read()
            for one in self._take_arrived(position):
                if one.reached.set_running_or_notify_cancel():
                    one.reached.set_result(None)
            with self._changed:
                if not self._expected:
                    self._is_looking = False
                    return
                self._changed.wait(LOOK_SECONDS)

    def _take_arrived(self, position: int) -> list[Expected]:
        now = time.monotonic()
        with self._changed:
            arrived = [one for one in self._expected if one.is_over(position, now)]
            self._expected = [one for one in self._expected if not one.is_over(position, now)]
        return arrived
