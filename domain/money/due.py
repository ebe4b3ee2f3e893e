"""What is due: by person, what can be paid in a currency now, and what is held and why.

It is decided as a payout decides it, so that a preview can be believed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.money.held import Held
from domain.money.keeping import above_in_question
from domain.past import Past


@dataclass
class Due:
    """What a person is owed in a currency under all agreements."""

    payable_minor: int = 0
    """What can be paid, less debts; negative: overpaid."""
    held_minor: int = 0
    because: dict[str, None] = field(default_factory=dict)
    """Why it is held, in order."""


def due(past: Past, currency: str) -> dict[str, Due]:
    """Everybody to whom something is owed in a currency, or who was overpaid."""
    books = past.books()
    above = above_in_question(past, books)
    questions, found = books.questions(above), dict[str, Due]()
    for payee, agreement in books.accounts_due(currency):
        left = books.owed(payee, agreement).left_minor
        held = books.held(payee, agreement, questions, above) if left > 0 else Held()
        units = books.payable_minor(payee, agreement, held)
        known = found.setdefault(books.person(payee), Due())
        known.payable_minor += units
        known.held_minor += left - units
        if left > units:
            known.because |= dict.fromkeys(held.because)
    return found
