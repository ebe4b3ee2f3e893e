"""The engines by hand: what a program without Stemma would do, in scratch databases."""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg.errors import DuplicateDatabase

from domain.seal import Disclosure
from domain.text import folded

Rows = list[tuple[Any, ...]]

ANCESTORS = """
    WITH RECURSIVE up (number) AS (
        SELECT number FROM @works WHERE id = ?
        UNION
        SELECT e.parent FROM up JOIN @remixes e ON e.child = up.number
    )
"""
"""The work ``?`` and all its ancestors, as the table ``up`` for the query that follows."""


def is_postgres(database: str) -> bool:
    """Whether an address names a PostgreSQL database."""
    return not database.startswith("sqlite:///")


def engine_of(database: str) -> str:
    """The name of the engine of a database address."""
    return (PlainPostgres if is_postgres(database) else PlainSQLite).NAME


@contextmanager
def scratch(database: str, kept: str | None = None) -> Iterator[str]:
    """The address of an empty, temporary database beside the given one, which is not touched.

    With a name to be ``kept``, it stays under that name and is found there again as it was left. On
    PostgreSQL, the role in the address must be allowed to create databases.
    """
    if not is_postgres(database):
        beside = Path(database.removeprefix("sqlite:///")).parent
        place = beside if beside.is_dir() else None
        if kept:
            yield f"sqlite:///{(place or Path(tempfile.gettempdir())) / kept}.db"
            return
        with tempfile.TemporaryDirectory(prefix="stemma-bench-", dir=place) as folder:
            yield f"sqlite:///{Path(folder) / 'stemma.db'}"
        return
    name = kept or f"bench_{secrets.token_hex(6)}"
    with psycopg.connect(database, autocommit=True) as connection:
        with suppress(DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        try:
            yield urlsplit(database)._replace(path=f"/{name}").geturl()
        finally:
            if not kept:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


class Plain(ABC):
    """The engine by hand: what a program without Stemma would do, as fast as possible."""

    NAME: str
    LOADS_BY: str
    """The name of the engine's fastest way to insert."""

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement in a transaction of its own; ``?`` stands for a value."""

    @abstractmethod
    def insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Rows into one table by INSERT, within the caller's transaction."""

    @abstractmethod
    def load(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Many rows into one table as fast as possible, within the caller's transaction."""

    @abstractmethod
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""


class PlainSQLite(Plain):
    """SQLite by hand, as durable as the journal: WAL, every commit synced."""

    NAME = "SQLite"
    LOADS_BY = "executemany"

    def __init__(self, database: str) -> None:
        path = database.removeprefix("sqlite:///")
        self.connection = sqlite3.connect(
            path, isolation_level=None, timeout=60, check_same_thread=False
        )
        self.connection.execute("PRAGMA journal_mode = WAL")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    def insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        places = ", ".join("?" * len(rows[0]))
        self.connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)

    def load(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Rows by INSERT; SQLite has nothing faster."""
        self.insert(table, list(rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that takes the write lock at its start."""
        self.connection.execute("BEGIN IMMEDIATE")
        yield
        self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


class PlainPostgres(Plain):
    """PostgreSQL by hand."""

    NAME = "PostgreSQL"
    LOADS_BY = "COPY"

    def __init__(self, database: str) -> None:
        self.connection = psycopg.connect(database, autocommit=True)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement, prepared by the driver when repeated."""
        cursor = self.connection.execute(sql.replace("?", "%s").encode(), values)
        return cursor.fetchall() if cursor.description else []

    def insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Rows by executemany, which sends them together."""
        places = ", ".join(["%s"] * len(rows[0]))
        with self.connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES ({places})".encode(), rows)

    def load(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        with (
            self.connection.cursor() as cursor,
            cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.connection.transaction():
            yield

    def close(self) -> None:
        self.connection.close()


@contextmanager
def plain(database: str) -> Iterator[Plain]:
    """A connection by hand."""
    opened: Plain = PlainPostgres(database) if is_postgres(database) else PlainSQLite(database)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def plain_journals(database: str, count: int) -> Iterator[list[Plain]]:
    """Connections by hand to tables with the columns of the journal: no trigger, lock or check."""
    binary = "BYTEA" if is_postgres(database) else "BLOB"
    with scratch(database) as address, ExitStack() as stack:
        engines = [stack.enter_context(plain(address)) for _ in range(count)]
        engine = engines[0]
        engine.execute(
            "CREATE TABLE facts (position BIGINT PRIMARY KEY, stream TEXT NOT NULL, "
            f"version BIGINT NOT NULL, topic TEXT NOT NULL, state {binary} NOT NULL, "
            "UNIQUE (stream, version))"
        )
        engine.execute(
            "CREATE TABLE texts (digest TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, "
            "salt TEXT NOT NULL, value TEXT NOT NULL, folded TEXT NOT NULL)"
        )
        yield engines


def loading_seconds(database: str, **tables: Rows) -> float:
    """How long it takes to write rows of the journal's tables as fast as possible, at once."""
    with plain_journals(database, 1) as (by_hand,):
        start = time.perf_counter()
        with by_hand.transaction():
            for name, rows in tables.items():
                by_hand.load(name, rows)
        return time.perf_counter() - start


def rows_of(
    stored: Iterable[StoredEvent], disclosures: Iterable[Disclosure], position: int
) -> tuple[Rows, Rows]:
    """These facts, from ``position`` on, and texts as rows of the journal's tables."""
    facts = [
        (place, one.originator_id, one.originator_version, one.topic, one.state)
        for place, one in enumerate(stored, start=position)
    ]
    return facts, [(*text, folded(text.value)) for text in disclosures]
