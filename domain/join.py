"""A join: two works that are the same piece, and so one node of the graph from then on.

Facts keep naming the works they were recorded about. A join states which node a work belongs to
from its position on, and queries follow it; undone, each work is its own node again.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.claim import PENDING, Claim
from domain.fact import Fact, FoundBy, Looking, Noun, common, fact
from domain.remix import Remix
from domain.work import Work

NODE, MEMBERS, OF = "join.node", "join.members", "join.of"
"""The fields by which commands find the node of a work, the works of a node, and a work's joins."""


class Join(Noun):
    """A statement that two works are the same, and what became of it."""

    work: str
    into: str
    deadline: str | None = None
    """Until then, only the other side may answer a claim."""
    asked: str | None = None

    @common
    class Event(Fact):
        """A fact about a join names both works."""

        work: str
        into: str
        node: str | None = None
        """The node that the moved works belong to from now on."""
        moved: str | None = None
        """The works that change their node, separated by spaces."""

        @property
        def moves(self) -> list[str]:
            """The works that change their node."""
            return (self.moved or "").split()

        def subjects(self) -> tuple[str, ...]:
            node = [self.node] if self.node else []
            return tuple(dict.fromkeys((self.work, self.into, *self.moves, *node)))

        def found_by(self) -> tuple[FoundBy, ...]:
            """The works, and as edges both ways between them: no cycle may close through a join."""
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
        """Two works are the same; pending while only one of their posters said so."""

        STATE = "joined"
        reason: str | None = None
        asked: str | None = None
        """The work whose poster has to agree, if any."""

    @fact("join.accepted", "{actor} agreed that {work} and {into} are the same")
    class Accepted(Event):
        """The poster of the other work agreed."""

        FROM = (PENDING, "declined")
        STATE = "joined"
        reason: str | None = None

    @fact("join.declined", "{actor} did not agree that {work} and {into} are the same")
    class Declined(Event):
        """The poster of the other work rejected the join, or it was withdrawn."""

        FROM = (PENDING,)
        STATE = "declined"
        reason: str | None = None

    @fact("join.undone", "{actor} said that {work} and {into} are not the same after all")
    class Undone(Event):
        """The join was a mistake: they are two nodes from now on."""

        FROM = ("joined",)
        STATE = "undone"
        reason: str

    @property
    def counts(self) -> bool:
        """Whether the two works are one node now."""
        return self.state == Join.Declared.STATE

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who declared the join, who has to agree, and who speaks for each work."""
        return {
            "poster": looking.get(Work, self.work).speaks,
            "poster of the other": looking.get(Work, self.into).speaks,
            "opener": self.poster,
            **({"addressee": looking.get(Work, self.asked).speaks} if self.asked else {}),
        }


def still_one(start: str, joins: Iterable[tuple[str, str]]) -> set[str]:
    """A work and all others that joins connect it with, directly or through others."""
    near: dict[str, set[str]] = {}
    for one, other in joins:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    found, fresh = {start}, {start}
    while fresh:
        fresh = {other for work in fresh for other in near.get(work, ())} - found
        found |= fresh
    return found
