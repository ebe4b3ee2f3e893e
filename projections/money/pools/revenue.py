"""What came in for a pool and what was spent on it.

The one rule: an amount stands as it was recorded; what was taken back is told beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from domain.engine import Row
from domain.refusal import Refusal
from projections.money.pools.payees import payees_told
from projections.store import Page, View, cut, decode_cursor

_BOOKING = (
    "b.id, b.kind, b.pool, b.source, b.payee, b.amount, b.effective, b.at, b.document, b.note, "
    "b.position"
)


def bookings(
    view: View, kind: str, pool: str, *, after: str | None = None, limit: int = 50
) -> Page[dict[str, Any]]:
    """The revenue or the expenses of a pool, in the order of recording."""
    place = decode_cursor(after, int) or [0]
    rows = view.rows(
        f"SELECT {_BOOKING} FROM @bookings b WHERE b.pool = :pool AND b.kind = :kind "
        "AND b.position > :above AND b.position <= :as_of ORDER BY b.position LIMIT :limit",
        pool=pool,
        kind=kind,
        above=place[0],
        limit=limit + 1,
    )
    page, more = cut(rows, limit, lambda row: row[-1:])
    return Page(_bookings_told(view, page), more)


def booking(view: View, kind: str, id: str, unknown: Callable[[str], Refusal]) -> dict[str, Any]:
    """One revenue or expense."""
    rows = view.rows(
        f"SELECT {_BOOKING} FROM @bookings b WHERE b.id = :id AND b.kind = :kind "
        "AND b.position <= :as_of",
        id=id,
        kind=kind,
    )
    if not rows:
        raise unknown(id)
    return _bookings_told(view, rows)[0]


def _bookings_told(view: View, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Bookings as answers tell them, with what was taken back and what it was divided by."""
    about = view.rows(
        "SELECT b.revenue, b.kind, b.id, b.amount FROM @bookings b WHERE b.revenue IN :ids "
        "AND b.kind <> 'revenue' AND b.position <= :as_of ORDER BY b.position",
        ids=[row[0] for row in rows],
    )
    divisions = {revenue: id for revenue, kind, id, _ in about if kind == "division"}
    reversals: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for revenue, kind, id, amount in about:
        if kind == "reversal":
            reversals[revenue].append((id, -amount))
    texts = view.texts({text for row in rows for text in (row[8], row[9])})
    told = payees_told(view, {row[4] for row in rows if row[4] is not None})
    items = []
    for id, kind, pool, source, payee, amount, effective, at, document, note, position in rows:
        item: dict[str, Any] = {
            "id": id,
            "pool": pool,
            "amount_minor": amount,
            "effective_at": effective,
            "recorded_at": at,
            "document": texts.get(document),
            "note": texts.get(note),
            "position": position,
        }
        if kind == "revenue":
            item |= {
                "source": source,
                "reversed_minor": sum(units for _, units in reversals[id]),
                "division": divisions.get(id),
                "reversals": [
                    {"id": reversal, "amount_minor": units} for reversal, units in reversals[id]
                ],
            }
        else:
            item |= {"category": source, "payer": told[payee]}
        items.append(item)
    return items
