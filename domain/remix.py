"""A remix: one edge of the lineage, from a work to an older one that it was made from.

A remix found false is struck, and a component taken out of its release is retired: either stays on
record and stops counting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import ClassVar

from domain.claim import PENDING, Claim
from domain.dispute import Disputable, DisputeAnswer, DisputeOpening, Settlement
from domain.fact import Fact, Looking, common, fact
from domain.money.apportionment import common_scale
from domain.refusal import BadRate, CapExceeded
from domain.work import Work

REMIX_KINDS = {
    "adaptation": "reworked into another form: a story from a poem, a film from a story",
    "arrangement": "the same piece for other voices, instruments or means",
    "sample": "a part of its recording or picture is heard or seen in it",
    "quotation": "a part of it is played, drawn or spoken again",
    "translation": "the same piece in another language",
    "component": "it is part of the whole, unchanged: a track of a song, a scene of a film",
    "influence": "it was an inspiration; nothing of it is in the new work",
}

NOT_COUNTED = (PENDING, "declined", "struck", "retired")
"""The states in which a remix is not part of the lineage."""

MAXIMUM_RATE_LENGTH = 80
_RATE = re.compile(r"[0-9]+(?:/[0-9]+|\.[0-9]+)?\Z")
# Not left to Fraction: the signs and spaces that it accepts vary between Python versions.


class Remix(Disputable):
    """One edge of the lineage, and what became of it."""

    NOT_COUNTED = NOT_COUNTED
    GONE = "struck"
    UNDO = frozenset()
    child: str
    parent: str
    kind: str
    rate: str | None
    deadline: str | None = None
    """Until then, only the other side may answer a claim."""
    places: list[int] | None = None

    @common
    class Event(Fact):
        """A fact about an edge names both of its ends."""

        ABOUT = ("child", "parent")
        child: str
        parent: str

    @fact(
        "remix.declared", "{actor} said that {child} was made from {parent} ({kind})", begins=True
    )
    class Declared(Claim, Event):
        """The child was made from the parent; pending if stated about another's work."""

        STATE = "declared"
        FOUND_BY = ("child", "parent")
        LEADS_TO: ClassVar[dict[str, str]] = {"child": "parent", "parent": "child"}
        kind: str
        rate: str | None = None
        evidence: str | None = None
        effective_at: str | None = None
        places: list[int] | None = None
        """The places of a component in its release, from 1; several if it is used again."""
        ai: list[str] | None = None
        """The parts of the child that AI made from the parent."""
        ai_tool: str | None = None

    @fact("remix.accepted", "{actor} agreed that {child} was made from {parent}")
    class Accepted(Event):
        """The poster of the child agreed to another's claim; it counts from now on."""

        FROM = (PENDING, "declined")
        STATE = "declared"
        reason: str | None = None

    @fact("remix.declined", "{actor} did not agree that {child} was made from {parent}")
    class Declined(Event):
        """The claim was rejected or withdrawn."""

        FROM = (PENDING,)
        STATE = "declined"
        reason: str | None = None

    @fact("remix.disputed", "{actor} disputed that {child} was made from {parent}")
    class Disputed(DisputeOpening, Event):
        """Someone says that the remix is false."""

        FROM = ("declared",)

    @fact(
        "remix.answered", "{actor} answered the dispute over whether {child} was made from {parent}"
    )
    class Answered(DisputeAnswer, Event):
        """The other side says why the remix is true."""

    @fact(
        "remix.settled",
        "{actor} ended the dispute over whether {child} was made from {parent}: {outcome}",
    )
    class Settled(Settlement, Event):
        """The dispute has ended: the remix stands, or it is struck."""

    @fact(
        "remix.struck", "{actor} struck as false the statement that {child} was made from {parent}"
    )
    class Struck(Event):
        """The remix was found false."""

        FROM = ("declared",)
        STATE = "struck"
        reason: str
        is_false: bool | None = None
        """Whether the remix was false, so that shares of money have to be corrected."""
        by_piece: bool | None = None
        """Whether it puts on hold only what the payees get for this piece; None, as in older facts:
        all of a payee's share."""

    @fact("remix.retired", "{actor} took {parent} out of {child}")
    class Retired(Event):
        """The release was recut: the component was taken out or is used otherwise."""

        FROM = ("declared",)
        STATE = "retired"
        reason: str
        replaced_by: str | None = None
        """The remix that took its place."""

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who posted each work, and who declared the remix."""
        return {
            **looking.get(Work, self.child).sides(looking),
            "poster of the parent": looking.get(Work, self.parent).speaker,
            "opener": self.poster,
        }

    def areas(self, looking: Looking) -> tuple[str, ...]:
        return (self.child,)


def exact_rate(rate: object) -> str | None:
    """A rate as stated, if it is an exact text from 0 to 1; else ``BadRate``, as for a float."""
    if rate is None:
        return None
    if not isinstance(rate, str) or len(rate) > MAXIMUM_RATE_LENGTH or not _RATE.match(rate):
        raise BadRate(rate)
    try:
        value = Fraction(rate)
    except ZeroDivisionError:
        raise BadRate(rate) from None
    if value > 1:
        raise BadRate(rate)
    return rate


NOTHING, CAP = Fraction(0), Fraction(1)
"""The least and the most of a work's income that its own edges may pass on to its parents."""


def stack_of(rates: Iterable[str | None]) -> Fraction:
    """The sum of these rates; an edge without one adds nothing."""
    exact = [Fraction(rate) for rate in rates if rate is not None]
    scale = common_scale(rate.denominator for rate in exact)
    return Fraction(sum(rate.numerator * (scale // rate.denominator) for rate in exact), scale)


def must_be_within_cap(child: str, rates: Iterable[str | None]) -> Fraction:
    """The stack of a work: what its edges pass on in all; refuses (``CapExceeded``) over 1."""
    stated = [rate for rate in rates if rate is not None]
    if not stated:
        return NOTHING
    stack = stack_of(stated)
    if stack > CAP:
        raise CapExceeded(child, stack, CAP)
    return stack
