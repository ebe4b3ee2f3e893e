"""A credit: one line of the credits, a person in a role on a work.

The person and the work of a credit never change; its state and its wording do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domain.claim import CONTRIBUTOR, PENDING, Claim
from domain.dispute import Disputable, DisputeAnswer, DisputeOpening, Settlement
from domain.fact import Fact, Looking, New, common, fact
from domain.work import Work

CREDIT_KINDS = {
    "direct": "the person made something that is in the work",
    "influence": "the person shaped the work, but nothing of theirs is in it",
}

NOT_COUNTED = (PENDING, "declined", "revoked")
"""The states in which a credit does not count."""


_NAMED = {
    "credited_as": ", under the name “{credited_as}”",
    "character": ", playing “{character}”",
}
"""What the sentence of a credit adds."""
_STATED = (
    *("role", "kind", "display", "evidence", "effective_at", "credited_as", "join_phrase"),
    *("character", "billing", "ai", "ai_tool", "evidence_kind", "evidence_sha256"),
)
"""The fields of a credit besides its person and its work."""
Texts = Callable[[Iterable[str]], Mapping[str, str]]


class Credit(Disputable):
    """One line of the credits, and what became of it."""

    NOT_COUNTED = NOT_COUNTED
    GONE = "revoked"
    UNDO = frozenset({"poster", "producer"})
    work: str
    contributor: str
    kind: str
    waits_for: str | None = None
    """Who has to agree before it counts; CONTRIBUTOR if the person wants to be asked first."""
    deadline: str | None = None
    """Until then, only the other side may answer a claim."""
    is_hidden = False
    """Whether the person's name is kept off it."""

    @common
    class Event(Fact):
        """A fact about a credit names the work and the person."""

        work: str
        contributor: str
        waits_for: str | None = None

        def subjects(self) -> tuple[str, ...]:
            """Nothing while it waits for the credited person: until then it is in no history."""
            return () if self.waits_for == CONTRIBUTOR else self.names()

        def names(self) -> tuple[str, ...]:
            return (self.work, self.contributor)

        def touches(self) -> tuple[str, ...]:
            return self.names()

    @common
    class Birth(Claim, Event):
        """The first fact of a credit, granted or claimed; a claim on another's work is pending."""

        FOUND_BY = ("work",)
        INVOLVES = "contributor"
        ADDS = _NAMED
        role: str
        kind: str
        display: str | None = None
        evidence: str | None = None
        effective_at: str | None = None
        credited_as: str | None = None
        """The name on this credit, if it differs from that of the account."""
        join_phrase: str | None = None
        """The text between this name and the next, such as “ feat. ”."""
        character: str | None = None
        """The character an actor plays."""
        billing: int | None = None
        """The stated place in the order of credits, from 1."""
        ai: list[str] | None = None
        """The parts made by AI, each fully or partly."""
        ai_tool: str | None = None
        evidence_kind: str | None = None
        evidence_sha256: str | None = None

    @fact("credit.granted", "{actor} credited {contributor} as {role} on {work}", begins=True)
    class Granted(Birth):
        """Someone else credited the person."""

        QUOTA = "credits"
        STATE = "granted"

    @fact("credit.claimed", "{contributor} claimed a credit as {role} on {work}", begins=True)
    class Claimed(Birth):
        """The person claimed it themself."""

        STATE = "claimed"

    @fact("credit.accepted", "{actor} accepted the credit of {contributor} on {work}")
    class Accepted(Event):
        """The person accepted a granted credit, or the poster of the work a claimed one."""

        FROM = ("granted", "claimed", PENDING, "declined")
        STATE = "accepted"
        reason: str | None = None

    @fact("credit.declined", "{actor} declined the credit of {contributor} on {work}")
    class Declined(Event):
        """The credit was not wanted, or the claim not agreed to."""

        FROM = ("granted", "claimed", PENDING, "accepted")
        STATE = "declined"
        reason: str | None = None

    @fact("credit.disputed", "{actor} disputed the credit of {contributor} on {work}")
    class Disputed(DisputeOpening, Event):
        """Someone says that the credit is wrong."""

        FROM = ("granted", "claimed", "accepted")

    @fact(
        "credit.answered",
        "{actor} answered the dispute about the credit of {contributor} on {work}",
    )
    class Answered(DisputeAnswer, Event):
        """The other side says why the credit is right."""

    @fact("credit.settled", "{actor} ended the dispute about {contributor} on {work}: {outcome}")
    class Settled(Settlement, Event):
        """The dispute has ended: the credit stands, or it is revoked."""

    @fact("credit.revoked", "{actor} revoked the credit of {contributor} on {work}")
    class Revoked(Event):
        """The credit was revoked; it stays on record and stops counting."""

        FROM = ("granted", "claimed", PENDING, "accepted", "declined")
        STATE = "revoked"
        reason: str | None = None
        is_false: bool | None = None
        """Whether the credit was false, so that shares of money have to be corrected."""
        by_piece: bool | None = None
        """Whether it puts on hold only what the payee gets for this piece; None, as in older facts:
        all of the payee's share."""
        by_origin: bool | None = None
        """Whether it also puts on hold what others have from the person, by assignment or through a
        group; older ones do not."""

    @fact("credit.corrected", "{actor} corrected the credit of {contributor} on {work}")
    class Corrected(Event):
        """The credited name, the wording, the place or the disclosure of AI was corrected."""

        ADDS = _NAMED
        FROM = ("granted", "claimed", PENDING, "accepted", "disputed")
        display: str | None = None
        credited_as: str | None = None
        join_phrase: str | None = None
        character: str | None = None
        billing: int | None = None
        ai: list[str] | None = None
        ai_tool: str | None = None
        reason: str

    @fact("credit.hidden", "{contributor} keeps their name off a credit on {work}")
    class Hidden(Event):
        """The person's name is kept off it, at every position; the credit still counts."""

        FROM = ("granted", "claimed", "accepted", "disputed")

        def apply(self, noun: Credit) -> None:
            noun.is_hidden = True

    @fact("credit.shown", "{contributor} put their name back on a credit on {work}")
    class Shown(Event):
        """The person's name is shown on it again."""

        def apply(self, noun: Credit) -> None:
            noun.is_hidden = False

    @fact("credit.licence_agreed", "{contributor} agreed to license {work} under {licence}")
    class LicenceAgreed(Event):
        """The person agreed that the work be under this licence from now on."""

        FROM = ("granted", "claimed", "accepted", "disputed")
        licence: str

    def then(self, kind: type[Fact], /, **content: Any) -> New:
        """A further fact; until the credited person agrees, it stays as unknown as the credit."""
        if self.waits_for == CONTRIBUTOR and kind is not Credit.Accepted:
            content["waits_for"] = CONTRIBUTOR
        return super().then(kind, **content)

    def says(self, content: Mapping[str, Any], texts: Texts) -> bool:
        """Whether the credit stands and began with this content; an erased text counts as None.

        ``texts`` finds the texts behind commitments.
        """
        birth = self.facts[0][1]
        if self.state in (Credit.Declined.STATE, Credit.Revoked.STATE):
            return False
        kept = texts([digest for name in birth.SEALED if (digest := getattr(birth, name))])
        stated = {name: getattr(birth, name) for name in _STATED}
        unsealed = {name: kept.get(stated[name]) for name in stated if name in birth.SEALED}
        return {**stated, **unsealed} == {name: content.get(name) for name in _STATED}

    def agreed_licence(self, since: int) -> str | None:
        """The licence that the person last agreed to after position ``since``, if any."""
        agreed = (
            one.licence
            for position, one in reversed(self.facts)
            if isinstance(one, Credit.LicenceAgreed) and position > since
        )
        return next(agreed, None)

    @property
    def was_claimed(self) -> bool:
        """Whether the person claimed it themself."""
        return isinstance(self.facts[0][1], Credit.Claimed)

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who posted the work, whose credit it is, who has to agree, and who opened it."""
        on = looking.get(Work, self.work)
        sides = on.sides(looking) if self.was_claimed else {"poster": on.speaker}
        return {
            **sides,
            "contributor": self.contributor,
            "addressee": on.speaker if self.was_claimed else self.contributor,
            "opener": self.poster,
        }

    def areas(self, looking: Looking) -> tuple[str, ...]:
        return (self.work,)
