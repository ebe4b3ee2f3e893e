"""Notices: the facts a person has to be notified of, in order.

A notice once given stays, even if the person is merged with another or loses the credit.

A row says who is notified of the fact at a position: the person it names, the poster of the work it
names, everyone credited on that work, or everyone with a share in what it earns. What the fact says
is read from the journal, as in a history.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.challenge import Answer
from domain.credit import NOT_COUNTED, Credit
from domain.dispute import Answer as DisputeAnswer
from domain.dispute import Settlement
from domain.fact import Fact
from domain.grant import Grant
from domain.identifier import WORK, Identifier
from domain.join import Join
from domain.journal import Journal
from domain.membership import Membership
from domain.money.hold import Hold
from domain.money.payee import Payee
from domain.money.payout import Payout
from domain.money.proposal import Proposal
from domain.money.share import Share
from domain.permission import OPERATOR, OWN, READS, permit
from domain.project import Project
from domain.remix import Remix
from domain.values import ContributorId
from projections import attribution
from projections.grants import roles_of
from projections.history import tell
from projections.question import LIMIT, After, Limit, question
from projections.store import Page, View
from projections.tables import Change, Numbers, Projection, Put, Table
from projections.told import FactTold

NOTICES = Table(
    "notices",
    (("subject", "BIGINT NOT NULL"), ("position", "BIGINT NOT NULL"), ("told", "TEXT NOT NULL")),
    ("subject, position",),
)

PERSON = "person"
"""For the person who is the subject."""
POSTER = "poster"
"""For the poster of the work that is the subject."""
PEOPLE = "people"
"""For the poster, and everyone credited on the work at that position."""
PAYEES = "payees"
"""For everyone with a share in a proposal for the work at that position."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:  # noqa: PLR0912 - one per kind
    """Who is notified of this fact."""
    if isinstance(happened, DisputeAnswer | Settlement) and happened.disputer != OPERATOR:
        yield Put(NOTICES, (numbers[happened.disputer], position, PERSON))
    if isinstance(happened, Proposal.Stage | Proposal.Continued | Proposal.Answered):
        _, *people = happened.subjects()  # payees, and who made the comments that are answered
        for person in people:
            yield Put(NOTICES, (numbers[person], position, PERSON))
    match happened:
        case Remix.Disputed() | Remix.Answered() | Remix.Settled():
            for end in (happened.child, happened.parent):
                yield Put(NOTICES, (numbers[end], position, PEOPLE))
        case Credit.Disputed() | Credit.Answered() | Credit.Settled():
            yield Put(NOTICES, (numbers[happened.contributor], position, PERSON))
            yield Put(NOTICES, (numbers[happened.work], position, POSTER))
        case Identifier.Disputed() | Identifier.Answered() | Identifier.Settled():
            told = POSTER if happened.on == WORK else PERSON
            yield Put(NOTICES, (numbers[happened.about], position, told))
        case Proposal.Commented():
            yield Put(NOTICES, (numbers[happened.release], position, POSTER))
        case Proposal.Extended() | Proposal.Withdrawn() | Proposal.Answered():
            yield Put(NOTICES, (numbers[happened.release], position, PEOPLE))
            yield Put(NOTICES, (numbers[happened.release], position, PAYEES))
        case Hold.Event() | Grant.Event():
            yield Put(NOTICES, (numbers[happened.contributor], position, PERSON))
        case Payout.Event(payee=payee) if Payee.parse(payee).is_contributor:
            yield Put(NOTICES, (numbers[payee], position, PERSON))
        case Share.Event() | Proposal.Confirmed() | Join.Event():
            yield from _to_agree(position, happened, numbers)
        case Project.LeaderAssigned() | Project.LeaderRemoved() | Membership.Event():
            yield Put(NOTICES, (numbers[happened.contributor], position, PERSON))
        case Answer.Featured() | Answer.Unfeatured():
            yield Put(NOTICES, (numbers[happened.work], position, PEOPLE))


def _to_agree(
    position: int, happened: Share.Event | Proposal.Confirmed | Join.Event, numbers: Numbers
) -> Iterator[Change]:
    """Of what needs the agreement of others."""
    match happened:
        case Join.Event():
            asked = getattr(happened, "asked", None)
            for work in (asked,) if asked else (happened.work, happened.into):
                yield Put(NOTICES, (numbers[work], position, POSTER))
        case Share.Offered() | Share.Waived() | Share.Declined():
            if Payee.parse(happened.payee).is_contributor:
                yield Put(NOTICES, (numbers[happened.payee], position, PERSON))
            if not isinstance(happened, Share.Offered):
                yield Put(NOTICES, (numbers[happened.release], position, POSTER))
        case Share.Claimed(contributor=contributor):
            yield Put(NOTICES, (numbers[contributor], position, PERSON))
        case Proposal.Confirmed():
            yield Put(NOTICES, (numbers[happened.release], position, PAYEES))


NOTICED = Projection("notices", (NOTICES,), changes)

# -- answers -------------------------------------------------------------------------------


@question("list_notices", "/contributors/{id}/notices", cli="notices", may=OWN | READS)
def of_contributor(
    view: View,
    journal: Journal,
    id: ContributorId,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
    is_newest_first: bool = False,
) -> Page[FactTold]:
    """The notices of this person: disputes that concern them, answers and decisions.

    Only the person, auditors and the operator may ask.
    """
    accounts = attribution.accounts(view, id)
    named = {told["id"] for told in attribution.persons(view, accounts).values()}
    sides = {"contributor": actor if actor in named else id, **roles_of(journal, actor)}
    permit(actor, "read notices", OWN | READS, sides)
    first, side, order = (view.as_of + 1, "<", "DESC") if is_newest_first else (0, ">", "ASC")
    page, more = view.page(
        "SELECT position FROM ("
        "SELECT n.position FROM @notices n WHERE n.subject IN :accounts AND n.told = :person "
        "UNION SELECT n.position FROM @works w JOIN @notices n ON n.subject = w.number "
        "AND n.told IN :posters WHERE w.poster IN :named "
        "UNION SELECT n.position FROM @credits c JOIN @notices n ON n.subject = c.own_work "
        # The credit as it was at that position.
        "AND n.told = :people AND c.since <= n.position AND c.until > n.position "
        "WHERE c.contributor IN :accounts AND NOT (c.state IN :gone) "
        "UNION SELECT n.position FROM @pieces s JOIN @proposals a ON a.id = s.proposal "
        "JOIN @pools o ON o.id = a.pool JOIN @notices n ON n.subject = o.release "
        "AND n.told = :payees WHERE s.payee IN :named AND s.position <= n.position"
        f") AS told WHERE position {side} :beyond AND position <= :as_of ORDER BY position {order}",
        after,
        limit,
        first=first,
        accounts=accounts,
        named=sorted(named),
        gone=list(NOT_COUNTED),
        person=PERSON,
        people=PEOPLE,
        payees=PAYEES,
        posters=[POSTER, PEOPLE],
    )
    items = tell(journal, journal.facts.at([position for (position,) in page]))
    items.sort(key=lambda item: item["position"], reverse=is_newest_first)
    return Page(items, more)
