"""Growth: what an operation costs in communities of more and more works, and how it grows.

Cost is time of the processor, of this process and of the server's where that is on this machine, so
other load hardly matters; the peer is one row by its key, asked by hand. The exponent is the slope
of a line through the logarithms of size and cost: 0 is constant, 1 grows with the size.

The claim: nothing on a hot path grows faster than the logarithm of the size, but for the size of
its answer. The run fails if it does.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from domain.commands.challenging import IssueChallenge
from domain.permission import OPERATOR
from domain.stored import FACTS
from projections import around, inbox, listing, parts, searching, suggesting
from projections.money.statement_files import statement_of
from projections.pages import Page
from projections.rebuilding import Rebuild
from scripts.benchmarks.append import submission
from scripts.benchmarks.by_hand import Plain, is_postgres, plain, scratch
from scripts.benchmarks.filled import SIGNER
from scripts.benchmarks.ledger import PAYEES
from scripts.benchmarks.measure import Aim, Peer, Result, Size, Worked, at_most, seen
from scripts.benchmarks.money import opened_pools, payees_of, revenue_of
from scripts.benchmarks.partitions import partitioned, vacuumed
from scripts.benchmarks.society import challenge_id
from scripts.generate import CRAFTS, PIECES_A_PERSON, WORDS, community, id_of, record
from scripts.service import Service, open_service

WORKS = {
    "small": (200, 400),
    "full": (1_000, 10_000, 100_000),
    "largest": (1_000, 10_000, 100_000, 1_000_000, 5_000_000),
}
TIMES = {"small": 3, "full": 200, "largest": 200}
QUESTIONS = {"small": 10, "full": 1_000, "largest": 1_000}
WORKS_A_POOL = 100
CHALLENGES = 20
CLAIM = "what the claim allows"
TOLERANCE = 1.5
"""The factor by which a cost may exceed the claim, as caches get colder and trees deeper."""
CLAIMED = at_most(TOLERANCE, CLAIM)

HOT = (
    *("an append", "a revenue", "a piece", "the latest works", "contributors"),
    *("the statement of a contributor", "a receipt", "the inbox count", "the inbox"),
    *("a search for a frequent word", "a search for a full title"),
    *("people for a challenge", "challenges for a person"),
)
"""The operations for which the claim is made; others are only measured."""


@dataclass(frozen=True)
class Cost:
    """The cost of an operation at one size, and the average number of items in its answers."""

    works: int
    microseconds: float
    items: float = 1.0


def exponent(costs: Sequence[Cost]) -> float:
    """The slope of log(cost) over log(size), by least squares."""
    points = [(math.log(one.works), math.log(one.microseconds)) for one in costs]
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    slope = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
    return float(slope)


def allowed(costs: Sequence[Cost]) -> float:
    """The factor by which the claim lets a cost grow: with the logarithm and the answer's size."""
    first, last = costs[0], costs[-1]
    return math.log(last.works) / math.log(first.works) * max(1.0, last.items / first.items)


def measure(size: Size, database: str) -> Iterator[Result]:
    """Microseconds, exponents, bytes of each table and megabytes of a worker."""
    growth = defaultdict[str, list[Cost]](list)
    for works in WORKS[size]:
        with scratch(database) as address:
            yield from _at(growth, address, works, size)
    # Small sizes show nothing, so the claim is not tested with them.
    aims = () if size == "small" else CLAIMED
    for what, costs in growth.items():
        yield growth_of(what, costs, aims)


def growth_of(what: str, costs: Sequence[Cost], aims: tuple[Aim, ...]) -> Result:
    """The factor by which a cost grows from the smallest size to the largest."""
    first, last = costs[0], costs[-1]
    return Result(
        f"growth of {what}, {first.works:,} to {last.works:,} works",
        last.microseconds / first.microseconds,
        "×",
        (Peer(CLAIM, allowed(costs)),),
        f"exponent {exponent(costs):.2f}",
        aims,
    )


def _at(growth: dict[str, list[Cost]], address: str, works: int, size: Size) -> Iterator[Result]:
    """A community of so many works, with pools, folded and in the log."""
    with open_service(address, signer=SIGNER) as service, plain(address) as by_hand:
        pools, facts, filled = _filled(service, works, Worked(by_hand))
    # Opened again, as workers open it: a connection that has filled SQLite answers more slowly.
    with open_service(address, signer=SIGNER) as service, plain(address) as by_hand:
        worked = Worked(by_hand)
        for what, microseconds in filled.items():
            said = f"{what} of {works:,} works"
            yield Result(said, microseconds, "µs/fact", point=(what, works))
        operations = _operations(service, pools, works, TIMES[size])
        key = partial(by_hand.execute, "SELECT state FROM stored_events WHERE position = ?")
        hand = worked.each(TIMES[size], lambda number: len(key([1 + number % facts])))
        for what, ask in operations.items():
            ask(0)
            took, items = worked.each(TIMES[size], ask)
            growth[what].append(Cost(works, took, items))
            yield Result(
                f"{what}, {works:,} works",
                took,
                "µs",
                (Peer("one row by key, in hand-written SQL", hand[0]),),
                f"{items:.1f} items" if items != 1 else "",
                point=(what, works),
            )
        if is_postgres(address) and size != "small":
            yield from vacuumed(service, address, operations["an append"], works, TIMES[size])
            yield from partitioned(by_hand, _streams(works, TIMES[size]), works)
        for table, (rows, size_bytes) in _tables(by_hand, address).items():
            if size == "small" and table != FACTS.name:
                continue  # which others have many rows differs by engine
            yield Result(
                f"{table}, {works:,} works",
                size_bytes / facts,
                "bytes/fact",
                (),
                f"{rows:,} rows of {size_bytes / max(rows, 1):,.0f} bytes",
                point=(table, works),
            )
    own, mapped = _memory(address, works, QUESTIONS[size])
    said = f"and {mapped:,.0f} MB of the file's pages" if mapped else "proportional set size"
    what = f"a worker after {QUESTIONS[size]:,} questions, {works:,} works"
    yield Result(what, own, "MB", (), said, at_most(150), point=("a worker", works))


def _filled(
    service: Service, works: int, worked: Worked
) -> tuple[list[str], int, dict[str, float]]:
    """The pools, how many facts there are, and what it cost to record, fold and log each."""
    begun = worked.seconds()
    # The pools come first, because nowhere are the latest documents only people who are payees.
    pools = opened_pools(service.journal, max(works // WORKS_A_POOL, 2))
    record(service.journal, community(works), before=service.journal.facts.head())
    for number, pool in enumerate(pools):
        service.journal.record(revenue_of(pool, number))
    for number in range(CHALLENGES):
        issuer = id_of("person", number * works // PIECES_A_PERSON // CHALLENGES)
        service.journal.record(_challenge(number), by=issuer)
    facts = service.journal.facts.head()
    recorded = worked.seconds()
    Rebuild(service.journal, service.store, processes=0).run()
    folded = worked.seconds()
    service.log.catch_up()
    logged = worked.seconds()
    spent = {"recording": recorded - begun, "folding": folded - recorded, "log": logged - folded}
    return pools, facts, {what: 1e6 * each / facts for what, each in spent.items()}


def _challenge(number: int) -> IssueChallenge:
    medium, role = CRAFTS[number % len(CRAFTS)]
    return IssueChallenge(
        id=challenge_id(number),
        title=f"For a {role}",
        prompt="Whatever you like.",
        roles=(role,),
        media=(medium,),
    )


def _operations(
    service: Service, pools: Sequence[str], works: int, times: int
) -> dict[str, Callable[[int], int]]:
    """What is measured, by its name: each takes a number and returns the size of its answer."""
    random, journal = Random(works), service.journal
    people = max(works // PIECES_A_PERSON, 1)
    payees = payees_of(journal, pools[:50])[::PAYEES]
    roots = _roots(service, works, times)
    titles = [str(seen(service, around.work, id)["title"]) for id, _ in roots]

    def listed(ask: Callable[..., Page[Any]], *said: Any, **more: Any) -> int:
        return len(seen(service, ask, *said, **more).items) or 1

    def person() -> str:
        return id_of("person", random.randrange(people))

    def append(_: int) -> int:
        return min(journal.record(submission(person())).position, 1)

    def revenue(number: int) -> int:
        return min(journal.record(revenue_of(pools[number % len(pools)], number)).position, 1)

    def contributors(number: int) -> int:
        root, size = roots[number % times]
        return listed(parts.of_work, root) and size

    def statement(number: int) -> int:
        payee = payees[number % len(payees)]
        return len(seen(service, statement_of, journal, payee, actor=OPERATOR)) and 1

    return {
        "an append": append,
        "a revenue": revenue,
        "a piece": lambda n: len(seen(service, around.work, roots[n % times][0])) and 1,
        "the latest works": lambda _: listed(listing.works),
        "contributors": contributors,
        "the statement of a contributor": statement,
        "a receipt": lambda _: bool(service.log.receipt(random.randint(1, service.log.size()))),
        "the inbox count": lambda _: seen(service, inbox.how_many, journal, person()) + 1,
        "the inbox": lambda _: listed(inbox.inbox, journal, actor=person()),
        "a search for a frequent word": lambda n: listed(
            searching.search, q=f"{WORDS[n % len(WORDS)]} "
        ),
        "a search for a full title": lambda n: listed(searching.search, q=titles[n % times]),
        "people for a challenge": lambda n: listed(
            suggesting.people_for, challenge_id(n % CHALLENGES)
        ),
        "challenges for a person": lambda _: listed(suggesting.challenges_for, journal, person()),
    }


def _roots(service: Service, works: int, times: int) -> list[tuple[str, int]]:
    """Random works, each with how many works contribute to it."""
    with service.store.view() as view:
        return [
            (id, 1 + len(listing.ancestors(view, id, limit=1_000_000).items))
            for id in _streams(works, times)
        ]


def _streams(works: int, times: int) -> list[str]:
    random = Random(works)
    return [id_of("work", random.randrange(works)) for _ in range(times)]


# -- bytes -------------------------------------------------------------------------------------


def _tables(by_hand: Plain, address: str) -> dict[str, tuple[int, int]]:
    """Rows and bytes, including indexes, of every table with more than MANY rows."""
    if is_postgres(address):
        found = by_hand.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relnamespace = "
            "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
        )
    else:
        found = by_hand.execute(
            "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d "
            "JOIN sqlite_schema m ON m.name = d.name "
            "GROUP BY m.tbl_name"
        )
    counted = {
        table: (int(by_hand.execute(f"SELECT count(*) FROM {table}")[0][0]), int(size))
        for table, size in found
    }
    return {table: one for table, one in sorted(counted.items()) if one[0] > MANY}


MANY = 100
"""Only tables with more rows are shown."""

# -- memory ------------------------------------------------------------------------------------

WORKER = """
import json, re, sys
from pathlib import Path
from random import Random
from api.application import create_app
from scripts.generate import id_of
from scripts.service import open_service
address, works, questions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
KEY = "the-key-of-a-worker-that-is-measured"
with open_service(address, operator_key=KEY) as service:
    app = create_app(service.journal, service.store, service.keys, service.log)
    client, random = app.test_client(), Random(works)
    for number in range(questions):
        path = f"/works/{id_of('work', random.randrange(works))}{('', '/contributors')[number % 2]}"
        assert client.get(path, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
    kilobytes, is_database = {False: 0, True: 0}, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            is_database = line.endswith(address.removeprefix("sqlite:///"))
        elif line.startswith("Pss:"):
            kilobytes[is_database] += int(line.split()[1])
    print(json.dumps([kilobytes[False] / 1024, kilobytes[True] / 1024]))
"""


def _memory(address: str, works: int, questions: int) -> tuple[float, float]:
    """Megabytes of a process that has answered so many random questions, and of pages it mapped.

    The system takes back the pages of the file of SQLite when it needs the room.
    """
    words = [sys.executable, "-c", WORKER, address, str(works), str(questions)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    own, mapped = json.loads(done.stdout)
    return own, mapped
