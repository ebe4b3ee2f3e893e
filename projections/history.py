"""History: every fact about a work, a person, an edge or a credit, from the journal itself.

The one rule: the projection only remembers where the facts are; what they say is read from the
journal, so that a history is what was recorded and not what was made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from domain.fact import Fact
from domain.journal import Journal
from domain.moment import instant
from domain.recorders import Placed
from projections import attribution, lineage
from projections.nouns import facts_of
from projections.store import Page, View, cut, decode_cursor, encode_cursor
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
    return _history(view, journal, id, lineage.find(view, id).number, after, limit)


def of_contributor(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """Every fact about a person and their credits, in order."""
    return _history(view, journal, id, attribution.find_person(view, id)[0], after, limit)


def of_credit(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """Every fact about one credit, in order."""
    attribution.credit(view, id)
    return _stream(view, journal, id, after, limit)


def of_remix(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """Every fact about one edge, in order."""
    lineage.remix(view, id)
    return _stream(view, journal, id, after, limit)


def positions_of_work(view: View, id: str) -> list[int]:
    """Where every fact about a work stands."""
    return _positions(view, lineage.find(view, id).number)


def positions_of_contributor(view: View, id: str) -> list[int]:
    """Where every fact about a person stands."""
    return _positions(view, attribution.find_person(view, id)[0])


def _history(
    view: View, journal: Journal, id: str, subject: int, after: str | None, limit: int
) -> Page:
    place = decode_cursor(after, int) or [0]
    found = _positions(view, subject, place[0], limit + 1)
    page, more = cut(found, limit, lambda position: (position,))
    facts = journal.facts.at(page)
    links = (link for placed in facts for link in placed.linked() if link.subject == id)
    items = [
        {**told, **_numbered(link.number, link.previous)}
        for told, link in zip(tell(journal, facts), links, strict=True)
    ]
    return Page(items, more)


def _positions(view: View, subject: int, above: int = 0, limit: int = 1 << 62) -> list[int]:
    rows = view.rows(
        "SELECT position FROM @mentions WHERE subject = :subject AND position > :above "
        "AND position <= :as_of ORDER BY position LIMIT :limit",
        subject=subject,
        above=above,
        limit=limit,
    )
    return [position for (position,) in rows]


def _stream(view: View, journal: Journal, id: str, after: str | None, limit: int) -> Page:
    """The facts that happened to one noun; they are few, and numbered by their versions."""
    place = (decode_cursor(after, int) or [0])[0]
    facts = facts_of(view, journal, id)
    before = [0, *(one.position for one in facts)]
    items = [
        {**told, **_numbered(place + number, before[place + number - 1])}
        for number, told in enumerate(tell(journal, facts[place : place + limit]), start=1)
    ]
    return Page(items, encode_cursor(place + limit) if len(facts) > place + limit else None)


def _numbered(number: int, previous: int) -> dict[str, Any]:
    return {"number": number, "previous": previous or None}


def tell(journal: Journal, placed: Sequence[Placed]) -> list[dict[str, Any]]:
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


def disclosures(journal: Journal, placed: Placed) -> list[list[str]]:
    """The texts behind one fact as RFC 9901 writes them: salt, name, value."""
    happened = placed.fact()
    names = (*happened.SEALED, "statement")
    digests = [digest for name in names if (digest := getattr(happened, name)) is not None]
    return [[one.salt, one.name, one.value] for one in journal.facts.disclosures(digests)]


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
        "receipt": f"/facts/{position}/receipt",
        "recorded_at": instant(happened.timestamp),
        "effective": happened.effective or None,
        "actor": happened.actor,
        "signed": happened.signature is not None,
        "topic": happened.TOPIC,
        "noun": happened.originator_id,
        "about": list(happened.subjects()),
        "reason": content.pop("reason", None),
        "content": content,
    }
