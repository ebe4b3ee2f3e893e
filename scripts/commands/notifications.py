"""Notifications by mail on the command line: where to, how often; confirmed and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from domain.permission import OPERATOR
from scripts.commands.frame import as_json, holder_of, its_holder, listed, opened, out, settings_of

if TYPE_CHECKING:
    from api.notifying import Notifications
    from scripts.service import Service

commands = click.Group()
OFTEN = ("never", "at_once", "daily", "weekly")


@commands.group()
def notifications() -> None:
    """Have what waits and what happened sent by mail."""


@notifications.command("set")
@click.argument("address", required=False)
@its_holder
@click.option("--often", type=click.Choice(OFTEN), help="How often; at first daily.")
@click.pass_context
def notifications_set(
    ctx: click.Context, address: str | None, holder: str, often: str | None
) -> None:
    """Say where mail is sent to, and how often; a new address is asked to confirm it."""
    with opened(ctx) as service:
        made = _of(ctx, service).put(_holder(service, holder), address, often)
    out.print(f"{made.address} is {made.state}: {made.often.replace('_', ' ')}")


@notifications.command("list")
@as_json
@click.pass_context
def notifications_list(ctx: click.Context, as_json: bool) -> None:
    """List where mail is sent to, and why one waits."""
    from api.notifying import told

    with opened(ctx) as service:
        found = [told(one) for one in _of(ctx, service).all(OPERATOR)]
    columns = ("holder", "address", "often", "state", "sent_at", "said")
    listed(found, {name: name for name in columns}, as_json=as_json)


@notifications.command("confirm")
@click.argument("token")
@click.pass_context
def notifications_confirm(ctx: click.Context, token: str) -> None:
    """Confirm an address with the token that was sent there."""
    with opened(ctx) as service:
        one = _of(ctx, service).confirm(token)
    out.print(f"{one.address} is {one.state}")


@notifications.command("end")
@its_holder
@click.pass_context
def notifications_end(ctx: click.Context, holder: str) -> None:
    """Erase an address."""
    with opened(ctx) as service:
        _of(ctx, service).end(_holder(service, holder))
    out.print("erased")


def _holder(service: Service, holder: str) -> str:
    service.follower.catch_up()
    return holder_of(service, holder)


def _of(ctx: click.Context, service: Service) -> Notifications:
    """The mailboxes of a database; what serves HTTP is loaded for these commands alone."""
    from api.notifying import Notifications

    is_sent = bool(settings_of(ctx).smtp)
    return Notifications(service.journal, service.store, is_sent=is_sent)
