"""Following the journal: facts folded into rows, in order, each exactly once.

The one rule: a page of facts and the position after it are written in one transaction whose first
statement sets the position from exactly the one that was read; so any number of followers at once
stay exact, and a crash costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from domain.fact import Fact
from domain.journal import Journal
from domain.recorders import JournalUnavailable, Placed
from projections.attribution import ATTRIBUTION, CONTRIBUTORS
from projections.history import HISTORY
from projections.lineage import LINEAGE, WORKS
from projections.store import (
    Generation,
    Overtaken,
    Store,
    StoreUnavailable,
    Writer,
    table_name,
)
from projections.tables import NEVER, Change, Projection, Put, Table

PROJECTIONS: tuple[Projection, ...] = (LINEAGE, ATTRIBUTION, HISTORY)
TABLES: tuple[Table, ...] = tuple(table for one in PROJECTIONS for table in one.tables)

PAGE = 2_000
"""How many facts are folded in one transaction while following."""
REBUILD_PAGE = 20_000
POLL_SECONDS = 0.05
KNOWN_IDS = 200_000
"""How many numbers of works and people a follower remembers before it asks the tables again."""

Progress = Callable[[int, int], None]
"""Told the position reached and the journal's head."""


def no_progress(_position: int, _head: int) -> None:
    """Tell nobody."""


class Follower:
    """Folds the journal into the current read tables, now and as it grows."""

    def __init__(self, journal: Journal, store: Store) -> None:
        self.journal, self.store = journal, store
        self._numbers = Numbering()
        self._at = Generation(0, -1)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """Create the first generation of read tables if there is none."""
        with self.store.writing() as writer:
            writer.lock()
            if not writer.query("SELECT 1 FROM projections WHERE current = 1"):
                number = next_generation(writer)
                create_tables(writer, number, all_indexes=True)
                register(writer, number, current=True)

    def fold_page(self) -> bool:
        """Fold the next page; whether there was one."""
        at = self.store.current()
        placed = self.journal.facts.after(at.position, PAGE)
        if not placed:
            return False
        if at != self._at:
            self._numbers.forget()
        try:
            with self.store.writing() as writer:
                advance(writer, at, placed[-1].position)
                fold(writer, at.number, placed, self._numbers)
        except Overtaken:
            self._numbers.forget()
            return True
        except BaseException:
            self._numbers.forget()
            raise
        self._at = Generation(at.number, placed[-1].position)
        self.store.has_folded()
        return True

    def catch_up(self, progress: Progress = no_progress) -> int:
        """Fold everything there is; the position reached."""
        while self.fold_page():
            progress(self.store.current().position, self.journal.facts.head())
        return self.store.current().position

    def run(self) -> None:
        """Fold until stopped; a database that is away is waited for."""
        while not self._stopping.is_set():
            try:
                if self.fold_page():
                    continue
            except (StoreUnavailable, JournalUnavailable):
                self._stopping.wait(1.0)
            seen = self.journal.last_written
            with self.journal.written:
                self.journal.written.wait_for(
                    lambda: self.journal.last_written > seen or self._stopping.is_set(),
                    timeout=POLL_SECONDS,
                )

    def start(self) -> None:
        """Follow in a thread of this process."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self.run, name="follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following, after the page at hand."""
        self._stopping.set()
        with self.journal.written:
            self.journal.written.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


class Numbering:
    """The dense integer keys of works and people: asked for once, given in order of first fact."""

    def __init__(self, *, complete: bool = False) -> None:
        self.numbers: dict[str, int] = {}
        self.next: int | None = 1 if complete else None
        self.complete = complete
        """Whether every number ever given is known (a rebuild from nothing)."""

    def forget(self) -> None:
        """Ask the tables again."""
        self.numbers.clear()
        self.next = None

    def learn(self, writer: Writer, generation: int, facts: Iterable[Fact]) -> None:
        """Know the numbers of everything these facts are about; new subjects get the next ones."""
        subjects = dict.fromkeys(id for happened in facts for id in happened.subjects())
        unknown = [id for id in subjects if id not in self.numbers]
        if not self.complete:
            if len(self.numbers) > KNOWN_IDS:
                self.numbers.clear()
                unknown = list(subjects)
            if self.next is None:
                self.next = 1 + max(_greatest(writer, table, generation) for table in _NUMBERED)
            for table in _NUMBERED:
                self.numbers |= dict(
                    writer.query(
                        f"SELECT id, number FROM {table_name(table.name, generation)} "
                        "WHERE id IN :unknown",
                        {"unknown": unknown},
                    )
                )
        assert self.next is not None
        for id in unknown:
            if id not in self.numbers:
                self.numbers[id] = self.next
                self.next += 1


_NUMBERED = (WORKS, CONTRIBUTORS)


def _greatest(writer: Writer, table: Table, generation: int) -> int:
    name = table_name(table.name, generation)
    return int(writer.query(f"SELECT coalesce(max(number), 0) FROM {name}")[0][0])


def advance(writer: Writer, at: Generation, to: int, *, current: int = 1) -> None:
    """Claim a page: set every projection's position from exactly where it stood, or Overtaken."""
    moved = writer.execute(
        "UPDATE projections SET position = :to WHERE generation = :generation "
        "AND position = :position AND current = :current",
        {"to": to, "generation": at.number, "position": at.position, "current": current},
    )
    if moved != len(PROJECTIONS):
        raise Overtaken


def fold(
    writer: Writer, generation: int, placed: Sequence[Placed], numbers: Numbering
) -> None:
    """Write what a page of facts changes."""
    facts = [(one.position, one.fact()) for one in placed]
    numbers.learn(writer, generation, (happened for _, happened in facts))
    page = PageOfRows(writer, generation)
    known = numbers.numbers
    page.change(
        (position, change)
        for position, happened in facts
        for projection in PROJECTIONS
        for change in projection.changes(position, happened, known)
    )


class PageOfRows:
    """The rows of one page of facts, versions closed and opened in memory, then written."""

    def __init__(self, writer: Writer, generation: int) -> None:
        self.writer, self.generation = writer, generation
        self.rows: dict[str, list[list[Any]]] = {table.name: [] for table in TABLES}
        self.latest: dict[tuple[str, Any], list[Any]] = {}
        self.closed: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}

    def change(self, changes: Iterable[tuple[int, Change]]) -> None:
        """Apply changes in order and write the outcome."""
        listed = list(changes)
        self._read_what_changes(change for _, change in listed)
        for position, change in listed:
            if isinstance(change, Put):
                self._put(position, change.table, list(change.values))
            else:
                self._amend(position, change.table, change.key, change.changes)
        self._write()

    def _put(self, position: int, table: Table, row: list[Any]) -> None:
        if table.key:
            row += (position, NEVER)
            self.latest[table.name, row[table.key_place]] = row
        self.rows[table.name].append(row)

    def _amend(self, position: int, table: Table, key: Any, changes: Any) -> None:
        row = self.latest[table.name, key]
        opened = row.copy()
        if row[-2] == 0:
            self.closed[table.name].append({"key": key, "until": position})
        else:
            row[-1] = position
        for name, value in changes.items():
            opened[table.places[name]] = value
        opened[-2:] = position, NEVER
        self.latest[table.name, key] = opened
        self.rows[table.name].append(opened)

    def _read_what_changes(self, changes: Iterable[Change]) -> None:
        """The rows that hold now and will be closed, marked by a since of 0."""
        wanted: dict[str, tuple[Table, dict[Any, None]]] = {}
        born: set[tuple[str, Any]] = set()
        for change in changes:
            table = change.table
            if isinstance(change, Put):
                if table.key:
                    born.add((table.name, change.values[table.key_place]))
            elif (table.name, change.key) not in born:
                wanted.setdefault(table.name, (table, {}))[1][change.key] = None
        for table, keys in wanted.values():
            columns = ", ".join(table.all_columns)
            for row in self.writer.query(
                f"SELECT {columns} FROM {table_name(table.name, self.generation)} "
                f"WHERE {table.key} IN :keys AND until = :never",
                {"keys": list(keys), "never": NEVER},
            ):
                known = list(row)
                known[-2] = 0
                self.latest[table.name, known[table.key_place]] = known

    def _write(self) -> None:
        for table in TABLES:
            name = table_name(table.name, self.generation)
            if closed := self.closed[table.name]:
                self.writer.execute_many(
                    f"UPDATE {name} SET until = :until "
                    f"WHERE {table.key} = :key AND until = {NEVER}",
                    closed,
                )
            if rows := self.rows[table.name]:
                self.writer.insert(name, table.all_columns, rows)


# -- generations ---------------------------------------------------------------------------


def next_generation(writer: Writer) -> int:
    """A number no generation has had."""
    return int(writer.query("SELECT coalesce(max(generation), 0) FROM projections")[0][0]) + 1


def create_tables(writer: Writer, generation: int, *, all_indexes: bool) -> None:
    """Create the read tables of a generation; a rebuild adds most indexes at its end."""
    for table in TABLES:
        name = table_name(table.name, generation)
        writer.execute(table.create(name))
        for number, index in enumerate(table.create_indexes(name)):
            if all_indexes or (table.key and number == 0):
                writer.execute(index)


def register(writer: Writer, generation: int, *, current: bool) -> None:
    """Write down a generation that has read nothing yet."""
    for projection in PROJECTIONS:
        writer.execute(
            "INSERT INTO projections (name, generation, position, current) "
            "VALUES (:name, :generation, 0, :current)",
            {"name": projection.name, "generation": generation, "current": int(current)},
        )


def drop(writer: Writer, generation: int) -> None:
    """Remove a generation with its tables."""
    for table in TABLES:
        writer.execute(f"DROP TABLE IF EXISTS {table_name(table.name, generation)}")
    writer.execute("DELETE FROM projections WHERE generation = :old", {"old": generation})


class Rebuild:
    """Refolds everything from nothing beside the tables in use, then switches; reads go on."""

    def __init__(self, journal: Journal, store: Store, page: int = REBUILD_PAGE) -> None:
        self.journal, self.store, self.page = journal, store, page
        self.numbers = Numbering(complete=True)

    def run(self, progress: Progress = no_progress, grace_seconds: float = 0.0) -> int:
        """Refold and switch; the position reached.

        The old tables are dropped after a grace for the reads that still look at them.
        """
        with self.store.writing() as writer:
            writer.lock()
            for (left_behind,) in writer.query(
                "SELECT DISTINCT generation FROM projections WHERE current = 0"
            ):
                drop(writer, left_behind)
            number = next_generation(writer)
            create_tables(writer, number, all_indexes=False)
            register(writer, number, current=False)
        at = self._fold_all(Generation(number, 0), progress)
        with self.store.writing() as writer:
            for table in TABLES:
                for place, index in enumerate(table.create_indexes(table_name(table.name, number))):
                    if not (table.key and place == 0):
                        writer.execute(index)
        self.store.analyze(number)
        while not self._switch(at):
            at = self._fold_all(at, progress)
        self.store.has_folded()
        threading.Event().wait(grace_seconds)
        with self.store.writing() as writer:
            writer.lock()
            for (old,) in writer.query(
                "SELECT DISTINCT generation FROM projections WHERE current = 0 "
                "AND generation < :number",
                {"number": number},
            ):
                drop(writer, old)
        return at.position

    def _fold_all(self, at: Generation, progress: Progress) -> Generation:
        while placed := self.journal.facts.after(at.position, self.page):
            with self.store.writing() as writer:
                advance(writer, at, placed[-1].position, current=0)
                fold(writer, at.number, placed, self.numbers)
            at = Generation(at.number, placed[-1].position)
            progress(at.position, self.journal.facts.head())
        return at

    def _switch(self, at: Generation) -> bool:
        """Make the new tables current, unless the old ones know more by now."""
        with self.store.writing() as writer:
            writer.lock()
            ahead = writer.query(
                "SELECT 1 FROM projections WHERE current = 1 AND position > :position",
                {"position": at.position},
            )
            if ahead:
                return False
            writer.execute(
                "UPDATE projections SET current = CASE WHEN generation = :new THEN 1 ELSE 0 END "
                "WHERE current = 1 OR generation = :new",
                {"new": at.number},
            )
            return True
