"""A line that a statement becomes, and what is said of what is none."""

from __future__ import annotations

from domain.lines import Line


class Unplaced(Line):
    """A line that is refused, and why."""

    reason = ""


class NotConvertible(Exception):
    """What is to be converted is not what the converter reads."""


__all__ = ["Line", "NotConvertible", "Unplaced"]
