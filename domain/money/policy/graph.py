"""The lineage a division is computed over: works, what goes from each to its parents, and people.

The one rule: there is no circle, and every work has somebody: its people, or itself as a payee.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from domain.refusal import BadGraph, BadShare, LineageCircle

Edge = tuple[str, str, Fraction | None]
"""Child, parent, and the rate that goes from the child to the parent, if one was agreed."""


@dataclass(frozen=True)
class Graph:
    """A lineage seen from its root; ``parents[child][parent]`` is the rate."""

    root: str
    parents: Mapping[str, Mapping[str, Fraction | None]]
    people: Mapping[str, tuple[tuple[str, Fraction], ...]]
    nodes: tuple[str, ...]
    """Every work, each before its parents."""

    @cached_property
    def rates(self) -> Mapping[str, tuple[tuple[str, int, int], ...]]:
        """Each child's parents with their rates as numerator and denominator.

        A policy that needs rates reads them here: an edge without one is refused.
        """
        return {
            child: tuple(
                (parent, *_rate(child, parent, rate).as_integer_ratio())
                for parent, rate in out.items()
            )
            for child, out in self.parents.items()
        }

    @cached_property
    def edge_count(self) -> int:
        """How many edges there are; several between the same two count as one."""
        return sum(map(len, self.parents.values()))

    def lineage(self, root: str) -> tuple[str, ...]:
        """The work and all of its ancestors, each before its parents."""
        reached = {root}
        ordered = []
        for node in self.nodes:
            if node in reached:
                ordered.append(node)
                reached.update(self.parents.get(node, ()))
        return tuple(ordered)

    def holders(self, node: str) -> tuple[tuple[str, Fraction], ...]:
        """Whose a work is, and in which shares; one without people is its own payee."""
        return self.people.get(node) or ((node, Fraction(1)),)


def _rate(child: str, parent: str, rate: Fraction | None) -> Fraction:
    """The rate of an edge, if one was agreed."""
    if rate is None:
        raise BadGraph("graph.edges", f"the edge from “{child}” to “{parent}” has no rate")
    return rate


def graph_of(
    root: str, edges: Iterable[Edge], people: Mapping[str, Iterable[tuple[str, Fraction]]]
) -> Graph:
    """A graph from its edges, refused by name if it can't be one.

    Edges between the same two works add up to one; if any of them has no rate, neither has that.
    """
    parents: dict[str, dict[str, Fraction | None]] = {}
    nodes = {root}
    for child, parent, rate in edges:
        nodes.update((child, parent))
        out = parents.setdefault(child, {})
        if parent not in out:
            out[parent] = rate
        else:
            known = out[parent]
            out[parent] = None if known is None or rate is None else known + rate
    if parents and not any(root == node or root in out for node, out in parents.items()):
        raise BadGraph("graph.root", f"no edge leads from or to “{root}”")
    held = {node: tuple(holders) for node, holders in people.items()}
    for node, holders in held.items():
        if node not in nodes:
            raise BadGraph("graph.people", f"“{node}” is neither the root nor on an edge")
        total = sum((share for _, share in holders), Fraction())
        if total != 1:
            raise BadShare(f"graph.people ({node})", total, "the shares must add up to exactly 1")
    return Graph(root, parents, held, _ordered(root, parents))


def _ordered(root: str, parents: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Every work, each before its parents; a circle can't be ordered and is refused by name.

    Source: A. B. Kahn, Topological sorting of large networks (1962).
    """
    children = dict.fromkeys((root, *parents), 0)
    for out in parents.values():
        for parent in out:
            children[parent] = children.get(parent, 0) + 1
    ordered = [node for node, count in children.items() if not count]
    # The loop goes on over what it appends.
    for node in ordered:
        for parent in parents.get(node, ()):
            children[parent] -= 1
            if not children[parent]:
                ordered.append(parent)
    if len(ordered) < len(children):
        raise LineageCircle(_circle(parents, {node for node, left in children.items() if left}))
    return tuple(ordered)


def _circle(parents: Mapping[str, Mapping[str, object]], among: set[str]) -> tuple[str, ...]:
    """One circle, from a work to itself by way of its parents.

    Every work in ``among`` has a child there, so going from child to child must come round.
    """
    child_of: dict[str, str] = {}
    for child in among & set(parents):
        for parent in among & set(parents[child]):
            # The first by name, so that the same graph always names the same circle.
            child_of[parent] = min(child, child_of.get(parent, child))
    place: dict[str, int] = {}
    walk = [min(among)]
    while walk[-1] not in place:
        place[walk[-1]] = len(walk) - 1
        walk.append(child_of[walk[-1]])
    return tuple(reversed(walk[place[walk[-1]] :]))
