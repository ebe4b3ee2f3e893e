"""What money reads follows from what is asked for, not from what happened in a pool before."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from money import AGREED, Bank, bank

from domain.permission import OPERATOR
from projections.money import statements
from projections.money.pools import statement as pool_statement
from projections.money.pools.revenue import revenue_of

AGENT = {"type": "fees", "fees": [{"payee": "agent", "rate": "1/10"}], "then": AGREED}


@contextmanager
def read_by(told: Bank, of: str = "") -> Iterator[list[str]]:
    """The statements that are executed meanwhile, each once for every row that it returns."""
    engine, rows = told.store.engine, list[str]()
    ask = engine.query

    def counting(sql: str, /, **values: Any) -> Any:
        found = ask(sql, **values)
        rows.extend([sql] * len(found) if of in sql else [])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "query", counting)
        yield rows


def earn_many(told: Bank, pool: str, times: int, amount_minor: int = 10) -> None:
    for _ in range(times):
        told.earn(pool, amount_minor)


def test_revenue_below_zero_reads_only_what_it_takes_back(database: str) -> None:
    with bank(database) as told:
        pool, (ana, ben) = told.pool(), told.people("Ana", "Ben")
        for first in (ana, ben):  # under two agreements
            told.accept(told.agree(pool, {first: "2/3", "house": "1/3"}), first)
            earn_many(told, pool, 12)
        found = []
        for more in (0, 40):
            earn_many(told, pool, more)
            with read_by(told, "FROM books") as rows:
                told.earn(pool, -15)
            found.append(len(rows))
        assert found[0] == found[1] < 50, found
        told.earn(pool, -500)  # in several batches, the latest first, also of the first agreement
        told.service.follower.catch_up()
        with told.view() as view:
            every = revenue_of(view, told.journal, pool, actor=OPERATOR, limit=100).items
        came = [each for each in every if each["amount_minor"] > 0]
        taken = [each["taken_back_minor"] for each in every if each["amount_minor"] < 0]
        assert taken == [15, 15, 500]
        assert [each["reversed_minor"] for each in came] == [0] * 11 + [10] * 53


def test_a_statement_reads_what_its_period_has_and_not_the_years_before(database: str) -> None:
    """Of somebody who recoups an advance, of a name with an account, and of the pool."""
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        account = {"account": "x", "payee": ana, "advance_minor": 100_000}
        account |= {"earned_minor": 0, "paid_minor": 0}
        advance = {"type": "advance", "account": "x", "to": "label", "accounts": [account]}
        pool = told.pool(terms={**advance, "then": AGENT})
        told.accept(told.agree(pool, {ana: "1/2", ben: "1/2"}), ana, ben)
        found: list[list[int]] = []
        for before in (12, 30):
            earn_many(told, pool, before, 100)
            told.pay()
            since = told.head()
            earn_many(told, pool, 3, 100)
            told.service.follower.catch_up()
            found.append([])
            with told.view() as view:
                for payee in (ana, ben, "label", "agent"):
                    with read_by(told) as rows:
                        every = statements.statement(view, told.journal, payee, after=since)
                    found[-1].append(len(rows))
                    assert [len(one["movements"]) for one in every["statements"]] == [3], payee
                with read_by(told) as rows:
                    pool_statement(view, told.journal, pool, actor=OPERATOR)
                found[-1].append(len(rows))
        assert found[0] == found[1], found
        with told.view() as view:  # before the pool was opened
            assert statements.statement(view, told.journal, ana, until=3)["statements"] == []
