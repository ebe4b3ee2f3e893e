"""A lineage: a pedigree of which the edges are known, with their rates, and who holds each work.

The works are numbers where it comes from the read tables, and ids everywhere else.
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
"""Payees, and the share of each in a work."""

exact = lru_cache(maxsize=4096)(Fraction)
"""A rate as a number; the same few are stated again and again."""
_ALL = Fraction(1)


class Edge(NamedTuple, Generic[Node]):
    """The child was made from the parent."""

    child: Node
    parent: Node
    kind: str = ""
    rate: str | None = None
    """The part of the child that goes to the parent, exactly as stated."""
    id: str = ""
    state: str = ""


def once(stated: Iterable[tuple[Edge[Node], tuple[Node, Node]]]) -> list[Edge[Node]]:
    """The edges between nodes, with the two works that each was stated of.

    What was said alike of works that are one, in kind and rate, counts once: what either posting
    of a piece owes its source, the piece owes once. It counts as often as it was said of two of
    them, and is in dispute if one is.
    """
    alike: dict[Edge[Node], dict[tuple[Node, Node], list[Edge[Node]]]] = {}
    for edge, works in stated:
        same = alike.setdefault(edge._replace(id="", state=""), {})
        same.setdefault(works, []).append(edge)
    return [edge for same in alike.values() for edge in max(same.values(), key=_weight)]


def _weight(edges: Sequence[Edge[Node]]) -> tuple[int, bool]:
    return len(edges), any(edge.state == "disputed" for edge in edges)


edge_of = partial(tuple.__new__, Edge)
"""An edge from its columns, without a look at each of them: there may be very many."""


@dataclass(frozen=True)
class Edges(Collection[Edge[Node]]):
    """Edges by their columns, as they are read from a store: each is made where it is looked at."""

    read: Sequence[Sequence[Any]]
    """What ``Edge`` has, each of all edges."""
    names: Mapping[Any, Node] | None = None
    """Of the works, where these are not those in the columns."""

    @cached_property
    def columns(self) -> Sequence[Sequence[Any]]:
        """The same, with the names."""
        ends, others = self.read[:2], self.read[2:]
        if self.names is not None:
            ends = [list(map(self.names.__getitem__, some)) for some in ends]
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

    above: Sequence[Sequence[int]]
    """By place: the number of the rate of each of its parents."""
    rates: Sequence[Fraction | None]
    """By their numbers."""


@dataclass(frozen=True)
class Lineage(Pedigree[Node]):
    """A work and everything it was made from, through every generation, edge by edge."""

    edges: Collection[Edge[Node]] = ()
    people: Mapping[Node, Holders] = field(default_factory=dict)
    """Who holds each work, where that is stated."""

    @property
    def pairs(self) -> Sequence[Sequence[Any]]:
        return self._columns[:3]

    @cached_property
    def _columns(self) -> Sequence[Sequence[Any]]:
        if isinstance(self.edges, Edges):
            return self.edges.columns
        return tuple(zip(*self.edges, strict=True)) or ((),) * len(Edge._fields)

    def named(self, names: Mapping[Node, str]) -> Lineage[str]:
        """The same lineage with these names for the works."""
        by_name = {names[work]: holders for work, holders in self.held.items()}
        named = Lineage(names[self.root], Edges(self._columns, names), by_name)
        works, above, influences, ends = self.places
        named_works = tuple(map(names.__getitem__, works))
        vars(named)["places"] = Places(named_works, above, influences, ends)
        return self._shared(named, "ordered", "stated")

    def with_default(self, rate: str | None) -> Lineage[Node]:
        """The same lineage, with this rate on every edge that states none."""
        *ends, rates, ids, states = self._columns
        if rate is None or None not in rates:
            return self
        filled = [rate if one is None else one for one in rates]
        edges = Edges[Node]((*ends, filled, ids, states))
        return self._shared(replace(self, edges=edges), "places", "ordered")

    def held_by(self, holdings: Collection[tuple[Holders, list[int]]]) -> Lineage[Node]:
        """The same lineage with these holdings."""
        held = self._shared(replace(self), "places", "_place", "ordered", "nodes", "stated")
        vars(held)["holdings"] = holdings
        return held

    def _shared(self, other: Lineage[Any], *names: str) -> Lineage[Any]:
        """Another lineage of which these are alike, so that they are derived once."""
        vars(other).update((name, getattr(self, name)) for name in names)
        return other

    # -- rates and people ------------------------------------------------------------------

    @cached_property
    def stated(self) -> Rated:
        """The rates by place.

        Those of edges between the same two works are summed; if one states none, there is none.
        """
        (children, parents), rates = self.places.ends, self._columns[3]
        if len(children) != self.pair_count:
            sums: dict[tuple[int, int], Fraction | None] = {}
            for pair, rate in zip(zip(children, parents, strict=True), rates, strict=True):
                more = None if rate is None else exact(rate)
                known = sums.get(pair, Fraction())
                sums[pair] = None if known is None or more is None else known + more
            (children, _), rates = zip(*sums, strict=True), list(sums.values())
        number = {rate: place for place, rate in enumerate(dict.fromkeys(rates))}
        above: list[list[int]] = [[] for _ in self.places.works]
        for child, stated in zip(children, map(number.__getitem__, rates), strict=True):
            above[child].append(stated)
        return Rated(above, [None if rate is None else exact(rate) for rate in number])

    @property
    def rated(self) -> Rated:
        """The same for a policy that needs rates: none may be missing."""
        if None in self.stated.rates:
            child, parent, *_ = next(edge for edge in self.edges if edge.rate is None)
            raise BadGraph("graph.edges", f"the edge from “{child}” to “{parent}” has no rate")
        return self.stated

    def rate(self, child: Node, parent: Node) -> Fraction | None:
        """The rate from a work to one that it was made from, if it is known."""
        here, there = self.placed((child, parent))
        for place, number in self._rated_above(here):
            if place == there:
                return self.stated.rates[number]
        return None

    @property
    def rates(self) -> Mapping[Node, Mapping[Node, Fraction | None]]:
        """The rates from each work to all of its parents."""
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
        """Who holds a work, and in which shares; one without people is its own payee."""
        return self.held.get(node) or ((str(node), _ALL),)

    @cached_property
    def held(self) -> Mapping[Node, Holders]:
        """Who holds each work that has people."""
        works = self.places.works
        return self.people or {
            works[place]: some for some, places in self.holdings for place in places
        }

    @cached_property
    def holdings(self) -> Collection[tuple[Holders, list[int]]]:
        """Who holds works, in which shares, and at which places; most that are alike stand once.

        A work without people is not among them.
        """
        works, places = self.places.works, self.ordered.places if self.people else []
        held = [*map(self.people.get, map(works.__getitem__, places))]
        alike: dict[int, list[int]] = defaultdict(list)
        # A hash of fractions takes longer than all the rest.
        for place, key in zip(places, map(id, held), strict=True):
            alike[key].append(place)
        return [(one, alike[key]) for key, one in {id(one): one for one in held if one}.items()]


def equal_holders(work: str, people: Sequence[str]) -> Holders:
    """The holders of a recorded work: its people in equal shares or, without people, itself."""
    if not people:
        return ((str(Payee("work", work)), _ALL),)
    return _equally(tuple(people))


@lru_cache(maxsize=4096)
def _equally(people: tuple[str, ...]) -> Holders:
    return tuple(zip(people, repeat(Fraction(1, len(people))), strict=False))
