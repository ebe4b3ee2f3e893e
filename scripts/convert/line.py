"""A line of a bundle as a converter makes it, and what it says of other input."""

from __future__ import annotations

from typing import TypeAlias

Line: TypeAlias = dict[str, object]


class NotConvertible(Exception):
    """What is to be converted is not what the converter reads."""
