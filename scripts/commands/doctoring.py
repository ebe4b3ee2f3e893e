"""Examining an installation."""

from __future__ import annotations

import click

from scripts import terminal
from scripts.commands.frame import as_json, out, settings_of

commands = click.Group()


@commands.command()
@click.option("--only", multiple=True, metavar="NAME", help="Only this examination; repeatable.")
@as_json
@click.pass_context
def doctor(ctx: click.Context, only: tuple[str, ...], as_json: bool) -> None:
    """Examine this installation, and say what to do; the status is 1 if something is broken.

    It looks at settings, dependencies, files, keys, the database, the follower, clocks and space,
    and changes nothing. A warning alone leaves the status 0.
    """
    from scripts import doctor as examination

    if unknown := set(only) - set(examination.names()):
        known = ", ".join(examination.names())
        raise click.ClickException(f"there is no “{min(unknown)}”, only: {known}")
    found = list(examination.examine(lambda: settings_of(ctx), only))
    if as_json:
        terminal.print_json(out, {"items": [one._asdict() for one in found]})
    else:
        terminal.table_of(
            out,
            {one: one for one in ("status", "name", "detail", "advice")},
            [one._asdict() for one in found],
        )
    if any(one.status == examination.FAILED for one in found):
        raise click.exceptions.Exit(1)
