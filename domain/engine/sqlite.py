"""SQLite: the embedded database, one file.

A transaction that writes begins IMMEDIATE, so that it waits for another writer at its start and
never fails half-way.

One file, because it is one engine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

from eventsourcing.persistence import IntegrityError

from domain.cached import cached_property
from domain.engine import (
    EMBEDDED,
    LISTS,
    LOCK_TIMEOUT_SECONDS,
    UNHURRIED,
    DatabaseUnavailable,
    Engine,
    OutcomeUnknown,
    Overtaken,
    Pooled,
    Row,
    Table,
    TimeLimits,
    Transaction,
    other_layout,
    singles,
)
from domain.engine.deadline import TookTooLong, is_over, must_go_on
from domain.engine.documents import Fts5

_LIST = re.compile(r"\bIN :(\w+)")
LEAST_FREE_BYTES = 32 << 20
"""Below this the disk counts as full: the write-ahead log of a large append would not fit."""
STEPS = 20_000
"""After so many steps of its machine, well under a millisecond, SQLite looks at the deadline."""
PURGED_PAGES = 500
"""How much of an index is merged in one transaction: about 30 ms."""
SETTLE_MILLISECONDS = 200
"""How long an erasure waits for readers; a follower does what is left."""


@lru_cache(maxsize=2048)
def _translated(sql: str, single: Collection[str]) -> str:
    return _LIST.sub(
        lambda one: (
            f"= :{one[1]}" if one[1] in single else f"IN (SELECT value FROM json_each(:{one[1]}))"
        ),
        # A cross join is made in the order in which it is written.
        sql.replace("JOIN EACH ", "CROSS JOIN ").replace("string_agg(", "group_concat("),
    )


_FTS5 = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%'"
_CLOSED = "closed database"
_NO_SUCH = re.compile(r"no such (table|column)|has no column named|has \d+ columns but")


@contextmanager
def _answering(sql: str = "") -> Iterator[None]:
    """Translate the driver's exceptions; our own mistakes stay what they are."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        if _CLOSED in str(error):
            raise DatabaseUnavailable("The database was closed") from error
        raise
    except sqlite3.IntegrityError as error:
        raise IntegrityError(str(error)) from error
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise TookTooLong("A statement took too long") from error
        if _NO_SUCH.search(str(error)):
            raise other_layout(str(error), sql) from error
        raise DatabaseUnavailable(f"The database does not answer: {error}") from error


def _create(path: str) -> None:
    """Create the file, if there is none, for its owner alone; SQLite's other files follow it."""
    if path == ":memory:":
        return
    with suppress(OSError):  # SQLite itself says why not
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _begin_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, waiting for others who open a new file at the same moment."""
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


class _Connection(sqlite3.Connection):
    """A connection that may be referred to weakly: it is closed when its thread ends."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.in_use = threading.RLock()
        """Held while it works: closed within a statement it would end the process."""

    @cached_property
    def asking(self) -> sqlite3.Cursor:
        """What statements are sent by."""
        return self.cursor()


class _Local(threading.local):
    """What one thread has."""

    connection: _Connection | None = None
    durable: bool | None = None
    begins = False
    """Whether its next query begins a snapshot."""
    is_still: Callable[[], bool] | None = None
    """Whether what it remembers is still there."""


class SQLiteEngine(Engine):
    """One file; a connection for each thread."""

    # A key of one INTEGER is the rowid.
    TYPES: ClassVar = {"BYTES": "BLOB", "BIGINT": "INTEGER"}
    DOCUMENTS = Fts5()
    KEEPS_WORDS = True

    def __init__(self, path: str, limits: TimeLimits = UNHURRIED) -> None:
        self.path, self.limits = path, limits
        self.address = f"{EMBEDDED}{path}"
        self._local = _Local()
        self._open = WeakSet[_Connection]()
        self._lock = threading.Lock()
        self._queue = threading.RLock()
        """Writers of this process wait for each other here; SQLite would make them retry."""
        self._is_in_log = False
        """Whether pages from before an erasure may still be in the write-ahead log."""
        # The driver looks in vain for a way to adapt these, value by value, unless there is one.
        sqlite3.register_adapter(type(None), dict[None, None]().get)
        sqlite3.register_adapter(bytes, bytes)
        self._connection()

    def told(self, sql: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A list as a JSON text."""
        single = singles(values)
        return _translated(sql, frozenset(single)), {
            name: json.dumps([*value]) if isinstance(value, LISTS) else value
            for name, value in {**values, **single}.items()
        }

    def query(self, sql: str, /, **values: Any) -> list[Row]:
        local = self._local
        if local.begins:
            local.begins = False
            self._asked("BEGIN", {})
            if local.is_still is not None and not local.is_still():
                raise Overtaken("what was remembered")
        return self._asked(sql, values)

    def aside(self, sql: str, /, **values: Any) -> list[Row]:
        if self._local.is_still is None:
            return self.query(sql, **values)
        return self._asked(sql, values)

    def _asked(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        must_go_on()
        connection = self._connection()
        with _answering(sql), connection.in_use:
            return connection.execute(*self.told(sql, values)).fetchall()

    def remembering(self, is_still: Callable[[], bool]) -> None:
        self._local.is_still = is_still

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """An IMMEDIATE one, which locks everything."""
        with self._writing() as connection:
            if durable != self._local.durable:
                connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._local.durable = durable
            connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = SQLiteTransaction(self, connection)
                yield transaction
                _commit(connection)
                self._is_in_log |= transaction.has_erased
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def hoping(self, row: str = "", values: Sequence[Any] = ()) -> Iterator[Transaction]:
        """Its own lock is held by then, so nothing has to be asked for but the row."""
        with self.transaction() as transaction:
            if (
                row
                and not transaction.connection.execute(f"SELECT 1 FROM {row}", values).fetchone()
            ):
                raise Overtaken("the file is another one")
            yield transaction

    def now(self) -> float:
        """The clock of this machine is that of the database, too."""
        return time.time()

    def must_take_writes(self, table: Table, row: Row) -> None:
        """On a connection of its own: those of the threads wait long for a lock."""
        if shutil.disk_usage(Path(self.path).parent).free < LEAST_FREE_BYTES:
            raise DatabaseUnavailable("The disk of the database is full")
        with (
            _answering(),
            closing(
                sqlite3.connect(self.path, timeout=0, isolation_level=None, factory=_Connection)
            ) as connection,
        ):
            connection.execute("PRAGMA synchronous = NORMAL")
            try:
                SQLiteTransaction(self, connection).insert(table, [row])
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise

    def pooled(self) -> Pooled:
        """One for each thread that asked, never waited for."""
        return Pooled(len(self._open), 0, 0)

    def tables(self) -> set[str]:
        return {name for (name,) in self.query("SELECT name FROM sqlite_master WHERE type='table'")}

    def layout(self, names: Collection[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for table, column in self.query(
            "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c "
            "WHERE t.type = 'table' AND t.name IN :names",
            names=names,
        ):
            found.setdefault(table, set()).add(column)
        return found

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A transaction that reads; the write-ahead log keeps what it sees."""
        local, connection = self._local, self._connection()
        with _answering(), connection.in_use:
            local.begins, local.is_still = True, None
            try:
                yield
            finally:
                local.begins, local.is_still = False, None
                connection.rollback()

    def storage(self, table: Table) -> str:
        """Without a rowid, a row is found and written once, not twice."""
        return " WITHOUT ROWID" if table.small else ""

    def guards(self, table: Table) -> Iterator[str]:
        """Triggers for each row."""
        return iter(_triggers(table).values())

    def unguarded(self, table: Table) -> list[str]:
        sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = :table"
        kept: dict[str, str] = dict(self.query(sql, table=table.name))
        ours = {
            name: sql.replace(" IF NOT EXISTS", "", 1) for name, sql in _triggers(table).items()
        }
        return sorted(name for name in ours | kept if ours.get(name) != kept.get(name))

    def analyze(self, tables: Iterable[str]) -> None:
        """Nothing: an index is chosen without samples, and with them the planner does worse.

        Once a table has been analysed, a recursive query begins with a Bloom filter over all of
        its rows: 120 ms instead of 0.1 ms for the ancestors of one among a million works.
        """

    def vacuum(self, table: str) -> bool:
        """Rewrite the file: deleting moves rows within it, and copies of them stay behind."""
        with self._writing() as connection:
            for (name,) in connection.execute(_FTS5).fetchall():
                # The index keeps the words of what was removed until its parts are merged.
                connection.execute(f"INSERT INTO {name} ({name}) VALUES ('optimize')")
            connection.execute("VACUUM")
            return _emptied_log(connection)

    def settle(self) -> bool:
        """Empty the write-ahead log after an erasure, unless someone is reading from it."""
        if self._is_in_log:
            with self._writing() as connection:
                connection.execute(f"PRAGMA busy_timeout = {SETTLE_MILLISECONDS}")
                self._is_in_log = not _emptied_log(connection)
                connection.execute(f"PRAGMA busy_timeout = {self.limits.lock_seconds * 1000}")
        return False

    def close(self) -> None:
        """Close the connections of every thread, each after what it is used for at this moment."""
        self._local = _Local()
        with self._lock:
            found = list(self._open)
            self._open.clear()
        for connection in found:
            if connection.in_use.acquire(timeout=self.limits.lock_seconds):
                connection.close()
                connection.in_use.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The connection of the thread, once no other thread of this process writes."""
        if not self._queue.acquire(timeout=self.limits.lock_seconds):
            raise DatabaseUnavailable("The database does not answer: it is locked")
        try:
            connection = self._connection()
            with _answering(), connection.in_use:
                yield connection
        finally:
            self._queue.release()

    def _connection(self) -> _Connection:
        """The connection of the thread."""
        connection = self._local.connection
        if connection is None:
            with _answering():
                _create(self.path)
                connection = sqlite3.connect(
                    self.path,
                    timeout=self.limits.lock_seconds,
                    isolation_level=None,
                    check_same_thread=False,
                    cached_statements=256,
                    factory=_Connection,
                )
                _begin_wal(connection)
                # Zeros over what is deleted: else its text would still be in the file.
                connection.execute("PRAGMA secure_delete = ON")
                connection.set_progress_handler(is_over, STEPS)
                connection.execute("PRAGMA cache_size = -65536")
                # A page that is written often comes into the file a quarter as often.
                connection.execute("PRAGMA wal_autocheckpoint = 4000")
                # Pages that the system has in memory are read in place.
                connection.execute("PRAGMA mmap_size = 4294967296")
                self._local.connection = connection
                with self._lock:
                    self._open.add(connection)
        return connection


NOT_COMMITTED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT)


def _commit(connection: sqlite3.Connection) -> None:
    """Commit; these errors come before anything counts, any other may come after."""
    try:
        connection.commit()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in NOT_COMMITTED:
            raise
        raise OutcomeUnknown from error


def _emptied_log(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log; false if a reader kept it from that."""
    (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


@lru_cache(maxsize=256)
def _insert(table: str, columns: Sequence[str], updated: str = "") -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}){updated}"


class SQLiteTransaction(Transaction):
    """One transaction that writes."""

    has_erased = False

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        statement = _insert(table.name, tuple(table.columns), table.updated)
        self.connection.executemany(statement, rows)

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """SQLite has nothing faster."""
        self.connection.executemany(_insert(table, tuple(columns)), rows)

    def erase(self, table: str, column: str, values: Collection[Any]) -> None:
        """Delete rows; zeros are written over them."""
        self.has_erased = True
        super().erase(table, column, values)

    def purge(self, documents: str, *, begins: bool) -> bool:
        """Merge some pages of the index; with what was there at the beginning if it begins."""
        self.has_erased = True
        # What this transaction itself took out is in memory, and would be left out.
        self.connection.execute("SAVEPOINT written")
        self.connection.execute("RELEASE written")
        before = self.connection.total_changes
        pages = -PURGED_PAGES if begins else PURGED_PAGES
        self.execute(f"INSERT INTO {documents} ({documents}, rank) VALUES ('merge', {pages})")
        # A command that had nothing to merge is one change itself.
        return bool(self.connection.total_changes - before > 1)

    def is_indexed(self, documents: str) -> bool:
        """FTS5 compares its index with what it was made of."""
        try:
            self.execute(f"INSERT INTO {documents} ({documents}) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise
            return False
        return True

    def lock(self) -> None:
        """An IMMEDIATE transaction has locked everything already."""


def _triggers(table: Table) -> dict[str, str]:
    """The triggers that keep a table as it says, by name."""
    there = " OR ".join(
        f"({' AND '.join(f'there.{column} = new.{column}' for column in key)})"
        for key in table.keys
    )
    # REPLACE deletes conflicting rows without firing the trigger for DELETE.
    found = f"EXISTS (SELECT 1 FROM {table.name} AS there WHERE {there}"
    if table.unchangeable:
        told, when = table.unchangeable, {"UPDATE": "", "DELETE": "", "INSERT": f"WHEN {found}) "}
    elif by := table.advances:
        # One that names no fact may move anywhere: it is wrong already.
        is_fact = f"EXISTS (SELECT 1 FROM stored_events WHERE position = old.{by})"
        told = f"{table.name} only advance"
        when = {
            "UPDATE": f"WHEN new.{by} <= old.{by} AND {is_fact} ",
            "DELETE": "",
            "INSERT": f"WHEN {found} AND there.{by} >= new.{by}) ",
        }
    else:
        return {}
    return {
        name: f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {verb} ON {table.name} {condition}"
        f"BEGIN SELECT raise(ABORT, '{told}'); END"
        for verb, condition in when.items()
        if (name := f"{table.name}_{verb.lower()}")
    }
