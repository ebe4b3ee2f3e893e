"""Readiness: whether this process can do its work now, as checks with names.

Anybody may ask, and load balancers ask often, so a finding is reused for a second and one thread at
a time examines. A detail is a sentence of our own with figures, never a driver's message.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import NamedTuple

from domain.engine import DatabaseUnavailable, RebuildNeeded, Replica, UpgradeNeeded
from domain.journal import Journal
from domain.tree import NotVerified
from projections.heartbeat import Heartbeat
from projections.log import Log
from projections.store import Store

log = logging.getLogger(__name__)

KEPT_SECONDS, KEPT_FAILED_SECONDS = 1.0, 0.2
"""How long a finding is reused; a failure is examined again sooner."""
SILENT_SECONDS = 10.0
"""After so long without a heartbeat, no follower is alive, or all are stuck."""
STILL_SECONDS = 10.0
"""How long the read tables or the log may stand still while facts wait for them."""
LONGEST_LEAP = timedelta(days=1)
"""A clock that leaps further ahead while a process runs is reported; it may be right."""
MAXIMUM_BEHIND = 10_000
"""How many facts the read tables, or the log, may be behind."""

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


class Check(NamedTuple):
    """What one check found."""

    status: str
    detail: str


class Reached(NamedTuple):
    """How far everything is."""

    journal: int
    """The position of the latest fact."""
    projections: Mapping[str, int]
    """The position that each has read."""
    log_size: int

    @property
    def behind(self) -> int:
        """How many facts the slowest projection has yet to read."""
        return max(self.journal - min(self.projections.values(), default=0), 0)


@dataclass(frozen=True)
class Finding:
    """What an examination of this process found."""

    checks: Mapping[str, Check] = field(default_factory=dict)
    reached: Reached | None = None
    """None: the database did not say."""
    silence: float | None = None
    """Seconds since the last heartbeat of a follower."""

    @property
    def status(self) -> str:
        """“ready”; “behind” if the answers are merely old; “unready” if anything else is wrong."""
        failed = [name for name, check in self.checks.items() if check.status != OK]
        if not failed:
            return "ready"
        return "behind" if failed == ["projections"] else "unready"


class Progress:
    """Measures how long a figure has not moved although it should."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._at, self._since = clock, -1, 0.0

    def stands_still(self, at: int, goal: int) -> float:
        """The seconds for which the figure has stood at ``at``; 0 if it has reached its goal."""
        if at != self._at or at >= goal:
            self._at, self._since = at, self._clock()
        return self._clock() - self._since


class Readiness:
    """Finds out whether this process is ready."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        log: Log,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._store, self._log, self._clock = journal, store, log, clock
        self._heartbeat = Heartbeat(journal.engine)
        self._read, self._integrated = Progress(clock), Progress(clock)
        self._began, self._has_leapt = (journal.clock(), clock()), False
        self._looking = Lock()
        self._found, self._kept_until = Finding(), clock()

    def find_out(self) -> Finding:
        """The finding of this second; while another thread examines, the previous one."""
        is_first = not self._found.checks
        if self._clock() < self._kept_until or not self._looking.acquire(blocking=is_first):
            return self._found
        try:
            if self._clock() >= self._kept_until:
                self._found = self._look()
                is_ready = self._found.status == "ready"
                kept = KEPT_SECONDS if is_ready else KEPT_FAILED_SECONDS
                self._kept_until = self._clock() + kept
            return self._found
        finally:
            self._looking.release()

    def _look(self) -> Finding:
        try:
            head, positions = self._journal.facts.head(), self._store.positions()
            reached = Reached(head, positions, self._log.size())
            silence = self._heartbeat.age()
            log_check = self._log_check(head)
        except DatabaseUnavailable as error:
            log.warning("not ready: %s", error)
            names = ("storage", "tables", "clock", "follower", "projections", "log")
            unknown = dict.fromkeys(names, Check(UNKNOWN, "This needs the database."))
            failed = Check(FAILED, "The database is not answering, or its tables are missing.")
            return Finding({"database": failed, **unknown})
        checks = {
            "database": Check(OK, f"{head} facts."),
            "storage": self._storage(),
            "tables": self._tables(),
            "clock": self._clock_check(),
            "follower": _follower(head, silence),
            "projections": self._projections(reached),
            "log": log_check,
            **_standbys(self._journal.engine.replicas()),
        }
        return Finding(checks, reached, silence)

    def _storage(self) -> Check:
        try:
            self._heartbeat.try_writing()
        except DatabaseUnavailable as error:
            log.warning("nothing can be written: %s", error)
            return Check(
                FAILED,
                "The database accepts no writes: it is full or read-only, access is denied, or a "
                "synchronous standby is away.",
            )
        return Check(OK, "The database accepts writes.")

    def _tables(self) -> Check:
        try:
            self._store.current()
        except RebuildNeeded:
            return Check(FAILED, "The read tables belong to another version: run “stemma rebuild”.")
        except UpgradeNeeded:
            return Check(FAILED, "The tables belong to another version: run “stemma upgrade”.")
        return Check(OK, "The tables match this version.")

    def _clock_check(self) -> Check:
        if self._journal.clock_problem():
            return Check(FAILED, "The clock contradicts what was recorded: see “stemma doctor”.")
        if (leap := self._leap()) > LONGEST_LEAP:
            return Check(OK, f"Warning: the clock leapt ahead by {leap.days} days: is it right?")
        return Check(OK, "The clock agrees with what was recorded.")

    def _leap(self) -> timedelta:
        """How far the clock has run ahead of a monotonic one since this process began."""
        wall, steady = self._began
        leap = self._journal.clock() - wall - timedelta(seconds=self._clock() - steady)
        has_leapt = leap > LONGEST_LEAP
        if has_leapt and not self._has_leapt:
            log.warning("the clock leapt ahead by %s: facts are stamped with it", leap)
        self._has_leapt = has_leapt
        return leap

    def _projections(self, reached: Reached) -> Check:
        still = self._read.stands_still(reached.journal - reached.behind, reached.journal)
        return _follows("The read tables", reached.behind, still)

    def _log_check(self, head: int) -> Check:
        try:
            self._log.must_not_have_gone_back()
            self._log.map.must_be_whole()
        except NotVerified as problem:
            return Check(FAILED, f"The log can't go on: {problem}.")
        reached, progress = self._log.progress()
        behind = max(head - reached, 0)
        still = self._integrated.stands_still(progress, progress + behind)
        return _follows("The log", behind, still)


def _follower(head: int, silence: float | None) -> Check:
    if silence is None:
        if head == 0:
            return Check(OK, "There is nothing to fold yet.")
        return Check(FAILED, "No follower has run yet: start “stemma follow”.")
    if silence > SILENT_SECONDS:
        seconds = round(silence)
        return Check(FAILED, f"No follower has given a sign of life for {seconds} seconds.")
    return Check(OK, f"A follower gave a sign of life {max(silence, 0):.0f} seconds ago.")


def _standbys(replicas: Sequence[Replica]) -> dict[str, Check]:
    """A check that names what standbys lack; it never fails: the primary answers without them."""
    said = [
        f"{number} {one.why or f'is {one.behind} bytes behind'}"
        for number, one in enumerate(replicas, 1)
    ]
    read = sum(one.is_read for one in replicas)
    warning = "" if read == len(replicas) else "Warning: "
    told = f"{warning}{read} of {len(replicas)} are read: {'; '.join(said)}."
    return {"standbys": Check(OK, told)} if replicas else {}


def _follows(what: str, behind: int, still: float) -> Check:
    if not behind:
        return Check(OK, f"{what}: every fact.")
    if still > STILL_SECONDS:
        return Check(FAILED, f"{what}: {behind} facts behind, and still for {still:.0f} seconds.")
    is_far = behind > MAXIMUM_BEHIND
    return Check(FAILED if is_far else OK, f"{what}: {behind} facts behind.")
