"""Following the journal: folds facts into rows, in order, each exactly once.

The one rule: the rows of a page of facts and the new position are written in one transaction, whose
first statement moves the position from exactly the value that was read. So any number of followers
can run at once, and a crash loses nothing.

One file, because a rebuild is the same folding into other tables.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256

from domain.clock import STAMP, stamp_of
from domain.engine import DatabaseUnavailable, Locked, Overtaken, RebuildNeeded, Transaction
from domain.journal import Journal
from domain.stored import Placed
from domain.tree import NotVerified
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
"""From how many facts on a rebuild uses several processes: each takes half a second to start."""
GRACE_SECONDS = 5.0
"""How long the old tables stay after a rebuild, for reads in progress."""
MUCH = 10_000
"""From how many missing facts on ``catch_up`` may rebuild instead, and analyses the tables after
folding."""
POLL_SECONDS = 0.05
"""How often a follower looks for facts of other processes."""
RETRY_SECONDS = 1.0
Progress = Callable[[int, int], None]
"""Called with the position reached and the journal's head."""


def no_progress(_position: int, _head: int) -> None:
    """A ``Progress`` that reports nothing."""


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
        self._rests: dict[Callable[[], bool], float] = {}
        """Until when a step that failed is not tried again."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def fold_page(self) -> bool:
        """Fold the next page of facts; returns whether there was one.

        A page that another follower folded first counts. Raises ``Locked`` if another one holds
        the tables for too long.
        """
        if not self._is_sure:
            self._look()
        at = self._at
        facts = self.journal.facts
        placed = facts.lately(at.position)[:PAGE] if self._is_sure else []
        placed = placed or facts.next(at.position, PAGE)
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
            # Another follower may be frozen in the middle of a page, which is then folded here.
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
        """Fold the next page; returns whether to go on at once.

        After the last fact this process wrote it returns False: facts of other processes can wait
        a little, because now the answers that waited for that fact are made.
        """
        return self.fold_page() and self._at.position != self.journal.last_written

    def _look(self) -> None:
        """Look up how far the tables are folded; on a change, drop what was cached."""
        at = self.store.current()
        if at != self._at:
            self._numbers.forget()
            self._purging.look(self._at.position, at.position, self.journal)
            self._at = at

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
    """Takes the words of erased texts out of the search index; only then are they in no file.

    The cost grows with the size of the index, so it is done in parts between pages of facts. The
    first part shares the transaction of the page that erased something, so that any follower that
    goes on, or starts later, finds what is left to do.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._goes_on = False

    def begin(self, writer: Transaction, generation: int, placed: Iterable[Placed]) -> None:
        """If any of the facts being folded erased a text, begin to purge all that is indexed."""
        if any(one.topic in documents.erased_by() for one in placed):
            writer.purge(table_name(documents.NAME, generation), begins=True)
            self._goes_on = True

    def look(self, after: int, upto: int, journal: Journal) -> None:
        """Continue a purge that another process may have begun with these facts before it died."""
        if self.store.engine.KEEPS_WORDS:
            is_start = after < 0
            self._goes_on |= is_start or bool(
                journal.facts.after(after, max(upto - after, 0), documents.erased_by())
            )

    def step(self) -> bool:
        """Purge a part; returns whether there was one."""
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
    """Claim a page: move every projection's position from exactly ``at``, or raise ``Overtaken``.

    With ``stamp``, the time of the page's last fact, it also raises if the database does not hold
    that fact: after a failover the new server may never have had it. If the positions in use
    contradict each other, nobody was faster, and it raises ``RebuildNeeded``.
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
    if moved == len(PROJECTIONS):
        return
    found = writer.query("SELECT generation, position FROM projections WHERE current = 1")
    if current and (len(found) != len(PROJECTIONS) or len({*found}) != 1):
        raise RebuildNeeded("they are at different positions, or not all there")
    raise Overtaken


# -- generations ---------------------------------------------------------------------------

FOLDING = 2
"""A number to increase when the same tables are to be filled differently."""


def layout_version() -> str:
    """A hash of the names, columns and indexes of the read tables and of how they are filled."""
    told = [(one.name, one.tables) for one in PROJECTIONS]
    return sha256(repr((FOLDING, told, documents.FOLDING)).encode()).hexdigest()[:16]


def next_generation(writer: Transaction) -> int:
    """A number no generation has used."""
    return max(_generations(writer), default=0) + 1


_OF_GENERATION = re.compile(table_name("", 0).replace("0", "([0-9]+)"))


def _generations(writer: Transaction) -> set[int]:
    """Every generation that has a position or, if that was lost, tables."""
    positions = writer.query("SELECT DISTINCT generation FROM projections")
    tables = filter(None, map(_OF_GENERATION.match, writer.engine.tables()))
    return {number for (number,) in positions} | {int(one[1]) for one in tables}


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
    """Statements that create the index by which folding finds rows (``first``), or all others."""
    statements = list(table.create_indexes(table_name(table.name, generation)))
    looked_up = 1 if table.is_looked_up else 0
    return statements[:looked_up] if first else statements[looked_up:]


def begin(writer: Transaction, generation: int) -> None:
    """Create an empty generation beside the one in use."""
    create_tables(writer, generation, all_indexes=False)
    register(writer, generation, current=False)


def register(writer: Transaction, generation: int, *, current: bool) -> None:
    """Record a generation at position 0."""
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
    """Raise Overtaken if a later rebuild dropped this generation; else hold it until commit."""
    held = "UPDATE projections SET current = current WHERE generation = :generation"
    if not writer.execute(held, generation=generation):
        raise Overtaken


def drop(writer: Transaction, generation: int) -> None:
    """Remove a generation with its tables."""
    # The rows first, in the order of a fold: a concurrent fold finishes before or fails, without
    # deadlock.
    writer.execute("DELETE FROM projections WHERE generation = :old", old=generation)
    writer.execute("DELETE FROM layouts WHERE name = :old", old=table_name("", generation))
    names = sorted(writer.engine.tables())  # another version may have had other tables
    of_generation = (name for name in names if name.startswith(table_name("", generation)))
    # SQLite drops some of these along with the tables they belong to.
    writer.define(f"DROP TABLE IF EXISTS {name}" for name in of_generation)


class Rebuild:
    """Folds the whole journal into new tables beside those in use, then switches; reads go on."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        page: int = REBUILD_PAGE,
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
            for left_behind in _generations(writer) - {number for (number,) in in_use}:
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
        except Ended:
            log.warning("a process that helped with a rebuild ended; it goes on without")
            self.crew.end()
            self.numbers = Numbering()

    def _switch(self, at: Generation) -> bool:
        """Make the new tables current; returns False if more facts were folded into the old ones.

        Old ones that are ahead of the facts themselves, of which some are lost, do not count.
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
