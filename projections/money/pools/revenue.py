"""What came in for a pool and what was spent on it.

An amount stays as recorded; reversals are listed beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypedDict, Unpack, cast

from domain.engine import Row
from domain.journal import Journal
from domain.money.naming import CATEGORIES, SOURCES
from domain.money.policy.sold import Item, shown_exactly
from domain.money.revenue import Revenue as RevenueNoun
from domain.readers import MONEY
from domain.refusal import Refusal, UnknownExpense, UnknownRevenue
from domain.values import ExpenseId, PoolId, RevenueId
from projections.money.payees import payees_told
from projections.money.pools.accounts import pool_named
from projections.money.pools.told import Booking, Expense, Revenue, ReversalItem, SoldTold
from projections.money.readers import Reader
from projections.pages import Page
from projections.question import Paged, question
from projections.store import View, told_of, told_rows

_BOOKING = (
    "b.id, b.kind, b.pool, b.source, b.payee, b.amount, b.effective, b.at, b.document, b.note, "
    "b.named, b.repeats, b.position"
)


@question("list_revenue", "/pools/{id}/revenue", may=MONEY)
def revenue_of(
    view: View, journal: Journal, id: PoolId, *, actor: str, **part: Unpack[Paged]
) -> Page[Revenue]:
    """The revenue of a pool, in the order of recording."""
    Reader(view, journal, actor).must("the revenue of this pool", MONEY, id)
    return _bookings(view, journal, "revenue", id, **part)


@question("show_revenue", "/revenue/{id}", may=MONEY, parts=("sold", "reversals"))
def revenue(view: View, journal: Journal, id: RevenueId, *, actor: str) -> Revenue:
    """Money that came in, with its reversals and its division."""
    told = cast("Revenue", _booking(view, journal, "revenue", id, UnknownRevenue))
    Reader(view, journal, actor).must("this revenue", MONEY, told["pool"])
    return told


@question("list_expenses", "/pools/{id}/expenses", may=MONEY)
def expenses_of(
    view: View, journal: Journal, id: PoolId, *, actor: str, **part: Unpack[Paged]
) -> Page[Expense]:
    """The expenses of a pool, in the order of recording."""
    Reader(view, journal, actor).must("the expenses of this pool", MONEY, id)
    return _bookings(view, journal, "expense", id, **part)


@question("show_expense", "/expenses/{id}", may=MONEY, parts=("reversals",))
def expense(view: View, journal: Journal, id: ExpenseId, *, actor: str) -> Expense:
    """Money that was spent."""
    told = cast("Expense", _booking(view, journal, "expense", id, UnknownExpense))
    Reader(view, journal, actor).must("this expense", MONEY, told["pool"])
    return told


def pool_of(view: View, journal: Journal, revenue: str) -> str:
    """The pool that revenue came in for."""
    return _booking(view, journal, "revenue", revenue, UnknownRevenue)["pool"]


def _bookings(
    view: View, journal: Journal, kind: str, pool: str, **part: Unpack[Paged]
) -> Page[Any]:
    pool_named(view, journal, pool)
    page, more = view.page(
        f"SELECT {_BOOKING} FROM @bookings b WHERE b.pool = :pool AND b.kind = :kind "
        "AND b.position > :beyond AND b.position <= :as_of ORDER BY b.position",
        **part,
        pool=pool,
        kind=kind,
    )
    return Page(_bookings_told(view, journal, page), more)


def _booking(
    view: View, journal: Journal, kind: str, id: str, unknown: type[Refusal]
) -> Revenue | Expense:
    rows = view.rows(
        f"SELECT {_BOOKING} FROM @bookings b WHERE b.id = :id AND b.kind = :kind "
        "AND b.position <= :as_of",
        id=id,
        kind=kind,
    )
    if not rows:
        raise unknown(id)
    return _bookings_told(view, journal, rows)[0]


def _bookings_told(view: View, journal: Journal, rows: Sequence[Row]) -> list[Revenue | Expense]:
    """Bookings as answers present them; revenue with its reversals and its division."""
    about = view.rows(
        "SELECT b.revenue, b.kind, b.id, b.amount, b.against FROM @bookings b "
        "WHERE b.revenue IN :ids "
        "AND b.kind <> 'revenue' AND b.position <= :as_of ORDER BY b.position",
        ids=[row[0] for row in rows],
    )
    divisions = {revenue: id for revenue, kind, id, *_ in about if kind == "division"}
    reversals: dict[str, list[ReversalItem]] = defaultdict(list)
    for revenue, kind, id, amount, against in about:
        if kind in ("reversal", "expense_reversal"):
            item: ReversalItem = {"id": id, "amount_minor": -amount, "against": against}
            reversals[revenue].append(item)
    taken_back = _taken_back(view, [row[0] for row in rows])
    sold = _sold_told(journal, [row[0] for row in rows if row[1] == "revenue"])
    texts = view.texts({text for row in rows for text in (row[8], row[9], row[10])})
    told = payees_told(view, {row[4] for row in rows if row[4] is not None})
    items: list[Revenue | Expense] = []
    for row in rows:
        id, kind, _, word, payee, *_ = row
        source, common = texts.get(row[10]) or word, _booking_told(row, texts)
        if kind == "revenue":
            came_in: Revenue = {
                **common,
                "id": id,
                "source": source,
                "source_kind": word if word in SOURCES else None,
                **sold[id],
                "reversed_minor": sum(each["amount_minor"] for each in reversals[id]),
                "division": divisions.get(id),
                "reversals": reversals[id],
                "taken_back_minor": taken_back.get(id, 0),
            }
            items.append(came_in)
        else:
            spent: Expense = {
                **common,
                "id": id,
                "category": source,
                "category_kind": word if word in CATEGORIES else None,
                "payer": told[payee],
                "reversed_minor": sum(each["amount_minor"] for each in reversals[id]),
                "reversals": reversals[id],
            }
            items.append(spent)
    return items


def _booking_told(row: Row, texts: Mapping[str | None, str]) -> Booking:
    """The fields that revenue and expenses have in common."""
    _, _, pool, _, _, *amount, document, note, _, again, position = row
    (told,) = told_rows(
        Booking, [(pool, *amount, document, note, again, position)], document=texts, note=texts
    )
    return told


def _taken_back(view: View, ids: Sequence[str]) -> dict[str, int]:
    """By negative revenue: how much other revenue was taken back for it."""
    rows = view.rows(
        "SELECT b.against, CAST(-sum(b.amount) AS BIGINT) FROM @bookings b "
        "WHERE b.against IN :ids AND b.position <= :as_of GROUP BY b.against",
        ids=ids,
    )
    return dict(rows)


class _Sold(TypedDict):
    sold: list[SoldTold]
    exact: str
    rounding: str


def _sold_told(journal: Journal, ids: Sequence[str]) -> dict[str, _Sold]:
    """By revenue: the sales that its fact states."""
    found: dict[str, _Sold] = {}
    for placed in journal.facts.streams(ids):
        recorded = placed.fact()
        if isinstance(recorded, RevenueNoun.Recorded):
            exact = Fraction(recorded.exact or recorded.amount_minor)
            found[recorded.originator_id] = {
                "sold": [_item_told(item) for item in recorded.items],
                "exact": shown_exactly(exact),
                "rounding": shown_exactly(recorded.amount_minor - exact),
            }
    return found


def _item_told(item: Item) -> SoldTold:
    units, amount = shown_exactly(item.units), shown_exactly(item.amount)
    return told_of(SoldTold, item, units=units, amount=amount)
