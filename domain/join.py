"""A join: two works that are the same, one node of the graph from then on.

Facts go on naming the works they were recorded about. A join says which works stand for another
from its position on, and what is asked follows it; undone, each is itself again.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.claim import PENDING, Claim
from domain.fact import Fact, FoundBy, Looking, Noun, common, fact
from domain.remix import Remix
from domain.work import Work

NODE, MEMBERS, OF = "join.node", "join.members", "join.of"
"""The fields by which commands find which node a work is, which works are one, and its joins."""


class Join(Noun):
    """That two works are the same, and what became of it."""

    work: str
    into: str
    deadline: str | None = None
    """Until when only the other side answers a claim."""
    asked: str | None = None

    @common
    class Event(Fact):
        """A fact about a join names both works."""

        work: str
        into: str
        node: str | None = None
        """Which node the works that change theirs are from now on."""
        moved: str | None = None
        """These works, separated by spaces."""

        @property
        def moves(self) -> list[str]:
            """The works that are another node from now on."""
            return (self.moved or "").split()

        def subjects(self) -> tuple[str, ...]:
            node = [self.node] if self.node else []
            return tuple(dict.fromkeys((self.work, self.into, *self.moves, *node)))

        def found_by(self) -> tuple[FoundBy, ...]:
            """The works, and from either work the other: no edge may close a cycle through them."""
            found = [FoundBy(work, NODE) for work in self.moves]
            if self.node:
                found.append(FoundBy(self.node, MEMBERS))
            if self.leaves == Join.Declared.STATE:
                found += [FoundBy(self.work, OF), FoundBy(self.into, OF)]
                for end in Remix.Declared.FOUND_BY:
                    field = f"{Remix.Declared.TOPIC}.{end}"
                    found.append(FoundBy(self.work, field, self.into))
                    found.append(FoundBy(self.into, field, self.work))
            return tuple(found)

    @fact("join.declared", "{actor} said that {work} and {into} are the same", begins=True)
    class Declared(Claim, Event):
        """Two works are the same; said by only one of their posters it is pending."""

        STATE = "joined"
        reason: str | None = None
        asked: str | None = None
        """The work whose poster has to agree, if somebody has."""

    @fact("join.accepted", "{actor} agreed that {work} and {into} are the same")
    class Accepted(Event):
        """The poster of the other work agreed."""

        FROM = (PENDING, "declined")
        STATE = "joined"
        reason: str | None = None

    @fact("join.declined", "{actor} declined that {work} and {into} are the same")
    class Declined(Event):
        """The poster of the other work did not agree, or it was withdrawn."""

        FROM = (PENDING,)
        STATE = "declined"
        reason: str | None = None

    @fact("join.undone", "{actor} said that {work} and {into} are not the same after all")
    class Undone(Event):
        """It was a mistake: they are two works from now on."""

        FROM = ("joined",)
        STATE = "undone"
        reason: str

    @property
    def counts(self) -> bool:
        """Whether the two works are one now."""
        return self.state == Join.Declared.STATE

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who said it, who has to agree, and who speaks for either work."""
        return {
            "poster": looking.get(Work, self.work).speaks,
            "poster of the other": looking.get(Work, self.into).speaks,
            "opener": self.poster,
            **({"addressee": looking.get(Work, self.asked).speaks} if self.asked else {}),
        }


def still_one(start: str, joins: Iterable[tuple[str, str]]) -> set[str]:
    """A work and all that joins connect it with."""
    near: dict[str, set[str]] = {}
    for one, other in joins:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    found, fresh = {start}, {start}
    while fresh:
        fresh = {other for work in fresh for other in near.get(work, ())} - found
        found |= fresh
    return found
