"""Why somebody or something is suggested, in words: what they did, and what ties two people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from domain.cached import cached_property
from projections import collaboration, contributors, lineage
from projections.collaboration import Near
from projections.finding import REMIX_COUNTS
from projections.store import View, holds
from projections.told_finding import Reason
from projections.wording import several

LATEST = 20
"""For how many works, the latest, it is stated whether they are finished."""


@dataclass(frozen=True)
class Done:
    """What somebody did that is asked for: works by role and by medium."""

    roles: Mapping[str, set[int]]
    media: Mapping[str, set[int]]

    @cached_property
    def of_roles(self) -> set[int]:
        """The works on which they have a role that is asked for."""
        return set().union(*self.roles.values())

    @property
    def latest(self) -> set[int]:
        """The latest of these works, for which it is stated whether they are finished."""
        return set(sorted(self.of_roles, reverse=True)[:LATEST])

    @property
    def works(self) -> int:
        """On how many works they have such a role."""
        return len(self.of_roles)


class Ties:
    """What ties somebody to others, in words."""

    def __init__(
        self,
        view: View,
        origin: int | None,
        around: Mapping[int, Near],
        others: Collection[int],
        *,
        is_you: bool,
    ) -> None:
        self.around = around
        near = {other: around[other] for other in others if other in around}
        named = {*others, *(one.via for one in near.values() if one.via)}
        self.people = contributors.persons(view, {*named, *([origin] if origin else ())})
        self.both = collaboration.both_remixed(view, origin, others) if origin else {}
        works = {one.works[0] for one in near.values() if one.works}
        self.works = lineage.references(view, works | {one[0] for one in self.both.values()})
        self.who = "You" if is_you else self._name(origin)
        self.of_both = "both of you" if is_you else "both"

    def told(self, other: int) -> Iterator[Reason]:
        """The reasons that tie them to another."""
        pair, near = f"{self.who} and {self._name(other)}", self.around.get(other)
        if near and near.works:
            said = f"{pair} made {self._work(near.works[0])} together"
            yield reason("together", said + _further(near.works), len(near.works))
        elif near:
            said = f"{self._name(near.via)} made something with {self.of_both}."
            yield reason("through", said, 1)
        if sources := self.both.get(other):
            said = f"{pair} both remixed {self._work(sources[0])}"
            yield reason("both_remixed", said + _further(sources), len(sources))

    def _name(self, number: int | None) -> str:
        found = self.people.get(number) if number else None
        return (found and found["name"]) or "somebody"

    def _work(self, number: int) -> str:
        one = self.works.get(number)
        name = one and (one["title"] or one["uri"])
        return f"“{name}”" if name else "a work"


def finished_of(view: View, works: Collection[int]) -> set[int]:
    """The works among these that are published releases, or direct components of one."""
    rows = view.rows(
        "SELECT w.number FROM @works w WHERE w.number IN :works AND w.published IS NOT NULL "
        f"AND {holds('w')} UNION SELECT e.parent FROM @remixes e JOIN @works r "
        f"ON r.number = e.child AND r.published IS NOT NULL AND {holds('r')} "
        f"WHERE e.parent IN :works AND e.kind = 'component' AND {REMIX_COUNTS}",
        works=sorted(works),
    )
    return {number for (number,) in rows}


def reason(code: str, says: str, count: int) -> Reason:
    """A reason as answers state it."""
    return {"code": code, "says": says, "count": count}


def credited(role: str, done: Done, finished: int) -> str:
    """What somebody was credited as, on how many works, and how many of them are finished."""
    count = len(done.roles[role])
    said = f"credited as {role} on {several(count, 'work')}"
    if len(done.roles) > 1:
        said += f", on {several(done.works, 'work')} with what else fits"
    among = "them" if done.works <= LATEST else f"the latest {LATEST}"
    return f"{said}, {finished} of {among} finished" if finished else said


def _further(works: Collection[int]) -> str:
    return f", and {len(works) - 1} more." if len(works) > 1 else "."
