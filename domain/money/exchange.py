"""Exchange rates, and the currencies in which payees want to be paid.

A rate is a fact with its source and its day; none is fetched while somebody is paid.
"""

from __future__ import annotations

import re
from fractions import Fraction

from domain.fact import Fact, Noun, fact
from domain.money.currency import digits
from domain.money.payee import people_among
from domain.readers import OWN_MONEY
from domain.refusal import BadExchangeRate

_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,18})?\Z", re.ASCII)
LONGEST_RATE = 28


def exchange_rate(text: str) -> str:
    """An exact decimal number above 0, as text; refuses (``BadExchangeRate``) anything else."""
    if not _RATE.match(text) or not Fraction(text):
        raise BadExchangeRate(text, "it is not an exact decimal number above 0, such as 1.0842")
    return text


def exchanged(amount_minor: int, currency: str, into: str, rate: str) -> Fraction:
    """The exact value of an amount in the smallest units of another currency."""
    return amount_minor * Fraction(rate) * Fraction(10) ** (digits(into) - digits(currency))


class ExchangeRate(Noun):
    """How much of one currency is paid for another, by a source on a day."""

    @fact(
        "exchange_rate.stated",
        "{actor} stated a rate from {currency} to {into_currency}",
        begins=True,
    )
    class Stated(Fact):
        """One unit of a currency, such as 1 USD, was worth this many of another."""

        FOUND_BY = ("pair",)
        STATE = "stated"
        ABOUT = ()
        currency: str
        into_currency: str
        rate: str
        """An exact decimal number."""
        effective_at: str
        """The moment from which it is used, until a later one is."""
        source_name: str
        """Who published it."""

        @property
        def pair(self) -> str:
            """Both currencies, by which the rates between them are found."""
            return f"{self.currency}/{self.into_currency}"


class PaymentCurrency(Noun):
    """The currency in which a payee wants to be paid."""

    @fact(
        "payment_currency.chosen",
        "{actor} chose the currency in which {payee} is paid",
        begins=True,
    )
    class Chosen(Fact):
        """Payouts to somebody are sent in a currency from now on, where a rate is known."""

        READERS = OWN_MONEY
        FOUND_BY = ("payee",)
        STATE = "chosen"
        payee: str
        currency: str | None = None
        """None: that of each pool."""
        reason: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return people_among((self.payee,))

        def touches(self) -> tuple[str, ...]:
            return (self.payee,)
