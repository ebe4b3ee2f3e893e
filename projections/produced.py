"""Produced: the releases that somebody assembled, or is a producer of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

from domain.journal import Journal
from domain.known import Known
from domain.permission import OPERATOR
from domain.values import ReleaseId
from projections import people
from projections.money.pools.payees import payees_told
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


FEW_NAMES = 8


class Who(NamedTuple):
    """Payees who answered alike: how many, and the names of a few."""

    number: int
    names: Sequence[str]


NOBODY = Who(0, ())


def who(view: View, proposal: str, state: str) -> Who:
    """The payees of an agreement whose share is in a state; as many names as are told."""
    of = f"FROM @shares s WHERE s.proposal = :proposal AND s.state = :state AND {holds('s')}"
    said = {"proposal": proposal, "state": state}
    ((count,),) = view.rows(f"SELECT count(*) {of}", **said)
    rows = view.rows(f"SELECT s.payee {of} ORDER BY s.payee LIMIT :most", **said, most=FEW_NAMES)
    told = payees_told(view, [payee for (payee,) in rows])
    return Who(int(count), sorted(one["name"] or one["id"] for one in told.values()))


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
