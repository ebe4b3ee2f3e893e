"""Commands about credits: opening, claiming, accepting, declining and revoking them.

The side that did not open a credit accepts or declines it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Protocol

from domain.claim import CONTRIBUTOR, claimed
from domain.command import Command, command, record
from domain.credit import Credit
from domain.disclosure import must_agree
from domain.dispute import FOUND_FALSE
from domain.fact import New
from domain.money.claiming import offered_for
from domain.past import Past
from domain.permission import OWN
from domain.refusal import ContradictoryDisclosure, EvidenceKindNeeded, WrongState
from domain.seal import Said
from domain.value import Example
from domain.values import (
    AiTool,
    AiUse,
    Billing,
    Character,
    ContributorId,
    CreditedAs,
    CreditId,
    CreditKind,
    Evidence,
    EvidenceKind,
    EvidenceSha256,
    JoinPhrase,
    Licence,
    Moment,
    NewCreditId,
    Reason,
    Role,
    Wording,
    WorkId,
)
from domain.warning import ASKED_FIRST

SPEAKING = frozenset({"poster", "producer", "right holder"})
"""The relations whose statements about a work count at once."""


@command(
    "credit",
    may=("contributor", *SPEAKING),
    at_once=SPEAKING,
    spends=("credits", "claims"),
    refuses=(ContradictoryDisclosure, EvidenceKindNeeded),
    is_brief=True,
)
class OpenCredit(Command):
    """Credit a person: granted by the poster of the work, or claimed by the person.

    A claim on what someone else posted is pending: it counts once the poster has accepted it.
    """

    work: WorkId
    contributor: ContributorId
    role: Annotated[Role, Example("editor")]
    kind: CreditKind = "direct"
    display: Annotated[Wording | None, Example("cut the last verse")] = None
    evidence: Evidence | None = None
    effective_at: Annotated[Moment | None, "When it takes effect; default now."] = None
    credited_as: CreditedAs | None = None
    join_phrase: Annotated[JoinPhrase | None, Example(None)] = None
    character: Annotated[Character | None, Example(None)] = None
    billing: Billing | None = None
    ai: tuple[AiUse, ...] | None = None
    ai_tool: Annotated[AiTool | None, Example(None)] = None
    evidence_kind: EvidenceKind | None = None
    evidence_sha256: EvidenceSha256 | None = None
    id: NewCreditId | None = None

    def areas(self, past: Past) -> tuple[str, ...]:
        return (self.work,)

    def same(self, past: Past) -> Credit | None:
        """The same credit, given by the same person before and not declined or revoked since."""
        for birth in (Credit.Granted, Credit.Claimed):
            past.watch(birth.TOPIC, self.work)
        said = {**vars(self), "ai": list(self.ai) if self.ai else None}
        found = (
            one
            for one in past.known.credits([self.work])
            if one.contributor == self.contributor and one.poster == past.actor
        )
        return next((one for one in found if one.says(said, past.texts)), None)

    def sides(self, past: Past) -> dict[str, str]:
        return {**past.work(self.work).sides(past), "contributor": self.contributor}

    def decide(self, past: Past) -> Iterator[New]:
        work = past.work(self.work)
        yield from credited(
            past,
            past.id,
            work.id,
            work.speaker,
            self.contributor,
            role=self.role,
            kind=self.kind,
            **named(self.contributor, self),
            evidence=self.evidence,
            **proven(past, self),
            effective_at=self.effective_at,
        )


@command(
    "work.claim",
    may=OWN,
    at_once=SPEAKING,
    spends=("claims",),
    refuses=(EvidenceKindNeeded,),
    makes="credit",
    home="/credits",
)
class ClaimWork(Command):
    """Claim to have made a work, such as an outside source; returns the new credit.

    It is pending until the poster of the work accepts it; for an outside source, the operator.
    """

    id: WorkId
    contributor: ContributorId
    role: Role
    evidence: Annotated[Evidence | None, Example("https://example.org/about-me")] = None
    credited_as: CreditedAs | None = None
    evidence_kind: EvidenceKind | None = None
    evidence_sha256: EvidenceSha256 | None = None
    credit: Annotated[NewCreditId | None, "The id of the new credit.", Example(None)] = None

    def sides(self, past: Past) -> dict[str, str]:
        return {**past.work(self.id).sides(past), "contributor": self.contributor}

    def decide(self, past: Past) -> Iterator[New]:
        yield Credit.Claimed.born(
            past.id,
            work=self.id,
            contributor=self.contributor,
            role=self.role,
            kind="direct",
            evidence=past.text(self.contributor, "evidence", self.evidence),
            credited_as=past.text(self.contributor, "credited_as", self.credited_as),
            **proven(past, self),
            **({} if past.counts else claimed(past.now)),
        )


@record
class _Agreement(Command):
    """An answer to a credit."""

    id: CreditId

    def areas(self, past: Past) -> tuple[str, ...]:
        """A producer answers what others claimed on the work, not what was granted to somebody."""
        credit = past.get(Credit, self.id)
        is_own = past.is_actor(credit.contributor)
        return credit.areas(past) if credit.was_claimed and not is_own else ()


@command(
    "credit.accept",
    may=("addressee", "producer", "right holder"),
    late=("moderator",),
    refuses=(WrongState,),
)
class AcceptCredit(_Agreement):
    """Accept a credit: the person accepts what was granted, the poster what was claimed.

    Shares held for the maker of the work are offered to the person.
    """

    reason: Annotated[Reason | None, Example("Yes, that was me.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        credit = past.get(Credit, self.id)
        yield credit.then(Credit.Accepted, reason=self.reason)
        if credit.kind == "direct":
            yield from offered_for(past, credit.work, credit.contributor)


@command(
    "credit.decline",
    may=("contributor", "addressee", "producer", "right holder"),
    late=("moderator",),
    then=Credit.Declined,
)
class DeclineCredit(_Agreement):
    """Decline a credit."""

    reason: Annotated[Reason | None, Example("That was not me.")] = None


@command("credit.agree-licence", may=OWN, then=Credit.LicenceAgreed)
class AgreeLicence(Command):
    """Agree that a work on which one is credited gets another licence.

    Its poster can state that licence once everyone with a direct credit has agreed to it.
    """

    id: CreditId
    licence: Licence


@command("credit.revoke", may=Credit.UNDO, refuses=(WrongState,))
class RevokeCredit(Command):
    """Revoke a credit: it stays on record and stops counting.

    If no other credit of the person on the work counts, what depends on it is held.
    """

    id: CreditId
    reason: Annotated[Reason | None, Example("Credited twice by mistake.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        credit = past.get(Credit, self.id)
        found = FOUND_FALSE if _is_last(past, credit) else {}
        yield credit.then(Credit.Revoked, reason=self.reason, **found)


def _is_last(past: Past, credit: Credit) -> bool:
    """Whether no other credit of this person on the work counts."""
    person = past.person(credit.contributor)
    others = (each for each in past.known.credits([credit.work]) if each.id != credit.id)
    return credit.counts and person not in {
        past.person(each.contributor) for each in others if each.counts
    }


class Proven(Protocol):
    """A command with fields about evidence."""

    evidence_kind: str | None
    evidence_sha256: str | None


def proven(past: Past, said: Proven) -> dict[str, object]:
    """The fields about evidence; refuses a claim that lacks evidence of a required kind."""
    needed = past.evidence_for_claims
    if needed and not past.counts and said.evidence_kind not in needed:
        raise EvidenceKindNeeded(tuple(needed))
    return {"evidence_kind": said.evidence_kind, "evidence_sha256": said.evidence_sha256}


class Named(Protocol):
    """A command with fields about the name on a credit."""

    display: str | None
    credited_as: str | None
    join_phrase: str | None
    character: str | None
    billing: int | None
    ai: tuple[str, ...] | None
    ai_tool: str | None


def named(contributor: str, said: Named) -> dict[str, object]:
    """The fields about the name, the place and AI; their texts belong to the credited person."""
    must_agree(said.ai or ())
    told: dict[str, object] = {
        name: Said(contributor, name, text)
        for name in _TEXTS
        if (text := getattr(said, name)) is not None
    }
    told["billing"], told["ai"] = said.billing, list(said.ai) if said.ai else None
    return told


_TEXTS = ("display", "credited_as", "join_phrase", "character", "ai_tool")


def credited(
    past: Past, id: str, work: str, poster: str, contributor: str, **content: object
) -> Iterator[New]:
    """The facts of a credit on a new work; posters who credit themselves accept it at once."""
    own = past.is_actor(contributor)
    kind = Credit.Claimed if own else Credit.Granted
    said = {} if past.counts else claimed(past.now)
    if not own and past.is_limited and past.asks_first(contributor):
        said = {"waits_for": CONTRIBUTOR}
        past.warn(ASKED_FIRST, contributor=contributor)
    yield kind.born(id, work=work, contributor=contributor, **content, **said)
    if own and past.is_actor(poster):
        yield Credit.Accepted.born(id, work=work, contributor=contributor)
