"""Amounts as people type them in forms, read into smallest units: 412.00 in USD is 41200."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from api.fields import Text
from api.problems import Problem
from api.web.frame import Frame, reader
from domain.command import Command
from domain.journal import Journal
from domain.money.currency import called, currency_code, digits, money
from domain.money.revenue import Expense, Revenue
from domain.readers import MONEY
from domain.refusal import BadAmount, BadCurrency, Refusal
from domain.value import Amount, Several, Value
from projections.money import pools
from projections.money.readers import Reader
from projections.nouns import noun_at
from projections.shops.written import plain
from projections.store import View

BOOKED: dict[str, type[Revenue | Expense]] = {"revenue": Revenue, "expense": Expense}
"""What a form may name instead of its pool."""


class Currency(Text):
    """A currency as a parameter, in upper or lower case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).upper()


def exact(text: str, currency: str) -> int:
    """A typed amount in the smallest units of a currency.

    Raises BadAmount if it is not a number or has too many decimals for the currency.
    """
    places = digits(currency)
    number = plain(text.strip().removesuffix(called(currency)), places)
    whole, _, rest = number.partition(".")
    if len(rest) > places:
        raise BadAmount(text, f"{called(currency)} has {places} digits after the point")
    return int(whole + rest.ljust(places, "0"))


def within(value: Amount, text: str, currency: str) -> int:
    """A typed amount in smallest units; BadAmount also if it exceeds the bounds of its field."""
    units = exact(text, currency)
    if not value.least <= units <= value.most:
        least, most = (money(each, currency) for each in (value.least, value.most))
        raise BadAmount(text, f"it is not between {least} and {most}")
    return units


# -- the currency of a form --------------------------------------------------------------------


def currency_of(frame: Frame, command: type[Command], sent: Mapping[str, str]) -> str | None:
    """The currency of the amounts in a form: as typed, or that of its pool or its booking.

    None if the form has no amount, or names none of these yet, so that it is incomplete; refused
    if what it names does not exist, or if the reader may not know its currency.
    """
    if not any(has_amount(one.value) for one in command.fields()):
        return None
    if names_currency(command):
        return currency_code(typed.upper()) if (typed := sent.get("currency", "").strip()) else None
    with frame.store.view() as view:
        pool = pool_in(view, frame.journal, sent)
        if pool is None:
            return None
        Reader(view, frame.journal, reader()).must(command.NAME, MONEY, pool)
        return pools.pool_named(view, frame.journal, pool).currency


def currency_known(frame: Frame, command: type[Command], sent: Mapping[str, str]) -> str | None:
    """The currency of the amounts in a form, to be shown; None also where it is refused."""
    with suppress(Refusal):
        return currency_of(frame, command, sent)
    return None


def names_currency(command: type[Command]) -> bool:
    """Whether a command with amounts has a field for their currency."""
    values = [one.value for one in command.fields()]
    return any(each.refuses == (BadCurrency,) for each in values) and any(map(has_amount, values))


def has_amount(value: Value) -> bool:
    """Whether a value is an amount, or a list of records with one."""
    fields = value.record.fields() if isinstance(value, Several) else ()
    return isinstance(value, Amount) or any(isinstance(one.value, Amount) for one in fields)


def must_be_in(command: type[Command], typed_in: str | None, currency: str | None) -> None:
    """Refuse a form if its amounts were typed in a currency other than it now requires."""
    if not names_currency(command) and typed_in and currency not in {None, typed_in}:
        raise Problem("wrong_type", f"The amount is in {typed_in}, but this is in {currency}.")


def pool_in(view: View, journal: Journal, sent: Mapping[str, str]) -> str | None:
    """The pool that a form names, or that of the booking it names; refused if there is none."""
    if pool := sent.get("pool"):
        return pool
    booked = next((each for each in BOOKED if sent.get(each)), None)
    return noun_at(view, journal, BOOKED[booked], sent[booked]).recorded.pool if booked else None
