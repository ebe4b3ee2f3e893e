"""Rows that can't be read as what they should be, because they were changed behind our back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

READING_FAILS = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""The exceptions that reading a changed row may raise."""


class Unreadable(ValueError):
    """A row that can't be read, because it was changed behind our back."""

    def __init__(self, table: str, key: object, why: Exception) -> None:
        super().__init__(f"{table}, {key}: this row does not read ({why!r})")
        self.table, self.key, self.why = table, key, why


def of_only_row(query: Callable[[str], Sequence[Any]], table: str, columns: str) -> Any:
    """Columns of a table's single row; raises Unreadable if there is none."""
    rows = query(f"SELECT {columns} FROM {table}")
    if not rows:
        raise Unreadable(table, "its only row", LookupError("it is not there"))
    return rows[0]
