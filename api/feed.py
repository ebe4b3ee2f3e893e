"""The change feed over HTTP: events in batches, or as server-sent events.

Open to everybody where the pages are. A stream is answered as far as it goes; a server that can
keep it open asks again with the last id (see scripts.streaming), and so does every client.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from api.asking import form_asked, must_be_recorded, viewing
from api.fields import ExactSchema, Whole
from api.operations import documented, of_query, schema_like
from api.received import read_query
from api.results import schema_of
from api.routes import Routes
from domain.journal import Journal
from domain.text import whole
from domain.value import LARGEST_POSITION
from projections.feed import BATCH, STREAM, CloudEvent, Stretch, as_stream, stretch
from projections.store import Store

FEED = "/feed"
MOST = 200
"""The most events in an answer."""
GOES_ON = {
    "Link": {
        "description": "Of a batch: where to go on (RFC 8288).",
        "schema": schema_like('</feed?after=43>; rel="next"'),
    }
}
"""The header of a batch in the OpenAPI document."""
EVENT = 'id: 43\nevent: credit.granted\ndata: {"specversion": "1.0", "id": "43", …}\n\n'
"""An event of a stream in the OpenAPI document."""
LAST_EVENT_ID = {
    "in": "header",
    "name": "Last-Event-ID",
    "description": "Of a stream: the id of the last event that was received; it goes on after it.",
    "schema": schema_like("43"),
}
"""The header by which browsers go on, in the OpenAPI document."""


class After(ExactSchema):
    """Where the feed is read."""

    after = Whole(
        0,
        LARGEST_POSITION,
        42,
        "Only what is recorded after this position; default from the first.",
    )
    limit = Whole(1, MOST, 20, f"How many events at most; default {MOST}.")


def feed(journal: Journal, store: Store, *, public: bool) -> Routes:
    """The route of the feed."""
    routes = Routes("feed", "Every public fact as it is recorded.", journal, store)

    def show_feed() -> Response:
        """Every fact that everybody may read, as CloudEvents in the order of the journal.

        The id of an event is its position, so what is received twice can be dropped. “Link” says
        where to go on: a receiver that asks there misses nothing. An answer is empty also where
        thousands of facts in a row are not public. With “Accept: text/event-stream” the events are
        sent as they happen, after “Last-Event-ID” if there is one: each with its position as “id”,
        its type as “event” and itself as “data”. Open to everybody where the pages are public;
        otherwise to every key.
        """
        asked = read_query(After)
        is_stream = form_asked({"batch": BATCH, "stream": STREAM}) == "stream"
        after = asked.get("after", 0)
        last = whole(request.headers.get("Last-Event-ID", "")) if is_stream else None
        if last is not None:
            after = max(after, min(last, LARGEST_POSITION))
        with viewing(journal, store, {}) as view:
            if after > view.as_of:
                must_be_recorded(journal, after, "after")
            found = stretch(view, journal, request.root_url, after, asked.get("limit", MOST))
        if is_stream:
            answer = Response(as_stream(found), content_type=f"{STREAM}; charset=utf-8")
        else:
            answer = _as_batch(found, {"limit": asked["limit"]} if "limit" in asked else {})
        answer.vary.add("Accept")
        return answer

    def doc() -> dict[str, Any]:
        batch = {"schema": {"type": "array", "items": schema_of(CloudEvent)}}
        events = {"schema": {"type": "string"}, "example": EVENT}
        content = {BATCH: batch, STREAM: events}
        answers = {"200": {"description": "The events.", "content": content, "headers": GOES_ON}}
        codes = ["unauthenticated", "storage_unavailable", "projections_behind", "not_acceptable"]
        codes += ["position_in_future", *of_query(After)]
        told = documented(show_feed, answers, codes, After)
        return {**told, "parameters": [*told["parameters"], LAST_EVENT_ID]}

    routes.add("GET", FEED, show_feed, "show_feed", doc, public=public)
    return routes


def _as_batch(found: Stretch, asked: dict[str, int]) -> Response:
    answer = Response(json.dumps(found.events, ensure_ascii=False), content_type=BATCH)
    query = urlencode({"after": found.upto, **asked})
    answer.headers["Link"] = f'<{request.script_root}{request.path}?{query}>; rel="next"'
    return answer
