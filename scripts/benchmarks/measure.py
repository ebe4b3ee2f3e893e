"""Measures times, rates and percentiles, as figures with their peers and aims."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple, TypeVar

from flask.testing import FlaskClient

from api.application import create_app
from scripts.benchmarks.by_hand import Plain, PlainPostgres
from scripts.service import Service, settle

T = TypeVar("T")
Size = Literal["small", "full", "largest"]
Ask = Callable[[], object]
PEER_EVERY = 10
PERCENTS = (50, 99)
KEY = "for-this-benchmark-only"
"""The operator key for requests to the service within the process."""


@dataclass(frozen=True)
class Peer:
    """Another implementation of what is measured, and its figure."""

    name: str
    value: float


@dataclass(frozen=True)
class Aim:
    """A limit for a figure, absolute or as a multiple of a peer's."""

    limit: float
    is_most: bool
    """Whether the limit is an upper one; otherwise it is a lower one."""
    peer: str = ""
    """The beginning of the peer's name; empty for an absolute limit."""

    def __str__(self) -> str:
        multiple = f" × {self.peer}" if self.peer else ""
        return f"{'≤' if self.is_most else '≥'} {plain_number(self.limit)}{multiple}"


def at_most(limit: float, peer: str = "") -> tuple[Aim, ...]:
    """The one aim of a figure that should be small."""
    return (Aim(limit, True, peer),)


def at_least(limit: float, peer: str = "") -> tuple[Aim, ...]:
    """The one aim of a figure that should be large."""
    return (Aim(limit, False, peer),)


class PeerAsks(NamedTuple):
    """A peer, with calls that ask it the same as us or something similar."""

    name: str
    asks: Iterable[Ask]


@dataclass(frozen=True)
class Result:
    """One figure of ours, and those of its peers in the same unit."""

    measure: str
    value: float
    unit: str
    peers: tuple[Peer, ...] = ()
    note: str = ""
    aims: tuple[Aim, ...] = ()
    point: tuple[str, int] | None = None
    """The name of its line in the chart and its size, if it is measured at several sizes."""

    def ratio(self, peer: Peer) -> float:
        """Our figure divided by the peer's."""
        return self.value / peer.value

    @property
    def figure(self) -> str:
        """Our figure with its unit."""
        return f"{plain_number(self.value)} {self.unit}"

    @property
    def ratios(self) -> str:
        """The ratio of our figure to each peer's."""
        return "; ".join(f"{self.ratio(peer):.2f} × {peer.name}" for peer in self.peers)

    def reaches(self, aim: Aim) -> bool:
        """Whether the figure is within the limit of an aim."""
        peers = (peer for peer in self.peers if peer.name.startswith(aim.peer))
        value = self.ratio(next(peers)) if aim.peer else self.value
        return value <= aim.limit if aim.is_most else value >= aim.limit

    @property
    def misses(self) -> bool:
        """Whether it misses any of its aims."""
        return not all(map(self.reaches, self.aims))

    @property
    def judged(self) -> str:
        """Its aims, each marked as reached or missed."""
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
        return f"{self.measure}: {self.figure}{note}{beside}"


def plain_number(value: float) -> str:
    """A figure to three significant digits, or from 100 on to whole numbers."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# -- time ----------------------------------------------------------------------------------


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes, in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def rates(rounds: int, count: int, *actions: Callable[[int], object]) -> list[float]:
    """The median rate of each action per second, if a round does ``count`` things.

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


def in_turns(*ways: Iterable[Ask]) -> list[list[float]]:
    """For each way of asking, how many milliseconds each of its calls took.

    The ways take turns, so that other load on the machine affects all of them equally.
    """
    taken: list[list[float]] = [[] for _ in ways]
    for asks in zip(*ways, strict=True):
        for times, ask in zip(taken, asks, strict=True):
            times.append(1000 * seconds(ask))
    return taken


def percentiles(
    what: str,
    ours: Sequence[float],
    peers: Mapping[str, Sequence[float]],
    aims: Sequence[tuple[Aim, ...]] = ((), ()),
    notes: Sequence[str] = ("", ""),
) -> Iterator[Result]:
    """The median and the 99th percentile of milliseconds, beside those of peers.

    The first of the aims and of the notes belong to the median, the second to the percentile.
    """
    for percent, aim, note in zip(PERCENTS, aims, notes, strict=True):
        beside = tuple(Peer(name, percentile(taken, percent)) for name, taken in peers.items())
        value = percentile(ours, percent)
        yield Result(f"{what}, p{percent}", value, "ms", beside, note, aim)


class Took(NamedTuple):
    """How long something took."""

    clock_ms: float
    processor_ms: float
    """Processor time of the processes that were counted: see ``timed`` and ``Worked``."""


def timed(action: Callable[[], object], worked: Callable[[], float] = time.process_time) -> Took:
    """How long an action takes, and how much processor time is spent on it, by this process."""
    before, clock = worked(), time.perf_counter()
    action()
    clock = time.perf_counter() - clock
    return Took(1000 * clock, 1000 * (worked() - before))


class Worked:
    """Processor time of this process, its ended children, and the database server's processes.

    Of the server's processes, those of our database count. A worker of the server that starts and
    ends during a measurement is counted only with ``ended``, and then whatever its database.
    """

    def __init__(self, by_hand: Plain, *, ended: bool = False) -> None:
        self._by_hand, self._seconds = by_hand, dict[int, float]()
        self._is_server = by_hand.NAME == PlainPostgres.NAME
        self._sees_ended = ended and self._is_server

    def seconds(self) -> float:
        """The processor time so far; also notes which processes the server has now."""
        if self._is_server:
            sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            self._seconds |= {pid: 0.0 for (pid,) in self._by_hand.execute(sql)} | self._seconds
        return self._so_far()

    def took(self, action: Callable[[], object]) -> Took:
        """What an action takes, counting the processes that were noted last."""
        return timed(action, self._so_far)

    def rate(self, items: int, action: Callable[[], object]) -> tuple[float, float]:
        """Items per second of an action, and processor time per item in microseconds."""
        self.seconds()
        took = self.took(action)
        return 1000 * items / took.clock_ms, 1000 * took.processor_ms / items

    def each(self, times: int, action: Callable[[int], int]) -> tuple[float, float]:
        """Processor time per action in microseconds, and what it returns, both on average."""
        begun, items = self.seconds(), 0
        for number in range(times):
            items += action(number)
        return max(1e6 * (self.seconds() - begun), 1.0) / times, items / times

    def _so_far(self) -> float:
        for pid in self._seconds:
            with suppress(OSError):
                told = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii")
                self._seconds[pid] = int(told.split()[0]) / 1e9
        children = sum(os.times()[2:4]) + (self._ended() if self._sees_ended else 0)
        return time.process_time() + children + sum(self._seconds.values())

    def _ended(self) -> float:
        """Processor time of ended children of the database server, in seconds."""
        (own,) = self._by_hand.execute("SELECT pg_backend_pid()")[0]
        return sum(map(int, _stat(int(_stat(own)[1]))[13:15])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent and so on."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return told.rpartition(") ")[2].split()


def compared(worked: Worked, what: str, ours: Sequence[Ask], peer: PeerAsks) -> Iterator[Result]:
    """Milliseconds of ours, median and 99th percentile, beside those of a peer.

    The peer is asked once for every tenth of ours, so that other load affects both.
    """
    ours[0]()  # the first call fills caches
    gc.collect()
    settle()  # as a worker does
    worked.seconds()
    mine, theirs, hand = list[Took](), list[Took](), iter(peer.asks)
    for number, ask in enumerate(ours):
        mine.append(worked.took(ask))
        if number % PEER_EVERY == 0:
            theirs.append(worked.took(next(hand)))
    for said, place in (("", 0), (", processor time", 1)):
        value, other = ([took[place] for took in each] for each in (mine, theirs))
        aims = ((), () if place else at_most(50))
        for one in percentiles(what, value, {peer.name: other}, aims):
            yield replace(one, measure=one.measure + said)


# -- within the process --------------------------------------------------------------------


def seen(service: Service, ask: Callable[..., T], *said: Any, **more: Any) -> T:
    """The answer to a question, asked in a view of its own."""
    with service.store.view() as view:
        return ask(view, *said, **more)


def client_of(service: Service) -> FlaskClient:
    """An HTTP client within the process, for a service whose operator key is KEY."""
    app = create_app(service.journal, service.store, service.keys, service.log)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return client
