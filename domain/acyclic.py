"""No work is made from itself, through however many others: only what closes a cycle is refused.

What is known to be in different components needs no search (domain.components). Else both sides
are searched in turn, what is above the parent and what is below the child, until one is known
whole. So an edge costs what the smaller side is: next to nothing where either is new, and in a
chain declared in any order n log n for all of it. What is not in memory is looked up a few times as
far on each further try.

Source: two-way search; B. Haeupler, T. Kavitha, R. Mathew, S. Sen, R. E. Tarjan, Incremental Cycle
Detection, Topological Ordering, and Strong Component Maintenance, ACM TALG 8 (2012), sections 2-4.
Works that were joined lead to each other, so a cycle through a join is found in the same way.
No order of the works is kept: it would have to be written with every edge, under the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from domain.lineage import Lineage
from domain.neighbours import Neighbours
from domain.past import Past
from domain.refusal import LineageCycle, SelfRemix

FIRST_STEPS = 32
"""How many works are looked up on either side at first."""
FURTHER = 8
"""How many times as many on each further try."""
MOST_LOOKED_UP = 1_000_000
"""How many at most, however often."""


class Searched(NamedTuple):
    """A side of an edge that is known whole: what is above its parent, or below its child."""

    is_above: bool
    works: Sequence[str]
    """All of it; there may be others that are connected with it."""


def must_not_close_cycle(past: Past, child: str, parent: str) -> Searched:
    """Refuse an edge whose child is above its parent already, with the path that it would close.

    Returns the smaller side. It is decided again if an edge that leads on from that is recorded
    meanwhile.
    """
    if child == parent:
        raise SelfRemix(child)
    if works := past.near.apart(parent, child):
        past.watch_edges(*works)
        return Searched(parent in works, works)
    above, below = _Side(past.near, parent, "child"), _Side(past.near, child, "parent")
    while True:
        for side, goal in ((below, parent), (above, child)):  # nothing is below most
            side.go_on()
            if goal in side.found:
                return Searched(True, _must_not_count(past, child, parent))
            if side.is_whole:
                past.watch_edges(*side.works)
                return Searched(side is above, side.works)


class _Side:
    """The works above one, where it is the child of edges, or below it, as far as was searched."""

    def __init__(self, near: Neighbours, start: str, end: str) -> None:
        self._near, self._end, self._leads = near, end, near.along(end)
        self.works, self.found = [start], {start}
        self._next, self._steps, self._further = 0, 1, FIRST_STEPS

    @property
    def is_whole(self) -> bool:
        return self._next == len(self.works)

    def go_on(self) -> None:
        """Search on from the next works, each time from twice as many.

        Where they must be looked up, it is from as many as one query tells of.
        """
        steps = self._steps
        if self.works[self._next] not in self._leads:
            steps = self._further
            self._near.look_around(self.works[self._next :], self._end, steps)
            self._further = min(self._further * FURTHER, MOST_LOOKED_UP)
        self._steps *= 2
        self._walk(steps)

    def _walk(self, steps: int) -> None:
        works, found, leads = self.works, self.found, self._leads
        # The loop goes on over what it appends.
        for work in islice(works, self._next, self._next + steps):
            if work not in leads:
                return
            for to in leads[work]:
                if to not in found:
                    found.add(to)
                    works.append(to)
            self._next += 1


def everything_above(past: Past, work: str) -> list[str]:
    """A work and all that edges lead to from it, whatever became of them."""
    return _everything(past, work, "child")


def everything_below(past: Past, work: str) -> list[str]:
    """A work and all from which edges lead to it, whatever became of them."""
    return _everything(past, work, "parent")


def _everything(past: Past, work: str, end: str) -> list[str]:
    side = _Side(past.near, work, end)
    while not side.is_whole:
        side.go_on()
    return side.works


def _must_not_count(past: Past, child: str, parent: str) -> list[str]:
    """Refuse the edge if all of a path that it would close counts: struck edges lead nowhere.

    Returns everything above.
    """
    works = everything_above(past, parent)
    known = past.known
    here, there = known.node(child), known.node(parent)
    if here == there:
        raise SelfRemix(child)
    lineage = Lineage(there, tuple(known.edges(works)))
    if here in lineage.generation:
        raise LineageCycle((here, *lineage.paths([here], 1)[0]))
    past.watch_edges(*works)
    return works
