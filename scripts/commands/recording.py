"""Recording: a command of the terminal for each command of the domain, grouped by its noun.

It has the same fields as the line of its type in a bundle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from domain.command import Command, Field
from domain.printable import escaped
from domain.refusal import Refusal
from domain.registry import COMMANDS
from domain.unambiguous import read_json
from domain.value import Json, Many, Number, Several, Value
from scripts import bundle
from scripts.commands import questions
from scripts.commands.frame import Derived, flag_of, metavar_of, opened
from scripts.commands.signing import signing_of
from scripts.commands.wording import in_own_words, remember, without_ids
from scripts.service import Service

commands = click.Group()

NOUNS = {
    "contributor": "Register people who can be credited.",
    "contribution": "Post and withdraw pieces.",
    "work": "Correct a creation date, claim a source.",
    "remix": "Declare and strike remixes; dispute them, answer, settle.",
    "join": "Join works that are the same; accept, decline, undo.",
    "credit": "Give, claim and accept credits; dispute them, answer, settle.",
    "release": "Assemble, publish and withdraw releases.",
    "identifier": "State registry numbers of works and people; dispute them.",
    "membership": "State who is in a group; agree, decline, date.",
    "project": "Launch, lead and close projects.",
    "step": "Publish steps of a project.",
    "challenge": "Issue and answer challenges, and feature answers.",
    "comment": "Comment on works, projects, steps and challenges; reply, edit, remove.",
    "pool": "Open pools of money, amend their terms, and correct their divisions.",
    "proposal": "Propose shares, comment on them, and agree.",
    "agreement": "Record an agreement made elsewhere.",
    "share": "Accept, decline, waive or assign an agreed share.",
    "payee": "Record who a name stands for.",
    "revenue": "Record revenue, and reverse it.",
    "expense": "Record expenses, and reverse them.",
    "adjustment": "Credit or charge payees of a pool.",
    "opening": "Record what other books owed.",
    "assignment": "Assign what a payee is owed to another.",
    "period": "Close periods.",
    "exchange-rate": "State exchange rates.",
    "payment-currency": "Choose the currencies in which payees are paid.",
    "withholding": "State what is withheld from payouts.",
    "payout": "Issue payouts, and record their outcome.",
}
VERBS = {"contributor": "add", "contribution": "post", "join": "declare"}
"""How something is recorded, where that is not the verb of the operation over HTTP."""
PART_OPTIONS: dict[str, tuple[str, str, Callable[[str], bundle.Line]]] = {
    "authors": ("--author", "CONTRIBUTOR ROLE", bundle.author),
    "sources": ("--source", "WORK|URI KIND [RATE]", bundle.cited),
    "identifiers": ("--identifier", "SCHEME NUMBER", bundle.numbered),
    "components": ("--component", "WORK [RATE]", bundle.component),
}

_AS_JSON = (Json, Several, Many)
"""The values that are typed as JSON, unless each item of a list has an option of its own."""


def record_line(
    service: Service,
    line: bundle.Line,
    secret: Path | None = None,
    promise: Path | None = None,
) -> None:
    """Record a line, signed if a key is given, fold it, print the receipt and keep the promise."""
    if promise is not None:
        must_promise(service)
    ids = bundle.Ids("bundle")
    step = bundle.step_of(line, ids, derive=False)
    signing = signing_of(step, secret, service.journal.log_name) if secret else None
    for id, text in ids.called.items():
        remember(id, text)
    try:
        service.journal.must_have_credible_clock()
        receipt = service.journal.record(step.command, by=step.by, signing=signing, key=step.key)
    except Refusal as refusal:
        service.follower.catch_up()
        with service.store.view() as view:
            raise click.ClickException(in_own_words(refusal, view)) from refusal
    service.follower.catch_up()
    answer = {name: value for name, value in receipt.told().items() if value != []}
    if receipt.warnings:
        with service.store.view() as view:
            for one in answer["warnings"]:
                one["detail"] = without_ids(one["detail"], view)
    click.echo(escaped(json.dumps(answer, ensure_ascii=False)))
    if promise is not None:
        with click.open_file(str(promise), "w") as kept:
            kept.write(service.log.promise(receipt.position) or "")


def must_promise(service: Service) -> None:
    """Refuse to record what nobody can promise to keep."""
    if service.log.signer is None:
        raise click.ClickException(
            "The log has no key to promise with; “stemma key new” makes one."
        )


def _recorder(command: type[Command]) -> click.Command:
    """The command that records one command of the domain, with an option for each field."""
    noun, _, verb = command.NAME.partition(".")
    subject = command.in_path()[0] if verb else None

    def params() -> Iterator[click.Parameter]:
        if subject:
            yield click.Argument([subject])
        yield from (_option(one) for one in command.fields() if one.name != subject)
        yield from _further_options()

    @click.pass_context
    def record(
        ctx: click.Context, /, sign: Path | None, promise: Path | None, **typed: Any
    ) -> None:
        values = {one.name: one.value for one in command.fields()}
        line: bundle.Line = {"type": command.NAME}
        for name, value in typed.items():
            if value is not None and value != ():
                line[name] = _stated(name, values.get(name), value)
        with opened(ctx, create=True) as service:
            record_line(service, line, sign, promise)

    verb = verb or VERBS.get(noun) or command.OPERATION.partition("_")[0]
    return Derived(verb, params, callback=record, help=command.__doc__)


def _further_options() -> Iterator[click.Option]:
    yield click.Option(["--by"], metavar="CONTRIBUTOR", help="Who acts; default the operator.")
    yield click.Option(
        ["--sign"],
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Sign it with the secret key of the person who acts.",
    )
    yield click.Option(
        ["--promise"],
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help="Keep the log's signed promise of it here; - prints it.",
    )
    yield click.Option(
        ["--idempotency-key"],
        metavar="KEY",
        help="A name for this one request, so that repeating it changes nothing.",
    )


def _option(one: Field) -> click.Option:
    """The option of a field; items of a list are given one by one."""
    value = one.value
    if one.name in PART_OPTIONS:
        flag, metavar, _ = PART_OPTIONS[one.name]
        told = f"{value.help} May be repeated."
        return click.Option([flag, one.name], multiple=True, metavar=f"'{metavar}'", help=told)
    several = isinstance(value, Many) and not isinstance(value.inner, Json)
    kind = value.inner if isinstance(value, Many) and several else value
    more = " May be repeated." if several else ""
    if isinstance(value, Several):
        more = f" A list of objects with {', '.join(one.name for one in value.record.fields())}."
    return click.Option(
        [flag_of(one.name.removesuffix("s") if several else one.name), one.name],
        required=one.is_needed,
        metavar="JSON|@FILE" if isinstance(kind, _AS_JSON) else metavar_of(kind),
        multiple=several,
        help=one.help + more,
        type=int if isinstance(kind, Number) else str,
    )


def _stated(name: str, value: Value | None, typed: Any) -> Any:
    """What was typed, in the form of a line of a bundle."""
    if name in PART_OPTIONS:
        return [_part(name, text) for text in typed]
    if isinstance(typed, tuple):
        return list(typed)
    return _json_of(name, typed) if isinstance(value, _AS_JSON) else typed


def _json_of(name: str, text: str) -> Any:
    """JSON as typed, or from a file given as @FILE."""
    try:
        return read_json(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except ValueError as error:
        told = f"{flag_of(name)} is not JSON, nor @FILE with a file of it: {error}"
        raise click.ClickException(told) from error


def _part(name: str, text: str) -> bundle.Line:
    """An item of a list, in its short form or as the JSON of a bundle."""
    if text.startswith("{"):
        return dict(_json_of(name, text))
    try:
        return PART_OPTIONS[name][2](text)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _groups() -> Iterator[click.Group]:
    """A group for each noun: the commands that record, and the questions about it."""
    for noun, meaning in NOUNS.items():
        group = click.Group(noun, help=meaning)
        for name, command in COMMANDS.items():
            if name.partition(".")[0] == noun:
                group.add_command(_recorder(command))
        for question in questions.OF_NOUNS.get(noun, ()):
            group.add_command(question)
        yield group


for _group in _groups():
    commands.add_command(_group)
