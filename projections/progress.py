"""Progress: how long work on all facts reports how far it has come."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the position reached and the journal's head."""


def no_progress(_position: int, _head: int) -> None:
    """A ``Progress`` that reports nothing."""
