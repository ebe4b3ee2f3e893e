"""The tests' own PostgreSQL keeps its rule: nothing of it outlives them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from databases import NoPostgres, Postgres, started_postgres

HERE = Path(__file__).parent


def test_every_database_is_fresh(postgres_server: Postgres) -> None:
    with postgres_server.database() as first, psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE work (id text)")
    with postgres_server.database() as second, psycopg.connect(second) as connection:
        found = connection.execute("SELECT to_regclass('work')").fetchone()
    assert first != second
    assert found == (None,)


def test_a_database_goes_although_somebody_still_uses_it(postgres_server: Postgres) -> None:
    with postgres_server.database() as url:
        left_open = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_the_tests_however_they_end(end: signal.Signals) -> None:
    program = (
        "import databases, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job\n"
        "with databases.started_postgres() as url:\n"
        "    print(url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    tests = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with tests:
        assert tests.stdout is not None
        url = tests.stdout.readline().strip()
        folder = folder_of(url)
        assert folder.exists()
        tests.send_signal(end)
    wait_until(lambda: not folder.exists())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_the_servers_of_workers_end_with_the_run(tmp_path: Path) -> None:
    """When a run on several cores is killed, so is what its workers had started."""
    suite, told = tmp_path / "test_forever.py", tmp_path / "url"
    suite.write_text(
        "import databases, pathlib, time\n"
        "def test_forever():\n"
        "    with databases.started_postgres() as url:\n"
        f"        pathlib.Path({str(told)!r}).write_text(url)\n"
        "        time.sleep(600)\n"
    )
    words = ["-n", "1", "-p", "xdist", "-p", "no:cacheprovider", "--rootdir", tmp_path, suite]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(HERE)}
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *words],
        env=os.environ | alone,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with run:
        try:
            wait_until(lambda: told.exists() and told.read_text() != "", seconds=60)
        finally:
            run.kill()
    folder = folder_of(told.read_text())
    wait_until(lambda: not folder.exists())


def folder_of(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def test_without_any_postgres_the_reason_says_how_to_get_one() -> None:
    server = started_postgres(places=[], wheel="no_such_wheel")
    with pytest.raises(NoPostgres, match="sudo apt install postgresql"), server:
        pass


def test_the_wheel_serves_where_the_machine_has_no_postgres() -> None:
    with started_postgres(places=[]) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_each_engine_is_asked_once(database: str) -> None:
    assert database.startswith(("sqlite:///", "postgresql://"))
