"""No work is made from itself, through however many others: only what closes a cycle is refused.

Both ends are searched in turn, what is above the parent and what is below the child, each time a
few times further, until one side is known whole. So an edge costs what the smaller side is: next to
nothing where either is new, and in a chain declared in any order n log n for all of it.

Source: two-way search; B. Haeupler, T. Kavitha, R. Mathew, S. Sen, R. E. Tarjan, Incremental Cycle
Detection, Topological Ordering, and Strong Component Maintenance, ACM TALG 8 (2012), sections 2-4.
Works that were joined lead to each other, so a cycle through a join is found in the same way.
No order of the works is kept: it would have to be written with every edge, under the lock.
"""

from __future__ import annotations

from domain.lineage import Lineage
from domain.past import Past
from domain.refusal import LineageCycle, SelfRemix

FIRST_STEPS = 32
"""How many works are looked for on either side at first."""
FURTHER = 8
"""How many times as many on each further try."""


def must_not_close_cycle(past: Past, child: str, parent: str) -> None:
    """Refuse an edge whose child is above its parent already, with the path that it would close.

    It is decided again if an edge that leads on from what was searched is recorded meanwhile.
    """
    if child == parent:
        raise SelfRemix(child)
    most, sides = FIRST_STEPS, [(parent, child, "child"), (child, parent, "parent")]
    if past.is_bare(child, "parent"):  # known at once, so it is looked at first
        sides.reverse()
    while True:
        for start, goal, end in sides:
            found, is_whole = past.beyond(start, end, most)
            if goal in found:
                _must_not_count(past, child, parent)
                return
            if is_whole:
                past.watch_edges(*found)
                return
        most *= FURTHER


def _must_not_count(past: Past, child: str, parent: str) -> None:
    """Refuse the edge if all of a path that it would close counts: struck edges lead nowhere."""
    above, _ = past.beyond(parent, "child")
    known = past.known
    here, there = known.node(child), known.node(parent)
    if here == there:
        raise SelfRemix(child)
    lineage = Lineage(there, tuple(known.edges(above)))
    if here in lineage.generation:
        raise LineageCycle((here, *lineage.paths([here], 1)[0]))
    past.watch_edges(*above)
