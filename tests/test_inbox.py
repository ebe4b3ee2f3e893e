"""The inbox: everything that waits for somebody is in theirs, with its verb, deadline and money."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from typing import Any

import pytest
from money import Bank, asset, bank
from stories import OPERATOR, id_of

from domain.identity import part_id
from domain.refusal import NotPermitted
from domain.registry import COMMANDS
from projections import happenings, inbox
from projections.inbox import KINDS
from projections.money import pools
from projections.waiting import Addressee

BEGINS = {
    "nobody asked for it: it begins something, or states what somebody knows": {
        "membership",
        *("contributor", "contribution", "release", "remix", "credit", "work.claim", "join"),
        *("identifier", "pool", "contributor.rename", "contributor.register-key"),
        "contributor.divide",
        *("contributor.ask-first", "contributor.stop-asking", "contributor.grant-role"),
        *("work.state-right", "payee.identify", "agreement", "share.assign", "opening"),
        *("payment-currency", "credit.hide", "credit.unhide", "credit.dispute"),
        *("remix.dispute", "identifier.dispute", "membership.dispute"),
        *("credit.hold", "credit.agree-licence"),
    },
    "it corrects or takes back what stands": {
        "membership.date",
        *("contributor.merge", "contributor.separate", "contributor.revoke-key"),
        *("contributor.forget", "contributor.end-role", "work.describe", "work.redate"),
        *("credit.correct", "credit.revoke", "remix.strike", "remix.replace", "join.undo"),
        *("identifier.withdraw", "release.withdraw", "contribution.withdraw"),
        *("withholding.end", "pool.amend"),
    },
    "the books are kept when there is something to enter": {
        *("revenue", "expense", "revenue.reverse", "expense.reverse", "adjustment"),
        *("assignment", "period", "pool.correct", "pool.locate", "pool.reserve"),
        *("pool.free-reserve", "exchange-rate", "withholding", "payout"),
    },
    "a project is its leaders', a challenge its issuer's, an answer its poster's": {
        *("project", "project.describe", "project.update", "project.close", "project.reopen"),
        *("project.assign-leader", "project.remove-leader", "step", "step.describe"),
        *("challenge", "challenge.describe", "challenge.close", "challenge.reopen"),
        *("challenge.move", "challenge.answer", "challenge.withdraw-answer"),
        *("challenge.feature", "challenge.unfeature"),
        *("contribution.place", "contribution.take-out"),
    },
    "a comment is its writer's, and what somebody follows is theirs": {
        *("comment", "comment.edit", "comment.remove"),
        *("contributor.follow", "contributor.unfollow"),
    },
    "the service records it when it has sent mail": {"proposal.notify"},
    "a release is its poster's until they publish it": {"release.publish"},
}
"""The commands that answer nothing that waits for anybody, and why."""


def test_whatever_answers_something_is_led_to_by_the_inbox() -> None:
    answering = {name for kind in KINDS.values() for name in kind.commands}
    beginning = {name for names in BEGINS.values() for name in names}
    missing = COMMANDS.keys() - answering - beginning
    assert not missing, f"a kind of projections/inbox.py, or a reason here: {sorted(missing)}"
    assert answering <= COMMANDS.keys()
    assert beginning <= COMMANDS.keys()


@pytest.fixture
def told(database: str) -> Iterator[Bank]:
    with bank(database) as opened:
        yield opened


def waiting(told: Bank, actor: str) -> list[Any]:
    """What waits for somebody, and that it is counted and paged alike."""
    with told.view() as view:
        whole = inbox.inbox(view, told.journal, actor=actor, limit=200)
        assert inbox.how_many(view, told.journal, actor) == len(whole.items)
        paged, after = [], None
        while True:
            page = inbox.inbox(view, told.journal, actor=actor, limit=1, after=after)
            paged += page.items
            after = page.next
            if after is None:
                break
        assert paged == whole.items
    due = [item["deadline"] or "9999" for item in whole.items]
    assert due == sorted(due), "the most urgent first"
    return whole.items


def kinds(told: Bank, actor: str) -> dict[str, Any]:
    """The same by kind, each of which is there once."""
    items = waiting(told, actor)
    found = {item["kind"]: item for item in items}
    assert len(found) == len(items)
    return found


def film(told: Bank) -> tuple[str, str, str]:
    """A film of Ana's poem and Ben's song, posted by Pia, with a pool."""
    ana, ben, pia = told.people("ana", "ben", "pia")
    poem = told.piece("poem", by=[ana], actor=ana)
    song = told.piece("song", by=[ben], actor=ben)
    show = told.release("show", poem, song, actor=pia)
    told.tell("publish_release", id=show, actor=pia)
    return poem, song, told.pool(release=show)


def test_an_agreement_waits_for_comments_then_its_end_then_its_payees(told: Bank) -> None:
    poem, song, pool = film(told)
    ana, ben, pia = map(id_of, ("ana", "ben", "pia"))
    assets = [asset(poem, {ana: "1"}), asset(song, {ben: "1"})]
    proposal = told.tell("post_proposal", pool=pool, assets=assets, actor=pia).id
    closes_at = told.journal.clock()
    assert kinds(told, ana)["review"]["commands"] == ["proposal.comment"]
    window = kinds(told, pia)["window"]
    assert (window["id"], window["is_overdue"]) == (proposal, False)
    assert window["deadline"] > closes_at.isoformat()
    said = {"proposal": proposal, "kind": "too_little", "text": "I sang as well."}
    comment = told.tell("comment_on_proposal", **said, actor=ben).id
    other = told.tell("comment_on_proposal", **said, actor=ana).id
    found = kinds(told, pia)
    assert found.keys() == {"comment", "window"}
    assert (found["comment"]["count"], found["comment"]["asked_by"]) == (2, None)
    told.tell("answer_comment", proposal=proposal, comment=comment, text="Later.", actor=pia)
    assert kinds(told, pia)["comment"]["person"] == {"id": ana, "name": "ana"}
    told.tell("answer_comment", proposal=proposal, comment=other, text="Later.", actor=pia)
    told.clock.wait(days=15)
    assert kinds(told, ana) == {}
    assert kinds(told, pia)["finalise"]["is_overdue"]
    told.tell("finalise_proposal", proposal=proposal, actor=pia)
    told.earn(pool, 1000)
    share = kinds(told, ana)["share"]
    held = [{"currency": "USD", "amount_minor": 500}]
    assert (share["id"], share["amounts"], share["says"]) == (proposal, held, "1/2")
    assert share["pool"] == {"id": pool, "name": "pool"}
    missing = kinds(told, pia)["missing_share"]
    assert (missing["count"], missing["amounts"][0]["amount_minor"]) == (2, 1000)
    told.accept(proposal, ana)
    assert kinds(told, ana) == {}
    left = kinds(told, pia)["missing_share"]
    assert (left["count"], left["asked_by"], left["amounts"]) == (1, ben, held)
    told.tell("decline_share", proposal=proposal, actor=ben)
    assert (kinds(told, ben), kinds(told, pia)["missing_share"]["count"]) == ({}, 1)
    told.accept(proposal, ben)
    assert kinds(told, pia) == {}
    assert kinds(told, OPERATOR) == {}


def test_who_has_waived_a_whole_share_is_asked_no_more(told: Bank) -> None:
    """What was waived scope by scope as well; of what is left of a share, they are still asked."""
    poem, song, pool = film(told)
    ana, ben, pia = map(id_of, ("ana", "ben", "pia"))
    both = {ana: "1", ben: "1"}
    agreed = told.agree(pool, [asset(poem, both), asset(song, both)])
    told.earn(pool, 1000)
    told.tell("waive_share", proposal=agreed, scope=poem, actor=ben)
    assert kinds(told, ben)["share"]["amounts"][0]["amount_minor"] == 250
    told.tell("waive_share", proposal=agreed, scope=song, actor=ben)
    assert kinds(told, ben) == {}
    assert kinds(told, pia)["missing_share"]["count"] == 1, "only Ana's is missing"
    told.accept(agreed, ana)
    assert kinds(told, pia) == {}
    with told.view() as view:
        shares = pools.proposal(view, told.journal, agreed, actor=pia)["shares"]
    assert {one["payee"]["id"]: one["consent"] for one in shares} == {
        ana: "accepted",
        ben: "waived",
    }
    again = told.agree(pool, [asset(poem, both)], effective_at="2027-01")
    assert kinds(told, ben)["share"]["id"] == again, "a share of a new agreement is another"


def test_an_agreement_waits_to_be_final_until_it_can_be(told: Bank) -> None:
    poem, song, pool = film(told)
    ana, ben, pia = map(id_of, ("ana", "ben", "pia"))
    assets = [asset(poem, {ana: "1"}), asset(song, {ben: "1"})]
    proposal = told.tell("post_proposal", pool=pool, assets=assets, actor=pia).id
    told.clock.wait(days=13, hours=23)
    said = {"proposal": proposal, "kind": "other", "text": "Late."}
    comment = told.tell("comment_on_proposal", **said, actor=ben).id
    told.clock.wait(hours=2)
    assert kinds(told, pia).keys() == {"comment"}, "first it has to be answered"
    told.tell("answer_comment", proposal=proposal, comment=comment, text="So.", actor=pia)
    window = kinds(told, pia)["window"]
    with told.view() as view:
        told_then = pools.proposal(view, told.journal, proposal, actor=pia)
    assert window["deadline"] == told_then["final_from"] > told_then["closes_at"]
    assert kinds(told, ana)["review"]["deadline"] == window["deadline"], "they may still comment"
    told.clock.wait(days=4)
    assert kinds(told, ana) == {}
    assert kinds(told, pia)["finalise"]["deadline"] == window["deadline"]


def test_a_share_that_rests_on_what_was_found_false_waits_for_who_decides(told: Bank) -> None:
    poem, song, pool = film(told)
    ana, ben, pia = map(id_of, ("ana", "ben", "pia"))
    agreed = told.agree(pool, [asset(poem, {ana: "1/4", ben: "3/4"}), asset(song, {ben: "1"})])
    told.accept(agreed, ana, ben)
    told.earn(pool, 1000)
    credit = part_id(song, "author", 0)
    told.tell("hold_credit", id=part_id(poem, "author", 0), reason="Hers is another matter.")
    told.tell("revoke_credit", id=credit, reason="He did not sing.", actor=ben)
    found = kinds(told, pia)["doubted_share"]
    assert (found["id"], found["count"], found["asked_by"]) == (agreed, 1, ben)
    assert found["commands"] == ["share.confirm", "proposal"]
    assert [each["amount_minor"] for each in found["amounts"]] == [500]
    assert kinds(told, OPERATOR).keys() == {"hold"}
    assert kinds(told, ana) == kinds(told, ben) == {}
    told.tell("confirm_share", proposal=agreed, payee=ben, reason="He did.", actor=pia)
    assert kinds(told, pia) == {}


def test_a_share_in_doubt_is_found_behind_many_that_are_not(told: Bank) -> None:
    poem, song, pool = film(told)
    ben, pia = map(id_of, ("ben", "pia"))
    before = (name for name in map("player {}".format, count()) if id_of(name) < ben)
    players = told.people(*islice(before, 200))
    assets = [asset(poem, dict.fromkeys(players, "1")), asset(song, {ben: "1"})]
    agreed = told.agree(pool, assets)
    told.earn(pool, 1000)
    told.tell("revoke_credit", id=part_id(song, "author", 0), reason="No.", actor=ben)
    assert kinds(told, pia)["doubted_share"]["id"] == agreed


def test_a_deciders_own_share_that_rests_on_what_was_found_false_waits_for_the_operator(
    told: Bank,
) -> None:
    poem, song, pool = film(told)
    ana, ben, pia = map(id_of, ("ana", "ben", "pia"))
    agreed = told.agree(pool, [asset(song, {ben: "1/2", pia: "1/2"}), asset(poem, {ana: "1"})])
    told.accept(agreed, ana, ben, pia)
    told.earn(pool, 1000)
    credit = told.credit(song, pia, "producer")
    told.tell("revoke_credit", id=credit, reason="She was away.")
    assert kinds(told, pia) == {}
    found = kinds(told, OPERATOR)["doubted_share"]
    assert (found["id"], found["asked_by"], found["commands"][0]) == (agreed, pia, "share.confirm")
    told.tell("confirm_share", proposal=agreed, payee=pia, reason="She was there.")
    assert kinds(told, OPERATOR) == {}


def test_any_number_of_shares_in_doubt_can_wait(told: Bank) -> None:
    """SQLite joins at most 500 SELECTs by UNION ALL: the inbox of the operator ended there."""
    doubted = [(id_of(f"agreed {number}"), id_of("ana"), 1) for number in range(1_000)]
    with told.view() as view:
        asked = replace(Addressee.of(view, told.journal, OPERATOR), doubted=doubted)
        assert asked.count(view, told.journal) == 0, "there are no such agreements"


def test_what_one_finding_put_in_doubt_is_met_once_in_pages_of_any_length(
    told: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.money.waiting.AT_ONCE", 2)
    poem, song, pool = film(told)
    ana, ben, pia = map(id_of, ("ana", "ben", "pia"))
    pools_of_it = [pool, *(told.pool(f"pool {n}", release=id_of("show")) for n in range(4))]
    for each in pools_of_it:
        agreed = told.agree(each, [asset(poem, {ana: "1"}), asset(song, {ben: "1"})])
        told.accept(agreed, ana, ben)
        told.earn(each, 1000)
    told.tell("revoke_credit", id=part_id(song, "author", 0), reason="No.", actor=ben)
    with told.view() as view:
        whole = inbox.inbox(view, told.journal, actor=pia).items
        assert [one["kind"] for one in whole] == ["doubted_share"] * len(pools_of_it)
        items, after = list[Any](), None
        while not items or after:
            page, after = inbox.inbox(view, told.journal, actor=pia, after=after, limit=2)
            items += page
    assert items == whole
    assert [one["id"] for one in whole] == sorted(one["id"] for one in whole)


def test_a_share_by_name_waits_when_an_edge_above_the_release_was_found_false(told: Bank) -> None:
    ana, pia = told.people("ana", "pia")
    poem = told.piece("poem", by=[ana], actor=ana)
    song = told.piece("song", poem, by=[ana], actor=ana)
    show = told.release("show", song, poem, actor=pia)
    half = {
        "type": "fixed",
        "shares": [[f"work/{poem}", "1/2"], ["artists", "1/2", {"type": "agreed"}]],
    }
    pool = told.pool(release=show, terms=half)
    agreed = told.agree(pool, [asset(show, {ana: "1"})])
    told.accept(agreed, ana)
    told.earn(pool, 1000)
    (edge,) = (one.originator_id for one in told.since(0, "remix.declared") if one.child == song)
    told.tell("strike_remix", id=edge, reason="Nothing of it is in the song.")
    found = kinds(told, pia)["doubted_share"]
    assert (found["id"], found["count"], found["amounts"][0]["amount_minor"]) == (agreed, 1, 500)


def test_a_dispute_waits_for_the_other_side_and_then_for_who_decides(told: Bank) -> None:
    poem, song, pool = film(told)
    ana, ben, mod = id_of("ana"), id_of("ben"), told.person("mod")
    told.tell("grant_role", id=mod, role="moderator")
    agreed = told.agree(pool, [asset(poem, {ana: "1"}), asset(song, {ben: "1"})])
    told.accept(agreed, ana, ben)
    told.earn(pool, 1000)
    credit = part_id(poem, "author", 0)
    said = {"id": credit, "grounds": "not_theirs", "reason": "Mine.", "evidence": "drafts"}
    told.tell("dispute_credit", **said, actor=ben)
    held = [{"currency": "USD", "amount_minor": 500}]
    asked = kinds(told, ana)["dispute"]
    assert (asked["id"], asked["amounts"], asked["person"]["name"]) == (credit, held, "ben")
    assert asked["commands"] == ["credit.answer"]
    assert kinds(told, ben) == {}
    assert kinds(told, OPERATOR)["settlement"]["amounts"] == held
    judged = kinds(told, mod)["settlement"]
    assert (judged["amounts"], judged["deadline"]) == ([], asked["deadline"])
    told.tell("answer_credit", id=credit, reason="I wrote it.", actor=ana)
    assert kinds(told, ana) == {}
    told.tell("settle_credit", id=credit, outcome="dismissed", reason="Hers.", actor=mod)
    assert kinds(told, OPERATOR) == kinds(told, mod) == {}
    told.tell("dispute_credit", **(said | {"grounds": "other"}), actor=ben)
    told.clock.wait(days=31)
    assert kinds(told, ana)["expired_dispute"]["is_overdue"]
    told.tell("settle_credit", id=credit, outcome="expired", reason="Late.", actor=ana)
    assert kinds(told, ana) == {}


def test_a_dispute_over_an_edge_waits_for_everybody_on_its_two_ends(told: Bank) -> None:
    ana, ben, eva, sam = told.people("ana", "ben", "eva", "sam")
    poem = told.piece("poem", by=[ana], actor=ana)
    song = told.piece("song", poem, by=[ben, eva], actor=ben)
    told.credit(song, sam, actor=ben)
    edge = part_id(song, "source", 0)
    pool = told.pool(release=told.release("show", song))
    told.accept(told.agree(pool, [asset(poem, {ana: "1"}), asset(song, {sam: "1"})]), ana, sam)
    told.earn(pool, 1000)
    assert kinds(told, eva).keys() == {"credit"}
    said = {"id": edge, "grounds": "not_derived", "reason": "No.", "evidence": "takes"}
    told.tell("dispute_remix", **said, actor=ana)
    assert kinds(told, ben).keys() == {"dispute"}
    assert kinds(told, eva).keys() == {"credit", "dispute"}
    assert kinds(told, sam).keys() == {"credit"}, "credited after it was posted"
    assert kinds(told, ana) == {}, "who disputes is not asked"
    assert kinds(told, OPERATOR)["settlement"]["amounts"][0]["amount_minor"] == 500
    assert kinds(told, ben)["dispute"]["amounts"] == [], "only what is their own"
    told.tell("answer_remix", id=edge, reason="From 0:40 on.", actor=eva)
    assert kinds(told, ben) == {}


def test_claims_wait_for_the_poster_and_later_for_a_moderator(told: Bank) -> None:
    ana, ben, mod, pia = told.people("ana", "ben", "mod", "pia")
    told.tell("grant_role", id=mod, role="moderator")
    poem = told.piece("poem", by=[ana], actor=ana)
    song, other = told.piece("song", by=[ben], actor=ben), told.piece("other", actor=ben)
    told.credit(poem, ben, actor=ben)
    told.tell("declare_remix", child=poem, parent=song, kind="sample", actor=ben)
    told.tell("join_works", work=other, into=poem, actor=ben)
    told.tell("grant_role", id=pia, role="producer", work=poem)
    for poster in (ana, pia):
        found = kinds(told, poster)
        assert found.keys() == {"credit_claim", "remix_claim", "join"}
        assert {item["asked_by"] for item in found.values()} == {ben}
    assert waiting(told, ben) == waiting(told, mod) == waiting(told, OPERATOR) == []
    told.clock.wait(days=31)
    late = waiting(told, mod)
    assert {item["kind"] for item in late} == {"overdue_claim"}
    assert {item["is_overdue"] for item in waiting(told, ana)} == {True}
    assert len(late) == len(waiting(told, OPERATOR)) == 3
    for noun, item in zip(("credit", "remix", "join"), waiting(told, ana), strict=True):
        told.tell(f"decline_{noun}", id=item["id"], actor=ana)
    assert waiting(told, ana) == waiting(told, mod) == []


def test_of_many_claims_with_one_deadline_none_is_missed_or_shown_twice(told: Bank) -> None:
    ana, ben, mod = told.people("ana", "ben", "mod")
    told.tell("grant_role", id=mod, role="moderator")
    ours = [told.piece(f"ours {number}", actor=OPERATOR) for number in range(6)]
    hers = told.piece("hers", by=[ana], actor=ana)
    claims = [told.credit(work, ben, actor=ben) for work in (*ours, hers)]
    assert [item["id"] for item in waiting(told, OPERATOR)] == claims[:-1]
    before = told.head()
    told.tell("decline_credit", id=claims[2], actor=OPERATOR)
    assert [item["id"] for item in waiting(told, OPERATOR)] == [*claims[:2], *claims[3:-1]]
    with told.view(as_of=before) as view:
        known = inbox.inbox(view, told.journal, actor=OPERATOR).items
        assert inbox.how_many(view, told.journal, OPERATOR) == len(known)
    assert [item["id"] for item in known] == claims[:-1]
    told.clock.wait(days=31)
    left = [*claims[:2], *claims[3:]]
    for judge in (OPERATOR, mod):
        assert [item["id"] for item in waiting(told, judge)] == left
    told.tell("accept_credit", id=claims[-1], actor=OPERATOR)
    assert [item["id"] for item in waiting(told, mod)] == left[:-1]


def test_who_asked_to_be_asked_is_the_only_one_to_know(told: Bank) -> None:
    ana, ben = told.people("ana", "ben")
    told.tell("ask_first", id=ben, actor=ben)
    poem = told.piece("poem", by=[ana], actor=ana)
    credit = told.credit(poem, ben, actor=ana)
    assert kinds(told, ben)["credit"]["id"] == credit
    assert kinds(told, OPERATOR) == kinds(told, ana) == {}
    told.tell("accept_credit", id=credit, actor=ben)
    assert kinds(told, ben) == {}


def test_who_is_said_to_be_in_a_group_is_asked(told: Bank) -> None:
    ana, band = told.people("ana", "band")
    offered = told.tell("offer_membership", group=band, contributor=ana, actor=band).id
    asked = kinds(told, ana)["membership"]
    assert (asked["id"], asked["person"]["name"]) == (offered, "band")
    assert kinds(told, band) == {}
    told.tell("accept_membership", id=offered, actor=ana)
    assert kinds(told, ana) == {}


def test_money_on_its_way_waits_for_the_books_and_money_that_came_back_for_its_payee(
    told: Bank,
) -> None:
    poem, song, pool = film(told)
    ana, ben, abe = id_of("ana"), id_of("ben"), told.person("abe")
    told.tell("grant_role", id=abe, role="accountant")
    agreed = told.agree(pool, [asset(poem, {ana: "1"}), asset(song, {ben: "1"})])
    told.accept(agreed, ana, ben)
    told.earn(pool, 1000)
    told.pay()
    for keeper in (abe, OPERATOR):
        sent = kinds(told, keeper)["payout"]
        assert (sent["count"], sent["amounts"][0]["amount_minor"]) == (2, 1000)
    payout = told.payouts()[ana]
    told.tell("return_payout", id=payout, reason="No such account.", actor=abe)
    back = kinds(told, ana)["returned"]
    assert (back["id"], back["amounts"][0]["amount_minor"]) == (payout, 500)
    assert kinds(told, abe)["payout"]["count"] == 1
    assert kinds(told, ben) == {}
    told.tell("claim_payout", id=payout, actor=ana)
    assert kinds(told, ana) == {}
    told.earn(pool, 600)
    told.tell("hold_credit", id=part_id(poem, "author", 0), reason="A question.", actor=abe)
    assert kinds(told, abe).keys() == {"payout", "hold"}
    for keeper in (abe, OPERATOR):
        held = kinds(told, keeper)["hold"]
        assert (held["id"], held["noun"]) == (part_id(poem, "author", 0), "credit")
        assert held["amounts"] == [{"currency": "USD", "amount_minor": 800}], (
            "half, and what came back"
        )
    told.tell("lift_hold", id=part_id(poem, "author", 0), reason="Answered.", actor=abe)
    assert kinds(told, abe).keys() == {"payout"}


# -- what happened -------------------------------------------------------------------------


def happened(told: Bank, person: str, **asked: Any) -> list[str]:
    """The topics of what happened to somebody, the latest last; paged as it is whole."""
    ask = happenings.of_contributor
    with told.view() as view:
        whole = ask(view, told.journal, person, actor=person, limit=200, **asked).items
        paged, after = [], None
        while True:
            page = ask(view, told.journal, person, actor=person, limit=2, after=after, **asked)
            paged += page.items
            after = page.next
            if after is None:
                break
    assert paged == whole
    assert [one["position"] for one in whole] == sorted({one["position"] for one in whole})[::-1]
    return [one["topic"] for one in whole][::-1]


def test_people_are_told_what_happened_to_their_works_and_credits(told: Bank) -> None:
    ana, ben, eva = told.people("ana", "ben", "eva")
    poem = told.piece("poem", by=[ana], actor=ana)
    assert happened(told, ana) == []
    told.piece("reading", poem, actor=ana)
    assert happened(told, ana) == [], "nobody is notified of what they did themselves"
    song = told.piece("song", poem, by=[ben], actor=ben)
    granted = told.credit(poem, eva, actor=ana)
    claimed = told.credit(poem, ben, actor=ben)
    told.tell("accept_credit", id=claimed, actor=ana)
    told.tell("revoke_credit", id=granted, reason="A mistake.", actor=ana)
    used = told.tell("declare_remix", child=song, parent=poem, kind="sample", actor=ana).id
    told.tell("accept_remix", id=used, actor=ben)
    assert happened(told, ana) == ["remix.declared", "credit.claimed", "remix.accepted"]
    assert happened(told, ana, kind="used") == ["remix.declared", "remix.accepted"]
    assert happened(told, eva) == ["credit.granted", "credit.revoked"]
    assert happened(told, ben, kind="credits") == ["credit.accepted"]
    with told.view() as view, pytest.raises(NotPermitted):
        happenings.of_contributor(view, told.journal, ana, actor=ben)


def test_nobody_but_who_asked_to_be_asked_is_told_of_their_credit(told: Bank) -> None:
    ana, ben, uma = told.people("ana", "ben", "uma")
    told.tell("grant_role", id=uma, role="auditor")
    told.tell("ask_first", id=ben, actor=ben)
    told.credit(told.piece("poem", by=[ana], actor=ana), ben, actor=ana)
    assert happened(told, ben) == ["credit.granted"]
    with told.view() as view:
        assert happenings.of_contributor(view, told.journal, ben, actor=uma).items == []
