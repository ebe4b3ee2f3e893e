"""Inbox: what waits for somebody, and how much, among many works and people who ask each other.

The inbox reads every kind and sorts by deadline; the count stands in the menu of every page. The
peers are queries written by hand that read one kind: the credits granted to one account, and the
claims on what the operator posted. Processor time is that of this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from domain.permission import OPERATOR
from projections import inbox
from projections.store import with_tables
from scripts.benchmarks.late import imported
from scripts.benchmarks.measure import (
    Peer,
    Result,
    Size,
    engine_of,
    percentile,
    plain,
    scratch,
    seconds,
)
from scripts.bundle import Line
from scripts.generate import id_of
from scripts.service import Service, open_service

WORKS = {"small": 300, "full": 100_000, "largest": 1_000_000}
TIMES = {"small": 5, "full": 300, "largest": 300}
WORKS_EACH = 10
AIM = "aim: p99 under 50 ms"

BY_HAND = (
    "SELECT c.id FROM @credits c JOIN @contributors p ON p.number = c.contributor "
    "WHERE p.id = ? AND c.state = 'granted'"
)
OF_OPERATOR_BY_HAND = (
    "SELECT c.id FROM @credits c JOIN @works w ON w.number = c.own_work "
    "WHERE w.poster = ? AND c.state = 'pending' ORDER BY c.deadline LIMIT 50"
)


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds, median and 99th percentile."""
    with scratch(database) as address, open_service(address) as service:
        works = WORKS[size]
        imported(service, asking(works))
        service.follower.catch_up()
        random = Random(works)
        people = [
            id_of("person", random.randrange(works // WORKS_EACH)) for _ in range(TIMES[size])
        ]
        number = service.store.current().number
        for said, actors, sql, peer in (
            ("a person", people, BY_HAND, "credits of one account by hand"),
            ("the operator", [OPERATOR] * len(people), OF_OPERATOR_BY_HAND, "claims by hand"),
        ):
            with plain(address) as by_hand:
                query = partial(by_hand.execute, with_tables(sql, number))
                hand = [_took(partial(query, (one,))) for one in actors]
            for what, ask in (("inbox", _inbox), ("count", _count)):
                took = [_took(partial(ask, service, one)) for one in actors]
                for place, clock in enumerate(("", ", processor")):
                    ours, theirs = ([one[place] for one in each] for each in (took, hand))
                    for percent in (50, 99):
                        yield Result(
                            "inbox",
                            engine_of(database),
                            f"{what} of {said}, {works:,} works, p{percent}{clock}",
                            percentile(ours, percent),
                            "ms",
                            (Peer(peer, percentile(theirs, percent)),),
                            AIM,
                        )


def _took(action: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock, and of the processor."""
    began = time.process_time()
    took = seconds(action)
    return 1000 * took, 1000 * (time.process_time() - began)


def _inbox(service: Service, actor: str) -> None:
    with service.store.view() as view:
        inbox.inbox(view, service.journal, actor=actor)


def _count(service: Service, actor: str) -> None:
    with service.store.view() as view:
        inbox.how_many(view, service.journal, actor)


def asking(works: int) -> Iterator[Line]:
    """People and the operator who post works, and people who credit each other or claim credits."""
    random, people = Random(works), works // WORKS_EACH
    for number in range(people):
        yield {"type": "contributor", "id": id_of("person", number), "name": f"Person {number}"}
    for number in range(works):
        poster, other = (id_of("person", random.randrange(people)) for _ in range(2))
        piece = {"id": id_of("work", number), "title": f"Work {number}", "medium": "text"}
        made_of = [] if number % 3 else [id_of("work", random.randrange(number or 1))]
        sources = [{"work": one, "kind": "sample"} for one in made_of if number]
        by = {"by": OPERATOR if number % 5 == 0 else poster}
        authors = [{"contributor": poster, "role": "writer"}]
        yield {"type": "contribution", **piece, **by, "authors": authors, "sources": sources}
        credit = {"type": "credit", "id": f"credit-{number}", "work": piece["id"]}
        if number % 4 == 0:
            yield {**credit, **by, "contributor": other, "role": "editor"}
        elif number % 10 in (1, 5):
            yield {**credit, "by": other, "contributor": other, "role": "editor"}
