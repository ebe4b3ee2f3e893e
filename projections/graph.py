"""A lineage as JSON, in pages: each work with its edges to what it was made from directly.

A page reads what it shows, and no more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, cast

from domain.dates import is_surely_before
from domain.lineage import Lineage
from projections import attribution, lineage
from projections.ancestry import numbered
from projections.store import View, bytes_of, decode_cursor, encode_cursor
from projections.told import EdgeTold, LineageTold, Node, WorkRef

MOST_BYTES = 250_000
"""How long a page is as JSON, at most, but for a single work or edge."""
MOST_MAKERS = 100
"""How many of those credited on a work are shown in it; the work itself has all."""
READ_TOGETHER = 200
"""How many works are read at once."""

Part = tuple[int | None, dict[str, Any]]
"""A work, or an edge with its place among all."""


def page(view: View, id: str, after: str | None = None) -> LineageTold:
    """A page of the lineage of a work, the nearest works first."""
    tree = numbered(view, lineage.find(view, id).number)
    (start,) = decode_cursor(after, int) or [0]
    nodes, edges, end, size = list[Node](), list[tuple[int, EdgeTold]](), max(0, start), 0
    for place, part in _parts(view, tree, end):
        size += bytes_of(part)
        if size > MOST_BYTES and (nodes or edges):
            break
        end += 1
        if place is None:
            nodes.append(cast("Node", part))
        else:
            edges.append((place, cast("EdgeTold", part)))
    return {
        "root": lineage.ids_of(view, [tree.root])[tree.root],
        "nodes": nodes,
        "edges": [edge for _, edge in sorted(edges, key=lambda one: one[0])],
        "next": encode_cursor(end) if end < len(tree.generation) + len(tree.edges) else None,
    }


def _parts(view: View, tree: Lineage[int], start: int) -> Iterator[Part]:
    """From a place on: each work, the nearest first, and after it its own edges."""
    works = list(tree.generation)
    begins = [0, *accumulate(1 + len(tree.edges_of.get(work, ())) for work in works)]
    first = bisect_right(begins, start) - 1
    passed = start - begins[first] if first < len(works) else 0
    for place in range(first, len(works), READ_TOGETHER):
        for part in _read(view, tree, works[place : place + READ_TOGETHER]):
            if passed:
                passed -= 1
            else:
                yield part


def _read(view: View, tree: Lineage[int], works: Sequence[int]) -> Iterator[Part]:
    above = {parent for work in works for parent in tree.parents.get(work, ())}
    known = lineage.references(view, above.union(works))
    made = attribution.makers(view, works)
    for work in works:
        makers = made.get(work, [])
        yield (
            None,
            {
                **known[work],
                "generation": tree.generation[work],
                "contributors": makers[:MOST_MAKERS],
                "contributors_left_out": max(0, len(makers) - MOST_MAKERS),
            },
        )
        for place in tree.edges_of.get(work, ()):
            yield place, _edge(tree, place, known)


def _edge(tree: Lineage[int], place: int, known: Mapping[int, WorkRef]) -> dict[str, Any]:
    edge = tree.edges[place]
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
