"""Revenue and expenses: what came in for a pool, what was spent, when, and the proof.

An amount that was recorded is never edited; a reversal is another fact. Revenue below zero, of a
month in which more came back than was sold, takes back what came in before and what comes next.
"""

from __future__ import annotations

from domain.fact import Fact, FoundBy, Noun, common, fact
from domain.money.policy.sold import Item, read_items
from domain.readers import MONEY


def paper_of(currency: str, amount_minor: int) -> str:
    """The currency and the amount, by which facts of the same document are found in all pools."""
    return f"{currency}/{amount_minor}"


@common
class Booked(Fact):
    """Money received from outside, or spent."""

    READERS = MONEY
    STATE = "recorded"
    ABOUT = ("release",)
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
    """An earlier one of the same amount and document, of which the answer warned."""

    @property
    def paper(self) -> str:
        """By what facts of the same document are found."""
        return paper_of(self.currency, self.amount_minor)

    def found_by(self) -> tuple[FoundBy, ...]:
        return super().found_by() if self.document else ()


class Revenue(Noun):
    """Money that came in for a pool."""

    recorded: Recorded

    @fact("revenue.recorded", begins=True)
    class Recorded(Booked):
        """Money came in from a source."""

        FOUND_BY = ("paper",)
        source: str
        """A word of the vocabulary; earlier facts hold any text."""
        source_name: str | None = None
        source_id: str | None = None
        """Which of the sources that were named in the pool; none for a word alone."""

        sold: list[list[str | None]] | None = None
        """``[work, territory, channel, configuration, units, exact amount]`` by kind of sale."""
        exact: str | None = None
        """The exact sum of its lines, where it is not the amount."""

        @property
        def items(self) -> tuple[Item, ...]:
            """What was sold."""
            return read_items(self.sold)

        @property
        def from_source(self) -> str:
            """What all revenue of the same source has in common."""
            return self.source_id or self.source

        def apply(self, noun: Revenue) -> None:
            noun.state = self.STATE
            noun.recorded = self

    @fact("revenue.reversed")
    class Reversed(Fact):
        """Revenue that was not divided yet was reversed, in whole or in part."""

        READERS = MONEY
        ABOUT = ("release",)
        pool: str
        release: str
        currency: str
        amount_minor: int
        """How much was reversed."""
        reversal: str
        reason: str | None = None
        against: str | None = None
        """The revenue below zero that it was taken back for."""


class Expense(Noun):
    """Money that was spent on a pool; it is paid back before there is a profit."""

    recorded: Recorded
    left_minor: int
    """What of it was not reversed."""

    @fact("expense.recorded", begins=True)
    class Recorded(Booked):
        """Money was spent on it."""

        FOUND_BY = ("paper",)
        payer: str
        """A payee; somebody outside who is named here alone has an id (see domain.money.naming)."""
        category: str
        """A word of the vocabulary; earlier facts hold any text."""
        category_name: str | None = None
        payer_name: str | None = None

        def apply(self, noun: Expense) -> None:
            noun.state = self.STATE
            noun.recorded, noun.left_minor = self, self.amount_minor

    @fact("expense.reversed")
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
        """Whose expense it was."""
        effective_at: str | None = None
        reason: str | None = None
        document: str | None = None

        def touches(self) -> tuple[str, ...]:
            return (self.release, self.payer)

        def apply(self, noun: Expense) -> None:
            noun.left_minor -= self.amount_minor
