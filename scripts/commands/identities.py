"""Identities: whom the subjects of the outside issuer act for here."""

from __future__ import annotations

import click

from api.identity.identities import Identities
from projections import timeline
from scripts.commands.frame import as_json, asked, holder_of, listed, opened, out, settings_of

commands = click.Group()


@commands.group()
def identity() -> None:
    """Say whom the subjects of the issuer of tokens (STEMMA_OIDC_ISSUER) act for."""


@identity.command("add")
@click.argument("subject")
@click.option(
    "--for", "holder", required=True, metavar="operator|CONTRIBUTOR", help="Whom it acts for."
)
@click.pass_context
def identity_add(ctx: click.Context, subject: str, holder: str) -> None:
    """Let tokens with this “sub” act for somebody; only a digest of it is kept."""
    issuer = _issuer_of(ctx)
    with opened(ctx, create=True) as service:
        holder = holder_of(service, holder)
        made = Identities(service.engine).add(issuer, subject, holder)
    out.print(f"{made.digest[:12]} acts for {holder}")


@identity.command("end")
@click.argument("subject")
@click.pass_context
def identity_end(ctx: click.Context, subject: str) -> None:
    """Let tokens with this “sub” act for nobody any more."""
    issuer = _issuer_of(ctx)
    with opened(ctx) as service:
        if not Identities(service.engine).end(issuer, subject):
            raise click.ClickException(f"{subject} acted for nobody")
    out.print("ended")


@identity.command("list")
@as_json
@click.pass_context
def identity_list(ctx: click.Context, as_json: bool) -> None:
    """List the identities: whom each acts for, and since when."""
    with asked(ctx) as (service, view):
        known = Identities(service.engine).list()
        people = timeline.names(view, {one.holder for one in known})
    found = [
        {
            "identity": one.digest[:12],
            "for": one.holder,
            "name": people[one.holder]["name"] if one.holder in people else None,
            "made_at": one.made_at,
        }
        for one in known
    ]
    columns = {"identity": "identity", "for": "for", "name": "name", "made": "made_at"}
    listed(found, columns, as_json=as_json)


def _issuer_of(ctx: click.Context) -> str:
    issuer = settings_of(ctx).issuer
    if issuer is None:
        raise click.ClickException("set STEMMA_OIDC_ISSUER first: a subject is one of an issuer")
    return issuer.address
