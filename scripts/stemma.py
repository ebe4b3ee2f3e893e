"""The ``stemma`` command line: the front door to the commands in ``scripts/commands/``.

The one rule: whatever goes wrong is said in a sentence and ends with a status, never a traceback.
"""

from __future__ import annotations

import errno
from typing import Any

import click

from domain.engine import DatabaseUnavailable
from domain.refusal import Refusal
from projections.store import BadCursor, Behind
from scripts.commands import (
    bundles,
    forgetting,
    keys,
    measuring,
    money,
    proofs,
    questions,
    recording,
    serving,
    signing,
    verifying,
)
from scripts.commands.wording import in_own_words
from scripts.settings import BadSetting

ROOMS = (
    *(serving, bundles, questions, money, recording, forgetting),
    *(proofs, verifying, signing, keys, measuring),
)
"""Where the commands are; “stemma --help” lists them all in the order of the alphabet."""


class Command(click.Group):
    """The commands, with every refusal said in a sentence and never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(in_own_words(refusal)) from refusal
        except BadCursor as problem:
            said = "--after takes only what the last line of a page says (bad_cursor)"
            raise click.ClickException(said) from problem
        except (BadSetting, DatabaseUnavailable, Behind) as problem:
            raise click.ClickException(str(problem)) from problem
        except OSError as problem:
            if problem.errno == errno.EPIPE:  # whoever read us has seen enough
                raise
            raise click.ClickException(str(problem)) from problem


@click.group(
    cls=Command,
    commands=[command for room in ROOMS for command in room.commands.commands.values()],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="stemma", message="stemma %(version)s")
@click.option(
    "--database",
    metavar="URL",
    help="sqlite:///FILE or postgresql://…, instead of STEMMA_DATABASE.",
)
@click.pass_context
def main(ctx: click.Context, database: str | None) -> None:
    """Who made what from what, how a credit came to be, and who contributed to a finished work.

    Settings come from the environment: STEMMA_DATABASE, STEMMA_DATA, STEMMA_HOST, STEMMA_PORT,
    STEMMA_OPERATOR_KEY, STEMMA_WORKERS, STEMMA_THREADS, STEMMA_LOG_KEY, STEMMA_WITNESSES,
    STEMMA_PUBLIC_PAGES, STEMMA_FOLLOW.

    Wherever an id is asked for, the text a bundle used for it does as well.
    """
    ctx.obj = database


if __name__ == "__main__":
    main()
