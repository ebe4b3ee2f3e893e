"""Ancestry: a work and everything it was made from, with rows read about each of these works.

A large ancestry is kept in memory. It is still valid at a later position if no fact in between
changed an edge, a credit, a licence, a join or a merge in it; otherwise only the works that changed
are read again. It contains no texts written by people.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from operator import itemgetter
from sys import intern
from typing import Any, TypeVar, cast

from domain.contribution import Contribution
from domain.contributor import Contributor
from domain.credit import Credit
from domain.engine import Row
from domain.fact import FACTS, Fact
from domain.join import Join
from domain.lineage import Edge, Edges, Lineage, edge_of, once
from domain.pedigree import MANY, Pedigree
from domain.queries import Facts
from domain.remix import Remix
from domain.work import Work
from projections.finding import NODE
from projections.finding import REMIX_COUNTS as _COUNTS
from projections.store import View, holds
from projections.told import PathCount

T = TypeVar("T")
R = TypeVar("R", bound=Row)

SMALL = 100
"""A lineage with fewer edges is read on each request instead of being kept."""
NEAR = 1_000
"""How many works are read if only the nearest are asked for."""
STEPS = 8
"""How many generations above new works are read one by one; all further ones are read at once."""
MOST_READ = 2_000
"""If this many facts that may change a lineage were recorded since, all of it is read again."""

MOST_PLACED = 16
"""If rows of more works are unread, all ordered rows are read again, not inserted one by one."""

_OF_ALL = (Join.Event, Contributor.Merged, Contributor.Separated, Contributor.Forgotten)
"""Facts that may change any lineage; they are rare."""
_OF_ONE = (Work.Described, Contribution.Withdrawn)
_CHANGING = tuple(
    topic
    for topic, kind in FACTS.items()
    if issubclass(kind, (Remix.Event, Credit.Event, *_OF_ONE, *_OF_ALL))
)

_Stated = tuple[int, int, str, str]
"""An edge: child, parent, kind, and the rate it states, or "" if it states none."""


class Ancestry:
    """A lineage by numbers of works, with the range of positions in which it is known to hold."""

    def __init__(self, root: int, stated: list[_Stated], view: View) -> None:
        stated.sort()
        self._stated = stated
        *pairs, stating = zip(*stated, strict=True) if stated else ((),) * 4
        rates, none = [rate or None for rate in stating], ("",) * len(stated)
        self.tree = Lineage(root, Edges[int]((*pairs, rates, none, none)))
        """Its edges have no ids or states; ``numbered`` returns a lineage with both."""
        self._key = (view.generation, root)
        self._since = self._until = view.as_of
        self._rows: dict[Hashable, tuple[Collection[Any], Collection[int]]] = {}
        """By name: rows about its works, and the works whose rows have not been read yet."""
        self._derived: dict[str, tuple[object, Any, int]] = {}

    @property
    def is_small(self) -> bool:
        """Whether it is read on each request instead of being kept."""
        return len(self._stated) < SMALL

    @property
    def since(self) -> int:
        """The first position at which it is known to hold."""
        return self._since

    @property
    def unrated(self) -> set[int]:
        """The works with at least one edge that states no rate."""
        return {child for child, _, _, rate in self._stated if not rate}

    def keep(self, view: View) -> None:
        """Keep it, with its rows and derived values, in the view's memory unless it is small.

        If a later one is kept already, it is kept beside that under its own position.
        """
        if self.is_small:
            return
        latest = view.memory.get(self._key)
        is_past = isinstance(latest, Ancestry) and latest.since > view.as_of
        key = (*self._key, self._since) if is_past else self._key
        further = [len(rows) for rows, _ in self._rows.values()]
        further += (takes for *_, takes in self._derived.values())
        view.memory.keep(key, self, 2 * len(self._stated) + sum(further))

    # -- rows about its works --------------------------------------------------------------

    def rows(
        self,
        view: View,
        name: Hashable,
        read: Callable[[View, list[int]], Iterable[R]],
        place: Callable[[R], Any] | None = None,
    ) -> Collection[R]:
        """Rows about its works, read once for each work; their first column is the work.

        The same object is returned as long as the rows are unchanged. With ``place``, the key by
        which ``read`` sorts them, they stay in that order.
        """
        every = self.tree.generation
        rows, unread = self._rows.get(name, ((), every))
        if place and len(unread) > MOST_PLACED:
            rows, unread = (), every
        if unread:
            rows = _renewed(rows, unread, [*read(view, [*unread])], place)
            self._rows[name] = rows, ()
            self.keep(view)
        return cast("Collection[R]", rows)

    def derived(self, view: View, name: str, key: object, derive: Callable[[], T], takes: int) -> T:
        """A value that depends only on its works and a key (such as its rows), kept for one key.

        ``takes`` is how much room the value takes in memory.
        """
        kept = self._derived.get(name)
        if kept is None or kept[0] != key:
            kept = self._derived[name] = key, derive(), takes
            self.keep(view)
        return cast("T", kept[1])

    # -- as of a later position ------------------------------------------------------------

    def at(self, view: View) -> Ancestry | None:
        """The lineage at a view's position; None if it cannot be derived from this one."""
        if view.as_of < self._since:
            return None
        if view.as_of > self._until:
            changed = self._changed(view)
            if changed is None:
                return None
            if changed:
                return self._read_again(view, changed)
            self._until = view.as_of
        return self

    def _changed(self, view: View) -> set[int] | None:
        """The works in it that facts have changed since; None if any of them may have changed."""
        facts = Facts(view.engine).after(self._until, MOST_READ, _CHANGING)
        happened = [placed.fact() for placed in facts if placed.position <= view.as_of]
        if len(happened) == MOST_READ or any(isinstance(one, _OF_ALL) for one in happened):
            return None
        rows = view.rows(
            f"SELECT DISTINCT w.node FROM @works w WHERE w.id IN :ids AND {holds('w')}",
            ids=sorted(set(map(_about, happened))),
        )
        return {node for (node,) in rows}.intersection(self.tree.generation)

    def _read_again(self, view: View, changed: set[int]) -> Ancestry:
        """A copy at the view's position; only changed works and new ancestors are read."""
        own = sorted(_read_stated(view, _OF_WORKS, changed))
        has_moved = own != [one for work in sorted(changed) for one in self._of(work)]
        found = self._with(view, own, changed) if has_moved else copy(self)
        found._since = found._until = view.as_of
        found._derived = {} if has_moved else dict(self._derived)
        works, before = found.tree.generation, self.tree.generation
        new = changed.union(works.keys() - before.keys() if has_moved else ())
        found._rows = {
            name: (
                [row for row in rows if row[0] in works] if has_moved else rows,
                new.union(unread).intersection(works),
            )
            for name, (rows, unread) in self._rows.items()
        }
        found.keep(view)
        return found

    def _of(self, work: int) -> list[_Stated]:
        """The edges from one of its works to what that was made from."""
        first, end = (bisect_left(self._stated, (place,)) for place in (work, work + 1))
        return self._stated[first:end]

    def _with(self, view: View, own: list[_Stated], changed: set[int]) -> Ancestry:
        """A lineage with ``own`` in place of the edges of changed works; new ancestors are read."""
        known, further = set(self.tree.generation), own
        stated = [*own, *(one for one in self._stated if one[0] not in changed)]
        # Usually few works are new and their ancestors are known, so the first steps are single.
        for sql in (*[_OF_WORKS] * STEPS, _ABOVE):
            if not (beyond := {parent for _, parent, *_ in further} - known):
                break
            further = [one for one in _read_stated(view, sql, beyond) if one[0] not in known]
            stated += further
            known |= beyond
        found = Ancestry(self.tree.root, stated, view)
        works = found.tree.generation
        if len(works) < len(found.tree.places.works):  # some can no longer be reached
            found = Ancestry(self.tree.root, [one for one in stated if one[0] in works], view)
        return found


def _renewed(
    rows: Collection[R],
    unread: Collection[int],
    found: list[R],
    place: Callable[[R], Any] | None,
) -> Collection[R]:
    """Rows in which those about the unread works are replaced by the ones found.

    Without ``place``, the same object is returned if nothing changed.
    """
    if place is None and rows:
        before = [row for row in rows if row[0] in unread]
        if Counter(found) == Counter(before):
            return rows
    left = [row for row in rows if row[0] not in unread]
    if place is None or not left:
        return left + found
    for row in found:
        insort(left, row, key=place)
    return left


def _about(happened: Fact) -> str:
    """The work whose edges upwards, credits, licence or title a fact changes."""
    if isinstance(happened, Remix.Event):
        return happened.child
    if isinstance(happened, _OF_ONE):
        return happened.originator_id
    assert isinstance(happened, Credit.Event)
    return happened.work


def ancestry(view: View, root: int) -> Ancestry:
    """A work with everything it was made from, from memory if it is kept there."""

    def read(_: list[int]) -> dict[int, Ancestry]:
        found = remembered(view, root)
        if found is None:
            found = Ancestry(root, _read_stated(view, _ABOVE, [root]), view)
            found.keep(view)
        return {root: found}

    return view.looked_up(_READ, [root], read)[root]


_READ = "ancestries"


def remembered(view: View, root: int) -> Ancestry | None:
    """The ancestry of a work if the view or, at its position, memory has it; otherwise None."""
    if (known := view.known(_READ).get(root)) is not None:
        return cast("Ancestry", known)
    key = (view.generation, root)
    for kept in map(view.memory.get, (key, (*key, view.as_of))):
        if isinstance(kept, Ancestry) and (found := kept.at(view)):
            return found
    return None


def numbered(view: View, root: int) -> Lineage[int]:
    """The lineage of a work by numbers of works, its edges with ids and states."""

    def read(_: list[int]) -> dict[int, Lineage[int]]:
        above = ancestry(view, root)
        rows = above.rows(view, "edges", _edge_rows)
        edges = above.derived(view, "edges", rows, lambda: edges_in(rows), len(rows))
        return {root: above.tree.with_edges(tuple(edges))}

    return view.looked_up("numbered lineages", [root], read)[root]


def ids_in(view: View, root: int) -> Mapping[int, str]:
    """The ids of the works in an ancestry by their numbers."""
    above = ancestry(view, root)
    works = above.tree.generation
    key = works.keys()
    return above.derived(view, "ids", key, lambda: view.ids("works", works), len(works))


def nearest(view: View, root: int, first: int = 0) -> Iterator[tuple[int, int]]:
    """The works of an ancestry with their generations, nearest first, from the place ``first`` on.

    Far works are read only once the caller gets to them.
    """
    if first < NEAR and not remembered(view, root):
        near = [number for (number,) in view.rows(_NEAREST, works=[root], most=NEAR)]
        stated = _read_stated(view, _OF_WORKS, near)
        found, read = Ancestry(root, stated, view).tree.generation, {root, *near}
        # Nothing is missing up to the generation of the first work whose parents were not read.
        end = min((far for work, far in found.items() if work not in read), default=None)
        known = [one for one in found.items() if end is None or one[1] <= end]
        yield from known[first:]
        if end is None:
            return
        first = max(first, len(known))
    yield from islice(ancestry(view, root).tree.generation.items(), first, None)


def edges_of(view: View, works: Collection[int]) -> list[Edge[int]]:
    """The edges from these works to what they were made from, in order."""
    return edges_in(_edge_rows(view, list(works)))


def _edge_rows(view: View, works: list[int]) -> list[Row]:
    return view.rows(
        f"SELECT {EDGE} FROM @remixes e WHERE e.child IN :works AND {_COUNTS}", works=works
    )


_LISTED = [
    f"string_agg({each}, ',')"
    for each in (
        *("CAST(e.child AS TEXT)", "CAST(e.parent AS TEXT)", "e.kind", "coalesce(e.rate, '')"),
        "CASE WHEN e.child = e.own_child AND e.parent = e.own_parent THEN '' "
        "ELSE CAST(e.own_child AS TEXT) || '-' || CAST(e.own_parent AS TEXT) END",
    )
]
_EDGES = f"SELECT {', '.join(_LISTED)} FROM"
"""All edges as one row of lists, which takes half as long as one row for each edge."""
_OF_THESE = f"@remixes e WHERE e.child IN :works AND {_COUNTS}"
_OF_UP = f"up JOIN EACH @remixes e ON e.child = up.number WHERE {_COUNTS}"
_UP = (
    f"WITH RECURSIVE up (number) AS (SELECT e.child FROM {_OF_THESE} "
    f"UNION SELECT e.parent FROM {_OF_UP})"
)
_OF_WORKS, _ABOVE = f"{_EDGES} {_OF_THESE}", f"{_UP} {_EDGES} {_OF_UP}"
"""The edges of some works, and also those of everything above them."""
_NEAREST = f"{_UP} SELECT number FROM up LIMIT :most"
_NEAR = (
    f"WITH RECURSIVE up (number) AS (SELECT {NODE} UNION SELECT e.parent FROM {_OF_UP}) "
    f"{_EDGES} (SELECT e.* FROM {_OF_UP} LIMIT :most) e"
)
"""Both engines recurse generation by generation and stop at the limit."""


def edges_near(view: View, id: str) -> Sequence[Row]:
    """The first edges above the work with this id, deferred, as ``note_small`` takes them."""
    return view.later(_NEAR, id=id, most=SMALL)


def note_small(view: View, root: int, edges: Sequence[Row]) -> None:
    """Note the ancestry of a work if these are all of its edges."""
    stated, count = _stated_in(edges)
    if count < SMALL:
        view.known(_READ).setdefault(root, Ancestry(root, stated, view))


def _read_stated(view: View, sql: str, works: Collection[int]) -> list[_Stated]:
    return _stated_in(view.rows(sql, works=list(works)))[0]


def _stated_in(rows: Sequence[Row]) -> tuple[list[_Stated], int]:
    """The edges in a row of lists, equal ones of joined works once, and how many rows they had."""
    (lists,) = rows
    if lists[0] is None:
        return [], 0
    children, parents, kinds, rates, own = (one.split(",") for one in lists)
    ends = map(int, children), map(int, parents)
    stated = list(zip(*ends, map(intern, kinds), rates, strict=True))
    if not any(own):  # none of them was joined
        return stated, len(stated)
    edges = once((Edge(*one), (here, here)) for one, here in zip(stated, own, strict=True))
    return [cast("_Stated", edge[:4]) for edge in edges], len(stated)


EDGE = "e.child, e.parent, e.kind, e.rate, e.id, e.state, e.own_child, e.own_parent"
"""The columns of an edge, then those of the works it was declared between before any join."""


def counted_paths(tree: Pedigree[Any], works: Iterable[Any]) -> PathCount:
    """How many paths lead to any of these works, counted up to a limit."""
    count = sum(map(tree.path_count.__getitem__, works))
    return {"path_count": min(count, MANY - 1), "path_count_is_exact": count < MANY}


in_order = itemgetter(0, 1, 2, 4)
"""A sort key: child, parent, kind and id; no rate, because a null cannot be compared."""


def edges_in(rows: Collection[Row]) -> list[Edge[int]]:
    """Edges from rows of ``EDGE``, in order; equal edges of works that were joined count once."""
    rows = sorted(rows, key=in_order)
    if all(row[0] == row[6] and row[1] == row[7] for row in rows):  # none of them was joined
        return [edge_of(row[:6]) for row in rows]
    edges = once((Edge(*row[:6]), row[6:]) for row in rows)
    return sorted(edges, key=in_order)
