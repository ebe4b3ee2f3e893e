"""The interface to a database, in one file: connections, SQL, transactions and errors.

SQL is written once, for every engine. ``:name`` is a value and ``IN :name`` a list of values of any
length; ``FROM EACH :name`` are the texts of a list as rows, in a column ``value``. ``JOIN EACH
table t ON t.column = other.column`` looks up the rows for each preceding row by the index on the
column, whatever the planner would choose; recursive queries need that, since statistics say nothing
about their steps. So does the condition ``t.column = EACH other.column`` on a table that is queried
for each row. ``string_agg`` joins many texts into one. A query that begins with PLANNED_ONCE
is planned once, for any values and by indexes: of many tables, planning takes longer than running.
Each engine translates this in one place, and never lets an exception of its driver escape.

A thread has at most one connection, so its queries within a transaction see that transaction.
Open an engine after a fork, not before: connections do not survive one.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from threading import Thread
from typing import Any, ClassVar, NamedTuple, TypeVar

from eventsourcing.persistence import IntegrityError, OperationalError

from domain.cached import cached_property
from domain.engine.documents import Documents

Row = tuple[Any, ...]
T = TypeVar("T")

EMBEDDED = "sqlite:///"
"""The prefix of addresses of SQLite files."""
LISTS = (list, set, tuple)
"""The types that are bound as a list of values."""
_NAMED_LIST = re.compile(r"\b(IN|FROM EACH) :(\w+)")
PLANNED_ONCE = "/* planned once */ "
LOCK_TIMEOUT_SECONDS = 20
"""How long a transaction waits for the locks of others."""


class DatabaseUnavailable(OperationalError):
    """The database does not answer, or denies access."""


class Locked(DatabaseUnavailable):
    """Another transaction held a lock for longer than the time limit."""


class OutcomeUnknown(DatabaseUnavailable):
    """The connection broke after a commit may have reached the database."""

    def __init__(self) -> None:
        super().__init__(
            "Whether it was recorded is not known: the database stopped answering at the very end. "
            "Look before you repeat it, or repeat it with the same id or idempotency key."
        )


class NoDatabase(DatabaseUnavailable):
    """No database exists at the address, and none was to be created."""


class DatabaseDamaged(DatabaseUnavailable):
    """The database is damaged, or is none of ours: waiting does not help."""


class Pooled(NamedTuple):
    """How many connections to its database a process has."""

    open: int
    idle: int
    waiting: int
    """How many threads are waiting for a connection."""


class Replica(NamedTuple):
    """A server that copies another one, and lags a little behind it."""

    behind: int | None
    """Its lag in bytes; None if unknown."""
    why: str
    """Why its lag is unknown."""
    is_read: bool = False
    """Whether views are read from it."""


class UpgradeNeeded(DatabaseUnavailable):
    """The journal's tables belong to another version of Stemma."""


class RebuildNeeded(DatabaseUnavailable):
    """The read tables belong to another version of Stemma."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The read tables are not those of this version of Stemma ({why}): run “stemma rebuild”"
        )


def other_layout(said: str, sql: str) -> DatabaseUnavailable:
    """The exception for a missing table or column: RebuildNeeded if a read table is concerned."""
    if "read_" in f"{said}{sql}":
        return RebuildNeeded(said)
    return UpgradeNeeded(
        f"The tables are not those of this version of Stemma ({said}): run “stemma upgrade”"
    )


def with_lists(sql: str, spelled: Mapping[str, tuple[str, str]], single: Collection[str]) -> str:
    """SQL with its lists as an engine spells them: several values, or one if in ``single``."""
    return _NAMED_LIST.sub(lambda one: spelled[one[1]][one[2] in single].format(one[2]), sql)


def singles(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of one element, as plain values: ``=`` gets a better plan than ``IN``."""
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
    """How long the database may take before it gives up."""

    statement_seconds: int | None = None
    """For one statement; None for no limit."""
    lock_seconds: int = LOCK_TIMEOUT_SECONDS
    """For other transactions to release their locks."""


UNHURRIED = TimeLimits()
"""The limits of a command that somebody runs by hand."""


@dataclass(frozen=True, eq=False)
class Table:
    """The definition of a table: its columns, keys and indexes, and what protects its rows."""

    name: str
    columns: Mapping[str, str]
    """Types by name: TEXT (compared bytewise), BIGINT or BYTES, followed by NULL if allowed."""
    keys: tuple[tuple[str, ...], ...]
    """The primary key, and the other unique keys."""
    on_conflict: str = ""
    """What an insert does if a row with the key exists, as SQL; empty to fail."""
    index: str = ""
    """The columns of a further index, if any."""
    looked_up: tuple[str, str] = ("", "")
    """The expression of a partial index, and the condition of the rows in it."""
    unique: str = ""
    """A column, unique where it is not NULL, that tables created by older versions lack."""
    small: bool = False
    """Whether the engine, if it can, stores the rows in the index of the primary key."""
    in_backups: bool = True
    """Whether backups hold it: not if it serves only what runs now, or can be derived again."""
    unchangeable: str = ""
    """The error message for editing or deleting a row; empty if that is allowed."""
    advances: str = ""
    """A column with the position of a fact, which may only grow; rows are never deleted."""

    @cached_property
    def indexes(self) -> dict[str, tuple[str, str]]:
        """By name: the kind and the definition of each index that is not of a key."""
        found = {}
        if self.index:
            found[f"{self.name}_of"] = "INDEX", f"({self.index})"
        by, rows = self.looked_up
        if by:
            found[f"{self.name}_by"] = "INDEX", f"({by}) WHERE {rows}"
        if self.unique:
            # Most rows have no value there, and need no entry.
            only = f"({self.unique}) WHERE {self.unique} IS NOT NULL"
            found[f"{self.name}_{self.unique}"] = "UNIQUE INDEX", only
        return found

    @cached_property
    def updated(self) -> str:
        """The ON CONFLICT clause of an INSERT, if any."""
        return f" ON CONFLICT {self.on_conflict}" if self.on_conflict else ""


class Transaction(ABC):
    """One transaction that writes."""

    def __init__(self, engine: Engine, connection: Any) -> None:
        self.engine, self.connection = engine, connection

    def query(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query within the transaction."""
        return self.query_all([(sql, values)])[0]

    @abstractmethod
    def query_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """The rows of each of several queries, which an engine may send in one message."""

    @abstractmethod
    def execute(self, sql: str, /, **values: Any) -> int:
        """Execute a statement; returns the number of rows affected."""

    @abstractmethod
    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute a statement once for each row of values."""

    def define(self, statements: Iterable[str]) -> None:
        """Execute statements that define tables, in order."""
        for one in statements:
            self.execute(one)

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert whole rows."""
        self.insert_all({table: rows} if rows else {})

    @abstractmethod
    def insert_all(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        """Insert whole rows of several tables."""

    def end_with(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        """Insert whole rows as the last statement: an engine may commit with it."""
        self.insert_all(rows)

    @abstractmethod
    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows in the fastest way the engine has."""

    def erase(self, table: str, column: str, values: Collection[Any]) -> None:
        """Delete rows with one of these values; an engine may keep them on disk until a vacuum."""
        self.execute(f"DELETE FROM {table} WHERE {column} IN :values", values=list(values))

    def purge(self, documents: str, *, begins: bool) -> bool:
        """Remove some of the words of deleted documents from their index.

        Returns whether to call it again. An engine that removes none keeps them until a vacuum.
        """
        return False

    def is_indexed(self, documents: str) -> bool:
        """Whether an index kept outside the table's columns matches its documents exactly."""
        return True

    @abstractmethod
    def lock(self) -> None:
        """Keep everyone else from creating or dropping tables until this transaction ends."""

    def create(self, tables: Iterable[Table]) -> None:
        """Create missing tables and columns, under a lock: several processes may start at once."""
        self.lock()
        for table in tables:
            if self.engine.lacks(table):
                kind = self.engine.typed(table.columns[table.unique])
                self.execute(f"ALTER TABLE {table.name} ADD COLUMN {table.unique} {kind}")
            self.define(self.engine.definition(table))


class Engine(ABC):
    """A database and the connections to it."""

    TYPES: ClassVar[Mapping[str, str]]
    """The engine's names for the types of columns."""
    DOCUMENTS: ClassVar[Documents]
    """How the engine finds documents by their words."""
    TABLES: ClassVar[str]
    """The query for the names of all tables."""
    COLUMNS: ClassVar[str]
    """The query for the tables ``:names`` and their columns, a row for each column."""
    KEEPS_WORDS: ClassVar = False
    """Whether its index keeps the words of deleted documents until it is purged."""

    address: str
    """The address at which another process can open the same database."""
    server: Hashable = None
    """The running server and database that answer: after a failover, these are others, which may
    lack the latest facts, so what a process remembers of the former ones need not hold."""

    @abstractmethod
    def translate(self, sql: str, values: Mapping[str, Any]) -> tuple[Any, Any]:
        """SQL and values, translated for the engine's driver."""

    @abstractmethod
    def query(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query."""

    def query_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """The rows of each of several queries, which an engine may send in one message."""
        return [self.query(sql, **values) for sql, values in asked]

    def read(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query of a view: from the replica that this thread chose, if any."""
        return self.read_all([(sql, values)])[0]

    def read_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """Several queries like ``read``; an engine may send them in one message."""
        return self.query_all(asked)

    def query_outside(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query outside of the snapshot, after ``validate_on_begin``.

        The reader has to leave out what was recorded later. Without that, it is ``read``.
        """
        return self.read(sql, **values)

    @abstractmethod
    def validate_on_begin(self, is_current: Callable[[], bool]) -> None:
        """Rely on what was read before, so that the snapshot may never have to begin.

        If a query does begin it, and ``is_current`` says that something was recorded meanwhile,
        that query raises Overtaken.
        """

    def choosing(self, look: Callable[[], T | None]) -> AbstractContextManager[T | None]:
        """Read from a replica within the block: one where ``look`` finds something.

        The block gets what it found, or None if there is no such replica.
        """
        return nullcontext()

    def replicas(self) -> list[Replica]:
        """Every replica, as it was seen last."""
        return []

    def reading(self) -> AbstractContextManager[None]:
        """Within the block, this thread borrows a connection once for all of its queries."""
        return nullcontext()

    @abstractmethod
    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Transaction]:
        """A transaction that writes, committed at the end of the block.

        A power cut may lose the latest transactions that are not durable, but corrupts nothing.
        """

    @contextmanager
    def appending(self, _table: Table, sql: str) -> Iterator[tuple[Transaction, list[Row]]]:
        """A transaction during which nobody else adds to a table, with the rows of ``sql``."""
        with self.transaction() as transaction:
            yield transaction, transaction.query(sql)

    @abstractmethod
    def optimistic(
        self, row: str = "", values: Sequence[Any] = ()
    ) -> AbstractContextManager[Transaction]:
        """Queries, and one insert by ``end_with``, which is a transaction by itself: no lock.

        Raises IntegrityError if somebody else was faster, so that a key is taken, and Overtaken if
        a row on which the insert builds is missing, as on a server that lost it. ``row`` selects
        that row: what follows FROM in a SELECT, with ``?`` for each of the values.
        """

    @abstractmethod
    def now(self) -> float:
        """The database's clock, in seconds since 1970 (UTC)."""

    @abstractmethod
    def must_take_writes(self, table: Table, row: Row) -> None:
        """Check that the database takes writes, by writing a row of a table with one key.

        Raises DatabaseUnavailable with the reason if it does not, or if the commit does not end.
        """

    @abstractmethod
    def pooled(self) -> Pooled:
        """The connections of this process."""

    def tables(self) -> set[str]:
        """The names of all tables."""
        return {name for (name,) in self.query(self.TABLES)}

    def layout(self, names: Collection[str]) -> dict[str, set[str]]:
        """The names of the columns of those of these tables that exist."""
        found: dict[str, set[str]] = {}
        for table, column in self.query(self.COLUMNS, names=[*names]):
            found.setdefault(table, set()).add(column)
        return found

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Queries of this thread see the database at one moment, while others go on writing."""

    def lacks(self, table: Table) -> bool:
        """Whether a table exists without its ``unique`` column, as older versions created it."""
        there = self.layout([table.name]).get(table.name) if table.unique else None
        return there is not None and table.unique not in there

    @abstractmethod
    def guards(self, table: Table) -> Iterator[str]:
        """The statements that enforce ``unchangeable`` and ``advances``."""

    @abstractmethod
    def unguarded(self, table: Table) -> list[str]:
        """The names of the triggers of a table that are missing, disabled or not ours."""

    @abstractmethod
    def unindexed(self, table: Table) -> list[str]:
        """The indexes and keys that a table lacks: names, and columns of keys."""

    def unsound(self, _tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
        """Where a value is not of its column's type, or an index not of its rows, and how.

        Nowhere if the server vouches for that.
        """
        return iter(())

    def end(self, thread: Thread) -> None:
        """Wait until a thread that was told to stop does, which no silent server prevents."""
        thread.join()

    @abstractmethod
    def analyze(self, tables: Iterable[str]) -> None:
        """Collect statistics on new tables, so that queries are planned well."""

    @abstractmethod
    def vacuum(self, table: str) -> bool:
        """Rewrite a table and those of documents, so that their files hold nothing erased.

        False if someone is still reading what was there before; then it has to be repeated.
        """

    @abstractmethod
    def alone(self) -> AbstractContextManager[None]:
        """Within the block, no other process is within one on the same database.

        It waits for its turn; a process that dies lets the next one in.
        """

    def end_stalled(self, table: str) -> bool:
        """End transactions that hold locks on a table while their processes are stalled.

        Returns whether any were ended.
        """
        return False

    def settle(self) -> bool:
        """Remove what erasures left in the files, except what readers still need.

        A step of a follower; returns false, since there is never more of it to do at once.
        """
        return False

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""

    def execute(self, sql: str, /, **values: Any) -> int:
        """Execute a statement in a transaction of its own; returns the number of rows affected."""
        with self.transaction() as transaction:
            return transaction.execute(sql, **values)

    def typed(self, definition: str) -> str:
        """The definition of a column with the engine's names of types."""
        return re.sub(r"\w+", lambda word: self.TYPES.get(word[0], word[0]), definition)

    def definition(self, table: Table) -> Iterator[str]:
        """The statements that create a table, with no effect if it exists."""
        parts = [
            f"{column} {self.typed(kind)}{'' if kind.endswith('NULL') else ' NOT NULL'}"
            for column, kind in table.columns.items()
        ]
        for key, columns in zip(("PRIMARY KEY", *["UNIQUE"] * 9), table.keys, strict=False):
            parts.append(f"{key} ({', '.join(columns)})")
        yield f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join(parts)}){self.storage(table)}"
        for name, (kind, rest) in table.indexes.items():
            yield f"CREATE {kind} IF NOT EXISTS {name} ON {table.name} {rest}"
        yield from self.guards(table)

    def storage(self, _table: Table) -> str:
        """The clause at the end of CREATE TABLE that says how rows are stored, if any."""
        return ""
