"""The lines that a statement is converted to, and what is raised if it cannot be."""

from __future__ import annotations

from domain.lines import Line


class Unplaced(Line):
    """A line for the import to refuse, with the reason."""

    reason = ""


class NotConvertible(Exception):
    """The file is not in the format that the converter reads; the text says why."""


__all__ = ["Line", "NotConvertible", "Unplaced"]
