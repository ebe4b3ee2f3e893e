"""The composition root: a journal, a store, a follower and a log on one database.

Everything that runs Stemma (the server, the command line, a test) is put together here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from api.keys import KEYS, Keys
from api.limits import RATES
from api.sessions import SESSIONS
from domain.engine import EMBEDDED, UNHURRIED, DatabaseUnavailable, Engine, NoDatabase, TimeLimits
from domain.engine.opening import open_engine
from domain.fact import utc_now
from domain.journal import Journal
from domain.note import SignerKey, VerifierKey
from domain.recorders import TABLES as JOURNAL
from projections.follower import Follower, first_generation
from projections.heartbeat import HEARTBEATS, Heartbeat
from projections.log import TABLES as LOG
from projections.log import Log, first_size
from projections.store import PROJECTIONS, Store

T = TypeVar("T")

RETRY_SECONDS = 1.0

TABLES = (*JOURNAL, PROJECTIONS, HEARTBEATS, KEYS, SESSIONS, RATES, *LOG)
"""Every permanent table; the read tables have generations."""

CREATED_BY = "“stemma serve”, “stemma import” and every recording command create what is missing."


@dataclass
class Service:
    """Everything one process needs."""

    engine: Engine
    journal: Journal
    store: Store
    follower: Follower
    keys: Keys
    log: Log
    heartbeat: Heartbeat

    def close(self) -> None:
        """Stop following and close every connection."""
        self.follower.stop()
        self.journal.close()
        self.engine.close()

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
    limits: TimeLimits = UNHURRIED,
) -> Service:
    """Open the database at an address; NoDatabase if there is none and none may be created.

    Open it after a fork, not before: a pool of connections does not survive one.
    """
    engine = open_tables(database, create=create, limits=limits)
    store = Store(engine)
    journal = Journal(engine, clock=clock)
    follower, keys = Follower(journal, store), Keys(engine, operator_key=operator_key)
    log = Log(journal, signer, former=former, witnesses=witnesses)
    heartbeat = Heartbeat(engine)
    follower.steps += [log.step, engine.settle, heartbeat.step]
    return Service(engine, journal, store, follower, keys, log, heartbeat)


def patiently(open: Callable[[], T], tell: Callable[[str], object]) -> T:
    """What is opened, once the database answers; the reason why it does not is told each time."""
    while True:
        try:
            return open()
        except NoDatabase:
            raise
        except DatabaseUnavailable as error:
            tell(f"{error} (it is waited for)")
            time.sleep(RETRY_SECONDS)


def open_tables(database: str, *, create: bool, limits: TimeLimits = UNHURRIED) -> Engine:
    """The engine of a database with all its tables."""
    if create and database.startswith(EMBEDDED):
        Path(database.removeprefix(EMBEDDED)).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = open_engine(database, create=create, limits=limits)
    except NoDatabase as problem:
        created_by = CREATED_BY if database.startswith(EMBEDDED) else "“createdb” creates one."
        raise NoDatabase(f"{problem}; {created_by}") from problem
    # Existing tables are not touched: only their owner may, and the service need not own them.
    if engine.has_tables([table.name for table in TABLES]):
        if any(map(engine.lacks, TABLES)):
            with engine.transaction() as transaction:
                transaction.create(TABLES)
        return engine
    if not create:
        engine.close()
        raise NoDatabase(f"There are no tables of Stemma in the database; {CREATED_BY}")
    with engine.transaction() as transaction:
        transaction.create(TABLES)
        first_generation(transaction)
        first_size(transaction)
    return engine
