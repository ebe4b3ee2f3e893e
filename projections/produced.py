"""Produced: the releases that somebody assembled, or is a producer of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict, Unpack

from domain.journal import Journal
from domain.permission import OPERATOR
from domain.values import ReleaseId
from projections import contributors
from projections.grants import held_by
from projections.money.payees import payees_told
from projections.pages import Page
from projections.question import Paged
from projections.store import View, holds, told_rows
from projections.tables import NEVER


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
    """The payees of an agreement whose share is in this state, with the names of a few."""
    of = f"FROM @shares s WHERE s.proposal = :proposal AND s.state = :state AND {holds('s')}"
    said = {"proposal": proposal, "state": state}
    ((count,),) = view.rows(f"SELECT count(*) {of}", **said)
    rows = view.rows(f"SELECT s.payee {of} ORDER BY s.payee LIMIT :most", **said, most=FEW_NAMES)
    told = payees_told(view, [payee for (payee,) in rows])
    return Who(int(count), sorted(one["name"] or one["id"] for one in told.values()))


def releases_of(view: View, journal: Journal, actor: str, **part: Unpack[Paged]) -> Page[Produced]:
    """The releases that somebody produces, the latest first; the operator produces every one."""
    own: dict[str, Any] = {}
    if actor != OPERATOR:
        own = {
            "posters": contributors.account_ids(view, actor),
            "produced": _granted(view, journal, actor),
        }
    page, more = view.page(
        "SELECT w.id, w.kind, w.title, w.part, w.state, w.published_at, w.number FROM @works w "
        f"WHERE w.kind = 'release' AND w.number < :beyond AND {holds('w')} "
        f"{'AND (w.poster IN :posters OR w.id IN :produced) ' if own else ''}"
        "ORDER BY w.number DESC",
        **part,
        **own,
        first=NEVER,
    )
    texts = view.texts({row[2] for row in page})
    return Page(told_rows(Produced, (row[:-1] for row in page), title=texts), more)


def _granted(view: View, journal: Journal, actor: str) -> list[str]:
    """The releases of which somebody was made a producer."""
    held = held_by(journal, actor, view.as_of)
    return ["", *(one.work for one in held if one.role == "producer" and one.work)]
