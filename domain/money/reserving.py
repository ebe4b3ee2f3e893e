"""Commands that hold back a reserve for returns and free it, and what frees it by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from domain.command import Command, command
from domain.fact import New
from domain.identity import part_id
from domain.moment import instant
from domain.money.books import Account
from domain.money.entry import Entry
from domain.money.keeping import entry_facts, must_know, warn_of_nobody
from domain.money.pool import Pool
from domain.money.postings import RESERVED
from domain.money.reckoning import ComputedEntry, freed_of
from domain.money.reserve import Reserved, read_reserved, taken_by, taken_first
from domain.past import Past
from domain.permission import BOOKS
from domain.refusal import NothingReserved, UnknownContributor, UnknownWork, WrongState
from domain.seal import Said
from domain.value import Example, Number
from domain.values import ExactRate, Moment, NewFreeingId, PayeeText, PoolId, Reason

MOST_MONTHS = 120


@command(
    "pool.reserve",
    "/pools/{pool}/reserve",
    may=BOOKS,
    refuses=(WrongState, UnknownContributor, UnknownWork),
)
class StateReserve(Command):
    """Hold back a part of what a pool's payees earn, as a reserve for returns.

    The reserve is a separate account. A payee's debt to the pool is recovered before anything is
    held back. What is taken back from a payee is taken from there first, and what a correction
    takes from them frees as much of it. Otherwise it is freed by the first payout after its months,
    or by ``pool free-reserve``. A rule for one payee takes precedence over the rule for all; the
    latest rule for a date applies, and a rate of 0 ends it.
    """

    pool: PoolId
    rate: Annotated[ExactRate, "The part of earnings to hold back.", Example("0.2")]
    effective_at: Annotated[Moment, "For what is earned from then on.", Example("2017-06")]
    months: Annotated[
        int | None,
        Number(
            least=0,
            most=MOST_MONTHS,
            help="How many months to hold it, after the month in which it was earned; default "
            "until "
            "freed.",
            example=6,
        ),
    ] = None
    payee: Annotated[PayeeText | None, "Only this payee; default: everyone."] = None
    reason: Annotated[Reason | None, Example("Shops may return records for six months.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        payees = [] if self.payee is None else [self.payee]
        must_know(past, payees)
        warn_of_nobody(past, payees)
        noun = past.get(Pool, self.pool)
        past.watch_money(noun.opened.release)
        yield noun.then(Pool.Reserving, **self.told(Pool.Reserving, release=noun.opened.release))


@command(
    "pool.free-reserve",
    "/pools/{pool}/free-reserve",
    may=BOOKS,
    refuses=(NothingReserved, UnknownContributor, UnknownWork),
    makes="freeing",
    home="/entries",
)
class FreeReserve(Command):
    """Free a reserve for returns before its time, or one without an end."""

    pool: PoolId
    payee: Annotated[PayeeText | None, "Only this payee; default: everyone."] = None
    until: Annotated[
        Moment | None,
        "Only what is held back until then or earlier; default: everything.",
        Example("2018"),
    ] = None
    reason: Annotated[Reason | None, Example("The label was sold.")] = None
    id: NewFreeingId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        must_know(past, [] if self.payee is None else [self.payee])
        past.get(Pool, self.pool)
        books = past.books()
        agreements = books.pools[self.pool].agreements
        books.fetch(of=[(books.reserves, each) for each in agreements])
        accounts = [
            (payee, agreement)
            for each in agreements
            for (agreement, payee), _ in books.reserves.under(each)
            if self.payee is None or books.person(self.payee) == books.person(payee)
        ]
        reason = past.text(past.actor, "reason", self.reason)
        freed = _freed(past, accounts, self.until)
        if not freed:
            raise NothingReserved(self.pool)
        for number, drawn in enumerate(freed):
            id = part_id(past.id, "freed", number) if number else past.id
            yield from _entry(past, id, drawn, reason)


def freed_when_due(past: Past, batch: str, accounts: Collection[Account]) -> Iterator[New]:
    """Free the reserves on these accounts that are due when a batch of payouts is issued."""
    books = past.books()
    reserved = [key for key in accounts if books.accounts[key].get(RESERVED)]
    for number, drawn in enumerate(_freed(past, reserved, instant(past.now))):
        yield from _entry(past, part_id(batch, "freed", number), drawn, None)


def freed_to_cover(past: Past, id: str, entry: ComputedEntry, reason: Said | None) -> Iterator[New]:
    """Free reserves of those from whom an entry takes, up to what it takes from each.

    So nobody is in debt while a reserve of their own is held back in the pool. It may be under
    another agreement than the entry: a correction moves divisions, not reserves.
    """
    books, pool = past.books(), str(entry.content["pool"])
    if not books.opened[pool].reserving:
        return
    taken, number = taken_by(entry.lines), 0
    for row in read_reserved(entry.content.get("reserved")):
        taken[row.payee] += row.units
    agreements = books.pools[pool].agreements
    books.fetch((books.reserves, [(each, payee) for each in agreements for payee in taken]))
    for agreement in agreements:
        if rows := taken_first(books.reserves_of(agreement, taken), taken):
            drawn = freed_of(books, agreement, rows)
            yield from _entry(past, part_id(id, "freed", number), drawn, reason)
            number += 1
        for row in rows:
            taken[row.payee] += row.units


def _freed(past: Past, accounts: Collection[Account], until: str | None) -> list[ComputedEntry]:
    """The entries that free reserves, one for each agreement."""
    books = past.books()
    rows: dict[str, list[Reserved]] = {}
    for payee, agreement in sorted(accounts, key=lambda key: (books.agreements[key[1]].at, key[0])):
        reserve = books.reserves_of(agreement, [payee]).get(payee)
        if reserve is not None and (found := list(reserve.given(payee, reserve.units, until))):
            rows.setdefault(agreement, []).extend(found)
    return [freed_of(books, agreement, of) for agreement, of in rows.items()]


def _entry(past: Past, id: str, drawn: ComputedEntry, reason: Said | None) -> Iterator[New]:
    yield from entry_facts(past, Entry.Freed, id, drawn.lines, **drawn.content, reason=reason)
