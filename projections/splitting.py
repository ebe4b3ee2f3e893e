"""Splitting: the recorded lineage and credits as the graph that a policy divides an amount over.

The one rule: an edge has the rate that was agreed for it, or the one that whoever asks states for
edges without one; a work is shared equally by the people credited directly on it, and one without
people is a payee itself.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from domain.money.payee import work_payee
from domain.policy.graph import Graph, graph_of
from domain.remix import exact_rate
from projections import attribution, lineage
from projections.store import Store, View


def graph_at(view: View, id: str, default_rate: str | None = None) -> Graph:
    """A work's lineage and people, as known at the view's position."""
    root = lineage.find(view, id).number
    edges = lineage.edges_above(view, root, "e.child, e.parent, e.rate, e.id")
    works = {root, *(end for edge in edges for end in edge[:2])}
    ids = lineage.ids_of(view, works)
    stated = exact_rate(default_rate)
    people: dict[int, dict[int, None]] = {}
    for row in attribution.credits_on(view, works):
        if row.kind == "direct":
            people.setdefault(row.work, {})[row.contributor] = None
    persons = attribution.persons(view, {each for held in people.values() for each in held})
    return graph_of(
        id,
        [
            (ids[child], ids[parent], None if rate is None else Fraction(rate))
            for child, parent, rate in (
                (child, parent, rate if rate is not None else stated)
                for child, parent, rate, _ in edges
            )
        ],
        {
            ids[work]: _holders(ids[work], [persons[each]["id"] for each in people.get(work, ())])
            for work in sorted(works)
        },
    )


def _holders(work: str, people: list[str]) -> list[tuple[str, Fraction]]:
    if not people:
        return [(work_payee(work), Fraction(1))]
    return [(person, Fraction(1, len(people))) for person in people]


def graph_in(
    store: Store, catch_up: Callable[[], int], work: str, position: int, default_rate: str | None
) -> Graph:
    """The graph as known at a position, once everything up to there is folded."""
    if store.current().position < position:
        catch_up()
    with store.view(position) as view:
        return graph_at(view, work, default_rate)
