"""Measuring: scratch databases, plain connections, rates and percentiles."""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import psycopg
from eventsourcing.persistence import StoredEvent

from domain.seal import Disclosure
from domain.text import folded

Size = Literal["small", "full", "largest"]
Rows = list[tuple[Any, ...]]
Ask = Callable[[], object]
PEER_EVERY = 10


@dataclass(frozen=True)
class Peer:
    """Another implementation of the same, and its figure."""

    name: str
    value: float


@dataclass(frozen=True)
class Aim:
    """What a figure should reach, as it is or as a multiple of a peer's."""

    limit: float
    is_most: bool
    """Whether it should be at most this; else at least."""
    peer: str = ""
    """How the name of the peer begins."""

    def __str__(self) -> str:
        multiple = f" × {self.peer}" if self.peer else ""
        return f"{'≤' if self.is_most else '≥'} {plain_number(self.limit)}{multiple}"


def at_most(limit: float, peer: str = "") -> tuple[Aim, ...]:
    """The one aim of a figure that should be small."""
    return (Aim(limit, True, peer),)


def at_least(limit: float, peer: str = "") -> tuple[Aim, ...]:
    """The one aim of a figure that should be large."""
    return (Aim(limit, False, peer),)


class Asked(NamedTuple):
    """A peer that is asked the same, or something like it."""

    name: str
    asks: Iterable[Ask]


@dataclass(frozen=True)
class Result:
    """One figure of ours, and those of its peers in the same unit."""

    benchmark: str
    engine: str
    measure: str
    value: float
    unit: str
    peers: tuple[Peer, ...] = ()
    note: str = ""
    aims: tuple[Aim, ...] = ()
    point: tuple[str, int] | None = None
    """What it is of, at which size, if it is measured at several."""

    def ratio(self, peer: Peer) -> float:
        """Our figure divided by the peer's."""
        return self.value / peer.value

    def reaches(self, aim: Aim) -> bool:
        """Whether the figure is as it should be."""
        peers = (peer for peer in self.peers if peer.name.startswith(aim.peer))
        value = self.ratio(next(peers)) if aim.peer else self.value
        return value <= aim.limit if aim.is_most else value >= aim.limit

    @property
    def misses(self) -> bool:
        """Whether it should be better."""
        return not all(map(self.reaches, self.aims))

    @property
    def judged(self) -> str:
        """Its aims, each with whether it is reached."""
        said = (f"{aim} {'reached' if self.reaches(aim) else 'missed'}" for aim in self.aims)
        return ", ".join(said)

    def __str__(self) -> str:
        beside = "".join(
            f"\n    {self.ratio(peer):8.2f} × {peer.name} ({plain_number(peer.value)} {self.unit})"
            for peer in self.peers
        )
        judged = self.judged and f"aim: {self.judged}"
        notes = "; ".join(filter(None, (self.note, judged)))
        note = f"  ({notes})" if notes else ""
        return f"{self.measure}: {plain_number(self.value)} {self.unit}{note}{beside}"


def plain_number(value: float) -> str:
    """Three digits of a figure, and all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# -- time ----------------------------------------------------------------------------------


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def rates(rounds: int, count: int, *actions: Callable[[int], object]) -> list[float]:
    """How many per second each action does, with ``count`` in a round: medians.

    The actions take turns, so that other load on the machine affects all of them equally.
    """
    taken: list[list[float]] = [[] for _ in actions]
    for number in range(rounds):
        for times, action in zip(taken, actions, strict=True):
            start = time.perf_counter()
            action(number)
            times.append(time.perf_counter() - start)
    return [count / median(times) for times in taken]


def percentile(sample: Sequence[float], percent: float) -> float:
    """The value that this percentage of the sample does not exceed."""
    return sorted(sample)[min(len(sample) - 1, int(len(sample) * percent / 100))]


class Took(NamedTuple):
    """How long something took."""

    clock_ms: float
    processor_ms: float
    """Of this process, and of the server's processes where they are on this machine."""


class Worked:
    """What this process and the server's processes for its database have worked.

    A server's worker that starts and ends within what is measured is not seen.
    """

    def __init__(self, by_hand: Plain) -> None:
        self._by_hand, self._seconds = by_hand, dict[int, float]()
        self._is_server = by_hand.NAME == PlainPostgres.NAME

    def seconds(self) -> float:
        """So far, without those of the server's processes that have ended."""
        if self._is_server:
            sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            self._seconds |= {pid: 0.0 for (pid,) in self._by_hand.execute(sql)} | self._seconds
        return self._so_far()

    def took(self, action: Callable[[], object]) -> Took:
        """How long an action takes, with the processes that were there when last asked."""
        worked, clock = self._so_far(), time.perf_counter()
        action()
        clock = time.perf_counter() - clock
        return Took(1000 * clock, 1000 * (self._so_far() - worked))

    def each(self, times: int, action: Callable[[int], int]) -> tuple[float, float]:
        """Microseconds for each, and the size of an answer, on average."""
        begun, items = self.seconds(), 0
        for number in range(times):
            items += action(number)
        return max(1e6 * (self.seconds() - begun), 1.0) / times, items / times

    def _so_far(self) -> float:
        for pid in self._seconds:
            with suppress(OSError):
                told = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii")
                self._seconds[pid] = int(told.split()[0]) / 1e9
        return time.process_time() + sum(self._seconds.values())


def compared(
    named: tuple[str, str], worked: Worked, what: str, ours: Sequence[Ask], peer: Asked
) -> Iterator[Result]:
    """Milliseconds of ours, median and 99th percentile, beside those of a peer.

    ``named`` is the benchmark and the engine. The peer is asked after every tenth of ours, so that
    other load affects both.
    """
    ours[0]()  # the first of a process prepares what the others find
    worked.seconds()
    mine, theirs, hand = list[Took](), list[Took](), iter(peer.asks)
    for number, ask in enumerate(ours):
        mine.append(worked.took(ask))
        if number % PEER_EVERY == 0:
            theirs.append(worked.took(next(hand)))
    for said, place in (("", 0), (", processor", 1)):
        for percent in (50, 99):
            value, other = (
                percentile([t[place] for t in took], percent) for took in (mine, theirs)
            )
            beside = (Peer(peer.name, other),)
            aims = at_most(50) if percent == 99 and not place else ()
            yield Result(*named, f"{what}, p{percent}{said}", value, "ms", beside, aims=aims)


# -- databases -----------------------------------------------------------------------------


def is_postgres(database: str) -> bool:
    """Whether an address names a PostgreSQL database."""
    return not database.startswith("sqlite:///")


def engine_of(database: str) -> str:
    """The name of the engine of a database address."""
    return (PlainPostgres if is_postgres(database) else PlainSQLite).NAME


@contextmanager
def scratch(database: str) -> Iterator[str]:
    """The address of an empty, temporary database beside the given one, which is not touched.

    On PostgreSQL the role of the address must be allowed to create databases.
    """
    if not is_postgres(database):
        beside = Path(database.removeprefix("sqlite:///")).parent
        place = beside if beside.is_dir() else None
        with tempfile.TemporaryDirectory(prefix="stemma-bench-", dir=place) as folder:
            yield f"sqlite:///{Path(folder) / 'stemma.db'}"
        return
    name = f"bench_{secrets.token_hex(6)}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        try:
            yield urlsplit(database)._replace(path=f"/{name}").geturl()
        finally:
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
        """One statement."""
        return self.connection.execute(sql, values).fetchall()

    def insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Rows by executemany."""
        places = ", ".join("?" * len(rows[0]))
        self.connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)

    def load(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """SQLite has nothing faster."""
        self.insert(table, list(rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that takes the write lock at its start."""
        self.connection.execute("BEGIN IMMEDIATE")
        yield
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
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
        """Rows by COPY."""
        with (
            self.connection.cursor() as cursor,
            cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction."""
        with self.connection.transaction():
            yield

    def close(self) -> None:
        """Close the connection."""
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
def plain_journal(database: str) -> Iterator[Plain]:
    """One connection of plain_journals."""
    with plain_journals(database, 1) as (one,):
        yield one


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


def rows_of(
    stored: Iterable[StoredEvent], disclosures: Iterable[Disclosure], position: int
) -> tuple[Rows, Rows]:
    """The rows of these facts and texts in the journal's tables, from a position on."""
    facts = [
        (place, one.originator_id, one.originator_version, one.topic, one.state)
        for place, one in enumerate(stored, start=position)
    ]
    return facts, [(*text, folded(text.value)) for text in disclosures]
