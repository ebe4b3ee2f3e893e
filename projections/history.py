"""History: every fact about a work or a person, in order, from the journal itself.

The one rule: the projection only remembers where the facts are; what they say is read from the
journal, so that a history is what was recorded and not what was made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from domain.fact import Fact
from domain.journal import Journal
from domain.moment import instant
from domain.recorders import Placed
from projections import attribution, lineage
from projections.store import Page, View, decode_cursor, encode_cursor
from projections.tables import Change, Numbers, Projection, Put, Table

MENTIONS = Table(
    "mentions",
    (("subject", "BIGINT NOT NULL"), ("position", "BIGINT NOT NULL")),
    ("subject, position",),
)

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
    return _history(view, journal, lineage.find(view, id).number, after, limit)


def of_contributor(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """Every fact about a person and their credits, in order."""
    return _history(view, journal, attribution.find_person(view, id)[0], after, limit)


def _history(view: View, journal: Journal, subject: int, after: str | None, limit: int) -> Page:
    place = decode_cursor(after, int) or [0]
    rows = view.rows(
        "SELECT position FROM @mentions WHERE subject = :subject AND position > :above "
        "AND position <= :as_of ORDER BY position LIMIT :limit",
        subject=subject,
        above=place[0],
        limit=limit + 1,
    )
    positions = [position for (position,) in rows]
    items = tell(journal, journal.facts.at(positions[:limit]))
    return Page(items, encode_cursor(positions[limit - 1]) if len(positions) > limit else None)


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
