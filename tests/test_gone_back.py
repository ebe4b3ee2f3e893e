"""A database that was set back: the log notices, signs nothing, and goes on under another name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commanding import Stemma
from stories import Story
from test_readiness import Prober

from domain.note import SignerKey
from domain.tree import NotVerified
from projections.progress import no_progress
from scripts import audit
from scripts.doctor import examine
from scripts.last_signed import LastSigned
from scripts.log_keys import make_log_key
from scripts.service import Service, open_by, open_service
from scripts.settings import read_settings

SIGNER = SignerKey.new("stemma.example/log")


def admitted(service: Service, *names: str) -> None:
    for name in names:
        Story(service).person(name)
    service.log.catch_up()


def follow_once(service: Service) -> None:
    for step in service.follower.steps:
        service.follower._take(step)


@pytest.fixture
def set_back(database: str, other_database: str, tmp_path: Path) -> Path:
    """``other_database`` as ``database`` was at position 2; the file with what was signed at 4."""
    kept, backup = tmp_path / "log.key.signed", tmp_path / "stemma.backup"
    with open_service(database, signer=SIGNER, last_signed=LastSigned(kept)) as service:
        admitted(service, "Ana", "Ben")
        Stemma(database)("backup", str(backup))
        admitted(service, "Cid", "Dan")
        assert service.log.checkpoint_of(4) == kept.read_bytes()
    Stemma(other_database)("restore", str(backup))
    return kept


@pytest.mark.parametrize(
    "further, said",
    [
        (["Eva"], "the database has only 3 of them"),
        (["Eva", "Fay", "Gil"], "the database has others at their positions"),
    ],
)
def test_facts_that_take_the_place_of_signed_ones_are_not_signed(
    further: list[str], said: str, set_back: Path, other_database: str
) -> None:
    with open_service(other_database, signer=SIGNER, last_signed=LastSigned(set_back)) as service:
        prober = Prober(service)
        for name in further:
            Story(service).person(name)
        with pytest.raises(NotVerified, match=f"has signed 4 facts, and {said}"):
            service.log.catch_up()
        signed = service.log.checkpoint()
        assert signed is not None
        assert signed.size == 2
        follow_once(service)
        assert prober.failed() == {"log"}
        assert said in prober.readiness.find_out().checks["log"].detail


def test_following_goes_on_although_nothing_is_signed(set_back: Path, other_database: str) -> None:
    with open_service(other_database, signer=SIGNER, last_signed=LastSigned(set_back)) as service:
        Story(service).person("Eva")
        follow_once(service)
        assert service.store.current().position == 3
        assert service.heartbeat.age() is not None


@pytest.mark.parametrize(
    "how, why",
    [
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: file.write_bytes(b"\xff"), "the note is not UTF-8 at byte 0"),
        (lambda file: file.touch(), "the note has no blank line before its signatures"),
    ],
)
def test_a_file_that_does_not_say_what_was_signed_is_named(
    how: Callable[[Path], object], why: str, database: str, tmp_path: Path
) -> None:
    """As after a command of another user, who alone may read what it wrote."""
    kept = tmp_path / "log.key.signed"
    how(kept)
    with open_service(database, signer=SIGNER, last_signed=LastSigned(kept)) as service:
        Story(service).person("Ana")
        follow_once(service)
        prober = Prober(service)
        assert prober.failed() == {"log"}
        told = prober.after(0).checks["log"].detail
        assert told == f"The log can't go on: {kept.name} can't be read ({why})."
        assert service.log.checkpoint() is None


def test_what_was_signed_is_signed_again_once_the_facts_are_back(
    set_back: Path, database: str
) -> None:
    with open_service(database, signer=SIGNER, last_signed=LastSigned(set_back)) as service:
        admitted(service, "Eva")
        assert service.log.checkpoint_of(5) == set_back.read_bytes()


def test_the_log_goes_on_under_another_name(set_back: Path, other_database: str) -> None:
    other = SignerKey.new("stemma.example/log-2")
    with open_service(other_database, signer=other, last_signed=LastSigned(set_back)) as service:
        admitted(service, "Eva")
        assert service.log.checkpoint_of(3) == set_back.read_bytes()
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, service, no_progress), str)


def test_the_doctor_says_that_the_database_went_back(
    set_back: Path, other_database: str, tmp_path: Path
) -> None:
    (tmp_path / "log.key").write_text(SIGNER.secret_text())
    settings = read_settings({"STEMMA_DATABASE": other_database, "STEMMA_DATA": str(tmp_path)})
    assert settings.last_signed == set_back
    (found,) = examine(lambda: settings, ["log"])
    assert "rollback: stemma.example/log has signed 4 facts" in found.detail
    assert "Back up and restore" in found.advice


def test_a_log_without_a_name_of_its_own_may_be_of_any_database(tmp_path: Path) -> None:
    for name in ("one", "another"):
        settings = read_settings(
            {
                "STEMMA_DATABASE": f"sqlite:///{tmp_path}/{name}.db",
                "STEMMA_DATA": str(tmp_path),
            }
        )
        make_log_key(settings)
        with open_by(settings) as service:
            admitted(service, name)
            assert service.log.checkpoint() is not None
    assert not settings.last_signed.exists()


class Dying(LastSigned):
    """The file of a process that ends as soon as it is written."""

    def write(self, note: bytes) -> None:
        super().write(note)
        raise KeyboardInterrupt


def test_nothing_is_published_before_it_is_noted(database: str, tmp_path: Path) -> None:
    """Else a database set back to the moment before would not be noticed."""
    kept = tmp_path / "log.key.signed"
    with open_service(database, signer=SIGNER, last_signed=Dying(kept)) as service:
        with pytest.raises(KeyboardInterrupt):
            admitted(service, "Ana")
        assert kept.exists()
        assert service.log.checkpoint() is None
    with open_service(database, signer=SIGNER, last_signed=LastSigned(kept)) as service:
        service.log.catch_up()
        assert service.log.checkpoint_of(1) == kept.read_bytes()
