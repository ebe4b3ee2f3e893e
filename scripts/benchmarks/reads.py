"""Reads: 16 clients at once ask a server, run as in production, over HTTP.

They ask for works that nobody has asked for, then for some again and again, then by the tags of
their answers. The peers are two bare Flask routes, one that reads a row by hand over a pool and one
that reads nothing, with as many processes and threads: on the same server, behind the gateway that
bounds what a client may hold, and by WSGI without it. All take turns; the clients are one thread on
the same machine.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from random import Random
from statistics import median
from threading import local
from typing import Any, cast

from flask import Flask, Response, jsonify
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer
from psycopg_pool import ConnectionPool

from projections.rebuilding import Rebuild
from projections.store import table_name
from scripts.benchmarks.by_hand import PlainSQLite, Rows, is_postgres, scratch
from scripts.benchmarks.load import Served, free_port, serving, wait_until_ready
from scripts.benchmarks.measure import Peer, Result, Size, at_least
from scripts.gateway import Gateway, ProcessLimits
from scripts.generate import TYPICAL, community, id_of, record
from scripts.service import open_service

PIECES = {"small": 300, "full": 100_000}
ROUNDS = {"small": 1, "full": 7}
TURN_SECONDS = {"small": 0.2, "full": 2.0}
CLIENTS = 16
WORKERS, THREADS = 2, 4
SETTINGS = {
    "STEMMA_WORKERS": str(WORKERS),
    "STEMMA_THREADS": str(THREADS),
    "STEMMA_LIMITS": "reads=999999/1",  # counted, and never reached
}
KNOWN = 50
"""How many works are asked for again and again."""
PATHS = {"a work": "/works/{}", "its contributors": "/works/{}/contributors"}
ROW, NOTHING = "a bare Flask route that reads one row", "a bare Flask route that reads nothing"
WITHOUT = " without the gateway"
ALIVE = "health check"

Request = Callable[[], bytes]
"""The next request, as it is sent."""


def measure(size: Size, database: str) -> Iterator[Result]:
    """Answers a second: the medians of several turns."""
    works = [id_of("work", number) for number in range(PIECES[size])]
    Random(0).shuffle(works)
    with scratch(database) as address, ExitStack() as stack:
        generation = _filled(address, PIECES[size])
        ours = stack.enter_context(serving(address, **SETTINGS))
        asked: dict[str, tuple[Served, Request]] = {}
        for how, interface in (("", Interfaces.RSGI), (WITHOUT, Interfaces.WSGI)):
            bare = stack.enter_context(_bare(address, generation, interface))
            asked[ROW + how] = bare, _request(bare, "/{}", works[:KNOWN])
            asked[NOTHING + how] = bare, _request(bare, "/", works[:1])
        of_ours = dict(_asked(ours, works))
        asked |= of_ours
        rates: dict[str, list[float]] = {what: [] for what in asked}
        for _ in range(ROUNDS[size]):
            for what, (served, request) in asked.items():
                rates[what].append(_rate(served.port, request, TURN_SECONDS[size]))
    found = {what: median(taken) for what, taken in rates.items()}
    for what in of_ours:
        peer = NOTHING if what == ALIVE else ROW
        peers = (Peer(peer, found[peer]), Peer(peer + WITHOUT, found[peer + WITHOUT]))
        yield Result(what, found[what], "answers/s", peers, aims=at_least(0.7, peer))


def _filled(address: str, pieces: int) -> int:
    """Fill a database; the generation of its read tables."""
    with open_service(address) as service:
        record(service.journal, community(pieces, shape=TYPICAL))
        Rebuild(service.journal, service.store).run()
        return service.store.current().number


def _asked(ours: Served, works: list[str]) -> Iterator[tuple[str, tuple[Served, Request]]]:
    """What is asked of our server, by name."""
    known, others = works[:KNOWN], cycle(works[KNOWN:])
    yield ALIVE, (ours, _request(ours, "/health", known[:1]))
    for what, path in PATHS.items():
        yield f"{what}, first time", (ours, _request(ours, path, others))
        yield f"{what}, again", (ours, _request(ours, path, known))
        yield f"{what}, by ETag", (ours, _request(ours, path, known, is_tagged=True))


def _request(
    served: Served, path: str, works: Iterable[str], *, is_tagged: bool = False
) -> Request:
    """Requests for one work after the other, from the first again after the last."""
    head = f"Host: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.key}\r\n"

    def request(work: str) -> bytes:
        asked = path.format(work)
        tag = f"If-None-Match: {_tag(served, asked)}\r\n" if is_tagged else ""
        return f"GET {asked} HTTP/1.1\r\n{head}{tag}\r\n".encode()

    return partial(next, cycle(map(request, works)))


def _tag(served: Served, path: str) -> str:
    with closing(served.connect()) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {served.key}"})
        return str(connection.getresponse().headers["ETag"])


def _rate(port: int, request: Request, seconds: float) -> float:
    """Answers a second to clients who each ask again once they are answered."""
    with ExitStack() as stack:
        waiting = stack.enter_context(selectors.DefaultSelector())
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(client, selectors.EVENT_READ)
            client.sendall(request())
        answers, begun = 0, time.perf_counter()
        while (took := time.perf_counter() - begun) < seconds or not answers:
            for key, _ in waiting.select(timeout=seconds):
                client = cast("socket.socket", key.fileobj)
                _receive(client)
                answers += 1
                client.sendall(request())
    return answers / took


def _receive(client: socket.socket) -> None:
    """Read one answer to its end."""
    told = client.recv(65_536)
    head, found, body = told.partition(b"\r\n\r\n")
    while not found:
        told += client.recv(65_536)
        head, found, body = told.partition(b"\r\n\r\n")
    status = head[9:12]
    if status not in (b"200", b"304"):
        raise RuntimeError(told.decode())
    if status == b"200":
        missing = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) - len(body)
        while missing > 0:
            missing -= len(client.recv(65_536))


# -- the peer ------------------------------------------------------------------------------


@contextmanager
def _bare(address: str, generation: int, interface: Interfaces) -> Iterator[Served]:
    """A server of bare routes, until this ends."""
    port = free_port()
    told = address, generation, interface, port
    server = get_context("spawn").Process(target=_serve_bare, args=told)
    server.start()
    try:
        served = Served(port, "", [])
        wait_until_ready(served, "/")
        yield served
    finally:
        server.terminate()
        server.join()


def _serve_bare(address: str, generation: int, interface: Interfaces, port: int) -> None:
    is_wsgi = interface is Interfaces.WSGI
    server = MPServer(
        "bare",
        port=port,
        interface=interface,
        http=HTTPModes.http1,
        workers=WORKERS,
        blocking_threads=THREADS if is_wsgi else None,
        websockets=False,
        log_level=LogLevels.warning,
    )
    loads: Callable[..., Any] = _bare_app if is_wsgi else _behind_gateway
    server.serve(target_loader=partial(loads, address, generation), wrap_loader=False)


def _behind_gateway(address: str, generation: int) -> Gateway:
    return Gateway(ProcessLimits(THREADS), _bare_app(address, generation))


def _bare_app(address: str, generation: int) -> Flask:
    """One route that returns one row, and one that returns nothing."""
    app = Flask("bare")
    read = _reader(address, generation)

    @app.get("/<id>")
    def show(id: str) -> Response:
        return jsonify(dict(zip(("id", "kind", "state", "made_at"), read(id), strict=True)))

    @app.get("/")
    def live() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _reader(address: str, generation: int) -> Callable[[str], tuple[Any, ...]]:
    """What reads a row by hand, over a pool or a connection of the thread's own."""
    sql = f"SELECT id, kind, state, made_at FROM {table_name('works', generation)} WHERE id = "
    if not is_postgres(address):
        own = local()

        def of_sqlite(id: str) -> tuple[Any, ...]:
            if not hasattr(own, "connection"):
                own.connection = PlainSQLite(address)
            rows: Rows = own.connection.execute(f"{sql}?", (id,))
            return rows[0]

        return of_sqlite
    pool = ConnectionPool(address, min_size=THREADS, kwargs={"autocommit": True}, open=True)

    def of_postgres(id: str) -> tuple[Any, ...]:
        with pool.connection() as connection:
            return connection.execute(f"{sql}%s".encode(), (id,)).fetchall()[0]

    return of_postgres
