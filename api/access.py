"""Observing every request: its id, a line in the access log, metrics, and audit of refusals.

A line names the route, never the requested URL, which may contain ids and words that
somebody searched for. An audit line names an actor by id. Neither contains a key, name or text.
"""

from __future__ import annotations

import hmac
import logging
import re
import time
from random import getrandbits

from flask import Flask, Request, Response, request
from structlog.contextvars import bind_contextvars

from api.current import noted, the_request
from api.metrics import MEDIA_TYPE, Metrics
from api.problems import Problem
from api.waiting import COMMUNITY

log = logging.getLogger("stemma.access")
audit = logging.getLogger("stemma.audit")

HEADER, IN_ENVIRON = "X-Request-Id", "HTTP_X_REQUEST_ID"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
"""A proxy's id is reused only in this form; anything else could forge log lines."""

REFUSED = {401: "unauthenticated", 403: "forbidden"}


def observe(app: Flask, metrics: Metrics, token: str | None) -> None:
    """Observe every request of an application; must be called before anything else is registered.

    With a token, /metrics gives the metrics to anyone who sends it.
    """

    def begin() -> None:
        environ, now = the_request().environ, noted()
        now.begun = time.perf_counter()
        given = environ.get(IN_ENVIRON, "")
        now.request_id = id = given if ACCEPTED_ID.fullmatch(given) else f"{getrandbits(128):032x}"
        bind_contextvars(request_id=id)  # in place of that of the request before
        if community := environ.get(COMMUNITY):
            bind_contextvars(community=community)
        metrics.begun()

    def end(answer: Response) -> Response:
        asked, now, status = the_request(), noted(), answer.status_code
        seconds = time.perf_counter() - now.begun
        method, rule = asked.method, asked.url_rule
        route, code = "unmatched" if rule is None else rule.rule, now.get("problem", "")
        metrics.ended(method, route, status, code, seconds)
        told = {"method": method, "route": route, "status": status}
        if code:
            told["code"] = code
        log.info("request", extra={**told, "milliseconds": round(seconds * 1000, 1)})
        if status in REFUSED:
            who = {"actor": now.get("actor"), "command": _command(asked)}
            audit.warning(REFUSED[status], extra={**who, "code": code})
        answer.headers.add(HEADER, now.request_id)
        return answer

    def show_metrics() -> Response:
        given = request.authorization
        sent = (given.token or "") if given is not None and given.type == "bearer" else ""
        if token is None or not hmac.compare_digest(sent.encode(), token.encode()):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem("unauthenticated", "Send the metrics token.", headers=challenge)
        return Response(metrics.exposed(), content_type=MEDIA_TYPE)

    app.before_request(begin)
    app.after_request(end)
    # Also after a request that gave up its thread and will be repeated.
    app.teardown_request(lambda _: metrics.over())
    if token is not None:
        app.add_url_rule("/metrics", "metrics", show_metrics)


def _command(asked: Request) -> str:
    """The name of the requested operation."""
    return (asked.endpoint or "unmatched").rpartition(".")[2]
