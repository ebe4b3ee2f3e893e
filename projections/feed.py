"""The change feed: all public facts as CloudEvents, in the order of the journal.

An event's id is the position of its fact and its type is the topic, so both are stable. Missing
positions belong to facts that are not public.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Annotated, NamedTuple, TypedDict

from domain.claim import CONTRIBUTOR
from domain.fact import Fact
from domain.journal import Journal
from domain.stored import Placed
from domain.value import Example
from domain.values import LINE
from projections.history import tell
from projections.money.readers import ANONYMOUS, Reader
from projections.store import View
from projections.told import FactTold, Instant

SPECIFICATION = "1.0"
ONE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
STREAM = "text/event-stream"
"""The media types of an event, of a list of them, and of events as they happen."""
SCANNED = 500
"""How many facts are read at a time."""
MOST_SCANNED = 5_000
"""How many facts are scanned for an answer at most, however few of them are public."""
RETRY_MS = 3_000
"""How long a client waits before it reconnects after the end of a stream."""


class CloudEvent(TypedDict):
    """A fact as a CloudEvent (structured mode, JSON)."""

    specversion: Annotated[str, "The version of CloudEvents.", Example(SPECIFICATION)]
    id: Annotated[str, "The position of the fact.", Example("43")]
    source: Annotated[str, "The address of this installation.", Example("https://example.org/")]
    type: Annotated[str, "The topic of the fact.", Example("credit.granted")]
    subject: Annotated[str, "What it happened to.", Example(LINE)]
    time: Annotated[Instant, "When the fact was recorded, in UTC."]
    datacontenttype: Annotated[str, "The media type of the data.", Example("application/json")]
    data: FactTold


class Stretch(NamedTuple):
    """The events after a position, and the position up to which the journal was scanned."""

    events: Sequence[CloudEvent]
    upto: int


def stretch(view: View, journal: Journal, source: str, after: int, limit: int) -> Stretch:
    """The next public facts after a position, at most ``limit``, as events."""
    reader = Reader(view, journal, ANONYMOUS)
    found, upto = list[Placed](), after
    while len(found) < limit and upto - after < MOST_SCANNED:
        page = [one for one in journal.facts.after(upto, SCANNED) if one.position <= view.as_of]
        public = reader.seen(one for one in page if is_public(one.fact()))[: limit - len(found)]
        found += public
        is_full = len(found) == limit
        upto = public[-1].position if is_full else page[-1].position if page else upto
        if len(page) < SCANNED:
            break
    return Stretch([event(told, source) for told in tell(journal, found)], upto)


def is_public(happened: Fact) -> bool:
    """Whether others may know of a fact: not if it waits for its contributor's consent."""
    return getattr(happened, "waits_for", None) != CONTRIBUTOR


def event(told: FactTold, source: str) -> CloudEvent:
    """A fact as a CloudEvent."""
    return {
        "specversion": SPECIFICATION,
        "id": str(told["position"]),
        "source": source,
        "type": told["topic"],
        "subject": told["noun"],
        "time": told["recorded_at"],
        "datacontenttype": "application/json",
        "data": told,
    }


def as_stream(found: Stretch) -> str:
    """Events as server-sent events; the last id is the position up to which was scanned."""
    written = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
    told = "".join(
        f"id: {one['id']}\nevent: {one['type']}\ndata: {written(one)}\n\n" for one in found.events
    )
    return f"retry: {RETRY_MS}\n\n{told}id: {found.upto}\n\n"
