"""Arrivals: requests that wait until the projections reach a position.

One thread reads the position for all of them, and only while somebody waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

SOON_SECONDS, LOOK_SECONDS = 0.002, 0.02
"""The first and the longest pause between reads of the position, which doubles in between."""


class Expected(NamedTuple):
    """A position somebody waits for, the deadline (monotonic), and the future to complete."""

    position: int
    deadline: float
    reached: Future[None]


class Arrivals:
    """The positions that requests wait for."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._expected: list[Expected] = []
        self._turn = threading.Lock()
        self._is_looking = False
        self._pause = SOON_SECONDS

    def expect(self, position: int, seconds: float) -> Future[None]:
        """A future that is done once the position is reached or the seconds are over.

        The caller has just read the position itself, so the first read is after a pause.
        """
        one = Expected(position, time.monotonic() + seconds, Future())
        with self._turn:
            if not self._expected:
                self._pause = SOON_SECONDS
            self._expected.append(one)
            if not self._is_looking:
                threading.Thread(target=self._watch, name="arrivals", daemon=True).start()
                self._is_looking = True  # not if there is no room for another thread
        return one.reached

    def arrive(self, position: int) -> None:
        """Complete the futures of all positions up to this one, and those past their deadline."""
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
            # After an error, each request meets the same error when it runs its own query.
            with suppress(Exception):
                position = self._read()
            self.arrive(position)
