"""Flow: how much earlier divisions sent through the places of a policy, and this one sends.

Only sums are kept: a division adds what it sent, and undoing it subtracts the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

NO_FLOW: Mapping[str, Fraction] = MappingProxyType({})


class Flow:
    """What earlier divisions sent through each place of a policy, and what this one sends.

    A place is where a policy states how much went there before it was agreed; what earlier
    divisions sent is added to that. A division passes every place once, even with 0.
    """

    def __init__(self, earlier: Mapping[str, Fraction] = NO_FLOW) -> None:
        self._earlier = earlier
        self.sent: dict[str, Fraction] = {}

    def earlier(self, place: str) -> Fraction:
        """What all earlier divisions sent through a place."""
        return Fraction(self._earlier.get(place, 0))

    def through(self, place: str, amount: Fraction) -> None:
        """Send an amount through a place."""
        assert place not in self.sent, f"{place} was passed twice"
        self.sent[place] = amount
