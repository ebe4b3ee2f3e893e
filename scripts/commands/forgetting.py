"""Forgetting: the texts of a person, and the bytes that erasing left in the files.

The one rule: what is erased is in no answer from that moment, and in no file after a vacuum.
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
    "--ground", required=True, type=click.Choice(list(GROUNDS)), help="Why; a word of the list."
)
@click.option("--by", metavar="CONTRIBUTOR", help="Who acts (default: the operator).")
@click.pass_context
def forget(ctx: click.Context, contributor: str, ground: str, by: str | None) -> None:
    """Forget a person: erase every text of theirs, then write the vault anew (see “vacuum”).

    Their ids, credits and edges stay, without a name; their keys are void.
    """
    with opened(ctx) as service:
        line = {"type": "contributor.forget", "id": contributor, "ground": ground, "by": by}
        record_line(service, line)
        _vacuum(service)


@commands.command()
@click.pass_context
def vacuum(ctx: click.Context) -> None:
    """Write the vault anew, so that no file of the database holds a text that was erased.

    What is erased is in no answer from that moment on, but its bytes stay in the files of the
    database until this is done: daily, by the owner of the tables. On SQLite everything is
    written anew; on PostgreSQL only the vault, which nobody can read meanwhile.
    """
    with opened(ctx) as service:
        _vacuum(service)


def _vacuum(service: Service) -> None:
    if not service.journal.facts.vacuum():
        raise click.ClickException(
            "somebody still reads from before; run “stemma vacuum” once more when they are done"
        )
