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


def test_a_standby_that_takes_over_has_everything_that_was_acknowledged() -> None:
    with started_alone() as primary, primary.standby() as standby:
        hosts = f"{primary.folder},{standby.folder}"
        database = f"postgresql://stemma@/postgres?host={hosts}&target_session_attrs=read-write"
        with serving(database, "--workers", "2", "--follow") as server:
            writers = Writers(server)
            wait_until(lambda: len(writers.acknowledged) > 30, server.process)
            primary.kill()
            before = len(writers.acknowledged)
            standby.promote()
            wait_until(lambda: len(writers.acknowledged) > before + 30, server.process)
            writers.stop()
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
