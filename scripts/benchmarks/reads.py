"""Reads: what an answer over HTTP costs in processor time, within the process.

Each work is asked for once, then again, then by somebody who names the tag of the answer. The peer
is a bare Flask route beside it that reads one row by hand, over a pool or a connection of its own.
All take turns at every work. The server in front of both, and the time in which PostgreSQL works
by itself, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random
from time import process_time_ns
from typing import Any

from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from projections.follower import Rebuild
from projections.store import table_name
from scripts.benchmarks.by_hand import is_postgres, plain, scratch
from scripts.benchmarks.measure import KEY, Peer, Result, Size, at_most, client_of, percentile
from scripts.generate import TYPICAL, community, id_of, record
from scripts.service import open_service

PIECES = {"small": 300, "full": 100_000}
ASKED = {"small": 20, "full": 2_000}
WARM_UP = 10
PATHS = {"a work": "/works/{}", "its contributors": "/works/{}/contributors"}
BARE = "a bare Flask route"

Read = Callable[[str], tuple[Any, ...]]


def measure(size: Size, database: str) -> Iterator[Result]:
    """Microseconds of processor time, the median."""
    with scratch(database) as address, open_service(address, operator_key=KEY) as service:
        record(service.journal, community(PIECES[size], shape=TYPICAL))
        Rebuild(service.journal, service.store).run()
        ours = client_of(service)
        numbers = Random(PIECES[size]).sample(range(PIECES[size]), ASKED[size] + WARM_UP)
        works = [id_of("work", number) for number in numbers]
        with reading(address, service.store.current().number) as read:
            bare = bare_app(read).test_client()
            for what, path in PATHS.items():
                for how, taken, peer in _compared(ours, bare, works, path):
                    yield Result(
                        f"{what} {how}",
                        taken,
                        "µs of processor time",
                        (Peer(f"{BARE} with one row", peer),),
                        aims=at_most(1.4, BARE),
                    )


def bare_app(read: Read) -> Flask:
    """One route that returns one row."""
    app = Flask("bare")

    def show(id: str) -> Response:
        return jsonify(dict(zip(("id", "kind", "state", "made_at"), read(id), strict=True)))

    app.add_url_rule("/<id>", view_func=show)
    return app


@contextmanager
def reading(address: str, generation: int) -> Iterator[Read]:
    """Reads a row by hand."""
    sql = f"SELECT id, kind, state, made_at FROM {table_name('works', generation)} WHERE id = "
    if not is_postgres(address):
        with plain(address) as connection:
            yield lambda id: connection.execute(f"{sql}?", (id,))[0]
        return
    from psycopg_pool import ConnectionPool

    with closing(ConnectionPool(address, min_size=1, kwargs={"autocommit": True})) as pool:

        def read(id: str) -> tuple[Any, ...]:
            with pool.connection() as connection:
                return connection.execute(f"{sql}%s".encode(), (id,)).fetchall()[0]

        yield read


def _compared(
    ours: FlaskClient, bare: FlaskClient, works: list[str], path: str
) -> Iterator[tuple[str, float, float]]:
    """How it was asked for, our time and that of the peer."""
    times: dict[str, list[float]] = {}
    for work in works:
        asked = path.format(work)
        _, of_bare = _timed(bare, f"/{work}")
        first, of_first = _timed(ours, asked)
        _, of_again = _timed(ours, asked)
        same, of_same = _timed(ours, asked, {"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, same.status_code) == (200, 304)
        taken = {"": of_bare, "for the first time": of_first, "again": of_again}
        for how, time in {**taken, "by its tag": of_same}.items():
            times.setdefault(how, []).append(time)
    peer, *others = ((how, percentile(each[WARM_UP:], 50)) for how, each in times.items())
    yield from ((how, taken, peer[1]) for how, taken in others)


def _timed(
    client: FlaskClient, path: str, headers: dict[str, str] | None = None
) -> tuple[TestResponse, float]:
    before = process_time_ns()
    answer = client.get(path, headers=headers)
    return answer, (process_time_ns() - before) / 1_000
