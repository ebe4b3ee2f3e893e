"""What people type in a form, in the exact form of the API: 20 % is a fifth."""

from __future__ import annotations

import re
from fractions import Fraction

from domain.remix import exact_rate

_PERCENTAGE = re.compile(r"([0-9]{1,60})(?:[.,]([0-9]{1,20}))?\s*%")


def exact(text: str) -> str:
    """A percentage as a fraction; any other text as it is."""
    found = _PERCENTAGE.fullmatch(text.strip())
    if found is None:
        return text.strip()
    return str(Fraction(f"{found[1]}.{found[2] or 0}") / 100)


def joined(text: str) -> str:
    """The same text, in which a number and its per cent sign are one word."""
    return re.sub(r"(?<=[0-9])\s+%", "%", text)


def part(text: str) -> str:
    """A percentage or a fraction that is a part of the whole, exactly; BadRate if it is none."""
    found = exact_rate(exact(text))
    assert found is not None
    return found
