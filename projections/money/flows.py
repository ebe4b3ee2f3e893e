"""Flows: what of a finished work goes back over each edge of its lineage, for a picture's lines.

The one rule: a rate counts as it is on record. Where none is, nothing is known to go that way; only
the parts of a finished work count alike then, with its own people as one part more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import networkx as nx

_FINEST = 10**12
"""A share is told to the millionth of a millionth, or its digits would grow with every generation.
It is looked at; nobody is paid by it."""


class Flows(NamedTuple):
    """Shares of the whole; None where no rate on record leads."""

    kept: dict[str, Fraction | None]
    """What is left in each work for its own people, by its id."""
    over: list[Fraction | None]
    """What goes over each edge, to the parent and all behind it, in the order of the edges."""
    has_alike: bool
    """Parts of a finished work state no rate and were taken alike."""
    has_unknown: bool
    """Other edges state no rate, and what goes over them is not known."""


def flows(told: Mapping[str, Any]) -> Flows:
    """The flows over a lineage, as ``lineage_with_makers`` and the roll tell it."""
    edges, nodes = told["edges"], {node["id"]: node for node in told["nodes"]}
    reached, kept = {told["root"]: Fraction(1)}, dict[str, Fraction | None].fromkeys(nodes)
    over: list[Fraction | None] = [None] * len(edges)
    has_alike = has_unknown = False
    for id, places in _before_parents(told):
        rates = _rates(nodes[id], [edges[place] for place in places])
        for place, rate in zip(places, rates, strict=True):
            has_unknown |= rate is None
            if id in reached and rate is not None:
                has_alike |= edges[place]["rate"] is None
                parent = edges[place]["parent"]
                goes = over[place] = Fraction(round(reached[id] * rate * _FINEST), _FINEST)
                reached[parent] = reached.get(parent, Fraction()) + goes
        if id in reached:
            kept[id] = reached[id] * (1 - sum(filter(None, rates), Fraction()))
    return Flows(kept, over, has_alike, has_unknown)


def through(told: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """By way of which direct parents of the root each work is in it, and in which proportion.

    Only how a whole that is known is told apart depends on it, so here every edge without a rate
    counts alike, and nothing is too little to count.
    """
    edges, ways = told["edges"], dict[str, dict[str, int]]()
    for id, places in _before_parents(told):
        stated = [edges[place]["rate"] for place in places]
        alike = _alike([None if rate is None else Fraction(rate) for rate in stated], 0)
        for place, rate in zip(places, alike, strict=True):
            parent, (over, under) = edges[place]["parent"], rate.as_integer_ratio()
            came = {parent: _FINEST} if id == told["root"] else ways.get(id, {})
            onward = ways.setdefault(parent, {})
            for way, part in came.items():
                onward[way] = onward.get(way, 0) + max(1, part * over // under)
    return ways


def _before_parents(told: Mapping[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """Every work before those it was made from, with the places of its edges to them."""
    leaving: dict[str, list[int]] = {}
    for place, edge in enumerate(told["edges"]):
        leaving.setdefault(edge["child"], []).append(place)
    graph: nx.DiGraph[str] = nx.DiGraph((edge["child"], edge["parent"]) for edge in told["edges"])
    graph.add_node(told["root"])
    for id in nx.topological_sort(graph):
        yield id, leaving.get(id, [])


def _rates(work: Mapping[str, Any], edges: Sequence[Mapping[str, Any]]) -> list[Fraction | None]:
    """The rate of each edge from a work to what it was made from, if one is known."""
    stated = [None if edge["rate"] is None else Fraction(edge["rate"]) for edge in edges]
    if work["kind"] != "release":
        return stated
    return [*_alike(stated, bool(work["contributors"]))]


def _alike(stated: Sequence[Fraction | None], more: int) -> list[Fraction]:
    """Those without a rate share alike in what the others leave, with so many parts more."""
    parts = stated.count(None) + more
    left = 1 - sum(filter(None, stated), Fraction())
    return [left / parts if rate is None else rate for rate in stated]
