"""Folding: turns a page of facts into changes of the read tables, in memory and then as rows.

The one rule: what a fact changes depends only on the fact and on numbers. So a page can be folded
before earlier pages are written; only changes that close earlier rows wait until the page itself is
written.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from domain.engine import Row, Transaction
from domain.fact import FACTS, Fact
from domain.join import Join
from domain.permission import OPERATOR
from domain.stored import Placed, facts_in
from projections.asks import ASKED
from projections.attribution import ATTRIBUTION, CONTRIBUTORS
from projections.challenges import CHALLENGES, CHALLENGING
from projections.conversation import CONVERSING
from projections.documents import Changed
from projections.following import FOLLOWING
from projections.groups import GROUPING
from projections.history import HISTORY
from projections.identifiers import IDENTIFIED
from projections.lineage import LINEAGE, WORKS
from projections.money.rows import MONEY
from projections.notices import NOTICED
from projections.projects import PROJECTING, PROJECTS
from projections.store import table_name
from projections.tables import (
    NEVER,
    Amend,
    Change,
    Move,
    Numbers,
    Projection,
    Put,
    ReadTable,
    Values,
    moves,
)

PROJECTIONS: tuple[Projection, ...] = (
    *(LINEAGE, ATTRIBUTION, IDENTIFIED, PROJECTING, CHALLENGING, GROUPING),
    *(CONVERSING, FOLLOWING, HISTORY, NOTICED, ASKED, MONEY),
)
TABLES: tuple[ReadTable, ...] = tuple(table for one in PROJECTIONS for table in one.tables)

KNOWN_IDS = 200_000
"""How many numbers of works and people a follower caches before it reads the tables again."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Suspend garbage collection: folding makes no cycles, and each collection visits all rows."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Numbering:
    """The dense integer keys of works, people, projects and challenges, in the order of their
    first facts."""

    def __init__(self, *, complete: bool = False) -> None:
        self.numbers = Numbers()
        self.next: int | None = 1 if complete else None
        self.complete = complete
        """Whether it knows every number ever given, as in a rebuild from nothing."""

    def forget(self) -> None:
        """Drop what is cached, so that the tables are read again."""
        self.numbers.clear()
        self.next = None

    def learn(self, writer: Transaction, generation: int, facts: Sequence[Fact]) -> None:
        """Look up the numbers of everything the facts are about; new subjects get new numbers."""
        subjects = subjects_of(facts)
        unknown = [id for id in subjects if id not in self.numbers]
        if not self.complete:
            if len(self.numbers) > KNOWN_IDS:
                self.numbers.clear()
                unknown = list(subjects)
            if self.next is None:
                self.next = 1 + max(_greatest(writer, table, generation) for table in _NUMBERED)
            born = {one.originator_id for one in facts if one.originator_version == 1}
            older = [id for id in unknown if id not in born]
            for id, number, at, is_of_house in self._told(writer, generation, older):
                self.numbers[id] = number
                if at != number:
                    self.numbers.nodes[number] = at
                if is_of_house:
                    self.numbers.house.add(number)
        self.give(unknown)

    def give(self, ids: Iterable[str]) -> None:
        """Give the next numbers to those of these ids that have none."""
        assert self.next is not None
        for id in ids:
            if id not in self.numbers:
                self.numbers[id] = self.next
                self.next += 1

    def _told(self, writer: Transaction, generation: int, ids: Sequence[str]) -> Iterable[Row]:
        """Of each of these ids that is in the tables: id, number, node (of a work; otherwise the
        number again), and whether the operator decides for it (see ``Numbers.house``)."""
        told = (
            f"SELECT id, number, {_OF_WORKS if table is WORKS else 'number, 0'} FROM "
            f"{table_name(table.name, generation)} WHERE id IN :ids AND until = {NEVER}"
            for table in _NUMBERED
        )
        return writer.query(" UNION ALL ".join(told), ids=ids) if ids else ()


_OF_WORKS = f"node, CASE WHEN poster = '{OPERATOR}' OR kind = 'outside' THEN 1 ELSE 0 END"
_NUMBERED = (WORKS, CONTRIBUTORS, PROJECTS, CHALLENGES)


def _greatest(writer: Transaction, table: ReadTable, generation: int) -> int:
    name = table_name(table.name, generation)
    return int(writer.query(f"SELECT coalesce(max(number), 0) FROM {name}")[0][0])


def subjects_of(facts: Iterable[Fact]) -> dict[str, None]:
    """The ids of everything these facts are about, each once, in order."""
    return dict.fromkeys(id for happened in facts for id in happened.names())


def fold(
    writer: Transaction,
    generation: int,
    placed: Sequence[Placed],
    numbers: Numbering,
    changed: Changed | None = None,
) -> None:
    """Write the rows that a page of facts changes; ``changed`` notes whose documents to remake."""
    facts = facts_in(placed)
    numbers.learn(writer, generation, facts)
    if changed is not None:
        for happened in facts:
            changed.note_fact(happened)
    for pages in changes_in(placed, facts, numbers.numbers):
        pages.write(writer, generation, changed)


def changes_in(placed: Sequence[Placed], facts: Sequence[Fact], known: Numbers) -> Iterator[Pages]:
    """The rows that facts change: one ``Pages`` up to each join that moves rows, and a last one."""
    pages = Pages()
    for one, happened in zip(placed, facts, strict=True):
        position = one.position
        known.post(happened)
        for changes in _concerned(happened.TOPIC):
            for change in changes(position, happened, known):
                match change:
                    case Put():
                        pages[change.table].put(position, change.values)
                    case Amend():
                        pages[change.table].amend(position, change)
        if isinstance(happened, Join.Event) and happened.node:
            pages.moved_at, pages.moved = position, [*moves(TABLES, happened, known)]
            yield pages
            pages = Pages()
            known.move(happened.moves, happened.node)
    yield pages


@cache
def _concerned(topic: str) -> tuple[Callable[[int, Fact, Numbers], Iterator[Change]], ...]:
    """The ``changes`` functions of the projections that follow facts of this topic."""
    return tuple(one.changes for one in PROJECTIONS if issubclass(FACTS[topic], one.about))


def _about(writer: Transaction, generation: int, move: Move) -> list[Any]:
    """The keys of the current rows that were recorded about a work whose rows are moved."""
    table = move.table
    rows = writer.query(
        f"SELECT {table.key} FROM {table_name(table.name, generation)} "
        f"WHERE {move.column} = :node AND own_{move.column} = :work AND until = {NEVER}",
        node=move.before,
        work=move.work,
    )
    return [key for (key,) in rows]


class PageOfRows:
    """One table's rows in a page of facts: versions closed and opened in memory, then written."""

    def __init__(self, table: ReadTable) -> None:
        self.table = table
        self.key_place = table.key_place if table.key else None
        self.rows: list[Any] = []
        self.latest: dict[Any, list[Any]] = {}
        """The current version by key; a since of 0 marks one that is already in the table."""
        self.closed: list[dict[str, Any]] = []
        self.waiting: list[tuple[int, Put | Amend]] = []
        """Changes of rows from earlier pages; these are read together when it is written."""
        self.former: list[Row] = []
        """These rows, as they were."""

    def put(self, position: int, values: Values) -> None:
        """Add a row, or the next version of a row with the same key."""
        if self.key_place is not None:
            key = values[self.key_place]
            if self.table.is_sparse and key not in self.latest:
                self.waiting.append((position, Put(self.table, values)))
            else:
                self._open(position, key, values)
        elif self.table.sum:
            self._add(values)
        else:
            self.rows.append(values)

    def _add(self, values: Values) -> None:
        """Add to the sum within this page; writing then adds that to the sum in the table."""
        place = self.table.places[self.table.sum or ""]
        row = self.latest.get(values[0])
        if row is None:
            row = self.latest[values[0]] = [*values]
            self.rows.append(row)
        else:
            row[place] += values[place]

    def _open(self, position: int, key: Any, values: Values) -> None:
        if key in self.latest:
            self._end(position, key)
        row = [*values, position, NEVER]
        self.latest[key] = row
        self.rows.append(row)

    def _end(self, position: int, key: Any) -> None:
        """Close the current version."""
        row = self.latest[key]
        if row[-2] == 0:
            self.closed.append({"key": key, "until": position})
        else:
            row[-1] = position

    def amend(self, position: int, change: Amend) -> None:
        """Close the current version, and open the next."""
        row = self.latest.get(change.key)
        if row is None:
            self.waiting.append((position, change))
            return
        opened = row.copy()
        self._end(position, change.key)
        for name, value in change.changes.items():
            opened[self.table.places[name]] = value
        opened[-2:] = position, NEVER
        self.latest[change.key] = opened
        self.rows.append(opened)

    def close(self, writer: Transaction, name: str) -> None:
        """Carry out waiting changes and close earlier rows; the caller inserts the new ones."""
        if self.waiting:
            self._read(writer, name)
            waiting, self.waiting = self.waiting, []
            for position, change in waiting:
                if isinstance(change, Put):
                    self._open(position, _key_of(change), change.values)
                elif change.key in self.latest or not self.table.is_sparse:
                    self.amend(position, change)
            assert not self.waiting
        if self.closed:
            writer.execute_many(
                f"UPDATE {name} SET until = :until "
                f"WHERE {self.table.key} = :key AND until = {NEVER}",
                self.closed,
            )

    def _read(self, writer: Transaction, name: str) -> None:
        self.former = writer.query(
            f"SELECT {', '.join(self.table.all_columns)} FROM {name} "
            f"WHERE {self.table.key} IN :keys AND until = :never",
            keys=list({_key_of(change) for _, change in self.waiting}),
            never=NEVER,
        )
        for row in self.former:
            known = [*row[:-2], 0, NEVER]
            self.latest[known[self.table.key_place]] = known


class Pages(dict[ReadTable, PageOfRows]):
    """The rows of every table that a page of facts changes."""

    moved_at = 0
    moved: Sequence[Move] = ()
    """The moves of the last fact, at position ``moved_at``, made once all else is written."""

    def __missing__(self, table: ReadTable) -> PageOfRows:
        page = self[table] = PageOfRows(table)
        return page

    def write(self, writer: Transaction, generation: int, changed: Changed | None) -> None:
        """Write the rows that were closed and opened, then move rows."""
        rows = {}
        for table, page in self.items():
            name = table_name(table.name, generation)
            page.close(writer, name)
            if page.rows:
                rows[table.stored(name)] = page.rows
                if changed is not None:
                    changed.note_rows(table, page.rows, page.former)
        writer.insert_all(rows)
        for move in self.moved:
            pages, to = Pages(), {move.column: move.after}
            for key in _about(writer, generation, move):
                pages[move.table].amend(self.moved_at, Amend(move.table, key, to))
            pages.write(writer, generation, changed)


def _key_of(change: Put | Amend) -> Any:
    return change.key if isinstance(change, Amend) else change.values[change.table.key_place]
