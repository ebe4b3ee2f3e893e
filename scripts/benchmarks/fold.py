"""Fold: a rebuild of all read tables from scratch, with indexes, including the switch.

The peer is the library's own projection: one event, one row and one tracking record in each
transaction, by its ProjectionRunner on PostgreSQL, and by its tracking recorder on SQLite, where
the runner cannot run.
"""

from __future__ import annotations

from collections.abc import Iterator

from projections.rebuilding import Rebuild
from scripts.benchmarks.by_hand import is_postgres, plain, scratch
from scripts.benchmarks.filled import filled_community
from scripts.benchmarks.measure import Peer, Result, Size, Worked, at_least
from scripts.benchmarks.stock import stock_runner, stock_tracking

PIECES = {"small": 3_000, "full": 291_000}
"""With about 3.44 facts per piece: 10⁴ and 10⁶ facts."""
STOCK_EVENTS = {"small": 50, "full": 2_000}


def measure(size: Size, database: str) -> Iterator[Result]:
    """Facts per second."""
    service, address = filled_community(PIECES[size], database)
    with plain(address) as by_hand:
        facts = service.journal.facts.head()
        rebuild = Rebuild(service.journal, service.store)
        rate, cost = Worked(by_hand, ended=True).rate(facts, rebuild.run)
        assert service.store.current().position == facts
    peer, fold = (
        ("the library's ProjectionRunner", stock_runner)
        if is_postgres(database)
        else ("the library's tracking recorder", stock_tracking)
    )
    with scratch(database) as address:
        stock = fold(address, STOCK_EVENTS[size])
    what = f"rebuild of {facts:,} facts"
    yield Result(what, rate, "facts/s", (Peer(peer, stock),), aims=at_least(100_000))
    yield Result(f"{what}, processor time", cost, "µs a fact")
