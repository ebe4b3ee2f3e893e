"""Earnings by the month in which they were earned, whenever they were recorded.

Statements go by the time of recording, so that those sent out stay as they are; this goes by the
dates of the facts. A correction belongs to the day on which it was made.
"""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any

from domain.dates import start_of
from domain.journal import Journal
from domain.money.postings import OWED
from domain.readers import MONEY, OWN_MONEY
from domain.refusal import BadPeriod
from domain.value import Example
from domain.values import CurrencyCode, PayeeId, PoolId, StatedMoment
from projections.money import balances as money
from projections.money.pools.accounts import pool_named
from projections.money.readers import Reader
from projections.money.told import CurrencyEarnings, Earned, Earnings, PoolEarnings
from projections.question import question
from projections.store import View

EarnedFrom = Annotated[
    StatedMoment | None, "Earned from this moment on; default: the beginning.", Example("2026")
]
EarnedBefore = Annotated[
    StatedMoment | None, "Earned before this moment; default: no limit.", Example("2027")
]

_EVER = "9999"
_WHEN = "COALESCE(x.effective, b.effective, b.at)"
"""SQL for the date of a posting; what is taken back for negative revenue has the date of that."""
LATE = (
    "EXISTS (SELECT 1 FROM @periods c WHERE c.position < b.position "
    "AND COALESCE(x.effective, b.effective) < c.until)"
)
"""SQL: whether a booking ``b`` was recorded after the period it is dated in was closed; ``x`` is
the negative revenue for which it takes something back."""


@question(
    "show_earnings",
    "/contributors/{id}/earnings",
    cli="earnings",
    refuses=(BadPeriod,),
    may=OWN_MONEY,
    parts=("earnings.months",),
)
def earnings(
    view: View,
    journal: Journal,
    id: PayeeId,
    *,
    actor: str,
    from_: EarnedFrom = None,
    to: EarnedBefore = None,
    currency: Annotated[CurrencyCode | None, "Only in this currency."] = None,
) -> Earnings:
    """What someone earned, month by month, by when it was earned, not when it was recorded."""
    Reader(view, journal, actor).must_be("these earnings", id)
    dates = period(from_, to)
    person = money.paid_as(view, id)
    rows = _earned(view, "p.payee IN :payees", dates, payees=money.payees_of(view, id))
    return {
        "contributor": person,
        "earnings": [
            _in_currency(view, code, [row[1:] for row in of])
            for code, of in groupby(rows, key=lambda row: row[0])
            if currency in (None, code)
        ],
    }


@question(
    "show_pool_earnings",
    "/pools/{id}/earnings",
    cli="pool earnings",
    refuses=(BadPeriod,),
    may=MONEY,
    parts=("months",),
)
def pool_earnings(
    view: View,
    journal: Journal,
    id: PoolId,
    *,
    actor: str,
    from_: EarnedFrom = None,
    to: EarnedBefore = None,
) -> PoolEarnings:
    """What payees of a pool earned, month by month, by when it was earned."""
    opened = pool_named(view, journal, id)
    Reader(view, journal, actor).must_read_statement("the earnings of this pool", id)
    rows = _earned(view, "p.pool = :pool", period(from_, to), pool=id)
    return {
        "pool": id,
        "currency": opened.currency,
        "earned_minor": sum(earned for *_, earned, _ in rows),
        "months": [
            {"month": month, "earned_minor": earned, "late_minor": late}
            for _, month, _, _, earned, late in rows
        ],
    }


def period(since: str | None, to: str | None) -> tuple[str, str]:
    """The first instant of a period of earning, and the first after it."""
    start = "" if since is None else start_of(since)
    end = _EVER if to is None else start_of(to)
    if start > end:
        raise BadPeriod(str(since), str(to))
    return start, end


def _earned(
    view: View, whose: str, dates: tuple[str, str], **values: Any
) -> list[tuple[str, str, str, str, int, int]]:
    """(currency, month, pool, its name, units earned, how many of them are late)."""
    rows = view.rows(
        f"SELECT p.currency, substr({_WHEN}, 1, 7), p.pool, min(o.name), "
        f"CAST(sum(p.amount) AS BIGINT), CAST(sum(CASE WHEN {LATE} "
        "THEN p.amount ELSE 0 END) AS BIGINT) "
        # First by entry, which may have thousands of postings, so that each is dated once.
        "FROM (SELECT p.currency, p.pool, p.noun, CAST(sum(p.amount) AS BIGINT) AS amount "
        f"FROM @postings p WHERE {whose} AND p.account = :owed AND p.is_reserve = 0 "
        "AND p.position <= :as_of GROUP BY p.currency, p.pool, p.noun) p "
        "JOIN @bookings b ON b.id = p.noun JOIN @pools o ON o.id = p.pool "
        "LEFT JOIN @bookings x ON x.id = b.against "
        f"WHERE {_WHEN} >= :start AND {_WHEN} < :end "
        f"GROUP BY p.currency, substr({_WHEN}, 1, 7), p.pool "
        "ORDER BY p.currency, 2, p.pool",
        owed=OWED,
        start=dates[0],
        end=dates[1],
        **values,
    )
    return [(*row,) for row in rows]


def _in_currency(
    view: View, currency: str, rows: list[tuple[str, str, str, int, int]]
) -> CurrencyEarnings:
    texts = view.texts({name for _, _, name, *_ in rows})
    months: list[Earned] = [
        {
            "month": month,
            "pool": {"id": pool, "name": texts.get(name)},
            "earned_minor": earned,
            "late_minor": late,
        }
        for month, pool, name, earned, late in rows
    ]
    total = sum(each["earned_minor"] for each in months)
    return {"currency": currency, "earned_minor": total, "months": months}
