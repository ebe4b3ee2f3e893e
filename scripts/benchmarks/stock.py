"""The unmodified eventsourcing library, as the peer for recording and for folding.

It uses the library's own recorders and runner, on the same engine, with the same content as ours.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import InfrastructureFactory, Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL

from domain.permission import OPERATOR
from scripts.benchmarks.by_hand import is_postgres
from scripts.generate import id_of

CONTENT = {"title": "A poem about the sea", "medium": "text"}
ROLE = "writer"


SAVED_TOGETHER = 500
"""How many are saved at once: of 2,000, the driver and PostgreSQL once waited for each other."""


class StockPiece(Aggregate):
    """A piece with the same content as an aggregate of the library."""

    TOPIC = "benchmark.piece"

    class Created(Aggregate.Created):
        """The piece was posted."""

        TOPIC = "benchmark.piece.created"
        title: str
        medium: str
        author: str
        role: str
        actor: str

    def __init__(self, *, title: str, medium: str, author: str, role: str, actor: str) -> None:
        self.title, self.medium, self.actor = title, medium, actor
        self.author, self.role = author, role


def stock_environment(database: str) -> dict[str, str]:
    """The settings of a stock application of the library."""
    if not is_postgres(database):
        return {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": database.removeprefix("sqlite:///"),
        }
    parts = conninfo_to_dict(database)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        **{f"POSTGRES_{name.upper()}": str(parts.get(name, "")) for name in _ADDRESS},
        "POSTGRES_PORT": str(parts.get("port", 5432)),
    }


_ADDRESS = ("dbname", "host", "user", "password")


# -- projections ---------------------------------------------------------------------------

APPLICATION = "Application"
CREATE = "CREATE TABLE IF NOT EXISTS stock_pieces (id TEXT PRIMARY KEY, title TEXT, author TEXT)"


class Pieces(TrackingRecorder, ABC):
    """A read table in the library's manner: one row and one tracking record at a time."""

    @abstractmethod
    def add(self, row: tuple[str, str, str], tracking: Tracking) -> None:
        """Insert a row and the position read, in one transaction."""


class PostgresPieces(PostgresTrackingRecorder, Pieces):
    """In PostgreSQL."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.sql_create_statements.append(SQL(CREATE).format())

    def add(self, row: tuple[str, str, str], tracking: Tracking) -> None:
        """Insert a row and the tracking record."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO stock_pieces VALUES (%s, %s, %s)", row, prepare=True)
            self._insert_tracking(cursor, tracking)


class SQLitePieces(SQLiteTrackingRecorder, Pieces):
    """In SQLite."""

    def construct_create_table_statements(self) -> list[str]:
        """The library's table and ours."""
        return [*super().construct_create_table_statements(), CREATE]

    def add(self, row: tuple[str, str, str], tracking: Tracking) -> None:
        """Insert a row and the tracking record."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO stock_pieces VALUES (?, ?, ?)", row)
            self._insert_tracking(cursor, tracking)


class StockProjection(Projection[Pieces]):
    """Folds pieces into rows, one by one."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Fold one event."""
        row = (str(domain_event.originator_id), domain_event.title, domain_event.author)
        self.view.add(row, tracking)


def write_stock_events(environment: dict[str, str], count: int) -> None:
    """Record events for the library to project."""
    with Application[UUID](environment) as stock:
        for begin in range(0, count, SAVED_TOGETHER):
            stock.save(
                *(
                    StockPiece(**CONTENT, author=id_of("person", number), role=ROLE, actor=OPERATOR)
                    for number in range(begin, min(begin + SAVED_TOGETHER, count))
                )
            )


def stock_runner(database: str, count: int) -> float:
    """Events per second through a ProjectionRunner, from its start until the last is tracked."""
    environment = stock_environment(database)
    write_stock_events(environment, count)
    start = time.perf_counter()
    with ProjectionRunner(
        application_class=Application[UUID],
        projection_class=StockProjection,
        view_class=PostgresPieces,
        env=environment,
    ) as runner:
        while (runner.view.max_tracking_id(APPLICATION) or 0) < count:
            time.sleep(0.01)
        return count / (time.perf_counter() - start)


def stock_tracking(database: str, count: int) -> float:
    """Events per second from the notification log through a tracking recorder."""
    environment = stock_environment(database)
    write_stock_events(environment, count)
    factory = InfrastructureFactory[SQLitePieces].construct(environment)
    view = factory.tracking_recorder(SQLitePieces)
    projection = StockProjection(view)
    with Application[UUID](environment) as stock:
        start = time.perf_counter()
        for notification in stock.recorder.select_notifications(start=1, limit=count):
            event = stock.mapper.to_domain_event(notification)
            projection.process_event(event, Tracking(APPLICATION, notification.id))
        return count / (time.perf_counter() - start)
