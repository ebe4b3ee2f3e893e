"""Commands that divide revenue among payees, reverse it, and correct it when shares change.

Every allocation follows from exact dues and the carry. Nothing is divided twice, and reversing all
of a division takes back exactly what it allocated.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

from domain.command import Command, Record, command, record
from domain.fact import New
from domain.identity import part_id
from domain.moment import instant
from domain.money.currency import money
from domain.money.entry import Entry
from domain.money.finalising import implied
from domain.money.keeping import (
    dated,
    division_id,
    entry_facts,
    first_of_document,
    is_own_name,
    must_fit,
    must_know,
    named_in,
    warn_if_late,
    warn_if_repeated,
    warn_if_same,
    warn_of_alike_sales,
    watch_accounts,
)
from domain.money.moving import correction_of
from domain.money.naming import CATEGORIES, PAYER, SOURCES, payer_id, source_id, word_and_name
from domain.money.netting import netted, reversed_by
from domain.money.policy.sold import Item, by_kind, must_sum_to, rounded
from domain.money.pool import Pool
from domain.money.reckoning import Change, changes_due, division_of
from domain.money.reserving import freed_to_cover
from domain.money.revenue import Booked, Expense, Revenue
from domain.money.sales import item_of
from domain.money.split import OF_SPLIT
from domain.past import Past
from domain.permission import BOOKS, OPERATOR
from domain.refusal import (
    AmountMissing,
    BadAmount,
    EarnedInFuture,
    NothingToCorrect,
    ReversalTooLarge,
    UnknownContributor,
    UnknownKind,
    UnknownWork,
)
from domain.seal import Said
from domain.value import LARGEST_POSITION, MOST_PIECES, MOST_UNITS, Amount, Example, Most, Number
from domain.values import (
    AmountMinor,
    Category,
    CategoryName,
    Channel,
    Configuration,
    Document,
    ExactAmount,
    Moment,
    NewCorrectionId,
    NewExpenseId,
    NewRevenueId,
    NewReversalId,
    Note,
    PayeeText,
    PoolId,
    Reason,
    RevenueId,
    Source,
    SourceName,
    Territory,
    WorkId,
)


@record
class _Booking(Command):
    """Money received from outside, or spent."""

    pool: PoolId
    effective_at: Annotated[Moment, "When it was earned or spent.", Example("2017-06")]
    document: Document | None = None
    note: Annotated[Note | None, Example("Net of the shop's fee.")] = None

    def booked(self, past: Past, kind: type[Booked], amount_minor: int) -> dict[str, Any]:
        """The fields that facts of revenue and of expenses have in common."""
        at = dated(past, self.effective_at)
        opened = past.get(Pool, self.pool).opened
        must_fit(past, opened.currency, abs(amount_minor))
        return {
            "pool": self.pool,
            "release": opened.release,
            "currency": opened.currency,
            "amount_minor": amount_minor,
            "effective_at": at,
            "document": self.document,
            "note": self.note,
            "repeats": first_of_document(past, kind, self.pool, amount_minor, self.document),
        }


@record
class Sale(Record):
    """Sales of one kind: where, how and as what they were sold, and what came in for them."""

    work: Annotated[WorkId | None, "The piece that was sold."] = None
    territory: Territory | None = None
    channel: Channel | None = None
    configuration: Configuration | None = None
    units: Annotated[
        int,
        Number(
            least=-LARGEST_POSITION,
            help="How many were sold; negative: came back; default 0.",
            example=1000,
        ),
    ] = 0
    amount: Annotated[ExactAmount | None, Example("8073.64")] = None


@command(
    "revenue",
    "/pools/{pool}/revenue",
    may=BOOKS,
    refuses=(EarnedInFuture, UnknownWork, UnknownKind, AmountMissing, BadAmount, *OF_SPLIT),
    home="/revenue",
)
class RecordRevenue(_Booking):
    """Record revenue; it is divided at once if it can be.

    Its lines say what was sold: terms can have rules by territory, channel and configuration, and
    per-unit amounts. Their exact amounts are summed and rounded once, half up; without an amount, a
    single line stands for all of it.

    If negative, because more came back than was sold, it takes back earlier revenue, the latest
    recorded first, as a reversal does. Anything beyond that is a debt of the pool, taken from the
    next revenue before it is divided; nobody is asked to pay.
    """

    amount_minor: Annotated[
        int | None,
        Amount(
            least=1 - MOST_UNITS,
            help="In the currency's smallest units; default the rounded sum of the lines. "
            "Negative: more came back than was sold.",
            example=807_364,
        ),
    ] = None
    sold: Annotated[tuple[Sale, ...], Most(MOST_PIECES), "What was sold, line by line."] = ()
    source: Source
    source_name: SourceName | None = None
    id: NewRevenueId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        word, name = word_and_name(SOURCES, self.source, self.source_name)
        past.books().fetch_pool(self.pool, word)
        must_know(past, {f"work/{line.work}" for line in self.sold if line.work is not None})
        pool = past.get(Pool, self.pool)
        amount_minor, items, exact = self.amounts(pool.opened.currency)
        warn_of_alike_sales(past, pool, items)
        named = None if name is None else named_in(past, self.pool, f"{word}/", name)
        recorded = Revenue.Recorded.born(
            past.id,
            **self.booked(past, Revenue.Recorded, amount_minor),
            sold=[item.written() for item in items] or None,
            exact=None if exact == amount_minor else str(exact),
            source=word,
            source_name=name,
            source_id=named or (name and source_id(word, past.id)),
        )
        if self.id is None:
            warn_if_same(past, recorded)
        yield recorded
        yield from divide_waiting(past, self.pool)

    def amounts(self, currency: str) -> tuple[int, tuple[Item, ...], Fraction]:
        """The amount in units, the sales by kind, and the exact sum of the lines."""
        stated = self.amount_minor
        if not self.sold:
            if stated is None:
                raise AmountMissing
            if not stated:
                raise BadAmount(stated, "nothing came in or came back")
            return stated, (), Fraction(stated)
        items = by_kind(
            item_of(line.plain(), f"sold[{number}]", currency, stated if is_alone else None)
            for is_alone in [len(self.sold) == 1]
            for number, line in enumerate(self.sold)
        )
        exact = sum((item.amount for item in items), Fraction())
        amount_minor = rounded(exact) if stated is None else stated
        must_sum_to(amount_minor, items)
        return amount_minor, items, exact


@command(
    "expense",
    "/pools/{pool}/expenses",
    may=BOOKS,
    refuses=(UnknownContributor, UnknownKind, EarnedInFuture),
    home="/expenses",
)
class RecordExpense(_Booking):
    """Record an expense; it is paid back before there is a profit again."""

    amount_minor: AmountMinor
    category: Category
    payer: Annotated[
        PayeeText, "Who is paid back: a contributor or a name.", Example("operator")
    ] = OPERATOR
    category_name: CategoryName | None = None
    id: NewExpenseId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        must_know(past, [self.payer])
        category, name = word_and_name(CATEGORIES, self.category, self.category_name)
        payer, outsider = self._payer(past)
        recorded = Expense.Recorded.born(
            past.id,
            **self.booked(past, Expense.Recorded, self.amount_minor),
            payer=payer,
            payer_name=outsider,
            category=category,
            category_name=name,
        )
        if self.id is None:
            warn_if_same(past, recorded)
        past.watch_money(recorded.content["release"])
        yield recorded

    def _payer(self, past: Past) -> tuple[str, str | None]:
        """The payee who is paid back, and the name if it is of somebody not known before.

        A name in the terms or an agreement is itself a payee. Any other name gets an id.
        """
        if is_own_name(past, self.pool, self.payer):
            return self.payer, None
        named = named_in(past, self.pool, PAYER, self.payer)
        return named or payer_id(past.id), self.payer


def divide_waiting(past: Past, pool: str) -> Iterator[New]:
    """Divide all waiting revenue of a pool that has an agreement and is no longer deferred."""
    past.watch_money(past.books().pools[pool].opened.release)
    yield from netted(past, pool)
    yield from implied(past, pool)
    books = past.books()
    known = books.pools[pool]
    if any(each.payee for each in books.opened[pool].reserving):
        watch_accounts(past)
    for revenue in known.waiting if known.agreements else ():
        recorded = books.revenues[revenue].recorded
        if not known.opened.defers(known.brought_by(recorded.from_source)):
            agreement = books.agreement_for(pool, recorded.effective_at)
            if agreement is not None:
                drawn = division_of(books, revenue, agreement)
                yield from entry_facts(
                    past, Entry.Divided, division_id(revenue), drawn.lines, **drawn.content
                )


# -- reversals -----------------------------------------------------------------------------------


@command(
    "revenue.reverse",
    "/revenue/{revenue}/reverse",
    may=BOOKS,
    refuses=(ReversalTooLarge, *OF_SPLIT),
    makes="reversal",
)
class ReverseRevenue(Command):
    """Reverse revenue, in whole or in part: a refund, a chargeback.

    Under terms with bands, tranches or advances, what came in later under other shares moves up: it
    is divided as if the reversed money had never come in.

    A reversal can't be undone: if the money comes in after all, or was reversed by mistake, record
    it as revenue of the same date.
    """

    revenue: RevenueId
    reason: Annotated[Reason, Example("Chargeback.")]
    amount_minor: Annotated[
        int | None, Amount(help="How much; default all that is left.", example=1000)
    ] = None
    id: NewReversalId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        noun, books = past.get(Revenue, self.revenue), past.books()
        known = books.revenues[self.revenue]
        taken = known.left_minor if self.amount_minor is None else self.amount_minor
        recorded = noun.recorded
        if not 0 < taken <= known.left_minor:
            left_minor = max(0, known.left_minor)
            raise ReversalTooLarge(money(left_minor, recorded.currency), left_minor=left_minor)
        warn_if_late(past, recorded.effective_at)
        warn_if_repeated(past, dict(self._alike(past, taken, known.division)), self.reason)
        past.watch_money(recorded.release)
        if known.division is not None:
            reason = past.text(past.actor, "reason", self.reason)
            yield from reversed_by(past, self.revenue, taken, past.id, reason=reason)
            return
        yield noun.then(
            Revenue.Reversed,
            pool=recorded.pool,
            release=recorded.release,
            currency=recorded.currency,
            amount_minor=taken,
            reversal=past.id,
            reason=self.reason,
        )

    def _alike(
        self, past: Past, taken: int, division: str | None
    ) -> Iterator[tuple[str | None, str]]:
        """Earlier reversals of as much: the commitment to the reason, and the id."""
        for _, each in past.stream(self.revenue):
            if isinstance(each, Revenue.Reversed) and each.amount_minor == taken:
                yield each.reason, each.reversal
        for id in () if division is None else past.books().divisions[division].reversals:
            first = past.get(Entry, id).first
            if isinstance(first, Entry.Reversed) and first.amount_minor == -taken:
                yield first.reason, id


# -- corrections ---------------------------------------------------------------------------------


@command(
    "pool.correct",
    "/pools/{pool}/correct",
    may=BOOKS,
    refuses=(NothingToCorrect, *OF_SPLIT),
    makes="correction",
)
class CorrectPool(Command):
    """Correct earlier divisions to the agreements now in force.

    If a contributor was added late, agree on shares that apply from an earlier date, then correct.
    What was paid stays paid; only differences are posted.
    """

    pool: PoolId
    reason: Annotated[Reason, Example("A contributor was found late.")]
    id: NewCorrectionId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        books = past.books()
        past.watch_money(past.get(Pool, self.pool).opened.release)
        moves = changes_due(books, self.pool)
        if not moves:
            raise NothingToCorrect
        reason = past.text(past.actor, "reason", self.reason)
        for number, (old, to) in enumerate(moves):
            own = part_id(past.id, "correction", number) if number else past.id
            change = changes_due(past.books(), self.pool)[old, to]
            yield from corrected(past, own, to, change, reason, replaces=old)


def corrected(
    past: Past,
    id: str,
    proposal: str,
    change: Change,
    reason: Said | None,
    *,
    replaces: str | None = None,
) -> Iterator[New]:
    """The facts that correct everything divided, after shares have changed."""
    drawn = correction_of(past.books(), proposal, change, partial(past.get, Entry))
    known_as = proposal if drawn.content.get("is_complete") else None
    more = {"replaces": replaces, "reason": reason, "effective_at": instant(past.now)}
    more |= {"known_as": known_as}
    yield from entry_facts(past, Entry.Corrected, id, drawn.lines, **drawn.content, **more)
    yield from freed_to_cover(past, id, drawn, reason)
