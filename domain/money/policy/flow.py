"""What went through a policy: how much earlier divisions sent by its places, and this one sends.

What is remembered are sums, so divisions are remembered by adding up what they sent, and one is
undone by subtracting what it sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

NO_FLOW: Mapping[str, Fraction] = MappingProxyType({})


class Flow:
    """What earlier divisions sent by the places of a policy, and what this one sends by each.

    A place is where a policy says how much went there before it was agreed; what earlier divisions
    sent is added to that number. Every place is passed once in a division, even by nothing.
    """

    def __init__(self, earlier: Mapping[str, Fraction] = NO_FLOW) -> None:
        self._earlier = earlier
        self.sent: dict[str, Fraction] = {}

    def earlier(self, place: str) -> Fraction:
        """What all earlier divisions sent by a place."""
        return Fraction(self._earlier.get(place, 0))

    def through(self, place: str, amount: Fraction) -> None:
        """Send this by a place."""
        assert place not in self.sent, f"{place} was passed twice"
        self.sent[place] = amount
