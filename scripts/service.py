"""The composition root: a journal, a store, a follower and a log on one database.

The one rule: whatever runs Stemma (the server, the command line, a test) is put together here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo

from api.keys import Keys
from api.web.sessions import Sessions
from domain.fact import utc_now
from domain.journal import Journal
from domain.note import SignerKey, VerifierKey
from projections.follower import Follower
from projections.lineage import neighbours_in
from projections.log import Log
from projections.money.splitting import graph_in
from projections.store import Store, StoreUnavailable, open_store

TABLES = (
    *("stored_events", "heads", "vault", "requests", "projections"),
    *("api_keys", "sessions"),
    *("log_tiles", "log_size", "log_checkpoints", "log_cosignatures"),
)
"""Every table that is there once for all; the read tables have generations."""

LOCK_TIMEOUT_SECONDS = 20
CONNECT_TIMEOUT_SECONDS = 5


@dataclass
class Service:
    """Everything one process needs."""

    journal: Journal
    store: Store
    follower: Follower
    keys: Keys
    log: Log

    def close(self) -> None:
        """Stop following and give back every connection."""
        self.follower.stop()
        self.journal.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_service(
    database: str,
    *,
    operator_key: str | None = None,
    signer: SignerKey | None = None,
    former: Sequence[SignerKey | VerifierKey] = (),
    witnesses: Sequence[VerifierKey] = (),
    clock: Callable[[], datetime] = utc_now,
    create: bool = True,
) -> Service:
    """Open the database an address names; its tables are created unless that was done before.

    Open it after a fork, not before: a pool of connections does not survive one.
    """
    if database.startswith("sqlite:///"):
        Path(database.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    store = _answering(database)
    # What is there is not touched: only the owner of the tables may, and the service need not be.
    create = create and not store.has_tables(*TABLES)
    journal = Journal(
        journal_environment(database, create=create),
        clock=clock,
        neighbours=partial(neighbours_in, store),
    )
    follower, keys = Follower(journal, store), Keys(store, operator_key=operator_key)
    journal.lineage = partial(graph_in, store, follower.catch_up)
    log = Log(journal, store, signer, former=former, witnesses=witnesses)
    follower.steps += [log.step, journal.facts.settle]
    if create:
        follower.prepare()
        keys.create_table()
        Sessions(store, keys).create_table()
        log.create_tables()
    return Service(journal, store, follower, keys, log)


def _answering(database: str) -> Store:
    """The store, or why there is none: a pool of connections only says that it waited."""
    try:
        if not database.startswith("sqlite:///"):
            psycopg.connect(database, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
        return open_store(database)
    except (psycopg.OperationalError, sqlite3.DatabaseError) as error:
        raise StoreUnavailable(f"The database does not answer: {error}") from error


def journal_environment(database: str, *, create: bool) -> dict[str, str]:
    """The settings of the eventsourcing library for a database address."""
    common = {"ORIGINATOR_ID_TYPE": "text", "CREATE_TABLE": "y" if create else "n"}
    if database.startswith("sqlite:///"):
        return common | {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "APPLICATION_RECORDER_TOPIC": "domain.recorders_sqlite:SQLiteJournal",
            "SQLITE_DBNAME": database.removeprefix("sqlite:///"),
            "SQLITE_LOCK_TIMEOUT": str(LOCK_TIMEOUT_SECONDS),
        }
    return common | {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "APPLICATION_RECORDER_TOPIC": "domain.recorders_postgres:PostgresJournal",
        "POSTGRES_ADDRESS": make_conninfo(database, connect_timeout=CONNECT_TIMEOUT_SECONDS),
        "POSTGRES_CONNECT_TIMEOUT": str(CONNECT_TIMEOUT_SECONDS),
        "POSTGRES_LOCK_TIMEOUT": str(LOCK_TIMEOUT_SECONDS),
        "POSTGRES_POOL_SIZE": "1",
        # A connection that broke while it lay in the pool is not found out by a command.
        "POSTGRES_PRE_PING": "y",
        # What the library insists on; the address above says it.
        **dict.fromkeys(_ASKED_FOR_BY_THE_LIBRARY, ""),
    }


_ASKED_FOR_BY_THE_LIBRARY = (
    "POSTGRES_DBNAME",
    "POSTGRES_HOST",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
)
