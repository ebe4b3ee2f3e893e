"""A backup brings back everything permanent, on either engine, or is refused as a whole."""

import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commanding import Stemma
from stories import every_fact, id_of, meanwhile, raw_connection, story

from domain.note import SignerKey
from projections.progress import no_progress
from scripts import audit, backup
from scripts.bundle import FoundLine, export_lines, import_lines
from scripts.service import Service, open_service

SIGNER = SignerKey.new("stemma.example/log")


def told_all(database: str) -> dict[str, object]:
    """A key and a signed log besides every kind of fact; what has to come back."""
    with story(database, signer=SIGNER) as told:
        told.service.log.catch_up()
        told.service.keys.create("operator")
        return kept(database)


def kept(database: str) -> dict[str, object]:
    with open_service(database, signer=SIGNER) as service:
        size = service.log.size()
        return {
            "facts": list(export_lines(service.journal)),
            "checkpoint": service.log.latest(),
            "root": service.log.root(size),
            "receipts": [service.log.receipt(at) for at in (1, size // 2, size)],
            "keys": service.keys.list(),
            "requests": service.journal.facts.requests_between(0, 1 << 62),
        }


@pytest.mark.after(told=every_fact)
def test_a_backup_brings_back_everything_on_the_other_engine(
    database: str, other_database: str, tmp_path: Path
) -> None:
    before, path = told_all(database), tmp_path / "stemma.backup"
    said = Stemma(database)("backup", str(path))
    assert f"{len(before['facts'])} facts, root " in said  # type: ignore[arg-type]
    assert said.endswith("restored and verified\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir() if "backup" in one.name or "scratch" in one.name]
    assert "restored " in Stemma(other_database)("restore", str(path))
    assert kept(other_database) == before
    with open_service(other_database, signer=SIGNER) as service:
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, service, no_progress), str)
        told = Stemma(other_database)("contributor", "add", "--name", "Afterwards")
        assert json.loads(told)["position"] == len(before["facts"]) + 1  # type: ignore[arg-type]
    assert "is not empty" in Stemma(other_database).wrong("restore", str(path))


def test_a_restore_that_was_killed_at_its_end_is_said_to_be_complete(
    database: str, written: bytes, tmp_path: Path
) -> None:
    """The second one said that the database is not empty, and not that it can be served."""
    path = tmp_path / "a.backup"
    path.write_bytes(written)
    code = (
        "import os, signal, sys\nfrom projections.follower import Follower\n"
        "from scripts.stemma import main\n"
        "Follower.catch_up = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "main()\n"
    )
    words = ["--database", database, "restore", str(path)]
    told = subprocess.run([sys.executable, "-c", code, *words], check=False)
    assert told.returncode == -signal.SIGKILL
    again = Stemma(database).wrong("restore", str(path))
    assert "has all facts of this backup already, and no others" in again
    Stemma(database)("export", str(tmp_path / "back"))
    Stemma(database)("contributor", "add", "--name", "Afterwards")
    assert "is not empty" in Stemma(database).wrong("restore", str(path))


def test_a_backup_without_marks_of_what_was_vouched_for_is_marked(
    database: str, other_database: str, tmp_path: Path
) -> None:
    """As it is if it was made by a version that kept no such marks."""
    path, id = tmp_path / "stemma.backup", id_of("ana")
    lines = [
        {"type": "contributor", "id": id, "name": "Ana"},
        {"type": "contribution", "title": "Piece", "medium": "text", "by": id},
    ]
    with story(database) as told:
        assert not import_lines(told.journal, [FoundLine("", one) for one in lines]).refused
        with raw_connection(database) as connection:
            connection.execute("DELETE FROM spent WHERE actor = ''")
        write(told.service, path)
    Stemma(other_database)("restore", str(path))
    with open_service(other_database) as service:
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, service, no_progress), str)


@pytest.mark.after(told=every_fact)
def test_a_backup_is_of_one_moment_while_others_write(database: str, tmp_path: Path) -> None:
    told_all(database)
    path, number = tmp_path / "stemma.backup", iter(range(1 << 30))
    with story(database) as writer, open_service(database) as service:

        def admit() -> None:
            writer.person(f"Person {next(number)}")

        with meanwhile(admit):
            for _ in range(3):
                content = write(service, path)
                assert backup.verify(path, no_progress_of) == content


def write(service: Service, path: Path) -> backup.Content:
    with path.open("wb") as file:
        return backup.write(service, file, no_progress_of)


def no_progress_of(_done: int, _of: int | None) -> None:
    pass


Lines = list[bytes]
DAMAGES: dict[str, Callable[[Lines], Lines]] = {
    "its last line is missing": lambda of: of[:-1],
    "a line is missing": lambda of: [*of[:1], *of[2:]],
    "a line is there twice": lambda of: [*of[:2], of[1], *of[2:]],
    "lines are swapped": lambda of: [of[0], of[2], of[1], *of[3:]],
    "a fact is changed": lambda of: [line.replace(b"eyJ0aW", b"eyJ1aW") for line in of],
    "a text is changed": lambda of: [line.replace(b"text-name-ana", b"Eve") for line in of],
    "it goes on": lambda of: [*of, of[1]],
    "it is no backup": lambda _: [b"hello\n"],
    "it is empty": lambda _: [],
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("written")
    database = f"sqlite:///{folder / 'stemma.db'}"
    with story(database) as told:
        every_fact(told)
    told_all(database)
    with open_service(database) as service:
        write(service, folder / "a.backup")
    return (folder / "a.backup").read_bytes()


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_backup_is_refused_as_a_whole(how: str, written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    lines = gzip.decompress(written).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(DAMAGES[how](lines))))
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    assert "nothing of it was restored" in Stemma(database).wrong("restore", str(path))
    assert not (tmp_path / "stemma.db").exists()


@pytest.mark.parametrize("number", [1, 2])
def test_a_line_that_would_fill_the_memory_is_refused(
    number: int, written: bytes, tmp_path: Path
) -> None:
    """A quarter of a megabyte in the file."""
    path = tmp_path / "a.backup"
    lines = gzip.decompress(written).splitlines(keepends=True)
    endless = b'{"type": "%s"}\n' % (b" " * (129 << 20))
    path.write_bytes(gzip.compress(b"".join((*lines[: number - 1], endless))))
    wrong = Stemma(f"sqlite:///{tmp_path / 'stemma.db'}").wrong("restore", str(path))
    assert f"its line {number} is longer than 128 MiB" in wrong


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_backup_that_breaks_off_is_refused(share: float, written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    path.write_bytes(written[: int(len(written) * share)])
    with pytest.raises(backup.BackupDamaged):
        backup.check(path)


def test_a_backup_that_is_killed_has_no_name(tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from scripts.safe_file import written_whole\n"
        "with written_whole(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert not path.exists()


def test_a_backup_that_could_not_be_verified_has_no_name(database: str, tmp_path: Path) -> None:
    """As on a disk with no room for the scratch database: it would be taken for a good one."""
    with story(database) as told:
        told.person("Ana")
    path = tmp_path / "backups" / "a.backup"
    path.parent.mkdir()
    path.write_bytes(b"the one before")
    code = (
        "import resource\nfrom scripts.stemma import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, 1 << 17))\n"
        "main()\n"
    )
    words = ["--database", database, "backup", str(path)]
    ran = subprocess.run(
        [sys.executable, "-c", code, *words], check=False, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == b"the one before"


def test_the_copy_of_a_verification_that_was_killed_is_removed_by_the_next(
    written: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.backup"
    path.write_bytes(written)
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom scripts import backup\n"
        "backup.must_have_root = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "backup.verify(Path(sys.argv[1]), lambda *_: None)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    backup.verify(path, lambda *_: None)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_is_told_to_stop_leaves_nothing(number: int, tmp_path: Path) -> None:
    """As where a service manager, a closed terminal or Ctrl-C ends a backup that verifies its copy.

    The signal ends it, so that a loop in a shell ends as well.
    """
    usual = "default_int_handler" if number == signal.SIGINT else "SIG_DFL"
    code = (
        "import os, signal, sys, time\nfrom pathlib import Path\n"
        "from tempfile import TemporaryDirectory\n"
        "from scripts.safe_file import written_whole\nfrom scripts.stemma import main\n"
        f"signal.signal({int(number)}, signal.{usual})  # even if the tests run under nohup\n"
        "@main.command()\n@__import__('click').argument('folder', type=Path)\n"
        "def dawdle(folder):\n"
        "    with written_whole(folder / 'a') as file, TemporaryDirectory(dir=folder):\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        time.sleep(60)\n"
        "main()\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, "dawdle", str(tmp_path)], check=False, capture_output=True
    )
    assert (told.returncode, told.stderr) == (-number, b"")
    assert list(tmp_path.iterdir()) == []
