"""Flow: the running totals of a policy that depends on earlier divisions.

A place is the path of one total within the policy, such as ``policy.earned_minor``, in answers as
in code. Only totals are kept: a division adds to them, and a reversal subtracts from them.

Bands, tranches and advances depend on the total, so a reversal takes back the last units that
reached them, whichever division brought those: their result is always the formula applied to the
net total. Any other policy gives back the fraction of what it gave in that division of which what
reached it came back; that of the division, unless it is below bands, tranches or advances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from domain.money.policy.sold import NO_ORIGIN, Origin

if TYPE_CHECKING:
    from domain.money.policy.parts import Parts

NO_FLOW: Mapping[str, Fraction] = MappingProxyType({})

BY_RULE = "rule "
TO = " ⇒ "
"""``rule NAME ⇒ PAYEE`` is the place of the total, kept for display, that a rule gave a payee."""
FINE = 10**6
"""Totals whose denominators would grow without bound are rounded to 1/FINE of a unit."""


class Reversal(NamedTuple):
    """What a reversal takes back: the fraction of a division that was reversed before and after."""

    first: Flow
    """The flow of the reversed division."""
    before: Fraction
    after: Fraction
    is_local: bool = True
    """Whether fees give back as much as what they were taken of; by earlier rules, as the whole."""

    def part(self, amount: Fraction) -> Fraction:
        """This reversal's part of an amount, in millionths of a unit.

        The parts of all reversals of a division sum to exactly the amount.
        """
        return self._reversed_until(self.after, amount) - self._reversed_until(self.before, amount)

    def fee(self, fee: Fraction, amount: Fraction, whole: Fraction) -> Fraction:
        """This reversal's part of a fee, if it takes an amount of the whole it was taken of."""
        if not self.is_local or amount == whole * (self.after - self.before):
            return self.part(fee)
        part = fee * amount / whole
        return part if part.denominator <= FINE else Fraction(part * FINE // 1, FINE)

    @staticmethod
    def _reversed_until(fraction: Fraction, amount: Fraction) -> Fraction:
        return amount if fraction == 1 else Fraction(amount * fraction * FINE // 1, FINE)


class Flow:
    """The totals at each place of a policy before a division, and what the division adds to them.

    A policy may itself state an opening total (an amount earned before it was agreed); the totals
    here come on top of it. A division passes every place exactly once, even with 0.
    """

    def __init__(
        self,
        earlier: Mapping[str, Fraction] = NO_FLOW,
        *,
        reversal: Reversal | None = None,
        keeps_rest: bool = False,
        origin: Origin = NO_ORIGIN,
    ) -> None:
        self._earlier = earlier
        self.origin = origin
        """The sales and expenses behind the amount being divided now."""
        self.reversal = reversal
        """The reversal being computed; None for a division."""
        self.keeps_rest = keeps_rest
        """Whether the rest after limited tranches is totalled, so that reversals take it first."""
        self.added: dict[str, Fraction] = {}
        """By place: what this division adds to the total, or this reversal subtracts."""
        self.reached: dict[str, Fraction] = {}
        """By place without a total: the amount that reached it."""
        self.units: dict[str, Fraction] = {}
        """By place without a total: the units sold for that amount."""
        self.agreed = Fraction()
        """How much went by agreed shares."""
        self.ruled: list[tuple[str, dict[str, Fraction]]] = []
        """What each rule gave to each payee, not counting what rules nested in it gave."""
        self._within: tuple[str, ...] = ()
        """The names of the rules being computed, the outermost first."""

    def earlier(self, place: str) -> Fraction:
        """The total at a place after all earlier divisions."""
        return Fraction(self._earlier.get(place, 0))

    def add(self, place: str, amount: Fraction) -> None:
        """Count an amount at a place; a reversal takes back at most the total there."""
        assert place not in self.added, f"{place} was passed twice"
        self.added[place] = amount if self.reversal is None else min(amount, self.earlier(place))

    @contextmanager
    def limited_to(self, origin: Origin) -> Iterator[None]:
        """Within this context, the policies divide the amount of these sales only."""
        whole, self.origin = self.origin, origin
        yield
        self.origin = whole

    @contextmanager
    def ruled_by(self, name: str) -> Iterator[dict[str, Fraction]]:
        """Attribute to a rule what the caller writes into the yielded amounts by payee.

        What rules nested in it gave is attributed to them alone.
        """
        outer, start, given = self._within, len(self.ruled), dict[str, Fraction]()
        self._within = (*outer, name)
        yield given
        for _, inner in self.ruled[start:]:
            for payee, part in inner.items():
                given[payee] = given.get(payee, Fraction()) - part
        label = " / ".join(self._within)
        own = {payee: part for payee, part in given.items() if part}
        for payee, part in own.items():
            self._count(f"{BY_RULE}{label}{TO}{payee}", part)
        self.ruled.append((label, own))
        self._within = outer

    def _count(self, place: str, amount: Fraction) -> None:
        self.added[place] = self.added.get(place, Fraction()) + amount

    def fees(
        self, place: str, amount: Fraction, due: Callable[[Fraction, Fraction], list[Fraction]]
    ) -> list[Fraction]:
        """The fees ``due(amount, units sold)``; a reversal takes back its part of them."""
        self.reached[place], self.units[place] = amount, self.origin.units
        if self.reversal is not None and (whole := self.reversal.first.reached.get(place)):
            fees = due(whole, self.reversal.first.units[place])
            return [self.reversal.fee(fee, amount, whole) for fee in fees]
        return due(amount, self.origin.units)

    def rest(self, place: str, amount: Fraction) -> None:
        """Note what is left after limited tranches; it is totalled only with ``keeps_rest``."""
        if self.keeps_rest:
            self.add(place, amount)
        else:
            self.reached[place] = amount

    def in_proportion(
        self, place: str, amount: Fraction, parts: Callable[[Fraction, Flow], Parts]
    ) -> Parts:
        """The parts of a policy of which a reversal takes back the same fraction of every part."""
        if self.reversal is None:
            self.reached[place] = amount
            return parts(amount, self)
        first = self.reversal.first
        whole = first.reached.get(place) or amount
        # The division is computed again, from the totals before it.
        again = Flow(first._earlier, keeps_rest=first.keeps_rest, origin=self.origin)
        factor = amount / whole if whole else whole
        given = parts(whole, again).times(factor)
        for each, amount_added in again.added.items():
            if each.startswith(BY_RULE):
                self._count(each, self.reversal.part(amount_added))
            else:
                self.add(each, self.reversal.part(amount_added))
        self.agreed += again.agreed * factor
        return given
