"""Questions: a command of the terminal for each question that names one, grouped by its noun.

It prints the same answer as the API: laid out for reading, as JSON, or in a further format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from domain.command import COMMANDS, Field
from domain.fact import utc_now
from domain.permission import OPERATOR
from domain.value import Choice, Cursor, Flag, Number, Payee, Ref, Value
from projections import lineage
from projections.money.balances import is_paid
from projections.money.rows import ENTRIES
from projections.question import Asking, Question
from projections.registry import by_words
from projections.store import View
from scripts.commands import answers
from scripts.commands.frame import Derived, asked, flag_of, metavar_of, named

commands = click.Group()
OF_NOUNS: dict[str, list[click.Command]] = {}
"""The questions about a noun, listed with the commands that record it."""

WHOLE = ("contributors", "history", "pools")
"""The commands that print the whole list."""
USUALLY = {("split", "currency"): "USD"}
"""Defaults of the command line for fields that the API requires."""
TYPED = {"search": "q", "search-facets": "q"}
"""The field of the query that is typed without the name of an option."""
READABLE = {"lineage": "tree"}
"""The name of the format for reading, if not text."""


def _command(words: str, questions: Sequence[Question]) -> click.Command:
    """The command that asks a question, or one of several about different nouns."""
    question = questions[0]

    def params() -> Iterator[click.Parameter]:
        yield from _arguments(questions)
        if words in TYPED:
            yield click.Argument([TYPED[words]], metavar="WORDS")
        yield from _options(words, question)
        yield from answers.form_options(question, READABLE.get(words, "text"))

    @click.pass_context
    def ask(ctx: click.Context, /, as_of: int | None = None, **typed: Any) -> None:
        kind = typed.pop("of", None)
        meant = next(one for one in questions if kind is None or _noun_of(one) == kind)
        wanted = answers.Wanted.of(typed)
        is_published, by = typed.pop("as_published", False), typed.pop("by", None)
        actor = OPERATOR if by is None else named("contributor", by)
        with asked(ctx, as_of) as (service, now):
            said = _said(meant, typed, now) | ({"limit": answers.ALL} if words in WHOLE else {})
            view = lineage.as_published(now, said["id"]) if is_published else now
            asking = Asking(meant, view, service.journal, said, actor, wanted.origin)
            answers.tell(asking, wanted)

    help = " ".join(question.help.split())
    verb = words.rsplit(maxsplit=1)[-1]
    return Derived(verb, params, callback=ask, help=help)


def _arguments(questions: Sequence[Question]) -> Iterator[click.Parameter]:
    """The fields in the path; and of which noun, where there are several."""
    if len(questions) > 1:
        nouns = click.Choice([_noun_of(one) for one in questions])
        yield click.Argument(["id"], metavar="SUBJECT")
        usual = nouns.choices[0]
        yield click.Option(
            ["--of"], type=nouns, default=usual, show_default=True, help="What SUBJECT is."
        )
        return
    for one in questions[0].in_path:
        name = one.value.noun if isinstance(one.value, Ref) else one.name
        yield click.Argument([one.name], metavar=name.upper())


def _noun_of(question: Question) -> str:
    return next(one.value.noun for one in question.in_path if isinstance(one.value, Ref))


def _options(words: str, question: Question) -> Iterator[click.Option]:
    for one in question.in_query:
        if one.name == TYPED.get(words):
            continue
        if one.name == "limit" and words not in WHOLE:
            yield answers.limit_option()
        elif one.name not in ("limit", "after") or not (words in WHOLE or question.parts):
            yield _option(one, USUALLY.get((words, one.name)))
    if question.may_be_as_published:
        shown = "As it was when the release was published."
        yield click.Option(["--as-published"], is_flag=True, help=shown)
    if question.rehearses:
        by = "Who would act; default the operator."
        yield click.Option(["--by"], metavar="CONTRIBUTOR", help=by)
    else:
        yield answers.as_of_option()


def _option(one: Field, usually: str | None) -> click.Option:
    """The option of a field."""
    if isinstance(one.value, Flag):
        return click.Option([flag_of(one.name), one.name], is_flag=True, help=one.value.help)
    help = "Continue where a page ended; its last line shows the value."
    # Click takes a default of None for an answer, and then misses nothing.
    default: dict[str, Any] = {} if usually is None else {"default": usually, "show_default": True}
    return click.Option(
        [flag_of(one.name.rstrip("_")), one.name],
        required=one.is_needed and not default,
        **default,
        type=_type_of(one.value),
        metavar=None if isinstance(one.value, Choice | Number) else metavar_of(one.value),
        help=help if isinstance(one.value, Cursor) else one.help,
    )


def _type_of(value: Value) -> click.ParamType[Any]:
    match value:
        case Number():
            return click.IntRange(value.least)
        case Choice():
            return click.Choice(value.words)
    return click.STRING


def _said(question: Question, typed: Mapping[str, Any], view: View) -> dict[str, Any]:
    """What was typed, with the ids of the journal and each value in its normal form."""
    fields = {one.name: one for one in question.fields}
    return {
        name: _value(fields[name].value, value, view)
        for name, value in typed.items()
        if value is not None
    }


def _value(value: Value, typed: Any, view: View) -> Any:
    match value:
        case Ref(noun="entry"):
            return _entry(typed, view)
        case Ref(noun=noun, or_name=or_name):
            id = named(noun, typed)
            is_name = or_name and not view.numbers("contributors", [id]) and is_paid(view, typed)
            return typed if is_name else id
        case Payee() if typed.startswith("@"):
            return named("contributor", typed[1:])
    return value.read(typed, utc_now())


def _entry(typed: str, view: View) -> str:
    """The id of a revenue, which stands for its division, or of another entry with this word."""
    nouns = {command.MAKES for command in COMMANDS.values() if command.MAKES}
    division = named("entry", typed)
    found = view.rows(
        "SELECT b.id FROM @bookings b WHERE b.id IN :ids AND b.kind IN :kinds "
        "AND b.position <= :as_of ORDER BY b.position",
        ids=sorted({division, *(named(noun, typed) for noun in nouns)}),
        kinds=["revenue", *ENTRIES.values()],
    )
    ids = [id for (id,) in found]
    return division if division in ids or not ids else ids[0]


for _words, _questions in by_words().items():
    _noun, _, _verb = _words.rpartition(" ")
    if _noun:
        OF_NOUNS.setdefault(_noun, []).append(_command(_words, _questions))
    else:
        commands.add_command(_command(_words, _questions))
