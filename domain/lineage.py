"""A lineage: a work and everything it was made from, as one immutable graph to walk.

Everything follows from its root and its edges; nothing is read from a store.

The works are numbers where it comes from the read tables, and ids everywhere else.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from typing import Generic, NamedTuple, TypeVar

from domain.money.payee import Payee
from domain.refusal import BadGraph, LineageCycle

Node = TypeVar("Node", bound=Hashable)
Path = tuple[Node, ...]
Holders = tuple[tuple[str, Fraction], ...]
"""Payees, and the share of each in a work."""

MANY = 1 << 53
"""Paths are counted up to here, where numbers end that every JSON reader takes exactly."""

SHOWN_OF_END = 12
"""How many works of a long path are shown at either end."""

exact = lru_cache(maxsize=4096)(Fraction)
"""A rate as a number; the same few are stated again and again."""
_ALL = Fraction(1)


class Edge(NamedTuple, Generic[Node]):
    """The child was made from the parent."""

    child: Node
    parent: Node
    kind: str = ""
    rate: str | None = None
    """The part of the child that goes to the parent, exactly as stated."""
    id: str = ""
    state: str = ""


class Ends(NamedTuple, Generic[Node]):
    """The beginning and the end of a path, and how many works are left out between them."""

    works: Path[Node]
    left_out: int
    is_direct: bool
    """Whether no edge of the path is one of mere influence."""


def once(stated: Iterable[tuple[Edge[Node], tuple[Node, Node]]]) -> list[Edge[Node]]:
    """The edges between nodes, with the two works that each was stated of.

    What was said alike of works that are one, in kind and rate, counts once: what either posting
    of a piece owes its source, the piece owes once. It counts as often as it was said of two of
    them, and is in dispute if one is.
    """
    alike: dict[Edge[Node], dict[tuple[Node, Node], list[Edge[Node]]]] = {}
    for edge, works in stated:
        same = alike.setdefault(edge._replace(id="", state=""), {})
        same.setdefault(works, []).append(edge)
    return [edge for same in alike.values() for edge in max(same.values(), key=_weight)]


def _weight(edges: Sequence[Edge[Node]]) -> tuple[int, bool]:
    return len(edges), any(edge.state == "disputed" for edge in edges)


@dataclass(frozen=True)
class Lineage(Generic[Node]):
    """A work and everything it was made from, through every generation."""

    root: Node
    edges: tuple[Edge[Node], ...] = ()
    people: Mapping[Node, Holders] = field(default_factory=dict)
    """Who holds each work, where that is known."""

    def named(self, names: Mapping[Node, str]) -> Lineage[str]:
        """The same lineage with these names for the works."""
        return Lineage(
            names[self.root],
            tuple(Edge(names[each.child], names[each.parent], *each[2:]) for each in self.edges),
            {names[work]: holders for work, holders in self.people.items()},
        )

    def with_default(self, rate: str | None) -> Lineage[Node]:
        """The same lineage, with this rate on every edge that states none."""
        edges = (each._replace(rate=rate) if each.rate is None else each for each in self.edges)
        return replace(self, edges=tuple(edges))

    # -- what was made from what -----------------------------------------------------------

    @cached_property
    def parents(self) -> Mapping[Node, Mapping[Node, bool]]:
        """Each work's parents, each once, and whether any edge to it is more than an influence.

        They are in the order of the edges.
        """
        parents: dict[Node, dict[Node, bool]] = {}
        for child, parent, kind, *_ in self.edges:
            to = parents.get(child)
            if to is None:
                to = parents[child] = {}
            to[parent] = kind != "influence" or to.get(parent, False)
        return parents

    @cached_property
    def edges_of(self) -> Mapping[Node, Sequence[int]]:
        """By child: the places of its edges among all."""
        places: dict[Node, list[int]] = {}
        for place, edge in enumerate(self.edges):
            places.setdefault(edge.child, []).append(place)
        return places

    @cached_property
    def children(self) -> Mapping[Node, list[Node]]:
        """Each work's children within the lineage of the root, the nearest to it first."""
        found: dict[Node, list[Node]] = {}
        near = (child for child in self.parents if child in self.generation)
        # Sorting is stable: children of one generation stay in the order of the edges.
        for child in sorted(near, key=self.generation.__getitem__):
            for parent in self.parents[child]:
                found.setdefault(parent, []).append(child)
        return found

    @cached_property
    def generation(self) -> Mapping[Node, int]:
        """The nearest generation of each work: 0 for the root, 1 for what it was made from."""
        return _breadth_first(self.root, self.parents)

    @cached_property
    def direct(self) -> frozenset[Node]:
        """The works that are reached without an edge of mere influence."""
        if all(edge.kind != "influence" for edge in self.edges):
            return frozenset(self.generation)
        used = {
            child: [parent for parent, is_used in to.items() if is_used]
            for child, to in self.parents.items()
        }
        return frozenset(_breadth_first(self.root, used))

    def is_direct(self, path: Path[Node]) -> bool:
        """Whether a path from the root has no edge of mere influence."""
        return all(self.parents[child][parent] for child, parent in pairwise(path))

    def ends_of(self, path: Path[Node]) -> Ends[Node]:
        """A path as an answer shows it: whole, or both of its ends."""
        left_out, is_direct = len(path) - 2 * SHOWN_OF_END, self.is_direct(path)
        if left_out <= 0:
            return Ends(path, 0, is_direct)
        return Ends((*path[:SHOWN_OF_END], *path[-SHOWN_OF_END:]), left_out, is_direct)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every work, each before its parents; a cycle is refused and named.

        Source: A. B. Kahn, Topological sorting of large networks (1962).
        """
        children = dict.fromkeys((self.root, *self.parents), 0)
        for out in self.parents.values():
            for parent in out:
                children[parent] = children.get(parent, 0) + 1
        ordered = [node for node, count in children.items() if not count]
        # The loop goes on over what it appends.
        for node in ordered:
            for parent in self.parents.get(node, ()):
                children[parent] -= 1
                if not children[parent]:
                    ordered.append(parent)
        if len(ordered) < len(children):
            left = {node for node, count in children.items() if count}
            raise LineageCycle(tuple(map(str, _cycle(self.parents, left))))
        return tuple(ordered)

    def above(self, work: Node) -> tuple[Node, ...]:
        """A work and all of its ancestors, each before its parents."""
        if work == self.root == self.nodes[0] and self._has_one_end:
            return self.nodes
        reached = {work}
        ordered = []
        for node in self.nodes:
            if node in reached:
                ordered.append(node)
                reached.update(self.parents.get(node, ()))
        return tuple(ordered)

    @cached_property
    def _has_one_end(self) -> bool:
        """Whether all works but one have children, so that all are ancestors of that one."""
        parents = {parent for out in self.parents.values() for parent in out}
        return len(parents) == len(self.nodes) - 1

    @cached_property
    def pair_count(self) -> int:
        """How many pairs of works are joined, by one edge or several."""
        return sum(map(len, self.parents.values()))

    # -- paths -----------------------------------------------------------------------------

    @cached_property
    def path_count(self) -> Mapping[Node, int]:
        """How many paths lead from the root to each work, or MANY if there are as many or more.

        Two edges of a pair are one path.
        """
        missing = {work: len(children) for work, children in self.children.items()}
        count = dict.fromkeys(self.generation, 0) | {self.root: 1}
        ready = [self.root]
        while ready:
            work = ready.pop()
            own = count[work]
            for parent in self.parents.get(work, ()):
                count[parent] += own
                count[parent] = min(count[parent], MANY)
                missing[parent] -= 1
                if not missing[parent]:
                    ready.append(parent)
        return count

    def paths(self, works: Iterable[Node], limit: int) -> list[Path[Node]]:
        """The shortest paths from the root to any of these works, the shortest first."""
        return [*islice(self.each_path(works, limit), limit)]

    def each_path(
        self, works: Iterable[Node], limit: int, longest: int = MANY
    ) -> Iterator[Path[Node]]:
        """The same one by one, up to so many works long; ``limit`` is how many are asked for."""
        # Best first: the generation is the exact distance left, so nothing is explored in vain.
        # Among equals the longest path is finished first: there may be very many of them.
        heap: list[tuple[int, int, int, _Step[Node]]] = [
            (self.generation[work], -1, number, _Step(work)) for number, work in enumerate(works)
        ]
        heapq.heapify(heap)
        number = len(heap)
        while heap:
            steps, behind, _, step = heapq.heappop(heap)
            if steps >= longest:
                return
            if step.work == self.root:
                yield tuple(step.onwards())
                continue
            for child in self.children[step.work][:limit]:  # each of them begins a path
                number += 1
                length = self.generation[child] - behind
                heapq.heappush(heap, (length, behind - 1, number, _Step(child, step)))

    def nearest_path(self, work: Node) -> Ends[Node]:
        """The shortest path from the root to a work, as an answer shows it."""
        begun, end = self._begin(work), [work]
        length = self.generation[work] + 1
        while len(end) < min(SHOWN_OF_END, length - len(begun.works)):
            end.append(self.children[end[-1]][0])
        end = end[: length - len(begun.works)]
        left_out = length - len(begun.works) - len(end)
        return Ends((*begun.works, *reversed(end)), left_out, begun.is_direct)

    def _begin(self, work: Node) -> Ends[Node]:
        """How the shortest path to a work begins; those far away share it with others."""
        begun, unknown = self._begun, list[Node]()
        while work not in begun:
            unknown.append(work)
            work = self.children[work][0]
        last = begun[work]
        for child, parent in pairwise((work, *reversed(unknown))):
            is_direct = last.is_direct and self.parents[child][parent]
            works = last.works if len(last.works) == SHOWN_OF_END else (*last.works, parent)
            last = begun[parent] = Ends(works, 0, is_direct)
        return last

    @cached_property
    def _begun(self) -> dict[Node, Ends[Node]]:
        return {self.root: Ends((self.root,), 0, True)}

    # -- rates and people ------------------------------------------------------------------

    @cached_property
    def rates(self) -> Mapping[Node, Mapping[Node, Fraction | None]]:
        """The rate from each work to each parent, if one is known.

        The rates of edges between the same two works are summed; if one states none, there is none.
        """
        rates: dict[Node, dict[Node, Fraction | None]] = {}
        for edge in self.edges:
            out = rates.setdefault(edge.child, {})
            rate = None if edge.rate is None else exact(edge.rate)
            if edge.parent in out:
                known = out[edge.parent]
                rate = None if known is None or rate is None else known + rate
            out[edge.parent] = rate
        return rates

    @cached_property
    def ratios(self) -> Mapping[Node, tuple[tuple[Node, int, int], ...]]:
        """Each child's parents with their rates as numerator and denominator.

        A policy that needs rates reads them here: an edge without one is refused.
        """
        if len(self.edges) != self.pair_count or any(edge.rate is None for edge in self.edges):
            return {child: tuple(_ratios(child, out)) for child, out in self.rates.items()}
        found: dict[Node, list[tuple[Node, int, int]]] = {}
        for edge in self.edges:  # nothing is to be summed
            found.setdefault(edge.child, []).append((edge.parent, *_ratio(edge.rate or "")))
        return {child: tuple(out) for child, out in found.items()}

    def holders(self, node: Node) -> Holders:
        """Who holds a work, and in which shares; one without people is its own payee."""
        return self.people.get(node) or ((str(node), _ALL),)


class _Step(Generic[Node]):
    """A work on a path, and what follows it: paths with the same end share it."""

    __slots__ = ("after", "work")

    def __init__(self, work: Node, after: _Step[Node] | None = None) -> None:
        self.work, self.after = work, after

    def onwards(self) -> Iterator[Node]:
        """The works from here to the end of the path."""
        step: _Step[Node] | None = self
        while step is not None:
            yield step.work
            step = step.after


def equal_holders(work: str, people: Sequence[str]) -> Holders:
    """The holders of a recorded work: its people in equal shares or, without people, itself."""
    return tuple(
        (one, Fraction(1, len(people) or 1)) for one in people or (str(Payee("work", work)),)
    )


@lru_cache(maxsize=4096)
def _ratio(rate: str) -> tuple[int, int]:
    return exact(rate).as_integer_ratio()


def _ratios(child: Node, out: Mapping[Node, Fraction | None]) -> Iterator[tuple[Node, int, int]]:
    for parent, rate in out.items():
        if rate is None:
            raise BadGraph("graph.edges", f"the edge from “{child}” to “{parent}” has no rate")
        yield parent, rate.numerator, rate.denominator


def _breadth_first(root: Node, parents: Mapping[Node, Iterable[Node]]) -> dict[Node, int]:
    distance, queue = {root: 0}, [root]
    # The loop goes on over what it appends.
    for work in queue:
        following = distance[work] + 1
        for other in parents.get(work, ()):
            if other not in distance:
                distance[other] = following
                queue.append(other)
    return distance


def _cycle(parents: Mapping[Node, Iterable[Node]], among: set[Node]) -> tuple[Node, ...]:
    """One cycle, from a work back to itself through its parents.

    Every work in ``among`` has a child there, so going from child to child must return.
    """
    child_of: dict[Node, Node] = {}
    for child in among & set(parents):
        for parent in among & set(parents[child]):
            # The first by name, so that the same graph always names the same cycle.
            child_of[parent] = min(child, child_of.get(parent, child), key=str)
    place: dict[Node, int] = {}
    walk = [min(among, key=str)]
    while walk[-1] not in place:
        place[walk[-1]] = len(walk) - 1
        walk.append(child_of[walk[-1]])
    return tuple(reversed(walk[place[walk[-1]] :]))
