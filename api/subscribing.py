"""Webhooks over HTTP: people add, list, replay and end their own; the operator all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict

from flask import request

from api.allowance import Network
from api.authentication import actor, must_include_everything
from api.fields import ExactSchema, Nothing, Text, Units
from api.listing import WHOLE, Slice
from api.routes import Routes
from api.sending.outbound import LONGEST_URL, must_be_url
from api.sending.turns import DISABLED
from api.sending.webhooks import ACTIVE, Webhook, Webhooks
from domain.fact import FACTS
from domain.journal import Journal
from domain.permission import OPERATOR
from domain.refusal import BadWebhook, UnknownWebhook, Wrong
from domain.value import LARGEST_POSITION, Example, one_of
from domain.values import BEN
from projections import contributors
from projections.store import Store, told_of
from projections.told import Count, Instant

CHANGING = "changing webhooks"
LONGEST_TYPES = 500
WebhookState = Annotated[str, one_of((ACTIVE, DISABLED))]


class AddWebhook(ExactSchema):
    """A new webhook."""

    url = Text(
        LONGEST_URL, "https://example.org/stemma", "Where events are sent to.", required=True
    )
    types = Text(
        LONGEST_TYPES,
        "remix. credit.granted",
        "The beginnings of the types that are sent, separated by spaces; default every type.",
    )
    after = Units(
        0, 4711, "Only what is recorded after this position; default after now.",
        most=LARGEST_POSITION,
    )  # fmt: skip


class ReplayWebhook(ExactSchema):
    """From where everything is sent again."""

    after = Units(0, 4711, "Everything after this position.", most=LARGEST_POSITION, required=True)


class WebhookTold(TypedDict):
    """A webhook, without its secret."""

    id: Annotated[str, "Its id.", Example("6a0f6b0e-0d9e-4b8f-9a2e-4a7f5d1c2b3a")]
    holder: Annotated[str, "Whose it is: a contributor, or “operator”.", Example(BEN)]
    url: Annotated[str, "Where events are sent.", Example("https://example.org/stemma")]
    types: Annotated[str | None, "Null is every type.", Example("remix.")]
    state: Annotated[WebhookState, "Disabled after days without an answer."]
    position: Annotated[Count, "Everything up to it was delivered.", Example(4711)]
    failures: Annotated[Count, "How often sending the next event has failed.", Example(0)]
    next_at: Annotated[Instant | None, "When it is sent again."]
    said: Annotated[str | None, "Why the last attempt failed.", Example("503")]
    made_at: Instant


class WebhookMade(WebhookTold):
    """A new webhook."""

    secret: Annotated[str, "By which events are signed. It can't be shown again.",
                      Example("whsec_…")]  # fmt: skip


class Subscriptions:
    """The webhooks that somebody may see and change."""

    def __init__(self, journal: Journal, store: Store, allowed: Sequence[Network]) -> None:
        self._journal, self._store, self._allowed = journal, store, allowed
        self._webhooks = Webhooks(journal.engine)

    def all(self, actor: str, part: Slice = WHOLE) -> list[Webhook]:
        """The webhooks of all accounts of the actor; for the operator, all."""
        return self._webhooks.of(self._holders(actor), part)

    def add(
        self,
        actor: str,
        url: str,
        source: str,
        types: str | None = None,
        after: int | None = None,
        id: str | None = None,
    ) -> Webhook:
        """Add a webhook of the actor's."""
        must_include_everything(CHANGING)
        must_be_url(url, self._allowed)
        for word in (types or "").split():
            if not any(topic.startswith(word) for topic in FACTS):
                refusal = BadWebhook(url, f"no type of event begins with “{word}”")
                refusal.wrong = (Wrong(("types",), refusal),)
                raise refusal
        head = self._journal.facts.head()
        position = head if after is None else min(after, head)
        now = self._journal.clock()
        return self._webhooks.add(
            actor, url, source, position=position, types=types, now=now, id=id
        )

    def end(self, actor: str, id: str) -> Webhook:
        """End a webhook: nothing more is sent."""
        must_include_everything(CHANGING)
        found = self._webhooks.named(id, self._holders(actor))
        self._webhooks.end(id)
        return found

    def go_on(self, actor: str, id: str, after: int | None = None) -> Webhook:
        """Enable a webhook again, from where it stopped or from a position."""
        must_include_everything(CHANGING)
        self._webhooks.named(id, self._holders(actor))
        head = self._journal.facts.head()
        self._webhooks.go_on(id, None if after is None else min(after, head))
        return self._webhooks.named(id, self._holders(actor))

    def _holders(self, actor: str) -> list[str] | None:
        if actor == OPERATOR:
            return None
        with self._store.view() as view:
            return contributors.account_ids(view, actor)


def webhooks(journal: Journal, store: Store, theirs: Subscriptions) -> Routes:
    """The routes of webhooks."""
    routes = Routes("webhooks", "Events of the feed, sent where you say.", journal, store)

    @routes.lists("/webhooks", WebhookTold, "The webhooks, the oldest first.", told)
    def list_webhooks(part: Slice) -> list[Webhook]:
        """List your webhooks, and how far each was delivered: for the operator, everybody's.

        For one that waits, it says why the last attempt failed and when the next one is due.
        """
        return theirs.all(actor(), part)

    said, one = "The webhook.", "/webhooks/<string:id>"

    @routes.changes("/webhooks", AddWebhook, WebhookMade, said, (BadWebhook,), status=201)
    def add_webhook(**of: Any) -> Mapping[str, Any]:
        """Have the events of the feed sent to an address, signed by Standard Webhooks.

        Each event at least once and in order; what is not taken (any answer but 2xx) is sent again
        after 5 seconds, then ever more rarely, up to once an hour; a Retry-After of 429 or 503 is
        obeyed for up to an hour. After three days it is disabled. Each request adds another one.
        """
        made = theirs.add(actor(), source=request.root_url, **of)
        return {**told(made), "secret": made.secret}

    unknown = (UnknownWebhook,)

    @routes.changes(f"{one}/end", Nothing, WebhookTold, said, unknown, may_be_empty=True)
    def end_webhook(id: str) -> Mapping[str, Any]:
        """End a webhook; nothing is sent any more.

        What is being sent at this moment may still arrive.
        """
        return told(theirs.end(actor(), id))

    @routes.changes(f"{one}/enable", Nothing, WebhookTold, said, unknown, may_be_empty=True)
    def enable_webhook(id: str) -> Mapping[str, Any]:
        """Send what is missing from now on, also if the webhook was disabled.

        It goes on where it stopped, without waiting for the time of the next attempt.
        """
        return told(theirs.go_on(actor(), id))

    @routes.changes(f"{one}/replay", ReplayWebhook, WebhookTold, said, unknown)
    def replay_webhook(id: str, after: int) -> Mapping[str, Any]:
        """Send everything after a position again.

        Or from a later position on, which leaves out what is between.
        """
        return told(theirs.go_on(actor(), id, after))

    return routes


def told(one: Webhook) -> dict[str, Any]:
    """A webhook as answers show it."""
    return {**told_of(WebhookTold, one)}
