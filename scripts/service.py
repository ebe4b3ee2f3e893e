"""The composition root: a journal, a store, a follower and a log on one database.

Everything that runs Stemma (the server, the command line, a test) is put together here.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from api.identity.keys import Keys
from api.sending.mailboxes import Mailboxes
from domain.engine import (
    EMBEDDED,
    UNHURRIED,
    DatabaseDamaged,
    DatabaseUnavailable,
    Engine,
    NoDatabase,
    RebuildNeeded,
    TimeLimits,
    UpgradeNeeded,
)
from domain.engine.opening import open_engine
from domain.fact import utc_now
from domain.installation import Rules
from domain.journal import Journal
from domain.note import SignerKey, VerifierKey
from domain.refusal import ClockUnreliable
from domain.trust import WitnessPolicy
from projections.follower import Follower
from projections.generations import layout_version
from projections.heartbeat import Heartbeat
from projections.log import Log
from projections.progress import Progress, no_progress
from projections.rebuilding import Rebuild
from projections.store import Store
from scripts.last_signed import LastSigned
from scripts.layout import create_tables, found_in, is_empty, must_be_ours, upgrade
from scripts.log_keys import MADE_UP
from scripts.settings import Settings, read_log_keys

T = TypeVar("T")

RETRY_SECONDS = 1.0

CREATED_BY = "“stemma serve”, “stemma import” and every recording command create what is missing."

COLLECTED_EVERY = 10_000
"""The threshold of Python's garbage collector; a large answer makes 100,000 new objects."""


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
        self.keys.close()
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
    policy: WitnessPolicy | None = None,
    last_signed: LastSigned | None = None,
    clock: Callable[[], datetime] = utc_now,
    create: bool = True,
    limits: TimeLimits = UNHURRIED,
    standbys: Sequence[str] = (),
    sends_mail: bool = False,
    **rules: Any,
) -> Service:
    """Open the database at a URL; raises NoDatabase if there is none and none may be created.

    The ``rules`` are those of the installation, such as ``rate_days`` (see domain.installation).
    Open it after a fork, not before: a pool of connections does not survive one.
    """
    engine = open_tables(database, create=create, limits=limits, standbys=standbys)
    store = Store(engine, layout_version())
    if sends_mail:
        rules["told_by_mail"] = Mailboxes(engine).told
    log_name = "" if signer is None else signer.name
    journal = Journal(engine, clock=clock, log_name=log_name, rules=Rules(**rules))
    follower, keys = Follower(journal, store), Keys(engine, operator_key=operator_key)
    log = Log(
        journal,
        signer,
        former=former,
        witnesses=witnesses,
        policy=policy,
        last_signed=last_signed,
    )
    heartbeat = Heartbeat(engine)
    follower.steps += [log.step, engine.settle, heartbeat.step]
    return Service(engine, journal, store, follower, keys, log, heartbeat)


OF_SETTINGS = (
    *("witnesses", "policy", "claim_evidence", "refuses_licences", "rate_days"),
    "comment_minutes",
)
"""The settings that ``open_service`` takes under the same names."""


def open_by(settings: Settings, **further: Any) -> Service:
    """The service that the settings describe."""
    told = {name: getattr(settings, name) for name in OF_SETTINGS}
    keys: dict[str, Any] = read_log_keys(settings)._asdict()
    if keys["signer"] is not None and not keys["signer"].name.startswith(MADE_UP):
        keys["last_signed"] = LastSigned(settings.last_signed)
    is_mailed = bool(settings.smtp)
    return open_service(settings.database, **keys, **told, sends_mail=is_mailed, **further)


LASTING = (NoDatabase, DatabaseDamaged, RebuildNeeded, UpgradeNeeded, ClockUnreliable)
"""What does not pass by waiting."""


def patiently(open: Callable[[], T], tell: Callable[[str], object]) -> T:
    """Open something, retrying until the database answers; ``tell`` gets each error."""
    while True:
        try:
            return open()
        except LASTING:
            raise
        except DatabaseUnavailable as error:
            tell(f"{error} (it is waited for)")
            time.sleep(RETRY_SECONDS)


def open_tables(
    database: str,
    *,
    create: bool,
    limits: TimeLimits,
    standbys: Sequence[str],
) -> Engine:
    """The engine of a database with all its tables."""
    if create and database.startswith(EMBEDDED):
        Path(database.removeprefix(EMBEDDED)).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = open_engine(database, create=create, limits=limits, standbys=standbys)
    except NoDatabase as problem:
        created_by = CREATED_BY if database.startswith(EMBEDDED) else "“createdb” creates one."
        raise NoDatabase(f"{problem}; {created_by}") from problem
    # Existing tables are left alone: only their owner may change them, perhaps another role.
    try:
        found = found_in(engine)
        if not is_empty(found):
            must_be_ours(engine, found)
        elif create:
            with engine.transaction() as transaction:
                create_tables(transaction)
        else:
            raise NoDatabase(f"There are no tables of Stemma in the database; {CREATED_BY}")
    except BaseException:
        engine.close()
        raise
    return engine


def bring_up_to_date(
    database: str, progress: Progress = no_progress, *, only_if_needed: bool = False
) -> list[str]:
    """Upgrade the tables of a database, and rebuild read tables of another version.

    Returns what was added to the permanent tables. Of several processes, the first does it, and
    the others wait: two rebuilds would take the tables from each other.
    """
    with closing(open_engine(database, create=False)) as engine, engine.alone():
        if only_if_needed and _is_up_to_date(database):
            return []
        added = [] if is_empty(found_in(engine)) else upgrade(engine)
        with open_service(database) as service:
            try:
                service.store.current()
            except RebuildNeeded:
                Rebuild(service.journal, service.store).run(progress)
    return added


def _is_up_to_date(database: str) -> bool:
    try:
        with open_service(database) as service:
            service.store.current()
    except (UpgradeNeeded, RebuildNeeded):
        return False
    return True


def prepare(settings: Settings) -> None:
    """Make the database of the settings ready to be served, or raise what prevents it."""
    is_there = not settings.embedded or Path(settings.database.removeprefix(EMBEDDED)).exists()
    if settings.upgrade and is_there:
        bring_up_to_date(settings.database, only_if_needed=True)
    with open_service(settings.database) as service:
        service.store.current()
        service.journal.must_have_credible_clock()


def settle() -> None:
    """Exempt all present objects from garbage collection, since they stay for good."""
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY)
