"""A crew: processes that fold the pages of a rebuild in parallel, and make its documents.

The one rule: they only read. The process that leads them writes what they have made, in the order
of the facts, so the tables are the same as if one process had folded everything.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple, Self

from domain.engine import Engine, Row
from domain.engine.opening import open_engine
from domain.fact import Fact
from domain.join import Join
from domain.queries import Facts
from domain.stored import Placed, facts_in
from projections import documents
from projections.folding import Numbering, Pages, changes_in, subjects_of
from projections.tables import Numbers, is_of_house
from projections.workshop import Worker, WorkerEnded

MOST = 4
"""How many processes there are at most: the writing process cannot keep up with more."""

PAGE = 5_000
"""How many facts one of them folds at a time."""


def hands() -> int:
    """How many processes are worth having on this machine: one a core, but none for one core."""
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return min(cores, MOST) if cores > 1 else 0


class Page(NamedTuple):
    """What folding later facts needs to know about the facts of a page."""

    subjects: list[str]
    posted: list[str]
    """The works for which the operator decides."""
    joined: list[tuple[Sequence[str], str]]
    """Works that belong to another node after this page, and that node."""


class Crew:
    """Processes that work for this one; they are started with the first order.

    Raises ``WorkerEnded`` if one of them died or failed; the caller then goes on alone.
    """

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine, self.size = engine, size
        self.workers: list[Worker] = []
        """The processes that were started; empty after ``end``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End all processes, for good."""
        for worker in self.workers:
            worker.end()
        self.workers, self.size = [], 0

    def folded(
        self, after: int, upto: int, page: int, numbering: Numbering
    ) -> Iterator[tuple[int, list[Pages]]]:
        """For each page of the facts between two positions: its last position and changed rows."""
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
        """Rows of documents, for lists of numbers in the tables of these names."""
        orders = ((generation, *one) for one in lists)
        return self._in_turns(document, orders, lambda _: None)

    def _in_turns(
        self,
        function: Callable[..., Any],
        orders: Iterable[Sequence[Any]],
        meet: Callable[[Worker], None],
    ) -> Iterator[Any]:
        """The results of ``function`` for all orders, in order; every process always has an order.

        ``meet`` is called with each process after it got an order, and may give it a further one.
        """
        if not self.workers:
            try:
                self.workers = [Worker() for _ in range(self.size)]
            except OSError as error:  # no room for another process
                raise WorkerEnded from error
            for worker in self.workers:
                worker.order(open_journal, self._engine.address)
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
        raise WorkerEnded from error


# -- in a process of the crew ----------------------------------------------------------------------

_read: tuple[Sequence[Placed], list[Fact]] = ((), [])
_engine: Engine


def open_journal(address: str) -> None:
    """Work on the database at an address from now on."""
    global _engine  # noqa: PLW0603 - it is what this process works for
    _engine = open_engine(address, create=False)
    gc.disable()  # as in uncollected()


def read(after: int, upto: int) -> Page:
    """Read facts and keep them for ``fold``."""
    global _read  # noqa: PLW0603 - they are too many to be sent away and back
    placed = Facts(_engine).next(after, upto - after)
    facts = facts_in(placed)
    _read = placed, facts
    joins = (one for one in facts if isinstance(one, Join.Event) and one.node)
    return Page(
        list(subjects_of(facts)),
        [one.originator_id for one in facts if is_of_house(one)],
        [(list(one.moves), str(one.node)) for one in joins],
    )


def fold(known: Numbers) -> list[Pages]:
    """The rows that the facts read last change."""
    made = list(changes_in(*_read, known))
    for page in (page for pages in made for page in pages.values()):
        if not page.waiting:
            page.latest.clear()  # the writing process does not need it
    return made


def document(generation: int, table: str, numbers: list[int]) -> list[Row]:
    """Rows of documents for these numbers in a table."""
    return documents.made(_engine, generation, table, numbers)
