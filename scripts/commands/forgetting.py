"""Forgetting: a person's texts, and the bytes that erasing leaves in the files.

The one rule: an erased text is in no answer from that moment, and in no file after a vacuum.
"""

from __future__ import annotations

import click

from domain.contributor import GROUNDS
from scripts.commands.frame import opened
from scripts.commands.recording import record_line
from scripts.service import Service

commands = click.Group()


@commands.command()
@click.argument("contributor")
@click.option(
    "--ground", required=True, type=click.Choice(list(GROUNDS)), help="The ground; one of the list."
)
@click.option("--by", metavar="CONTRIBUTOR", help="Who acts; default the operator.")
@click.pass_context
def forget(ctx: click.Context, contributor: str, ground: str, by: str | None) -> None:
    """Forget a person: erase all their texts, then rewrite the vault (see “vacuum”).

    Their ids, credits and remixes stay, without a name; their keys become void.
    """
    with opened(ctx) as service:
        line = {"type": "contributor.forget", "id": contributor, "ground": ground, "by": by}
        record_line(service, line)
        _vacuum(service)


@commands.command()
@click.pass_context
def vacuum(ctx: click.Context) -> None:
    """Rewrite the vault, so that no file of the database contains an erased text.

    An erased text is in no answer from that moment on, but its bytes stay in the database files
    until this is run. Run it daily, as the owner of the database. SQLite rewrites everything;
    PostgreSQL rewrites the vault, the search tables and the server's samples of both, and locks
    them meanwhile.
    """
    with opened(ctx) as service:
        _vacuum(service)


def _vacuum(service: Service) -> None:
    service.follower.catch_up()  # until then the search has the words
    if not service.journal.facts.vacuum():
        raise click.ClickException(
            "An older transaction is still reading; run “stemma vacuum” again when it has ended."
        )
    if service.store.left_behind():
        raise click.ClickException(
            "A rebuild has not ended, and its tables may hold words that were erased; run "
            "“stemma rebuild” if it was interrupted, else wait, and then “stemma vacuum” again."
        )
