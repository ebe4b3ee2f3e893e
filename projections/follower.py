"""Following the journal: facts folded into rows, in order, each exactly once.

The one rule: a page of facts and the position after it are written in one transaction. Its first
statement sets the position from exactly the one that was read. So any number of followers can run
at once, and a crash costs nothing.

One file, because a rebuild is the same folding into other tables.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256

from domain.clock import STAMP, stamp_of
from domain.engine import DatabaseUnavailable, Locked, Overtaken, Transaction
from domain.journal import Journal
from domain.stored import Placed
from projections import documents
from projections.crew import Crew, hands
from projections.documents import Changed
from projections.folding import (
    PROJECTIONS,
    TABLES,
    Numbering,
    fold,
    uncollected,
)
from projections.store import LAYOUTS, Generation, Store, table_name
from projections.tables import NEVER, Table
from projections.workshop import Ended

log = logging.getLogger(__name__)

PAGE = 2_000
"""How many facts are folded in one transaction while following."""
REBUILD_PAGE = 20_000
MUCH_TOGETHER = 50_000
"""From how many facts on several processes fold them: each takes half a second to begin."""
GRACE_SECONDS = 5.0
"""How long the old tables stay after a rebuild, for reads still in progress."""
MUCH = 10_000
"""If so many facts were folded at once, the tables are sampled."""
POLL_SECONDS = 0.05
"""How often a follower looks for facts of other processes."""
RETRY_SECONDS = 1.0
Progress = Callable[[int, int], None]
"""Called with the position reached and the journal's head."""


def no_progress(_position: int, _head: int) -> None:
    """Report to no one."""


class Follower:
    """Folds the journal into the current read tables, now and as it grows."""

    def __init__(self, journal: Journal, store: Store) -> None:
        self.journal, self.store = journal, store
        self.steps: list[Callable[[], bool]] = [self.fold_known, self.purge]
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
        facts = self.journal.facts
        placed = facts.lately(at.position)[:PAGE] if self._is_sure else []
        placed = placed or facts.after(at.position, PAGE)
        if not placed:
            return False
        self._is_sure = False
        try:
            with self.store.writing() as writer, uncollected():
                advance(writer, at, placed[-1].position, stamp_of(placed[-1].state))
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

    def fold_known(self) -> bool:
        """The same; but after what this process wrote last, others are looked at a little later:
        now answers are made that waited for it."""
        return self.fold_page() and self._at.position != self.journal.last_written

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


def advance(
    writer: Transaction, at: Generation, to: int, stamp: str = "", *, current: int = 1
) -> None:
    """Claim a page: set every projection's position from exactly where it was, or Overtaken.

    With the time of its last fact, also if that is not there: another server never had it.
    """
    is_there = f"AND EXISTS (SELECT 1 FROM stored_events WHERE position = :to AND {STAMP} = :stamp)"
    moved = writer.execute(
        "UPDATE projections SET position = :to WHERE generation = :generation "
        f"AND position = :position AND current = :current {is_there if stamp else ''}",
        to=to,
        stamp=stamp.encode(),
        generation=at.number,
        position=at.position,
        current=current,
    )
    if moved != len(PROJECTIONS):
        raise Overtaken


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


class Rebuild:
    """Refolds everything from nothing beside the tables in use, then switches; reads go on."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        page: int = REBUILD_PAGE,
        processes: int | None = None,
    ) -> None:
        """``processes`` help with it; without a number, one for each core if there is much."""
        self.journal, self.store, self.page = journal, store, page
        self.numbers = Numbering(complete=True)
        self.crew = Crew(store.engine, hands() if processes is None else processes)
        self._least = MUCH_TOGETHER if processes is None else 1
        self.has_documents = False
        self.purging = Purging(store)

    def run(self, progress: Progress = no_progress, grace_seconds: float = 0.0) -> int:
        """Refold and switch; the position reached.

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
        """Refold and switch."""
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

    def fold_all(
        self, at: Generation, progress: Progress = no_progress, upto: int = NEVER
    ) -> Generation:
        """Fold everything, or up to a position, into a generation that is not in use."""
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

    @contextmanager
    def _with_crew(self) -> Iterator[None]:
        """What is done with others; if one of them ends, it is left to who goes on alone."""
        try:
            yield
        except Ended:
            log.warning("a process that helped with a rebuild ended; it goes on without")
            self.crew.end()
            self.numbers = Numbering()

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
