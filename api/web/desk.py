"""The desk: a form for every command, derived from the command itself.

Pages made with care stand where people work (posting, deciding, revising); whatever has none of its
own can be done here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from flask import g, render_template, request

from api.fields import loaded
from api.problems import PROBLEMS, Problem, of_refusal
from api.schemas import body_of
from api.web.frame import Answer, Frame, id_in_path, to_page
from domain.command import Command, Field
from domain.draft import Acknowledgement
from domain.permission import OPERATOR
from domain.refusal import Refusal
from domain.registry import COMMANDS
from domain.values import Json, Many, NewId, Number, Ref, Several, Text, Value, Word

LONG_TEXT = 1_000
"""A text that may be longer has several lines to write on."""
PAGES = {
    **dict.fromkeys(("work", "contribution"), "piece"),
    **{noun: noun for noun in ("release", "contributor", "credit", "remix", "pool", "proposal")},
}
"""Where the page of what a command is about stands."""


class Input(NamedTuple):
    """One input of a form."""

    name: str
    kind: str
    help: str
    is_needed: bool
    placeholder: str
    value: str
    limit: int | None = None
    choices: dict[str, str] | None = None


def pages(frame: Frame) -> None:
    """What can be done, and a form for each of it."""

    @frame.page("/do", nobody_else=True)
    def show_desk() -> Answer:
        nouns: dict[str, list[type[Command]]] = {}
        for name, command in COMMANDS.items():
            if command.MAY or g.actor == OPERATOR:
                nouns.setdefault(name.partition(".")[0], []).append(command)
        return render_template("desk.html", nouns=nouns)

    @frame.page("/do/<name>", nobody_else=True)
    def show_form(name: str) -> Answer:
        return _form(_command(name), request.args.to_dict())

    @frame.form("/do/<name>")
    def take_form(name: str) -> Answer:
        command, sent = _command(name), request.form.to_dict()
        try:
            receipt = frame.record(stated(command, sent))
        except (Problem, Refusal) as refusal:
            problem = refusal if isinstance(refusal, Problem) else of_refusal(refusal)
            return _form(command, sent, problem), problem.code or 422
        return to_page(_place(command, receipt, sent), receipt.position)


def _command(name: str) -> type[Command]:
    if name not in COMMANDS:
        raise Problem("not_found", PROBLEMS["not_found"].meaning)
    return COMMANDS[name]


def _form(command: type[Command], sent: dict[str, str], problem: Problem | None = None) -> str:
    inputs = [_input(one, sent.get(one.name, "")) for one in command.fields()]
    return render_template("do.html", command=command, inputs=inputs, problem=problem)


def _place(command: type[Command], receipt: Acknowledgement, sent: dict[str, str]) -> str:
    """The page of what was made or changed, else of the first thing with a page that was named."""
    places = [(command.MAKES or "", receipt.id)]
    places += [
        (one.value.noun, sent.get(one.name, ""))
        for one in command.fields()
        if isinstance(one.value, Ref)
    ]
    return next((f"/{PAGES[noun]}/{id}" for noun, id in places if noun in PAGES and id), "/do")


# -- what a form asks, and what it says ------------------------------------------------------


def _input(one: Field, sent: str) -> Input:
    value = one.value
    shown = sent or (str(uuid4()) if isinstance(value, NewId) else "")
    example = "" if value.example is None else value.example
    return Input(
        one.name,
        _kind(value),
        value.help,
        one.is_needed,
        example if isinstance(example, str) else json.dumps(example, ensure_ascii=False),
        shown,
        getattr(value, "limit", None),
        dict(value.choices) if isinstance(value, Word) and value.choices else None,
    )


def _kind(value: Value) -> str:
    match value:
        case NewId():
            return "hidden"
        case Word(choices=choices) if choices:
            return "select"
        case Number():
            return "number"
        case Text(limit=limit) if limit >= LONG_TEXT:
            return "lines"
        case Json() | Many() | Several():
            return "lines"
    return "text"


def stated(command: type[Command], sent: dict[str, str]) -> Command:
    """The command that a form states, held to the same schema as the body of a request."""
    said = dict(_said(command, sent))
    ids = {name: id_in_path(said.pop(name, "")) for name in command.in_path()}
    return command.of({**ids, **loaded(body_of(command), said, "invalid_body", "form")})


def _said(command: type[Command], sent: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """What the fields of a form say, as the JSON of a request; an empty one says nothing."""
    for name, value, _ in command.fields():
        if text := sent.get(name, "").strip():
            yield name, _json(name, value, text)


def _json(name: str, value: Value, text: str) -> Any:
    try:
        match value:
            case Number():
                return int(text)
            case Json():
                return json.loads(text)
            case Several() | Many(inner=Json()):
                return [json.loads(line) for line in text.splitlines() if line.strip()]
            case Many():
                return [line.strip() for line in text.splitlines() if line.strip()]
    except ValueError:
        raise Problem("wrong_type", f"{name}: This is not of the documented form.") from None
    return text
