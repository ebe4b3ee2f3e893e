"""A database: one interface, in one file, for connections, SQL, transactions and errors.

SQL is written once. ``:name`` is a value and ``IN :name`` a list of values, however long.
``JOIN EACH table t ON t.column = other.column`` finds the rows for each row before it by the index
of the column, whatever the planner believes, as recursion needs: samples say nothing of its steps.
``string_agg`` is one text of many.
Each engine translates that in one place, and never raises an exception of its driver.

A thread has at most one connection: what it asks within a transaction sees that transaction.
Open an engine after a fork, not before: connections do not survive one.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar

from eventsourcing.persistence import IntegrityError, OperationalError

from domain.cached import cached_property
from domain.engine.documents import Documents

Row = tuple[Any, ...]
T = TypeVar("T")

EMBEDDED = "sqlite:///"
"""The prefix of the address of a database in a file."""
LISTS = (list, set, tuple)
"""The types that are bound as a list of values."""
LOCK_TIMEOUT_SECONDS = 20
"""How long a transaction waits for others to end."""


class DatabaseUnavailable(OperationalError):
    """The database does not answer, or denies access."""


class Locked(DatabaseUnavailable):
    """Another transaction held a lock for longer than the time limit."""


class OutcomeUnknown(DatabaseUnavailable):
    """The connection broke when the end of a transaction may have reached the database."""

    def __init__(self) -> None:
        super().__init__(
            "Whether it was recorded is not known: the database stopped answering at the very end. "
            "Look before you repeat it, or repeat it with the same id or idempotency key."
        )


class NoDatabase(DatabaseUnavailable):
    """There is no database yet at an address that is opened only for reading."""


class Pooled(NamedTuple):
    """The connections of a process to its database."""

    open: int
    idle: int
    waiting: int
    """How many threads wait for one."""


class Replica(NamedTuple):
    """A server that has what another one had written a moment ago."""

    behind: int | None
    """By how many bytes it lags; None if that is not known."""
    why: str
    """Why that is not known."""
    is_read: bool = False
    """Whether views are read there."""


class UpgradeNeeded(DatabaseUnavailable):
    """The tables are those of another version of Stemma."""


class RebuildNeeded(DatabaseUnavailable):
    """The read tables are those of another version of Stemma."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The read tables are not those of this version of Stemma ({why}): run “stemma rebuild”"
        )


def other_layout(said: str, sql: str = "") -> DatabaseUnavailable:
    """What to raise if the engine knows no such table or column."""
    if "read_" in f"{said}{sql}":
        return RebuildNeeded(said)
    return UpgradeNeeded(
        f"The tables are not those of this version of Stemma ({said}): run “stemma upgrade”"
    )


def singles(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of lists of one: a plan for one value is better than that for some."""
    return {
        name: value
        for name, several in values.items()
        if isinstance(several, LISTS) and len(several) == 1
        for value in several
    }


class Overtaken(IntegrityError):
    """Someone else was faster; nothing was changed."""


@dataclass(frozen=True)
class TimeLimits:
    """How long a database may take."""

    statement_seconds: int | None = None
    """For one statement, if there is a limit."""
    lock_seconds: int = LOCK_TIMEOUT_SECONDS
    """For others to end their transactions."""


UNHURRIED = TimeLimits()
"""The limits of a command that somebody runs by hand."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is created once, and what an insert does about an existing row."""

    name: str
    columns: Mapping[str, str]
    """The names, each with TEXT (compared by its bytes), BIGINT or BYTES, and NULL if allowed."""
    keys: tuple[tuple[str, ...], ...]
    """The primary key, and the other unique keys."""
    on_conflict: str = ""
    index: str = ""
    """The columns of an index."""
    looked_up: tuple[str, str] = ("", "")
    """By what a further index finds rows, and which of them."""
    unique: str = ""
    """A column that is NULL or unique, which tables made by older versions lack."""
    small: bool = False
    """Whether rows are stored within the primary key, where the engine can."""
    in_backups: bool = True
    """Whether its rows are of use to more than those who run now, and follow from nothing else."""
    unchangeable: str = ""
    """The error when someone edits or deletes a row; empty if that is allowed."""
    advances: str = ""
    """The column by which a row only moves on, and is never deleted; it names a fact."""

    @cached_property
    def updated(self) -> str:
        """The ON CONFLICT clause that ends an INSERT, if any."""
        return f" ON CONFLICT {self.on_conflict}" if self.on_conflict else ""


class Transaction(ABC):
    """One transaction that writes."""

    def __init__(self, engine: Engine, connection: Any) -> None:
        self.engine, self.connection = engine, connection
        self._cursor = connection.asking

    def query(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query within the transaction."""
        rows: list[Row] = self._cursor.execute(*self.engine.told(sql, values)).fetchall()
        return rows

    def execute(self, sql: str, /, **values: Any) -> int:
        """Carry out a statement; returns how many rows it touched."""
        return int(self._cursor.execute(*self.engine.told(sql, values)).rowcount)

    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a statement for each row of values."""
        told = [self.engine.told(sql, row) for row in rows]
        if told:
            self._cursor.executemany(told[0][0], [values for _, values in told])

    def define(self, statements: Iterable[str]) -> None:
        """Carry out statements about tables, in order."""
        for one in statements:
            self.execute(one)

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert whole rows, as the table says; an engine has its own way for one or for all."""
        self.insert_all({table: rows} if rows else {})

    def insert_all(self, rows: Mapping[Table, Sequence[Row]], *, is_last: bool = False) -> None:
        """Insert whole rows of several tables; an engine may end with it what nothing follows."""
        for table, found in rows.items():
            self.insert(table, found)

    @abstractmethod
    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows, the fastest way the engine has."""

    def erase(self, table: str, column: str, values: Collection[Any]) -> None:
        """Delete rows with one of these values; where they stay in the file, until a vacuum."""
        self.execute(f"DELETE FROM {table} WHERE {column} IN :values", values=list(values))

    def purge(self, documents: str, *, begins: bool) -> bool:
        """Take out of an index the words of documents that are gone, some at a time.

        Whether it has to go on. What an engine does not take out stays until a vacuum.
        """
        return False

    def is_indexed(self, documents: str) -> bool:
        """Whether an index that is no column has the words of its documents, and no others."""
        return True

    @abstractmethod
    def lock(self) -> None:
        """Keep everyone else from creating or dropping tables until the transaction ends."""

    def create(self, tables: Iterable[Table]) -> None:
        """Create what is missing, under the lock: several processes may start at once."""
        self.lock()
        for table in tables:
            if self.engine.lacks(table):
                kind = self.engine.typed(table.columns[table.unique])
                self.execute(f"ALTER TABLE {table.name} ADD COLUMN {table.unique} {kind}")
            self.define(self.engine.definition(table))


class Engine(ABC):
    """A database and the connections to it."""

    TYPES: ClassVar[Mapping[str, str]]
    """What the engine calls the types of columns."""
    DOCUMENTS: ClassVar[Documents]
    """How it finds documents by their words."""
    KEEPS_WORDS: ClassVar = False
    """Whether an index of documents keeps the words of those that are gone until it is purged."""

    address: str
    """The address at which another process can open the same database."""

    @abstractmethod
    def told(self, sql: str, values: Mapping[str, Any]) -> tuple[Any, Any]:
        """SQL and its values, translated for the engine's driver."""

    @abstractmethod
    def query(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query."""

    def query_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """The rows of each of several queries, which an engine may ask in one message."""
        return [self.query(sql, **values) for sql, values in asked]

    def read(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query that is part of a view: of a replica, if this thread chose one."""
        return self.read_all([(sql, values)])[0]

    def read_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """The rows of each of several such queries, in one message if the engine can."""
        return self.query_all(asked)

    def aside(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query that begins no snapshot, for a reader that goes by what is known
        (``remembering``) and leaves out what came later. For every other it is an ordinary query.
        """
        return self.read(sql, **values)

    @abstractmethod
    def remembering(self, is_still: Callable[[], bool]) -> None:
        """Go by what is known before a snapshot begins, which may be all that is asked.

        If it is not, and what was there is not there any more (``is_still``): Overtaken.
        """

    def choosing(self, look: Callable[[], T | None]) -> AbstractContextManager[T | None]:
        """Choose a replica from which ``look`` reads something, for what this thread reads here.

        None without one.
        """
        return nullcontext()

    def replicas(self) -> list[Replica]:
        """Every replica, as last seen."""
        return []

    def reading(self) -> AbstractContextManager[None]:
        """Queries of this thread use one connection, borrowed once."""
        return nullcontext()

    @abstractmethod
    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Transaction]:
        """A transaction that writes, committed at the end of the block.

        A power cut may lose the latest transactions that are not durable, but breaks none.
        """

    @contextmanager
    def appending(self, _table: Table, sql: str) -> Iterator[tuple[Transaction, list[Row]]]:
        """A transaction in which nobody else adds to a table, and the rows of its first query."""
        with self.transaction() as transaction:
            yield transaction, transaction.query(sql)

    @abstractmethod
    def hoping(
        self, row: str = "", values: Sequence[Any] = ()
    ) -> AbstractContextManager[Transaction]:
        """Queries, and one insert that is a transaction of its own, without a lock before it.

        That somebody else was faster is noticed by a key that is taken (IntegrityError), and that
        the server lost what was built on by a row that is not there (Overtaken): the end of a
        SELECT, with ``?`` for each of the values.
        """

    @abstractmethod
    def now(self) -> float:
        """The time by the clock of the database, in seconds since 1970."""

    @abstractmethod
    def must_take_writes(self, table: Table, row: Row) -> None:
        """Write a row of a table with one key; DatabaseUnavailable, with the reason, if refused.

        It waits for nobody: while somebody else writes, writes are taken.
        """

    @abstractmethod
    def pooled(self) -> Pooled:
        """The connections of this process."""

    @abstractmethod
    def tables(self) -> set[str]:
        """The names of all tables."""

    @abstractmethod
    def layout(self, names: Collection[str]) -> dict[str, set[str]]:
        """Which of these tables exist, each with the names of its columns."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Queries of this thread see the database as it is at one moment; others go on writing."""

    def lacks(self, table: Table) -> bool:
        """Whether a table exists without its ``unique`` column, as older versions made it."""
        there = self.layout([table.name]).get(table.name) if table.unique else None
        return there is not None and table.unique not in there

    @abstractmethod
    def guards(self, table: Table) -> Iterator[str]:
        """The statements that keep the rows of a table from being changed, as it says."""

    @abstractmethod
    def unguarded(self, table: Table) -> list[str]:
        """The triggers of a table that are missing, disabled or not ours."""

    @abstractmethod
    def analyze(self, tables: Iterable[str]) -> None:
        """Let the engine sample new tables, so that it plans well."""

    @abstractmethod
    def vacuum(self, table: str) -> bool:
        """Rewrite a table and those of documents: no file holds anything any more that was erased.

        False if someone still reads what was there before; then it has to be repeated.
        """

    def end_stalled(self, table: str) -> bool:
        """End transactions that hold locks on a table while their processes do nothing at all."""
        return False

    def settle(self) -> bool:
        """Finish what an erasure left, as far as possible; the rest can wait."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Give back every connection."""

    def execute(self, sql: str, /, **values: Any) -> int:
        """One statement in a transaction of its own."""
        with self.transaction() as transaction:
            return transaction.execute(sql, **values)

    def typed(self, definition: str) -> str:
        """The definition of a column with the engine's names of types."""
        return re.sub(r"\w+", lambda word: self.TYPES.get(word[0], word[0]), definition)

    def definition(self, table: Table) -> Iterator[str]:
        """The statements that create a table, harmless if it exists."""
        parts = [
            f"{column} {self.typed(kind)}{'' if kind.endswith('NULL') else ' NOT NULL'}"
            for column, kind in table.columns.items()
        ]
        for key, columns in zip(("PRIMARY KEY", *["UNIQUE"] * 9), table.keys, strict=False):
            parts.append(f"{key} ({', '.join(columns)})")
        yield f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join(parts)}){self.storage(table)}"
        if table.index:
            yield f"CREATE INDEX IF NOT EXISTS {table.name}_of ON {table.name} ({table.index})"
        by, rows = table.looked_up
        if by:
            named = f"{table.name}_by ON {table.name} ({by})"
            yield f"CREATE INDEX IF NOT EXISTS {named} WHERE {rows}"
        if table.unique:
            named = f"{table.name}_{table.unique} ON {table.name} ({table.unique})"
            # Most rows have no value, and are left out of the index.
            yield f"CREATE UNIQUE INDEX IF NOT EXISTS {named} WHERE {table.unique} IS NOT NULL"
        yield from self.guards(table)

    def storage(self, _table: Table) -> str:
        """How the rows of a table are stored."""
        return ""
