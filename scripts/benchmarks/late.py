"""Late edges: the history of a repository, its edges imported after all of its commits.

Each edge is checked for the cycle that it could close. The peers are networkx, which keeps the
whole graph in memory and is asked before each edge whether the child is above the parent, and the
same rows written by executemany (COPY on PostgreSQL) without a check of anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from random import Random

import networkx as nx

from scripts.benchmarks.by_hand import loading_seconds, scratch
from scripts.benchmarks.measure import Peer, Result, Size, at_least, seconds, timed
from scripts.bundle import FoundLine, Line, import_lines
from scripts.service import Service, open_service

COMMITS = {"small": 300, "full": 16_000}
LOOKED_UP = {"small": 100, "full": 300}
"""How many edges networkx is asked about: each takes it as long as the history."""
BRANCHES, MERGED, FROM_EARLIER = 6, 0.15, 0.3

Pair = tuple[int, int]
"""The numbers of a commit and of one of its parents."""


def measure(size: Size, database: str) -> Iterator[Result]:
    """Edges per second."""
    edges, random = history(COMMITS[size]), Random(1)
    orders = {"oldest first": edges, "newest first": edges[::-1]}
    orders["in random order"] = random.sample(edges, len(edges))
    for name, ordered in orders.items():
        with scratch(database) as address, open_service(address) as service:
            imported(service, commits(COMMITS[size]))
            before = service.journal.facts.head()
            taken, busy = timed(partial(imported, service, late(ordered)))
            rows = [tuple(one[:5]) for one in service.journal.facts.after(before, 1 << 30)]
            unchecked = loading_seconds(database, facts=rows)
        yield Result(
            f"{len(edges):,} edges, {name}",
            1000 * len(edges) / taken,
            "edges/s",
            (
                Peer("networkx, in memory", asked_networkx(ordered, LOOKED_UP[size])),
                Peer("the same rows, nothing checked", len(edges) / unchecked),
            ),
            f"{1000 * len(edges) / busy:,.0f} per second of processor time",
            at_least(5_000),
        )


def history(commits: int) -> list[Pair]:
    """The edges, oldest first, of a history with a few branches that get merged."""
    random, tips, edges = Random(commits), [0], list[Pair]()
    for commit in range(1, commits):
        parent = random.choice(tips) if random.random() < FROM_EARLIER else tips[-1]
        parents = {parent, tips[0]} if random.random() < MERGED else {parent}
        edges += [(commit, each) for each in sorted(parents)]
        open_tips = [tip for tip in tips if tip not in parents or random.random() < FROM_EARLIER]
        tips = [*open_tips, commit][-BRANCHES:]
    return edges


def commits(count: int, people: int = 1, edges: Sequence[Pair] = ()) -> Iterator[Line]:
    """Commits as lines of a bundle, by ``people`` people, each with its own of the edges."""
    random, parents = Random(count), defaultdict[int, list[int]](list)
    for child, parent in edges:
        parents[child].append(parent)
    for number in range(people):
        yield {"type": "contributor", "id": f"person-{number}", "name": f"Person {number}"}
    for number in range(count):
        author = {"contributor": f"person-{random.randrange(people)}", "role": "writer"}
        made_of = [{"work": f"commit-{one}", "kind": "adaptation"} for one in parents[number]]
        piece = {"id": f"commit-{number}", "title": f"Commit {number}", "medium": "text"}
        yield {"type": "contribution", **piece, "authors": [author], "sources": made_of}


def late(edges: Sequence[Pair]) -> Iterator[Line]:
    """The edges as lines of a bundle."""
    for child, parent in edges:
        ends = {"child": f"commit-{child}", "parent": f"commit-{parent}"}
        yield {"type": "remix", "id": f"{child}-from-{parent}", **ends, "kind": "adaptation"}


def imported(service: Service, lines: Iterator[Line]) -> None:
    """Import lines as from a file."""
    found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, 1))
    report = import_lines(service.journal, found)
    assert not report.refused, report.refused[0]


def asked_networkx(edges: Sequence[Pair], count: int) -> float:
    """How many of the last edges a second networkx takes, the others being there."""
    graph: nx.DiGraph[int] = nx.DiGraph(edges[:-count])
    graph.add_nodes_from(range(1 + max(child for child, _ in edges)))

    def add() -> None:
        for child, parent in edges[-count:]:
            assert not nx.has_path(graph, parent, child)
            graph.add_edge(child, parent)

    return count / seconds(add)
