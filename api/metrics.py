"""Metrics for Prometheus: numbers and durations of requests, failures and waiting requests.

Labels are only names of routes, codes and checks; never an id, a name or an address. Workers write
their figures into files of one folder, so any worker can answer for all. Those of workers that have
ended are added up, so that however many are replaced, there are no more files than for one.

Import this only after the folder is in the environment: the library reads it once, on import.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.problems import PROBLEMS
from api.sending.turns import recipients_of
from domain.engine import Pooled
from projections.log import Log
from projections.readiness import OK, Readiness

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ENDED = "0"
"""Stands for the id of a process in the names of the files of all workers that have ended."""


class Metrics:
    """The figures of this process, and, where workers share a folder, of all of them."""

    def __init__(self, log: Log, readiness: Readiness, folder: str | None) -> None:
        self._engine, self._folder = log.engine, folder
        self._state = DatabaseFigures(log, readiness)
        if folder:  # perhaps in place of a worker that has ended
            with _alone(folder):
                _add_up_ended(folder)
        self._own = own = CollectorRegistry()
        self._seconds = Histogram(
            "stemma_request_seconds",
            "How long requests took.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=own,
        )
        self._answers = Counter(
            "stemma_answers",
            "Answers by status; those that are problems also by code.",
            ("status", "code"),
            registry=own,
        )
        self._running = Gauge(
            "stemma_requests_running",
            "Requests that a thread works on.",
            multiprocess_mode="livesum",
            registry=own,
        )
        self._connections = Gauge(
            "stemma_connections",
            "Connections to the database: open, idle, and the threads waiting for one.",
            ("state",),
            multiprocess_mode="livesum",
            registry=own,
        )

        # Cached, because looking up labels takes longer than counting.
        self._seconds_of = cache(self._seconds.labels)
        self._answers_of = cache(self._answers.labels)
        for code, kind in PROBLEMS.items():
            # From 0 on, because Prometheus sees no increase in a first value.
            if kind.status >= 500:
                self._answers_of(str(kind.status), code)
        self._pooled: Pooled | None = None

    def begun(self) -> None:
        self._running.inc()

    def ended(self, method: str, route: str, status: int, code: str, seconds: float) -> None:
        self._seconds_of(method, route).observe(seconds)
        self._answers_of(str(status), code).inc()
        pooled = self._engine.pooled()
        if pooled != self._pooled:
            self._pooled = pooled
            for state, number in pooled._asdict().items():
                self._connections.labels(state).set(number)

    def count(self, status: int, code: str) -> None:
        """Count the answer to a request that never reached the application, or took too long."""
        self._answers_of(str(status), code).inc()

    def over(self) -> None:
        """Count one request less in progress."""
        self._running.dec()

    def exposed(self) -> bytes:
        """All figures in the format that Prometheus reads."""
        state = CollectorRegistry()
        state.register(self._state)
        return self._figures() + generate_latest(state)

    def _figures(self) -> bytes:
        if not self._folder:
            return generate_latest(self._own)
        with _alone(self._folder):
            _add_up_ended(self._folder)
            figures = CollectorRegistry()
            MultiProcessCollector(figures, self._folder)
            return generate_latest(figures)


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Within this context, no other worker adds files up or reads them."""
    with (Path(folder) / "reading").open("w") as file:
        flock(file, LOCK_EX)
        yield


def _add_up_ended(folder: str) -> None:
    """Add up the figures of ended workers, which run no requests and hold no connections."""
    for file in Path(folder).glob("*_*.db"):
        kind, _, worker = file.stem.rpartition("_")
        if worker == ENDED or _is_running(int(worker)):
            continue
        if not kind.startswith("gauge_live") and file.stat().st_size:  # one ended before it wrote
            _add(file, file.with_name(f"{kind}_{ENDED}.db"))
        file.unlink()


def _add(file: Path, into: Path) -> None:
    sums = MmapedDict(str(into))
    for key, value, seconds, _ in MmapedDict.read_all_values_from_file(file):
        sums.write_value(key, sums.read_value(key)[0] + value, seconds)
    sums.close()


def _is_running(worker: int) -> bool:
    with suppress(OSError):  # the id may by now be that of somebody else's process
        os.kill(worker, 0)
        return True
    return False


class DatabaseFigures(Collector):
    """Figures read from the database on request, the same for every worker."""

    def __init__(self, log: Log, readiness: Readiness) -> None:
        self._log, self._readiness = log, readiness

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The finding of the readiness checks, as figures."""
        found = self._readiness.find_out()
        if (reached := found.reached) is not None:
            yield GaugeMetricFamily("stemma_journal_facts", "Recorded facts.", reached.journal)
            yield GaugeMetricFamily("stemma_log_leaves", "Facts in the log.", reached.log_size)
            behind = GaugeMetricFamily(
                "stemma_projection_behind", "Facts not folded yet.", labels=("projection",)
            )
            for name, position in reached.projections.items():
                behind.add_metric((name,), reached.journal - position)
            yield behind
            yield from self._of_others()
        if found.silence is not None:
            said = "Seconds since a follower gave a sign of life."
            yield GaugeMetricFamily("stemma_follower_silence_seconds", said, found.silence)
        checks = GaugeMetricFamily(
            "stemma_check", "Whether a check of /ready is passed.", labels=("check",)
        )
        for name, check in found.checks.items():
            checks.add_metric((name,), check.status == OK)
        yield checks

    def _of_others(self) -> Iterator[GaugeMetricFamily]:
        """What depends on others: witnesses, and the servers that webhooks and mail are sent to."""
        signed, cosigned = self._log.signed_sizes()
        said = "Facts under the latest checkpoint."
        yield GaugeMetricFamily("stemma_log_signed_leaves", said, signed)
        said = "Facts under the latest checkpoint that a witness or, by a policy, enough cosigned."
        yield GaugeMetricFamily("stemma_log_cosigned_leaves", said, cosigned)
        recipients = GaugeMetricFamily(
            "stemma_recipients",
            "Webhooks and mailboxes: served, failing, or disabled after failing for days.",
            labels=("kind", "state"),
        )
        for kind, state, number in recipients_of(self._log.engine):
            recipients.add_metric((kind, state), number)
        yield recipients
