"""A correction gives what would have been given, had the shares and terms been known in time.

Rule: every history is told twice, once with what changes known from the beginning; what everybody
is due must be the same, exactly.
"""

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from money import AGREED, Bank, asset, bank, exactly_due
from test_money_told import SQLITE

from domain.money import dividing
from domain.money.entry import RULES_IN_PLACE
from domain.money.moving import correction_of
from domain.refusal import NothingToCorrect

Terms = dict[str, Any]


def label(rate: str, then: Terms) -> Terms:
    rest = str(1 - Fraction(rate))
    return {"type": "fixed", "shares": [["label", rate], ["artists", rest, then]]}


def advanced(payee: str) -> Terms:
    """Somebody has an advance, which a lender recoups."""
    account = {"account": "x", "payee": payee, "advance_minor": 1_000}
    accounts = [{**account, "earned_minor": 0, "paid_minor": 0}]
    more = {"account": "x", "to": "lender", "accounts": accounts}
    return {"type": "advance", **more, "then": AGREED}


def after_bank(then: Terms) -> Terms:
    return {"type": "waterfall", "tranches": [["bank", 20_000], ["rest", None, then]]}


def banded(then: Terms) -> Terms:
    bands = [["25000", [["house", "1/2"], ["artists", "1/2", then]]], [None, then]]
    return {"type": "escalator", "earned_minor": 0, "bands": bands}


def with_fee(then: Terms) -> Terms:
    fees = [{"payee": "platform", "rate": "1/10", "cap_minor": 900}]
    return {"type": "fees", "fees": fees, "then": then}


def in_germany(then: Terms) -> Terms:
    rules = [{"if": {"territory": "DE"}, "then": [["house", "1/3"], ["artists", "2/3", AGREED]]}]
    return {"type": "by_sold", "rules": rules, "otherwise": then}


AROUND: dict[str, Callable[[Terms], Terms]] = {
    "bank": after_bank,
    "bands": banded,
    "fee, bank": lambda then: with_fee(after_bank(then)),
    "bank, fee": lambda then: after_bank(with_fee(then)),
    "bands, bank": lambda then: banded(then) | {"bands": [[None, after_bank(then)]]},
    "sales": in_germany,
}


class Told(NamedTuple):
    """A history: what came in, in cents and for which month, how many fourths of it came back at
    once, and from which month what changed."""

    around: str
    is_advanced: bool
    came_in: tuple[tuple[int, int, int], ...]
    shares_from: int | None
    rate_from: int | None
    reversed: tuple[tuple[int, int], ...] = ()
    """After the correction, by the number of a revenue: how many fourths of it came back."""


def due(told: Bank, said: Told, *, is_known: bool) -> dict[str, Fraction]:
    """By payee, what is due after the correction, or if all was known from the beginning."""
    names = {who: told.person(f"{who} {is_known}") for who in "abc"}
    a, b, c = names.values()
    around, inner = AROUND[said.around], advanced(a) if said.is_advanced else AGREED
    pool = told.pool(f"pool {is_known}", terms=around(label("1/10", inner)))

    def change() -> None:
        if said.shares_from is not None:
            shares = {a: "1/4", c: "3/4"}
            told.accept(told.agree(pool, shares, f"2026-{said.shares_from:02}"), a, c)
        if said.rate_from is not None:
            later = {"effective_at": f"2026-{said.rate_from:02}", "reason": "renewed"}
            told.tell("amend_pool", pool=pool, terms=around(label("1/5", inner)), **later)

    told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2020"), a, b)
    if is_known:
        change()
    revenue: list[str] = []
    for number, (cents, month, back) in enumerate(said.came_in):
        lines = [{"territory": "DE" if number % 2 else "US", "amount": f"{cents / 100:.2f}"}]
        revenue.append(told.earn(pool, cents, f"2026-{month:02}", sold=lines))
        if taken := cents * back // 4:
            told.reverse(revenue[-1], taken)
    if not is_known:
        change()
        with suppress(NothingToCorrect):
            told.tell("correct_pool", pool=pool, reason="late")
    for number, part in said.reversed:
        told.reverse(revenue[number], said.came_in[number][0] * part // 4 or 1)
    return exactly_due(told, pool, names)


def told_twice(database: str, said: Told) -> None:
    with bank(database) as told:
        told.clock.wait(days=300)
        assert due(told, said, is_known=False) == due(told, said, is_known=True)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("is_advanced", [True, False])
@pytest.mark.parametrize("shares_from, rate_from", [(2, None), (None, 2), (2, 3), (3, 2)], ids=str)
def test_what_a_correction_gives_is_what_would_have_been_given(
    database: str, around: str, is_advanced: bool, shares_from: int | None, rate_from: int | None
) -> None:
    came_in = ((9_000, 1, 1), (22_000, 2, 0), (4_000, 1, 0), (30_000, 5, 2))
    back = ((1, 2), (3, 2), (0, 1))
    told_twice(database, Told(around, is_advanced, came_in, shares_from, rate_from, back))


months, fourths = st.integers(1, 6), st.sampled_from([0, 0, 1, 3])
changes = st.tuples(st.none() | months, st.none() | months).filter(any)


@given(
    around=st.sampled_from(sorted(AROUND)),
    is_advanced=st.booleans(),
    came_in=st.lists(st.tuples(st.integers(1, 30_000), months, fourths), min_size=1, max_size=6),
    change=changes,
)
@example(around="bank, fee", is_advanced=False, came_in=[(21_000, 1, 1)], change=(None, 1))
@settings(max_examples=settings().max_examples // 4)
def test_so_it_is_for_whatever_came_in(
    around: str,
    is_advanced: bool,
    came_in: list[tuple[int, int, int]],
    change: tuple[int | None, int | None],
) -> None:
    told_twice(SQLITE, Told(around, is_advanced, tuple(came_in), *change))


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("is_advanced", [True, False])
def test_a_waiver_gives_what_would_have_been_given_had_it_come_first(
    database: str, around: str, is_advanced: bool
) -> None:
    """Also of what comes in after it, or goes back."""

    def due(told: Bank, *, is_known: bool) -> dict[str, Fraction]:
        names = {who: told.person(f"{who} {is_known}") for who in "abc"}
        a, b, c = names.values()
        inner = advanced(a) if is_advanced else AGREED
        pool = told.pool(f"pool {is_known}", terms=AROUND[around](label("1/10", inner)))
        shares = [asset("song", {a: "1", b: "1"}), asset("beat", {a: "1", c: "3"})]
        agreed = told.agree(pool, shares, "2020")
        told.accept(agreed, b, c)
        waive = partial(told.tell, "waive_share", proposal=agreed, scope="song", actor=a)
        if is_known:
            waive()
        revenue = [told.earn(pool, cents, "2026-01") for cents in (24_000, 9_000, 1_500)]
        told.reverse(revenue[1], 4_000)
        if not is_known:
            waive()
        told.earn(pool, 8_000, "2026-02")
        told.reverse(revenue[0], 10_000)
        return exactly_due(told, pool, names)

    with bank(database) as told:
        told.clock.wait(days=300)
        assert due(told, is_known=False) == due(told, is_known=True)


@pytest.mark.parametrize(
    "rules, fee",
    [(2, 9_300), (RULES_IN_PLACE, 8_200)],
    ids=["of 41,000 after the bank 20 % and more", "20 % of them"],
)
def test_a_correction_of_earlier_rules_stays_as_it_is_and_is_verified(
    rules: int, fee: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "correction_of", partial(correction_of, rules=rules))
    came_in = ((9_000, 1, 0), (22_000, 2, 0), (30_000, 5, 0))
    with bank(database) as told:  # is verified at its end
        told.clock.wait(days=300)
        found = due(told, Told("bank", False, came_in, None, 2), is_known=False)
        (corrected,) = told.since(0, "entry.corrected")
    assert corrected.rules == rules
    assert found["label"] == fee
