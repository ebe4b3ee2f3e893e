"""Sourcing: from which countries what a payee is owed came, where a pool says so sale by sale.

What a revenue gives somebody is split as its sales were, to the unit; what a payout draws on is
split as what is owed is. What nobody placed in a country is from that of the pool.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from domain.money.apportionment import apportion_over, divide
from domain.money.country import COUNTRIES
from domain.money.policy.sold import read_items

Sources = list[list[str | int]]
"""``[place of the part, country, units]``: what of a payout's parts came from which country."""
OF_POOL = ""
"""Stands for the country that the pool as a whole is in."""


def countries_of(sold: Iterable[list[str | None]] | None) -> dict[str, Fraction]:
    """By country: how much of a revenue was received for sales there; empty if nothing says so."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    for item in read_items(sold):
        territory = (item.territory or "").upper()
        found[territory if territory in COUNTRIES else OF_POOL] += abs(item.amount)
    return dict(found) if any(found.values()) else {}


def shared(units: int, came: Mapping[str, Fraction]) -> dict[str, int]:
    """What somebody got of a revenue, by country."""
    parts = divide(units, came).units if came else {}
    return {country: part for country, part in parts.items() if part and country != OF_POOL}


def drawn(units: int, owed: int, came: Mapping[str, int]) -> dict[str, int]:
    """What a payment of so much draws on, by country, of what is owed.

    All of it is paid with what came back from a country since; of a part, nobody knows which, so it
    is split as the rest is. A debt is the mirror.
    """
    if units == owed:
        return {country: part for country, part in came.items() if part}
    sign = -1 if units < 0 else 1
    weights = {country: sign * part for country, part in came.items() if sign * part > 0}
    if (rest := max(sign * owed, sign * units) - sum(weights.values())) > 0:
        weights[OF_POOL] = rest
    parts = apportion_over(sign * units, weights)
    return {country: sign * part for country, part in parts.items() if part and country != OF_POOL}
