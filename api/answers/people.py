"""People, by their names.

The one rule: whoever was merged or forgotten is still found, and says so.
"""

from __future__ import annotations

from api.answers import told
from api.answers.examples import (
    BEN,
)
from api.fields import Shape


class PersonRefBody(Shape):
    """A contributor as answers refer to them."""

    id = told.id(BEN)
    name = told.text("Ben", "Null when it was erased.", null=True)
