"""Payouts: money sent to payees, in batches, and what became of it.

A unit is paid once; what comes back waits until its payee claims it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.fact import Fact, Looking, Noun, fact
from domain.money.payee import Payee, people_among
from domain.readers import ALL_MONEY, OWN_MONEY

Parts = list[list[str | int]]
"""``[payee, agreement, pool, units]``: what a payout is made of; a debt is negative."""


class Batch(Noun):
    """Payouts that were issued together."""

    NAME = "batch"
    opened: Opened

    @fact("batch.opened")
    class Opened(Fact):
        """Payouts were issued to everyone who is owed enough."""

        READERS = ALL_MONEY
        STATE = "issued"
        currency: str
        minimum_minor: int
        minimums: list[list[str | int]]
        count: int
        total_minor: int
        payees: list[str] | None = None

        def subjects(self) -> tuple[str, ...]:
            return ()

        def apply(self, noun: Batch) -> None:
            noun.state = self.STATE
            noun.opened = self

    BIRTHS = (Opened,)


class Payout(Noun):
    """Money sent to one payee."""

    NAME = "payout"
    batch: str
    payee: str
    currency: str
    amount_minor: int
    parts: Parts

    @dataclass(frozen=True, kw_only=True)
    class Event(Fact):
        """A fact about a payout states all of it."""

        READERS = OWN_MONEY
        SEALED: ClassVar[tuple[str, ...]] = ("reason",)
        batch: str
        payee: str
        currency: str
        amount_minor: int
        parts: Parts
        reason: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return people_among(self.touches())

        def touches(self) -> tuple[str, ...]:
            return (self.payee, *(str(part[0]) for part in self.parts))

    @fact("payout.issued")
    class Issued(Event):
        """The money is on its way."""

        SAYS = "A payout to {payee} is on its way"
        STATE = "issued"

    @fact("payout.settled")
    class Settled(Event):
        """The money has arrived."""

        SAYS = "A payout to {payee} has arrived"
        SEALED = ("reason", "reference")
        FROM = ("issued",)
        STATE = "settled"
        reference: str | None = None
        """The reference of the transfer; a text of the operator, who keeps the books."""

    @fact("payout.returned")
    class Returned(Event):
        """The money came back; it waits for its payee."""

        SAYS = "A payout to {payee} came back"
        FROM = ("issued", "settled")
        STATE = "returned"
        was: str
        """The state it came back from."""

    @fact("payout.claimed")
    class Claimed(Event):
        """The payee claimed it: it is owed again, and goes out with the next batch."""

        SAYS = "{payee} claimed a payout that had come back"
        FROM = ("returned",)
        STATE = "claimed"

    BIRTHS = (Issued,)

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who is paid, if that is a contributor."""
        return {"contributor": self.payee} if Payee.parse(self.payee).is_contributor else {}
