"""The books: what came in, when it was earned, what was taken back, and what is left to be paid."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from money import AGREED, HALF, Bank, asset, bank
from stories import OPERATOR, carry_out, id_of

from domain.identity import part_id
from domain.money.books import Books, fold_after
from domain.money.entry import Entry, Line, must_add_up
from domain.money.split import PLAIN
from domain.refusal import (
    AmountMissing,
    BadAmount,
    BadMadeAt,
    EarnedInFuture,
    IdTaken,
    NothingToCorrect,
    NothingToPay,
    Refusal,
    ReversalTooLarge,
    UnbalancedDivision,
    UnknownContributor,
    WrongState,
)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'stemma.db'}"


def pooled(told: Bank, shares: dict[str, str], **said: Any) -> str:
    pool = told.pool(**said)
    told.agree(pool, shares)
    return pool


# -- what comes in -------------------------------------------------------------------------

WRONG_AMOUNTS = [0, -1, True, 1.0, "1", None, 10**15, 10**31]


@pytest.mark.parametrize("amount", WRONG_AMOUNTS)
def test_an_amount_is_a_whole_number_of_units_that_every_reader_keeps(
    amount: Any, database: str
) -> None:
    with bank(database) as told:
        pool = told.pool()
        if amount != -1:  # revenue may be below zero
            with pytest.raises(AmountMissing if amount is None else BadAmount):
                told.earn(pool, amount)
        with pytest.raises(BadAmount):
            told.spend(pool, amount)
        revenue = told.earn(pool, 100)
        if amount is not None:
            with pytest.raises((BadAmount, ReversalTooLarge)):
                told.reverse(revenue, amount)
            with pytest.raises((BadAmount, NothingToPay)):
                told.pay(minimum_minor=amount)


def test_the_largest_amounts_are_kept_to_the_unit(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1", "b": "2"})
        for _ in range(3):
            told.earn(pool, 10**15 - 1)
        told.pay()
        assert told.account("in_transit") == {"a": 10**15 - 1, "b": 2 * 10**15 - 2}


@pytest.mark.parametrize("when", ["yesterday", "2026-13", "", "2026-02-30"])
def test_revenue_says_when_it_was_earned(when: str, database: str) -> None:
    with bank(database) as told, pytest.raises(BadMadeAt):
        told.earn(told.pool(), 1, when)


@pytest.mark.parametrize("currency", ["JPY", "KWD", "CLF"])
def test_units_are_those_of_the_currency(currency: str, database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1", "b": "1"}, currency=currency)
        told.earn(pool, 1001)
        with pytest.raises(NothingToPay):
            told.pay("USD")
        assert told.pay(currency) == {"a": 501, "b": 500}


def test_revenue_before_any_agreement_waits_and_is_divided_with_it(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.earn(pool, 100, "2019")
        told.earn(pool, 23, "2026")
        assert told.account("waiting") == {"": 123}
        told.agree(pool, {"a": "1"})
        assert told.account() == {"a": 123}


def test_revenue_of_before_the_first_dated_agreement_waits_for_an_older_one(
    database: str,
) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"a": "1"}, effective_at="2020")
        told.earn(pool, 100, "2019")
        assert told.account("waiting") == {"": 100}
        told.agree(pool, {"b": "1"}, effective_at="2010")
        assert told.account() == {"b": 100}


def test_late_revenue_goes_by_the_shares_in_force_when_it_was_earned(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"a": "1"})
        told.agree(pool, {"b": "1"}, effective_at="2026-03")
        told.agree(pool, {"c": "1"}, effective_at="2026-05")
        for period, amount in (
            ("2026-02", 1),
            ("2026-03", 20),
            ("2026-04-30", 300),
            ("2026-05", 4000),
        ):
            told.earn(pool, amount, period)
        assert told.account() == {"a": 1, "b": 320, "c": 4000}


def test_a_source_is_deferred_until_it_has_brought_exactly_enough(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1"}, deferral_minor=500)
        first = told.earn(pool, 300, source="x")
        told.earn(pool, 499, source="y")
        assert told.account() == {}
        told.reverse(first, 100)
        told.earn(pool, 299, source="x")
        assert told.account("waiting") == {"": 998}
        told.earn(pool, 1, source="x")
        assert told.account() == {"a": 500}
        # What is left of a source that fell below it again waits, and nothing is taken back.
        told.reverse(first)
        told.earn(pool, 199, source="x")
        assert told.account() == {"a": 300}
        assert told.account("waiting") == {"": 499 + 199}


def test_expenses_are_paid_back_before_there_is_a_profit(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        pool = pooled(told, {"b": "1"}, terms=HALF)
        told.spend(pool, 150, ana)
        # Somebody outside is known by where they were named first, not by the name.
        printer = f"payer/{told.spend(pool, 50, 'printer')}"
        told.spend(pool, 20, "printer")
        told.earn(pool, 100)
        assert told.account() == {ana: 100}
        second = told.earn(pool, 320)
        assert told.account() == {ana: 150, printer: 70, "house": 100, "b": 100}
        told.reverse(second)
        assert told.account() == {ana: 100}
        told.earn(pool, 320)
        assert told.account() == {ana: 150, printer: 70, "house": 100, "b": 100}
        with pytest.raises(UnknownContributor):
            told.spend(pool, 1, id_of("nobody"))


def test_a_name_in_amended_terms_is_the_payee_of_an_expense(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"b": "1"}, terms=HALF)
        shares = [["shop", "1/2"], ["artists", "1/2", AGREED]]
        terms = {"type": "fixed", "shares": shares}
        said = {"pool": pool, "terms": terms, "effective_at": "2026-06"}
        told.tell("amend_pool", reason="The shop pays for the printing.", **said)
        told.spend(pool, 50, "shop")
        told.spend(pool, 20, "house")
        told.earn(pool, 170, "2026-06")
        assert told.account() == {"shop": 100, "house": 20, "b": 50}


def test_plain_rounding_carries_nothing(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "49", "b": "51"}, rounding=PLAIN)
        for _ in range(10):
            told.earn(pool, 1)
        assert told.account() == {"b": 10}
        assert not told.books().pools[pool].carry


def test_with_carry_nobody_drifts_by_a_unit_over_a_thousand_payments(database: str) -> None:
    """2 % of 1,000 payments of one to eleven units: without carry it would be nothing at all."""
    with bank(database) as told:
        pool = pooled(told, {"small": "2", "large": "98"})
        draft = told.journal.draft()
        total = 0
        for number in range(1_000):
            amount = number * 7 % 11 + 1
            carry_out(
                draft,
                "record_revenue",
                actor=OPERATOR,
                pool=pool,
                amount_minor=amount,
                source="s",
                effective_at="2026",
            )
            total += amount
        told.journal.commit(draft)
        assert abs(told.account()["small"] - Fraction(2 * total, 100)) < 1


# -- what is taken back --------------------------------------------------------------------


def test_a_reversal_is_the_exact_negation_whatever_came_since(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1", "b": "1", "c": "1"}, terms=HALF)
        told.earn(pool, 1001)
        before, carry = told.account(), dict(told.books().pools[pool].carry)
        revenue = told.earn(pool, 777)
        told.reverse(revenue)
        assert (told.account(), dict(told.books().pools[pool].carry)) == (before, carry)
        with pytest.raises(ReversalTooLarge):
            told.reverse(revenue)


@settings(max_examples=15)
@given(data=st.data(), shares=st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
def test_partial_reversals_end_at_exactly_nothing(data: st.DataObject, shares: list[int]) -> None:
    with bank_of_its_own() as told:
        terms = data.draw(st.sampled_from([AGREED, HALF]))
        pool = pooled(told, {f"p{n}": str(part) for n, part in enumerate(shares)}, terms=terms)
        left = data.draw(st.integers(1, 400))
        told.spend(pool, 13)
        revenue = told.earn(pool, left)
        while left:
            taken = data.draw(st.integers(1, left))
            told.reverse(revenue, taken)
            left -= taken
            assert all(units >= 0 for units in told.account().values())
        assert told.account() == {}
        assert not told.books().pools[pool].carry
        assert [cost.left_minor for cost in told.books().pools[pool].costs] == [13]


@contextmanager
def bank_of_its_own() -> Iterator[Bank]:
    """For each example of a property."""
    with TemporaryDirectory() as folder, bank(f"sqlite:///{folder}/stemma.db") as told:
        yield told


def test_hundreds_of_partial_reversals_do_not_lengthen_the_exact_shares(database: str) -> None:
    """Costs and capped fees are no part of an amount, and still no denominator piles up."""
    with bank(database) as told:
        fee = {"payee": "house", "rate": "1/7", "cap_minor": 50}
        terms = {"type": "fees", "fees": [fee], "then": AGREED}
        pool = pooled(told, {"a": "1", "b": "2"}, terms=terms)
        told.spend(pool, 10_000)
        draft = told.journal.draft()
        for number in range(300):
            amount = 1_009 + 2 * number
            revenue = carry_out(
                draft,
                "record_revenue",
                actor=OPERATOR,
                pool=pool,
                amount_minor=amount,
                source="s",
                effective_at="2026",
            ).id
            carry_out(
                draft,
                "reverse_revenue",
                actor=OPERATOR,
                revenue=revenue,
                amount_minor=1,
                reason="r",
            )
        told.journal.commit(draft)
        carry = told.books().pools[pool].carry
        assert max(len(str(part)) for part in carry.values()) < 100


def test_what_was_paid_and_is_taken_back_is_a_debt_that_later_earnings_fill(
    database: str,
) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1", "b": "1"})
        other = pooled(told, {"a": "1"}, name="other")
        revenue = told.earn(pool, 200)
        told.pay()
        told.reverse(revenue)
        assert told.account() == {"a": -100, "b": -100}
        with pytest.raises(NothingToPay):
            told.pay()
        told.earn(pool, 60)
        told.earn(other, 150)
        # In one pool a debt, money in the other: they are paid the difference.
        assert told.pay() == {"a": 80}
        assert told.account() == {"b": -70}


# -- corrections ---------------------------------------------------------------------------


def test_somebody_found_late_gets_the_difference_and_what_was_paid_stays(database: str) -> None:
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        pool = told.pool(terms=HALF)
        first = told.agree(pool, {ana: "1"})
        told.accept(first, ana)
        revenue = told.earn(pool, 1000, "2026-01")
        told.earn(pool, 500, "2025-12")
        told.pay(payees=[ana])
        with pytest.raises(NothingToCorrect):
            told.tell("correct_pool", pool=pool, reason="bo was left out")
        second = told.agree(pool, {ana: "3", bo: "2"}, effective_at="2026-01")
        told.tell("correct_pool", pool=pool, reason="bo was left out")
        with pytest.raises(NothingToCorrect):
            told.tell("correct_pool", pool=pool, reason="again")
        assert told.account() == {"house": 750, ana: -200, bo: 200}
        told.accept(second, bo)
        assert told.pay() == {"house": 750, bo: 200}
        # The reversal after it takes back what each of them has of it now.
        told.reverse(revenue)
        assert told.account() == {"house": -500, ana: -500, bo: -200}
        assert told.books().agreed[second] == 0


def test_a_waiver_after_money_came_in_moves_it_to_the_others(database: str) -> None:
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        pool = told.pool()
        proposal = told.agree(pool, {ana: "1", bo: "1", "house": "2"})
        revenue = told.earn(pool, 400)
        told.tell("waive_share", proposal=proposal, actor=ana, scope="all of it")
        third = Fraction(400, 3)
        assert told.account() == {bo: 133, "house": 267}
        assert told.books().pools[pool].carry == {bo: third - 133, "house": 2 * third - 267}
        told.reverse(revenue, 100)
        told.reverse(revenue)
        assert told.account() == {}


# -- what leaves ---------------------------------------------------------------------------


def test_a_batch_pays_whoever_is_owed_enough_by_their_own_minimum(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1", "b": "2", "c": "3"})
        told.earn(pool, 600)
        minimums = [{"payee": "c", "minimum_minor": 301}, {"payee": "a", "minimum_minor": 100}]
        assert told.pay(minimum_minor=150, minimums=minimums) == {"a": 100, "b": 200}
        with pytest.raises(NothingToPay):
            told.pay(minimum_minor=150, minimums=minimums)
        assert told.pay(payees=["b", "c"]) == {"c": 300}


def test_a_batch_is_issued_once_and_its_id_is_no_other(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1"})
        told.earn(pool, 600)
        issue = partial(told.tell, "issue_payouts", currency="USD")
        first = issue(id=id_of("batch"))
        head = told.head()
        told.earn(pool, 600)
        assert issue(id=id_of("batch")) == first
        assert told.topics(head) == ["revenue.recorded", "entry.divided"]
        for said in ({"minimum_minor": 2}, {"payees": ["a"]}, {"currency": "EUR"}):
            with pytest.raises(IdTaken):
                told.tell("issue_payouts", **{"currency": "USD", "id": id_of("batch")} | said)
        for taken in (pool, part_id(id_of("batch"), "payout", 0)):
            with pytest.raises(IdTaken):
                issue(id=taken)


def test_a_merged_account_is_paid_to_the_person_who_may_be_named_either_way(
    database: str,
) -> None:
    with bank(database) as told:
        ana, old = told.people("ana", "old")
        pool = told.pool()
        told.accept(told.agree(pool, {old: "1", ana: "1"}), ana, old)
        told.earn(pool, 200)
        told.tell("merge_contributor", id=old, into=ana)
        with pytest.raises(NothingToPay):
            told.pay(minimums=[{"payee": old, "minimum_minor": 201}])
        assert told.pay(payees=[old]) == {ana: 200}
        with pytest.raises(UnknownContributor):
            told.pay(payees=[id_of("nobody")])


def test_after_an_undone_merge_each_is_paid_what_is_theirs(database: str) -> None:
    with bank(database) as told:
        ana, old = told.people("ana", "old")
        pool = told.pool()
        told.accept(told.agree(pool, {old: "1", ana: "1"}), ana, old)
        told.earn(pool, 200)
        told.tell("merge_contributor", id=old, into=ana)
        assert told.pay() == {ana: 200}
        told.earn(pool, 100)
        told.tell("separate_contributor", id=old, reason="two people")
        assert told.pay() == {ana: 50, old: 50}


def test_what_came_back_rests_until_it_is_claimed(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1"}), ana)
        told.earn(pool, 100)
        told.pay()
        payout = told.payouts()[ana]
        with pytest.raises(WrongState):
            told.tell("claim_payout", id=payout)
        settled = told.tell("settle_payout", id=payout, reference="wire 7")
        assert told.tell("settle_payout", id=payout, reference="wire 7") == settled
        assert told.account("paid") == {ana: 100}
        back = told.tell("return_payout", id=payout, reason="account closed")
        assert told.tell("return_payout", id=payout, reason="account closed") == back
        assert told.account("suspense") == {ana: 100}
        with pytest.raises(NothingToPay):
            told.pay()
        told.clock.wait(days=360)
        told.tell("claim_payout", id=payout, actor=ana)
        assert told.account() == {ana: 100}
        assert told.pay() == {ana: 100}
        with pytest.raises(WrongState):
            told.tell("settle_payout", id=payout)


@pytest.mark.parametrize("how", ["hold", "dispute"])
def test_a_question_about_a_credit_holds_the_money_also_after_a_merge(
    how: str, database: str
) -> None:
    with bank(database) as told:
        ana, old = told.people("ana", "old")
        song = told.piece("song", by=[old])
        credit = told.since(0, "credit.granted")[0].originator_id
        pool = told.pool()
        told.accept(told.agree(pool, [asset(song, {ana: "1"})]), ana)
        told.earn(pool, 100)
        more = {"grounds": "other"} if how == "dispute" else {}
        told.tell(f"{how}_credit", id=credit, reason="r", **more)
        told.tell("merge_contributor", id=old, into=ana)
        with pytest.raises(NothingToPay):
            told.pay()
        assert told.account() == {ana: 100}
        if how == "hold":
            told.tell("lift_hold", id=credit)
        else:
            told.tell("settle_credit", id=credit, outcome="dismissed", reason="r")
        assert told.pay() == {ana: 100}


# -- laws ----------------------------------------------------------------------------------


def test_lines_that_do_not_add_up_are_refused_whoever_computed_them() -> None:
    half = Fraction(1, 2)
    fine = [Line("a", 1, half, Fraction()), Line("b", 0, half, Fraction())]
    must_add_up(1, fine)
    for wrong in (fine[:1], [fine[0]] * 2, [*fine, Line("c", 0, Fraction(), half)]):
        with pytest.raises(UnbalancedDivision):
            must_add_up(1, wrong)


@settings(max_examples=6)
@given(
    st.permutations(list("abcd")),
    st.permutations([("x", "2"), ("y", "1"), ("z", "1/3"), ("none", "0")]),
    st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_neither_order_nor_other_names_change_who_gets_what(
    new_names: list[str], order: list[tuple[str, str]], amounts: list[int]
) -> None:
    def outcome(names: dict[str, str], order: list[tuple[str, str]]) -> list[int]:
        with bank_of_its_own() as told:
            pool = pooled(told, {names[name]: part for name, part in order})
            for amount in amounts:
                told.earn(pool, amount)
            return [told.account().get(names[each], 0) for each in ("x", "y", "z", "none")]

    same = {name: name for name, _ in order}
    expected = outcome(same, sorted(order))
    assert outcome(same, order) == expected
    assert expected[3] == 0
    # Other names that sort alike: no share is the same as another, so no tie depends on them.
    renamed = dict(zip(sorted(same), sorted(new_names), strict=True))
    assert outcome(renamed, order) == expected


def test_a_repeated_command_about_money_changes_nothing(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1", "b": "2"})

        def twice(command: str, other: dict[str, Any], **said: Any) -> None:
            first = told.tell(command, **said)
            head = told.head()
            told.clock.wait(hours=30)
            assert told.tell(command, **said) == first
            with pytest.raises(IdTaken):
                told.tell(command, **said | other)
            assert told.head() == head

        revenue = {"pool": pool, "amount_minor": 100, "source": "s", "effective_at": "2026"}
        twice("record_revenue", {"amount_minor": 99}, **revenue, id=id_of("r"), document="no. 7")
        twice("record_revenue", {"source": "t"}, **revenue, id=id_of("r2"), note="n")
        expense = {"pool": pool, "amount_minor": 5, "category": "c", "effective_at": "2026"}
        twice("record_expense", {"payer": "b"}, **expense, id=id_of("e"))
        back = {"revenue": id_of("r"), "reason": "r"}
        twice("reverse_revenue", {"amount_minor": 41}, **back, amount_minor=40, id=id_of("x"))
        twice("reverse_revenue", {"revenue": id_of("r2")}, **back, id=id_of("y"))
        waiting = told.pool("waiting")
        told.earn(waiting, 10, id=id_of("w"))
        back["revenue"] = id_of("w")
        twice("reverse_revenue", {"amount_minor": 5}, **back, amount_minor=4, id=id_of("z"))


def test_several_commands_in_one_append_see_each_other(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1", "b": "1", "c": "1"})
        draft = told.journal.draft()
        said: dict[str, Any] = {"actor": OPERATOR, "pool": pool, "source": "s", "amount_minor": 1}
        first = carry_out(draft, "record_revenue", **said, effective_at="2026")
        carry_out(draft, "record_revenue", **said, effective_at="2026")
        with pytest.raises(Refusal):
            carry_out(draft, "record_revenue", **said, effective_at="never")
        carry_out(draft, "record_revenue", **said, effective_at="2026")
        carry_out(draft, "reverse_revenue", actor=OPERATOR, revenue=first.id, reason="r")
        with pytest.raises(ReversalTooLarge):
            carry_out(draft, "reverse_revenue", actor=OPERATOR, revenue=first.id, reason="r")
        carry_out(draft, "issue_payouts", actor=OPERATOR, currency="USD")
        told.journal.commit(draft)
        told.clock.wait(seconds=1)
        assert sum(told.account("in_transit").values()) == 2
        assert told.account() == {}


# -- large cases ---------------------------------------------------------------------------


def test_hundreds_of_payees_with_ugly_shares_go_on_in_further_facts(database: str) -> None:
    """One asset, 426 people, fractions of eighty digits; also after all of it is read again."""
    with bank(database) as told:
        people = told.people(*(f"artist {n}" for n in range(426)))
        ugly = 10**39 + 7
        shares = {who: f"{n * 10**35 + 3}/{ugly}" for n, who in enumerate(people, start=1)}
        pool = told.pool(terms=HALF)
        proposal = told.propose(pool, shares)
        comment = told.tell(
            "comment_on_proposal", proposal=proposal, kind="other", text="t", actor=people[0]
        ).id
        revised = [asset("one", {"house": "1"}), asset("all of it", shares, "5")]
        told.tell("revise_proposal", proposal=proposal, comments=[comment], assets=revised)
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=proposal)
        assert told.topics().count("share.offered") == 426
        told.earn(pool, 12_345_67)
        told.tell("waive_share", proposal=proposal, actor=people[7], scope="release")
        told.reverse(told.earn(pool, 89_01), 1_23)
        expected = told.books().agreements[proposal].shares
        for who in people[:7]:
            # What the eighth waived went to everybody else in the release in proportion.
            assert expected[who] / expected[people[8]] == Fraction(shares[who]) / Fraction(
                shares[people[8]]
            )
        assert expected[people[7]] == 0
        assert sum(expected.values()) == 1
        topics = told.topics()
        assert topics.count("entry.continued") > 10
        assert topics.count("proposal.shared") >= 2
        anew = Books()
        fold_after(anew, told.journal.facts, page=5)
        assert anew.rows() == told.books().rows()


def test_a_thousand_expenses_are_paid_back_at_once(database: str) -> None:
    with bank(database) as told:
        pool = pooled(told, {"a": "1"})
        draft = told.journal.draft()
        for number in range(1_000):
            carry_out(
                draft,
                "record_expense",
                actor=OPERATOR,
                pool=pool,
                amount_minor=number + 1,
                payer=f"payer {number}",
                category="c",
                effective_at="2026",
            )
        told.journal.commit(draft)
        told.clock.wait(seconds=1)
        revenue = told.earn(pool, 600_000)
        assert told.account()["a"] == 600_000 - 500_500
        told.reverse(revenue, 7)
        told.reverse(revenue)
        assert told.account() == {}
        assert sum(cost.left_minor for cost in told.books().pools[pool].costs) == 500_500
        assert any(isinstance(one.fact(), Entry.Continued) for one in told.facts())


def test_somebody_who_is_in_hundreds_of_pools_is_paid_in_several_payouts(database: str) -> None:
    with bank(database) as told:
        release = told.release("release", told.piece("piece"))
        draft = told.journal.draft()
        said: dict[str, Any] = {"actor": OPERATOR, "release": release, "name": "p", "kind": "song"}
        opened = [
            carry_out(draft, "open_pool", **said, currency="USD", terms=AGREED).id
            for _ in range(260)
        ]
        assets = [asset("a", {"house": "1"})]
        posted = [
            carry_out(draft, "post_proposal", actor=OPERATOR, pool=pool, assets=assets).id
            for pool in opened
        ]
        told.journal.commit(draft)
        told.clock.wait(days=14)
        draft = told.journal.draft()
        said = {"actor": OPERATOR, "amount_minor": 7, "source": "s", "effective_at": "2026"}
        for pool, proposal in zip(opened, posted, strict=True):
            carry_out(draft, "finalise_proposal", actor=OPERATOR, proposal=proposal)
            carry_out(draft, "record_revenue", **said, pool=pool)
        told.journal.commit(draft)
        told.tell("issue_payouts", currency="USD")
        payouts = told.since(0, "payout.issued")
        assert len(payouts) == 2
        assert sum(one.amount_minor for one in payouts) == 260 * 7
        (batch,) = told.since(0, "batch.opened")
        assert (batch.count, batch.total_minor) == (2, 260 * 7)
        assert told.account() == {}


def test_what_is_earned_later_than_now_is_refused(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        head = told.head()
        said = {"pool": pool, "amount_minor": 100, "effective_at": "2027"}
        with pytest.raises(EarnedInFuture):
            told.tell("record_revenue", source="shop", **said)
        with pytest.raises(EarnedInFuture):
            told.tell("record_expense", payer="house", category="printing", **said)
        assert told.head() == head
