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

SOON_SECONDS, LOOK_SECONDS = 0.002, 0.02
"""How soon, and then how often, it looks for what other processes have folded."""


class Expected(NamedTuple):
    """A position, until when it is waited for, and what is done then."""

    position: int
    deadline: float
    reached: Future[None]


class Arrivals:
    """The positions that are waited for."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._expected: list[Expected] = []
        self._turn = threading.Lock()
        self._is_looking = False
        self._pause = SOON_SECONDS

    def expect(self, position: int, seconds: float) -> Future[None]:
        """Done once the position is reached, or the seconds are over; who asks has just looked."""
        one = Expected(position, time.monotonic() + seconds, Future())
        with self._turn:
            if not self._expected:
                self._pause = SOON_SECONDS
            self._expected.append(one)
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._watch, name="arrivals", daemon=True).start()
        return one.reached

    def arrive(self, position: int) -> None:
        """Tell everybody who waits for a position that has been reached."""
        now = time.monotonic()
        with self._turn:
            expected, self._expected = self._expected, []
            arrived = list[Expected]()
            for one in expected:
                is_over = one.position <= position or one.deadline <= now
                (arrived if is_over else self._expected).append(one)
        for one in arrived:
            if one.reached.set_running_or_notify_cancel():
                one.reached.set_result(None)

    def _watch(self) -> None:
        while True:
            time.sleep(self._pause)
            with self._turn:
                self._pause = min(2 * self._pause, LOOK_SECONDS)
                if not self._expected:
                    self._is_looking = False
                    return
            position = 0
            # Whatever is wrong, everybody is told so by their own question.
            with suppress(Exception):
                position = self._read()
            self.arrive(position)
