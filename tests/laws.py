"""The laws of a division, checked from what is recorded alone."""

from collections.abc import Mapping
from fractions import Fraction

from domain.money import apportionment
from domain.money.apportionment import NO_CARRY, whole_amount
from domain.refusal import UnbalancedDivision


def check_division(
    amount_minor: int,
    weights: Mapping[str, int | Fraction],
    units: Mapping[str, int],
    *,
    carry: Mapping[str, Fraction] = NO_CARRY,
    carry_after: Mapping[str, Fraction] | None = None,
    minimum_minor: int = 0,
) -> None:
    """Refuse a division that breaks a law, judging only by what is recorded.

    Σx = N; x ≥ 0 (mirrored: ≤ 0); no share and nothing carried gets nothing; |x − t| < 1 without
    carry; and the carry afterwards is what was due and not allocated, so Σe = 0.
    """
    whole_amount(amount_minor)
    payees, whole = list(weights), apportionment._whole_weights(weights)
    if set(payees) != set(units):
        raise UnbalancedDivision("it does not name exactly the payees who have a share")
    mirror = -1 if amount_minor < 0 else 1
    amount = abs(amount_minor)
    due, scale = apportionment._due(amount, payees, whole, carry, mirror)
    given = [mirror * whole_amount(units[payee]) for payee in payees]
    missing = [part - units * scale for part, units in zip(due, given, strict=True)]
    is_plain = not any(carry.values()) and not minimum_minor
    apportionment._must_balance(amount, payees, due, scale, given, missing, is_plain=is_plain)
    if carry_after is not None:
        for payee, part in zip(payees, missing, strict=True):
            if mirror * part != carry_after.get(payee, 0) * scale:
                raise UnbalancedDivision(
                    f"what {payee} carries on is not what was due less what was allocated"
                )
