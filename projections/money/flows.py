"""Flows: how much of a release's income goes over each edge of its lineage, to be drawn.

An edge without a recorded rate has an unknown flow, except from a release: its components
then count equally, with its own people as one more part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from domain.lineage import Edge, Lineage, exact
from projections.lineage import Shown

_FINEST = 10**12
"""Shares are rounded to 1/_FINEST, because their digits would grow with every generation. They are
only drawn; no one is paid by them."""


class Flows(NamedTuple):
    """Shares of the root's income; None: unknown."""

    kept: dict[str, Fraction | None]
    """By work: the share that it keeps for its own people."""
    over: list[Fraction | None]
    """In the order of the edges: the share that goes over each to the parent."""
    has_alike: bool
    """Whether components without a rate were counted equally."""
    has_unknown: bool
    """Whether the flow over other edges without a rate is unknown."""


def flows(shown: Shown) -> Flows:
    """The flows over a lineage whose works list who is credited on them."""
    edges, root = (*shown.lineage.edges,), shown.lineage.root
    reached, kept = {root: Fraction(1)}, dict[str, Fraction | None].fromkeys(shown.works)
    over: list[Fraction | None] = [None] * len(edges)
    has_alike = has_unknown = False
    for id, indexes in _before_parents(shown.lineage):
        rates = _rates(shown.works[id], [edges[index] for index in indexes])
        for index, rate in zip(indexes, rates, strict=True):
            has_unknown |= rate is None
            if id in reached and rate is not None:
                has_alike |= edges[index].rate is None
                parent = edges[index].parent
                goes = over[index] = Fraction(round(reached[id] * rate * _FINEST), _FINEST)
                reached[parent] = reached.get(parent, Fraction()) + goes
        if id in reached:
            kept[id] = reached[id] * (1 - sum(filter(None, rates), Fraction()))
    return Flows(kept, over, has_alike, has_unknown)


def through(lineage: Lineage[str]) -> dict[str, dict[str, int]]:
    """By work and direct parent of the root: how much of the work is in the root through it.

    These are proportions of a known whole, so edges without a rate count equally here, and every
    part counts.
    """
    edges, entries = (*lineage.edges,), dict[str, dict[str, int]]()
    for id, indexes in _before_parents(lineage):
        alike = _alike(_stated([edges[index] for index in indexes]), 0)
        for index, rate in zip(indexes, alike, strict=True):
            parent, (over, under) = edges[index].parent, rate.as_integer_ratio()
            came = {parent: _FINEST} if id == lineage.root else entries.get(id, {})
            onward = entries.setdefault(parent, {})
            for entry, part in came.items():
                onward[entry] = onward.get(entry, 0) + max(1, part * over // under)
    return entries


def _before_parents(lineage: Lineage[str]) -> Iterator[tuple[str, list[int]]]:
    """Every work before its parents, with the indexes of its edges to them."""
    leaving: dict[str, list[int]] = {}
    for index, edge in enumerate(lineage.edges):
        leaving.setdefault(edge.child, []).append(index)
    for id in lineage.nodes:
        yield id, leaving.get(id, [])


def _rates(work: Mapping[str, Any], edges: Sequence[Edge[str]]) -> list[Fraction | None]:
    """The rate of each edge from a work to its parents; None if unknown."""
    if work["kind"] != "release":
        return _stated(edges)
    return [*_alike(_stated(edges), bool(work["contributors"]))]


def _stated(edges: Iterable[Edge[str]]) -> list[Fraction | None]:
    return [None if edge.rate is None else exact(edge.rate) for edge in edges]


def _alike(stated: Sequence[Fraction | None], more: int) -> list[Fraction]:
    """The rates, each missing one replaced by an equal part of the rest, with ``more`` parts."""
    parts = stated.count(None) + more
    left = 1 - sum(filter(None, stated), Fraction())
    return [left / parts if rate is None else rate for rate in stated]
