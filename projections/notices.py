"""Notices: the facts a person has to be notified of, in order.

A notice once given stays, even if the person is merged with another or loses the credit.

A row states who is notified of the fact at a position: the person it names, the poster of the work
it names, everyone credited on that work, or everyone with a share in what it earns. The content of
the fact is read from the journal, as in a history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Unpack

from domain.challenge import Answer
from domain.claim import CONTRIBUTOR
from domain.comment import MODERATOR, Comment
from domain.credit import NOT_COUNTED, Credit
from domain.dispute import DisputeAnswer, Settlement
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
from domain.nouns import BORN
from domain.permission import OPERATOR, OWN, READS
from domain.project import Project
from domain.remix import Remix
from domain.values import ContributorId
from projections.following import must_be_own
from projections.history import tell
from projections.money.readers import Reader
from projections.pages import Page
from projections.question import Paged, question
from projections.store import View
from projections.tables import Change, Numbers, Projection, Put, facts_about, table
from projections.told import FactTold

NOTICES = table(
    "notices",
    "subject BIGINT, position BIGINT, told TEXT",
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
HAPPENED = "happened "
"""A prefix of these: the fact is no notice, but is shown among what happened to them."""


_BY_FIELD: Mapping[type[Fact], Sequence[tuple[str, str]]] = {
    kind: told
    for kinds, told in (
        ((Remix.Disputed, Remix.Answered, Remix.Settled), (("child", PEOPLE), ("parent", PEOPLE))),
        (
            (Credit.Disputed, Credit.Answered, Credit.Settled),
            (("contributor", PERSON), ("work", POSTER)),
        ),
        (facts_about(Membership), (("contributor", PERSON),)),
        (
            (Membership.Disputed, Membership.Answered, Membership.Settled),
            (("group", PERSON), ("contributor", PERSON)),
        ),
        ((Proposal.Commented, Share.Waived, Share.Declined), (("release", POSTER),)),
        (
            (Proposal.Extended, Proposal.Withdrawn, Proposal.Answered),
            (("release", PEOPLE), ("release", PAYEES)),
        ),
        ((Proposal.Confirmed,), (("release", PAYEES),)),
        (facts_about(Hold, Grant), (("contributor", PERSON),)),
        (
            (Share.Claimed, Project.LeaderAssigned, Project.LeaderRemoved),
            (("contributor", PERSON),),
        ),
        ((Answer.Featured, Answer.Unfeatured), (("work", PEOPLE),)),
        # The fate of credits and edges outside disputes; their beginnings are in their own tables.
        (
            (Credit.Declined, Credit.Revoked, Credit.Corrected),
            (("contributor", HAPPENED + PERSON),),
        ),
        ((Remix.Accepted, Remix.Retired), (("parent", HAPPENED + PEOPLE),)),
        ((Remix.Struck,), (("child", HAPPENED + PEOPLE), ("parent", HAPPENED + PEOPLE))),
    )
    for kind in kinds
}
"""By kind of fact: the fields that name a person or a work, and who is notified because of each."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """Who is notified of this fact."""
    for subject, told in _notified(happened):
        yield Put(NOTICES, (numbers[subject], position, told))


def _notified(happened: Fact) -> Iterator[tuple[str, str]]:
    yield from ((person, PERSON) for person in _named_in(happened))
    for name, told in _BY_FIELD.get(type(happened), ()):
        yield getattr(happened, name), told
    match happened:
        case Identifier.Disputed() | Identifier.Answered() | Identifier.Settled():
            yield happened.about, POSTER if happened.on == WORK else PERSON
        case Payout.Event() | Share.Offered() | Share.Waived() | Share.Declined():
            if Payee.parse(happened.payee).is_contributor:
                yield happened.payee, PERSON
        case Join.Event():
            asked = getattr(happened, "asked", None)
            yield from (
                (one, POSTER) for one in ((asked,) if asked else (happened.work, happened.into))
            )
        case Credit.Accepted(actor=actor, contributor=contributor) if actor != contributor:
            yield contributor, HAPPENED + PERSON
        case Credit.Declined() | Credit.Revoked() | Credit.Corrected():
            if happened.waits_for != CONTRIBUTOR:
                yield happened.work, HAPPENED + POSTER
        case Comment.Posted(mentions=list(people)) | Comment.Edited(added=list(people)):
            yield from ((one, HAPPENED + PERSON) for one in people if one != happened.actor)
        case Comment.Removed(removed_as=as_, writer=writer) if as_ == MODERATOR:
            if writer != OPERATOR:
                yield writer, PERSON


def _named_in(happened: Fact) -> Sequence[str]:
    """The people whom a fact itself names: who opened the dispute, or the payees and commenters."""
    if isinstance(happened, DisputeAnswer | Settlement) and happened.disputer != OPERATOR:
        return (happened.disputer,)
    if isinstance(happened, Proposal.Stage | Proposal.Continued | Proposal.Answered):
        _, *people = happened.subjects()
        return people
    return ()


NOTICED = Projection(
    "notices",
    (NOTICES,),
    changes,
    (
        *(kind for kind in facts_about(Credit, Remix) if kind not in BORN),
        *facts_about(Identifier, Membership, Join, Comment),
        *facts_about(Proposal, Share, Hold, Grant, Payout),
        *(Project.LeaderAssigned, Project.LeaderRemoved, Answer.Featured, Answer.Unfeatured),
    ),
)

# -- answers -------------------------------------------------------------------------------

TOLD = (
    "SELECT n.position FROM @notices n WHERE n.subject IN :accounts AND n.told IN :person "
    "UNION SELECT n.position FROM @works w JOIN @notices n ON n.subject = w.number "
    "AND n.told IN :posters WHERE w.poster IN :named "
    "UNION SELECT n.position FROM @credits c JOIN @notices n ON n.subject = c.own_work "
    # The credit as it was at that position.
    "AND n.told IN :people AND c.since <= n.position AND c.until > n.position "
    "WHERE c.contributor IN :accounts AND NOT (c.state IN :gone) "
    "UNION SELECT n.position FROM @pieces s JOIN @proposals a ON a.id = s.proposal "
    "JOIN @pools o ON o.id = a.pool JOIN @notices n ON n.subject = o.release "
    "AND n.told = :payees WHERE s.payee IN :named AND s.position <= n.position"
)


def values_of(accounts: Sequence[int], named: Collection[str], *before: str) -> dict[str, Any]:
    """The values for TOLD: the person's accounts and names; ``before`` are the prefixes of the rows
    wanted, empty for notices."""
    return {
        "accounts": list(accounts),
        "named": sorted(named),
        "gone": list(NOT_COUNTED),
        "person": [one + PERSON for one in before],
        "people": [one + PEOPLE for one in before],
        "posters": [one + told for one in before for told in (POSTER, PEOPLE)],
        "payees": PAYEES,
    }


@question("list_notices", "/contributors/{id}/notices", cli="notices", may=OWN | READS)
def of_contributor(
    view: View, journal: Journal, id: ContributorId, *, actor: str, **part: Unpack[Paged]
) -> Page[FactTold]:
    """This person's notices: disputes that concern them, answers and decisions.

    The oldest come first. Only the person, auditors and the operator may ask.
    """
    accounts, named = must_be_own(view, journal, id, actor, "read notices")
    page, more = view.page(
        f"SELECT position FROM ({TOLD}) AS told "
        "WHERE position > :beyond AND position <= :as_of ORDER BY position",
        **part,
        **values_of(accounts, named, ""),
    )
    reader, found = Reader(view, journal, actor), journal.facts.at([at for (at,) in page])
    return Page(tell(journal, [one for one in found if reader.knows(one.fact())]), more)
