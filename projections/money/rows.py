"""Money: every posting, and what may be paid now, as known at any position.

The one rule: a balance is the sum of postings, and a posting is never changed; whether money is
held follows from consents and holds, not from an account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from domain.credit import Credit
from domain.fact import Fact
from domain.moment import instant
from domain.money.consent import Consent
from domain.money.entry import Entry
from domain.money.hold import Hold
from domain.money.payee import is_person, is_work
from domain.money.payout import Batch, Payout
from domain.money.pool import Pool
from domain.money.postings import ACCOUNTS, OWED, postings
from domain.money.proposal import Proposal
from domain.money.revenue import Expense, Revenue
from domain.remix import Remix
from projections import attribution, lineage
from projections.store import View, holds
from projections.tables import Amend, Change, Numbers, Projection, Put, Table

POOLS = Table(
    "pools",
    (
        ("id", "TEXT NOT NULL"),
        ("release", "BIGINT NOT NULL"),
        ("name", "TEXT NOT NULL"),
        ("kind", "TEXT NOT NULL"),
        ("currency", "TEXT NOT NULL"),
        ("position", "BIGINT NOT NULL"),
    ),
    ("id", "release, position"),
)
PROPOSALS = Table(
    "proposals",
    (
        ("id", "TEXT NOT NULL"),
        ("pool", "TEXT NOT NULL"),
        ("state", "TEXT NOT NULL"),
        ("number", "BIGINT"),
        ("opened_at", "TEXT NOT NULL"),
        ("closes_at", "TEXT NOT NULL"),
        ("effective_at", "TEXT"),
        ("staged", "BIGINT NOT NULL"),
        ("born", "BIGINT NOT NULL"),
    ),
    ("id", "pool, born"),
    key="id",
)
PIECES = Table(
    "pieces",
    (
        ("proposal", "TEXT NOT NULL"),
        ("payee", "TEXT NOT NULL"),
        ("piece", "TEXT NOT NULL"),
        ("position", "BIGINT NOT NULL"),
    ),
    ("proposal, payee, position", "payee"),
)
SHARES = Table(
    "shares",
    (
        ("id", "TEXT NOT NULL"),
        ("proposal", "TEXT NOT NULL"),
        ("payee", "TEXT NOT NULL"),
        ("state", "TEXT NOT NULL"),
        ("share", "TEXT NOT NULL"),
    ),
    ("id", "proposal, payee", "payee"),
    key="id",
)
HOLDS = Table(
    "holds",
    (
        ("id", "TEXT NOT NULL"),
        ("work", "TEXT NOT NULL"),
        ("contributor", "TEXT"),
        ("child", "TEXT"),
        ("state", "TEXT NOT NULL"),
        ("position", "BIGINT NOT NULL"),
    ),
    ("position",),
)
BOOKINGS = Table(
    "bookings",
    (
        ("id", "TEXT NOT NULL"),
        ("kind", "TEXT NOT NULL"),
        ("pool", "TEXT NOT NULL"),
        ("proposal", "TEXT"),
        ("revenue", "TEXT"),
        ("source", "TEXT"),
        ("payee", "TEXT"),
        ("amount", "BIGINT NOT NULL"),
        ("effective", "TEXT"),
        ("at", "TEXT NOT NULL"),
        ("document", "TEXT"),
        ("note", "TEXT"),
        ("position", "BIGINT NOT NULL"),
    ),
    ("id", "pool, position", "revenue"),
)
POSTINGS = Table(
    "postings",
    (
        ("position", "BIGINT NOT NULL"),
        ("noun", "TEXT NOT NULL"),
        ("account", "TEXT NOT NULL"),
        ("payee", "TEXT"),
        ("proposal", "TEXT"),
        ("pool", "TEXT NOT NULL"),
        ("currency", "TEXT NOT NULL"),
        ("amount", "BIGINT NOT NULL"),
    ),
    ("payee, position", "pool, position", "noun"),
)
PAYOUTS = Table(
    "payouts",
    (
        ("id", "TEXT NOT NULL"),
        ("batch", "TEXT NOT NULL"),
        ("payee", "TEXT NOT NULL"),
        ("currency", "TEXT NOT NULL"),
        ("amount", "BIGINT NOT NULL"),
        ("state", "TEXT NOT NULL"),
        ("reference", "TEXT"),
        ("issued_at", "TEXT NOT NULL"),
        ("born", "BIGINT NOT NULL"),
    ),
    ("id", "batch, born", "payee, born"),
    key="id",
)
BATCHES = Table(
    "batches",
    (
        ("id", "TEXT NOT NULL"),
        ("currency", "TEXT NOT NULL"),
        ("count", "BIGINT NOT NULL"),
        ("total", "BIGINT NOT NULL"),
        ("issued_at", "TEXT NOT NULL"),
        ("position", "BIGINT NOT NULL"),
    ),
    ("id", "position"),
)

ENTRIES = {Entry.Divided: "division", Entry.Reversed: "reversal", Entry.Corrected: "correction"}
"""What the kinds of entry are called."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """What a fact about money adds or changes."""
    yield from _agreed(position, happened, numbers)
    yield from _booked(position, happened)
    yield from _paid(position, happened)
    for posting in postings(happened):
        account, payee, agreement, pool, currency, amount = posting
        noun = happened.originator_id
        row = (position, noun, account, payee, agreement, pool, currency, amount)
        yield Put(POSTINGS, row)


def _agreed(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    id = happened.originator_id
    match happened:
        case Pool.Opened(release=release, name=name, kind=kind, currency=currency):
            yield Put(POOLS, (id, numbers[release], name, kind, currency, position))
        case Proposal.Posted(pool=pool, closes_at=closes_at):
            opened = instant(happened.timestamp)
            row = (id, pool, "open", None, opened, closes_at, None, position, position)
            yield Put(PROPOSALS, row)
            yield from _pieces(position, happened)
        case Proposal.Revised():
            yield Amend(PROPOSALS, id, {"staged": position})
            yield from _pieces(position, happened)
        case Proposal.Continued():
            yield from _pieces(position, happened)
        case Proposal.Extended(closes_at=closes_at):
            yield Amend(PROPOSALS, id, {"closes_at": closes_at})
        case Proposal.Withdrawn():
            yield Amend(PROPOSALS, id, {"state": "withdrawn"})
        case Proposal.Finalised(number=number, effective_at=effective_at):
            final = {"state": "finalised", "number": number, "effective_at": effective_at}
            yield Amend(PROPOSALS, id, final)
        case Consent.Offered(proposal=proposal, payee=payee, share=share):
            yield Put(SHARES, (id, proposal, payee, "offered", share))
        case Consent.Accepted() | Consent.Declined():
            yield Amend(SHARES, id, {"state": happened.STATE})
        case Hold.Event() | Credit.Disputed() | Credit.Settled():
            is_open = isinstance(happened, Hold.Opened | Credit.Disputed)
            yield _hold(position, id, happened.work, happened.contributor, None, is_open=is_open)
        case Remix.Disputed(child=child, parent=parent) | Remix.Settled(child=child, parent=parent):
            is_open = isinstance(happened, Remix.Disputed)
            yield _hold(position, id, parent, None, child, is_open=is_open)


def _hold(
    position: int, id: str, work: str, contributor: str | None, child: str | None, *, is_open: bool
) -> Change:
    state = "open" if is_open else "released"
    return Put(HOLDS, (id, work, contributor, child, state, position))


def _pieces(position: int, happened: Proposal.Stage | Proposal.Continued) -> Iterator[Change]:
    for asset in happened.assets:
        for payee, _ in asset["shares"]:
            for piece in (asset["asset"], *asset.get("within", ())):
                yield Put(PIECES, (happened.originator_id, payee, piece, position))


def _booked(position: int, happened: Fact) -> Iterator[Change]:
    id, at = happened.originator_id, instant(happened.timestamp)
    row: tuple[object, ...]
    match happened:
        case Revenue.Recorded(source=source, document=document, note=note):
            row = (id, "revenue", happened.pool, None, id, source, None, happened.amount_minor)
            yield Put(BOOKINGS, (*row, happened.effective_at, at, document, note, position))
        case Expense.Recorded(category=category, payer=payer, document=document, note=note):
            row = (id, "expense", happened.pool, None, None, category, payer, happened.amount_minor)
            yield Put(BOOKINGS, (*row, happened.effective_at, at, document, note, position))
        case Revenue.Reversed(reversal=reversal, pool=pool, amount_minor=amount):
            row = (reversal, "reversal", pool, None, id, None, None, -amount)
            yield Put(BOOKINGS, (*row, None, at, None, happened.reason, position))
        case Entry.First():
            revenue = getattr(happened, "revenue", None)
            kind = ENTRIES[type(happened)]
            row = (id, kind, happened.pool, happened.proposal, revenue, None, None)
            more = (happened.amount_minor, happened.effective_at, at, None, happened.reason)
            yield Put(BOOKINGS, (*row, *more, position))


def _paid(position: int, happened: Fact) -> Iterator[Change]:
    id, at = happened.originator_id, instant(happened.timestamp)
    match happened:
        case Batch.Opened(currency=currency, count=count, total_minor=total):
            yield Put(BATCHES, (id, currency, count, total, at, position))
        case Payout.Issued(batch=batch, payee=payee, currency=currency, amount_minor=amount):
            row = (id, batch, payee, currency, amount, "issued", None, at, position)
            yield Put(PAYOUTS, row)
        case Payout.Settled(reference=reference):
            yield Amend(PAYOUTS, id, {"state": "settled", "reference": reference})
        case Payout.Event():
            yield Amend(PAYOUTS, id, {"state": happened.STATE})


MONEY = Projection(
    "money",
    (POOLS, PROPOSALS, PIECES, SHARES, HOLDS, BOOKINGS, POSTINGS, PAYOUTS, BATCHES),
    changes,
)

# -- balances ------------------------------------------------------------------------------


class Account(NamedTuple):
    """What a payee has under one agreement, by account."""

    payee: str
    proposal: str
    pool: str
    currency: str
    units: dict[str, int]

    @property
    def owed(self) -> int:
        """What is owed; a debt is negative."""
        return self.units.get(OWED, 0)


def accounts(
    view: View,
    *,
    payees: Collection[str] | None = None,
    pool: str | None = None,
    currency: str | None = None,
) -> list[Account]:
    """The accounts of some payees, of a pool, in a currency, or all of them."""
    where, values = ["p.position <= :as_of", "p.payee IS NOT NULL"], dict[str, Any]()
    for name, wanted, condition in (
        ("payees", None if payees is None else list(payees), "p.payee IN :payees"),
        ("pool", pool, "p.pool = :pool"),
        ("currency", currency, "p.currency = :currency"),
    ):
        if wanted is not None:
            where.append(condition)
            values[name] = wanted
    rows = view.rows(
        "SELECT p.payee, p.proposal, p.pool, p.currency, p.account, CAST(sum(p.amount) AS BIGINT) "
        f"FROM @postings p WHERE {' AND '.join(where)} "
        "GROUP BY p.payee, p.proposal, p.pool, p.currency, p.account "
        "ORDER BY p.payee, p.proposal, p.account",
        **values,
    )
    found: dict[tuple[str, str], Account] = {}
    for payee, proposal, of_pool, of_currency, account, amount in rows:
        known = found.setdefault(
            (payee, proposal), Account(payee, proposal, of_pool, of_currency, {})
        )
        known.units[account] = amount
    return list(found.values())


def pool_units(view: View, pool: str) -> dict[str, int]:
    """What stands on each account of a pool, over all payees."""
    rows = view.rows(
        "SELECT p.account, CAST(sum(p.amount) AS BIGINT) FROM @postings p "
        "WHERE p.pool = :pool AND p.position <= :as_of GROUP BY p.account",
        pool=pool,
    )
    return dict(rows)


def totals(view: View) -> dict[str, dict[str, int]]:
    """What stands on each account, by currency; each currency adds up to nothing."""
    found: dict[str, dict[str, int]] = {}
    for currency, account, amount in view.rows(
        "SELECT p.currency, p.account, CAST(sum(p.amount) AS BIGINT) FROM @postings p "
        "WHERE p.position <= :as_of GROUP BY p.currency, p.account ORDER BY p.currency, p.account"
    ):
        found.setdefault(currency, dict.fromkeys(ACCOUNTS, 0))[account] = amount
    return found


Held = dict[tuple[str, str], tuple[str, ...]]


def held(view: View, of: Iterable[tuple[str, str]]) -> Held:
    """Why what is owed to a payee under an agreement may not be paid now, where it may not."""
    asked = set(of)
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for payee, proposal in asked:
        if is_work(payee):
            reasons[payee, proposal].append("unclaimed")
    rows = view.rows(
        "SELECT s.payee, s.proposal, s.state FROM @shares s "
        f"WHERE s.payee IN :payees AND s.state <> 'accepted' AND {holds('s')}",
        payees=sorted({payee for payee, _ in asked if is_person(payee)}),
    )
    for payee, proposal, state in rows:
        reasons[payee, proposal].append("unaccepted" if state == "offered" else state)
    for key in set(_disputed(view, asked)):
        reasons[key].append("disputed")
    return {key: tuple(why) for key, why in reasons.items() if key in asked}


def _disputed(view: View, asked: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What waits because a credit or an edge it depends on is held or disputed."""
    latest = {
        id: (work, contributor, child, state)
        for id, work, contributor, child, state in view.rows(
            "SELECT h.id, h.work, h.contributor, h.child, h.state FROM @holds h "
            "WHERE h.position <= :as_of ORDER BY h.position"
        )
    }
    still = [hold[:3] for hold in latest.values() if hold[3] == "open"]
    if not still:
        return
    pieces: dict[str, set[str]] = defaultdict(set)
    of_payee: dict[tuple[str, str], set[str]] = defaultdict(set)
    for proposal, release, payee, piece in view.rows(
        "SELECT q.proposal, w.id, q.payee, q.piece FROM @pieces q "
        f"JOIN @proposals a ON a.id = q.proposal AND q.position >= a.staged AND {holds('a')} "
        f"JOIN @pools o ON o.id = a.pool JOIN @works w ON w.number = o.release AND {holds('w')} "
        "WHERE q.proposal IN :proposals AND q.position <= :as_of",
        proposals=sorted({proposal for _, proposal in asked}),
    ):
        pieces[proposal] |= {piece, release}
        of_payee[payee, proposal] |= {piece, release}
    people = attribution.persons_of(view, {payee for payee, _ in asked if is_person(payee)})
    for work, contributor, child in still:
        if child is None:
            person = attribution.persons_of(view, {contributor})[contributor]
            for key in asked:
                if people.get(key[0]) == person and work in of_payee[key]:
                    yield key
        else:
            above = _above(view, work)
            for key in asked:
                if child in pieces[key[1]] and not of_payee[key].isdisjoint(above):
                    yield key


def _above(view: View, work: str) -> set[str]:
    """A work and everything it was made from."""
    tree = lineage.numbered(view, lineage.find(view, work).number)
    return set(lineage.ids_of(view, tree.generation).values())
