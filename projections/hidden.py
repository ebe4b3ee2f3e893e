"""Hidden credits: their contributors keep their names off them, now and at every position."""

from __future__ import annotations

from typing import cast

from projections.store import View
from projections.tables import NEVER

HIDDEN = f"c.hidden = 1 AND c.until = {NEVER}"
"""The condition that a credit is hidden by its latest version."""
NOT_HIDDEN = f"NOT c.id IN (SELECT c.id FROM @credits c WHERE {HIDDEN})"
"""The condition that a credit, whatever version is read, is not hidden now."""


def positions(view: View) -> dict[str, int]:
    """The positions of all hidden credits by their ids.

    A credit hidden now is hidden at every position.
    """
    kept = view.moment.get("hidden")
    if kept is None:
        kept = dict(view.rows(f"SELECT c.id, c.born FROM @credits c WHERE {HIDDEN}"))
        view.moment.keep("hidden", kept, takes=0)
    return cast("dict[str, int]", kept)
