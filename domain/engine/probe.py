"""A probe: one thread finds out, for everybody who waits, whether a server answers at all.

A frozen server accepts a connection and then stays silent, as long as the driver is willing to
wait. Callers of a probe wait less, without each of them leaving a blocked thread behind.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread

from domain.engine import DatabaseUnavailable


class Probe:
    """Calls ``ask`` in a thread of its own, of which there is one at a time."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask, self._lock = ask, Lock()
        self._asked: Future[None] | None = None

    def must_succeed(self, seconds: float) -> None:
        """Raise what ``ask`` raises, or DatabaseUnavailable if it takes longer than this."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                Thread(target=self._run, args=(self._asked,), daemon=True).start()
            asked = self._asked
        try:
            asked.result(seconds)
        except TimeoutError as error:
            raise DatabaseUnavailable("The database does not answer") from error

    def _run(self, asked: Future[None]) -> None:
        try:
            self._ask()
        except BaseException as error:
            asked.set_exception(error)
        else:
            asked.set_result(None)
