"""Commands that correct what is stated of a work or a credit, by a further fact with a reason.

Nothing is rewritten: answers about the past stay as they were. What is stated of
an outside source for the first time needs no reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from domain.clearing import given_by, licence_on_record, must_suit_sources
from domain.command import Command, command, must_state
from domain.commands.crediting import SPEAKING, named
from domain.credit import Credit
from domain.fact import New
from domain.licensing import is_same
from domain.outside import Outside
from domain.past import Past
from domain.refusal import (
    ContradictoryDisclosure,
    LicenceConflict,
    LicenceNotAgreed,
    NothingStated,
    ReasonMissing,
    WrongState,
)
from domain.value import Example
from domain.values import (
    AiTool,
    AiUse,
    Billing,
    Character,
    Creators,
    CreditedAs,
    CreditId,
    JoinPhrase,
    Licence,
    MediaUrl,
    Medium,
    Reason,
    Title,
    Wording,
    WorkId,
)
from domain.work import Work


@command(
    "work.describe",
    may=SPEAKING,
    refuses=(NothingStated, ReasonMissing, WrongState, LicenceNotAgreed, LicenceConflict),
)
class DescribeWork(Command):
    """State or correct the title, licence, medium or creators of a work, or where it can be seen.

    The operator speaks for outside sources; the first to cite one may describe it too. Only what
    you give changes, and answers about the past stay as they were. Another licence takes the
    agreement of everyone with a direct credit; what was made under the former one stays allowed.
    """

    id: WorkId
    title: Title | None = None
    creators: Creators | None = None
    medium: Annotated[Medium | None, Example(None)] = None
    licence: Annotated[Licence | None, Example(None)] = None
    media_url: Annotated[MediaUrl | None, Example(None)] = None
    reason: Annotated[Reason | None, Example("A typing error.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        work = past.work(self.id)
        if self.reason is None and not isinstance(work, Outside):
            raise ReasonMissing
        if self.licence is not None:
            must_be_agreed(past, work, self.licence)
            must_suit_sources(past, work, self.licence)
        said = self.title, self.creators, self.medium, self.licence, self.media_url
        stated = described(past, work, *said)
        yield stated._replace(content={**stated.content, "reason": self.reason})


def must_be_agreed(past: Past, work: Work, licence: str) -> None:
    """Refuse (``LicenceNotAgreed``) another licence until all others credited directly have agreed.

    An outside source is only described, which needs no agreement.
    """
    before = licence_on_record(past, work)
    if before is None or isinstance(work, Outside) or past.is_vouched_for:
        return
    if not is_same(before, licence) and (missing := _missing(past, work, licence)):
        raise LicenceNotAgreed(work.id, before, licence, missing)


def _missing(past: Past, work: Work, licence: str) -> tuple[str, ...]:
    """A credit of each person who has not agreed to a licence since the present one was stated."""
    known = past.known
    same = known.same([work.id])
    for kind in (Credit.Granted, Credit.Claimed, Credit.Accepted, Credit.LicenceAgreed):
        past.watch(kind.TOPIC, *same)
    past.watch(Work.Described.TOPIC, *same)
    since = max(at for each in map(past.work, same) for at, _ in given_by(each))
    asked, agreed = dict[str, str](), set[str]()
    for credit in known.credits([work.id]):
        person = past.person(credit.contributor)
        if credit.counts and credit.kind == "direct" and not past.is_actor(person):
            asked.setdefault(person, credit.id)
            if is_same(credit.agreed_licence(since), licence):
                agreed.add(person)
    return tuple(credit for person, credit in asked.items() if person not in agreed)


def described(
    past: Past,
    work: Work,
    title: str | None,
    creators: str | None = None,
    medium: str | None = None,
    licence: str | None = None,
    media_url: str | None = None,
) -> New:
    """The fact that describes a work anew; its texts belong to the owner of its title."""
    stated: dict[str, Any] = {"medium": medium, "licence": licence}
    before = getattr(work, "title", None)
    owner = past.actor if before is None else past.owner_of(before)
    stated |= {
        name: past.text(owner, name, text)
        for name, text in (("title", title), ("creators", creators), ("media_url", media_url))
    }
    must_state(stated)
    return work.then(Work.Described, **stated)


@command(
    "credit.correct",
    may=("contributor", *SPEAKING),
    refuses=(NothingStated, ContradictoryDisclosure, WrongState),
)
class CorrectCredit(Command):
    """Correct the name on a credit, its wording, its place or what it discloses.

    Whose credit it is, in which role and for which work never changes.
    """

    id: CreditId
    reason: Annotated[Reason, Example("The name on the sleeve is another.")]
    display: Annotated[Wording | None, Example(None)] = None
    credited_as: CreditedAs | None = None
    join_phrase: Annotated[JoinPhrase | None, Example(None)] = None
    character: Annotated[Character | None, Example(None)] = None
    billing: Annotated[Billing | None, Example(None)] = None
    ai: tuple[AiUse, ...] | None = None
    ai_tool: Annotated[AiTool | None, Example(None)] = None

    def sides(self, past: Past) -> dict[str, str]:
        credit = past.get(Credit, self.id)
        return {**past.work(credit.work).sides(past), "contributor": credit.contributor}

    def decide(self, past: Past) -> Iterator[New]:
        credit = past.get(Credit, self.id)
        stated = named(credit.contributor, self)
        must_state(stated)
        yield credit.then(
            Credit.Corrected, reason=past.text(past.actor, "reason", self.reason), **stated
        )
