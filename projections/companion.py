"""A companion: a process that folds what this one records, while it goes on recording.

The one rule: it is a follower like any other, so nothing is lost if it dies or never starts; this
process then folds the rest.
"""

from __future__ import annotations

import logging
from typing import Self

from domain.engine import Engine
from domain.engine.opening import open_engine
from domain.journal import Journal
from projections.crew import hands
from projections.follower import Follower
from projections.generations import layout_version
from projections.store import Store
from projections.workshop import Worker, WorkerEnded

log = logging.getLogger(__name__)

MUCH = 5_000
"""From how many lines on an import has a companion, which takes half a second to start."""


class Companion:
    """A process that follows the journal of an engine, from ``MUCH`` recorded lines on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._worker: Worker | None = None
        self._is_wanted = hands() > 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def recorded(self, lines: int) -> None:
        """Start the process if so many lines are worth it."""
        if self._is_wanted and lines >= MUCH:
            self._is_wanted = False
            try:
                self._worker = Worker()
                self._worker.order(follow, self._engine.address)
            except (OSError, WorkerEnded) as error:  # no room for another process
                log.warning("there is no process that folds at the same time: %r", error)

    def end(self) -> None:
        """End the process after the page it is folding."""
        if self._worker is None:
            return
        try:
            self._worker.order(stop)
            for _ in (follow, stop):
                self._worker.made()
        except Exception as error:
            log.warning("the process that folded at the same time ended: %r", error)
        self._worker.end()
        self._worker = None


# -- in the companion ------------------------------------------------------------------------------

_follower: Follower


def follow(address: str) -> None:
    """Follow the database at an address."""
    engine = open_engine(address, create=False)
    global _follower  # noqa: PLW0603 - it is what this process is for
    _follower = Follower(Journal(engine), Store(engine, layout_version()))
    _follower.store.current()  # raises what would make it fail again and again
    _follower.start()


def stop() -> None:
    """Stop following."""
    _follower.stop()
