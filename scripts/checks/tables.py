"""Audits the read tables: every row follows from the facts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from domain.engine import Engine, Row
from projections import documents
from projections.damage import DAMAGED
from projections.folding import PROJECTIONS, TABLES, uncollected
from projections.generations import begin, drop, next_generation
from projections.progress import Progress
from projections.rebuilding import Rebuild
from projections.store import Generation, Store, table_name
from projections.tables import ReadTable
from projections.wording import several
from scripts.difference import Difference, Differences, position
from scripts.service import Service


def read_tables(service: Service, progress: Progress) -> Differences:
    """Every row is the same as when all facts are folded again, into another generation.

    Rows are compared in a snapshot, so that nobody waits for it; only SQLite's search index is
    checked in a transaction that writes. Only the owner of the tables can do this.
    """
    sql = "SELECT name, generation, position FROM projections WHERE current = 1"
    places = {name: tuple(place) for name, *place in service.engine.query(sql)}
    if places.keys() != {one.name for one in PROJECTIONS} or len({*places.values()}) != 1:
        said = f"they are at different positions, or not all there: {places}"
        yield Difference("the read tables", said)
        return "nothing"
    rebuild = Rebuild(service.journal, service.store)
    count: int | None = None
    differing: list[Difference] = []
    with _spare(service.store) as number:
        at = Generation(number, 0)
        while count is None and not differing:
            current = service.store.current()
            with uncollected(), rebuild.crew:
                at = rebuild.fold_all(at, progress, current.position)
            if at.position != current.position:
                said = f"the read tables know {current.position} facts, the journal {at.position}"
                differing.append(Difference(position(at.position + 1), said))
            else:
                count = _compare(service, current, number, differing)
        if not differing:
            with service.store.writing() as writer:
                is_indexed = documents.is_indexed(writer, service.store.current().number)
            if not is_indexed:
                differing.append(
                    Difference("documents", "one is found by other words than its own")
                )
    yield from differing
    return (
        f"{several(count or 0, 'row')} of read tables, as folded again up to position {at.position}"
    )


@contextmanager
def _spare(store: Store) -> Iterator[int]:
    """The number of a generation of read tables that nobody reads, dropped at the end."""
    with store.writing() as writer:
        writer.lock()
        number = next_generation(writer)
        begin(writer, number)
    try:
        yield number
    finally:
        with store.writing() as writer:
            writer.lock()
            drop(writer, number)


def _compare(
    service: Service, current: Generation, again: int, differing: list[Difference]
) -> int | None:
    """Add the differences in a snapshot; the number of rows, or None if more was folded since."""
    with service.engine.snapshot():
        if service.store.current() != current:
            return None
        count = _compare_rows(service.engine, current.number, again, differing)
        try:
            found = list(_documents(service.engine, current.number))
        except DAMAGED:  # they are made from the rows
            if not differing:
                raise
            return count
        # A fact not folded yet may have erased a text.
        if service.journal.facts.head() == current.position:
            differing += found
        return count


def _documents(engine: Engine, generation: int) -> Iterator[Difference]:
    """The first document that does not follow from the rows and the texts."""
    for held, told in islice(documents.differences(engine, generation), 1):
        yield Difference(
            f"documents, number {(held or told or (0,))[0]}",
            f"the table holds {_shown(held)}; the rows and the texts give {_shown(told)}",
        )


def _compare_rows(engine: Engine, current: int, again: int, differing: list[Difference]) -> int:
    """Add the differences between two generations; returns the number of rows."""
    rows = 0
    for table in TABLES:
        names = table_name(table.name, current), table_name(table.name, again)
        counts = [int(engine.query(f"SELECT count(*) FROM {name}")[0][0]) for name in names]
        rows += counts[0]
        held, told = (_first_only_in(engine, table, *pair) for pair in (names, names[::-1]))
        if first := held or told:
            where = f"{table.name}, {_named(table, first)}"
            differing.append(
                Difference(where, f"the table holds {_shown(held)}; the facts give {_shown(told)}")
            )
        elif counts[0] != counts[1]:
            differing.append(
                Difference(
                    table.name, f"the table holds {counts[0]} rows; the facts give {counts[1]}"
                )
            )
    return rows


def _first_only_in(engine: Engine, table: ReadTable, one: str, other: str) -> Row | None:
    columns = ", ".join(table.all_columns)
    found = engine.query(
        f"SELECT {columns} FROM {one} EXCEPT SELECT {columns} FROM {other} "
        f"ORDER BY {_order(table)} LIMIT 1"
    )
    return found[0] if found else None


def _order(table: ReadTable) -> str:
    """The column that orders the rows."""
    return "since" if table.key else "position" if "position" in table.places else "1"


def _named(table: ReadTable, row: Row) -> str:
    by = _order(table)
    return (
        position(row[table.places[by]])
        if by in table.places
        else f"{table.all_columns[0]} {row[0]}"
    )


def _shown(row: Row | None) -> str:
    return "no such row" if row is None else f"({', '.join(map(repr, row))})"
