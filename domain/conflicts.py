"""Licence conflicts along a lineage: on single remixes, between sources, and when it is sold.

A licence once given can't be withdrawn. So a remix may rely on the licence that its source had when
the remix was made, or on any that the source was given since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple

from domain.licensing import COLLECTED, Licence, broken, cannot_be_joined
from domain.lineage import Edge, Lineage
from domain.pedigree import Node


class Broken(NamedTuple, Generic[Node]):
    """A violation of a rule about licences."""

    code: str
    child: Node
    parent: Node
    licence: Licence
    """The licence of the parent."""
    remix: str | None = None
    """None if it is not about a single remix."""


def given_since(position: int, every: Sequence[tuple[int, Licence]]) -> list[Licence]:
    """The licence that a work had at a position, and those given since.

    ``every`` has all of its licences with the positions from which they held. For a position before
    the first, that is all of them.
    """
    first = max((place for place, (at, _) in enumerate(every) if at <= position), default=0)
    return [terms for _, terms in every[first:]]


class Licences(NamedTuple, Generic[Node]):
    """The licences of the works of a lineage."""

    lineage: Lineage[Node]
    now: Mapping[Node, Licence]
    """By work with a licence on record: its present licence."""
    given: Callable[[Edge[Node]], Sequence[Licence]]
    """The licences of an edge's parent that the child may rely on (see ``given_since``)."""

    def conflicts(self) -> Iterator[Broken[Node]]:
        """Every violation, those about single remixes first."""
        for edge in self._edges():
            for code, terms in self._on(edge):
                yield Broken(code, edge.child, edge.parent, terms, edge.id)
        yield from self._unjoined()
        yield from self.unsold()

    def _edges(self) -> Iterator[Edge[Node]]:
        """The edges that lead up from the root and whose parents have a licence."""
        reached = self.lineage.generation
        return (
            edge for edge in self.lineage.edges if edge.child in reached and edge.parent in self.now
        )

    def _on(self, edge: Edge[Node]) -> Iterator[tuple[str, Licence]]:
        child, given = self.now.get(edge.child), self.given(edge)
        rules = [[*broken(terms, child, edge.kind)] for terms in given]
        if rules and all(rules):
            yield from ((code, given[0]) for code in rules[0])

    def _unjoined(self) -> Iterator[Broken[Node]]:
        """Sources of one work whose licences are incompatible, if the work itself states none."""
        adapted: dict[Node, dict[Node, Sequence[Licence]]] = {}
        for edge in self._edges():
            if edge.kind not in COLLECTED and edge.child not in self.now:
                adapted.setdefault(edge.child, {})[edge.parent] = self.given(edge)
        for child, parents in adapted.items():
            # A source given under several licences is left out: any of them may be chosen.
            fixed = {parent: given[0] for parent, given in parents.items() if len(given) == 1}
            pair = cannot_be_joined(fixed.values())
            for parent, terms in fixed.items() if pair else ():
                if pair is not None and terms in pair:
                    yield Broken("incompatible_sources", child, parent, terms)

    def unsold(self) -> Iterator[Broken[Node]]:
        """The works whose licences forbid to sell anything made from them."""
        root, given = self.lineage.root, dict[Node, list[Licence]]()
        for edge in self._edges():
            given.setdefault(edge.parent, []).extend(self.given(edge))
        for work in self.lineage.generation:
            terms = given.get(work, ()) if work in self.lineage.direct else ()
            if work != root and terms and all("NC" in (one.elements or ()) for one in terms):
                yield Broken("non_commercial", root, work, terms[0])
