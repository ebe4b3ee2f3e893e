"""Revenue and expenses: what came in for a pool, what was spent, when, and the proof.

An amount that was recorded is never edited; a reversal is another fact.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.fact import Fact, Noun, fact


@dataclass(frozen=True, kw_only=True)
class Booked(Fact):
    """Money received from outside, or spent."""

    SEALED = ("document", "note")
    STATE = "recorded"
    pool: str
    release: str
    currency: str
    amount_minor: int
    effective_at: str
    """When it was earned or spent."""
    document: str | None = None
    """The reference of the document that proves it."""
    note: str | None = None

    def subjects(self) -> tuple[str, ...]:
        return (self.release,)


class Revenue(Noun):
    """Money that came in for a pool."""

    NAME = "revenue"
    recorded: Recorded

    @fact("revenue.recorded")
    class Recorded(Booked):
        """Money came in from a source."""

        source: str

        def apply(self, noun: Revenue) -> None:
            noun.state = self.STATE
            noun.recorded = self

    @fact("revenue.reversed")
    class Reversed(Fact):
        """Revenue that was not divided yet was reversed, in whole or in part."""

        SEALED = ("reason",)
        pool: str
        release: str
        currency: str
        amount_minor: int
        """How much was reversed."""
        reversal: str
        reason: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return (self.release,)

    BIRTHS = (Recorded,)


class Expense(Noun):
    """Money that was spent on a pool; it is paid back before there is a profit."""

    NAME = "expense"
    recorded: Recorded

    @fact("expense.recorded")
    class Recorded(Booked):
        """Money was spent on it."""

        payer: str
        category: str

        def apply(self, noun: Expense) -> None:
            noun.state = self.STATE
            noun.recorded = self

    BIRTHS = (Recorded,)
