"""How large a policy and its lineage may be: larger for what is recorded than for one request.

Bounds count work, not time, so that every machine refuses the same input.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from domain.refusal import SplitTooLarge


@dataclass(frozen=True)
class Bounds:
    """The most that a policy and its lineage may list, and that may be computed from them."""

    entries: int = 20_000
    """Entries of lists, over all nested policies."""
    steps: int = 2_000_000
    """Edges visited, over all nested policies; each policy over the graph visits every edge."""
    bits: int = 24_000_000
    """Payees times the bits of their exact shares: 7.2 million digits to write."""
    lines: int = 50_000
    """The edges of a graph plus the people in it."""
    dues: int | None = None
    """Payees times the bits of what is due to each, carry included; None: unbounded."""


RECORDED = Bounds()
ASKED = Bounds(entries=4_000, steps=60_000, lines=6_000, bits=1_000_000, dues=2_000_000)
"""The bounds of a request; tests/soak_previews.py searches for the slowest case within them."""

_BOUNDS = ContextVar("bounds", default=RECORDED)


def bounds() -> Bounds:
    """The bounds that hold now."""
    return _BOUNDS.get()


@contextmanager
def bounded(by: Bounds) -> Iterator[None]:
    """Other bounds within this context."""
    token = _BOUNDS.set(by)
    try:
        yield
    finally:
        _BOUNDS.reset(token)


def must_be_writable(payees: int, bits: int, most: int | None) -> None:
    """Refuse exact shares whose digits, over all payees, are too many to write."""
    if most is not None and payees * bits > most:
        raise SplitTooLarge("digits in all exact shares", most * 3 // 10)
