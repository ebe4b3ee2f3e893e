"""An export checks itself: what was lost, changed, moved or joined is refused, and nothing kept."""

import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import ENOSPC
from os import strerror
from pathlib import Path

import pytest
from commanding import Stemma
from golden_journals import FOLDER
from stories import every_fact, raw_connection, story, ticking
from tampering import without_triggers

from scripts.bundle import ExportDamaged, found_in, import_lines, sealed_lines
from scripts.safe_file import written_whole
from scripts.service import open_service

Lines = list[str]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """An export of a history with every kind of fact."""
    folder = tmp_path_factory.mktemp("exported")
    with story(f"sqlite:///{folder / 'told.db'}", clock=ticking()) as told:
        every_fact(told)
        return list(sealed_lines(told.journal, told.service.log))


def changed(lines: Lines, at: int, old: str, new: str) -> Lines:
    assert old in lines[at]
    return [*lines[:at], lines[at].replace(old, new), *lines[at + 1 :]]


def resealed(lines: Lines) -> Lines:
    """As somebody would write them who knows the SHA-256, but not what the root is of."""
    from hashlib import sha256

    hashed = sha256("".join(lines[:-1]).encode()).hexdigest()
    return [*lines[:-1], json.dumps(json.loads(lines[-1]) | {"sha256": hashed}) + "\n"]


def swapped(lines: Lines) -> Lines:
    return [*lines[:5], lines[6], lines[5], *lines[7:]]


DAMAGES: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "the last line is missing": (lambda of: of[:-1], "its last line is missing; it breaks off"),
    "the second half is missing": (lambda of: of[: len(of) // 2], "its last line is missing"),
    "it ends within a line": (lambda of: [*of[:9], of[9][:40]], "line 10: not a fact"),
    "only its first line is left": (lambda of: of[:1], "breaks off after position 0"),
    "a line is missing": (lambda of: of[:7] + of[8:], "position 7 is missing"),
    "a line is there twice": (lambda of: of[:7] + of[6:], "line 8 is of position 6"),
    "two lines are swapped": (swapped, "line 6 is of position 6"),
    "a fact is changed": (lambda of: changed(of, 4, "2020", "2021"), "another SHA-256"),
    "a fact is changed and sealed again": (
        lambda of: resealed(changed(of, 4, "2020", "2021")),
        "another root",
    ),
    "a text is changed": (lambda of: changed(of, 1, "text-name-ana", "Eve"), "not the one"),
    "an owner is changed": (
        lambda of: changed(of, 1, '"name", "', '"name" , "'),
        "another SHA-256",
    ),
    "a blank is added": (lambda of: changed(of, 9, '"type": ', '"type":  '), "another SHA-256"),
    "an empty line is added": (lambda of: [*of[:9], "\n", *of[9:]], "line 10: not a fact"),
    "the first fact is missing": (lambda of: [of[0], *of[2:]], "position 1 is missing"),
    "it is there twice": (lambda of: of + of, "it goes on after its last line"),
    "another line follows": (
        lambda of: [*of, '{"type": "contributor", "name": "Eve"}\n'],
        "it goes on after its last line",
    ),
    "the count is another": (
        lambda of: [*of[:-1], json.dumps(json.loads(of[-1]) | {"facts": 3}) + "\n"],
        "its last line is of 3 facts",
    ),
    "the last line says less": (
        lambda of: [*of[:-1], '{"type": "export.end"}\n'],
        "not one that “stemma export” writes",
    ),
    "it is of a later format": (
        lambda of: changed(of, 0, '"format": 1', '"format": 2'),
        "its format is 2, and this version reads 1",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_export_is_refused_and_nothing_of_it_recorded(
    damage: str, exported: Lines, database: str, tmp_path: Path
) -> None:
    how, reason = DAMAGES[damage]
    path = tmp_path / "export.jsonl"
    path.write_text("".join(how(exported)), "utf-8")
    with open_service(database) as service:
        with pytest.raises(ExportDamaged) as told:
            import_lines(service.journal, found_in(path))
        assert reason in str(told.value)
        assert service.journal.facts.head() == 0


def test_any_byte_that_is_changed_is_noticed(exported: Lines, tmp_path: Path) -> None:
    whole, path = "".join(exported).encode(), tmp_path / "export.jsonl"
    chosen = random.Random(11)
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        for _ in range(40):
            at = chosen.randrange(len(exported[0]), len(whole))
            byte = bytes([whole[at] ^ 1 << chosen.randrange(7)])
            path.write_bytes(whole[:at] + byte + whole[at + 1 :])
            with pytest.raises(ExportDamaged):
                import_lines(service.journal, found_in(path))
        for length in sorted(chosen.sample(range(len(exported[0]), len(whole) - 1), k=20)):
            path.write_bytes(whole[:length])
            with pytest.raises(ExportDamaged):
                import_lines(service.journal, found_in(path))
        assert service.journal.facts.head() == 0


# -- the command ---------------------------------------------------------------------------------


@pytest.mark.after(told=every_fact)
def test_an_export_of_the_command_is_restored_in_parts_too(
    database: str, other_database: str, tmp_path: Path
) -> None:
    one, other = Stemma(database), Stemma(other_database)
    whole, later = tmp_path / "whole.jsonl", tmp_path / "later.jsonl"
    with story(database) as told:
        one("export", str(whole))
        head = told.head()
        told.person("text-name-late")
        one("export", "--after", str(head), str(later))
    assert whole.stat().st_mode & 0o777 == later.stat().st_mode & 0o777 == 0o600
    seal = json.loads(whole.read_text("utf-8").splitlines()[-1])
    assert (seal["after"], seal["facts"], seal["head"]) == (0, head, head)
    assert f"restored up to position {head}, root {seal['root']}" in other("import", str(whole))
    assert f"restored up to position {head + 1}, root " in other("import", str(later))
    assert other("export") == one("export")


def test_a_damaged_export_ends_the_command_with_status_1(
    exported: Lines, database: str, tmp_path: Path
) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text("".join(exported[:-1]), "utf-8")
    assert "its last line is missing" in Stemma(database).wrong("import", str(path))


def test_a_part_that_does_not_follow_says_where_it_stopped(
    exported: Lines, database: str, tmp_path: Path
) -> None:
    """Whole in itself, but of another journal than the one it is imported into."""
    path = tmp_path / "export.jsonl"
    path.write_text("".join(exported), "utf-8")
    with story(database, clock=ticking()) as told:
        told.person("Somebody else")
    said = Stemma(database).wrong("import", str(path))
    assert "The export was restored up to position 1 and no further: line 2: position 1" in said


def test_what_comes_through_a_pipe_is_checked_before_anything_is_recorded(
    exported: Lines, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    command = [sys.executable, "-m", "scripts.stemma", "--database", database, "import"]
    for lines, status, said in (
        (exported[:-1], 1, "its last line is missing"),
        (exported, 0, "restored up to position"),
    ):
        done = subprocess.run(
            [*command, "-"], input="".join(lines), capture_output=True, text=True, check=False
        )
        assert done.returncode == status
        assert said in done.stdout + done.stderr
        with open_service(database) as service:
            assert service.journal.facts.head() == (0 if status else len(exported) - 2)


def test_an_export_of_the_first_version_is_restored_and_said_to_have_no_seal(
    database: str, tmp_path: Path
) -> None:
    path = tmp_path / "old.jsonl"
    path.write_bytes(gzip.decompress((FOLDER / "0.1" / "every-command.jsonl.gz").read_bytes()))
    facts = len(path.read_text("utf-8").splitlines())
    told = Stemma(database).run("import", str(path))
    assert told.exit_code == 0
    assert "has no last line with its count and root" in told.output
    assert f"It was restored up to position {facts}." in told.output


def test_an_old_export_that_ends_within_a_line_ends_with_status_1(
    database: str, tmp_path: Path
) -> None:
    path = tmp_path / "old.jsonl"
    text = gzip.decompress((FOLDER / "0.1" / "every-command.jsonl.gz").read_bytes())
    path.write_bytes(text[:5000])
    told = Stemma(database).wrong("import", str(path))
    assert "The export was restored up to position " in told
    assert "and no further: line " in told


# -- the file ------------------------------------------------------------------------------------


def unfinished() -> Iterator[bytes]:
    yield b"half"
    raise KeyboardInterrupt


def test_a_file_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text("the one before")
    with pytest.raises(KeyboardInterrupt), written_whole(path) as file:
        file.writelines(unfinished())
    assert path.read_text() == "the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_on_a_full_disk_is_named_and_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    with pytest.raises(OSError, match=r"a\.backup"), written_whole(path):
        raise OSError(ENOSPC, strerror(ENOSPC))  # as writing to it would
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_no_folder_is_named_as_it_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "a.backup"
    with pytest.raises(FileNotFoundError) as told, written_whole(path):
        pass
    assert told.value.filename == str(path)


def test_a_file_that_must_be_new_replaces_no_other(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    for text in (b"one", b"other"):
        with suppress(FileExistsError), written_whole(path, is_new=True) as file:
            file.write(text)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "damage, said",
    [
        ("DELETE FROM stored_events WHERE position = 2", "there is no fact at position 2"),
        ("UPDATE stored_events SET topic = 'x' WHERE position = 2", "position 2: this row does"),
        ("UPDATE stored_events SET links = 'x' WHERE position = 2", "not those in the log"),
    ],
)
def test_facts_that_were_changed_are_not_exported(damage: str, said: str, tmp_path: Path) -> None:
    stemma = Stemma(f"sqlite:///{tmp_path / 'stemma.db'}")
    for name in ("Ana", "Ben", "Eva"):
        stemma("contributor", "add", "--name", name)
    with open_service(stemma.database) as service:
        service.log.catch_up()
    with raw_connection(stemma.database) as connection:
        without_triggers(connection, "stored_events")
        connection.execute(damage)
    ran = stemma.run("export", str(tmp_path / "all.jsonl"))
    assert (ran.exit_code, said in ran.stderr, "(damaged)" in ran.stderr) == (1, True, True)
    assert not list(tmp_path.glob("*all.jsonl*"))
