"""Answers of questions: laid out for reading, as JSON, or in a further format; as of a position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import click

from projections.pages import Page
from projections.question import Asking, Question
from scripts import terminal
from scripts.commands.frame import out, written
from scripts.safe_file import SHARED

ALL = 1 << 62
"""A limit beyond every list."""


def limit_option() -> click.Option:
    """The option for the length of a list."""
    most, told = click.IntRange(1, 1000), "How many at most."
    return click.Option(["--limit"], type=most, default=50, show_default=True, help=told)


def as_of_option() -> click.Option:
    """The option for the position of the answer."""
    told = "As known at this journal position."
    return click.Option(["--as-of"], type=click.IntRange(0), help=told)


def form_options(question: Question, readable: str) -> Iterator[click.Option]:
    """The options for the format of the answer, or the file it is written to."""
    yield click.Option(["--json", "form"], flag_value="json", help="Print JSON.")
    if not question.forms:
        return
    forms = click.Choice([readable, "json", *question.forms])
    yield click.Option(["--format", "form"], type=forms, help=f"The format; default {readable}.")
    for name, form in question.forms.items():
        if form.is_binary:
            file = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
            told = f"Write it here as {name.upper()}."
            yield click.Option([f"--{name}", f"file_{name}"], type=file, metavar="FILE", help=told)
        else:
            told = f"The same as --format {name}."
            yield click.Option([f"--{name}", "form"], flag_value=name, help=told)
    if any(form.has_links for form in question.forms.values()):
        told = "The address of the pages, for links."
        yield click.Option(["--origin"], default="", metavar="URL", help=told)


@dataclass
class Wanted:
    """The format of an answer, and where it goes."""

    form: str | None
    file: Path | None
    origin: str

    @classmethod
    def of(cls, typed: dict[str, Any]) -> Self:
        """Read from the options typed, and removed from them."""
        form, file = typed.pop("form"), None
        for name in [name for name in typed if name.startswith("file_")]:
            if path := typed.pop(name):
                form, file = name.removeprefix("file_"), path
        return cls(form, file, typed.pop("origin", ""))


def tell(asking: Asking, wanted: Wanted) -> None:
    """Print an answer, or write it to a file."""
    if form := asking.question.forms.get(wanted.form or ""):
        _write(form.write(asking), wanted.file)
    elif wanted.form == "json":
        terminal.print_json(out, asking.told)
    else:
        _renderer(asking.question)(out, asking)
        _tell_rest(asking)


def _write(told: Any, file: Path | None) -> None:
    if isinstance(told, str | bytes):
        with written(file or Path("-"), mode=SHARED) as into:
            into.write(told.encode() if isinstance(told, str) else told)
    else:
        terminal.print_json(out, told)


def _renderer(question: Question) -> Any:
    """The function that prints an answer, by its type; by default a table."""
    named = terminal.RENDERERS.get(question.result.__name__, "terminal.plain")
    room, _, name = named.partition(".")
    return getattr(import_module(f"scripts.{room}"), name)


def _tell_rest(asking: Asking) -> None:
    answer = asking.answer
    if isinstance(answer, Page):
        # With the position, so that new facts do not move items between pages.
        after, then = answer.next, f" --as-of {asking.view.as_of}"
    else:  # of a rehearsal, which is of now
        after, then = answer.get("next") if isinstance(answer, dict) else None, ""
    if after is not None:
        out.print(f"… and more: the same with --after {after}{then}", soft_wrap=True)
