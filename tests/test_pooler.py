"""A real PgBouncer in front of the database: what goes through it, and how the rest is refused."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from databases import run_as
from psycopg.conninfo import conninfo_to_dict
from scratch import scratch
from stories import story

from domain.engine import DatabaseUnavailable, NoDatabase
from domain.engine.opening import open_engine

Pooling = Callable[[str], AbstractContextManager[str]]
PORT = 6432


@pytest.fixture
def pooling(postgres_dsn: str) -> Pooling:
    """Start one in the given mode; yields the address of the database behind it."""
    if (program := shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")) is None:
        pytest.skip(
            "no PgBouncer (Debian: apt install pgbouncer; scripts/test does it where it may)"
        )

    @contextmanager
    def pooled(mode: str) -> Iterator[str]:
        behind = {"port": 5432, **conninfo_to_dict(postgres_dsn)}
        told = " ".join(f"{name}={value}" for name, value in behind.items())
        with tempfile.TemporaryDirectory(dir=scratch()) as folder:
            settings = Path(folder) / "pgbouncer.ini"
            settings.write_text(
                f"[databases]\nstemma = {told}\n[pgbouncer]\nlisten_addr =\n"
                f"unix_socket_dir = {folder}\nlisten_port = {PORT}\nauth_type = any\n"
                f"pool_mode = {mode}\nignore_startup_parameters = extra_float_digits, options\n"
            )
            settings.chmod(0o644)
            with subprocess.Popen([program, "-q", settings], **run_as(Path(folder))) as process:
                address = f"postgresql://stemma@/stemma?host={folder}&port={PORT}"
                try:
                    _wait_for(address)
                    yield address
                finally:
                    process.kill()  # asked to end, a newer one waits for its clients

    return pooled


def _wait_for(address: str) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(psycopg.OperationalError):
            psycopg.connect(address).close()
            return
        time.sleep(0.02)
    raise TimeoutError(address)


def test_one_connection_for_each_session_is_as_none_between(pooling: Pooling) -> None:
    with pooling("session") as address, story(address) as told:
        song = told.piece("song")
        with told.view() as view:
            assert [one for (one,) in view.rows("SELECT id FROM @works")] == [song]


def test_another_connection_for_each_transaction_is_told(pooling: Pooling) -> None:
    with (
        pooling("transaction") as address,
        pytest.raises(DatabaseUnavailable, match="pool_mode = session"),
    ):
        open_engine(address)


def test_a_schema_is_passed_on_or_that_it_is_not_is_told(pooling: Pooling) -> None:
    """Else two communities would have the same tables. PgBouncer 1.26 does with PostgreSQL 18."""
    with pooling("session") as address:
        found = searched(f"{address}&options=-csearch_path%3Dquay")
    assert found == "quay" or "schema “quay”" in found


def searched(address: str) -> str:
    """Where tables are looked for, or why that is refused."""
    try:
        with closing(open_engine(address)) as engine:
            return str(engine.query("SHOW search_path")[0][0])
    except NoDatabase as told:
        return str(told)
