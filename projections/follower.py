"""Following the journal: folds facts into rows, in order, each exactly once.

The one rule: the rows of a page of facts and the new position are written in one transaction, whose
first statement moves the position from exactly the value that was read. So any number of followers
can run at once, and a crash loses nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from contextvars import copy_context

from domain.clock import stamp_of
from domain.engine import DatabaseUnavailable, Locked, Overtaken
from domain.journal import Journal
from domain.tree import NotVerified
from projections import documents
from projections.documents import Changed
from projections.folding import TABLES, Numbering, fold, uncollected
from projections.generations import advance
from projections.progress import Progress, no_progress
from projections.purging import Purging
from projections.rebuilding import GRACE_SECONDS, Rebuild
from projections.store import Generation, Store, table_name

log = logging.getLogger(__name__)

PAGE = 2_000
"""How many facts are folded in one transaction while following."""
MUCH = 10_000
"""From how many missing facts on ``catch_up`` may rebuild instead, and analyses the tables after
folding."""
POLL_SECONDS = 0.05
"""How often a follower looks for facts of other processes."""
RETRY_SECONDS = 1.0


class Follower:
    """Folds the journal into the current read tables, now and as it grows."""

    def __init__(self, journal: Journal, store: Store) -> None:
        self.journal, self.store = journal, store
        self.steps: list[Callable[[], bool]] = [self.fold_known, self.purge]
        """The steps repeated while following; each returns whether it had anything to do."""
        self._purging = Purging(store)
        self._numbers = Numbering()
        self._at, self._is_sure = Generation(0, -1), False
        """The generation and position it reached, and whether that is certain because it has just
        folded up to there itself; otherwise it looks them up."""
        self._server: Hashable = None
        """The server on which it did."""
        self._rests: dict[Callable[[], bool], float] = {}
        """Until when a step that failed is not tried again."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def position(self) -> int:
        """The position it has reached, or found another follower at, when it looked last."""
        return self._at.position

    def fold_page(self) -> bool:
        """Fold the next page of facts; returns whether there was one.

        A page that another follower folded first counts. Raises ``Locked`` if another one holds
        the tables for too long.
        """
        if not self._is_sure or self._server != self.store.engine.server:
            self._look()
        at, facts, written = self._at, self.journal.facts, self.journal.last_written
        placed = facts.lately(at.position)[:PAGE] if self._is_sure else []
        placed = placed or facts.next(at.position, PAGE)
        if not placed:
            if written > at.position:
                self.journal.has_lost(written, at.position)
            return False
        self._is_sure = False
        try:
            with self.store.writing() as writer, uncollected():
                advance(writer, at, placed[-1].position, stamp_of(placed[-1].state))
                if self._server != self.store.engine.server:  # which may lack what was read
                    raise Overtaken("the server")
                changed = Changed()
                fold(writer, at.number, placed, self._numbers, changed)
                documents.write(writer, at.number, changed)
                self._purging.begin(writer, at.number, placed)
            self._at, self._is_sure = Generation(at.number, placed[-1].position), True
        except Overtaken:
            return True
        except Locked:
            # Another follower may be frozen in the middle of a page, which is then folded here.
            if self.store.engine.end_stalled("projections"):
                log.warning("a follower that stood still within a page was ended")
            raise
        finally:
            if not self._is_sure:
                self._numbers.forget()
        self.store.has_folded(self._at.position)
        return True

    def fold_known(self) -> bool:
        """Fold the next page; returns whether to go on at once.

        After the last fact this process wrote it returns False: facts of other processes can wait
        a little, because now the answers that waited for that fact are made.
        """
        return self.fold_page() and self._at.position != self.journal.last_written

    def _look(self) -> None:
        """Look up how far the tables are folded; on a change, drop what was cached."""
        server, at = self.store.engine.server, self.store.current()
        if (at, server) != (self._at, self._server):
            self._numbers.forget()
            self._purging.look(self._at.position, at.position, self.journal)
            self._at, self._server = at, server

    def purge(self) -> bool:
        """Take some erased words out of the index; returns whether there was anything to do."""
        return self._purging.step()

    def catch_up(self, progress: Progress = no_progress, *, since: int | None = None) -> int:
        """Fold all facts there are; returns the position reached.

        If more facts are missing than are folded, it rebuilds, which costs less. After many facts
        it analyses the tables, so that PostgreSQL plans for their present content; those after
        ``since`` count even if another follower has folded them.
        """
        begun = self.store.current().position
        since = begun if since is None else since
        if self.journal.facts.head() - begun >= max(MUCH, begun):
            with suppress(Overtaken):  # by another rebuild
                grace_seconds = GRACE_SECONDS if begun else 0.0  # nobody reads empty tables
                since = Rebuild(self.journal, self.store).run(progress, grace_seconds)
        while self.fold_page():
            progress(self.store.current().position, self.journal.facts.head())
        while self.purge():
            pass
        reached = self.store.current()
        if reached.position - since >= MUCH:
            self.store.engine.analyze(table_name(table.name, reached.number) for table in TABLES)
        return reached.position

    def run(self) -> None:
        """Fold until stopped; after an error, such as an unavailable database, try again."""
        while not self._stopping.is_set():
            # Read before folding, so that a write in the meantime ends the wait below at once.
            seen = self.journal.last_written
            try:
                went_on = [self._take(step) for step in self.steps]
                if any(went_on):
                    continue
            except DatabaseUnavailable as error:
                log.warning("following waits: %s", error)
                self._stopping.wait(RETRY_SECONDS)
            self._wait_for_more_than(seen)

    def _take(self, step: Callable[[], bool]) -> bool:
        """Take a step; if it fails, it is tried again in a second, and the others go on.

        /ready reports what stands still; nothing would report a dead thread.
        """
        if time.monotonic() < self._rests.get(step, 0.0):
            return False
        try:
            return step()
        except DatabaseUnavailable:
            raise
        except NotVerified as error:
            log.error("%s", error)
        except Exception:
            log.exception("following failed and is tried again")
        self._rests[step] = time.monotonic() + RETRY_SECONDS
        return False

    def _wait_for_more_than(self, seen: int) -> None:
        with self.journal.written:
            self.journal.written.wait_for(
                lambda: self.journal.last_written > seen or self._stopping.is_set(),
                timeout=POLL_SECONDS,
            )

    def start(self) -> None:
        """Follow in a thread of this process."""
        self._stopping.clear()
        run = copy_context().run
        self._thread = threading.Thread(target=run, args=(self.run,), name="follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following, after the current page if the database answers."""
        self._stopping.set()
        with self.journal.written:
            self.journal.written.notify_all()
        if self._thread is not None:
            self.store.engine.end(self._thread)
            self._thread = None
