"""The website: the answers of the API as HTML pages that work without a script.

Everything a page needs is served here, except media of allowed hosts, and a page contains nothing
that its reader may not see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from flask import Blueprint

from api.authentication import Opening
from api.document import OpenApi
from api.identity.keys import Keys
from api.limits import Limits
from api.notifying import Notifications
from api.subscribing import Subscriptions
from api.web import (
    accounting,
    amending,
    assembling,
    audit,
    auditing,
    choosing,
    citing,
    clearing,
    deciding,
    desk,
    dividing,
    documents,
    drawing,
    finding,
    moderating,
    money,
    own,
    pooling,
    posting,
    producing,
    proposing,
    reading,
    revising,
    sharing,
    signing_in,
    starting,
    talking,
    together,
)
from api.web.frame import Frame
from domain.journal import Journal
from projections.log import Log
from projections.store import Store

ROOMS = (
    *(signing_in, starting, finding, choosing, clearing, citing),
    *(drawing, together, talking, posting, deciding, desk),
    *(moderating, money, accounting, assembling, pooling, amending),
    *(sharing, producing, proposing, dividing, revising, auditing),
)
"""The modules whose pages need only the frame."""


def pages(
    journal: Journal,
    store: Store,
    keys: Keys,
    opening: Opening,
    log: Log,
    document: Callable[[], OpenApi],
    limits: Limits,
    theirs: Subscriptions,
    mail: Notifications,
    *,
    public: bool,
    media_hosts: Collection[str] = (),
    contact: str = "",
) -> Blueprint:
    """The blueprint with every page; if ``public``, pages that only read require no signing in.

    Media from ``media_hosts`` are shown within pages; ``contact`` is where the operator is reached.
    """
    said = (journal, store, keys, opening, limits)
    frame = Frame(*said, public=public, media_hosts=media_hosts, contact=contact)
    documents.pages(frame, document)
    own.pages(frame, theirs, mail)
    reading.pages(frame, log)
    audit.pages(frame, log)
    for room in ROOMS:
        room.pages(frame)
    return frame.blueprint


def is_page(endpoint: str | None) -> bool:
    """Whether an endpoint is a page or a static file; pages check access themselves."""
    return endpoint == "static" or (endpoint or "").startswith("pages.")
