"""Disks that are full, databases that only read, and a standby that takes over: nothing is lost.

Run by hand, with ``scripts/test tests/soak_disasters.py``. Rule: what was acknowledged is there
afterwards, and the server that met the disaster goes on by itself.
"""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from databases import started_alone
from test_server import Server, serving, wait_until

from scripts.service import open_service


class Writers:
    """Clients that write until they are stopped, and remember what was acknowledged."""

    def __init__(self, server: Server, count: int = 4) -> None:
        self.server, self.acknowledged = server, list[dict[str, Any]]()
        self.refused = 0
        self._stopping = threading.Event()
        self._clients = [threading.Thread(target=self._write) for _ in range(count)]
        for client in self._clients:
            client.start()

    def _write(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError, json.JSONDecodeError):
                status, told = self.server.ask("/contributors", {"name": "Ana"})
                if status == 201:
                    self.acknowledged.append(told)
                else:
                    assert status == 503, told
                    self.refused += 1
                    time.sleep(0.05)

    def stop(self) -> None:
        self._stopping.set()
        for client in self._clients:
            client.join()


def all_are_there(database: str, acknowledged: list[dict[str, Any]]) -> None:
    with open_service(database) as service:
        facts = list(service.journal.read())
    assert [one.position for one in facts] == list(range(1, len(facts) + 1))
    there = {one.originator_id: one.position for one in facts}
    for receipt in acknowledged:
        assert there[receipt["id"]] == receipt["position"]


# -- a standby that takes over ---------------------------------------------------------------


class Readers:
    """Clients that ask for one person until they are stopped, and get an answer or a 503."""

    def __init__(self, server: Server, id: str, count: int = 2) -> None:
        self.server, self.id = server, id
        self.wrong = list[Any]()
        self.answered, self.refused = 0, 0
        self._stopping = threading.Event()
        self._clients = [threading.Thread(target=self._read) for _ in range(count)]
        for client in self._clients:
            client.start()

    def _read(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError, json.JSONDecodeError):
                status, told = self.server.ask(f"/contributors/{self.id}")
                self.answered += (status, told.get("name")) == (200, "Ana")
                self.refused += status == 503
                if status not in {200, 503}:
                    self.wrong.append(told)

    def stop(self) -> None:
        self._stopping.set()
        for client in self._clients:
            client.join()


def test_while_a_standby_takes_over_questions_are_answered_and_nothing_is_lost() -> None:
    with started_alone() as primary, primary.standby() as standby:
        hosts = f"{primary.folder},{standby.folder}"
        database = f"postgresql://stemma@/postgres?host={hosts}&target_session_attrs=read-write"
        words = ("--workers", "2", "--follow")
        with serving(database, *words, STEMMA_READ_DATABASE=standby.url) as server:
            writers = Writers(server)
            wait_until(lambda: len(writers.acknowledged) > 30, server.process)
            first = writers.acknowledged[0]
            seen = f"/contributors/{first['id']}?min_position={first['position']}"
            wait_until(lambda: server.ask(seen)[0] == 200, server.process)
            readers = Readers(server, first["id"])
            wait_until(lambda: readers.answered > 20, server.process)
            primary.kill()
            before, asked, refused = len(writers.acknowledged), readers.answered, readers.refused
            wait_until(lambda: readers.answered > asked + 30, server.process)
            assert readers.refused == refused, "the standby alone answers"
            standby.promote()
            wait_until(lambda: len(writers.acknowledged) > before + 30, server.process)
            asked = readers.answered
            wait_until(lambda: readers.answered > asked + 30, server.process)
            readers.stop()
            writers.stop()
            assert readers.wrong == []
            all_are_there(standby.url, writers.acknowledged)


# -- a disk that is full ---------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own, as root may mount one."""
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", str(folder)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    filler = folder / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def goes_on_after_a_full_disk(database: str, folder: Path) -> None:
    with serving(database, "--workers", "1", "--follow") as server:
        writers = Writers(server, count=2)
        wait_until(lambda: len(writers.acknowledged) > 10, server.process)
        filler = fill(folder)
        wait_until(lambda: writers.refused > 10, server.process)
        assert server.ask("/health")[0] == 200
        filler.unlink()
        before = len(writers.acknowledged)
        wait_until(lambda: len(writers.acknowledged) > before + 10, server.process)
        writers.stop()
        all_are_there(database, writers.acknowledged)


def test_a_full_disk_refuses_writes_and_loses_none_on_sqlite(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 48) as disk:
        goes_on_after_a_full_disk(f"sqlite:///{disk / 'stemma.db'}", disk)


def test_a_full_disk_refuses_writes_and_loses_none_on_postgres(tmp_path: Path) -> None:
    with started_alone() as server:
        server.stop()
        with small_disk(Path(f"{server.folder}-disk"), 160) as disk:
            server.move_to(disk)
            server.start("-c", "restart_after_crash=on", "-c", "max_wal_size=64MB")
            goes_on_after_a_full_disk(server.url, disk)
            server.stop()
