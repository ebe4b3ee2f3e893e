"""A line of a bundle as a converter makes it, and what it says of other input."""

from __future__ import annotations

from typing import Any, TypeAlias

Line: TypeAlias = dict[str, Any]


class Unplaced(dict[str, Any]):
    """A line that the import refuses, and why."""

    reason = ""


class NotConvertible(Exception):
    """What is to be converted is not what the converter reads."""
