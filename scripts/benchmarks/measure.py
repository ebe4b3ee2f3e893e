"""Measuring: figures with their peers and aims, rates and percentiles."""

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
"""The key with which the service within the process is asked."""


@dataclass(frozen=True)
class Peer:
    """Another implementation of the same, and its figure."""

    name: str
    value: float


@dataclass(frozen=True)
class Aim:
    """What a figure should reach, as it is or as a multiple of a peer's."""

    limit: float
    is_most: bool
    """Whether it should be at most this; else at least."""
    peer: str = ""
    """How the name of the peer begins."""

    def __str__(self) -> str:
        multiple = f" × {self.peer}" if self.peer else ""
        return f"{'≤' if self.is_most else '≥'} {plain_number(self.limit)}{multiple}"


def at_most(limit: float, peer: str = "") -> tuple[Aim, ...]:
    """The one aim of a figure that should be small."""
    return (Aim(limit, True, peer),)


def at_least(limit: float, peer: str = "") -> tuple[Aim, ...]:
    """The one aim of a figure that should be large."""
    return (Aim(limit, False, peer),)


class Asked(NamedTuple):
    """A peer that is asked the same, or something like it."""

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
    """What it is of, at which size, if it is measured at several."""

    def ratio(self, peer: Peer) -> float:
        """Our figure divided by the peer's."""
        return self.value / peer.value

    @property
    def figure(self) -> str:
        """What was measured, with its unit."""
        return f"{plain_number(self.value)} {self.unit}"

    @property
    def ratios(self) -> str:
        """How it compares with each of the peers."""
        return "; ".join(f"{self.ratio(peer):.2f} × {peer.name}" for peer in self.peers)

    def reaches(self, aim: Aim) -> bool:
        """Whether the figure is as it should be."""
        peers = (peer for peer in self.peers if peer.name.startswith(aim.peer))
        value = self.ratio(next(peers)) if aim.peer else self.value
        return value <= aim.limit if aim.is_most else value >= aim.limit

    @property
    def misses(self) -> bool:
        """Whether it should be better."""
        return not all(map(self.reaches, self.aims))

    @property
    def judged(self) -> str:
        """Its aims, each with whether it is reached."""
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
    """Three digits of a figure, and all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# -- time ----------------------------------------------------------------------------------


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def rates(rounds: int, count: int, *actions: Callable[[int], object]) -> list[float]:
    """How many per second each action does, with ``count`` in a round: medians.

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
    """Milliseconds of each way for each thing asked.

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

    Aims and notes are those of either.
    """
    for percent, aim, note in zip(PERCENTS, aims, notes, strict=True):
        beside = tuple(Peer(name, percentile(taken, percent)) for name, taken in peers.items())
        value = percentile(ours, percent)
        yield Result(f"{what}, p{percent}", value, "ms", beside, note, aim)


class Took(NamedTuple):
    """How long something took."""

    clock_ms: float
    processor_ms: float
    """Of this process, and of the server's processes where they are on this machine."""


def timed(action: Callable[[], object]) -> Took:
    """How long an action takes, and what this process works for it, whatever others do."""
    worked, clock = time.process_time(), time.perf_counter()
    action()
    clock = time.perf_counter() - clock
    return Took(1000 * clock, 1000 * (time.process_time() - worked))


class Worked:
    """What this process, those it has waited for, and the server's for its database have worked.

    A server's worker that starts and ends within what is measured is only seen if ``ended`` ones
    are asked for, whatever their database.
    """

    def __init__(self, by_hand: Plain, *, ended: bool = False) -> None:
        self._by_hand, self._seconds = by_hand, dict[int, float]()
        self._is_server = by_hand.NAME == PlainPostgres.NAME
        self._sees_ended = ended and self._is_server

    def seconds(self) -> float:
        """So far, without those of the server's processes that have ended."""
        if self._is_server:
            sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            self._seconds |= {pid: 0.0 for (pid,) in self._by_hand.execute(sql)} | self._seconds
        return self._so_far()

    def took(self, action: Callable[[], object]) -> Took:
        """How long an action takes, with the processes that were there when last asked."""
        worked, clock = self._so_far(), time.perf_counter()
        action()
        clock = time.perf_counter() - clock
        return Took(1000 * clock, 1000 * (self._so_far() - worked))

    def rate(self, items: int, action: Callable[[], object]) -> tuple[float, float]:
        """How many items an action does in a second, and microseconds of a processor for each."""
        self.seconds()
        took = self.took(action)
        return 1000 * items / took.clock_ms, 1000 * took.processor_ms / items

    def each(self, times: int, action: Callable[[int], int]) -> tuple[float, float]:
        """Microseconds for each, and the size of an answer, on average."""
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
        """What those have worked that the server had started and that have ended."""
        (own,) = self._by_hand.execute("SELECT pg_backend_pid()")[0]
        return sum(map(int, _stat(int(_stat(own)[1]))[13:15])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """What Linux tells of a process after its name: its state, its parent, …"""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return told.rpartition(") ")[2].split()


def compared(worked: Worked, what: str, ours: Sequence[Ask], peer: Asked) -> Iterator[Result]:
    """Milliseconds of ours, median and 99th percentile, beside those of a peer.

    The peer is asked after every tenth of ours, so that other load affects both.
    """
    ours[0]()  # the first of a process prepares what the others find
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
    """The answer to a question, asked of a view of its own."""
    with service.store.view() as view:
        return ask(view, *said, **more)


def client_of(service: Service) -> FlaskClient:
    """Asks a service that was opened with the key, over HTTP and within the process."""
    app = create_app(service.journal, service.store, service.keys, service.log)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return client
