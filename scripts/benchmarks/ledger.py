"""The peer of ``money``: the same postings, written by hand into tables of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count, islice
from typing import TypeVar

from scripts.benchmarks.by_hand import Plain, is_postgres, plain, scratch

T = TypeVar("T")
PAYEES = 3
BATCH = 500
BY_HAND = 100_000
"""How many revenues there are at most before it begins; with a million it is not quicker."""

Actions = Iterable[Callable[[], object]]


def by_hand(opened: ExitStack, database: str, revenues: int, pools: int) -> dict[str, Actions]:
    """By name: each way, with so many revenues before it begins, and a posting at each step."""
    address = opened.enter_context(scratch(database))
    engine = opened.enter_context(plain(address))
    ways: dict[str, Callable[[Plain, int, int], None]] = {
        "the same postings in hand-written SQL": _by_hand
    }
    _tables(engine, pools)
    if is_postgres(database):
        engine.execute(TRANSFER)
        ways["transfers by a stored function, as pgledger"] = _by_function
    numbers = count()
    for some in in_batches(islice(numbers, min(revenues, BY_HAND)), BATCH):
        with engine.transaction():
            for number in some:
                _post(engine, number, pools)
    return {
        name: (partial(way, engine, number, pools) for number in numbers)
        for name, way in ways.items()
    }


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
    """The account that money comes from, and the amounts that go to other accounts."""
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


def in_batches(every: Iterator[T], size: int) -> Iterator[list[T]]:
    """Lists of up to ``size`` consecutive items."""
    while some := list(islice(every, size)):
        yield some
