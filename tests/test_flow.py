"""What a policy remembers: consecutive divisions, reversals, and what is written in instead.

Rule: dividing piece by piece is held against dividing at once.
"""

import re
from fractions import Fraction
from typing import Any

import pytest
from exact import answered
from hypothesis import given
from hypothesis import strategies as st
from test_policies import policies

from domain.money.policy.flow import Flow
from domain.money.policy.reading import Policy
from domain.money.split import Split, read_terms, split
from domain.refusal import BadSplit

amounts = st.integers(0, 1000)
incomes = st.lists(st.integers(0, 700), min_size=1, max_size=5)


def parts(policy: Policy, amount: int, flow: dict[str, Fraction]) -> dict[str, Fraction]:
    """The exact parts of an amount; what it sends is added to the flow."""
    passed = Flow(flow)
    divided = policy.parts(Fraction(amount), None, passed)
    for place, part in passed.added.items():
        flow[place] = flow.get(place, Fraction()) + part
    return {payee: Fraction(units, divided.scale) for payee, units in divided.units.items()}


def added(*parts: dict[str, Fraction]) -> dict[str, Fraction]:
    return {name: sum((each[name] for each in parts), Fraction()) for name in parts[0]}


def kinds_in(policy: Any) -> set[str]:
    """Every type of policy inside a policy; a fee with a cap is a type of its own."""
    if isinstance(policy, list):
        return set().union(*map(kinds_in, policy))
    if not isinstance(policy, dict):
        return set()
    own = {policy[field] for field in ("type",) if field in policy}
    capped = {"capped" for field in ("cap_minor", "amount_minor") if field in policy}
    return own.union(capped, *map(kinds_in, policy.values()))


FORGETFUL = {"capped", "true_up", "adjusted"}
"""What is divided anew each time: the cap of a fee, a true-up, and what is set of each amount."""


@given(policies().filter(lambda policy: not kinds_in(policy) & FORGETFUL), incomes)
def test_what_comes_in_bit_by_bit_is_divided_like_all_of_it_at_once(
    form: dict[str, Any], incomes: list[int]
) -> None:
    policy = read_terms(form)
    flow: dict[str, Fraction] = {}
    bits = [parts(policy, income, flow) for income in incomes]
    at_once: dict[str, Fraction] = {}
    assert added(*bits) == parts(policy, sum(incomes), at_once)
    assert flow == at_once


def written(form: dict[str, Any], place: str, units: int) -> None:
    """Add what went through a place to the number that stands there."""
    found = re.fullmatch(r"policy\.(\w+)(?:\[(\d+)\]\.(\w+)| \((.*)\))?", place)
    assert found, place
    field, index, number, name = found.groups()
    if index:
        form[field][int(index)][number] += units
    elif name:
        form.setdefault(field, {})
        form[field][name] = form[field].get(name, 0) + units
    else:
        form[field] += units


REMEMBERING = {"waterfall", "escalator", "advance", "true_up", "community_pool"}


@given(policies(depth=0).filter(lambda policy: policy["type"] in REMEMBERING), amounts, st.data())
def test_what_is_remembered_counts_like_what_is_written_in_the_policy(
    form: dict[str, Any], amount: int, data: st.DataObject
) -> None:
    policy = read_terms(form)
    places: dict[str, Fraction] = {}
    parts(policy, 0, places)
    flow = {place: Fraction(data.draw(st.integers(0, 300))) for place in places}
    for place, part in flow.items():
        written(form, place, int(part))
    assert parts(policy, amount, dict(flow)) == parts(read_terms(form), amount, {})


@given(policies(), amounts, amounts)
def test_a_reversal_sends_back_exactly_what_was_sent(
    form: dict[str, Any], before: int, amount: int
) -> None:
    policy = read_terms(form)
    flow = split(before, policy).flow
    there, back = split(amount, policy, flow=flow), split(-amount, policy, flow=flow)
    assert back.division.units == {p: -part for p, part in there.division.units.items()}
    assert back.flow == {place: -part for place, part in there.flow.items()}


@given(policies(), amounts)
def test_an_amount_of_nothing_sends_nothing_and_can_be_asked_at_any_time(
    form: dict[str, Any], before: int
) -> None:
    policy = read_terms(form)
    nothing = split(0, policy, flow=split(before, policy).flow)
    assert set(nothing.division.units.values()) == {0}
    assert nothing.flow == {}


@given(policies())
def test_places_do_not_depend_on_the_amount(form: dict[str, Any]) -> None:
    policy = read_terms(form)
    once, again = Flow(), Flow()
    policy.parts(Fraction(0), None, once)
    policy.parts(Fraction(10**6), None, again)
    assert [*once.added] == [*again.added]


def test_a_bank_that_recouped_is_paid_again_once_the_first_income_is_reversed() -> None:
    policy = read_terms({"type": "waterfall", "tranches": [["bank", "100"], ["ana", None]]})
    flow: dict[str, Fraction] = {}

    def sent(division: Split) -> dict[str, int]:
        for place, part in division.flow.items():
            flow[place] = flow.get(place, Fraction()) + part
        return division.division.units

    assert sent(split(100, policy, flow=flow)) == {"ana": 0, "bank": 100}
    assert sent(split(50, policy, flow=flow)) == {"ana": 50, "bank": 0}
    assert sent(split(-100, policy)) == {"ana": 0, "bank": -100}
    assert flow == {"policy.recouped (bank)": 0}
    assert sent(split(70, policy, flow=flow)) == {"ana": 0, "bank": 70}


def test_a_cap_is_that_of_one_division_and_a_fee_of_the_whole_is_remembered_nowhere() -> None:
    fees = [{"payee": "host", "rate": "1/10", "cap_minor": 5}]
    policy = read_terms({"type": "fees", "fees": fees, "then": "ana"})
    first = split(100, policy)
    assert first.flow == {}
    assert split(100, policy, flow=first.flow).division.units == {"ana": 95, "host": 5}


def test_a_true_up_brings_everybody_level_over_years_and_its_memory_stays_short() -> None:
    shares = [["ana", "1/3"], ["bo", "1/3"], ["cy", "1/3"]]
    policy = read_terms({"type": "true_up", "shares": shares, "paid": {"ana": 10**5, "bo": 7}})
    flow: dict[str, Fraction] = {}
    for income in range(1000, 1200):
        for place, part in split(income, policy, flow=flow).flow.items():
            flow[place] = flow.get(place, Fraction()) + part
        if income == 1050:
            assert "policy.paid (ana)" not in flow
    ana, bo, cy = (flow[f"policy.paid ({name})"] for name in ("ana", "bo", "cy"))
    assert abs(cy - bo - 7) < Fraction(1, 1000) > abs(cy - ana - 10**5)
    assert all(part.denominator <= 10**6 for part in flow.values())


def test_cross_collateral_is_earned_back_over_all_divisions() -> None:
    line = {"payee": "ana", "earned_minor": 0, "paid_minor": 0}
    accounts = [{"account": each, "advance_minor": 100, **line} for each in ("one", "two")]
    form = {"type": "advance", "account": "two", "accounts": accounts, "to": "label"}
    policy = read_terms({**form, "then": "ana", "cross_collateral": True})
    flow = split(150, policy).flow
    assert flow == {"policy.accounts[1].earned_minor": 150}
    assert split(60, policy, flow=flow).division.units == {"ana": 10, "label": 50}


@pytest.mark.parametrize("part", [Fraction(-1), 0.5])
def test_what_went_through_is_exact_and_not_negative(part: Fraction) -> None:
    policy = read_terms({"type": "escalator", "earned_minor": 0, "bands": [[None, "ana"]]})
    with pytest.raises(BadSplit):
        split(1, policy, flow={"policy.earned_minor": part})


def test_a_place_that_the_policy_has_not_is_refused_by_name() -> None:
    policy = read_terms({"type": "waterfall", "tranches": [["bank", "100"], ["ana", None]]})
    with pytest.raises(BadSplit, match=r"recouped \(ana\)"):
        split(1, policy, flow={"policy.recouped (ana)": Fraction(1)})


def test_the_preview_answers_what_the_next_one_takes() -> None:
    policy = {"type": "waterfall", "tranches": [["bank", "100"], ["ana", None]]}
    first = answered(policy, 70, flow=[])
    assert first["flow"] == [["policy.recouped (bank)", "70"]]
    second = answered(policy, 70, flow=first["flow"])
    assert [line["amount_minor"] for line in second["lines"]] == [40, 30]
    assert "flow" not in answered(policy, 70)
