"""Dividing: what comes in is given to its payees, taken back, and given anew after a correction.

The one rule: what is given follows from exact dues and what was carried; nothing is divided twice,
and a reversal brings back exactly what was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from domain.identity import part_id
from domain.moment import instant, start_of
from domain.money.apportionment import whole_amount
from domain.money.books import Agreement, Books
from domain.money.entry import Entry
from domain.money.keeping import Keeping, division_id
from domain.money.pool import Pool
from domain.money.reckoning import (
    correction_of,
    difference,
    division_of,
    moves_in,
    reversal_of,
)
from domain.money.revenue import Expense, Revenue
from domain.permission import OPERATOR
from domain.refusal import (
    BadAmount,
    IdTaken,
    NothingToCorrect,
    ReversalTooLarge,
    UnknownDivision,
    UnknownPool,
    UnknownRevenue,
)
from domain.sheet import Receipt, Sheet
from domain.text import plain_text

MOST_UNITS = 10**15
"""An amount is less: every JSON reader takes it as it is, and sums of thousands can be kept."""


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
        sheet, new = self._permitted(actor, "keep the books"), self._new_id(id)
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
        sheet, new = self._permitted(actor, "keep the books"), self._new_id(id)
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
        if not 0 < whole_amount(amount_minor) < MOST_UNITS:
            raise BadAmount(amount_minor, f"it is not from 1 to {MOST_UNITS - 1}")
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
        drawn = division_of(books, revenue, agreement)
        self._add_entry(sheet, Entry.Divided, division_id(revenue), drawn.lines, **drawn.content)

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
        sheet, new = self._permitted(actor, "keep the books"), self._new_id(id)
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
        self, sheet: Sheet, books: Books, revenue: str, taken: int, id: str, reason: str
    ) -> None:
        division = division_id(revenue)
        entry = self._get(Entry, division, UnknownDivision)
        before = [
            self._get(Entry, each, UnknownDivision) for each in books.divisions[division].reversals
        ]
        drawn = reversal_of(books, entry, before, taken)
        self._add_entry(sheet, Entry.Reversed, id, drawn.lines, **drawn.content, reason=reason)

    # -- corrections -----------------------------------------------------------------------

    def correct_pool(self, *, actor: str, pool: str, reason: str, id: str | None = None) -> Receipt:
        """Give out what earlier divisions would have given by the agreements that now hold.

        For somebody who was found late: agree on shares that hold from an earlier date, then
        correct. What was paid stays as it was; only differences are posted.
        """
        opened = self._pool(pool)
        sheet, new = self._permitted(actor, "keep the books"), self._new_id(id)
        sealed = sheet.seal_text(actor, "reason", reason)
        if id is not None and (known := self._stream(new)):
            position, happened = known[0]
            if not isinstance(happened, Entry.Corrected) or happened.pool != pool:
                raise IdTaken(new)
            return self._receipt(new, position)
        books = self.books()
        self._watch_money(opened.release)
        moves = moves_in(books, pool)
        if not moves:
            raise NothingToCorrect
        for number, ((old, to), agreed) in enumerate(moves.items()):
            own = part_id(new, "correction", number) if number else new
            change = difference(books.agreements[old].shares, books.agreements[to].shares)
            self._correct(sheet, books, own, to, agreed, change, sealed, replaces=old)
        receipt = self._write(new, sheet)
        receipt.position -= len(sheet.facts) - 1
        return receipt

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
        drawn = correction_of(books, proposal, agreed, change)
        now = instant(self.now)
        more = {"replaces": replaces, "reason": reason, "effective_at": now}
        self._add_entry(sheet, Entry.Corrected, id, drawn.lines, **drawn.content, **more)
