"""Revenue and expenses of a pool: amount, date and proof.

A recorded amount is never edited; a reversal is another fact. Negative revenue, of a month in
which more was returned than sold, is offset against revenue before and after it.
"""

from __future__ import annotations

from domain.fact import Fact, FoundBy, Noun, common, fact
from domain.money.policy.sold import Item, read_items
from domain.readers import MONEY


def paper_of(currency: str, amount_minor: int) -> str:
    """The currency and amount as one text, by which bookings of the same document are found."""
    return f"{currency}/{amount_minor}"


def occasion_of(pool: str, effective_at: str, amount_minor: int) -> str:
    """The pool, time and amount as one text, by which bookings without a document are found."""
    return f"{pool}/{effective_at}/{amount_minor}"


@common
class Booked(Fact):
    """Money received from outside, or spent."""

    READERS = MONEY
    STATE = "recorded"
    ABOUT = ("release",)
    FOUND_BY = ("paper", "occasion")
    pool: str
    release: str
    currency: str
    amount_minor: int
    effective_at: str
    """When it was earned or spent."""
    document: str | None = None
    """The reference of the document that proves it."""
    note: str | None = None
    repeats: str | None = None
    """An earlier booking with the same amount and document, which was warned of."""

    @property
    def paper(self) -> str:
        """See ``paper_of``."""
        return paper_of(self.currency, self.amount_minor)

    @property
    def occasion(self) -> str:
        """See ``occasion_of``."""
        return occasion_of(self.pool, self.effective_at, self.amount_minor)

    def found_by(self) -> tuple[FoundBy, ...]:
        paper, occasion = super().found_by()
        return (paper,) if self.document else (occasion,)


class Revenue(Noun):
    """Money that came in for a pool."""

    recorded: Recorded

    @fact("revenue.recorded", "{actor} recorded revenue of {release}", begins=True)
    class Recorded(Booked):
        """Money came in from a source."""

        source: str
        """A word of the vocabulary; earlier facts hold any text."""
        source_name: str | None = None
        source_id: str | None = None
        """The id of the source, if it was named by a free text."""

        sold: list[list[str | None]] | None = None
        """``[work, territory, channel, configuration, units, exact amount]`` by kind of sale."""
        exact: str | None = None
        """The exact sum of its lines, if that is not the amount."""

        @property
        def items(self) -> tuple[Item, ...]:
            """The sales behind it."""
            return read_items(self.sold)

        @property
        def from_source(self) -> str:
            """The key of its source: the id or the word."""
            return self.source_id or self.source

        def apply(self, noun: Revenue) -> None:
            noun.state = self.STATE
            noun.recorded = self

    @fact("revenue.reversed", "{actor} reversed revenue of {release}")
    class Reversed(Fact):
        """Revenue that was not divided yet was reversed, in whole or in part."""

        READERS = MONEY
        ABOUT = ("release",)
        pool: str
        release: str
        currency: str
        amount_minor: int
        """The units reversed."""
        reversal: str
        reason: str | None = None
        against: str | None = None
        """The negative revenue that it was taken back for, if any."""


class Expense(Noun):
    """Money that was spent on a pool; it is paid back before there is a profit."""

    recorded: Recorded
    left_minor: int
    """The units not reversed."""

    @fact("expense.recorded", "{actor} recorded an expense of {release}", begins=True)
    class Recorded(Booked):
        """Money was spent on it."""

        payer: str
        """A payee; an outsider named only here has an id (see domain.money.naming)."""
        category: str
        """A word of the vocabulary; earlier facts hold any text."""
        category_name: str | None = None
        payer_name: str | None = None

        def apply(self, noun: Expense) -> None:
            noun.state = self.STATE
            noun.recorded, noun.left_minor = self, self.amount_minor

    @fact("expense.reversed", "{actor} reversed an expense of {release}")
    class Reversed(Fact):
        """An expense was reversed, in whole or in part: a mistake, a supplier's refund."""

        READERS = MONEY
        ABOUT = ("release",)
        pool: str
        release: str
        currency: str
        amount_minor: int
        reversal: str
        payer: str
        """The payer of the expense."""
        effective_at: str | None = None
        reason: str | None = None
        document: str | None = None

        def touches(self) -> tuple[str, ...]:
            return (self.release, self.payer)

        def apply(self, noun: Expense) -> None:
            noun.left_minor -= self.amount_minor
