"""The messages sent to people, as text and HTML: the request to confirm an address, the notice to
its former address, and the digest.

A digest lists what waits for its reader and what happened to them, in the words of the pages. It
never quotes what other people wrote beside a fact (comments, reasons, answers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Flask, g
from markupsafe import Markup

from api.sending.mailboxes import CONFIRMED, Mailbox
from api.web import words
from api.web.finding import told
from domain.journal import Journal
from domain.money.currency import money
from domain.permission import OPERATOR
from domain.printable import one_line
from projections import happenings, inbox, sentences, wording
from projections.inbox import InboxItem
from projections.store import View

MOST_WAITING, MOST_HAPPENED = 20, 50
"""How many of each a digest lists; of what waits, it also says how much there is in total."""

_APP = Flask("api", static_folder=None)
"""Provides the request context that the words of the pages need for addresses."""


class Digest(NamedTuple):
    """The content of a digest: what waits (``waits`` in total) and what happened."""

    waiting: Sequence[InboxItem]
    waits: int
    happened: Sequence[Mapping[str, Any]]

    def is_new(self, after: int) -> bool:
        """Whether anything in it is new since a position."""
        return bool(self.happened) or any(one["position"] > after for one in self.waiting)

    @property
    def proposals(self) -> set[str]:
        """The ids of the proposals it mentions."""
        waiting = {one["id"] for one in self.waiting if one["noun"] == "proposal"}
        happened = (one for one in self.happened if one["topic"].startswith("proposal."))
        return waiting.union(one["noun"] for one in happened)

    @property
    def subject(self) -> str:
        """The subject of the message, without names or titles."""
        parts = [f"{self.waits} waiting for you"] if self.waits else []
        parts += [f"{wording.several(len(self.happened), 'notification')}"] if self.happened else []
        return ", ".join(parts)


def digest_of(view: View, journal: Journal, one: Mailbox) -> Digest:
    """What waits for the holder of a mailbox, and what happened since the last digest."""
    waiting = inbox.inbox(view, journal, actor=one.holder, limit=MOST_WAITING).items
    if one.holder == OPERATOR:
        return Digest(waiting, inbox.how_many(view, journal, OPERATOR), [])
    happened = happenings.of_contributor(
        view, journal, one.holder, actor=one.holder, since=one.position, limit=MOST_HAPPENED
    ).items
    with _APP.test_request_context():
        sentences = told(view, happened, words.told_to)
        lines = [{**fact, "where": words.where(fact)} for fact in sentences]
    return Digest(waiting, inbox.how_many(view, journal, one.holder), lines)


class Sender(NamedTuple):
    """The mail address that messages come from, and the address of the pages they link to."""

    address: str
    pages: str


def confirming(one: Mailbox, sender: Sender, now: datetime) -> EmailMessage:
    """The message that asks to confirm an address."""
    link = f"{sender.pages}/mail/confirm/{one.token}"
    says = "Someone, probably you, wants to receive notifications from Stemma at this address."
    asks = "To confirm it, open this page:"
    token = "(For the API and the command line, the token is the last part of this address.)"
    else_ = "If it was not you, do nothing: nothing more will be sent here."
    page = Markup('<p>{}</p><p>{} <a href="{}">{}</a></p><p>{}</p>')
    return _message(
        one,
        sender,
        now,
        "Confirm your address",
        f"{says}\n\n{asks}\n{link}\n\n{token}\n\n{else_}\n",
        page.format(says, asks, link, link, else_),
    )


def replaced(one: Mailbox, former: str, sender: Sender, now: datetime) -> EmailMessage:
    """The message that tells a former address that another took its place."""
    says = (
        "Your notifications from Stemma are sent to another address from now on, not to this one."
    )
    else_ = "If it was not you, somebody has one of your keys: end those that you do not know here:"
    link = f"{sender.pages}/own-keys"
    page = Markup('<p>{}</p><p>{} <a href="{}">{}</a></p>').format(says, else_, link, link)
    was = one._replace(address=former, state="replaced")
    return _message(
        was, sender, now, "Your address was changed", f"{says}\n\n{else_}\n{link}\n", page
    )


def digesting(one: Mailbox, found: Digest, sender: Sender, now: datetime) -> EmailMessage:
    """The message with a digest."""
    with _APP.test_request_context():
        g.actor = one.holder
        waiting = [(one_line(_asks(each)), words.answer_at(each)) for each in found.waiting]
    happened = [
        (one_line(Markup(fact["sentence"]).striptags()), fact["where"]) for fact in found.happened
    ]
    text, page = "", Markup()
    for heading, lines, of in (
        ("Waiting for you", waiting, found.waits),
        ("What happened", happened, len(happened)),
    ):
        if lines:
            text += f"{heading}\n\n"
            text += "".join(f"- {says}\n  {sender.pages}{where}\n" for says, where in lines)
            items = Markup().join(
                Markup('<li><a href="{}{}">{}</a></li>').format(sender.pages, where, says)
                for says, where in lines
            )
            page += Markup("<h2>{}</h2><ul>{}</ul>").format(heading, items)
            if of > len(lines):
                text += f"  … and {of - len(lines)} more\n"
                page += Markup("<p>… and {} more</p>").format(of - len(lines))
            text += "\n"
    links = {
        "See all of it": f"{sender.pages}/waiting",
        "Change how often you get this": f"{sender.pages}/own-notifications",
        "Unsubscribe": _stop(one, sender),
    }
    text += "".join(f"{says}: {where}\n" for says, where in links.items())
    page += Markup("<p>{}</p>").format(
        Markup(" · ").join(
            Markup('<a href="{}">{}</a>').format(links[says], says) for says in links
        )
    )
    return _message(one, sender, now, found.subject, text, page)


def _asks(item: InboxItem) -> str:
    """An inbox item as a line: what to do, about which work, until when, and amounts."""
    about = [] if item["work"] is None else [sentences.called(item["work"])]
    return "; ".join([": ".join([item["does"], *about]), *_terms(item)])


def _terms(item: InboxItem) -> Iterator[str]:
    if item["deadline"]:
        since = "since" if item["is_overdue"] else "until"
        yield f"{since} {wording.day(item['deadline'])}"
    for amount in item["amounts"]:
        yield money(amount["amount_minor"], amount["currency"])


def _stop(one: Mailbox, sender: Sender) -> str:
    return f"{sender.pages}/mail/stop/{one.token}"


def _message(
    one: Mailbox, sender: Sender, now: datetime, subject: str, text: str, page: Markup
) -> EmailMessage:
    """A message; one that is sent again has the same Message-ID."""
    message = EmailMessage(SMTP.clone(cte_type="7bit"))  # not every server accepts eight
    message["Subject"] = f"Stemma: {subject}"
    message["From"], message["To"] = f"Stemma <{sender.address}>", one.address
    message["Date"] = format_datetime(now)
    of = sha256(f"{one.token} {one.state} {one.position}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{of}@{urlsplit(sender.pages).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    if one.state == CONFIRMED:
        message["List-Unsubscribe"] = f"<{_stop(one, sender)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    head = Markup('<!doctype html><html lang="en"><meta charset="utf-8"><title>{}</title>')
    body = Markup("<body>{}</body></html>").format(page)
    message.add_alternative(str(head.format(subject) + body), subtype="html")
    return message
