"""Reserves: a part of what is earned is held back for returns, for a time or until it is freed.

A reserve is an account of its own. A reversal takes from it first, beginning with the lot that
would be freed next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import NamedTuple

from domain.money.entry import Line
from domain.money.pool import Pool

Rows = list[list[str | int]]
"""``[payee, units, until, due, carried before]``; units are negative if they are freed."""
Payers = Iterable[Sequence[str | int]]
"""``(expense, payer, units)``: what is paid back for expenses."""
UNTIL_FREED = ""
"""In place of a date: only a command frees it."""


class Reserved(NamedTuple):
    """What a payee's reserve gets or gives; carried before + due − units is carried on."""

    payee: str
    units: int
    until: str
    due: Fraction
    before: Fraction

    @property
    def after(self) -> Fraction:
        """The carry to the next division."""
        return self.before + self.due - self.units

    def written(self) -> list[str | int]:
        """The row as a fact holds it."""
        return [self.payee, self.units, self.until, str(self.due), str(self.before)]


def read_reserved(rows: Rows | None) -> Iterator[Reserved]:
    """The rows of a fact."""
    for payee, units, until, due, before in rows or ():
        yield Reserved(str(payee), int(units), str(until), Fraction(due), Fraction(before))


@dataclass(frozen=True)
class Reserve:
    """What is held back of what a payee earned under an agreement."""

    carried: Fraction = Fraction()
    lots: Mapping[str, int] = field(default_factory=dict)
    """By the date at which it is freed: the units."""

    @property
    def units(self) -> int:
        """The units of all lots."""
        return sum(self.lots.values())

    def after(self, row: Reserved) -> Reserve:
        """The reserve after one more row."""
        units = self.lots.get(row.until, 0) + row.units
        rest = {until: left for until, left in self.lots.items() if until != row.until}
        return Reserve(row.after, rest | ({row.until: units} if units else {}))

    def given(self, payee: str, most: int, until: str | None = None) -> Iterator[Reserved]:
        """Rows that free at most ``most`` units, by date, those without one last.

        With ``until``, only lots that are due by then.
        """
        for date in sorted(self.lots, key=lambda each: (each == UNTIL_FREED, each)):
            is_due = until is None or UNTIL_FREED < date <= until
            if is_due and (units := min(most, self.lots[date])):
                most -= units
                yield Reserved(payee, -units, date, Fraction(-units), self.carried)


NO_RESERVE = Reserve()
Reserves = Mapping[str, Reserve]
"""By payee."""


def held_back(
    rules: Mapping[str, Pool.Reserving],
    reserves: Reserves,
    lines: Iterable[Line],
    costs: Payers,
    effective_at: str,
    debts: Mapping[str, int],
) -> list[Reserved]:
    """What is held back of a division, by the rule for each payee.

    Never of repaid expenses, nor of what a payee's debt to the pool takes first.
    """
    spent: dict[str, int] = {}
    for _, payer, units in costs:
        spent[str(payer)] = spent.get(str(payer), 0) + int(units)
    found = []
    for line in lines:
        rule, earned = rules.get(line.payee), line.amount_minor - spent.get(line.payee, 0)
        if rule is not None and earned > 0 and (due := earned * Fraction(rule.rate)):
            due = min(due, Fraction(max(0, line.amount_minor - debts.get(line.payee, 0))))
            before = reserves.get(line.payee, NO_RESERVE).carried
            until = _until(rule, effective_at)
            found.append(Reserved(line.payee, floor(before + due), until, due, before))
    return found


def taken_by(lines: Iterable[Line]) -> dict[str, int]:
    """By payee: the units that an entry takes from them."""
    return {line.payee: -line.amount_minor for line in lines if line.amount_minor < 0}


def taken_first(reserves: Reserves, taken: Mapping[str, int]) -> list[Reserved]:
    """What is taken from reserves, before it is taken from what is owed."""
    return [
        row
        for payee, units in taken.items()
        for row in reserves.get(payee, NO_RESERVE).given(payee, units)
    ]


def in_force(
    rules: Sequence[Pool.Reserving], effective_at: str, person: Callable[[str], str]
) -> dict[str | None, Pool.Reserving]:
    """By person, and None for everybody else: the rule in force for what was earned then."""
    holding = [each for each in rules if each.effective_at <= effective_at]
    return {
        None if each.payee is None else person(each.payee): each
        for each in sorted(holding, key=lambda each: each.effective_at)
    }


def _until(rule: Pool.Reserving, effective_at: str) -> str:
    """The date at which it is freed: the rule's months after the month in which it was earned."""
    if rule.months is None:
        return UNTIL_FREED
    month = int(effective_at[:4]) * 12 + int(effective_at[5:7]) + rule.months
    return f"{month // 12:04}-{month % 12 + 1:02}-01T00:00:00.000000Z"
