"""A split: an amount, a policy and, where it needs one, a lineage; and who gets how much.

The one rule: nothing is recorded and nothing is left out: every payee has a line, and the lines add
up to the amount.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from domain.apportionment import NO_CARRY, Division, divide, whole_amount
from domain.currency import currency_code
from domain.policy.graph import Edge, Graph, graph_of
from domain.policy.parts import Struck
from domain.policy.reading import (
    Policy,
    Spent,
    exact_share,
    fields_of,
    list_of,
    name_of,
    read_policy,
    units_minor,
)
from domain.policy.versions import VERSIONS
from domain.refusal import BadCarry, BadGraph, BadRate, BadSplit, SplitTooLarge, shown
from domain.remix import exact_rate

PLAIN = "largest_remainder"
WITH_CARRY = "largest_remainder_with_carry"
ROUNDINGS = (WITH_CARRY, PLAIN)
"""The ways to round, the default first."""

MAXIMUM_EDGES = 50_000
MAXIMUM_PEOPLE = 50_000

_CARRIED = re.compile(r"-?[0-9]+(?:\.[0-9]+|/[0-9]+)?")


@dataclass(frozen=True)
class Split:
    """A division, and the shares that were waived and stay visible."""

    division: Division
    struck: tuple[Struck, ...]


def split(
    amount_minor: int,
    policy: Policy,
    graph: Graph | None = None,
    *,
    carry: Mapping[str, Fraction] = NO_CARRY,
    minimum_minor: int = 0,
) -> Split:
    """Divide an amount by a policy, rounded once.

    Of an amount of 0 the shares are those by which the next unit would be divided.
    """
    amount = Fraction(abs(whole_amount(amount_minor)) or 1)
    parts = policy.parts(amount, graph)
    division = divide(amount_minor, parts.units, carry=carry, minimum_minor=minimum_minor)
    struck = tuple(Struck(each.payee, each.of, each.amount / amount) for each in parts.struck)
    return Split(division, struck)


def preview(body: Mapping[str, object]) -> dict[str, object]:
    """The answer of ``POST /splits/preview`` to its body, as domain/policies.md describes both."""
    fields = fields_of(
        body,
        "body",
        BadSplit,
        needed=("amount_minor", "currency", "policy"),
        optional=("rounding", "graph", "carry", "minimum_minor"),
    )
    amount_minor = whole_amount(fields["amount_minor"])
    currency = currency_code(fields["currency"])
    rounding = fields.get("rounding", WITH_CARRY)
    if rounding not in ROUNDINGS:
        raise BadSplit("rounding", f"this is one of {', '.join(ROUNDINGS)}")
    if rounding == PLAIN and "carry" in fields:
        raise BadSplit("carry", f"nothing is carried with {PLAIN}")
    if rounding == WITH_CARRY and "minimum_minor" in fields:
        raise BadSplit("minimum_minor", f"a minimum is only for {PLAIN}")
    graph = read_graph(fields["graph"]) if "graph" in fields else None
    result = split(
        amount_minor,
        read_policy(fields["policy"], "policy", VERSIONS, graph, Spent()),
        graph,
        carry=read_carry(fields.get("carry", [])),
        minimum_minor=units_minor(fields.get("minimum_minor", 0), "minimum_minor"),
    )
    division = result.division
    answer: dict[str, object] = {
        "amount_minor": amount_minor,
        "currency": currency,
        "rounding": rounding,
        "lines": [
            {"payee": payee, "amount_minor": units, "share": str(division.share(payee))}
            for payee, units in division.units.items()
        ],
    }
    if rounding == WITH_CARRY:
        answer["carry"] = [[payee, str(part)] for payee, part in division.carry().items()]
    if result.struck:
        answer["struck"] = [
            {"payee": each.payee, "of": each.of, "share": str(each.amount)}
            for each in result.struck
        ]
    return answer


def read_graph(value: object) -> Graph:
    """A graph as it is sent: ``{"root", "edges": [{"child", "parent", "rate"}], "people"}``."""
    optional = ("edges", "people")
    fields = fields_of(value, "graph", BadGraph, needed=("root",), optional=optional)
    lines = list_of(fields.get("edges", []), "graph.edges", BadGraph)
    people = fields.get("people", {})
    if not isinstance(people, Mapping):
        raise BadGraph("graph.people", "this is an object of [[payee, share], …] by work")
    if len(lines) > MAXIMUM_EDGES:
        raise SplitTooLarge("edges in a graph", MAXIMUM_EDGES)
    held = {
        name_of(node, "graph.people", BadGraph): _holders(node, each)
        for node, each in people.items()
    }
    if sum(map(len, held.values())) > MAXIMUM_PEOPLE:
        raise SplitTooLarge("people in a graph", MAXIMUM_PEOPLE)
    root = name_of(fields["root"], "graph.root", BadGraph)
    return graph_of(root, [_edge(line, index) for index, line in enumerate(lines)], held)


def _edge(value: object, index: int) -> Edge:
    """One edge; without a rate it only says that the child was made from the parent."""
    where = f"graph.edges[{index}]"
    needed = ("child", "parent")
    edge = fields_of(value, where, BadGraph, needed=needed, optional=("rate",))
    child, parent = (name_of(edge[each], f"{where}.{each}", BadGraph) for each in needed)
    rate = edge.get("rate")
    if "rate" in edge and rate is None:
        raise BadRate(rate)
    try:
        exact = exact_rate(rate)
    except BadRate:
        raise BadRate(shown(rate)) from None
    return child, parent, None if exact is None else Fraction(exact)


def _holders(node: str, value: object) -> tuple[tuple[str, Fraction], ...]:
    """Whose a work is: ``[[payee, share], …]``, nobody twice."""
    where = f"graph.people ({shown(node)})"
    holders: dict[str, Fraction] = {}
    for line in list_of(value, where, BadGraph):
        fields = list_of(line, where, BadGraph)
        if len(fields) != 2:
            raise BadGraph(where, "a line is [payee, share]")
        payee = name_of(fields[0], where, BadGraph)
        if payee in holders:
            raise BadGraph(where, f"“{payee}” is listed twice")
        holders[payee] = exact_share(fields[1], f"{where}, {payee}")
    if not holders:
        raise BadGraph(where, "this list is empty; leave out a work that is its own payee")
    return tuple(holders.items())


def read_carry(value: object) -> dict[str, Fraction]:
    """What was carried here: ``[["payee", "-1/3"], …]``, as an earlier answer gave it."""
    carry: dict[str, Fraction] = {}
    for line in list_of(value, "carry", BadSplit):
        fields = list_of(line, "carry", BadSplit)
        if len(fields) != 2:
            raise BadSplit("carry", "a line is [payee, part of a unit]")
        payee = name_of(fields[0], "carry", BadSplit)
        if payee in carry:
            raise BadCarry(f"“{payee}” is listed twice")
        carry[payee] = _carried(fields[1], payee)
    return carry


def _carried(value: object, payee: str) -> Fraction:
    """An exact text like a share, which may be negative and as long as an exact share may be."""
    if not isinstance(value, str) or len(value) > 2 * 4_300 or not _CARRIED.fullmatch(value):
        raise BadCarry(f'“{payee}” carries no exact part such as "-1/3"')
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise BadCarry(f'“{payee}” carries no exact part such as "-1/3"') from None
