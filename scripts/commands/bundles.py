"""Bundles in and out: import, export, convert.

The one rule: no line is lost silently; it is recorded, unchanged, or reported with its reason.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from domain.lines import WarnedLine
from domain.printable import escaped, printable
from projections import placing
from projections.companion import Companion
from projections.placing import Destination
from projections.shops.beside import beside, stated_in, undone
from projections.shops.placed import Number
from scripts import bundle, terminal
from scripts.commands.frame import err, opened, out, progress_of, written
from scripts.commands.recording import must_promise
from scripts.convert import NAMES, SHOPS, NotConvertible
from scripts.safe_file import written_whole
from scripts.service import Service

commands = click.Group()


@commands.command("import")
@click.argument("path", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--from",
    "source",
    type=click.Choice(["bundle", *NAMES]),
    default="bundle",
    show_default=True,
    help="The format of the input.",
)
@click.option(
    "--namespace",
    default="bundle",
    show_default=True,
    help="The namespace for ids derived from words.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 10_000),
    default=bundle.BATCH,
    show_default=True,
    help="Lines per append; each kind of sale of a revenue counts as one.",
)
@click.option(
    "--refused",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the refused lines here, as JSON Lines.",
)
@click.option(
    "--as-claims",
    is_flag=True,
    help="Do not vouch for the lines: claims on other people's works stay pending.",
)
@click.option("--strict", is_flag=True, help="Exit with status 1 if anything was refused.")
@click.option(
    "--strict-sources",
    is_flag=True,
    help="Refuse a piece if any of its sources is refused or its date is in the future, instead of "
    "leaving that out.",
)
@click.option(
    "--promises",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the log's signed promises of all that was recorded here, as JSON Lines.",
)
@click.option(
    "--fold/--no-fold",
    default=True,
    help="Also fold what was recorded, at the same time if there are several cores.",
)
@click.pass_context
def import_(  # the options above, one by one
    ctx: click.Context,
    path: Path,
    source: str,
    namespace: str,
    batch: int,
    refused: Path | None,
    as_claims: bool,
    strict: bool,
    strict_sources: bool,
    promises: Path | None,
    fold: bool,
) -> None:
    """Record a bundle: a JSON Lines file, a folder of CSV files, or - for standard input; or, with
    --from, a git repository or anything else “convert” reads.

    Importing the same bundle twice changes nothing. A line that books money and has no id counts as
    a repetition only if the file name is the same: the same sale in another file is another sale. A
    refused line is reported with its number and reason, and does not affect the others; a refused
    source of a piece is left out and reported. An export is checked to its end before any of it is
    recorded; if one of its facts is refused, the status is 1. The format: /docs/reference/bundles.
    """
    _must_be_importable(path, source)
    total, places = bundle.lines_in(path, source), _Places(namespace)
    with (
        _converting(),
        bundle.opened(path, source, places) as (found, seal),
        opened(ctx, create=True) as service,
    ):
        places.service = service
        if promises is not None:
            must_promise(service)
        before = service.journal.facts.head()
        if seal is None:  # an export brings its own times along
            service.journal.must_have_credible_clock()
        try:
            report = _recorded(
                service,
                found,
                total,
                fold=fold,
                namespace=namespace,
                file=path.name,
                batch=batch,
                is_vouched_for=not as_claims,
                is_strict=strict_sources,
            )
            if fold:  # of an import that is interrupted, the next command folds what it recorded
                with progress_of("folding") as told:
                    service.follower.catch_up(told, since=before)
        finally:
            if promises is not None:
                _keep_promises(service, before, promises)
        if fold and source in SHOPS:
            report.warned += _beside(service, report.booked)
        _tell(report, refused)
        _must_be_restored(service, report, seal)
    if strict and (report.refused or report.left_out):
        sys.exit(1)


def _must_be_importable(path: Path, source: str) -> None:
    if str(path) != "-" and not path.exists():
        raise click.ClickException(printable(f"There is no file or folder {path}"))
    if source == "bundle" and path.suffix == ".csv" and path.is_file():
        raise click.ClickException(
            "CSV files are imported by the name of their folder; a table of sales, --from sales"
        )


def _recorded(
    service: Service,
    found: Iterator[bundle.FoundLine],
    total: int | None,
    *,
    fold: bool,
    **how: Any,
) -> bundle.Report:
    """Record lines; with ``fold``, a second process folds them at the same time."""
    with progress_of("importing") as told, Companion(service.engine) as companion:

        def progress(so_far: bundle.Report) -> None:
            told(so_far.lines, total)
            if fold:
                companion.recorded(so_far.recorded.total())

        return bundle.import_lines(service.journal, found, **how, progress=progress)


class _Places:
    """Where sales belong, once a database is open."""

    service: Service

    def __init__(self, namespace: str = "bundle") -> None:
        self._namespace = namespace

    def __call__(self, numbers: Collection[Number]) -> Mapping[Number, list[Destination]]:
        self.service.follower.catch_up()
        with self.service.store.view() as view:
            return placing.places(view, numbers, self._namespace)


def _beside(service: Service, booked: Mapping[str, str]) -> Iterator[WarnedLine]:
    """Warnings of other revenue with the same statements as this has."""
    with service.store.view() as view:
        told = [beside(view, stated_in(view, booked.keys())), undone(view, booked.keys())]
    return (WarnedLine(booked[id], warning) for found in told for id, warning in found.items())


def _keep_promises(service: Service, after: int, file: Path) -> None:
    """Of every fact after a position: of one that was recorded meanwhile as well."""
    with written_whole(file) as kept:
        for placed in service.journal.read(after):
            told = {"position": placed.position, "promise": service.log.promise_of(placed)}
            kept.write((json.dumps(told, ensure_ascii=False) + "\n").encode())


def _tell(report: bundle.Report, refused: Path | None) -> None:
    terminal.import_report(out, report)
    if refused is not None:
        with written_whole(refused) as file:
            for one in (*report.refused, *report.left_out):
                file.write((json.dumps(one._asdict(), ensure_ascii=False) + "\n").encode())


def _must_be_restored(service: Service, report: bundle.Report, seal: bundle.Seal | None) -> None:
    """End with status 1 unless every fact of an export is there, under the root it states."""
    head = service.journal.facts.head()
    if stopped := report.stopped:
        raise click.ClickException(
            f"The export was restored up to position {head} and no further: {stopped.where}: "
            f"{stopped.reason}"
        )
    if seal is not None:
        root = bundle.root_of(bundle.tree_at(service.journal, service.log, seal.head))
        if root != seal.root:
            raise click.ClickException(
                f"The facts up to position {seal.head} have another root than the export states."
            )
        out.print(f"restored up to position {seal.head}, root {root}")
    elif report.recorded["fact"] or report.unchanged["fact"]:
        err.print(
            "This export has no last line with its count and root (early ones have none), so "
            f"nothing shows whether it is complete. It was restored up to position {head}."
        )


@commands.command()
@click.argument("path", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option(
    "--after", type=click.IntRange(0), default=0, help="Only the facts after this position."
)
@click.pass_context
def export(ctx: click.Context, path: Path, after: int) -> None:
    """Write every fact with its texts as JSON Lines, which “import” restores exactly.

    The last line states the number of facts and the root over all facts up to there, so “import”
    refuses an incomplete export. Only its owner can read the file.
    """
    with opened(ctx) as service, progress_of("exporting") as told:
        head = service.journal.facts.head()
        if after > head:
            raise click.ClickException(f"The journal ends at position {head}.")
        with written(path) as file:
            for number, line in enumerate(bundle.sealed_lines(service.journal, service.log, after)):
                file.write(line.encode())
                if number % 1000 == 0:
                    told(after + number, head)


@commands.command()
@click.argument("source", metavar="FORMAT", type=click.Choice(NAMES))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.pass_context
def convert(ctx: click.Context, source: str, path: Path) -> None:
    """Convert data from other sources into a bundle on standard output.

    FORMAT is git (a repository), musicbrainz (answers of its API), ocremix or whosampled (data
    sets); or dsr or sales, which are assigned to pools of this database.
    """
    places = _Places()
    with _converting(), opened(ctx) if source in SHOPS else nullcontext() as service:
        if service is not None:
            places.service = service
        for found in bundle.found_in(path, source, places):
            click.echo(escaped(json.dumps(found.line, ensure_ascii=False)))
            if found.error:
                err.print(f"{found.where}: {found.error}", markup=False)


@contextmanager
def _converting() -> Iterator[None]:
    try:
        yield
    except NotConvertible as problem:
        raise click.ClickException(printable(str(problem))) from None
