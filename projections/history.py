"""History: every fact about a work or a person, in order, from the journal itself.

The one rule: the projection only remembers where the facts are; what they say is read from the
journal, so that a history is what was recorded and not what was made of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

from domain.fact import Fact
from domain.journal import Journal
from domain.moment import instant
from domain.recorders import Placed
from projections import attribution, lineage
from projections.store import Page, View, decode_cursor, encode_cursor, holds
from projections.tables import Change, Numbers, Projection, Put, Table

MENTIONS = Table(
    "mentions",
    (("subject", "BIGINT NOT NULL"), ("position", "BIGINT NOT NULL")),
    ("subject, position",),
)

SCANNED = 500
"""How many facts are looked at in one go for those of a topic."""

_COMMON = frozenset(field.name for field in fields(Fact))


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """Where each subject of a fact finds it again."""
    for subject in happened.subjects():
        yield Put(MENTIONS, (numbers[subject], position))


HISTORY = Projection("history", (MENTIONS,), changes)


def of_work(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """Every fact about a work, its edges and its credits, in order."""
    return _history(view, journal, [lineage.find(view, id).number], after, limit)


def of_contributor(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """Every fact about a person and their credits, in order."""
    return _history(view, journal, [attribution.find_person(view, id)[0]], after, limit)


def of_all(
    view: View,
    journal: Journal,
    subjects: Collection[int],
    *,
    topics: Collection[str] = (),
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Every fact about any of these works and people, in order; of some topics or of all."""
    if not topics:
        return _history(view, journal, subjects, after, limit)
    (above,) = decode_cursor(after, int) or [0]
    found: list[Placed] = []
    while len(found) <= limit:
        positions = _mentioned(view, subjects, above, SCANNED)
        found += [one for one in journal.facts.at(positions) if one.topic in topics]
        if len(positions) < SCANNED:
            break
        above = positions[-1]
    more = encode_cursor(found[limit - 1].position) if len(found) > limit else None
    return Page(tell(journal, found[:limit]), more)


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


def _history(
    view: View, journal: Journal, subjects: Collection[int], after: str | None, limit: int
) -> Page:
    place = decode_cursor(after, int) or [0]
    positions = _mentioned(view, subjects, place[0], limit + 1)
    items = tell(journal, journal.facts.at(positions[:limit]))
    return Page(items, encode_cursor(positions[limit - 1]) if len(positions) > limit else None)


def _mentioned(view: View, subjects: Collection[int], above: int, limit: int) -> list[int]:
    rows = view.rows(
        "SELECT DISTINCT position FROM @mentions WHERE subject IN :subjects "
        "AND position > :above AND position <= :as_of ORDER BY position LIMIT :limit",
        subjects=list(subjects),
        above=above,
        limit=limit,
    )
    return [position for (position,) in rows]


def tell(journal: Journal, placed: list[Placed]) -> list[dict[str, Any]]:
    """Facts as an answer tells them, with the texts they commit to."""
    facts = [(one.position, one.fact()) for one in placed]
    digests = {
        digest
        for _, happened in facts
        for name in happened.SEALED
        if (digest := getattr(happened, name)) is not None
    }
    texts = journal.facts.texts(sorted(digests)) if digests else {}
    return [_told(position, happened, texts) for position, happened in facts]


def _told(position: int, happened: Fact, texts: dict[str, str]) -> dict[str, Any]:
    content = {
        field.name: getattr(happened, field.name)
        for field in fields(happened)
        if field.name not in _COMMON
    }
    for name in happened.SEALED:
        if content[name] is not None:
            content[name] = texts.get(content[name])
    return {
        "position": position,
        "recorded_at": instant(happened.timestamp),
        "effective": happened.effective or None,
        "actor": happened.actor,
        "topic": happened.TOPIC,
        "noun": happened.originator_id,
        "about": list(happened.subjects()),
        "reason": content.pop("reason", None),
        "content": content,
    }


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
