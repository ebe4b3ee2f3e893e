"""A lineage: a pedigree of which the edges are known, with their rates, and who holds each work.

The works are numbers where it comes from the read tables, and ids everywhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from itertools import repeat
from typing import Any, Generic, NamedTuple

from domain.money.payee import Payee
from domain.pedigree import Node, Pairs, Pedigree, Places
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


class Rated(NamedTuple):
    """The rates of a lineage by the places of its works."""

    above: Sequence[Sequence[tuple[int, int]]]
    """By place: the parents, each with the number of its rate."""
    ratios: Sequence[tuple[int, int]]
    """The rates by their numbers, as numerator and denominator."""


edge_of = partial(tuple.__new__, Edge)
"""An edge from its columns, without a look at each of them: there may be very many."""


@dataclass(frozen=True)
class Lineage(Pedigree[Node]):
    """A work and everything it was made from, through every generation, edge by edge."""

    edges: tuple[Edge[Node], ...] = ()
    people: Mapping[Node, Holders] = field(default_factory=dict)
    """Who holds each work, where that is stated."""

    @property
    def pairs(self) -> Pairs[Node]:
        return Pairs(*self._columns[:3])

    @cached_property
    def _columns(self) -> Sequence[Sequence[Any]]:
        return tuple(zip(*self.edges, strict=True)) or ((),) * len(Edge._fields)

    @cached_property
    def edges_of(self) -> Mapping[Node, Sequence[int]]:
        """By child: the places of its edges among all."""
        places: dict[Node, list[int]] = {}
        for place, edge in enumerate(self.edges):
            places.setdefault(edge.child, []).append(place)
        return places

    def named(self, names: Mapping[Node, str]) -> Lineage[str]:
        """The same lineage with these names for the works."""
        children, parents, *others = self._columns
        ends = map(names.__getitem__, children), map(names.__getitem__, parents)
        edges = tuple(map(edge_of, zip(*ends, *others, strict=True)))
        by_name = {names[work]: holders for work, holders in self.held.items()}
        named = Lineage(names[self.root], edges, by_name)
        works, above, influences = self.places
        vars(named)["places"] = Places(tuple(map(names.__getitem__, works)), above, influences)
        vars(named)["ordered"] = self.ordered
        return named

    def with_default(self, rate: str | None) -> Lineage[Node]:
        """The same lineage, with this rate on every edge that states none."""
        if rate is None or None not in self._columns[3]:
            return self
        edges = tuple(
            edge if edge.rate is not None else edge_of((*edge[:3], rate, *edge[4:]))
            for edge in self.edges
        )
        rated = replace(self, edges=edges)
        vars(rated)["places"], vars(rated)["ordered"] = self.places, self.ordered
        return rated

    def held_by(self, holdings: Collection[tuple[Holders, list[int]]]) -> Lineage[Node]:
        """The same lineage with these holdings; what follows from its edges is derived once."""
        derived = ["_columns", "_place", "ends", "places", "ordered", "nodes", "rates"]
        if None not in self._columns[3]:
            derived.append("rated")
        held = replace(self)
        vars(held)["holdings"] = holdings
        vars(held).update((name, getattr(self, name)) for name in derived)
        return held

    # -- rates and people ------------------------------------------------------------------

    @cached_property
    def rates(self) -> Mapping[Node, Mapping[Node, Fraction | None]]:
        """The rate from each work to each parent, if one is known.

        The rates of edges between the same two works are summed; if one states none, there is none.
        """
        rates: dict[Node, dict[Node, Fraction | None]] = {}
        for edge in self.edges:
            out = rates.setdefault(edge.child, {})
            rate = None if edge.rate is None else exact(edge.rate)
            if edge.parent in out:
                known = out[edge.parent]
                rate = None if known is None or rate is None else known + rate
            out[edge.parent] = rate
        return rates

    @cached_property
    def rated(self) -> Rated:
        """The rates by place. A policy that needs rates reads them here: none may be missing."""
        (children, parents), rates = self.ends, self._columns[3]
        if len(self.edges) != self.pair_count or None in rates:
            stated = [
                (child, parent, _stated(child, parent, rate))
                for child, out in self.rates.items()
                for parent, rate in out.items()
            ]
            *ends, rates = zip(*stated, strict=True)
            children, parents = map(self.placed, ends)
        number = {rate: place for place, rate in enumerate(dict.fromkeys(rates))}
        above: list[list[tuple[int, int]]] = [[] for _ in self.places.works]
        pairs = zip(parents, map(number.__getitem__, rates), strict=True)
        for child, pair in zip(children, pairs, strict=True):
            above[child].append(pair)
        return Rated(above, [exact(rate).as_integer_ratio() for rate in number])

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


def _stated(child: object, parent: object, rate: Fraction | None) -> Fraction:
    if rate is None:
        raise BadGraph("graph.edges", f"the edge from “{child}” to “{parent}” has no rate")
    return rate
