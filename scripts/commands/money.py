"""The ledger: of one pool, as its question answers, or of all pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from projections.money import pools
from projections.question import Asking
from projections.registry import QUESTIONS
from scripts import terminal
from scripts.commands import answers
from scripts.commands.frame import asked, named, out

commands = click.Group()

LEDGER = QUESTIONS["show_pool_ledger"]


def _params() -> Iterator[click.Parameter]:
    yield click.Argument(["pool"], required=False)
    yield click.Option(["--all", "every"], is_flag=True, help="Of all pools.")
    yield answers.as_of_option()
    yield from answers.form_options(LEDGER, "text")


@click.pass_context
def _ledger(
    ctx: click.Context, /, pool: str | None, every: bool, as_of: int | None, **typed: Any
) -> None:
    if (pool is None) != every:
        raise click.UsageError("Name a POOL, or give --all.")
    wanted = answers.Wanted.of(typed)
    with asked(ctx, as_of) as (service, view):
        ids = pools.every_pool(view) if pool is None else [named("pool", pool)]
        told = [
            Asking(LEDGER, view, service.journal, {"id": id, "limit": answers.ALL}) for id in ids
        ]
        if wanted.form == "beancount" and pool is None:
            from projections.money.pools.beancount import beancount

            click.echo(beancount(view, service.journal), nl=False)
        elif wanted.form == "json" and pool is None:
            items = [{"pool": one.said["id"], **fact} for one in told for fact in one.answer.items]
            terminal.print_json(out, {"as_of": view.as_of, "items": items, "next": None})
        else:
            for one in told:
                answers.tell(one, wanted)


commands.add_command(
    click.Command("ledger", callback=_ledger, params=[*_params()], help=LEDGER.help)
)
