"""Asks: what waits for somebody's answer or decision, as rows that close once it is given.

A row names who is asked by a number: that of the person, or of the work whose poster is asked. 0
stands for those who decide about everything; ``desk`` says which of them. Credits and shares wait
in their own tables.

The one rule: a fact that may open an ask opens it, whoever is asked; one that may answer it closes
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.claim import POSTER, Claim
from domain.credit import Credit
from domain.dispute import DisputeAnswer, DisputeOpening, Settlement
from domain.fact import Fact
from domain.identifier import WORK, Identifier
from domain.join import Join
from domain.membership import Membership
from domain.money.hold import Hold
from domain.money.payout import Payout
from domain.money.proposal import Proposal
from domain.money.share import Share
from domain.remix import Remix
from domain.work import Work
from projections.tables import Amend, Change, Numbers, Projection, Put, born, facts_about, table

ASKS = table(
    "asks",
    "id TEXT, kind TEXT, about TEXT, noun TEXT, asked BIGINT, desk TEXT NULL, "
    "work BIGINT NULL, who TEXT, says TEXT NULL, due TEXT, currency TEXT NULL, "
    "amount BIGINT NULL, state TEXT, born BIGINT",
    ("id", "asked, state, until", "desk, state, until, due, born"),
    key="id",
    is_sparse=True,
)
"""``noun`` is the id of the noun an ask is about, ``about`` its kind, and ``who`` the one who
asks."""
RIGHTS = table(
    "rights",
    "work BIGINT, holder BIGINT, position BIGINT",
    ("holder", "work, position"),
)
"""Who holds the rights to a work; the last position counts."""

NOTIFYING = table(
    "notifying",
    "id TEXT, person BIGINT, proposal TEXT, state TEXT",
    ("id", "person, state"),
    key="id",
    is_sparse=True,
)
"""Who has yet to be notified of a stage of a proposal (``open``) or has been (``closed``)."""

OPEN, CLOSED = "open", "closed"
NEVER_DUE = "9999"
"""The ``due`` of an ask without a deadline, so that it comes last."""
EVERYTHING = 0
"""The number that stands for those who decide about everything."""

CREDIT, REMIX, JOIN = "credit_claim", "remix_claim", "join"
DISPUTE, SETTLEMENT = "dispute", "settlement"
COMMENT, PROPOSAL, SHARE = "comment", "proposal", "missing_share"
HOLD, PAYOUT = "hold", "payout"
MEMBERSHIP = "membership"
"""The kinds of asks."""
HOUSE, OTHERS, SHARES, JUDGES, BOOKS = "house", "others", "shares", "judges", "books"
"""The desks, in order: claims on what the operator posted; claims on works of others, once overdue;
shares of the operator's releases; disputes to settle; the books."""

ABOUT = {SHARE: "proposal", HOLD: "credit", PAYOUT: "batch"}
"""The kind of noun an ask is about, where that is not the fact's own."""
SIDES = ("child", "parent", "work", "person", "group")
"""The sides of a dispute: the ends of an edge, or what a credit, a number or a membership is
about."""
PEOPLE = ("person", "group")
"""The sides that are contributors."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The asks that this fact opens or closes."""
    match happened:
        case Remix.Declared(waits_for=None):
            pass  # the usual case: it counts at once
        case DisputeOpening() | DisputeAnswer() | Settlement():
            yield from _disputed(position, happened, numbers)
        case Remix.Event() | Join.Event():
            yield from _claimed(position, happened, numbers)
        case Credit.Claimed() | Credit.Accepted() | Credit.Declined() | Credit.Revoked():
            yield from _claimed(position, happened, numbers)
        case Proposal.Event() | Share.Event():
            yield from _agreed(position, happened, numbers)
            yield from _notified(happened, numbers)
        case Hold.Event() | Payout.Event():
            yield from _booked(position, happened, numbers)
        case Membership.Offered(contributor=contributor, group=group):
            yield _ask(position, happened, MEMBERSHIP, numbers[contributor], None, group)
        case Membership.Accepted() | Membership.Declined():
            yield _close(happened.originator_id)
        case Work.RightStated(originator_id=id, right_holder=holder):
            yield Put(RIGHTS, (numbers[id], numbers[holder], position))


ASKED = Projection(
    "asks",
    (ASKS, RIGHTS, NOTIFYING),
    changes,
    (
        *(kind for kind in facts_about(Credit) if kind is not Credit.Granted),
        *facts_about(Remix, Identifier, Membership, Join, Proposal, Share, Hold, Payout),
        Work.RightStated,
    ),
)


def _claimed(
    position: int, happened: Credit.Event | Remix.Event | Join.Event, numbers: Numbers
) -> Iterator[Change]:
    """Claims wait for the poster of the work; accepting, declining or revoking closes them."""
    match happened:
        case Credit.Claimed(work=work, waits_for=waits_for):
            if waits_for in (POSTER, None):  # in version 0.1 a claim counted at once
                of = (numbers[work], happened.contributor)
                yield _claim(position, happened, CREDIT, *of, numbers)
        case Remix.Declared(leaves="pending", child=child):
            yield _claim(position, happened, REMIX, numbers[child], happened.actor, numbers)
        case Join.Declared(leaves="pending", asked=str(asked)):
            yield _claim(position, happened, JOIN, numbers[asked], happened.actor, numbers)
        case Credit.Accepted() | Credit.Declined() | Credit.Revoked():
            yield _close(happened.originator_id)
        case Remix.Accepted() | Remix.Declined() | Join.Accepted() | Join.Declined():
            yield _close(happened.originator_id)


def _claim(position: int, happened: Claim, kind: str, work: int, who: str, numbers: Numbers) -> Put:
    more: dict[str, Any] = {"due": happened.deadline}
    more["says"] = getattr(happened, "role", None) or getattr(happened, "kind", None)
    more["desk"] = HOUSE if work in numbers.house else OTHERS
    return _ask(position, happened, kind, work, work, who, **more)


def _disputed(
    position: int, happened: DisputeOpening | DisputeAnswer | Settlement, numbers: Numbers
) -> Iterator[Change]:
    """A dispute waits for an answer from each side, and until it ends for a decision."""
    id = happened.originator_id
    match happened:
        case DisputeOpening():
            sides = dict(_sides(happened, numbers))
            work = next((n for side, n in sides.items() if side not in PEOPLE), None)
            more: dict[str, Any] = {"says": happened.grounds, "due": happened.deadline}
            of = (work, happened.actor)
            for side, asked in sides.items():
                yield _ask(position, happened, DISPUTE, asked, *of, id=f"{id}/{side}", **more)
            to_end = {"id": f"{id}/end", "desk": JUDGES, **more}
            yield _ask(position, happened, SETTLEMENT, EVERYTHING, *of, **to_end)
            yield _close(id)  # if the credit was only claimed
        case DisputeAnswer():
            for side in SIDES:
                yield _close(f"{id}/{side}")
        case Settlement(stands_as=state):
            for part in (*SIDES, "end"):
                yield _close(f"{id}/{part}")
            if state == Credit.Claimed.STATE:
                yield Amend(ASKS, id, {"state": OPEN})


def _sides(happened: DisputeOpening, numbers: Numbers) -> Iterator[tuple[str, int]]:
    """The sides that may answer: a work's number stands for its poster, or else a person's."""
    match happened:
        case Remix.Disputed(child=child, parent=parent):
            yield "child", numbers[child]
            yield "parent", numbers[parent]
        case Credit.Disputed(work=work, contributor=contributor):
            yield "work", numbers[work]
            yield "person", numbers[contributor]
        case Identifier.Disputed(about=about, on=on):
            yield ("work" if on == WORK else "person"), numbers[about]
        case Membership.Disputed(contributor=contributor, group=group):
            yield "group", numbers[group]
            yield "person", numbers[contributor]


def _agreed(
    position: int, happened: Proposal.Event | Share.Event, numbers: Numbers
) -> Iterator[Change]:
    """A comment waits for an answer, a proposal for its end, a share for its payee's consent."""
    id, of = happened.originator_id, (numbers[happened.release], numbers[happened.release])
    desk = SHARES if of[0] in numbers.house else None
    match happened:
        case Proposal.Posted(closes_at=due, actor=actor):
            yield _ask(position, happened, PROPOSAL, *of, actor, due=due, desk=desk)
        case Proposal.Extended(closes_at=due):
            yield Amend(ASKS, id, {"due": due})
        case Proposal.Commented(comment=comment, kind=kind, actor=actor):
            told: dict[str, Any] = {"id": comment, "says": kind, "desk": desk}
            yield _ask(position, happened, COMMENT, *of, actor, **told)
        case Proposal.Answered(comment=comment):
            yield _close(comment)
        case Proposal.Revised(comments=comments):
            yield from map(_close, comments)
        case Proposal.Withdrawn() | Proposal.Finalised():
            yield _close(id)
        case Share.Offered(payee=payee) | Share.Claimed(payee=payee):
            yield _ask(position, happened, SHARE, *of, payee, noun=happened.proposal, desk=desk)
        case Share.Accepted() | Share.Carried() | Share.Waived(leaves=Share.WAIVED):
            yield _close(id)


def _notified(happened: Proposal.Event | Share.Event, numbers: Numbers) -> Iterator[Change]:
    """Rows for those to be notified of a stage, closed once they have been."""
    id = happened.originator_id
    match happened:
        case Proposal.Stage() | Proposal.Continued():
            for person in happened.notifies or ():
                row = (f"{id}/{person}", numbers[person], id, OPEN)
                yield Put(NOTIFYING, row)
        case Proposal.Notified(contributor=person):
            yield Amend(NOTIFYING, f"{id}/{person}", {"state": CLOSED})


def _booked(
    position: int, happened: Hold.Event | Payout.Event, numbers: Numbers
) -> Iterator[Change]:
    """A hold waits to be lifted, and a payout to be settled or returned."""
    match happened:
        case Hold.Opened(work=work, contributor=who, credit=credit):
            of = (EVERYTHING, numbers[work], who)
            yield _ask(position, happened, HOLD, *of, noun=credit, desk=BOOKS)
        case Payout.Issued(payee=payee, batch=batch):
            issued: dict[str, Any] = {"noun": batch, "desk": BOOKS}
            issued["amount"] = happened.amount_minor
            yield _ask(position, happened, PAYOUT, EVERYTHING, None, payee, **issued)
        case Hold.Lifted() | Payout.Settled() | Payout.Returned():
            yield _close(happened.originator_id)


def _ask(
    position: int,
    happened: Fact,
    kind: str,
    asked: int,
    work: int | None,
    who: str,
    *,
    id: str | None = None,
    noun: str | None = None,
    **more: str | int | None,
) -> Put:
    of = {"id": id or happened.originator_id, "noun": noun or happened.originator_id}
    of["about"] = ABOUT.get(kind) or happened.TOPIC.partition(".")[0]
    more["due"] = more.get("due") or NEVER_DUE
    told = {"asked": asked, "work": work, "who": who, "state": OPEN, "born": position, **more}
    return born(ASKS, happened, kind=kind, **of, **told)


def _close(id: str) -> Amend:
    return Amend(ASKS, id, {"state": CLOSED})
