"""A lineage as JSON, in pages: each work with its edges to the works it was made from directly.

A page reads only what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from domain.dates import is_surely_before
from domain.lineage import Edge
from projections import billing, lineage
from projections.ancestry import edges_of, in_order, nearest
from projections.pages import bytes_of, decode_cursor, encode_cursor
from projections.store import View
from projections.told import LineageTold, Node, WorkRef

MOST_BYTES = 250_000
"""The most JSON in a page, unless a single work or edge is longer."""
MOST_MAKERS = 100
"""How many direct credits are shown with a work; the answer about the work itself has more."""
READ_TOGETHER = 400
"""How many works are read at once."""


class Part(NamedTuple):
    """A work, or one of its edges."""

    place: int
    """The place of the work in the lineage, from 0, nearest first."""
    number: int
    """0 for the work itself; its edges count from 1."""
    edge: Edge[int] | None
    told: Any


def page(view: View, id: str, after: str | None = None) -> LineageTold:
    """A page of the lineage of a work, the nearest works first."""
    root = lineage.find(view, id)
    place, number = decode_cursor(after, int, int) or [0, 0]
    nodes, edges, size, following = list[Node](), list[tuple[Edge[int], Any]](), 0, None
    for part in _parts(view, root.number, max(0, place)):
        if part[:2] < (place, number):
            continue
        size += bytes_of(part.told)
        if size > MOST_BYTES and (nodes or edges):
            following = encode_cursor(*part[:2])
            break
        if part.edge is None:
            nodes.append(part.told)
        else:
            edges.append((part.edge, part.told))
    edges.sort(key=lambda one: in_order(one[0]))
    return {
        "root": root.id,
        "nodes": nodes,
        "edges": [told for _, told in edges],
        "next": following,
    }


def _parts(view: View, root: int, first: int) -> Iterator[Part]:
    """From the place ``first`` on, each work, nearest first, followed by its edges."""
    works, place = nearest(view, root, first), first
    while batch := dict(islice(works, READ_TOGETHER)):
        yield from _read(view, batch, place)
        place += len(batch)


def _read(view: View, works: Mapping[int, int], first: int) -> Iterator[Part]:
    """The parts of works, given with their generations; ``first`` is the place of the first."""
    edges = edges_of(view, works)
    known = lineage.references(view, {edge.parent for edge in edges}.union(works))
    made = billing.makers(view, works)
    own: dict[int, list[Edge[int]]] = {}
    for edge in edges:
        own.setdefault(edge.child, []).append(edge)
    for place, (work, generation) in enumerate(works.items(), first):
        makers = made.get(work, [])
        told = {
            **known[work],
            "generation": generation,
            "contributors": makers[:MOST_MAKERS],
            "contributors_left_out": max(0, len(makers) - MOST_MAKERS),
        }
        yield Part(place, 0, None, told)
        for number, edge in enumerate(own.get(work, ()), 1):
            yield Part(place, number, edge, _edge(edge, known))


def _edge(edge: Edge[int], known: Mapping[int, WorkRef]) -> dict[str, Any]:
    child, parent = known[edge.child], known[edge.parent]
    return {
        "id": edge.id,
        "child": child["id"],
        "parent": parent["id"],
        "kind": edge.kind,
        "rate": edge.rate,
        "state": edge.state,
        "suspect_dates": is_surely_before(child["made_at"], parent["made_at"]),
    }
