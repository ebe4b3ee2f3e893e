"""Amounts as people and spreadsheets write them, read as plain decimals: (1.234,50) is -1234.50.

An amount that could be read in two ways is refused, never guessed.
"""

from __future__ import annotations

import re

from domain.refusal import BadAmount

_NEGATIVE = re.compile(r"\((.+)\)|[-−](.+)|(.+)[-−]")
_NUMBER = re.compile(
    r"([0-9]{1,20}|[0-9]{1,3}(?:(?P<mark>[,.'’])[0-9]{3})(?:(?P=mark)[0-9]{3}){0,5})"
    r"(?:(?!(?P=mark))[.,](?P<rest>[0-9]{1,20}))?"
)
_EITHER = re.compile(r"([1-9][0-9]{0,2}),([0-9]{3})")


def plain(text: str, places: int = 3) -> str:
    """An amount in ASCII digits with a decimal point, for a currency with so many decimal places.

    Raises BadAmount if it is not a number or could be two: in 1,234 the comma may mark thousands or
    decimals, unless the currency has no decimals.
    """
    typed = "".join(text.split())
    signed = _NEGATIVE.fullmatch(typed)
    number = signed[signed.lastindex or 0] if signed else typed
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise BadAmount(text, "write it as a number, such as 1234.50 or 1,234.50")
    whole, rest = re.sub("[^0-9]", "", found[1]), found["rest"]
    if either := _EITHER.fullmatch(number):
        if places:
            reason = f"write {either[1]}{either[2]} or {either[1]}.{either[2][:places]}"
            raise BadAmount(text, reason)
        whole, rest = either[1] + either[2], None
    return f"{'-' if signed else ''}{whole}{f'.{rest}' if rest else ''}"
