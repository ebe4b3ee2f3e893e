"""Rebuilding: folds the whole journal into new tables beside those in use, then switches.

Questions are answered from the old ones meanwhile, and facts are recorded and folded into these.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from domain.journal import Journal
from projections import documents
from projections.crew import Crew, hands
from projections.documents import Changed
from projections.folding import TABLES, Numbering, fold, uncollected
from projections.generations import (
    advance,
    begin,
    create_indexes,
    drop,
    generations,
    must_exist,
    next_generation,
)
from projections.progress import Progress, no_progress
from projections.purging import Purging
from projections.store import Generation, Store, table_name
from projections.tables import NEVER
from projections.workshop import WorkerEnded

log = logging.getLogger(__name__)


PAGE = 20_000
MUCH_TOGETHER = 50_000
"""From how many facts on a rebuild uses several processes: each takes half a second to start."""
GRACE_SECONDS = 5.0
"""How long the old tables stay after a rebuild, for reads in progress."""


class Rebuild:
    """Folds the whole journal into new tables beside those in use, then switches; reads go on."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        page: int = PAGE,
        processes: int | None = None,
    ) -> None:
        """``processes`` is how many help; by default one for each core, if there are many facts."""
        self.journal, self.store, self.page = journal, store, page
        self.numbers = Numbering(complete=True)
        self.crew = Crew(store.engine, hands() if processes is None else processes)
        self._least = MUCH_TOGETHER if processes is None else 1
        self.has_documents = False
        self.purging = Purging(store)

    def run(self, progress: Progress = no_progress, grace_seconds: float = 0.0) -> int:
        """Refold and switch; returns the position reached.

        The old tables are dropped after a grace period for reads still in progress.
        """
        with self.crew:
            at = self._run(progress)
        threading.Event().wait(grace_seconds)
        with self.store.writing() as writer:
            writer.lock()
            for (old,) in writer.query(
                "SELECT DISTINCT generation FROM projections WHERE current = 0 "
                "AND generation < :number",
                number=at.number,
            ):
                drop(writer, old)
        while self.purging.step():
            pass
        return at.position

    def _run(self, progress: Progress) -> Generation:
        """Refold and switch; the old tables stay."""
        with self.store.writing() as writer:
            writer.lock()
            # Read before dropping, so that no dropped generation's number is used again.
            number = next_generation(writer)
            in_use = writer.query("SELECT generation FROM projections WHERE current = 1")
            for left_behind in generations(writer) - {number for (number,) in in_use}:
                drop(writer, left_behind)
            begin(writer, number)
        with uncollected():
            at = self.fold_all(Generation(number, 0), progress)
        with self.store.writing() as writer:
            create_indexes(writer, number)
        names = (*(table.name for table in TABLES), documents.NAME)
        if self.crew.workers:
            with self._with_crew():
                self._write_documents(number, partial(self.crew.documented, number))
        if not self.has_documents:
            self._write_documents(number)
        self.store.engine.analyze(table_name(name, number) for name in names)
        while not self._switch(at):
            at = self.fold_all(at, progress)
        self.store.has_folded(at.position)
        return at

    def _write_documents(self, generation: int, making: documents.Making | None = None) -> None:
        with self.store.writing() as writer, uncollected():
            must_exist(writer, generation)
            documents.write_all(writer, generation, making)
            documents.create_index(writer, generation)
        self.has_documents = True

    def fold_all(self, at: Generation, progress: Progress, upto: int = NEVER) -> Generation:
        """Fold all facts, or those up to a position, into a generation that is not in use."""
        head = min(upto, self.journal.facts.head())
        if self.crew.size and head - at.position >= self._least and not self.has_documents:
            with self._with_crew():
                folded = self.crew.folded(at.position, head, self.page, self.numbers)
                for reached, made in folded:
                    with self.store.writing() as writer:
                        advance(writer, at, reached, current=0)
                        for pages in made:
                            pages.write(writer, at.number, None)
                    at = Generation(at.number, reached)
                    progress(at.position, self.journal.facts.head())
        while placed := self.journal.facts.next(at.position, min(self.page, upto - at.position)):
            with self.store.writing() as writer:
                advance(writer, at, placed[-1].position, current=0)
                changed = Changed() if self.has_documents else None
                fold(writer, at.number, placed, self.numbers, changed)
                if changed is not None:
                    documents.write(writer, at.number, changed)
                    self.purging.begin(writer, at.number, placed)
            at = Generation(at.number, placed[-1].position)
            progress(at.position, self.journal.facts.head())
        return at

    @contextmanager
    def _with_crew(self) -> Iterator[None]:
        """Work shared with the crew: if one of its processes dies, this process goes on alone."""
        try:
            yield
        except WorkerEnded:
            log.warning("a process that helped with a rebuild ended; it goes on without")
            self.crew.end()
            self.numbers = Numbering()

    def _switch(self, at: Generation) -> bool:
        """Make the new tables current; returns False if more facts were folded into the old ones.

        Old tables that are ahead of the facts, because some were lost, do not count.
        """
        with self.store.writing() as writer:
            writer.lock()
            must_exist(writer, at.number)
            ahead = writer.query(
                "SELECT 1 FROM projections WHERE current = 1 AND position > :position "
                "AND EXISTS (SELECT 1 FROM stored_events WHERE position > :position)",
                position=at.position,
            )
            if ahead:
                return False
            writer.execute(
                "UPDATE projections SET current = CASE WHEN generation = :new THEN 1 ELSE 0 END "
                "WHERE current = 1 OR generation = :new",
                new=at.number,
            )
            return True
