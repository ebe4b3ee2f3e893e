"""Wide: questions about the last commit of a history, a piece with thousands of ancestors.

Each is asked over HTTP, within the process, every time after an ancestor changed: it was described
anew or, every other time, got another credit. What a question takes in a process that remembers
nothing stands beside it. The peer is what a recursive CTE written by hand takes to find the ids of
the ancestors alone; the limit of an answer is a megabyte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from flask.testing import FlaskClient

from projections.store import Store, with_tables
from scripts.benchmarks.by_hand import ANCESTORS, plain, scratch
from scripts.benchmarks.late import commits, history, imported
from scripts.benchmarks.measure import (
    KEY,
    PERCENTS,
    Result,
    Size,
    at_most,
    client_of,
    percentile,
    percentiles,
    seconds,
    timed,
)
from scripts.service import open_service, settle

COMMITS = {"small": 300, "full": 24_700}
TIMES = {"small": 5, "full": 50}
PEOPLE = 2_000
SPLIT = "policy=absolute_per_edge&default_rate=1/100000&amount_minor=1000000&currency=EUR"
"""Over one scale, however deep; a cascade has too many digits after some thousand generations."""

BY_HAND = f"""{ANCESTORS}    SELECT w.id FROM @works w WHERE w.number IN (SELECT number FROM up)
"""


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds, median and 99th percentile."""
    with scratch(database) as address, open_service(address, operator_key=KEY) as service:
        imported(service, commits(COMMITS[size], PEOPLE, history(COMMITS[size])))
        service.follower.catch_up()
        client = client_of(service)
        latest = json.loads(_asked(client, "/works?limit=1"))["items"][0]["id"]
        near, people = (
            [one["id"] for one in json.loads(_asked(client, path))["items"]]
            for path in (f"/works/{latest}/ancestors", "/contributors?limit=200")
        )
        changes = _changes(near, people)
        sql = with_tables(BY_HAND, service.store.current().number)
        with plain(address) as by_hand:
            ancestors = len(by_hand.execute(sql, (latest,))) - 1
            for said, path in questions(client, latest):
                store = Store(service.engine, service.store.version)
                client = client_of(replace(service, store=store))
                ask = partial(_asked, client, path)
                settle()  # as a worker does
                first, cte = timed(ask), list[float]()
                ours, busy = list[float](), list[float]()
                for _ in range(TIMES[size]):
                    _change(client, *next(changes))
                    service.follower.catch_up()
                    for kept, taken in zip((ours, busy), timed(ask), strict=True):
                        kept.append(taken)
                    cte.append(1000 * seconds(partial(by_hand.execute, sql, (latest,))))
                long = f"{len(_asked(client, path)) / 1000:,.0f} KB"
                worked = (f"{percentile(busy, one):.0f} ms of processor time" for one in PERCENTS)
                cold = f"{first[1]:.0f} ms cold"
                notes = [f"{each}, {cold}, {long}" for each in worked]
                aims = (), at_most(50)
                what = f"{said}, {ancestors:,} ancestors"
                peers = {"a hand-written CTE, ids only": cte}
                yield from percentiles(what, ours, peers, aims, notes)


def questions(client: FlaskClient, work: str) -> Iterator[tuple[str, str]]:
    """What is asked, and its path."""
    here = f"/works/{work}"
    first = json.loads(_asked(client, f"{here}/contributors?limit=1"))["items"][0]
    person = first["contributor"]["id"]
    yield "contributors", f"{here}/contributors"
    yield "contributors, 200 per page", f"{here}/contributors?limit=200"
    yield "contributors in a role", f"{here}/contributors?role=writer"
    yield "paths to one of them", f"{here}/contributors/{person}/paths"
    yield "credits of one of them", f"{here}/contributors/{person}/credits"
    yield "lineage", f"{here}/lineage"
    yield "ancestors, 200 per page", f"{here}/ancestors?limit=200"
    yield "ancestors by title", f"{here}/ancestors?sort=title"
    yield "licences", f"{here}/licences"
    yield "split", f"{here}/split?{SPLIT}"
    yield "the page of the work", f"/piece/{work}"


def _changes(works: Sequence[str], people: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Ways to change one of these works after the other, no two of them the same."""
    each = product(people, works)
    for number, (person, work) in enumerate(each):
        if number % 2:
            yield "/credits", {"work": work, "contributor": person, "role": "writer"}
        else:
            said = {"title": f"Anew, {number}", "reason": "as found"}
            yield f"/works/{work}/describe", said


def _change(client: FlaskClient, path: str, body: dict[str, str]) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code < 300, answer.text


def _asked(client: FlaskClient, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return bytes(answer.data)
