"""Threads for what would hold up an event loop, and until when each piece of work is waited for.

An executor of the standard library does the same at four times the cost: it wakes the loop for each
piece, and asyncio keeps a timer for each. Here what is done is noted when the loop comes by anyway.
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
"""How often it is looked what is over."""


class NotBegun(Exception):
    """No thread was free in time; nothing was done."""


class _Piece:
    """A piece of work."""

    __slots__ = ("_turn", "done", "error", "result", "until", "work")

    def __init__(self, work: Callable[[], Any], until: float, done: asyncio.Future[Any]) -> None:
        self.work, self.until, self.done = work, until, done
        self.result: Any = None
        self.error: BaseException | None = None
        self._turn = Lock()

    def take(self) -> bool:
        """Whether nobody has taken it before: a thread to do it, or who gives it up."""
        return self._turn.acquire(blocking=False)


class Threads:
    """So many threads, each started when there is work for it."""

    def __init__(self, name: str, count: int, most: float) -> None:
        self._name, self._count, self._most = name, count, most
        """``most`` is how many pieces may be there, begun or waiting."""
        self._threads: list[Thread] = []
        self._waiting = SimpleQueue[_Piece | None]()
        self._pieces = set[_Piece]()
        """Those that are not known to be finished."""
        self._finished = deque[_Piece]()
        self._look: asyncio.TimerHandle | None = None

    def submit(self, work: Callable[[], T], seconds: float) -> asyncio.Future[T]:
        """What the work returns or raises; nobody hurries to tell if that is None.

        NotBegun or TimeoutError after so many seconds; Full at once if there is too much to do.
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
        """Return once everything is done."""
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
            del piece  # it holds what was asked and answered

    def _settle(self) -> None:
        """Tell those who wait for what is finished."""
        while self._finished:
            piece = self._finished.popleft()
            self._pieces.discard(piece)
            if piece.done.done():  # given up, or nobody is there any more
                continue
            if piece.error is None:
                piece.done.set_result(piece.result)
            else:
                piece.done.set_exception(piece.error)
                piece.error = None  # whose frames hold the piece

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell those who have waited for too long; what has begun keeps its place."""
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
