"""Split: an amount divided over the lineage of a work by the relative cascade, to the last unit.

The works are those with the most ancestors in a random sample of a generated graph in memory. All
find the lineage, compute exactly what each work keeps, and round by largest remainder. Ours checks
rates and cycles and computes over one common denominator. The peers keep a ``Fraction`` for each
work: networkx by its descendants and its topological sort over a DiGraph of everything, and the
same pass by hand.

"Sparse" and "dense" are the two shapes of generated communities; no database takes part.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from random import Random

import networkx as nx

from domain.lineage import Edge, Lineage, edge_of
from domain.money.apportionment import Division, divide
from domain.money.policy.cascade import RelativeCascade
from domain.money.split import split
from scripts.benchmarks.measure import (
    Result,
    Size,
    at_most,
    in_turns,
    percentiles,
)
from scripts.generate import DENSE, TYPICAL, Piece, Shape, community

PIECES = {"small": 2_000, "full": 1_000_000}
DRAWN = {"small": 200, "full": 5_000}
"""The size of the sample from which the worst are taken."""
WORST = {"small": 10, "full": 100}
WARM_UP = 3
AMOUNT_MINOR = 10**9
STATED = ("1/10", "1/8", "1/12", "3/20", "1/5")
"""What goes to a source, as it is on record; that of a piece never exceeds the whole."""
RATES = {text: Fraction(text) for text in STATED}


def measure(size: Size, database: str) -> Iterator[Result]:  # noqa: ARG001 - all have one signature
    """Milliseconds, median and 99th percentile."""
    for name, shape in (("sparse", TYPICAL), ("dense", DENSE)):
        works = Works(PIECES[size], shape)
        # The collector would search the whole graph while the methods are timed.
        gc.freeze()
        try:
            worst, ancestors = works.worst(DRAWN[size], WORST[size])
            which = (
                f"the worst of a {name} graph of {PIECES[size]:,} works, ≤ {ancestors:,} ancestors"
            )
            yield from works.compare(which, worst)
        finally:
            gc.unfreeze()


class Works:
    """Works with their sources and rates, for us and for networkx."""

    def __init__(self, pieces: int, shape: Shape) -> None:
        self.sources: dict[str, tuple[tuple[str, str], ...]] = {}
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        for item in community(pieces, shape=shape):
            if isinstance(item, Piece):
                first = len(self.sources)
                self.sources[item.id] = tuple(
                    (work, STATED[(first + place) % len(STATED)])
                    for place, (work, _) in enumerate(item.sources)
                )
                self.graph.add_node(item.id)
        for child, sources in self.sources.items():
            self.graph.add_edges_from(
                (child, parent, {"rate": RATES[rate]}) for parent, rate in sources
            )

    def edges(self, root: str) -> list[Edge[str]]:
        """Every edge of a lineage."""
        reached, found = {root}, [root]
        edges: list[Edge[str]] = []
        # The loop continues over what it appends.
        for child in found:
            for parent, rate in self.sources[child]:
                edges.append(edge_of((child, parent, "", rate, "", "")))
                if parent not in reached:
                    reached.add(parent)
                    found.append(parent)
        return edges

    def worst(self, drawn: int, count: int) -> tuple[list[str], int]:
        """Of a random sample of works, those with the most ancestors; and the highest number."""
        some = Random(drawn).sample(sorted(self.sources), drawn)
        ancestors = {work: len({edge.parent for edge in self.edges(work)}) for work in some}
        worst = sorted(some, key=lambda work: -ancestors[work])[:count]
        return worst, ancestors[worst[0]]

    def ours(self, root: str) -> Division:
        """As the service divides it."""
        lineage = Lineage(root, tuple(self.edges(root)))
        return split(AMOUNT_MINOR, RelativeCascade(), lineage).division

    def by_networkx(self, root: str) -> Division:
        lineage = self.graph.subgraph({root, *nx.descendants(self.graph, root)})
        reached = dict.fromkeys(lineage, Fraction())
        reached[root] = Fraction(1)
        kept = {}
        for child in nx.topological_sort(lineage):
            keeps = Fraction(1)
            for parent, edge in self.graph[child].items():
                reached[parent] += reached[child] * edge["rate"]
                keeps -= edge["rate"]
            kept[child] = reached[child] * keeps
        return divide(AMOUNT_MINOR, kept)

    def by_fractions(self, root: str) -> Division:
        """By hand: Kahn's order and one pass."""
        waiting = {root: 0}
        for _, parent, *_ in self.edges(root):
            waiting[parent] = waiting.get(parent, 0) + 1
        reached = dict.fromkeys(waiting, Fraction())
        reached[root] = Fraction(1)
        kept = {}
        ready = [root]
        for child in ready:
            keeps = Fraction(1)
            for parent, stated in self.sources[child]:
                rate = RATES[stated]
                reached[parent] += reached[child] * rate
                keeps -= rate
                waiting[parent] -= 1
                if not waiting[parent]:
                    ready.append(parent)
            kept[child] = reached[child] * keeps
        return divide(AMOUNT_MINOR, kept)

    def compare(self, which: str, roots: Sequence[str]) -> Iterator[Result]:
        """Divide over every lineage by all three, in turns, after making sure that they agree."""
        for root in roots[:WARM_UP]:
            assert self.ours(root) == self.by_networkx(root) == self.by_fractions(root)
        methods = (self.ours, self.by_networkx, self.by_fractions)
        ours, library, by_hand = in_turns(*([partial(m, root) for root in roots] for m in methods))
        peers = {"networkx": library, "a Fraction for each work": by_hand}
        yield from percentiles(which, ours, peers, (at_most(10), ()))
