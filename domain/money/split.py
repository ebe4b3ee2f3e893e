"""Splitting an amount by a policy and, if the policy needs one, a lineage.

Nothing is recorded. Every payee has a line, and the lines sum to the amount.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from domain.lineage import Edge, Holders, Lineage
from domain.money.apportionment import (
    NO_CARRY,
    Division,
    common_scale,
    divide,
    is_exact,
    whole_amount,
)
from domain.money.currency import currency_code
from domain.money.policy.bounds import bounds
from domain.money.policy.flow import BY_RULE, NO_FLOW, Flow
from domain.money.policy.parts import Waived
from domain.money.policy.reading import (
    MAXIMUM_COMPUTED_LENGTH,
    MAXIMUM_NAME_LENGTH,
    Given,
    Policy,
    exact_share,
    fields_of,
    list_of,
    name_of,
    read_policy,
    units_minor,
)
from domain.money.policy.sold import NO_ORIGIN, Origin
from domain.money.policy.versions import VERSIONS
from domain.money.sales import (
    paid_first,
    read_expenses,
    read_sold,
    taken_before_expenses,
    with_expenses,
)
from domain.refusal import (
    BadAmount,
    BadCarry,
    BadGraph,
    BadPolicy,
    BadRate,
    BadShare,
    BadSold,
    BadSplit,
    CapExceeded,
    LineageCycle,
    RatesOverWhole,
    SplitTooLarge,
    TooLarge,
    UnbalancedDivision,
    shown,
)
from domain.remix import exact_rate

PLAIN = "largest_remainder"
WITH_CARRY = "largest_remainder_with_carry"
ROUNDINGS = {
    WITH_CARRY: "the largest remainders round up; what is lost or gained is carried over",
    PLAIN: "the largest remainders round up, and nothing is carried over",
}
"""The methods of rounding, the default first."""
OF_SPLIT = (
    *(BadSplit, BadAmount, BadPolicy, BadShare, BadRate, BadGraph, LineageCycle),
    *(RatesOverWhole, CapExceeded, SplitTooLarge, UnbalancedDivision, TooLarge, BadSold),
)
"""The refusals of a split."""

MAXIMUM_EDGES = 50_000
MAXIMUM_PLACE_LENGTH = 1_000

_CARRIED = re.compile(r"-?[0-9]+(?:\.[0-9]+|/[0-9]+)?")


def limit_edges(count: int) -> None:
    """Refuse (``SplitTooLarge``) a lineage of more edges than MAXIMUM_EDGES."""
    if count > MAXIMUM_EDGES:
        raise SplitTooLarge("edges in a graph", MAXIMUM_EDGES)


@dataclass(frozen=True)
class Split:
    """The result of splitting an amount by a policy."""

    division: Division
    waived: tuple[Waived, ...]
    flow: Mapping[str, Fraction]
    """By place: what is added to the running totals of the policy."""
    agreed: Fraction
    """How much of the amount goes by agreed shares."""
    ruled: Sequence[tuple[str, Mapping[str, Fraction]]]
    """Rules, nested ones first, each with what it gave by payee."""


def split(
    amount_minor: int,
    policy: Policy,
    graph: Lineage[str] | None = None,
    *,
    carry: Mapping[str, Fraction] = NO_CARRY,
    minimum_minor: int = 0,
    flow: Mapping[str, Fraction] = NO_FLOW,
    keeps_rest: bool = False,
    origin: Origin = NO_ORIGIN,
) -> Split:
    """Divide an amount by a policy, rounding once; ``flow`` are the running totals before it.

    ``origin`` are the sales behind it, and the expenses paid back before it.

    For an amount of 0 the shares are those by which the next unit would be divided. A negative
    amount is the exact mirror: with the same flow it sends back what the positive one sends.
    """
    amount = Fraction(abs(whole_amount(amount_minor)) or 1)
    passed = Flow(flow, keeps_rest=keeps_rest, origin=origin)
    parts = policy.parts(amount, graph, passed)
    if not keeps_rest:  # the terms of a pool may have been amended
        _must_have_totals(flow, {*passed.added, *passed.reached})
    division = divide(amount_minor, parts.units, carry=carry, minimum_minor=minimum_minor)
    waived = tuple(Waived(each.payee, each.of, each.amount / amount) for each in parts.waived)
    sign = (amount_minor > 0) - (amount_minor < 0)
    added = {place: sign * part for place, part in passed.added.items() if sign * part}
    ruled = [
        (rule, {payee: sign * part for payee, part in given.items() if sign})
        for rule, given in passed.ruled
    ]
    return Split(division, waived, added, sign * passed.agreed, ruled)


def _must_have_totals(earlier: Mapping[str, Fraction], places: Collection[str]) -> None:
    """Refuse running totals at places that this policy does not have."""
    for place, part in earlier.items():
        if place not in places and not place.startswith(BY_RULE):
            raise BadSplit("flow", f"this policy keeps no sum at “{shown(place)}”")
        if not is_exact(part) or part < 0:
            raise BadSplit(
                "flow", f"what went through “{shown(place)}” must be exact and not negative"
            )


def known_rounding(rounding: object) -> str:
    """The rounding, if it is one of those documented."""
    if not isinstance(rounding, str) or rounding not in ROUNDINGS:
        raise BadSplit("rounding", f"it must be one of {', '.join(ROUNDINGS)}")
    return rounding


def read_terms(
    value: object, *, agreed: Sequence[tuple[str, Fraction]] = (), graph: Lineage[str] | None = None
) -> Policy:
    """The policy that is the terms of a pool; ``agreed`` are the shares of its final proposal."""
    common_scale(share.denominator for _, share in agreed)
    total = sum((share for _, share in agreed), Fraction())
    if agreed and (total != 1 or any(share < 0 for _, share in agreed)):
        raise BadShare("agreed", total, "none may be negative, and they must sum to exactly 1")
    if len({payee for payee, _ in agreed}) < len(agreed):
        raise BadSplit("agreed", "nobody may be listed twice")
    return read_policy(value, "policy", Given(VERSIONS, graph, agreed))


def preview(body: Mapping[str, object]) -> dict[str, object]:
    """What an amount would be divided into, and why; nothing is recorded.

    The policies, and the graph that most of them need, are described at /docs/reference/policies.
    """
    fields = fields_of(
        body,
        "body",
        BadSplit,
        needed=("amount_minor", "currency", "policy"),
        optional=(
            *("rounding", "graph", "agreed", "flow", "carry", "minimum_minor"),
            *("sold", "expenses"),
        ),
    )
    amount_minor = whole_amount(fields["amount_minor"])
    currency = currency_code(fields["currency"])
    rounding = known_rounding(fields.get("rounding", WITH_CARRY))
    if rounding == PLAIN and "carry" in fields:
        raise BadSplit("carry", f"nothing can be carried with {PLAIN}")
    if rounding == WITH_CARRY and "minimum_minor" in fields:
        raise BadSplit("minimum_minor", f"a minimum is only allowed with {PLAIN}")
    graph = read_graph(fields["graph"]) if "graph" in fields else None
    agreed = read_agreed(fields["agreed"]) if "agreed" in fields else ()
    policy = read_terms(fields["policy"], agreed=agreed, graph=graph)
    origin = Origin(read_sold(fields.get("sold", []), currency))
    left = amount_minor - taken_before_expenses(policy, amount_minor, origin)
    paid = paid_first(left, read_expenses(fields.get("expenses", [])).items())
    carry = read_carry(fields.get("carry", []))
    minimum_minor = units_minor(fields.get("minimum_minor", 0), "minimum_minor")
    expenses_minor = sum(paid.values())
    result = split(
        amount_minor - expenses_minor,
        policy,
        graph,
        carry=NO_CARRY if paid else carry,
        minimum_minor=0 if paid else minimum_minor,
        flow=read_flow(fields.get("flow", [])),
        origin=origin._replace(expenses_minor=expenses_minor),
    )
    division = result.division
    if paid:
        due = with_expenses(division, paid)
        division = divide(amount_minor, due, carry=carry, minimum_minor=minimum_minor)
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
    if "flow" in fields:
        answer["flow"] = [[place, str(part)] for place, part in result.flow.items()]
    return answer | _explained(result)


def _explained(result: Split) -> dict[str, object]:
    """What each rule of the policy gave, and what was waived, if anything."""
    answer: dict[str, object] = {}
    if result.ruled:
        answer["rules"] = [
            {"rule": rule, "payee": payee, "amount": str(part)}
            for rule, given in result.ruled
            for payee, part in given.items()
        ]
    if result.waived:
        answer["waived"] = [
            {"payee": each.payee, "of": each.of, "share": str(each.amount)}
            for each in result.waived
        ]
    return answer


def read_graph(value: object) -> Lineage[str]:
    """A graph as it is sent: ``{"root", "edges": [{"child", "parent", "rate"}], "people"}``."""
    optional = ("edges", "people")
    fields = fields_of(value, "graph", BadGraph, needed=("root",), optional=optional)
    lines = list_of(fields.get("edges", []), "graph.edges", BadGraph)
    people = fields.get("people", {})
    if not isinstance(people, Mapping):
        raise BadGraph("graph.people", "this must be an object of [[payee, share], …] by work")
    most = bounds().lines
    if len(lines) > most:
        raise SplitTooLarge("edges in a graph", most)
    if sum(len(each) for each in people.values() if isinstance(each, list)) > most:
        raise SplitTooLarge("people in a graph", most)
    held = {
        name_of(node, "graph.people", BadGraph): _holders(node, each)
        for node, each in people.items()
    }
    root = name_of(fields["root"], "graph.root", BadGraph)
    edges = tuple(_edge(line, index) for index, line in enumerate(lines))
    return _checked(Lineage(root, edges, held))


def _checked(graph: Lineage[str]) -> Lineage[str]:
    """The graph, if it is a lineage with its people."""
    nodes = set(graph.nodes)
    if graph.edges and not any(graph.root in edge[:2] for edge in graph.edges):
        raise BadGraph("graph.root", f"no edge leads from or to “{graph.root}”")
    for node, holders in graph.people.items():
        if node not in nodes:
            raise BadGraph("graph.people", f"“{node}” is neither the root nor on an edge")
        total = sum((share for _, share in holders), Fraction())
        if total != 1:
            raise BadShare(f"graph.people ({node})", total, "the shares must sum to exactly 1")
    return graph


def _edge(value: object, index: int) -> Edge[str]:
    """One edge; without a rate it only states that the child was made from the parent."""
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
    return Edge(child, parent, rate=exact)


def _holders(node: str, value: object) -> Holders:
    """Who holds a work: ``[[payee, share], …]``, nobody twice."""
    where = f"graph.people ({shown(node)})"
    holders = {
        payee: exact_share(share, f"{where}, {payee}")
        for payee, share in _lines(value, where, BadGraph, "[payee, share]").items()
    }
    if not holders:
        raise BadGraph(where, "this list is empty; leave out a work that is its own payee")
    return tuple(holders.items())


def read_carry(value: object) -> dict[str, Fraction]:
    """The carry: ``[["payee", "-1/3"], …]``, as an earlier answer gave it."""
    lines = _lines(value, "carry", BadSplit, "[payee, part of a unit]", twice=BadCarry)
    return {payee: _carried(part, payee) for payee, part in lines.items()}


def read_agreed(value: object) -> tuple[tuple[str, Fraction], ...]:
    """The shares of a final proposal: ``[["payee", "1/3"], …]``."""
    lines = _lines(value, "agreed", BadSplit, "[payee, share]")
    if not lines:
        raise BadSplit("agreed", "this list is empty")
    return tuple(
        (payee, exact_share(share, f"agreed, {payee}", MAXIMUM_COMPUTED_LENGTH))
        for payee, share in lines.items()
    )


def read_flow(value: object) -> dict[str, Fraction]:
    """The running totals: ``[["policy.recouped (bank)", "1200"], …]``."""
    lines = _lines(value, "flow", BadSplit, "[place, units]", longest=MAXIMUM_PLACE_LENGTH)
    return {
        place: exact_share(part, f"flow, {place}", MAXIMUM_COMPUTED_LENGTH)
        for place, part in lines.items()
    }


def _lines(
    value: object,
    where: str,
    refusal: type[BadSplit | BadGraph],
    form: str,
    *,
    twice: type[BadCarry] | None = None,
    longest: int = MAXIMUM_NAME_LENGTH,
) -> dict[str, object]:
    """A list of ``[name, value]``, no name twice."""
    lines: dict[str, object] = {}
    for line in list_of(value, where, refusal):
        fields = list_of(line, where, refusal)
        if len(fields) != 2:
            raise refusal(where, f"a line is {form}")
        name = name_of(fields[0], where, refusal, longest)
        if name in lines:
            reason = f"“{name}” is listed twice"
            raise twice(reason) if twice else refusal(where, reason)
        lines[name] = fields[1]
    return lines


def _carried(value: object, payee: str) -> Fraction:
    """An exact number from text; it may be negative, and longer than people's shares may be."""
    if (
        not isinstance(value, str)
        or len(value) > MAXIMUM_COMPUTED_LENGTH
        or not _CARRIED.fullmatch(value)
    ):
        raise BadCarry(f'“{payee}” carries no exact part such as "-1/3"')
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise BadCarry(f'“{payee}” carries no exact part such as "-1/3"') from None
