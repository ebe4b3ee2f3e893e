"""What is due to each person in a currency: what can be paid now, and what is on hold and why.

Payouts and their previews are decided by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.money.books import Above, Account, Books
from domain.money.held import AllInQuestion, Held, covering_debts
from domain.money.keeping import above_in_question
from domain.money.payout import PayoutParts
from domain.past import Past


@dataclass
class Due:
    """What a person is owed in a currency under all agreements."""

    parts: PayoutParts = field(default_factory=list)
    """What can be paid now on each account, and every debt."""
    held_minor: int = 0
    because: dict[str, None] = field(default_factory=dict)
    """The reasons why it is on hold, in order."""

    @property
    def payable_minor(self) -> int:
        """What can be paid, less debts; negative: overpaid."""
        return sum(int(units) for *_, units in self.parts)


def due(past: Past, accounts: Iterable[Account]) -> dict[str, Due]:
    """By person with a balance on these accounts: what is due to them."""
    books = past.books()
    above = above_in_question(past, books)
    questions, found = books.questions(above), dict[str, Due]()
    for (payee, agreement), pool, left, units, held in standings(books, accounts, questions, above):
        known = found.setdefault(books.person(payee), Due())
        if units:
            known.parts.append([payee, agreement, pool, units])
        if left > units:
            known.held_minor += left - units
            known.because |= dict.fromkeys(held.because)
    return found


def standings(
    books: Books, accounts: Iterable[Account], questions: AllInQuestion, above: Above
) -> list[tuple[Account, str, int, int, Held]]:
    """For each account with a balance: account, pool, balance, units payable now, and the hold.

    All accounts of a payee must be given together, because debts are offset against what is held.
    """
    found = []
    for key in accounts:
        if left := books.owed(*key).left_minor:
            held = books.held(*key, questions, above)
            units = books.payable_minor(*key, held)
            found.append((key, books.agreements[key[1]].pool, left, units, held))
    covered = covering_debts({key: (pool, left, left - paid) for key, pool, left, paid, _ in found})
    return [
        (key, pool, left, units + covered.get(key, 0), held)
        for key, pool, left, units, held in found
    ]
