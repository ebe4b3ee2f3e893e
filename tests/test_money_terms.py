"""Terms over agreed shares: a division is the preview of the same terms with the shares put in.

Bands, tranches and advances give what their formula gives for the net, whatever came back.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from money import AGREED, asset, bank
from stories import NOON

from domain.money.entry import Entry
from domain.money.moving import correction_of
from domain.money.policy.flow import FINE, Flow, Reversal
from domain.money.policy.sold import Origin
from domain.money.pool import Pool
from domain.money.reckoning import Change, ComputedEntry, reversal_of
from domain.money.split import preview
from domain.money.terms import Taking, by_shares, look_through, taken_back
from domain.refusal import BadShare, Refusal
from projections.money import pools, statements

_F = Fraction


def advance_of(payee: str, units: int, then: Any = AGREED, to: str = "label") -> dict[str, Any]:
    account = {"account": "x", "payee": payee, "advance_minor": units}
    return {
        "type": "advance",
        "account": "x",
        "accounts": [account | {"earned_minor": 0, "paid_minor": 0}],
        "to": to,
        "then": then,
    }


def bands() -> dict[str, Any]:
    low, high = (
        [["author", author], ["house", house]]
        for author, house in (("1/10", "9/10"), ("15/100", "85/100"))
    )
    return {"type": "escalator", "earned_minor": 0, "bands": [["100000", low], [None, high]]}


def opened(terms: dict[str, Any]) -> Pool.Opened:
    return Pool.Opened(
        originator_id="pool",
        originator_version=1,
        timestamp=NOON,
        actor="operator",
        release="r",
        name="n",
        kind="other",
        currency="USD",
        terms=terms,
        rounding="largest_remainder",
        comment_days=14,
        deferral_minor=0,
    )


# -- looking through names -----------------------------------------------------------------


def test_an_advance_over_agreed_shares_recoups_what_its_payee_earns(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        pool = told.pool(terms=advance_of(a, 50_000))
        told.agree(pool, {a: "1/2", b: "1/2"})
        first = told.earn(pool, 100_000)
        assert told.account() == {b: 50_000, "label": 50_000}
        told.earn(pool, 1_000)
        assert told.account() == {a: 500, b: 50_500, "label": 50_000}  # nothing of it is left
        told.reverse(first)
        assert told.account() == {b: 500, "label": 500}


def test_shares_that_move_under_an_advance_are_recouped_anew(database: str) -> None:
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        pool = told.pool(terms=advance_of(a, 30_000))
        told.agree(pool, {a: "1/2", b: "1/2"})
        told.earn(pool, 100_000)
        assert told.account() == {a: 20_000, b: 50_000, "label": 30_000}
        told.agree(pool, {a: "1/4", b: "1/2", c: "1/4"}, "2020")
        told.tell("correct_pool", pool=pool, reason="c was missing")
        assert told.account() == {b: 50_000, c: 25_000, "label": 25_000}
        told.earn(pool, 40_000)  # 10,000 for a, of whose advance 5,000 are left
        assert told.account() == {a: 5_000, b: 70_000, c: 35_000, "label": 30_000}


def test_a_waiver_under_an_advance_moves_what_was_recouped(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        pool = told.pool(terms=advance_of(a, 30_000))
        proposal = told.agree(pool, {a: "1/2", b: "1/2"})
        told.earn(pool, 100_000)
        told.tell("waive_share", proposal=proposal, contributor=a, scope="all of it")
        assert told.account() == {b: 100_000}


def test_shares_set_by_hand_over_agreed_ones_replace_them(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        terms = {"type": "adjusted", "of": AGREED, "set": [[a, "1/10"]]}
        pool = told.pool(terms=terms)
        told.agree(pool, {a: "1/2", b: "1/2"})
        revenue = told.earn(pool, 1_000)
        assert told.account() == {a: 100, b: 900}
        told.reverse(revenue, 500)
        assert told.account() == {a: 50, b: 450}
        alone = told.propose(pool, {a: "1"})
        told.clock.wait(days=14)
        with pytest.raises(BadShare):  # refused when it is agreed, not when money comes in
            told.tell("finalise_proposal", proposal=alone)


payees = st.sampled_from(["a", "b", "c", "label"])
parts = st.sampled_from(["1/2", "1/3", "1", "2", "0.25"])


def around(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A policy with another one inside."""
    units = st.integers(0, 900)
    return st.one_of(
        st.builds(advance_of, payees, units, inside, payees),
        st.builds(
            lambda of, who, part: {"type": "adjusted", "of": of, "set": [[who, part]]},
            *(inside, payees, st.sampled_from(["0", "1/7", "1/2"])),
        ),
        st.builds(
            lambda who, part, then: {
                "type": "fixed",
                "shares": [[who, part], ["then", "1", then]],
            },
            *(payees, parts, inside),
        ),
        st.builds(
            lambda who, cap, then: {
                "type": "fees",
                "fees": [{"payee": who, "rate": "1/7", "cap_minor": cap}],
                "then": then,
            },
            *(payees, units, inside),
        ),
        st.builds(
            lambda who, size, then: {
                "type": "waterfall",
                "tranches": [[who, size], ["then", None, then]],
            },
            *(payees, units, inside),
        ),
        st.builds(
            lambda limit, low, high: {
                "type": "escalator",
                "earned_minor": 0,
                "bands": [[limit + 1, low], [None, high]],
            },
            *(units, inside, inside),
        ),
    )


terms = st.recursive(st.just(AGREED), around, max_leaves=4)
agreements = st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), min_size=1)


@given(
    terms=terms, agreed=agreements, amounts=st.lists(st.integers(1, 3_000), min_size=1, max_size=4)
)
def test_a_division_is_the_preview_of_the_terms_with_the_shares_put_in(
    terms: dict[str, Any], agreed: dict[str, int], amounts: list[int]
) -> None:
    shares = {who: _F(part, sum(agreed.values())) for who, part in agreed.items()}
    flow: dict[str, Fraction] = {}
    for amount in amounts:
        asked = {
            "amount_minor": amount,
            "currency": "USD",
            "policy": terms,
            "rounding": "largest_remainder",
            "agreed": [[who, str(share)] for who, share in shares.items()],
            "flow": [[place, str(sent)] for place, sent in flow.items()],
        }
        try:
            lines: Any = preview(asked)["lines"]
        except Refusal as refusal:
            with pytest.raises(type(refusal)):
                by_shares(opened(terms), amount, flow, shares)
            return
        found = by_shares(opened(terms), amount, flow, shares)
        expected = {each["payee"]: _F(each["share"]) * amount for each in lines}
        assert {who: due for who, due in found.due.items() if due} == {
            who: due for who, due in expected.items() if due
        }
        for place, sent in found.flow.items():
            flow[place] = flow.get(place, _F()) + sent


def taken_back_in_parts(
    terms: dict[str, Any], agreed: dict[str, int], amounts: list[tuple[int, Origin]], cut: int
) -> Iterator[tuple[dict[str, Fraction], dict[str, Fraction]]]:
    """All sums and dues after each part that is taken back; nothing if the terms refuse one."""
    shares = {who: _F(part, sum(agreed.values())) for who, part in agreed.items()}
    flow: dict[str, Fraction] = {}
    due: dict[str, Fraction] = {}

    def add(found: Any) -> None:
        for total, more in ((flow, found.flow), (due, found.due)):
            for name, part in more.items():
                total[name] = total.get(name, _F()) + part

    pool, before = opened(terms), []
    try:
        for amount, origin in amounts:
            before.append(dict(flow))
            add(by_shares(pool, amount, flow, shares, origin=origin))
    except Refusal:
        return
    for number, (amount, origin) in enumerate(amounts):
        first = min(cut, amount)
        for start, part in ((0, first), (first, amount - first)):
            taking = Taking(before[number], amount, start, part, origin)
            found = taken_back(pool, taking, flow, shares)
            assert sum(found.due.values()) == -part
            add(found)
            yield dict(flow), dict(due)


@given(
    terms=terms,
    agreed=agreements,
    amounts=st.lists(st.integers(1, 3_000), min_size=1, max_size=4),
    cut=st.integers(0, 3_000),
)
def test_all_that_is_taken_back_leaves_nothing(
    terms: dict[str, Any], agreed: dict[str, int], amounts: list[int], cut: int
) -> None:
    """In any order, in two parts, whatever the terms: every due and every sum returns to 0."""
    after = list(taken_back_in_parts(terms, agreed, [(each, Origin()) for each in amounts], cut))
    assert all(sent >= 0 for flow, _ in after for sent in flow.values())
    flow, due = after[-1] if after else ({}, {})
    assert sum(due.values()) == 0
    if not any(each in str(terms) for each in ("fees", "adjusted")):
        assert not any(due.values())
        assert not any(flow.values())


fees, parts_back = st.fractions(0, 900, max_denominator=5_000), st.fractions(0, 1)


@given(fee=fees, whole=fees.filter(bool), of_whole=parts_back, is_local=st.booleans())
def test_what_comes_back_of_a_fee_is_exact_or_less_by_less_than_a_millionth(
    fee: Fraction, whole: Fraction, of_whole: Fraction, is_local: bool
) -> None:
    """It has no more digits, however often parts of parts come back."""
    back = Reversal(Flow(), _F(), _F(1, 3), is_local=is_local)
    part = back.fee(fee, whole * of_whole, whole)
    exact = fee * (of_whole if is_local else back.after)
    assert part.denominator <= FINE
    assert 0 <= exact - part < _F(1, FINE)
    if is_local and of_whole != back.after and exact.denominator <= FINE:
        assert part == exact


def test_only_terms_that_name_payees_over_agreed_shares_look_through() -> None:
    assert look_through(advance_of("a", 1))
    inside = advance_of("a", 1, [["x", "1"], ["y", "1", AGREED]])
    assert look_through({"type": "fixed", "shares": [["x", "1", inside]]})
    assert not look_through(advance_of("a", 1, [["a", "1"]]))
    assert not look_through({"type": "fixed", "shares": [["advance", "1", AGREED]]})


# -- bands and returns ---------------------------------------------------------------------


def test_bands_give_what_they_give_for_the_net(database: str) -> None:
    """10 % to 1,000.00, then 15 %: +900, +300, −300 of the first, +200."""
    with bank(database) as told:
        (a,) = told.people("a")
        pool = told.pool(terms=bands())
        told.agree(pool, {a: "1"})
        first = told.earn(pool, 90_000)
        told.earn(pool, 30_000)
        assert told.account()["author"] == 13_000
        told.reverse(first, 30_000)
        assert told.account()["author"] == 9_000
        told.earn(pool, 20_000)
        assert told.account() == {"author": 11_500, "house": 98_500}


RETURNS = [("+", 0, 900), ("+", 1, 300), ("-", 0, 300), ("+", 2, 200), ("-", 1, 100)]


ORDERS = [
    each
    for each in permutations(RETURNS)
    if each.index(RETURNS[0]) < each.index(RETURNS[2])
    and each.index(RETURNS[1]) < each.index(RETURNS[4])
]


@pytest.mark.parametrize("order", ORDERS[::4], ids=range(len(ORDERS[::4])))
@pytest.mark.parametrize(
    "terms, expected",
    [
        (bands(), {"author": _F(100), "house": _F(900)}),
        (
            {"type": "waterfall", "tranches": [["bank", 950], ["ana", None]]},
            {"bank": _F(950), "ana": _F(50)},
        ),
        (advance_of("a", 300), {"b": _F(500), "a": _F(200), "label": _F(300)}),
        (
            {
                "type": "community_pool",
                "line_items": [["song", 600]],
                "operator": ["us", "1/2"],
                "assets": [asset("poster", {"guest": "1"})],
                "pools": [["everything", "1", ["poster"]]],
            },
            {"song": _F(600), "us": _F(200), "guest": _F(200)},
        ),
    ],
    ids=["escalator", "waterfall", "advance", "community"],
)
def test_order_and_returns_change_nothing_of_what_the_net_gives(
    terms: dict[str, Any], expected: dict[str, Fraction], order: Any
) -> None:
    pool, shares = opened(terms), {"a": _F(1, 2), "b": _F(1, 2)}
    flow: dict[str, Fraction] = {}
    due: dict[str, Fraction] = {}
    divided: dict[int, tuple[dict[str, Fraction], int]] = {}
    for sign, number, amount in order:
        if sign == "+":
            divided[number] = dict(flow), amount
            found = by_shares(pool, amount, flow, shares)
        else:
            found = taken_back(pool, Taking(*divided[number], 0, amount), flow, shares)
        for total, more in ((flow, found.flow), (due, found.due)):
            for name, part in more.items():
                total[name] = total.get(name, _F()) + part
    assert {who: part for who, part in due.items() if part} == expected


def test_a_return_after_the_bank_has_recouped_takes_from_those_paid_last(database: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        terms = {"type": "waterfall", "tranches": [["bank", 700], ["artists", None, AGREED]]}
        pool = told.pool(terms=terms)
        told.agree(pool, {a: "1"})
        first = told.earn(pool, 900)
        told.earn(pool, 300)
        told.reverse(first, 500)
        assert told.account() == {"bank": 700}
        told.reverse(first)
        assert told.account() == {"bank": 300}
        told.earn(pool, 500)
        assert told.account() == {"bank": 700, a: 100}


def test_a_capped_fee_comes_back_in_part(database: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        fee = {"payee": "shop", "rate": "1/7", "cap_minor": 50}
        pool = told.pool(terms={"type": "fees", "fees": [fee], "then": AGREED})
        told.agree(pool, {a: "1"})
        revenue = told.earn(pool, 1_000)
        assert told.account() == {"shop": 50, a: 950}
        told.reverse(revenue, 500)
        assert told.account() == {"shop": 25, a: 475}


# -- recoupment ----------------------------------------------------------------------------


def test_what_was_recouped_is_a_line_everywhere(database: str) -> None:
    """Of 1,107.30 advanced, 188.24 were recouped, and then the rest."""
    with bank(database) as told:
        a, b = told.people("a", "b")
        pool = told.pool(terms=advance_of(a, 110_730))
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}), a, b)
        waiting = told.earn(told.pool("other"), 5)
        told.reverse(waiting, 2)
        first = told.earn(pool, 37_648)
        then = told.head()
        told.earn(pool, 200_000)
        told.reverse(first)
        abroad = told.pool("abroad", terms=advance_of(a, 70, to="bank"), currency="EUR")
        told.agree(abroad, {a: "1"})
        told.earn(abroad, 30)
        with told.view() as view:
            euros, one = statements.statement(view, told.journal, a)["statements"]
            why = pools.why(view, told.journal, first, a, actor="operator")
            (now,) = pools.statement(view, told.journal, pool, actor="operator")["recouped"]
        names = ("advance_minor", "before_minor", "now_minor", "remaining_minor")
        in_dollars, in_euros = (
            [
                tuple(each["recouped"][name] for name in names)
                for each in of["movements"]
                if each["recouped"]
            ]
            for of in (one, euros)
        )
        assert in_dollars == [
            (110_730, 0, 18_824, 91_906),
            (110_730, 18_824, 91_906, 0),
            (110_730, 110_730, -10_730, 10_730),
        ]
        assert in_euros == [(70, 0, 30, 40)]
        with told.view(then) as view:
            (known,) = statements.statement(view, told.journal, a)["statements"]
        recouped = [each["recouped"] for each in known["movements"] if each["recouped"]]
        assert [each["now_minor"] for each in recouped] == [18_824]
        assert [tuple(line[name] for name in names) for line in why["recouped"]] == [
            (110_730, 0, 18_824, 91_906)
        ]
        assert (now["now_minor"], now["remaining_minor"]) == (100_000, 10_730)
        assert told.account()["label"] == 100_000
        net = one["net"]
        whole = net["opening_minor"] + one["earned_minor"] - one["held_minor"] - one["paid_minor"]
        assert whole == net["closing_minor"] == 0


def test_a_netted_payout_is_one_line_with_its_parts(database: str) -> None:
    """… and a correction names its reason; what is owed at the end is net of the debt."""
    with bank(database) as told:
        a, b = told.people("a", "b")
        first, second = told.pool("first"), told.pool("second")
        told.accept(told.agree(first, {a: "1"}), a)
        told.accept(told.agree(second, {a: "1"}), a)
        told.earn(first, 18_411)
        told.pay()
        told.accept(told.agree(first, {b: "1"}, "2020"), b)
        told.tell("correct_pool", pool=first, reason="it was all b's")
        told.earn(second, 91_332)
        with told.view() as view:
            (one,) = statements.statement(view, told.journal, a)["statements"]
        assert one["net"]["closing_minor"] == 72_921
        corrected = [each for each in one["movements"] if each["kind"] == "correction"]
        assert [each["reason"] for each in corrected] == ["it was all b's"]
        assert told.pay() == {a: 72_921, b: 18_411}
        with told.view() as view:
            (one,) = statements.statement(view, told.journal, a)["statements"]
        *_, last = one["movements"]
        assert (last["kind"], last["amount_minor"]) == ("payout", -72_921)
        assert sorted(part["amount_minor"] for part in last["parts"]) == [-91_332, 18_411]


def test_by_the_first_rules_a_reversal_takes_a_part_of_what_was_given_whatever_has_moved() -> None:
    third = [["house", "1/3"], ["artists", "2/3", AGREED]]
    bands = [["100", third], [None, [["artists", "1", AGREED]]]]
    with bank("sqlite:///:memory:") as told:
        pool = told.pool(terms={"type": "escalator", "earned_minor": 0, "bands": bands})
        a, b = told.people("a", "b")
        told.agree(pool, {a: "1", b: "2"}, "2026")
        told.earn(pool, 50)
        revenue = told.earn(pool, 101)

        def reversed_now(taken: int, rules: int) -> ComputedEntry:
            draft = told.journal.draft()
            books = draft.books()
            division = books.revenues[revenue].division
            assert division is not None
            before = [draft.get(Entry, id) for id in books.divisions[division].reversals]
            return reversal_of(books, draft.get(Entry, division), before, taken, rules)

        def units(found: ComputedEntry) -> dict[str, int]:
            return {line.payee: line.amount_minor for line in found.lines}

        # Of 101, a third of 50 went to the house, and 253/3 by the agreed shares: 57, 28 and 16.
        whole, two, half = (reversed_now(taken, rules=1) for taken in (101, 2, 50))
        assert units(whole) == {a: -28, b: -57, "house": -16}
        assert (whole.content["agreed"], whole.content["flow"]) == (
            "-253/3",
            [["policy.earned_minor", "-101"]],
        )
        assert units(two) == {a: -1, b: -1, "house": 0}
        assert units(half) == {a: -14, b: -28, "house": -8}
        assert half.content["flow"] == [["policy.earned_minor", "-50"]]
        assert units(reversed_now(50, rules=2)) == {a: -16, b: -34, "house": 0}
        told.reverse(revenue, 50)
        rest = reversed_now(51, rules=1)
        assert rest.content["flow"] == [["policy.earned_minor", "-51"]]
        agreed = _F(half.content["agreed"]) + _F(rest.content["agreed"])
        assert agreed == _F(whole.content["agreed"])


@pytest.mark.parametrize("divided_by, changed", [(2, (-10, 25, -15)), (1, (-25, 25, 0))])
def test_what_was_divided_by_the_first_rules_is_corrected_by_its_agreed_part(
    divided_by: int, changed: tuple[int, int, int]
) -> None:
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("a", "b")
        pool = told.pool(terms=advance_of(a, 40))
        agreement = told.agree(pool, {a: "1", b: "1"}, "2026")
        told.earn(pool, 100)
        draft = told.journal.draft()
        books = draft.books()
        ((id, division),) = books.divisions_of(pool)
        books.divisions[id] = replace(division, rules=divided_by)
        shares = {a: _F(1, 2), b: _F(1, 2)}, {a: _F(1, 4), b: _F(3, 4)}
        change = Change(*shares, division.agreed, [id])
        found = [
            correction_of(books, agreement, change, lambda id: draft.get(Entry, id), rules)
            for rules in (1, 2)
        ]
        for each in found:
            units = {line.payee: line.amount_minor for line in each.lines}
            assert tuple(units.get(payee, 0) for payee in (a, b, "label")) == changed
        assert ["flow" in each.content for each in found] == [False, True]
