"""How large a case may be: what is recorded may be larger than what one request may ask for.

A bound is on what is computed, not on time, so that the same case is refused everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from domain.refusal import SplitTooLarge


@dataclass(frozen=True)
class Bounds:
    """The most that a policy and its lineage may list, and that is computed with them."""

    entries: int = 20_000
    """What policies list in all."""
    steps: int = 2_000_000
    """Edges that are looked at in all; a policy over the graph looks at each of them."""
    bits: int = 24_000_000
    """Payees times the length of their exact shares: 7.2 million digits to write."""
    lines: int = 50_000
    """The edges of a graph, and the people in it."""
    dues: int | None = None
    """The same of what is due with what was carried, if it is bounded at all."""


RECORDED = Bounds()
ASKED = Bounds(entries=4_000, steps=60_000, lines=6_000, bits=1_000_000, dues=2_000_000)
"""What a request may state or ask for; tests/soak_previews.py searches for the slowest case."""

_BOUNDS = ContextVar("bounds", default=RECORDED)


def bounds() -> Bounds:
    """The bounds that hold now."""
    return _BOUNDS.get()


@contextmanager
def bounded(by: Bounds) -> Iterator[None]:
    """Narrower bounds for what is computed within."""
    token = _BOUNDS.set(by)
    try:
        yield
    finally:
        _BOUNDS.reset(token)


def must_be_writable(payees: int, bits: int, most: int | None) -> None:
    """Refuse exact shares that are too long together."""
    if most is not None and payees * bits > most:
        raise SplitTooLarge("digits in all exact shares", most * 3 // 10)
