"""The read tables in PostgreSQL: the engine of production.

The one rule: a connection is borrowed for one query, one view or one transaction, and never waited
for longer than a few seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from projections.store import META, Reader, Row, Store, StoreUnavailable, Writer, with_tables

_VALUE = re.compile(r"(?<![:\w]):(\w+)")
_LIST = re.compile(r"\bIN :(\w+)")
CONNECT_TIMEOUT_SECONDS = 5


@lru_cache(maxsize=1024)
def _translate(sql: str, generation: int) -> str:
    escaped = with_tables(sql, generation).replace("%", "%%")
    return _VALUE.sub(r"%(\1)s", _LIST.sub(r"= ANY(:\1)", escaped))


def _bound(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, set | tuple) else value
        for name, value in values.items()
    }


class PostgresStore(Store):
    """A pool of connections, opened when first used (a pool opened before a fork hangs)."""

    BYTES = "BYTEA"

    def __init__(self, url: str, size: int = 8) -> None:
        super().__init__()
        self._pool = ConnectionPool(
            url,
            kwargs={"autocommit": True, "connect_timeout": CONNECT_TIMEOUT_SECONDS},
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT_SECONDS,
            open=False,
            check=ConnectionPool.check_connection,
        )
        if not self.has_tables("projections"):
            with self.writing() as writer:
                writer.lock()
                writer.execute(META)

    def translate(self, sql: str, generation: int) -> str:
        """A list is an array."""
        return _translate(sql, generation)

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows of a query."""
        with self.reading() as read:
            return read(sql, values)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A connection for the queries of one view: to borrow it is as slow as a query."""
        with self._borrowed() as connection:

            def read(sql: str, values: Mapping[str, Any]) -> list[Row]:
                with _answering():
                    return connection.execute(sql.encode(), _bound(values)).fetchall()

            yield read

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A write transaction."""
        with self._borrowed() as connection, connection.transaction():
            yield PostgresWriter(connection)

    def has_tables(self, *names: str) -> bool:
        """Whether all of these tables are there."""
        found = self.query(
            "SELECT count(*) FROM unnest(CAST(:names AS TEXT[])) AS asked (name) "
            "WHERE to_regclass(quote_ident(asked.name)) IS NOT NULL",
            names=names,
        )
        return bool(found[0][0] == len(names))

    def analyze(self, generation: int) -> None:
        """Sample the tables."""
        with self._borrowed() as connection:
            names = connection.execute(
                "SELECT tablename FROM pg_tables WHERE tablename LIKE %s",
                [f"read\\_{generation}\\_%"],
            ).fetchall()
            for (name,) in names:
                connection.execute(f"ANALYZE {name}".encode())

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()

    @contextmanager
    def _borrowed(self) -> Iterator[psycopg.Connection]:
        with _answering():
            self._pool.open()
            with self._pool.connection() as connection:
                yield connection


@contextmanager
def _answering() -> Iterator[None]:
    """A server that does not answer as StoreUnavailable."""
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise StoreUnavailable(str(error)) from error


class PostgresWriter(Writer):
    """One write transaction."""

    TEXT = 'TEXT COLLATE "C"'

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> int:
        """Carry out a statement."""
        return self.connection.execute(_translate(sql, 0).encode(), _bound(values or {})).rowcount

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a statement for each row of values."""
        with self.connection.cursor() as cursor:
            cursor.executemany(_translate(sql, 0).encode(), rows)

    def lock(self) -> None:
        """Take the one lock that stands for the generations."""
        self.connection.execute("SELECT pg_advisory_xact_lock(7236834)")

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows by COPY."""
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self.connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def query(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a query."""
        return self.connection.execute(_translate(sql, 0).encode(), _bound(values or {})).fetchall()
