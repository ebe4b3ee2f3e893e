"""What comes with an amount to be divided: the sales behind it, and expenses to be paid back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from domain.money.apportionment import Division
from domain.money.currency import digits
from domain.money.policy.bounds import bounds
from domain.money.policy.reading import Policy, fields_of, list_of, name_of, units_minor
from domain.money.policy.rules import BeforeExpenses
from domain.money.policy.sold import (
    DIMENSIONS,
    EXACT,
    Item,
    Origin,
    by_kind,
    dimension,
    exact_text,
    must_have_one_sign,
)
from domain.refusal import BadSold, BadSplit, SplitTooLarge


def taken_before_expenses(policy: Policy, amount_minor: int, origin: Origin) -> int:
    """How much of an amount is taken before expenses and so can't pay them back, in units."""
    if not isinstance(policy, BeforeExpenses) or amount_minor < 0:
        return 0
    return policy.taken_minor(amount_minor, origin)


def paid_first(amount_minor: int, expenses: Iterable[tuple[str, int]]) -> dict[str, int]:
    """By expense: what the amount pays back, in the order given, while it lasts."""
    paid = {}
    for expense, open_minor in expenses:
        if part := max(0, min(amount_minor, open_minor)):
            amount_minor -= part
            paid[expense] = part
    return paid


def with_expenses(division: Division, paid: Mapping[str, int]) -> dict[str, Fraction]:
    """By payee: the exact due by shares, plus what is paid back for expenses."""
    due = {payee: division.amount_minor * division.share(payee) for payee in division.weights}
    for payee, units in paid.items():
        due[payee] = due.get(payee, Fraction()) + units
    return due


def read_sold(value: object, currency: str) -> tuple[Item, ...]:
    """Sales: ``[{"territory", "channel", "configuration", "work", "units", "amount"}]``.

    Their amounts only weigh the lines; the amount to be divided is stated beside them.
    """
    lines = list_of(value, "sold", BadSplit)
    if len(lines) > (most := bounds().entries):
        raise SplitTooLarge("lines of what was sold", most)
    items = [item_of(line, f"sold[{index}]", currency) for index, line in enumerate(lines)]
    must_have_one_sign(items)
    return by_kind(items)


def item_of(line: object, where: str, currency: str, whole_minor: int | None = None) -> Item:
    """One line of sales; without an amount of its own it gets ``whole_minor``, if given."""
    optional = (*DIMENSIONS, "units", "amount")
    fields = fields_of(line, where, BadSplit, needed=(), optional=optional)
    kind = {
        name: None if text is None else dimension(name, text, f"{where}.{name}")
        for name, text in ((name, fields.get(name)) for name in DIMENSIONS)
    }
    units = _units(fields.get("units", 0), f"{where}.units")
    if "amount" not in fields and whole_minor is not None:
        return Item(**kind, units=units, amount=Fraction(whole_minor))
    return Item(**kind, units=units, amount=exact_amount(fields.get("amount"), where, currency))


def _units(value: object, where: str) -> Fraction:
    """How many were sold; negative: returned."""
    if isinstance(value, int) and value < 0:
        return -Fraction(units_minor(-value, where))
    return Fraction(units_minor(value, where))


def exact_amount(value: object, where: str, currency: str) -> Fraction:
    """An exact decimal of a currency, in its smallest units."""
    if not isinstance(value, str):
        raise BadSold(where, f"an amount is {EXACT}")
    return Fraction(exact_text(value, where)) * Fraction(10 ** digits(currency))


def read_expenses(value: object) -> dict[str, int]:
    """Expenses in the order in which they are paid back: ``[["payee", 41200], …]``."""
    expenses: dict[str, int] = {}
    for index, line in enumerate(list_of(value, "expenses", BadSplit)):
        where = f"expenses[{index}]"
        fields = list_of(line, where, BadSplit)
        if len(fields) != 2:
            raise BadSplit(where, "a line must be [payee, units]")
        payee = name_of(fields[0], where, BadSplit)
        if payee in expenses:
            raise BadSplit(where, f"“{payee}” is listed twice")
        expenses[payee] = units_minor(fields[1], where)
    return expenses
