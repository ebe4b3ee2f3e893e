"""Until when the work of a thread has to be done: whatever takes long looks here.

A thread without a deadline takes as long as it takes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_of_thread = threading.local()


class TookTooLong(Exception):
    """The deadline has passed; nothing was changed."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Everything that this thread does here is to be done in so many seconds."""
    before = deadline()
    _of_thread.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        _of_thread.deadline = before


def deadline() -> float | None:
    """The moment on the monotonic clock, if there is one."""
    found: float | None = getattr(_of_thread, "deadline", None)
    return found


def is_over() -> bool:
    """Whether the deadline has passed."""
    until = deadline()
    return until is not None and time.monotonic() >= until


def must_go_on() -> None:
    """Raise TookTooLong once the deadline has passed."""
    if is_over():
        raise TookTooLong("It took too long")
