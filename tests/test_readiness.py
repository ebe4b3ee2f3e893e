"""`/ready` tells the truth: every way of not being ready is brought about, and has its name."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from clocks import SecondsClock, SetClock
from commanding import Stemma
from databases import started_alone
from serving import Served, serving
from test_server import prepared, started, wait_until

from api.metrics import DatabaseFigures
from domain.commands.admitting import AdmitContributor
from projections.heartbeat import Heartbeat
from projections.readiness import (
    FAILED,
    KEPT_SECONDS,
    OK,
    SILENT_SECONDS,
    STILL_SECONDS,
    UNKNOWN,
    Finding,
    Readiness,
)
from scripts.service import Service, open_service


class Prober:
    """Asks whether a service is ready, always a minute later."""

    def __init__(self, service: Service) -> None:
        self.clock = SecondsClock()
        self.readiness = Readiness(service.journal, service.store, service.log, clock=self.clock)

    def after(self, seconds: float) -> Finding:
        self.clock.now += seconds
        return self.readiness.find_out()

    def failed(self) -> set[str]:
        checks = self.after(KEPT_SECONDS).checks
        return {name for name, check in checks.items() if check.status == FAILED}


@pytest.fixture
def service(database: str) -> Iterator[Service]:
    with open_service(database) as opened:
        yield opened


def admit(service: Service) -> None:
    service.journal.record(AdmitContributor(name="Ana"))


def follow_once(service: Service) -> None:
    """Every step of a follower, until none has anything to do."""
    while sum(step() for step in service.follower.steps):
        pass


def age_heartbeat(service: Service, seconds: float) -> None:
    service.engine.execute(
        "UPDATE heartbeats SET at = at - :age WHERE name = 'follower'", age=round(seconds * 1000)
    )


def test_a_service_with_a_follower_is_ready(database: str) -> None:
    with serving(database) as served:
        served.admit("Ana")
        wait_until(lambda: served.operator.get("/ready").status == 200)
        checks = served.client(None).get("/ready").json["checks"]
        assert list(checks) == [
            *("database", "storage", "tables", "clock", "follower", "projections", "log")
        ]
        assert {check["status"] for check in checks.values()} == {OK}


def test_without_a_follower_it_is_not_ready_once_there_is_something_to_fold(
    service: Service,
) -> None:
    prober = Prober(service)
    assert prober.failed() == set()
    admit(service)
    service.follower.catch_up()
    service.log.catch_up()
    assert prober.failed() == {"follower"}
    follow_once(service)
    assert prober.failed() == set()


def test_a_follower_that_was_silent_too_long_is_dead_or_stuck(service: Service) -> None:
    prober = Prober(service)
    follow_once(service)
    assert prober.failed() == set()
    age_heartbeat(service, SILENT_SECONDS + 1)
    assert prober.failed() == {"follower"}
    assert "11 seconds" in prober.readiness.find_out().checks["follower"].detail


def test_a_follower_that_died_before_the_clock_was_set_back_is_dead(service: Service) -> None:
    clock = SecondsClock()
    heartbeat = Heartbeat(service.engine, clock)
    heartbeat.beat()
    age_heartbeat(service, -3600)
    assert heartbeat.age() == 0
    clock.now += SILENT_SECONDS + 1
    assert heartbeat.age() == SILENT_SECONDS + 1
    heartbeat.beat()
    assert 0 <= (heartbeat.age() or 0) < SILENT_SECONDS


def test_read_tables_and_a_log_that_stand_still_are_named(service: Service) -> None:
    prober = Prober(service)
    follow_once(service)
    admit(service)
    assert prober.failed() == set()  # a moment ago is no reason
    prober.after(STILL_SECONDS)
    assert prober.failed() == {"projections", "log"}
    service.follower.catch_up()
    assert prober.failed() == {"log"}
    assert prober.readiness.find_out().status == "unready"
    service.log.catch_up()
    assert prober.failed() == set()


def test_read_tables_that_follow_slowly_do_not_stand_still(service: Service) -> None:
    prober = Prober(service)
    follow_once(service)
    for _ in range(4):
        admit(service)
        assert prober.after(STILL_SECONDS * 0.9).status == "ready"
        service.follower.catch_up()
        service.log.catch_up()


def test_tables_of_another_version_are_not_ready(database: str) -> None:
    with open_service(database) as service:
        follow_once(service)
        assert Prober(service).failed() == set()
        service.engine.execute("UPDATE layouts SET version = 'x' WHERE name LIKE 'read%'")
    with open_service(database) as service:
        assert Prober(service).failed() == {"tables"}


def test_a_clock_that_contradicts_what_was_recorded_is_not_ready(database: str) -> None:
    with open_service(database, clock=lambda: datetime.now(UTC) + timedelta(days=2)) as ahead:
        admit(ahead)
    with open_service(database) as service:
        service.follower.catch_up()
        service.log.catch_up()
        service.heartbeat.beat()
        assert Prober(service).failed() == {"clock"}


def test_a_database_that_does_not_answer_leaves_the_rest_unknown(service: Service) -> None:
    prober = Prober(service)
    service.engine.execute("DROP TABLE projections")
    found = prober.after(KEPT_SECONDS)
    told = {name: check.status for name, check in found.checks.items()}
    assert told.pop("database") == FAILED
    assert set(told.values()) == {UNKNOWN}
    assert found.status == "unready"
    figures = {one.name for one in DatabaseFigures(service.log, prober.readiness).collect()}
    assert figures.isdisjoint({"stemma_journal_facts", "stemma_log_leaves"})  # unknown is not 0


def test_a_postgresql_that_is_read_only_is_not_ready(postgres_dsn: str) -> None:
    """As a standby is, or a server whose disk is nearly full and was made read-only for it."""
    name = postgres_dsn.partition("?")[0].rpartition("/")[2]
    with open_service(postgres_dsn) as service:
        follow_once(service)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        setting = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
        connection.execute(setting.encode())
    with open_service(postgres_dsn) as service:
        assert Prober(service).failed() == {"storage"}


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 MiB in memory; only root can mount one."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("this needs to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_what_is_folded_can_be_asked_where_nothing_can_be_written(tmp_path: Path) -> None:
    """As on a full disk, beside a server that is running."""
    with small_disk(tmp_path) as disk, open_service(f"sqlite:///{disk}/stemma.db") as service:
        service.journal.record(AdmitContributor(name="Ana"))
        follow_once(service)
        seen = disk / "seen"
        seen.mkdir()
        subprocess.run(["mount", "--bind", str(disk), str(seen)], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", str(seen)], check=True)
            stemma = Stemma(f"sqlite:///{seen}/stemma.db")
            assert "Ana" in stemma("search", "Ana", "--json")
            assert "storage_unavailable" in stemma.wrong("contributor", "add", "--name", "Ben")
            service.journal.record(AdmitContributor(name="Ben"))
            assert "storage_unavailable" in stemma.wrong("search", "Ana"), "not all is folded"
        finally:
            subprocess.run(["umount", "--lazy", str(seen)], check=True)


def test_a_disk_that_fills_up_is_not_ready_until_there_is_space_again(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk, open_service(f"sqlite:///{disk}/stemma.db") as service:
        prober, ballast = Prober(service), disk / "ballast"
        follow_once(service)
        assert prober.failed() == set()
        ballast.write_bytes(bytes(40 << 20))
        assert prober.failed() == {"storage"}
        ballast.unlink()
        assert prober.failed() == set()


def test_a_full_disk_of_tables_is_not_ready_though_their_log_has_room() -> None:
    """The write-ahead log is often on a disk of its own."""
    with started_alone() as server:
        server.stop()
        elsewhere = (server.data / "pg_wal").rename(server.folder / "wal")
        (server.data / "pg_wal").symlink_to(elsewhere)
        with small_disk(server.folder) as disk:
            server.move_to(disk)
            server.start()
            with open_service(server.url) as service:
                prober, ballast = Prober(service), disk / "ballast"
                follow_once(service)
                assert prober.failed() == set()
                fill(ballast)
                assert prober.failed() == {"storage"}
                ballast.unlink()
                assert prober.failed() == set()
            server.stop()


def fill(file: Path) -> None:
    """Take all the room that is left."""
    with suppress(OSError), file.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


def test_a_follower_frozen_inside_its_work_is_noticed_and_its_return_too(postgres_dsn: str) -> None:
    prepared(postgres_dsn)
    with (
        serving(postgres_dsn, follow=False) as served,
        started("follow", STEMMA_DATABASE=postgres_dsn) as follower,
    ):
        served.admit("Ana")
        wait_until(lambda: served.operator.get("/ready").status == 200, follower)
        os.kill(follower.pid, signal.SIGSTOP)
        age_heartbeat(served.service, SILENT_SECONDS)  # so the test need not wait for so long
        wait_until(lambda: served.operator.get("/ready").status == 503)
        assert status_of(served, "follower") == FAILED
        os.kill(follower.pid, signal.SIGCONT)
        wait_until(lambda: served.operator.get("/ready").status == 200)


def status_of(served: Served, check: str) -> str:
    return str(served.operator.get("/ready").json["checks"][check]["status"])


def test_asking_often_costs_one_look_a_second(database: str) -> None:
    with open_service(database) as service:
        follow_once(service)
        prober = Prober(service)
        prober.after(KEPT_SECONDS)
        before = time.perf_counter()
        service.engine.execute("DROP TABLE heartbeats")  # a look would notice
        for _ in range(1000):
            assert prober.readiness.find_out().status == "ready"
        assert time.perf_counter() - before < 1
        assert prober.after(KEPT_SECONDS).status == "unready"


def test_what_the_database_does_not_say_is_null_and_not_0(database: str) -> None:
    with serving(database) as served:
        served.admit("Ana")
        wait_until(lambda: served.operator.get("/ready").json["behind"] == 0)
        assert served.operator.get("/ready").json["journal"] == served.head
        served.service.follower.stop()
        served.service.engine.execute("DROP TABLE heartbeats")
        wait_until(lambda: served.operator.get("/ready").json["journal"] is None)
        told = served.operator.get("/ready").json
        assert (told["projections"], told["behind"]) == (None, None)
        assert told["checks"]["database"]["status"] == FAILED


def test_ready_says_nothing_of_the_database_behind_it(postgres_dsn: str) -> None:
    with serving(postgres_dsn) as served:
        served.service.follower.stop()
        served.service.engine.execute("DROP TABLE heartbeats")
        wait_until(lambda: served.operator.get("/ready").status == 503)
        told = served.client(None).get("/ready").text
        assert "relation" not in told
        assert "postgres" not in told.lower()


def test_a_clock_that_leaps_ahead_while_it_runs_is_reported(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be right, so nothing is refused; within a year the facts alone show nothing."""
    wall = SetClock()
    with open_service(database, clock=wall) as service:
        admit(service)
        prober = Prober(service)

        def told(steady_seconds: float, **leap: float) -> tuple[str, bool]:
            wall.now += timedelta(seconds=steady_seconds, **leap)
            clock = prober.after(steady_seconds).checks["clock"]
            return clock.status, clock.detail.startswith("Warning: the clock leapt ahead")

        week = 7 * 86_400
        assert told(week) == (OK, False)
        assert told(2, hours=23) == (OK, False)
        assert told(2, days=300) == (OK, True)
        assert told(2) == (OK, True)
        assert told(2, days=-300) == (OK, False)
    leaps = [one for one in caplog.records if "leapt ahead" in one.getMessage()]
    assert len(leaps) == 1
