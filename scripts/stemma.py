"""The ``stemma`` command line, which brings the commands of ``scripts/commands/`` together.

The one rule: every error is one sentence and a status, never a traceback.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from io import TextIOWrapper
from typing import Any, TextIO

import click

from domain.engine import DatabaseUnavailable, OutcomeUnknown, RebuildNeeded, UpgradeNeeded
from domain.engine.deadline import TookTooLong
from domain.printable import printable
from domain.refusal import Refusal
from projections.damage import is_of_damage, place_of
from projections.pages import BadCursor
from projections.store import Behind
from scripts.commands import (
    auditing,
    bundles,
    citing,
    examining,
    forgetting,
    keeping,
    keys,
    money,
    proofs,
    questions,
    recording,
    sending,
    serving,
    signing,
    verifying,
    watching,
)
from scripts.commands.frame import Chosen, OurMistake
from scripts.commands.wording import in_own_words
from scripts.safe_file import FULL, refusal_of
from scripts.settings import NAMES, BadSetting

SECTIONS = {
    "Set it up and run it": (serving, keeping, examining),
    "Record": (recording, bundles, citing, forgetting),
    "Ask": (questions, money),
    "Prove and verify": (proofs, verifying, auditing, watching),
    "Keys, identities, notifications": (keys, signing, sending),
}
"""The modules with the commands, under the headings of “stemma --help”."""
WIDTH, INDENT = 100, 6
"""The width of help texts, and the space around the name of a command."""
CODES = {
    RebuildNeeded: "rebuild_needed",
    UpgradeNeeded: "upgrade_needed",
    OutcomeUnknown: "outcome_unknown",
    TookTooLong: "took_too_long",
}
"""The codes of errors of the database, as in the API; of all others “storage_unavailable”."""
ROOMS = tuple(room for rooms in SECTIONS.values() for room in rooms)


class Command(click.Group):
    """The commands, listed by section; every error is shown as one sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, self.commands))
        limit = formatter.width - widest - INDENT
        for title, rooms in SECTIONS.items():
            found = (one for room in rooms for one in room.commands.commands.items())
            with formatter.section(title):
                formatter.write_dl(
                    (name.ljust(widest), one.get_short_help_str(limit))
                    for name, one in sorted(found)
                )

    def main(self, *args: Any, **further: Any) -> Any:
        """Run a command; if what it prints can't be written, that is an error as well.

        A signal to stop ends it in order: whatever it has begun is undone or removed.
        """
        _stop_in_order()
        for stream in (sys.stdout, sys.stderr):
            _write_any_letter(stream)
        try:
            try:
                return super().main(*args, **further)
            finally:
                sys.stdout.flush()
        except _Stopped as told:
            signal.signal(told.number, signal.SIG_DFL)
            os.kill(os.getpid(), told.number)  # so that who waits sees what ended it
            sys.exit(128 + told.number)  # the first process of a container outlives that
        except OSError as problem:
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for what is still to come
            if problem.errno != errno.EPIPE:
                click.ClickException(_of_system(problem)).show()
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(in_own_words(refusal)) from refusal
        except BadCursor as problem:
            said = "--after takes only what the last line of a page of this list shows (bad_cursor)"
            raise click.ClickException(said) from problem
        except (DatabaseUnavailable, TookTooLong) as problem:
            code = CODES.get(type(problem), "storage_unavailable")
            raise click.ClickException(printable(f"{problem} ({code})")) from problem
        except (BadSetting, Behind) as problem:
            raise click.ClickException(str(problem)) from problem
        except OSError as problem:
            if _is_of_output(problem):  # told in main: what was not written is tried again there
                raise
            raise click.ClickException(printable(refusal_of(problem))) from problem
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt as told:  # of which click makes status 1, after which loops go on
            raise _Stopped(_signals[-1]) from told
        except Exception as problem:
            raise _unforeseen(problem) from problem


def _write_any_letter(stream: TextIO) -> None:
    """Write files and pipes in UTF-8; on a terminal that lacks a letter, write its number."""
    if isinstance(stream, TextIOWrapper) and stream.encoding.lower() != "utf-8":
        encoding = stream.encoding if stream.isatty() else "utf-8"
        stream.reconfigure(encoding=encoding, errors="backslashreplace")


class _Stopped(BaseException):
    """A signal to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


_signals: list[int] = [signal.SIGINT]
"""The signals that came: a KeyboardInterrupt is of the last one, or else of Ctrl-C."""


def _stop_in_order() -> None:
    """Let signals raise _Stopped, as Ctrl-C does (see Command.invoke), unless they are ignored."""

    def stop(number: int, _frame: object) -> None:
        _signals.append(number)
        raise _Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, stop)


def _is_of_output(problem: OSError) -> bool:
    """Whether the reader has closed the pipe, or there is no room for what is printed."""
    return problem.errno == errno.EPIPE or (problem.errno in FULL and problem.filename is None)


def _of_system(problem: OSError) -> str:
    """The error for one of the operating system, which names no file if it is of the output."""
    if _is_of_output(problem):
        return f"The output could not be written: {problem.strerror}"
    return refusal_of(problem)


def _unforeseen(problem: Exception) -> click.ClickException:
    """The error for an unexpected exception: damaged data, or advice to run the audit."""
    if is_of_damage(problem):
        names = "“stemma verify database” names all that is."
        return click.ClickException(f"{problem} (damaged). {names}")
    return OurMistake(
        f"Something went wrong: {problem!r}, in {place_of(problem)} (internal_error). If “stemma "
        "verify database” finds nothing changed in what is stored, this is a mistake of Stemma, "
        "which should be reported."
    )


@click.group(
    cls=Command,
    commands=[command for room in ROOMS for command in room.commands.commands.values()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    epilog=f"Settings come from the environment: {', '.join(NAMES)}.",
)
@click.version_option(package_name="stemma", message="stemma %(version)s")
@click.option(
    "--database",
    metavar="URL",
    help="sqlite:///FILE or postgresql://…, instead of STEMMA_DATABASE.",
)
@click.option(
    "--community",
    metavar="NAME",
    help="One of the communities in the file that STEMMA_COMMUNITIES names.",
)
@click.pass_context
def main(ctx: click.Context, database: str | None, community: str | None) -> None:
    """Who made what from what, how a credit arose, and who contributed to a release.

    Wherever an id is expected, the word used for it in a bundle works as well.
    """
    ctx.obj = Chosen(database, community)


if __name__ == "__main__":
    main()
