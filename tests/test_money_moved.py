"""A refund under bands, tranches and advances leaves what there would be without it.

Rule: every history is told twice, once with what came back never having come in; what everybody is
due must be the same, exactly, whoever had the shares when.
"""

from collections import defaultdict
from contextlib import suppress
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from money import AGREED, Bank, asset, bank, exactly_due
from test_money_in_place import AROUND, advanced, after_bank, banded, label
from test_money_told import SQLITE

from domain.identity import part_id
from domain.money import dividing, netting
from domain.money.entry import RULES_IN_ORDER, RULES_THAT_MOVE, Entry
from domain.money.held import TO_BE_CORRECTED
from domain.money.moving import correction_of
from domain.money.verifying import Verifier
from domain.refusal import NothingToCorrect
from projections.money import pools, statements

PLATFORM = {"payee": "platform", "rate": "1/10"}


def with_platform(then: dict[str, Any]) -> dict[str, Any]:
    return {"type": "fees", "fees": [PLATFORM], "then": then}


BANDED = {
    **{each: AROUND[each] for each in ("bank", "bands", "bands, bank")},
    "bank, platform": lambda then: after_bank(with_platform(then)),
    "bands, platform": lambda then: banded(with_platform(then)),
}
"""Without caps on each revenue: what they give depends on what came in at once."""
BANK = {"type": "waterfall", "tranches": [["bank", 1_000], ["artists", None, AGREED]]}
HOUSE = {
    "type": "escalator",
    "earned_minor": 0,
    "bands": [["600", AGREED], [None, [["house", "1/2"], ["artists", "1/2", AGREED]]]],
}


class Told(NamedTuple):
    """A history: what came in, in cents and for which month; from which months other shares apply;
    and what came back, by the number of the revenue, in fourths of what came in."""

    around: str
    is_advanced: bool
    came_in: tuple[tuple[int, int], ...]
    changes: tuple[int, ...]
    came_back: tuple[tuple[int, int], ...]
    before_changes: int = 0
    """So many of these came back before the other shares were known."""
    spent: tuple[int, int] = (0, 0)
    """An expense, and how much of it was reversed, in cents."""

    @property
    def back(self) -> dict[int, int]:
        """By number of a revenue: the cents that came back in all."""
        sums: dict[int, int] = defaultdict(int)
        for number, fourths in self.came_back:
            left = self.came_in[number][0] - sums[number]
            sums[number] += min(left, self.came_in[number][0] * fourths // 4)
        return sums


def due(told: Bank, said: Told, *, without: bool) -> dict[str, Fraction]:
    """By payee: what is due after what came back, or if it had never come in."""
    names = {who: told.person(f"{who} {without}") for who in "abc"}
    a, b, c = names.values()
    inner = advanced(a) if said.is_advanced else AGREED
    terms = BANDED[said.around](label("1/10", inner))
    pool = told.pool(f"pool {without}", terms=terms)
    shares = [{a: "1/2", b: "1/2"}, {a: "1/4", c: "3/4"}, {b: "1/3", c: "2/3"}]
    since = ("2020", *(f"2026-{month:02}" for month in said.changes))
    agreements = [*zip(shares, since, strict=False)]

    def agree(some: list[tuple[dict[str, str], str]]) -> None:
        for each, month in some:
            told.accept(told.agree(pool, each, month), *each)

    is_known = without or not said.before_changes
    agree(agreements if is_known else agreements[:1])
    spent, too_much = said.spent
    if spent > too_much * without:
        expense = told.spend(pool, spent - too_much * without, b)
    revenue = []
    for number, (cents, month) in enumerate(said.came_in):
        left = cents - (said.back.get(number, 0) if without else 0)
        revenue.append(told.earn(pool, left, f"2026-{month:02}") if left else "")
    if too_much and not without:
        said_why = {"amount_minor": too_much, "reason": "typed wrong"}
        told.tell("reverse_expense", expense=expense, **said_why)
    left_minor = {number: cents for number, (cents, _) in enumerate(said.came_in)}
    for place, (number, fourths) in enumerate(() if without else said.came_back):
        if place == said.before_changes and not is_known:
            agree(agreements[1:])
            with suppress(NothingToCorrect):
                told.tell("correct_pool", pool=pool, reason="late")
        taken = min(left_minor[number], said.came_in[number][0] * fourths // 4)
        left_minor[number] -= taken
        if taken:
            told.reverse(revenue[number], taken, reason=f"refund {told.head()}")
    if not is_known and said.before_changes >= len(said.came_back):
        agree(agreements[1:])
        with suppress(NothingToCorrect):
            told.tell("correct_pool", pool=pool, reason="late")
    return exactly_due(told, pool, names)


def told_twice(database: str, said: Told) -> None:
    with bank(database) as told:
        told.clock.wait(days=300)
        assert due(told, said, without=False) == due(told, said, without=True)


@pytest.mark.parametrize("around", BANDED)
@pytest.mark.parametrize("is_advanced", [True, False])
@pytest.mark.parametrize("before_changes", [0, 2, 3])
def test_what_is_left_after_a_refund_is_what_would_have_been_given(
    around: str, is_advanced: bool, before_changes: int
) -> None:
    came_in = ((9_000, 1), (22_000, 2), (4_000, 1), (30_000, 5))
    back = ((0, 2), (1, 4), (0, 4))
    told_twice(SQLITE, Told(around, is_advanced, came_in, (2, 4), back, before_changes))


months, fourths = st.integers(1, 6), st.sampled_from([1, 2, 3, 4])
amounts = st.integers(1, 30_000) | st.integers(1, 400).map(lambda part: 100 * part)


@given(
    around=st.sampled_from(sorted(BANDED)),
    is_advanced=st.booleans(),
    came_in=st.lists(st.tuples(amounts, months), min_size=3, max_size=6),
    changes=st.lists(st.integers(2, 5), min_size=1, max_size=2, unique=True),
    data=st.data(),
)
@settings(max_examples=settings().max_examples // 4)
def test_so_it_is_for_whatever_came_in_and_back(
    around: str,
    is_advanced: bool,
    came_in: list[tuple[int, int]],
    changes: list[int],
    data: Any,
) -> None:
    number = st.integers(0, len(came_in) - 1)
    back = data.draw(st.lists(st.tuples(number, fourths), min_size=2, max_size=5))
    more = tuple(sorted(changes)), tuple(back), data.draw(st.integers(0, len(back)))
    told_twice(SQLITE, Told(around, is_advanced, tuple(came_in), *more))


@pytest.mark.parametrize("around", BANDED)
@pytest.mark.parametrize("is_advanced", [True, False])
@pytest.mark.parametrize("spent", [(12_000, 12_000), (12_000, 5_000), (60_000, 60_000)], ids=str)
def test_an_expense_that_was_too_much_leaves_what_there_would_be_without_it(
    around: str, is_advanced: bool, spent: tuple[int, int]
) -> None:
    came_in = ((9_000, 1), (22_000, 2), (4_000, 1), (30_000, 5))
    told_twice(SQLITE, Told(around, is_advanced, came_in, (2, 4), (), spent=spent))


def two_years(told: Bank, terms: Any) -> tuple[str, str, str, str, str]:
    """Ana had all of last year's shares, Cleo has this year's; 6.00 came in, then 8.00."""
    pool, a, c = told.pool(terms=terms), *told.people("Ana", "Cleo")
    told.accept(told.agree(pool, {a: "1"}, "2025"), a)
    told.accept(told.agree(pool, {c: "1"}, "2026"), c)
    return pool, a, c, told.earn(pool, 600, "2025-05"), told.earn(pool, 800, "2026-03")


def test_nobody_gives_back_what_the_bank_and_others_received(database: str) -> None:
    """Ana never got anything of it, and owes nothing; the bank is paid by what stands."""
    with bank(database) as told:
        _, _, c, first, _ = two_years(told, BANK)
        assert told.account() == {"bank": 1_000, c: 400}
        told.reverse(first, 300)
        assert told.account() == {"bank": 1_000, c: 100}
        told.reverse(first)
        assert told.account() == {"bank": 800}


def test_a_refund_takes_all_that_its_revenue_gave_and_the_others_move_up(database: str) -> None:
    with bank(database) as told:
        _, a, c, first, _ = two_years(told, HOUSE)
        assert told.account() == {a: 600, c: 400, "house": 400}
        told.reverse(first)
        assert told.account() == {c: 700, "house": 100}


def test_who_moved_up_is_told_why(database: str) -> None:
    """… in the statement, by its month and with the reason, and line by line."""
    with bank(database) as told:
        _, _, c, first, _ = two_years(told, HOUSE)
        reversal = told.reverse(first, reason="The shop closed.").id
        moved = part_id(reversal, "moved", 0)
        told.service.follower.catch_up()
        with told.view() as view:
            (one,) = statements.statement(view, told.journal, c)["statements"]
            last = one["movements"][-1]
            why = pools.why(view, told.journal, moved, c, actor="operator")
        assert (last["kind"], last["amount_minor"], last["reason"]) == (
            "correction",
            300,
            "The shop closed.",
        )
        assert (why["by_agreement"], why["by_terms"], why["due"]) == ("300", "0", "300")


def test_what_came_back_for_a_negative_month_moves_others_up_as_well(database: str) -> None:
    """The latest gives back first; what is beyond it is last year's, and Cleo's stands nowhere."""
    with bank(database) as told:
        pool, a, c, _, _ = two_years(told, BANK)
        told.earn(pool, 100, "2025-06")
        assert told.account() == {"bank": 1_000, a: 100, c: 400}
        told.earn(pool, -500, "2026-04")
        assert told.account() == {"bank": 1_000}


def test_a_division_that_should_have_moved_up_and_did_not_is_found() -> None:
    with bank(SQLITE) as told:
        _, _, _, first, second = two_years(told, HOUSE)
        told.reverse(first)
        facts = [(one.position, one.fact()) for one in told.journal.read()]
        kept = [each for each in facts if not isinstance(each[1], Entry.Redivided)]
        division = told.books().revenues[second].division
        assert [one.what for one in Verifier().read(kept)] == [f"{division} should have moved up"]
        (moved,) = (each for _, each in facts if isinstance(each, Entry.Redivided))
        moved.lines[0][1] = int(moved.lines[0][1]) + 1
        assert any("recomputed" in fault.what for fault in Verifier().read(facts))


@pytest.mark.parametrize("rules, moves", [(2, False), (RULES_THAT_MOVE, True)])
def test_a_reversal_of_earlier_rules_stays_as_it_is_and_is_verified(
    rules: int, moves: bool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netting, "rules_of_reversal", lambda *_: rules)
    with bank(database) as told:  # is verified at its end
        _, a, c, first, _ = two_years(told, HOUSE)
        told.reverse(first)
        kept = {c: 700} if moves else {a: 300, c: 400}
        assert told.account() == {**kept, "house": 100}
        assert bool(told.since(0, "entry.redivided")) == moves


@pytest.mark.parametrize("rules, moves", [(3, 400), (RULES_IN_ORDER, 700)])
def test_a_correction_moves_what_stands_and_by_earlier_rules_what_was_left(
    rules: int, moves: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By earlier rules a reversal took of Ana's what Cleo would have had in her place."""
    monkeypatch.setattr(netting, "rules_of_reversal", lambda *_: 2)
    monkeypatch.setattr(dividing, "correction_of", partial(correction_of, rules=rules))
    with bank(database) as told:  # is verified at its end
        pool, a, c, first, _ = two_years(told, HOUSE)
        told.reverse(first)
        dan = told.person("Dan")
        told.accept(told.agree(pool, {dan: "1"}, "2026-02"), dan)
        told.tell("correct_pool", pool=pool, reason="late")
        left = {a: 300, dan: moves, "house": 100}
        assert told.account() == left | ({c: 400 - moves} if moves > 400 else {})


def test_a_refund_moves_up_what_names_in_the_terms_have_of_later_revenue() -> None:
    """The terms of February name another label; with 5.00 in all, neither gets anything."""
    with bank(SQLITE) as told:
        terms = {"type": "escalator", "earned_minor": 0}
        bands = {who: [["600", "bank"], [None, who]] for who in ("label", "other label")}
        pool = told.pool(terms=terms | {"bands": bands["label"]})
        of_february = terms | {"bands": bands["other label"]}
        told.tell("amend_pool", pool=pool, terms=of_february, effective_at="2026-02", reason="r")
        first = told.earn(pool, 400, "2026-01")
        told.earn(pool, 400, "2026-02")
        assert told.account() == {"bank": 600, "other label": 200}
        told.reverse(first, 300)
        assert told.account() == {"bank": 500}


# -- fees of what bands and tranches leave -------------------------------------------------------


def banked(told: Bank, **fee: Any) -> tuple[str, str, str, str]:
    """A bank has the first 200.00, a platform a fee of the rest; 210.00 and 50.00 came in."""
    fees = {"type": "fees", "fees": [PLATFORM | fee], "then": AGREED}
    terms = {"type": "waterfall", "tranches": [["bank", 20_000], ["rest", None, fees]]}
    pool, (a,) = told.pool(terms=terms), told.people("Ana")
    told.accept(told.agree(pool, {a: "1"}, "2026-01"), a)
    return pool, a, told.earn(pool, 21_000, "2026-01"), told.earn(pool, 5_000, "2026-02")


@pytest.mark.parametrize("fee", [{}, {"cap_minor": 450}, {"cap_minor": 60}], ids=str)
def test_nobody_is_charged_for_a_fee_of_what_came_back(database: str, fee: dict[str, Any]) -> None:
    """Of the 50.00 that stay, the bank has everything, so there is nothing to take a fee of."""
    with bank(database) as told:
        _, _, first, _ = banked(told, **fee)
        told.reverse(first, 3_000)
        told.reverse(first)
        assert told.account() == {"bank": 5_000}


def test_of_a_part_that_came_back_a_fee_is_given_back_as_well(database: str) -> None:
    """Of 180.00 and 50.00, 30.00 are left after the bank: a tenth of them is the platform's."""
    with bank(database) as told:
        _, a, first, _ = banked(told)
        told.reverse(first, 3_000)
        assert told.account() == {"bank": 20_000, "platform": 300, a: 2_700}


def test_a_fee_that_was_taken_back_by_earlier_rules_stays_so_and_is_verified(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bank(database) as told:  # is verified at its end
        with monkeypatch.context() as before:
            before.setattr(netting, "rules_of_reversal", lambda *_: 6)
            _, a, first, _ = banked(told)
            told.reverse(first, 3_000)
        assert told.account() == {"bank": 20_000, "platform": 586, a: 2_414}
        told.reverse(first)
        assert [one.rules for one in told.since(0, "entry.reversed")] == [6, 6]


# -- what a correction leaves behind -------------------------------------------------------------


def corrected(told: Bank, pool: str) -> None:
    """Correct all of it, after which nothing is left to be corrected."""
    told.tell("correct_pool", pool=pool, reason="r")
    with pytest.raises(NothingToCorrect):
        told.tell("correct_pool", pool=pool, reason="r")


def test_a_waiver_after_a_correction_moves_what_goes_by_the_new_shares() -> None:
    """Of 3.00, 4.00 and 4.00, the first 6.00 go by the shares, and half of the rest: so 3.50 and
    2.00 of the last two, in place of 4.00 and 4.00."""
    with bank(SQLITE) as told:
        pool, (a, b) = told.pool(terms=HOUSE), told.people("a", "b")
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
        first, *_ = [told.earn(pool, 400, f"2026-0{month}") for month in (1, 2, 3)]
        told.reverse(first, 100)
        proposal = told.agree(pool, {a: "1/4", b: "3/4"}, "2026-02")
        corrected(told, pool)
        names = {"a": a, "b": b}
        assert exactly_due(told, pool, names) == {
            "a": 150 + Fraction(550, 4),
            "b": 150 + Fraction(3 * 550, 4),
            "house": 250,
        }
        told.tell("waive_share", proposal=proposal, scope="release", actor=b)
        assert exactly_due(told, pool, names) == {"a": 150 + 550, "b": 150, "house": 250}


def test_terms_with_another_name_for_the_house_are_corrected_once() -> None:
    """As much as before goes by the shares, so that only who has the rest is different."""
    with bank(SQLITE) as told:
        pool, (a, b) = told.pool(terms=HOUSE), told.people("a", "b")
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
        for month in (1, 2, 3):
            told.earn(pool, 400, f"2026-0{month}")
        label = [["label", "1/2"], ["artists", "1/2", AGREED]]
        terms = HOUSE | {"bands": [["600", AGREED], [None, label]]}
        told.tell("amend_pool", pool=pool, terms=terms, effective_at="2026-03", reason="r")
        corrected(told, pool)
        assert told.account() == {a: 450, b: 450, "house": 100, "label": 200}


def test_what_had_nothing_to_give_goes_by_the_new_shares_once_it_has() -> None:
    """3.00 went to the bank before anybody had a share; then it comes second, after 9.00."""
    with bank(SQLITE) as told:
        pool, (a, b) = told.pool(), told.people("a", "b")
        told.accept(told.agree(pool, {a: "1"}, "2026-01"), a)
        told.tell("amend_pool", pool=pool, terms=BANK, effective_at="2026-02", reason="r")
        told.earn(pool, 900, "2026-01")
        told.earn(pool, 300, "2026-02")
        assert told.account() == {a: 900, "bank": 300}
        told.tell("amend_pool", pool=pool, terms=BANK, effective_at="2026-01", reason="r")
        told.accept(told.agree(pool, {b: "1"}, "2026-01"), b)
        corrected(told, pool)
        assert told.account() == {"bank": 1_000, b: 200}


@pytest.mark.parametrize(
    "terms, back", [(BANK, 0), ({"type": "fixed", "shares": [["label", "1"]]}, 100)]
)
def test_what_went_by_no_share_has_nothing_to_correct_when_shares_change(
    terms: Any, back: int
) -> None:
    """The first, to a bank that has not had all of its tranche; or what is left of the second."""
    with bank(SQLITE) as told:
        pool, (a, b) = told.pool(terms=terms), told.people("a", "b")
        told.accept(told.agree(pool, {a: "1"}, "2026-01"), a)
        revenue = told.earn(pool, 400, "2026-01")
        if back:
            told.reverse(revenue, back)
        told.accept(told.agree(pool, {b: "1"}, "2026-01"), b)
        with pytest.raises(NothingToCorrect):
            told.tell("correct_pool", pool=pool, reason="b was missing")


def test_what_came_back_whole_lets_nothing_of_the_same_shares_move() -> None:
    with bank(SQLITE) as told:
        pool, a, _, first, other = two_years(told, HOUSE)
        told.earn(pool, 500, "2025-06")
        told.reverse(other)
        head = told.head()
        told.reverse(first, 100)
        assert told.since(head, "entry.redivided") == []
        assert told.account() == {a: 800, "house": 200}


@pytest.mark.parametrize("since", ["2026-01", "2026-02"])
def test_what_was_found_false_waits_until_nothing_is_left_under_the_old_shares(since: str) -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        piece = told.piece("song", by=[a])
        pool = told.pool(terms=HOUSE, release=told.release("record", piece))
        first = told.agree(pool, [asset(piece, {a: "1/2", b: "1/2"})], "2026-01")
        told.accept(first, a, b)
        for month in (1, 2):
            told.earn(pool, 400, f"2026-0{month}")
        (credit,) = told.since(0, "credit.granted")
        told.tell("revoke_credit", id=credit.originator_id, reason="not hers")
        later = told.agree(pool, [asset(piece, {a: "1/4", b: "3/4"})], since)
        told.accept(later, a, b)
        assert told.held(a, first) == (TO_BE_CORRECTED,)
        corrected(told, pool)
        assert told.held(a, later) == ()
        assert told.held(a, first) == (() if since == "2026-01" else (TO_BE_CORRECTED,))
