"""Connected components of the graph, as far as they are completely in memory.

An edge between two components closes no cycle, so it needs no search. A component is known only if
all of its edges are in memory; it begins as a work without edges.

Source: weighted quick-find (the smaller set takes the name of the larger), so n log n for n works;
B. A. Galler, M. J. Fischer, An Improved Equivalence Algorithm, CACM 7 (1964).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Components:
    """The completely known components."""

    def __init__(self) -> None:
        self._of: dict[str, list[str]] = {}
        """By work: all works of its component."""

    def begin(self, works: Iterable[str]) -> None:
        """Add works that have no edges, each as a component of its own."""
        for work in works:
            if work not in self._of:
                self._of[work] = [work]

    def connect(self, one: str, other: str) -> None:
        """Add an edge; a component connected with an unknown work is no longer known."""
        few, many = self._of.get(one, _NONE), self._of.get(other, _NONE)
        if few is many:
            return
        if len(few) > len(many):
            few, many = many, few
        if not few:
            for work in many:
                del self._of[work]
            return
        many += few
        for work in few:
            self._of[work] = many

    def apart(self, one: str, other: str) -> Sequence[str]:
        """The smaller known component of two works, if they are known to be in different ones.

        Otherwise nothing. As long as no edge is added to the returned works, the two works stay
        unconnected.
        """
        first, second = self._of.get(one), self._of.get(other)
        return () if first is second else min(filter(None, (first, second)), key=len)


_NONE: list[str] = []
