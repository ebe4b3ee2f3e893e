"""Withholding: the part of a payout that is kept back for the country its money comes from.

The rules are data, stated for a payee and a country with the form or treaty they are based on.
No tax law is built in.
"""

from __future__ import annotations

from domain.fact import Fact, Noun, common, fact
from domain.money.payee import people_among
from domain.readers import OWN_MONEY


class Withholding(Noun):
    """A rule of withholding for one payee and one country."""

    payee: str
    country: str

    @common
    class Event(Fact):
        """A fact about a rule names its payee and its country."""

        READERS = OWN_MONEY
        FOUND_BY = ("payee",)
        payee: str
        country: str
        """The country that the money comes from (see ``pool.located``)."""

        def subjects(self) -> tuple[str, ...]:
            return people_among((self.payee,))

        def touches(self) -> tuple[str, ...]:
            return (self.payee,)

    @fact(
        "withholding.stated",
        "{actor} stated a withholding rule for payouts to {payee} from {country}",
        begins=True,
    )
    class Stated(Event):
        """A part of what is paid to somebody out of a country is kept back for that country.

        The latest rule that is stated for a payee and a country and holds at a payout counts.
        """

        STATE = "stated"
        rate: str
        effective_at: str
        """It holds for payouts that are issued from then on."""
        document: str
        """The form or the treaty that it rests on; a text of the operator, who keeps the books."""
        until: str | None = None
        """It holds for payouts that are issued before then."""
        note: str | None = None

    @fact(
        "withholding.ended",
        "{actor} ended a withholding rule for payouts to {payee} from {country}",
    )
    class Ended(Event):
        """The rule no longer holds."""

        FROM = ("stated",)
        STATE = "ended"
        reason: str | None = None
