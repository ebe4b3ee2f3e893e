"""One client cannot keep the service from answering the others.

Rule: each attack is made on a real server, and while it lasts another client is answered.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from test_server import KEY, Server, serving, wait_until

from api.received import MAXIMUM_BODY_BYTES
from scripts.benchmarks.layout import lineage
from scripts.bundle import FoundLine, import_lines
from scripts.gateway import BODIES_BYTES
from scripts.service import open_service

REQUEST_SECONDS = 1
HOST = b"Host: stemma.example\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker with four threads that folds nothing, so that what is recorded is waited for."""
    database = f"sqlite:///{tmp_path_factory.mktemp('overload') / 'stemma.db'}"
    settings = {"STEMMA_REQUEST_SECONDS": str(REQUEST_SECONDS)}
    with serving(database, "--no-follow", "--workers", "1", **settings) as running:
        running.admit("Ana")
        yield running


@contextmanager
def connected(server: Server, *, count: int, sending: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent this."""
    with ExitStack() as held:
        sockets = []
        for _ in range(count):
            one = held.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            one.settimeout(4 * REQUEST_SECONDS)
            one.sendall(sending)
            sockets.append(one)
        yield sockets


def all_of(one: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    parts = []
    try:
        while part := one.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def others_are_answered(server: Server) -> None:
    for path in ("/health", "/works", "/health", "/works"):
        before = time.monotonic()
        assert server.ask(path)[0] == 200
        assert time.monotonic() - before < 2


def trickle(server: Server, sockets: list[socket.socket], part: bytes) -> None:
    """Send a little now and then, for not quite as long as a request may take to arrive."""
    deadline = time.monotonic() + REQUEST_SECONDS / 2
    while time.monotonic() < deadline:
        for one in sockets:
            one.sendall(part)
        others_are_answered(server)
        time.sleep(0.1)


def at_once(count: int, ask: Callable[[], Any]) -> list[Any]:
    """What so many clients were answered who asked at the same moment."""
    answers: list[Any] = []
    clients = [threading.Thread(target=lambda: answers.append(ask())) for _ in range(count)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return answers


# -- what is not finished --------------------------------------------------------------------


def test_unfinished_bodies_hold_no_thread_and_end_in_time(server: Server) -> None:
    begun = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 1000\r\n\r\nkey="
    with connected(server, count=100, sending=begun) as sockets:
        others_are_answered(server)
        for one in sockets:
            answer = all_of(one)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"code": "too_slow"' in answer


def test_in_a_browser_what_never_reached_the_application_is_a_page(server: Server) -> None:
    begun = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 1000\r\n"
    browser = begun + b"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    program = browser + b"Authorization: Bearer none\r\n"
    for sent, kind in ((browser, b"text/html"), (program, b"application/problem+json")):
        with connected(server, count=1, sending=sent + b"\r\nkey=") as (one,):
            answer = all_of(one)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"content-type: " + kind in answer.lower()
        assert b"The body did not arrive in time." in answer


def test_large_bodies_that_never_end_refuse_no_other(tmp_path: Path) -> None:
    """However much memory they hold: the slowest is given up for what arrives."""
    begun = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM + b"Transfer-Encoding: chunked\r\n\r\n"
    begun += b"%x\r\n" % MAXIMUM_BODY_BYTES + bytes(MAXIMUM_BODY_BYTES) + b"\r\n"
    settings = {"STEMMA_REQUEST_SECONDS": "60"}
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, "--workers", "1", **settings) as server:
        count = BODIES_BYTES // MAXIMUM_BODY_BYTES + 6
        with connected(server, count=count, sending=begun) as sockets:
            server.admit("Ana")
            assert sockets[0].recv(1 << 16).startswith(b"HTTP/1.1 408 ")
            sockets[-1].sendall(b"0\r\n\r\n")
            assert sockets[-1].recv(1 << 16).startswith(b"HTTP/1.1 401 ")


def test_idle_connections_hold_no_thread_and_end_in_time(server: Server) -> None:
    with connected(server, count=400) as sockets:
        others_are_answered(server)
        assert all(all_of(one) == b"" for one in sockets)


@pytest.mark.slow
def test_connections_that_are_kept_alive_hold_no_thread_and_end_in_time(server: Server) -> None:
    asked = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    with connected(server, count=200, sending=asked) as sockets:
        others_are_answered(server)
        assert all(all_of(one).startswith(b"HTTP/1.1 200 ") for one in sockets)


@pytest.mark.slow
def test_headers_that_trickle_hold_no_thread_and_end_in_time(server: Server) -> None:
    with connected(server, count=100, sending=b"GET / HTTP/1.1\r\n") as sockets:
        trickle(server, sockets, b"X: y\r\n")
        assert all(b"200" not in all_of(one) for one in sockets)


@pytest.mark.slow
def test_chunks_without_end_hold_no_thread_and_end_in_time(server: Server) -> None:
    begun = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM + b"Transfer-Encoding: chunked\r\n\r\n"
    with connected(server, count=50, sending=begun) as sockets:
        trickle(server, sockets, b"1\r\na\r\n")
        assert all(all_of(one).startswith(b"HTTP/1.1 408 ") for one in sockets)


def test_an_address_is_read_as_utf_8_whether_it_is_escaped_or_not(server: Server) -> None:
    for query in ("q=Zoë", "q=Zo%C3%AB", "q=%ff", "q=東京"):
        asked = f"GET /works?{query} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n".encode()
        with connected(server, count=1, sending=asked + HOST + b"\r\n") as (one,):
            assert one.recv(100).startswith(b"HTTP/1.1 200 "), query


def test_chunks_that_are_too_many_are_refused_before_their_end(server: Server) -> None:
    begun = b"POST /contributors HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
    key = b"Authorization: Bearer " + KEY.encode() + b"\r\nContent-Type: application/json\r\n\r\n"
    with connected(server, count=1, sending=begun + key) as (one,):
        one.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n10\r\n" + b" " * 16 + b"\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_answers_that_nobody_reads_hold_no_thread(server: Server) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
    with connected(server, count=60, sending=asked * 2):
        others_are_answered(server)


@pytest.mark.slow
def test_those_who_do_not_read_are_hung_up_on(server: Server) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", server.port))
        one.sendall(asked * 60)
        wait_until(lambda: "ESTAB" in connections_from(one), seconds=30)
        wait_until(lambda: "ESTAB" not in connections_from(one), seconds=10)


def connections_from(one: socket.socket) -> str:
    """The state of a connection as its other end sees it, by the system's table."""
    host, port = one.getsockname()
    mine = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines():
        _, _, remote, state, *_ = line.split()
        if remote == mine:
            return {"01": "ESTAB"}.get(state, state)
    return ""


# -- what takes long -------------------------------------------------------------------------


def test_a_position_beyond_the_journal_is_refused_at_once(server: Server) -> None:
    before = time.monotonic()
    path = f"/works?min_position={2**53 - 1}"
    for status, problem in at_once(28, lambda: server.ask(path)):
        assert (status, problem["code"]) == (422, "position_in_future")
    assert time.monotonic() - before < 1


@pytest.mark.parametrize(
    "path", ["/works?min_position=1", "/contributors?as_of=1", "/?min_position=1"]
)
@pytest.mark.slow
def test_waiting_for_a_position_holds_no_thread(server: Server, path: str) -> None:
    answers: list[Any] = []
    before = time.monotonic()
    waiting = threading.Thread(target=lambda: answers.extend(at_once(60, lambda: server.ask(path))))
    waiting.start()
    time.sleep(0.3)
    others_are_answered(server)
    assert waiting.is_alive()
    waiting.join()
    assert time.monotonic() - before < 4
    for status, problem in answers:
        assert (status, problem["code"]) == (503, "projections_behind")


def test_long_lists_of_media_types_keep_nobody_waiting(server: Server) -> None:
    """Without a key: each would take half a second of processor time, before it is refused."""
    asked = b"GET /works HTTP/1.1\r\n" + HOST + b"Accept: " + b"a/b," * 15_000 + b"\r\n\r\n"
    with connected(server, count=40, sending=asked) as sockets:
        others_are_answered(server)
        assert all(one.recv(12) == b"HTTP/1.1 401" for one in sockets)


# -- what could be read in two ways ----------------------------------------------------------

MALFORMED = {
    "two hosts": b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "the same host twice": b"GET /health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "what is no host": b"GET /health HTTP/1.1\r\nHost: a b\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "another host in the address": b"GET http://evil/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of lengths": b"Content-Length: 4, 4\r\n\r\nabcd",
    "a length with a sign": b"Content-Length: +4\r\n\r\nabcd",
    "a chunk without a length": b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nzz\r\n0\r\n\r\n",
    "a chunk longer than said": b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcdefgh\r\n0\r\n\r\n",
    "a trailer": b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nX: y\r\n\r\n",
    "an unknown encoding": b"Transfer-Encoding: xchunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    "two encodings": b"Transfer-Encoding: gzip, chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an encoding that is not the last": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Content-Length : 4\r\n\r\nabcd",
    "a folded header": b"X: a\r\n b\r\n\r\n",
    "a header without a colon": b"nothing\r\n\r\n",
    "a huge header": b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    "too many headers": b"".join(b"X-%d: y\r\n" % number for number in range(300)) + b"\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_refused_and_closes_the_connection(
    server: Server, sent: bytes
) -> None:
    if not sent.startswith(b"GET"):
        sent = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM + sent
    before = time.monotonic()
    with connected(server, count=1, sending=sent) as (one,):
        assert all_of(one)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")
    assert time.monotonic() - before < 1


@pytest.mark.parametrize("order", [1, -1])
def test_what_follows_a_body_with_length_and_encoding_is_never_a_request(
    server: Server, order: int
) -> None:
    """The connection ends with the first answer, so nothing can be smuggled in behind it."""
    headers = [b"Content-Length: 4\r\n", b"Transfer-Encoding: chunked\r\n"][::order]
    begun = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM + b"".join(headers) + b"\r\n0\r\n\r\n"
    smuggled = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    with connected(server, count=1, sending=begun + smuggled) as (one,):
        assert all_of(one).count(b"HTTP/1.1 ") == 1


def test_the_name_of_an_encoding_has_capitals_or_none(server: Server) -> None:
    """Source: RFC 9112, 7."""
    sent = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM + b"Transfer-Encoding: Chunked\r\n"
    with connected(server, count=1, sending=sent + b"\r\n4\r\nabcd\r\n0\r\n\r\n") as (one,):
        assert one.recv(12) == b"HTTP/1.1 401"


def test_a_header_with_an_underscore_stands_for_none_with_a_hyphen(server: Server) -> None:
    """A proxy that sets or removes a header lets its likeness pass."""
    sent = b"GET /health HTTP/1.1\r\n" + HOST + b"X_Request_Id: 0123456789abcdef\r\n"
    with connected(server, count=1, sending=sent + b"Connection: close\r\n\r\n") as (one,):
        answer = all_of(one)
    assert answer[:12] == b"HTTP/1.1 200"
    assert b"0123456789abcdef" not in answer


def test_only_http_1_is_served(server: Server) -> None:
    with connected(server, count=1, sending=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)) as (
        one,
    ):
        assert b"200" not in all_of(one)


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    asked = b"GET %s HTTP/1.1\r\n" + HOST + b"\r\n"
    sent = asked % b"/health" * 50 + asked % b"/nowhere"
    with connected(server, count=1, sending=sent) as (one,):
        answers = all_of(one)
    assert answers.count(b"HTTP/1.1 200 ") == 50
    assert answers.rindex(b"HTTP/1.1 200 ") < answers.index(b"HTTP/1.1 401 ")


# -- pictures --------------------------------------------------------------------------------

WORKS = 3_000


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of works with thousands of ancestors."""
    database = f"sqlite:///{tmp_path_factory.mktemp('wide') / 'stemma.db'}"
    with open_service(database) as service:
        sources: dict[int, list[int]] = {}
        for child, parent in lineage(WORKS, seed=1):
            sources.setdefault(child, []).append(parent)
        pieces = [piece(work, sources.get(work, [])) for work in reversed(range(WORKS))]
        import_lines(service.journal, [FoundLine("", piece) for piece in pieces])
        service.follower.catch_up()
    with serving(database, "--workers", "1") as running:
        yield running


def piece(number: int, sources: list[int]) -> dict[str, Any]:
    return {
        "type": "contribution",
        "id": work_id(number),
        "title": f"Work {number}",
        "medium": "text",
        "authors": [],
        "made_at": str(2020 - number // 5),
        "sources": [{"work": work_id(one), "kind": "sample"} for one in sources],
    }


def work_id(number: int) -> str:
    return f"{number:08x}-7a3b-4f0b-9c55-2a8e9d0b9c11"


@pytest.mark.slow
def test_pictures_of_thousands_of_works_keep_nobody_waiting(wide: Server) -> None:
    """They are drawn elsewhere, one at a time, and only so many of their works."""
    numbers = iter(range(6))
    asked = "lineage.png?picture=whole"
    answers: list[int] = []
    drawing = threading.Thread(
        target=lambda: answers.extend(
            at_once(6, lambda: picture_of(wide, f"/works/{work_id(next(numbers))}/{asked}"))
        )
    )
    before = time.monotonic()
    drawing.start()
    while drawing.is_alive():
        others_are_answered(wide)
        time.sleep(0.05)
    assert time.monotonic() - before < 30
    assert set(answers) <= {200, 503, 504}
    assert 200 in answers


def picture_of(server: Server, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status != 200 or body.startswith(b"\x89PNG")
    return answer.status
