"""Splitting: the recorded lineage of a work as a graph to divide over, and who would get what.

The one rule: an edge counts unless it is struck; a work is its directly credited people's, in equal
shares, and its own payee where nobody is credited; what is not on record is never made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from domain.money.payee import work_payee
from domain.policy.graph import Graph, graph_of
from domain.refusal import SplitTooLarge
from domain.remix import exact_rate
from domain.split import MAXIMUM_EDGES
from projections import attribution, lineage
from projections.lineage import Ancestry
from projections.store import Store, View

Edge = tuple[int, int, str, str | None]
"""Child and parent by their numbers, the kind, and the rate as stated."""


@dataclass(frozen=True)
class Recorded:
    """A work's lineage as recorded: the graph, and what its ids stand for."""

    graph: Graph
    """Works by their ids; payees are ids of contributors, and ``work/ID`` for works of nobody."""
    tree: Ancestry
    ids: dict[int, str]
    """The ids of the works by their numbers in the tree."""
    works: dict[str, dict[str, Any]]
    """The works by their ids, as answers refer to them."""
    people: dict[str, str | None]
    """The names of the contributors by their ids."""


def graph_at(view: View, work: int, default_rate: Fraction | None = None) -> Recorded:
    """The lineage of the work with this number, as known at the view's position.

    An edge without a rate has the default one; without a default, a policy that needs rates refuses
    the edge by name.
    """
    columns = "e.child, e.parent, e.kind, e.rate"
    return recorded(view, work, lineage.edges_above(view, work, columns), default_rate)


def recorded(
    view: View, work: int, edges: Iterable[Any], default_rate: Fraction | None
) -> Recorded:
    """The lineage of a work made of these edges."""
    counted: list[Edge] = [tuple(edge) for edge in edges]
    if len(counted) > MAXIMUM_EDGES:
        raise SplitTooLarge("edges in a graph", MAXIMUM_EDGES)
    tree = Ancestry(work, (edge[:3] for edge in counted))
    found = lineage.references(view, tree.generation)
    ids = {number: one["id"] for number, one in found.items()}
    held: dict[int, list[int]] = {}
    for credit in attribution.credits_on(view, tree.generation):
        if credit.kind == "direct" and credit.contributor not in held.setdefault(credit.work, []):
            held[credit.work].append(credit.contributor)
    persons = attribution.persons(view, {one for people in held.values() for one in people})
    graph = graph_of(
        ids[work],
        [
            (ids[child], ids[parent], _rate(rate, default_rate))
            for child, parent, _, rate in counted
        ],
        {
            id: [(persons[one]["id"], Fraction(1, len(held[number]))) for one in held[number]]
            if number in held
            else [(work_payee(id), Fraction(1))]
            for number, id in ids.items()
        },
    )
    works = {one["id"]: one for one in found.values()}
    return Recorded(graph, tree, ids, works, {one["id"]: one["name"] for one in persons.values()})


def _rate(stated: str | None, default_rate: Fraction | None) -> Fraction | None:
    return default_rate if stated is None else Fraction(stated)


def graph_in(
    store: Store, catch_up: Callable[[], int], work: str, position: int, default_rate: str | None
) -> Graph:
    """The graph of a work as known at a position, once everything up to there is folded."""
    if store.current().position < position:
        catch_up()
    stated = exact_rate(default_rate)
    with store.view(position) as view:
        number = lineage.find(view, work).number
        return graph_at(view, number, None if stated is None else Fraction(stated)).graph
