"""A thread pool for work that would block an event loop, with a time limit for each piece of work.

An executor of the standard library costs four times as much: it wakes the loop for each piece, and
asyncio keeps a timer for each. Here the loop is woken only for results and errors; any other piece
is settled when the loop next comes by.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Full, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.25
"""The interval at which finished and late pieces are looked for."""


class NotBegun(Exception):
    """No thread was free in time; nothing was done."""


class _Piece:
    """A piece of work, and the future that gets its outcome."""

    __slots__ = ("_turn", "done", "error", "result", "until", "work")

    def __init__(self, work: Callable[[], Any], until: float, done: asyncio.Future[Any]) -> None:
        self.work, self.until, self.done = work, until, done
        self.result: Any = None
        self.error: BaseException | None = None
        self._turn = Lock()

    def take(self) -> bool:
        """Claim the piece, to do it or to give it up; False if it was claimed before."""
        return self._turn.acquire(blocking=False)


class Threads:
    """A pool of up to ``count`` threads, each started when there is work for it."""

    def __init__(self, name: str, count: int, most: float) -> None:
        self._name, self._count, self._most = name, count, most
        """``most`` is the maximum number of pieces, begun or waiting."""
        self._threads: list[Thread] = []
        self._waiting = SimpleQueue[_Piece | None]()
        self._pieces = set[_Piece]()
        """All pieces that are not known to be finished."""
        self._finished = deque[_Piece]()
        self._look: asyncio.TimerHandle | None = None

    def submit(self, work: Callable[[], T], seconds: float) -> asyncio.Future[T]:
        """A future of what the work returns or raises; a None may arrive with a delay.

        After ``seconds`` the future raises NotBegun if no thread took the work, else TimeoutError.
        Raises Full at once if there is too much to do.
        """
        self._settle()
        if len(self._pieces) >= self._most:
            raise Full
        loop = asyncio.get_running_loop()
        piece = _Piece(work, time.monotonic() + seconds, loop.create_future())
        self._pieces.add(piece)
        if len(self._threads) < min(self._count, len(self._pieces)):
            self._threads.append(Thread(target=self._run, name=self._name, daemon=True))
            self._threads[-1].start()
        if self._look is None:
            self._look = loop.call_later(LOOK_SECONDS, self._give_up, loop)
        self._waiting.put(piece)
        return piece.done

    def end(self) -> None:
        """Finish all work, then end the threads."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._settle()

    def _run(self) -> None:
        while (piece := self._waiting.get()) is not None:
            if not piece.take():
                continue
            try:
                piece.result = piece.work()
            except BaseException as error:
                piece.error = error
            self._finished.append(piece)
            if piece.error is not None or piece.result is not None:
                with suppress(RuntimeError):  # the loop has ended
                    piece.done.get_loop().call_soon_threadsafe(self._settle)
            del piece  # it would keep request and answer in memory until the next one

    def _settle(self) -> None:
        """Pass on the outcomes of finished pieces."""
        while self._finished:
            piece = self._finished.popleft()
            self._pieces.discard(piece)
            if piece.done.done():  # given up, or cancelled
                continue
            if piece.error is None:
                piece.done.set_result(piece.result)
            else:
                piece.done.set_exception(piece.error)
                piece.error = None  # the frames of its traceback refer to the piece

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up late pieces; those that have begun count until they finish."""
        self._settle()
        now = time.monotonic()
        for piece in [piece for piece in self._pieces if piece.until <= now]:
            late: Exception = TimeoutError()
            if piece.take():
                self._pieces.discard(piece)
                late = NotBegun()
            if not piece.done.done():
                piece.done.set_exception(late)
        waits = loop.call_later(LOOK_SECONDS, self._give_up, loop) if self._pieces else None
        self._look = waits
