"""The entrance: what every request passes through once, before and after it is answered.

Inside is Flask. It is around Flask, and knows a request by its WSGI environment alone, so that an
answer that is already known needs nothing of Flask. A request that is refused here is answered by
Flask all the same, which writes every problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response

from api import cross_origin
from api.addresses import Addresses, Context
from api.current import READS, Visit, enter, the_visit
from api.limits import headers_of

if TYPE_CHECKING:
    from api.access import Observer

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response: no scripts, no content sniffing, no referrer."""


class Inside(Flask):
    """Flask as the entrance leads to it: with what is known of the request, and its refusal."""

    url_map: Addresses
    url_map_class = Addresses
    app_ctx_globals_class = staticmethod(the_visit)  # type: ignore[assignment]
    count: Callable[[int, str], None]
    """Counts a problem, by its status and code, that the gateway answered in its place."""

    def request_context(self, environ: WSGIEnvironment) -> Context:
        """The context in which the entrance looked for the route, if it did."""
        found = the_visit().context
        if isinstance(found, Context) and found.request.environ is environ:
            return found
        return Context(self, environ)

    def preprocess_request(self) -> Any:
        """Raise why the entrance refused the request, so that it is answered like any problem."""
        visit = the_visit()
        refused, visit.refused = visit.refused, None
        try:
            if refused is not None:
                raise refused
        finally:
            del refused  # its traceback refers to this frame
        return super().preprocess_request()


class Entrance:
    """An application as it is served."""

    def __init__(
        self,
        app: Inside,
        observer: Observer,
        admit: Callable[[Visit], None],
        known: Callable[[Visit], WSGIApplication | None],
        scheme: Callable[[WSGIEnvironment], str],
    ) -> None:
        """``admit`` raises what forbids a request; ``known`` returns an answer that still holds;
        ``scheme`` is that of the address which the client asked.
        """
        self._app, self._inside = app, app.wsgi_app
        self._observer, self._admit, self._known = observer, admit, known
        self._scheme = scheme

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        environ["wsgi.url_scheme"] = self._scheme(environ)
        visit = self._observer.begin(environ)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            headers = _completed(headers, visit)
            headers.append(self._observer.answered(visit, int(status[:3])))
            return start_response(status, headers, *error)

        enter(visit)
        try:
            return self._answer(visit)(environ, start)
        finally:
            enter(None)
            self._observer.end()

    def _answer(self, visit: Visit) -> WSGIApplication:
        """What answers the request."""
        environ = visit.environ
        try:
            self._find_route(visit)
            if cross_origin.is_preflight(environ):
                return Response(status=204, headers=cross_origin.PREFLIGHT)
            self._admit(visit)
            if (known := self._known(visit)) is not None:
                return known
        except Exception as refused:
            visit.refused = refused
        return self._inside

    def _find_route(self, visit: Visit) -> None:
        environ, routes = visit.environ, self._app.url_map
        if (known := routes.known(environ)) is not None:
            visit.rule, visit.values = known
            return
        visit.context = context = self._app.request_context(environ)
        if context.url_adapter is not None:
            context.match_request()
        if (rule := context.request.url_rule) is not None:
            values = context.request.view_args or {}
            routes.remember(environ, rule, values)
            visit.rule, visit.values = rule, values


def _completed(headers: list[tuple[str, str]], visit: Visit) -> list[tuple[str, str]]:
    """The headers of an answer, with those that it lacks."""
    # A response to a key, or to what somebody sent, is for them alone.
    is_kept = visit.method in READS and visit.actor is None
    usual = {**HEADERS, "Cache-Control": "no-cache" if is_kept else "no-store"}
    if cross_origin.is_shared(visit.environ):
        usual |= cross_origin.HEADERS
    given = {name.lower() for name, _ in headers}
    further = [told for told in usual.items() if told[0].lower() not in given]
    return [*headers, *further, *headers_of(visit.standing)]
