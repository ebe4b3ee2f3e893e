"""Load: 16 clients at once on real processes, as in production: a server, its workers, a follower.

Each client posts pieces made from others, reads what it posted as soon as it is known, and asks for
works, contributors, lists and pages. The peer is one client alone on the same server, before. At
first, clients that only post pieces: one, four and sixteen.
Memory is that of all processes of the server and the follower.
"""

from __future__ import annotations

import json
import random
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from projections.wording import several
from scripts.benchmarks.by_hand import is_postgres, scratch
from scripts.benchmarks.measure import Peer, Result, Size, at_least, at_most, percentiles
from scripts.settings import inherited

ALONE = "one client alone"
CLIENTS = 16
POSTING = (1, 4, 16)
"""How many clients only write."""
SECONDS = {"small": 1.5, "full": 240.0}
PIECES = {"small": 20, "full": 500}
"""How many pieces there are before."""
SAMPLE_SECONDS = {"small": 0.3, "full": 2.0}
WRITES, OWN = 0.2, 0.1
"""The part of requests that post a piece, and that read one just posted."""
START_SECONDS = 60


def measure(size: Size, database: str) -> Iterator[Result]:
    """Throughput, times, memory and lag."""
    with scratch(database) as address, serving(address) as served:
        known = Known()
        _run(served, known, 1, seconds=0, writes=PIECES[size])
        posts = [
            _run(served, known, clients, SECONDS[size] / 8, only_posts=True) for clients in POSTING
        ]
        alone = _run(served, known, 1, SECONDS[size] / 8)
        sampler = Sampler(served, SAMPLE_SECONDS[size])
        together = _run(served, known, CLIENTS, SECONDS[size])
        sampler.stop()

    for clients, posted in zip(POSTING, posts, strict=True):
        who = f"{several(clients, 'client')}, writes only"
        rate, soon = (at_least(8, ALONE), at_most(50)) if clients == CLIENTS else ((), ())
        yield Result(who, posted.rate, "requests/s", (Peer(ALONE, posts[0].rate),), aims=rate)
        theirs = {ALONE: posts[0].times["writes"]}
        yield from percentiles(who, posted.times["writes"], theirs, ((), soon))
    note = f"{SECONDS[size]:.0f} s; answers by status: {_counted(together.statuses)}"
    peers = (Peer(ALONE, alone.rate),)
    yield Result(f"{CLIENTS} clients", together.rate, "requests/s", peers, note)
    for what, took in together.times.items():
        yield from percentiles(what, took, {ALONE: alone.times[what]})
    first, last = sampler.memory()
    behind = f"answers at most {max(sampler.lags)} facts behind"
    earlier = Peer("after a quarter of the time", first)
    yield Result("memory at the end", last, "MB", (earlier,), behind)


@dataclass
class Known:
    """The ids of what was posted."""

    works: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)


@dataclass
class Measured:
    """What clients met."""

    seconds: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)
    """In milliseconds, by what was asked."""
    statuses: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.statuses) / self.seconds


@dataclass
class Served:
    """A server that runs, and its processes."""

    port: int
    key: str
    processes: list[subprocess.Popen[bytes]]

    def ask(self, connection: HTTPConnection, path: str, body: object = None) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        connection.request("GET" if sent is None else "POST", path, sent, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def connect(self) -> HTTPConnection:
        """A connection of a client's own."""
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def memory(self) -> float:
        """The megabytes that all processes hold."""
        groups = {process.pid for process in self.processes}
        told = subprocess.check_output(["ps", "-A", "-o", "pgid=,rss="], text=True)
        lines = (line.split() for line in told.splitlines())
        return sum(int(rss) for group, rss in lines if int(group) in groups) / 1024


@contextmanager
def serving(database: str, **more: str) -> Iterator[Served]:
    """A server on a database, with further settings, until this ends."""
    port = free_port()
    key = f"stemma_{secrets.token_urlsafe(32)}"
    with TemporaryDirectory(prefix="stemma-bench-") as folder:
        settings = {
            "STEMMA_DATABASE": database,
            "STEMMA_DATA": folder,
            "STEMMA_PORT": str(port),
            "STEMMA_OPERATOR_KEY": key,
            **more,
        }
        commands = (["serve"], ["follow"]) if is_postgres(database) else (["serve"],)
        served = Served(port, key, [_started(command, settings) for command in commands])
        try:
            wait_until_ready(served)
            yield served
        finally:
            for process in served.processes:
                process.terminate()
            for process in served.processes:
                process.wait()


def _started(command: list[str], settings: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.stemma", *command],
        cwd=Path(__file__).parents[2],
        env=inherited(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def wait_until_ready(served: Served, path: str = "/ready") -> None:
    """Return once a server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, HTTPException), closing(served.connect()) as connection:
            if served.ask(connection, path)[0] == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


class Client:
    """Asks one question after the other, for so long or so often."""

    def __init__(self, served: Served, known: Known, seed: int, measured: Measured) -> None:
        self.served, self.known, self.measured = served, known, measured
        self.chance = random.Random(seed)
        self.connection = served.connect()
        self.own: dict[str, Any] | None = None

    def run(self, until: float, writes: int, *, only_posts: bool) -> None:
        for _ in range(writes):
            self.post()
        while only_posts and time.monotonic() < until:
            self.post()
        self.ask_own()
        self.timed("reads", "/works")
        while time.monotonic() < until:
            one = self.chance.random()
            if one < WRITES / 10:
                self.admit()
            elif one < WRITES:
                self.post()
            elif one < WRITES + OWN:
                self.ask_own()
            else:
                self.timed("reads", self.chance.choice(self.questions()))

    def questions(self) -> list[str]:
        """Some of everything that is asked in production."""
        work = self.chance.choice(self.known.works)
        return [
            f"/works/{work}",
            f"/works/{work}/contributors",
            f"/works/{work}/ancestors",
            f"/works/{work}/history",
            f"/piece/{work}",
            "/works?limit=20",
        ]

    def ask_own(self) -> None:
        """Ask for the latest piece of one's own, as soon as it is known."""
        if self.own:
            path = f"/works/{self.own['id']}?min_position={self.own['position']}"
            self.timed("reads of own writes", path)

    def admit(self) -> None:
        status, told = self.timed("writes", "/contributors", {"name": f"P{self.chance.random()}"})
        if status == 201:
            self.known.people.append(json.loads(told)["id"])

    def post(self) -> None:
        """Post a piece made from up to two others."""
        if not self.known.people:
            self.admit()
            return
        by = self.chance.choice(self.known.people)
        recent = self.known.works[-200:]
        sources = self.chance.sample(recent, min(len(recent), self.chance.choice((0, 1, 1, 2))))
        piece = {
            "title": f"Piece {self.chance.random()}",
            "medium": "text",
            "authors": [{"contributor": by, "role": "writer"}],
            "sources": [{"work": source, "kind": "sample"} for source in sources],
        }
        status, told = self.timed("writes", "/contributions", piece)
        if status == 201:
            self.own = json.loads(told)
            self.known.works.append(self.own["id"])

    def timed(self, what: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Ask, and keep how long it took."""
        before = time.perf_counter()
        try:
            status, told = self.served.ask(self.connection, path, body)
        except (OSError, HTTPException):
            self.connection.close()
            status, told = 0, b""
        self.measured.times[what].append(1000 * (time.perf_counter() - before))
        self.measured.statuses.append(status)
        return status, told


def _run(
    served: Served,
    known: Known,
    count: int,
    seconds: float,
    writes: int = 1,
    *,
    only_posts: bool = False,
) -> Measured:
    begun = time.monotonic()
    measured = Measured(times={"reads": [], "writes": [], "reads of own writes": []})
    seeds = range(len(known.works), len(known.works) + count)
    clients = [Client(served, known, seed, measured) for seed in seeds]
    ask = partial(Client.run, until=begun + seconds, writes=writes, only_posts=only_posts)
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(ask, clients))
    measured.seconds = time.monotonic() - begun
    for client in clients:
        client.connection.close()
    return measured


class Sampler(threading.Thread):
    """Looks at memory and lag now and then, as a probe does."""

    def __init__(self, served: Served, every_seconds: float) -> None:
        super().__init__(name="sampler")
        self.served, self.every_seconds = served, every_seconds
        self.megabytes: list[float] = []
        self.lags: list[int] = []
        self._stopping = threading.Event()
        self.start()

    def run(self) -> None:
        connection = self.served.connect()
        while not self._stopping.wait(self.every_seconds):
            self.megabytes.append(self.served.memory())
            with suppress(OSError, HTTPException):
                told = json.loads(self.served.ask(connection, "/ready")[1])
                self.lags.append(max(told["journal"] - min(told["projections"].values()), 0))
        connection.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        self.lags = self.lags or [0]
        self.megabytes = self.megabytes or [self.served.memory()]

    def memory(self) -> tuple[float, float]:
        """After a quarter of the time, and at the end."""
        return self.megabytes[len(self.megabytes) // 4], self.megabytes[-1]


def _counted(statuses: list[int]) -> str:
    counted = sorted(Counter(statuses).items())
    return ", ".join(f"{status}: {count:,}" for status, count in counted)
