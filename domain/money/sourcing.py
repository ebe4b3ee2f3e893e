"""Country of origin: from which countries the money owed to a payee came, sale by sale.

What a payee gets of a revenue is split in proportion to its sales by country, to the unit; what a
correction moves, in proportion to what is left by country of the revenue it is about; a payout in
proportion to the countries of what is owed. Money without a country is from that of the pool.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from domain.money.apportionment import apportion_over, divide, settle
from domain.money.country import COUNTRIES
from domain.money.entry import RULES_BY_COUNTRY, RULES_NET
from domain.money.policy.sold import read_items

Sources = list[list[str | int]]
"""``[index of the part, country, units]``: the countries that a payout's parts came from."""
OF_POOL = ""
"""In place of a country: that of the pool as a whole."""


def countries_of(
    sold: Iterable[list[str | None]] | None, amount_minor: int, rules: int = RULES_BY_COUNTRY
) -> dict[str, Fraction]:
    """By country: the amount received for sales there, in all ``amount_minor``; of a negative
    amount, what came back from there (negative: was sold). Empty if no sales are stated.

    By rules before ``RULES_BY_COUNTRY``, what was sold was set off against what came back; by those
    before ``RULES_NET``, both were added up alike.
    """
    found: dict[str, Fraction] = defaultdict(Fraction)
    for item in read_items(sold):
        territory = (item.territory or "").upper()
        amount = item.amount if rules >= RULES_NET else abs(item.amount)
        found[territory if territory in COUNTRIES else OF_POOL] += amount
    sign = -1 if sum(found.values()) < 0 else 1
    signed = {country: sign * part for country, part in found.items() if part}
    if rules >= RULES_BY_COUNTRY:
        return _rounded(signed, sum(signed.values(), Fraction()), abs(amount_minor))
    return {country: part for country, part in signed.items() if part > 0}


def shared(units: int, due: Fraction, by_country: Mapping[str, Fraction]) -> dict[str, int]:
    """By country: these units, which are ``due`` but for rounding, split as the amounts received.

    Of some countries, more may have come back than was received.
    """
    if any(amount < 0 for amount in by_country.values()):
        parts = settle(_rounded(by_country, due, units))
    else:
        parts = divide(units, by_country).units if by_country else {}
    return {country: part for country, part in parts.items() if part and country != OF_POOL}


def without(
    by_country: Mapping[str, Fraction],
    units: int,
    taken: Mapping[str, Fraction],
    taken_units: int,
) -> dict[str, Fraction]:
    """By country: what is left of these units, in proportion to amounts, without those taken.

    What is taken without a country is taken in the same proportion.
    """
    left = _scaled(by_country or {OF_POOL: Fraction(1)}, units)
    for country, part in _scaled(taken or left, taken_units).items():
        left[country] = left.get(country, Fraction()) - part
    return left


def mixed(parts: Iterable[tuple[Mapping[str, Fraction], Fraction]]) -> dict[str, Fraction]:
    """By country: several amounts by country, each scaled to a sum of its own."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    for by_country, whole in parts:
        for country, part in _scaled(by_country or {OF_POOL: Fraction(1)}, whole).items():
            found[country] += part
    return found


def _scaled(by_country: Mapping[str, Fraction], units: int | Fraction) -> dict[str, Fraction]:
    whole = sum(by_country.values())
    return {country: units * part / whole for country, part in by_country.items()}


def _rounded(by_country: Mapping[str, Fraction], due: Fraction, units: int) -> dict[str, Fraction]:
    """By country: what is exactly due, and what rounding adds to it, in proportion to sizes.

    Units are not split as what is due is: if nearly as much came back as was sold, a single unit
    would be a large part of it.
    """
    whole, size = sum(by_country.values()), sum(map(abs, by_country.values()))
    return {
        country: due * part / whole + (units - due) * abs(part) / size
        for country, part in by_country.items()
    }


def drawn(units: int, owed: int, by_country: Mapping[str, int]) -> dict[str, int]:
    """By country: the units of what is owed (``by_country``) that a payment of ``units`` draws on.

    A payment of everything owed takes every country's balance, including negative ones after
    reversals. A part is split in proportion to the positive ones. A debt is the mirror image.
    """
    if units == owed:
        return {country: part for country, part in by_country.items() if part}
    sign = -1 if units < 0 else 1
    weights = {country: sign * part for country, part in by_country.items() if sign * part > 0}
    if (rest := max(sign * owed, sign * units) - sum(weights.values())) > 0:
        weights[OF_POOL] = rest
    parts = apportion_over(sign * units, weights)
    return {country: sign * part for country, part in parts.items() if part and country != OF_POOL}
