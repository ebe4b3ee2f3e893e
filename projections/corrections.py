"""Corrections: facts that changed or took back an earlier statement, latest first."""

from __future__ import annotations

from domain.fact import FACTS
from domain.stored import Placed
from projections import history
from projections.money.readers import Reader
from projections.pages import Page, cut, decode_cursor, encode_cursor
from projections.store import View
from projections.told import FactTold

ENDINGS = (
    *(".corrected", ".described", ".redated", ".renamed", ".settled", ".struck", ".revoked"),
    *(".withdrawn", ".undone", ".separated", ".merged", ".retired", ".reversed", ".redivided"),
)
"""The endings of the topics of corrections."""
CORRECTING = tuple(topic for topic in FACTS if topic.endswith(ENDINGS))
SCANNED = 5_000
"""How many positions a page covers at most, however few corrections are among them."""


def corrections(view: View, reader: Reader, *, after: str | None, limit: int) -> Page[FactTold]:
    """A page of the corrections that the reader may see."""
    (before,) = decode_cursor(after, int) or [view.as_of + 1]
    least = max(0, before - 1 - SCANNED)
    facts = reader.journal.facts.after(least, SCANNED, CORRECTING)
    found: list[Placed] = [*reader.seen(one for one in facts if one.position < before)]
    page, more = cut(found[::-1], limit, lambda one: (one.position,))
    if more is None and least:
        more = encode_cursor(least + 1)
    return Page(history.tell(reader.journal, page), more)
