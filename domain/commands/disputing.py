"""Commands that dispute remixes, credits, identifiers and memberships, answer, and settle.

A dispute works the same whatever it is about; only its two sides differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, cast

from domain.command import Command, command, record
from domain.credit import NOT_COUNTED, Credit
from domain.dispute import FOUND_FALSE, IN_QUESTION, Disputable, DisputeOpening, deadline_of
from domain.fact import New
from domain.identity import part_id
from domain.membership import GROUP, MEMBER, Membership
from domain.past import Past
from domain.permission import ANYONE, OPERATOR
from domain.refusal import (
    AlreadyAnswered,
    BadDeadline,
    BadOutcome,
    DisputeRepeated,
    EvidenceMissing,
    NotPermitted,
    NotYet,
    TooLate,
    WrongState,
)
from domain.remix import Remix
from domain.standing import of_works
from domain.text import with_article
from domain.value import Example
from domain.values import (
    AnswerBy,
    CreditId,
    Evidence,
    EvidenceKind,
    EvidenceSha256,
    Grounds,
    IdentifierId,
    MembershipId,
    Outcome,
    Reason,
    RemixId,
)

_OPENING: dict[str, Any] = {
    "may": ("poster", "poster of the parent", "contributor", "right holder", "party"),
    "refuses": (WrongState, BadDeadline, EvidenceMissing, DisputeRepeated),
    "spends": ("disputes",),
}
_ANSWERING: dict[str, Any] = {
    "may": ("poster", "poster of the parent", "author", "contributor", "opener", "producer"),
    "refuses": (WrongState, AlreadyAnswered, TooLate),
}
_SETTLING: dict[str, Any] = {"may": (ANYONE,), "refuses": (WrongState, AlreadyAnswered, NotYet)}
_ENDING = tuple(
    kind.TOPIC
    for kind in (
        *(Credit.Declined, Credit.Revoked, Credit.Settled),
        *(Remix.Declined, Remix.Struck, Remix.Settled),
        *(Membership.Declined, Membership.Settled),
    )
)
"""The facts, watched, after which a replacement may no longer count."""
_JUDGES = frozenset({"moderator"})
_ENDS = {"expired": frozenset({ANYONE}), "withdrawn": frozenset({"disputer"})}
"""By outcome: who may settle a dispute so; for any other outcome, _JUDGES."""


class _OnDisputable(Command):
    """A command about a disputable noun, named by its id."""

    def disputable(self, past: Past) -> Disputable:
        """The noun that the dispute is about."""
        return cast("Disputable", self.noun(past))


@record
class _Dispute(_OnDisputable):
    """The base of commands that open a dispute."""

    grounds: Grounds
    reason: Annotated[Reason, Example("I only lent the drum.")]
    evidence: Annotated[
        Evidence | None, "What proves it; required from everyone but the operator."
    ] = None
    evidence_kind: EvidenceKind | None = None
    evidence_sha256: EvidenceSha256 | None = None
    answer_by: AnswerBy | None = None

    def sides(self, past: Past) -> dict[str, str]:
        """The sides of the noun, and the actor if they are a party."""
        noun = self.disputable(past)
        sides = noun.sides(past)
        if past.stands(type(self).MAY, sides):
            return sides
        works = (noun.child, noun.parent) if isinstance(noun, Remix) else noun.areas(past)
        return sides | of_works(past, works)

    def decide(self, past: Past) -> Iterator[New]:
        deadline, noun = deadline_of(self.answer_by, past.now), self.disputable(past)
        disputed = noun.then(noun.Disputed, deadline=deadline, **self.own(), **IN_QUESTION)
        if past.is_limited:
            if self.evidence is None:
                raise EvidenceMissing
            _must_be_new(past, noun, self.grounds)
        yield disputed


@record
class _Answer(_OnDisputable):
    """The base of commands that answer a dispute."""

    reason: Annotated[Reason, Example("The drum is played from 0:40 on.")]
    evidence: Annotated[Evidence | None, Example("https://example.org/raw-take")] = None
    evidence_kind: EvidenceKind | None = None
    evidence_sha256: EvidenceSha256 | None = None

    def sides(self, past: Past) -> dict[str, str]:
        noun = self.disputable(past)
        sides = noun.sides(past)
        if isinstance(noun, Remix) and _is_author(past, noun.child, noun.parent):
            sides["author"] = past.actor
        return sides

    def decide(self, past: Past) -> Iterator[New]:
        noun = self.disputable(past)
        answered = noun.then(noun.Answered, disputer=noun.disputer, **self.own())
        if past.actor != OPERATOR and past.is_actor(noun.disputer):
            raise NotPermitted(past.actor, self.words(), "The other side answers.")
        noun.must_be_answerable(past.is_over)
        yield answered


@record
class _Settle(_OnDisputable):
    """The base of commands that settle a dispute; the outcome determines who may."""

    outcome: Outcome
    reason: Annotated[Reason, Example("Both listened to the raw take.")]
    replaced_by: str | None = None

    def decide(self, past: Past) -> Iterator[New]:
        noun = self.disputable(past)
        replaced_by = self.replaced_by
        if replaced_by is not None and (self.outcome != "corrected" or replaced_by == noun.id):
            why = "only a correction can name a replacement"
            raise BadOutcome(self.outcome, why)
        self._must_count(past, noun)
        sides = {**noun.sides(past), "disputer": noun.disputer}
        if self.outcome != "withdrawn":
            self._permit(past, noun, sides)
        is_gone = self.outcome == "upheld" or replaced_by is not None
        is_false = is_gone and not self._is_restated(past, noun)
        settled = noun.then(
            noun.Settled,
            disputer=noun.disputer,
            stands_as=noun.GONE if is_gone or not noun.dispute else noun.dispute.before,
            **self.own(),
            **(FOUND_FALSE if is_false else {}),
        )
        if self.outcome == "withdrawn":
            self._permit(past, noun, sides)
        if self.outcome == "expired":
            noun.must_have_expired(past.now)
        yield settled

    def _must_count(self, past: Past, noun: Disputable) -> None:
        """Refuse a replacement that does not count: only claimed, or ended since."""
        if self.replaced_by is None:
            return
        by = past.get(type(noun), self.replaced_by)
        for topic in _ENDING:
            past.watch(topic, *by.line.values())
        if not by.counts:
            raise BadOutcome(self.outcome, f"its replacement is {by.state} and does not count")

    def _is_restated(self, past: Past, noun: Disputable) -> bool:
        """Whether a credit is replaced by another one of the same person on the same work."""
        if self.replaced_by is None or not isinstance(noun, Credit):
            return False
        by = past.get(Credit, self.replaced_by)
        same = past.person(by.contributor) == past.person(noun.contributor)
        return same and by.work == noun.work

    def _permit(self, past: Past, noun: Disputable, sides: dict[str, str]) -> None:
        """Refuse an actor who may not settle with this outcome; who may undo may also uphold."""
        undo = noun.UNDO if self.outcome == "upheld" else frozenset()
        allowed = undo | _ENDS.get(self.outcome, _JUDGES)
        past.permit(self.words(), allowed, sides, noun.areas(past))


def _about(noun: str, id: Any, right: str, wrong: str = "", **answering: Any) -> None:
    """Declare the commands that dispute, answer and settle for one kind of noun.

    Without ``wrong``, the command that disputes it is declared separately.
    """
    it = with_article(noun)
    other = Annotated[
        id | None, f"For a correction: the {noun} that replaces this one.", Example(None)
    ]
    outcomes = "upheld, dismissed, corrected, withdrawn or expired"

    def declare(verb: str, base: type[Command], doc: str, how: Any, **further: Any) -> None:
        said: dict[str, Any] = {"__doc__": doc, "__annotations__": {"id": id, **further}}
        said |= dict.fromkeys(further)
        command(f"{noun}.{verb}", **how)(
            type(f"{verb}_{noun}".title().replace("_", ""), (base,), said)
        )

    if wrong:
        doc = f"Say that {it} {wrong}; the other side is notified and may answer."
        declare("dispute", _Dispute, doc, _OPENING)
    declare("answer", _Answer, f"Say why a disputed {noun} is {right}.", _ANSWERING | answering)
    doc = f"End the dispute about {it}: {outcomes}."
    declare("settle", _Settle, doc, _SETTLING, replaced_by=other)


_about("remix", RemixId, "true", "is false")
_about("credit", CreditId, "right", "is wrong")
_about("identifier", IdentifierId, "right", "is that of another")


def _is_in(past: Past, noun: Membership) -> bool:
    """Whether the actor is also in the group, by another membership."""
    named = past.known.saying((Membership.Offered,), "group", [noun.group])
    others = (past.get(Membership, each.originator_id) for each in named)
    return any(each.counts and past.is_actor(each.contributor) for each in others)


@command("membership.dispute", **{**_OPENING, "may": (GROUP, "contributor", MEMBER)})
class DisputeMembership(_Dispute):
    """Say that somebody is not in a group, or was not at the time; the others may answer.

    What they are owed by the group's division of its share is held until the dispute ends.
    """

    id: MembershipId

    def sides(self, past: Past) -> dict[str, str]:
        noun = past.get(Membership, self.id)
        is_in = past.actor != OPERATOR and _is_in(past, noun)
        return noun.sides(past) | ({MEMBER: past.actor} if is_in else {})


_about("membership", MembershipId, "right", may=(GROUP, "contributor"))


def _must_be_new(past: Past, noun: Disputable, grounds: str) -> None:
    """Refuse the same person a second dispute on the same grounds."""
    accounts = past.accounts(past.actor)
    for _, happened in noun.facts:
        is_opening = isinstance(happened, DisputeOpening) and happened.grounds == grounds
        if is_opening and happened.actor in accounts:
            raise DisputeRepeated(grounds)


def _is_author(past: Past, *works: str) -> bool:
    """Whether the actor has a credit that counts since one of these works was posted."""
    if past.actor == OPERATOR:
        return False
    for work in works:
        number = 0
        while past.stream(id := part_id(work, "author", number)):
            credit, number = past.get(Credit, id), number + 1
            if past.is_actor(credit.contributor) and credit.state not in NOT_COUNTED:
                return True
    return False
