"""Every way of asking about money tells the same: books, ledger, statements, beancount.

Rule: the answers are compared with each other, and none with what should be.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from money import Bank

from domain.money.held import DEBT, HELD, PAYABLE
from domain.money.postings import OWED
from domain.permission import OPERATOR
from projections.money import statements
from projections.money.balances import NOT_OWED
from projections.money.pools import ledger
from projections.money.pools import statement as pool_statement
from projections.money.pools.beancount import _ROOTS, beancount
from projections.store import View

Sums = dict[tuple[str, str], int]
"""By account and payee."""


def must_tie(told: Bank, pools: Iterable[str], people: Iterable[str]) -> None:
    """Every way of asking about these pools and people tells the same."""
    with told.view() as view:
        for pool in pools:
            books = _in_books(told, pool)
            assert _in_ledger(told, view, pool) == books
            assert _in_statement(told, view, pool) == books
            assert _in_beancount(told, view, pool) == _by_account(books)
        for person in people:
            _must_close(told, view, person)


def _kept(sums: Sums) -> Sums:
    return {key: units for key, units in sums.items() if units}


def _by_account(sums: Sums) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for (account, _), units in sums.items():
        found[account] += units
    return {account: units for account, units in found.items() if units}


def _in_books(told: Bank, pool: str) -> Sums:
    books, found = told.books(), defaultdict[tuple[str, str], int](int)
    for (payee, agreement), units in books.accounts.items():
        if books.agreements[agreement].pool == pool:
            for account, amount in units.items():
                found[account, payee] += amount
    return _kept(found)


def _in_ledger(told: Bank, view: View, pool: str) -> Sums:
    found = defaultdict[tuple[str, str], int](int)
    after = None
    while True:
        page = ledger(view, told.journal, pool, actor=OPERATOR, after=after, limit=100)
        for fact in page.items:
            # What a fact says of a pool sums to zero, but for what is sent in another currency.
            for posting in fact["postings"]:
                if posting["payee"] is not None:
                    found[posting["account"], posting["payee"]["id"]] += posting["amount_minor"]
        if (after := page.next) is None:
            return _kept(found)


def _in_statement(told: Bank, view: View, pool: str) -> Sums:
    stated: Any = pool_statement(view, told.journal, pool, actor=OPERATOR)
    found: Sums = {}
    for line in stated["lines"]:
        payee = line["payee"]["id"]
        found[OWED, payee] = (
            sum(line[f"{n}_minor"] for n in (PAYABLE, HELD)) - line[f"{DEBT}_minor"]
        )
        for account in NOT_OWED:
            found[account, payee] = line[f"{account}_minor"]
        assert line["earned_minor"] == sum(units for (_, of), units in found.items() if of == payee)
    for name, total in stated["totals"].items():
        assert total == sum(line[name] for line in stated["lines"])
    came = stated["received_minor"] - stated["reversed_minor"] + stated["opening_minor"]
    assert came == stated["waiting_minor"] + stated["divided_minor"]
    return _kept(found)


def _in_beancount(told: Bank, view: View, pool: str) -> dict[str, int]:
    text, found = beancount(view, told.journal, pool=pool), defaultdict[str, Fraction](Fraction)
    roots = {root: account for account, root in _ROOTS.items()}
    for name, payee, amount in re.findall(
        r"^  ([A-Z][\w-]+:[\w-]+)(:\S+)?  (\S+) [A-Z]+$", text, re.MULTILINE
    ):
        if payee and name in roots:
            found[roots[name]] -= Fraction(amount) * 100
    return {account: int(units) for account, units in found.items() if units}


def _must_close(told: Bank, view: View, person: str) -> None:
    """What a statement says at its end is its beginning with all of its lines."""
    for one in statements.statement(view, told.journal, person)["statements"]:
        net, lines = one["net"], one["movements"]
        moved = sum(line["amount_minor"] for line in lines if line["kind"] != "recouped")
        kept = one["held_minor"]
        assert net["opening_minor"] + moved - kept == net["closing_minor"]
        summed = one["earned_minor"] - one["held_minor"] - one["reserved_minor"] - one["paid_minor"]
        assert net["opening_minor"] + summed == net["closing_minor"]
