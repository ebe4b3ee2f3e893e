"""Money: a revenue divided and recorded, beside the same postings by hand, at growing numbers.

Every pool has three payees of its own, a contributor and two names, and a carry. By hand, a
transaction inserts the revenue and an entry for each payee and updates the balances; on PostgreSQL,
also by a stored function for each posting, as pgledger has it: a transfer locks both accounts and
writes two entries. Neither decides what anybody gets, keeps what was agreed, or can be verified.
"""

from __future__ import annotations

import subprocess
import sys
from bisect import bisect
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_OID, uuid5

from domain.command import Command
from domain.commands.admitting import AdmitContributor
from domain.commands.releasing import AssembleRelease, Component
from domain.commands.submitting import SubmitContribution
from domain.journal import Journal
from domain.moment import instant
from domain.money.dividing import RecordRevenue
from domain.money.elsewhere import RecordAgreement
from domain.money.paying import IssuePayouts
from domain.money.proposing import OpenPool
from projections.folding import uncollected
from scripts.benchmarks.filled import filled
from scripts.benchmarks.ledger import BATCH, PAYEES, Actions, by_hand, in_batches
from scripts.benchmarks.measure import (
    Peer,
    Result,
    Size,
    Took,
    at_least,
    at_most,
    client_of,
    percentile,
    seconds,
    timed,
)
from scripts.bundle import found_in, import_lines
from scripts.service import Service

SIZES = {
    "small": ((100, 10), (200, 20)),
    "full": ((1_000, 100), (10_000, 4_000), (100_000, 10_000)),
    "largest": ((1_000, 100), (10_000, 4_000), (100_000, 10_000), (1_000_000, 10_000)),
}
"""How many revenues there are in how many pools."""
BATCHES = {"small": (5, 5), "full": (100, 3_334), "largest": (100, 3_334)}
"""Of how many pools everybody is paid, in one batch and in another, which a small size has not.

The first is of those in dollars, the second of everybody in euros.
"""
BATCHES_PAID = 3
"""How often each; one alone may meet a collection of garbage."""
TIMES = {"small": 20, "full": 200, "largest": 200}
LINES = {"small": 200, "full": 10_000, "largest": 10_000}
IMPORTED = {"small": 2_000, "full": 100_000, "largest": 100_000}
"""How many lines a shop's file of sales has, for 100 pools."""
SOLD = 100
AT_ONCE = 100
"""How many pools the lines of one batch are for."""
TERRITORIES = ("DE", "FR", "US", "JP", "BR")
STATED = 20
"""How many lines a statement has, however many revenues there were before its period."""
SMALLEST = "the smallest size"


@dataclass
class Stage:
    """A database with so many revenues in so many pools."""

    address: str
    revenues: int
    pools: list[str]
    service: Service

    @property
    def which(self) -> str:
        return f"({self.revenues:,} revenues, {len(self.pools):,} pools)"

    def some(self) -> list[str]:
        """As many pools at every size, from all over."""
        return self.pools[:: len(self.pools) // AT_ONCE or 1][:AT_ONCE]


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds by median, megabytes, and lines per second.

    What is compared takes turns, at all sizes, so that other load meets each alike.
    """
    with ExitStack() as opened:
        stages = [_stage(database, size, *each) for each in SIZES[size]]
        peers = [by_hand(opened, database, *each) for each in SIZES[size]]
        yield from _recorded(stages, peers, TIMES[size])
        for stage in stages:
            yield from _in_bulk(stage, LINES[size], IMPORTED[size])
            fresh, worked, memory = _fresh(stage.address, stage.pools, TIMES[size])
            note = f"{worked:.3g} ms of processor time"
            yield Result(
                f"the first command of a process {stage.which}", fresh, "ms", (), note, at_most(50)
            )
            yield Result(f"memory of a process {stage.which}", memory, "MB")
        answers = [_answers(stage, TIMES[size]) for stage in stages]
        for what in answers[0]:
            took = _in_turns([each[what] for each in answers])
            yield from _compared(f"{what} {{}}, p50", stages, took)
        yield from _batches_paid(stages, BATCHES[size])


def _stage(database: str, size: Size, revenues: int, pools: int) -> Stage:
    """Filled, or as a run before kept it."""
    _, many = BATCHES[size]

    def told(journal: Journal) -> None:
        found = opened_pools(journal, pools, in_euros=many if many < pools else 0)
        each = revenues // pools
        begun = _first_missing(journal, "revenue", revenues)
        # One pool after the other: an append about few of them is quick.
        of = ((_id("revenue", n), found[n // each % pools], n) for n in range(begun, revenues))
        _carry_out(journal, (replace(revenue_of(pool, n), id=id) for id, pool, n in of))

    last = _id("revenue", revenues - 1)
    service, address = filled("money", revenues, database, told, last=last)
    found = [_id("pool", number) for number in range(pools)]
    return Stage(address, revenues, found, service)


def _id(kind: str, number: int) -> str:
    return str(uuid5(NAMESPACE_OID, f"{kind} {number}"))


def _first_missing(journal: Journal, kind: str, count: int) -> int:
    """How many of a kind were recorded, one after the other."""
    return bisect(range(count), False, key=lambda n: not journal.facts.births([_id(kind, n)]))


def _batches_paid(stages: list[Stage], batches: tuple[int, int]) -> Iterator[Result]:
    """Everybody in as many pools at every size, who has earned something again."""
    few, many = batches
    dollars = [_paid(stage, stage.pools[-few:], "USD") for stage in stages]
    yield from _compared(f"a batch of {PAYEES * few:,} payouts {{}}", stages, _in_turns(dollars))
    able = [stage for stage in stages if len(stage.pools) > many]
    euros = [_paid(stage, stage.pools[:many], "EUR") for stage in able]
    yield from _compared(f"a batch of {PAYEES * many:,} payouts {{}}", able, _in_turns(euros))


def _paid(stage: Stage, among: list[str], currency: str) -> Actions:
    """Batches one after the other, each of what everybody in these pools has earned since."""
    payees = payees_of(stage.service.journal, among) if currency == "USD" else None
    for _ in range(BATCHES_PAID):
        _carry_out(stage.service.journal, (revenue_of(pool, 1) for pool in among))
        command = IssuePayouts.of({"currency": currency, "payees": payees})
        yield partial(stage.service.journal.record, command)


def _in_turns(ways: Iterable[Actions]) -> list[Took]:
    """Of each way the medians."""
    taken = [[timed(action) for action in actions] for actions in zip(*ways, strict=True)]
    return [
        Took(*(percentile(values, 50) for values in zip(*each, strict=True)))
        for each in zip(*taken, strict=True)
    ]


def _compared(
    what: str, stages: list[Stage], took: list[Took], peers: Iterable[tuple[Peer, ...]] = ()
) -> Iterator[Result]:
    """The figure of every size, each with how it compares with the smallest."""
    least = took[0]
    for stage, (clock, worked), beside in zip(stages, took, chain(peers, repeat(())), strict=False):
        note = f"{worked:.3g} ms of processor time, {worked / least[1]:.2f} × the smallest"
        others, which = (*beside, Peer(SMALLEST, least[0])), what.format(stage.which)
        yield Result(which, clock, "ms", others, note, at_most(1.5, SMALLEST))


def _recorded(stages: list[Stage], peers: list[dict[str, Actions]], times: int) -> Iterator[Result]:
    """A revenue at a time, each size and each peer in turn."""
    ours = [
        [
            partial(
                stage.service.journal.record, revenue_of(stage.pools[7 * n % len(stage.pools)], n)
            )
            for n in range(times)
        ]
        for stage in stages
    ]
    theirs = [islice(way, times) for each in peers for way in each.values()]
    took = _in_turns([*ours, *theirs])
    clocks = iter([clock for clock, _ in took[len(stages) :]])
    beside = [tuple(Peer(name, next(clocks)) for name in each) for each in peers]
    yield from _compared("one revenue {}, p50", stages, took[: len(stages)], beside)


def _in_bulk(stage: Stage, lines: int, imported: int) -> Iterator[Result]:
    """Many lines in an append, by commands and from a file."""
    journal, pools = stage.service.journal, stage.some()
    single = (revenue_of(pools[n % len(pools)], n) for n in range(lines))
    taken = seconds(lambda: _carry_out(journal, single))
    yield Result(f"revenues in batches {stage.which}", lines / taken, "lines/s")
    sales = (revenue_of(pools[n % len(pools)], n, SOLD) for n in range(lines // SOLD))
    taken = seconds(lambda: _carry_out(journal, sales))
    yield Result(f"sales, {SOLD} to a revenue {stage.which}", lines / taken, "lines/s")
    rate = _imported(journal, pools, imported)
    what = f"a file of {imported:,} sales {stage.which}"
    yield Result(what, rate, "lines/s", (), "", at_least(10_000))


def _imported(journal: Journal, pools: list[str], lines: int) -> float:
    """How many lines of a shop's table are imported in a second."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        rows = (
            f"{pools[n % len(pools)]},Shop,2026-01,{TERRITORIES[n // len(pools) % 5]},"
            f"channel {n // len(pools) // 5},1,0.0109342{n:06}"
            for n in range(lines)
        )
        head = "Pool,Shop,Period,Country,Channel,Quantity,Amount"
        path.write_text("\n".join([head, *rows]) + "\n")
        return lines / seconds(lambda: import_lines(journal, found_in(path, "sales")))


def _answers(stage: Stage, times: int) -> dict[str, Actions]:
    """The statement of a pool and of a contributor, and why somebody got what they got."""
    service = stage.service
    service.follower.catch_up()
    client = client_of(service)
    books, pools = service.journal.books(), (stage.some() * times)[:times]

    def ask(path: str) -> None:
        assert client.get(path).status_code == 200, path

    people = payees_of(service.journal, pools)[::PAYEES]
    latest = [books.divisions_of(pool)[-STATED:] for pool in pools]
    first = [divisions[0][1].at for divisions in latest]
    facts = service.journal.facts.at(sorted({*first}))
    at = {placed.position: quote(instant(placed.fact().timestamp)) for placed in facts}
    return {
        "the statement of a pool": [partial(ask, f"/pools/{pool}/statement") for pool in pools],
        f"a contributor's statement of the latest {STATED} lines": [
            partial(ask, f"/contributors/{person}/statement?from={at[position]}")
            for person, position in zip(people, first, strict=True)
        ],
        "why a payee got an amount": [
            partial(ask, f"/entries/{divisions[-1][0]}/lines/{payee}/why")
            for divisions, payee in zip(latest, people, strict=True)
        ],
    }


# -- ours ----------------------------------------------------------------------------------------


def opened_pools(journal: Journal, pools: int, in_euros: int = 0) -> list[str]:
    """Pools of one release, each with an agreement of its own; those that are missing."""
    begun = _first_missing(journal, "pool", pools)
    release = _id("release", 0)
    if not begun:
        piece = SubmitContribution.of({"title": "Song", "medium": "text"})
        work = journal.record(piece).id
        album = AssembleRelease(title="Album", components=(Component(work=work),), id=release)
        journal.record(album)
    for numbers in in_batches(iter(range(begun, pools)), 50):
        draft = journal.draft()
        for number in numbers:
            pool, payee = _id("pool", number), _id("payee", number)
            currency = "EUR" if number < in_euros else "USD"
            said: dict[str, Any] = {"release": release, "kind": "song", "currency": currency}
            opened = OpenPool(name=f"pool {number}", terms={"type": "agreed"}, id=pool, **said)
            draft.carry_out(opened)
            draft.carry_out(AdmitContributor(name=f"Ana {number}", id=payee))
            shares = [[payee, "1/2"], [f"label {number}", "1/3"], [f"studio {number}", "1/6"]]
            assets = ({"asset": "all of it", "value": "1", "shares": shares},)
            agreement = RecordAgreement(
                pool=pool, assets=assets, agreed_on="2026-01", document="sheet", consents=(payee,)
            )
            draft.carry_out(agreement)
        journal.commit(draft)
    return [_id("pool", number) for number in range(pools)]


def payees_of(journal: Journal, pools: Iterable[str]) -> list[str]:
    """Everybody who has a share in some pools, pool by pool."""
    books = journal.books()
    shares = (books.agreements[books.pools[pool].agreements[-1]].shares for pool in pools)
    return [payee for each in shares for payee in each]


def revenue_of(pool: str, number: int, sold: int = 0) -> RecordRevenue:
    """An amount of its own, or as many lines that were sold."""
    said = {"pool": pool, "source": "shop", "effective_at": "2026"}
    if not sold:
        return RecordRevenue.of({**said, "amount_minor": 1_000 + 7 * number % 991})
    kinds = [{"territory": TERRITORIES[n % 5], "channel": "streaming"} for n in range(sold)]
    lines = [{**kind, "units": 1, "amount": f"0.0109342{n:04}"} for n, kind in enumerate(kinds)]
    return RecordRevenue.of({**said, "sold": lines})


def _carry_out(journal: Journal, commands: Iterator[Command]) -> None:
    for some in in_batches(commands, BATCH):
        draft = journal.draft(is_vouched_for=True)
        with uncollected():
            for command in some:
                draft.carry_out(command)
        journal.commit(draft)


FRESH = """
import re, sys, time
from pathlib import Path
from scripts.benchmarks.money import revenue_of
from scripts.service import Service, open_service
address, times, *pools = sys.argv[1:]
with open_service(address) as service:
    first, worked = time.perf_counter(), time.process_time()
    service.journal.record(revenue_of(pools[0], 1))
    print(1000 * (time.perf_counter() - first))
    print(1000 * (time.process_time() - worked))
    for number in range(int(times)):
        service.journal.record(revenue_of(pools[number % len(pools)], number))
    print(int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


def _fresh(address: str, pools: list[str], times: int) -> list[float]:
    """The first command of a process, what it worked, and its own memory after more of them.

    The pages of files that SQLite reads in place are not counted.
    """
    words = [sys.executable, "-c", FRESH, address, str(times), *pools[:100]]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return list(map(float, done.stdout.split()))
