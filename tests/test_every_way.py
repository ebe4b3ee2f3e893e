"""Every command, sent by every way in, records the same facts.

The story of the bundle holds a line of every type with every field (tests/test_bundle.py). Here it
is told as a bundle, over HTTP, over HTTP signed by who acts, by the forms of the desk, and on the
command line.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from clocks import TickingClock
from commanding import Stemma
from serving import Served, serving
from test_bundle import AFTER_DAYS, AGREED, PROPOSED, STORY

from api.web.amounts import pool_in
from domain.fact import FACTS
from domain.journal import Journal
from domain.money.currency import decimal
from domain.note import SignerKey
from domain.permission import OPERATOR
from domain.registry import COMMANDS
from domain.signature import sign_command
from domain.value import Amount
from projections.money.pools import pool_named
from scripts import bundle
from scripts import service as services
from scripts.bundle import Ids, Line, step_of
from scripts.commands.recording import _option
from scripts.service import open_service
from scripts.stemma import main

IDS = Ids("bundle")
PEOPLE = [line["id"] for line in STORY if line["type"] == "contributor"]


def key_of(person: str) -> SignerKey:
    """The key with which somebody of the story signs."""
    return SignerKey(IDS.named("contributor", person), person.encode().ljust(32, b"\1"))


def told() -> list[Line]:
    """The story, in which everybody registers a key as soon as they are there."""
    lines: list[Line] = []
    for line in [*STORY, *PROPOSED, *AGREED]:
        moved = "graph_position" in line
        lines.append(
            {**line, "graph_position": line["graph_position"] + len(PEOPLE)} if moved else line
        )
        if line["type"] == "contributor":
            key = str(key_of(line["id"]).verifier)
            lines.append({"type": "contributor.register-key", "id": line["id"], "key": key})
    return lines


FIRST_AGREED = len(told()) - len(AGREED)


def tell(send: Callable[[Line], None], clock: TickingClock) -> None:
    """Send line by line; when shares were proposed, the window for comments passes."""
    for number, line in enumerate(told()):
        if number == FIRST_AGREED:
            clock.now += timedelta(days=AFTER_DAYS)
        send(line)


# -- the ways --------------------------------------------------------------------------------


@contextmanager
def as_bundle(database: str) -> Iterator[Journal]:
    clock = TickingClock(datetime.now(UTC))
    with open_service(database, clock=clock) as service:

        def send(line: Line) -> None:
            report = bundle.import_lines(
                service.journal, [bundle.FoundLine("", line)], is_vouched_for=False
            )
            assert report.refused == []

        tell(send, clock)
        yield service.journal


@contextmanager
def over_http(database: str, *, signed: bool = False) -> Iterator[Journal]:
    clock = TickingClock(datetime.now(UTC))
    with serving(database, clock=clock) as served:
        tell(partial(post, served, signed=signed), clock)
        yield served.service.journal


def post(served: Served, line: Line, *, signed: bool) -> None:
    """Send the request that a line is, with the key of who acts, and perhaps their signature."""
    step = step_of(line, IDS)
    said = step.command.plain()
    ids = {name: said.pop(name) for name in step.command.in_path()}
    path, body = step.command.PATH.format(**ids), json.dumps(said).encode()
    client = served.operator if step.by == OPERATOR else served.acting(step.by)
    headers = {"Content-Type": "application/json"}
    if signed and step.by != OPERATOR:
        name, log = step.command.OPERATION, served.service.journal.log_name
        signing = sign_command(key_of(line["by"]), name, {**ids, **said}, log=log)
        headers["Stemma-Signature"] = signing.sent
    answer = client.send("POST", path, body, headers)
    assert answer.status in (200, 201), (line, answer.text)


@contextmanager
def at_the_desk(database: str) -> Iterator[Journal]:
    clock = TickingClock(datetime.now(UTC))
    with serving(database, clock=clock) as served:
        tell(partial(fill_in, served), clock)
        yield served.service.journal


def fill_in(served: Served, line: Line) -> None:
    """Send the form that a line is, as who acts."""
    step = step_of(line, IDS)
    said = step.command.plain()
    sent = {name: typed(value) for name, value in said.items()}
    for one in step.command.fields():  # a form takes amounts as people write them
        if isinstance(one.value, Amount) and one.name in said:
            sent[one.name] = decimal(said[one.name], currency_of(served, said))
    client = served.operator if step.by == OPERATOR else served.acting(step.by)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.send("POST", f"/do/{line['type']}", urlencode(sent).encode(), headers)
    # Recorded: a warning, or that one is forgotten, is shown instead of leading on.
    told = ("Recorded, with a warning", "You have been forgotten")
    is_recorded = answer.status == 303 or any(one in answer.text for one in told)
    assert is_recorded, (line, answer.text)


def currency_of(served: Served, said: dict[str, Any]) -> str:
    if "currency" in said:
        return str(said["currency"])
    with served.service.store.view() as view:
        pool = pool_in(view, served.service.journal, said)
        return pool_named(view, served.service.journal, str(pool)).currency


def typed(value: Any) -> str:
    """A value as it is typed into a form: a list has one thing a line."""
    if isinstance(value, list | tuple):
        return "\n".join(map(typed, value))
    return value if isinstance(value, str) else json.dumps(value)


@contextmanager
def in_the_terminal(database: str) -> Iterator[Journal]:
    clock = TickingClock(datetime.now(UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "open_service", partial(open_service, clock=clock))

        def send(line: Line) -> None:
            result = Stemma(database).run(*words(line))
            assert result.exit_code == 0, (words(line), result.output)

        tell(send, clock)
    with open_service(database) as service:
        yield service.journal


def words(line: Line) -> list[str]:
    """What is typed to say what a line says."""
    command = COMMANDS[line["type"]]
    noun, _, verb = command.NAME.partition(".")
    group: Any = main.commands[noun]
    typed = next(one for one in group.commands.values() if one.help == command.__doc__)
    assert verb in ("", typed.name)
    options = {one.name: _option(one) for one in command.fields()}
    said = [noun, str(typed.name)]
    for name, value in line.items():
        if verb and name == command.in_path()[0]:
            said.append(value)
        elif name == "by":
            said += ["--by", value]
        elif name != "type":
            many = value if options[name].multiple else [value]
            for each in many:
                said += [options[name].opts[0], written(name, each)]
    return said


def written(name: str, value: Any) -> str:
    """A value as it is typed: short where it says no more than that, else as JSON."""
    match name, value:
        case "authors", {"contributor": who, "role": role, **more} if not more:
            return f"{who} {role}"
        case "components", {"work": work, **more} if not more:
            return str(work)
    return value if isinstance(value, str) else json.dumps(value)


WAYS = {
    "bundle": as_bundle,
    "http": over_http,
    "signed": partial(over_http, signed=True),
    "desk": at_the_desk,
    "terminal": in_the_terminal,
}


# -- the claim -------------------------------------------------------------------------------


def recorded(journal: Journal) -> list[tuple[str, dict[str, Any]]]:
    """Every fact with its texts for commitments, but no clock, signature and made-up id."""
    names: dict[str, str] = {}
    facts = []
    for placed in journal.read():
        content = json.loads(placed.state)
        texts = journal.facts.texts([v for v in content.values() if isinstance(v, str)])
        for field in FACTS[placed.topic].SEALED:
            if field in content:
                content[field] = texts.get(content[field], "erased")
        kept = {
            name: value
            for name, value in content.items()
            if name not in ("timestamp", "message", "signature", "binds", "erased", "key")
            and not name.endswith(("_at", "deadline"))
            and not (name == "made" and "made_at" not in content)
        }
        noun = names.setdefault(placed.originator_id, f"noun {len(names)}")
        facts.append((f"{placed.topic} of {noun}", kept))
    return facts


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, dict[str, Any]]]:
    with as_bundle(f"sqlite:///{tmp_path_factory.mktemp('bundle') / 'stemma.db'}") as journal:
        return recorded(journal)


def test_the_story_sends_every_command() -> None:
    assert {line["type"] for line in told()} == set(COMMANDS)


@pytest.mark.parametrize("way", ["http", "signed", "desk", "terminal"])
def test_every_way_in_records_the_same_facts(
    way: str, expected: list[tuple[str, dict[str, Any]]], tmp_path: Path
) -> None:
    with WAYS[way](f"sqlite:///{tmp_path / 'stemma.db'}") as journal:
        found = recorded(journal)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours == theirs
        signed = [placed.fact().signature for placed in journal.read()]
        assert any(signed) == (way == "signed")
