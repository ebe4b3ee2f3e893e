"""Amounts as people type them in forms, read into smallest units: 412.00 in USD is 41200."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.fields import Text
from api.problems import Problem
from api.web.frame import Frame, reader
from domain.command import Command
from domain.money.currency import called, currency_code, digits, money
from domain.readers import MONEY
from domain.refusal import BadAmount, BadCurrency, Refusal
from domain.values import Amount, Ref, Several, Value
from projections.money import pools
from projections.money.bookkeeping import KINDS as BOOKED
from projections.money.bookkeeping import booking
from projections.money.readers import Reader
from projections.shops.written import plain
from projections.store import View


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

    None if the form has no amount, if the currency is not known yet, or if the reader may not
    know it.
    """
    if not any(has_amount(one.value) for one in command.fields()):
        return None
    try:
        if typed := sent.get("currency"):
            return currency_code(typed.strip().upper())
        with frame.store.view() as view:
            pool = pool_in(view, command, sent)
            if pool is None or not Reader(view, frame.journal, reader()).may(MONEY, pool):
                return None
            return pools.pool_named(view, frame.journal, pool).currency
    except Refusal:
        return None


def names_currency(command: type[Command]) -> bool:
    """Whether a command with amounts has a field for their currency."""
    values = [one.value for one in command.fields()]
    return any(each.refuses == (BadCurrency,) for each in values) and any(map(has_amount, values))


def has_amount(value: Value) -> bool:
    """Whether a value is an amount, or a list of records with one."""
    fields = value.record.fields() if isinstance(value, Several) else ()
    return isinstance(value, Amount) or any(isinstance(one.value, Amount) for one in fields)


def must_be_in(
    frame: Frame, command: type[Command], sent: Mapping[str, str], currency: str | None
) -> None:
    """Refuse a form if its amounts were typed in a currency other than it now requires."""
    if currency and currency != (now := currency_of(frame, command, sent)):
        raise Problem("wrong_type", f"The amount is in {currency}, but this is in {now}.")


def pool_in(view: View, command: type[Command], sent: Mapping[str, str]) -> str | None:
    """The pool that a form names, or the pool of the booking that it names."""
    refs = [one for one in command.fields() if isinstance(one.value, Ref)]
    about = {one.value.noun: sent.get(one.name, "") for one in refs if isinstance(one.value, Ref)}
    if pool := about.get("pool"):
        return pool
    booked = next((about[noun] for noun in BOOKED if about.get(noun)), None)
    line = booking(view, booked) if booked else None
    return line and line["pool"]["id"]
