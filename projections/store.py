"""The store of read tables: one interface, one SQL text, two engines.

The one rule: SQL is written once. ``:name`` is a value, ``IN :name`` a list of values, ``@works``
a read table of the current generation; each engine translates that in one place.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Condition as Signal
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]
Reader = Callable[[str, Mapping[str, Any]], list[Row]]
"""What answers a query in SQL of the engine's own form."""

WAIT_SECONDS = 2.0
"""How long a read waits for the projections to reach the position it asked for."""


class StoreUnavailable(Exception):
    """The database does not answer."""


class Behind(Exception):
    """The projections have not read that far yet."""

    def __init__(self, asked: int, position: int) -> None:
        super().__init__(f"The projections have read up to {position}, not {asked} yet.")
        self.asked, self.position = asked, position


class BadCursor(Exception):
    """The cursor is not one that a list of this service gave out."""


class Overtaken(Exception):
    """Another follower was faster; nothing was changed."""


class Page(NamedTuple):
    """A part of a list, and the cursor of the part after it."""

    items: list[dict[str, Any]]
    next: str | None


class Generation(NamedTuple):
    """The read tables in use, and how far they have been folded."""

    number: int
    position: int


_TABLE = re.compile(r"@([a-z]+)")

META = (
    "CREATE TABLE IF NOT EXISTS projections (name TEXT NOT NULL, generation BIGINT NOT NULL, "
    "position BIGINT NOT NULL, current INTEGER NOT NULL, PRIMARY KEY (name, generation))"
)


def table_name(table: str, generation: int) -> str:
    """The name of a read table in one generation."""
    return f"read_{generation}_{table}"


class Writer(ABC):
    """One write transaction."""

    TEXT: str
    """What the engine calls a column of text that is compared by its bytes."""

    @abstractmethod
    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> int:
        """Carry out a statement; how many rows it touched."""

    @abstractmethod
    def execute_many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a statement for each row of values."""

    @abstractmethod
    def lock(self) -> None:
        """Let nobody else change generations until the end of the transaction."""

    @abstractmethod
    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows, the fastest way the engine has."""

    @abstractmethod
    def query(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a query within the transaction."""


class Store(ABC):
    """The read tables on one engine."""

    BYTES: str
    """What the engine calls a column of bytes."""

    def __init__(self) -> None:
        self.folded = Signal()
        """Notified whenever this process has folded a page."""
        self.awaited: Callable[[], int] = lambda: 0
        """The position reads wait for unasked: what a process that follows has acknowledged."""

    @abstractmethod
    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A write transaction, committed at the end of the block."""

    @abstractmethod
    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows of a query in SQL of the engine's own form."""

    @abstractmethod
    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """What answers the queries of one view, without borrowing anew for each."""

    @abstractmethod
    def translate(self, sql: str, generation: int) -> str:
        """SQL as written here in the form of the engine."""

    @abstractmethod
    def has_tables(self, *names: str) -> bool:
        """Whether all of these tables are there."""

    @abstractmethod
    def analyze(self, generation: int) -> None:
        """Let the engine look at the new tables, so that it plans well."""

    @abstractmethod
    def close(self) -> None:
        """Give back every connection."""

    def query(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query on tables that have no generations."""
        return self.rows(self.translate(sql, 0), values)

    def execute(self, sql: str, /, **values: Any) -> int:
        """One statement in a transaction of its own."""
        with self.writing() as writer:
            return writer.execute(sql, values)

    def current(self) -> Generation:
        """The read tables in use, and how far all of them have been folded."""
        rows = self.query(
            "SELECT generation, min(position) FROM projections WHERE current = 1 "
            "GROUP BY generation"
        )
        return Generation(*rows[0]) if rows else Generation(0, 0)

    def positions(self) -> dict[str, int]:
        """How far each projection has read."""
        return dict(self.query("SELECT name, position FROM projections WHERE current = 1"))

    def has_folded(self) -> None:
        """Wake the reads that wait for a position."""
        with self.folded:
            self.folded.notify_all()

    @contextmanager
    def view(
        self,
        as_of: int | None = None,
        min_position: int | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> Iterator[View]:
        """The answers as known at a position: the one asked for, or the latest folded.

        Raises Behind if the projections do not reach what was asked for in time. What this
        process itself has acknowledged is waited for as well, but only briefly.
        """
        asked = max(as_of or 0, min_position or 0)
        generation = self._reach(asked, wait_seconds)
        if generation.position < asked:
            raise Behind(asked, generation.position)
        if generation.position < self.awaited():
            generation = self._reach(self.awaited(), wait_seconds / 4)
        position = generation.position if as_of is None else min(as_of, generation.position)
        with self.reading() as read:
            yield View(self, read, generation.number, position)

    def _reach(self, asked: int, wait_seconds: float) -> Generation:
        deadline = time.monotonic() + wait_seconds
        while True:
            generation = self.current()
            left = deadline - time.monotonic()
            if generation.position >= asked or left <= 0:
                return generation
            with self.folded:
                self.folded.wait(min(left, 0.02))


class View:
    """The answers as known at one journal position."""

    def __init__(self, store: Store, read: Reader, generation: int, as_of: int) -> None:
        self.store, self.read, self.generation, self.as_of = store, read, generation, as_of

    def rows(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query; ``:as_of`` is this view's position."""
        values["as_of"] = self.as_of
        return self.read(self.store.translate(sql, self.generation), values)

    def one(self, sql: str, /, **values: Any) -> Row | None:
        """The first row of a query, if there is one."""
        rows = self.rows(sql, **values)
        return rows[0] if rows else None

    def texts(self, digests: set[str | None]) -> dict[str | None, str]:
        """The texts behind commitments, as far as they were not erased."""
        wanted = sorted(digest for digest in digests if digest)
        if not wanted:
            return {}
        return dict(
            self.rows("SELECT digest, value FROM vault WHERE digest IN :wanted", wanted=wanted)
        )

    def at(self, as_of: int) -> View:
        """The answers as known at an earlier position."""
        return View(self.store, self.read, self.generation, min(as_of, self.as_of))


def holds(alias: str) -> str:
    """The condition that a versioned row holds as of the view's position."""
    return f"{alias}.since <= :as_of AND {alias}.until > :as_of"


def encode_cursor(*place: object) -> str:
    """Where a page ended, as an opaque text."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *types: type) -> list[Any] | None:
    """Where the page before ended; BadCursor for what was not given out here."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor(cursor) from None
    if not isinstance(place, list) or [type(value) for value in place] != list(types):
        raise BadCursor(cursor)
    if any(isinstance(value, int) and abs(value) >= 1 << 63 for value in place):
        raise BadCursor(cursor)  # no engine has such a number
    return place


def cut(
    found: Sequence[T], limit: int, place: Callable[[T], Iterable[object]]
) -> tuple[Sequence[T], str | None]:
    """A page of what was found, and the cursor of the page after it.

    Whoever asks for a page looks for one more than its limit, to know whether there is another.
    """
    page = found[:limit]
    return page, encode_cursor(*place(page[-1])) if len(found) > limit else None


@lru_cache(maxsize=1024)
def with_tables(sql: str, generation: int) -> str:
    """SQL with the names of the read tables of one generation."""
    return _TABLE.sub(lambda match: table_name(match[1], generation), sql)


def open_store(url: str) -> Store:
    """The store a database address names: ``sqlite:///FILE`` or ``postgresql://…``."""
    if url.startswith("sqlite:///"):
        from projections.store_sqlite import SQLiteStore

        return SQLiteStore(url.removeprefix("sqlite:///"))
    from projections.store_postgres import PostgresStore

    return PostgresStore(url)
