"""The application: every route, which of them need a key, and the headers of every response.

It is given everything it needs; it reads no settings and opens nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from flask import Flask, Request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import NullSession, SessionInterface
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from api import proofs, service
from api import web as pages
from api.addresses import CONVERTERS, RuleOnDemand
from api.allowance import Network
from api.authentication import admission
from api.citing import citations
from api.commands import commands
from api.conditional import known_answer
from api.current import Visit
from api.document import document_of
from api.entrance import Entrance, Inside
from api.feed import feed
from api.identity.identities import Identities
from api.identity.issuer import Issuer
from api.identity.keys import Keys
from api.identity.tokens import KeysAndTokens, Tokens
from api.limits import Limits
from api.notifying import Notifications, notifications
from api.own_keys import own_keys
from api.problems import answer_problems, wants_page
from api.questions import questions
from api.received import MAXIMUM_BODY_BYTES
from api.routes import Routes
from api.splits import splits
from api.subscribing import Subscriptions, webhooks
from api.web.frame import page_of
from domain.journal import Journal
from domain.printable import escaped
from projections.log import Log
from projections.readiness import Readiness
from projections.store import Store

METRICS = "metrics"
"""The endpoint of the metrics, which has a token of its own."""

ROOMS = {
    "contributions": "Posted pieces.",
    "releases": "Works published as a whole, made of components.",
    "contributors": "People and groups who can be credited.",
    "works": "Contributions, outside sources and releases.",
    "remixes": "Which work was made from which other.",
    "joins": "Which works are the same.",
    "credits": "Who had which role in which work.",
    "identifiers": "The numbers of works and people in registries.",
    "projects": "Common goals, their steps, and the pieces in them.",
    "hits": "What a search by words finds, ranked.",
    "challenges": "What is asked for, and the pieces that answer.",
    "comments": "What people say about works, projects and challenges, in threads.",
    "pools": "The income of a release.",
    "proposals": "Who shares it, and who has agreed to that.",
    "payouts": "What has been paid, and what is held.",
    "books": "All pools at a glance, for those who keep the books.",
}
"""The sections of the API, each with its description."""


class Json(DefaultJSONProvider):
    """JSON in UTF-8, its keys in the order they were written."""

    sort_keys = False
    ensure_ascii = False
    compact = True

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Escapes what a terminal would interpret, since answers are also read with curl."""
        return escaped(super().dumps(obj, **kwargs))


class NoSession(SessionInterface):
    """Replaces Flask's sessions, which would need a secret key; pages have their own."""

    none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """One object for every request: it refuses to be written to, and is never saved."""
        return self.none


class Compiled(BytecodeCache):
    """A cache of compiled templates, shared by all communities that a process serves."""

    def __init__(self) -> None:
        self._codes = dict[tuple[str, str], Any]()

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


def create_app(
    journal: Journal,
    store: Store,
    keys: Keys,
    log: Log,
    *,
    public_pages: bool = False,
    publish_entries: bool = False,
    issuer: Issuer | None = None,
    metrics_token: str | None = None,
    metrics_folder: str | None = None,
    limits: Limits | None = None,
    webhook_networks: Sequence[Network] = (),
    media_hosts: Collection[str] = (),
    contact: str = "",
    sends_mail: bool = False,
) -> Inside:
    """The WSGI application for a journal, its store, its keys and its log.

    ``public_pages`` lets anybody read the pages; forms and the API still require a key.
    ``publish_entries`` lets anybody read the entries of the log.
    ``issuer`` issues tokens that are accepted besides keys.
    ``metrics_token`` opens /metrics; the workers of one server share ``metrics_folder``.
    ``media_hosts`` are the hosts whose media pages embed; ``contact`` is how to reach the operator.
    ``sends_mail`` says whether people may have notifications by mail.
    ``webhook_networks`` may be reached by webhooks besides public servers.
    ``limits`` bounds how much anybody may ask; without it, nothing does.
    """
    # Only now is the metrics folder in the environment.
    from api.access import Observer, metrics_page
    from api.metrics import Metrics

    app, limits = _empty(), limits or Limits(journal.engine, {})
    opening = KeysAndTokens(keys, issuer and Tokens(issuer, Identities(store.engine)))
    readiness = Readiness(journal, store, log)
    metrics = Metrics(log, readiness, metrics_folder)
    if metrics_token is not None:
        app.add_url_rule("/metrics", METRICS, metrics_page(metrics, metrics_token))
    theirs = Subscriptions(journal, store, webhook_networks)
    mail = Notifications(journal, store, is_sent=sends_mail)
    nouns = [
        *(Routes(name, meaning, journal, store) for name, meaning in ROOMS.items()),
        splits(journal, store),
        own_keys(journal, store, keys),
        webhooks(journal, store, theirs),
        notifications(journal, store, mail),
        service.service(journal, store, readiness),
        feed(journal, store, public=public_pages),
        proofs.proofs(journal, store, log, publish_entries=publish_entries),
    ]
    _register(app, journal, store, log, nouns)
    shared = (journal, store, keys, opening, log, partial(document_of, nouns), limits, theirs, mail)
    website = pages.pages(*shared, public=public_pages, media_hosts=media_hosts, contact=contact)
    app.register_blueprint(website)
    answer_problems(app, page_of)
    public = {endpoint for routes in nouns for endpoint in routes.public}
    admit = admission(opening, limits, is_public=lambda visit: _is_public(visit, public))
    entrance = Entrance(app, Observer(metrics), admit, partial(known_answer, store), limits.scheme)
    app.wsgi_app, app.count = entrance, metrics.count  # type: ignore[method-assign]
    return app


def _register(
    app: Flask, journal: Journal, store: Store, log: Log, nouns: Sequence[Routes]
) -> None:
    """Make the route of each command and question, and register them all."""
    rooms = {routes.noun: routes for routes in nouns}
    commands(journal, log, rooms)
    questions(journal, store, rooms)
    citations(journal, store, rooms["works"])
    for routes in nouns:
        app.register_blueprint(routes.blueprint)


def _empty() -> Inside:
    """An application without a route."""
    app = Inside("api", static_folder="web/static", template_folder="web/templates")
    app.json, app.session_interface = Json(app), NoSession()
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY_BYTES + 1
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # two may be part of a name, such as an idempotency key
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "bytecode_cache": COMPILED}
    app.url_map.converters |= CONVERTERS
    app.url_rule_class = RuleOnDemand
    return app


def _is_public(visit: Visit, public: Collection[str]) -> bool:
    """Whether no key is required; a person at an unknown address gets a 404, not a sign-in page."""
    endpoint, context = visit.endpoint, visit.context
    if endpoint is None:
        return context is not None and wants_page(context.request)
    return pages.is_page(endpoint) or endpoint in public or endpoint == METRICS
