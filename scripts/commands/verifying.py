"""Verifying: receipts and checkpoints, offline; and the database itself, from its facts.

The one rule: nothing is trusted and nothing is changed; a difference ends with status 1.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from projections.money import balances as money
from scripts import terminal
from scripts.commands.frame import (
    OurMistake,
    as_json,
    asked,
    checked,
    flag_of,
    not_verified,
    opened,
    out,
    progress_of,
)
from scripts.verify import KINDS, add_options

commands = click.Group()


@commands.group()
def verify() -> None:
    """Verify receipts, checkpoints and mirrors offline, or the database itself.

    Offline verification needs no database, and only scripts/verify.py and the files of domain/ that
    it imports. Status 1: not valid; 2: the input checks nothing, for example because of a mistyped
    key; 3: something you asked is neither proven nor contradicted.
    """


def _offline(name: str, meaning: str) -> click.Command:
    """The command that checks a file as scripts/verify.py does by itself."""

    def check(file: str, **said: Any) -> None:
        from scripts.verify import main as verify_offline

        given = [(n, v if isinstance(v, tuple) else (v,)) for n, v in said.items() if v]
        words = [
            word
            for n, values in given
            for v in values
            for word in ((flag_of(n),) if v is True else (flag_of(n), v))
        ]
        sys.exit(verify_offline([name, *words, "--", file]))

    params: list[click.Parameter] = [click.Argument(["file"], metavar="FILE")]

    def add(flag: str, *, help: str, action: str = "", **said: Any) -> None:
        said.pop("type", None)  # it reads what it is given itself
        said |= {"is_flag": action == "store_true", "multiple": action == "append"}
        params.append(click.Option([flag], help=_sentence(help), **{**said, "default": None}))

    add_options(name, add)
    return click.Command(name, callback=check, params=params, help=_sentence(meaning))


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


for _name, _what in KINDS.items():
    verify.add_command(_offline(_name, _what))


@verify.command("database")
@click.pass_context
def verify_database(ctx: click.Context) -> None:
    """Recompute everything from the facts alone, and report every difference.

    It checks the journal, every history, whether each fact was allowed, the links between facts,
    the texts in the vault and their owners, the log with its signed checkpoints, people's
    signatures, every row of the read tables, and the triggers that keep facts from being changed;
    on SQLite, the types of all values and the indexes as well.
    It changes nothing, and needs the owner's role. The status is 1 if there are differences, and 70
    if a bug in Stemma keeps a check from finishing.
    """
    from scripts import audit
    from scripts.difference import ENDED

    with opened(ctx) as service:
        differing = checked(service, audit.CHECKS)
    if differing:
        verdict = not_verified(differing)
        if {one.where for one in differing} == {ENDED}:
            said = "Nothing else differs, so this is a mistake of Stemma, which should be reported."
            raise OurMistake(f"{verdict}\n{said}")
        raise click.ClickException(verdict)


@commands.command("verify-money")
@as_json
@click.pass_context
def verify_money(ctx: click.Context, as_json: bool) -> None:
    """Recompute every share, division and payout from the journal alone; prove every balance.

    It reports the first difference and exits with status 1; if there is none, it prints the
    balances of the accounts in each currency: what was received, and where it is. It changes
    nothing.
    """
    from scripts import audit
    from scripts.difference import Difference

    with asked(ctx) as (service, view), progress_of("money") as told:
        found = audit.first_difference(audit.CHECKS["money"], service, told)
        totals = money.totals(view)
    if isinstance(found, Difference):
        raise click.ClickException(not_verified([found]))
    if as_json:
        terminal.print_json(out, {"verified": found, "accounts": totals})
    else:
        out.print(found)
        terminal.totals(out, totals)
