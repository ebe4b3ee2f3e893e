"""The command line does what it says, and says what is wrong in one sentence."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from socket import socket
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import click
import pytest
from commanding import Stemma
from rich.console import Console
from rich.highlighter import JSONHighlighter

from domain.engine.opening import open_engine
from domain.registry import COMMANDS
from projections.registry import by_words
from projections.told import Facet
from scripts import commands as rooms_of_commands
from scripts.benchmarks.load import free_port
from scripts.bundle import Ids
from scripts.stemma import ROOMS, SECTIONS, main
from scripts.terminal import RENDERERS, print_json

ROOT = Path(__file__).resolve().parents[1]
STEMMA = (sys.executable, "-m", "scripts.stemma")


@pytest.fixture
def stemma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stemma:
    monkeypatch.setenv("STEMMA_DATA", str(tmp_path))  # a server of another test has left a key
    return Stemma(f"sqlite:///{tmp_path / 'stemma.db'}")


# -- help ----------------------------------------------------------------------------------


def commands(group: click.Group = main, *words: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*words, name)
        if isinstance(command, click.Group):
            yield from commands(command, *words, name)


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_every_option_has_help(words: tuple[str, ...]) -> None:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert not [one.opts for one in options if not one.help]


def test_an_option_that_takes_json_says_so_and_what_is_in_it(stemma: Stemma) -> None:
    lines = (
        "--lines JSON|@FILE Who gets or gives how much. A list of objects with payee, amount_minor."
    )
    assert lines in " ".join(stemma("adjustment", "record", "--help").split())
    told = " ".join(stemma("proposal", "post", "--help").split())
    assert "--assets JSON|@FILE" in told
    assert 'by this policy, such as {"type": "relative_cascade"}.' in told


@pytest.mark.parametrize("words", [(), *commands()], ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...], stemma: Stemma) -> None:
    """… and asking for it opens no database."""
    told = stemma(*words, "--help")
    assert told.splitlines()[2].strip(), "the first line says what it is for"
    assert not list(Path(stemma.database.removeprefix("sqlite:///")).parent.iterdir())


def test_every_room_of_commands_is_brought_to_the_front_door() -> None:
    rooms = [
        room
        for module in iter_modules(rooms_of_commands.__path__)
        if hasattr(room := import_module(f"scripts.commands.{module.name}"), "commands")
    ]
    assert {room.__name__ for room in rooms} == {room.__name__ for room in ROOMS}
    assert sum(len(room.commands.commands) for room in rooms) == len(main.commands)


def test_the_help_of_everything_lists_each_command_once_under_a_heading(stemma: Stemma) -> None:
    listed = stemma("--help").partition("\n\nSet it up")[2]
    named = re.findall(r"^  ([a-z][a-z-]+)  ", listed, re.MULTILINE)
    assert sorted(named) == sorted(main.commands)
    assert re.findall(r"^([A-Z].*):$", listed, re.MULTILINE) == list(SECTIONS)[1:]


def test_nothing_is_loaded_that_only_some_commands_need() -> None:
    heavy = "{'flask', 'granian', 'resvg_py', 'scripts.audit', 'scripts.benchmarks'}"
    asked = f"import sys, scripts.stemma; print(*{heavy} & sys.modules.keys())"
    ran = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "\n"


OTHERS = {"key", "verify", "identity", "webhook", "notifications"}
"""The groups of commands that record nothing."""
ASKING = {tuple(words.split()) for words in by_words()}
"""What asks about a noun beside the commands that record."""


def test_every_type_of_line_has_a_command() -> None:
    """What a bundle can say, the command line can say."""
    recording = [
        words
        for words in commands()
        if len(words) == 2 and words[0] not in OTHERS and words not in ASKING
    ]
    assert {words[0] for words in recording} == {name.split(".")[0] for name in COMMANDS}
    assert len(recording) == len(COMMANDS)


@pytest.mark.parametrize("words", [("nothing",), ("works", "--colour"), ("credit", "open")])
def test_what_there_is_not_is_said_with_status_2(words: tuple[str, ...], stemma: Stemma) -> None:
    assert "Usage:" in stemma.wrong(*words, status=2)


# -- a story -------------------------------------------------------------------------------


def test_a_story_by_the_command_line_alone(database: str) -> None:
    """People, pieces, edges, credits and a release; then who contributed to it."""
    stemma = Stemma(database)
    for id, name in (("ana", "Ana"), ("ben", "Ben"), ("cem", "Cem"), ("cem2", "Cem again")):
        stemma("contributor", "add", "--id", id, "--name", name)
    post = ("contribution", "post", "--medium", "text")
    stemma(*post, "--id", "poem", "--title", "Low Tide", "--author", "ana writer", "--by", "ana",
           "--source", "https://old.example/tide quotation", "--made-at", "1969")  # fmt: skip
    stemma(*post, "--id", "song", "--title", "Low Tide, sung", "--author", "ben voice actor",
           "--author", "cem musician", "--source", "poem adaptation 1/5",
           "--by", "ben")  # fmt: skip
    stemma(*post, "--id", "hum", "--title", "A Hum", "--author", "cem2 musician",
           "--made-at", "1970")  # fmt: skip
    stemma("work", "redate", "hum", "--made-at", "1968", "--reason", "the label")
    stemma("remix", "declare", "--id", "e", "--child", "song", "--parent", "hum",
           "--kind", "sample")  # fmt: skip
    stemma("remix", "dispute", "e", "--grounds", "not_derived", "--reason", "mine",
           "--evidence", "takes", "--by", "ben")  # fmt: skip
    stemma("remix", "settle", "e", "--outcome", "dismissed", "--reason", "compared")
    stemma("credit", "open", "--id", "ear", "--work", "song", "--contributor", "ana",
           "--role", "editor", "--kind", "influence", "--by", "ben")  # fmt: skip
    stemma("credit", "accept", "ear", "--by", "ana")
    stemma("credit", "dispute", "ear", "--grounds", "other", "--reason", "no",
           "--evidence", "takes", "--by", "ben")  # fmt: skip
    stemma("credit", "settle", "ear", "--outcome", "dismissed", "--reason", "letters")
    no = stemma.record("credit", "open", "--work", "song", "--contributor", "ana", "--role", "host")
    stemma("credit", "revoke", no)
    stemma("release", "assemble", "--id", "album", "--title", "Tides", "--component", "song 1/2",
           "--component", "poem")  # fmt: skip
    published = json.loads(stemma("release", "publish", "album"))["position"]
    stemma("contribution", "withdraw", "hum", "--reason", "not ours")
    stemma("contributor", "merge", "cem2", "--into", "cem")

    def who(*words: str) -> dict[str, tuple[str, list[str]]]:
        items = stemma.json("contributors", "album", "--json", *words)["items"]
        return {one["contributor"]["name"]: (one["kind"], one["roles"]) for one in items}

    now = {
        "Ana": ("direct", ["writer", "editor"]),
        "Ben": ("direct", ["voice actor"]),
        "Cem": ("direct", ["musician"]),
    }
    assert who() == now
    assert who("--as-published") == who("--as-of", str(published))
    assert who("--as-published") == now | {"Cem again": ("direct", ["musician"])}
    assert who("--role", "editor") == {"Ana": ("influence", ["editor"])}
    roll = stemma("contributors", "album")
    assert all(name in roll for name in ("Tides", "Ana", "Ben", "Cem", "Low Tide", "1/5"))
    assert "A Hum" not in roll
    assert "(withdrawn contribution)" in roll
    assert "credit.settled" in stemma("history", "song")
    assert "letters" in stemma("history", "song")
    assert "credit.settled" in stemma("notices", "ana")
    assert "contributor.merged" in stemma("history", "--of", "contributor", "cem")
    assert "Tides" in stemma("attribution", "ana")
    assert stemma.json("attribution", "ana", "--json")["items"][0]["release"]["title"] == "Tides"
    assert stemma.json("works", "--kind", "release", "--json")["items"][0]["title"] == "Tides"
    assert stemma.json("lineage", "album", "--format", "json")["root"] == work("album")
    assert "http" in stemma("works", "--kind", "outside")
    over = ("split", "album", "--policy", "relative_cascade", "--amount-minor", "100",
            "--default-rate", "0")  # fmt: skip
    assert "Low Tide, sung" in stemma(*over)
    assert sum(one["amount_minor"] for one in stemma.json(*over, "--json")["items"]) == 100
    planned = ("remix", "preview", "--child", "album", "--parent", "hum", "--kind", "sample",
               "--rate", "1/4", "--default-rate", "0")  # fmt: skip
    assert stemma.json(*planned)["stack"] == {"before": "1/2", "after": "3/4", "cap": "1"}
    assert stemma("rebuild", "--grace-seconds", "0") == f"rebuilt up to position {head(stemma)}\n"
    assert who() == now


def test_facts_are_told_in_sentences_with_names(stemma: Stemma) -> None:
    """As pages tell them; a history was a list of ids and field names."""
    for id, name in (("ana", "Ana"), ("ben", "Ben")):
        stemma("contributor", "add", "--id", id, "--name", name)
    stemma("contribution", "post", "--id", "poem", "--title", "Low Tide", "--medium", "text",
           "--author", "ana writer", "--by", "ana")  # fmt: skip
    stemma("credit", "open", "--id", "ear", "--work", "poem", "--contributor", "ben",
           "--role", "editor", "--evidence", "letters", "--by", "ben")  # fmt: skip
    stemma("comment", "post", "--work", "poem", "--text", "Is it, @ana?", "--by", "ben")
    claimed = stemma("claims", "poem")
    stemma("credit", "decline", "ear", "--reason", "It was two commas.", "--by", "ana")
    history, happened = stemma("history", "poem"), stemma("happenings", "ana")
    for said in (
        "Ana posted Low Tide",
        "Ben claimed a credit as editor on Low Tide; evidence: letters",
        "Ana declined the credit of Ben on Low Tide; because: It was two commas.",
    ):
        assert said in history
    assert "Ben commented on Low Tide, mentioning Ana; text: Is it, @Ana?" in happened
    for told in (history, happened, stemma("notices", "ben")):
        assert re.search(r"[0-9a-f]{8}-", told) is None
    assert claimed.count("Ben") == 2, "who claims it, and who is credited"
    assert len(re.findall(r"[0-9a-f]{8}-", claimed)) == 1, "of the claim, to answer it by"


def test_an_id_may_be_a_text_or_a_uuid(stemma: Stemma) -> None:
    ana = stemma.record("contributor", "add", "--id", "ana", "--name", "Ana")
    assert ana == Ids("bundle").named("person", "ana")
    assert stemma("history", "--of", "contributor", ana) == stemma(
        "history", "--of", "contributor", "ana"
    )


def test_the_same_command_with_an_id_is_harmless_and_without_makes_another(stemma: Stemma) -> None:
    add = ("contributor", "add", "--name", "Ana")
    assert stemma(*add, "--id", "ana") == stemma(*add, "--id", "ana")
    assert stemma.record(*add) != stemma.record(*add)


@pytest.mark.parametrize("form", ["tree", "json", "graphml", "dot", "jsonld"])
def test_a_lineage_comes_in_every_form(form: str, stemma: Stemma) -> None:
    diamond(stemma)
    told = stemma("lineage", "top", "--format", form)
    if form in ("json", "jsonld"):
        json.loads(told)
    assert all(title in told for title in ("Top", "Left", "Right", "Root"))


def test_a_tree_draws_each_work_with_its_sources_once(stemma: Stemma) -> None:
    """A hundred ways to one work are not a hundred branches."""
    diamond(stemma, layers=12)
    told = stemma("lineage", "top")
    assert told.count("Deepest") == 1
    assert len(told.splitlines()) < 60


def test_of_a_deep_lineage_a_tree_draws_what_is_near_and_counts_the_rest(stemma: Stemma) -> None:
    lines = [piece(f"{n}", f"T{n}", *([f"{n - 1}"] if n else [])) for n in range(60)]
    stemma("import", "-", input="\n".join(map(json.dumps, lines)))
    id = json.loads(stemma("works", "--limit", "1", "--json"))["items"][0]["id"]
    for drawn in (stemma("lineage", id), stemma("contributors", id)):
        assert "adaptation: T36" in drawn
        assert "T35" not in drawn
        assert f"… and 36 more: `stemma ancestors {id}` lists them" in drawn


# -- what is printed -----------------------------------------------------------------------


def test_nothing_is_cut_when_it_is_printed_to_a_pipe(stemma: Stemma) -> None:
    long = "x" * 500
    address = f"https://old.example/{'y' * 1900}"
    markup = "[bold]:fire:[/bold] [/] \\"
    for title in (long, markup):
        stemma("contribution", "post", "--title", title, "--medium", "text")
    id = stemma.record("contribution", "post", "--title", "T", "--medium", "text",
                       "--source", f"{address} sample")  # fmt: skip
    told = stemma("works")
    assert long in told
    assert address in told
    assert markup in told
    for form in ("tree", "json", "graphml", "dot", "jsonld"):
        assert address in stemma("lineage", id, "--format", form), form
    reason = " ".join("word" for _ in range(900))
    stemma("contribution", "withdraw", id, "--reason", reason)
    assert reason in stemma("history", id)


def test_the_words_of_a_real_pipe_are_whole_and_end_quietly(stemma: Stemma) -> None:
    """`stemma works | head -1` is no error of ours."""
    for number in range(30):
        stemma("contributor", "add", "--id", f"p{number}", "--name", "x" * 200)
    process = subprocess.Popen(
        [*STEMMA, "--database", stemma.database, "export"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["type"] == "export"
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "words",
    ["--help", "works -h", "--version", "works", "export", "facets --json", "trial-balance --csv"],
)
def test_what_cannot_be_written_to_a_full_disk_is_one_clear_error(
    words: str, stemma: Stemma
) -> None:
    stemma("contributor", "add", "--name", "Ana")
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*STEMMA, "--database", stemma.database, *words.split()],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    said = "Error: The output could not be written: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (1, said)


def test_output_that_was_closed_is_not_missed(stemma: Stemma) -> None:
    """`stemma export >&-`, as a job may run it."""
    stemma("contributor", "add", "--name", "Ana")
    command = f'"{sys.executable}" -m scripts --database "{stemma.database}"'
    for words in ("export", "works", "import - <&-"):
        ran = subprocess.run(
            f"{command} {words} >&-",
            shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, ""), words


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""Where letters are those of English; one in Latin-1 lacks all but a few more."""


@pytest.mark.parametrize("words", ["works", "works --json"])
def test_what_is_piped_is_utf_8_wherever_it_is_run(words: str, stemma: Stemma) -> None:
    stemma("contribution", "post", "--title", "おゆき", "--medium", "text")
    ran = subprocess.run(
        [*STEMMA, "--database", stemma.database, *words.split()],
        cwd=ROOT, env={**os.environ, **ASCII}, capture_output=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert "おゆき" in ran.stdout.decode("utf-8")


def test_a_terminal_without_a_letter_shows_its_number(stemma: Stemma) -> None:
    stemma("contribution", "post", "--title", "おゆき", "--medium", "text")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb") as terminal, os.fdopen(theirs, "wb") as output:
        subprocess.run(
            [*STEMMA, "--database", stemma.database, "works"],
            cwd=ROOT, env={**os.environ, **ASCII}, stdout=output, check=True,
        )  # fmt: skip
        assert rb"\u304a\u3086\u304d" in terminal.read1()


# -- page by page --------------------------------------------------------------------------

COMMUNITY = [
    *({"type": "contributor", "id": id, "name": id.title()} for id in ("ana", "ben", "cem")),
    *(
        {"type": "contribution", "id": f"piece-{by}", "title": "Tide", "medium": "text", "by": by,
         "authors": [{"contributor": by, "role": "writer"}], "sources": sources}
        for by, sources in (
            ("ana", [{"uri": f"https://old.example/{n}", "kind": "sample"} for n in range(3)]),
            ("ben", [{"work": "piece-ana", "kind": "sample"}]),
            ("cem", [{"work": f"piece-{of}", "kind": "sample"} for of in ("ana", "ben")]),
        )
    ),
    *(
        {"type": "release", "id": f"album-{n}", "title": "Tides",
         "components": [{"work": "piece-cem"}]}
        for n in range(3)
    ),
    {"type": "release", "id": "show", "title": "All tides",
     "components": [{"work": f"album-{n}"} for n in range(3)]},
    {"type": "contribution", "id": "piece-op", "title": "Tide", "medium": "text", "authors": []},
    {"type": "release.publish", "id": "album-0"},
    *(
        {"type": "credit", "id": f"ear-{n}", "work": "piece-cem", "contributor": "ana",
         "role": role, "by": "cem"}
        for n, role in enumerate(("editor", "host", "musician"))
    ),
    *(
        {"type": "credit.dispute", "id": f"ear-{n}", "grounds": "other", "reason": "No.",
         "evidence": "The session file.", "by": "ben"}
        for n in range(3)
    ),
    *({"type": "contributor.grant-role", "id": id, "role": "accountant"}
      for id in ("ana", "ben", "cem")),
    *({"type": "project", "id": f"film-{n}", "title": "A film", "goal": "Make it.",
       "kind": "short film", "by": "ana", "steps": [{"title": "Write it"}]} for n in range(3)),
    {"type": "step", "id": "draw", "project": "film-0", "title": "Draw it"},
    *({"type": "contribution.place", "id": f"piece-{by}", "step": "draw", "by": by}
      for by in ("ana", "ben", "cem")),
    *({"type": "project.update", "id": "film-0", "text": f"Day {n}."} for n in range(3)),
    *({"type": "challenge", "id": f"call-{n}", "title": "Draw it", "prompt": "Draw the tide.",
       "project": "film-0", "roles": ["writer"]} for n in range(4)),
    *({"type": "challenge.answer", "id": "call-0", "work": f"piece-{by}", "by": by}
      for by in ("ana", "ben", "cem")),
    *({"type": "comment", "work": "album-0", "text": f"Take {n}."} for n in range(3)),
    *({"type": "contributor.follow", "id": "ana", "challenge": f"call-{n}"} for n in range(3)),
    *({"type": "contributor.follow", "id": by, "work": "album-0", "shown": "public", "by": by}
      for by in ("ana", "ben", "cem")),
    *({"type": "contributor", "id": f"band-{n}", "name": f"Band {n}"} for n in range(3)),
    *({"type": "membership", "id": f"in-{band}-{who}", "group": f"band-{band}",
       "contributor": who}
      for band, who in ((0, "ana"), (0, "ben"), (0, "cem"), (1, "ana"), (2, "ana"))),
    *({"type": "membership.accept", "id": f"in-{band}-{who}", "by": who}
      for band, who in ((0, "ana"), (0, "ben"), (0, "cem"), (1, "ana"), (2, "ana"))),
    {"type": "pool", "id": "sold", "release": "album-0", "name": "sold", "kind": "song",
     "currency": "USD",
     "terms": {"type": "fixed", "shares": [[name, "1/3"] for name in ("house", "label", "bank")]}},
    *({"type": "revenue", "id": f"sale-{n}", "pool": "sold", "source": "shop",
       "amount_minor": 300 + n, "effective_at": "2026-01"} for n in range(3)),
    {"type": "payout", "id": "spring", "currency": "USD"},
    {"type": "revenue", "id": "sale-late", "pool": "sold", "source": "shop",
     "amount_minor": 300, "effective_at": "2026-02"},
]  # fmt: skip
CLAIMS = [
    {"type": "credit", "id": f"claim-{role}", "work": "piece-op", "contributor": "ben",
     "role": role, "by": "ben"}
    for role in ("editor", "host", "musician")
]  # fmt: skip
SPLIT = ("split", "album-0", "--policy", "relative_cascade", "--amount-minor", "900",
         "--default-rate", "1/4")  # fmt: skip
GROUPS = {"work", "contributor", "credit", "release", "project", "challenge", "comment", "payout"}
PAGED = [
    *(("claims", "piece-op"), ("waiting",), ("roles",)),
    *(("inbox",), ("happenings", "ana")),
    *(("project", "list"), ("project", "updates", "film-0"), ("project", "pieces", "film-0")),
    *(("challenge", "list"), ("challenge", "answers", "--challenge", "call-0")),
    *(("comment", "list"), ("contributor", "follows", "ana"), ("followers", "album-0")),
    *(("contributor", "groups", "ana"), ("contributor", "members", "band-0")),
    *(("work", one, "album-0", "ana") for one in ("credits", "paths")),
    ("search", "a"),
    *(("challenge", "people", "call-1"), ("contributor", "challenges", "ana")),
    ("work", "likely-sources", "piece-ben"),
    *(("works",), ("ancestors", "album-0"), ("descendants", "piece-ana")),
    *(
        ("contributor", "list"),
        ("credit", "list", "piece-cem"),
        ("release", "clearance", "album-0"),
        ("release", "parts", "show"),
    ),
    *(SPLIT, (*SPLIT, "--as-published"), ("notices", "ana"), ("attribution", "ana")),
    *(("bookings",), ("balances",), ("payout", "preview", "--currency", "USD")),
    ("payout", "list"),
]


def test_a_list_told_a_page_at_a_time_is_the_whole_list(stemma: Stemma) -> None:
    """The last line of a page says how to go on, whatever is recorded meanwhile."""
    assert " 0 refused" in stemma("import", "-", input="\n".join(map(json.dumps, COMMUNITY)))
    stemma("import", "-", "--as-claims", input="\n".join(map(json.dumps, CLAIMS)))
    for words in PAGED:
        whole = stemma.json(*words, "--json", "--limit", "200")
        assert (len(whole["items"]) > 2, whole["next"]) == (True, None), words
        third = ["--limit", str(-(-len(whole["items"]) // 3))]
        items, more = [], third
        while more:
            page = stemma.json(*words, *more, "--json")
            items += page["items"]
            last = stemma(*words, *more).splitlines()[-1]
            on = re.fullmatch(r"… and more: the same with (--after \S+(?: --as-of \d+)?)", last)
            more = [*third, *on[1].split()] if on else []
            assert (page["next"] is None) == (on is None), words
            stemma("contribution", "post", "--title", "Later", "--medium", "text", "--by", "ana",
                   "--author", "ana writer", "--source", "piece-ana sample")  # fmt: skip
        assert items == whole["items"], words


def test_every_count_by_value_is_a_table() -> None:
    told = (questions[0].result for questions in by_words().values())
    counting = {one.__name__ for one in told if Facet in get_type_hints(one).values()}
    assert len(counting) > 2
    assert {RENDERERS[name] for name in counting} == {"terminal.facets"}


def test_every_list_with_a_limit_has_a_next_page() -> None:
    limited = {
        words: {param.name for param in command.params} for words, command in leaves(main)
    }  # fmt: skip
    paged = {words for words, names in limited.items() if {"limit", "after"} <= names}
    assert paged == {words[: 1 + (words[0] in GROUPS)] for words in PAGED}
    assert {words for words, names in limited.items() if "limit" in names} == {
        *paged,
        ("remix", "preview"),  # says how many there are, and tells the first of them
    }


def leaves(group: click.Group) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for words in commands(group):
        command: click.Command = group
        for word in words:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        yield words, command


# -- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, said",
    [
        (["contributors", "nothing"], "(unknown_work)"),
        (["lineage", "nothing"], "(unknown_work)"),
        (["history", "nothing"], "(unknown_work)"),
        (["history", "--of", "contributor", "nobody"], "(unknown_contributor)"),
        (["attribution", "nobody"], "(unknown_contributor)"),
        (["works", "--role", "wizard"], "(unknown_role)"),
        (["contributors", "top", "--role", "wizard"], "(unknown_role)"),
        (["contributors", "top", "--as-published"], "(not_published)"),
        (["contributors", "top", "--as-of", "0"], "(unknown_work)"),
        (["works", "--as-of", "999"], "not 999 yet"),
        (["works", "--after", "nonsense"], "(bad_cursor)"),
        (["credit", "accept", "nothing"], "(unknown_credit)"),
        (["contributor", "add", "--name", ""], "(bad_text)"),
        (["contributor", "add", "--id", "a b", "--name", "x"], "(bad_line)"),
        (["contribution", "post", "--title", "T", "--medium", "text", "--author", "ana"],
         "“ana” is not a contributor and a role, such as “ana writer”"),
        (["contribution", "post", "--title", "T", "--medium", "text", "--source", "x"],
         "not a source, a kind and perhaps a rate"),
        (["remix", "declare", "--child", "root", "--parent", "top", "--kind", "sample"],
         "(lineage_cycle)"),
        (["import", "/nowhere/at/all"], "There is no file or folder /nowhere/at/all"),
        (["export", "/nowhere/at/all"], "/nowhere/at/all: No such file or directory"),
        (["backup", "/nowhere/at.gz"], "/nowhere/at.gz: No such file or directory"),
        (["key", "create", "--for", "nobody"], "(unknown_contributor)"),
        (["key", "revoke", "abc"], "There is no key abc; “stemma key list” shows those there are"),
        (["pool", "open", "--release", "top", "--name", "n", "--kind", "song", "--currency", "EUR",
          "--terms", "terms.json"], "--terms is not JSON, nor @FILE with a file of it"),
        (["key", "new", "my log"], "write one such as example.org/log"),
        (["receipt", "1"], "Nothing is signed: there is no key. See “stemma key new”."),
        (["key", "create", "--for", "operator", "--scope", "role:acountant"],
         "the nearest are role:accountant"),
        (["restore", __file__], "an export is read by “stemma import”"),
        (["bench", "nothing"], "There is no benchmark nothing"),
        (["identifier", "state", "--scheme", "isrc", "--identifier", "USSKG1912345"],
         "one of work, contributor. (one_subject)"),
        (["split", "top", "--policy", "relative_cascade", "--amount-minor", "900"],
         "no rate is stated for “Deepest” as a source of “Root”"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_an_error_is_one_clear_sentence(words: list[str], said: str, stemma: Stemma) -> None:
    diamond(stemma)
    told = stemma.wrong(*words)
    assert said in told
    assert len(told.splitlines()) == 1


def test_a_table_is_not_read_as_a_bundle(stemma: Stemma, tmp_path: Path) -> None:
    (tmp_path / "contributors.csv").write_text("id,name\nben,Ben\n")
    told = stemma.wrong("import", str(tmp_path / "contributors.csv"))
    assert told.startswith("CSV files are imported by the name of their folder")
    assert "1 recorded" in stemma.run("import", str(tmp_path)).output


def test_a_warning_names_works_as_they_were_typed_or_by_their_titles(stemma: Stemma) -> None:
    """As a refusal does; it named ids that nobody has typed."""
    post = ("contribution", "post", "--medium", "text", "--made-at")
    stemma(*post, "2024", "--id", "tide", "--title", "Low Tide")
    low = stemma.record(*post, "2023", "--title", "Sung")
    edge = ("remix", "declare", "--kind", "sample", "--parent", "tide", "--child")
    (warning,) = stemma.json(*edge, low)["warnings"]
    assert warning["detail"] == (
        "The work Sung is dated 2023, before tide, from which it was made (2024): one of the dates "
        "is wrong."
    )


def test_every_error_of_a_command_begins_like_a_sentence() -> None:
    """As refusals do, and what the library of the command line says of words it does not know."""
    begun = re.compile(r'(?:ClickException|UsageError|OurMistake)\(\s*f?"(\w)')
    first = {
        file.name: "".join(begun.findall(file.read_text()))
        for file in (ROOT / "scripts").rglob("*.py")
    }
    assert len("".join(first.values())) > 10
    assert {name: letters for name, letters in first.items() if letters != letters.upper()} == {}


@pytest.mark.parametrize(
    "database, said",
    [
        ("mysql://x", "must be sqlite:///FILE or postgresql://…"),
        ("sqlite:////dev/null/stemma.db", "/dev/null: File exists"),
        (f"sqlite:///{__file__}", "file is not a database"),
    ],
)
@pytest.mark.parametrize("word", ["works", "serve", "follow"])
def test_a_database_that_does_not_answer_is_named_at_once(
    database: str, said: str, word: str
) -> None:
    with socket() as free:  # the usual port may be taken by a demonstration
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    if word == "works" and "/dev/null" in database:
        said = "There is no database at /dev/null/stemma.db"  # it would not create a folder for one
    assert said in Stemma(database).wrong(word, *(["--port", port] if word == "serve" else []))


def test_a_server_that_does_not_answer_is_named_at_once_by_what_does_not_wait_for_it() -> None:
    """The server and the follower wait (tests/test_survival.py)."""
    assert "Connection refused" in Stemma("postgresql://u:p@127.0.0.1:1/stemma").wrong("works")


LOOKING = [
    *(
        "works",
        "contributors x",
        "ancestors x",
        "attribution x",
        "history x",
        "lineage x",
        "pools x",
    ),
    *("ledger x", "statement x", "notices x", "export", "key list", "key revoke 12345678"),
    *("receipt 1", "receipts x", "verify database", "verify-money", "rebuild", "vacuum"),
    "forget x --ground request",
]


@pytest.mark.parametrize("words", LOOKING)
def test_a_look_at_a_mistyped_database_creates_none(words: str, tmp_path: Path) -> None:
    path = tmp_path / "data" / "stemma.db"
    told = Stemma(f"sqlite:///{path}").wrong(*words.split())
    assert told.startswith(f"There is no database at {path}; “stemma serve”, “stemma import” and")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["works", "serve"])
def test_a_mistyped_database_of_a_server_is_named_without_its_password(
    word: str, postgres_dsn: str
) -> None:
    words = [word, *(["--port", str(free_port())] if word == "serve" else [])]
    missing = urlsplit(postgres_dsn)._replace(path="/stemma_missing").geturl()
    missing = missing.replace("stemma:stemma@", "stemma:geheim@")
    told = Stemma(missing).wrong(*words)
    assert told.startswith("There is no database “stemma_missing” on the server; ")
    assert "createdb" in told
    assert "geheim" not in told


def test_a_look_at_an_empty_database_creates_no_tables(empty_database: str) -> None:
    if empty_database.startswith("sqlite:///"):
        Path(empty_database.removeprefix("sqlite:///")).touch()
    told = Stemma(empty_database).wrong("works")
    assert told.startswith("There are no tables of Stemma in the database; “stemma serve”, ")
    with closing(open_engine(empty_database)) as engine:
        assert not engine.layout(["stored_events"])


# -- bundles -------------------------------------------------------------------------------

BUNDLE = """{"type": "contributor", "id": "ana", "name": "Ana"}

{"type": "contributor", "id": "ben"}
{"type": "credit", "work": "w", "contributor": "ana", "role": "[bold]"}
{"type": "contributor", "id": "cem", "name": "Cem"}
"""


def test_refused_lines_are_told_and_written(stemma: Stemma, tmp_path: Path) -> None:
    """… with numbers that count as an editor counts, and lose no other."""
    path, refused = tmp_path / "b.jsonl", tmp_path / "refused.jsonl"
    path.write_text(BUNDLE)
    told = stemma("import", str(path), "--refused", str(refused))
    assert "line 3: refused (bad_line): the field “name” is missing" in told
    assert "line 4: refused (unknown_work): There is no work w." in told
    assert "4 lines: 2 recorded, 0 unchanged, 2 refused" in told
    written = [json.loads(line) for line in refused.read_text().splitlines()]
    assert [(one["where"], one["code"]) for one in written] == [
        ("line 3", "bad_line"),
        ("line 4", "unknown_work"),
    ]
    assert "0 recorded, 2 unchanged" in stemma("import", str(path))


INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "scripts.stemma":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["stemma", "--version"]
from scripts.__main__ import main
main()
"""


def test_an_interrupt_while_it_is_loaded_shows_no_traceback() -> None:
    """Where interrupts are ignored, as for a job in the background, they still are."""
    ignoring = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{INTERRUPTED}"
    for code, status, said in ((INTERRUPTED, -signal.SIGINT, ""), (ignoring, 0, "stemma ")):
        ran = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert (ran.returncode, ran.stderr) == (status, "")
        assert ran.stdout.startswith(said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("block", ["reading", "snapshot", "transaction"])
def test_a_signal_during_a_statement_ends_the_command(
    block: str, number: int, database: str
) -> None:
    """SQLite's driver drops it: the statement was said to have taken too long, and tried again.

    On PostgreSQL, undoing a transaction failed instead, because the connection had been closed.
    """
    usual = "default_int_handler" if number == signal.SIGINT else "SIG_DFL"
    code = (
        "import os, signal, threading\n"
        "from scripts.service import open_service\nfrom scripts.stemma import main\n"
        f"signal.signal({int(number)}, signal.{usual})\n"
        "ENDLESS = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 1000000000) SELECT count(*) FROM n'\n"
        "@main.command()\n"
        "def dawdle():\n"
        f"    with open_service({database!r}) as service:\n"
        f"        threading.Timer(0.5, os.kill, (os.getpid(), {int(number)})).start()\n"
        f"        with service.engine.{block}():\n"
        "            service.engine.query(ENDLESS)\n"
        "main()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "dawdle"], check=False, capture_output=True, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (-number, b"", b"")


def test_a_strict_import_fails_if_a_line_is_refused(stemma: Stemma) -> None:
    ran = stemma.run("import", "-", "--strict", input=BUNDLE)
    assert ran.exit_code == 1
    assert "2 recorded" in ran.stdout
    assert stemma.run("import", "-", "--strict", input=BUNDLE.splitlines()[0]).exit_code == 0


def test_what_is_not_text_is_refused_and_not_a_crash(stemma: Stemma) -> None:
    told = stemma("import", "-", input=b'\xff\xfe{"type"\n' + BUNDLE.encode())
    assert "line 1: refused (bad_line): not UTF-8" in told
    assert "2 recorded" in told


def test_an_export_goes_through_a_pipe(tmp_path: Path) -> None:
    """`stemma export | stemma --database … import -`, as two real processes."""
    one = Stemma(f"sqlite:///{tmp_path / 'one.db'}")
    two = Stemma(f"sqlite:///{tmp_path / 'two.db'}")
    diamond(one)
    environment = os.environ | {"STEMMA_DATABASE": one.database}
    ran = subprocess.run(
        f'"{sys.executable}" -m scripts.stemma export | '
        f'"{sys.executable}" -m scripts.stemma --database "{two.database}" import --strict -',
        shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"{head(one)} recorded" in ran.stdout
    assert ran.stderr == ""
    assert two("export") == one("export")
    later = two("export", "--after", "3").splitlines()
    assert later[1:-1] == one("export").splitlines()[4:-1]
    assert two("lineage", "top") == one("lineage", "top")


def test_an_export_to_a_file_is_the_same(stemma: Stemma, tmp_path: Path) -> None:
    diamond(stemma)
    stemma("export", str(tmp_path / "all.jsonl"))
    assert (tmp_path / "all.jsonl").read_text() == stemma("export")


def test_a_converted_list_is_a_bundle(stemma: Stemma, tmp_path: Path) -> None:
    path = tmp_path / "viz.json"
    nodes = [{"name": name} for name in ("Amen:Winstons", "Straight-Out:Crew")]
    path.write_text(json.dumps({"nodes": nodes, "links": [{"source": 1, "target": 0}]}))
    converted = stemma("convert", "whosampled", str(path))
    assert "5 recorded" in stemma("import", "-", input=converted)
    assert "5 unchanged" in stemma("import", "--from", "whosampled", str(path))


# -- keys ----------------------------------------------------------------------------------


def test_keys_are_made_listed_and_revoked(database: str) -> None:
    stemma = Stemma(database)
    ana = stemma.record("contributor", "add", "--id", "ana", "--name", "Ana")
    operator = stemma("key", "create", "--for", "operator").strip()
    hers = stemma("key", "create", "--for", "ana").strip()
    listed = stemma("key", "list")
    assert operator not in listed
    assert hers not in listed
    assert ana in listed
    name = next(line.split()[0] for line in listed.splitlines() if ana in line)
    assert stemma("key", "revoke", name) == f"revoked {name} of {ana}\n"
    assert "of operator" in stemma("key", "revoke", operator)


# -- what the tests are made of ------------------------------------------------------------


def work(text: str) -> str:
    return Ids("bundle").named("work", text)


def head(stemma: Stemma) -> int:
    return stemma("export").count('"type": "fact"')


def diamond(stemma: Stemma, layers: int = 1) -> None:
    """Layers of two works that both come from both below, over one root, under one top."""
    lines = [piece("deepest", "Deepest"), piece("root", "Root", "deepest")]
    below = ["root"]
    for layer in range(layers):
        lines += [piece(f"l{layer}", "Left", *below), piece(f"r{layer}", "Right", *below)]
        below = [f"l{layer}", f"r{layer}"]
    lines.append(piece("top", "Top", *below))
    assert "0 refused" in stemma("import", "-", input="\n".join(map(json.dumps, lines)))


def piece(id: str, title: str, *sources: str) -> dict[str, Any]:
    made_from = [{"work": source, "kind": "adaptation"} for source in sources]
    return {
        "type": "contribution", "id": id, "title": title, "medium": "text", "sources": made_from
    }  # fmt: skip


def test_json_has_colours_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a program, they were found and then left out, which took thirty times as long."""
    told = {"title": "Low \x1b[31mTide", "amounts": [1, 2]}
    seen, piped = io.StringIO(), io.StringIO()
    print_json(Console(file=seen, force_terminal=True, color_system="standard"), told)
    assert "\x1b[" in seen.getvalue()
    monkeypatch.delattr(JSONHighlighter, "highlight")
    print_json(Console(file=piped), told)
    assert json.loads(piped.getvalue()) == told
    assert "\x1b" not in piped.getvalue()
