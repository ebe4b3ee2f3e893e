"""Agreements made elsewhere, shares that go to others, and acceptances that are carried over."""

from fractions import Fraction

import pytest
from money import AGREED, Bank, asset, bank
from stories import OPERATOR

from domain.refusal import (
    AlreadyIdentified,
    BadShare,
    ContributorForgotten,
    NoShare,
    NotAgreed,
    NotPermitted,
    UnknownPayee,
    WrongState,
)
from projections import people
from projections.inbox import inbox
from projections.money import pools, statements

SIGNED = {"agreed_on": "2026-03-14", "document": "split sheet"}
SOLD = {"reason": "Signed with a publisher.", "evidence": "contract, § 4"}


def consents(told: Bank, proposal: str) -> dict[str, str | None]:
    with told.view() as view:
        shown = pools.proposal(view, told.journal, proposal, actor=OPERATOR)
    states = {line["payee"]["id"]: line["consent"] for line in shown["shares"]}
    books = told.books()
    known = {payee: state for (of, payee), state in books.consents.items() if of == proposal}
    assert {payee: state for payee, state in states.items() if state} == known
    return states


# -- agreements made elsewhere -------------------------------------------------------------------


def test_a_signed_split_sheet_is_final_at_once_and_marked_as_such(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        told.earn(pool, 900, "2026-04")
        assets = [asset("all of it", {ana: "2", ben: "1"})]
        signed = told.tell(
            "record_agreement", pool=pool, assets=assets, consents=[ana], **SIGNED
        ).id
        assert told.account() == {ana: 600, ben: 300}
        assert consents(told, signed) == {ana: "accepted", ben: "offered"}
        assert told.pay() == {ana: 600}
        told.accept(signed, ben)
        assert told.pay() == {ben: 300}
        with told.view() as view:
            shown = pools.proposal(view, told.journal, signed, actor=OPERATOR)
        assert shown["agreed_on"] == "2026-03-14"
        assert (shown["document"], shown["state"], shown["number"]) == (
            "split sheet",
            "finalised",
            1,
        )
        with pytest.raises(WrongState):
            told.tell("comment_on_proposal", proposal=signed, kind="other", text="too late")


def test_only_the_operator_records_what_was_agreed_elsewhere(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        piece = told.piece("piece", by=[ana])
        pool = told.pool(release=told.release("album", piece))
        said = {"pool": pool, "assets": [asset("x", {ana: "1"})], **SIGNED}
        with pytest.raises(NotPermitted):
            told.tell("record_agreement", actor=ana, **said)
        with pytest.raises(NoShare):
            told.tell("record_agreement", consents=[ben], **said)
        assert not told.books().agreements


# -- terms that name everybody -------------------------------------------------------------------


def test_a_pool_whose_terms_name_everybody_divides_without_a_proposal(database: str) -> None:
    terms = {"type": "fixed", "shares": [["label", "3/4"], ["band", "1/4"]]}
    with bank(database) as told:
        pool = told.pool(terms=terms)
        sold = told.earn(pool, 1001)
        assert told.account() == {"label": 751, "band": 250}
        told.earn(pool, 3)
        assert told.account() == {"label": 753, "band": 251}
        told.reverse(sold, 101)
        assert told.pay() == {"label": 677, "band": 226}
        with told.view() as view:
            (listed,) = pools.pool(view, told.journal, pool, actor=OPERATOR)["proposals"]
            shown = pools.proposal(view, told.journal, listed["id"], actor=OPERATOR)
            (division, *_) = told.since(0, "entry.divided")
            why = pools.why(view, told.journal, division.originator_id, "label", actor=OPERATOR)
        assert (listed["state"], shown["is_implied"], shown["shares"]) == ("finalised", True, [])
        assert (why["by_terms"], why["by_agreement"]) == ("3003/4", "0")


def test_an_agreement_over_it_holds_from_the_beginning_like_the_first(database: str) -> None:
    """As it was before, so that what was agreed in earlier journals holds for what it did."""
    terms = {"type": "fixed", "shares": [["label", "1"]]}
    with bank(database) as told:
        pool = told.pool(terms=terms)
        told.earn(pool, 10)
        proposal = told.agree(pool, {"a": "1"})
        agreement = told.books().agreements[proposal]
        assert (agreement.number, agreement.effective_at) == (2, "")


# -- acceptances carried over --------------------------------------------------------------------


def test_who_keeps_their_share_is_not_asked_again_and_may_decline(database: str) -> None:
    with bank(database) as told:
        ana, ben, cy, dee = told.people("Ana", "Ben", "Cy", "Dee")
        pool = told.pool()
        first = told.agree(pool, {ana: "4", ben: "4", cy: "2"}, "2026-01")
        told.accept(first, ana, ben)
        second = told.agree(pool, {ana: "4", ben: "3", cy: "2", dee: "1"}, "2026-03")
        assert consents(told, second) == {
            **{ana: "carried", ben: "offered"},
            **{cy: "offered", dee: "offered"},  # cy's share is the same, but was never accepted
        }
        (carried,) = told.since(0, "share.carried")
        assert (carried.payee, carried.earlier) == (ana, first)
        told.earn(pool, 1000, "2026-04")
        assert told.held(ana, second) == ()
        told.tell("decline_share", proposal=second, actor=ana, reason="not this time")
        assert told.held(ana, second) == ("declined",)
        told.accept(second, ana)
        assert told.pay() == {ana: 400}
        third = told.agree(pool, {ana: "4", ben: "3", cy: "3"}, "2026-05")
        assert consents(told, third) == {ana: "carried", ben: "offered", cy: "offered"}
        fourth = told.agree(pool, {ana: "4", ben: "2", cy: "4"}, "2026-06")
        told.accept(fourth, ana)  # what was carried can be carried on, and confirmed
        assert consents(told, fourth)[ana] == "accepted"


def test_the_same_share_of_other_pieces_is_another_share(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool()
        first = told.agree(pool, [asset("song", {ana: "1"}), asset("cover", {"b": "1"})], "2026-01")
        told.accept(first, ana)
        swapped = [asset("song", {"b": "1"}), asset("cover", {ana: "1"})]
        assert consents(told, told.agree(pool, swapped, "2026-02"))[ana] == "offered"


# -- shares assigned -----------------------------------------------------------------------------


def test_a_share_goes_to_a_publisher_from_a_date_and_nobody_else_is_asked(database: str) -> None:
    with bank(database) as told:
        ana, ben, pub = told.people("Ana", "Ben", "Publisher")
        pool = told.pool()
        first = told.agree(pool, {ana: "1", ben: "1"})
        told.accept(first, ana, ben)
        told.earn(pool, 1000, "2026-01")
        told.earn(pool, 400, "2026-03")
        said = {"pool": pool, "payee": ana, "to": pub, "part": "1/4", "effective_at": "2026-02"}
        second = told.tell("assign_share", actor=ana, **said, **SOLD).id
        assert consents(told, second) == {ana: "carried", ben: "carried", pub: "offered"}
        assert "through" not in told.since(0, "proposal.posted")[-1].assets[0]
        assert told.account() == {ana: 700, ben: 700}
        told.tell("correct_pool", pool=pool, reason="assigned from February")
        assert told.account() == {ana: 650, ben: 700, pub: 50}
        told.earn(pool, 800, "2026-04")
        assert told.account() == {ana: 950, ben: 1100, pub: 150}
        assert told.pay() == {ana: 950, ben: 1100}
        told.accept(second, pub)
        assert told.pay() == {pub: 150}
        with told.view() as view:
            shown = pools.proposal(view, told.journal, second, actor=OPERATOR)
        assert (shown["replaces"], shown["document"]) == (first, "contract, § 4")


def test_what_a_member_assigns_is_theirs_through_the_group_no_more(database: str) -> None:
    with bank(database) as told:
        band, ben, cy = told.people("The Band", "Ben", "Cy")
        pool = told.pool()
        told.agree(pool, {band: "1"}, "2026-01")
        halves = [{"payee": each, "part": "1/2"} for each in (ben, cy)]
        said = {"pool": pool, **SOLD}
        told.tell("assign_share", payee=band, among=halves, effective_at="2026-02", **said)
        told.tell("assign_share", payee=ben, to="Firm", effective_at="2026-03", **said)
        (piece,) = told.since(0, "proposal.posted")[-1].assets
        assert piece["through"] == [{"group": band, "shares": [[cy, "1"]]}]


def test_heirs_get_what_was_earned_and_what_will_be(database: str) -> None:
    with bank(database) as told:
        ana, ben, eve = told.people("Ana", "Ben", "Eve")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1", ben: "1"}), ana, ben)
        told.earn(pool, 1000, "2026-01")
        told.tell("forget_contributor", id=ben, ground="request")
        heirs = {"payee": ben, "to": eve, "reason": "inherits", "evidence": "certificate 17"}
        second = told.tell("assign_share", pool=pool, effective_at="2026-02", **heirs).id
        told.tell("record_assignment", currency="USD", **heirs)
        told.earn(pool, 500, "2026-03")
        told.accept(second, eve)
        assert told.pay() == {ana: 750, eve: 750}


def test_waivers_are_taken_along_by_an_assignment(database: str) -> None:
    with bank(database) as told:
        ana, ben, cy = told.people("Ana", "Ben", "Cy")
        pool = told.pool()
        pieces = [asset("song", {ana: "1", ben: "1", cy: "1"}), asset("cover", {ana: "1"})]
        first = told.agree(pool, pieces, "2026-01")
        told.tell("waive_share", proposal=first, contributor=cy, scope="song")
        before = told.books().agreements[first].shares
        assert before == {ana: Fraction(3, 4), ben: Fraction(1, 4), cy: 0}
        said = {"pool": pool, "payee": ana, "to": "Firm", "effective_at": "2026-02", **SOLD}
        second = told.tell("assign_share", **said).id
        after = told.books().agreements[second].shares
        assert after == {"Firm": Fraction(3, 4), ben: Fraction(1, 4)}


def test_a_share_is_assigned_until_the_date_of_a_later_agreement_of_which_a_warning_tells(
    database: str,
) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        told.agree(pool, {ana: "1"})
        told.agree(pool, {ana: "1/2", ben: "1/2"}, "2026-03")
        told.agree(pool, {ben: "1"}, "2026-05")
        said = {"pool": pool, "payee": ana, "to": "Firm", "effective_at": "2026-02", **SOLD}
        (warned,) = told.tell("assign_share", **said).warnings
        assert (warned.code, "from 2026-03-01T" in warned.detail) == ("agreed_later", True)
        for month in ("2026-01", "2026-02", "2026-03"):
            told.earn(pool, 100, month)
        assert told.account() == {ana: 150, "Firm": 100, ben: 50}
        assert told.tell("assign_share", **said | {"effective_at": "2026-03"}).warnings == ()


def test_a_part_of_a_share_assigned_twice_by_the_same_evidence_is_warned_of(database: str) -> None:
    """Sent again without an id, half of a share became a quarter."""
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        told.agree(pool, {ana: "1/2", ben: "1/2"})
        half = {"pool": pool, "to": "Firm", "part": "1/2", "effective_at": "2026-02", **SOLD}
        first = told.tell("assign_share", payee=ana, **half)
        second = told.tell("assign_share", payee=ben, **half)
        (warned,) = told.tell("assign_share", payee=ana, **half).warnings
        assert (first.warnings, second.warnings) == ((), ())
        assert (warned.code, first.id in warned.detail) == ("document_repeated", True)
        for change in ({"part": "1/3"}, {"evidence": "another"}, {"effective_at": "2026-03"}):
            assert told.tell("assign_share", payee=ana, **half | change).warnings == ()


def test_shares_that_do_not_repeat_an_assignment_say_so_when_they_are_final(database: str) -> None:
    """A policy knows nothing of publishers, so it gives all to the makers again."""
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        told.agree(pool, {ana: "1/2", ben: "1/2"})
        for payee, to in ((ana, "Firm"), (ben, "Heirs")):
            said = {"pool": pool, "payee": payee, "to": to, "part": "1/2"}
            told.tell("assign_share", **said, effective_at="2026-02", **SOLD)
        proposal = told.propose(pool, {ana: "2/5", ben: "2/5", "Heirs": "1/5"})
        told.clock.wait(days=14)
        warnings = told.tell(
            "finalise_proposal", proposal=proposal, effective_at="2026-03"
        ).warnings
        assert [each.code for each in warnings] == ["assignment_ended"]
        assert warnings[0].detail.startswith("Firm had a share by assignment until 2026-03-01T")
        said = {"pool": pool, "payee": ana, "to": "Firm", "effective_at": "2026-03", **SOLD}
        assert told.tell("assign_share", **said).warnings == ()


def test_who_had_their_share_before_it_was_assigned_is_not_said_to_have_had_it_by_that(
    database: str,
) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        told.agree(pool, {ana: "1/2", ben: "1/2"})
        said = {"pool": pool, "payee": ana, "to": "Firm", "part": "1/2"}
        told.tell("assign_share", **said, effective_at="2026-02", **SOLD)
        proposal = told.propose(pool, {ana: "1"})
        told.clock.wait(days=14)
        (warned,) = told.tell("finalise_proposal", proposal=proposal).warnings
        assert warned.detail.startswith("Firm had a share by assignment")


def test_shares_corrected_for_an_earlier_time_say_from_when_others_hold(database: str) -> None:
    """An assignment is an agreement with the shares of its day: it keeps those that were wrong."""
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        said = {"pool": pool, "agreed_on": "2026-01", "document": "sheet", "consents": [ana, ben]}
        halves = [asset("song", {ana: "1/2", ben: "1/2"})]
        told.tell("record_agreement", **said, assets=halves, effective_at="2026-01")
        sold = {"pool": pool, "payee": ben, "to": "Firm", **SOLD}
        told.tell("assign_share", **sold, effective_at="2026-03")
        right = [asset("song", {ana: "1/4", ben: "3/4"})]
        (warned,) = told.tell(
            "record_agreement", **said, assets=right, effective_at="2026-01"
        ).warnings
        assert warned.code == "agreement_ends"
        assert warned.detail.startswith("From 2026-03-01T")
        for month in ("2026-02", "2026-03"):
            told.earn(pool, 100, month)
        assert told.account() == {ana: 25 + 50, ben: 75, "Firm": 50}
        since = {"assets": right, "effective_at": "2026-03"}
        ended = told.tell("record_agreement", **said, **since).warnings
        assert [each.code for each in ended] == ["assignment_ended"]


def test_a_pool_shows_the_shares_in_force_whichever_were_recorded_last(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()

        def shares() -> dict[str, str | None]:
            with told.view() as view:
                shown = pools.statement(view, told.journal, pool, actor=OPERATOR)
            return {line["payee"]["id"]: line["share"] for line in shown["lines"]}

        told.agree(pool, {ana: "1"}, "2030")
        assert shares() == {ana: "1"}, "the first is still to come"
        told.agree(pool, {ana: "1/2", ben: "1/2"}, "2026-03")
        told.agree(pool, {ana: "3/4", ben: "1/4"}, "2026-01")
        assert shares() == {ana: "1/2", ben: "1/2"}


def test_only_an_agreed_share_is_assigned_and_to_somebody_else(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        said = {"pool": pool, "payee": ana, "to": ben, "effective_at": "2026-02", **SOLD}
        with pytest.raises(NotAgreed):
            told.tell("assign_share", **said)
        told.agree(pool, {ana: "1"})
        for wrong in ({"part": "0"}, {"to": ana}):
            with pytest.raises(BadShare):
                told.tell("assign_share", **(said | wrong))
        among = [{"payee": ben, "part": "1/2"}]
        for wrong in ({"among": among}, {"to": None}):
            with pytest.raises(BadShare, match="state either “to” or “among”") as refused:
                told.tell("assign_share", **(said | wrong))
            assert (ben in str(refused.value), "None" in str(refused.value)) == (
                "among" in wrong,
                False,
            )
        with pytest.raises(NoShare, match="what terms give by name is not among them"):
            told.tell("assign_share", **(said | {"payee": ben, "to": ana}))
        with pytest.raises(NotPermitted):
            told.tell("assign_share", actor=ben, **said)


# -- names that are contributors -----------------------------------------------------------------


def test_a_named_payee_becomes_a_contributor_with_all_they_earned(database: str) -> None:
    terms = {"type": "fixed", "shares": [["label", "1/5"], ["artists", "4/5", AGREED]]}
    with bank(database) as told:
        ana, lou = told.people("Ana", "Lou")
        pool = told.pool(terms=terms)
        told.accept(told.agree(pool, {ana: "1"}), ana)
        told.earn(pool, 1000)
        said = {"contributor": lou, "reason": "The label has an account now."}
        with pytest.raises(UnknownPayee):
            told.tell("identify_payee", name="labell", **said)
        told.tell("identify_payee", name="label", **said)
        with pytest.raises(AlreadyIdentified):
            told.tell("identify_payee", name="label", contributor=ana, reason="r")
        with told.view() as view:
            found = statements.statement(view, told.journal, lou)
            assert found == statements.statement(view, told.journal, "label")
            (told_in,) = found["statements"]
            shown = pools.pool(view, told.journal, pool, actor=lou)
        assert (told_in["earned_minor"], told_in["closing_minor"]) == (200, 200)
        assert shown["id"] == pool
        told.earn(pool, 500)
        assert told.pay() == {ana: 1200, lou: 300}


def test_who_a_name_or_a_work_stands_for_acts_and_reads_as_it(database: str) -> None:
    with bank(database) as told:
        ana, lou, eve = told.people("Ana", "Lou", "Eve")
        horn = told.piece("horn")
        waits = f"work/{horn}"
        pool = told.pool(release=told.release("show", horn))
        shares = [asset(horn, {ana: "1", "label": "1", waits: "1"})]
        said = {"pool": pool, "assets": shares, "effective_at": "2026-01", "consents": [ana]}
        deal = told.tell("record_agreement", **said, **SIGNED).id
        earned = told.earn(pool, 900)
        assert told.pay() == {ana: 300, "label": 300}
        back = told.payouts()["label"]
        told.tell("return_payout", id=back, reason="closed")
        told.tell("identify_payee", name="label", contributor=lou, reason="It has an account.")
        claim = {"contributor": eve, "role": "performer", "evidence": "tape"}
        claim = told.tell("claim_work", id=horn, **claim, actor=eve).id
        told.tell("accept_credit", id=claim)
        told.tell("accept_share", proposal=deal, work=horn, actor=eve)
        with told.view() as view:
            assert [each["id"] for each in inbox(view, told.journal, actor=lou).items] == [back]
            assert [each["id"] for each in people.returned_to(view, lou)] == [back]
            assert pools.why(view, told.journal, earned, waits, actor=eve)["amount_minor"] == 300
            assert pools.statement(view, told.journal, pool, actor=eve)["divided_minor"] == 900
        told.tell("claim_payout", id=back, actor=lou)
        for payee, actor in (("label", lou), (waits, eve)):
            told.tell("choose_payment_currency", payee=payee, currency="USD", actor=actor)
            assign = {"pool": pool, "payee": payee, "to": ana, "part": "1/2"}
            with pytest.raises(NotPermitted):
                told.tell("assign_share", **assign, effective_at="2026-05", **SOLD, actor=ana)
            told.tell("assign_share", **assign, effective_at="2026-05", **SOLD, actor=actor)
        assert told.pay() == {lou: 300, eve: 300}


def test_nothing_is_agreed_in_the_future(database: str) -> None:
    with bank(database) as told:
        said = {"pool": told.pool(), "assets": [asset("x", {"a": "1"})], "document": "d"}
        with pytest.raises(Exception, match="future"):
            told.tell("record_agreement", agreed_on="2035", **said)


def test_nothing_is_given_to_somebody_who_was_forgotten(database: str) -> None:
    """Nobody is left to be paid, so it would be held for ever."""
    with bank(database) as told:
        ana, gus = told.people("Ana", "Gus")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1/2", "label": "1/2"}), ana)
        told.tell("forget_contributor", id=gus, ground="request")
        said = {"pool": pool, "payee": ana, "effective_at": "2026-02"}
        with pytest.raises(ContributorForgotten):
            told.tell("assign_share", **said, to=gus, **SOLD)
        with pytest.raises(ContributorForgotten):
            told.tell("identify_payee", name="label", contributor=gus, reason="r")
