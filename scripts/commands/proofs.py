"""Proofs: receipts of what is in the log, and commands to watch the log from outside.

The one rule: a watcher accepts a checkpoint only if it extends the one accepted before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domain.checkpoint import Trusted
from projections import history
from scripts.commands.frame import asked, checked, named, not_verified, opened, progress_of, written
from scripts.safe_file import SHARED, temporary_folder

if TYPE_CHECKING:
    from projections.log import Log
    from scripts.remote import Remote
    from scripts.service import Service

commands = click.Group()


def signed_log(service: Service) -> Log:
    """The log, with all that is recorded in it and signed."""
    if service.log.signer is None:
        raise click.ClickException("Nothing is signed: there is no key. See “stemma key new”.")
    service.log.catch_up()
    return service.log


subject_kind = click.option(
    "--of",
    "kind",
    type=click.Choice(list(history.PROVEN)),
    default="work",
    show_default=True,
    help="What SUBJECT is.",
)


@commands.command()
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
        proof = signed_log(service).receipt(position)
        (placed,) = service.journal.facts.at([position])
        texts = history.disclosures(service.journal, placed)
    if disclosures is not None:
        with written(disclosures) as beside:
            beside.write(json.dumps({"disclosures": texts}, ensure_ascii=False).encode())
    with written(file, mode=SHARED) as into:
        into.write(proof)


@commands.command()
@click.argument("subject")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@subject_kind
@click.option("--witnessed", is_flag=True, help="Only those of facts that witnesses have seen.")
@click.pass_context
def receipts(ctx: click.Context, subject: str, file: Path, kind: str, *, witnessed: bool) -> None:
    """Write the receipts of all facts about a work, a person, a project or a challenge to one file.

    “verify history” shows offline that none in between is missing.
    """
    with asked(ctx) as (service, view):
        log = signed_log(service)
        seen = log.seen_size() if witnessed else view.as_of
        positions = history.PROVEN[kind].positions(view.at(seen), named(kind, subject))
        proofs = log.receipts(positions)
        with written(file, mode=SHARED) as into:
            into.writelines(proofs)


@commands.command()
@click.argument("subject")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@subject_kind
@click.option("--witnessed", is_flag=True, help="For the latest tree that witnesses have seen.")
@click.pass_context
def latest(ctx: click.Context, subject: str, file: Path, kind: str, *, witnessed: bool) -> None:
    """Write the proof of the latest fact about a work, a person, a project or a challenge.

    “verify latest” shows offline that nothing about it came after, or that there is nothing about
    an id at all.
    """
    with asked(ctx) as (service, _):
        proof = signed_log(service).latest_of(named(kind, subject), witnessed=witnessed)
    with written(file, mode=SHARED) as into:
        into.write(proof)


log_keys = click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="VKEY",
    help="A public key of the log, or a file with one per line.",
)


class Age(click.ParamType[int]):
    """An age such as 90s, 36h or 7d, in seconds."""

    name = "AGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds; a usage error for any other text."""
        from scripts.verify import seconds_of

        try:
            return value if isinstance(value, int) else seconds_of(value)
        except ValueError:
            self.fail(f"{value} is no age such as 90s, 36h or 7d", param, ctx)


max_age_option = click.option(
    "--max-age",
    type=Age(),
    help="Refuse a log that has not grown, or been seen by witnesses, for longer (90s, 36h, 7d).",
)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_OF_LOG = (
    click.argument("url"),
    click.option(
        "--key",
        "keys",
        multiple=True,
        metavar="VKEY",
        help="A public key of the log, or a file with one per line; required unless a policy has "
        "it.",
    ),
    click.option(
        "--api-key",
        type=_FILE,
        metavar="FILE",
        help="The file with an auditor's API key; needed for the leaves unless they are published.",
    ),
    max_age_option,
    click.option(
        "--witness",
        "witnesses",
        multiple=True,
        metavar="VKEY",
        help="The public key of a witness, or its file: ask for the latest tree that they have "
        "seen.",
    ),
    click.option(
        "--quorum", type=click.IntRange(0), help="How many witnesses are required; default all."
    ),
    click.option(
        "--policy",
        type=_FILE,
        metavar="FILE",
        help="A policy (C2SP tlog-policy): its logs are accepted, and its quorum is required.",
    ),
)


def asks_log(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that asks a log, which it gets as one."""

    @wraps(command)
    def ask(*given: Any, url: str, keys: tuple[str, ...], **said: Any) -> None:
        from domain.trust import Misused, trusted_by
        from scripts.given import read_keys
        from scripts.remote import Remote

        names = ("api_key", "max_age", "witnesses", "quorum", "policy")
        key, max_age, witnesses, quorum, policy = (said.pop(name) for name in names)
        with believed():
            data = None if policy is None else policy.read_bytes()
            logs, seen = trusted_by(data, read_keys(witnesses), quorum)
            if not (accepted := [*read_keys(keys), *logs]):
                raise Misused("say --key, or a --policy that names the log")
            api_key = None if key is None else key.read_text().strip()
            log = Remote(url.rstrip("/"), accepted, api_key, max_age, seen)
            command(*given, log=log, **said)

    for add in reversed(_OF_LOG):
        ask = add(ask)
    return ask


@commands.command()
@asks_log
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--again", is_flag=True, help="Fetch every tile again, and compare it.")
@click.option("--hashes", is_flag=True, help="Only the hashes, which need no API key.")
def mirror(log: Remote, folder: Path, *, hashes: bool, again: bool) -> None:
    """Mirror the log at an address (such as http://127.0.0.1:8000/log) into a folder.

    Everything is recomputed from the leaves. Run it regularly: it notices a rewrite, a fork or a
    rollback since the last run, and the folder keeps what was accepted before. Hashes alone show
    the same, without revealing what was recorded. Each run compares 32 random tiles that are
    already here, or follow from others, with those of the log.
    """
    from scripts import mirror as mirroring

    with progress_of("mirroring") as told:
        trusted = mirroring.mirror(log, folder, told, only_hashes=hashes, again=again)
    tell_of(trusted)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@log_keys
@click.option(
    "--into",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the database here; ask it any question with --database sqlite:///FILE.",
)
def replay(folder: Path, keys: tuple[str, ...], into: Path | None) -> None:
    """Replay a mirror with its entries: fold the facts by the public rules, and audit them.

    It needs neither the service's database nor anyone's texts: whether each fact was allowed, and
    all links, signatures and amounts, follow from the log alone. The database it makes gives the
    service's answers at that position, without names and titles.
    """
    from scripts import replay as replaying
    from scripts.given import read_keys
    from scripts.service import open_service

    with temporary_folder("stemma-replay-") as scratch, believed():
        file = into or scratch / "replay.db"
        with open_service(f"sqlite:///{file.resolve()}") as service:
            with progress_of("replaying") as told:
                try:
                    trusted = replaying.replay(service, folder, read_keys(keys), told)
                except replaying.NotEmpty:
                    raise click.ClickException(f"{file} holds facts already") from None
            tell_of(trusted)
            differing = checked(service, ("rules", *replaying.CHECKS))
    if differing:
        raise click.ClickException(not_verified(differing))


@contextmanager
def believed() -> Iterator[None]:
    """Failed verifications and unreachable logs are reported in a sentence."""
    from domain.tree import NotVerified
    from domain.trust import Misused
    from scripts.described import printable
    from scripts.remote import Unreachable
    from scripts.safe_file import Occupied

    try:
        yield
    except Misused as problem:
        raise click.UsageError(printable(str(problem))) from problem
    except NotVerified as problem:
        raise click.ClickException(f"NOT VERIFIED: {printable(str(problem))}") from problem
    except (Unreachable, Occupied) as problem:
        raise click.ClickException(str(problem)) from problem


def tell_of(trusted: Trusted) -> None:
    """Print what a verified checkpoint holds."""
    from scripts.described import describe_checkpoint

    for line in describe_checkpoint(trusted):
        click.echo(line)
