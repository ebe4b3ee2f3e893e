"""The documents say what is: sessions run, links lead somewhere, the reference follows the code.

Rule: a check made here is also shown to fail, on a document that is wrong.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import transcript

from api.web import guides
from domain.money.policy.versions import VERSIONS
from scripts import bundle, reference
from scripts.service import open_service
from scripts.stemma import main

ROOT = Path(__file__).resolve().parents[1]
LARGEST_README = 12_000
MOST_WORDS_OF_ARCHITECTURE = 2_500


def documents() -> Iterator[str]:
    """Every document of the project; what tools leave behind is not ours."""
    for path in sorted(ROOT.rglob("*.md")):
        parts = path.relative_to(ROOT).parts
        if not any(part.startswith(".") or part.endswith(".egg-info") for part in parts):
            yield "/".join(parts)


DOCUMENTS = tuple(documents())


def text_of(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def quoted(text: str) -> list[str]:
    """What stands between backquotes; a block of code is no word."""
    return re.findall(r"`([^`]+)`", prose_of(text))


def prose_of(text: str) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


# -- commands ----------------------------------------------------------------------------------

NAMED_COMMAND = re.compile(r"(?:`|“|^|\$ |bin/)stemma ((?:[a-z][a-z-]* ?)+)", re.MULTILINE)


def unknown_commands(text: str) -> list[str]:
    """The commands that a text names and the command line does not have."""
    return [words for words in NAMED_COMMAND.findall(text) if not is_command(words.split())]


def is_command(words: list[str]) -> bool:
    command: click.Command = main
    for word in words:
        if not isinstance(command, click.Group):
            break
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one != "ARCHITECTURE.md"])
def test_every_command_that_a_document_names_exists(document: str) -> None:
    """ARCHITECTURE.md is left out, because it lists former names."""
    assert not unknown_commands(text_of(document))


def test_a_command_that_does_not_exist_is_found() -> None:
    assert unknown_commands("stemma proposal accept deal") == ["proposal accept deal"]
    assert not unknown_commands("stemma share accept deal\n`stemma works`")


# -- transcripts -------------------------------------------------------------------------------

WITH_TRANSCRIPTS = [document for document in DOCUMENTS if "```console" in text_of(document)]


@pytest.mark.parametrize("document", WITH_TRANSCRIPTS)
def test_a_transcript_is_what_happens(document: str, commands: Path, tmp_path: Path) -> None:
    told = list(transcript.entries(text_of(document)))
    printed = transcript.run([entry.command for entry in told], tmp_path, commands)
    assert [transcript.masked(one) for one in printed] == [
        transcript.masked(entry.printed) for entry in told
    ]


def test_the_readme_the_tutorial_and_the_guides_are_sessions_that_run() -> None:
    told = {"README.md", *(str(path.relative_to(ROOT)) for path in guides.FOLDER.glob("how-to/*"))}
    told.add("api/web/docs/tutorial.md")
    # This one needs a server of PostgreSQL.
    assert told - {*WITH_TRANSCRIPTS} == {"api/web/docs/how-to/run-it-on-postgresql.md"}


def test_a_session_begins_afresh_and_leaves_the_shell_as_it_was() -> None:
    """So guides can be followed one after another, and again: no session finds another's facts."""
    for document in WITH_TRANSCRIPTS:
        commands = [entry.command for entry in transcript.entries(text_of(document))]
        told = "\n".join(commands)
        if '"position": ' in text_of(document):
            assert commands[0].startswith("export STEMMA_DATA=$(mktemp -d)"), document
        left = {*re.findall(r"(STEMMA_\w+)=", told)} - {*re.findall(r"unset (STEMMA_\w+)", told)}
        assert left <= {"STEMMA_DATA", "STEMMA_OPERATOR_KEY"}, document


def test_a_session_can_be_typed_into_the_shell_of_a_mac() -> None:
    """There, in zsh, a comment after a command is more words of the command."""
    for document in WITH_TRANSCRIPTS:
        for entry in transcript.entries(text_of(document)):
            assert not re.search(r"\s#\s", entry.command), (document, entry.command)


def test_a_transcript_is_one_session_of_a_shell(commands: Path, tmp_path: Path) -> None:
    document = (
        "```console\n$ A=1\n$ echo $A \\\n>   b\n1 b\n```\n\n"
        "```console\n$ false; echo $?$A\n11\n```\n"
    )
    told = list(transcript.entries(document))
    assert [entry.printed for entry in told] == ["", "1 b", "11"]
    assert transcript.run([entry.command for entry in told], tmp_path, commands) == [
        "",
        "1 b",
        "11",
    ]


def test_only_times_and_keys_are_masked() -> None:
    told = "3  2026-11-23 02:03:11  2024-03-01T00:00:00.000000Z  2024-03  stemma_" + "x" * 43
    assert transcript.masked(told) == "3  TIME  TIME  2024-03  KEY"
    assert transcript.masked("position 12, stemma_key") == "position 12, stemma_key"


def test_a_session_leaves_nothing_running(commands: Path, tmp_path: Path) -> None:
    (pid,) = transcript.run(["sleep 600 & echo $!"], tmp_path, commands)
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: str) -> bool:
    """Whether a process lives; one that is dead may wait for whoever adopted it."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, check=False)
    return found.stdout.strip()[:1] not in {b"", b"Z"}


# -- links ------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """What a heading can be reached by, as forges make it."""
    headings = re.findall(r"^#+ (.*)$", prose_of(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> Iterator[str]:
    """The relative links that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(document.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            yield target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    assert list(broken_links(ROOT / document)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(
        "# One, two\n```sh\n# not one\n```\n[a](#one-two) [b](a.md) [c](https://example.org/x)\n"
        "[d](b.md) [e](#not-one) [f](a.md#three)\n"
    )
    assert list(broken_links(document)) == ["b.md", "#not-one", "a.md#three"]


def unknown_tests(text: str) -> list[str]:
    """The tests a document names that are not there."""
    return [
        name
        for name in quoted(text)
        if (found := re.fullmatch(r"(tests/\w+\.py)(?:::(\w+))?", name))
        and not _has_test(ROOT / found[1], found[2])
    ]


def _has_test(file: Path, function: str | None) -> bool:
    return file.exists() and (function is None or f"def {function}(" in file.read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_exists(document: str) -> None:
    assert unknown_tests(text_of(document)) == []


def test_a_test_that_is_not_there_is_found() -> None:
    text = (
        "```sh\ncode\n```\n`tests/test_docs.py` `tests/test_docs.py::test_never`\n"
        "`tests/test_no.py::test_docs`"
    )
    assert unknown_tests(text) == ["tests/test_docs.py::test_never", "tests/test_no.py::test_docs"]


# -- how long they are ---------------------------------------------------------------------------


def test_what_everybody_reads_first_is_short() -> None:
    assert len(text_of("README.md").encode()) <= LARGEST_README
    assert len(text_of("ARCHITECTURE.md").split()) <= MOST_WORDS_OF_ARCHITECTURE


# -- the reference ------------------------------------------------------------------------------


@pytest.mark.parametrize("file", reference.PAGES, ids=lambda file: file.stem)
def test_a_reference_page_is_what_the_code_says(file: Path) -> None:
    """Every route, command, option, setting, code, kind, role and type of line stands in one."""
    assert file.read_text("utf-8") == reference.PAGES[file](), "run scripts/reference"


def test_a_page_that_differs_is_written_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "PAGES", {tmp_path / "settings.md": reference.settings})
    reference.main()
    assert capsys.readouterr().out == "settings.md\n"
    assert (tmp_path / "settings.md").read_text("utf-8") == reference.settings()
    reference.main()
    assert capsys.readouterr().out == ""


def test_a_cell_of_a_table_is_one_line_and_one_cell() -> None:
    assert reference.table(("a", "b"), [("x\ny", "1|2")]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        r"| x y | 1\|2 |",
    ]


def test_every_policy_has_its_section() -> None:
    told = {one.title for one in guides.guide("reference/policies").sections}
    assert {name for name, _ in VERSIONS} <= told


def test_the_example_of_a_bundle_is_imported_whole(tmp_path: Path) -> None:
    document = text_of("api/web/docs/reference/bundles.md")
    (example,) = re.findall(r"```json\n(.*?)```", document, re.DOTALL)
    file = tmp_path / "example.jsonl"
    file.write_text(example, "utf-8")
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        report = bundle.import_lines(service.journal, bundle.found_in(file))
        (line, *_) = bundle.export_lines(service.journal)
    assert report.refused == []
    assert report.lines == len(example.splitlines())
    fields = re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE)
    assert ["type", *fields] == list(line)


# -- the guides under /docs ----------------------------------------------------------------------


def test_every_page_is_in_the_table_of_contents_and_no_other() -> None:
    there = {
        str(path.relative_to(guides.FOLDER).with_suffix("")) for path in guides.FOLDER.rglob("*.md")
    }
    assert {*guides.written(), *guides.LIVE, guides.INDEX} == there


def test_a_source_is_text_whatever_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = "[c](javascript:x) [d](how-to/e.md#f)"
    source = f"# A\n\n<script>x</script> <b>b</b> {links}\n\n## A <b>B\n\ng\n"
    (tmp_path / "wild.md").write_text(source, "utf-8")
    monkeypatch.setattr(guides, "FOLDER", tmp_path)
    made = guides.guide("wild")
    assert "<script" not in made.html
    assert "<b>" not in made.html
    assert 'href="javascript' not in made.html
    assert '<a href="how-to/e#f">d</a>' in made.html
    assert [one.anchor for one in made.sections] == ["", "a-bb"]


def test_a_search_of_many_words_costs_no_more_than_one_of_few() -> None:
    """Anybody may search the documentation, without a key."""

    def seconds(q: str) -> float:
        begun = time.process_time()
        for guide in guides.written().values():
            guide.found(q)
        return time.process_time() - begun

    few = seconds("a")
    assert seconds(" ".join("abcdefghijklmnoprstuvwy" * 4)) < few + 0.2


def test_a_section_is_found_by_all_words_of_a_search_and_shows_the_first() -> None:
    guide = guides.guide("how-to/close-a-split")
    (section, *_) = guide.found("WINDOW_OPEN")
    assert section.anchor == "finalise"
    assert "window_open" in section.excerpt("window_open")
    assert guide.found("window_open nowhere") == []
