"""Generating the reference pages from the code, each by one function.

A test fails for a page that is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from inspect import cleandoc, getdoc
from pathlib import Path

import click
from flask import Flask

from api.application import create_app
from api.document import operations
from api.identity.scope import WORDS
from api.problems import PROBLEMS
from api.web import is_page
from api.web.guides import FOLDER
from domain.command import Record
from domain.fact import FACTS, Fact
from domain.grant import GRANTABLE
from domain.money.policy.versions import VERSIONS
from domain.permission import ANYONE, open_to
from domain.registry import COMMANDS
from domain.role import SOURCES, roles
from domain.seal import TEXTS
from domain.value import Several
from domain.vocabularies import VOCABULARIES
from projections.registry import QUESTIONS
from scripts import bundle
from scripts.benchmarks import figures, scaled
from scripts.bundle import BadLine, NotRestored
from scripts.service import open_service
from scripts.settings import NAMES
from scripts.stemma import main as stemma

REFERENCE, FIGURES = FOLDER / "reference", Path(__file__).parents[1] / "BENCHMARKS.md"
SCALING = FIGURES.with_name("SCALING.md")
COMMON = ("by", "sign", "idempotency_key", "as_of", "as_json")
"""Options that many commands take; they are described once."""
_VARIABLE, _BRACED = re.compile(r"<(?:[^:>]*:)?([^>]*)>"), r"{\1}"


# -- Markdown ----------------------------------------------------------------------------------


def page(title: str, *parts: str) -> str:
    """A page with a note on how it is generated."""
    source = "*Written by `scripts/reference` from the code.*"
    return "\n\n".join((f"# {title}", *parts, source)) + "\n"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table, in which a cell is one line."""
    lines = [list(heads), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def code(*names: str) -> str:
    """Names as code."""
    return " ".join(f"`{name}`" for name in names)


# -- pages -------------------------------------------------------------------------------------


def settings() -> str:
    """Every variable of the environment."""
    rows = ((code(name), meaning) for name, meaning in NAMES.items())
    return page(
        "Settings",
        "Settings are environment variables, read once at the start. `stemma --database` and the "
        "options of `stemma serve` take precedence.",
        table(("variable", "meaning"), rows),
    )


def problems() -> str:
    """Every code with its status and meaning."""
    rows = sorted(PROBLEMS.items(), key=lambda item: (item[1].status, item[0]))
    local = [(code(kind.code), getdoc(kind) or "") for kind in (BadLine, NotRestored)]
    return page(
        "Problem codes",
        "A request that fails is answered as `application/problem+json` (RFC 9457). A code never "
        "changes its meaning. Some answers have further members: what `detail` tells, by name, "
        "such as the `cycle` of `lineage_cycle` or `closes_at` of `window_open`.",
        table(
            ("code", "status", "meaning"),
            ((code(name), str(kind.status), kind.meaning) for name, kind in rows),
        ),
        "An import can also report these:",
        table(("code", "meaning"), local),
    )


def vocabularies() -> str:
    """Every word that has a fixed meaning."""
    words: dict[str, Mapping[str, str]] = {
        **dict(VOCABULARIES.values()),
        "Policies": {
            f"{name}, version {version}": _sentence(VERSIONS[name, version])
            for name, version in VERSIONS
        },
    }
    rows = (
        (
            code(role.name),
            role.meaning,
            code(*filter(None, [role.within])),
            ", ".join(role.aliases),  # not marked as code, which would add 15 KB for a thousand
            " ".join(role.sources),
        )
        for role in roles().values()
    )
    return page(
        "Vocabularies",
        "`GET /kinds` and `GET /roles` return the words that requests use.",
        *(
            f"## {title}\n\n{table(('word', 'meaning'), ((code(n), m) for n, m in said.items()))}"
            for title, said in words.items()
        ),
        "## Roles",
        "Case, spaces, hyphens and underscores do not matter, nor whether “and” is written “&”. If "
        "no role fits, take the nearest one and put your preferred wording in `display`.",
        "A search for a role also finds the narrower ones: a cellist is a musician.",
        table(("role", "meaning", "is a", "also", "source"), rows),
        "The sources:",
        table(("source", "is"), ((code(name), meaning) for name, meaning in SOURCES.items())),
    )


def facts() -> str:
    """Every kind of fact: its topic, its meaning, who may read it, and its fields."""
    common = {one.name for one in fields(Fact)}
    rows = (
        (
            code(topic),
            _sentence(kind),
            "yes" if ANYONE in kind.READERS else "",
            code(*(_field(one) for one in fields(kind) if one.name not in common)),
        )
        for topic, kind in sorted(FACTS.items())
    )
    return page(
        "Facts",
        "What can be recorded. The topic is the `type` of an event in the feed and of a webhook, "
        "the `topic` in an export and in the [log](proofs.md#leaves). “Public” says which facts "
        "are in the feed; a credit that waits for the person or that they hide is not, and the "
        "opening of a pool is if its statement is public. Webhooks take prefixes of topics.",
        "Every fact also has `timestamp`, `actor` and, where they apply, `owners`, `message`, "
        "`signature` and `binds`. A field with a question mark may be missing. Fields that people "
        f"write hold a [digest](proofs.md#texts): {code(*sorted(TEXTS))}.",
        table(("topic", "what happened", "public", "fields"), rows),
    )


def _field(one: Field[object]) -> str:
    return one.name + "?" * (one.default is not MISSING)


def who_may() -> str:
    """Who may give each command and ask each question, the roles, and the words of a scope."""
    restricted = (one for _, one in sorted(QUESTIONS.items()) if ANYONE not in one.may)
    return page(
        "Who may what",
        "Everyone who acts is a contributor or the operator. The operator may do everything. "
        "Roles are granted and ended by facts (`contributor.grant-role`, `contributor.end-role`); "
        "`stemma roles` and `GET /grants` list who has which role.",
        "## Roles",
        table(("role", "meaning"), ((code(name), told) for name, told in GRANTABLE.items())),
        "Auditors are refused every command except those about their own account.",
        "## Commands",
        table(
            ("command", "who may"),
            (
                (code(name), open_to(one.MAY, one.AT_ONCE, one.LATE))
                for name, one in sorted(COMMANDS.items())
            ),
        ),
        "## Questions",
        "Anyone with a key may ask any question except these:",
        table(("question", "who may"), ((code(one.name), open_to(one.may)) for one in restricted)),
        "## Scopes of keys",
        "A scope is one or more of these words, separated by spaces. It narrows what a key may do.",
        table(
            ("word", "allows"),
            (
                *((code(word), meaning) for word, meaning in WORDS.items()),
                (code("credit.accept"), "one command, by its name"),
            ),
        ),
    )


def bundle_lines() -> str:
    """Every type of line with its fields."""
    columns = ("required", "optional")
    lists: dict[tuple[str, ...], list[str]] = {}
    for name, command in sorted(COMMANDS.items()):
        for one in command.fields():
            if isinstance(one.value, Several):
                lists.setdefault((code(one.name), *_fields(one.value.record)), []).append(name)
    return page(
        "Bundle lines",
        "The fields of each type of line of a [bundle](bundles.md). Any line may also have `by`.",
        table(
            ("type", *columns),
            ((code(name), *_fields(it)) for name, it in sorted(COMMANDS.items())),
        ),
        "## Objects in lists",
        table(("list", *columns, "of"), ((*it, code(*of)) for it, of in sorted(lists.items()))),
        "## CSV files",
        table(
            ("file", "columns"),
            ((code(f"{name}.csv"), code(*them)) for name, them in bundle.CSV_COLUMNS.items()),
        ),
    )


def _fields(record: type[Record]) -> Iterator[str]:
    """The fields that are required, and those that are not."""
    for is_needed in (True, False):
        yield code(*(one.name for one in record.fields() if one.is_needed == is_needed))


def routes() -> str:
    """Every route: the API by noun, and the pages."""
    with open_service("sqlite:///:memory:") as nowhere:
        app = create_app(nowhere.journal, nowhere.store, nowhere.keys, nowhere.log)
        document = json.loads(app.test_client().get("/openapi.json").data)
    by_tag: dict[str, list[tuple[str, str]]] = {tag["name"]: [] for tag in document["tags"]}
    for method, path, operation in operations(document):
        by_tag[operation["tags"][0]].append(
            (code(f"{method.upper()} {path}"), operation["summary"])
        )
    return page(
        "HTTP routes",
        "A running service has the details, with examples, at `/docs` and `/openapi.json`.",
        *(
            f"## {name.capitalize()}\n\n{table(('route', 'summary'), sorted(rows))}"
            for name, rows in by_tag.items()
        ),
        "## Pages",
        "\n".join(f"- {code(one)}" for one in sorted(_pages(app))),
    )


def _pages(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if is_page(rule.endpoint):
            for method in (rule.methods or set()) & {"GET", "POST"}:
                yield f"{method} {_VARIABLE.sub(_BRACED, rule.rule)}"


def command_line() -> str:
    """Every command about a thing, such as a work: its arguments and options."""
    every = [each for each in _commands(stemma) if each[0].partition(" ")[0] not in _money()]
    common = {
        one.name: _option(one) for _, command in every for one in command.params if _is_common(one)
    }
    return page(
        "Command line: works, people, projects",
        "`stemma [--database URL] NOUN COMMAND`",
        "Every command has `--help`. A UUID is used as it is; any other word stands for the id "
        "that a [bundle](bundles.md#ids) derives from it. A refusal prints one sentence with its "
        "code and exits with status 1. Commands [for money](command-line-money.md) and [all "
        "others](command-line-rest.md) have pages of their own.",
        "Most commands that record something or answer a question share these options:",
        "\n".join(common[name] for name in COMMON),
        *(_command(words, command) for words, command in every if " " in words),
    )


def command_line_money() -> str:
    """Every command about money, such as a pool."""
    of_money = _money()
    return _further(
        "money",
        "NOUN COMMAND",
        lambda words: words.partition(" ")[0] in of_money and " " in words,
    )


def _money() -> set[str]:
    """The nouns all of whose commands are declared in domain.money."""
    rooms: dict[str, set[bool]] = {}
    for name, one in COMMANDS.items():
        is_money = one.__module__.startswith("domain.money.")
        rooms.setdefault(name.partition(".")[0], set()).add(is_money)
    return {noun for noun, found in rooms.items() if found == {True}}


def command_line_rest() -> str:
    """Every command of one word: questions, import and export, running the service."""
    return _further("everything else", "COMMAND", lambda words: " " not in words)


def _further(title: str, usage: str, is_here: Callable[[str], bool]) -> str:
    """A page of those commands of whose words this holds."""
    return page(
        f"Command line: {title}",
        f"`stemma [--database URL] {usage}`",
        "Options that many commands share are listed under [works, people, "
        "projects](command-line.md).",
        *(_command(words, command) for words, command in _commands(stemma) if is_here(words)),
    )


def _commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, by its words."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def _command(path: str, command: click.Command) -> str:
    arguments = [
        one.make_metavar(click.Context(command))
        for one in command.params
        if isinstance(one, click.Argument)
    ]
    options = [
        _option(one)
        for one in command.params
        if isinstance(one, click.Option) and not _is_common(one)
    ]
    parts = [
        f"## stemma {path}",
        *([code(" ".join(["stemma", path, *arguments]))] * bool(arguments)),
    ]
    return "\n\n".join([*parts, _help(command), *(["\n".join(options)] if options else [])])


def _is_common(one: click.Parameter) -> bool:
    return isinstance(one, click.Option) and one.name in COMMON


def _option(one: click.Parameter) -> str:
    """An option as a line of a list."""
    assert isinstance(one, click.Option)
    value = "" if one.is_flag else " " + one.make_metavar(click.Context(click.Command("")))
    said = "; ".join(filter(None, ["required" * one.required, (one.help or "").rstrip(".")]))
    flags = ", ".join(code(flag + value) for flag in (*one.opts, *one.secondary_opts))
    return f"- {flags}{': ' * bool(said)}{_cell(said)}"


def _help(command: click.Command) -> str:
    text = cleandoc((command.help or "").replace("\b", ""))
    return re.sub(r"``([^`]*)``", r"`\1`", text)


def _sentence(said: object) -> str:
    text = said.help if isinstance(said, click.Command) else getdoc(said)
    return " ".join((text or "").partition("\n\n")[0].split())


PAGES: Mapping[Path, Callable[[], str]] = {
    REFERENCE / "settings.md": settings,
    REFERENCE / "problems.md": problems,
    REFERENCE / "vocabularies.md": vocabularies,
    REFERENCE / "facts.md": facts,
    REFERENCE / "who-may.md": who_may,
    REFERENCE / "bundle-lines.md": bundle_lines,
    REFERENCE / "routes.md": routes,
    REFERENCE / "command-line.md": command_line,
    REFERENCE / "command-line-money.md": command_line_money,
    REFERENCE / "command-line-rest.md": command_line_rest,
    FIGURES: figures,
    SCALING: lambda: scaled(SCALING.read_text("utf-8")),
}


def main() -> None:
    """Write every page that differs, and name it."""
    for file, write in PAGES.items():
        text = write()
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
            sys.stdout.write(f"{file.name}\n")


if __name__ == "__main__":
    main()
