"""Requests to a service, whose answers must end in time, however slowly they trickle.

A line keeps its connections open, one for each thread that sends requests: opening one costs the
service more than many answers. If a proxy is in between, or an answer leads elsewhere, each request
has its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from typing import IO, Any, Self
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, proxy_bypass

TIMEOUT_SECONDS = 30
"""How long a service may be silent."""
MOST_SECONDS = 300
"""How long it may take for a whole answer."""


class _Timed(RawIOBase):
    """What a socket receives until the answer is due."""

    def __init__(self, received: Any, sock: Any) -> None:
        self._received, self._sock = received, sock
        self._due = time.monotonic() + MOST_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        left = self._due - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer takes more than {MOST_SECONDS} seconds")
        self._sock.settimeout(min(left, TIMEOUT_SECONDS))
        count: int | None = self._received.readinto(into)
        self._sock.settimeout(TIMEOUT_SECONDS)
        return count

    def close(self) -> None:
        self._received.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: Any, *terms: Any, **named: Any) -> None:
        super().__init__(sock, *terms, **named)
        self.fp = BufferedReader(_Timed(self.fp.detach(), sock))


class _Http(HTTPConnection):
    response_class = _Answer


class _Https(HTTPSConnection):
    response_class = _Answer


KINDS = {"http": _Http, "https": _Https}


class _HttpHandler(request.HTTPHandler):
    def http_open(self, asked: Request) -> HTTPResponse:
        return self.do_open(_Http, asked)


class _HttpsHandler(request.HTTPSHandler):
    def https_open(self, asked: Request) -> HTTPResponse:
        return self.do_open(_Https, asked)


class _Redirected(request.HTTPRedirectHandler):
    """Closes the answer that leads to what is no address; an HTTPError still has to be read."""

    def http_error_302(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except HTTPError:
            raise
        except Exception:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def open_alone(asked: Request) -> Any:
    """The answer over a connection of its own; raises HTTPError for a refusal."""
    opener = request.OpenerDirector()  # of all protocols, a redirection may lead to these alone
    for handler in (
        request.ProxyHandler(),
        _HttpHandler(),
        _HttpsHandler(),
        request.UnknownHandler(),
        _Redirected(),
        request.HTTPErrorProcessor(),
        request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener.open(asked, timeout=TIMEOUT_SECONDS)


class Connections:
    """Open connections, which are closed at the end of the ``with`` block."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self._open: list[HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open:
            connection.close()

    @contextmanager
    def open(self, asked: Request) -> Iterator[Any]:
        """The answer to a GET request; raises HTTPError for a refusal."""
        answer = None if asked.data is not None or _has_proxy(asked) else self._ask(asked)
        if answer is None or 300 <= answer.status < 400:
            if answer is not None:
                self._connection(asked).close()
            with open_alone(asked) as other:
                yield other
            return
        if answer.status >= 400:
            raise HTTPError(asked.full_url, answer.status, answer.reason, answer.headers, answer)
        try:
            yield answer
        finally:
            if not answer.isclosed():  # the rest of it would precede the next answer
                answer.close()
                self._connection(asked).close()

    def _ask(self, asked: Request) -> HTTPResponse:
        connection = self._connection(asked)
        was_open = connection.sock is not None
        try:
            return _send(connection, asked)
        except (HTTPException, OSError):
            connection.close()
            if not was_open:
                raise
        return _send(connection, asked)  # the service had closed the connection meanwhile

    def _connection(self, asked: Request) -> HTTPConnection:
        kept: dict[str, HTTPConnection] = self._of_thread.__dict__
        there = f"{asked.type}://{asked.host}"
        if there not in kept:
            kept[there] = KINDS[asked.type](asked.host, timeout=TIMEOUT_SECONDS)
            self._open.append(kept[there])
        return kept[there]


def _send(connection: HTTPConnection, asked: Request) -> HTTPResponse:
    connection.request("GET", asked.selector, headers=dict(asked.header_items()))
    return connection.getresponse()


def _has_proxy(asked: Request) -> bool:
    host = urlsplit(asked.full_url).hostname or ""
    return asked.type in getproxies() and not proxy_bypass(host)
