"""What several tests about money need: a split in one line, and equations solved exactly.

Rule: everything here is computed another way than in the project.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from domain.lineage import Edge, Holders, Lineage
from domain.money.split import preview

Rates = Iterable[tuple[str, str, Fraction]]
"""Edges: child, parent, and the rate."""


def lineage_of(
    root: str, edges: Rates, people: Mapping[str, Holders] | None = None
) -> Lineage[str]:
    """A lineage from its edges and rates."""
    return Lineage(root, tuple(Edge(c, p, rate=str(rate)) for c, p, rate in edges), people or {})


PLAIN = "largest_remainder"
WITH_CARRY = "largest_remainder_with_carry"


def answered(policy: object, amount: int = 100, **more: object) -> dict[str, Any]:
    """The answer of the preview in US dollars."""
    return preview({"amount_minor": amount, "currency": "USD", "policy": policy, **more})


def units(policy: object, amount: int = 100, **more: object) -> dict[str, int]:
    """What each payee gets, by plain largest remainder."""
    lines = answered(policy, amount, rounding=PLAIN, **more)["lines"]
    return {line["payee"]: line["amount_minor"] for line in lines}


def shares(policy: object, amount: int = 100, **more: object) -> dict[str, Fraction]:
    """The exact share of each payee."""
    lines = answered(policy, amount, rounding=PLAIN, **more)["lines"]
    return {line["payee"]: Fraction(line["share"]) for line in lines}


def fixed(weights: Sequence[Sequence[str]]) -> dict[str, object]:
    return {"type": "fixed", "shares": [list(line) for line in weights]}


def solved(matrix: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The only solution of a system of linear equations, by elimination over fractions."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = next(row for row in range(column, size) if rows[row][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        divisor = rows[column][column]
        rows[column] = [value / divisor for value in rows[column]]
        for row in range(size):
            factor = rows[row][column]
            if row != column and factor:
                pairs = zip(rows[row], rows[column], strict=True)
                rows[row] = [value - factor * other for value, other in pairs]
    return tuple(row[-1] for row in rows)


def graph(root: str, edges: Mapping[str, str], people: object = None) -> dict[str, object]:
    """A graph from ``{"child>parent": rate}``."""
    lines = [
        dict(zip(("child", "parent"), ends.split(">"), strict=True), rate=rate)
        for ends, rate in edges.items()
    ]
    return {"root": root, "edges": lines, **({"people": people} if people else {})}
