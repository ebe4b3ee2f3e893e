"""What was found false: the money that depends on it waits until shares are corrected or stand.

A dispute holds what terms give by name, too; an accepted claim gets what waited for the work.
"""

from typing import Any

import pytest
from money import AGREED, Bank, asset, bank, must_be_sound

from domain.identity import part_id
from domain.money.held import DISPUTED, NOBODY, TO_BE_CORRECTED, UNACCEPTED, UNCLAIMED
from domain.permission import OPERATOR
from domain.refusal import NothingToConfirm, NothingToPay, NotPermitted, ShareInQuestion, WrongState
from projections import inbox
from projections.money import payouts, statements
from projections.money.pools import balance
from projections.money.previewing import previewed


def song(told: Bank, *people: str, **said: Any) -> tuple[str, str]:
    """A piece by some people and the pool of its release."""
    piece = told.piece("song", by=people)
    return piece, told.pool(release=told.release("record", piece), **said)


def earned(told: Bank, a: str, b: str) -> tuple[str, str, str]:
    """1,000 for a song by one person, who has half of it, and another has the other half."""
    piece, pool = song(told, a)
    agreement = told.agree(pool, [asset(piece, {a: "1/2", b: "1/2"})])
    told.accept(agreement, a, b)
    told.earn(pool, 1_000)
    return piece, pool, agreement


def credit_of(piece: str, number: int = 0) -> str:
    return part_id(piece, "author", number)


def uphold(told: Bank, noun: str, id: str, **said: Any) -> None:
    told.tell(f"dispute_{noun}", id=id, grounds="other", reason="r", evidence="e")
    told.tell(f"settle_{noun}", id=id, **{"outcome": "upheld", "reason": "found false"} | said)


def test_an_upheld_dispute_holds_the_share_until_it_is_corrected(database: str) -> None:
    """… 5.02 of 10.04, which the loser would else be paid."""
    with bank(database) as told:
        a, b = told.people("a", "b")
        piece, pool = song(told, a)
        proposal = told.agree(pool, [asset(piece, {a: "1/2", b: "1/2"})])
        told.accept(proposal, a, b)
        told.earn(pool, 1_004)
        told.tell("dispute_credit", id=credit_of(piece), grounds="other", reason="r", evidence="e")
        assert told.held(a, proposal) == (DISPUTED,)
        told.tell("settle_credit", id=credit_of(piece), outcome="upheld", reason="found false")
        assert told.held(a, proposal) == (TO_BE_CORRECTED,)
        assert told.pay() == {b: 502}
        later = told.agree(pool, [asset(piece, {b: "1"})], "2020")
        told.accept(later, b)
        assert told.held(a, proposal) == (TO_BE_CORRECTED,)  # agreed, but not corrected
        told.tell("correct_pool", pool=pool, reason="a had no part in it")
        assert told.held(a, proposal) == ()
        assert told.account() == {b: 502}
        assert told.pay() == {b: 502}
        assert told.account() == {}


def test_what_a_correction_takes_of_a_share_that_waits_is_nobodys_debt(database: str) -> None:
    """Ben never accepted the half that was taken back, and is paid what he earned elsewhere."""
    with bank(database) as told:
        a, b = told.people("a", "b")
        pool, other = told.pool(), told.pool("other")
        first = told.agree(pool, {a: "1/2", b: "1/2"})
        told.earn(pool, 1_000)
        told.accept(told.agree(pool, {a: "3/4", b: "1/4"}, "2020"), a)
        told.tell("correct_pool", pool=pool, reason="b was there only in the evening")
        told.accept(told.agree(other, {b: "1"}), b)
        told.earn(other, 300)
        assert told.account() == {a: 750, b: 250 + 300}
        with told.view() as view:
            (of_b,) = statements.statement(view, told.journal, b)["statements"]
            (line,) = previewed(view, told.journal, "USD", 1, "paid")["items"][:1]
        assert (of_b["held_minor"], of_b["net"]["closing_minor"]) == (250, 300)
        assert line["amount_minor"] == 300
        assert told.pay() == {b: 300, a: 250}
        told.accept(first, a, b)
        assert told.pay() == {a: 500, b: 250}


def test_a_correction_of_a_part_leaves_the_rest_in_question(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        piece, pool = song(told, a)
        proposal = told.agree(pool, [asset(piece, {a: "1/2", b: "1/2"})])
        told.accept(proposal, a, b)
        told.earn(pool, 100, "2025")
        told.earn(pool, 100, "2026-02")
        uphold(told, "credit", credit_of(piece))
        told.accept(told.agree(pool, [asset(piece, {b: "1"})], "2026"), b)
        told.tell("correct_pool", pool=pool, reason="from 2026 on")
        assert told.held(a, proposal) == (TO_BE_CORRECTED,)
        must_be_sound(told)


def test_who_closes_the_split_decides_that_the_share_stands(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        piece, pool = song(told, a)
        proposal = told.agree(pool, [asset(piece, {a: "1/2", b: "1/2"})])
        told.accept(proposal, a, b)
        told.earn(pool, 1_004)
        confirm = {
            "proposal": proposal,
            "payee": a,
            "reason": "the credit was wrong, not the share",
        }
        with pytest.raises(NothingToConfirm):
            told.tell("confirm_share", **confirm)
        uphold(told, "credit", credit_of(piece))
        with pytest.raises(NotPermitted):
            told.tell("confirm_share", actor=a, **confirm)
        told.tell("confirm_share", **confirm)
        head = told.head()
        told.tell("confirm_share", **confirm)  # said again, nothing happens
        assert told.head() == head
        assert told.pay() == {a: 502, b: 502}
        told.credit(piece, a)
        other = told.credit(piece, a, "singer")
        uphold(told, "credit", other)
        assert told.held(a, proposal) == (TO_BE_CORRECTED,)  # found false since
        told.tell("confirm_share", **confirm)
        assert told.held(a, proposal) == ()


def test_a_member_of_a_group_does_not_decide_that_its_share_stands(database: str) -> None:
    """… nor is asked to: what the group receives is theirs. The operator is asked instead."""
    with bank(database) as told:
        band, a, b = told.people("The Tides", "a", "b")
        for person in (a, b):
            offer = told.tell("offer_membership", group=band, contributor=person, actor=band)
            if person == a:
                told.tell("accept_membership", id=offer.id, actor=a)
        piece = told.piece("song", by=[band])
        pool = told.pool(release=told.release("record", piece, actor=a))
        proposal = told.agree(pool, [asset(piece, {band: "1"})])
        told.accept(proposal, band)
        told.earn(pool, 1_000)
        uphold(told, "credit", credit_of(piece))
        release = told.books().opened[pool].opened.release
        told.tell("grant_role", id=b, role="producer", work=release)

        def asked(who: str) -> list[str]:
            with told.view() as view:
                items = inbox.inbox(view, told.journal, actor=who).items
            return [each["kind"] for each in items if each["kind"] == "doubted_share"]

        said = {"proposal": proposal, "payee": band, "reason": "the solo stayed"}
        assert (asked(a), asked(b), asked(OPERATOR)) == ([], ["doubted_share"], ["doubted_share"])
        with pytest.raises(NotPermitted, match="that of a group they are or were in"):
            told.tell("confirm_share", **said, actor=a)
        told.tell("confirm_share", **said, actor=b)  # was asked to join, and has not
        assert told.pay() == {band: 1_000}


def test_who_assigned_a_share_does_not_decide_that_it_stands(database: str) -> None:
    """… as the finding is about them: a producer could sell their share and then let it stand."""
    with bank(database) as told:
        a, b = told.people("a", "b")
        piece = told.piece("song", by=[a])
        pool = told.pool(release=told.release("record", piece, actor=a))
        told.accept(told.agree(pool, [asset(piece, {a: "1"})], "2026-01"), a)
        said = {"pool": pool, "payee": a, "to": b, "effective_at": "2026-02"}
        sold = told.tell("assign_share", **said, reason="r", evidence="e").id
        told.accept(sold, b)
        told.earn(pool, 100)
        uphold(told, "credit", credit_of(piece))
        assert told.held(b, sold) == (TO_BE_CORRECTED,)
        with told.view() as view:
            asked = [one["kind"] for one in inbox.inbox(view, told.journal, actor=a).items]
        assert "doubted_share" not in asked
        said = {"proposal": sold, "payee": b, "reason": "it stands"}
        with pytest.raises(NotPermitted, match="one they had before"):
            told.tell("confirm_share", **said, actor=a)
        told.tell("confirm_share", **said)
        assert told.pay() == {b: 100}


def test_nobody_but_the_operator_decides_that_their_own_share_stands(database: str) -> None:
    """The poster assembled the release, so they decide about the others, under any account."""
    with bank(database) as told:
        a, b, other = told.people("a", "b", "b again")
        piece = told.piece("song", by=[a, b])
        release = told.release("record", piece, actor=b)
        pool = told.pool(release=release)
        proposal = told.agree(pool, [asset(piece, {a: "1/2", other: "1/2"})])
        told.tell("merge_contributor", id=other, into=b)
        told.accept(proposal, a)
        told.tell("accept_share", proposal=proposal, contributor=other, actor=b)
        told.earn(pool, 1_000)
        uphold(told, "credit", credit_of(piece))
        uphold(told, "credit", credit_of(piece, 1))
        told.tell("confirm_share", proposal=proposal, payee=a, reason="it stands", actor=b)
        with pytest.raises(NotPermitted, match="Nobody confirms their own share"):
            told.tell("confirm_share", proposal=proposal, payee=other, reason="mine", actor=b)
        assert told.pay() == {a: 500}
        told.tell("confirm_share", proposal=proposal, payee=other, reason="it stands")
        assert told.pay() == {b: 500}


def test_a_correction_frees_only_what_the_new_shares_account_for(database: str) -> None:
    """The shares were agreed before the finding, and corrected after it: they did not know it."""
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        piece, pool, first = earned(told, a, b)
        later = told.agree(pool, [asset(piece, {a: "1/2", b: "1/4", c: "1/4"})], "2020")
        told.accept(later, a, b, c)
        uphold(told, "credit", credit_of(piece))
        told.tell("correct_pool", pool=pool, reason="c was left out")
        assert told.held(a, first) == told.held(a, later) == (TO_BE_CORRECTED,)
        assert told.pay() == {b: 250, c: 250}
        last = told.agree(pool, [asset(piece, {a: "1/5", b: "2/5", c: "2/5"})], "2020")
        told.accept(last, a, b, c)
        told.tell("correct_pool", pool=pool, reason="a only wrote a line")
        assert told.held(a, first) == told.held(a, later) == told.held(a, last) == ()
        assert told.pay() == {a: 200, b: 150, c: 150}


@pytest.mark.parametrize("is_revised", [False, True])
def test_shares_account_only_for_what_was_found_false_before_they_were_proposed(
    database: str, is_revised: bool
) -> None:
    """Nobody can have a finding passed over by finalising what was proposed before it."""
    with bank(database) as told:
        a, b = told.people("a", "b")
        piece, pool = song(told, a)
        shares = [asset(piece, {a: "1/2", b: "1/2"})]
        proposal = told.propose(pool, shares)
        uphold(told, "credit", credit_of(piece))
        if is_revised:
            said = {"proposal": proposal, "kind": "other", "text": "She wrote the words."}
            comment = told.tell("comment_on_proposal", **said).id
            more = {"comments": [comment], "note": "It stands."}
            told.tell("revise_proposal", proposal=proposal, assets=shares, **more)
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=proposal)
        told.accept(proposal, a, b)
        told.earn(pool, 100)
        assert told.held(a, proposal) == (() if is_revised else (TO_BE_CORRECTED,))
        assert told.pay() == ({a: 50, b: 50} if is_revised else {b: 50})


@pytest.mark.parametrize("part", ["1", "1/1000"])
def test_a_share_in_question_cannot_be_assigned(database: str, part: str) -> None:
    """… as the assignee would be paid what was held."""
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        piece, pool = song(told, a)
        told.accept(told.agree(pool, [asset(piece, {a: "1/2", b: "1/2"})]), a, b)
        credit = credit_of(piece)
        said = {"pool": pool, "payee": a, "to": c, "part": part, "effective_at": "2020"}
        said |= {"reason": "r", "evidence": "e", "actor": a}
        told.tell("dispute_credit", id=credit, grounds="other", reason="r", evidence="e")
        with pytest.raises(ShareInQuestion):
            told.tell("assign_share", **said)
        told.tell("settle_credit", id=credit, outcome="upheld", reason="found false")
        with pytest.raises(ShareInQuestion):
            told.tell("assign_share", **said)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_an_assignment_decides_nothing_about_the_shares_of_others(
    database: str, is_confirmed: bool
) -> None:
    """Ben signs with a publisher; what was found false of Ana, or stands, stays so."""
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        piece, pool, first = earned(told, a, b)
        uphold(told, "credit", credit_of(piece))
        if is_confirmed:
            told.tell("confirm_share", proposal=first, payee=a, reason="it stands")
        said = {"pool": pool, "payee": b, "to": c, "effective_at": "2020", "actor": b}
        assigned = told.tell("assign_share", **said, reason="r", evidence="e").id
        told.accept(assigned, c)
        told.tell("correct_pool", pool=pool, reason="assigned")
        told.earn(pool, 100)
        held = () if is_confirmed else (TO_BE_CORRECTED,)
        assert told.held(a, first) == told.held(a, assigned) == held
        assert told.pay() == {c: 550} | ({a: 550} if is_confirmed else {})
        told.tell("confirm_share", proposal=first, payee=a, reason="it stands")
        assert told.held(a, first) == told.held(a, assigned) == ()


@pytest.mark.parametrize("outcome", ["dismissed", "corrected", "withdrawn"])
def test_a_dispute_that_leaves_the_credit_frees_the_money(database: str, outcome: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        piece, pool = song(told, a)
        proposal = told.agree(pool, [asset(piece, {a: "1"})])
        told.accept(proposal, a)
        uphold(told, "credit", credit_of(piece), outcome=outcome)
        assert told.held(a, proposal) == ()


def test_a_credit_replaced_by_one_of_the_same_person_frees_the_money(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        piece, pool = song(told, a)
        proposal = told.agree(pool, [asset(piece, {a: "1"})])
        told.accept(proposal, a)
        same, other = told.credit(piece, a, "singer"), told.credit(piece, b, "drummer")
        uphold(told, "credit", credit_of(piece), outcome="corrected", replaced_by=same)
        assert told.held(a, proposal) == ()
        uphold(told, "credit", same, outcome="corrected", replaced_by=other)
        assert told.held(a, proposal) == (TO_BE_CORRECTED,)


def test_the_last_credit_that_is_revoked_holds_the_share(database: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        piece, pool = song(told, a)
        proposal = told.agree(pool, [asset(piece, {a: "1"})])
        told.accept(proposal, a)
        twice = told.credit(piece, a, "editor")
        told.tell("revoke_credit", id=twice, reason="credited twice by mistake")
        assert told.held(a, proposal) == ()
        told.tell("revoke_credit", id=credit_of(piece), reason="not theirs")
        assert told.held(a, proposal) == (TO_BE_CORRECTED,)


@pytest.mark.parametrize("is_struck", [True, False], ids=["struck", "upheld"])
def test_an_edge_found_false_holds_what_goes_over_it(database: str, is_struck: bool) -> None:
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        root = told.piece("root", by=[c], made_at="2018")
        loop = told.piece("loop", root, by=[a], made_at="2020")
        piece = told.piece("song", by=[b])
        edge = told.edge(piece, loop)
        pool = told.pool(release=told.release("record", piece))
        shares = [asset(piece, {b: "1"}), asset(loop, {a: "1"}), asset(root, {c: "1"})]
        proposal = told.agree(pool, shares)
        told.accept(proposal, a, b, c)
        told.earn(pool, 300)
        if is_struck:
            told.tell("strike_remix", id=edge, reason="nothing of it is in it")
        else:
            uphold(told, "remix", edge)
        assert told.held(a, proposal) == told.held(c, proposal) == (TO_BE_CORRECTED,)
        assert told.pay() == {b: 100}
        for payee in (a, c):
            told.tell("confirm_share", proposal=proposal, payee=payee, reason="by agreement")
        assert told.pay() == {a: 100, c: 100}


def test_what_was_known_when_it_was_agreed_is_not_in_question(database: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        piece, pool = song(told, a)
        uphold(told, "credit", credit_of(piece))
        proposal = told.agree(pool, [asset(piece, {a: "1"})])
        told.accept(proposal, a)
        told.earn(pool, 100)
        assert told.pay() == {a: 100}


def test_a_dispute_holds_what_the_terms_give_by_name(database: str) -> None:
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        terms = {"type": "fixed", "shares": [[a, "1/4"], [c, "1/4"], ["artists", "1/2", AGREED]]}
        piece, pool = song(told, a, terms=terms)
        proposal = told.agree(pool, {b: "1"})
        told.accept(proposal, b)
        told.earn(pool, 400)
        told.tell("dispute_credit", id=credit_of(piece), grounds="other", reason="r", evidence="e")
        assert told.held(a, proposal) == (DISPUTED,)
        assert told.pay() == {b: 200, c: 100}
        told.tell("settle_credit", id=credit_of(piece), outcome="upheld", reason="found false")
        assert told.held(a, proposal) == (TO_BE_CORRECTED,)
        with pytest.raises(NothingToPay):
            told.pay()
        told.tell("confirm_share", proposal=proposal, payee=a, reason="paid by the terms")
        assert told.pay() == {a: 100}


def test_a_hold_holds_what_the_terms_give_by_name(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        terms = {"type": "fixed", "shares": [[a, "1/2"], ["artists", "1/2", AGREED]]}
        piece, pool = song(told, a, terms=terms)
        proposal = told.agree(pool, {b: "1"})
        told.accept(proposal, b)
        told.earn(pool, 400)
        told.tell("hold_credit", id=credit_of(piece), reason="two claim it")
        assert told.pay() == {b: 200}
        told.tell("lift_hold", id=credit_of(piece))
        assert told.pay() == {a: 200}


# -- claims --------------------------------------------------------------------------------


def horn(told: Bank, by: str) -> tuple[str, str, str]:
    """A song made from an outside source whose maker is unknown: the source, pool and agreement."""
    piece = told.piece("song", by=[by])
    told.tell("declare_remix", child=piece, uri="https://example.org/foghorn", kind="sample")
    source = told.since(0, "remix.declared")[-1].parent
    pool = told.pool(release=told.release("record", piece))
    shares = [asset(piece, {by: "3/4"}), asset(source, {f"work/{source}": "1"}, "1/3")]
    return source, pool, told.agree(pool, shares)


def test_an_accepted_claim_makes_what_waits_the_claimants(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        source, pool, proposal = horn(told, a)
        payee = f"work/{source}"
        told.accept(proposal, a)
        told.earn(pool, 400)
        assert told.held(payee, proposal) == (UNCLAIMED,)
        credit = told.tell("claim_work", id=source, contributor=b, role="singer", actor=b).id
        assert told.held(payee, proposal) == (UNCLAIMED,)
        told.tell("accept_credit", id=credit)
        assert told.held(payee, proposal) == (UNACCEPTED,)
        assert told.pay() == {a: 300}
        with pytest.raises(NotPermitted):
            told.tell("accept_share", proposal=proposal, work=source, actor=a)
        told.tell("accept_share", proposal=proposal, work=source, actor=b)
        assert told.pay() == {b: 100}
        told.earn(pool, 40)
        assert told.pay() == {a: 30, b: 10}
        told.earn(pool, 40)
        uphold(told, "credit", credit)
        assert told.held(payee, proposal) == (TO_BE_CORRECTED,)


def test_the_statement_of_a_pool_says_whom_the_share_of_a_work_or_account_belongs_to(
    database: str,
) -> None:
    """It is they who are paid; another payee learns no more of it than before."""
    with bank(database) as told:
        a, b, old = told.people("a", "b", "old")
        source, pool, _ = horn(told, a)
        payee = f"work/{source}"
        told.agree(pool, {a: "1", payee: "1", old: "1"}, "2026-05")

        def owners(actor: str = OPERATOR) -> dict[str, str | None]:
            with told.view() as view:
                lines = balance.statement(view, told.journal, pool, actor=actor)["lines"]
            owned = ((one["payee"]["id"], one["belongs_to"]) for one in lines)
            return {id: to and to["id"] for id, to in owned}

        nobody = dict.fromkeys((a, payee, old))
        assert owners() == nobody
        credit = told.tell("claim_work", id=source, contributor=b, role="singer", actor=b).id
        told.tell("accept_credit", id=credit)
        told.tell("merge_contributor", id=old, into=b)
        assert owners() == nobody | {payee: b, old: b}
        assert owners(a) == nobody


def test_a_share_agreed_for_a_claimed_work_is_offered_to_its_maker(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        source, pool, _ = horn(told, a)
        credit = told.tell("claim_work", id=source, contributor=b, role="singer", actor=b).id
        told.tell("accept_credit", id=credit)
        later = told.agree(pool, {f"work/{source}": "1"}, "2026-05")
        told.earn(pool, 100)
        assert told.held(f"work/{source}", later) == (UNACCEPTED,)
        told.tell("decline_share", proposal=later, work=source, actor=b, reason="too little")
        with pytest.raises(WrongState):
            told.tell("decline_share", proposal=later, work=source, actor=b, reason="really")


# -- forgotten payees ----------------------------------------------------------------------


def test_what_a_forgotten_payee_is_owed_is_held_and_their_references_stay(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        pool = told.pool()
        proposal = told.agree(pool, {a: "1/2", b: "1/2"})
        told.accept(proposal, a, b)
        told.earn(pool, 100)
        told.pay(payees=[a])
        settled = told.payouts()[a]
        told.tell("settle_payout", id=settled, reference="SEPA 17")
        told.earn(pool, 100)
        told.pay(payees=[a])
        late = told.payouts()[a]
        told.earn(pool, 100)
        told.tell("forget_contributor", id=a, ground="request")
        told.tell("settle_payout", id=late, reference="SEPA 18")
        assert told.held(a, proposal) == (NOBODY,)
        assert told.pay() == {b: 150}
        with told.view() as view:
            kept = [
                payouts.payout(view, told.journal, id, actor=OPERATOR)["reference"]
                for id in (settled, late)
            ]
        assert kept == ["SEPA 17", "SEPA 18"]
