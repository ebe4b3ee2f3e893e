"""Dividing a whole number of units among payees by exact shares, to the last unit.

The parts sum to the whole, and the order in which payees are listed never decides who gets a unit.

Of N units, a payee with share s and carry e (0 without carry) is due t = e + N·s, and is allocated
x = max(0, ⌊t⌋). Units left over go to the largest t − x. If max(0, …) allocated too many, units are
removed where t − x is smallest. What was due but not allocated, e ← t − x, is carried to the
next division. Ties go to the payee who comes first by ``payee_key``. A negative amount is divided
as the exact mirror of the positive one.

Fractions are held as integers over one common scale, so they are exact.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from heapq import heapify, heappop, heappush
from math import gcd, lcm
from types import MappingProxyType
from typing import cast

from domain.cached import cached_property
from domain.money.policy.bounds import bounds, must_be_writable
from domain.refusal import BadAmount, BadCarry, BadShare, SplitTooLarge, UnbalancedDivision

MAXIMUM_AMOUNT_DIGITS = 30
MAXIMUM_SCALE_BITS = 14_000
"""The longest denominator: about 4,200 digits; Python refuses to print more than 4,300."""

MAXIMUM_CARRY_UNITS = 100_000
"""The most units carried over all payees; a real carry is less than one unit per payee."""

NO_CARRY: Mapping[str, Fraction] = MappingProxyType({})

_NOTHING = Fraction()
_DIGITS = re.compile(r"[0-9]+")


@lru_cache(maxsize=32_768)
def payee_key(payee: str) -> tuple[str, str]:
    """The sort key of payees: by code points, but with runs of digits as numbers (r2 before r10).

    It depends on the name alone, never on a position in a list; equal numbers such as in "r1" and
    "r01" are told apart by the text.
    """
    return _DIGITS.sub(_number_key, payee), payee


def _number_key(run: re.Match[str]) -> str:
    # Digits stay text: Python converts long runs slowly, and refuses more than 4,300 digits. The
    # length in front makes longer numbers greater, and \0 puts numbers before other characters.
    digits = run[0].lstrip("0")
    return f"\0{chr(len(digits))}{digits}"


def whole_amount(amount_minor: object) -> int:
    """The amount, if it is an int of at most 30 digits; else ``BadAmount``, as for True and 1.0."""
    if not isinstance(amount_minor, int) or isinstance(amount_minor, bool):
        raise BadAmount(amount_minor, "it must be a whole number of smallest units, and not text")
    if abs(amount_minor) >= 10**MAXIMUM_AMOUNT_DIGITS:
        raise BadAmount("…", f"it has more than {MAXIMUM_AMOUNT_DIGITS} digits")
    return amount_minor


def common_scale(denominators: Iterable[int]) -> int:
    """The least common multiple of the denominators; refuses (``SplitTooLarge``) too many digits.

    Integers over one scale are as exact as fractions and much faster, because no greatest common
    divisor is computed at every step.
    """
    scale = 1
    for denominator in denominators:
        scale = lcm(scale, denominator)
        if scale.bit_length() > MAXIMUM_SCALE_BITS:
            raise SplitTooLarge("digits in an exact share", 4_200)
    return scale


def exact_sum(parts: Collection[Fraction]) -> Fraction:
    """The sum of fractions, added over one scale; it may have any number of digits."""
    scale = lcm(*(part.denominator for part in parts))
    return Fraction(sum(part.numerator * (scale // part.denominator) for part in parts), scale)


@dataclass(frozen=True, kw_only=True)
class Division:
    """An amount divided: who gets how many units, and everything needed to explain it."""

    amount_minor: int
    payees: Sequence[str]
    """In any order; the sequences below are in the same order."""
    given: Sequence[int]
    """The units of each payee."""
    whole: Sequence[int]
    """The weights as integers."""
    total: int
    """The sum of the weights."""
    remainders: Sequence[int]
    """t − x, over ``scale``, before the units left over were allocated."""
    left_over: int
    """How many units were left over or, if negative, were allocated too many and removed."""
    undue: Sequence[int]
    """What was due but not allocated in the end, t − x, over ``scale``."""
    scale: int

    @cached_property
    def units(self) -> dict[str, int]:
        """What each payee gets, in the order of ``payee_key``."""
        given = self._by_payee(self.given)
        return {payee: given[payee] for payee in _in_order(given)}

    @cached_property
    def weights(self) -> dict[str, int]:
        """The weight of each payee."""
        return self._by_payee(self.whole)

    @cached_property
    def ranks(self) -> dict[str, int]:
        """By payee: the rank, 1 for the largest remainder, in which units left over are given."""
        # Sorting is stable, in reverse as well, so the order of the payees' keys breaks ties.
        remainder = self._by_payee(self.remainders).__getitem__
        ranked = sorted(self.units, key=remainder, reverse=True)
        return {payee: rank for rank, payee in enumerate(ranked, start=1)}

    def share(self, payee: str) -> Fraction:
        """A payee's exact share of the whole."""
        return Fraction(self.weights[payee], self.total)

    def carry(self) -> dict[str, Fraction]:
        """What is carried to the next division; it sums to zero."""
        undue = self._by_payee(self.undue)
        return {payee: Fraction(undue[payee], self.scale) for payee in self.units}

    def _by_payee(self, numbers: Sequence[int]) -> dict[str, int]:
        return dict(zip(self.payees, numbers, strict=True))


def divide(
    amount_minor: int,
    weights: Mapping[str, int | Fraction],
    *,
    carry: Mapping[str, Fraction] = NO_CARRY,
    minimum_minor: int = 0,
) -> Division:
    """Divide the amount in proportion to the weights, by largest remainder, with the carry.

    With ``minimum_minor``, which needs an empty carry, everyone with a share gets at least that
    much, as each State has at least one seat (U.S. Constitution, Article I, section 2).

    Source: Hamilton's method (Hare–Niemeyer); the carry diffuses rounding errors as Floyd and
    Steinberg do.
    """
    whole_amount(amount_minor)
    payees, whole = list(weights), _whole_weights(weights)
    total = sum(whole)
    # Reducing to lowest terms takes longer than all the rest, so it is done only where needed.
    if carry or bounds().dues or total.bit_length() > MAXIMUM_SCALE_BITS:
        divisor = gcd(*whole)
        whole, total = [weight // divisor for weight in whole], total // divisor
    mirror = -1 if amount_minor < 0 else 1
    amount = abs(amount_minor)
    due, scale = _due(amount, payees, whole, carry, mirror)
    given, floors = [part // scale for part in due], [0] * len(due)
    is_plain = not any(carry.values()) and not minimum_minor
    if not is_plain:
        floors = [minimum_minor if weight else 0 for weight in whole]
        if minimum_minor and (any(carry.values()) or sum(floors) > amount):
            raise BadAmount(amount_minor, f"it can't give everyone at least {minimum_minor}")
        given = list(map(max, floors, given))
    missing = [part % scale for part in due]
    if not is_plain:
        missing = [part - units * scale for part, units in zip(due, given, strict=True)]
    remainders, left_over = missing[:], amount - sum(given)
    for index in _first(max(0, left_over), missing, payees):
        given[index] += 1
        missing[index] -= scale
    if left_over < 0:
        _take_back(-left_over, given, missing, floors, scale, payees)
    _must_balance(amount, payees, due, scale, given, missing, is_plain=is_plain)
    if mirror < 0:
        given, missing = [-units for units in given], [-part for part in missing]
    return Division(
        amount_minor=amount_minor,
        payees=payees,
        given=given,
        whole=whole,
        total=total,
        remainders=remainders,
        left_over=left_over,
        undue=missing,
        scale=scale,
    )


def settle(due: Mapping[str, Fraction]) -> dict[str, int]:
    """Whole units for exact dues, which may be negative but must sum to whole units.

    Everyone gets x = ⌊d⌋, and the units left over go to the largest d − ⌊d⌋; so Σx = Σd,
    |x − d| < 1, and a payee who is due whole units gets exactly those. In a correction d is the
    carry plus the change of what is due, and d − x is carried on.
    """
    for payee, part in due.items():
        if not is_exact(part):
            raise BadAmount(part, f"what is due to {payee} is not exact")
    scale = common_scale(part.denominator for part in due.values())
    ordered = sorted(due, key=payee_key)
    exact = {payee: due[payee].numerator * (scale // due[payee].denominator) for payee in ordered}
    whole, over = divmod(sum(exact.values()), scale)
    if over:
        raise BadAmount(sum(due.values()), "the dues do not sum to whole units")
    units = {payee: part // scale for payee, part in exact.items()}
    ranked = sorted(ordered, key=lambda payee: -(exact[payee] % scale))
    for payee in ranked[: whole - sum(units.values())]:
        units[payee] += 1
    return units


def apportion_over(amount_minor: int, lines: Mapping[str, int]) -> dict[str, int]:
    """How much a partial reversal takes from each line, in proportion to what is left of the line.

    N·l/Σl by largest remainder. N is from 0 to Σl, so no line goes below 0, and the reversal that
    takes the last unit leaves every line at exactly 0. All lines and the amount have the same sign;
    negative ones are the mirror. Refuses (``BadAmount``) anything else.
    """
    whole_amount(amount_minor)
    total = sum(map(whole_amount, lines.values()))
    mirror = -1 if total < 0 else 1
    if any(mirror * line < 0 for line in lines.values()):
        raise BadAmount(total, "the lines to be reversed have different signs")
    if not 0 <= mirror * amount_minor <= mirror * total:
        raise BadAmount(amount_minor, f"only {total} can still be reversed")
    if not total:
        return dict.fromkeys(sorted(lines, key=payee_key), 0)
    left = {payee: mirror * line for payee, line in lines.items()}
    return divide(amount_minor, left).units


def is_exact(number: object) -> bool:
    """Whether a number is an int or a Fraction; floats and booleans are not exact."""
    return isinstance(number, int | Fraction) and not isinstance(number, bool)


def _in_order(payees: Iterable[str]) -> list[str]:
    """Payees in the order of ``payee_key``."""
    # Two sorts by text are faster than one by pairs. Sorting is stable, so payees with the same
    # first part of the key stay in the order of the second.
    return sorted(sorted(payees), key=lambda payee: payee_key(payee)[0])


def _whole_weights(weights: Mapping[str, int | Fraction]) -> list[int]:
    """The weights as integers.

    Refuses (``BadShare``) if all are 0, even for an amount of 0: there would be no shares.
    """
    is_whole = set(map(type, weights.values())) == {int}
    if not is_whole or min(weights.values()) < 0:
        for payee, weight in weights.items():
            if not is_exact(weight):
                raise BadShare(payee, weight, "it is not exact")
            if weight < 0:
                raise BadShare(payee, weight, "it is negative")
    stated = list(weights.values())
    if not is_whole:
        scale = common_scale({weight.denominator for weight in stated})
        stated = [weight.numerator * (scale // weight.denominator) for weight in stated]
    if not any(stated):
        raise BadShare("everybody", 0, "the weights sum to zero")
    return cast("list[int]", stated)


def _due(
    amount: int,
    payees: Sequence[str],
    whole: Sequence[int],
    carry: Mapping[str, Fraction],
    mirror: int,
) -> tuple[list[int], int]:
    """What is due to each payee, t = e + N·s, over one scale."""
    for payee, carried in carry.items():
        if not is_exact(carried):
            raise BadCarry(f"the carry of “{payee}” is not exact")
    if carry and (strangers := carry.keys() - set(payees)):
        raise BadCarry(f"“{min(strangers)}” is not one of the payees")
    if exact_sum(carry.values()):
        raise BadCarry("the carry does not sum to zero")
    if exact_sum([*map(abs, carry.values())]) > MAXIMUM_CARRY_UNITS:
        raise BadCarry(f"the carry is more than {MAXIMUM_CARRY_UNITS} units in all")
    total = sum(whole)
    scale = common_scale([total, *(carried.denominator for carried in carry.values())])
    must_be_writable(len(whole), scale.bit_length(), bounds().dues)
    factor = amount * (scale // total)
    due = [factor * weight for weight in whole]
    if carry:
        for index, payee in enumerate(payees):
            carried = carry.get(payee, _NOTHING)
            due[index] += mirror * carried.numerator * (scale // carried.denominator)
    return due, scale


def _first(count: int, missing: Sequence[int], payees: Sequence[str]) -> list[int]:
    """The indexes of the ``count`` payees with the most missing; ties go by ``payee_key``."""
    # The leading 30 bits mostly decide, and numbers of one machine word are quick to compare.
    shift = max(0, max(missing).bit_length() - 30)
    leading = [part >> shift for part in missing]
    ranked = sorted(range(len(leading)), key=leading.__getitem__, reverse=True)
    least = leading[ranked[count - 1]]
    if leading[ranked[count]] == least:  # there is such a payee: count < len(payees)
        sure = [index for index in ranked[:count] if leading[index] > least]
        tied = (index for index in ranked if leading[index] == least)
        ranked = sure + sorted(tied, key=lambda index: (-missing[index], payee_key(payees[index])))
    return ranked[:count]


def _take_back(
    excess: int,
    given: list[int],
    missing: list[int],
    floors: Sequence[int],
    scale: int,
    payees: Sequence[str],
) -> None:
    """Remove units, each from the payee allocated the most beyond what is due to them."""
    # Ties go by payee_key in reverse: the first to receive a unit is the last to give one back.
    ordered = sorted(range(len(payees)), key=lambda index: payee_key(payees[index]), reverse=True)
    heap = [
        (missing[index], back, index)
        for back, index in enumerate(ordered)
        if given[index] > floors[index]
    ]
    heapify(heap)
    for _ in range(excess):
        lacking, back, index = heappop(heap)
        given[index] -= 1
        missing[index] = lacking + scale
        if given[index] > floors[index]:
            heappush(heap, (missing[index], back, index))


def _must_balance(
    amount: int,
    payees: Sequence[str],
    due: Sequence[int],
    scale: int,
    given: Sequence[int],
    missing: Sequence[int],
    *,
    is_plain: bool,
) -> None:
    """Check the laws of a division, on every division; ``missing`` is what is carried on."""
    if sum(given) != amount:
        raise UnbalancedDivision(f"the parts sum to {sum(given)}, not to {amount}")
    if sum(due) != amount * scale or sum(missing) != 0:
        raise UnbalancedDivision("what is carried on does not sum to zero")
    if min(given) < 0:
        raise UnbalancedDivision(f"{payees[given.index(min(given))]} would get a negative amount")
    if 0 in due:
        for payee, part, units in zip(payees, due, given, strict=True):
            if units and not part:
                raise UnbalancedDivision(f"{payee} has no share and would be paid {units}")
    worst = max(max(missing), min(missing), key=abs)
    if is_plain and abs(worst) >= scale:
        payee = payees[missing.index(worst)]
        raise UnbalancedDivision(f"{payee} would get a whole unit too much or too little")
