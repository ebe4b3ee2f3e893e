"""Questions about works and people: who made what from what, and what became of it.

The one rule: a command asks one question of one view, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from domain.commands.deriving import DeclareRemix
from domain.permission import OPERATOR
from domain.role import role_named
from projections import attribution, history, lineage, notices
from projections.money import splitting
from projections.store import Page, View
from scripts import terminal
from scripts.commands import answers
from scripts.commands.frame import asked, named, out

commands = click.Group()

_as_published = click.option(
    "--as-published", is_flag=True, help="As it was when the release was published."
)


@contextmanager
def _asked_of(
    ctx: click.Context, work: str, as_of: int | None, as_published: bool
) -> Iterator[tuple[View, str]]:
    """A view of a work, perhaps with the lineage that was frozen at its publication; and its id."""
    with asked(ctx, as_of) as (_, now):
        id = named("work", work)
        yield lineage.as_published(now, id) if as_published else now, id


@commands.command()
@click.option("--q", help="A part of the title.")
@click.option("--medium")
@click.option("--role", help="Only works with a credit in this role.")
@click.option("--kind", type=click.Choice(["contribution", "outside", "release"]))
@click.option("--never-remixed", is_flag=True, help="Only works nothing was made from yet.")
@answers.paged
@answers.as_of
@answers.as_json
@click.pass_context
def works(ctx: click.Context, /, as_of: int | None, as_json: bool, **filters: Any) -> None:
    """List works, the latest first."""
    if filters["role"] is not None:
        filters["role"] = role_named(filters["role"])
    with asked(ctx, as_of) as (_, view):
        page = lineage.works(view, **filters)
    answers.tell(view, page, as_json, terminal.works)


@commands.command()
@click.argument("work")
@click.option("--role", help="Only this role.")
@_as_published
@answers.as_of
@answers.as_json
@click.pass_context
def contributors(
    ctx: click.Context,
    work: str,
    role: str | None,
    as_published: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """Who contributed to a work, through every generation: credits roll and lineage tree."""
    with _asked_of(ctx, work, as_of, as_published) as (view, id):
        named_role = None if role is None else role_named(role)
        page = attribution.contributors(view, id, role=named_role, limit=answers.ALL)
        told = lineage.work(view, id)
        tree = attribution.lineage_with_makers(view, id)
    answers.tell(view, page, as_json, terminal.contributors, told, tree)


@commands.command("lineage")
@click.argument("work")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "json", "graphml", "dot", "jsonld"]),
    default="tree",
    show_default=True,
)
@answers.as_of
@click.pass_context
def lineage_(ctx: click.Context, work: str, form: str, as_of: int | None) -> None:
    """What a work was made from, as a tree or in the forms other tools read."""
    with asked(ctx, as_of) as (_, view):
        tree = attribution.lineage_with_makers(view, named("work", work))
    terminal.lineage(out, tree, form)


@commands.command()
@click.argument("work")
@answers.paged
@answers.as_of
@answers.as_json
@click.pass_context
def ancestors(
    ctx: click.Context, /, work: str, as_of: int | None, as_json: bool, **place: Any
) -> None:
    """List what a work was made from, the nearest generation first."""
    with asked(ctx, as_of) as (_, view):
        page = lineage.ancestors(view, named("work", work), **place)
    answers.tell(view, page, as_json, terminal.relatives)


@commands.command()
@click.argument("work")
@answers.paged
@answers.as_of
@answers.as_json
@click.pass_context
def descendants(
    ctx: click.Context, /, work: str, as_of: int | None, as_json: bool, **place: Any
) -> None:
    """List what was made from a work, the nearest generation first."""
    with asked(ctx, as_of) as (_, view):
        page = lineage.descendants(view, named("work", work), **place)
    answers.tell(view, page, as_json, terminal.relatives)


@commands.command("split")
@click.argument("work")
@click.option("--policy", required=True, help="The type of a policy, or one as JSON.")
@click.option("--amount-minor", type=click.IntRange(0), required=True, help="In smallest units.")
@click.option("--currency", default="USD", show_default=True)
@click.option("--default-rate", help="Of the edges that state none.")
@_as_published
@answers.paged
@answers.as_of
@answers.as_json
@click.pass_context
def split_(
    ctx: click.Context,
    /,
    work: str,
    as_published: bool,
    as_of: int | None,
    as_json: bool,
    **said: Any,
) -> None:
    """What each person would get of an amount for a work, and through which paths."""
    with _asked_of(ctx, work, as_of, as_published) as (view, id):
        page = splitting.split_of(view, id, **said)
    answers.tell(view, page, as_json, terminal.split)


HISTORIES: dict[str, tuple[str, Callable[..., Page]]] = {
    "work": ("work", history.of_work),
    "contributor": ("contributor", history.of_contributor),
    "credit": ("credit", history.of_credit),
    "remix": ("remix", history.of_remix),
}


@commands.command("history")
@click.argument("subject")
@click.option("--of", "kind", type=click.Choice(list(HISTORIES)), default="work", show_default=True)
@answers.as_of
@answers.as_json
@click.pass_context
def history_(ctx: click.Context, subject: str, kind: str, as_of: int | None, as_json: bool) -> None:
    """Every fact about a work, a contributor, a credit or a remix, in order."""
    name, of = HISTORIES[kind]
    with asked(ctx, as_of) as (service, view):
        page = of(view, service.journal, named(name, subject), limit=answers.ALL)
    answers.tell(view, page, as_json, terminal.history)


@commands.command("notices")
@click.argument("contributor")
@answers.paged
@answers.as_of
@answers.as_json
@click.pass_context
def notices_(
    ctx: click.Context, /, contributor: str, as_of: int | None, as_json: bool, **place: Any
) -> None:
    """What a person was told: disputes that concern them, answers and ends."""
    with asked(ctx, as_of) as (service, view):
        id = named("contributor", contributor)
        page = notices.of_contributor(view, service.journal, id, actor=OPERATOR, **place)
    answers.tell(view, page, as_json, terminal.history)


@commands.command("attribution")
@click.argument("contributor")
@answers.paged
@answers.as_of
@answers.as_json
@click.pass_context
def attribution_(
    ctx: click.Context, /, contributor: str, as_of: int | None, as_json: bool, **place: Any
) -> None:
    """Every finished work a person is in, how, and through what."""
    with asked(ctx, as_of) as (_, view):
        id = named("contributor", contributor)
        person = attribution.person(view, id)
        page = attribution.attribution(view, id, **place)
    answers.tell(view, page, as_json, terminal.attribution, person)


@click.command("preview")
@click.option("--child", required=True, metavar="WORK")
@click.option("--parent", metavar="WORK")
@click.option("--uri")
@click.option("--kind", required=True)
@click.option("--rate")
@click.option("--policy", help="By which policy; relative_cascade if not said.")
@click.option("--default-rate", help="Of the edges that state none.")
@click.option("--amount-minor", type=click.IntRange(0), help="Of how much, in smallest units.")
@click.option("--by", metavar="CONTRIBUTOR", help="Who would declare it (default: the operator).")
@answers.limit
@click.pass_context
def preview(ctx: click.Context, /, by: str | None, **planned: Any) -> None:
    """What an edge would change if it were declared: the stack, and who is diluted."""
    for end in ("child", "parent"):
        if planned[end] is not None:
            planned[end] = named("work", planned[end])
    actor = OPERATOR if by is None else named("contributor", by)
    own = {one.name for one in DeclareRemix.fields()}
    drafted = {name: value for name, value in planned.items() if name in own}
    with asked(ctx) as (service, view):
        service.journal.draft().carry_out(DeclareRemix.of(drafted), actor)
        told = splitting.preview_edge(view, **planned)
    terminal.answer(out, view.as_of, told)
