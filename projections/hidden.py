"""Hidden credits: their contributors keep their names off them, now and at every position."""

from __future__ import annotations

from typing import cast

from domain.claim import CONTRIBUTOR
from projections.store import View
from projections.tables import NEVER

HIDDEN = f"c.hidden = 1 AND c.until = {NEVER}"
"""The condition that a credit is hidden by its latest version."""
NOT_HIDDEN = f"NOT c.id IN (SELECT c.id FROM @credits c WHERE {HIDDEN})"
"""The condition that a credit, whatever version is read, is not hidden now."""
_ALL = f"SELECT c.id, c.born FROM @credits c WHERE {HIDDEN}"


def positions(view: View) -> dict[str, int]:
    """The positions of all hidden credits by their ids.

    A credit hidden now is hidden at every position.
    """
    kept = view.moment.get("hidden")
    if kept is None:
        rows = view.known("hidden").get("rows")
        kept = dict(view.rows(_ALL) if rows is None else rows)
        view.moment.keep("hidden", kept, takes=0)
    return cast("dict[str, int]", kept)


def waits(view: View, id: str) -> bool:
    """Whether a credit that waits for its person's consent does so still, as far as is folded."""
    sql = f"SELECT c.waits_for FROM @credits c WHERE c.id = :id AND c.until = {NEVER}"
    return all(waits_for == CONTRIBUTOR for (waits_for,) in view.rows(sql, id=id))


def ask(view: View) -> None:
    """Ask for them with the next message, unless they are likely to be known."""
    moment, asked = view.likely.moment, view.known("hidden")
    if not asked and (moment is None or moment.get("hidden") is None):
        asked["rows"] = view.later(_ALL)
