"""Reckoning: an entry computed from the current books.

The same books give the same entry, so anyone who has the journal can recompute every entry.

With t = what is due and e = what was carried, units x are allocated and e ← e + t − x is carried
on. A division chooses x by largest remainder; a reversal takes back lines as they are; a
correction, whose dues sum to zero, rounds e + t. Dues are reversed to the millionth of a unit, and
by the last reversal completely: exact parts of parts would soon be too long to be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from domain.money.agreement import Agreement
from domain.money.apportionment import apportion_over, divide, settle
from domain.money.books import Books, PoolBooks
from domain.money.entry import Costs, Entry, Line, entry_lines
from domain.money.policy.shares import FINE
from domain.money.pool import Pool
from domain.money.shares import Shares
from domain.money.split import read_terms, split

_NONE = Fraction()


class Reckoned(NamedTuple):
    """An entry: its lines, and the other fields of its fact."""

    lines: list[Line]
    content: dict[str, Any]


class Terms(NamedTuple):
    """An amount divided by the terms of a pool."""

    due: dict[str, Fraction]
    """For everyone named in the terms."""
    agreed: Fraction
    """How much goes by the agreed shares."""
    flow: Mapping[str, Fraction]


def by_terms(opened: Pool.Opened, amount_minor: int, flow: Mapping[str, Fraction]) -> Terms:
    """What is due to whom of an amount after costs, before the agreed part is divided.

    The pool's id stands for all who share in it by agreement: no payee has that id.
    """
    if not amount_minor:
        return Terms({}, _NONE, {})
    pool = opened.originator_id
    policy = read_terms(opened.terms, agreed=[(pool, Fraction(1))])
    result = split(amount_minor, policy, flow=flow)
    due = {payee: amount_minor * result.division.share(payee) for payee in result.division.weights}
    return Terms(due, due.pop(pool, _NONE), result.flow)


def division_of(books: Books, revenue: str, agreement: Agreement) -> Reckoned:
    """The division of a revenue: costs come first, the rest follows the terms and shares."""
    known = books.revenues[revenue]
    pool = books.pools[known.recorded.pool]
    amount_minor, recorded = known.left_minor, known.recorded
    costs = list(_paid_back(pool, amount_minor))
    profit_minor = amount_minor - sum(units for *_, units in costs)
    terms = by_terms(pool.opened, profit_minor, pool.flow)
    due = _due(terms, costs, agreement.shares)
    weights = {**dict.fromkeys(pool.carry, _NONE), **due}
    division = divide(amount_minor, weights, carry=pool.carry)
    content = {
        **_of(agreement, pool),
        "amount_minor": amount_minor,
        "agreed": str(terms.agreed),
        "revenue": revenue,
        "rounding": pool.opened.rounding,
        "left_over": division.left_over,
        "effective_at": recorded.effective_at,
        "costs": [list(cost) for cost in costs],
        "flow_before": written(pool.flow),
        "flow": written(terms.flow),
    }
    return Reckoned(entry_lines(division.units, due, pool.carry, division.ranks), content)


def reversal_of(books: Books, division: Entry, before: Sequence[Entry], taken: int) -> Reckoned:
    """The reversal of a part of divided revenue, after earlier reversals.

    As long as the shares are those it was divided by, every line gives back a part of what it still
    has; once they were corrected, what is due by the current shares is taken back.
    """
    first = division.first
    assert isinstance(first, Entry.Divided)
    known, pool = books.divisions[division.id], books.pools[first.pool]
    agreement = books.agreements[known.agreement]
    terms = _taken_back(pool.opened, division, [*before, taken])
    due = _due(terms, (), agreement.shares)
    if known.is_corrected:
        units = settle(_sum(pool.carry, due))
    else:
        left = {line.payee: line.amount_minor for line in division.lines}
        for each in before:
            for line in each.lines:
                left[line.payee] = left.get(line.payee, 0) + line.amount_minor
        given = {payee: units for payee, units in left.items() if units}
        units = {payee: -back for payee, back in apportion_over(taken, given).items()}
    content = {
        **_of(agreement, pool),
        "amount_minor": -taken,
        "agreed": str(terms.agreed),
        "revenue": first.revenue,
        "division": division.id,
        "effective_at": first.effective_at,
        "costs": _costs_back(division, before, taken),
        "flow": written(terms.flow),
    }
    return Reckoned(entry_lines(units, due, pool.carry), content)


def correction_of(
    books: Books, proposal: str, agreed: Fraction, change: Mapping[str, Fraction]
) -> Reckoned:
    """The correction of everything that was divided, after shares have changed."""
    agreement = books.agreements[proposal]
    pool = books.pools[agreement.pool]
    due = {payee: agreed * part for payee, part in change.items()}
    units = settle(_sum(pool.carry, due))
    content = {**_of(agreement, pool), "amount_minor": 0, "agreed": str(agreed)}
    return Reckoned(entry_lines(units, due, pool.carry), content)


def moves_in(books: Books, pool: str) -> dict[tuple[str, str], Fraction]:
    """Which divisions of a pool move from one agreement to another: the agreed amount by pair."""
    moves: dict[tuple[str, str], Fraction] = {}
    for division in books.divisions.values():
        recorded = books.revenues[division.revenue].recorded
        if recorded.pool == pool:
            holds = books.agreement_for(pool, recorded.effective_at)
            # Of what was reversed completely there is nothing to move.
            if holds is not None and holds.proposal != division.agreement and division.agreed:
                pair = division.agreement, holds.proposal
                moves[pair] = moves.get(pair, _NONE) + division.agreed
    return moves


def difference(old: Shares, new: Shares) -> dict[str, Fraction]:
    """By how much each share has changed, for those that have."""
    return {
        payee: change
        for payee in dict.fromkeys([*old, *new])
        if (change := new.get(payee, _NONE) - old.get(payee, _NONE))
    }


def written(amounts: Mapping[str, Fraction]) -> list[list[str]]:
    """Exact amounts by name as a fact holds them, without those that are zero."""
    return [[name, str(amount)] for name, amount in amounts.items() if amount]


def _of(agreement: Agreement, pool: PoolBooks) -> dict[str, Any]:
    return {
        "pool": agreement.pool,
        "release": agreement.release,
        "proposal": agreement.proposal,
        "agreement": agreement.number,
        "currency": pool.opened.currency,
    }


def _due(terms: Terms, costs: Sequence[Sequence[str | int]], shares: Shares) -> dict[str, Fraction]:
    """What is due by the terms, for expenses, and by the agreed shares."""
    due = dict(terms.due)
    for _, payer, units in costs:
        due[str(payer)] = due.get(str(payer), _NONE) + int(units)
    for payee, share in shares.items():
        due[payee] = due.get(payee, _NONE) + terms.agreed * share
    return due


def _taken_back(opened: Pool.Opened, division: Entry, parts: Sequence[Entry | int]) -> Terms:
    """What the last of several reversals takes of a division."""
    flow = {place: Fraction(amount) for place, amount in division.flow_before}
    left = division.first.amount_minor
    terms = by_terms(opened, left - sum(int(units) for *_, units in division.costs), flow)
    pool = opened.originator_id  # stands for the agreed part, as in the terms
    due = {**_due(terms, division.costs, {}), pool: terms.agreed}
    through = dict(terms.flow)
    back, flow_back = due, through
    for part in parts:
        taken = part if isinstance(part, int) else -part.first.amount_minor
        back, flow_back = due, through
        if taken < left:
            fine = {name: amount * taken * FINE / left for name, amount in due.items()}
            back = {name: Fraction(units, FINE) for name, units in settle(fine).items()}
            # Rounded down: what went through the terms is never negative.
            flow_back = {
                place: Fraction(amount * taken * FINE // left, FINE)
                for place, amount in through.items()
            }
        due = {name: amount - back[name] for name, amount in due.items()}
        through = {place: amount - flow_back[place] for place, amount in through.items()}
        left -= taken
    named = {name: -amount for name, amount in back.items()}
    agreed = named.pop(pool)
    return Terms(named, agreed, {place: -amount for place, amount in flow_back.items()})


def _paid_back(pool: PoolBooks, amount_minor: int) -> Iterator[tuple[str, str, int]]:
    """What of an amount pays back expenses, the first expense first."""
    for expense, payer, left in pool.costs:
        if part := min(left, amount_minor):
            amount_minor -= part
            yield expense, payer, part


def _costs_back(division: Entry, before: Sequence[Entry], taken: int) -> Costs:
    """How much of the expenses paid back is open again after a reversal.

    The division itself stands for the profit: no expense has its id.
    """
    left = {str(expense): int(units) for expense, _, units in division.costs}
    left[division.id] = division.first.amount_minor - sum(left.values())
    for each in before:
        back = {str(expense): -int(units) for expense, _, units in each.costs}
        left[division.id] += each.first.amount_minor + sum(back.values())
        for expense, units in back.items():
            left[expense] -= units
    taken_from = apportion_over(taken, {name: units for name, units in left.items() if units})
    return [
        [expense, payer, -part]
        for expense, payer, _ in division.costs
        if (part := taken_from.get(str(expense), 0))
    ]


def _sum(carry: Mapping[str, Fraction], due: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {
        payee: carry.get(payee, _NONE) + due.get(payee, _NONE)
        for payee in dict.fromkeys([*carry, *due])
    }
