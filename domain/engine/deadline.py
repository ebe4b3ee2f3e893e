"""The deadline of a thread, which everything that may take long checks.

A thread without one may take any time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_of_thread = threading.local()


class TookTooLong(Exception):
    """The deadline passed; nothing was changed."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give this thread a deadline for the block, so many seconds from its start."""
    before = deadline()
    _of_thread.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        _of_thread.deadline = before


def deadline() -> float | None:
    """This thread's deadline on the monotonic clock, if it has one."""
    found: float | None = getattr(_of_thread, "deadline", None)
    return found


def is_over() -> bool:
    """Whether this thread's deadline has passed."""
    until = deadline()
    return until is not None and time.monotonic() >= until


def must_go_on() -> None:
    """Raise TookTooLong if this thread's deadline has passed."""
    if is_over():
        raise TookTooLong("It took too long")
