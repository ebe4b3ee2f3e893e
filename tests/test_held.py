"""A question about one piece holds what the payee has by that piece, on both engines."""

import pytest
from money import AGREED, Bank, asset, bank
from stories import OPERATOR

from domain.refusal import NothingToPay
from projections.money import pools, statements
from projections.money.previewing import previewed


def test_a_dispute_holds_only_what_the_payee_has_by_the_piece(database: str) -> None:
    """Also when more comes in, payouts are issued again and what was paid comes back."""
    with bank(database) as told:
        ana, ben = told.people("ana", "ben")
        song, intro = told.piece("song", by=[ana]), told.piece("intro", by=[ana, ben])
        credit = told.since(0, "credit.granted")[0].originator_id
        pool = told.pool()
        shares = [asset(song, {ana: "1"}), asset(intro, {ana: "1", ben: "1"}, value="2")]
        proposal = told.agree(pool, shares)
        told.accept(proposal, ana, ben)
        told.earn(pool, 300)
        told.tell("dispute_credit", id=credit, grounds="other", reason="r")
        assert told.pay() == {ana: 100, ben: 100}
        with pytest.raises(NothingToPay):
            told.pay()
        told.earn(pool, 30)
        assert statement_of(told, ana) == (10, 110, [(["disputed"], 110, [song])])
        with told.view() as view:
            lines = pools.statement(view, told.journal, pool, actor=OPERATOR)["lines"]
            said = previewed(view, told.journal, "USD", 1)["items"]
        assert [(each["amount_minor"], each["held_minor"]) for each in said] == [(10, 110), (10, 0)]
        assert [(each["payable_minor"], each["held_minor"]) for each in lines] == [
            (10, 110),
            (10, 0),
        ]
        assert told.pay() == {ana: 10, ben: 10}
        payout, *_ = (
            one.originator_id for one in told.since(0, "payout.issued") if one.payee == ana
        )
        told.tell("return_payout", id=payout, reason="r")
        told.tell("claim_payout", id=payout)
        assert told.pay() == {ana: 100}
        told.tell("settle_credit", id=credit, outcome="upheld", reason="r")
        assert statement_of(told, ana) == (0, 110, [(["to_be_corrected"], 110, [song])])
        told.tell("confirm_share", proposal=proposal, payee=ana, reason="r")
        assert told.pay() == {ana: 110}


def test_what_others_waived_is_held_with_the_piece_that_it_came_by(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("ana", "ben")
        song, intro = told.piece("song", by=[ana]), told.piece("intro", by=[ana])
        credit = told.since(0, "credit.granted")[0].originator_id
        pool = told.pool()
        proposal = told.agree(pool, [asset(song, {ana: "1", ben: "1"}), asset(intro, {ana: "1"})])
        told.accept(proposal, ana)
        told.tell("waive_share", proposal=proposal, contributor=ben, scope=song)
        told.earn(pool, 100)
        told.tell("hold_credit", id=credit, reason="r")
        assert told.pay() == {ana: 50}
        assert statement_of(told, ana) == (0, 50, [(["disputed"], 50, [song])])


def test_what_terms_give_by_name_waits_whole(database: str) -> None:
    with bank(database) as told:
        ana = told.person("ana")
        song, intro = told.piece("song", by=[ana]), told.piece("intro", by=[ana])
        release = told.release("film", song, intro)
        credit = told.since(0, "credit.granted")[0].originator_id
        half = {"type": "fixed", "shares": [[ana, "1/2"], ["artists", "1/2", AGREED]]}
        pool = told.pool(terms=half, release=release)
        told.accept(told.agree(pool, [asset(song, {ana: "1"}), asset(intro, {ana: "1"})]), ana)
        told.earn(pool, 100)
        told.tell("hold_credit", id=credit, reason="r")
        with pytest.raises(NothingToPay):
            told.pay()
        assert statement_of(told, ana) == (0, 100, [(["disputed"], 100, [])])


Shown = tuple[int, int, list[tuple[list[str], int, list[str]]]]
"""What can be paid, what is held, and why and by which pieces."""


def statement_of(told: Bank, person: str) -> Shown:
    with told.view() as view:
        (one,) = statements.statement(view, told.journal, person)["statements"]
    held = [
        (each["because"], each["amount_minor"], [about["asset"] for about in each["assets"]])
        for each in one["held"]
    ]
    return one["balances"]["payable_minor"], one["balances"]["held_minor"], held
