"""Dividing whole units: conservation, order, mirror, carry, and the faults that others have.

Rule: a law is stated as a property over random amounts and shares; a fault of another system is a
case with what is right.
"""

import random
import re
from collections.abc import Mapping
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from laws import check_division

from domain.money.apportionment import (
    MAXIMUM_AMOUNT_DIGITS,
    MAXIMUM_CARRY_UNITS,
    MAXIMUM_SCALE_BITS,
    _must_balance,
    apportion_over,
    common_scale,
    divide,
    payee_key,
    settle,
)
from domain.refusal import BadAmount, BadCarry, BadShare, SplitTooLarge, UnbalancedDivision

names = st.text("ab019_é", min_size=1, max_size=5)
amounts = st.integers(-(10**12), 10**12)
weight = st.fractions(0, 100, max_denominator=60) | st.integers(0, 1000)
weights = st.dictionaries(names, weight, min_size=1, max_size=12).filter(
    lambda drawn: any(drawn.values())
)


@st.composite
def carried(draw: st.DrawFn) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Weights and a carry over their payees that adds up to 0."""
    drawn = draw(weights)
    parts = st.fractions(-2, 2, max_denominator=30)
    carry = {payee: draw(parts) for payee in drawn}
    last = max(carry)
    carry[last] -= sum(carry.values())
    return {payee: Fraction(part) for payee, part in drawn.items()}, carry


def naive(
    amount: int, weights: Mapping[str, int | Fraction], carry: Mapping[str, Fraction]
) -> dict[str, int]:
    """The rule as it is written, over fractions: the division that ours has to equal."""
    if amount < 0:
        mirrored = naive(-amount, weights, {payee: -part for payee, part in carry.items()})
        return {payee: -part for payee, part in mirrored.items()}
    total = Fraction(sum(weights.values()))
    due = {payee: carry.get(payee, 0) + amount * part / total for payee, part in weights.items()}
    given = {payee: max(0, part.__floor__()) for payee, part in due.items()}
    order = sorted(due, key=payee_key)
    while sum(given.values()) < amount:
        # max and min take the first among equals; the last gives back first.
        open_ = [payee for payee in order if given[payee] <= max(0, due[payee].__floor__())]
        given[max(open_, key=lambda payee: due[payee] - given[payee])] += 1
    while sum(given.values()) > amount:
        open_ = [payee for payee in reversed(order) if given[payee]]
        given[min(open_, key=lambda payee: due[payee] - given[payee])] -= 1
    return given


# -- laws ----------------------------------------------------------------------------------


@given(amounts, weights)
def test_the_parts_add_up_to_the_whole(amount: int, weights: dict[str, int | Fraction]) -> None:
    assert sum(divide(amount, weights).units.values()) == amount


@given(amounts, weights)
def test_nobody_is_a_unit_away_from_what_is_due(
    amount: int, weights: dict[str, int | Fraction]
) -> None:
    division = divide(amount, weights)
    for payee, units in division.units.items():
        due = amount * division.share(payee)
        assert abs(units - due) < 1
        assert due or not units


@given(amounts, carried())
def test_whole_numbers_over_one_scale_give_what_fractions_give(
    amount: int, drawn: tuple[dict[str, Fraction], dict[str, Fraction]]
) -> None:
    weights, carry = drawn
    division = divide(amount, weights, carry=carry)
    assert division.units == naive(amount, weights, carry)
    total = sum(weights.values())
    for payee, after in division.carry().items():
        due = carry[payee] + amount * weights[payee] / total
        assert after == due - division.units[payee]


@given(st.integers(0, 10**6), carried())
def test_nobody_pays_and_what_is_carried_adds_up_to_nothing(
    amount: int, drawn: tuple[dict[str, Fraction], dict[str, Fraction]]
) -> None:
    division = divide(amount, drawn[0], carry=drawn[1])
    assert min(division.units.values()) >= 0
    assert sum(division.carry().values()) == 0
    check_division(amount, *drawn[:1], division.units, carry=drawn[1], carry_after=division.carry())


@given(amounts, carried())
def test_a_negative_amount_mirrors_the_positive_one(
    amount: int, drawn: tuple[dict[str, Fraction], dict[str, Fraction]]
) -> None:
    weights, carry = drawn
    there = divide(amount, weights, carry=carry)
    back = divide(-amount, weights, carry={payee: -part for payee, part in carry.items()})
    assume(amount)
    assert back.units == {payee: -units for payee, units in there.units.items()}
    assert back.carry() == {payee: -part for payee, part in there.carry().items()}


@given(amounts, weights, st.randoms())
def test_the_order_of_the_list_decides_nothing(
    amount: int, weights: dict[str, int | Fraction], dice: random.Random
) -> None:
    lines = list(weights.items())
    dice.shuffle(lines)
    shuffled = divide(amount, dict(lines))
    assert shuffled.units == divide(amount, weights).units
    assert list(shuffled.units) == sorted(weights, key=payee_key)


@given(amounts, weights)
def test_other_names_in_the_same_order_change_nothing(
    amount: int, weights: dict[str, int | Fraction]
) -> None:
    order = sorted(weights, key=payee_key)
    renamed = {f"p{order.index(payee)}": part for payee, part in weights.items()}
    assert [*divide(amount, renamed).units.values()] == [*divide(amount, weights).units.values()]


@given(amounts, weights, st.fractions("1/1000", 1000))
def test_weights_may_be_stated_on_any_scale(
    amount: int, weights: dict[str, int | Fraction], factor: Fraction
) -> None:
    scaled = {payee: part * factor for payee, part in weights.items()}
    one, other = divide(amount, scaled), divide(amount, weights)
    assert (one.units, one.ranks, one.carry()) == (other.units, other.ranks, other.carry())
    assert [*map(one.share, weights)] == [*map(other.share, weights)]


def test_weights_too_long_to_be_written_are_divided_if_their_lowest_terms_are_not() -> None:
    long, short = 2**MAXIMUM_SCALE_BITS, 2**10_000
    assert divide(3, {"a": long, "b": 2 * long}).units == {"a": 1, "b": 2}
    owed = Fraction(1, 3**5_000)
    carry = {"a": owed, "b": -owed}
    assert divide(2, {"a": short, "b": short}, carry=carry).carry() == carry


def test_what_is_a_little_more_decides_before_any_name() -> None:
    for digits in (1, 9, 10, 40, 400):
        weights = {"a": 10**digits, "b": 10**digits + 1, "c": 10**digits}
        assert divide(1, weights).units == {"a": 0, "b": 1, "c": 0}
        assert divide(2, weights).units == {"a": 1, "b": 1, "c": 0}


# -- ties ----------------------------------------------------------------------------------


def test_payees_are_ordered_by_code_point_and_their_numbers_by_value() -> None:
    ordered = ["", "1", "02", "2", "10", "R2", "r", "r1", "r2", "r2a", "r9", "r10", "ra", "é"]
    for some in permutations(ordered, 3):
        assert sorted(some, key=payee_key) == sorted(some, key=ordered.index)


def by_pieces(payee: str) -> list[object]:
    """The order as it is said: text by code points, then a number, and so on."""
    pieces = re.split("([0-9]+)", payee)
    return [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)]


@given(st.lists(st.text("ab019_ é", max_size=6), max_size=8))
def test_numbers_inside_names_are_compared_as_numbers(drawn: list[str]) -> None:
    assert sorted(drawn, key=payee_key) == sorted(drawn, key=lambda name: (by_pieces(name), name))


@given(names, names)
def test_two_payees_never_have_the_same_key(one: str, other: str) -> None:
    assert (payee_key(one) == payee_key(other)) == (one == other)


def test_a_name_of_very_many_digits_is_ordered_too() -> None:
    assert payee_key("1" * 10_000) < payee_key("2" * 10_000) < payee_key("1" * 10_001)


def test_of_equals_the_first_gets_what_is_left_over() -> None:
    assert divide(10, dict.fromkeys(("r10", "r9", "r2"), 1)).units == {"r2": 4, "r9": 3, "r10": 3}


def test_the_rank_says_who_was_next() -> None:
    division = divide(11, {"a": 1, "b": 3, "c": 3})
    # Due: 1 4/7, 4 5/7, 4 5/7.
    assert division.left_over == 2
    assert division.ranks == {"b": 1, "c": 2, "a": 3}


# -- carry ---------------------------------------------------------------------------------


SMALL = random.Random(2026).choices(range(1, 12), k=3000)
PARTIES = {"two": Fraction(2, 100), "many": Fraction(49, 100), "most": Fraction(49, 100)}


def test_without_carry_a_small_party_never_gets_anything_of_small_payments() -> None:
    """Three thousand payments, 2 % of them owed, and nothing paid."""
    assert all(divide(payment, PARTIES).units["two"] == 0 for payment in SMALL)
    assert sum(SMALL) * PARTIES["two"] > 350


def test_with_carry_a_small_party_is_never_a_unit_behind() -> None:
    carry: dict[str, Fraction] = {}
    received = dict.fromkeys(PARTIES, 0)
    for count, payment in enumerate(SMALL, 1):
        division = divide(payment, PARTIES, carry=carry)
        carry = division.carry()
        for payee, units in division.units.items():
            received[payee] += units
            assert abs(sum(SMALL[:count]) * PARTIES[payee] - received[payee]) < 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200), weights)
def test_what_is_carried_is_always_all_that_is_still_due(
    payments: list[int], weights: dict[str, int | Fraction]
) -> None:
    carry: dict[str, Fraction] = {}
    received = dict.fromkeys(weights, 0)
    for payment in payments:
        division = divide(payment, weights, carry=carry)
        carry = division.carry()
        for payee, units in division.units.items():
            received[payee] += units
    for payee in weights:
        assert received[payee] + carry[payee] == sum(payments) * division.share(payee)


def test_when_clamping_gave_out_too_much_it_is_taken_back_where_least_is_due() -> None:
    carry = {"a": Fraction(-9, 10), "b": Fraction(-9, 10), "c": Fraction(1), "d": Fraction(4, 5)}
    division = divide(1, {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1}, carry=carry)
    # Due: −0.9, −0.9, 1, 0.8, 1. Given at first: 0, 0, 1, 0, 1; of c and e the last gives back.
    assert division.left_over == -1
    assert division.units == {"a": 0, "b": 0, "c": 1, "d": 0, "e": 0}
    assert division.carry()["e"] == 1


def test_a_share_of_nothing_is_paid_only_what_was_carried_for_it() -> None:
    shares = {"a": 0, "b": 1}
    assert divide(3, shares).units == {"a": 0, "b": 3}
    carry = {"a": Fraction(9, 10), "b": Fraction(-9, 10)}
    assert divide(3, shares, carry=carry).units == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "carry",
    [
        {"a": Fraction(1, 2)},
        {"a": Fraction(1, 2), "x": Fraction(-1, 2)},
        {"a": 0.5, "b": -0.5},
        {"a": True, "b": -1},
        {"a": Fraction(10**6), "b": Fraction(-(10**6))},
    ],
)
def test_what_can_not_have_been_carried_is_refused(carry: dict[str, Fraction]) -> None:
    with pytest.raises(BadCarry):
        divide(1, {"a": 1, "b": 1}, carry=carry)


# -- the least for everyone ----------------------------------------------------------------


def test_everyone_with_a_share_gets_the_minimum() -> None:
    seats = divide(10, {"a": 1000, "b": 10, "c": 1, "d": 0}, minimum_minor=1)
    assert seats.units == {"a": 8, "b": 1, "c": 1, "d": 0}


def test_a_minimum_that_can_not_be_met_is_refused() -> None:
    with pytest.raises(BadAmount):
        divide(2, {"a": 1, "b": 1, "c": 1}, minimum_minor=1)


def test_who_gave_back_a_unit_is_asked_again_after_the_others() -> None:
    """5, 4½ and twice ¾ are due; two units are given back for the minimum of the last two."""
    seats = divide(11, {"a": 20, "b": 18, "c": 3, "d": 3}, minimum_minor=2)
    assert seats.units == {"a": 4, "b": 3, "c": 2, "d": 2}


def test_an_amount_of_nothing_is_ranked_like_a_positive_one() -> None:
    carry = {"a": Fraction(3, 2), "b": Fraction(-3, 4), "c": Fraction(-3, 4)}
    division = divide(0, dict.fromkeys(carry, 1), carry=carry)
    assert division.units == dict.fromkeys(carry, 0)
    assert (division.ranks, division.left_over) == ({"a": 1, "b": 2, "c": 3}, -1)


def test_nobody_gives_back_what_everyone_gets_at_least() -> None:
    """3, 4½ and twice ¼ are due: all the rest is given back for the minimum of the last two."""
    seats = divide(8, {"a": 12, "b": 18, "c": 1, "d": 1}, minimum_minor=2)
    assert seats.units == dict.fromkeys("abcd", 2)


# -- settling what is due ------------------------------------------------------------------


@st.composite
def dues(draw: st.DrawFn) -> dict[str, Fraction]:
    """What is due exactly, to some less than nothing, adding up to whole units."""
    parts = st.fractions(-1000, 1000, max_denominator=60)
    due = draw(st.dictionaries(names, parts, min_size=1, max_size=12))
    last = max(due)
    due[last] += draw(st.integers(-50, 50)) - sum(due.values())
    return due


@given(dues())
def test_settling_adds_up_and_nobody_is_a_unit_away_from_what_is_due(
    due: dict[str, Fraction],
) -> None:
    units = settle(due)
    assert sum(units.values()) == sum(due.values())
    for payee, part in due.items():
        assert abs(units[payee] - part) < 1
        assert part.denominator > 1 or units[payee] == part


@given(dues())
def test_a_larger_fraction_is_never_left_behind_a_smaller_one(due: dict[str, Fraction]) -> None:
    units = settle(due)
    given_more = [payee for payee in due if units[payee] > due[payee] // 1]
    for other in due.keys() - given_more:
        for payee in given_more:
            there, here = due[other] % 1, due[payee] % 1
            assert (-there, payee_key(other)) > (-here, payee_key(payee))


@given(dues(), st.randoms())
def test_settling_depends_on_no_list_and_on_no_names(
    due: dict[str, Fraction], dice: random.Random
) -> None:
    lines = list(due.items())
    dice.shuffle(lines)
    assert settle(dict(lines)) == settle(due)
    order = sorted(due, key=payee_key)
    assert list(settle(due)) == order
    renamed = {f"p{order.index(payee)}": part for payee, part in due.items()}
    assert [*settle(renamed).values()] == [*settle(due).values()]


@given(st.lists(st.tuples(amounts, weights), min_size=1, max_size=4), weights)
def test_corrections_one_after_the_other_owe_nobody_a_unit(
    divided: list[tuple[int, dict[str, int | Fraction]]], instead: dict[str, int | Fraction]
) -> None:
    """Each amount was divided by some shares, and should have been by others."""
    carry: dict[str, Fraction] = {}
    paid: dict[str, int] = {}
    due: dict[str, Fraction] = {}
    for amount, weights in divided:
        was, right = divide(amount, weights), divide(amount, instead)
        change = {payee: carry.get(payee, Fraction()) for payee in {**was.units, **right.units}}
        for payee in was.units:
            change[payee] -= amount * was.share(payee)
        for payee in right.units:
            change[payee] += amount * right.share(payee)
        for payee, part in change.items():
            due[payee] = due.get(payee, Fraction()) + part - carry.get(payee, 0)
        units = settle(carry | change)
        carry = {payee: part - units[payee] for payee, part in (carry | change).items()}
        for payee, count in units.items():
            paid[payee] = paid.get(payee, 0) + count
    assert sum(carry.values()) == 0
    assert all(abs(part) < 1 for part in carry.values())
    assert all(due[payee] - paid[payee] == carry[payee] for payee in due)


def test_settling_nothing_gives_nothing() -> None:
    assert settle({}) == {}
    assert settle({"a": Fraction(1, 2), "b": Fraction(-1, 2)}) == {"a": 1, "b": -1}


@pytest.mark.parametrize("due", [{"a": Fraction(1, 2)}, {"a": 0.5, "b": 0.5}, {"a": True}])
def test_what_is_due_is_exact_and_adds_up_to_whole_units(due: dict[str, Fraction]) -> None:
    with pytest.raises(BadAmount):
        settle(due)


# -- reversing in parts --------------------------------------------------------------------

lines_left = st.dictionaries(names, st.integers(0, 500), min_size=1, max_size=8)


@given(lines_left, st.sampled_from([1, -1]), st.data())
def test_reversals_in_parts_end_at_exactly_nothing_on_every_line(
    lines: dict[str, int], sign: int, data: st.DataObject
) -> None:
    left = {payee: sign * line for payee, line in lines.items()}
    while any(left.values()):
        total = abs(sum(left.values()))
        amount = sign * data.draw(st.integers(1, total))
        taken = apportion_over(amount, left)
        assert sum(taken.values()) == amount
        assert all(0 <= sign * taken[payee] <= sign * left[payee] for payee in left)
        assert all(
            abs(part - Fraction(amount * left[p], sign * total)) < 1 for p, part in taken.items()
        )
        left = {payee: left[payee] - taken[payee] for payee in left}
    assert set(apportion_over(0, left).values()) == {0}


@given(lines_left, st.randoms())
def test_a_reversal_in_part_depends_on_no_list_and_on_no_names(
    lines: dict[str, int], dice: random.Random
) -> None:
    amount = dice.randint(0, sum(lines.values()))
    taken = apportion_over(amount, lines)
    shuffled = list(lines.items())
    dice.shuffle(shuffled)
    assert apportion_over(amount, dict(shuffled)) == taken
    order = sorted(lines, key=payee_key)
    renamed = {f"p{order.index(payee)}": line for payee, line in lines.items()}
    assert [*apportion_over(amount, renamed).values()] == [*taken.values()]


@pytest.mark.parametrize(
    "amount, lines",
    [(4, {"a": 3}), (-1, {"a": 3}), (0, {"a": 3, "b": -3}), (1, {}), (1, {"a": -3})],
)
def test_no_more_is_reversed_than_is_left_and_on_lines_of_one_sign(
    amount: int, lines: dict[str, int]
) -> None:
    with pytest.raises(BadAmount):
        apportion_over(amount, lines)


# -- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [1.0, "1", True, None, Fraction(1), 10**MAXIMUM_AMOUNT_DIGITS])
def test_an_amount_is_a_whole_number_of_units(amount: int) -> None:
    with pytest.raises(BadAmount):
        divide(amount, {"a": 1})


@pytest.mark.parametrize("share", [0.5, "1", True, None, -1, Fraction(-1, 2), 0])
def test_a_share_is_exact_and_some_share_is_more_than_nothing(share: int) -> None:
    with pytest.raises(BadShare):
        divide(0, {"a": share})


def test_shares_that_could_not_be_written_are_refused() -> None:
    with pytest.raises(SplitTooLarge):
        common_scale(2**n - 1 for n in (9689, 9941, 11213))


def test_limits_are_what_they_say() -> None:
    """The last that is within is taken, and the next is refused."""
    longest = 2 ** (MAXIMUM_SCALE_BITS - 1)
    assert common_scale([longest]) == longest
    with pytest.raises(SplitTooLarge):
        common_scale([2 * longest])
    half = Fraction(MAXIMUM_CARRY_UNITS, 2)
    amount = 10**MAXIMUM_AMOUNT_DIGITS - 1
    assert sum(divide(amount, {"a": 1, "b": 1}, carry={"a": half, "b": -half}).units.values())
    with pytest.raises(BadCarry):
        divide(amount, {"a": 1, "b": 1}, carry={"a": half + 1, "b": -half - 1})


LAWS = [
    ({"a": 3, "b": 3}, "sum to"),
    ({"a": -1, "b": 6}, "a negative amount"),
    ({"a": 1, "b": 4}, "a whole unit"),
    ({"a": 5}, "exactly the payees"),
    ({"a": 2, "b": 2, "c": 1}, "exactly the payees"),
]


@pytest.mark.parametrize("units, said", LAWS)
def test_a_division_that_breaks_a_law_is_refused_whoever_made_it(
    units: dict[str, int], said: str
) -> None:
    with pytest.raises(UnbalancedDivision, match=said):
        check_division(5, {"a": 1, "b": 1}, units)


def test_a_carry_that_is_not_what_was_due_less_given_is_refused() -> None:
    half = Fraction(1, 2)
    check_division(5, {"a": 1, "b": 1}, {"a": 3, "b": 2}, carry_after={"a": -half, "b": half})
    with pytest.raises(UnbalancedDivision, match="carries on"):
        check_division(5, {"a": 1, "b": 1}, {"a": 3, "b": 2}, carry_after={"a": half, "b": -half})


# Five units by halves of a unit: what is due, what is given, what is carried on.
BROKEN = [
    ([5, 7], [3, 2], [-1, 1], "does not sum to zero"),
    ([5, 5], [3, 2], [-1, 2], "does not sum to zero"),
    ([4, 5, 1], [3, 2, 0], [-2, 1, 1], "a whole unit"),
    ([6, 3, 1], [2, 2, 1], [2, -1, -1], "a whole unit"),
    ([3, 3, 3, 1], [3, 1, 1, 0], [-3, 1, 1, 1], "a would get a whole unit"),
    ([11, -1], [6, -1], [-1, 1], "b would get a negative amount"),
    ([10, 0], [4, 1], [2, -2], "b has no share"),
]


@pytest.mark.parametrize("due, given, missing, said", BROKEN)
def test_a_division_of_ours_that_breaks_one_law_only_is_refused(
    due: list[int], given: list[int], missing: list[int], said: str
) -> None:
    with pytest.raises(UnbalancedDivision, match=said):
        _must_balance(5, "abcd"[: len(due)], due, 2, given, missing, is_plain=True)


# -- faults of others ----------------------------------------------------------------------

FAULTS = [
    ("SourceCred's splitBudget pays a last party without a score", 1, "1 1 0", "1 0 0"),
    ("Numscript gives 13, 1, 1", 15, "80 8 12", "12 1 2"),
    ("0xSplits strands what is left over", 100, "1 1 1", "34 33 33"),
    ("moneyphp splits −5 into −3, −2", -5, "7 3", "-4 -1"),
    ("brick pays a share of nothing", 5, "0 1 1", "0 3 2"),
    ("SourceCred pays a lone unit to the last of two", 1, "1 1", "1 0"),
]


@pytest.mark.parametrize("fault, amount, weights, right", FAULTS)
def test_a_fault_of_others_is_not_ours(fault: str, amount: int, weights: str, right: str) -> None:
    listed = {f"r{place}": int(part) for place, part in enumerate(weights.split(), 1)}
    assert [*divide(amount, listed).units.values()] == [int(part) for part in right.split()], fault


@example(seats=25)
@given(st.integers(0, 60))
def test_a_larger_whole_may_give_somebody_less_so_a_total_is_never_divided_anew(seats: int) -> None:
    """Alabama, 1880: Hamilton's method is not house-monotone."""
    votes = {"a": 1500, "b": 1500, "c": 900, "d": 500, "e": 500, "f": 200}
    now, then = divide(seats, votes).units, divide(seats + 1, votes).units
    if seats == 25:
        assert (now["d"], then["d"]) == (3, 2)
    assert sum(then.values()) == sum(now.values()) + 1
