"""Auditing a service from outside: its log, the rules of its facts, and what it answers.

The one rule: nothing that the service says is believed unless it follows from its log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domain.printable import escaped
from scripts.commands.frame import as_json, not_verified, progress_of
from scripts.commands.proofs import asks_log
from scripts.safe_file import temporary_folder
from scripts.service import Service, open_service

if TYPE_CHECKING:
    from domain.checkpoint import Trusted
    from scripts.comparison.audit import Audit
    from scripts.remote import Remote

commands = click.Group()


@commands.command()
@asks_log
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="N",
    help="Compare N answers; default all, more than twenty for each work.",
)
@click.option("--seed", type=int, default=0, help="A different seed gives a different sample.")
@click.option("--ids", is_flag=True, help="Fetch no texts: names and titles are not compared.")
@as_json
def audit(
    log: Remote, folder: Path, sample: int | None, seed: int, *, ids: bool, as_json: bool
) -> None:
    """Audit the service at an address: mirror its log, replay it, and compare all its answers.

    The mirror in FOLDER is continued. From it alone the facts are folded, and each is checked again
    for whether it was allowed. Then the service is asked every question about everything, as it is
    known at the end of the log; the first answer that does not follow from it is named. Names and
    titles are compared if the service discloses all of them to this key.
    """
    from scripts.comparison.audit import Audit

    log = replace(log, url=f"{log.url.removesuffix('/log')}/log")
    with _scratch() as replay:
        audited = Audit(log, folder, replay, progress_of, with_texts=not ids)
        with audited.judging:
            trusted = audited.catch_up()
            different = audited.first_difference(sample, seed)
            broken = audited.broken_rules()
    told = {"broken": broken, "different": different and different._asdict()}
    if as_json:
        said = {**_told(audited, trusted), **told}
        click.echo(escaped(json.dumps(said, ensure_ascii=False)))
    else:
        _tell(audited, trusted)
    if found := [*broken, *([] if different is None else [different])]:
        raise click.ClickException(not_verified(found))


@contextmanager
def _scratch() -> Iterator[Service]:
    with (
        temporary_folder("stemma-replay-") as folder,
        open_service(f"sqlite:///{folder}/replay.db") as service,
    ):
        yield service


def _told(audited: Audit, trusted: Trusted) -> dict[str, Any]:
    checkpoint = trusted.checkpoint
    return {
        "log": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "texts": audited.texts._asdict(),
        "answers": audited.asked,
    }


def _tell(audited: Audit, trusted: Trusted) -> None:
    from scripts.described import describe_checkpoint

    for line in describe_checkpoint(trusted):
        click.echo(line)
    click.echo(f"texts       {audited.texts}")
    click.echo(f"answers     {audited.asked} compared at position {trusted.checkpoint.size}")
