"""Sales recorded beside others of the same shop, period and statement, which they may replace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from domain.money.currency import money
from projections.shops.placed import AT_ONCE
from projections.store import View

BESIDE = (
    "Other sales of this source, time and document are already recorded in this pool: {amount} "
    "({ids}). If a corrected statement replaces them, reverse them."
)
REFUNDED = (
    "Of what this statement replaces, a part was reversed before the rest: {parts}. If the "
    "corrected statement does not account for that, as for a refund, reverse as much again."
)
UNDONE = (
    "What came back was taken from revenue that was reversed since. If a corrected statement "
    "replaces that, record what came back again, as negative revenue."
)
MOST_NAMED = 3
"""How many other revenues a warning names."""


class Stated(NamedTuple):
    """What a statement is known by."""

    pool: str
    source: str
    """The id or the word of its source."""
    effective_at: str
    document: str | None


class Booked(NamedTuple):
    """A revenue that is recorded, and an amount of it."""

    id: str
    currency: str
    amount_minor: int


_STATED = (
    "SELECT b.id, b.pool, b.source_id, b.effective, b.document FROM @bookings b "
    "WHERE b.id IN :ids AND b.kind = 'revenue' AND b.position <= :as_of"
)
_REVERSED = (
    "(SELECT CAST(COALESCE(sum(r.amount), 0) AS BIGINT) FROM @bookings r WHERE r.revenue = b.id "
    "AND r.kind = 'reversal' AND r.position <= :as_of{which})"
)
_LATER = (
    " AND r.against IS NULL AND EXISTS (SELECT 1 FROM @bookings l WHERE l.revenue = b.id "
    "AND l.kind = 'reversal' AND l.against IS NULL AND l.position <= :as_of "
    "AND l.position > r.position)"
)
_OTHERS = (
    "SELECT b.id, b.source_id, b.effective, b.document, o.currency, b.amount, "
    f"{_REVERSED.format(which=' AND r.against IS NULL')}, {_REVERSED.format(which='')}, "
    f"{_REVERSED.format(which=_LATER)} "
    "FROM @bookings b JOIN @pools o ON o.id = b.pool "
    "WHERE b.pool = :pool AND b.kind = 'revenue' AND b.source_id IN :sources "
    "AND b.effective IN :times AND b.position <= :as_of ORDER BY b.position"
)


def stated_in(view: View, ids: Collection[str]) -> dict[str, Stated]:
    """By id of revenue: what its statement is known by."""
    every = list(ids)
    rows = [
        row
        for first in range(0, len(every), AT_ONCE)
        for row in view.rows(_STATED, ids=every[first : first + AT_ONCE])
    ]
    texts = view.texts({row[-1] for row in rows})
    return {row[0]: Stated(row[1], row[2], row[3], texts[row[4]]) for row in rows}


def beside(view: View, stated: Mapping[str, Stated]) -> dict[str, str]:
    """By id of revenue: warnings of revenue with the same statement, but not in this file."""
    by_pool: dict[str, dict[str, Stated]] = defaultdict(dict)
    for id, each in stated.items():
        by_pool[each.pool][id] = each
    told: dict[str, str] = {}
    for pool, its in by_pool.items():
        found = _recorded(view, pool, its.values(), stated)
        told.update((id, found[each]) for id, each in its.items() if each in found)
    return told


_FINAL = (
    "SELECT DISTINCT n.against FROM @bookings n JOIN @bookings b ON b.id = n.revenue "
    "WHERE n.against IN :ids AND n.position <= :as_of AND b.kind = 'revenue' AND b.amount = "
    "(SELECT CAST(-sum(r.amount) AS BIGINT) FROM @bookings r WHERE r.revenue = b.id "
    "AND r.kind = 'reversal' AND r.position <= :as_of) "
    "AND EXISTS (SELECT 1 FROM @bookings r WHERE r.revenue = b.id AND r.kind = 'reversal' "
    "AND r.against IS NULL AND r.position <= :as_of)"
)


def undone(view: View, ids: Collection[str]) -> dict[str, str]:
    """By id of negative revenue: a warning that what it was taken from was then reversed."""
    every = list(ids)
    return {
        id: UNDONE
        for first in range(0, len(every), AT_ONCE)
        for (id,) in view.rows(_FINAL, ids=every[first : first + AT_ONCE])
    }


def _recorded(
    view: View, pool: str, wanted: Collection[Stated], but: Collection[str]
) -> dict[Stated, str]:
    sources, times = ([*{each[at] for each in wanted}] for at in (1, 2))
    rows = list(view.rows(_OTHERS, pool=pool, sources=sources, times=times))
    texts = view.texts({row[3] for row in rows})
    others: dict[Stated, list[Booked]] = defaultdict(list)
    parts: dict[Stated, list[Booked]] = defaultdict(list)
    done = set[Stated]()
    for id, source, time, document, currency, amount_minor, back_minor, gone_minor, part in rows:
        of = Stated(pool, source, time, texts[document])
        if id in but:
            done |= {of} if back_minor else set()
            continue
        # What only negative revenue has taken back, as returns of the same statement, was sold.
        if amount_minor + gone_minor or not back_minor:
            others[of].append(Booked(id, currency, amount_minor + back_minor))
        elif part:
            parts[of].append(Booked(id, currency, -part))
    told: dict[Stated, list[str]] = defaultdict(list)
    for of, found in others.items():
        # Negative revenue alone is what the sales beside it left when they were reversed.
        if any(one.amount_minor > 0 for one in found):
            amount = money(sum(one.amount_minor for one in found), found[0].currency)
            told[of].append(BESIDE.format(amount=amount, ids=_named(one.id for one in found)))
    for of, found in parts.items():
        if of not in done:
            each = (f"{money(one.amount_minor, one.currency)} of {one.id}" for one in found)
            told[of].append(REFUNDED.format(parts=_named(each)))
    return {of: " ".join(said) for of, said in told.items()}


def _named(found: Iterable[str]) -> str:
    every = [*found]
    return ", ".join(every[:MOST_NAMED] + ["…"] * (len(every) > MOST_NAMED))
