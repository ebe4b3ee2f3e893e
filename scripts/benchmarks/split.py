"""Split: an amount divided over the lineage of a work by the relative cascade, to the last unit.

The works are those with the most ancestors in a random sample of a generated graph in memory. First
each finds the lineage and its order; then it is divided: exactly what each work keeps, rounded by
largest remainder. Dividing alone is timed as well, of a lineage at hand, such as the service
remembers. Ours checks rates and cycles and computes over one common denominator. The peer finds
the descendants and their topological sort by networkx in a DiGraph of everything, and keeps a
``Fraction`` for each work. The names of the payees are ordered only where they are listed, which is
not timed.

"Sparse" and "dense" are the two shapes of generated communities; no database takes part.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from random import Random
from typing import Any

import networkx as nx

from domain.commands.submitting import SubmitContribution
from domain.lineage import Edges, Lineage
from domain.money.apportionment import Division, divide
from domain.money.policy.cascade import RelativeCascade
from domain.money.split import split
from scripts.benchmarks.measure import Result, Size, at_most, percentiles, seconds
from scripts.generate import DENSE, TYPICAL, Habits, community
from scripts.service import settle

PIECES = {"small": 2_000, "full": 1_000_000}
DRAWN = {"small": 200, "full": 5_000}
"""The size of the random sample from which the worst works are taken."""
WORST = {"small": 10, "full": 100}
WARM_UP = 3
AMOUNT_MINOR = 10**9
STATED = ("1/10", "1/8", "1/12", "3/20", "1/5")
"""Stated rates for sources; those of one piece never add up to more than the whole."""
RATES = {text: Fraction(text) for text in STATED}

Steps = list[tuple[str, list[tuple[str, Fraction]]]]
"""Works, each before its parents, with the rates that go to the parents."""


def measure(size: Size, database: str) -> Iterator[Result]:  # noqa: ARG001 - all have one signature
    """Milliseconds, median and 99th percentile."""
    for name, shape in (("sparse", TYPICAL), ("dense", DENSE)):
        works = Works(PIECES[size], shape)
        # The collector would search the whole graph while the methods are timed.
        settle()
        try:
            worst, ancestors = works.worst(DRAWN[size], WORST[size])
            graph = f"a {name} graph of {PIECES[size]:,} works"
            which = f"the worst cases in {graph}, ≤ {ancestors:,} ancestors"
            yield from works.compare(which, worst)
        finally:
            gc.unfreeze()


class Works:
    """A community's works with their sources and rates, for us and for networkx."""

    def __init__(self, pieces: int, shape: Habits) -> None:
        self.ids: dict[int, str] = {}
        self.numbers: dict[str, int] = {}
        self.sources: list[tuple[list[int], list[str]]] = []
        """By number: the works that each was made from, and the rates that go to these."""
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        for item in community(pieces, shape=shape):
            if isinstance(item, SubmitContribution):
                self._add(str(item.id), [str(source.work) for source in item.sources])

    def _add(self, child: str, sources: Sequence[str]) -> None:
        first = self.numbers[child] = len(self.ids)
        self.ids[first] = child
        self.graph.add_node(child)
        rates = [STATED[(first + place) % len(STATED)] for place in range(len(sources))]
        for parent, rate in zip(sources, rates, strict=True):
            self.graph.add_edge(child, parent, rate=RATES[rate])
        self.sources.append(([self.numbers[parent] for parent in sources], rates))

    def edges(self, root: int) -> Edges[int]:
        """Every edge of a lineage."""
        reached, works = {root}, [root]
        children, parents, rates = list[int](), list[int](), list[str]()
        # The loop continues over what it appends.
        for child in works:
            own, stated = self.sources[child]
            parents += own
            rates += stated
            for parent in own:
                children.append(child)
                if parent not in reached:
                    reached.add(parent)
                    works.append(parent)
        alike = ("",) * len(children)
        return Edges((children, parents, alike, rates, alike, alike))

    def worst(self, drawn: int, count: int) -> tuple[list[str], int]:
        """The works with the most ancestors in a random sample, and the most ancestors of any."""
        some = Random(drawn).sample(sorted(self.numbers), drawn)
        ancestors = {id: len(set(self.edges(self.numbers[id]).columns[1])) for id in some}
        worst = sorted(some, key=lambda id: -ancestors[id])[:count]
        return worst, ancestors[worst[0]]

    def lineage(self, root: str) -> Lineage[str]:
        """A lineage as the service keeps it: its edges and what follows from them."""
        number = self.numbers[root]
        return Lineage(number, self.edges(number)).named(self.ids)

    def by_networkx(self, root: str) -> Steps:
        lineage = self.graph.subgraph({root, *nx.descendants(self.graph, root)})
        return [
            (child, [(parent, edge["rate"]) for parent, edge in self.graph[child].items()])
            for child in nx.topological_sort(lineage)
        ]

    def compare(self, which: str, roots: Sequence[str]) -> Iterator[Result]:
        """Find and divide every lineage both ways, in turns; first check that they agree."""
        ways: dict[str, tuple[Callable[[str], Any], Callable[[Any], Division]]] = {
            "ours": (self.lineage, shared),
            "networkx, a Fraction for each work": (self.by_networkx, in_fractions),
        }
        whole, alone = ({name: list[float]() for name in ways} for _ in range(2))
        for root in roots[:WARM_UP]:
            ours, theirs = (share(find(root)).units for find, share in ways.values())
            assert ours == theirs
        for root, (name, (find, share)) in product(roots, ways.items()):
            began = time.perf_counter()
            found = find(root)
            finding = time.perf_counter() - began
            sharing = seconds(partial(share, found))
            whole[name].append(1000 * (finding + sharing))
            alone[name].append(1000 * sharing)
        for said, taken in (("found and divided", whole), ("divided", alone)):
            own = taken.pop("ours")
            yield from percentiles(f"{which}, {said}", own, taken, (at_most(10), ()))


def shared(lineage: Lineage[str]) -> Division:
    """The division by the service."""
    return split(AMOUNT_MINOR, RelativeCascade(), lineage).division


def in_fractions(steps: Steps) -> Division:
    """What each work keeps as a ``Fraction``."""
    reached = {child: Fraction() for child, _ in steps}
    reached[steps[0][0]] = Fraction(1)
    kept = {}
    for child, out in steps:
        keeps = Fraction(1)
        for parent, rate in out:
            reached[parent] += reached[child] * rate
            keeps -= rate
        kept[child] = reached[child] * keeps
    return divide(AMOUNT_MINOR, kept)
