"""Examining an installation, and measuring: the benchmarks, by name."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.frame import as_json, listed, out, settings_of

commands = click.Group()


@commands.command()
@click.argument("names", nargs=-1)
@click.option(
    "--size",
    type=click.Choice(["small", "full", "largest"]),
    default="small",
    show_default=True,
    help="How much to measure: “full” is of realistic size; “largest” is of millions.",
)
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw growth, as SVG."
)
@click.option(
    "--keep",
    is_flag=True,
    help="Keep the databases that take longest to fill for later runs.",
)
@click.option("--publish", is_flag=True, help="Keep the figures for BENCHMARKS.md.")
@click.pass_context
def bench(
    ctx: click.Context,
    names: tuple[str, ...],
    size: str,
    chart: Path | None,
    keep: bool,
    publish: bool,
) -> None:
    """Measure, against a named peer in the same run.

    Give --database (before “bench”) to choose the engine. It is not touched: on PostgreSQL,
    temporary databases are created beside it; on SQLite, files in a temporary folder. Databases
    kept with --keep are named “stemma_”, the benchmark, and the number of works; filling one
    continues where it stopped.
    """
    from scripts import benchmarks
    from scripts.benchmarks.chart import drawn
    from scripts.benchmarks.measured import keep as published

    unknown = set(names) - set(benchmarks.BENCHMARKS)
    if unknown:
        known = ", ".join(benchmarks.BENCHMARKS)
        raise click.ClickException(f"There is no benchmark {', '.join(unknown)}; there are {known}")
    runs = benchmarks.run(names, size, settings_of(ctx).database, out, is_kept=keep)
    if publish:
        published(runs)
    if chart is not None:
        chart.write_text(drawn(runs))
    growth = (one for run in runs if run.benchmark == "growth" for one in run.results)
    if broken := [str(one) for one in growth if one.misses]:
        raise click.ClickException("\n".join(("A claim does not hold.", *broken)))


@commands.command()
@click.option("--only", multiple=True, metavar="NAME", help="Only this check; repeatable.")
@as_json
@click.pass_context
def doctor(ctx: click.Context, only: tuple[str, ...], as_json: bool) -> None:
    """Check this installation, and say what to do; the exit status is 1 if something is broken.

    It checks settings, dependencies, files, keys, the database, the follower, clocks and disk
    space, and changes nothing. A warning alone leaves the status at 0.
    """
    from scripts import doctor as examination

    if unknown := set(only) - set(examination.names()):
        known = ", ".join(examination.names())
        raise click.ClickException(f"There is no “{min(unknown)}”, only: {known}")
    found = list(examination.examine(lambda: settings_of(ctx), only))
    columns = {name: name for name in ("status", "name", "detail", "advice")}
    listed([one._asdict() for one in found], columns, as_json=as_json)
    if any(one.status == examination.FAILED for one in found):
        raise click.exceptions.Exit(1)
