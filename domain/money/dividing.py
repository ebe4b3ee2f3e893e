"""Dividing: what comes in is given to its payees, taken back, and given anew after a correction.

The one rule: what is given follows from exact dues and what was carried; nothing is divided twice,
and a reversal brings back exactly what was given.

With t = what is due and e = what was carried, units x are given and e ← e + t − x is carried on. A
division chooses x by largest remainder; a reversal takes back lines as they stand; a correction,
whose dues add up to nothing, rounds e + t. What was due is taken back to the millionth of a unit,
and at last all that is left of it: exact parts of parts would soon be too long to be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from domain.apportionment import apportion_over, divide, settle, whole_amount
from domain.draft import Receipt, Sheet, new_id, plain_text
from domain.moment import instant, start_of
from domain.money.books import Agreement, Books, PoolBooks
from domain.money.entry import Costs, Entry, entry_lines
from domain.money.keeping import Keeping, division_id, written
from domain.money.pool import Pool
from domain.money.revenue import Expense, Revenue
from domain.money.shares import Shares
from domain.permission import OPERATOR
from domain.policy.shares import FINE
from domain.refusal import (
    BadAmount,
    IdTaken,
    NothingToCorrect,
    ReversalTooLarge,
    UnknownDivision,
    UnknownPool,
    UnknownRevenue,
)
from domain.split import read_terms, split

AGREED = "\0"
"""Stands for everybody who shares by agreement; no name can be this."""

REST = "\0rest"

MOST_MINOR = 10**15 - 1
"""So much may be booked at once: every reader of JSON keeps such a number to the unit."""

_NONE = Fraction()


class Terms(NamedTuple):
    """What the terms of a pool make of an amount."""

    due: dict[str, Fraction]
    """Of everybody who is named in the terms."""
    agreed: Fraction
    """How much goes by the agreed shares."""
    flow: Mapping[str, Fraction]


def by_terms(opened: Pool.Opened, amount_minor: int, flow: Mapping[str, Fraction]) -> Terms:
    """Who is due how much of an amount after costs, before the agreed part is divided."""
    if not amount_minor:
        return Terms({}, _NONE, {})
    policy = read_terms(opened.terms, agreed=[(AGREED, Fraction(1))])
    result = split(amount_minor, policy, flow=flow)
    due = {payee: amount_minor * result.division.share(payee) for payee in result.division.weights}
    return Terms(due, due.pop(AGREED, _NONE), result.flow)


def add_agreed(due: dict[str, Fraction], agreed: Fraction, shares: Shares) -> None:
    """Add what everybody gets of the part that goes by agreed shares."""
    for payee, share in shares.items():
        due[payee] = due.get(payee, _NONE) + agreed * share


class Dividing(Keeping):
    """The commands about what comes in and what it costs."""

    def record_revenue(
        self,
        *,
        actor: str,
        pool: str,
        amount_minor: int,
        source: str,
        effective_at: str,
        document: str | None = None,
        note: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Record money that came in; it is divided at once if nothing stands against that."""
        opened = self._pool(pool)
        sheet, new = self._permitted(actor, "keep the books"), new_id(id)
        sheet.add(
            Revenue.Recorded,
            new,
            **self._booked(sheet, pool, opened, amount_minor, effective_at, document, note),
            source=plain_text("source", source),
        )
        return self._birth(
            new, sheet, given=id is not None, then=partial(self._divide_waiting, sheet, pool)
        )

    def record_expense(
        self,
        *,
        actor: str,
        pool: str,
        amount_minor: int,
        category: str,
        effective_at: str,
        payer: str = OPERATOR,
        document: str | None = None,
        note: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Record money that was spent; it is paid back before there is a profit again."""
        opened = self._pool(pool)
        sheet, new = self._permitted(actor, "keep the books"), new_id(id)
        self._must_know([payer])
        sheet.add(
            Expense.Recorded,
            new,
            **self._booked(sheet, pool, opened, amount_minor, effective_at, document, note),
            payer=plain_text("payer", payer),
            category=plain_text("category", category),
        )
        self.books()
        self._watch_money(opened.release)
        return self._birth(new, sheet, given=id is not None)

    def _booked(
        self,
        sheet: Sheet,
        pool: str,
        opened: Pool.Opened,
        amount_minor: int,
        effective_at: str,
        document: str | None,
        note: str | None,
    ) -> dict[str, Any]:
        if whole_amount(amount_minor) <= 0:
            raise BadAmount(amount_minor, "it is not more than 0")
        if amount_minor > MOST_MINOR:
            raise BadAmount(amount_minor, f"it is more than {MOST_MINOR}")
        return {
            "pool": pool,
            "release": opened.release,
            "currency": opened.currency,
            "amount_minor": amount_minor,
            "effective_at": start_of(effective_at),
            "document": sheet.seal(sheet.actor, "document", document),
            "note": sheet.seal(sheet.actor, "note", note),
        }

    def _pool(self, id: str) -> Pool.Opened:
        return self._get(Pool, id, UnknownPool).opened

    # -- divisions -------------------------------------------------------------------------

    def _divide_waiting(self, sheet: Sheet, pool: str) -> None:
        """Divide whatever waits in a pool, has an agreement and is no longer deferred."""
        books = self.books()
        self._post(sheet)
        self._watch_money(books.pools[pool].opened.release)
        known = books.pools[pool]
        for revenue in known.waiting if known.agreements else ():
            recorded = books.revenues[revenue].recorded
            if known.sources[recorded.source] >= known.opened.deferral_minor:
                agreement = books.agreement_for(pool, recorded.effective_at)
                if agreement is not None:
                    self._divide(sheet, books, revenue, agreement)

    def _divide(self, sheet: Sheet, books: Books, revenue: str, agreement: Agreement) -> None:
        known = books.revenues[revenue]
        pool = books.pools[known.recorded.pool]
        amount_minor, recorded = known.left_minor, known.recorded
        costs = list(_paid_back(pool, amount_minor))
        profit_minor = amount_minor - sum(units for *_, units in costs)
        terms = by_terms(pool.opened, profit_minor, pool.flow)
        due = dict(terms.due)
        for _, payer, paid in costs:
            due[payer] = due.get(payer, _NONE) + paid
        add_agreed(due, terms.agreed, agreement.shares)
        weights = {**dict.fromkeys(pool.carry, _NONE), **due}
        units = divide(amount_minor, weights, carry=pool.carry).units
        self._add_entry(
            sheet,
            Entry.Divided,
            division_id(revenue),
            entry_lines(units, due, pool.carry),
            pool=recorded.pool,
            release=recorded.release,
            proposal=agreement.proposal,
            agreement=agreement.number,
            currency=recorded.currency,
            amount_minor=amount_minor,
            agreed=str(terms.agreed),
            revenue=revenue,
            rounding=pool.opened.rounding,
            effective_at=recorded.effective_at,
            costs=[list(cost) for cost in costs],
            flow_before=written(pool.flow.items()),
            flow=written(terms.flow.items()),
        )

    # -- reversals -------------------------------------------------------------------------

    def reverse_revenue(
        self,
        *,
        actor: str,
        revenue: str,
        reason: str,
        amount_minor: int | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Take revenue back, in whole or in part: a refund, a chargeback."""
        noun = self._get(Revenue, revenue, UnknownRevenue)
        sheet, new = self._permitted(actor, "keep the books"), new_id(id)
        sealed = sheet.seal_text(actor, "reason", reason)
        if id is not None and (known := self._reversed_before(noun, new, amount_minor)):
            return known
        books = self.books()
        left = books.revenues[revenue].left_minor
        taken = left if amount_minor is None else whole_amount(amount_minor)
        if taken <= 0 and left:
            raise BadAmount(taken, "it is not more than 0")
        if taken > left or not left:
            raise ReversalTooLarge(left)
        recorded = noun.recorded
        self._watch_money(recorded.release)
        if books.revenues[revenue].division is None:
            sheet.add(
                Revenue.Reversed,
                revenue,
                version=noun.version + 1,
                pool=recorded.pool,
                release=recorded.release,
                currency=recorded.currency,
                amount_minor=taken,
                reversal=new,
                reason=sealed,
            )
        else:
            self._reverse(sheet, books, revenue, taken, new, sealed)
        receipt = self._write(new, sheet)
        receipt.position -= len(sheet.facts) - 1
        return receipt

    def _reversed_before(
        self, noun: Revenue, reversal: str, amount_minor: int | None
    ) -> Receipt | None:
        """The reversal with this id, if there is one already and it says the same."""
        for position, happened in [*noun.facts, *self._stream(reversal)[:1]]:
            match happened:
                case Revenue.Reversed(reversal=known, amount_minor=taken) if known == reversal:
                    pass
                case Entry.Reversed(revenue=known, amount_minor=amount) if known == noun.id:
                    taken = -amount
                case _ if happened.originator_id == reversal:
                    raise IdTaken(reversal)
                case _:
                    continue
            if amount_minor not in (None, taken):
                raise IdTaken(reversal)
            return self._receipt(reversal, position)
        return None

    def _reverse(
        self,
        sheet: Sheet,
        books: Books,
        revenue: str,
        taken: int,
        id: str,
        reason: str,
    ) -> None:
        division = division_id(revenue)
        entry = self._get(Entry, division, UnknownDivision)
        first = entry.first
        assert isinstance(first, Entry.Divided)
        known, pool = books.divisions[division], books.pools[first.pool]
        before = [self._get(Entry, each, UnknownDivision) for each in known.reversals]
        agreement = books.agreements[known.agreement]
        due, agreed, flow = _due_back(pool.opened, entry, before, taken)
        add_agreed(due, agreed, agreement.shares)
        if known.is_corrected:
            units = settle(_sum(pool.carry, due))
        else:
            left = {line.payee: line.amount_minor for line in entry.lines}
            for each in before:
                for line in each.lines:
                    left[line.payee] = left.get(line.payee, 0) + line.amount_minor
            given = {payee: units for payee, units in left.items() if units}
            units = {payee: -back for payee, back in apportion_over(taken, given).items()}
        self._add_entry(
            sheet,
            Entry.Reversed,
            id,
            entry_lines(units, due, pool.carry),
            pool=first.pool,
            release=first.release,
            proposal=known.agreement,
            agreement=agreement.number,
            currency=first.currency,
            amount_minor=-taken,
            agreed=str(agreed),
            revenue=revenue,
            division=division,
            effective_at=first.effective_at,
            costs=_costs_back(entry, before, taken),
            flow=written(flow.items()),
            reason=reason,
        )

    # -- corrections -----------------------------------------------------------------------

    def correct_pool(self, *, actor: str, pool: str, reason: str) -> Receipt:
        """Give out what earlier divisions would have given by the agreements that now hold.

        For somebody who was found late: agree on shares that hold from an earlier date, then
        correct. What was paid stays as it was; only differences are posted.
        """
        opened = self._pool(pool)
        sheet = self._permitted(actor, "keep the books")
        sealed = sheet.seal_text(actor, "reason", reason)
        books = self.books()
        self._watch_money(opened.release)
        moves: dict[tuple[str, str], Fraction] = {}
        for division in books.divisions.values():
            recorded = books.revenues[division.revenue].recorded
            if recorded.pool == pool:
                holds = books.agreement_for(pool, recorded.effective_at)
                if holds is None or holds.proposal == division.agreement or not division.agreed:
                    continue
                pair = division.agreement, holds.proposal
                moves[pair] = moves.get(pair, _NONE) + division.agreed
        if not moves:
            raise NothingToCorrect
        id = ""
        for (old, new), agreed in moves.items():
            id = new_id(None)
            change = difference(books.agreements[old].shares, books.agreements[new].shares)
            self._correct(sheet, books, id, new, agreed, change, sealed, replaces=old)
        return self._write(id, sheet)

    def _correct(
        self,
        sheet: Sheet,
        books: Books,
        id: str,
        proposal: str,
        agreed: Fraction,
        change: Mapping[str, Fraction],
        reason: str | None,
        *,
        replaces: str | None = None,
    ) -> None:
        """Post what a change of shares makes of everything that was divided by them."""
        agreement = books.agreements[proposal]
        pool = books.pools[agreement.pool]
        due = {payee: agreed * part for payee, part in change.items()}
        self._add_entry(
            sheet,
            Entry.Corrected,
            id,
            entry_lines(settle(_sum(pool.carry, due)), due, pool.carry),
            pool=agreement.pool,
            release=agreement.release,
            proposal=proposal,
            agreement=agreement.number,
            currency=pool.opened.currency,
            amount_minor=0,
            agreed=str(agreed),
            replaces=replaces,
            reason=reason,
            effective_at=instant(self.now),
        )


def _paid_back(pool: PoolBooks, amount_minor: int) -> Iterator[tuple[str, str, int]]:
    """What of an amount goes back to whoever spent money on the pool, the first expense first."""
    for expense, payer, left in pool.costs:
        if part := min(left, amount_minor):
            amount_minor -= part
            yield expense, payer, part


def _due_back(
    opened: Pool.Opened, entry: Entry, before: list[Entry], taken: int
) -> tuple[dict[str, Fraction], Fraction, Mapping[str, Fraction]]:
    """What a reversal takes of what was due by name, of the agreed part, and of the flow.

    It is found by taking back what was taken before, one after the other.
    """
    flow = {place: Fraction(amount) for place, amount in entry.flow_before}
    paid = sum(int(units) for *_, units in entry.costs)
    terms = by_terms(opened, entry.first.amount_minor - paid, flow)
    parts = {**terms.due, AGREED: terms.agreed}
    for _, payer, units in entry.costs:
        parts[str(payer)] = parts.get(str(payer), _NONE) + int(units)
    passed, left = dict(terms.flow), entry.first.amount_minor
    due: dict[str, Fraction] = {}
    for amount in (*(-each.first.amount_minor for each in before), taken):
        due, flow = dict(parts), dict(passed)
        if amount < left:
            fine = {name: part * amount * FINE / left for name, part in parts.items()}
            due = {name: Fraction(units, FINE) for name, units in settle(fine).items()}
            # Never more than there is: what went through the terms is not negative.
            flow = {
                place: Fraction(part * amount * FINE // left, FINE)
                for place, part in passed.items()
            }
        parts = {name: part - due[name] for name, part in parts.items()}
        passed = {place: part - flow[place] for place, part in passed.items()}
        left -= amount
    back = {name: -part for name, part in due.items()}
    return back, back.pop(AGREED), {place: -part for place, part in flow.items()}


def _costs_back(entry: Entry, before: list[Entry], taken: int) -> Costs:
    """How much of the expenses paid back is open again after a reversal."""
    left = {str(expense): int(units) for expense, _, units in entry.costs}
    left[REST] = entry.first.amount_minor - sum(left.values())
    for each in before:
        back = {str(expense): -int(units) for expense, _, units in each.costs}
        left[REST] += each.first.amount_minor + sum(back.values())
        for expense, units in back.items():
            left[expense] -= units
    taken_from = apportion_over(taken, {name: units for name, units in left.items() if units})
    return [
        [expense, payer, -part]
        for expense, payer, _ in entry.costs
        if (part := taken_from.get(str(expense), 0))
    ]


def _sum(carry: Mapping[str, Fraction], due: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {
        payee: carry.get(payee, _NONE) + due.get(payee, _NONE)
        for payee in dict.fromkeys([*carry, *due])
    }


def difference(old: Shares, new: Shares) -> dict[str, Fraction]:
    """By how much of the whole everybody's share has changed, of those for whom it has."""
    return {
        payee: change
        for payee in dict.fromkeys([*old, *new])
        if (change := new.get(payee, _NONE) - old.get(payee, _NONE))
    }
