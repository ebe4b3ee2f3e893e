"""Two who move the same money at the same moment: one comes after the other, and sees it.

Every race here is a real one: threads, or processes, on a real database.
"""

import random
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from clocks import TickingClock
from money import HALF, Bank, asset, bank, must_be_sound
from stories import OPERATOR, at_once, id_of
from warm import PROCESSES

from domain.draft import Acknowledgement
from domain.refusal import NothingToPay, Refusal, ReversalTooLarge
from domain.registry import BY_OPERATION
from scripts.service import open_service

ROUNDS = 5


def paid_out(told: Bank) -> int:
    return sum(one.amount_minor for one in told.since(0, "payout.issued"))


def test_two_batches_at_once_pay_a_balance_once(database: str) -> None:
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        pool = told.pool(terms=HALF)
        proposal = told.agree(pool, {ana: "1", bo: "1"})
        told.accept(proposal, ana, bo)
        for number in range(1, ROUNDS + 1):
            told.earn(pool, 400)
            answers = at_once(*[partial(told.tell, "issue_payouts", currency="USD")] * 3)
            assert sum(isinstance(answer, NothingToPay) for answer in answers) == 2
            assert paid_out(told) == 400 * number


def test_the_same_batch_at_once_is_issued_once(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"house": "1"})
        for number in range(ROUNDS):
            told.earn(pool, 100)
            issue = partial(told.tell, "issue_payouts", currency="USD", id=id_of(f"{number}"))
            answers = at_once(issue, issue, issue)
            assert answers[0] == answers[1] == answers[2]
            assert isinstance(answers[0], Acknowledgement)
            assert paid_out(told) == 100 * (number + 1)


def test_a_batch_and_a_reversal_at_once_come_one_after_the_other(database: str) -> None:
    """Either nothing is paid, or what was paid is owed back."""
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"house": "2", "label": "1"})
        for _ in range(ROUNDS):
            revenue = told.earn(pool, 300)
            batch, reversal = at_once(
                partial(told.tell, "issue_payouts", currency="USD"), partial(told.reverse, revenue)
            )
            assert isinstance(reversal, Acknowledgement)
            owed = sum(told.account().values())
            assert owed == (0 if isinstance(batch, NothingToPay) else -300)
            if owed:
                told.earn(pool, 300)
            assert told.account() == {}


def test_revenues_at_once_carry_on_from_each_other(database: str) -> None:
    with bank(database) as told:
        ana, bo, cy = told.people("ana", "bo", "cy")
        pool = told.pool()
        told.agree(pool, {ana: "1", bo: "1", cy: "1"})
        for _ in range(ROUNDS):
            answers = at_once(*[partial(told.earn, pool, 1)] * 3)
            assert not any(isinstance(answer, Refusal) for answer in answers)
            # Of three single units each of three gets one: the carry saw to that.
            assert len(set(told.account().values())) == 1


def test_what_is_assigned_and_paid_at_once_goes_to_one_of_them(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"house": "1"})
        for _ in range(ROUNDS):
            told.earn(pool, 100)
            proof = {"reason": "r", "evidence": "e"}
            said = {"payee": "house", "to": "heir", "currency": "USD", **proof}
            at_once(told.pay, partial(told.tell, "record_assignment", **said))
        owed, moving = (told.account(name) for name in ("owed", "in_transit"))
        assert sum(owed.values()) + sum(moving.values()) == 100 * ROUNDS
        assert min([*owed.values(), *moving.values()]) > 0


def test_an_expense_is_reversed_and_paid_back_at_once_without_a_cent_too_much(
    database: str,
) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"house": "1"})
        for number in range(1, ROUNDS + 1):
            expense = told.spend(pool, 100, OPERATOR)
            back = partial(told.tell, "reverse_expense", expense=expense, reason="r")
            at_once(partial(told.earn, pool, 60), partial(back, amount_minor=70), back)
            assert told.account() == {"house": 60 * number}


def test_two_reversals_at_once_take_nothing_twice(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"house": "1", "label": "2"})
        for _ in range(ROUNDS):
            revenue = told.earn(pool, 100)
            answers = at_once(*[partial(told.reverse, revenue, 60)] * 2)
            assert sum(isinstance(answer, ReversalTooLarge) for answer in answers) == 1
            told.reverse(revenue)
        assert told.account() == {}


def test_a_waiver_a_revenue_and_a_correction_at_once_lose_nothing(database: str) -> None:
    with bank(database) as told:
        ana, bo, cy = told.people("ana", "bo", "cy")
        for number in range(ROUNDS):
            pool = told.pool(f"pool {number}")
            proposal = told.agree(pool, {ana: "1", bo: "1"})
            told.earn(pool, 1000)
            told.agree(pool, {cy: "1"}, effective_at="2026-05")
            at_once(
                partial(told.tell, "waive_share", proposal=proposal, actor=bo, scope="all of it"),
                partial(told.earn, pool, 100, "2026-04"),
                partial(told.tell, "correct_pool", pool=pool, reason="r"),
            )
            assert told.account(pool=pool) == {ana: 100, cy: 1000}


def test_many_comments_at_once_are_all_there(database: str) -> None:
    with bank(database) as told:
        people = told.people(*(f"person {n}" for n in range(20)))
        proposal = told.propose(told.pool(), dict.fromkeys(people, "1"))
        say = partial(told.tell, "comment_on_proposal", proposal=proposal, kind="other")
        answers = at_once(*(partial(say, actor=one, text=f"I am {one}") for one in people))
        assert {one.comment for one in told.since(0, "proposal.commented")} == {
            answer.id for answer in answers
        }
        assert len({answer.id for answer in answers}) == 20


def test_many_who_accept_at_once_all_do(database: str) -> None:
    with bank(database) as told:
        people = told.people(*(f"person {n}" for n in range(20)))
        pool = told.pool()
        proposal = told.agree(pool, dict.fromkeys(people, "1"))
        told.earn(pool, 2000)
        answers = at_once(
            *(partial(told.tell, "accept_share", proposal=proposal, actor=one) for one in people)
        )
        assert not any(isinstance(answer, Refusal) for answer in answers)
        assert told.pay() == dict.fromkeys(people, 100)


def test_a_payout_that_is_settled_and_returned_at_once_ends_in_one_place(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"house": "1"})
        for number in range(1, ROUNDS + 1):
            told.earn(pool, 100)
            told.pay()
            payout = told.payouts()["house"]
            at_once(
                partial(told.tell, "settle_payout", id=payout),
                partial(told.tell, "return_payout", id=payout, reason="r"),
            )
            assert told.account("suspense") == {"house": 100 * number}
            assert told.account("paid") == told.account("in_transit") == {}


def test_a_finalisation_and_a_comment_at_once_never_skip_the_comment(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        pool = told.pool()
        for number in range(ROUNDS):
            proposal = told.propose(pool, {ana: "1"}, id=id_of(f"{number}"))
            told.clock.wait(days=14, seconds=-30)
            comment = partial(
                told.tell, "comment_on_proposal", proposal=proposal, kind="other", text="t"
            )

            def finalise(proposal: str = proposal) -> Acknowledgement:
                told.clock.wait(minutes=1)
                return told.tell("finalise_proposal", proposal=proposal)

            said, final = at_once(comment, finalise)
            assert isinstance(said, Refusal) or isinstance(final, Refusal)


def worker(database: str, seed: int) -> list[str]:
    """Random moves of one pool's money, in a process of its own."""
    chance, clock = random.Random(seed), TickingClock()
    clock.wait(days=20, milliseconds=100 * seed)
    refused = []
    with open_service(database, clock=clock, create=False) as service:
        mine: list[str] = []
        for step in range(15):
            said: dict[str, Any]
            match chance.randrange(4):
                case 0 if mine:
                    command = "reverse_revenue"
                    said = {"revenue": chance.choice(mine), "amount_minor": 3, "reason": str(step)}
                case 1:
                    command, said = "issue_payouts", {"currency": "USD"}
                case _:
                    command, new = "record_revenue", id_of(f"{seed} {step}")
                    said = {"pool": id_of("pool"), "amount_minor": chance.randint(1, 50)}
                    said |= {"source": "s", "effective_at": "2026", "id": new}
                    mine.append(new)
            try:
                service.journal.record(BY_OPERATION[command].of(said))
            except (NothingToPay, ReversalTooLarge) as refusal:
                refused.append(refusal.code)
    return refused


def test_processes_that_move_the_same_money_keep_the_books(database: str) -> None:
    with bank(database) as told:
        told.agree(told.pool(terms=HALF), [asset("a", {"x": "1", "y": "2", "z": "4"})])
        with ProcessPoolExecutor(3, PROCESSES) as pool:
            list(pool.map(worker, [database] * 3, range(3)))
        revenues = told.since(0, "revenue.recorded")
        received = sum(one.amount_minor for one in revenues)
        taken = sum(one.amount_minor for one in told.since(0, "entry.reversed"))
        assert received + taken == sum(
            sum(told.account(name).values()) for name in ("owed", "in_transit")
        )
        must_be_sound(told)
