"""Hidden credits: their contributors keep their names off them, now and at every position."""

from __future__ import annotations

from projections.tables import NEVER

HIDDEN = f"c.hidden = 1 AND c.until = {NEVER}"
"""The condition that a credit is hidden by its latest version."""
NOT_HIDDEN = f"NOT c.id IN (SELECT c.id FROM @credits c WHERE {HIDDEN})"
"""The condition that a credit, whatever version is read, is not hidden now."""
