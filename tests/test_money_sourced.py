"""Withholding by the country of each sale: what is paid draws on what came from where."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from money import AGREED, Bank, bank
from test_money_remitted import withhold

from domain.money import dividing, netting
from domain.money.reckoning import division_of
from domain.money.sourcing import OF_POOL, countries_of, drawn, shared
from projections.money.remittances import withheld


def sold(pool: str, told: Bank, *lines: tuple[str, str | None], **said: Any) -> str:
    """A revenue by the amounts of its sales, with their territories."""
    kinds = [
        {"amount": amount} | ({"territory": territory} if territory else {})
        for amount, territory in lines
    ]
    return told.tell(
        "record_revenue", pool=pool, effective_at="2026-05", source="shop", sold=kinds, **said
    ).id


def halves(told: Bank) -> tuple[str, str, str]:
    """A pool in Japan, whose sales say where their money comes from, shared by two."""
    a, b = told.people("a", "b")
    pool = told.pool(terms=AGREED)
    told.accept(told.agree(pool, {a: "1/2", b: "1/2"}), a, b)
    told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
    return pool, a, b


def kept(told: Bank, payee: str) -> list[tuple[Any, ...]]:
    """By country of the latest payout: of how much, and how much is withheld."""
    payout = [one for one in told.since(0, "payout.issued") if one.payee == payee][-1]
    return [(country, of, units) for country, _, _, of, units in payout.withheld]


def test_each_sale_is_withheld_for_by_its_own_country(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        withhold(told, a, "0.1", "DE")
        withhold(told, a, "1/5", "JP")
        sold(pool, told, ("60.00", "us"), ("20.00", "DE"), ("10.00", "Europe"), ("10.00", None))
        told.pay()
        assert kept(told, a) == [("DE", 1_000, 100), ("JP", 1_000, 200), ("US", 3_000, 900)]
        assert kept(told, b) == [("DE", 1_000, 0), ("JP", 1_000, 0), ("US", 3_000, 0)]
        with told.view() as view:
            year = withheld(view, told.journal, year=told.clock.now.year, actor="operator")
        sums = {
            (line["payee"]["id"], line["country"]): (line["paid_minor"], line["withheld_minor"])
            for line in year["lines"]
        }
        assert sums[a, "US"] == (3_000, 900)
        assert sums[b, "DE"] == (1_000, 0)


def test_what_comes_back_from_a_country_is_taken_of_what_came_from_there(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        withhold(told, a, "0.1", "DE")
        revenue = sold(pool, told, ("100.00", "US"))
        assert told.pay() == {a: 5_000, b: 5_000}
        told.reverse(revenue, 5_000)
        sold(pool, told, ("100.00", "DE"))
        assert told.pay() == {a: 2_500, b: 2_500}
        assert kept(told, a) == [("DE", 5_000, 500), ("US", -2_500, 0)]
        sold(pool, told, ("10.00", "US"))
        told.pay()
        assert kept(told, a) == [("US", 500, 150)]


def test_what_negative_revenue_takes_back_came_from_its_own_countries(database: str) -> None:
    """Returns in one country were taken of what was sold in others, too."""
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        withhold(told, a, "0.1", "DE")
        sold(pool, told, ("100.00", "DE"), ("10.00", "US"))
        sold(pool, told, ("-30.00", "US"))
        assert told.pay() == {a: 4_000, b: 4_000}
        assert kept(told, a) == [("DE", 5_000, 500), ("US", -1_000, 0)]
        sold(pool, told, ("-90.00", "US"))  # 80.00 are taken back, 10.00 when more comes in
        sold(pool, told, ("90.00", "DE"), ("10.00", "US"))
        told.pay()
        assert kept(told, a) == [("DE", 4_500, 450), ("US", -4_000, 0)]


@pytest.mark.parametrize("are_due", [False, True])
def test_it_does_so_too_if_nothing_is_divided_yet(database: str, are_due: bool) -> None:
    with bank(database) as told:
        pool, (a, b) = told.pool(), told.people("a", "b")
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        withhold(told, a, "0.1", "DE")
        lines = [("100.00", "DE"), ("10.00", "US")], [("-30.00", "US")]
        for each in reversed(lines) if are_due else lines:
            sold(pool, told, *each)
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
        assert told.pay() == {a: 4_000, b: 4_000}
        assert kept(told, a) == [("DE", 5_000, 500), ("US", -1_000, 0)]


def test_a_payout_by_earlier_rules_is_verified(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "division_of", partial(division_of, rules=3))
    monkeypatch.setattr(netting, "rules_of_reversal", lambda *_: 3)
    monkeypatch.setattr(netting, "RULES_OF_REVERSALS", 3)
    with bank(database) as told:  # is verified at its end
        pool, a, b = halves(told)
        sold(pool, told, ("100.00", "DE"), ("10.00", "US"))
        sold(pool, told, ("-55.00", "US"))
        assert told.pay() == {a: 2_750, b: 2_750}
        assert kept(told, a) == [("DE", 2_500, 0), ("US", 250, 0)]


def test_what_is_assigned_takes_its_countries_along(database: str) -> None:
    """It came from the country of the pool, and left its countries with who had it before."""
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.1", "DE")
        withhold(told, b, "0.3", "DE")
        sold(pool, told, ("60.00", "DE"), ("40.00", "US"))
        said = {"payee": a, "currency": "USD", "reason": "r", "evidence": "e"}
        told.tell("record_assignment", to="heir", amount_minor=1_000, **said)
        assert told.pay() == {a: 4_000, b: 5_000, "heir": 1_000}
        assert kept(told, a) == [("DE", 2_400, 240), ("US", 1_600, 0)]
        assert kept(told, "heir") == [("DE", 600, 0), ("US", 400, 0)]
        told.tell(
            "record_adjustment",
            pool=pool,
            lines=[{"payee": a, "amount_minor": 70}],
            payer="house",
            reason="r",
        )
        sold(pool, told, ("20.00", "DE"))
        told.tell("record_assignment", to=b, **said)
        told.pay()
        assert kept(told, b) == [("DE", 2_000, 600), ("JP", 70, 0)]


def test_a_payout_that_came_back_draws_on_the_same_countries_again(database: str) -> None:
    with bank(database) as told:
        pool, a, _b = halves(told)
        withhold(told, a, "0.3", "US")
        sold(pool, told, ("10.00", "US"), ("30.00", "DE"))
        told.pay(payees=[a])
        before = kept(told, a)
        told.tell("return_payout", id=told.payouts()[a], reason="closed")
        told.tell("claim_payout", id=told.payouts()[a])
        told.pay(payees=[a])
        assert kept(told, a) == before == [("DE", 1_500, 0), ("US", 500, 150)]


def test_of_a_part_nobody_knows_which_so_it_is_split_as_the_whole(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        told.tell("state_reserve", pool=pool, rate="1/2", effective_at="2026-01")
        sold(pool, told, ("20.00", "US"), ("20.00", "DE"))
        assert told.pay() == {a: 1_000, b: 1_000}
        assert kept(told, a) == [("DE", 500, 0), ("US", 500, 150)]
        told.tell("free_reserve", pool=pool)
        told.pay()
        assert kept(told, a) == [("DE", 500, 0), ("US", 500, 150)]


def test_only_what_comes_in_from_then_on_goes_by_its_sales(database: str) -> None:
    with bank(database) as told:
        a = told.person("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        sold(pool, told, ("10.00", "US"))
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        sold(pool, told, ("20.00", "US"))
        told.tell("locate_pool", pool=pool, country="JP")
        sold(pool, told, ("40.00", "US"))
        told.pay()
        assert kept(told, a) == [("JP", 5_000, 0), ("US", 2_000, 0)]
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        sold(pool, told, ("80.00", "US"), ("1.00", "Atlantis"))
        told.pay()
        assert kept(told, a) == [("JP", 100, 0), ("US", 8_000, 0)]


def test_a_territory_is_a_country_or_the_pools() -> None:
    lines = [[None, "us", None, None, "1", "30"], [None, "EU", None, None, "1", "50"]]
    assert countries_of(lines) == {"US": 30, OF_POOL: 50}
    assert countries_of([[None, "US", None, None, "3", "0"]]) == {}
    assert countries_of(None) == {}
    assert shared(7, {}) == {}
    assert shared(-8, countries_of(lines)) == {"US": -3}


@given(
    st.dictionaries(st.sampled_from(["US", "DE", "JP"]), st.integers(-50, 50)),
    st.integers(-100, 100),
    st.integers(-100, 100),
)
def test_a_payment_draws_on_no_more_than_there_is(
    came: dict[str, int], owed: int, units: int
) -> None:
    found = drawn(units, owed, came)
    if units == owed:
        assert found == {country: part for country, part in came.items() if part}
    else:
        sign = -1 if units < 0 else 1
        assert all(0 < sign * part <= sign * came[country] for country, part in found.items())
        assert sum(found.values()) * sign <= abs(units)
