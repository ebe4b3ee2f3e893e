"""Observing every request: its id, a line in the access log, metrics, and audit of refusals.

A line names the route, never the requested URL, which may contain ids and words that
somebody searched for. An audit line names an actor by id. Neither contains a key, name or text.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from typing import Any

from flask import Response, request

from api.current import ID_HEADER, Visit
from api.metrics import MEDIA_TYPE, Metrics
from api.problems import Problem
from api.waiting import COMMUNITY

log = logging.getLogger("stemma.access")
audit = logging.getLogger("stemma.audit")

IN_ENVIRON = "HTTP_X_REQUEST_ID"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The methods that are logged and counted by name; any other, perhaps made up, is OTHER."""
OTHER = "other"
REFUSED = {401: "unauthenticated", 403: "forbidden"}


class Observer:
    """Observes the requests of an application."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def begin(self, environ: dict[str, Any]) -> Visit:
        """A request arrives."""
        visit = Visit(environ)
        visit.name(environ.get(IN_ENVIRON, ""))
        if community := environ.get(COMMUNITY):
            visit.bound = {**visit.bound, "community": community}
        self._metrics.begun()
        return visit

    def answered(self, visit: Visit, status: int) -> tuple[str, str]:
        """Its answer is ready; returns the header with its id."""
        seconds = time.perf_counter() - visit.begun
        method = visit.method if visit.method in METHODS else OTHER
        rule, code = visit.rule, visit.problem
        route = "unmatched" if rule is None else rule.rule
        self._metrics.ended(method, route, status, code, seconds)
        told = {"method": method, "route": route, "status": status}
        if code:
            told["code"] = code
        log.info("request", extra={**told, "milliseconds": round(seconds * 1000, 1)})
        if status in REFUSED:
            who = {"actor": visit.actor, "command": _command(visit)}
            audit.warning(REFUSED[status], extra={**who, "code": code})
        return ID_HEADER, visit.id

    def end(self) -> None:
        """Nobody works on it any more: it was answered, or gave up its thread to be repeated."""
        self._metrics.over()


def metrics_page(metrics: Metrics, token: str) -> Callable[[], Response]:
    """What gives the metrics to anyone who sends this token."""

    def show_metrics() -> Response:
        given = request.authorization
        sent = (given.token or "") if given is not None and given.type == "bearer" else ""
        if not hmac.compare_digest(sent.encode(), token.encode()):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem("unauthenticated", "Send the metrics token.", headers=challenge)
        return Response(metrics.exposed(), content_type=MEDIA_TYPE)

    return show_metrics


def _command(visit: Visit) -> str:
    """The name of the requested operation."""
    return (visit.endpoint or "unmatched").rpartition(".")[2]
