"""Cycle detection: an edge is refused if it would make a work its own ancestor.

Two searches take turns, through the ancestors of the parent and the descendants of the child, until
one of them is complete. So an edge costs as much as the smaller side: next to nothing where either
work is new, and O(n log n) in all for a chain declared in any order. Works that are not in memory
are read with queries of growing size.

Joined works lead to each other, so a cycle through a join is found in the same way. No topological
order is stored: it would have to be written with every edge, under the lock.

Source: two-way search; B. Haeupler, T. Kavitha, R. Mathew, S. Sen, R. E. Tarjan, Incremental Cycle
Detection, Topological Ordering, and Strong Component Maintenance, ACM TALG 8 (2012), sections 2-4.
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
"""How many works the first query of a search reads."""
FURTHER = 8
"""Each further query of a search reads this many times as many works."""
MOST_LOOKED_UP = 1_000_000
"""The most works that one query reads."""


class Searched(NamedTuple):
    """A completed search: all ancestors of an edge's parent, or all descendants of its child."""

    is_above: bool
    works: Sequence[str]


def must_not_close_cycle(past: Past, child: str, parent: str) -> Searched:
    """Refuse an edge whose child is already an ancestor of its parent; the refusal names the path.

    Returns the smaller side. The edges of that side are watched.
    """
    if child == parent:
        raise SelfRemix(child)
    above, below = _Side(past.near, parent, "child"), _Side(past.near, child, "parent")
    while True:
        for side, goal in ((below, parent), (above, child)):  # most children have no descendants
            side.go_on()
            if goal in side.found:
                return Searched(True, _must_not_count(past, child, parent))
            if side.is_whole:
                past.watch_edges(*side.works)
                return Searched(side is above, side.works)


class _Side:
    """A breadth-first search from a work: upwards if it is the child of edges, else downwards."""

    def __init__(self, near: Neighbours, start: str, end: str) -> None:
        self._near, self._end, self._leads = near, end, near.along(end)
        self.works, self.found = [start], {start}
        self._next, self._steps, self._further = 0, 1, FIRST_STEPS

    @property
    def is_whole(self) -> bool:
        """Whether the search is complete."""
        return self._next == len(self.works)

    def go_on(self) -> None:
        """Visit the next works: twice as many on each call or, if not in memory, one query's."""
        steps = self._steps
        if self.works[self._next] not in self._leads:
            steps = self._further
            self._near.look_around(self.works[self._next :], self._end, steps)
            self._further = min(self._further * FURTHER, MOST_LOOKED_UP)
        self._steps *= 2
        self._walk(steps)

    def _walk(self, steps: int) -> None:
        works, found, leads = self.works, self.found, self._leads
        # The loop continues over what it appends.
        for work in islice(works, self._next, self._next + steps):
            if (near := leads.get(work)) is None:
                return
            self._next += 1
            for to in near:
                if to not in found:
                    found.add(to)
                    works.append(to)


def everything_above(past: Past, work: str) -> list[str]:
    """A work and all ancestors, also along edges that do not count."""
    return _everything(past, work, "child")


def everything_below(past: Past, work: str) -> list[str]:
    """A work and all descendants, also along edges that do not count."""
    return _everything(past, work, "parent")


def _everything(past: Past, work: str, end: str) -> list[str]:
    side = _Side(past.near, work, end)
    while not side.is_whole:
        side.go_on()
    return side.works


def _must_not_count(past: Past, child: str, parent: str) -> list[str]:
    """Refuse the edge if a path of edges that count would become a cycle (not one of struck edges).

    Returns all ancestors of the parent.
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
