"""Notifications by mail over HTTP: people choose the address, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from flask import Response, jsonify

from api.authentication import actor, must_include_everything
from api.fields import Choice, ExactSchema, Nothing, Text, Units
from api.listing import WHOLE, Slice
from api.routes import Routes
from api.seen import Seen
from api.sending.mailboxes import (
    ASKED,
    CONFIRMED,
    LONGEST_ADDRESS,
    NEW,
    OFTEN,
    USUALLY,
    Mailbox,
    Mailboxes,
    must_be_address,
)
from api.sending.turns import DISABLED
from domain.journal import Journal
from domain.permission import OPERATOR
from domain.refusal import BadAddress, UnknownMailbox
from domain.value import LARGEST_POSITION, Example, one_of
from domain.values import BEN
from projections import contributors
from projections.store import Store, told_of
from projections.told import Count, Instant

CHANGING = "changing where mail is sent to"
LONGEST_TOKEN = 64
Often = Annotated[str, one_of(OFTEN, "How often at most.")]


class SetMailbox(ExactSchema):
    """Where mail is wanted, and how often."""

    address = Text(
        LONGEST_ADDRESS, "ben@example.org", "Where to; default the address that is there."
    )
    often = Choice(OFTEN, f"How often; default as before, at first {USUALLY}.")


class ConfirmMailbox(ExactSchema):
    """What a message said."""

    token = Text(LONGEST_TOKEN, "Wq3…", "The token in the message.", required=True)


class MailboxTold(TypedDict):
    """Where somebody wants mail."""

    holder: Annotated[str, "Whose it is: a contributor, or “operator”.", Example(BEN)]
    address: Annotated[str, "Where digests are sent.", Example("ben@example.org")]
    often: Often
    state: Annotated[
        str,
        "Confirmation to be sent (new) or sent (asked); disabled if nothing arrived for days.",
        one_of((NEW, ASKED, CONFIRMED, DISABLED)),
    ]
    sent_at: Annotated[Instant | None, "When the latest digest was sent."]
    next_at: Annotated[Instant | None, "None is sent before."]
    said: Annotated[str | None, "Why the last attempt failed.", Example("550 no such user")]
    made_at: Instant


class SetSeen(ExactSchema):
    """Up to where somebody has read."""

    position = Units(0, 4711, "Up to this position.", most=LARGEST_POSITION, required=True)


class SeenTold(TypedDict):
    """Up to where you have read what happened."""

    position: Annotated[Count, "What was recorded after it is new to you.", Example(4711)]


class Notifications:
    """The mailboxes that somebody may see and change."""

    def __init__(self, journal: Journal, store: Store, *, is_sent: bool) -> None:
        self._journal, self._store = journal, store
        self.mailboxes, self.is_sent = Mailboxes(journal.engine), is_sent
        """Whether this installation sends mail."""

    def all(self, actor: str, part: Slice = WHOLE) -> list[Mailbox]:
        """The mailboxes of all accounts of the actor; for the operator, all."""
        return self.mailboxes.of(None if actor == OPERATOR else self._accounts(actor), part)

    def own(self, actor: str) -> Mailbox | None:
        """The actor's mailbox."""
        found = self.mailboxes.of(self._accounts(actor))
        return next((one for one in found if one.holder == actor), None) or next(iter(found), None)

    def put(self, actor: str, address: str | None = None, often: str | None = None) -> Mailbox:
        """Set the address and the frequency of the actor's mailbox."""
        must_include_everything(CHANGING)
        there = self.own(actor)
        if not self.is_sent:
            raise BadAddress("this installation sends no mail")
        if address is None and there is None:
            raise BadAddress("there is none yet")
        if address is not None:
            address = must_be_address(address)
        often = often or (there.often if there else USUALLY)
        return self.mailboxes.put(
            there.holder if there else actor,
            address or (there.address if there else ""),
            often,
            position=self._journal.facts.head(),
            now=self._journal.clock(),
        )

    def confirm(self, token: str) -> Mailbox:
        """Confirm an address with the token sent to it: only who reads the mail there has it."""
        return self.mailboxes.confirm(token, self._journal.facts.head())

    def end(self, actor: str) -> Mailbox:
        """Erase the actor's address."""
        must_include_everything(CHANGING)
        there = self.own(actor)
        if there is None:
            raise UnknownMailbox(actor)
        self.mailboxes.end(there.holder)
        return there

    def _accounts(self, actor: str) -> list[str]:
        if actor == OPERATOR:
            return [OPERATOR]
        with self._store.view() as view:
            return contributors.account_ids(view, actor)


def notifications(journal: Journal, store: Store, theirs: Notifications) -> Routes:
    """The routes of notifications by mail."""
    routes = Routes("notifications", "What waits and what happened, by mail.", journal, store)

    @routes.lists("/notifications", MailboxTold, "The addresses, the oldest first.", told)
    def list_mailboxes(part: Slice) -> list[Mailbox]:
        """List where mail is sent to: your address, for the operator everybody's.

        Nobody else ever sees it, and it is erased when its holder is forgotten.
        """
        return theirs.all(actor(), part)

    here, said = "/notifications", "The mailbox."

    @routes.changes(here, SetMailbox, MailboxTold, said, (BadAddress,))
    def set_mailbox(**wanted: str) -> Mapping[str, Any]:
        """Say where you want to be notified by mail, and how often.

        A digest has what waits for you, the most urgent first, and what happened since the one
        before; without anything new, none is sent. A new address counts once it is confirmed: a
        message with a link and a token is sent there.
        """
        return told(theirs.put(actor(), **wanted))

    @routes.changes(f"{here}/confirm", ConfirmMailbox, MailboxTold, said, (UnknownMailbox,))
    def confirm_mailbox(token: str) -> Mapping[str, Any]:
        """Confirm an address with the token that was sent there.

        From then on it is written to. Whoever has the token may confirm it, with any key.
        """
        return told(theirs.confirm(token))

    @routes.changes(f"{here}/end", Nothing, MailboxTold, said, (UnknownMailbox,), may_be_empty=True)
    def end_mailbox() -> Mapping[str, Any]:
        """Erase your address; no mail is sent any more.

        What waits for you and what happened is still shown here.
        """
        return told(theirs.end(actor()))

    _seen_routes(routes, journal)
    return routes


def told(one: Mailbox) -> dict[str, Any]:
    """A mailbox as answers show it; never its token."""
    return {**told_of(MailboxTold, one)}


def _seen_routes(routes: Routes, journal: Journal) -> None:
    """The routes of what has been seen."""
    seen = Seen(journal.engine)

    @routes.says("/notifications/seen", SeenTold, told="The position.")
    def show_seen() -> Response:
        """Up to where you have read what happened to you.

        What was recorded after it is new: `since` of your happenings lists it.
        """
        return jsonify(position=seen.upto(actor()))

    @routes.changes("/notifications/seen", SetSeen, SeenTold, "The position.")
    def set_seen(position: int) -> Mapping[str, Any]:
        """Say up to where you have read what happened to you.

        It only ever moves forward, and never beyond what is recorded.
        """
        return {"position": seen.read(actor(), min(position, journal.facts.head()))}
