"""Pages for people: what the API answers, as HTML that works without a script.

The one rule: everything a page needs is served here, and what its reader may not see is not in it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from api.keys import Keys
from api.sessions import Sessions
from api.web import (
    audit,
    deciding,
    desk,
    documents,
    drawing,
    finding,
    money,
    posting,
    proposing,
    reading,
    revising,
    signing_in,
)
from api.web.frame import Frame
from domain.journal import Journal
from projections.log import Log
from projections.store import Store


def pages(
    journal: Journal,
    store: Store,
    keys: Keys,
    log: Log,
    document: dict[str, Any],
    *,
    public: bool,
) -> Blueprint:
    """Every page; ``public`` lets those be read without signing in that only read."""
    frame = Frame(journal, store, keys, Sessions(store.engine, keys), public=public)
    documents.pages(frame, document)
    signing_in.pages(frame)
    finding.pages(frame)
    reading.pages(frame, log)
    drawing.pages(frame)
    posting.pages(frame)
    deciding.pages(frame)
    desk.pages(frame)
    money.pages(frame)
    proposing.pages(frame)
    revising.pages(frame)
    audit.pages(frame, log)
    return frame.blueprint


def is_page(endpoint: str | None) -> bool:
    """Whether an endpoint is a page, or what a page is made of; pages look after themselves."""
    return endpoint == "static" or (endpoint or "").startswith("pages.")
