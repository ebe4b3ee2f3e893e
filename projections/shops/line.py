"""The lines that a statement is converted to, and what is raised if it cannot be."""

from __future__ import annotations

from domain.lines import Line


class OfRow(Line):
    """A line with its place in a table."""

    row = 0
    """The number of its row in the file, or of the first of its rows; 0: unknown."""


class Unplaced(OfRow):
    """A line for the import to refuse, with the reason."""

    reason = ""


def place_of(line: Line, number: int) -> str:
    """Where a line is found: by its row in the file, else by its number among the lines."""
    row = line.row if isinstance(line, OfRow) else 0
    return f"row {row}" if row else f"line {number}"


class NotConvertible(Exception):
    """The file is not in the format that the converter reads; the text says why."""


__all__ = ["Line", "NotConvertible", "OfRow", "Unplaced", "place_of"]
