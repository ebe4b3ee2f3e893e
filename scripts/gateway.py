"""The layer between server and application, which limits what clients can hold, and how long.

A request gets a thread only after it has arrived completely, and returns it whenever it must wait.
So unfinished, waiting or idle requests, however many, never keep others from an answer.
"""

from __future__ import annotations

import asyncio
import io
import logging
import math
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from queue import Full
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication

from api.addresses import HOST
from api.current import ID_HEADER, Visit, enter
from api.entrance import HEADERS
from api.feed import FEED
from api.problems import PROBLEMS, Problem, of_accident
from api.received import MAXIMUM_BODY_BYTES
from api.waiting import COMMUNITY, PATIENCE, MustWait, Patience
from domain.engine.deadline import within
from projections.feed import STREAM
from scripts.streaming import StreamEnded, Streams, when_stopping
from scripts.threads import NotBegun, Threads

log = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ALIVE = "/health"
"""The path of the health check, which has a thread of its own and so never waits for others."""
BODIES_BYTES = 64 * MAXIMUM_BODY_BYTES
"""The most that a process holds in memory of all bodies together."""
WAITING_PER_THREAD = 16
"""The most requests per thread, counting those that are being answered."""
LEAST_SECONDS = 1.0
"""The least time for an answer, even if waiting used up all the time there was."""
LISTENING_SECONDS = 0.5
"""The delay after which a new process is assumed to listen."""
GRACE_SECONDS = 2.0
"""The time a thread gets, after its deadline, to notice it."""
LONGEST_PREFERENCES = 1_000
"""The longest “Accept” header that is read: thousands of media types take half a second."""
NOTHING: Mapping[str, str] = {}
CLOSE = {"Connection": "close"}
"""Ends a connection whose further bytes can't be trusted, or are not read."""


@dataclass(frozen=True)
class ProcessLimits:
    """The limits of one process."""

    threads: int = 4
    seconds: float = 15.0
    """The time for a body to arrive, and again for its answer."""


class Answer(NamedTuple):
    """An HTTP answer, ready to be sent."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream, to be continued with further events."""
        types = (value for name, value in self.headers if name.lower() == "content-type")
        return self.status == 200 and next(types, "").startswith(STREAM)


ALIVE_ANSWER = Answer(200, [("Content-Type", "application/json")], b'{"status":"ok"}\n')


class Gateway:
    """An application as the server calls it (RSGI): asynchronous outside, with threads inside.

    Without an application, it answers only the health check; anything else is told that the
    database does not answer yet.
    """

    def __init__(
        self,
        bounds: ProcessLimits,
        app: WSGIApplication | None = None,
        *,
        root: str = "",
        community: str = "",
    ) -> None:
        self.bounds, self.app = bounds, app
        self._root, self._community = root, community
        """The prefix of its paths, and its community's name; both empty without communities."""
        places = bounds.threads * WAITING_PER_THREAD
        self._threads = Threads("request", bounds.threads, places)
        self._spare = Threads("alive", 1, math.inf)
        self._held_bytes = 0
        self._arriving: dict[asyncio.Timeout, list[bytes]] = {}
        """The bodies that are still arriving, and the time limit of each; the oldest first."""
        self.head: Callable[[], int] = lambda: 0
        """Returns the position up to which facts are folded."""
        self.count: Callable[[int, str], None] = lambda _status, _code: None
        """Counts a problem that the application itself did not answer."""
        self._streams = Streams(self._look, bounds.threads)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server before it listens."""
        loop.call_later(LISTENING_SECONDS, _hang_up_on_those_who_do_not_read, self.bounds.seconds)
        when_stopping(loop, self.end_streams)

    def end_streams(self) -> None:
        """End the streams, for which the server would otherwise wait before it ends."""
        self._streams.end()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server before it ends; finishes all requests that have begun."""
        self._threads.end()
        self._spare.end()
        if not loop.is_running():
            loop.run_until_complete(asyncio.sleep(0))

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request."""
        try:
            _must_be_clear(scope)
            answer = await self._answered(scope, proto)
        except Exception as error:
            answer = self._refused(error, scope)
        if answer is None:
            return
        if answer.is_stream and scope.method == "GET" and not self._streams.is_full:
            host_and_key = map(scope.headers.get, ("host", "authorization"))
            kind = scope.scheme, *host_and_key, scope.path, scope.query_string
            ask = partial(self._on, scope)
            await self._streams.send(proto, answer.headers, answer.body, ask, kind)
        else:
            proto.response_bytes(*answer)

    def _refused(self, error: Exception, scope: Any) -> Answer:
        """The answer to what failed here; a variable of ``__rsgi__`` would keep the body alive."""
        problem = error if isinstance(error, Problem) else of_accident(error)
        self.count(problem.code, problem.problem)
        return told(problem, scope, self._root)

    async def _look(self) -> int:
        return await self._spare.submit(self.head, math.inf)

    async def _on(self, scope: Any, last: str) -> bytes | None:
        """The events of a stream after the id ``last``; None if they can't be had now."""
        answer = await self._asked(scope, b"", None, {"HTTP_LAST_EVENT_ID": last})
        assert answer is not None
        if answer.is_stream:
            return answer.body
        if answer.status < 500 and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            raise StreamEnded
        return None

    async def _answered(self, scope: Any, proto: Any) -> Answer | None:
        """The answer if it is still to be sent; None if the thread that made it has sent it."""
        is_probe = scope.path == self._root + ALIVE and scope.method in SAFE
        if self.app is None:
            if is_probe:
                return ALIVE_ANSWER
            raise Problem("storage_unavailable", "The database has not answered yet.")
        if is_probe:
            environ = {**_environ(scope), **self._placed(scope)}
            ask = partial(_answer, self.app, environ, self.bounds.seconds, proto)
            return await self._spare.submit(ask, math.inf)
        held: list[bytes] = []
        is_feed = scope.path == self._root + FEED
        try:
            await self._receive(scope, proto, held)
            async with self._streams.turn(self.bounds.seconds) if is_feed else nullcontext():
                # With a body held, the answer comes back here, so that its bytes are freed at once.
                return await self._asked(scope, b"".join(held), None if held else proto)
        finally:
            self._held_bytes -= sum(map(len, held))

    async def _receive(self, scope: Any, proto: Any, held: list[bytes]) -> None:
        """Collect the body in ``held``, within the time and barely beyond the size allowed."""
        stated = int(scope.headers.get("content-length", -1))
        if stated == 0 or (stated < 0 and "transfer-encoding" not in scope.headers):
            return
        if stated > MAXIMUM_BODY_BYTES + 1:
            return  # the application refuses it
        limit = asyncio.timeout(self.bounds.seconds)
        try:
            async with limit:
                self._arriving[limit] = held
                await self._receive_parts(proto, held)
        except TimeoutError:
            raise Problem("too_slow", "The body did not arrive in time.", headers=CLOSE) from None
        finally:
            self._arriving.pop(limit, None)
        if stated >= 0 and stated != sum(map(len, held)):
            raise _malformed("The body ended before its stated length.")

    async def _receive_parts(self, proto: Any, held: list[bytes]) -> None:
        length, has_ended = 0, False
        async for part in proto:
            if has_ended:  # an empty part must be the last; otherwise it stands for a malformed one
                raise _malformed("The body is malformed.")
            has_ended = not part
            self._held_bytes += len(part)
            held.append(part)
            length += len(part)
            if length > MAXIMUM_BODY_BYTES:
                return  # the application refuses it
            if self._held_bytes > BODIES_BYTES:
                self._give_up_slowest(held)

    def _give_up_slowest(self, held: list[bytes]) -> None:
        """Free the body that has been arriving for longest, so that slow ones refuse no others."""
        limit, slowest = next(iter(self._arriving.items()))
        if slowest is held:
            raise Problem("overloaded", "Too many bodies are arriving at once.", headers=CLOSE)
        del self._arriving[limit]
        if not limit.expired():
            limit.reschedule(0)
        self._held_bytes -= sum(map(len, slowest))
        slowest.clear()

    async def _asked(
        self, scope: Any, body: bytes, proto: Any, further: Mapping[str, str] = NOTHING
    ) -> Answer | None:
        """The application's answer; after MustWait, asks again once what it waits for is ready."""
        patience, deadline = Patience(), time.monotonic() + self.bounds.seconds
        while True:
            try:
                environ = {**_environ(scope, body, patience), **self._placed(scope), **further}
                return await self._in_thread(environ, deadline, proto)
            except MustWait as later:
                patience.waited.add(later.what)
                left = deadline - time.monotonic()
                await asyncio.wait([asyncio.wrap_future(later.ready)], timeout=left)

    def _placed(self, scope: Any) -> dict[str, str]:
        """With several communities: the parts of the environment that say which one is asked."""
        if not self._community:
            return {}
        path = scope.path.removeprefix(self._root).encode().decode("latin-1")
        return {"SCRIPT_NAME": self._root, "PATH_INFO": path or "/", COMMUNITY: self._community}

    async def _in_thread(
        self, environ: dict[str, Any], deadline: float, proto: Any
    ) -> Answer | None:
        left = max(deadline - time.monotonic(), LEAST_SECONDS)
        assert self.app is not None
        try:
            ask = partial(_answer, self.app, environ, left, proto)
            return await self._threads.submit(ask, left + GRACE_SECONDS)
        except Full:
            raise Problem("overloaded", "Too many requests are waiting.") from None
        except NotBegun:
            raise Problem("overloaded", "No thread was free in time; nothing was done.") from None
        except TimeoutError:
            if environ["REQUEST_METHOD"] in SAFE:
                raise Problem("took_too_long", PROBLEMS["took_too_long"].meaning) from None
            raise Problem(
                "outcome_unknown",
                "The answer was not ready in time. Whether it was recorded is not known: repeat "
                "it with the same id or idempotency key.",
            ) from None


def _hang_up_on_those_who_do_not_read(seconds: float) -> None:
    """Let the kernel close connections whose clients accept no data for this long.

    The server has no such limit. Connections inherit the option from the listening socket.
    """
    folder = Path("/proc/self/fd")
    if not folder.is_dir():  # only Linux has this folder and the option
        return
    for file in folder.iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(file.name))) as one:
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def _must_be_clear(scope: Any) -> None:
    """Refuse a request that another server could read differently (RFC 9112, 3.2 and 6.1)."""
    hosts = scope.headers.get_all("host")
    if len(hosts) > 1 or (not hosts and scope.http_version != "1"):
        raise _malformed("A request names its host once.")
    if any(hosts) and not HOST.fullmatch(hosts[0]):
        raise _malformed("What the request names is no host.")
    if scope.authority is not None and [scope.authority] != hosts:
        raise _malformed("The host of the address is not that of the header.")
    # The server itself refuses several lengths and malformed ones. Given both a length and a
    # transfer encoding, it goes by the encoding and closes the connection afterwards.
    encodings = [one.lower() for one in scope.headers.get_all("transfer-encoding")]
    if encodings not in ([], ["chunked"]):
        raise _malformed("The only transfer encoding is “chunked”.")


def _malformed(detail: str) -> Problem:
    return Problem("bad_request", detail, headers=CLOSE)


def told(problem: Problem, scope: Any, root: str = "") -> Answer:
    """The answer for a problem that never reached the application; logs it."""
    visit = Visit({"SCRIPT_NAME": root})
    visit.name(scope.headers.get(ID_HEADER.lower()) or "")
    enter(visit)
    headers = scope.headers
    is_seen = "text/html" in (headers.get("accept") or "") and "authorization" not in headers
    try:
        log.info("request", extra={"status": problem.code, "code": problem.problem})
        answer = problem.bare_page() if is_seen else problem.answer()
    finally:
        enter(None)
    further = {**HEADERS, "Cache-Control": "no-store", ID_HEADER: visit.id}
    return Answer(answer.status_code, [*answer.headers, *further.items()], answer.get_data())


def _environ(scope: Any, body: bytes = b"", patience: Patience | None = None) -> dict[str, Any]:
    """The request as a WSGI environment (PEP 3333)."""
    (server, port), (client, from_port) = map(_host_and_port, (scope.server, scope.client))
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client,
        "REMOTE_PORT": from_port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    headers = scope.headers
    for name in headers:
        if "_" in name:  # would pass for the header with a hyphen, which a proxy may have set
            continue
        joined = ("; " if name == "cookie" else ", ").join(headers.get_all(name))
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = joined
    if len(environ.get("HTTP_ACCEPT", "")) > LONGEST_PREFERENCES:
        del environ["HTTP_ACCEPT"]  # as if it accepted anything
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_LENGTH", None) or str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    if patience is not None:
        environ[PATIENCE] = patience
    return environ


def _host_and_port(address: str) -> tuple[str, str]:
    """Host and port of an address; an IPv6 host loses its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def _answer(
    app: WSGIApplication, environ: dict[str, Any], seconds: float, proto: Any
) -> Answer | None:
    """Ask the application in this thread, and send its answer.

    Without ``proto``, or if it is a stream, it is returned instead, for the loop to send.
    """
    answer = _call(app, environ, seconds)
    if proto is None or answer.is_stream:
        return answer
    proto.response_bytes(*answer)
    return None


def _call(app: WSGIApplication, environ: dict[str, Any], seconds: float) -> Answer:
    """Ask the application in this thread."""
    begun: list[tuple[int, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        begun.append((int(status.partition(" ")[0]), headers))

    with within(seconds):
        parts = app(environ, start_response)
        try:
            body = b"".join(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()
    return Answer(*begun[-1], body)
