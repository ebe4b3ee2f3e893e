"""An ancestry: a work and everything it was made from, as a graph to walk.

The one rule: generations and ways follow from the edges alone; nothing is read here.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from itertools import pairwise


@dataclass
class Ancestry:
    """A work and everything it was made from, through every generation."""

    root: int
    edges: InitVar[Iterable[tuple[int, int, str]]]
    """Child, parent and kind of every edge."""
    generation: dict[int, int] = field(init=False)
    """The nearest generation of each work: 0 for the root, 1 for what it was made from."""
    direct: set[int] = field(init=False)
    """The works that are reached without passing an edge of mere influence."""
    parents: dict[int, list[int]] = field(init=False)
    """Each work's parents, each once, in the order of their numbers."""
    used: dict[int, list[int]] = field(init=False)
    """The parents of which more than an influence is in the work."""

    def __post_init__(self, edges: Iterable[tuple[int, int, str]]) -> None:
        pairs: dict[int, dict[int, bool]] = {}
        for child, parent, kind in edges:
            to = pairs.setdefault(child, {})
            to[parent] = to.get(parent, False) or kind != "influence"
        self.parents = {child: list(to) for child, to in pairs.items()}
        self.generation = _breadth_first(self.root, self.parents)
        self.used = {child: [p for p, used in to.items() if used] for child, to in pairs.items()}
        self.direct = set(_breadth_first(self.root, self.used))

    def is_direct(self, path: tuple[int, ...]) -> bool:
        """Whether a way from the root passes no edge of mere influence."""
        return all(parent in self.used[child] for child, parent in pairwise(path))

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """Each work's children within the ancestry, nearest to the root first."""
        found: dict[int, list[int]] = {}
        for child, parents in self.parents.items():
            for parent in parents:
                found.setdefault(parent, []).append(child)
        return found

    @cached_property
    def path_count(self) -> dict[int, int]:
        """How many ways lead from the root to each work (two edges of a pair are one way)."""
        missing = {work: len(children) for work, children in self.children.items()}
        count = dict.fromkeys(self.generation, 0) | {self.root: 1}
        ready = [self.root]
        while ready:
            work = ready.pop()
            for parent in self.parents.get(work, ()):
                count[parent] += count[work]
                missing[parent] -= 1
                if not missing[parent]:
                    ready.append(parent)
        return count

    def paths(self, works: Iterable[int], limit: int) -> list[tuple[int, ...]]:
        """The shortest ways from the root to any of these works, the shortest first."""
        # Best first: the generation is the exact distance left, so nothing is explored in vain.
        # Of equals the longest begun is finished first: there may be very many of them.
        heap: list[tuple[int, int, int, tuple[int, ...]]] = [
            (self.generation[work], -1, number, (work,)) for number, work in enumerate(works)
        ]
        heapq.heapify(heap)
        number, found = len(heap), list[tuple[int, ...]]()
        while heap and len(found) < limit:
            *_, path = heapq.heappop(heap)
            if path[0] == self.root:
                found.append(path)
                continue
            for child in self.children[path[0]]:
                number += 1
                length = self.generation[child] + len(path)
                heapq.heappush(heap, (length, -len(path) - 1, number, (child, *path)))
        return found


def _breadth_first(root: int, neighbours: Mapping[int, Iterable[int]]) -> dict[int, int]:
    distance, queue = {root: 0}, deque([root])
    while queue:
        work = queue.popleft()
        for other in neighbours.get(work, ()):
            if other not in distance:
                distance[other] = distance[work] + 1
                queue.append(other)
    return distance
