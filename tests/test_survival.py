"""Whatever ends, freezes or goes away: the service comes back by itself.

Rule: real processes are killed and frozen, and a real PostgreSQL is stopped.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from databases import PostgresAlone, started_alone
from test_overload import at_once
from test_readiness import small_disk
from test_server import (
    Server,
    alive,
    end_connections,
    free_port,
    has_read,
    serving,
    started,
    wait_until,
)

from api.allowance import Limit
from api.limits import Limits
from domain.commands.admitting import AdmitContributor
from domain.engine import DatabaseUnavailable, TimeLimits
from domain.engine.deadline import TookTooLong, within
from domain.engine.opening import open_engine
from domain.engine.postgres import AWAY_SECONDS
from projections.generations import advance
from scripts.server import LEAST_SILENCE_SECONDS
from scripts.service import open_service

# -- processes that end ----------------------------------------------------------------------


def test_workers_that_crash_again_and_again_are_replaced(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", "--workers", "2") as server:
        for number in range(2):
            crashed = workers_of(server)
            for worker in crashed:
                os.kill(worker, signal.SIGKILL)
            wait_until(partial(has_others, server, crashed), server.process)
            wait_until(server.is_ready, server.process)
            assert server.admit("Ana")["position"] == number + 1


def test_of_a_server_that_was_killed_nobody_stays_on_the_port(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, "--workers", "2") as first:
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        wait_until(lambda: not alive(first.process.pid), seconds=20)
        with serving(database, port=first.port) as second:
            assert second.admit("Ana")["position"] == 1


def test_workers_that_do_not_serve_yet_end_at_once_when_told_to(tmp_path: Path) -> None:
    settings = {"STEMMA_DATABASE": f"sqlite:///{tmp_path}/a.db", "STEMMA_PORT": str(free_port())}
    with started("serve", "--workers", "2", **settings) as process:
        server = Server(process, int(settings["STEMMA_PORT"]))
        wait_until(lambda: len(workers_of(server)) == 2, process)
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "refused to gracefully stop" not in said


@pytest.mark.slow
def test_a_worker_that_is_frozen_is_replaced(tmp_path: Path) -> None:
    """… with whatever it holds: on SQLite nobody else can write until then."""
    database, settings = f"sqlite:///{tmp_path / 'stemma.db'}", {"STEMMA_REQUEST_SECONDS": "2"}
    with serving(database, "--workers", "1", **settings) as server:
        frozen = workers_of(server)
        os.kill(frozen[0], signal.SIGSTOP)
        wait_until(partial(has_others, server, frozen), server.process, seconds=60)
        wait_until(server.is_ready, server.process)
        assert server.admit("Ana")["position"] == 1


@pytest.mark.slow
def test_no_worker_ends_because_the_disk_for_temporary_files_is_full(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with small_disk(tmp_path) as disk:
        settings = {"STEMMA_REQUEST_SECONDS": "1", "TMPDIR": str(disk)}
        with serving(database, "--workers", "1", **settings) as server:
            before = workers_of(server)
            with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
                while ballast.write(bytes(1 << 16)):
                    pass
            time.sleep(LEAST_SILENCE_SECONDS + 3)
            assert server.admit("Ana")["position"] == 1
            assert workers_of(server) == before


def has_others(server: Server, crashed: list[int]) -> bool:
    return len(set(workers_of(server)) - set(crashed)) == len(crashed)


def workers_of(server: Server) -> list[int]:
    """The processes that answer: children of the server that are not about to end.

    From Python 3.14 on, one that tracks their resources is a child, too.
    """
    told = subprocess.run(
        ["ps", "-ww", "-o", "pid=,stat=,args=", "--ppid", str(server.process.pid)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = (line.split(maxsplit=2) for line in told.stdout.splitlines())
    return [
        int(pid)
        for pid, state, command in lines
        if not state.startswith("Z") and "resource_tracker" not in command
    ]


# -- a follower that ends or freezes within a page ---------------------------------------------

# It claims a page as every follower does, and then does nothing any more.
STALLED = """
import sys, time
from projections.generations import advance
from scripts.service import open_service
with open_service(sys.argv[1]) as service:
    at = service.store.current()
    with service.store.writing() as writer:
        advance(writer, at, 1)
        if sys.argv[2] == "copying":
            copy = writer.connection.cursor().copy("COPY requests FROM STDIN")
            copy.__enter__()
        print("within a page", flush=True)
        time.sleep(600)
"""


@contextmanager
def stalled_follower(database: str, how: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", STALLED, database, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "within a page\n"
        yield process
        process.kill()


@pytest.mark.parametrize("how", ["frozen", "copying"])
@pytest.mark.slow
def test_the_page_of_a_frozen_follower_is_folded_by_another(postgres_dsn: str, how: str) -> None:
    with open_service(postgres_dsn) as service:
        service.journal.record(AdmitContributor(name="Ana"))
        settings = {"STEMMA_DATABASE": postgres_dsn, "STEMMA_LOCK_SECONDS": "1"}
        with stalled_follower(postgres_dsn, how) as stalled:
            stalled.send_signal(signal.SIGSTOP)
            with started("follow", **settings) as follower:
                wait_until(partial(has_read, service, 1), follower)
            stalled.send_signal(signal.SIGCONT)


def test_the_page_of_a_killed_follower_is_folded_by_another(database: str) -> None:
    with open_service(database) as service:
        service.journal.record(AdmitContributor(name="Ana"))
        with stalled_follower(database, "killed") as stalled:
            stalled.kill()
            stalled.wait()
            with started("follow", STEMMA_DATABASE=database) as follower:
                wait_until(partial(has_read, service, 1), follower)


# -- PostgreSQL that is away -------------------------------------------------------------------


@pytest.fixture
def alone() -> Iterator[PostgresAlone]:
    """A PostgreSQL of the test's own, which it may stop, freeze and start."""
    with started_alone() as server:
        yield server


@pytest.mark.slow
def test_a_database_that_is_away_at_the_start_is_waited_for(alone: PostgresAlone) -> None:
    alone.stop()
    port = free_port()
    settings = {"STEMMA_DATABASE": alone.url, "STEMMA_PORT": str(port)}
    with (
        started("serve", "--workers", "1", output=subprocess.DEVNULL, **settings) as process,
        started("follow", output=subprocess.DEVNULL, **settings) as follower,
    ):
        server = Server(process, port)
        wait_until(partial(is_alive, server), process)
        status, problem = server.ask("/works")
        assert (status, problem["code"]) == (503, "storage_unavailable")
        alone.start()
        wait_until(server.is_ready, process)
        receipt = server.admit("Ana")
        wait_until(partial(knows, server, receipt), follower)


def test_what_a_follower_waits_for_is_logged_like_all_else(tmp_path: Path) -> None:
    away = f"postgresql://stemma@/stemma?host={tmp_path}"
    with started("follow", STEMMA_DATABASE=away, STEMMA_LOGS="json") as follower:
        assert follower.stdout is not None
        line = json.loads(follower.stdout.readline())
    assert line["level"] == "warning"
    assert line["event"].startswith("The database does not answer: ")


def is_alive(server: Server) -> bool:
    with suppress(OSError):
        return server.ask("/health") == (200, {"status": "ok"})
    return False


def knows(server: Server, receipt: dict[str, Any]) -> bool:
    return server.ask(f"/contributors/{receipt['id']}?min_position={receipt['position']}")[0] == 200


@pytest.mark.parametrize("how", ["stopped", "frozen"])
@pytest.mark.slow
def test_while_the_database_is_away_everybody_is_told_so_at_once(
    alone: PostgresAlone, how: str
) -> None:
    """… however many ask, and no thread stays behind: afterwards all is as it was."""
    settings = {"STEMMA_REQUEST_SECONDS": "4"}
    with serving(alone.url, "--workers", "1", "--follow", **settings) as server:
        server.admit("Ana")
        at_once(8, lambda: server.ask("/works"))
        if how == "stopped":
            alone.stop()
        else:
            alone.freeze()
        told = [timed(server, "/works")]
        for _ in range(3):
            told += at_once(40, lambda: timed(server, "/works"))
            taken, (status, _) = timed(server, "/health")
            assert (status, taken < 1) == (200, True)
            time.sleep(AWAY_SECONDS)  # then the database is asked again
        for taken, (status, problem) in told:
            assert (status, problem["code"]) == (503, "storage_unavailable")
            assert taken < (1 if how == "stopped" else 3)  # a check, then a probe
        if how == "stopped":
            alone.start()
        else:
            alone.thaw()
        wait_until(server.is_ready)
        assert server.admit("Ben")["position"] == 2
        assert {status for status, _ in at_once(20, lambda: server.ask("/works"))} == {200}


def timed(server: Server, path: str) -> tuple[float, tuple[int, Any]]:
    before = time.monotonic()
    answer = server.ask(path)
    return time.monotonic() - before, answer


# -- what takes too long -----------------------------------------------------------------------


def test_a_statement_that_takes_too_long_is_ended(database: str) -> None:
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    limits = TimeLimits(statement_seconds=1)
    with closing(open_engine(database, limits=limits)) as engine:
        before = time.monotonic()
        with within(1), pytest.raises(TookTooLong):
            engine.query(f"{numbers} SELECT max(i) FROM n")
        assert time.monotonic() - before < 3
        assert engine.query("SELECT 1") == [(1,)]


def test_nobody_waits_for_a_lock_longer_than_the_setting(database: str) -> None:
    limits = TimeLimits(lock_seconds=1)
    with open_service(database, limits=limits) as service, stalled_follower(database, "holding"):
        before = time.monotonic()
        with pytest.raises(DatabaseUnavailable), service.store.writing() as writer:
            advance(writer, service.store.current(), 1)
        assert 0.5 < time.monotonic() - before < 5


# -- a database that only reads --------------------------------------------------------------


@pytest.mark.slow
def test_a_database_that_only_reads_answers_and_refuses_writes(postgres_dsn: str) -> None:
    with serving(postgres_dsn, "--workers", "1", "--follow") as server:
        receipt = server.admit("Ana")
        wait_until(lambda: server.ask(f"/contributors/{receipt['id']}")[0] == 200)
        only_reads(postgres_dsn, "on")
        status, problem = server.ask("/contributors", {"name": "Ben"})
        assert (status, problem["code"]) == (503, "storage_unavailable")
        assert server.ask(f"/contributors/{receipt['id']}")[0] == 200
        with open_service(postgres_dsn) as service:
            limits = Limits(service.engine, {})
            assert not limits.take("reads", Limit(10, 60), "somebody new").is_over
        only_reads(postgres_dsn, "off")
        wait_until(lambda: writes_again(server))
        assert server.admit("Ben")["position"] == 3


def only_reads(dsn: str, whether: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        set_it = f"ALTER DATABASE {name} SET default_transaction_read_only = {whether}"
        connection.execute(set_it.encode())
    end_connections(dsn)


def writes_again(server: Server) -> bool:
    with suppress(OSError):
        return server.ask("/contributors", {"name": "Ben"})[0] == 201
    return False
