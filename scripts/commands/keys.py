"""Keys: those of the API, of contributors who sign, and of the log; and whom tokens act for.

The one rule: a secret is printed once or written to one file, and none is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from logging import Logger
from pathlib import Path

import click

from api.identity.identities import Identities
from api.identity.keyring import GRACE_HOURS, MOST_GRACE_HOURS, Keyring
from api.identity.scope import Caller
from domain.moment import start
from domain.note import SignerKey, VerifierKey
from domain.permission import OPERATOR
from projections import timeline
from projections.store import View
from scripts.commands.frame import (
    as_json,
    asked,
    holder_of,
    listed,
    named,
    opened,
    out,
    settings_of,
)
from scripts.log_keys import make_log_key, retire_log_keys, rotate_log_key
from scripts.safe_file import written_whole
from scripts.service import Service

commands = click.Group()

LOCALLY = Caller(OPERATOR, key="")
"""Who has the database has every key."""
TIMES = {"made": "made_at", "used": "used_at", "ends": "expires_at", "revoked": "revoked_at"}
"""The times of a key, by the heads of their columns."""


@commands.group()
def key() -> None:
    """Create, list and revoke API keys, and create the key that signs the log."""


@key.command("new")
@click.argument("name")
@click.pass_context
def key_new(ctx: click.Context, name: str) -> None:
    """Create the key that signs the log, named like “example.org/log”, and print the public key.

    It is written to the file named by STEMMA_LOG_KEY; an existing one is never overwritten.
    """
    made = make_log_key(settings_of(ctx), name)
    if made is None:
        raise click.ClickException("There is already a key; move it away, but keep it safe.")
    _audit_log_key(ctx, "log key made", made.verifier)
    click.echo(str(made.verifier))


@key.command("pair")
@click.argument("contributor")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def key_pair(contributor: str, file: Path) -> None:
    """Create a key for a contributor to sign with, and print the public key to register.

    The secret key is written to FILE and never leaves this machine; an existing file is kept.
    """
    made = SignerKey.new(named("contributor", contributor))
    try:
        with written_whole(file, is_new=True) as written:
            written.write(f"{made.secret_text()}\n".encode())
    except FileExistsError:
        raise click.ClickException(f"There is already a file {file}") from None
    click.echo(str(made.verifier))


@key.command("rotate")
@click.pass_context
def key_rotate(ctx: click.Context) -> None:
    """Create the next key that signs the log, and print its public key.

    After the next start, the new key and the previous one both sign, until you run “retire”.
    """
    made = rotate_log_key(settings_of(ctx)).verifier
    _audit_log_key(ctx, "log key made", made)
    click.echo(str(made))


@key.command("retire")
@click.pass_context
def key_retire(ctx: click.Context) -> None:
    """Let only the newest key sign the log; print the public keys of all former ones.

    Their private keys are deleted. Their public keys stay in the file and are published, with the
    log size up to which they are valid: later signatures do not count.
    """
    for public in retire_log_keys(settings_of(ctx), _signed_size(ctx)):
        _audit_log_key(ctx, "log key retired", public)
        click.echo(public.line)


def _signed_size(ctx: click.Context) -> int | None:
    """The size of the log as it was signed last; None if there is no database yet."""
    with suppress(click.ClickException), opened(ctx) as service:
        latest = service.log.checkpoint()
        return None if latest is None else latest.size
    return None


@key.command("create")
@click.option(
    "--for", "holder", required=True, metavar="operator|CONTRIBUTOR", help="Who the key acts for."
)
@click.option("--label", metavar="TEXT", help="What its holder calls it.")
@click.option(
    "--scope",
    metavar="WORDS",
    help="What it allows at most, such as “read” or “read contribution role:accountant”; default "
    "everything its holder may do.",
)
@click.option("--expires", "expires_at", metavar="DATE", help="When it expires; default never.")
@click.pass_context
def key_create(ctx: click.Context, /, holder: str, **said: str | None) -> None:
    """Create a key and print it; only its digest is stored, so it can't be shown again."""
    holder = holder if holder == "operator" else named("contributor", holder)
    with _audited(ctx), opened(ctx, create=True) as service:
        made = _ring(service).make(holder=holder, **said)
        click.echo(made.token)


@key.command("replace")
@click.argument("name")
@click.option(
    "--grace-hours",
    type=click.IntRange(0, MOST_GRACE_HOURS),
    default=GRACE_HOURS,
    show_default=True,
    help="How many hours the replaced key stays valid.",
)
@click.pass_context
def key_replace(ctx: click.Context, name: str, grace_hours: int) -> None:
    """Create a key like the given one, print it, and let the old one expire."""
    with _audited(ctx), opened(ctx) as service:
        click.echo(_ring(service).replace(name, grace_hours).token)


@key.command("list")
@as_json
@click.pass_context
def key_list(ctx: click.Context, as_json: bool) -> None:
    """List the keys: who each acts for, its scope, creation, expiry and last use."""
    with asked(ctx) as (service, view):
        keys = service.keys.list()
        names = _names(view, (one.holder for one in keys))
    found = [
        {
            **{"key": one.name, "for": one.holder, "name": names.get(one.holder)},
            **{"label": one.label, "scope": one.scope, "state": one.state},
            **{name: (time := getattr(one, name)) and start(time) for name in TIMES.values()},
        }
        for one in keys
    ]
    columns = {name: name for name in ("key", "state", "for", "name", "label", "scope")}
    listed(found, {**columns, **TIMES}, as_json=as_json)


@key.command("revoke")
@click.argument("name")
@click.pass_context
def key_revoke(ctx: click.Context, name: str) -> None:
    """Revoke a key, given the key itself or the name that “list” shows."""
    with _audited(ctx), opened(ctx) as service:
        revoked = service.keys.revoke(name)
    if revoked is None:
        raise click.ClickException(
            f"There is no key {name}; “stemma key list” shows those there are"
        )
    out.print(f"revoked {revoked.name} of {revoked.holder}")


def _audited(ctx: click.Context) -> AbstractContextManager[Logger]:
    from scripts.logs import auditing

    return auditing(settings_of(ctx).logs)


def _audit_log_key(ctx: click.Context, what: str, public: VerifierKey) -> None:
    with _audited(ctx) as audit:
        audit.info(what, extra={"key": f"{public.name}+{public.id.hex()}"})


def _ring(service: Service) -> Keyring:
    """Every key, for the operator of this machine."""
    return Keyring(service.keys, service.journal, LOCALLY)


# -- identities --------------------------------------------------------------------------------


@commands.group()
def identity() -> None:
    """State who the subjects of the token issuer (STEMMA_OIDC_ISSUER) act for."""


@identity.command("add")
@click.argument("subject")
@click.option(
    "--for", "holder", required=True, metavar="operator|CONTRIBUTOR", help="Whom it acts for."
)
@click.pass_context
def identity_add(ctx: click.Context, subject: str, holder: str) -> None:
    """Let tokens with this “sub” act for someone; only a digest of it is stored."""
    issuer = _issuer_of(ctx)
    with opened(ctx, create=True) as service:
        holder = holder_of(service, holder)
        made = Identities(service.engine).add(issuer, subject, holder)
    out.print(f"{made.digest[:12]} acts for {holder}")


@identity.command("end")
@click.argument("subject")
@click.pass_context
def identity_end(ctx: click.Context, subject: str) -> None:
    """Stop tokens with this “sub” from acting for anyone."""
    issuer = _issuer_of(ctx)
    with opened(ctx) as service:
        if not Identities(service.engine).end(issuer, subject):
            raise click.ClickException(f"Tokens with the “sub” {subject} act for nobody")
    out.print("ended")


@identity.command("list")
@as_json
@click.pass_context
def identity_list(ctx: click.Context, as_json: bool) -> None:
    """List the identities: who each acts for, and since when."""
    with asked(ctx) as (service, view):
        known = Identities(service.engine).list()
        names = _names(view, (one.holder for one in known))
    found = [
        {
            **{"identity": one.digest[:12], "for": one.holder, "name": names.get(one.holder)},
            "made_at": start(one.made_at),
        }
        for one in known
    ]
    columns = {"identity": "identity", "for": "for", "name": "name", "made": "made_at"}
    listed(found, columns, as_json=as_json)


def _issuer_of(ctx: click.Context) -> str:
    issuer = settings_of(ctx).issuer
    if issuer is None:
        raise click.ClickException("Set STEMMA_OIDC_ISSUER first: a subject is one of an issuer.")
    return issuer.address


def _names(view: View, holders: Iterable[str]) -> dict[str, str | None]:
    """The names of those among these who are people, by their ids."""
    return {id: one["name"] for id, one in timeline.names(view, {*holders}).items()}
