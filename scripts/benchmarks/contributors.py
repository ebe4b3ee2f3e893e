"""Contributors: who contributed to a work, the first page of the answer, over generated works.

Ours respects versions, merges and struck edges, and explains every person by paths and credits. The
peers do far less: a recursive CTE written by hand returns the ids of the credited people from the
same tables; networkx, with the whole graph in memory (which has to be loaded first), returns the
same from a set of ancestors.

"Dense" is a second community whose pieces have thousands of ancestors; its worst works are
measured.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import networkx as nx

from projections import parts
from projections.store import Store, with_tables
from scripts.benchmarks.by_hand import ANCESTORS, Plain, plain
from scripts.benchmarks.filled import filled
from scripts.benchmarks.measure import Result, Size, at_most, in_turns, percentiles
from scripts.generate import DENSE, PIECES_A_RELEASE, TYPICAL, Habits, community, id_of, record
from scripts.service import settle

PIECES = {"small": (3_000,), "full": (100_000, 1_000_000)}
DENSE_PIECES = {"small": 800, "full": 24_000}
QUESTIONS = {"small": 50, "full": 1_000}
WORST = {"small": 10, "full": 100}
WARM_UP = 30
CTE = "a hand-written CTE"

BY_HAND = f"""{ANCESTORS}    SELECT p.id FROM @contributors p WHERE p.number IN (
        SELECT c.contributor FROM @credits c WHERE c.work IN (SELECT number FROM up)
    )
"""


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds, median and 99th percentile."""
    for pieces in PIECES[size]:
        with generated("typical", pieces, database, TYPICAL) as asked:
            random = Random(pieces)
            releases = pieces // PIECES_A_RELEASE
            for family, count in (("work", pieces), ("release", releases)):
                ids = [id_of(family, random.randrange(count)) for _ in range(QUESTIONS[size])]
                yield from asked.compare(f"random {family}s of {pieces:,} pieces", ids)
    with generated("dense", DENSE_PIECES[size], database, DENSE) as asked:
        ids, ancestors = asked.graph.worst(WORST[size])
        yield from asked.compare(
            f"the worst cases in a dense graph, ≤ {ancestors:,} ancestors", ids
        )


class Graph:
    """The whole graph in memory: networkx, and who is credited on each work."""

    def __init__(self, engine: Plain, generation: int) -> None:
        def rows(sql: str) -> list[tuple[Any, ...]]:
            return engine.execute(with_tables(sql, generation))

        self.numbers: dict[str, int] = dict(rows("SELECT id, number FROM @works"))
        self.people: dict[int, str] = dict(rows("SELECT number, id FROM @contributors"))
        self.graph: nx.DiGraph[int] = nx.DiGraph()
        self.graph.add_nodes_from(self.numbers.values())
        self.graph.add_edges_from(rows("SELECT child, parent FROM @remixes"))
        self.credited: dict[int, list[int]] = {}
        for work, person in rows("SELECT work, contributor FROM @credits"):
            self.credited.setdefault(work, []).append(person)

    def contributors(self, id: str) -> set[str]:
        """The ids of everyone credited on a work or an ancestor of it."""
        number = self.numbers[id]
        works = {number, *nx.descendants(self.graph, number)}
        return {self.people[person] for work in works for person in self.credited.get(work, ())}

    def worst(self, count: int) -> tuple[list[str], int]:
        """Of a random sample of works, those with the most ancestors; and the highest number."""
        some = Random(count).sample(sorted(self.numbers), 4 * count)
        ancestors = {id: len(nx.descendants(self.graph, self.numbers[id])) for id in some}
        worst = sorted(some, key=lambda id: -ancestors[id])[:count]
        return worst, ancestors[worst[0]]


@dataclass
class Generated:
    """A generated community, and three ways to ask it who contributed."""

    store: Store
    by_hand: Plain
    graph: Graph
    loading: str

    def ours(self, id: str, limit: int = 50) -> set[str]:
        """The ids on a page as the API returns it."""
        with self.store.view(by_itself=True) as view:
            page = parts.of_work(view, id, limit=limit)
        return {item["contributor"]["id"] for item in page.items}

    def cte(self, id: str) -> set[str]:
        sql = with_tables(BY_HAND, self.store.current().number)
        return {person for (person,) in self.by_hand.execute(sql, (id,))}

    def compare(self, which: str, ids: Sequence[str]) -> Iterator[Result]:
        """Ask all three for every work, in turns, after making sure that they agree."""
        methods = (self.ours, self.cte, self.graph.contributors)
        for id in ids[:WARM_UP]:
            assert self.ours(id, limit=1_000_000) == self.cte(id) == self.graph.contributors(id)
        ours, cte, graph = in_turns(*([partial(m, id) for id in ids] for m in methods))
        peers = {f"{CTE}, ids only": cte, f"networkx, {self.loading}": graph}
        aim = at_most(1.5, CTE)
        yield from percentiles(which, ours, peers, (aim, aim))


@contextmanager
def generated(name: str, pieces: int, database: str, shape: Habits) -> Iterator[Generated]:
    """A generated community, recorded and folded."""
    told = partial(record, commands=community(pieces, shape=shape))
    last = id_of("work", pieces - 1)
    service, address = filled(name, pieces, database, told, last=last)
    generation = service.store.current().number
    with plain(address) as by_hand:
        start = time.perf_counter()
        graph = Graph(by_hand, generation)
        taken = time.perf_counter() - start
        loading = f"loaded in {taken:.1f} s, {memory_of(by_hand, generation):,.0f} MB"
        # The collector would search the whole graph while the others answer.
        settle()
        try:
            yield Generated(service.store, by_hand, graph, loading)
        finally:
            gc.unfreeze()


def memory_of(engine: Plain, generation: int) -> float:
    """The megabytes of a loaded graph; loaded again, because tracing is slow."""
    tracemalloc.start()
    graph = Graph(engine, generation)
    taken = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    del graph
    return taken
