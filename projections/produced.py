"""Produced: the releases that somebody assembled, or is a producer of."""

from __future__ import annotations

from typing import TypedDict

from domain.journal import Journal
from domain.known import Known
from domain.permission import OPERATOR
from domain.values import ReleaseId
from projections import people
from projections.question import LIMIT
from projections.store import Page, View, cut, decode_cursor, holds


class Produced(TypedDict):
    """A release of somebody, and how far it has come."""

    id: ReleaseId
    kind: str
    title: str | None
    part: str | None
    state: str
    published_at: str | None


def releases_of(
    view: View, journal: Journal, actor: str, *, after: str | None = None, limit: int = LIMIT
) -> Page[Produced]:
    """The releases of somebody, the latest first; the operator's are those they assembled."""
    (before,) = decode_cursor(after, int) or [1 << 62]
    rows = view.rows(
        "SELECT w.number, w.id, w.title, w.part, w.state, w.published_at FROM @works w "
        "WHERE w.kind = 'release' AND (w.poster IN :posters OR w.id IN :produced) "
        f"AND w.number < :before AND {holds('w')} ORDER BY w.number DESC LIMIT :most",
        posters=[OPERATOR] if actor == OPERATOR else list(people.ids(view, actor)),
        produced=_granted(view, journal, actor),
        before=before,
        most=limit + 1,
    )
    page, more = cut(rows, limit, lambda row: (row[0],))
    texts = view.texts({row[2] for row in page})
    return Page([_told(row, texts) for row in page], more)


def _granted(view: View, journal: Journal, actor: str) -> list[str]:
    """The releases of which somebody was made a producer."""
    if actor == OPERATOR:
        return [""]
    known = Known(journal.facts, view.as_of)
    held = known.grants("contributor", known.accounts(known.persons([actor])[actor]))
    return ["", *(one.work for one in held if one.role == "producer" and one.work)]


def _told(row: tuple[object, ...], texts: dict[str | None, str]) -> Produced:
    _, id, title, part, state, published_at = row
    return Produced(
        id=str(id),
        kind="release",
        title=texts.get(None if title is None else str(title)),
        part=None if part is None else str(part),
        state=str(state),
        published_at=None if published_at is None else str(published_at),
    )
