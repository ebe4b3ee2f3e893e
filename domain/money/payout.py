"""Payouts: money sent to payees in batches, and what became of it.

No unit is paid twice; a payout that came back waits until its payee claims it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from domain.fact import Fact, Noun, common, fact
from domain.money.exchange import exchanged
from domain.money.payee import people_among
from domain.money.sourcing import Sources
from domain.readers import ALL_MONEY, OWN_MONEY

PayoutParts = list[list[str | int]]
"""``[payee, agreement, pool, units]``: the amounts that a payout pays; a debt is negative."""
Withheld = list[list[str | int | None]]
"""``[country, rule, rate, of, units]`` for each country that the money of a payout came from."""


Conversion = dict[str, Any]
"""How a payout is sent in another currency than that of its pools: ``exchange_rate`` (the fact's
id), ``rate``, ``currency`` and ``amount_minor`` (what is sent); ``carried``, the gain from earlier
rounding into this currency that was not posted yet, in its units; and ``difference_minor``, the
whole units of that plus this payout's rounding, which are posted now."""


class Batch(Noun):
    """Payouts that were issued together."""

    opened: Opened

    @fact("batch.opened", "{actor} issued a batch of payouts", begins=True)
    class Opened(Fact):
        """Payouts were issued to everyone who is owed enough."""

        READERS = ALL_MONEY
        STATE = "issued"
        ABOUT = ()
        currency: str
        minimum_minor: int
        minimums: list[list[str | int]]
        count: int
        total_minor: int
        payees: list[str] | None = None

        def apply(self, noun: Batch) -> None:
            noun.state = self.STATE
            noun.opened = self


class Payout(Noun):
    """Money sent to one payee."""

    batch: str
    payee: str
    currency: str
    amount_minor: int
    parts: PayoutParts
    withheld: Withheld | None
    withheld_of_parts: list[int] | None
    conversion: Conversion | None
    sources: Sources | None

    @common
    class Event(Fact):
        """A fact about a payout states all of it."""

        READERS = OWN_MONEY
        batch: str
        payee: str
        currency: str
        amount_minor: int
        """By how much the payee is owed less: the sum of the parts, in the pools' currency."""
        parts: PayoutParts
        reason: str | None = None
        withheld: Withheld | None = None
        withheld_of_parts: list[int] | None = None
        conversion: dict[str, Any] | None = None
        sources: Sources | None = None
        """How much of its parts came from which country, as far as sales state it."""

        @property
        def kept_of_parts(self) -> list[int]:
            """What is withheld of each part."""
            return self.withheld_of_parts or [0] * len(self.parts)

        @property
        def net_minor(self) -> int:
            """What is sent, in the currency of the pools."""
            return self.amount_minor - sum(self.kept_of_parts)

        @property
        def sent(self) -> tuple[str, int]:
            """The currency and the amount that are sent."""
            if self.conversion is None:
                return self.currency, self.net_minor
            return self.conversion["currency"], self.conversion["amount_minor"]

        def gained(self) -> Fraction:
            """The gain from rounding its conversion that was not posted, in units sent."""
            if self.conversion is None:
                return Fraction()
            into, rate = self.sent[0], str(self.conversion["rate"])
            exact = exchanged(self.net_minor, self.currency, into, rate)
            given: int = self.conversion["amount_minor"] + self.conversion["difference_minor"]
            return exact - given

        def subjects(self) -> tuple[str, ...]:
            return people_among(self.touches())

        def touches(self) -> tuple[str, ...]:
            return (self.payee, *(str(part[0]) for part in self.parts))

    @fact("payout.issued", "A payout to {payee} is on its way", begins=True)
    class Issued(Event):
        """The money is on its way."""

        STATE = "issued"

    @fact("payout.settled", "A payout to {payee} has arrived")
    class Settled(Event):
        """The money has arrived."""

        FROM = ("issued",)
        STATE = "settled"
        reference: str | None = None
        """The reference of the transfer; a text of the operator, who keeps the books."""

    @fact("payout.returned", "A payout to {payee} came back")
    class Returned(Event):
        """The money came back; it waits for its payee."""

        FROM = ("issued", "settled")
        STATE = "returned"
        was: str
        """The state it came back from."""

    @fact("payout.claimed", "{payee} claimed a payout that had come back")
    class Claimed(Event):
        """The payee claimed it: it is owed again, and the next batch pays it, unless held."""

        FROM = ("returned",)
        STATE = "claimed"

    @property
    def line(self) -> dict[str, Any]:
        """All fields, so that each fact states what it moves; optional ones only if set."""
        further = ("withheld", "withheld_of_parts", "conversion", "sources")
        known = {name: getattr(self, name) for name in further}
        return super().line | {name: value for name, value in known.items() if value is not None}
