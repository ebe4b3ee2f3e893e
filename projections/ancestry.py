"""Ancestry: a work and everything it was made from, and who is credited there.

A large one is kept in memory: it holds as of a later position as well, if no fact since then was
about an edge, a credit, a licence, a join or a merge in it. It has no texts of people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from operator import itemgetter
from typing import Any, TypeVar, cast

from domain.contributor import Contributor
from domain.credit import Credit
from domain.engine import Row
from domain.fact import FACTS, Fact
from domain.join import Join
from domain.lineage import Edge, Lineage, edge_of, once
from domain.pedigree import Paired, Pairs, Pedigree
from domain.recorders import JournalRecorder
from domain.remix import Remix
from domain.values import LARGEST_POSITION
from domain.work import Work
from projections.finding import REMIX_COUNTS as _COUNTS
from projections.store import View, holds

C = TypeVar("C", bound=Collection[Any])

SMALL = 100
"""A lineage of fewer edges is read each time."""
MOST_READ = 2_000
"""If more was recorded since it was read that may change a lineage, it is read again."""

_OF_ALL = (Join.Event, Contributor.Merged, Contributor.Separated)
"""Facts that may change any lineage; they are rare."""
_CHANGING = tuple(
    topic
    for topic, kind in FACTS.items()
    if issubclass(kind, (Remix.Event, Credit.Event, Work.Described, *_OF_ALL))
)


class Ancestry:
    """A lineage by numbers, and from when to when it is known to hold."""

    def __init__(self, tree: Pedigree[int], view: View) -> None:
        self.tree = tree
        """With its edges if they were asked for."""
        self._key = (view.generation, tree.root)
        self._since = self._until = view.as_of
        self._derived: dict[str, tuple[Hashable, Collection[Any]]] = {}

    def keep(self, view: View) -> None:
        """Keep it in memory with what was derived from it, if it is worth it."""
        size = len(self.tree.pairs.children)
        if size < SMALL or view.as_of == LARGEST_POSITION:
            return
        latest = view.memory.get(self._key)
        is_past = isinstance(latest, Ancestry) and latest.is_after(view.as_of)
        key = (*self._key, self._since) if is_past else self._key
        further = sum(len(kept) for _, kept in self._derived.values())
        view.memory.keep(key, self, 2 * size + further)

    def is_after(self, position: int) -> bool:
        """Whether it was read as of a later position."""
        return self._since > position

    def derived(self, view: View, name: str, key: Hashable, derive: Callable[[], C]) -> C:
        """What follows from it, its credits and a key alone; of the latest key it is kept."""
        kept = self._derived.get(name)
        if kept is None or kept[0] != key:
            kept = self._derived[name] = key, derive()
            self.keep(view)
        return cast("C", kept[1])

    def holds(self, view: View) -> bool:
        """Whether it is the lineage as known at a view's position, too."""
        if view.as_of > self._until and self._is_untouched(view):
            self._until = view.as_of
        return self._since <= view.as_of <= self._until

    def _is_untouched(self, view: View) -> bool:
        facts = JournalRecorder(view.engine).after(self._until, MOST_READ, _CHANGING)
        happened = [placed.fact() for placed in facts if placed.position <= view.as_of]
        if len(happened) == MOST_READ or any(isinstance(one, _OF_ALL) for one in happened):
            return False
        rows = view.rows(
            f"SELECT DISTINCT w.node FROM @works w WHERE w.id IN :ids AND {holds('w')}",
            ids=sorted(set(map(_changed, happened))),
        )
        return not any(node in self.tree.generation for (node,) in rows)


def _changed(happened: Fact) -> str:
    """The work whose edges upwards, credits or licence a fact changes."""
    if isinstance(happened, Remix.Event):
        return happened.child
    if isinstance(happened, Work.Described):
        return happened.originator_id
    assert isinstance(happened, Credit.Event)
    return happened.work


def ancestry(view: View, root: int) -> Ancestry:
    """A work with everything it was made from, remembered or read."""
    return _known(view, root) or _read(view, root, Paired(root, pairs_above(view, root)))


def numbered(view: View, root: int) -> Lineage[int]:
    """The same with its edges, by the numbers of its works."""
    known = _known(view, root)
    if known is None or not isinstance(known.tree, Lineage):
        known = _read(view, root, Lineage(root, tuple(edges_above(view, root))))
    assert isinstance(known.tree, Lineage)
    return known.tree


def _known(view: View, root: int) -> Ancestry | None:
    key = "ancestry", root
    if key not in view.held and (found := remembered(view, root)):
        view.held[key] = found
    return cast("Ancestry | None", view.held.get(key))


def _read(view: View, root: int, tree: Pedigree[int]) -> Ancestry:
    found = view.held["ancestry", root] = Ancestry(tree, view)
    found.keep(view)
    return found


def remembered(view: View, root: int) -> Ancestry | None:
    """The same, if it is remembered."""
    key = (view.generation, root)
    for kept in map(view.memory.get, (key, (*key, view.as_of))):
        if isinstance(kept, Ancestry) and kept.holds(view):
            return kept
    return None


_UP = (
    "WITH RECURSIVE up (number) AS (SELECT CAST(:root AS BIGINT) UNION "
    f"SELECT e.parent FROM up JOIN EACH @remixes e ON e.child = up.number WHERE {_COUNTS}) "
    f"SELECT {{}} FROM up JOIN EACH @remixes e ON e.child = up.number WHERE {_COUNTS}"
)


def pairs_above(view: View, root: int) -> Pairs[int]:
    """What was made from what between a work and all its ancestors, in order."""
    rows = view.rows(_UP.format("e.child, e.parent, e.kind"), root=root)
    rows.sort()
    return Pairs(*zip(*rows, strict=True)) if rows else Pairs((), (), ())


def edges_above(view: View, root: int) -> list[Edge[int]]:
    """The edges between a work and all its ancestors, in order."""
    return edges_in(view.rows(_UP.format(EDGE), root=root))


EDGE = "e.child, e.parent, e.kind, e.rate, e.id, e.state, e.own_child, e.own_parent"
"""The columns of which an edge is made."""


def edges_in(rows: Sequence[Row]) -> list[Edge[int]]:
    """Edges from their rows, in order; what was said alike of works that are one counts once."""
    # By child, parent, kind and id: a rate may be null, which has no order.
    rows = sorted(rows, key=itemgetter(0, 1, 2, 4))
    if all(row[0] == row[6] and row[1] == row[7] for row in rows):  # none of them was joined
        return [edge_of(row[:6]) for row in rows]
    edges = once((Edge(*row[:6]), row[6:]) for row in rows)
    return sorted(edges, key=itemgetter(0, 1, 2, 4))
