"""A lineage: a work's pedigree with the edges, their rates, and the holders of each work.

Nodes are integers in a lineage read from the read tables, and work ids everywhere else. Lists by
place are in the order of ``Pedigree.places``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache, partial
from itertools import repeat
from typing import Any, Generic, NamedTuple

from domain.cached import cached_property
from domain.money.payee import Payee
from domain.pedigree import Node, Pedigree, Places
from domain.refusal import BadGraph

Holders = tuple[tuple[str, Fraction], ...]
"""The payees of a work, each with an exact share; the shares sum to 1."""

exact = lru_cache(maxsize=4096)(Fraction)
"""A rate as a fraction; cached, because most edges state one of a few rates."""
_ALL = Fraction(1)


class Edge(NamedTuple, Generic[Node]):
    """The child was made from the parent."""

    child: Node
    parent: Node
    kind: str = ""
    rate: str | None = None
    """The part of the child's income that goes to the parent, exactly as stated; None if not."""
    id: str = ""
    state: str = ""


def once(stated: Iterable[tuple[Edge[Node], tuple[Node, Node]]]) -> list[Edge[Node]]:
    """The edges between nodes, without those stated again of a joined work.

    ``stated`` pairs each edge with the two works it was stated of, which joins may have made part
    of larger nodes. Of edges with the same nodes, kind and rate, those of only one pair of works
    count: if a piece was posted twice and both postings owe their source, the piece owes it once.
    That is the pair with the most edges or, of several, one with a disputed edge.
    """
    alike: dict[Edge[Node], dict[tuple[Node, Node], list[Edge[Node]]]] = {}
    for edge, works in stated:
        by_works = alike.setdefault(edge._replace(id="", state=""), {})
        by_works.setdefault(works, []).append(edge)
    return [edge for by_works in alike.values() for edge in max(by_works.values(), key=_weight)]


def _weight(edges: Sequence[Edge[Node]]) -> tuple[int, bool]:
    return len(edges), any(edge.state == "disputed" for edge in edges)


edge_of = partial(tuple.__new__, Edge)
"""An edge from the sequence of its fields; faster than ``Edge``, which takes them one by one."""


@dataclass(frozen=True)
class Edges(Collection[Edge[Node]]):
    """Edges stored by column, as they are read; an ``Edge`` is made only while iterating."""

    read: Sequence[Sequence[Any]]
    """One column for each field of ``Edge``."""
    names: Mapping[Any, Node] | None = None
    """The names of the nodes in the first two columns, if they are to be renamed."""

    @cached_property
    def columns(self) -> Sequence[Sequence[Any]]:
        """The columns, with the nodes renamed."""
        ends, others = self.read[:2], self.read[2:]
        if self.names is not None:
            ends = [list(map(self.names.__getitem__, nodes)) for nodes in ends]
        return (*ends, *others)

    def __len__(self) -> int:
        return len(self.read[0])

    def __iter__(self) -> Iterator[Edge[Node]]:
        return map(edge_of, zip(*self.columns, strict=True))

    def __contains__(self, edge: object) -> bool:
        return edge in (*self,)

    def __repr__(self) -> str:
        return repr((*self,))


class Rated(NamedTuple):
    """The rates of a lineage by the places of its works."""

    pairs: tuple[Sequence[int], Sequence[int], Sequence[int]]
    """The child of each pair of places, the parent, and the number of the rate."""
    above: Sequence[tuple[int, ...]]
    """By place: for each of its parents, the number of the rate to it."""
    rates: Sequence[Fraction | None]
    """By number: each distinct rate; None if an edge states none."""


@dataclass(frozen=True)
class Lineage(Pedigree[Node]):
    """A work and everything it was made from, through every generation."""

    edges: Collection[Edge[Node]] = ()
    people: Mapping[Node, Holders] = field(default_factory=dict)
    """The holders of the works that have some."""

    @property
    def pairs(self) -> Sequence[Sequence[Any]]:
        return self._columns[:3]

    @cached_property
    def _columns(self) -> Sequence[Sequence[Any]]:
        if isinstance(self.edges, Edges):
            return self.edges.columns
        return tuple(zip(*self.edges, strict=True)) or ((),) * len(Edge._fields)

    def named(self, names: Mapping[Node, str]) -> Lineage[str]:
        """This lineage with its nodes renamed."""
        by_name = {names[work]: holders for work, holders in self.held.items()}
        named = Lineage(names[self.root], Edges(self._columns, names), by_name)
        works, above, influences, ends = self.places
        named_works = tuple(map(names.__getitem__, works))
        vars(named)["places"] = Places(named_works, above, influences, ends)
        return self._shared(named, "ordered", "stated")

    def with_default(self, rate: str | None) -> Lineage[Node]:
        """This lineage, with ``rate`` on every edge that states none."""
        *ends, rates, ids, states = self._columns
        if rate is None or None not in rates:
            return self
        filled = [rate if stated is None else stated for stated in rates]
        return self.with_edges(Edges((*ends, filled, ids, states)))

    def with_edges(self, edges: Collection[Edge[Node]]) -> Lineage[Node]:
        """This lineage with other edges between the same pairs of works, in the same order."""
        return self._shared(replace(self, edges=edges), "places", "ordered")

    def held_by(self, holdings: Collection[tuple[Holders, list[int]]]) -> Lineage[Node]:
        """This lineage with these holdings."""
        held = self._shared(replace(self), "places", "_place", "ordered", "nodes", "stated")
        vars(held)["holdings"] = holdings
        return held

    def _shared(self, other: Lineage[Any], *names: str) -> Lineage[Any]:
        """Give another lineage these cached properties, which are equal in both."""
        vars(other).update((name, getattr(self, name)) for name in names)
        return other

    # -- rates and people ------------------------------------------------------------------

    @cached_property
    def stated(self) -> Rated:
        """The rates, as far as they are stated.

        Several edges between the same two works count as one, with the sum of their rates; if one
        of them states none, the sum is None.
        """
        (children, parents), rates = self.places.ends, self._columns[3]
        if len(children) != self.pair_count:
            sums: dict[tuple[int, int], Fraction | None] = {}
            for pair, rate in zip(zip(children, parents, strict=True), rates, strict=True):
                more = None if rate is None else exact(rate)
                known = sums.get(pair, Fraction())
                sums[pair] = None if known is None or more is None else known + more
            (children, parents), rates = zip(*sums, strict=True), list(sums.values())
        number = {rate: place for place, rate in enumerate(dict.fromkeys(rates))}
        numbers = list(map(number.__getitem__, rates))
        above: list[list[int]] = [[] for _ in self.places.works]
        for child, stated in zip(children, numbers, strict=True):
            above[child].append(stated)
        by_number = [None if rate is None else exact(rate) for rate in number]
        return Rated((children, parents, numbers), list(map(tuple, above)), by_number)

    @property
    def rated(self) -> Rated:
        """The rates, of which none is missing; refuses (``BadGraph``) if an edge states none."""
        if None in self.stated.rates:
            child, parent, *_ = next(edge for edge in self.edges if edge.rate is None)
            said = f"no rate is stated for “{parent}” as a source of “{child}”"
            raise BadGraph("graph.edges", f"{said}; state one, or a default rate")
        return self.stated

    def rate(self, child: Node, parent: Node) -> Fraction | None:
        """The rate of the edge from a child to a parent; None without one."""
        here, there = self.placed((child, parent))
        for place, number in self._rated_above(here):
            if place == there:
                return self.stated.rates[number]
        return None

    @property
    def rates(self) -> Mapping[Node, Mapping[Node, Fraction | None]]:
        """By child and parent: the rate of the edge."""
        works, rates = self.places.works, self.stated.rates
        return {
            work: {works[parent]: rates[number] for parent, number in self._rated_above(place)}
            for place, work in enumerate(works)
            if self.places.above[place]
        }

    def _rated_above(self, place: int) -> Iterator[tuple[int, int]]:
        """The parents of a place, each with the number of its rate."""
        return zip(self.places.above[place], self.stated.above[place], strict=True)

    def holders(self, node: Node) -> Holders:
        """The holders of a work; a work without people is its own payee."""
        return self.held.get(node) or ((str(node), _ALL),)

    @cached_property
    def held(self) -> Mapping[Node, Holders]:
        """The holders of each work that has people."""
        works = self.places.works
        return self.people or {
            works[place]: holders for holders, places in self.holdings for place in places
        }

    @cached_property
    def holdings(self) -> Collection[tuple[Holders, list[int]]]:
        """Holders with the places of the works they hold; works without people are left out.

        Equal holders are mostly, but not always, grouped: they are compared by identity.
        """
        works, places = self.places.works, self.ordered.places if self.people else []
        held = [*map(self.people.get, map(works.__getitem__, places))]
        grouped: dict[int, list[int]] = defaultdict(list)
        # By identity, because hashing the fractions would take longer than all the rest.
        for place, key in zip(places, map(id, held), strict=True):
            grouped[key].append(place)
        distinct = {id(holders): holders for holders in held if holders}
        return [(holders, grouped[key]) for key, holders in distinct.items()]


def equal_holders(work: str, people: Sequence[str]) -> Holders:
    """Holders of a work: its people in equal shares or, without people, the work itself."""
    if not people:
        return ((str(Payee("work", work)), _ALL),)
    return _equally(tuple(people))


@lru_cache(maxsize=4096)
def _equally(people: tuple[str, ...]) -> Holders:
    return tuple(zip(people, repeat(Fraction(1, len(people))), strict=False))
