"""The pools of a release: the terms of each, the balances of its accounts, and its proposals.

The terms follow from the fact that opened a pool, the balances from its postings; they sum to zero.
"""

from __future__ import annotations

from typing import Unpack

from domain.journal import Journal
from domain.money.agreement import in_force
from domain.money.entry import Entry
from domain.money.pool import LEAST_REVIEW_HOURS, Pool
from domain.money.postings import RECEIVED
from domain.readers import AGREEMENT, EVERYONE
from domain.refusal import UnknownWork
from domain.values import PoolId, ReleaseId
from projections import lineage
from projections.money import balances as money
from projections.money.agreements import dated_in
from projections.money.payees import payees_told
from projections.money.pools.told import (
    Accounts,
    AmendmentTold,
    PoolItem,
    PoolTold,
    ProposalItem,
    ReservingTold,
)
from projections.money.readers import Reader
from projections.nouns import noun_at
from projections.pages import Page
from projections.question import Paged, question
from projections.store import View, holds, told_of, told_rows

_POOL = "o.id, w.id, o.name, o.kind, o.currency, o.position"
_POOL_FROM = f"@pools o JOIN @works w ON w.number = o.release AND {holds('w')}"


@question("list_pools", "/releases/{id}/pools", cli="pools", refuses=(UnknownWork,), may=EVERYONE)
def pools(
    view: View, journal: Journal, id: ReleaseId, *, actor: str, **part: Unpack[Paged]
) -> Page[PoolItem]:
    """The pools of a release that you may read, in the order of opening."""
    reader = Reader(view, journal, actor)
    number = lineage.find(view, id).number
    page, more = view.page(
        f"SELECT {_POOL} FROM {_POOL_FROM} WHERE o.release = :number AND o.position > :beyond "
        "AND o.position <= :as_of ORDER BY o.position",
        **part,
        number=number,
    )
    texts = view.texts({name for _, _, name, *_ in page})
    items: list[PoolItem] = [
        {
            "id": pool,
            "release": of,
            "name": texts.get(name),
            "kind": kind,
            "currency": currency,
            "received_minor": -money.pool_units(view, pool).get(RECEIVED, 0)
            if reader.may_read_statement(pool)
            else None,
            "position": position,
        }
        for pool, of, name, kind, currency, position in page
        if reader.may_read_pool(pool)
    ]
    return Page(items, more)


@question(
    "show_pool",
    "/pools/{id}",
    may=AGREEMENT,
    parts=("proposals", "reserving", "amendments"),
)
def pool(view: View, journal: Journal, id: PoolId, *, actor: str) -> PoolTold:
    """A pool: its terms, the balances of its accounts, and its proposals.

    For everyone with a share in it or a part in its release, those who run its proposals,
    accountants and auditors; the balances are for those who may read its statement.
    """
    noun = noun_at(view, journal, Pool, id)
    opened = noun.opened
    reader = Reader(view, journal, actor)
    may_see_balances = reader.may_read_statement(id)
    if not may_see_balances:
        reader.must("this pool", AGREEMENT, id)
    units = money.pool_units(view, id)
    rows = view.rows(
        "SELECT a.id, a.state, a.number, a.opened_at, a.closes_at, a.effective_at, a.born "
        f"FROM @proposals a WHERE a.pool = :id AND {holds('a')} ORDER BY a.born",
        id=id,
    )
    names = Accounts.__annotations__
    accounts = {name: units.get(name.removesuffix("_minor"), 0) for name in names}
    return told_of(
        PoolTold,
        opened,
        id=id,
        name=view.texts({opened.name})[opened.name],
        terms=noun.at(None).terms,
        amendments=_amendments(view, noun),
        review_hours=opened.review_hours or LEAST_REVIEW_HOURS,
        reserving=_reserving(view, noun),
        country=noun.country,
        by_territory=noun.by_territory,
        position=noun.position,
        accounts=accounts if may_see_balances else None,
        proposals=told_rows(ProposalItem, rows),
    )


def _reserving(view: View, noun: Pool) -> list[ReservingTold]:
    texts = view.texts({each.reason for each in noun.reserving})
    told = payees_told(view, {each.payee for each in noun.reserving if each.payee is not None})
    return [
        told_of(
            ReservingTold, each, payee=each.payee and told[each.payee], reason=texts[each.reason]
        )
        for each in noun.reserving
    ]


def _amendments(view: View, noun: Pool) -> list[AmendmentTold]:
    """The original terms and each amendment; empty if there is none."""
    texts = view.texts({text for each in noun.amended for text in (each.reason, each.document)})
    first: AmendmentTold = {
        "number": 0,
        "effective_at": None,
        "terms": noun.opened.terms,
        "reason": None,
        "document": None,
    }
    further = [
        told_of(AmendmentTold, one, reason=texts[one.reason], document=texts[one.document])
        for one in noun.amended
    ]
    return [first, *further] if further else []


def terms_of(view: View, journal: Journal, entry: Entry) -> Pool.Opened:
    """The pool with the terms by which an entry was computed.

    What is taken back of a division goes by the terms by which it was divided, until a correction
    divides it by amended ones. A correction goes by those for the revenue that it corrects, not by
    those of its own day; if they were amended in between, by the latest.
    """
    noun = noun_at(as_made(view, entry), journal, Pool, entry.first.pool)
    at = entry.first.effective_at
    if noun.amended and isinstance(entry.first, Entry.Reversed | Entry.Redivided):
        divided = view.at(_divided_at(view, journal, entry, entry.first.division))
        noun = noun_at(divided, journal, Pool, noun.id)
    if noun.amended and isinstance(entry.first, Entry.Corrected):
        at = _earned_last(as_made(view, entry), entry.first)
    return noun.at(at)


def _earned_last(view: View, corrected: Entry.Corrected) -> str | None:
    """The date of the latest revenue that goes by the agreement of a correction; else its own."""
    agreements = dated_in(view, corrected.pool)
    dates: list[tuple[str]] = view.rows(
        "SELECT DISTINCT b.effective FROM @bookings b WHERE b.pool = :pool "
        "AND b.kind = 'division' AND b.position <= :as_of",
        pool=corrected.pool,
    )
    found = (
        date
        for (date,) in dates
        if (held := in_force(agreements, date)) and held.agreement == corrected.proposal
    )
    return max(found, default=corrected.effective_at)


def _divided_at(view: View, journal: Journal, entry: Entry, division: str) -> int:
    """The position at which a division was last divided by terms, before an entry."""
    rows: list[tuple[str, int]] = view.rows(
        "SELECT b.id, b.position FROM @bookings b WHERE b.pool = :pool AND b.position < :position "
        "AND (b.kind = 'correction' OR b.id = :division) ORDER BY b.position DESC",
        pool=entry.first.pool,
        position=entry.position,
        division=division,
    )
    found = ((position, id, noun_at(view, journal, Entry, id)) for id, position in rows)
    return next(
        position
        for position, id, each in found
        if id == division or any(anew == division for anew, _ in each.anew)
    )


def as_made(view: View, entry: Entry) -> View:
    """The view at the position at which an entry was made."""
    return view.at(entry.position + len(entry.facts) - 1)


def every_pool(view: View) -> list[str]:
    """All pools, in the order of opening."""
    rows = view.rows("SELECT o.id FROM @pools o WHERE o.position <= :as_of ORDER BY o.position")
    return [id for (id,) in rows]


def pool_named(view: View, journal: Journal, id: str) -> Pool.Opened:
    """A pool with its latest terms; UnknownPool if there is none with this id."""
    return noun_at(view, journal, Pool, id).at(None)
