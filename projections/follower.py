"""Following the journal: facts folded into rows, in order, each exactly once.

The one rule: a page of facts and the position after it are written in one transaction. Its first
statement sets the position from exactly the one that was read. So any number of followers can run
at once, and a crash costs nothing.

One file, because a rebuild is the same folding into other tables.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from typing import Any

from domain.engine import DatabaseUnavailable, Locked, Overtaken, Row, Transaction
from domain.fact import FACTS, Fact
from domain.join import Join
from domain.journal import Journal
from domain.permission import OPERATOR
from domain.stored import Placed, facts_in
from projections import documents
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
from projections.store import LAYOUTS, Generation, Store, table_name
from projections.tables import (
    NEVER,
    Amend,
    Change,
    Move,
    Numbers,
    Projection,
    Put,
    Table,
    Values,
    moves,
)

log = logging.getLogger(__name__)

PROJECTIONS: tuple[Projection, ...] = (
    *(LINEAGE, ATTRIBUTION, IDENTIFIED, PROJECTING, CHALLENGING, GROUPING),
    *(CONVERSING, FOLLOWING, HISTORY, NOTICED, ASKED, MONEY),
)
TABLES: tuple[Table, ...] = tuple(table for one in PROJECTIONS for table in one.tables)

PAGE = 2_000
"""How many facts are folded in one transaction while following."""
REBUILD_PAGE = 20_000
GRACE_SECONDS = 5.0
"""How long the old tables stay after a rebuild, for reads still in progress."""
MUCH = 10_000
"""If so many facts were folded at once, the tables are sampled."""
POLL_SECONDS = 0.05
"""How often a follower looks for facts of other processes."""
RETRY_SECONDS = 1.0
KNOWN_IDS = 200_000
"""How many numbers of works and people a follower caches before it reads the tables again."""

Progress = Callable[[int, int], None]
"""Called with the position reached and the journal's head."""


def no_progress(_position: int, _head: int) -> None:
    """Report to no one."""


class Follower:
    """Folds the journal into the current read tables, now and as it grows."""

    def __init__(self, journal: Journal, store: Store) -> None:
        self.journal, self.store = journal, store
        self.steps: list[Callable[[], bool]] = [self.fold_page, self.purge]
        """What is repeated while following; each returns whether there was anything to do."""
        self._purging = Purging(store)
        self._numbers = Numbering()
        self._at, self._is_sure = Generation(0, -1), False
        """How far this follower came, and whether it was the last one when it last folded."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def fold_page(self) -> bool:
        """Fold the next page; whether there was one."""
        if not self._is_sure:
            self._look()
        at = self._at
        placed = self.journal.facts.after(at.position, PAGE)
        if not placed:
            return False
        self._is_sure = False
        try:
            with self.store.writing() as writer, uncollected():
                advance(writer, at, placed[-1].position)
                changed = Changed()
                fold(writer, at.number, placed, self._numbers, changed)
                documents.write(writer, at.number, changed)
                self._purging.begin(writer, at.number, placed)
        except Overtaken:
            self._numbers.forget()
            return True
        except Locked:
            self._numbers.forget()
            # Another follower may be frozen within a page, which is then folded here.
            if self.store.engine.end_stalled("projections"):
                log.warning("a follower that stood still within a page was ended")
            raise
        except BaseException:
            self._numbers.forget()
            raise
        self._at, self._is_sure = Generation(at.number, placed[-1].position), True
        self.store.has_folded(self._at.position)
        return True

    def _look(self) -> None:
        """Look up how far the tables are folded, and what another process did."""
        at = self.store.current()
        if at != self._at:
            self._numbers.forget()
            self._purging.look(self._at.position, at.position, self.journal)
            self._at = at

    def purge(self) -> bool:
        """Take some of what was erased out of the index; whether there was anything to do."""
        return self._purging.step()

    def catch_up(self, progress: Progress = no_progress) -> int:
        """Fold everything there is; the position reached.

        If more is missing than is there, everything is folded anew, which costs less. Much
        at once is sampled, so that PostgreSQL plans for what is there now.
        """
        begun = self.store.current().position
        if self.journal.facts.head() - begun >= max(MUCH, begun):
            with suppress(Overtaken):  # by another rebuild
                grace_seconds = GRACE_SECONDS if begun else 0.0  # of nothing, nothing is read
                begun = Rebuild(self.journal, self.store).run(progress, grace_seconds)
        while self.fold_page():
            progress(self.store.current().position, self.journal.facts.head())
        while self.purge():
            pass
        reached = self.store.current()
        if reached.position - begun >= MUCH:
            self.store.engine.analyze(table_name(table.name, reached.number) for table in TABLES)
        return reached.position

    def run(self) -> None:
        """Fold until stopped; an unavailable database is waited for."""
        while not self._stopping.is_set():
            # Read before folding, so that a write in the meantime ends the wait below at once.
            seen = self.journal.last_written
            try:
                went_on = [step() for step in self.steps]
                if any(went_on):
                    continue
            except DatabaseUnavailable as error:
                log.warning("the database does not answer: %s", error)
                self._stopping.wait(RETRY_SECONDS)
            except Exception:
                # /ready reports answers that stand still; nothing reports a dead thread.
                log.exception("folding failed and is tried again")
                self._stopping.wait(RETRY_SECONDS)
            self._wait_for_more_than(seen)

    def _wait_for_more_than(self, seen: int) -> None:
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
        """Stop following, after the current page."""
        self._stopping.set()
        with self.journal.written:
            self.journal.written.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


class Purging:
    """The words of erased texts taken out of an index, which only then are in no file.

    It costs as much as the index is large, so it is done in parts between the pages of facts. The
    first is done with the page that erased something, so that whoever goes on, or starts next,
    finds what is left.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._goes_on = False

    def begin(self, writer: Transaction, generation: int, placed: Iterable[Placed]) -> None:
        """If the facts that are being folded erased something: purge all that is indexed by now."""
        if any(one.topic in documents.erased_by() for one in placed):
            writer.purge(table_name(documents.NAME, generation), begins=True)
            self._goes_on = True

    def look(self, after: int, upto: int, journal: Journal) -> None:
        """Go on with what another process may have begun that folded these facts, and then died."""
        if self.store.engine.KEEPS_WORDS:
            is_start = after < 0
            self._goes_on |= is_start or bool(
                journal.facts.after(after, max(upto - after, 0), documents.erased_by())
            )

    def step(self) -> bool:
        """Purge a part; whether there was one."""
        if not self._goes_on:
            return False
        generation = self.store.current().number
        try:
            with self.store.writing() as writer:
                must_exist(writer, generation)
                name = table_name(documents.NAME, generation)
                self._goes_on = writer.purge(name, begins=False)
        except Overtaken:
            return True  # by a rebuild
        if not self._goes_on:
            self.store.engine.settle()
        return True


class Numbering:
    """The dense integer keys of works, people, projects and challenges, in the order of their
    first facts."""

    def __init__(self, *, complete: bool = False) -> None:
        self.numbers = Numbers()
        self.next: int | None = 1 if complete else None
        self.complete = complete
        """Whether every number ever given is known (a rebuild from nothing)."""

    def forget(self) -> None:
        """Read the tables again."""
        self.numbers.clear()
        self.next = None

    def learn(self, writer: Transaction, generation: int, facts: Iterable[Fact]) -> None:
        """Look up the numbers of everything these facts are about; new subjects get new ones."""
        subjects = dict.fromkeys(id for happened in facts for id in happened.names())
        unknown = [id for id in subjects if id not in self.numbers]
        if not self.complete:
            if len(self.numbers) > KNOWN_IDS:
                self.numbers.clear()
                unknown = list(subjects)
            if self.next is None:
                self.next = 1 + max(_greatest(writer, table, generation) for table in _NUMBERED)
            for id, number, at, is_of_house in self._told(writer, generation, unknown):
                self.numbers[id] = number
                if at != number:
                    self.numbers.nodes[number] = at
                if is_of_house:
                    self.numbers.house.add(number)
        assert self.next is not None
        for id in unknown:
            if id not in self.numbers:
                self.numbers[id] = self.next
                self.next += 1

    def _told(self, writer: Transaction, generation: int, ids: Sequence[str]) -> Iterable[Row]:
        """What the tables have of these ids."""
        told = (
            f"SELECT id, number, {_OF_WORKS if table is WORKS else 'number, 0'} FROM "
            f"{table_name(table.name, generation)} WHERE id IN :ids AND until = {NEVER}"
            for table in _NUMBERED
        )
        return writer.query(" UNION ALL ".join(told), ids=ids) if ids else ()


_OF_WORKS = f"node, CASE WHEN poster = '{OPERATOR}' OR kind = 'outside' THEN 1 ELSE 0 END"
_NUMBERED = (WORKS, CONTRIBUTORS, PROJECTS, CHALLENGES)


def _greatest(writer: Transaction, table: Table, generation: int) -> int:
    name = table_name(table.name, generation)
    return int(writer.query(f"SELECT coalesce(max(number), 0) FROM {name}")[0][0])


def advance(writer: Transaction, at: Generation, to: int, *, current: int = 1) -> None:
    """Claim a page: set every projection's position from exactly where it was, or Overtaken."""
    moved = writer.execute(
        "UPDATE projections SET position = :to WHERE generation = :generation "
        "AND position = :position AND current = :current",
        to=to,
        generation=at.number,
        position=at.position,
        current=current,
    )
    if moved != len(PROJECTIONS):
        raise Overtaken


def fold(
    writer: Transaction,
    generation: int,
    placed: Sequence[Placed],
    numbers: Numbering,
    changed: Changed | None = None,
) -> None:
    """Write what a page of facts changes, and note whose documents have to be made again."""
    facts = facts_in(placed)
    numbers.learn(writer, generation, facts)
    known = numbers.numbers
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
            for move in moves(TABLES, happened, known):
                pages.write(writer, generation, changed)
                for key in _about(writer, generation, move):
                    to = {move.column: move.after}
                    pages[move.table].amend(position, Amend(move.table, key, to))
            known.move(happened.moves, happened.node)
        if changed is not None:
            changed.note_fact(happened)
    pages.write(writer, generation, changed)


@cache
def _concerned(topic: str) -> tuple[Callable[[int, Fact, Numbers], Iterator[Change]], ...]:
    """What the projections do that such a fact may change."""
    return tuple(one.changes for one in PROJECTIONS if issubclass(FACTS[topic], one.about))


def _about(writer: Transaction, generation: int, move: Move) -> list[Any]:
    """The rows about a work that is moved, by what they were said about."""
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

    def __init__(self, table: Table) -> None:
        self.table = table
        self.key_place = table.key_place if table.key else None
        self.rows: list[Any] = []
        self.latest: dict[Any, list[Any]] = {}
        """The current version by key; a since of 0 marks one that is already in the table."""
        self.closed: list[dict[str, Any]] = []
        self.waiting: list[tuple[int, Put | Amend]] = []
        """Changes of rows from earlier pages, which are read together at the end."""

    def put(self, position: int, values: Values) -> None:
        """Add a row."""
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
        """Add to the sum of the row; what the table has is added to when it is written."""
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
        """Carry out what waits, and close the rows of earlier pages; what was opened is left."""
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
        for row in writer.query(
            f"SELECT {', '.join(self.table.all_columns)} FROM {name} "
            f"WHERE {self.table.key} IN :keys AND until = :never",
            keys=list({_key_of(change) for _, change in self.waiting}),
            never=NEVER,
        ):
            known = [*row[:-2], 0, NEVER]
            self.latest[known[self.table.key_place]] = known


class Pages(dict[Table, PageOfRows]):
    """The rows of every table that a page of facts changes."""

    def __missing__(self, table: Table) -> PageOfRows:
        page = self[table] = PageOfRows(table)
        return page

    def write(self, writer: Transaction, generation: int, changed: Changed | None) -> None:
        """Write the rows closed and opened, and begin anew."""
        rows = {}
        for table, page in self.items():
            name = table_name(table.name, generation)
            page.close(writer, name)
            if page.rows:
                rows[table.stored(name)] = page.rows
                if changed is not None:
                    changed.note_rows(table, page.rows)
        writer.insert_all(rows)
        self.clear()


def _key_of(change: Put | Amend) -> Any:
    return change.key if isinstance(change, Amend) else change.values[change.table.key_place]


# -- generations ---------------------------------------------------------------------------

FOLDING = 2
"""Raised when the same tables are to be filled in another way."""


def layout_version() -> str:
    """The version of the read tables: their names, columns and indexes, and how they are filled."""
    told = [(one.name, one.tables) for one in PROJECTIONS]
    return sha256(repr((FOLDING, told, documents.FOLDING)).encode()).hexdigest()[:16]


def next_generation(writer: Transaction) -> int:
    """A number no generation has used."""
    return int(writer.query("SELECT coalesce(max(generation), 0) FROM projections")[0][0]) + 1


def first_generation(writer: Transaction) -> None:
    """Create the first generation of read tables if there is none."""
    if not writer.query("SELECT 1 FROM projections WHERE current = 1"):
        number = next_generation(writer)
        create_tables(writer, number, all_indexes=True)
        register(writer, number, current=True)


def create_tables(writer: Transaction, generation: int, *, all_indexes: bool) -> None:
    """Create the read tables of a generation; a rebuild adds most indexes at its end."""
    statements = []
    for table in TABLES:
        statements.append(table.create(table_name(table.name, generation), writer.engine.typed))
        statements += _indexes(table, generation, first=True)
        statements += _indexes(table, generation, first=False) if all_indexes else ()
    writer.define(statements)
    documents.create(writer, generation, is_indexed=all_indexes)


def _indexes(table: Table, generation: int, *, first: bool) -> list[str]:
    """The statements that create the index by which folding looks rows up, or all others."""
    statements = list(table.create_indexes(table_name(table.name, generation)))
    looked_up = 1 if table.is_looked_up else 0
    return statements[:looked_up] if first else statements[looked_up:]


def begin(writer: Transaction, generation: int) -> None:
    """Create a generation beside the one in use."""
    create_tables(writer, generation, all_indexes=False)
    register(writer, generation, current=False)


def register(writer: Transaction, generation: int, *, current: bool) -> None:
    """Record a generation that has read nothing yet."""
    for projection in PROJECTIONS:
        writer.execute(
            "INSERT INTO projections (name, generation, position, current) "
            "VALUES (:name, :generation, 0, :current)",
            name=projection.name,
            generation=generation,
            current=int(current),
        )
    writer.insert(LAYOUTS, [(table_name("", generation), layout_version())])


def must_exist(writer: Transaction, generation: int) -> None:
    """Raises Overtaken if a later rebuild dropped this generation; else it stays until commit."""
    held = "UPDATE projections SET current = current WHERE generation = :generation"
    if not writer.execute(held, generation=generation):
        raise Overtaken


def drop(writer: Transaction, generation: int) -> None:
    """Remove a generation with its tables."""
    # The rows first, as a fold does: a concurrent fold runs before this or fails; no deadlock.
    writer.execute("DELETE FROM projections WHERE generation = :old", old=generation)
    writer.execute("DELETE FROM layouts WHERE name = :old", old=table_name("", generation))
    names = sorted(writer.engine.tables())  # another version may have had other tables
    of_generation = (name for name in names if name.startswith(table_name("", generation)))
    # Some tables of SQLite go with those that they belong to.
    writer.define(f"DROP TABLE IF EXISTS {name}" for name in of_generation)


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection: folding makes no cycles, and a collection visits every row again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Rebuild:
    """Refolds everything from nothing beside the tables in use, then switches; reads go on."""

    def __init__(self, journal: Journal, store: Store, page: int = REBUILD_PAGE) -> None:
        self.journal, self.store, self.page = journal, store, page
        self.numbers = Numbering(complete=True)
        self.has_documents = False
        self.purging = Purging(store)

    def run(self, progress: Progress = no_progress, grace_seconds: float = 0.0) -> int:
        """Refold and switch; the position reached.

        The old tables are dropped after a grace period for reads still in progress.
        """
        with self.store.writing() as writer:
            writer.lock()
            # Read first, so that the number of a generation dropped here is not used again.
            number = next_generation(writer)
            for (left_behind,) in writer.query(
                "SELECT DISTINCT generation FROM projections WHERE current = 0"
            ):
                drop(writer, left_behind)
            begin(writer, number)
        with uncollected():
            at = self.fold_all(Generation(number, 0), progress)
        with self.store.writing() as writer:
            must_exist(writer, number)
            writer.define(one for each in TABLES for one in _indexes(each, number, first=False))
        names = (*(table.name for table in TABLES), documents.NAME)
        with self.store.writing() as writer, uncollected():
            must_exist(writer, number)
            documents.write_all(writer, number)
            documents.create_index(writer, number)
        self.has_documents = True
        self.store.engine.analyze(table_name(name, number) for name in names)
        while not self._switch(at):
            at = self.fold_all(at, progress)
        self.store.has_folded(at.position)
        threading.Event().wait(grace_seconds)
        with self.store.writing() as writer:
            writer.lock()
            for (old,) in writer.query(
                "SELECT DISTINCT generation FROM projections WHERE current = 0 "
                "AND generation < :number",
                number=number,
            ):
                drop(writer, old)
        while self.purging.step():
            pass
        return at.position

    def fold_all(
        self, at: Generation, progress: Progress = no_progress, upto: int = NEVER
    ) -> Generation:
        """Fold everything, or up to a position, into a generation that is not in use."""
        while placed := self.journal.facts.after(at.position, min(self.page, upto - at.position)):
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

    def _switch(self, at: Generation) -> bool:
        """Make the new tables current, unless the old ones know more by now."""
        with self.store.writing() as writer:
            writer.lock()
            must_exist(writer, at.number)
            ahead = writer.query(
                "SELECT 1 FROM projections WHERE current = 1 AND position > :position",
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
