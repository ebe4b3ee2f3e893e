"""Rows that can't be read as what they should be, because they were changed behind our back."""

from __future__ import annotations

READING_FAILS = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""What it may end in to read what is not as it was written."""


class Unreadable(ValueError):
    """A row that can't be read as what it should be: it was changed behind our back."""

    def __init__(self, table: str, key: object, why: Exception) -> None:
        super().__init__(f"{table}, {key}: this row does not read ({why!r})")
        self.table, self.key, self.why = table, key, why
