"""Exact parts of an amount: what every payee gets before anything is rounded.

Parts sum to exactly the amount they are parts of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from domain.money.apportionment import MAXIMUM_SCALE_BITS, common_scale
from domain.money.policy.bounds import bounds, must_be_writable
from domain.refusal import SplitTooLarge


@dataclass(frozen=True)
class Waived:
    """What a payee waived: it went to others, and is still shown."""

    payee: str
    of: str
    amount: Fraction


@dataclass(frozen=True)
class Parts:
    """Exact parts of an amount: ``units[payee] / scale``, integers over one common scale."""

    units: dict[str, int]
    scale: int
    waived: tuple[Waived, ...] = ()

    def __post_init__(self) -> None:
        bits = self.scale.bit_length()
        if bits > MAXIMUM_SCALE_BITS:
            raise SplitTooLarge("digits in an exact share", 4_200)
        must_be_writable(len(self.units), bits, bounds().bits)

    def whole(self) -> Fraction:
        """The amount: the sum of all parts."""
        return Fraction(sum(self.units.values()), self.scale)

    def exact(self) -> dict[str, Fraction]:
        """The parts that are not 0."""
        return {payee: Fraction(units, self.scale) for payee, units in self.units.items() if units}

    def times(self, factor: Fraction) -> Parts:
        """The same parts of an amount that is ``factor`` times as large."""
        by, scale = factor.numerator, self.scale * factor.denominator
        shorter = gcd(by, scale)
        by, scale = by // shorter, scale // shorter
        return Parts(
            self.units if by == 1 else {payee: units * by for payee, units in self.units.items()},
            scale,
            tuple(Waived(each.payee, each.of, each.amount * factor) for each in self.waived),
        )


def alone(payee: str, amount: Fraction) -> Parts:
    """All of the amount for one payee."""
    return Parts({payee: amount.numerator}, amount.denominator)


def exactly(amounts: Mapping[str, Fraction], waived: Iterable[Waived] = ()) -> Parts:
    """These amounts as parts, over their common scale."""
    scale = common_scale(amount.denominator for amount in amounts.values())
    units = {
        payee: amount.numerator * (scale // amount.denominator) for payee, amount in amounts.items()
    }
    return Parts(units, scale, tuple(waived))


def together(parts: Iterable[Parts]) -> Parts:
    """The sum of several parts, payee by payee."""
    every = tuple(parts)
    if len(every) == 1:
        return every[0]
    scale = common_scale(each.scale for each in every)
    units: dict[str, int] = {}
    for each in every:
        factor = scale // each.scale
        for payee, count in each.units.items():
            units[payee] = units.get(payee, 0) + count * factor
    return Parts(units, scale, tuple(waived for each in every for waived in each.waived))
