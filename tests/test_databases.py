"""The tests' own PostgreSQL keeps its rule: nothing of it outlives them."""

import signal
import subprocess
import sys
import time
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
        folder = Path(parse_qs(urlsplit(url).query)["host"][0])
        assert folder.exists()
        tests.send_signal(end)
    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_without_any_postgres_the_reason_says_how_to_get_one() -> None:
    server = started_postgres(places=[], wheel="no_such_wheel")
    with pytest.raises(NoPostgres, match="sudo apt install postgresql"), server:
        pass


def test_the_wheel_serves_where_the_machine_has_no_postgres() -> None:
    with started_postgres(places=[]) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_each_engine_is_asked_once(database: str) -> None:
    assert database.startswith(("sqlite:///", "postgresql://"))
