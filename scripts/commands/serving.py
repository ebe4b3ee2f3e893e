"""Running it: serve the API, fold what is recorded, show the demonstration."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from threading import Event, Thread
from typing import Any

import click

from projections.rebuilding import GRACE_SECONDS, Rebuild
from scripts.commands.frame import (
    all_settings_of,
    err,
    opened,
    opened_by,
    out,
    progress_of,
    served_by,
    settings_of,
)
from scripts.communities import COMMUNITY, read_communities
from scripts.log_keys import make_log_key
from scripts.service import Service, bring_up_to_date, open_service, patiently, prepare
from scripts.settings import MOST_THREADS, MOST_WORKERS, Settings

commands = click.Group()
log = logging.getLogger(__name__)


@commands.command()
@click.option("--host", help="The address to serve on.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to serve on.")
@click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), help="The number of serving processes."
)
@click.option(
    "--threads", type=click.IntRange(1, MOST_THREADS), help="The number of threads in each."
)
@click.option(
    "--follow/--no-follow", default=None, help="Fold the journal in the serving processes."
)
@click.pass_context
def serve(ctx: click.Context, /, **given: Any) -> None:
    """Serve the API.

    On SQLite the serving process folds the journal itself; on PostgreSQL run “stemma follow” as
    well, or use --follow.
    """
    _serve(served_by(ctx, **given))


def _serve(settings: Settings, first: Callable[[], None] = lambda: None) -> None:
    """Serve; something is done first, once the database is ready."""
    from scripts.server import serve as serve_forever

    def announce() -> None:
        first()
        for place in _places(settings):
            err.print(f"Stemma serves {place} (stop with Ctrl-C)")
        if not settings.follow:
            err.print(
                "Run “stemma follow” as well: what is recorded can be read once it is folded."
            )

    serve_forever(settings, announce)


def _places(settings: Settings) -> Iterator[str]:
    """Where the documentation is served, of each community if there are several."""
    here = settings.local_address
    if not settings.communities:
        yield f"{here}/docs"
        return
    for name, one in read_communities(settings).items():
        yield from (f"{name}: {host or here}{path}/docs" for host, path in one.places)


@commands.command()
@click.pass_context
def follow(ctx: click.Context) -> None:
    """Fold the journal into the read tables as it grows, until stopped."""
    from scripts.logs import configure_logs

    several = all_settings_of(ctx)
    (name, first), *_ = several.items()
    configure_logs(first.logs)
    with ExitStack() as stack:
        services: list[Service] = []
        try:
            if len(several) == 1:
                COMMUNITY.set(name)
                services.append(_following(first, stack))
                services[0].follower.run()
            else:
                _follow_each(several, stack, services)
        except KeyboardInterrupt:
            for service in services:
                err.print(f"stopped at position {service.follower.position}")


def _follow_each(
    several: Mapping[str, Settings], stack: ExitStack, services: list[Service]
) -> None:
    """Follow several communities; one that is away, or can't be followed, holds up no other."""

    def begin(name: str, settings: Settings) -> None:
        COMMUNITY.set(name)
        try:
            service = _following(settings, stack)
        except Exception as error:
            log.error("%s is not followed: %s", name, error)
        else:
            services.append(service)
            service.follower.start()

    beginning = [Thread(target=begin, args=one, daemon=True) for one in several.items()]
    for thread in beginning:
        thread.start()
    for thread in beginning:
        thread.join()
    if not services:
        raise click.ClickException("No community can be followed.")
    Event().wait()


def _following(settings: Settings, stack: ExitStack) -> Service:
    """A service that is caught up, pushes and delivers; until then the log says what it awaits."""
    from scripts.delivering import start_delivering
    from scripts.pushing import start_pushing

    tell = partial(log.warning, "%s")
    patiently(lambda: prepare(settings), tell)
    service = patiently(lambda: opened_by(settings, create=True), tell)
    stack.enter_context(service)
    beat = service.heartbeat.beat
    stack.callback(start_pushing(service.log, settings))
    stack.callback(start_delivering(service, settings))
    position = patiently(lambda: service.follower.catch_up(lambda *_: beat()), tell)
    err.print(f"following from position {position} (stop with Ctrl-C)")
    return service


@commands.command()
@click.option(
    "--grace-seconds",
    default=GRACE_SECONDS,
    show_default=True,
    help="How many seconds the old tables stay for reads in progress.",
)
@click.pass_context
def rebuild(ctx: click.Context, grace_seconds: float) -> None:
    """Rebuild the read tables from scratch, beside those in use, then switch."""
    with (
        opened(ctx) as service,
        service.engine.alone(),
        progress_of("refolding") as told,
    ):
        position = Rebuild(service.journal, service.store).run(told, grace_seconds)
    out.print(f"rebuilt up to position {position}")


@commands.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Upgrade a database of an older version, with the role that owns its tables.

    Missing tables and columns are added, everything derived from the facts is recomputed, and the
    read tables are rebuilt if this version's differ. Facts are not touched. First stop everything
    that uses the database, and make a backup.
    """
    for settings in all_settings_of(ctx).values():
        with progress_of("refolding") as told:
            added = bring_up_to_date(settings.database, told)
        out.print(f"added: {', '.join(added) or 'nothing'}; the read tables are up to date")


@commands.command("accept-clock")
@click.pass_context
def accept_clock(ctx: click.Context) -> None:
    """Declare that the clock is right, although it contradicts the latest fact.

    Time then continues from the present, even if the latest facts were recorded with a clock that
    was ahead. The declaration is itself a fact, so everyone can see where time was set back or
    jumped.
    """
    with opened(ctx) as service:
        position = service.journal.accept_clock()
    out.print(f"accepted at position {position}")


@commands.command()
@click.option("--serve", "serving", is_flag=True, help="Then serve it.")
@click.pass_context
def demo(ctx: click.Context, serving: bool) -> None:
    """Load the demonstration: a fictional community, and a few real records."""
    from scripts import demonstration

    settings = settings_of(ctx, follow=True, public_pages=True)
    make_log_key(settings)

    def load() -> None:
        with open_service(settings.database, operator_key=settings.operator_key) as service:
            loaded = demonstration.load(service, settings)
            demonstration.tell(out, settings, loaded, ctx.find_root().obj.words)

    if serving:
        _serve(settings, load)
    else:
        prepare(settings)
        load()
