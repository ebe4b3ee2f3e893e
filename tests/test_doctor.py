"""The doctor finds what is wrong with an installation, says what to do, and tells no secret."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from databases import Postgres

from domain.commands.admitting import AdmitContributor
from domain.note import COSIGNATURE, SignerKey
from scripts import doctor
from scripts.benchmarks.load import free_port
from scripts.doctor import FAILED, OK, SKIPPED, WARNING, examine, names
from scripts.log_keys import make_log_key
from scripts.service import open_by, open_service
from scripts.settings import Settings, read_log_keys, read_settings
from scripts.stemma import main

KEY = "a-key-that-nobody-guesses-0123456789"
Environment = dict[str, str]


@pytest.fixture
def healthy(database: str, tmp_path: Path) -> Environment:
    """The environment of an installation in which everything is as it should be."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    environment = {
        "STEMMA_DATABASE": database,
        "STEMMA_DATA": str(data),
        "STEMMA_PORT": str(free_port()),
        "STEMMA_OPERATOR_KEY": KEY,
    }
    settings = read_settings(environment)
    make_log_key(settings, "example.org/log")
    with open_service(database, **read_log_keys(settings)._asdict()) as service:
        service.journal.record(AdmitContributor(name="Ana"))
        while sum(step() for step in service.follower.steps):
            pass
    return environment


def statuses(environment: Environment, *only: str) -> dict[str, str]:
    return {one.name: one.status for one in examine(lambda: read_settings(environment), only)}


def test_an_installation_without_fault_has_only_to_be_started(healthy: Environment) -> None:
    told = statuses(healthy)
    assert list(told) == names()
    is_fast = healthy["STEMMA_DATABASE"].startswith("postgresql")  # see databases.py
    wrong = {name for name, status in told.items() if status != OK}
    assert wrong - ({"database"} if is_fast else set()) == {"ready"}
    assert told["ready"] == WARNING


def test_a_database_that_may_lose_what_was_acknowledged_is_named(postgres_dsn: str) -> None:
    """… after a crash of PostgreSQL. A role or a database may have a setting of its own."""
    with open_service(postgres_dsn) as service:
        ((name,),) = service.engine.query("SELECT current_database()")
    for value, status in (("off", WARNING), ("on", OK)):
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {value}")
        settings = {"STEMMA_DATABASE": postgres_dsn}
        (found,) = examine(partial(read_settings, settings), ["database"])
        assert ("synchronous_commit" in found.detail) == (status == WARNING)
        assert found.status in {status, WARNING}  # the databases of the tests are not durable


def test_an_address_that_leads_to_no_standby_is_named(
    postgres_server: Postgres, tmp_path: Path
) -> None:
    with postgres_server.database() as one, postgres_server.database() as other:
        open_service(one).close()
        away = f"postgresql://stemma@/stemma?host={tmp_path}"
        settings = {"STEMMA_DATABASE": one, "STEMMA_READ_DATABASE": f"{other} {away}"}
        (found,) = examine(lambda: read_settings(settings), ["standbys"])
    assert (found.status, found.detail) == (
        WARNING,
        "Standbys that are not read: 1 its address is of another database or schema; "
        "2 does not answer.",
    )


def test_who_lost_the_key_of_the_log_is_not_told_to_make_another_of_the_same_name(
    healthy: Environment,
) -> None:
    remove_log_key(healthy)
    (found,) = examine(lambda: read_settings(healthy), ["log_key"])
    assert found.detail == "The log is signed up to 1, and the key that signed it is not there."
    assert "Put the file of STEMMA_LOG_KEY back." in found.advice


def test_a_read_only_file_system_is_not_mended_by_another_owner(healthy: Environment) -> None:
    folder = healthy["STEMMA_DATA"]
    mounted = ["mount", "-t", "tmpfs", "-o", "ro", "none", folder]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    try:
        (found,) = examine(lambda: read_settings(healthy), ["data"])
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    assert (found.status, found.advice) == (FAILED, "Mount it for writing.")


def of(environment: Environment) -> Settings:
    return read_settings(environment)


def make_readable_by_all(environment: Environment) -> None:
    Path(of(environment).log_key).chmod(0o644)


def let_all_write_the_folder(environment: Environment) -> None:
    Path(environment["STEMMA_DATA"]).chmod(0o707)


def show_mail_password(environment: Environment) -> None:
    lose_mail_password(environment)
    Path(environment["STEMMA_SMTP_PASSWORD"]).touch(mode=0o644)


def drop_trigger(environment: Environment) -> None:
    is_sqlite = environment["STEMMA_DATABASE"].startswith("sqlite")
    name = "stored_events_delete" if is_sqlite else "keep_stored_events ON stored_events"
    with open_service(of(environment).database) as service:
        service.engine.execute(f"DROP TRIGGER {name}")


def drop_index(environment: Environment) -> None:
    with open_service(of(environment).database) as service:
        service.engine.execute("DROP INDEX requests_key")


def make_key_weak(environment: Environment) -> None:
    environment["STEMMA_OPERATOR_KEY"] = "operator" * 4


def exchange_log_key(environment: Environment) -> None:
    path = Path(of(environment).log_key)
    path.write_text(SignerKey.new("example.org/log").secret_text() + "\n")


def remove_log_key(environment: Environment) -> None:
    Path(of(environment).log_key).unlink()


def name_a_folder_as_log_key(environment: Environment) -> None:
    environment["STEMMA_LOG_KEY"] = environment["STEMMA_DATA"]


def lose_mail_password(environment: Environment) -> None:
    environment |= {
        "STEMMA_SMTP": "smtp://stemma@mail.example.org:587",
        "STEMMA_SMTP_PASSWORD": f"{environment['STEMMA_DATA']}/not-there",
        "STEMMA_MAIL_FROM": "stemma@example.org",
        "STEMMA_ADDRESS": "https://stemma.example.org",
    }


def silence_follower(environment: Environment) -> None:
    with open_service(of(environment).database) as service:
        service.engine.execute("UPDATE heartbeats SET at = at - 60000")


def stop_following(environment: Environment) -> None:
    with open_service(of(environment).database) as service:
        service.engine.execute("DELETE FROM heartbeats")


def remove_folder(environment: Environment) -> None:
    environment["STEMMA_DATA"] += "/not-there"


def spoil_setting(environment: Environment) -> None:
    environment["STEMMA_THREADS"] = "many"


@pytest.mark.parametrize(
    "spoil, name, status",
    [
        (make_readable_by_all, "modes", FAILED),
        (let_all_write_the_folder, "modes", FAILED),
        (show_mail_password, "modes", FAILED),
        (drop_trigger, "triggers", FAILED),
        (drop_index, "triggers", FAILED),
        (make_key_weak, "settings", FAILED),
        (exchange_log_key, "log_key", FAILED),
        (remove_log_key, "log_key", FAILED),
        (name_a_folder_as_log_key, "settings", FAILED),
        (lose_mail_password, "settings", FAILED),
        (silence_follower, "follower", FAILED),
        (stop_following, "follower", FAILED),
        (remove_folder, "data", WARNING),
        (spoil_setting, "settings", FAILED),
    ],
)
def test_what_is_wrong_is_found_and_comes_with_advice(
    healthy: Environment, spoil: Callable[[Environment], None], name: str, status: str
) -> None:
    spoil(healthy)
    found = {one.name: one for one in examine(lambda: read_settings(healthy))}
    assert found[name].status == status
    assert found[name].advice
    assert list(found) == names()


def test_a_clock_that_differs_from_that_of_the_database_is_found(
    healthy: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ahead, status in ((0, OK), (-10, WARNING), (90, FAILED)):
        with monkeypatch.context() as patch, open_service(of(healthy).database) as service:
            now = service.engine.now
            patch.setattr(service.engine, "now", lambda now=now, ahead=ahead: now() + ahead)
            assert doctor.look_at_clock(of(healthy), service)[0] == status


def test_it_is_said_when_witnesses_stay_away(healthy: Environment, tmp_path: Path) -> None:
    key = SignerKey.new("witness.example/w", COSIGNATURE).verifier
    policy = tmp_path / "policy"
    policy.write_text(f"witness w {key} http://127.0.0.1:9\nquorum w\n")
    settings = of({**healthy, "STEMMA_WITNESS_POLICY": str(policy)})
    with open_by(settings, create=False) as service:
        service.log.catch_up()
        assert doctor.look_at_cosigned(settings, service)[0] == OK
        service.journal.clock = lambda: datetime.now(UTC) + timedelta(minutes=11)
        status, detail, *_ = doctor.look_at_cosigned(settings, service)
    said = "Cosigned up to 0, signed up to 1; behind: witness.example/w at 0."
    assert (status, detail) == (WARNING, said)


def test_a_dependency_of_another_version_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "run.txt"
    lock.write_text(
        "flask==0.1 \\\n    --hash=sha256:ab\nnot-there==1\nnor-this==1 ; os_name == 'x'\n"
    )
    monkeypatch.setattr(doctor, "LOCK", lock)
    status, detail, _ = doctor.look_at_dependencies(read_settings({}))
    assert status == WARNING
    assert "flask" in detail
    assert "not-there is missing" in detail
    assert "nor-it" not in detail


@contextmanager
def stranger_on(port: int) -> Iterator[None]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        yield


def test_a_port_that_something_else_has_is_found(healthy: Environment) -> None:
    with stranger_on(int(healthy["STEMMA_PORT"])):
        assert statuses(healthy, "ready") == {"ready": FAILED}


def test_without_a_database_the_rest_is_still_examined(tmp_path: Path) -> None:
    told = statuses({"STEMMA_DATABASE": f"sqlite:///{tmp_path}/none.db"})
    assert told["database"] == FAILED
    assert told["python"] == OK
    assert {told[name] for name in ("follower", "clock", "log_key")} == {SKIPPED}


def test_a_damaged_database_is_to_be_restored(tmp_path: Path) -> None:
    (tmp_path / "stemma.db").write_bytes(b"x" * 5000)
    (found,) = examine(lambda: read_settings({"STEMMA_DATA": str(tmp_path)}), ["database"])
    assert (found.status, found.advice) == (FAILED, "Restore the latest backup: “stemma restore”.")


def test_a_database_of_another_version_is_neither_to_be_started_nor_made(
    healthy: Environment,
) -> None:
    with open_service(of(healthy).database) as service:
        service.engine.execute("UPDATE layouts SET version = 'another' WHERE name = 'derived'")
    (found,) = examine(lambda: read_settings(healthy), ["database"])
    assert "run “stemma upgrade”" in found.detail
    assert found.advice == "Do as it says."


def run(environment: Environment, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["doctor", *words], env=environment)
    return done.exit_code, done.output


def test_a_setting_that_is_misspelt_is_named_and_a_variable_of_another_program_is_not(
    healthy: Environment,
) -> None:
    healthy |= {"STEMMA_PUBLIK_PAGES": "yes", "STEMMA_TEST_POSTGRES": "x"}
    (found,) = examine(lambda: read_settings(healthy), ["settings"])
    assert found.status == WARNING
    assert found.detail == "Nothing reads STEMMA_PUBLIK_PAGES."
    assert found.advice == "Is STEMMA_PUBLIC_PAGES meant?"


def test_the_status_is_1_only_if_something_is_broken(healthy: Environment) -> None:
    status, said = run(healthy, "--json")
    assert status == 0, said
    assert {one["status"] for one in json.loads(said)["items"]} == {OK, WARNING}
    assert KEY not in said
    silence_follower(healthy)
    assert run(healthy)[0] == 1
    assert run(healthy, "--only", "database", "--only", "clock")[0] == 0
    assert "There is no “weather”" in run(healthy, "--only", "weather")[1]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"STEMMA_DATABASE": "postgresql://u:geheim-123@127.0.0.1:1/x"},
        {"STEMMA_DATABASE": "postgresql://u:geheim-123@x/y?colour=red"},
        {"STEMMA_OPERATOR_KEY": "geheim-123"},
        {"STEMMA_METRICS_TOKEN": "geheim-123"},
        {"STEMMA_LOG_KEY": "env:SECRET_KEY", "SECRET_KEY": "PRIVATE KEY+x+00000000+geheim-123"},
    ],
    ids=str,
)
def test_no_secret_is_told_however_wrong_it_is(spoiled: Environment, tmp_path: Path) -> None:
    environment = {"STEMMA_DATABASE": f"sqlite:///{tmp_path}/s.db", "STEMMA_DATA": str(tmp_path)}
    open_service(environment["STEMMA_DATABASE"]).close()
    for words in ((), ("--json",)):
        status, said = run(environment | spoiled, *words)
        assert status == 1
        assert "geheim" not in said
