"""A form for every command, derived from the declaration of the command.

Common tasks have pages of their own (posting, deciding, revising); these forms cover the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import g, render_template, request
from markupsafe import Markup, escape

from api.problems import PROBLEMS, Problem, of_refusal
from api.web import amounts, errors
from api.web.address import form_id
from api.web.choosing import KINDS as NAMED
from api.web.choosing import SEPARATOR, Found, NotOne, chosen, named, with_lines_of
from api.web.foreseen import PREVIEWED, foreseen
from api.web.frame import Answer, Frame, to_page
from api.web.leading import PAGES, leads_to
from api.web.offering import open_among
from api.web.sealing import seal
from api.web.typed import typed, wrong_beside
from domain.command import Command, Field
from domain.commands.forgetting import ForgetContributor
from domain.draft import Acknowledgement
from domain.identity import new_id
from domain.money.currency import called, decimal
from domain.permission import OPERATOR
from domain.refusal import IdTaken, Refusal, UnknownRole
from domain.registry import COMMANDS
from domain.role import roles
from domain.value import Amount, Json, Many, NewId, Number, Payee, Ref, Several, Text, Value, Word

LONG_TEXT = 1_000
"""A text that may be this long or longer gets an input of several lines."""
TYPED_IN = "typed_in"
"""The hidden field of a form with the currency in which its amounts were typed."""
UNTIL_KNOWN = "USD"
"""The currency of the examples in a form that does not name its own yet."""
IN_UNITS = "In the currency's smallest units"
LISTED = re.compile(r"(the \w+ of )?GET /(kinds|roles)")
"""How the help of a field refers to a vocabulary of the API."""
LABELS = {
    **{"uri": "Address", "sha256": "SHA-256", "made_at": "Made", "effective_at": "Date"},
    **{"display": "Shown as", "credited_as": "Name on the credit", "billing": "Place in the order"},
    **{"join_phrase": "Before the next name", "ai": "Made with AI", "ai_tool": "By which tool"},
    **{"child": "Work", "parent": "Source", "evidence_kind": "Kind of evidence"},
    "evidence_sha256": "SHA-256 of the evidence",
    **{"media_url": "Where it can be seen or heard", "identifiers": "Registry numbers"},
}
"""The labels that cannot be derived from the name of a field, or that other forms have, too."""


class Input(NamedTuple):
    """One input of a form."""

    name: str
    label: str
    kind: str
    help: str
    is_needed: bool
    placeholder: str
    value: str
    choices: dict[str, str] | None = None
    words: Mapping[str, str] | None = None
    """Suggested words with their meanings; any other may be typed."""
    about: Markup | None = None
    """A link to what its id names, if known; another can then be chosen behind a disclosure."""


def pages(frame: Frame) -> None:
    """The list of commands, and a form for each."""

    @frame.blueprint.app_template_global()
    def open_to_reader(name: str, ids: list[str]) -> set[str]:
        command = COMMANDS[name]
        begun = [(command, command.in_path()[0], id) for id in ids]
        return {id for *_, id in open_among(frame, begun)}

    @frame.page("/do", nobody_else=True)
    def show_desk() -> Answer:
        nouns: dict[str, list[type[Command]]] = {}
        # What anybody does comes first, money later.
        for name, command in sorted(COMMANDS.items(), key=lambda one: "money" in one[1].__module__):
            if command.MAY or g.actor == OPERATOR:
                nouns.setdefault(name.partition(".")[0], []).append(command)
        return render_template("desk.html", nouns=nouns)

    @frame.page("/farewell", anybody=True)
    def show_farewell() -> Answer:
        return render_template("farewell.html")

    @frame.page("/do/<name>", nobody_else=True)
    def show_form(name: str) -> Answer:
        command, sent = _command(name), request.args.to_dict()
        return _form(frame, command, sent)

    @frame.form("/do/<name>")
    def take_form(name: str) -> Answer:
        command, written = _command(name), sent_in_form()
        do, typed_in = written.pop("do", "record"), written.get(TYPED_IN)
        if do == "change":
            return _form(frame, command, written)
        sent = written
        try:
            with frame.store.view() as view:
                sent = chosen(view, command, written)
            said = frame.with_id(command, sent)
            typed(command, said, amounts.currency_known(frame, command, sent))  # all that is wrong
            currency = amounts.currency_of(frame, command, sent)
            amounts.must_be_in(command, typed_in, currency)
            stated = typed(command, said, currency)
            seen = written.get("seen", "")
            if (do == "preview" or seen) and (page := _preview(frame, stated, sent, seen)):
                return page
            receipt = frame.record(stated)
        except NotOne as names:
            known = amounts.currency_known(frame, command, names.sent)
            problem = names.problem(wrong_beside(command, names.sent, names.said, known))
            sent = with_lines_of(command, names.sent, written)
            return _form(frame, command, sent, problem, names.found), problem.code
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            sent = with_lines_of(command, sent, written)
            return _form(frame, command, sent, problem), problem.code
        return _recorded(frame, command, receipt, sent)


def _recorded(
    frame: Frame, command: type[Command], receipt: Acknowledgement, sent: Mapping[str, str]
) -> Answer:
    """What follows once a form is recorded: its warnings or, without any, the page it leads to.

    Those who had themselves forgotten can't sign in again, so a last page says so at once.
    """
    if command is ForgetContributor and frame.is_over():
        return to_page("/farewell")
    place = leads_to(frame, command, receipt.id, sent)
    if receipt.warnings:
        with frame.view({"min_position": receipt.position}):  # what they name is known by now
            return render_template("warned.html", warnings=receipt.warnings, place=place)
    return to_page(place, receipt.position)


def _command(name: str) -> type[Command]:
    if name not in COMMANDS:
        raise Problem("not_found", PROBLEMS["not_found"].meaning)
    return COMMANDS[name]


def _headed(command: type[Command]) -> tuple[str, list[str]]:
    """The heading of a form, and the paragraphs below it: the rest of what its command says."""
    first, _, more = str(command.__doc__).partition("\n")
    heading, _, rest = re.sub(r"[:;] ", "\n", first, count=1).rstrip(".").partition("\n")
    lead = [f"{rest[:1].upper()}{rest[1:]}."] if rest else []
    return heading, lead + [one.strip() for one in more.split("\n\n") if one.strip()]


def _preview(frame: Frame, command: Command, sent: dict[str, str], seen: str) -> str | None:
    """The page of what a command would change; raises the refusal if it would be refused.

    None if that was ``seen`` already, or if the same form was recorded before.
    """
    _, facts = frame.rehearsed(command)
    if seen and not facts:
        return None
    with frame.view({}) as view:
        changes = foreseen(view, command)
        now = seal(command.plain(), changes)
        if seen == now:
            return None
        fields = {one.name: sent[one.name] for one in command.fields() if sent.get(one.name)}
        return render_template(
            "do_preview.html", command=command, changes=changes, sent=fields, seal=now
        )


def _form(
    frame: Frame,
    command: type[Command],
    sent: dict[str, str],
    problem: Problem | None = None,
    found: Found | None = None,
) -> str:
    typed_in = amounts.currency_known(frame, command, sent)
    with frame.store.view() as view:
        known = named(view, frame.journal, command, sent)
    if problem and problem.problem == IdTaken.code:
        sent = {**sent, "id": new_id(None)}
    inputs = [
        _input(one, sent.get(one.name, ""), (found or {}).get(one.name), typed_in)._replace(
            about=known.get(one.name)
        )
        for one in sorted(command.fields(), key=_comes_later)
    ]
    heading, paragraphs = _headed(command)
    return render_template(
        "do.html",
        command=command,
        heading=heading,
        paragraphs=paragraphs,
        inputs=inputs,
        problem=problem,
        wrong=errors.by_field(problem, sent, {one.name: one.label for one in inputs}),
        is_previewed=command in PREVIEWED,
        typed_in=typed_in,
    )


def _comes_later(one: Field) -> bool:
    """Whether a field may be left out; what must be said comes first, and amounts with it."""
    return not (one.is_needed or isinstance(one.value, Amount))


def sent_in_form() -> dict[str, str]:
    """The fields of a form; inputs that share a name become lines of one value."""
    return {name: "\n".join(filter(None, one)) for name, one in request.form.lists()}


# -- from a command to its form, and back ----------------------------------------------------


def _input(one: Field, sent: str, found: dict[str, str] | None, typed_in: str | None) -> Input:
    value = one.value
    if isinstance(value, Amount):
        return _amount(one, value, sent, typed_in)
    shown = sent or (form_id() if isinstance(value, NewId) else "")
    examples = value.example if isinstance(value.example, list) else [value.example or ""]
    choices = dict(value.choices) if isinstance(value, Word) and value.choices else None
    return Input(
        one.name,
        _label(one),
        "found" if found else _kind(value),
        _linked(_help(value)),
        is_needed=one.is_needed,
        placeholder="\n".join(_line(value, each, typed_in or UNTIL_KNOWN) for each in examples),
        value=shown,
        choices=found or choices,
        words=_words(value.inner if isinstance(value, Many) else value),
    )


def _words(value: Value) -> Mapping[str, str] | None:
    if isinstance(value, Text):
        return value.words
    is_role = value.refuses == (UnknownRole,)
    return {one.name: one.meaning for one in roles().values()} if is_role else None


def _amount(one: Field, value: Amount, sent: str, currency: str | None) -> Input:
    """The input for an amount, to be typed as people write money."""
    help = value.help.replace(IN_UNITS, "").strip(" .;")
    example = _written(value, value.example or 1000, currency or UNTIL_KNOWN)
    such = f"{'Such' if currency else 'In its currency, such'} as {example}"
    written = ". ".join(filter(None, [help[:1].upper() + help[1:], such]))
    label = _label(one) + (f" in {called(currency)}" if currency else "")
    return Input(one.name, label, "text", f"{written}.", one.is_needed, example, sent)


def _label(one: Field) -> str:
    if one.name == "id" and isinstance(one.value, Ref):
        return one.value.noun.capitalize()
    plain = one.name.removesuffix("_minor").replace("_", " ").capitalize()
    return LABELS.get(one.name, plain)


def _line(value: Value, example: Any, currency: str) -> str:
    """An example as one would type it into one line."""
    if isinstance(value, Several):
        said = example or {name: each.example for name, each, _ in value.record.fields()}
        parts = (
            _written(each, said.get(name), currency) for name, each, _ in value.record.fields()
        )
        return f"{SEPARATOR} ".join(parts).rstrip(f"{SEPARATOR} ")
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)


def _written(value: Value, example: Any, currency: str) -> str:
    if isinstance(value, Amount) and example is not None:
        return decimal(int(example), currency)
    return "" if example is None else str(example)


def _linked(help: str) -> Markup:
    """A help text, with references to a vocabulary of the API as links to its page."""
    page = f'<a href="{request.script_root}/docs/reference/vocabularies">the vocabulary</a>'
    return Markup(LISTED.sub(f"those in {page}", str(escape(help))))


def _help(value: Value) -> str:
    """The help of a value, followed by how to type it in a form."""
    match value:
        case Ref(noun=noun):
            where = " or the address of its page" if noun in PAGES else ""
            name = "The name, the id" if noun in NAMED else "The id"
            written = f"{name}{where}."
        case Payee():
            written = "By name; a name that nobody here has stands for an outside payee."
        case Word(choices=choices) if choices:
            written = "Choose one."
        case Json():
            written = "Written as JSON."
        case Several(record=record):
            fields = f"{SEPARATOR} ".join(_label(one).lower() for one in record.fields())
            written = f"One per line: {fields}. Leave empty what is not known."
        case Many(inner=Json()):
            written = "One JSON object per line."
        case Many(inner=Ref(noun=noun)) if noun in NAMED:
            written = "By name or by the address of the page, one per line."
        case Many():
            written = "One in each field." if _kind(value) == "words" else "One per line."
        case Text(limit=limit) if not value.help:
            written = f"At most {limit} characters."
        case _:
            written = ""
    return f"{value.help} {written}".strip()


def _kind(value: Value) -> str:
    match value:
        case NewId():
            return "hidden"
        case Word(choices=choices) if choices:
            return "select"
        case Number():
            return "number"
        case Many(inner=inner) if inner.refuses == (UnknownRole,):
            return "words"
    is_long = isinstance(value, Json | Many | Several) or getattr(value, "limit", 0) >= LONG_TEXT
    return "lines" if is_long else "text"
