"""Flow: how much earlier divisions sent through the places of a policy, and this one sends.

Only sums are kept: a division adds what it sent, and a reversal subtracts what it takes back.

Bands, tranches and advances depend on what came before, so a reversal takes back their last units,
not a part of what one division happened to get: what they give is always their formula on the net.
Everything else gives back a part of what the reversed division gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from domain.money.policy.sold import NOTHING_MORE, Came

if TYPE_CHECKING:
    from domain.money.policy.parts import Parts

NO_FLOW: Mapping[str, Fraction] = MappingProxyType({})

BY_RULE = "rule "
TO = " ⇒ "
"""Around the name of a rule: the place at which is summed, to be shown, what it gave to a payee."""
FINE = 10**6
"""The parts of a unit to which sums are kept whose denominators would grow for ever."""


class Back(NamedTuple):
    """What a reversal takes back: how much of a division was reversed before it, and after."""

    first: Flow
    """What passed through the policy in the division."""
    before: Fraction
    after: Fraction

    def part(self, amount: Fraction) -> Fraction:
        """The part of an amount of the division, to the millionth; all parts sum to it."""
        return self._until(self.after, amount) - self._until(self.before, amount)

    @staticmethod
    def _until(part: Fraction, amount: Fraction) -> Fraction:
        return amount if part == 1 else Fraction(amount * part * FINE // 1, FINE)


class Flow:
    """What earlier divisions sent through each place of a policy, and what this one sends.

    A place is where a policy states how much went there before it was agreed; what earlier
    divisions sent is added to that. A division passes every place once, even with 0.
    """

    def __init__(
        self,
        earlier: Mapping[str, Fraction] = NO_FLOW,
        *,
        back: Back | None = None,
        keeps_rest: bool = False,
        came_with: Came = NOTHING_MORE,
    ) -> None:
        self._earlier = earlier
        self.came_with = came_with
        """What is known of the amount that comes to the policy now."""
        self.back = back
        """What is taken back; None for a division."""
        self.keeps_rest = keeps_rest
        """Whether the rest after limited tranches is summed, for reversals to begin with."""
        self.sent: dict[str, Fraction] = {}
        self.came: dict[str, Fraction] = {}
        """How much came to each place at which nothing is summed."""
        self.units: dict[str, Fraction] = {}
        """How many units were sold of what came to each such place."""
        self.agreed = Fraction()
        """How much went by agreed shares."""
        self.ruled: list[tuple[str, dict[str, Fraction]]] = []
        """What each rule gave to whom, less what a rule inside it gave."""
        self._within: tuple[str, ...] = ()

    def earlier(self, place: str) -> Fraction:
        """What all earlier divisions sent through a place."""
        return Fraction(self._earlier.get(place, 0))

    def through(self, place: str, amount: Fraction) -> None:
        """Send an amount through a place, or take it back, as far as it went there."""
        assert place not in self.sent, f"{place} was passed twice"
        self.sent[place] = amount if self.back is None else min(amount, self.earlier(place))

    @contextmanager
    def about(self, came: Came) -> Iterator[None]:
        """What is computed within is about a part of what was sold."""
        whole, self.came_with = self.came_with, came
        yield
        self.came_with = whole

    @contextmanager
    def ruled_by(self, name: str) -> Iterator[dict[str, Fraction]]:
        """What is given within, by payee, is given by this rule, but for rules inside it."""
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
        self.sent[place] = self.sent.get(place, Fraction()) + amount

    def fees(
        self, place: str, amount: Fraction, due: Callable[[Fraction, Fraction], list[Fraction]]
    ) -> list[Fraction]:
        """Fees of an amount and of the units sold; a reversal takes back a part of them."""
        self.came[place], self.units[place] = amount, self.came_with.units
        if self.back is not None and (whole := self.back.first.came.get(place)):
            return [self.back.part(fee) for fee in due(whole, self.back.first.units[place])]
        return due(amount, self.came_with.units)

    def rest(self, place: str, amount: Fraction) -> None:
        """What is left after limited tranches, which is summed only for the terms of a pool."""
        if self.keeps_rest:
            self.through(place, amount)
        else:
            self.came[place] = amount

    def alike(
        self, place: str, amount: Fraction, parts: Callable[[Fraction, Flow], Parts]
    ) -> Parts:
        """What a policy without bands gives; a reversal takes back a part of all it gave."""
        if self.back is None:
            self.came[place] = amount
            return parts(amount, self)
        first = self.back.first
        whole = first.came.get(place) or amount
        # As it was before the division.
        again = Flow(first._earlier, keeps_rest=first.keeps_rest, came_with=self.came_with)
        factor = amount / whole if whole else whole
        given = parts(whole, again).times(factor)
        for each, sent in again.sent.items():
            if each.startswith(BY_RULE):
                self._count(each, self.back.part(sent))
            else:
                self.through(each, self.back.part(sent))
        self.agreed += again.agreed * factor
        return given
