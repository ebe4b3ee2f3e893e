"""Amounts as people type them in a form, in the smallest units of the API: 412.00 is 41200.

What could be read in two ways is refused, never guessed.
"""

from __future__ import annotations

import re

from domain.money.currency import called, digits
from domain.refusal import BadAmount

_PLAIN = re.compile(r"([-−]?)([0-9]{1,16})(?:[.,]([0-9]{1,12}))?")
_GROUPED = re.compile(r"([-−]?)([0-9]{1,3}(?:,[0-9]{3})+)\.([0-9]{1,12})")


def exact(text: str, currency: str) -> int:
    """What somebody typed as smallest units of a currency; BadAmount if it is no amount in it."""
    typed = "".join(text.split()).removesuffix(called(currency))
    found = _GROUPED.fullmatch(typed) or _PLAIN.fullmatch(typed)
    places = digits(currency)
    if found is None:
        raise BadAmount(text, "write it as a number, such as 1234.50 or 1,234.50")
    sign, whole, rest = found[1], found[2].replace(",", ""), found[3] or ""
    if len(rest) > places or ("," in typed and len(rest) == 3 and "." not in typed):
        raise BadAmount(text, f"{called(currency)} has {places} digits after the point")
    units = int(whole + rest.ljust(places, "0"))
    return -units if sign else units
