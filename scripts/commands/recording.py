"""Recording: a command for each type of line that a bundle can hold, grouped by its noun.

The one rule: a command says what the line of its type says, in the same words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from domain.refusal import Refusal
from scripts import bundle
from scripts.commands import money, questions
from scripts.commands.frame import flag_of, opened
from scripts.commands.signing import signing_of
from scripts.service import Service

commands = click.Group()

NOUNS = {
    "contributor": "Register people who can be credited.",
    "contribution": "Post and withdraw pieces.",
    "work": "Correct a making date, claim a source.",
    "remix": "Declare and strike edges; dispute them, answer, settle.",
    "credit": "Give, claim and accept credits; dispute them, answer, settle.",
    "release": "Assemble, publish and withdraw finished works.",
    "pool": "Open pools of money, and correct what they gave.",
    "proposal": "Propose shares, talk about them, agree, and take or waive them.",
    "revenue": "Record what came in, and take it back.",
    "expense": "Record what was spent.",
    "payout": "Pay, and record what became of it.",
}
BIRTH_VERBS = {
    "contributor": "add",
    "contribution": "post",
    "remix": "declare",
    "credit": "open",
    "release": "assemble",
    "pool": "open",
    "proposal": "post",
    "revenue": "record",
    "expense": "record",
    "payout": "issue",
}
PART_OPTIONS: dict[str, tuple[str, str, Callable[[str], bundle.Line]]] = {
    "authors": ("--author", "CONTRIBUTOR ROLE", bundle.author),
    "sources": ("--source", "WORK|URI KIND [RATE]", bundle.cited),
    "components": ("--component", "WORK [RATE]", bundle.component),
}
QUESTIONS = {**money.ABOUT_A_NOUN, "remix": [questions.preview]}
"""What can be asked about a noun, beside the commands that record it."""


def record_line(service: Service, line: bundle.Line, secret: Path | None = None) -> None:
    """Record what a line says, signed if a key is named, fold it, and print the receipt."""
    step = bundle.step_of(line, bundle.Ids("bundle"), derive=False)
    signing = signing_of(step, secret) if secret else None
    try:
        receipt = service.journal.record_signed(signing, step.command, **step.arguments)
    except Refusal as refusal:
        said = bundle.in_its_words(line, step, refusal)
        raise click.ClickException(f"{said} ({refusal.code})") from refusal
    service.follower.catch_up()
    click.echo(json.dumps({"id": receipt.id, "position": receipt.position}))


def _recorder(line_type: str, shape: bundle.Shape) -> click.Command:
    """The command that records one type of line, with an option for each of its fields."""
    noun, _, verb = line_type.partition(".")
    subject = next((name for name in ("id", noun) if verb and name in shape.needed), None)
    params: list[click.Parameter] = [click.Argument([subject])] if subject else []
    for name, kind in {**shape.needed, **shape.optional}.items():
        if name == subject:
            continue
        if name in PART_OPTIONS:
            flag, meaning, _ = PART_OPTIONS[name]
            params.append(
                click.Option(
                    [flag, name], multiple=True, metavar=f"'{meaning}'", help="May be repeated."
                )
            )
        else:
            several = kind in bundle.LISTS
            flag = name.removesuffix("s") if several else name
            params.append(
                click.Option(
                    [flag_of(flag), name],
                    required=name in shape.needed,
                    metavar=bundle.LISTS.get(kind, kind).upper(),
                    multiple=several,
                    help="May be repeated." if several else None,
                    type=int if kind == bundle.NUMBER else str,
                )
            )
    params.append(
        click.Option(["--by"], metavar="CONTRIBUTOR", help="Who acts (default: the operator).")
    )
    params.append(
        click.Option(
            ["--sign"],
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The secret key with which who acts signs it.",
        )
    )

    @click.pass_context
    def record(ctx: click.Context, /, sign: Path | None, **fields: Any) -> None:
        line: bundle.Line = {"type": line_type}
        fields_of = {**shape.needed, **shape.optional}
        for name, value in fields.items():
            if name in PART_OPTIONS:
                line[name] = [_part(name, text) for text in value]
            elif isinstance(value, tuple):
                line[name] = list(value) or None
            elif value is not None:
                is_json = fields_of.get(name) in (bundle.JSON, bundle.OBJECT, bundle.LIST)
                line[name] = _json_of(name, value) if is_json else value
        with opened(ctx) as service:
            record_line(service, line, sign)

    return click.Command(
        verb or BIRTH_VERBS[noun], callback=record, params=params, help=shape.command.__doc__
    )


def _json_of(name: str, text: str) -> object:
    """JSON as it was typed, or out of a file named as @FILE."""
    try:
        return json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except ValueError as error:
        raise click.ClickException(f"{flag_of(name)} is not JSON: {error}") from error


def _part(name: str, text: str) -> bundle.Line:
    try:
        return PART_OPTIONS[name][2](text)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


for _noun, _meaning in NOUNS.items():
    _group = click.Group(_noun, help=_meaning)
    for _type, _shape in bundle.SHAPES.items():
        if _type.split(".")[0] == _noun:
            _group.add_command(_recorder(_type, _shape))
    for _question in QUESTIONS.get(_noun, ()):
        _group.add_command(_question)
    commands.add_command(_group)
