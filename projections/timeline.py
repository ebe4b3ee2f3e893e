"""Timelines: the facts about many works and people in one row, and who is in them.

The one rule: they are the facts of the journal, in its order; only whether one is shown depends on
what is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from domain.journal import Journal
from domain.moment import instant
from domain.recorders import Placed
from projections import attribution, history, lineage
from projections.store import Page, View, decode_cursor, encode_cursor, holds

SCANNED = 500
"""How many facts are looked at in one go for those of a topic."""


def timeline(
    view: View,
    journal: Journal,
    subjects: Collection[int],
    *,
    topics: Collection[str] = (),
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Every fact about any of these works and people, in order; of some topics or of all."""
    (above,) = decode_cursor(after, int) or [0]
    count = SCANNED if topics else limit + 1
    found: list[Placed] = []
    while len(found) <= limit:
        positions = _mentioned(view, subjects, above, count)
        facts = journal.facts.at(positions)
        found += [one for one in facts if not topics or one.topic in topics]
        if len(positions) < count:
            break
        above = positions[-1]
    more = encode_cursor(found[limit - 1].position) if len(found) > limit else None
    return Page(history.tell(journal, found[:limit]), more)


def _mentioned(view: View, subjects: Collection[int], above: int, limit: int) -> list[int]:
    rows = view.rows(
        "SELECT DISTINCT position FROM @mentions WHERE subject IN :subjects "
        "AND position > :above AND position <= :as_of ORDER BY position LIMIT :limit",
        subjects=list(subjects),
        above=above,
        limit=limit,
    )
    return [position for (position,) in rows]


def position_on(journal: Journal, moment: str) -> int:
    """The position of the latest fact recorded before a moment; 0 if there is none."""
    below, head = 0, journal.facts.head()
    while below < head:
        middle = (below + head + 1) // 2
        (placed,) = journal.facts.at([middle])
        if instant(placed.fact().timestamp) < moment:
            below = middle
        else:
            head = middle - 1
    return below


def names(view: View, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The works and people behind these ids, as an answer refers to them; no others."""
    found = view.rows(
        f"SELECT p.number FROM @contributors p WHERE p.id IN :ids AND {holds('p')}", ids=list(ids)
    )
    told = [
        *lineage.references(view, lineage.numbers_of(view, ids).values()).values(),
        *attribution.persons(view, [number for (number,) in found]).values(),
    ]
    return {one["id"]: one for one in told}
