"""Recouping: how far advances, tranches and budget lines of a pool's terms are paid back.

What was recouped follows from the terms and the sums that went through them; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import NamedTuple

from domain.money.policy.order import Advance, InTurn
from domain.money.pool import Pool
from domain.money.split import read_terms

Through = Mapping[str, Fraction]


class Recouped(NamedTuple):
    """How far one advance, tranche or budget line is paid back, before and by an entry."""

    payee: str
    """Whose advance it is, or who is paid first."""
    to: str | None
    """Who advanced it."""
    advance_minor: int
    before: Fraction
    now: Fraction

    @property
    def before_minor(self) -> int:
        """In whole units; with ``now_minor`` these sum to what is recouped in all."""
        return round(self.before)

    @property
    def now_minor(self) -> int:
        """What this entry recouped."""
        return round(self.before + self.now) - self.before_minor

    @property
    def remaining_minor(self) -> int:
        """What is still to be recouped."""
        return max(0, self.advance_minor - round(self.before + self.now))


def recouped(opened: Pool.Opened, before: Through, now: Through) -> list[Recouped]:
    """How far everything that the terms recoup is paid back."""
    policy = read_terms(opened.terms, agreed=[(opened.originator_id, Fraction(1))])
    return [each for place in _places(policy) for each in _of(place, before, now)]


def _places(value: object) -> Iterator[Advance | InTurn]:
    """The parts of a policy that recoup, wherever they are."""
    if isinstance(value, Advance | InTurn):
        yield value
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from _places(getattr(value, one.name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _places(each)


def _of(place: Advance | InTurn, before: Through, now: Through) -> Iterator[Recouped]:
    def at(name: str) -> tuple[Fraction, Fraction]:
        return before.get(name, Fraction()), now.get(name, Fraction())

    if isinstance(place, InTurn):
        for entry, size in place.tranches:
            if size is not None:
                earlier, new = at(place.at(entry))
                paid = place.before.get(entry.name, 0) + earlier
                yield Recouped(entry.name, None, size, paid, new)
        return
    for payee in dict.fromkeys(each.payee for each in place.accounts):
        accounts = place.accounts_of(payee)
        if not accounts:
            continue
        advance = sum(each.advance_minor for each in accounts)
        kept, new = Fraction(), Fraction()
        for each in accounts:
            (earned, more), (paid, out) = at(each.earned), at(each.paid)
            kept += each.earned_minor + earned - each.paid_minor - paid
            new += more - out
        was = min(Fraction(advance), kept)
        yield Recouped(payee, place.to, advance, was, min(Fraction(advance), kept + new) - was)
