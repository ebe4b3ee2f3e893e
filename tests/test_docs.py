"""The documents say what is: transcripts are run, and every table is held against the code.

Rule: a check made here is also shown to fail, on a document that is wrong.
"""

import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest
import transcript

from api.application import create_app
from api.problems import OWN, PROBLEMS, REFUSED
from domain import contributor, dispute
from domain.credit import CREDIT_KINDS
from domain.dispute import OUTCOMES
from domain.remix import REMIX_KINDS
from domain.role import ALIASES, ROLES
from scripts import bundle, stemma
from scripts.bundle import BadLine, NotRestored
from scripts.service import open_service
from scripts.settings import NAMES

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("domain", "projections", "api", "scripts", "tests")
DOCUMENTS = (
    *(f"{name}.md" for name in ("README", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG")),
    *(f"{folder}/README.md" for folder in FOLDERS),
    "scripts/demonstration/README.md",
    "projections/pictures/README.md",
)


def text_of(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


# -- reading documents -----------------------------------------------------------------------

Rows = list[list[str]]


def tables(text: str) -> Iterator[tuple[list[str], Rows]]:
    """The tables of a document: the heads of their columns, and their rows as cells."""
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        head, _, *rows = (
            [cell.strip() for cell in line.strip("|").split(" |")] for line in block.splitlines()
        )
        yield [cell.strip() for cell in head], rows


def table(text: str, *head: str) -> Rows:
    """The rows of all tables with this head."""
    return [row for found, rows in tables(text) if found == list(head) for row in rows]


def quoted(text: str) -> list[str]:
    """What stands between backquotes; a block of code is no word."""
    return re.findall(r"`([^`]+)`", prose_of(text))


def prose_of(text: str) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def first_cells(rows: Rows) -> list[str]:
    return [name for row in rows for name in quoted(row[0])]


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next of its level."""
    level, rest = re.split(rf"^(#+) {re.escape(title)}$", text, flags=re.MULTILINE)[1:]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, flags=re.MULTILINE)[0]


def test_a_table_is_read_cell_by_cell() -> None:
    text = "| a | b |\n|---|---|\n| `x` `y` | 1 |\n| `z` | |\n\n| a | c |\n|---|---|\n| `w` | 2 |\n"
    assert table(text, "a", "b") == [["`x` `y`", "1"], ["`z`", ""]]
    assert first_cells(table(text, "a", "b")) == ["x", "y", "z"]
    assert table(text, "b", "a") == []


def test_a_section_ends_where_the_next_begins() -> None:
    text = "# A\n\n## B\nb\n### C\nc\n\n## D\nd\n"
    assert section(text, "B") == "\nb\n### C\nc\n\n"
    assert section(text, "C") == "\nc\n\n"


# -- transcripts -------------------------------------------------------------------------------

WITH_TRANSCRIPTS = [document for document in DOCUMENTS if "```console" in text_of(document)]


@pytest.mark.parametrize("document", WITH_TRANSCRIPTS)
def test_a_transcript_is_what_happens(document: str, tmp_path: Path) -> None:
    told = list(transcript.entries(text_of(document)))
    printed = transcript.run([entry.command for entry in told], tmp_path)
    assert [transcript.masked(one) for one in printed] == [
        transcript.masked(entry.printed) for entry in told
    ]


def test_the_readme_has_a_transcript() -> None:
    assert "README.md" in WITH_TRANSCRIPTS


def test_a_transcript_is_one_session_of_a_shell(tmp_path: Path) -> None:
    document = (
        "```console\n$ A=1\n$ echo $A \\\n>   b\n1 b\n```\n\n"
        "```console\n$ false; echo $?$A\n11\n```\n"
    )
    told = list(transcript.entries(document))
    assert [entry.printed for entry in told] == ["", "1 b", "11"]
    assert transcript.run([entry.command for entry in told], tmp_path) == ["", "1 b", "11"]


def test_only_times_and_keys_are_masked() -> None:
    told = "3  2026-11-23 02:03:11  2024-03-01T00:00:00.000000Z  2024-03  stemma_" + "x" * 43
    assert transcript.masked(told) == "3  TIME  TIME  2024-03  KEY"
    assert transcript.masked("position 12, stemma_key") == "position 12, stemma_key"


def test_a_session_leaves_nothing_running(tmp_path: Path) -> None:
    (pid,) = transcript.run(["sleep 600 & echo $!"], tmp_path)
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: str) -> bool:
    """Whether a process lives; one that is dead may wait for whoever adopted it."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, check=False)
    return found.stdout.strip()[:1] not in {b"", b"Z"}


# -- files and links ---------------------------------------------------------------------------


def files_in(folder: Path) -> Iterator[str]:
    """The files of a folder and those below it; what tools leave behind is not ours."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(p.startswith(".") or p == "__pycache__" for p in parts):
            yield "/".join(parts)


def differences(told: Iterable[str], there: Iterable[str]) -> list[str]:
    """The files a list leaves out, and those it made up; a name with / at its end is all below."""
    names, files = set(told), set(there)
    whole = tuple(name for name in names if name.endswith("/"))
    left_out = {file for file in files - names if not file.startswith(whole)}
    made_up = {
        name
        for name in names - files
        if not (name in whole and any(file.startswith(name) for file in files))
    }
    return [*(f"+ {file}" for file in sorted(left_out)), *(f"- {name}" for name in sorted(made_up))]


UNTOLD = {"README.md", "__init__.py"}
"""What needs no line: the list itself, and what makes a package."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_tells_all_of_its_files_and_no_others(folder: str) -> None:
    told = first_cells(table(text_of(f"{folder}/README.md"), "file", "what it is"))
    there = [file for file in files_in(ROOT / folder) if file not in UNTOLD]
    assert differences(told, there) == []


def test_the_code_map_names_every_module_and_no_others() -> None:
    text = section(text_of("ARCHITECTURE.md"), "Code map")
    told = first_cells(table(text, "file", "its one rule"))
    there = [
        f"{folder}/{file}"
        for folder in FOLDERS
        if folder != "tests"
        for file in files_in(ROOT / folder)
        if file.endswith(".py") and (not file.endswith("__init__.py") or f"{folder}/{file}" in told)
    ]
    assert differences(told, there) == []


def test_a_file_left_out_and_a_file_made_up_are_found(tmp_path: Path) -> None:
    for name in ("a.py", "b/c.py", "b/__pycache__/c.pyc", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    there = list(files_in(tmp_path))
    assert there == ["a.py", "b/c.py"]
    assert differences(["a.py", "b/"], there) == []
    assert differences(["b/c.py", "d.py", "e/"], there) == ["+ a.py", "- d.py", "- e/"]


def anchors(text: str) -> set[str]:
    """What a heading can be reached by, as forges make it."""
    headings = re.findall(r"^#+ (.*)$", prose_of(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> Iterator[str]:
    """The relative links that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
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


# -- what the code says -------------------------------------------------------------------------


_VARIABLE = re.compile(r"<(?:[^:>]*:)?([^>]*)>")
_BRACED = r"{\1}"


def test_every_route_is_told_and_no_other(tmp_path: Path) -> None:
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        app = create_app(service.journal, service.store, service.keys, service.log)
    there = {
        f"{method} {_VARIABLE.sub(_BRACED, rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }
    named = quoted(section(text_of("README.md"), "Routes"))
    assert {name for name in named if re.match(r"[A-Z]+ /", name)} == there


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, by its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def words_of(path: str, command: click.Command) -> tuple[str, list[str]]:
    """A command as the table writes it: with its arguments, and its options."""
    arguments = [p.name or "" for p in command.params if isinstance(p, click.Argument)]
    options = [
        flag
        for p in command.params
        if isinstance(p, click.Option)
        for flag in (*p.opts, *p.secondary_opts)
    ]
    return " ".join(("stemma", path, *map(str.upper, arguments))), options


def test_every_command_is_told_with_all_of_its_options() -> None:
    told = {
        first_cells([row])[0]: quoted(row[1])
        for row in table(text_of("scripts/README.md"), "command", "options", "what it does")
    }
    assert told == dict(words_of(*one) for one in commands(stemma.main))


def test_the_readme_names_every_command() -> None:
    named = " ".join(quoted(section(text_of("README.md"), "Commands"))).split()
    assert set(stemma.main.commands) <= set(named)


def test_every_setting_is_told_and_no_other() -> None:
    told = first_cells(table(text_of("README.md"), "variable", "what it is", "default"))
    assert told == list(NAMES)


def test_every_problem_of_the_api_is_told_as_it_is() -> None:
    rows = table(text_of("api/README.md"), "code", "status", "meaning")
    there = [[f"`{code}`", str(PROBLEMS[code].status), PROBLEMS[code].meaning] for code in CODES]
    assert sorted(rows) == sorted(there)


CODES = REFUSED.keys() | OWN.keys()


def test_every_refusal_is_told_somewhere() -> None:
    rows = table(text_of("scripts/README.md"), "code", "meaning")
    there = [[f"`{kind.code}`", kind.__doc__] for kind in (BadLine, NotRestored)]
    assert sorted(rows) == sorted(there)


@pytest.mark.parametrize(
    "head, kinds",
    [
        ("kind of remix", REMIX_KINDS),
        ("kind of credit", CREDIT_KINDS),
        ("grounds", dispute.GROUNDS),
        ("outcome", OUTCOMES),
    ],
)
def test_every_kind_is_told_with_its_meaning(head: str, kinds: dict[str, str]) -> None:
    rows = table(text_of("api/README.md"), head, "meaning")
    assert rows == [[f"`{kind}`", meaning] for kind, meaning in kinds.items()]


def test_every_ground_is_told_with_its_meaning() -> None:
    rows = table(text_of("api/README.md"), "ground", "meaning")
    assert rows == [[f"`{ground}`", meaning] for ground, meaning in contributor.GROUNDS.items()]


def test_every_role_and_every_other_word_for_it_is_told() -> None:
    text = section(text_of("api/README.md"), "Vocabulary")
    roles, aliases = text.split("Roles: ")[1].split("Other words for them: ")
    assert quoted(roles) == list(ROLES)
    told = re.findall(r"`([^`]+)` \(([^)]+)\)", " ".join(aliases.split()))
    assert dict(told) == ALIASES


# -- the bundle format --------------------------------------------------------------------------


def fields_told(*head: str) -> dict[str, tuple[list[str], ...]]:
    """A table of the bundle format: a name, and the fields in each further column."""
    rows = table(section(text_of("scripts/README.md"), "Bundles"), *head)
    return {first_cells([row])[0]: tuple(quoted(cell) for cell in row[1:]) for row in rows}


def test_every_type_of_line_is_told_with_its_fields() -> None:
    assert fields_told("type", "needed", "may be left out") == {
        name: (list(shape.needed), list(shape.optional)) for name, shape in bundle.SHAPES.items()
    }


def test_every_list_of_a_line_is_told_with_its_fields() -> None:
    assert fields_told("list", "needed", "may be left out") == {
        name: (list(needed), list(optional)) for name, (needed, optional) in bundle.PARTS.items()
    }


def test_every_csv_file_is_told_with_its_columns_in_order() -> None:
    told = fields_told("file", "columns")
    assert list(told.items()) == [
        (f"{name}.csv", (list(columns),)) for name, columns in bundle.CSV_COLUMNS.items()
    ]


def test_a_whole_fact_is_told_with_its_fields(tmp_path: Path) -> None:
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        found = bundle.Found("line 1", {"type": "contributor", "name": "Ana"})
        bundle.import_lines(service.journal, [found])
        (line,) = bundle.export_lines(service.journal)
    assert ["type", *fields_told("field", "what it is")] == list(line)


def test_the_example_of_a_bundle_is_imported_whole(tmp_path: Path) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", text_of("scripts/README.md"), re.DOTALL)
    file = tmp_path / "example.jsonl"
    file.write_text(example, "utf-8")
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        report = bundle.import_lines(service.journal, bundle.found_in(file))
    assert report.refused == []
    assert report.lines == len(example.splitlines())


def test_the_converters_that_are_told_are_those_there_are() -> None:
    rows = table(text_of("scripts/README.md"), "`--from`", "what it reads", "what becomes of it")
    (option,) = (p for p in stemma.main.commands["import"].params if p.name == "source")
    assert isinstance(option.type, click.Choice)
    assert ["bundle", *first_cells(rows)] == list(option.type.choices)
