"""Corrections: facts that changed or took back something that was said, the latest first."""

from __future__ import annotations

from domain.fact import FACTS
from domain.money.payout import Payout
from domain.stored import Placed
from projections import history
from projections.money.readers import Reader
from projections.store import Page, View, cut, decode_cursor, encode_cursor
from projections.told import FactTold

ENDINGS = (
    *(".corrected", ".described", ".redated", ".renamed", ".settled", ".struck", ".revoked"),
    *(".withdrawn", ".undone", ".separated", ".merged", ".retired", ".reversed", ".redivided"),
)
"""How the topics of corrections end."""
CORRECTING = tuple(
    topic
    for topic, kind in FACTS.items()
    # A payout that is settled has arrived.
    if topic.endswith(ENDINGS) and kind.SAYS and not issubclass(kind, Payout.Event)
)
SCANNED = 5_000
"""How many positions are looked at for a page, however few corrections are among them."""


def corrections(view: View, reader: Reader, *, after: str | None, limit: int) -> Page[FactTold]:
    """What was corrected, as far as the reader may see it."""
    (before,) = decode_cursor(after, int) or [view.as_of + 1]
    least = max(0, before - 1 - SCANNED)
    facts = reader.journal.facts.after(least, SCANNED, CORRECTING)
    found: list[Placed] = [*reader.seen(one for one in facts if one.position < before)]
    page, more = cut(found[::-1], limit, lambda one: (one.position,))
    if more is None and least:
        more = encode_cursor(least + 1)
    return Page(history.tell(reader.journal, page), more)
