"""Facts, as histories and notices tell them.

The one rule: a fact is told whole; a text that was erased is null.
"""

from __future__ import annotations

from api.answers import told
from api.answers.examples import (
    MOMENT,
)
from api.fields import Shape


class PositionAnswer(Shape):
    """Where the journal stood at a moment."""

    position = told.count(57, "The last fact recorded up to then; 0 if there was none.")
    recorded_at = told.text(MOMENT, "When that was recorded.", null=True)
