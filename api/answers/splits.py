"""What everybody would get of a work, and what an edge would change.

The one rule: shares are exact, and beside an amount stands its currency or what it is part of.
"""

from __future__ import annotations

from api.answers import told
from api.answers.examples import BEN
from api.fields import Shape


class PayeeRefBody(Shape):
    """Whoever is paid, as answers refer to them."""

    id = told.text(BEN, "A contributor's id, “work/…” with a work's id, or a name.")
    kind = told.one_of(("contributor", "work", "other"))
    name = told.text("Ben", "Or the title of the work; null when it was erased.", null=True)
