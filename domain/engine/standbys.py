"""The engine for PostgreSQL with standbys, which answer views so that the primary can write.

A view reads from one standby that has the data it needs; everything else goes to the primary. A
standby that lags or does not answer is passed over, even in the middle of a view: whatever a
standby has, the primary has, too. One that has more, as after a failover to another that lacked
the latest facts, is not read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, NamedTuple, TypeVar

from domain.clock import STAMP
from domain.engine import UNHURRIED, DatabaseUnavailable, Replica, Row, TimeLimits, Transaction
from domain.engine.deadline import TookTooLong, within
from domain.engine.postgres import PostgresEngine

T = TypeVar("T")

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often the state of each standby is checked."""
ANSWER_SECONDS = 1.0
"""How long a server may take to report its state."""
BRIEFLY_SECONDS = 0.05
"""How long a view waits for a standby to catch up before it reads from the primary."""
PAUSE_SECONDS = 0.005


_NONE: Row = (0, b"")
"""The place of the latest fact before the first one."""


class _Place(NamedTuple):
    """A server's position in the write-ahead log of its cluster."""

    bytes: int
    is_standby: bool
    cluster: int
    started: float
    """When the server was started, in seconds since 1970; it identifies the server."""
    database: int
    facts: int | None
    """The numbers of the database and of its table of facts, which standbys have from the primary;
    None if there is no table yet."""
    latest: Row = _NONE
    """The position and the time of the latest fact."""

    @property
    def tables(self) -> tuple[int, int | None]:
        """Which tables the facts are in."""
        return self.database, self.facts

    def has(self, earlier: _Place) -> bool:
        """Whether it has reached what a server had written by then."""
        return self.bytes >= earlier.bytes and self.latest[0] >= earlier.latest[0]


_PLACE = (
    "SELECT CAST(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
    "ELSE pg_current_wal_lsn() END, '0/0') AS BIGINT), pg_is_in_recovery(), system_identifier, "
    "CAST(extract(epoch FROM pg_postmaster_start_time()) AS FLOAT8), "
    "(SELECT CAST(oid AS BIGINT) FROM pg_database WHERE datname = current_database()), "
    "CAST(CAST(to_regclass('stored_events') AS oid) AS BIGINT) FROM pg_control_system()"
)


_LATEST = f"SELECT position, {STAMP} FROM stored_events ORDER BY position DESC LIMIT 1"
_FACT = f"SELECT 1 FROM stored_events WHERE position = :position AND {STAMP} = :stamp"


def _place_of(engine: PostgresEngine) -> _Place:
    place = _Place(*engine.query(_PLACE)[0])
    for latest in engine.query(_LATEST) if place.facts is not None else ():
        place = place._replace(latest=latest)
    return place


class _Standby:
    """A standby, and what was last seen of it."""

    def __init__(self, engine: PostgresEngine) -> None:
        self.engine = engine
        self.seen = Replica(None, "was not looked at yet")

    def look(self, primary: _Place, least: _Place, is_shared: Callable[[Row], bool]) -> None:
        """Update what is known of it; views may use it if it has all that was written by ``least``.

        ``is_shared`` tells whether the primary has its latest fact, too.
        """
        try:
            with within(ANSWER_SECONDS):
                place = _place_of(self.engine)
        except Exception as error:  # whatever went wrong, views do without it
            if self.seen.behind is not None:
                log.warning("a standby does not answer: %s", error)
            self.seen = Replica(None, "does not answer")
            self.engine.hang_up()  # threads waiting for it go on at the primary
            return
        is_it = place.cluster == primary.cluster
        if not is_it or not (place.is_standby or place.started == primary.started):
            self.seen = Replica(None, "is no standby of the primary")
        elif place.facts is None or place.tables != primary.tables:
            # Another community may have its tables there.
            self.seen = Replica(None, "its address is of another database or schema")
        elif not is_shared(place.latest):
            self.seen = Replica(None, "has facts that the primary lacks, as after a failover")
        else:
            behind = max(primary.bytes - place.bytes, 0)
            self.seen = Replica(behind, "", is_read=place.has(least))


class ReplicatedEngine(PostgresEngine):
    """The primary with its standbys."""

    def __init__(self, url: str, standbys: Sequence[str], limits: TimeLimits = UNHURRIED) -> None:
        super().__init__(url, limits)
        self._standbys = [_Standby(PostgresEngine(one, limits, is_there=False)) for one in standbys]
        self._turns = count()
        self._primary = _place_of(self)
        self._looked: Hashable = None
        """The server with which the standbys were compared last."""
        self._closing, self._looking = threading.Event(), threading.Lock()
        self._watcher: threading.Thread | None = None
        self._look()

    def replicas(self) -> list[Replica]:
        """The standbys, as they were seen last."""
        self._keep_looking()
        return [one.seen for one in self._standbys]

    @contextmanager
    def choosing(self, look: Callable[[], T | None]) -> Iterator[T | None]:
        """Bind this thread's reads to a standby for which ``look`` returns something."""
        if self._is_held():  # it has to read in its own transaction
            yield None
            return
        self._keep_looking()
        before = self._bound()
        with ExitStack() as held:
            try:
                yield self._choose(look, held)
            finally:
                self._local.standby = before

    def read_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """Ask the standby to which this thread is bound, unless the thread is in a transaction."""
        standby = self._bound()
        if standby is None or self._is_held():
            return self.query_all(asked)
        try:
            return standby.engine.query_all(asked)
        except DatabaseUnavailable as error:
            self._leave(standby, error)
            return self.query_all(asked)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing to borrow if the thread is bound to a standby, whose connection it holds."""
        if self._bound() is None:
            with super().reading():
                yield
        else:
            yield

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Always durable, since standbys are sent nothing before it is on disk."""
        with super().transaction() as transaction:
            yield transaction
        if self._primary.facts is None:  # the tables may have been created just now
            self._look()

    def close(self) -> None:
        """Stop watching the standbys and close every pool."""
        self._closing.set()
        if self._watcher is not None:
            self._watcher.join()
        for standby in self._standbys:
            standby.engine.close()
        super().close()

    def _bound(self) -> _Standby | None:
        found: _Standby | None = getattr(self._local, "standby", None)
        return found

    def _choose(self, look: Callable[[], T | None], held: ExitStack) -> T | None:
        """Bind the thread to a standby, in turn; returns what ``look`` found there.

        If none has it, they get BRIEFLY_SECONDS to catch up. None if they do not.
        """
        until = time.monotonic() + BRIEFLY_SECONDS
        while self._looked == self.server and (
            fresh := [one for one in self._standbys if one.seen.is_read]
        ):
            first = next(self._turns) % len(fresh)
            for standby in (*fresh[first:], *fresh[:first]):
                self._local.standby = standby
                with ExitStack() as trying:
                    try:
                        trying.enter_context(standby.engine.reading())
                        found = look()
                    except DatabaseUnavailable as error:
                        self._leave(standby, error)
                        continue
                    if found is not None and self._bound() is standby:
                        held.enter_context(trying.pop_all())
                        return found
            if time.monotonic() >= until:
                break
            time.sleep(PAUSE_SECONDS)
        self._local.standby = None
        return None

    def _leave(self, standby: _Standby, error: Exception) -> None:
        """Go on at the primary; nobody reads from this standby before its next check."""
        log.warning("a standby is passed over: %s", error)
        standby.seen = standby.seen._replace(is_read=False)
        self._local.standby = None

    def _keep_looking(self) -> None:
        """Start the watching thread at first use, which comes after any fork."""
        with self._looking:
            if self._watcher is None and not self._closing.is_set():
                self._look()  # new tables may have arrived at the standbys since the last time
                self._watcher = threading.Thread(target=self._watch_standbys, daemon=True)
                self._watcher.start()

    def _watch_standbys(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        """Check every server; standbys need what the primary had written one check earlier."""
        least, server, answers = self._primary, self.server, True
        try:
            with within(ANSWER_SECONDS):
                self._primary = _place_of(self)
        except (DatabaseUnavailable, TookTooLong):
            answers = False  # the standbys are compared with what it had last
        for standby in self._standbys:
            standby.look(self._primary, least, self._has if answers else lambda _: True)
        self._looked = server

    def _has(self, latest: Row) -> bool:
        """Whether the primary has this fact; taken for granted while it does not answer."""
        position, stamp = latest
        if latest in (_NONE, self._primary.latest):
            return True
        try:
            with within(ANSWER_SECONDS):
                return bool(self.query(_FACT, position=position, stamp=stamp))
        except (DatabaseUnavailable, TookTooLong):
            return True
