"""Recoupment: how much of the advances, tranches and budget lines in a pool's terms is paid back.

It is computed from the terms and their running totals; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import NamedTuple

from domain.money.policy.order import Advance, InTurn
from domain.money.pool import Pool
from domain.money.split import read_terms

Totals = Mapping[str, Fraction]
"""Running totals of terms, by place."""


class Recouped(NamedTuple):
    """How much of one advance, tranche or budget line is recouped, before and by an entry."""

    payee: str
    """Who got the advance, or is paid by the tranche or line."""
    to: str | None
    """Who advanced the money; None for a tranche or line."""
    advance_minor: int
    """How much is to be recouped."""
    before: Fraction
    """Recouped before this entry, in units."""
    now: Fraction
    """Recouped by this entry, in units."""

    @property
    def before_minor(self) -> int:
        """``before``, rounded; with ``now_minor`` it sums to the rounded total."""
        return round(self.before)

    @property
    def now_minor(self) -> int:
        """``now`` in whole units."""
        return round(self.before + self.now) - self.before_minor

    @property
    def remaining_minor(self) -> int:
        """What is still to be recouped after this entry, in whole units."""
        return max(0, self.advance_minor - round(self.before + self.now))


def recouped(opened: Pool.Opened, before: Totals, now: Totals) -> list[Recouped]:
    """Everything that the terms recoup.

    ``before`` and ``now`` are the running totals before an entry and what it adds.
    """
    policy = read_terms(opened.terms, agreed=[(opened.originator_id, Fraction(1))])
    return [each for one in _recouping_in(policy) for each in _of(one, before, now)]


def account_places(opened: Pool.Opened) -> set[str]:
    """The places of the accounts of advances: the totals that depend on the agreed shares."""
    policy = read_terms(opened.terms, agreed=[(opened.originator_id, Fraction(1))])
    advances = (each for each in _recouping_in(policy) if isinstance(each, Advance))
    accounts = [account for each in advances for account in each.accounts]
    return {place for account in accounts for place in (account.earned, account.paid)}


def _recouping_in(value: object) -> Iterator[Advance | InTurn]:
    """The nested policies that recoup something, however deep."""
    if isinstance(value, Advance | InTurn):
        yield value
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from _recouping_in(getattr(value, one.name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _recouping_in(each)


def _of(policy: Advance | InTurn, before: Totals, now: Totals) -> Iterator[Recouped]:
    def at(name: str) -> tuple[Fraction, Fraction]:
        return before.get(name, Fraction()), now.get(name, Fraction())

    if isinstance(policy, InTurn):
        for entry, size in policy.tranches:
            if size is not None:
                earlier, new = at(policy.at(entry))
                paid = policy.before.get(entry.name, 0) + earlier
                yield Recouped(entry.name, None, size, paid, new)
        return
    for payee in dict.fromkeys(each.payee for each in policy.accounts):
        accounts = policy.accounts_of(payee)
        if not accounts:
            continue
        advance = sum(each.advance_minor for each in accounts)
        kept, new = Fraction(), Fraction()
        for each in accounts:
            (earned, more), (paid, out) = at(each.earned), at(each.paid)
            kept += each.earned_minor + earned - each.paid_minor - paid
            new += more - out
        was = min(Fraction(advance), kept)
        yield Recouped(payee, policy.to, advance, was, min(Fraction(advance), kept + new) - was)
