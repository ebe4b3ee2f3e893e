"""Revenue below zero takes back what came in before and what comes next; nobody is asked to pay."""

from typing import Any

import pytest
from money import Bank, bank, halves
from test_money_booked import TERMS_OF_ALL_KINDS

from domain.permission import OPERATOR
from domain.refusal import BadAmount, ReversalTooLarge
from projections.money import earning, statements
from projections.money.bookkeeping import bookings
from projections.money.pools import statement as pool_statement
from projections.money.pools.revenue import revenue_of

ESCALATOR = {
    "type": "escalator",
    "earned_minor": 0,
    "bands": [
        ["100000", [["author", "1/10"], ["house", "9/10"]]],
        [None, [["author", "3/20"], ["house", "17/20"]]],
    ],
}


def where_it_is(told: Bank, pool: str) -> Any:
    told.service.follower.catch_up()
    with told.view() as view:
        return pool_statement(view, told.journal, pool, actor=OPERATOR)


def test_a_month_below_zero_takes_back_the_latest_first(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        january, february = told.earn(pool, 1_000, "2026-01"), told.earn(pool, 100, "2026-02")
        short = told.earn(pool, -301, "2026-03", source="another shop")
        assert told.account() == {a: 399 + 1, b: 399}
        books = told.books()
        left = [books.revenues[each].left_minor for each in (january, february, short)]
        assert left == [799, 0, 0]
        with pytest.raises(ReversalTooLarge):
            told.reverse(short)
        assert told.reverse(january, 799)
        shown = where_it_is(told, pool)
        assert (shown["received_minor"], shown["reversed_minor"]) == (799, 799)
        with told.view() as view:
            page = revenue_of(view, told.journal, pool, actor=OPERATOR)
        assert [each["taken_back_minor"] for each in page.items] == [0, 0, 301]
        assert page.items[1]["reversals"][0]["against"] == short


def test_what_is_listed_less_what_was_reversed_is_what_came_in(database: str) -> None:
    """What a negative month takes back is reversed where it came in, and was taken only once."""
    with bank(database) as told:
        pool, *_ = halves(told)
        first = told.earn(pool, 1_000, "2026-01")
        told.earn(pool, -1_700, "2026-02")
        told.earn(pool, 300, "2026-03")
        told.reverse(told.earn(pool, 500, "2026-04"), 40)
        with told.view() as view:
            listed = bookings(view, told.journal, actor=OPERATOR, kind="revenue").items
        came = [
            each["amount_minor"] - each["reversed_minor"] + each["taken_back_minor"]
            for each in listed
        ]
        shown = where_it_is(told, pool)
        assert sum(came) == shown["received_minor"] - shown["reversed_minor"] == 60
        assert [each["taken_back_minor"] for each in listed] == [1_700, 0, 0, 0]
        assert listed[1]["id"] == first


def test_what_was_never_there_is_taken_from_what_comes_next(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        told.earn(pool, 100)
        told.earn(pool, -140)
        assert told.account() == {}
        shown = where_it_is(told, pool)
        assert (shown["received_minor"], shown["waiting_minor"]) == (-40, -40)
        assert [each["because"] for each in shown["waiting"]] == ["below_zero"]
        told.earn(pool, 30)
        assert told.account() == {}
        told.earn(pool, 20)
        assert told.account() == {a: 5, b: 5}
        assert where_it_is(told, pool)["waiting"] == []


def test_what_was_paid_out_becomes_a_debt_that_nobody_is_asked_to_pay(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        told.earn(pool, 100)
        assert told.pay() == {a: 50, b: 50}
        told.earn(pool, -60)
        assert told.account() == {a: -30, b: -30}
        told.earn(pool, 100)
        assert told.pay() == {a: 20, b: 20}


def test_before_shares_are_agreed_it_reduces_what_waits(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        a, b = told.people("Ana", "Ben")
        told.earn(pool, 100)
        told.earn(pool, -30)
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
        assert told.account() == {a: 35, b: 35}


def test_deferred_revenue_counts_what_its_source_took_back(database: str) -> None:
    with bank(database) as told:
        pool = told.pool(deferral_minor=100)
        a, b = told.people("Ana", "Ben")
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
        told.earn(pool, 90)
        told.earn(pool, -40)
        told.earn(pool, 40)
        assert told.account() == {}
        told.earn(pool, 10)
        assert told.account() == {a: 50, b: 50}


def test_bands_are_those_of_what_is_left(database: str) -> None:
    with bank(database) as told:
        pool = told.pool(terms=ESCALATOR)
        for units in (90_000, 30_000, -30_000, -100_000, 35_000):
            told.earn(pool, units, "2026-04")
        assert told.account() == {"author": 2_500, "house": 22_500}


def test_whatever_the_terms_the_order_of_months_changes_nothing(database: str) -> None:
    """But for caps on each revenue: what they gave depends on what came in at once."""
    with bank(database) as told:
        a, b = told.people("Ana", "Ben")
        for number, terms in enumerate(TERMS_OF_ALL_KINDS):
            if terms["type"] == "fees":
                continue
            found = []
            for months in ((40_000, 30_000, -50_000, 45_000), (-50_000, 40_000, 30_000, 45_000)):
                pool = told.pool(f"{number} {months[0]}", terms=terms)
                told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
                for units in months:
                    told.earn(pool, units)
                found.append(told.account(pool=pool))
                assert sum(found[-1].values()) == 65_000
            for payee in {*found[0], *found[1]}:
                assert abs(found[0].get(payee, 0) - found[1].get(payee, 0)) <= 1, terms["type"]


def test_it_is_a_line_of_its_month(database: str) -> None:
    with bank(database) as told:
        pool, a, _ = halves(told)
        told.earn(pool, 1_000, "2026-01")
        told.earn(pool, -300, "2026-03", note="More came back than was sold.")
        told.service.follower.catch_up()
        with told.view() as view:
            (one,) = statements.statement(view, told.journal, a)["statements"]
            assert [
                (line["kind"], line["effective_at"][:7], line["amount_minor"])
                for line in one["lines"]
                if line["effective_at"]
            ] == [("division", "2026-01", 500), ("reversal", "2026-03", -150)]
            assert one["movements"][-1]["reason"] == "More came back than was sold."
            (by_month,) = earning.earnings(view, told.journal, a, actor=OPERATOR)["earnings"]
        assert [(each["month"], each["earned_minor"]) for each in by_month["months"]] == [
            ("2026-01", 500),
            ("2026-03", -150),
        ]


def test_revenue_of_zero_is_refused(database: str) -> None:
    with bank(database) as told:
        pool, *_ = halves(told)
        with pytest.raises(BadAmount):
            told.earn(pool, 0)


@pytest.mark.parametrize("deferral_minor", [0, 100])
def test_what_a_source_took_back_from_others_defers_nothing_by_itself(
    database: str, deferral_minor: int
) -> None:
    """A shop took back more than it ever sold, of what another shop had brought in; what it sells
    later is divided, unless the pool defers sources that have not brought in enough."""
    with bank(database) as told:
        pool = told.pool(deferral_minor=deferral_minor)
        a, b = told.people("Ana", "Ben")
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
        told.earn(pool, 1_000, source="stage")
        told.earn(pool, -1_300, source="shop")
        told.earn(pool, 500, source="shop")
        shown = where_it_is(told, pool)["waiting"]
        if deferral_minor:
            assert [(each["brought_minor"], each["because"]) for each in shown] == [
                (-800, "deferred")
            ]
        else:
            assert shown == []
            assert told.account(pool=pool) == {a: 100, b: 100}
