"""The read tables in SQLite: the embedded default, one file.

The one rule: a write transaction begins IMMEDIATE, so that it waits for another writer at its
start and never fails half-way.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from projections.store import META, Reader, Row, Store, StoreUnavailable, Writer, with_tables

_LIST = re.compile(r"\bIN :(\w+)")
BUSY_TIMEOUT_SECONDS = 20


@lru_cache(maxsize=1024)
def _translate(sql: str, generation: int) -> str:
    return _LIST.sub(r"IN (SELECT value FROM json_each(:\1))", with_tables(sql, generation))


def _bound(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(list(value)) if isinstance(value, list | set | tuple) else value
        for name, value in values.items()
    }


def _begin_wal(connection: sqlite3.Connection) -> None:
    """Write ahead; of several who open a new file at once, SQLite makes none but the first wait."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


class SQLiteStore(Store):
    """One file; a connection for each thread."""

    BYTES = "BLOB"

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        if not self.has_tables("projections"):
            with self.writing() as writer:
                writer.execute(META)

    def translate(self, sql: str, generation: int) -> str:
        """A list is a JSON text."""
        return _translate(sql, generation)

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows of a query."""
        try:
            return self._connection().execute(sql, _bound(values)).fetchall()
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """The connection of the thread, as always."""
        yield self.rows

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A write transaction."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error
        try:
            yield SQLiteWriter(self, connection)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def has_tables(self, *names: str) -> bool:
        """Whether all of these tables are there."""
        found = self.query(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN :names",
            names=names,
        )
        return bool(found[0][0] == len(names))

    def analyze(self, generation: int) -> None:
        """Nothing: an index is chosen without samples, and with them the planner does worse.

        Once a table has been analysed, a recursive query begins with a Bloom filter over all of
        its rows: 120 ms instead of 0.1 ms for the ancestors of one among a million works.
        """

    def close(self) -> None:
        """Close the connections of every thread."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = sqlite3.connect(
                    self.path,
                    timeout=BUSY_TIMEOUT_SECONDS,
                    isolation_level=None,
                    check_same_thread=False,
                    cached_statements=256,
                )
                _begin_wal(connection)
            except sqlite3.OperationalError as error:
                raise StoreUnavailable(f"{self.path}: {error}") from error
            # Read tables can be folded again: a power cut may cost the last pages of them.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -65536")
            # Pages the system has in memory are read where they lie.
            connection.execute("PRAGMA mmap_size = 4294967296")
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection


class SQLiteWriter(Writer):
    """One write transaction."""

    TEXT = "TEXT"

    def __init__(self, store: SQLiteStore, connection: sqlite3.Connection) -> None:
        self.store, self.connection = store, connection

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> int:
        """Carry out a statement."""
        return self.connection.execute(_translate(sql, 0), _bound(values or {})).rowcount

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a statement for each row of values."""
        self.connection.executemany(_translate(sql, 0), rows)

    def lock(self) -> None:
        """An IMMEDIATE transaction has locked everything already."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows."""
        places = ", ".join("?" * len(columns))
        self.connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows
        )

    def query(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a query."""
        return self.connection.execute(_translate(sql, 0), _bound(values or {})).fetchall()
