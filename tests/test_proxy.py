"""The proxy of the compose file, run as it is: what it reads, it reads whole and in time.

Rule: its configuration is the one in the repository; only addresses and folders differ.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_overload import FORM, HOST, all_of, connected, others_are_answered
from test_server import ROOT, Server, free_port, serving, wait_until

CONFIGURATION = ROOT / "scripts/deploy/nginx.conf"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The proxy in front of one worker."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("no nginx (Debian: apt install nginx-light; scripts/test does it where it may)")
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    with serving(f"sqlite:///{folder / 'stemma.db'}", "--workers", "1") as behind:
        path = folder / "nginx.conf"
        path.write_text(adapted(folder, port, behind.port))
        command = [nginx, "-e", str(folder / "errors"), "-c", str(path), "-g", "daemon off;"]
        with subprocess.Popen(command) as process:
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
        "error_log /dev/stderr warn;": f"error_log {folder}/errors;",
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
        b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
    ids=["two hosts", "no host", "two lengths", "a bad chunk", "a huge header"],
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
