"""Citing a list of works from a file, with what became of each line."""

from __future__ import annotations

from typing import TextIO

import click

from domain.permission import OPERATOR
from domain.refusal import Refusal
from scripts import bundle
from scripts.commands.frame import as_json, listed, named, opened
from scripts.commands.wording import in_own_words

commands = click.Group()

COLUMNS = {name: name for name in ("line", "outcome", "text", "detail")}


@commands.command()
@click.argument("work")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--by", metavar="CONTRIBUTOR", help="Who acts; default the operator.")
@as_json
@click.pass_context
def cite(ctx: click.Context, work: str, file: TextIO, by: str | None, *, as_json: bool) -> None:
    """Cite every line of a file (“-” for standard input) as a source of a work.

    A line is an id, an address or a full title, then optionally a kind (default sample) and a rate.
    A line that can't be cited does not stop the others, but the exit status is then 1.
    """
    from api.citing import cite as cite_lines

    actor = OPERATOR if by is None else named("contributor", by)
    with opened(ctx) as service:
        service.follower.catch_up()
        try:
            told = cite_lines(
                service.journal, service.store, named("work", work), file, actor, _own_name
            )
        except Refusal as refusal:
            raise click.ClickException(in_own_words(refusal)) from refusal
        service.follower.catch_up()
    listed([{**line} for line in told], COLUMNS, as_json=as_json)
    if any(line["outcome"] not in ("cited", "already_cited") for line in told):
        ctx.exit(1)


def _own_name(text: str) -> str | None:
    """The id for which a line of a bundle has a name of its own."""
    return None if " " in text else bundle.Ids("bundle").named("work", text)
