"""A separate process for slow work such as drawing, which ends if something takes too long.

Results are cached, as far as there is room, under everything they were made from. So nothing is
made twice at the same time, and no text that was erased since is ever shown.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from domain.engine.deadline import TookTooLong

T = TypeVar("T")

MAKING_SECONDS = 8.0
"""How long one job may take."""
MOST_WAITING = 8
"""How many jobs may wait."""
ROOM_BYTES = 48 << 20
"""How many bytes of results are cached."""
MOST_KEPT = 256
FAILED_SECONDS = 60.0
"""How long something that took too long is not tried again."""


class Crowded(Exception):
    """Too many jobs are waiting."""


class Workshop:
    """Does one job at a time; ``wait`` receives the name of a job and its future, and waits."""

    def __init__(
        self, wait: Callable[[str, Future[Any]], None], seconds: float = MAKING_SECONDS
    ) -> None:
        self._wait, self._seconds = wait, seconds
        self._foreman = ThreadPoolExecutor(1, "workshop")
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Future[Any]] = OrderedDict()
        self._failed: dict[str, float] = {}
        """By name of a job that took too long: until when it is not tried again."""
        self._worker: Worker | None = None

    def make(self, function: Callable[..., T], *args: Any) -> T:
        """What a function returns; raises TookTooLong, or Crowded if it must wait too long."""
        job = pickle.dumps((function, args))
        name = sha256(job).hexdigest()
        made: Future[T] = self._ordered(name, job)
        self._wait(name, made)
        if not made.done():
            raise Crowded
        return made.result()

    def close(self) -> None:
        self._foreman.shutdown(cancel_futures=True)
        if self._worker is not None:
            self._worker.end()

    def _ordered(self, name: str, job: bytes) -> Future[Any]:
        with self._lock:
            if time.monotonic() > self._failed.get(name, math.inf):
                del self._failed[name], self._kept[name]
            if name in self._kept:
                self._kept.move_to_end(name)
            else:
                if sum(not made.done() for made in self._kept.values()) > MOST_WAITING:
                    raise Crowded
                self._kept[name] = self._foreman.submit(self._carried_out, name, job)
                self._make_room()
            return self._kept[name]

    def _make_room(self) -> None:
        taken = 0
        for name, made in reversed(list(self._kept.items())):
            if made.done():
                failed = made.exception() is not None
                taken += ROOM_BYTES // MOST_KEPT if failed else _size(made.result())
                if taken > ROOM_BYTES:
                    del self._kept[name]
                    self._failed.pop(name, None)

    def _carried_out(self, name: str, job: bytes) -> Any:
        worker = self._worker
        if worker is None or not worker.is_there:
            worker = self._worker = Worker(self._seconds)
        try:
            worker.send(job)
            return worker.made()
        except WorkerEnded as error:
            self._failed[name] = time.monotonic() + FAILED_SECONDS
            raise TookTooLong("What was to be made took too long") from error


class WorkerEnded(Exception):
    """A worker ended before it had carried out its order."""


_BEGIN = (
    "import sys; sys.path.insert(0, sys.argv[1]); from projections.workshop import work; "
    "work(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[2]))"
)
"""Begins a process in the folder of its parent, which it may be forbidden to enter by name."""


class Worker:
    """A process that carries out orders, one after the other, as long as its parent runs.

    It ends itself if an order takes longer than ``seconds``; 0 sets no limit.
    """

    def __init__(self, seconds: float = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BEGIN, str(Path(__file__).parents[1]), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt at the terminal is meant for the parent
        )

    @property
    def is_there(self) -> bool:
        """Whether it is still running."""
        return self.process.poll() is None

    def order(self, function: Callable[..., Any], *args: Any) -> None:
        """Order a call of a function; it is carried out after all earlier orders."""
        self.send(pickle.dumps((function, args)))

    def send(self, job: bytes) -> None:
        """Like ``order``, for a pickled call; raises WorkerEnded if the process is gone."""
        assert self.process.stdin is not None
        with self._ending():
            pickle.dump(job, self.process.stdin)
            self.process.stdin.flush()

    def made(self) -> Any:
        """The result of the next order; raises its error, or WorkerEnded without a process."""
        assert self.process.stdout is not None
        with self._ending():
            is_made, result = pickle.load(self.process.stdout)
        if not is_made:
            raise result
        return result

    def end(self) -> None:
        """Kill it, whatever it is doing."""
        self.process.kill()
        self.process.communicate()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self.end()
            raise WorkerEnded from error


def _size(made: Any) -> int:
    """How many bytes a result takes in the cache: at least one of MOST_KEPT equal parts."""
    return max(len(made) if isinstance(made, bytes | str) else 0, ROOM_BYTES // MOST_KEPT)


def work(orders: BinaryIO, finished: BinaryIO, seconds: float) -> None:
    """Carry out one order after the other, until there are no more because the parent has ended."""
    with suppress(OSError):
        os.nice(5)
    with suppress(EOFError, BrokenPipeError):
        while True:
            function, args = pickle.loads(pickle.load(orders))
            # Nothing handles this signal, so it ends the process, whatever that is doing.
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                answer = pickle.dumps((True, function(*args)))
            except Exception as error:
                answer = pickle.dumps((False, error))
            signal.setitimer(signal.ITIMER_REAL, 0)
            finished.write(answer)
            finished.flush()


_opened: Workshop | None = None


def open_workshop(wait: Callable[[str, Future[Any]], None]) -> Workshop:
    """Open the workshop of this process: from now on, slow work is done in a separate one."""
    global _opened  # noqa: PLW0603 - there is one for each process, like the process itself
    _opened = Workshop(wait)
    return _opened


def elsewhere(function: Callable[..., T], *args: Any) -> T:
    """What a function returns, called in the workshop if one was opened, else here."""
    return function(*args) if _opened is None else _opened.make(function, *args)
