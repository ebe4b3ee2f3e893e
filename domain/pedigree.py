"""A pedigree: everything a work was made from, through every generation, and the paths to it.

It is computed from the root and the pairs of works; nothing is read from a store. Works are
numbered by places, and walks go over lists of places, which is several times as fast as over ids;
only results are translated to ids. No compiled library is used: to order 10,000 edges takes
rustworkx as long, since every edge must be handed over first, and numpy longer.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice, pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from domain.cached import cached_property
from domain.refusal import LineageCycle

Node = TypeVar("Node", bound=Hashable)
Path = tuple[Node, ...]

MANY = 1 << 53
"""Paths are counted up to here: larger integers are not exact in every JSON reader."""

SHOWN_OF_END = 12
"""How many works are shown at each end of a long path."""


class Ends(NamedTuple, Generic[Node]):
    """A path, or both ends of a long one."""

    works: Path[Node]
    left_out: int
    """How many works are left out between the ends."""
    is_direct: bool
    """Whether no edge of the path is a mere influence."""


class Places(NamedTuple, Generic[Node]):
    """A pedigree by places; the root's place is 0."""

    works: Sequence[Node]
    above: Sequence[Sequence[int]]
    """By place: the parents, each once, in the order of the edges."""
    influences: frozenset[tuple[int, int]]
    """The (child, parent) pairs of which every edge is a mere influence."""
    ends: tuple[Sequence[int], Sequence[int]]
    """The child of each edge, and the parent of each."""


class Ordered(NamedTuple):
    """The places in topological order, each before its parents; those in a cycle are missing."""

    places: list[int]
    ends: int
    """How many have no child."""
    furthest: list[int]
    """By place: the length of the longest path to it."""


@dataclass(frozen=True)
class Pedigree(Generic[Node]):
    """A work and everything it was made from, as one immutable graph to walk."""

    root: Node

    @property
    def pairs(self) -> Sequence[Sequence[Any]]:
        """Three columns with one entry for each edge: children, parents and kinds."""
        raise NotImplementedError

    # -- by places -------------------------------------------------------------------------

    @cached_property
    def places(self) -> Places[Node]:
        """The works by place: the root first, then the children, then what only is a parent."""
        children, parents, kinds = self.pairs
        places = defaultdict[Node, int](count().__next__)
        at = places.__getitem__
        at(self.root)
        ends = list(map(at, children)), list(map(at, parents))
        named_by: list[list[int]] = [[] for _ in places]
        for child, parent in zip(*ends, strict=True):
            named_by[child].append(parent)
        above = list(map(tuple, named_by))
        if sum(map(len, map(set, above))) < len(children):
            above = [tuple(dict.fromkeys(out)) for out in above]
        influences = frozenset[tuple[int, int]]()
        if "influence" in kinds:
            pairs = list(zip(*ends, strict=True))
            more = {pair for pair, kind in zip(pairs, kinds, strict=True) if kind != "influence"}
            influences = frozenset(set(pairs) - more)
        return Places(tuple(places), above, influences, ends)

    @cached_property
    def _place(self) -> dict[Node, int]:
        return {work: place for place, work in enumerate(self.places.works)}

    def placed(self, works: Iterable[Node]) -> list[int]:
        """The places of works."""
        return list(map(self._place.__getitem__, works))

    @cached_property
    def ordered(self) -> Ordered:
        """All places in topological order.

        Source: A. B. Kahn, Topological sorting of large networks (1962).
        """
        above = self.places.above
        further = [-1] * len(above)  # how many children there are besides the first
        for parent in chain.from_iterable(above):
            further[parent] += 1
        ordered = [place for place, count in enumerate(further) if count < 0]
        ends, furthest = len(ordered), [0] * len(above)
        # The loop continues over what it appends. It visits the furthest child of a work last.
        for place in ordered:
            for parent in above[place]:
                if further[parent]:
                    further[parent] -= 1
                else:
                    ordered.append(parent)
                    furthest[parent] = furthest[place] + 1
        return Ordered(ordered, ends, furthest)

    @cached_property
    def _nearest(self) -> dict[int, int]:
        """By place reachable from the root: the length of the shortest path, the nearest first."""
        return _breadth_first(self.places.above)

    @cached_property
    def _below(self) -> Sequence[Sequence[int]]:
        """By place: the children reachable from the root, the nearest to it first."""
        above, nearest = self.places.above, self._nearest
        found: list[list[int]] = [[] for _ in above]
        # Sorting is stable: children of one generation stay in the order of the edges.
        for place in sorted(sorted(nearest), key=nearest.__getitem__):
            for parent in above[place]:
                found[parent].append(place)
        return list(map(tuple, found))

    def _named(self, places: Iterable[int]) -> Path[Node]:
        return tuple(map(self.places.works.__getitem__, places))

    # -- parents and generations -----------------------------------------------------------

    @cached_property
    def parents(self) -> Mapping[Node, Mapping[Node, bool]]:
        """By child and parent, in the order of the edges: whether one is more than influence."""
        works, above, influences, _ = self.places
        return {
            works[child]: {works[parent]: (child, parent) not in influences for parent in out}
            for child, out in enumerate(above)
            if out
        }

    @cached_property
    def generation(self) -> Mapping[Node, int]:
        """By work: its nearest generation, 0 for the root, 1 for what it was made from."""
        return dict(zip(self._named(self._nearest), self._nearest.values(), strict=True))

    @cached_property
    def direct(self) -> frozenset[Node]:
        """The works reachable from the root without an edge of mere influence."""
        works, above, influences, _ = self.places
        if not influences:
            return frozenset(self.generation)
        used = list(above)
        for child, _ in influences:
            used[child] = [to for to in above[child] if (child, to) not in influences]
        return frozenset(map(works.__getitem__, _breadth_first(used)))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every work, each before its parents; raises LineageCycle, which names the cycle."""
        ordered = self.ordered.places
        if len(ordered) < len(self.places.works):
            left = set(self.places.works).difference(self._named(ordered))
            raise LineageCycle(tuple(map(str, _cycle(self.parents, left))))
        return self._named(ordered)

    def above(self, work: Node) -> tuple[Node, ...]:
        """A work and all of its ancestors, each before its parents."""
        return self._named(self.places_above(work))

    def places_above(self, work: Node) -> list[int]:
        """The places of a work and all of its ancestors, each before its parents."""
        if work == self.nodes[0] and self.ordered.ends == 1:
            return self.ordered.places
        reached = _breadth_first(self.places.above, self._place[work])
        return [place for place in self.ordered.places if place in reached]

    @cached_property
    def pair_count(self) -> int:
        """How many pairs of works have an edge, or several, between them."""
        return sum(map(len, self.places.above))

    # -- paths -----------------------------------------------------------------------------

    @cached_property
    def path_count(self) -> Mapping[Node, int]:
        """By work: how many paths lead to it from the root, at most MANY.

        Several edges between the same two works count as one.
        """
        above = self.places.above
        count = [0] * len(above)
        count[0] = 1
        for place in self.ordered.places:
            if own := count[place]:
                for parent in above[place]:
                    more = count[parent] + own
                    count[parent] = more if more < MANY else MANY  # noqa: FURB136 - a call takes longer
        return dict(zip(self.generation, map(count.__getitem__, self._nearest), strict=True))

    def ends_of(self, path: Path[Node]) -> Ends[Node]:
        """A path as answers show it: whole, or both ends of a long one."""
        return self._ends(self.placed(path))

    def _ends(self, path: Sequence[int]) -> Ends[Node]:
        left_out, influences = len(path) - 2 * SHOWN_OF_END, self.places.influences
        is_direct = not influences or influences.isdisjoint(pairwise(path))
        if left_out > 0:
            path = (*path[:SHOWN_OF_END], *path[-SHOWN_OF_END:])
        return Ends(self._named(path), max(0, left_out), is_direct)

    def paths(self, works: Iterable[Node], limit: int) -> list[Path[Node]]:
        """The shortest paths from the root to any of these works, the shortest first."""
        return [self._named(path) for path in islice(self._each_path(works, limit), limit)]

    def shown_paths(self, works: Iterable[Node], limit: int) -> list[Ends[Node]]:
        """Those of them that are no longer than an end; if none is, only the shortest."""
        generation = self.generation.__getitem__
        first = sorted(works, key=lambda work: (generation(work), work))
        near = [work for work in first if generation(work) < SHOWN_OF_END]
        if not near:
            return [self.nearest_path(work) for work in first[:1]]
        found = self._each_path(near, limit, SHOWN_OF_END)
        return [self._ends(path) for path in islice(found, limit)]

    def _each_path(
        self, works: Iterable[Node], limit: int, longest: int = MANY
    ) -> Iterator[list[int]]:
        """The shortest paths one by one, of at most ``longest`` works.

        No more than ``limit`` paths may be taken: others are not looked for.
        """
        # A* search from the works to the root; the generation is the exact distance left, so
        # nothing is explored in vain. Ties are broken by the longest partial path, or the heap
        # would fill with the very many others of the same length.
        nearest, below = self._nearest, self._below
        heap: list[tuple[int, int, int, _Step]] = [
            (nearest[place], -1, number, (place, None))
            for number, place in enumerate(self.placed(works))
        ]
        heapq.heapify(heap)
        number = len(heap)
        while heap:
            steps, behind, _, step = heapq.heappop(heap)
            if steps >= longest:
                return
            # The nearest child would be popped next anyway, so it is followed at once.
            while step[0]:
                behind -= 1
                children = below[step[0]]
                for child in children[1:limit] if len(children) > 1 else ():  # each begins a path
                    number += 1
                    heapq.heappush(
                        heap, (nearest[child] - behind - 1, behind, number, (child, step))
                    )
                step = children[0], step
            yield _onwards(step)

    def nearest_path(self, work: Node) -> Ends[Node]:
        """The shortest path from the root to a work, as answers show it."""
        place = self._place[work]
        begun, end = self._begin(place), [place]
        length = self._nearest[place] + 1
        while len(end) < min(SHOWN_OF_END, length - len(begun.works)):
            end.append(self._below[end[-1]][0])
        end = end[: length - len(begun.works)]
        left_out = length - len(begun.works) - len(end)
        return Ends((*begun.works, *self._named(reversed(end))), left_out, begun.is_direct)

    def _begin(self, place: int) -> Ends[Node]:
        """The first works of the shortest path to a place, cached for every place along it."""
        begun, unknown = self._begun, list[int]()
        while place not in begun:
            unknown.append(place)
            place = self._below[place][0]
        last, (works, _, influences, _) = begun[place], self.places
        for pair in pairwise((place, *reversed(unknown))):
            parent, is_direct = pair[1], last.is_direct and pair not in influences
            is_full = len(last.works) == SHOWN_OF_END
            path = last.works if is_full else (*last.works, works[parent])
            last = begun[parent] = Ends(path, 0, is_direct)
        return last

    @cached_property
    def _begun(self) -> dict[int, Ends[Node]]:
        return {0: Ends((self.root,), 0, True)}


_Step = tuple[int, "_Step | None"]
"""A place on a path and the steps after it: a linked list, shared by paths with the same end."""


def _onwards(step: _Step | None) -> list[int]:
    """The places from here to the end of the path."""
    path = list[int]()
    while step is not None:
        path.append(step[0])
        step = step[1]
    return path


def _breadth_first(above: Sequence[Iterable[int]], root: int = 0) -> dict[int, int]:
    """By reachable place: the distance from the root."""
    distance, queue = {root: 0}, [root]
    # The loop continues over what it appends.
    for place in queue:
        following = distance[place] + 1
        for other in above[place]:
            if other not in distance:
                distance[other] = following
                queue.append(other)
    return distance


def _cycle(parents: Mapping[Node, Iterable[Node]], among: set[Node]) -> tuple[Node, ...]:
    """One cycle, from a work through parents back to itself.

    Every work in ``among`` has a child there, so following children must return to a work.
    """
    child_of: dict[Node, Node] = {}
    for child in among & set(parents):
        for parent in among & set(parents[child]):
            # The alphabetically first child, so that the same graph always gives the same cycle.
            child_of[parent] = min(child, child_of.get(parent, child), key=str)
    place: dict[Node, int] = {}
    walk = [min(among, key=str)]
    while walk[-1] not in place:
        place[walk[-1]] = len(walk) - 1
        walk.append(child_of[walk[-1]])
    return tuple(reversed(walk[place[walk[-1]] :]))
