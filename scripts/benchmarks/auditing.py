"""Audit: how long it takes to check a service from outside, at each size.

A community is recorded and served by processes of their own. An auditor does what “stemma audit”
does: mirrors its log, replays it, takes its texts, folds, and compares a sample of answers, while
processes of its own decide every fact again. The peer of a part is a copy of the facts in the same
time: all of them read once from the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import getpid, sysconf, times
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from projections.progress import Progress, no_progress
from scripts.benchmarks.filled import SIGNER, filled_community
from scripts.benchmarks.load import Served, serving
from scripts.benchmarks.measure import Aim, Peer, Result, Size, at_most, seconds
from scripts.comparison.audit import Audit
from scripts.remote import Remote
from scripts.service import Service, open_service

PIECES = {"small": (30, 60), "full": (2_910, 29_100), "largest": (291_000,)}
"""With about 3.44 facts each: 10⁴ and 10⁵ facts, and at most 10⁶."""
ANSWERS = {"small": 40, "full": 10_000, "largest": 10_000}
MANY, AIM_SECONDS = 900_000, 300
"""How long an audit of at least so many facts may take."""


def measure(size: Size, database: str) -> Iterator[Result]:
    """Seconds for each part, and for all of them."""
    for pieces in PIECES[size]:
        with TemporaryDirectory() as folder:
            yield from audited(*filled_community(pieces, database), Path(folder), ANSWERS[size])


def audited(service: Service, address: str, folder: Path, answers: int) -> Iterator[Result]:
    """An audit of a community, with so many answers."""
    facts, public = service.journal.facts.head(), service.log.public_keys()
    read = seconds(lambda: sum(1 for _ in service.journal.read()))
    (folder / "log.key").write_text(SIGNER.secret_text())
    spent: dict[str, Spent] = {}

    @contextmanager
    def told(part: str) -> Iterator[Progress]:
        begun = spent_by(served)
        yield no_progress
        spent[part] = spent_by(served).since(begun)

    with (
        serving(address, STEMMA_LOG_KEY=str(folder / "log.key")) as served,
        open_service(f"sqlite:///{folder / 'replay.db'}") as replay,
    ):
        log = Remote(f"http://127.0.0.1:{served.port}/log", public, served.key)
        audit = Audit(log, folder / "mirror", replay, told)
        begun = spent_by(served)
        with audit.judging:
            audit.catch_up()
            assert audit.first_difference(answers) is None
            assert audit.broken_rules() == []
        whole = spent_by(served).since(begun)
    parts = {
        "texts": "texts of",
        "comparing": "comparing answers,",
        "judging": "waiting for the last checks,",
    }
    for part, took in spent.items():
        yield result(f"{parts.get(part, part)} {facts:,} facts", took, read)
    aims = at_most(AIM_SECONDS) if facts >= MANY else ()
    yield result(f"the whole audit, {facts:,} facts", whole, read, *aims)


class Spent(NamedTuple):
    """Seconds by the clock, and those of a processor for the auditor and for the service."""

    clock: float
    auditor: float
    service: float

    def since(self, begun: Spent) -> Spent:
        return Spent(*(now - then for now, then in zip(self, begun, strict=True)))

    def __str__(self) -> str:
        return f"processor time: {self.auditor:.1f} s here, {self.service:.1f} s in the service"


def spent_by(served: Served) -> Spent:
    """What was spent so far, by the kernel's count of all processes of a service."""
    sessions, service, judging = {one.pid for one in served.processes}, 0, 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            fields = file.read_text().rpartition(")")[2].split()
            _, parent, _, session, *_ = fields
            ticks = sum(map(int, fields[11:13]))
            service += ticks if int(session) in sessions else 0
            judging += ticks if int(parent) == getpid() and int(session) not in sessions else 0
    own, per_second = times(), sysconf("SC_CLK_TCK")
    return Spent(perf_counter(), sum(own[:4]) + judging / per_second, service / per_second)


def result(what: str, took: Spent, read: float, *aims: Aim) -> Result:
    """Seconds, beside those in which the facts are read once."""
    peers = (Peer("all facts read once", read),)
    return Result(what, took.clock, "s", peers, str(took), aims)
