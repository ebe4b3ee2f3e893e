"""Answers for those who keep the books, over all pools: bookings, balances, trial balance.

Lists are ordered by amount, the largest first, and cut into pages by place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, TypedDict, Unpack, cast

from domain.engine import Row
from domain.journal import Journal
from domain.money.currency import decimal
from domain.money.held import DEBT, HELD, PAYABLE
from domain.money.postings import ACCOUNTS, OWED, RECEIVED
from domain.readers import ALL_MONEY
from domain.refusal import BadPeriod, UnknownContributor
from domain.value import LARGEST_POSITION, Example, one_of
from domain.values import REVENUE, CurrencyCode, PayeeText, PoolId, StatedMoment
from projections.money import balances
from projections.money.earning import period
from projections.money.payees import payees_told
from projections.money.readers import Reader
from projections.money.told import (
    Account,
    Arrived,
    Converted,
    Debt,
    Dollars,
    InTransit,
    PayeeRef,
    PoolRef,
    ReasonHeld,
    Reserved,
    Suspense,
    Withheld,
)
from projections.pages import Page
from projections.question import Format, Paged, question
from projections.spreadsheet import rows_of_csv
from projections.store import View, holds, told_rows, wanted
from projections.told import Count, Effect, Instant, Position

KINDS = ("revenue", "expense")
KindOfBooking = Annotated[str, one_of(KINDS)]
Since = Annotated[
    StatedMoment | None,
    "Earned or spent from this moment on; default: the beginning.",
    Example("2026-01"),
]
Before = Annotated[
    StatedMoment | None, "Before this moment; default: no limit.", Example("2026-07")
]
InCurrency = Annotated[CurrencyCode | None, "Only in this currency."]


class BookingLine(TypedDict):
    """Revenue or an expense in the list of all."""

    id: Annotated[str, "The revenue's or the expense's id.", Example(REVENUE)]
    kind: Annotated[KindOfBooking, "Which of the two it is."]
    pool: PoolRef
    currency: Dollars
    name: Annotated[str, "The source of revenue, the category of an expense.", Example("store")]
    amount_minor: Annotated[int, "How much came in or was spent.", Example(10_000)]
    reversed_minor: Annotated[int, "How much of it was reversed.", Example(0)]
    taken_back_minor: Annotated[
        Count, "For negative revenue: how much of other revenue it has taken back.", Example(0)
    ]
    effective_at: Annotated[Effect, "When it was earned or spent."]
    document: Annotated[str | None, "The document that proves it."]
    recorded_at: Instant
    position: Position


class PayeeBalance(TypedDict):
    """What a payee is owed and was paid in a currency, over all pools."""

    payee: PayeeRef
    currency: Dollars
    owed_minor: Annotated[int, "Payable and held, less debts.", Example(5_000)]
    payable_minor: Annotated[Count, "It can be paid now.", Example(5_000)]
    held_minor: Annotated[Count, "What cannot be paid yet.", Example(0)]
    held_because: list[ReasonHeld]
    debt_minor: Debt
    in_transit_minor: InTransit
    paid_minor: Arrived
    suspense_minor: Suspense
    withheld_minor: Withheld
    exchanged_minor: Converted
    reserved_minor: Reserved


class TrialLine(TypedDict):
    """The balance of an account, over all pools and payees."""

    currency: Dollars
    account: Account
    meaning: Annotated[str, "What the account holds.", Example(ACCOUNTS["paid"])]
    amount_minor: Annotated[int, "Its balance.", Example(10_000)]


class TrialSum(TypedDict):
    """The sum of all accounts in a currency; it is zero."""

    currency: Dollars
    amount_minor: Annotated[int, "Always zero.", Example(0)]


class TrialBalance(TypedDict):
    """Every account with its balance."""

    lines: list[TrialLine]
    sums: list[TrialSum]


class PoolLine(TypedDict):
    """A pool in the list of all."""

    id: str
    name: str | None
    release: str
    title: str | None
    currency: str
    received_minor: int


# -- pools ---------------------------------------------------------------------------------------


def pools_by_size(
    view: View,
    *,
    ids: Collection[str] | None = None,
    currency: str | None = None,
    **part: Unpack[Paged],
) -> Page[PoolLine]:
    """Pools with the revenue they received, the largest first."""
    its = None if ids is None else list(ids)
    filters = {"o.id IN :ids": its, "o.currency = :currency": currency}
    where, said = wanted(filters, "o.position <= :as_of")
    rows, more = view.ranked(
        "SELECT o.id, o.name, w.id, w.title, o.currency, "
        "CAST(COALESCE(-sum(p.amount), 0) AS BIGINT) AS ranked, o.position AS tied FROM @pools o "
        f"LEFT JOIN {balances.on_accounts('x.account = :received')} p ON p.pool = o.id "
        f"JOIN @works w ON w.number = o.release AND {holds('w')} WHERE {where} "
        "GROUP BY o.id, o.name, w.id, w.title, o.currency, o.position",
        **part,
        received=RECEIVED,
        **said,
    )
    texts = view.texts({text for row in rows for text in (row[1], row[3])})
    return Page(told_rows(PoolLine, (row[:-1] for row in rows), name=texts, title=texts), more)


# -- batches and periods -------------------------------------------------------------------------


class LatestBatch(TypedDict):
    """A payout batch, how many of its payouts are on their way, and how many came back."""

    id: str
    currency: str
    count: int
    total_minor: int
    issued_at: str
    open: int
    returned: int


_PAYOUTS = (
    f"(SELECT count(*) FROM @payouts y WHERE y.batch = b.id AND {holds('y')} "
    "AND y.state IN ('{}', '{}'))"
)


def latest_batches(view: View, **part: Unpack[Paged]) -> Page[LatestBatch]:
    """Payout batches, the latest first."""
    rows, more = view.page(
        "SELECT b.id, b.currency, b.count, b.total, b.issued_at, "
        f"{_PAYOUTS.format('issued', 'issued')}, {_PAYOUTS.format('returned', 'claimed')}, "
        "b.position FROM @batches b WHERE b.position <= :as_of AND b.position < :beyond "
        "ORDER BY b.position DESC",
        **part,
        first=LARGEST_POSITION,
    )
    return Page(told_rows(LatestBatch, (row[:-1] for row in rows)), more)


def closed_periods(view: View, most: int) -> list[str]:
    """The ends of closed periods, the latest first."""
    rows = view.rows(
        "SELECT c.until FROM @periods c WHERE c.position <= :as_of "
        "ORDER BY c.position DESC LIMIT :most",
        most=most,
    )
    return [until for (until,) in rows]


# -- what came in and was spent ------------------------------------------------------------------

_BOOKING = (
    "b.id, b.kind, b.pool, o.name, o.currency, b.source, b.named, b.amount, "
    "(SELECT CAST(COALESCE(-sum(r.amount), 0) AS BIGINT) FROM @bookings r WHERE r.revenue = b.id "
    "AND r.kind IN ('reversal', 'expense_reversal') AND r.position <= :as_of), "
    "(SELECT CAST(COALESCE(-sum(r.amount), 0) AS BIGINT) FROM @bookings r "
    "WHERE r.against = b.id AND r.position <= :as_of), "
    "b.effective, b.document, b.at, abs(b.amount) AS ranked, b.position AS tied"
)


@question("list_bookings", "/bookings", cli="bookings", refuses=(BadPeriod,), may=ALL_MONEY)
def bookings(
    view: View,
    journal: Journal,
    *,
    actor: str,
    kind: Annotated[KindOfBooking | None, "Only revenue, or only expenses."] = None,
    pool: Annotated[PoolId | None, "Of this pool."] = None,
    currency: InCurrency = None,
    from_: Since = None,
    to: Before = None,
    **part: Unpack[Paged],
) -> Page[BookingLine]:
    """Revenue and expenses across all pools, by when they were earned, the largest first."""
    Reader(view, journal, actor).must_be("the bookings of all pools", None)
    start, end = period(from_, to)
    filters = {"b.kind = :kind": kind, "b.pool = :pool": pool, "o.currency = :currency": currency}
    where, said = wanted(filters, "b.kind IN :kinds")
    rows, more = view.ranked(
        f"SELECT {_BOOKING} FROM @bookings b JOIN @pools o ON o.id = b.pool WHERE {where} "
        "AND b.position <= :as_of AND b.effective >= :start AND b.effective < :end",
        **part,
        kinds=list(KINDS),
        start=start,
        end=end,
        **said,
    )
    return Page(_bookings_told(view, rows), more)


def booking(view: View, id: str) -> BookingLine | None:
    """Revenue or an expense by its id; None if there is none."""
    row = view.one(
        f"SELECT {_BOOKING} FROM @bookings b JOIN @pools o ON o.id = b.pool "
        "WHERE b.id = :id AND b.kind IN :kinds AND b.position <= :as_of",
        id=id,
        kinds=list(KINDS),
    )
    return _bookings_told(view, [row])[0] if row else None


def _bookings_told(view: View, rows: Sequence[Row]) -> list[BookingLine]:
    texts = view.texts({text for row in rows for text in (row[3], row[6], row[11])})
    lines = (
        (id, kind, {"id": pool, "name": texts[name]}, unit, texts[named] or word, *more, position)
        for id, kind, pool, name, unit, word, named, *more, _, position in rows
    )
    return told_rows(BookingLine, lines, document=texts)


# -- balances ------------------------------------------------------------------------------------


@question(
    "list_balances", "/balances", cli="balances", refuses=(UnknownContributor,), may=ALL_MONEY
)
def all_balances(
    view: View,
    journal: Journal,
    *,
    actor: str,
    currency: InCurrency = None,
    payee: Annotated[PayeeText | None, "Of this payee."] = None,
    pool: Annotated[PoolId | None, "Only from this pool; default: all pools."] = None,
    **part: Unpack[Paged],
) -> Page[PayeeBalance]:
    """What every payee is owed and was paid, by currency, the largest amounts owed first."""
    Reader(view, journal, actor).must_be("the balances of all payees", None)
    same = balances.of_others(view)
    person = same.get(payee or "", payee)
    every = None if payee is None else [person, *(one for one in same if same[one] == person)]
    where, said = wanted(
        {"x.currency = :currency": currency, "x.pool = :pool": pool, "x.payee IN :payees": every},
        "x.payee IS NOT NULL",
    )
    said["several"] = sorted({*same, *same.values()})
    joint: dict[tuple[str, str], int] = defaultdict(int)
    for account, code, units, _ in view.rows(_owed_sql(where, "x.payee IN :several"), **said):
        joint[same.get(account) or account, code] += units
    rows, more = view.ranked(
        _owed_sql(where, "NOT (x.payee IN :several)"),
        str,
        [(*key, units, " ".join(key)) for key, units in joint.items()],
        **part,
        **said,
    )
    return Page(_balances_told(view, journal, rows, pool, same), more)


def _owed_sql(*where: str) -> str:
    """SQL: by payee and currency, how much is owed on the accounts that meet the conditions."""
    return (
        f"SELECT p.payee, p.currency, CAST(sum(CASE WHEN p.account = '{OWED}' THEN p.amount "
        "ELSE 0 END) AS BIGINT) AS ranked, p.payee || ' ' || p.currency AS tied "
        f"FROM {balances.on_accounts(*where)} p "
        f"GROUP BY p.payee, p.currency {balances.BEGUN}"
    )


def _balances_told(
    view: View,
    journal: Journal,
    rows: Sequence[Row],
    pool: str | None,
    same: Mapping[str, str],
) -> list[PayeeBalance]:
    payees = {payee for payee, *_ in rows}
    every = payees | {account for account, person in same.items() if person in payees}
    pools = None if pool is None else [pool]
    accounts = balances.accounts(view, payees=every, pools=pools) if payees else []
    sums, because = balances.summed(
        balances.standings(view, journal, accounts),
        lambda one: (same.get(one.payee, one.payee), one.currency),
    )
    for account, code, name, units in () if pool else balances.sent_units(view, every):
        sums[same.get(account, account), code][name] += units
    told = payees_told(view, payees)
    return [
        cast(
            "PayeeBalance",
            {
                "payee": told[payee],
                "currency": currency,
                "owed_minor": owed,
                "held_because": [*because[payee, currency]],
                **{f"{name}_minor": sums[payee, currency][name] for name in _COLUMNS},
            },
        )
        for payee, currency, owed, _ in rows
    ]


_COLUMNS = (PAYABLE, HELD, DEBT, *balances.NOT_OWED)

# -- the trial balance ---------------------------------------------------------------------------

TRIAL_COLUMNS = ("currency", "account", "meaning", "amount", "amount_minor")


def _as_csv(told: TrialBalance) -> str:
    return rows_of_csv(
        TRIAL_COLUMNS,
        (
            {**line, "amount": decimal(line["amount_minor"], line["currency"])}
            for line in told["lines"]
        ),
    )


FORMS = {
    "csv": Format(
        "text/csv", lambda asking: _as_csv(asking.answer), ",".join(TRIAL_COLUMNS) + "\r\n"
    ),
}


@question(
    "show_trial_balance",
    "/trial-balance",
    cli="trial-balance",
    forms=FORMS,
    may=ALL_MONEY,
    parts=("sums", "lines"),
)
def trial_balance(
    view: View, journal: Journal, *, actor: str, currency: InCurrency = None
) -> TrialBalance:
    """The balance of every account across all pools, by currency; they sum to zero. Also as CSV."""
    Reader(view, journal, actor).must_be("the trial balance", None)
    totals = balances.totals(view)
    kept = {code: units for code, units in totals.items() if currency in (None, code)}
    return {
        "lines": [
            {
                "currency": code,
                "account": account,
                "meaning": ACCOUNTS[account],
                "amount_minor": amount,
            }
            for code, units in kept.items()
            for account, amount in units.items()
        ],
        "sums": [
            {"currency": code, "amount_minor": sum(units.values())} for code, units in kept.items()
        ],
    }
