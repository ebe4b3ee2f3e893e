"""The time to comment runs from when somebody was notified by mail; that they were is a fact."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from money import Bank, asset, bank
from stories import id_of
from test_mail import Post, posting, text_of

from api.sending.mailboxes import Mailbox, Mailboxes
from domain.money.agreeing import FinaliseProposal
from domain.money.proposal import LONGEST_WAIT, Proposal
from domain.refusal import ProposalRevised, WindowOpen
from projections.money.pools.proposals import proposal as asked
from scripts.delivering import Deliverer
from scripts.rules import Judge

WINDOW, REVIEW = timedelta(days=14), timedelta(hours=72)


@pytest.fixture
def post() -> Iterator[Post]:
    with posting() as opened:
        yield opened


@pytest.fixture
def told(database: str) -> Iterator[Bank]:
    with bank(database) as opened:
        opened.journal.rules.told_by_mail = Mailboxes(opened.service.engine).told
        yield opened


@pytest.fixture
def deliverer(told: Bank, post: Post) -> Iterator[Deliverer]:
    with ExitStack() as stack:
        made = Deliverer(told.service, (), told.clock, server=post.server())
        stack.callback(made.close)
        yield made


def film(told: Bank) -> tuple[str, str]:
    """Ana, and the proposal of Pia who shares what her film earns with Ana and Ben."""
    ana, ben, pia = told.people("ana", "ben", "pia")
    poem = told.piece("poem", by=[ana], actor=ana)
    show = told.release("show", poem, actor=pia)
    want(told, ana)
    pool = told.pool(release=show)
    return ana, told.tell("post_proposal", pool=pool, assets=shared(told, ana, ben), actor=pia).id


def shared(told: Bank, ana: str, ben: str) -> list[Any]:
    return [asset(id_of("poem"), {ana: "1/2", ben: "1/2"})]


def want(told: Bank, person: str, often: str = "at_once") -> Mailbox:
    mailboxes, head = Mailboxes(told.service.engine), told.head()
    made = mailboxes.put(person, "a@example.org", often, position=head, now=told.clock())
    return mailboxes.confirm(made.token, head)


def deliver(told: Bank, deliverer: Deliverer) -> None:
    for _ in range(2):  # what was sent is recorded, and told in turn
        told.service.follower.catch_up()
        deliverer.deliver_all()


def of(told: Bank, proposal: str) -> Any:
    with told.view() as view:
        return asked(view, told.journal, proposal, actor="operator")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def notified(told: Bank) -> list[Proposal.Notified]:
    facts = (one.fact() for one in told.facts() if one.topic == "proposal.notified")
    return [one for one in facts if isinstance(one, Proposal.Notified)]


def test_the_window_runs_from_the_mail_for_those_who_have_any(
    told: Bank, post: Post, deliverer: Deliverer
) -> None:
    ana, proposal = film(told)
    first = of(told, proposal)
    opened = moment(first["opened_at"])
    assert moment(first["closes_at"]) == opened + WINDOW
    assert first["to_notify"] == 1
    assert moment(first["final_from"]) == opened + LONGEST_WAIT + WINDOW, "as long as it may take"
    told.clock.wait(days=3)
    deliver(told, deliverer)
    (message,) = post.got
    assert f"/proposal/{proposal}" in text_of(message)
    (fact,) = notified(told)
    assert (fact.contributor, fact.means, fact.actor) == (ana, "email", "operator")
    then = of(told, proposal)
    assert then["to_notify"] == 0
    assert moment(then["runs_from"]) == fact.timestamp
    assert moment(then["final_from"]) == fact.timestamp + WINDOW
    assert then["closes_at"] == first["closes_at"]
    told.clock.wait(days=12)
    told.tell("comment_on_proposal", proposal=proposal, kind="other", text="Late?", actor=ana)
    with pytest.raises(WindowOpen) as refused:
        told.tell("finalise_proposal", proposal=proposal)
    assert refused.value.details["closes_at"] == then["final_from"]


def test_a_revision_is_seen_for_as_long_after_the_mail(told: Bank, deliverer: Deliverer) -> None:
    ana, proposal = film(told)
    deliver(told, deliverer)
    said = {"proposal": proposal, "kind": "other", "text": "Less."}
    comment = told.tell("comment_on_proposal", **said, actor=id_of("ben")).id
    told.clock.wait(days=13, hours=20)
    assets = shared(told, ana, id_of("ben"))
    told.tell("revise_proposal", proposal=proposal, comments=[comment], assets=assets)
    told.clock.wait(hours=30)
    deliver(told, deliverer)
    latest = notified(told)[-1]
    assert moment(of(told, proposal)["final_from"]) == latest.timestamp + REVIEW
    said = {"proposal": proposal, "contributor": ana, "means": "post", "version": 1}
    with pytest.raises(ProposalRevised):
        told.tell("notify_of_proposal", **said)
    told.clock.wait(hours=71)
    with pytest.raises(WindowOpen):
        told.tell("finalise_proposal", proposal=proposal)
    told.clock.wait(hours=1)
    told.tell("finalise_proposal", proposal=proposal)
    judge = Judge()
    assert list(judge.broken(told.service.engine, told.facts())) == []


def test_without_an_address_it_runs_from_the_proposal(told: Bank, deliverer: Deliverer) -> None:
    ana, ben = told.people("ana", "ben")
    never = want(told, ana, "never")
    mailboxes = Mailboxes(told.service.engine)
    mailboxes.put(ben, "ben@example.org", "daily", position=0, now=told.clock())  # not confirmed
    proposal = told.propose(told.pool(), {ana: "1/2", ben: "1/2"})
    found = of(told, proposal)
    assert (found["to_notify"], found["final_from"]) == (0, found["closes_at"])
    assert found["runs_from"] == found["opened_at"]
    assert '"notifies"' not in "".join(one.state.decode() for one in told.facts())
    assert never.often == "never"


def test_for_mail_that_never_arrives_it_waits_no_longer_than_ten_days(
    told: Bank, post: Post, deliverer: Deliverer
) -> None:
    _, proposal = film(told)
    post.answers = ["550 no such user"]
    deliver(told, deliverer)
    assert notified(told) == []
    told.clock.wait(days=23)
    with pytest.raises(WindowOpen):
        told.tell("finalise_proposal", proposal=proposal)
    told.clock.wait(days=1)
    told.tell("finalise_proposal", proposal=proposal)


def test_a_proposal_made_final_too_early_is_found_by_the_rules(
    told: Bank, deliverer: Deliverer
) -> None:
    _, proposal = film(told)
    told.clock.wait(days=3)
    deliver(told, deliverer)
    told.clock.wait(days=12)
    draft = told.journal.draft()
    noun = draft.get(Proposal, proposal)
    noun.versions[0].notifies.clear()  # as a service that forgot whom it notified
    draft.carry_out(FinaliseProposal(proposal=proposal), "operator")
    told.journal.commit(draft)
    found = list(Judge().broken(told.service.engine, told.facts()))
    assert any("could not happen" in why for _, why in found), found
