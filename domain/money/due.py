"""What is due: by person, what can be paid in a currency now, and what is held and why.

A payout is decided by it, and so is a preview.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.money.books import Account
from domain.money.keeping import above_in_question
from domain.money.payout import Parts
from domain.past import Past


@dataclass
class Due:
    """What a person is owed in a currency under all agreements."""

    parts: Parts = field(default_factory=list)
    """What can be paid now of each account, and every debt."""
    held_minor: int = 0
    because: dict[str, None] = field(default_factory=dict)
    """Why it is held, in order."""

    @property
    def payable_minor(self) -> int:
        """What can be paid, less debts; negative: overpaid."""
        return sum(int(units) for *_, units in self.parts)


def due(past: Past, accounts: Iterable[Account]) -> dict[str, Due]:
    """Everybody to whom something is owed on these accounts, or who was overpaid."""
    books = past.books()
    above = above_in_question(past, books)
    questions, found = books.questions(above), dict[str, Due]()
    for payee, agreement in accounts:
        if not (left := books.owed(payee, agreement).left_minor):
            continue
        held = books.held(payee, agreement, questions, above)
        units = books.payable_minor(payee, agreement, held)
        known = found.setdefault(books.person(payee), Due())
        if units:
            known.parts.append([payee, agreement, books.agreements[agreement].pool, units])
        if left > units:
            known.held_minor += left - units
            known.because |= dict.fromkeys(held.because)
    return found
