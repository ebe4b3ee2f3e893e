"""The sales behind an amount, by work, territory, channel and configuration.

The amounts of sales are exact fractions of the currency's smallest unit; only their sum is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from domain.refusal import BadPolicy, BadSold

DIMENSIONS = ("work", "territory", "channel", "configuration")
"""What a line states about a sale, and what a rule can have conditions on."""
MOST_SOLD = 400
"""The most kinds of sale of one revenue; lines of the same kind are summed."""
LONGEST_DIMENSION = 60
"""The most characters of a territory, channel, configuration or id of a work."""
LONGEST_DECIMAL = 40
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_HALF = Fraction(1, 2)


class Item(NamedTuple):
    """All sales of one kind."""

    work: str | None
    territory: str | None
    channel: str | None
    configuration: str | None
    units: Fraction
    amount: Fraction
    """In the smallest units of the currency, exactly."""

    @property
    def kind(self) -> tuple[str | None, ...]:
        """Its work, territory, channel and configuration, in the order of DIMENSIONS."""
        return self[:4]

    def written(self) -> list[str | None]:
        """The item as a fact holds it."""
        return [*self.kind, str(self.units), str(self.amount)]


class Origin(NamedTuple):
    """Where an amount came from: its sales, and the expenses paid back before it was divided."""

    items: tuple[Item, ...] = ()
    expenses_minor: int = 0

    @property
    def units(self) -> Fraction:
        """How many units were sold, over all items."""
        return sum((item.units for item in self.items), Fraction())

    @property
    def amount(self) -> Fraction:
        """What was received for all items."""
        return sum((item.amount for item in self.items), Fraction())

    def times(self, part: Fraction) -> Origin:
        """The same with every sale multiplied by a part of 1; expenses stay."""
        if part == 1:
            return self
        items = (
            item._replace(units=item.units * part, amount=item.amount * part) for item in self.items
        )
        return self._replace(items=tuple(items))


NO_ORIGIN = Origin()


def read_items(lines: Iterable[list[str | None]] | None) -> tuple[Item, ...]:
    """The items as a fact holds them (see ``Item.written``)."""
    return tuple(
        Item(work, territory, channel, configuration, Fraction(units or 0), Fraction(amount or 0))
        for work, territory, channel, configuration, units, amount in lines or ()
    )


def by_kind(items: Iterable[Item]) -> tuple[Item, ...]:
    """Lines of the same kind summed, in the order of their first."""
    found: dict[tuple[str | None, ...], Item] = {}
    for item in items:
        before = found.get(item.kind)
        found[item.kind] = (
            item
            if before is None
            else before._replace(
                units=before.units + item.units, amount=before.amount + item.amount
            )
        )
    return tuple(found.values())


def must_sum_to(amount_minor: int, items: Sequence[Item]) -> None:
    """Refuse (``BadSold``) sales that do not sum to this amount, or are too many kinds.

    The exact sum may differ from the amount by less than one unit.
    """
    if len(items) > MOST_SOLD:
        raise BadSold("sold", f"there are more than {MOST_SOLD} kinds of sale")
    if amount_minor > 0:
        must_have_one_sign(items)
    exact = sum((item.amount for item in items), Fraction())
    is_other = abs(exact - amount_minor) >= 1
    if is_other or not amount_minor:
        compared = f"not {amount_minor}" if is_other else "nothing to divide"
        raise BadSold("sold", f"the lines sum to {shown_exactly(exact)} units, which is {compared}")


def must_have_one_sign(items: Sequence[Item]) -> None:
    """Refuse (``BadSold``) a kind of sale of which more was returned than sold."""
    for item in items:
        if item.amount < 0 or item.units < 0:
            kind = ", ".join(text for text in item.kind if text) or "a line"
            reason = f"more of {kind} came back than was sold; record it as revenue of its own"
            raise BadSold("sold", reason)


def rounded(amount: Fraction) -> int:
    """Rounded to the nearest whole unit, halves away from zero."""
    units = (abs(amount) + _HALF) // 1
    return int(units) if amount >= 0 else -int(units)


def dimension(
    name: str, value: object, where: str, refusal: type[BadSold | BadPolicy] = BadSold
) -> str:
    """A work, territory, channel or configuration: one line of text.

    A territory of two letters is an ISO 3166 code and is put in capitals.
    """
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_DIMENSION:
        raise refusal(where, f"this is a text of 1 to {LONGEST_DIMENSION} characters")
    if not value.isprintable() or value != value.strip():
        raise refusal(where, "it has no control characters and no space around it")
    return value.upper() if name == "territory" and len(value) == 2 else value


EXACT = 'an exact decimal as text, with a point and no other mark, such as "1234.50"'


def exact_text(text: str, where: str = "amount") -> str:
    """A decimal amount as statements write it, such as 0.01093420044805 or -12.4; else refused."""
    if len(text) > LONGEST_DECIMAL or not _DECIMAL.fullmatch(text):
        shown = f"{text[:LONGEST_DECIMAL]}…" if len(text) > LONGEST_DECIMAL else text
        raise BadSold(where, f"“{shown}” is not {EXACT}")
    return text


def shown_exactly(amount: Fraction) -> str:
    """An exact number as a decimal if that terminates, else as a fraction."""
    denominator, places = amount.denominator, 0
    while denominator % 10 == 0:
        denominator, places = denominator // 10, places + 1
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator, places = denominator // prime, places + 1
    if denominator != 1:
        return str(amount)
    digits = f"{abs(amount.numerator) * 10**places // amount.denominator:0{places + 1}}"
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".") if places else digits
    return f"-{text}" if amount < 0 else text


Conditions = Mapping[str, tuple[str, ...]]


def matches(item: Item, conditions: Conditions) -> bool:
    """Whether a sale meets all conditions of a rule; a dimension it leaves out meets none."""
    return all(getattr(item, name) in values for name, values in conditions.items())


def in_words(conditions: Conditions) -> Iterator[str]:
    """The conditions of a rule, one by one."""
    for name, values in conditions.items():
        yield f"{name} {' or '.join(values)}"
