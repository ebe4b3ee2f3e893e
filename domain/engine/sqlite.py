"""The engine for SQLite, whose database is one file.

A transaction that writes begins with BEGIN IMMEDIATE: it waits for other writers at its start, and
never fails half-way because of them.

One file, because the engine and its transactions share a connection and its locks.
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
from fcntl import LOCK_EX, flock
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

from eventsourcing.persistence import IntegrityError

from domain.engine import (
    EMBEDDED,
    LISTS,
    LOCK_TIMEOUT_SECONDS,
    UNHURRIED,
    DatabaseDamaged,
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
    with_lists,
)
from domain.engine.deadline import TookTooLong, is_over, must_go_on
from domain.engine.documents import Fts5
from domain.unreadable import Unreadable

LEAST_FREE_BYTES = 32 << 20
"""With less, the disk counts as full: the write-ahead log of a large append would not fit."""
STEPS = 20_000
"""How many steps of its virtual machine (well under 1 ms) SQLite runs between looks at the
deadline."""
PURGED_PAGES = 500
"""How many pages of an index one transaction merges, in about 30 ms."""
LONGEST_STRUCTURE_BYTES = 2_000
"""With a longer list of its segments, an index is made anew. FTS5 of SQLite 3.40, though not of
3.46, lists more levels whenever a merge of all segments begins, and cannot read over 2,000."""
SETTLE_MILLISECONDS = 200
"""How long an erasure waits for readers; after that, a follower finishes it."""


@lru_cache(maxsize=2048)
def _translated(sql: str, single: Collection[str]) -> str:
    # SQLite never reorders the tables of a CROSS JOIN.
    named = sql.replace("JOIN EACH ", "CROSS JOIN ").replace("= EACH ", "= ")
    return with_lists(named.replace("string_agg(", "group_concat("), _LISTED, single)


_LISTED = {
    "IN": ("IN (SELECT value FROM json_each(:{}))", "= :{}"),
    "FROM EACH": ("FROM json_each(:{})", "FROM (SELECT :{} AS value)"),
}
"""How a list is named, and how it is if it has one value."""


_FTS5 = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%'"
_CLOSED = "closed database"
_NO_SUCH = re.compile(r"no such (table|column)|has no column named|has \d+ columns but")


class _answering:  # noqa: N801 - it is used as a function
    """Translate the driver's exceptions, except those that point to our own mistakes."""

    def __init__(self, path: str, sql: str = "") -> None:
        self.path, self.sql = path, sql

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        match error:
            case None:
                pass
            case sqlite3.ProgrammingError():
                if _CLOSED in str(error):
                    raise DatabaseUnavailable("The database was closed") from error
            case sqlite3.IntegrityError():
                raise IntegrityError(str(error)) from error
            case sqlite3.DatabaseError():
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                    if is_over():
                        raise TookTooLong("A statement took too long") from error
                    # What a signal raises in the look at the deadline is dropped by the driver.
                    raise KeyboardInterrupt from error
                if _NO_SUCH.search(str(error)):
                    raise other_layout(str(error), self.sql) from error
                if "Could not decode" in str(error):
                    raise Unreadable("SQLite", "a text", error) from error
                raise _unavailable(self.path, error) from error


def _unavailable(path: str, error: sqlite3.DatabaseError) -> DatabaseUnavailable:
    """What is wrong with the file at a path, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code == sqlite3.SQLITE_CORRUPT_VTAB:
        return DatabaseUnavailable(
            f"The search index in {path} is damaged ({error}): “stemma rebuild” makes it anew"
        )
    match code & 0xFF:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DatabaseDamaged(
                f"{path} is damaged, or is no database ({error}): move it away, but keep it, and "
                "restore the latest backup in its place with “stemma restore”"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return DatabaseUnavailable("The database is busy: another process holds a lock")
        case sqlite3.SQLITE_FULL:
            return DatabaseUnavailable(f"There is no space left for {path} ({error})")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return DatabaseUnavailable(
                f"{path} cannot be opened or written ({error}): this user must be allowed to write "
                "it and its folder"
            )
    return DatabaseUnavailable(f"The database does not answer: {error}")


def _create(path: str) -> None:
    """Create a missing file, readable by its owner alone; SQLite's other files copy its mode."""
    if path == ":memory:":
        return
    with suppress(OSError):  # SQLite itself will report why
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _begin_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, waiting for others who open the new file at the same time."""
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
    """A connection that allows weak references, so that it is closed when its thread ends."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"check_same_thread": False})
        self.in_use = threading.RLock()
        """Held while a statement runs: closing the connection meanwhile would crash the process."""

    def __del__(self) -> None:
        """Close it, if it could be opened: from 3.13 on, Python warns if that is left to it."""
        if hasattr(self, "in_use"):
            self.close()


class _Local(threading.local):
    """The state of one thread."""

    connection: _Connection | None = None
    durable: bool | None = None
    begins = False
    """Whether the next query begins the snapshot."""
    is_current: Callable[[], bool] | None = None
    """Set by ``validate_on_begin``: whether what was read before it began is up to date."""


class SQLiteEngine(Engine):
    """A database in one file, with a connection for each thread."""

    # A primary key of one INTEGER column is the rowid.
    TYPES: ClassVar = {"BYTES": "BLOB", "BIGINT": "INTEGER"}
    DOCUMENTS = Fts5()
    TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
    COLUMNS = (
        "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table' AND t.name IN :names"
    )
    KEEPS_WORDS = True

    def __init__(self, path: str, limits: TimeLimits = UNHURRIED) -> None:
        self.path, self.limits = path, limits
        self.address = f"{EMBEDDED}{path}"
        self._local = _Local()
        self._open = WeakSet[_Connection]()
        self._lock = threading.Lock()
        self._queue = threading.RLock()
        """Where writers of this process queue; SQLite would only let them retry."""
        self._is_in_log = False
        """Whether pages from before an erasure may still be in the write-ahead log."""
        # Without adapters for these types, the driver searches for one in vain for every value.
        sqlite3.register_adapter(type(None), dict[None, None]().get)
        sqlite3.register_adapter(bytes, bytes)
        self._connection()

    def translate(self, sql: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Lists become JSON arrays."""
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
            if local.is_current is not None and not local.is_current():
                raise Overtaken("what was read first")
        return self._asked(sql, values)

    def query_outside(self, sql: str, /, **values: Any) -> list[Row]:
        if self._local.is_current is None:
            return self.query(sql, **values)
        return self._asked(sql, values)

    def _asked(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        must_go_on()
        connection = self._connection()
        with _answering(self.path, sql), connection.in_use:
            return connection.execute(*self.translate(sql, values)).fetchall()

    def validate_on_begin(self, is_current: Callable[[], bool]) -> None:
        self._local.is_current = is_current

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """An IMMEDIATE transaction, which locks the whole database for writing."""
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
    def optimistic(self, row: str = "", values: Sequence[Any] = ()) -> Iterator[Transaction]:
        """The lock is taken all the same, so only the row has to be checked."""
        with self.transaction() as transaction:
            if (
                row
                and not transaction.connection.execute(f"SELECT 1 FROM {row}", values).fetchone()
            ):
                raise Overtaken("the file is another one")
            yield transaction

    def now(self) -> float:
        """The clock of this machine, which is the database's, too."""
        return time.time()

    def must_take_writes(self, table: Table, row: Row) -> None:
        """On a new connection, since those of the threads wait long for a lock.

        A lock that somebody else holds shows that the database takes writes.
        """
        if shutil.disk_usage(Path(self.path).parent).free < LEAST_FREE_BYTES:
            raise DatabaseUnavailable("The disk of the database is full")
        with (
            _answering(self.path),
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
        """One connection for each thread that made queries; nobody waits for one."""
        return Pooled(len(self._open), 0, 0)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A lock on the folder: on the file itself it would be in the way of SQLite's own."""
        folder = os.open(Path(self.path).parent, os.O_RDONLY)
        try:
            flock(folder, LOCK_EX)
            yield
        finally:
            os.close(folder)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A transaction that reads; the write-ahead log preserves what it sees."""
        local, connection = self._local, self._connection()
        with _answering(self.path), connection.in_use:
            local.begins, local.is_current = True, None
            try:
                yield
            finally:
                local.begins, local.is_current = False, None
                connection.rollback()

    def storage(self, table: Table) -> str:
        """Without a rowid, one tree holds both key and row, so a row is found and written once."""
        return " WITHOUT ROWID" if table.small else ""

    def guards(self, table: Table) -> Iterator[str]:
        """Triggers that fire for each row."""
        for name, sql in _triggers(table).items():
            yield f"DROP TRIGGER IF EXISTS {name}"  # one of this name may have been changed
            yield sql

    def unguarded(self, table: Table) -> list[str]:
        sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = :table"
        kept: dict[str, str] = dict(self.query(sql, table=table.name))
        ours = _triggers(table)
        return sorted(name for name in ours | kept if ours.get(name) != kept.get(name))

    def unindexed(self, table: Table) -> list[str]:
        """Of indexes alone: SQLite drops no key."""
        there = {
            name for (name,) in self.query(f"SELECT name FROM pragma_index_list('{table.name}')")
        }
        return sorted(table.indexes.keys() - there)

    def unsound(self, tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
        """SQLite takes values of any type; what else contradicts itself in the file, it says."""
        for table in tables:
            (key, *_) = table.keys
            kinds = {name: self.typed(kind).split()[0] for name, kind in table.columns.items()}
            misfit = " ".join(
                f"WHEN typeof({column}) NOT IN ('{kind.lower()}', 'null') THEN '{column}'"
                for column, kind in kinds.items()
            )
            named = ", ".join(key)
            found = self.query(
                f"SELECT {named}, CASE {misfit} END AS misfit FROM {table.name} "
                "WHERE misfit IS NOT NULL"
            )
            for *row, column in found:
                yield _place(table, row), f"the {column} is no {kinds[column]}"
            texts = ", ".join(column for column, kind in kinds.items() if kind == "TEXT")
            if texts:
                for one in self._undecoded(f"SELECT {named}, {texts} FROM {table.name}"):
                    yield _place(table, one), "a text is not UTF-8"
        for (said,) in self.query("PRAGMA integrity_check"):
            if said != "ok":
                yield self.path, said.replace("\n", "; ")
        for (name,) in self.query(_FTS5):
            for word in self._unfound(name):
                yield name, f"not all documents with the word “{word}” are found by it"

    def _undecoded(self, sql: str) -> list[Row]:
        """The rows of which a text is not UTF-8, with texts as bytes: SQLite takes any as text."""
        connection = self._connection()
        with _answering(self.path), connection.in_use:
            connection.text_factory = bytes
            try:
                return [row for row in connection.execute(sql) if not _is_utf8(row)]
            finally:
                connection.text_factory = str

    def _unfound(self, documents: str) -> Iterator[str]:
        """A word, and the beginning of one, that a search finds in other documents than have it.

        A search begins at a directory of the index, which the check of FTS5 itself passes over.
        """
        self.query(f"CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, {documents}, instance)")
        begun = [(f"substr(term, 1, {n})", n, " *") for n in Fts5.BEGUN]
        for word, least, mark in [("term", 0, ""), *begun]:
            for (found,) in self.query(
                f"SELECT t.word FROM (SELECT {word} AS word, count(DISTINCT doc) AS count "
                f"FROM temp.words WHERE length(term) >= {least} GROUP BY 1) t WHERE t.count <> "
                f"(SELECT count(*) FROM {documents} "
                f"WHERE {documents} MATCH '\"' || t.word || '\"{mark}') LIMIT 1"
            ):
                yield found
        self.query("DROP TABLE temp.words")

    def analyze(self, tables: Iterable[str]) -> None:
        """Nothing: SQLite chooses indexes well without statistics, and worse with them.

        Once a table has been analysed, a recursive query first builds a Bloom filter over all of
        its rows: 120 ms instead of 0.1 ms for the ancestors of one work among a million.
        """

    def vacuum(self, table: str) -> bool:
        """Rewrite the whole file: deletions move rows within it, and leave copies behind."""
        with self._writing() as connection:
            for (name,) in connection.execute(_FTS5).fetchall():
                # The index keeps the words of deleted documents until its segments are merged.
                how = "rebuild" if _lists_many_segments(connection, name) else "optimize"
                connection.execute(f"INSERT INTO {name} ({name}) VALUES ('{how}')")
            connection.execute("VACUUM")
            return _emptied_log(connection)

    def settle(self) -> bool:
        """Empty the write-ahead log after an erasure, unless someone is still reading from it."""
        if self._is_in_log:
            with self._writing() as connection:
                connection.execute(f"PRAGMA busy_timeout = {SETTLE_MILLISECONDS}")
                self._is_in_log = not _emptied_log(connection)
                connection.execute(f"PRAGMA busy_timeout = {self.limits.lock_seconds * 1000}")
        return False

    def close(self) -> None:
        """Close the connections of every thread, each once its current statement has ended."""
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
        """This thread's connection, once no other thread of this process writes."""
        if not self._queue.acquire(timeout=self.limits.lock_seconds):
            raise DatabaseUnavailable("The database is busy: another transaction holds a lock")
        try:
            connection = self._connection()
            with _answering(self.path), connection.in_use:
                yield connection
        finally:
            self._queue.release()

    def _connection(self) -> _Connection:
        """This thread's connection, opened at first use."""
        connection = self._local.connection
        if connection is None:
            with _answering(self.path):
                _create(self.path)
                connection = sqlite3.connect(
                    self.path,
                    timeout=self.limits.lock_seconds,
                    isolation_level=None,
                    cached_statements=256,
                    factory=_Connection,
                )
                _begin_wal(connection)
                # Overwrite what is deleted with zeros: its text would otherwise stay in the file.
                connection.execute("PRAGMA secure_delete = ON")
                connection.set_progress_handler(is_over, STEPS)
                connection.execute("PRAGMA cache_size = -65536")
                # Four times the default: a page that changes often is copied back less often.
                connection.execute("PRAGMA wal_autocheckpoint = 4000")
                # Read pages in place from the system's page cache.
                connection.execute("PRAGMA mmap_size = 4294967296")
                self._local.connection = connection
                with self._lock:
                    self._open.add(connection)
        return connection


def _place(table: Table, row: Iterable[Any]) -> str:
    """Where a row is that begins with its key; its texts may be given as bytes."""
    (key, *_) = table.keys
    values = (one.decode(errors="replace") if isinstance(one, bytes) else one for one in row)
    told = ", ".join(repr(value) for value, _ in zip(values, key, strict=False))
    return f"{table.name}, {', '.join(key)} = {told}"


def _is_utf8(row: Row) -> bool:
    """Whether all texts of a row, which are given as bytes, are UTF-8."""
    try:
        b" ".join([one for one in row if isinstance(one, bytes)]).decode()
    except UnicodeDecodeError:
        return False
    return True


NOT_COMMITTED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT)


def _commit(connection: sqlite3.Connection) -> None:
    """Commit. After a NOT_COMMITTED error nothing was; after any other the outcome is unknown."""
    try:
        connection.commit()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in NOT_COMMITTED:
            raise
        raise OutcomeUnknown from error


def _emptied_log(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log; returns false if a reader prevented it."""
    (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


@lru_cache(maxsize=256)
def _whole(table: Table) -> str:
    """The statement that inserts a whole row."""
    return _insert(table.name, tuple(table.columns), table.updated)


def _insert(table: str, columns: Sequence[str], updated: str = "") -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}){updated}"


class SQLiteTransaction(Transaction):
    """One transaction that writes."""

    has_erased = False

    def query_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        translated = [self.engine.translate(*one) for one in asked]
        return [self.connection.execute(*one).fetchall() for one in translated]

    def execute(self, sql: str, /, **values: Any) -> int:
        return int(self.connection.execute(*self.engine.translate(sql, values)).rowcount)

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            self.execute(sql, **row)

    def insert_all(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        for table, found in rows.items():
            self.connection.executemany(_whole(table), found)

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """By plain INSERTs: SQLite has nothing faster."""
        self.connection.executemany(_insert(table, tuple(columns)), rows)

    def erase(self, table: str, column: str, values: Collection[Any]) -> None:
        """Delete rows, overwriting them with zeros."""
        self.has_erased = True
        super().erase(table, column, values)

    def purge(self, documents: str, *, begins: bool) -> bool:
        """Merge some pages of the index; the first call ``begins`` a merge of all its segments."""
        self.has_erased = True
        if begins and _lists_many_segments(self.connection, documents):
            self.execute(f"INSERT INTO {documents} ({documents}) VALUES ('rebuild')")
            return False
        # Deletions of this transaction are still in memory, and are written out by this.
        self.connection.execute("SAVEPOINT written")
        self.connection.execute("RELEASE written")
        before = self.connection.total_changes
        pages = -PURGED_PAGES if begins else PURGED_PAGES
        self.execute(f"INSERT INTO {documents} ({documents}, rank) VALUES ('merge', {pages})")
        # The command itself counts as one change.
        return bool(self.connection.total_changes - before > 1)

    def is_indexed(self, documents: str) -> bool:
        """FTS5 compares the index with the documents."""
        try:
            self.execute(f"INSERT INTO {documents} ({documents}) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise
            return False
        return True

    def lock(self) -> None:
        """Nothing: an IMMEDIATE transaction has locked everything already."""


def _lists_many_segments(connection: sqlite3.Connection, documents: str) -> bool:
    listed = f"SELECT length(block) FROM {documents}_data WHERE id = 10"
    (listed_bytes,) = connection.execute(listed).fetchone()
    return bool(listed_bytes > LONGEST_STRUCTURE_BYTES)


def _triggers(table: Table) -> dict[str, str]:
    """The triggers that enforce ``unchangeable`` and ``advances``, by name."""
    there = " OR ".join(
        f"({' AND '.join(f'there.{column} = new.{column}' for column in key)})"
        for key in table.keys
    )
    # REPLACE deletes conflicting rows without firing the trigger for DELETE.
    found = f"EXISTS (SELECT 1 FROM {table.name} AS there WHERE {there}"
    if table.unchangeable:
        told, when = table.unchangeable, {"UPDATE": "", "DELETE": "", "INSERT": f"WHEN {found}) "}
    elif by := table.advances:
        # A row that names no existing fact is wrong already, and may be changed.
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
        name: f"CREATE TRIGGER {name} BEFORE {verb} ON {table.name} {condition}"
        f"BEGIN SELECT raise(ABORT, '{told}'); END"
        for verb, condition in when.items()
        if (name := f"{table.name}_{verb.lower()}")
    }
