"""Questions about money: pools, proposals, statements, ledgers, and why somebody got what they got.

The one rule: a command tells what is recorded, to the smallest unit, and moves none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from domain.journal import Journal
from domain.refusal import UnknownRevenue
from projections.money import pools
from projections.store import Page, View
from scripts.commands import answers
from scripts.commands.frame import asked, named

commands = click.Group()

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


def tell(view: Any, told: Any, as_json: bool, show: Any, *more: Any) -> None:
    """Print an answer: as the API gives it, or laid out for reading."""
    from scripts import terminal
    from scripts.commands.frame import out

    if as_json:
        said = told._asdict() if isinstance(told, Page) else told
        terminal.print_json(out, {"as_of": view.as_of, **said})
    else:
        show(out, *more, told)


@commands.command("pools")
@click.argument("release")
@answers.as_of
@as_json
@click.pass_context
def pools_(ctx: click.Context, release: str, as_of: int | None, as_json: bool) -> None:
    """List the pools of a release, and what came in for each."""
    from scripts import accounts

    with asked(ctx, as_of) as (_, view):
        page = pools.pools(view, named("work", release), limit=answers.ALL)
    tell(view, page, as_json, accounts.pools)


@commands.command()
@click.argument("contributor")
@click.option("--from", "since", metavar="MOMENT", help="From this moment on, such as 2026-01.")
@click.option("--to", "before", metavar="MOMENT", help="Before this moment.")
@click.option("--currency", help="Only in this currency.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the lines as CSV instead.")
@click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write it here as PDF instead.",
)
@click.option("--origin", default="", help="Where the pages are, for the links in the PDF.")
@answers.as_of
@as_json
@click.pass_context
def statement(
    ctx: click.Context,
    contributor: str,
    since: str | None,
    before: str | None,
    currency: str | None,
    as_csv: bool,
    pdf: Path | None,
    origin: str,
    as_of: int | None,
    as_json: bool,
) -> None:
    """What somebody earned, was paid and is owed, in all or in a period of recorded time."""
    from api.money import payouts
    from scripts import accounts

    with asked(ctx, as_of) as (service, view):
        id = named("contributor", contributor)
        told = payouts.statement_of(view, service.journal, id, since, before, currency)
        if pdf is not None:
            from api.money.statement_pdf import as_pdf

            period = {"from": since, "to": before, "currency": currency}
            made = as_pdf(view, service.journal, told, asked=period, origin=origin)
            with click.open_file(str(pdf), "wb") as written:
                written.write(made)
            return
    if as_csv:
        click.echo(payouts.as_csv(told), nl=False)
    else:
        tell(view, told, as_json, accounts.statement)


@commands.command()
@click.argument("pool", required=False)
@click.option("--all", "every", is_flag=True, help="Of all pools.")
@click.option("--beancount", "as_beancount", is_flag=True, help="As a beancount journal.")
@answers.as_of
@as_json
@click.pass_context
def ledger(
    ctx: click.Context,
    pool: str | None,
    every: bool,
    as_beancount: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """Every fact that moved money of a pool, with its postings; each append adds up to nothing."""
    from projections.money.beancount import beancount
    from scripts import accounts

    if (pool is None) != every:
        raise click.UsageError("say which POOL, or --all")
    with asked(ctx, as_of) as (service, view):
        id = None if pool is None else named("pool", pool)
        if as_beancount:
            click.echo(beancount(view, service.journal, pool=id), nl=False)
            return
        for one in pools.every_pool(view) if id is None else [id]:
            opened = pools.pool_named(view, service.journal, one)
            page = pools.ledger(view, service.journal, one, limit=answers.ALL)
            tell(view, page, as_json, accounts.ledger, opened.currency)


@commands.command()
@click.argument("division")
@click.argument("payee")
@answers.as_of
@as_json
@click.pass_context
def why(ctx: click.Context, division: str, payee: str, as_of: int | None, as_json: bool) -> None:
    """Why somebody got what they got of a revenue: shares, pieces, ways, the last unit.

    DIVISION is a division or the revenue that was divided; PAYEE a name, or “@” and a word for a
    contributor.
    """
    from scripts import accounts

    with asked(ctx, as_of) as (service, view):
        id = named("revenue", division)
        with suppress(UnknownRevenue):
            revenue = pools.booking(view, "revenue", id, UnknownRevenue)
            if revenue["division"] is None:
                raise click.ClickException(f"{division} waits and is not divided yet")
            id = revenue["division"]
        payee = named("contributor", payee[1:]) if payee.startswith("@") else payee
        told = pools.why(view, service.journal, id, payee)
    tell(view, told, as_json, accounts.why)


def _about_a_noun(
    noun: str,
    verb: str,
    ask: Callable[[View, Journal, str], dict[str, Any]],
    layout: str,
    meaning: str,
) -> click.Command:
    """The command that asks one thing about a pool or a proposal."""

    @click.pass_context
    def tell_it(ctx: click.Context, /, as_of: int | None, as_json: bool, **said: str) -> None:
        from scripts import accounts

        with asked(ctx, as_of) as (service, view):
            told = ask(view, service.journal, named(noun, said[noun]))
        tell(view, told, as_json, getattr(accounts, layout))

    command = click.Command(verb, callback=tell_it, params=[click.Argument([noun])], help=meaning)
    return answers.as_of(as_json(command))


ABOUT_A_NOUN = {
    "pool": [
        _about_a_noun(
            "pool",
            "statement",
            pools.statement,
            "pool_statement",
            "Where every unit of a pool is: whose, why, and what keeps it.",
        )
    ],
    "proposal": [
        _about_a_noun(
            "proposal",
            "show",
            pools.proposal,
            "proposal",
            "A proposal: shares, comments with answers, who agreed and who is missing.",
        ),
        _about_a_noun(
            "proposal",
            "diff",
            pools.diff,
            "diff",
            "What became of the first proposal, and the comments that caused it.",
        ),
    ],
}
"""What can be asked about a noun of money, beside the commands that record it."""
