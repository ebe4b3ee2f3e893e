"""Descent: as many of the works made from a work as a picture has room for.

The number of descendants is unbounded. So each work leads on to only a few, the most remixed, and
the search ends after a number of works or generations; what is left out is counted up to there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from domain.lineage import Lineage
from projections import billing, lineage
from projections.ancestry import EDGE, edges_in
from projections.finding import REMIX_COUNTS
from projections.lineage import Shown
from projections.store import View
from projections.walking import DOWN, onwards_of

WALKED = 1_000
"""How many edges of a generation are read; after as many works the search ends."""
DEEPEST = 40
"""How many generations are searched."""


class Descent(NamedTuple):
    """Some of the works made from a work."""

    shown: Shown
    """Its lineage has reversed edges, from a work to one made from it."""
    left_out: int
    """How many works were found but are not shown."""
    is_exact: bool
    """Whether the search was complete; otherwise there may be more left out."""


def descent(view: View, id: str, most: int, widest: int) -> Descent:
    """The works made from a work: at most ``most``, and at most ``widest`` new ones from each."""
    root = lineage.find(view, id).number
    far, kept, is_exact = {root: 0}, {root: 0}, True
    level = [root]
    for generation in range(1, DEEPEST + 2):
        onwards = onwards_of(view, level, DOWN, most=WALKED)
        found = {to for leads in onwards.values() for to in leads} - far.keys()
        if not found:
            break
        if generation > DEEPEST:
            is_exact = False
            break
        is_exact &= sum(map(len, onwards.values())) < WALKED
        near = {one: onwards[one] for one in level if one in kept and one in onwards}
        chosen = _chosen(view, near, found, widest)
        kept |= dict.fromkeys([*chosen][: most + 1 - len(kept)], generation)
        level = sorted(found)
        far |= dict.fromkeys(level, generation)
        if len(far) > WALKED:
            is_exact = False
            break
    return Descent(_shown(view, root, kept), len(far) - len(kept), is_exact)


def _chosen(
    view: View, onwards: dict[int, list[int]], found: set[int], widest: int
) -> Iterator[int]:
    """For each of these works, the new ones that were remixed most; of equals, the earliest."""
    counts = lineage.remix_counts(view, found)
    taken = set[int]()
    for leads in onwards.values():
        new = [to for to in leads if to in found and to not in taken]
        chosen = sorted(new, key=lambda one: (-counts.get(one, 0), one))[:widest]
        taken.update(chosen)
        yield from chosen


def _shown(view: View, root: int, kept: dict[int, int]) -> Shown:
    works, made = lineage.references(view, kept), billing.makers(view, kept)
    rows = view.rows(
        f"SELECT {EDGE} FROM @remixes e WHERE e.parent IN :kept AND +e.child IN :kept "
        f"AND {REMIX_COUNTS}",
        kept=list(kept),
    )
    edges = [edge._replace(child=edge.parent, parent=edge.child) for edge in edges_in(rows)]
    return Shown(
        Lineage(root, tuple(edges)).named({number: works[number]["id"] for number in kept}),
        {
            works[number]["id"]: {
                **works[number],
                "generation": generation,
                "contributors": made.get(number, []),
            }
            for number, generation in kept.items()
        },
        list(kept),
    )
