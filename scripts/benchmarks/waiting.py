"""Inbox: what waits for somebody, and how much, among many works and people who ask each other.

The inbox reads every kind and sorts by deadline; the count stands in the menu of every page. The
peers are queries written by hand that read one kind: the credits granted to one account, and the
claims on what the operator posted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from domain.permission import OPERATOR
from projections import inbox
from projections.store import with_tables
from scripts.benchmarks.by_hand import plain
from scripts.benchmarks.measure import PeerAsks, Result, Size, Worked, compared, seen
from scripts.benchmarks.society import WORKS_EACH, filled
from scripts.generate import id_of

WORKS = {"small": 200, "full": 1_000_000}
TIMES = {"small": 5, "full": 300}
BUSIEST = 20

BY_HAND = (
    "SELECT c.id FROM @credits c JOIN @contributors p ON p.number = c.contributor "
    "WHERE p.id = ? AND c.state = 'granted'"
)
OF_OPERATOR_BY_HAND = (
    "SELECT c.id FROM @credits c JOIN @works w ON w.number = c.own_work "
    "WHERE w.poster = ? AND c.state = 'pending' ORDER BY c.deadline LIMIT 50"
)


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds of an inbox and of its count."""
    works, random = WORKS[size], Random(WORKS[size])
    service, address = filled(works, database)
    number = service.store.current().number
    with plain(address) as by_hand:
        worked = Worked(by_hand)
        of_one = BY_HAND, "one account's credits in hand-written SQL"
        of_operator = OF_OPERATOR_BY_HAND, "claims in hand-written SQL"
        for said, people, (sql, peer) in (
            ("a person", works // WORKS_EACH, of_one),
            ("one of the busiest people", BUSIEST, of_one),
            ("the operator", 0, of_operator),
        ):
            numbers = [random.randrange(people) for _ in range(TIMES[size] if people else 0)]
            actors = [id_of("person", one) for one in numbers] or [OPERATOR] * TIMES[size]
            query = partial(by_hand.execute, with_tables(sql, number))
            for what, ask in (("inbox", inbox.inbox), ("count", inbox.how_many)):
                hand = (partial(query, (one,)) for one in actors)
                asked = partial(seen, service, ask, journal=service.journal)
                ours = [partial(asked, actor=one) for one in actors]
                yield from compared(
                    worked, f"{what} for {said}, {works:,} works", ours, PeerAsks(peer, hand)
                )
