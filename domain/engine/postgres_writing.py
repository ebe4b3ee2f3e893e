"""Transactions of PostgreSQL that write: how rows are inserted, and how each transaction ends.

Few rows go into several tables by one statement, many into each by COPY.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from itertools import count as numbers
from typing import Any, Self

import psycopg

from domain.engine import Engine, OutcomeUnknown, Overtaken, Row, Table, Transaction
from domain.engine.postgres_sql import array
from domain.engine.statements import Statement, Statements

COMMIT: Statement = b"COMMIT", ()
SILENT = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
)
"""Errors that do not depend on the statement: no server, no privilege, a standby."""
MANY = 3
"""The number of rows from which columns are sent as arrays; fewer cost half as single values."""
COPIED = 50
"""The number of rows from which COPY costs less than INSERT."""
_KINDS = {"BIGINT": "int8", "TEXT": "text", "BYTES": "bytea"}
"""The driver's names for the types of columns."""


class Commit:
    """The end of a transaction: OutcomeUnknown if the connection breaks after ``is_sent``.

    If the server itself reports an error, nothing was recorded.
    """

    is_sent = False
    """Whether what commits may have reached the server."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self.is_sent and self._connection.closed and isinstance(error, SILENT):
            raise OutcomeUnknown from error


class PostgresTransaction(Transaction):
    """One transaction that writes."""

    def __init__(self, engine: Engine, connection: Any, commit: Commit) -> None:
        super().__init__(engine, connection)
        self.commit = commit
        self._statements: Statements = connection.statements

    def query_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        return self._statements.rows([self.engine.translate(*one) for one in asked])

    def execute(self, sql: str, /, **values: Any) -> int:
        return self._statements.affected(self.engine.translate(sql, values))

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute all of them in one message."""
        self._statements.rows([self.engine.translate(sql, row) for row in rows])

    def define(self, statements: Iterable[str]) -> None:
        """Execute all statements in one message."""
        self.connection.execute("; ".join(statements).encode())

    def insert_all(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        """Insert whole rows of several tables: many by COPY, the others by one statement."""
        if rows := self._few(rows):
            self._statements.rows([_inserted(rows)])

    def end_with(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        """Send that statement and COMMIT in one message."""
        if rows := self._few(rows):
            self.commit.is_sent = True
            self._statements.rows([_inserted(rows), COMMIT])

    def _few(self, rows: Mapping[Table, Sequence[Row]]) -> Mapping[Table, Sequence[Row]]:
        """The rows that are inserted by one statement; all others are inserted by COPY now."""
        rows = dict(rows)
        for table in _copied(rows):
            self._copy(table, rows.pop(table))
        return rows

    def _copy(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert whole rows by COPY, in binary format if the types of all columns allow it."""
        kinds = [_KINDS.get(kind.split()[0], "") for kind in table.columns.values()]
        self.load(table.name, tuple(table.columns), rows, kinds if all(kinds) else ())

    def load(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        kinds: Sequence[str] = (),
    ) -> None:
        """Insert many rows by COPY, in binary format if the types of the columns are given."""
        form = " (FORMAT BINARY)" if kinds else ""
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN{form}"
        with self.connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            if kinds:
                copy.set_types(kinds)
            for row in rows:
                copy.write_row(row)

    def create(self, tables: Iterable[Table]) -> None:
        """Create what is missing, including the schema that the address names."""
        ((schema, wanted),) = self.query("SELECT current_schema(), current_setting('search_path')")
        if schema is None:
            self.execute(f'CREATE SCHEMA IF NOT EXISTS "{wanted}"')
        super().create(tables)

    def lock(self) -> None:
        """Take the advisory lock that stands for the tables; its number is arbitrary."""
        self.connection.execute(b"SELECT pg_advisory_xact_lock(7236833)")


class Deferring(PostgresTransaction):
    """A transaction that sends what returns nothing together with the next statement."""

    def later(self, asked: Iterable[Statement]) -> None:
        """Send these statements with the next one, or with COMMIT."""
        self._statements.later(asked)

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self.later(self.engine.translate(sql, row) for row in rows)

    def insert_all(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        if rows := self._few(rows):
            self.later([_inserted(rows)])

    def end_with(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        self.insert_all(rows)  # COMMIT is sent together with what waits


class OneInsert(PostgresTransaction):
    """Queries, and one insert, which commits itself; but only if a certain row exists."""

    def __init__(
        self,
        engine: Engine,
        connection: Any,
        commit: Commit,
        there: tuple[str, Sequence[Any]],
    ) -> None:
        super().__init__(engine, connection, commit)
        self._there = there

    def end_with(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        if not _copied(rows):
            self.commit.is_sent = bool(rows)
            self.insert_all(rows)
            return
        with self.connection.transaction():
            self.insert_all(rows)
            self.commit.is_sent = True

    def insert_all(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        if rows := self._few(rows):
            inserted = self._statements.rows([_inserted(rows, *self._there)])
            if self._there[0] and inserted == [[(0,)]]:
                raise Overtaken("by another server")


@lru_cache(maxsize=256)
def _insert(tables: tuple[Table, ...], counts: tuple[int, ...], row: str) -> bytes:
    """One statement that inserts into several tables; from MANY rows on, columns are arrays."""
    # The first table is written first: a late writer waits for its key, holding nothing else.
    before, parts = "there", [f"there AS (SELECT 1 FROM {row})"] if row else []
    for table, count in zip(tables, counts, strict=True):
        after = f" WHERE (SELECT count(*) FROM {before}) > 0" if parts else " WHERE true"
        parts.append(f"i_{table.name} AS ({_insert_into(table, count, after)} RETURNING 1)")
        before = f"i_{tables[0].name}"
    # Numbered here: with names, the driver would search a long statement each time.
    places = numbers(1)
    placed = re.sub(r"\?", lambda _: f"${next(places)}", ", ".join(parts))
    return f"WITH {placed} SELECT count(*) FROM {before}".encode()


def _inserted(
    rows: Mapping[Table, Sequence[Row]], row: str = "", told: Sequence[Any] = ()
) -> Statement:
    """One statement that inserts rows into several tables, if ``row`` is there, if one is named."""
    values = [*told]
    for each in rows.values():
        few = chain.from_iterable(each)
        values += few if len(each) < MANY else map(array, zip(*each, strict=True))
    counts = tuple(min(len(each), MANY) for each in rows.values())
    return _insert(tuple(rows), counts, row), values


def _insert_into(table: Table, count: int, where: str) -> str:
    kinds = [kind.split()[0].replace("BYTES", "BYTEA") for kind in table.columns.values()]
    if count < MANY:
        row = f"({', '.join(f'?::{kind}' for kind in kinds)})"
        rows = f"(VALUES {', '.join([row] * count)}) AS told"
    else:
        rows = f"unnest({', '.join(f'?::{kind}[]' for kind in kinds)})"
    columns = ", ".join(table.columns)
    return f"INSERT INTO {table.name} ({columns}) SELECT * FROM {rows}{where}{table.updated}"


def _copied(rows: Mapping[Table, Sequence[Row]]) -> list[Table]:
    """The tables for which COPY fits: their rows are many, and have no ON CONFLICT clause."""
    return [one for one, found in rows.items() if len(found) >= COPIED and not one.on_conflict]
