"""A crew: processes that fold the pages of a rebuild beside each other, and make its documents.

The rule: they only read. What they have made is written by who leads them, in the order of the
facts, so that the tables are the same as if one process had folded everything.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple, Self

from domain.engine import Engine, Row
from domain.engine.opening import open_engine
from domain.fact import Fact
from domain.join import Join
from domain.recorders import JournalRecorder
from domain.stored import Placed, facts_in
from projections import documents
from projections.folding import Numbering, Pages, changes_in, subjects_of
from projections.tables import Numbers, is_of_house
from projections.workshop import Ended, Worker

MOST = 4
"""How many processes there are at most: who writes what they make cannot keep up with more."""

PAGE = 5_000
"""How many facts one of them folds at a time."""


def hands() -> int:
    """How many processes have something to do here: one for each core, none beside a single one."""
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return min(cores, MOST) if cores > 1 else 0


class Page(NamedTuple):
    """The facts of a page, as far as they tell something about later ones."""

    subjects: list[str]
    posted: list[str]
    """The works for which the operator decides."""
    joined: list[tuple[Sequence[str], str]]
    """Works that are another node from then on."""


class Crew:
    """Processes that work for the one who made it; they begin with the first work.

    Ended, if one of them has ended or failed: what it could not do is to be done without it.
    """

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine, self.size = engine, size
        self.workers: list[Worker] = []
        """Those who have begun, as long as none has ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Send everybody away."""
        for worker in self.workers:
            worker.end()
        self.workers, self.size = [], 0

    def folded(
        self, after: int, upto: int, page: int, numbering: Numbering
    ) -> Iterator[tuple[int, list[Pages]]]:
        """What the facts between two positions change in the tables, up to one after the other."""
        begun = range(after, upto, min(page, PAGE))
        ends = [*begun[1:], upto]

        def number(worker: Worker) -> None:
            page: Page = _made(worker)
            numbering.give(page.subjects)
            worker.order(fold, numbering.numbers.among(page.subjects))
            numbers = numbering.numbers
            numbers.house.update(map(numbers.__getitem__, page.posted))
            for works, node in page.joined:
                numbers.move(works, node)

        spans = zip(begun, ends, strict=True)
        return zip(ends, self._in_turns(read, spans, number), strict=True)

    def documented(
        self, generation: int, lists: Iterable[tuple[str, list[int]]]
    ) -> Iterator[list[Row]]:
        """The documents of what has these numbers in the table of each name, as rows."""
        orders = ((generation, *one) for one in lists)
        return self._in_turns(document, orders, lambda _: None)

    def _in_turns(
        self,
        function: Callable[..., Any],
        orders: Iterable[Sequence[Any]],
        meet: Callable[[Worker], None],
    ) -> Iterator[Any]:
        """What is made of each order, as long as there are any; all have one at any time."""
        if not self.workers:
            try:
                self.workers = [Worker() for _ in range(self.size)]
            except OSError as error:  # no room for another process
                raise Ended from error
            for worker in self.workers:
                worker.order(open_journal, self._engine.address, str(Path.cwd()))
            for worker in self.workers:
                _made(worker)
        busy: list[Worker] = []
        for order, worker in zip(orders, cycle(self.workers), strict=False):
            made = [_made(worker)] if worker in busy else []
            worker.order(function, *order)
            yield from made
            meet(worker)
            busy = [*(one for one in busy if one is not worker), worker]
        for worker in busy:
            yield _made(worker)


def _made(worker: Worker) -> Any:
    try:
        return worker.made()
    except Exception as error:
        raise Ended from error


# -- in a process of the crew ----------------------------------------------------------------------

_read: tuple[Sequence[Placed], list[Fact]] = ((), [])
_engine: Engine


def open_journal(address: str, folder: str) -> None:
    """From now on, work on the database at an address, which may be relative to a folder."""
    os.chdir(folder)
    global _engine  # noqa: PLW0603 - it is what this process works for
    _engine = open_engine(address, create=False)
    gc.disable()  # as in uncollected()


def read(after: int, upto: int) -> Page:
    """Read facts, which are folded next."""
    global _read  # noqa: PLW0603 - they are too many to be sent away and back
    placed = JournalRecorder(_engine).after(after, upto - after)
    placed = [one for one in placed if one.position <= upto]  # some may have been removed
    facts = facts_in(placed)
    _read = placed, facts
    joins = (one for one in facts if isinstance(one, Join.Event) and one.node)
    return Page(
        list(subjects_of(facts)),
        [one.originator_id for one in facts if is_of_house(one)],
        [(list(one.moves), str(one.node)) for one in joins],
    )


def fold(known: Numbers) -> list[Pages]:
    """What the facts that were read last change in the tables."""
    made = list(changes_in(*_read, known))
    for page in (page for pages in made for page in pages.values()):
        if not page.waiting:
            page.latest.clear()  # of no use to who writes them
    return made


def document(generation: int, table: str, numbers: list[int]) -> list[Row]:
    """The documents of what has these numbers in a table."""
    return documents.made(_engine, generation, table, numbers)
