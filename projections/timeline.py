"""Timelines: the facts about many works and people in the order of the journal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from domain.stored import Placed
from projections import challenges, contributors, history, lineage, projects
from projections.money.readers import Reader
from projections.pages import Page, cut, decode_cursor
from projections.store import View
from projections.told import FactTold

SCANNED = 250
"""How many facts are read at a time."""


def timeline(
    view: View,
    reader: Reader,
    subjects: Collection[int],
    *,
    topics: Collection[str],
    after: str | None = None,
    limit: int = 50,
) -> Page[FactTold]:
    """A page of the facts of these topics about these works and people that the reader may see."""
    (above,) = decode_cursor(after, int) or [0]
    found: list[Placed] = []
    while len(found) <= limit:
        positions = _mentioned(view, subjects, above)
        facts = reader.journal.facts.at(positions)
        found += reader.seen(one for one in facts if one.topic in topics)
        if len(positions) < SCANNED:
            break
        above = positions[-1]
    page, more = cut(found, limit, lambda one: (one.position,))
    return Page(history.tell(reader.journal, page), more)


def latest(
    view: View,
    reader: Reader,
    subjects: Collection[int],
    *,
    topics: Collection[str],
    limit: int,
) -> list[FactTold]:
    """The latest of such facts, the latest first, from the last SCANNED about these subjects."""
    facts = reader.seen(reader.journal.facts.at(_mentioned(view, subjects, order="DESC")))
    told = [one for one in facts if one.topic in topics][-limit:]
    return history.tell(reader.journal, told)[::-1]


def _mentioned(
    view: View, subjects: Collection[int], above: int = 0, order: str = "ASC"
) -> list[int]:
    """Positions of the first SCANNED facts about these beyond one, or of the last; ascending."""
    rows = view.rows(
        "SELECT DISTINCT position FROM @mentions WHERE subject IN :subjects "
        f"AND position > :above AND position <= :as_of ORDER BY position {order} LIMIT :most",
        subjects=list(subjects),
        above=above,
        most=SCANNED,
    )
    return sorted(position for (position,) in rows)


def names(view: View, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The works, people, projects and challenges with these ids, as answers refer to them."""
    tables = ("works", "contributors", "projects", "challenges")
    works, people, efforts, calls = (one.values() for one in view.numbers_in(tables, ids))
    told = [
        *lineage.references(view, works).values(),
        *contributors.persons(view, people).values(),
    ]
    known: dict[str, dict[str, Any]] = {one["id"]: {**one} for one in told}
    known |= _called("project", projects.references(view, efforts))
    return known | _called("challenge", challenges.references(view, calls))


def _called(kind: str, found: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Projects or challenges by their ids, as pages refer to them."""
    return {one["id"]: {**one, "kind": kind} for one in found.values()}
