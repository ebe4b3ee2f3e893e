"""The ``stemma`` command line: run the service, fill it, ask it.

The one rule: a command here only reads its words and prints; what it does is done elsewhere.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from domain.checkpoint import Trusted
from domain.contributor import GROUNDS, Contributor
from domain.journal import Journal
from domain.note import SignerKey
from domain.permission import OPERATOR
from domain.recorders import JournalUnavailable
from domain.refusal import ContributorForgotten, Refusal, UnknownRevenue
from domain.role import role_named
from domain.signature import Signing, sign_command
from domain.tree import NotVerified
from projections import attribution, history, lineage, money, notices, pools, splitting
from projections.follower import Rebuild
from projections.store import Behind, Page, StoreUnavailable, View
from scripts import bundle, terminal
from scripts.service import Service, open_service
from scripts.settings import (
    BadSetting,
    Settings,
    make_log_key,
    read_log_keys,
    read_settings,
    retire_log_keys,
    rotate_log_key,
)
from scripts.verify import KINDS

GRACE_SECONDS = 5.0
"""How long a rebuild keeps the old tables for the reads that still look at them."""

out = Console(highlight=False, emoji=False)
if not out.is_terminal:
    out.width = 20_000  # a pipe has no width: a row is a line, and nothing is cut
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


class Command(click.Group):
    """The commands, with every refusal said in a sentence and never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(f"{refusal} ({refusal.code})") from refusal
        except (BadSetting, StoreUnavailable, JournalUnavailable, Behind) as problem:
            raise click.ClickException(str(problem)) from problem
        except OSError as problem:
            if problem.errno == errno.EPIPE:  # whoever read us has seen enough
                raise
            raise click.ClickException(str(problem)) from problem


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
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


def settings_of(ctx: click.Context, **given: Any) -> Settings:
    """The settings of the environment, with what the command line says first."""
    return read_settings(database=ctx.find_root().obj, **given)


@contextmanager
def opened(ctx: click.Context) -> Iterator[Service]:
    """The service on the database of the settings."""
    settings = settings_of(ctx)
    with open_service(settings.database, **read_log_keys(settings)._asdict()) as service:
        yield service


@contextmanager
def asked(ctx: click.Context, as_of: int | None = None) -> Iterator[tuple[Service, View]]:
    """The service and a view of it, with everything recorded folded."""
    with opened(ctx) as service:
        service.follower.catch_up()
        with service.store.view(as_of) as view:
            yield service, view


@contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def told(done: int, of: int | None) -> None:
            bar.update(task, completed=done, total=of)

        yield told


# -- running -------------------------------------------------------------------------------


@main.command()
@click.option("--host", help="The address to serve on.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to serve on.")
@click.option("--workers", type=click.IntRange(1, 64), help="How many processes serve.")
@click.option("--threads", type=click.IntRange(1, 256), help="How many threads serve in each.")
@click.option(
    "--follow/--no-follow", default=None, help="Fold the journal in the serving processes."
)
@click.pass_context
def serve(ctx: click.Context, /, **given: Any) -> None:
    """Serve the API.

    On SQLite the serving process folds the journal itself; on PostgreSQL run “stemma follow”
    beside it, or say --follow.
    """
    _serve(settings_of(ctx, **given))


def _serve(settings: Settings) -> None:
    from scripts.server import serve as serve_forever

    says = f"Stemma serves http://{settings.host}:{settings.port}/docs (stop with Ctrl-C)"
    serve_forever(settings, announce=lambda: err.print(says))


@main.command()
@click.pass_context
def follow(ctx: click.Context) -> None:
    """Fold the journal into the read tables as it grows, until stopped."""
    with opened(ctx) as service:
        position = service.follower.catch_up()
        err.print(f"following from position {position} (stop with Ctrl-C)")
        try:
            service.follower.run()
        except KeyboardInterrupt:
            err.print(f"stopped at position {service.store.current().position}")


@main.command()
@click.option(
    "--grace-seconds",
    default=GRACE_SECONDS,
    show_default=True,
    help="How long the old tables stay for reads under way.",
)
@click.pass_context
def rebuild(ctx: click.Context, grace_seconds: float) -> None:
    """Fold everything again from nothing, beside the tables in use, then switch."""
    with opened(ctx) as service, progress_of("refolding") as told:
        position = Rebuild(service.journal, service.store).run(told, grace_seconds)
    out.print(f"rebuilt up to position {position}")


@main.command()
@click.option("--serve", "serving", is_flag=True, help="Serve it afterwards.")
@click.pass_context
def demo(ctx: click.Context, serving: bool) -> None:
    """Load the demonstration: an invented community, and a few real records."""
    from scripts import demonstration

    settings = settings_of(ctx, follow=True, public_pages=True)
    make_log_key(settings)
    with open_service(settings.database, operator_key=settings.operator_key) as service:
        key = demonstration.load(service, settings)
        demonstration.tell(out, settings, key)
    if serving:
        _serve(settings)


# -- bundles -------------------------------------------------------------------------------


@main.command("import")
@click.argument("path", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--from",
    "source",
    type=click.Choice(["bundle", "whosampled", "ocremix"]),
    default="bundle",
    show_default=True,
    help="The form of what is read.",
)
@click.option(
    "--namespace",
    default="bundle",
    show_default=True,
    help="What ids that are not UUIDs are derived in.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 10_000),
    default=bundle.BATCH,
    show_default=True,
    help="Lines an append.",
)
@click.option(
    "--refused",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the refused lines here, as JSON Lines.",
)
@click.option("--strict", is_flag=True, help="End with status 1 if a line was refused.")
@click.option("--fold/--no-fold", default=True, help="Fold what was recorded, too.")
@click.pass_context
def import_(  # the options above, one by one
    ctx: click.Context,
    path: Path,
    source: str,
    namespace: str,
    batch: int,
    refused: Path | None,
    strict: bool,
    fold: bool,
) -> None:
    """Record a bundle: a JSON Lines file, a folder of CSV files, or - for standard input.

    Importing the same bundle twice changes nothing. A refused line is told with its number and
    reason, and loses no other. The format: scripts/README.md.
    """
    if str(path) != "-" and not path.exists():
        raise click.ClickException(f"there is no file or folder {path}")
    total = bundle.lines_in(path, source)
    with opened(ctx) as service:
        try:
            with progress_of("importing") as told:
                report = bundle.import_lines(
                    service.journal,
                    bundle.found_in(path, source),
                    namespace=namespace,
                    batch=batch,
                    progress=lambda so_far: told(so_far.lines, total),
                )
        finally:
            if fold:
                with progress_of("folding") as told:
                    service.follower.catch_up(told)
    terminal.import_report(out, report)
    if refused is not None:
        refused.write_text(
            "".join(json.dumps(one._asdict(), ensure_ascii=False) + "\n" for one in report.refused)
        )
    if strict and report.refused:
        sys.exit(1)


@main.command()
@click.argument("path", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option(
    "--after", type=click.IntRange(0), default=0, help="Only the facts after this position."
)
@click.pass_context
def export(ctx: click.Context, path: Path, after: int) -> None:
    """Write every fact with its texts as JSON Lines, which “import” puts back as they were."""
    with opened(ctx) as service, progress_of("exporting") as told:
        head = service.journal.facts.head()
        with click.open_file(str(path), "w", encoding="utf-8") as file:
            for line in bundle.export_lines(service.journal, after):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                if line["position"] % 1000 == 0:
                    told(line["position"], head)


@main.command()
@click.argument("source", type=click.Choice(["whosampled", "ocremix"]))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def convert(source: str, path: Path) -> None:
    """Turn a public data set into a bundle on standard output."""
    for found in bundle.found_in(path, source):
        click.echo(json.dumps(found.line, ensure_ascii=False))


# -- asking --------------------------------------------------------------------------------

_as_of = click.option("--as-of", type=click.IntRange(0), help="As known at this journal position.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
_limit = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)


def tell(
    view: View, page: Page, as_json: bool, show: Callable[..., None], *more: dict[str, Any]
) -> None:
    """Print a list: as the API answers it, or laid out for reading."""
    if as_json:
        terminal.listed(out, view.as_of, page)
    else:
        show(out, *more, page)


def named(kind: str, text: str) -> str:
    """The id a text stands for."""
    return bundle.Ids("bundle").named(kind, text)


@main.command()
@click.option("--q", help="A part of the title.")
@click.option("--medium")
@click.option("--role", help="Only works with a credit in this role.")
@click.option("--kind", type=click.Choice(["contribution", "outside", "release"]))
@click.option("--never-remixed", is_flag=True, help="Only works nothing was made from yet.")
@_limit
@_as_of
@_json
@click.pass_context
def works(ctx: click.Context, /, as_of: int | None, as_json: bool, **filters: Any) -> None:
    """List works, the latest first."""
    if filters["role"] is not None:
        filters["role"] = role_named(filters["role"])
    with asked(ctx, as_of) as (_, view):
        page = lineage.works(view, **filters)
    tell(view, page, as_json, terminal.works)


@main.command()
@click.argument("work")
@click.option("--role", help="Only this role.")
@click.option("--as-published", is_flag=True, help="As it was when the release was published.")
@_as_of
@_json
@click.pass_context
def contributors(
    ctx: click.Context,
    work: str,
    role: str | None,
    as_published: bool,
    as_of: int | None,
    as_json: bool,
) -> None:
    """Who contributed to a work, through every generation: credits roll and lineage tree."""
    with asked(ctx, as_of) as (_, now):
        id = named(bundle.WORK, work)
        view = lineage.as_published(now, id) if as_published else now
        named_role = None if role is None else role_named(role)
        page = attribution.contributors(view, id, role=named_role, limit=10_000)
        told = lineage.work(view, id)
        tree = attribution.lineage_with_makers(view, id)
    tell(view, page, as_json, terminal.contributors, told, tree)


@main.command("lineage")
@click.argument("work")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "json", "graphml", "dot", "jsonld"]),
    default="tree",
    show_default=True,
)
@_as_of
@click.pass_context
def lineage_(ctx: click.Context, work: str, form: str, as_of: int | None) -> None:
    """What a work was made from, as a tree or in the forms other tools read."""
    with asked(ctx, as_of) as (_, view):
        tree = attribution.lineage_with_makers(view, named(bundle.WORK, work))
    terminal.lineage(out, tree, form)


@main.command()
@click.argument("work")
@_limit
@_as_of
@_json
@click.pass_context
def ancestors(ctx: click.Context, work: str, limit: int, as_of: int | None, as_json: bool) -> None:
    """List what a work was made from, the nearest generation first."""
    _relatives(ctx, lineage.ancestors, work, limit, as_of, as_json)


@main.command()
@click.argument("work")
@_limit
@_as_of
@_json
@click.pass_context
def descendants(
    ctx: click.Context, work: str, limit: int, as_of: int | None, as_json: bool
) -> None:
    """List what was made from a work, the nearest generation first."""
    _relatives(ctx, lineage.descendants, work, limit, as_of, as_json)


def _relatives(
    ctx: click.Context,
    walk: Callable[..., Page],
    work: str,
    limit: int,
    as_of: int | None,
    as_json: bool,
) -> None:
    with asked(ctx, as_of) as (_, view):
        page = walk(view, named(bundle.WORK, work), limit=limit)
    tell(view, page, as_json, terminal.relatives)


HISTORIES: dict[str, tuple[str, Callable[..., Page]]] = {
    "work": (bundle.WORK, history.of_work),
    "contributor": (bundle.PERSON, history.of_contributor),
    "credit": (bundle.CREDIT, history.of_credit),
    "remix": (bundle.REMIX, history.of_remix),
}


RECEIPTS: dict[str, tuple[str, Callable[[View, str], list[int]]]] = {
    "work": (bundle.WORK, history.positions_of_work),
    "contributor": (bundle.PERSON, history.positions_of_contributor),
}


@main.command("split")
@click.argument("work")
@click.option("--policy", required=True, help="The type of a policy, or one as JSON.")
@click.option("--amount-minor", type=click.IntRange(0), required=True, help="In smallest units.")
@click.option("--currency", default="USD", show_default=True)
@click.option("--default-rate", help="Of the edges that state none.")
@click.option("--as-published", is_flag=True, help="As it was when the release was published.")
@_limit
@_as_of
@_json
@click.pass_context
def split_(
    ctx: click.Context,
    /,
    work: str,
    as_published: bool,
    as_of: int | None,
    as_json: bool,
    **said: Any,
) -> None:
    """What each person would get of an amount for a work, and through which paths."""
    with asked(ctx, as_of) as (_, now):
        id = named(bundle.WORK, work)
        view = lineage.as_published(now, id) if as_published else now
        page = splitting.split_of(view, id, **said)
    tell(view, page, as_json, terminal.split)


@main.command("history")
@click.argument("subject")
@click.option("--of", "kind", type=click.Choice(list(HISTORIES)), default="work", show_default=True)
@_as_of
@_json
@click.pass_context
def history_(ctx: click.Context, subject: str, kind: str, as_of: int | None, as_json: bool) -> None:
    """Every fact about a work, a contributor, a credit or a remix, in order."""
    name, of = HISTORIES[kind]
    with asked(ctx, as_of) as (service, view):
        page = of(view, service.journal, named(name, subject), limit=100_000)
    tell(view, page, as_json, terminal.history)


@main.command("notices")
@click.argument("contributor")
@_limit
@_as_of
@_json
@click.pass_context
def notices_(
    ctx: click.Context, contributor: str, limit: int, as_of: int | None, as_json: bool
) -> None:
    """What a person was told: disputes that concern them, answers and ends."""
    with asked(ctx, as_of) as (service, view):
        id = named(bundle.PERSON, contributor)
        page = notices.of_contributor(view, service.journal, id, actor=OPERATOR, limit=limit)
    tell(view, page, as_json, terminal.history)


@main.command("attribution")
@click.argument("contributor")
@_limit
@_as_of
@_json
@click.pass_context
def attribution_(
    ctx: click.Context, contributor: str, limit: int, as_of: int | None, as_json: bool
) -> None:
    """Every finished work a person is in, how, and through what."""
    with asked(ctx, as_of) as (_, view):
        id = named(bundle.PERSON, contributor)
        person = attribution.person(view, id)
        page = attribution.attribution(view, id, limit=limit)
    tell(view, page, as_json, terminal.attribution, person)


@main.command()
@click.argument("position", type=click.IntRange(1))
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option(
    "--disclosures",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the texts it commits to here.",
)
@click.pass_context
def receipt(ctx: click.Context, position: int, file: Path, disclosures: Path | None) -> None:
    """Write the receipt of a fact: a small file that proves it, offline and for ever."""
    with opened(ctx) as service:
        service.log.catch_up()
        proof = service.log.receipt(position)
        (placed,) = service.journal.facts.at([position])
        texts = history.disclosures(service.journal, placed)
    if disclosures is not None:
        disclosures.write_text(json.dumps({"disclosures": texts}, ensure_ascii=False))
    with click.open_file(str(file), "wb") as written:
        written.write(proof)


@main.command()
@click.argument("subject")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option("--of", "kind", type=click.Choice(list(RECEIPTS)), default="work", show_default=True)
@click.pass_context
def receipts(ctx: click.Context, subject: str, file: Path, kind: str) -> None:
    """Write the receipts of every fact about a work or a contributor, in one file.

    “verify history” shows offline that none between them is missing.
    """
    name, positions_of = RECEIPTS[kind]
    with asked(ctx) as (service, view):
        service.log.catch_up()
        proofs = service.log.receipts(positions_of(view, named(name, subject)))
        with click.open_file(str(file), "wb") as written:
            written.writelines(proofs)


_log_keys = click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="VKEY",
    help="A public key of the log, or a file with one a line.",
)


@main.command()
@click.argument("url")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_log_keys
def mirror(url: str, folder: Path, keys: tuple[str, ...]) -> None:
    """Mirror the log at an address (such as http://127.0.0.1:8000/log) into a folder.

    Everything is computed again from the leaves. Do it regularly: a rewrite, a fork or a rollback
    since the last time is noticed, and the folder keeps what was believed.
    """
    from scripts import mirror as mirroring
    from scripts.verify import read_keys

    with _believed(), progress_of("mirroring") as told:
        trusted = mirroring.mirror(url.rstrip("/"), folder, read_keys(keys), told)
    _tell_of(trusted)


@main.command()
@click.argument("url")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_log_keys
@click.option("--name", default="", help="The name of the witness, for the key that is made first.")
def witness(url: str, folder: Path, keys: tuple[str, ...], name: str) -> None:
    """Cosign the checkpoint of the log at an address, if it adds to the one cosigned before.

    The folder holds the key of the witness and the last checkpoint. Do it regularly, on a machine
    that is not the operator's; the operator names the public key in STEMMA_WITNESSES.
    """
    from scripts import witness as witnessing
    from scripts.verify import read_keys

    with _believed():
        made = witnessing.key_of(folder, name)
        click.echo(f"witness     {made.verifier}")
        trusted = witnessing.witness(url.rstrip("/"), folder, read_keys(keys), made)
    _tell_of(trusted)


@contextmanager
def _believed() -> Iterator[None]:
    """What is not verified, or does not answer, said in a sentence."""
    from scripts.mirror import NotVerified, Unreachable
    from scripts.verify import printable

    try:
        yield
    except NotVerified as problem:
        raise click.ClickException(f"NOT VERIFIED: {printable(str(problem))}") from problem
    except Unreachable as problem:
        raise click.ClickException(str(problem)) from problem


def _tell_of(trusted: Trusted) -> None:
    from scripts.verify import describe_checkpoint

    for line in describe_checkpoint(trusted):
        click.echo(line)


@main.group()
def verify() -> None:
    """Check what the log gave out offline, or the database itself.

    What is checked offline needs no database, and none of this program but scripts/verify.py and
    the files of domain/ that it imports.
    """


def _offline(name: str, meaning: str) -> click.Command:
    """The command that checks a file as scripts/verify.py does by itself."""

    def check(file: str, **said: Any) -> None:
        from scripts.verify import main as verify_offline

        given = [(n, v if isinstance(v, tuple) else (v,)) for n, v in said.items() if v]
        words = [word for n, values in given for v in values for word in (_flag(n), v)]
        sys.exit(verify_offline([name, *words, "--", file]))

    vkey: dict[str, Any] = {"multiple": True, "metavar": "VKEY"}
    params: list[click.Parameter] = [
        click.Argument(["file"], metavar="FILE"),
        click.Option(
            ["--key"], required=True, help="A public key of the log, or its file; repeated.", **vkey
        ),
        click.Option(["--origin"], help="The log it must be of; else that of the key that signed."),
        click.Option(["--witness"], help="The public key of a witness, or its file.", **vkey),
        click.Option(["--quorum"], metavar="N", help="How many witnesses must be seen; all."),
    ]
    if name in ("history", "log"):
        whose = "The work or person whose facts are to be counted."
        params.append(click.Option(["--of"], metavar="ID", help=whose))
    if name == "receipt":
        actors = "A key of who acted, its file, or the receipt of its registration."
        texts = "The texts behind the fact, as GET /facts/{position}/disclosures gives them."
        params.append(click.Option(["--actor-key"], help=actors, **vkey))
        params.append(click.Option(["--disclosures"], metavar="JSON", help=texts))
    return click.Command(
        name, callback=check, params=params, help=f"{meaning[0].upper()}{meaning[1:]}."
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


for _name, _what in KINDS.items():
    verify.add_command(_offline(_name, _what))


@verify.command("database")
@click.pass_context
def verify_database(ctx: click.Context) -> None:
    """Compute everything anew from the facts alone, and tell the first difference.

    The journal itself, every history by its rules, the texts in the vault, the log with all that
    was signed, and every row of the read tables. It changes nothing, and needs the owner's role.
    """
    from scripts import audit

    with opened(ctx) as service:
        for name, check in audit.CHECKS.items():
            with progress_of(name) as told:
                found = audit.first_difference(check, service, told)
            if isinstance(found, audit.Difference):
                raise click.ClickException(f"NOT VERIFIED: {found}")
            click.echo(f"{name:<12}{found}")


@main.command("verify-money")
@click.pass_context
def verify_money(ctx: click.Context) -> None:
    """Compute every share, division and payout again from the journal alone; prove every balance.

    It tells the first difference, and ends with status 1 if there is one; else what stands on the
    accounts of each currency. It changes nothing.
    """
    from scripts import audit

    with asked(ctx) as (service, view):
        with progress_of("money") as told:
            found = audit.first_difference(audit.money, service, told)
        if isinstance(found, audit.Difference):
            raise click.ClickException(f"NOT VERIFIED: {found}")
        out.print(found)
        terminal.totals(out, money.totals(view))


# -- asking about money --------------------------------------------------------------------


@main.command("pools")
@click.argument("release")
@_as_of
@_json
@click.pass_context
def pools_(ctx: click.Context, release: str, as_of: int | None, as_json: bool) -> None:
    """List the pools of a release, and what came in for each."""
    from scripts import accounts

    with asked(ctx, as_of) as (_, view):
        page = pools.pools(view, named(bundle.WORK, release), limit=1000)
    if as_json:
        terminal.listed(out, view.as_of, page)
    else:
        accounts.pools(out, page.items)


@main.command()
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
@_as_of
@_json
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
    from api import payouts
    from scripts import accounts

    with asked(ctx, as_of) as (service, view):
        id = named(bundle.PERSON, contributor)
        told = payouts.statement_of(view, service.journal, id, since, before, currency)
        if pdf is not None:
            from api.statement_pdf import as_pdf

            period = {"from": since, "to": before, "currency": currency}
            made = as_pdf(view, service.journal, told, asked=period, origin=origin)
            with click.open_file(str(pdf), "wb") as written:
                written.write(made)
            return
    if as_csv:
        click.echo(payouts.as_csv(told), nl=False)
    else:
        _tell_one(view, told, as_json, accounts.statement)


@main.command()
@click.argument("pool", required=False)
@click.option("--all", "every", is_flag=True, help="Of all pools.")
@click.option("--beancount", "as_beancount", is_flag=True, help="As a beancount journal.")
@_as_of
@_json
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
    from projections.beancount import beancount
    from scripts import accounts

    if (pool is None) != every:
        raise click.UsageError("say which POOL, or --all")
    with asked(ctx, as_of) as (service, view):
        id = None if pool is None else named(bundle.POOL, pool)
        if as_beancount:
            click.echo(beancount(view, service.journal, pool=id), nl=False)
            return
        for one in pools.every_pool(view) if id is None else [id]:
            opened = pools.pool_named(view, service.journal, one)
            page = pools.ledger(view, service.journal, one, limit=1_000_000)
            if as_json:
                terminal.listed(out, view.as_of, page)
            else:
                accounts.ledger(out, opened.currency, page.items)


@main.command()
@click.argument("division")
@click.argument("payee")
@_as_of
@_json
@click.pass_context
def why(ctx: click.Context, division: str, payee: str, as_of: int | None, as_json: bool) -> None:
    """Why somebody got what they got of a revenue: shares, pieces, ways, the last unit.

    DIVISION is a division or the revenue that was divided; PAYEE a name, or “@” and a word for a
    contributor.
    """
    from scripts import accounts

    with asked(ctx, as_of) as (service, view):
        id = named(bundle.REVENUE, division)
        with suppress(UnknownRevenue):
            revenue = pools.booking(view, "revenue", id, UnknownRevenue)
            if revenue["division"] is None:
                raise click.ClickException(f"{division} waits and is not divided yet")
            id = revenue["division"]
        payee = named(bundle.PERSON, payee[1:]) if payee.startswith("@") else payee
        told = pools.why(view, service.journal, id, payee)
    _tell_one(view, told, as_json, accounts.why)


def _tell_one(view: View, told: dict[str, Any], as_json: bool, show: Callable[..., None]) -> None:
    """Print an answer: as the API gives it, or laid out for reading."""
    if as_json:
        terminal.one(out, view.as_of, told)
    else:
        show(out, told)


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
        _tell_one(view, told, as_json, getattr(accounts, layout))

    command = click.Command(verb, callback=tell_it, params=[click.Argument([noun])], help=meaning)
    return _as_of(_json(command))


# -- recording -----------------------------------------------------------------------------

NOUNS = {
    "contributor": "Register people who can be credited.",
    "contribution": "Post and withdraw pieces.",
    "work": "Correct a making date, claim a source.",
    "remix": "Declare and strike edges; dispute them, answer, settle.",
    "credit": "Give, claim and accept credits; dispute them, answer, settle.",
    "release": "Assemble, publish and withdraw finished works.",
    "pool": "Open pools of money, and correct what they gave.",
    "proposal": "Propose shares, talk about them, agree, and take or waive them.",
    "revenue": "Record what came in, and take it back.",
    "expense": "Record what was spent.",
    "payout": "Pay, and record what became of it.",
}
BIRTH_VERBS = {
    "contributor": "add",
    "contribution": "post",
    "remix": "declare",
    "credit": "open",
    "release": "assemble",
    "pool": "open",
    "proposal": "post",
    "revenue": "record",
    "expense": "record",
    "payout": "issue",
}
PART_OPTIONS: dict[str, tuple[str, str, Callable[[str], bundle.Line]]] = {
    "authors": ("--author", "CONTRIBUTOR ROLE", bundle.author),
    "sources": ("--source", "WORK|URI KIND [RATE]", bundle.cited),
    "components": ("--component", "WORK [RATE]", bundle.component),
}


def record_line(service: Service, line: bundle.Line, secret: Path | None = None) -> None:
    """Record what a line says, signed if a key is named, fold it, and print the receipt."""
    step = bundle.step_of(line, bundle.Ids("bundle"), derive=False)
    signing = _signing(step, secret) if secret else None
    try:
        receipt = service.journal.record_signed(signing, step.command, **step.arguments)
    except Refusal as refusal:
        said = bundle.in_its_words(line, step, refusal)
        raise click.ClickException(f"{said} ({refusal.code})") from refusal
    service.follower.catch_up()
    click.echo(json.dumps({"id": receipt.id, "position": receipt.position}))


def _recorder(line_type: str, shape: bundle.Shape) -> click.Command:
    """The command that records one type of line, with an option for each of its fields."""
    noun, _, verb = line_type.partition(".")
    subject = next((name for name in ("id", noun) if verb and name in shape.needed), None)
    params: list[click.Parameter] = [click.Argument([subject])] if subject else []
    for name, kind in {**shape.needed, **shape.optional}.items():
        if name == subject:
            continue
        if name in PART_OPTIONS:
            flag, meaning, _ = PART_OPTIONS[name]
            params.append(
                click.Option(
                    [flag, name], multiple=True, metavar=f"'{meaning}'", help="May be repeated."
                )
            )
        else:
            several = kind in bundle.LISTS
            flag = name.removesuffix("s") if several else name
            params.append(
                click.Option(
                    [f"--{flag.replace('_', '-')}", name],
                    required=name in shape.needed,
                    metavar=bundle.LISTS.get(kind, kind).upper(),
                    multiple=several,
                    help="May be repeated." if several else None,
                    type=int if kind == bundle.NUMBER else str,
                )
            )
    params.append(
        click.Option(["--by"], metavar="CONTRIBUTOR", help="Who acts (default: the operator).")
    )
    params.append(
        click.Option(
            ["--sign"],
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The secret key with which who acts signs it.",
        )
    )

    @click.pass_context
    def record(ctx: click.Context, /, sign: Path | None, **fields: Any) -> None:
        line: bundle.Line = {"type": line_type}
        fields_of = {**shape.needed, **shape.optional}
        for name, value in fields.items():
            if name in PART_OPTIONS:
                line[name] = [_part(name, text) for text in value]
            elif isinstance(value, tuple):
                line[name] = list(value) or None
            elif value is not None:
                is_json = fields_of.get(name) == bundle.JSON
                line[name] = _json_of(name, value) if is_json else value
        with opened(ctx) as service:
            record_line(service, line, sign)

    return click.Command(
        verb or BIRTH_VERBS[noun], callback=record, params=params, help=shape.command.__doc__
    )


QUESTIONS: dict[str, dict[str, tuple[Callable[..., dict[str, Any]], str, str]]] = {
    "pool": {
        "statement": (
            pools.statement,
            "pool_statement",
            "Where every unit of a pool is: whose, why, and what keeps it.",
        ),
    },
    "proposal": {
        "show": (
            pools.proposal,
            "proposal",
            "A proposal: shares, comments with answers, who agreed and who is missing.",
        ),
        "diff": (
            pools.diff,
            "diff",
            "What became of the first proposal, and the comments that caused it.",
        ),
    },
}
"""What can be asked about a noun of money: the question, its layout, and its meaning."""


def _json_of(name: str, text: str) -> object:
    """JSON as it was typed, or out of a file named as @FILE."""
    try:
        return json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except ValueError as error:
        raise click.ClickException(f"--{name.replace('_', '-')} is not JSON: {error}") from error


def _signing(step: bundle.Step, file: Path) -> Signing:
    said = {name: value for name, value in step.arguments.items() if name != "actor"}
    signing = sign_command(_secret(file), step.command.__name__, said)
    if signing.actor != step.arguments["actor"]:
        raise click.ClickException(f"the key is that of {signing.actor}; say so with --by")
    return signing


def _secret(file: Path) -> SignerKey:
    try:
        return SignerKey.parse(file.read_text("utf-8").strip())
    except (NotVerified, ValueError) as problem:
        raise click.ClickException(f"{file}: {problem}") from problem


def _part(name: str, text: str) -> bundle.Line:
    try:
        return PART_OPTIONS[name][2](text)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


for _noun, _meaning in NOUNS.items():
    _group = click.Group(_noun, help=_meaning)
    for _type, _shape in bundle.SHAPES.items():
        if _type.split(".")[0] == _noun:
            _group.add_command(_recorder(_type, _shape))
    for _verb, (_ask, _layout, _what) in QUESTIONS.get(_noun, {}).items():
        _group.add_command(_about_a_noun(_noun, _verb, _ask, _layout, _what))
    main.add_command(_group)


@main.command()
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


@main.command()
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


@main.command()
@click.argument("command")
@click.argument("body", type=click.File("r", encoding="utf-8"), default="-")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The file of the secret key.",
)
@click.option("--id", "id_", metavar="ID", help="The id in the path of the request.")
def sign(command: str, body: TextIO, key: Path, id_: str | None) -> None:
    """Print the header that signs a request: sign open_credit credit.json --key ben.key.

    COMMAND is the operationId of the route in /openapi.json, BODY the file that is sent as it is.
    """
    text = body.read()
    try:
        said = json.loads(text) if text.strip() else {}
    except ValueError as problem:
        raise click.ClickException(f"the body is not JSON: {problem}") from problem
    ids = {"id": id_} if id_ else {}
    click.echo(f"Stemma-Signature: {sign_command(_secret(key), command, {**ids, **said}).sent}")


@click.command("preview")
@click.option("--child", required=True, metavar="WORK")
@click.option("--parent", metavar="WORK")
@click.option("--uri")
@click.option("--kind", required=True)
@click.option("--rate")
@click.option("--policy", help="By which policy; relative_cascade if not said.")
@click.option("--default-rate", help="Of the edges that state none.")
@click.option("--amount-minor", type=click.IntRange(0), help="Of how much, in smallest units.")
@click.option("--by", metavar="CONTRIBUTOR", help="Who would declare it (default: the operator).")
@_limit
@click.pass_context
def preview(ctx: click.Context, /, by: str | None, **planned: Any) -> None:
    """What an edge would change if it were declared: the stack, and who is diluted."""
    for end in ("child", "parent"):
        if planned[end] is not None:
            planned[end] = named(bundle.WORK, planned[end])
    actor = OPERATOR if by is None else named(bundle.PERSON, by)
    drafted = {name: planned[name] for name in ("child", "parent", "uri", "kind", "rate")}
    with asked(ctx) as (service, view):
        service.journal.draft().declare_remix(actor=actor, **drafted)
        told = splitting.preview_edge(view, **planned)
        terminal.preview(out, {"as_of": view.as_of, **told})


_remix = main.commands["remix"]
assert isinstance(_remix, click.Group)
_remix.add_command(preview)


# -- keys ----------------------------------------------------------------------------------


@main.group()
def key() -> None:
    """Make, list and revoke API keys, and make the key that signs the log."""


@key.command("new")
@click.argument("name")
@click.pass_context
def key_new(ctx: click.Context, name: str) -> None:
    """Make the key that signs the log, named like “example.org/log”, and print its public half.

    It is written to the file STEMMA_LOG_KEY names; one that is there is never overwritten.
    """
    made = make_log_key(settings_of(ctx), name)
    if made is None:
        raise click.ClickException("there is a key already; move it away, but keep it safe")
    click.echo(str(made.verifier))


@key.command("pair")
@click.argument("contributor")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def key_pair(contributor: str, file: Path) -> None:
    """Make a key with which a contributor signs, and print its public half to be registered.

    The secret half is written to FILE and never leaves this machine; one that is there is kept.
    """
    made = SignerKey.new(named(bundle.PERSON, contributor))
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise click.ClickException(f"there is a file {file} already") from None
    file.write_text(f"{made.secret_text()}\n")
    click.echo(str(made.verifier))


@key.command("rotate")
@click.pass_context
def key_rotate(ctx: click.Context) -> None:
    """Make the next key that signs the log, and print its public half.

    From the next start on both sign, the new key and the one before; “retire” ends that.
    """
    click.echo(str(rotate_log_key(settings_of(ctx)).verifier))


@key.command("retire")
@click.pass_context
def key_retire(ctx: click.Context) -> None:
    """Let only the newest key sign the log; print the public halves of all former ones.

    Their secret halves are forgotten. Their public halves stay in the file and are published.
    """
    for public in retire_log_keys(settings_of(ctx)):
        click.echo(str(public))


@key.command("create")
@click.option(
    "--for", "holder", required=True, metavar="operator|CONTRIBUTOR", help="Whom the key acts for."
)
@click.pass_context
def key_create(ctx: click.Context, holder: str) -> None:
    """Make a key and print it; it is kept only as a digest and can't be shown again."""
    with asked(ctx) as (service, view):
        if holder != "operator":
            holder = named(bundle.PERSON, holder)
            if attribution.person(view, holder)["state"] == Contributor.Forgotten.STATE:
                raise ContributorForgotten(holder)
        click.echo(service.keys.create(holder))


@key.command("list")
@click.pass_context
def key_list(ctx: click.Context) -> None:
    """List the keys: their names, whom they act for, and since when."""
    with opened(ctx) as service:
        terminal.keys(out, service.keys.list())


@key.command("revoke")
@click.argument("name")
@click.pass_context
def key_revoke(ctx: click.Context, name: str) -> None:
    """Revoke a key by the key itself or the name that “list” shows."""
    with opened(ctx) as service:
        revoked = service.keys.revoke(name)
    if revoked is None:
        raise click.ClickException(f"there is no key {name}")
    out.print(f"revoked {revoked.name} of {revoked.holder}")


# -- measuring -----------------------------------------------------------------------------


@main.command()
@click.argument("names", nargs=-1)
@click.option("--size", type=click.Choice(["small", "full"]), default="small", show_default=True)
@click.pass_context
def bench(ctx: click.Context, names: tuple[str, ...], size: str) -> None:
    """Measure, against a named peer in the same run.

    Give --database (before “bench”) to choose the engine; on PostgreSQL databases are created
    beside it and dropped again, on SQLite files in a temporary folder.
    """
    from scripts import benchmarks

    unknown = set(names) - set(benchmarks.BENCHMARKS)
    if unknown:
        known = ", ".join(benchmarks.BENCHMARKS)
        raise click.ClickException(f"there is no benchmark {', '.join(unknown)}; there are {known}")
    benchmarks.run(names or tuple(benchmarks.BENCHMARKS), size, settings_of(ctx).database, out)


if __name__ == "__main__":
    main()
