"""Keeping what was recorded: backups, and restoring them.

The rule: a backup is tried out before it is called one.
"""

from __future__ import annotations

from pathlib import Path

import click

from projections.wording import several
from scripts.commands.frame import opened, out, progress_of, settings_of, written

commands = click.Group()


@commands.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--verify/--no-verify",
    default=True,
    show_default=True,
    help="Restore it into a scratch database beside the file, and recompute everything derived "
    "from it.",
)
@click.pass_context
def backup(ctx: click.Context, file: Path, verify: bool) -> None:
    """Write everything permanent, as of one moment, to FILE, while Stemma runs.

    It contains facts, texts, keys, requests, and the log with its checkpoints: everything in an
    “export” and more, for either engine, compressed. It contains no sessions, and not the log's own
    key file. Only its owner can read the file, which appears, or replaces an earlier one, only when
    complete and verified.
    """
    from scripts import backup as backups

    with opened(ctx) as service, written(file) as unfinished:
        with progress_of("backing up") as told:
            content = backups.write(service, unfinished, told)
        if verify:
            with progress_of("verifying") as told:
                backups.verify(Path(unfinished.name), told)
    said = "restored and verified" if verify else "not verified"
    out.print(f"{file}: {several(content.head, 'fact')}, root {content.root}, {said}")


@commands.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Restore a backup into an empty database, on either engine.

    The file is first checked to its end, and restored in one transaction. Then the read tables are
    built, and the root is compared. Stop Stemma first.
    """
    from scripts import backup as backups

    with progress_of("restoring") as told:
        content = backups.restore(settings_of(ctx).database, file, told)
    with opened(ctx) as service, progress_of("folding") as told:
        service.follower.catch_up(told)
        backups.must_have_root(service, content)
    out.print(f"restored {several(content.head, 'fact')} of {content.made_at}, root {content.root}")
