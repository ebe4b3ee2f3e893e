"""A question about one piece holds what the payee has by that piece, on both engines."""

from fractions import Fraction

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from money import AGREED, Bank, asset, bank
from stories import OPERATOR, carry_out

from domain.engine import Overtaken
from domain.money.doubt import Doubt
from domain.money.held import AllInQuestion, InQuestion, PayeeClaim, depending
from domain.money.passing import Giver, Passed
from domain.refusal import NothingToPay
from projections.money import pools, statements
from projections.money.previewing import previewed
from projections.money.waiting import for_questions

WORKS, PEOPLE = st.sampled_from(["w1", "w2", "w3"]), st.sampled_from(["ana", "ben"])
SOME = st.frozensets(WORKS, min_size=1)
QUESTIONS = st.builds(
    lambda works, person, child, doubt: InQuestion(
        works, person if child is None else None, child, doubt
    ),
    SOME,
    PEOPLE,
    st.none() | WORKS,
    st.builds(
        Doubt,
        *(WORKS, st.none(), st.none(), st.booleans(), st.booleans(), st.booleans()),
        st.none() | st.integers(1, 3),
    ),
)
GIVERS = st.builds(Giver, PEOPLE, SOME.map(tuple))
PARTS = st.builds(Passed, st.just(Fraction(1, 2)), st.tuples(GIVERS))
CLAIMS = st.builds(
    PayeeClaim,
    *(PEOPLE, PEOPLE, st.none(), WORKS),
    assets=st.dictionaries(WORKS, SOME, min_size=1),
    works=st.frozensets(WORKS),
    named=st.frozensets(WORKS),
    known=st.integers(0, 2),
    passed=st.dictionaries(WORKS, st.tuples(PARTS), max_size=2),
)


@given(CLAIMS, st.lists(QUESTIONS, min_size=2, max_size=5))
def test_no_question_that_a_claim_depends_on_is_left_out(
    claim: PayeeClaim, questions: list[InQuestion]
) -> None:
    """Only the questions about its works and people are looked at, of however many there are."""
    whole = depending(claim, questions)
    some = depending(claim, AllInQuestion(questions).about(claim))
    event("by an edge" if any(each.child for each in whole.questions) else "by credits or none")
    assert some[1:] == whole[1:]
    for each in {*questions}:
        assert (each in some.questions) == (each in whole.questions)


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


def test_equal_amounts_on_hold_are_told_in_the_order_of_their_pieces(database: str) -> None:
    with bank(database) as told:
        ana = told.person("ana")
        pieces = sorted(told.piece(f"piece {number}", by=[ana]) for number in range(5))
        *doubted, sure = pieces
        for part, held in enumerate((doubted[2:], doubted[:2], doubted[1:3])):
            release = told.release(f"part {part}", *held, sure)
            pool = told.pool(f"pool {part}", release=release)
            assets = [asset(piece, {ana: "1"}) for piece in (*held, sure)]
            told.accept(told.agree(pool, assets), ana)
            told.earn(pool, 300)
        for credit in told.since(0, "credit.granted"):
            if credit.work != sure:
                told.tell("hold_credit", id=credit.originator_id, reason="r")
        _, _, lines = statement_of(told, ana)
        assert lines == [
            (["disputed"], 200, held) for held in (doubted[:2], doubted[1:3], doubted[2:])
        ]


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


def test_a_dispute_holds_what_was_assigned_from_the_person_disputed(database: str) -> None:
    """Ana's part of the song is her publisher's, and partly a bank's; Ben's own is not in question.

    Of 600, the song brings 400: Ben 200, Ana 100, and 100 that were hers, of which the bank has 25.
    """
    with bank(database) as told:
        ana, ben, eva = told.people("ana", "ben", "eva")
        song, intro = told.piece("song", by=[ana, ben]), told.piece("intro", by=[eva])
        of_ana, of_ben = (one.originator_id for one in told.since(0, "credit.granted")[:2])
        pool = told.pool()
        shares = [asset(song, {ana: "1/2", ben: "1/2"}, "2"), asset(intro, {eva: "1"})]
        told.accept(told.agree(pool, shares, "2026-01"), ana, ben, eva)
        assigned = assign(told, pool, ana, eva, "1/2", "2026-02")
        sold = assign(told, pool, eva, "bank", "1/4", "2026-03")
        told.accept(assigned, eva)
        told.accept(sold, eva)
        told.earn(pool, 600, "2026-05")
        told.tell("dispute_credit", id=of_ana, grounds="other", reason="r")
        # Eva has 150 of her intro and 75 that were Ana's; the bank has 50 and 25 of these.
        assert statement_of(told, ana) == (0, 100, [(["disputed"], 100, [song])])
        assert statement_of(told, eva) == (150, 75, [(["disputed"], 75, [song])])
        assert statement_of(told, ben) == (200, 0, [])
        with told.view() as view:
            held = for_questions(view, told.journal, [of_ana])
        assert held == {of_ana: {"USD": 200}}
        assert told.pay() == {eva: 150, ben: 200, "bank": 50}
        told.tell("settle_credit", id=of_ana, outcome="upheld", reason="r")
        assert statement_of(told, eva) == (0, 75, [(["to_be_corrected"], 75, [song])])
        told.tell("confirm_share", proposal=sold, payee=eva, reason="r")
        assert told.pay() == {eva: 75}
        told.tell("hold_credit", id=of_ben, reason="r")
        assert told.held("bank", sold) == ("to_be_corrected",)


def test_a_dispute_holds_of_what_was_added_to_a_share_only_what_came_from_there(
    database: str,
) -> None:
    """Of 1,600, Ben has 300 and Cy 800 and 300 of Ben's; 100 of each 300 were Ana's before."""
    with bank(database) as told:
        ana, ben, cy = told.people("ana", "ben", "cy")
        song = told.piece("song", by=[ana, ben, cy])
        of_ana, of_ben, _ = (one.originator_id for one in told.since(0, "credit.granted"))
        pool = told.pool()
        shares = [asset(song, {ana: "1/4", ben: "1/4", cy: "1/2"})]
        told.accept(told.agree(pool, shares, "2026-01"), ana, ben, cy)
        assign(told, pool, ana, ben, "1/2", "2026-02")
        told.accept(assign(told, pool, ben, cy, "1/2", "2026-03"), ana, ben, cy)
        told.earn(pool, 1_600, "2026-05")
        told.tell("hold_credit", id=of_ana, reason="r")
        assert statement_of(told, ana) == (0, 200, [(["disputed"], 200, [song])])
        assert statement_of(told, ben) == (200, 100, [(["disputed"], 100, [song])])
        assert statement_of(told, cy) == (1_000, 100, [(["disputed"], 100, [song])])
        told.tell("lift_hold", id=of_ana, reason="r")
        told.tell("hold_credit", id=of_ben, reason="r")
        assert statement_of(told, ana) == (200, 0, [])
        assert statement_of(told, cy) == (800, 300, [(["disputed"], 300, [song])])


def assign(told: Bank, pool: str, payee: str, to: str, part: str, since: str) -> str:
    said = {"pool": pool, "payee": payee, "to": to, "part": part, "effective_at": since}
    return told.tell("assign_share", **said, reason="r", evidence="e").id


def test_a_dispute_about_a_group_holds_what_its_members_have_through_it(database: str) -> None:
    """… and nothing else of theirs; and what somebody has of a member goes with the member."""
    with bank(database) as told:
        band, ana, ben = told.people("band", "ana", "ben")
        song = told.piece("song", by=[band, ana])
        credit = told.since(0, "credit.granted")[0].originator_id
        offer = told.tell("offer_membership", group=band, contributor=ben)
        told.tell("accept_membership", id=offer.id, actor=ben)
        among = [{"contributor": one, "part": "1/2"} for one in (ana, ben)]
        told.tell("divide_shares", id=band, among=among)
        pool = told.pool()
        proposal = told.agree(pool, {band: "1/2", ana: "1/2"}, "2026-01")
        told.accept(proposal, ana, ben)
        sold = assign(told, pool, ben, "bank", "1/5", "2026-02")
        told.accept(sold, ana, ben)
        told.earn(pool, 400, "2026-05")
        told.tell("dispute_membership", id=offer.id, grounds="other", reason="r")
        assert told.held("bank", sold) == ("disputed",)
        assert told.pay() == {ana: 300}
        told.tell("settle_membership", id=offer.id, outcome="dismissed", reason="r")
        other = told.agree(pool, [asset(song, {band: "1/2", ana: "1/2"})], "2026-06")
        told.accept(other, ana, ben)
        told.earn(pool, 400, "2026-06")
        told.tell("dispute_credit", id=credit, grounds="other", reason="r")
        assert told.pay() == {ben: 80, "bank": 20, ana: 200}
        assert statement_of(told, ana) == (0, 100, [(["disputed"], 100, [song])])


OPENED = ("dispute_credit", "hold_credit", "revoke_credit", "dispute_membership", "strike_remix")


@pytest.mark.parametrize("command", OPENED)
def test_what_comes_into_question_meanwhile_is_neither_paid_nor_assigned(
    command: str, database: str
) -> None:
    """Whomever it is about: the bank has its part from a member of a group."""
    with bank(database) as told:
        band, ben = told.people("band", "ben")
        intro, song = told.piece("intro"), told.piece("song", by=[band])
        offer = told.tell("offer_membership", group=band, contributor=ben).id
        told.tell("accept_membership", id=offer, actor=ben)
        told.tell("divide_shares", id=band, among=[{"contributor": ben, "part": "1"}])
        pool = told.pool()
        told.accept(told.agree(pool, [asset(song, {band: "1"})], "2026-01"), ben)
        told.accept(assign(told, pool, ben, "bank", "1/2", "2026-02"), ben)
        told.earn(pool, 400, "2026-05")
        about = {"membership": offer, "remix": told.edge(song, intro)}
        about["credit"] = told.since(0, "credit.granted")[0].originator_id
        given = {"payee": "bank", "to": "heir", "reason": "r", "evidence": "e"}
        drafts = []
        for meant, said in (
            ("issue_payouts", {"currency": "USD"}),
            ("record_assignment", {**given, "currency": "USD"}),
            ("assign_share", {**given, "pool": pool, "effective_at": "2026-06"}),
        ):
            drafts.append(told.journal.draft())
            carry_out(drafts[-1], meant, **said)
        grounds = {"grounds": "other"} if command.startswith("dispute") else {}
        told.tell(command, id=about[command.partition("_")[2]], reason="r", **grounds)
        for draft in drafts:
            with pytest.raises(Overtaken):
                told.journal.commit(draft)
