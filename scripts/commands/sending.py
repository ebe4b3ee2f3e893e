"""Webhooks, and notifications by mail: where to, ended, and delivered now if asked to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from api.allowance import Network
from domain.permission import OPERATOR
from scripts.commands.frame import as_json, holder_of, its_holder, listed, opened, out, settings_of

if TYPE_CHECKING:
    from api.notifying import Notifications
    from api.subscribing import Subscriptions
    from scripts.service import Service

commands = click.Group()
HERE = "urn:stemma"
"""The source of events, where no address is said."""
OFTEN = ("never", "at_once", "daily", "weekly")


@commands.group()
def webhook() -> None:
    """Send the feed's events to an address."""


@webhook.command("add")
@click.argument("url")
@its_holder
@click.option("--types", help="Prefixes of the types to send; default every type.")
@click.option("--after", type=int, help="Also what was recorded after this position.")
@click.option("--source", default=HERE, show_default=True, help="The source named in events.")
@click.pass_context
def webhook_add(
    ctx: click.Context, url: str, holder: str, types: str | None, after: int | None, source: str
) -> None:
    """Send the feed's events to an address; prints the secret, once."""
    with opened(ctx) as service:
        theirs = _of(service, settings_of(ctx).webhook_networks)
        made = theirs.add(holder_of(service, holder), url, source, types, after)
    out.print(f"{made.id} sends what is recorded after position {made.position}")
    out.print(f"secret: {made.secret}", soft_wrap=True, highlight=False)


@webhook.command("list")
@as_json
@click.pass_context
def webhook_list(ctx: click.Context, as_json: bool) -> None:
    """List the webhooks: how far each has been delivered, and why it is waiting."""
    from api.subscribing import told

    with opened(ctx) as service:
        found = [told(one) for one in _of(service).all(OPERATOR)]
    columns = ("id", "holder", "url", "state", "position", "failures", "said")
    listed(found, {name: name for name in columns}, as_json=as_json)


@webhook.command("end")
@click.argument("id")
@click.pass_context
def webhook_end(ctx: click.Context, id: str) -> None:
    """Stop sending."""
    with opened(ctx) as service:
        _of(service).end(OPERATOR, id)
    out.print("ended")


@webhook.command("enable")
@click.argument("id")
@click.pass_context
def webhook_enable(ctx: click.Context, id: str) -> None:
    """Resume sending where it stopped, even if it was disabled."""
    with opened(ctx) as service:
        one = _of(service).go_on(OPERATOR, id)
    out.print(f"sends what is recorded after position {one.position}")


@webhook.command("replay")
@click.argument("id")
@click.option("--after", type=int, required=True, help="Everything after this position.")
@click.pass_context
def webhook_replay(ctx: click.Context, id: str, after: int) -> None:
    """Send everything after a position again."""
    with opened(ctx) as service:
        one = _of(service).go_on(OPERATOR, id, after)
    out.print(f"sends what is recorded after position {one.position}")


@commands.command()
@click.pass_context
def deliver(ctx: click.Context) -> None:
    """Send webhooks and mail that are due now, once; a server does so continuously."""
    from scripts.delivering import deliverer_of

    with opened(ctx) as service:
        service.follower.catch_up()
        deliverer = deliverer_of(service, settings_of(ctx))
        try:
            turns = deliverer.deliver_all()
        finally:
            deliverer.close()
    out.print(f"{turns} turns")


def _of(service: Service, allowed: Sequence[Network] = ()) -> Subscriptions:
    """The webhooks of a database; what serves HTTP is loaded for these commands alone."""
    from api.subscribing import Subscriptions

    return Subscriptions(service.journal, service.store, allowed)


# -- notifications -----------------------------------------------------------------------------


@commands.group()
def notifications() -> None:
    """Get what is waiting and what has happened by mail."""


@notifications.command("set")
@click.argument("address", required=False)
@its_holder
@click.option("--often", type=click.Choice(OFTEN), help="How often; initially daily.")
@click.pass_context
def notifications_set(
    ctx: click.Context, address: str | None, holder: str, often: str | None
) -> None:
    """Set where mail is sent, and how often; a new address has to be confirmed."""
    with opened(ctx) as service:
        made = _mail_of(ctx, service).put(_holder(service, holder), address, often)
    out.print(f"{made.address} is {made.state}: {made.often.replace('_', ' ')}")


@notifications.command("list")
@as_json
@click.pass_context
def notifications_list(ctx: click.Context, as_json: bool) -> None:
    """List the addresses mail is sent to, and why a message is waiting."""
    from api.notifying import told

    with opened(ctx) as service:
        found = [told(one) for one in _mail_of(ctx, service).all(OPERATOR)]
    columns = ("holder", "address", "often", "state", "sent_at", "said")
    listed(found, {name: name for name in columns}, as_json=as_json)


@notifications.command("confirm")
@click.argument("token")
@click.pass_context
def notifications_confirm(ctx: click.Context, token: str) -> None:
    """Confirm an address with the token that was sent there."""
    with opened(ctx) as service:
        one = _mail_of(ctx, service).confirm(token)
    out.print(f"{one.address} is {one.state}")


@notifications.command("end")
@its_holder
@click.pass_context
def notifications_end(ctx: click.Context, holder: str) -> None:
    """Erase an address."""
    with opened(ctx) as service:
        _mail_of(ctx, service).end(_holder(service, holder))
    out.print("erased")


def _holder(service: Service, holder: str) -> str:
    service.follower.catch_up()
    return holder_of(service, holder)


def _mail_of(ctx: click.Context, service: Service) -> Notifications:
    """The mailboxes of a database."""
    from api.notifying import Notifications

    is_sent = bool(settings_of(ctx).smtp)
    return Notifications(service.journal, service.store, is_sent=is_sent)
