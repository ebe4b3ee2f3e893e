"""Opening balances: what payees were owed by other books when those of a pool were begun.

What other books had recouped is stated in the terms, as opening totals; this
is what those books had not paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, Record, command, record
from domain.fact import New
from domain.money.entry import Entry, stated_lines
from domain.money.keeping import (
    dated,
    entry_facts,
    first_of_document,
    must_know,
    units_of,
    warn_of_nobody,
)
from domain.money.reckoning import of_agreement
from domain.money.split import OF_SPLIT
from domain.past import Past
from domain.permission import BOOKS
from domain.refusal import BadAmount, EarnedInFuture, NotAgreed, UnknownContributor, UnknownWork
from domain.value import MOST_PIECES, MOST_UNITS, Amount, Example, Most
from domain.values import Document, Moment, NewOpeningId, PayeeText, PoolId, Reason


@record
class Balance(Record):
    """What a payee was owed."""

    payee: PayeeText
    amount_minor: Annotated[
        int, Amount(least=1 - MOST_UNITS, help="Negative: overpaid.", example=1300)
    ]


@command(
    "opening",
    "/pools/{pool}/openings",
    may=BOOKS,
    refuses=(NotAgreed, EarnedInFuture, UnknownContributor, UnknownWork, BadAmount, *OF_SPLIT),
    home="/entries",
)
class RecordOpening(Command):
    """Record an opening balance: what payees of a pool were owed by other books.

    The agreement of its date applies; it is paid like everything else, and labelled on statements
    as an opening balance. What those books had recouped is stated in the terms of the pool.
    """

    pool: PoolId
    lines: Annotated[tuple[Balance, ...], Most(MOST_PIECES), "Who was owed how much."]
    effective_at: Annotated[Moment, "The day of these balances.", Example("2017-07")]
    document: Annotated[Document, Example("closing statement of 30 June 2017")]
    reason: Annotated[Reason | None, Example("Kept in a spreadsheet until now.")] = None
    id: NewOpeningId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        at, lines = dated(past, self.effective_at), self.lines
        units = units_of(past, self.pool, ((line.payee, line.amount_minor) for line in lines))
        if not any(units.values()):
            raise BadAmount(0, "nobody is owed anything")
        must_know(past, units, self.pool)
        warn_of_nobody(past, units)
        books = past.books()
        agreement = books.agreement_for(self.pool, at)
        if agreement is None:
            raise NotAgreed(self.pool)
        pool, whole = books.pools[self.pool], sum(units.values())
        first_of_document(past, Entry.Opened, self.pool, whole, self.document)
        yield from entry_facts(
            past,
            Entry.Opened,
            past.id,
            stated_lines(units, pool.carry),
            **of_agreement(agreement, pool),
            amount_minor=whole,
            agreed="0",
            reason=self.reason,
            document=self.document,
            effective_at=at,
        )
