"""PostgreSQL with standbys, from which views are read, so that the primary has time to write.

A view asks one standby, which has what it needs; everything else asks the primary. A standby that
is behind or away is passed over, in the middle of a view as well: the primary knows all that a
standby knows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, NamedTuple, TypeVar

from domain.engine import UNHURRIED, DatabaseUnavailable, Replica, Row, TimeLimits, Transaction
from domain.engine.deadline import TookTooLong, within
from domain.engine.postgres import PostgresEngine

T = TypeVar("T")

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often it is looked how far each standby is."""
ANSWER_SECONDS = 1.0
"""How long one may take to say so."""
BRIEFLY_SECONDS = 0.05
"""How long a view waits for a standby to have what it needs, before the primary is asked."""
PAUSE_SECONDS = 0.005


class _Place(NamedTuple):
    """How far a server is in the write-ahead log of its cluster."""

    bytes: int
    is_standby: bool
    cluster: int
    started: float
    """When it was started, by which a server is known."""


_PLACE = (
    "SELECT CAST(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
    "ELSE pg_current_wal_lsn() END, '0/0') AS BIGINT), pg_is_in_recovery(), system_identifier, "
    "CAST(extract(epoch FROM pg_postmaster_start_time()) AS FLOAT8) FROM pg_control_system()"
)


def _place_of(engine: PostgresEngine) -> _Place:
    return _Place(*engine.query(_PLACE)[0])


class _Standby:
    """A standby as it was seen last."""

    def __init__(self, engine: PostgresEngine) -> None:
        self.engine = engine
        self.seen = Replica(None, "was not looked at yet")

    def look(self, primary: _Place, least: int) -> None:
        """See how far it is behind the primary; it may lack what is newer than ``least``."""
        try:
            with within(ANSWER_SECONDS):
                place = _place_of(self.engine)
        except Exception as error:  # whatever it is, views are answered without it
            if self.seen.behind is not None:
                log.warning("a standby does not answer: %s", error)
            self.seen = Replica(None, "does not answer")
            self.engine.hang_up()  # who waits for it goes on at the primary
            return
        is_it = place.cluster == primary.cluster
        if not is_it or not (place.is_standby or place.started == primary.started):
            self.seen = Replica(None, "is no standby of the primary")
        else:
            behind = max(primary.bytes - place.bytes, 0)
            self.seen = Replica(behind, "", is_read=place.bytes >= least)


class ReplicatedEngine(PostgresEngine):
    """The primary, and its standbys."""

    def __init__(self, url: str, standbys: Sequence[str], limits: TimeLimits = UNHURRIED) -> None:
        super().__init__(url, limits)
        self._standbys = [_Standby(PostgresEngine(one, limits, is_there=False)) for one in standbys]
        self._turns = count()
        self._primary = _place_of(self)
        self._least = self._primary.bytes
        self._closing, self._looking = threading.Event(), threading.Lock()
        self._watcher: threading.Thread | None = None
        self._look()

    def replicas(self) -> list[Replica]:
        """The standbys as they were seen last."""
        self._keep_looking()
        return [one.seen for one in self._standbys]

    @contextmanager
    def choosing(self, look: Callable[[], T | None]) -> Iterator[T | None]:
        """Bind this thread's reads to a standby for which ``look`` returns something."""
        if self._is_held():  # it reads with the transaction that it is in
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
        """Ask the standby this thread is bound to, unless it is in a transaction."""
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
        """A standby that is bound is held already."""
        if self._bound() is None:
            with super().reading():
                yield
        else:
            yield

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Always durable: what is not on the disk yet is not sent to a standby."""
        with super().transaction() as transaction:
            yield transaction

    def close(self) -> None:
        """Close every pool."""
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
        """What the first of them in turn has; those that lack it have a moment to get it."""
        until = time.monotonic() + BRIEFLY_SECONDS
        while fresh := [one for one in self._standbys if one.seen.is_read]:
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
        """Go on at the primary; nobody asks this one before it is looked at again."""
        log.warning("a standby is passed over: %s", error)
        standby.seen = standby.seen._replace(is_read=False)
        self._local.standby = None

    def _keep_looking(self) -> None:
        """Look at them in a thread of its own from the first use on, which is after any fork."""
        with self._looking:
            if self._watcher is None and not self._closing.is_set():
                self._watcher = threading.Thread(target=self._watch_standbys, daemon=True)
                self._watcher.start()

    def _watch_standbys(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        """A standby has to know what the primary had written when it was looked at before."""
        least = self._least
        try:
            with within(ANSWER_SECONDS):
                self._primary = _place_of(self)
            self._least = self._primary.bytes
        except (DatabaseUnavailable, TookTooLong):
            pass  # the standbys have what there is
        for standby in self._standbys:
            standby.look(self._primary, least)
