"""Hidden credits: those off which their people keep their names, now and so at every position."""

from __future__ import annotations

from projections.tables import NEVER

HIDDEN = f"c.hidden = 1 AND c.until = {NEVER}"
"""The condition that a credit is hidden by its latest version."""
NOT_HIDDEN = f"NOT c.id IN (SELECT c.id FROM @credits c WHERE {HIDDEN})"
"""The condition that a version of a credit is of one that is not hidden."""
