"""The proxy of the compose file, run as it is: what it reads, it reads whole and in time.

Rule: its configuration is the one in the repository; only addresses and folders differ.
"""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import pytest
from test_overload import FORM, HOST, all_of, connected, others_are_answered
from test_server import ROOT, Server, serving, wait_until

from api.problems import MEDIA_TYPE, PROBLEMS, problem_uri
from scripts.benchmarks.load import free_port

CONFIGURATION = ROOT / "scripts/deploy/nginx.conf"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The proxy in front of one worker."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("no nginx (Debian: apt install nginx-light; scripts/test does it where it may)")
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    database = f"sqlite:///{folder / 'stemma.db'}"
    with serving(database, "--workers", "1", STEMMA_TRUSTED_PROXIES="127.0.0.1") as behind:
        path = folder / "nginx.conf"
        path.write_text(adapted(folder, port, behind.port))
        command = [nginx, "-e", str(folder / "errors"), "-c", str(path), "-g", "daemon off;"]
        # Under systemd, what it reports goes into a socket.
        reading, writing = socket.socketpair()
        with reading, writing, subprocess.Popen(command, stderr=writing) as process:
            proxy = Server(process, port)  # type: ignore[arg-type]
            try:
                wait_until(proxy.is_ready, process)  # type: ignore[arg-type]
                yield proxy
            finally:
                process.terminate()


def adapted(folder: Path, port: int, behind: int) -> str:
    """The configuration for these ports, writing only into this folder."""
    text = CONFIGURATION.read_text()
    for here, there in {
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "server api:8000": f"server 127.0.0.1:{behind}",
        "pid /run/nginx.pid;": f"pid {folder}/pid;",
        "worker_processes auto;": "worker_processes 1;",
        "# set_real_ip_from 172.16.0.0/12;": "set_real_ip_from 127.0.0.1;",
        "http {": "http {\n"
        + "".join(
            f"    {kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }.items():
        assert text.count(here) == 1, here
        text = text.replace(here, there)
    return text


ATTACKS = {
    "unfinished bodies": b"POST /sign-in HTTP/1.1\r\n"
    + HOST
    + FORM
    + b"Content-Length: 9\r\n\r\nk",
    "chunks without end": b"POST /sign-in HTTP/1.1\r\n"
    + HOST
    + FORM
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    "unfinished headers": b"GET / HTTP/1.1\r\nX: y\r\n",
    "nothing at all": b"",
    "answers that nobody reads": (b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n") * 2,
}


REFUSED = [
    ("bad_request", b"GARBAGE\r\n\r\n"),
    ("bad_request", b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n"),
    ("bad_request", b"GET / HTTP/3.0\r\n" + HOST + b"\r\n"),
    ("bad_request", b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
    ("method_not_allowed", b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("not_found", b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("too_large", b"POST /keys HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999\r\n\r\n"),
    ("address_too_long", b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("headers_too_large", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 40_000 + b"\r\n\r\n"),
]


@pytest.mark.parametrize("code, sent", REFUSED)
def test_what_the_proxy_refuses_is_a_problem_with_its_code(
    proxied: Server, code: str, sent: bytes
) -> None:
    answer, body = answered(proxied, sent)
    problem = json.loads(body)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert problem["code"] == code
    assert problem["status"] == answer.status == PROBLEMS[code].status
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_a_form_from_an_address_with_a_port_is_from_this_site(proxied: Server) -> None:
    """A browser names the port in both headers, unless it is the usual one."""
    host = b"stemma.example:8080"
    sent = b"POST /sign-in HTTP/1.1\r\nHost: " + host + b"\r\nOrigin: http://" + host + b"\r\n"
    sent += FORM + b"Content-Length: 5\r\n\r\nkey=x"
    answer, _ = answered(proxied, sent)
    assert answer.status == 401, "only the key is wrong"


def test_clients_of_a_proxy_in_front_are_told_apart(proxied: Server) -> None:
    """Who sends one invalid key after another keeps nobody else from trying theirs."""
    sent = b"GET /works HTTP/1.1\r\nAuthorization: Bearer x\r\nX-Forwarded-For: %s\r\n" + HOST
    tries = [answered(proxied, sent % b"203.0.113.7" + b"\r\n")[0].status for _ in range(30)]
    assert (tries[0], tries[-1]) == (401, 429)
    assert answered(proxied, sent % b"203.0.113.8" + b"\r\n")[0].status == 401


def test_every_problem_of_the_proxy_is_one_of_the_service() -> None:
    told = re.findall(r"return (\d+) '({.*})'", CONFIGURATION.read_text())
    for status, text in told:
        problem = json.loads(text)
        assert problem["status"] == int(status) == PROBLEMS[problem["code"]].status
        assert problem["type"] == problem_uri(problem["code"])
    assert {code for code, _ in REFUSED} <= {json.loads(text)["code"] for _, text in told}


def answered(server: Server, sent: bytes) -> tuple[HTTPResponse, bytes]:
    """The answer to what is sent as it is."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer, answer.read()


@pytest.mark.parametrize("sent", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.slow
def test_one_client_keeps_nobody_waiting(proxied: Server, sent: bytes) -> None:
    with connected(proxied, count=40, sending=sent):
        others_are_answered(proxied)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["two hosts", "no host", "two lengths", "a bad chunk"],
)
def test_what_is_malformed_is_refused(proxied: Server, sent: bytes) -> None:
    with connected(proxied, count=1, sending=sent) as (one,):
        assert all_of(one)[:12] == b"HTTP/1.1 400"


def test_an_address_keeps_only_so_many_requests_open(proxied: Server) -> None:
    begun = ATTACKS["unfinished bodies"]
    with connected(proxied, count=80, sending=begun) as sockets:
        time.sleep(0.2)
        refused = 0
        for one in sockets:
            one.setblocking(False)
            try:
                refused += one.recv(12) == b"HTTP/1.1 429"
            except BlockingIOError:
                pass
            except ConnectionResetError:
                refused += 1
        assert 20 <= refused < 80


def test_the_figures_are_not_for_the_world(proxied: Server) -> None:
    with connected(proxied, count=1, sending=b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n") as (
        one,
    ):
        assert one.recv(12) == b"HTTP/1.1 404"
