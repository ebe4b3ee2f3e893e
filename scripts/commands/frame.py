"""What every command stands in: the settings, an open service, a console, a progress bar.

The one rule: a command opens nothing by itself; what it opens here is closed when it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from domain.command import Field
from domain.refusal import Refusal
from domain.values import NewId, Ref, Value
from projections.store import View
from scripts import bundle
from scripts.commands.wording import in_own_words, remember
from scripts.service import Service, open_service
from scripts.settings import Settings, read_log_keys, read_settings

out = Console(highlight=False, emoji=False)
if not out.is_terminal:
    out.width = 20_000  # a pipe has no width: a row is a line, and nothing is cut
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings_of(ctx: click.Context, **given: Any) -> Settings:
    """The settings of the environment, with what the command line says first."""
    return read_settings(database=ctx.find_root().obj, **given)


@contextmanager
def opened(ctx: click.Context, *, create: bool = False) -> Iterator[Service]:
    """The service on the database of the settings, which only what records something creates."""
    settings = settings_of(ctx)
    keys = read_log_keys(settings)._asdict()
    with open_service(settings.database, **keys, create=create) as service:
        yield service


@contextmanager
def asked(
    ctx: click.Context, as_of: int | None = None, *, create: bool = False
) -> Iterator[tuple[Service, View]]:
    """The service and a view of it, with everything recorded folded."""
    with opened(ctx, create=create) as service:
        service.follower.catch_up()
        with service.store.view(as_of) as view:
            try:
                yield service, view
            except Refusal as refusal:
                raise click.ClickException(in_own_words(refusal, view)) from refusal


@contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def told(done: int, of: int | None) -> None:
            bar.update(task, completed=done, total=of)

        yield told


def named(kind: str, text: str) -> str:
    """The id a text stands for."""
    id = bundle.Ids("bundle").named(kind, text)
    remember(id, text)
    return id


def flag_of(name: str) -> str:
    """The option that says what is called so everywhere else."""
    return f"--{name.replace('_', '-')}"


def metavar_of(value: Value) -> str:
    """What stands for a value in a usage line: the noun of an id, or the kind of value."""
    return value.noun.upper() if isinstance(value, Ref | NewId) else value.METAVAR


def help_of(one: Field, more: str = "") -> str:
    """What an option means: the words of its field, or of the noun it names."""
    if one.value.help:
        return one.value.help + more
    if isinstance(one.value, Ref):
        return f"The {one.value.noun}.{more}"
    return f"The {one.name.replace('_', ' ')}.{more}"
