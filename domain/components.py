"""Components: works that edges connect, whichever way, as far as all of a component is known.

An edge between two components closes no cycle, so nothing is searched for it. Only a component of
which every edge is in memory is kept: it begins with a work that has none.

Source: weighted quick-find (the smaller set takes the name of the larger), so n log n for n works;
B. A. Galler, M. J. Fischer, An Improved Equivalence Algorithm, CACM 7 (1964).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Components:
    """The components that are known whole."""

    def __init__(self) -> None:
        self._of: dict[str, list[str]] = {}
        """All works of a component, by each of them."""

    def begin(self, works: Iterable[str]) -> None:
        """Learn that there is no edge at these works."""
        for work in works:
            if work not in self._of:
                self._of[work] = [work]

    def connect(self, one: str, other: str) -> None:
        """Learn of an edge; what it connects with the unknown is not known whole any more."""
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
        """All works of the smaller known component of two; none unless they are in different ones.

        So long as no edge is added to one of these, the two are not connected.
        """
        first, second = self._of.get(one), self._of.get(other)
        return () if first is second else min(filter(None, (first, second)), key=len)


_NONE: list[str] = []
