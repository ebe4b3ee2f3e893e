"""Money: a revenue divided and recorded, beside the same postings by hand, at growing numbers.

Every pool has three payees of its own, a contributor and two names, and a carry. By hand, a
transaction inserts the revenue and an entry for each payee and updates the balances; on PostgreSQL,
also by a stored function for each posting, as pgledger has it: a transfer locks both accounts and
writes two entries. Neither decides what anybody gets, keeps what was agreed, or can be verified.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from api.application import create_app
from domain.command import Command
from domain.commands.admitting import AdmitContributor
from domain.commands.releasing import AssembleRelease, Component
from domain.commands.submitting import SubmitContribution
from domain.journal import Journal
from domain.money.books import Books
from domain.money.dividing import RecordRevenue
from domain.money.elsewhere import RecordAgreement
from domain.money.paying import IssuePayouts
from domain.money.proposing import OpenPool
from scripts.benchmarks.measure import (
    Peer,
    Plain,
    Result,
    Size,
    engine_of,
    is_postgres,
    percentile,
    plain,
    scratch,
    seconds,
)
from scripts.bundle import found_in, import_lines
from scripts.service import open_service

T = TypeVar("T")
SIZES = {"small": ((200, 10),), "full": ((1_000, 100), (10_000, 1_000), (100_000, 10_000))}
"""How many revenues there are in how many pools."""
TIMES = {"small": 20, "full": 200}
LINES = {"small": 200, "full": 10_000}
IMPORTED = {"small": 2_000, "full": 100_000}
"""How many lines a shop's file of sales has, for 100 pools."""
BATCH = 500
SOLD = 100
TERRITORIES = ("DE", "FR", "US", "JP", "BR")
KEY = "a-key-for-the-benchmark"
PAYEES = 3


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds by median, megabytes, and lines per second."""
    for revenues, pools in SIZES[size]:
        with scratch(database) as address:
            yield from _at(address, revenues, pools, size)


def _at(address: str, revenues: int, pools: int, size: Size) -> Iterator[Result]:
    which, times = f"of {revenues:,} in {pools:,} pools", TIMES[size]
    told = partial(Result, "money", engine_of(address))
    with open_service(address) as service:
        journal = service.journal
        opened = _opened(journal, pools)
        _carry_out(journal, (_revenue(opened[n % pools], n) for n in range(revenues)))
        more = (_revenue(opened[7 * n % pools], n) for n in count())
        ours, worked = _median(partial(journal.record, one) for one in islice(more, times))
        peers = tuple(_peers(address, revenues, pools, times))
        yield told(f"a revenue {which}, p50", ours, "ms", peers, worked)
        lines = LINES[size]
        taken = seconds(lambda: _carry_out(journal, islice(more, lines)))
        yield told(f"revenues in batches {which}", lines / taken, "lines/s")
        sales = (_revenue(opened[n % pools], n, SOLD) for n in range(lines // SOLD))
        taken = seconds(lambda: _carry_out(journal, sales))
        yield told(f"sales, {SOLD} to a revenue, {which}", lines / taken, "lines/s")
        rate = _imported(journal, opened[:100], IMPORTED[size])
        yield told(f"a file of {IMPORTED[size]:,} sales {which}", rate, "lines/s")
    fresh, memory = _fresh(address, opened, times)
    yield told(f"the first command of a process {which}", fresh, "ms")
    yield told(f"memory of a process {which}", memory, "MB")
    for what, (taken, worked) in _answers(address, opened[:times]):
        yield told(f"{what} {which}, p50", taken, "ms", (), worked)
    with open_service(address) as service:
        taken = seconds(partial(service.journal.record, IssuePayouts(currency="USD")))
        yield told(f"a batch of {3 * pools:,} payouts {which}", 1_000 * taken, "ms")


def _median(actions: Iterable[Callable[[], object]]) -> tuple[float, str]:
    """Milliseconds, and how many of them this process worked, whatever else the machine does."""
    began, taken = time.process_time(), [1_000 * seconds(action) for action in actions]
    worked = 1_000 * (time.process_time() - began) / len(taken)
    return percentile(taken, 50), f"{worked:.3g} ms of processor time"


def _imported(journal: Journal, pools: list[str], lines: int) -> float:
    """How many lines of a shop's table are imported in a second."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        rows = (
            f"{pools[n % len(pools)]},Shop,2026-01,{TERRITORIES[n // len(pools) % 5]},streaming,1,"
            f"0.0109342{n:06}"
            for n in range(lines)
        )
        head = "Pool,Shop,Period,Country,Channel,Quantity,Amount"
        path.write_text("\n".join([head, *rows]) + "\n")
        return lines / seconds(lambda: import_lines(journal, found_in(path, "sales")))


def _answers(address: str, pools: list[str]) -> Iterator[tuple[str, tuple[float, str]]]:
    """The statement of a pool and of a contributor, and why somebody got what they got."""
    with open_service(address, operator_key=KEY) as service:
        service.follower.catch_up()
        app = create_app(service.journal, service.store, service.keys, service.log)
        client, key = app.test_client(), {"Authorization": f"Bearer {KEY}"}
        books = service.journal.books()

        def ask(path: str) -> None:
            assert client.get(path, headers=key).status_code == 200, path

        paths = [f"/pools/{pool}/statement" for pool in pools]
        yield "the statement of a pool", _median(partial(ask, path) for path in paths)
        people = [next(iter(books.agreements[each].shares)) for each in _agreements(books, pools)]
        paths = [f"/contributors/{person}/statement" for person in people]
        yield "the statement of a contributor", _median(partial(ask, path) for path in paths)
        latest = [(books.divisions_of(pool)[-1][0], books.sums[pool].carry) for pool in pools]
        paths = [
            f"/entries/{entry}/lines/{payee}/why" for entry, carry in latest for payee in (*carry,)
        ]
        yield "why a payee got that", _median(partial(ask, path) for path in paths[: len(pools)])


def _agreements(books: Books, pools: list[str]) -> Iterator[str]:
    for pool in pools:
        yield books.pools[pool].agreements[-1]


# -- ours ----------------------------------------------------------------------------------------


def _opened(journal: Journal, pools: int) -> list[str]:
    """Pools of one release, each with an agreement of its own."""
    person = journal.record(AdmitContributor(name="Ana")).id
    credit = {"contributor": person, "role": "writer"}
    piece = SubmitContribution.of({"title": "Song", "medium": "text", "authors": [credit]})
    work = journal.record(piece).id
    release = journal.record(AssembleRelease(title="Album", components=(Component(work=work),))).id
    terms, found = {"type": "agreed"}, []
    for numbers in _batches(iter(range(pools)), 50):
        draft = journal.draft()
        for number in numbers:
            said: dict[str, Any] = {"release": release, "kind": "song", "currency": "USD"}
            pool = draft.carry_out(OpenPool(name=f"pool {number}", terms=terms, **said)).id
            payee = draft.carry_out(AdmitContributor(name=f"Ana {number}")).id
            shares = [[payee, "1/2"], [f"label {number}", "1/3"], [f"studio {number}", "1/6"]]
            assets = ({"asset": "all of it", "value": "1", "shares": shares},)
            agreement = RecordAgreement(
                pool=pool, assets=assets, agreed_on="2026-01", document="sheet", consents=(payee,)
            )
            draft.carry_out(agreement)
            found.append(pool)
        journal.commit(draft)
    return found


def _revenue(pool: str, number: int, sold: int = 0) -> RecordRevenue:
    said = {"pool": pool, "source": "shop", "effective_at": "2026"}
    if not sold:
        return RecordRevenue.of({**said, "amount_minor": 1_000 + 7 * number % 991})
    kinds = [{"territory": TERRITORIES[n % 5], "channel": "streaming"} for n in range(sold)]
    lines = [{**kind, "units": 1, "amount": f"0.0109342{n:04}"} for n, kind in enumerate(kinds)]
    return RecordRevenue.of({**said, "sold": lines})


def _carry_out(journal: Journal, commands: Iterator[Command]) -> None:
    for some in _batches(commands, BATCH):
        draft = journal.draft(is_vouched_for=True)
        for command in some:
            draft.carry_out(command)
        journal.commit(draft)


def _batches(every: Iterator[T], size: int) -> Iterator[list[T]]:
    while some := list(islice(every, size)):
        yield some


FRESH = """
import re, sys, time
from pathlib import Path
from scripts.benchmarks.money import _revenue
from scripts.service import open_service
address, times, *pools = sys.argv[1:]
with open_service(address) as service:
    first = time.perf_counter()
    service.journal.record(_revenue(pools[0], 1))
    print(1000 * (time.perf_counter() - first))
    for number in range(int(times)):
        service.journal.record(_revenue(pools[number % len(pools)], number))
    print(int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


def _fresh(address: str, pools: list[str], times: int) -> list[float]:
    """The first command of a process, and its own memory after more of them, without the pages of
    files that SQLite reads in place."""
    words = [sys.executable, "-c", FRESH, address, str(times), *pools[:100]]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return list(map(float, done.stdout.split()))


# -- by hand -------------------------------------------------------------------------------------


def _peers(database: str, revenues: int, pools: int, times: int) -> Iterator[Peer]:
    with scratch(database) as address, plain(address) as engine:
        ways: dict[str, Callable[[Plain, int, int], None]] = {"the same postings by hand": _by_hand}
        _tables(engine, pools)
        if is_postgres(database):
            engine.execute(TRANSFER)
            ways["transfers by a stored function, as pgledger"] = _by_function
        numbers = iter(count())
        for _ in range(0, revenues, BATCH):
            with engine.transaction():
                for _ in range(BATCH):
                    _post(engine, next(numbers), pools)
        for name, way in ways.items():
            each = [seconds(partial(way, engine, next(numbers), pools)) for _ in range(times)]
            yield Peer(name, 1_000 * percentile(each, 50))


def _tables(engine: Plain, pools: int) -> None:
    engine.execute(
        "CREATE TABLE ledger_accounts (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL, "
        "version BIGINT NOT NULL)"
    )
    engine.execute("CREATE TABLE ledger_revenues (id BIGINT PRIMARY KEY, pool BIGINT NOT NULL)")
    serial = "BIGSERIAL" if engine.LOADS_BY == "COPY" else "INTEGER"
    engine.execute(
        f"CREATE TABLE ledger_entries (id {serial} PRIMARY KEY, revenue BIGINT NOT NULL, "
        "account BIGINT NOT NULL, amount BIGINT NOT NULL, before BIGINT NOT NULL, "
        "after BIGINT NOT NULL)"
    )
    engine.execute("CREATE INDEX ledger_entries_of ON ledger_entries (account)")
    with engine.transaction():
        rows = [(account, 0, 0) for account in range((PAYEES + 1) * pools)]
        engine.insert("ledger_accounts", rows)


def _moves(number: int, pools: int) -> tuple[int, list[tuple[int, int]]]:
    """The account that money comes from, and what goes where."""
    first, amount = (PAYEES + 1) * (number % pools), 1_000 + 7 * number % 991
    return first, [(first + 1, amount // 2), (first + 2, amount // 3), (first + 3, amount // 6)]


def _post(engine: Plain, number: int, pools: int) -> None:
    source, moves = _moves(number, pools)
    engine.execute("INSERT INTO ledger_revenues VALUES (?, ?)", (number, number % pools))
    every = [(source, -sum(units for _, units in moves)), *moves]
    for account, units in every:
        ((before,),) = engine.execute(
            "UPDATE ledger_accounts SET balance = balance + ?, version = version + 1 WHERE id = ? "
            "RETURNING balance",
            (units, account),
        )
        engine.execute(
            "INSERT INTO ledger_entries (revenue, account, amount, before, after) "
            "VALUES (?, ?, ?, ?, ?)",
            (number, account, units, before - units, before),
        )


def _by_hand(engine: Plain, number: int, pools: int) -> None:
    with engine.transaction():
        _post(engine, number, pools)


TRANSFER = """
CREATE FUNCTION ledger_transfer(revenue BIGINT, source BIGINT, target BIGINT, units BIGINT)
RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE was BIGINT; got BIGINT;
BEGIN
    PERFORM id FROM ledger_accounts WHERE id IN (source, target) ORDER BY id FOR UPDATE;
    UPDATE ledger_accounts SET balance = balance - units, version = version + 1 WHERE id = source
        RETURNING balance INTO was;
    UPDATE ledger_accounts SET balance = balance + units, version = version + 1 WHERE id = target
        RETURNING balance INTO got;
    INSERT INTO ledger_entries (revenue, account, amount, before, after) VALUES
        (revenue, source, -units, was + units, was), (revenue, target, units, got - units, got);
END $$
"""


def _by_function(engine: Plain, number: int, pools: int) -> None:
    source, moves = _moves(number, pools)
    with engine.transaction():
        engine.execute("INSERT INTO ledger_revenues VALUES (?, ?)", (number, number % pools))
        for target, units in moves:
            engine.execute("SELECT ledger_transfer(?, ?, ?, ?)", (number, source, target, units))
