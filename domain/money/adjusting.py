"""Commands that reverse expenses, credit payees, assign what is owed, and close periods.

All of it is further entries that sum to zero; what was recorded and paid stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Annotated

from domain.command import Command, Record, command, record
from domain.fact import New
from domain.identity import part_id
from domain.moment import instant, is_in_future
from domain.money.apportionment import settle
from domain.money.books import Account, Books
from domain.money.currency import money
from domain.money.entry import RULES_BY_COUNTRY, Entry, given_by, read_lines, stated_lines
from domain.money.keeping import (
    above_in_question,
    dated,
    entry_facts,
    first_of_document,
    must_know,
    must_not_be_forgotten,
    of_same_document,
    units_of,
    warn_if_repeated,
    warn_of_nobody,
    watch_questions,
)
from domain.money.moving import later_than
from domain.money.netting import entry_in, moved_after
from domain.money.period import Period
from domain.money.reckoning import of_agreement, paid_by, redivision_of
from domain.money.reserving import freed_to_cover
from domain.money.revenue import Expense
from domain.money.split import OF_SPLIT
from domain.money.state import Cost
from domain.past import Past
from domain.permission import BOOKS
from domain.refusal import (
    AdjustmentUnbalanced,
    AssignedToSelf,
    AssignmentTooLarge,
    ContributorForgotten,
    EarnedInFuture,
    NotAgreed,
    PeriodClosed,
    PeriodNotOver,
    ReversalTooLarge,
    UnknownContributor,
    UnknownWork,
)
from domain.value import MOST_PIECES, MOST_UNITS, Amount, Example, Most
from domain.values import (
    ANA,
    REFUND,
    CurrencyCode,
    Document,
    Evidence,
    ExpenseId,
    Moment,
    NewAdjustmentId,
    NewAssignmentId,
    NewPeriodId,
    NewReversalId,
    Note,
    PayeeText,
    PoolId,
    Reason,
)

# -- expenses ------------------------------------------------------------------------------------


@command(
    "expense.reverse",
    "/expenses/{expense}/reverse",
    may=BOOKS,
    refuses=(ReversalTooLarge, EarnedInFuture, *OF_SPLIT),
    makes="reversal",
)
class ReverseExpense(Command):
    """Reverse an expense, in whole or in part: a mistake, or a supplier's refund.

    Its payer owes back whatever was reimbursed beyond what is left of it. That money reimburses
    other open expenses and is then divided under the agreement of the revenue it was taken from; if
    there are several, the latest gives it back first.
    """

    expense: ExpenseId
    reason: Annotated[Reason, Example("Typed 4,120.00 for 412.00.")]
    amount_minor: Annotated[
        int | None, Amount(help="How much; default all that is left.", example=370_800)
    ] = None
    document: Annotated[Document | None, Example("credit note 12")] = None
    effective_at: Annotated[Moment | None, "When; default now.", Example("2017-07")] = None
    id: Annotated[NewReversalId | None, Example(REFUND)] = None

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Expense, self.expense)
        recorded, left_minor = noun.recorded, noun.left_minor
        taken = left_minor if self.amount_minor is None else self.amount_minor
        if not 0 < taken <= left_minor:
            raise ReversalTooLarge(money(left_minor, recorded.currency), left_minor=left_minor)
        reason = past.text(past.actor, "reason", self.reason)
        past.watch_money(recorded.release)
        self._warn_if_repeated(past, taken)
        yield noun.then(
            Expense.Reversed,
            pool=recorded.pool,
            release=recorded.release,
            currency=recorded.currency,
            amount_minor=taken,
            reversal=past.id,
            payer=recorded.payer,
            effective_at=self.effective_at and dated(past, self.effective_at),
            reason=reason,
            document=self.document,
        )
        cost = past.books().costs[recorded.pool, self.expense]
        overpaid = -cost.left_minor
        for number, (entry, before, units) in enumerate(_payers(past, cost)):
            part = cost._replace(left_minor=min(units, overpaid))
            overpaid -= part.left_minor
            later = later_than(past.books(), entry.id, partial(entry_in, past))
            flow = later and later.flow
            drawn = redivision_of(past.books(), entry, before, part, flow=flow)
            more = {"reversal": past.id, "reason": reason}
            own = part_id(past.id, "correction", number)
            yield from entry_facts(past, Entry.Redivided, own, drawn.lines, **drawn.content, **more)
            yield from freed_to_cover(past, own, drawn, reason)
            yield from moved_after(past, later, drawn, own, reason)
            if not overpaid:
                return

    def _warn_if_repeated(self, past: Past, taken: int) -> None:
        """Warn if the same amount was already reversed by the same document, or for this reason."""
        alike = [
            each
            for _, each in past.stream(self.expense)
            if isinstance(each, Expense.Reversed) and each.amount_minor == taken
        ]
        by_document = {each.document: each.reversal for each in alike if each.document}
        for first in of_same_document(past, by_document, self.document or "")[:1]:
            past.warn("document_repeated", first=first)
            return
        if self.document is None:
            by_reason = {each.reason: each.reversal for each in alike if not each.document}
            warn_if_repeated(past, by_reason, self.reason)


def _payers(past: Past, cost: Cost) -> Iterator[tuple[Entry, list[Entry], int]]:
    """The divisions that paid back an expense: entry, later entries, units; the latest first."""
    if cost.left_minor >= 0:
        return
    books = past.books()
    for id in books.payers_of(cost.expense):
        entry, reversals = past.get(Entry, id), books.divisions[id].reversals
        before = [entry_in(past, each) for each in reversals]
        if units := paid_by(entry, before, cost.expense):
            yield entry, before, units


# -- adjustments ---------------------------------------------------------------------------------


@record
class Adjusted(Record):
    """What an adjustment gives to a payee, or takes."""

    payee: PayeeText
    amount_minor: Annotated[
        int, Amount(least=1 - MOST_UNITS, help="Negative: taken.", example=1300)
    ]


@command(
    "adjustment",
    "/pools/{pool}/adjustments",
    may=BOOKS,
    refuses=(
        *(AdjustmentUnbalanced, NotAgreed, EarnedInFuture, UnknownContributor, UnknownWork),
        *OF_SPLIT,
    ),
    home="/entries",
)
class RecordAdjustment(Command):
    """Adjust what payees of a pool are owed: a goodwill credit, or a correction between them.

    The amounts sum to zero, or a named payer is charged the difference: a credit is someone's
    expense, never money from nowhere. The agreement of its date applies.
    """

    pool: PoolId
    lines: Annotated[tuple[Adjusted, ...], Most(MOST_PIECES), "Who gets or gives how much."]
    reason: Annotated[Reason, Example("Goodwill: the first statement was late.")]
    payer: Annotated[PayeeText | None, "Who is charged the difference.", Example("operator")] = None
    effective_at: Annotated[Moment | None, "When; default now.", Example("2017-07")] = None
    document: Annotated[Document | None, Example("letter of 3 July 2017")] = None
    id: NewAdjustmentId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        books, at = past.books(), self.effective_at and dated(past, self.effective_at)
        units = self._units(past)
        must_know(past, units, self.pool)
        warn_of_nobody(past, units)
        agreement = books.agreement_for(self.pool, at or instant(past.now))
        if agreement is None:
            raise NotAgreed(self.pool)
        pool = books.pools[self.pool]
        given_minor = given_by(units.values())
        first_of_document(past, Entry.Adjusted, self.pool, given_minor, self.document)
        yield from entry_facts(
            past,
            Entry.Adjusted,
            past.id,
            stated_lines(units, pool.carry),
            **of_agreement(agreement, pool),
            amount_minor=0,
            agreed="0",
            reason=past.text(past.actor, "reason", self.reason),
            document=self.document,
            effective_at=at,
        )

    def _units(self, past: Past) -> dict[str, int]:
        """By payee: the units given or taken; they sum to zero."""
        lines = [(line.payee, line.amount_minor) for line in self.lines]
        rest = sum(amount for _, amount in lines)
        if rest and self.payer is not None:
            lines.append((self.payer, -rest))
        units = units_of(past, self.pool, lines)
        if sum(units.values()) or not any(units.values()):
            currency = past.books().pools[self.pool].opened.currency
            raise AdjustmentUnbalanced(money(rest, currency), rest_minor=rest)
        return units


# -- assignments ---------------------------------------------------------------------------------


@command(
    "assignment",
    may=BOOKS,
    refuses=(
        *(AssignedToSelf, AssignmentTooLarge, ContributorForgotten),
        *(UnknownContributor, UnknownWork),
        *OF_SPLIT,
    ),
    home="/entries",
)
class RecordAssignment(Command):
    """Assign what a payee is owed to another: heirs, a publisher, a company.

    This is how to free the money of a forgotten person, or of a work whose maker nobody knows: what
    is held because there is nobody to pay goes to whomever the evidence names. What is held for
    another reason stays where it is. To assign future earnings, assign the share.
    """

    payee: Annotated[PayeeText, "The payee whose balance it is."]
    to: Annotated[PayeeText, "Who gets it.", Example(ANA)]
    currency: CurrencyCode
    reason: Annotated[Reason, Example("Ben has died; Ana inherits.")]
    evidence: Annotated[Evidence, Example("certificate of inheritance 17/2026")]
    amount_minor: Annotated[
        int | None, Amount(help="How much; default all that can be assigned.", example=5000)
    ] = None
    pool: Annotated[PoolId | None, "Only in this pool; default: all pools."] = None
    id: NewAssignmentId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        must_know(past, [self.payee, self.to])
        warn_of_nobody(past, [self.to])
        books = past.books()
        must_not_be_forgotten(past, [self.to])
        if books.person(self.to) == books.person(self.payee):
            raise AssignedToSelf(self.payee)
        owed, held = self._owed(past, books)
        whole = sum(owed.values())
        taken = whole if self.amount_minor is None else self.amount_minor
        if not 0 < taken <= whole:
            left_minor = max(0, whole)
            left = money(left_minor, self.currency)
            why = (f"{money(units, self.currency)} ({said})" for said, units in held.items())
            raise AssignmentTooLarge(left, "; ".join(why) or "nothing", left_minor=left_minor)
        self._warn_if_repeated(past, taken)
        by_agreement = _parts(owed, taken)
        for number, (agreement, units) in enumerate(by_agreement.items()):
            own = part_id(past.id, "assignment", number) if number else past.id
            known, pool = books.agreements[agreement], books.pools[books.agreements[agreement].pool]
            lines = {payee: -part for payee, part in units.items()}
            lines[self.to] = sum(units.values())
            yield from entry_facts(
                past,
                Entry.Assigned,
                own,
                stated_lines(lines, pool.carry),
                **of_agreement(known, pool, RULES_BY_COUNTRY),
                amount_minor=0,
                agreed="0",
                payee=self.payee,
                to=self.to,
                reason=past.text(past.actor, "reason", self.reason),
                evidence=self.evidence,
            )

    def _warn_if_repeated(self, past: Past, taken: int) -> None:
        """Warn if as much was already assigned to the same payee by the same evidence."""
        given: dict[str, int] = defaultdict(int)
        first: dict[str, str] = {}
        for each in past.known.saying((Entry.Assigned,), "payee", [self.payee]):
            if each.to == self.to and each.currency == self.currency and each.evidence:
                lines = read_lines(each.lines)
                given[each.evidence] += sum(
                    one.amount_minor for one in lines if one.payee == each.to
                )
                first.setdefault(each.evidence, each.originator_id)
        alike = {evidence: id for evidence, id in first.items() if given[evidence] == taken}
        for id in of_same_document(past, alike, self.evidence)[:1]:
            past.warn("document_repeated", first=id)

    def _owed(self, past: Past, books: Books) -> tuple[dict[Account, int], dict[str, int]]:
        """By account: the units owed (negative: overpaid), less those on hold for other reasons.

        And by reason: the units on hold.
        """
        watch_questions(past)
        above, person = above_in_question(past, books), books.person(self.payee)
        questions = books.questions(above)
        found: dict[Account, int] = {}
        held: dict[str, int] = defaultdict(int)
        for payee, agreement in books.accounts_due(self.currency, [person]):
            if self.pool not in (None, books.agreements[agreement].pool):
                continue
            units, why = books.assignable(payee, agreement, questions, above)
            if units:
                found[payee, agreement] = units
                past.watch_money(payee, agreement)
            if rest := books.owed(payee, agreement).left_minor - units:
                held[", ".join(why.because).replace("_", " ")] += rest
        return found, held


# -- periods -------------------------------------------------------------------------------------


@command("period", "/periods", may=BOOKS, refuses=(PeriodNotOver, PeriodClosed))
class ClosePeriod(Command):
    """Close the books up to a date, once the statements are out.

    Later entries dated in a closed period are recorded with a warning, and shown as late in the
    statement for the time when they were recorded.
    """

    until: Annotated[
        Moment, "The books are closed for everything earned before this.", Example("2026-01")
    ]
    note: Annotated[Note | None, Example("The statements of 2025 were sent out.")] = None
    id: NewPeriodId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        if is_in_future(self.until, past.now):
            raise PeriodNotOver(self.until)
        if self.until <= (closed := past.books().closed_until):
            raise PeriodClosed(closed)
        past.watch_all(Period.Closed.TOPIC)
        yield Period.Closed.born(past.id, **self.told(Period.Closed))


def _parts(owed: dict[tuple[str, str], int], taken: int) -> dict[str, dict[str, int]]:
    """By agreement and payee: the units of each account, debts included, summing to ``taken``."""
    whole = sum(owed.values())
    keys = {str(number): key for number, key in enumerate(owed)}
    parts = settle({key: Fraction(owed[of] * taken, whole) for key, of in keys.items()})
    found: dict[str, dict[str, int]] = {}
    for key, units in parts.items():
        payee, agreement = keys[key]
        if units:
            found.setdefault(agreement, {})[payee] = units
    return found
