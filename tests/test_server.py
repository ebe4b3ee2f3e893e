"""The real server loses nothing it acknowledged, whatever becomes of it.

Rule: everything here goes through real processes and real HTTP.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from test_pages import Reader

from domain.commands.admitting import AdmitContributor
from scripts.benchmarks.load import free_port
from scripts.service import Service, open_service

ROOT = Path(__file__).resolve().parents[1]
KEY = "the-key-of-these-tests-VQ3rT9xk2mZp7LwY"
STEMMA = (sys.executable, "-m", "scripts.stemma")
BEN = "0f0e8e6b-7a3b-4f0b-9c55-2a8e9d0b9c11"


class Server:
    """A running `stemma serve`, and questions to it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def ask(self, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, json.load(problem)

    def admit(self, name: str) -> Any:
        status, receipt = self.ask("/contributors", {"name": name})
        assert status == 201, receipt
        return receipt

    def is_ready(self) -> bool:
        with suppress(OSError):
            return self.ask("/ready")[0] == 200
        return False


@contextmanager
def started(
    *words: str, output: IO[str] | int = subprocess.PIPE, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, ended at the end by force if need be."""
    process = subprocess.Popen(
        [*STEMMA, *words],
        cwd=ROOT,
        env=os.environ | {"STEMMA_OPERATOR_KEY": KEY} | settings,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextmanager
def serving(database: str, *words: str, port: int = 0, **settings: str) -> Iterator[Server]:
    """`stemma serve` on a free port, ready."""
    port = port or free_port()
    settings = {"STEMMA_DATABASE": database, "STEMMA_PORT": str(port)} | settings
    # Into a file: once a pipe that nobody reads is full, a line of the log would wait for ever.
    with (
        TemporaryFile("w+") as output,
        started("serve", *words, output=output, **settings) as process,
    ):
        server = Server(process, port)
        try:
            wait_until(server.is_ready, process)
        except BaseException:
            output.seek(0)
            sys.stdout.write(output.read()[-5000:])
            raise
        yield server


def wait_until(
    holds: Callable[[], bool], process: subprocess.Popen[str] | None = None, seconds: float = 30
) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if process is not None and process.poll() is not None:
            pytest.fail(f"it ended: {process.communicate()[0]}")
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def alive(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def prepared(database: str) -> None:
    open_service(database).close()


# -- answers -------------------------------------------------------------------------------


def test_what_was_posted_is_read_back_at_once(database: str) -> None:
    """A server that follows the journal itself answers with what it has just acknowledged."""
    with serving(database, "--follow", "--workers", "1") as server:
        for number in range(20):
            receipt = server.admit(f"P{number}")
            status, told = server.ask(f"/contributors/{receipt['id']}")
            assert (status, told["name"]) == (200, f"P{number}")
            assert told["as_of"] >= receipt["position"]


def test_two_workers_and_a_follower_of_their_own(postgres_dsn: str) -> None:
    """Each worker can be asked for at least the position that any of them acknowledged."""
    with (
        serving(postgres_dsn) as server,
        started("follow", STEMMA_DATABASE=postgres_dsn) as follower,
    ):
        assert follower.stdout is not None
        assert "following from position 0" in follower.stdout.readline()
        for number in range(15):
            receipt = server.admit(f"P{number}")
            path = f"/contributors/{receipt['id']}?min_position={receipt['position']}"
            status, told = server.ask(path)
            assert (status, told.get("name")) == (200, f"P{number}")
        follower.send_signal(signal.SIGINT)
        assert "stopped at position 15" in follower.communicate(timeout=60)[0]


def test_without_a_follower_a_position_is_not_read_and_that_is_said(postgres_dsn: str) -> None:
    with serving(postgres_dsn, "--workers", "1") as server:
        receipt = server.admit("Ana")
        status, problem = server.ask(f"/contributors?min_position={receipt['position']}")
        assert (status, problem["code"]) == (503, "projections_behind")


# -- the end -------------------------------------------------------------------------------


def test_kill_loses_nothing_that_was_acknowledged(database: str) -> None:
    """Right after an answer every process of the server is killed; the next one knows it."""
    known: list[Any] = []
    for round in range(3):
        with serving(database, "--follow", "--workers", "1") as server:
            for receipt, name in known:
                path = f"/contributors/{receipt['id']}?min_position={receipt['position']}"
                assert server.ask(path)[1]["name"] == name
            for number in range(4):
                name = f"P{round}-{number}"
                known.append((server.admit(name), name))
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
    assert [receipt["position"] for receipt, _ in known] == list(range(1, 13))


def test_it_ends_when_told_to_and_leaves_no_process(database: str) -> None:
    with serving(database) as server:
        server.admit("Ana")
        server.process.terminate()
        before = time.monotonic()
        server.process.wait(timeout=60)
        wait_until(lambda: not alive(server.process.pid), seconds=20)
        assert time.monotonic() - before < 30


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("words", [("follow",), ("serve", "--follow", "--workers", "1")])
def test_it_ends_although_the_database_does_not_answer(
    words: tuple[str, ...], number: int, postgres_dsn: str
) -> None:
    """A follower waited for ever for its thread that delivers, which waited for an answer."""
    prepared(postgres_dsn)
    places = {"STEMMA_DATABASE": postgres_dsn, "STEMMA_PORT": str(free_port())}
    with started(*words, **places) as running, psycopg.connect(postgres_dsn) as connection:
        assert running.stdout is not None
        while "Ctrl-C" not in running.stdout.readline():
            pass
        wait_until(lambda: _is_followed(connection))
        connection.execute("LOCK TABLE webhooks, heartbeats")
        time.sleep(2)
        before = time.monotonic()
        running.send_signal(number)
        said = running.communicate(timeout=60)[0]
        assert time.monotonic() - before < 4.5
        assert not alive(running.pid)
        assert "Error" not in said


def _is_followed(connection: psycopg.Connection) -> bool:
    (found,) = connection.execute("SELECT count(*) FROM heartbeats").fetchone() or (0,)
    connection.rollback()
    return bool(found)


def test_a_worker_that_was_killed_is_replaced(database: str) -> None:
    with serving(database, "--follow", "--workers", "1") as server:
        server.admit("Ana")
        worker = children(server.process.pid)[-1]
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: children(server.process.pid)[-1:] not in ([], [worker]))
        wait_until(server.is_ready, server.process)
        assert server.admit("Ben")["position"] == 2


def test_a_reload_replaces_the_workers_which_read_the_files_of_the_settings_again(
    tmp_path: Path,
) -> None:
    settings = {"STEMMA_DATA": str(tmp_path)}
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", "--workers", "1", **settings) as server:
        before = children(server.process.pid)
        with started("key", "rotate", **settings) as rotating:
            assert rotating.wait(timeout=60) == 0
        assert len(public_keys(server)) == 1
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(public_keys(server)) == 2, server.process)
        wait_until(lambda: not set(before) & set(children(server.process.pid)), server.process)


def test_a_worker_goes_on_until_the_one_that_replaces_it_serves(postgres_dsn: str) -> None:
    """It was stopped after 3.5 seconds, and nobody answered until the new one had begun."""
    with serving(postgres_dsn, "--workers", "1") as server:
        (before,) = children(server.process.pid)
        with psycopg.connect(postgres_dsn) as connection:
            connection.execute("LOCK TABLE layouts")  # which each worker reads when it begins
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(children(server.process.pid)) == 2, server.process)
            for _ in range(12):
                assert server.ask("/health")[0] == 200
                time.sleep(0.5)
            assert before in children(server.process.pid)
        wait_until(lambda: before not in children(server.process.pid), server.process)
        assert server.admit("Ana")["position"] == 1


def test_a_reload_with_a_file_that_cannot_be_read_waits_until_it_can(tmp_path: Path) -> None:
    """No worker could begin, and those that had been serving were stopped nevertheless."""
    settings = {"STEMMA_DATA": str(tmp_path)}
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", "--workers", "1", **settings) as server:
        (before,) = children(server.process.pid)
        key = (tmp_path / "log.key").read_text()
        (tmp_path / "log.key").write_text("PRIVATE+KEY+mistyped\n")
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 8
        while time.monotonic() < until:
            assert server.is_ready()
            time.sleep(0.2)
        assert before in children(server.process.pid)
        (tmp_path / "log.key").write_text(key)
        wait_until(lambda: before not in children(server.process.pid), server.process)
        wait_until(server.is_ready, server.process)


def public_keys(server: Server) -> list[str]:
    """What the server publishes at the moment; nothing if it does not answer."""
    address = f"http://127.0.0.1:{server.port}/log/key"
    with suppress(OSError), urllib.request.urlopen(address, timeout=60) as answer:
        told: list[str] = answer.read().decode().splitlines()
        return told
    return []


def children(of: int) -> list[int]:
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(of)], capture_output=True, text=True, check=False
    )
    return sorted(map(int, told.stdout.split()))


# -- where and what ------------------------------------------------------------------------


def test_a_second_server_on_the_same_port_is_told_so(tmp_path: Path) -> None:
    """… at once, instead of sharing the first one's requests."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as first:
        settings = {"STEMMA_DATABASE": database, "STEMMA_PORT": str(first.port)}
        with started("serve", **settings) as second:
            said, _ = second.communicate(timeout=60)
            assert second.returncode == 1
            assert (
                said == f"Error: cannot serve on 127.0.0.1:{first.port}: Address already in use; "
                "choose another --port, or stop what listens there\n"
            )
        assert first.is_ready()


def test_a_port_can_be_served_on_again_at_once(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as first:
        first.admit("Ana")
    with serving(database, port=first.port) as second:
        assert second.admit("Ben")["position"] == 2


def test_host_and_port_of_the_environment_are_honoured(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, STEMMA_HOST="localhost") as server:
        address = f"http://localhost:{server.port}/health"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert json.load(answer) == {"status": "ok"}


def test_a_database_named_by_a_relative_path_is_the_one_here(tmp_path: Path) -> None:
    """Workers run in another folder than the person who started them."""
    path = os.path.relpath(tmp_path / "here.db", ROOT)
    with serving(f"sqlite:///{path}") as server:
        assert server.admit("Ana")["position"] == 1
    assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"STEMMA_PORT": "http"}, "STEMMA_PORT is “http”; it must be a whole number"),
        ({"STEMMA_HOST": "nowhere.invalid"}, "cannot serve on nowhere.invalid"),
        ({"STEMMA_HOST": 64 * "x"}, "it is not a host"),
        ({"STEMMA_LOG_KEY": "/"}, "STEMMA_LOG_KEY: /: Is a directory"),
        (
            {"STEMMA_DATABASE": "mysql://x"},
            "STEMMA_DATABASE is not the address of a database",
        ),
    ],
    ids=str,
)
def test_what_stands_against_serving_is_said(settings: dict[str, str], said: str) -> None:
    with started("serve", **{"STEMMA_PORT": str(free_port())} | settings) as server:
        told, _ = server.communicate(timeout=60)
        assert server.returncode == 1
        assert told.startswith("Error: ")
        assert said in told


# -- a database that goes away ---------------------------------------------------------------


def test_an_answer_without_its_database_is_a_problem_and_comes_quickly(
    tmp_path: Path, postgres_dsn: str
) -> None:
    """Read and write alike; and when the database is back, so is the server."""
    with serving(postgres_dsn, "--workers", "1", "--follow") as server:
        receipt = server.admit("Ana")
        with away(postgres_dsn):
            for path, body in (("/contributors", None), ("/contributors", {"name": "Ben"})):
                before = time.monotonic()
                status, problem = server.ask(path, body)
                assert (status, problem["code"]) == (503, "storage_unavailable")
                assert time.monotonic() - before < 5
            assert server.ask("/health")[0] == 200
            wait_until(lambda: server.ask("/ready")[0] == 503)
        wait_until(server.is_ready)
        # A client repeats what was answered by 503.
        wait_until(lambda: server.ask("/contributors", {"name": "Ben", "id": BEN})[0] == 201)
        wait_until(lambda: server.ask(f"/contributors/{BEN}")[0] == 200)
        assert server.ask(f"/contributors/{BEN}")[1]["position"] == receipt["position"] + 1


def test_a_follower_survives_the_end_of_its_connections(postgres_dsn: str) -> None:
    prepared(postgres_dsn)
    with started("follow", STEMMA_DATABASE=postgres_dsn) as follower:
        for number in range(1, 5):
            with open_service(postgres_dsn) as service:
                service.journal.record(AdmitContributor(name="Ana"))
                wait_until(partial(has_read, service, number), follower)
            end_connections(postgres_dsn)
        assert follower.poll() is None


def test_a_follower_waits_for_a_database_that_is_away(postgres_dsn: str) -> None:
    prepared(postgres_dsn)
    with started("follow", STEMMA_DATABASE=postgres_dsn) as follower:
        assert follower.stdout is not None
        assert "following from position 0" in follower.stdout.readline()
        with away(postgres_dsn):
            time.sleep(1)
            assert follower.poll() is None
        with open_service(postgres_dsn) as service:
            service.journal.record(AdmitContributor(name="Ana"))
            wait_until(partial(has_read, service, 1), follower)


def test_a_form_that_waits_for_what_it_recorded_is_carried_out_once(tmp_path: Path) -> None:
    """A request that waits is repeated, but not after it recorded: it would find that done."""
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as server:
        someone = Reader(server.port).sign_in(KEY)
        token = someone.get("/do/contributor").token
        said = {"form_token": token, "name": "Ana"}
        assert someone.post("/do/contributor", said | {"id": str(uuid4())}).status == 303
        for _ in range(3):
            warned = someone.post("/do/contributor", said | {"id": str(uuid4())})
            assert "Recorded, with a warning" in warned.text_seen
        piece = {"title": "A song", "medium": "audio"}
        work = server.ask("/contributions", piece)[1]["id"]
        for line in ("https://example.org/a", "https://example.org/b"):
            said = {"form_token": token, "lines": line}
            told = someone.post(f"/piece/{work}/cite", said).text_seen
            assert "It was cited before" not in told


def has_read(service: Service, position: int) -> bool:
    return service.store.current().position == position


def end_connections(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def away(dsn: str) -> Iterator[None]:
    """The database ends every connection and takes no new one."""
    name = urlsplit(dsn).path.removeprefix("/")
    elsewhere = urlsplit(dsn)._replace(path="/postgres").geturl()
    allow = f"ALTER DATABASE {name} ALLOW_CONNECTIONS "
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute((allow + "false").encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            connection.execute((allow + "true").encode())
