"""Connections to a service that are kept open, one for each thread that sends requests.

Opening a connection costs the service more than many answers. If a proxy is in between, or an
answer leads elsewhere, each request has its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, proxy_bypass, urlopen

TIMEOUT_SECONDS = 30
KINDS = {"http": HTTPConnection, "https": HTTPSConnection}


class Line:
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
                answer.read()
            with urlopen(asked, timeout=TIMEOUT_SECONDS) as other:
                yield other
            return
        if answer.status >= 400:
            raise HTTPError(asked.full_url, answer.status, answer.reason, answer.headers, answer)
        yield answer
        if not answer.isclosed():  # not read completely: the rest would precede the next answer
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
