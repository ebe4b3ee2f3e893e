"""Where a rule of money begins to hold: at its very bound, at nothing, at the first of two.

Each claim is one that a changed comparison, sign or “and” would break (see “Mutants”).
"""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from exact import answered, fixed, graph
from money import bank
from test_policies import CASCADE

from domain.money.policy.bounds import Bounds, bounded
from domain.money.policy.flow import Back, Flow
from domain.refusal import NoShare, ReversalTooLarge, SplitTooLarge, WindowOpen

SQLITE = "sqlite:///:memory:"


def test_an_expense_of_which_nothing_is_left_is_not_reversed_again() -> None:
    with bank(SQLITE) as told:
        pool = told.pool()
        spent = told.spend(pool, 100)
        told.tell("reverse_expense", expense=spent, reason="typed twice")
        with pytest.raises(ReversalTooLarge):
            told.tell("reverse_expense", expense=spent, reason="and again")


def test_what_was_not_paid_back_of_an_expense_is_reversed_without_giving_anything_anew() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        told.agree(pool, {a: "1"})
        spent = told.spend(pool, 100)
        told.earn(pool, 60)
        told.tell("reverse_expense", expense=spent, amount_minor=40, reason="a credit note")
        assert told.since(0, "entry.redivided") == []
        assert [*told.account().values()] == [60]


def test_a_proposal_can_be_final_at_the_moment_when_its_window_closes() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        proposal = told.propose(pool, {a: "1"})
        closes = told.clock.now + timedelta(days=14)
        told.clock.now = closes - timedelta(seconds=2)
        with pytest.raises(WindowOpen):
            told.tell("finalise_proposal", proposal=proposal)
        assert told.clock.now == closes - timedelta(seconds=1)
        told.tell("finalise_proposal", proposal=proposal)
        assert told.clock.now == closes


def test_of_a_work_without_a_share_nobody_answers() -> None:
    with bank(SQLITE) as told:
        pool, a, work = told.pool(), told.person("a"), told.piece("of nobody")
        proposal = told.agree(pool, {a: "1"})
        with pytest.raises(NoShare):
            told.tell("accept_share", proposal=proposal, work=work, actor=a)


def test_a_waiver_that_changes_nothing_corrects_nothing() -> None:
    with bank(SQLITE) as told:
        pool, (a, b, c) = told.pool(), told.people("a", "b", "c")
        proposal = told.agree(pool, {a: "1", b: "1", c: "0"})
        told.tell("waive_share", proposal=proposal, scope="release", actor=a)
        told.earn(pool, 100)
        told.tell("waive_share", proposal=proposal, scope="release", actor=c)
        assert told.since(0, "entry.corrected") == []
        assert told.account() == {b: 100}


def test_the_same_opening_again_is_recorded_with_a_warning_that_names_the_first() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        told.agree(pool, {a: "1"}, "2026-01")
        said = {
            "pool": pool,
            "lines": [{"payee": a, "amount_minor": 70}],
            "effective_at": "2026-02",
        }
        first = told.tell("record_opening", **said, document="closing statement")
        assert told.tell("record_opening", **said, document="another").warnings == ()
        (warned,) = told.tell("record_opening", **said, document="closing statement").warnings
        assert (warned.code, first.id in warned.detail) == ("document_repeated", True)


# -- terms ---------------------------------------------------------------------------------


def test_the_parts_that_reversals_take_back_sum_to_the_whole() -> None:
    amount, steps = Fraction(10, 3), [Fraction(0), Fraction(1, 7), Fraction(2, 3), Fraction(1)]
    parts = [Back(Flow(), before, after).part(amount) for before, after in pairwise(steps)]
    assert sum(parts) == amount
    assert all(part > 0 for part in parts)


def test_shares_set_by_hand_may_be_the_whole() -> None:
    policy = {"type": "adjusted", "of": fixed([("a", "1/2"), ("b", "1/2")]), "set": [["a", "1"]]}
    assert answered(policy, 7)["lines"][0]["amount_minor"] == 7
    alone = {"type": "adjusted", "of": fixed([("a", "1")]), "set": [["a", "1"]]}
    assert [line["amount_minor"] for line in answered(alone, 7)["lines"]] == [7]


def test_shares_set_by_hand_cost_no_more_than_what_they_are_set_in_twice() -> None:
    adjusted = {"type": "adjusted", "of": CASCADE, "set": [["editor", "1/100"]]}
    policy = {"type": "fixed", "shares": [[name, "1/2", adjusted] for name in ("one", "other")]}
    given = {"graph": graph("a", {"a>b": "1/2", "b>c": "1/2"})}
    with bounded(Bounds(steps=20)):
        answered(policy, **given)
    with bounded(Bounds(steps=19)), pytest.raises(SplitTooLarge):
        answered(policy, **given)
