"""Whatever people write, no control character of it reaches a terminal, whichever way it is asked.

Every command that asks a question is run, as text and as JSON, about works and people whose every
text commands a terminal.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commanding import Stemma
from stories import Story, story

from domain.checkpoint import Checkpoint, sign
from domain.dispute import GROUNDS
from domain.note import SignerKey
from domain.printable import CONTROLS
from domain.tree import EMPTY_ROOT
from domain.value import Ref
from projections.question import QUESTIONS, Question
from scripts.verify import main as verify

HOSTILE = "\x1b[2J\x9b clear\x7f \u202eturned\u2066"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A database whose texts are all hostile, and the id of each noun."""
    database = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'stemma.db'}"
    with story(database) as told:
        yield database, recorded(told)


def recorded(told: Story) -> dict[str, str]:
    """A work and its source, a claim, a dispute, a join and what was said about them."""
    ana = told.tell("admit_contributor", name=f"ana {HOSTILE}").id
    ben = told.tell("admit_contributor", name=f"ben {HOSTILE}").id
    named = dict.fromkeys(("display", "credited_as", "join_phrase", "character"), HOSTILE)
    piece = {"title": HOSTILE, "medium": HOSTILE, "licence": HOSTILE}
    source = told.tell("submit_contribution", **piece, authors=[])
    work = told.tell(
        "submit_contribution",
        **piece,
        authors=[{"contributor": ana, "role": "singer", **named}],
        sources=[{"work": source.id, "kind": "sample", "note": HOSTILE}],
    ).id
    credit = told.tell(
        "open_credit", work=work, contributor=ben, role="editor", evidence=HOSTILE
    ).id
    remix = told.tell(
        "declare_remix", child=work, uri="https://example.org/x", kind="sample", evidence=HOSTILE
    ).id
    told.tell(
        "dispute_credit",
        id=credit,
        grounds=next(iter(GROUNDS)),
        reason=HOSTILE,
        evidence=HOSTILE,
        actor=ben,
    )
    told.tell("describe_work", id=work, title=HOSTILE, reason=HOSTILE)
    twin = told.tell("submit_contribution", **piece)
    join = told.tell("join_works", work=twin.id, into=source.id, reason=HOSTILE).id
    release = told.tell("assemble_release", title=HOSTILE, components=[{"work": work}]).id
    told.service.follower.catch_up()
    return {
        "work": work,
        "contributor": ana,
        "credit": credit,
        "remix": remix,
        "join": join,
        "release": release,
    }


def arguments(question: Question, ids: dict[str, str]) -> list[str] | None:
    """The words that ask it; None if it is of something that the story has not got."""
    found = []
    for one in question.in_path:
        if not isinstance(one.value, Ref) or one.value.noun not in ids:
            return None
        found.append(ids[one.value.noun])
    return found


@pytest.mark.parametrize("form", ["--json", ""])
def test_no_control_character_reaches_a_terminal(
    hostile: tuple[str, dict[str, str]], form: str
) -> None:
    database, ids = hostile
    shown = 0
    for question in QUESTIONS.values():
        words = arguments(question, ids)
        if question.cli is None or words is None or question.rehearses:
            continue
        said = [*question.cli.split(), *words, *([form] if form else [])]
        ran = Stemma(database).run(*said)
        assert not CONTROLS.search(ran.output), (said, ran.output)
        shown += "turned" in ran.output
    assert shown >= 10


def test_no_control_character_of_a_bundle_reaches_a_terminal(
    hostile: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    database, ids = hostile
    file = tmp_path / f"{HOSTILE.replace('/', '')}.jsonl"
    lines = [
        {"type": HOSTILE},
        {"type": "contribution", HOSTILE: 1},
        {
            "type": "contribution",
            "title": "x",
            "medium": "text",
            "authors": [{"contributor": HOSTILE, "role": HOSTILE}],
        },
        {"type": "remix", "child": HOSTILE, "parent": HOSTILE, "kind": HOSTILE},
        {"type": "contribution", "title": "x", "medium": "text", "made_at": HOSTILE},
        {
            "type": "contribution",
            "title": "x",
            "medium": "text",
            "sources": [{"uri": HOSTILE, "kind": "sample"}],
        },
        {"type": "identifier", "work": ids["work"], "scheme": HOSTILE, "identifier": HOSTILE},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + HOSTILE)
    ran = Stemma(database).run("import", str(file))
    assert len([line for line in ran.output.splitlines() if "line" in line]) >= len(lines)
    assert not CONTROLS.search(ran.output), repr(ran.output)


def test_no_text_adds_a_line_to_what_a_terminal_shows(tmp_path: Path) -> None:
    forged = "├── component 2: Forged — Nobody"
    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        ana = told.tell("admit_contributor", name=f"Ana\n{forged}").id
        author = {"contributor": ana, "role": "writer"}
        piece = {"title": f"Low Tide\u2028{forged}", "medium": "text", "authors": [author]}
        work = told.tell("submit_contribution", **piece).id
        release = told.tell(
            "assemble_release", title=f"Single\n{forged}", components=[{"work": work}]
        ).id
        told.service.follower.catch_up()
    stemma = Stemma(f"sqlite:///{tmp_path / 'stemma.db'}")
    asked = (["contributors", release], ["lineage", release], ["works"], ["history", release])
    said = [stemma(*words) for words in asked]
    said.append(stemma.wrong("lineage", f"nothing\n{forged}"))
    for lines in (one.splitlines() for one in said):
        assert any("Forged" in line for line in lines)
        assert not [line for line in lines if line.strip(" │└").startswith("├── component 2")]


def test_no_name_of_a_file_commands_a_terminal_or_adds_a_line_to_a_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signer, file = SignerKey.new("stemma.example/log"), tmp_path / f"{HOSTILE}\nsigned by   nobody"
    ran = Stemma(f"sqlite:///{tmp_path / 'stemma.db'}").run("import", str(file))
    assert (ran.exit_code, CONTROLS.search(ran.output)) == (1, None)
    words = ["checkpoint", str(file), "--key", str(signer.verifier)]
    assert verify(words) == 2
    file.write_bytes(sign(Checkpoint(signer.name, 0, EMPTY_ROOT), signer))
    assert verify(words) == 0
    told = capsys.readouterr()
    assert "verified" in told.out
    assert not CONTROLS.search(told.out + told.err)
    assert "signed by   nobody" not in (told.out + told.err).splitlines()
