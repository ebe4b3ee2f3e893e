"""What answers about money say of a small history: each field has its value, and to whom.

Each claim is one that a changed comparison, sign or “and” would break (see “Mutants”).
"""

from typing import Any

import pytest
from money import AGREED, Bank, asset, bank, verify

from domain.money.pool import LEAST_REVIEW_HOURS
from domain.permission import OPERATOR
from domain.refusal import NotPermitted
from projections.money import pools, statements

SQLITE = "sqlite:///:memory:"


def movements(told: Bank, person: str) -> list[Any]:
    with told.view() as view:
        (shown,) = statements.statement(view, told.journal, person)["statements"]
    return shown["movements"]


def test_a_payout_names_its_pool_unless_it_is_of_several() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        one, two = told.pool("one"), told.pool("two")
        told.accept(told.agree(one, {a: "1/2", b: "1/2"}), a, b)
        told.tell("merge_contributor", id=b, into=a)
        told.earn(one, 100)
        told.pay()
        told.accept(told.agree(two, {a: "1"}), a)
        told.earn(one, 100)
        told.earn(two, 100)
        told.pay()
        paid = [each for each in movements(told, a) if each["kind"] == "payout"]
        assert [len(each["parts"]) for each in paid] == [2, 3]
        assert [each["pool"] and each["pool"]["id"] for each in paid] == [one, None]


def test_a_pool_says_what_came_in_and_how_long_it_is_reviewed_to_those_who_may_know() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        record = told.release("record", told.piece("song", by=[b]))
        pool = told.pool(release=record)
        told.pool("careful", release=record, review_hours=LEAST_REVIEW_HOURS + 1)
        told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(pool, 900)
        with told.view() as view:
            both = pools.pools(view, told.journal, record, actor=OPERATOR).items
            assert [each["received_minor"] for each in both] == [900, 0]
            asked = [pools.pool(view, told.journal, each["id"], actor=OPERATOR) for each in both]
            hours = [each["review_hours"] for each in asked]
            assert hours == [LEAST_REVIEW_HOURS, LEAST_REVIEW_HOURS + 1]
            (own, _) = pools.pools(view, told.journal, record, actor=b).items
            assert own["received_minor"] is None, "who made a piece may know of the pool"
            accounts = {
                who: pools.pool(view, told.journal, pool, actor=who)["accounts"]
                for who in (OPERATOR, a, b)
            }
            assert accounts[OPERATOR] == accounts[a] != accounts[b] is None
            with pytest.raises(NotPermitted):
                pools.pool(view, told.journal, pool, actor=told.person("c"))


def test_what_was_joined_is_one_piece_in_answers_as_in_the_books() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        song, again = told.piece("song", by=[a]), told.piece("song again", by=[a])
        pool = told.pool(release=told.release("record", again), terms=AGREED)
        proposal = told.agree(pool, [asset(again, {a: "1"}), asset("poster", {b: "1"})])
        told.accept(proposal, a, b)
        told.earn(pool, 100)
        told.tell("join_works", work=again, into=song, reason="the same")
        said = {"grounds": "other", "reason": "r", "evidence": "e"}
        credit = next(one.originator_id for one in told.since(0, "credit.granted"))
        told.tell("dispute_credit", id=credit, **said)
        assert told.held(a, proposal) == ("disputed",)
        verify(told)


def test_a_pool_says_what_waits_by_the_names_of_its_sources_and_for_what() -> None:
    with bank(SQLITE) as told:
        pool = told.pool(deferral_minor=100)
        told.earn(pool, 99, source="The Skerry Festival")
        told.earn(pool, 100, source="streaming")
        with told.view() as view:
            waiting = pools.statement(view, told.journal, pool, actor=OPERATOR)["waiting"]
    found = [(each["source"], each["waiting_minor"], each["because"]) for each in waiting]
    assert sorted(found) == [
        ("The Skerry Festival", 99, "deferred"),
        ("streaming", 100, "no_agreement"),
    ]


def test_who_gave_everything_back_or_more_has_earned_nothing_of_a_pool() -> None:
    with bank(SQLITE) as told:
        a, b, c = told.people("a", "b", "c")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}, "2026"), a)
        told.earn(pool, 70)
        lines = [(a, -70), (b, 80), (c, -10)]
        said = [{"payee": payee, "amount_minor": units} for payee, units in lines]
        told.tell("record_adjustment", pool=pool, lines=said, reason="b did all of it")
        with told.view() as view:
            assert pools.earned(view, pool) == {b: 80}
