"""What every command uses: the settings, an open service, a console, a progress bar.

Everything a command opens here is closed when it ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from domain.engine import DatabaseUnavailable, TimeLimits
from domain.permission import OPERATOR
from domain.refusal import Refusal
from domain.value import NewId, Ref, Value
from projections.store import View
from projections.wording import several
from scripts import bundle, terminal
from scripts.commands.wording import in_own_words, remember
from scripts.communities import community_named, read_communities
from scripts.safe_file import written_whole
from scripts.service import Service, open_by
from scripts.settings import BadSetting, Settings, read_settings

if TYPE_CHECKING:
    from scripts.difference import Difference

out = Console(highlight=False, emoji=False)
if not out.is_terminal:
    out.width = 20_000  # a pipe has no width: a row is one line, and nothing is cut
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


class OurMistake(click.ClickException):
    """A mistake of ours, told from whatever is wrong with what was asked or is stored."""

    exit_code = 70  # EX_SOFTWARE of sysexits.h


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
its_holder = click.option(
    "--for", "holder", default=OPERATOR, metavar="CONTRIBUTOR", help="Whose it is; default yours."
)


class Derived(click.Command):
    """A command whose parameters are derived once they are needed: of most, they never are."""

    def __init__(
        self, name: str, derived: Callable[[], Iterable[click.Parameter]], **further: Any
    ) -> None:
        super().__init__(name, **further)
        self._derived = derived
        self._params: list[click.Parameter] | None = None

    @property
    def params(self) -> list[click.Parameter]:
        if self._params is None:
            self._params = list(self._derived())
        return self._params

    @params.setter
    def params(self, params: list[click.Parameter]) -> None:
        """Set by click to none at first."""


class Chosen(NamedTuple):
    """What the command line says before the command."""

    database: str | None
    community: str | None

    @property
    def words(self) -> Iterator[str]:
        """The same as words of a command line."""
        for name, said in self._asdict().items():
            if said is not None:
                yield from (f"--{name}", said)


def settings_of(ctx: click.Context, **given: Any) -> Settings:
    """The settings of the environment; options of the command line take precedence.

    They are those of the community that is named, if there are several.
    """
    chosen: Chosen = ctx.find_root().obj
    settings = read_settings(database=chosen.database, **given)
    if chosen.community is not None and chosen.database is None:
        return community_named(settings, chosen.community)
    if chosen.community is not None:
        raise BadSetting("--community names a database; --database names another")
    if settings.communities and chosen.database is None:
        names = ", ".join(read_communities(settings))
        raise BadSetting(f"there are several communities: name one with --community ({names})")
    return settings


def all_settings_of(ctx: click.Context) -> dict[str, Settings]:
    """Those of every community by name, unless one is named; without communities, the only ones."""
    settings = served_by(ctx)
    if not settings.communities:
        return {"": settings}
    return {name: one.settings for name, one in read_communities(settings).items()}


def served_by(ctx: click.Context, **given: Any) -> Settings:
    """What a server starts with: that of all communities, unless one is named."""
    if ctx.find_root().obj != Chosen(None, None):
        return settings_of(ctx, **given)
    return read_settings(**given)


def opened(ctx: click.Context, *, create: bool = False) -> Service:
    """The service on the database of the settings; only recording commands create it."""
    return opened_by(settings_of(ctx), create=create)


def opened_by(settings: Settings, *, create: bool = False) -> Service:
    """The same by settings."""
    return open_by(settings, create=create, limits=TimeLimits(lock_seconds=settings.lock_seconds))


@contextmanager
def asked(
    ctx: click.Context, as_of: int | None = None, *, create: bool = False
) -> Iterator[tuple[Service, View]]:
    """The service and a view of it, after folding everything."""
    with opened(ctx, create=create) as service:
        try:
            service.follower.catch_up()
        except DatabaseUnavailable:  # on a full or read-only disk, what is folded can be asked
            if service.store.current().position < service.journal.facts.head():
                raise
        with service.store.view(as_of) as view:
            try:
                yield service, view
            except Refusal as refusal:
                raise click.ClickException(in_own_words(refusal, view)) from refusal


def written(path: Path, *, mode: int = 0o600) -> AbstractContextManager[BinaryIO]:
    """A file to write, which gets its name once it is complete; “-” is standard output."""
    if str(path) == "-":
        return nullcontext(sys.stdout.buffer)
    return written_whole(path, mode=mode)


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


def named(kind: str, text: str) -> str:
    """The id a text stands for."""
    id = bundle.Ids("bundle").named(kind, text)
    remember(id, text)
    return id


def holder_of(service: Service, text: str) -> str:
    """The operator, or the contributor whom a text stands for; refused if there is none."""
    if text == OPERATOR:
        return text
    return service.journal.draft().contributor(named("contributor", text)).id


def listed(items: list[dict[str, Any]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print a list as JSON, or as a table with some of its fields under these heads."""
    if as_json:
        terminal.print_json(out, {"items": items})
    else:
        terminal.table_of(out, columns, items)


def flag_of(name: str) -> str:
    """The option for a field."""
    return f"--{name.replace('_', '-')}"


def metavar_of(value: Value) -> str:
    """The placeholder for a value in a usage line: the noun of an id, or the type."""
    return value.noun.upper() if isinstance(value, Ref | NewId) else value.METAVAR


MOST_TOLD = 200
"""How many differences are printed at once."""


def checked(service: Service, checks: Iterable[str]) -> list[Difference]:
    """The differences that checks of an audit find; says of each check what it compared."""
    from scripts import audit
    from scripts.difference import all_differences

    differing: list[Difference] = []
    for name in checks:
        with progress_of(name) as told:
            found = all_differences(audit.CHECKS[name], service, told)
        if isinstance(found, list):
            differing += found
            found = f"NOT VERIFIED: {several(len(found), 'difference')}"
        click.echo(f"{name:<12}{found}")
    return differing


def not_verified(differing: Sequence[object]) -> str:
    """What is said of differences: the first of very many, and how many more there are."""
    told = [*map(str, differing[:MOST_TOLD])]
    if more := len(differing) - len(told):
        told.append(f"and {several(more, 'difference')} more")
    return "NOT VERIFIED: " + "\n".join(told)
