"""Sending digests by mail, each at least once, through the mail server of the settings.

Everybody who wants mail has a turn of their own, beside those of webhooks. What was handed over is
written down, so that a restart goes on from there; what a repetition would say again has the same
id.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from typing import NamedTuple

from api.sending.mailboxes import NEW, Mailbox, Mailboxes
from api.sending.outbound import kind_of, trusting
from api.web.mail import Digest, Sender, confirming, digest_of, digesting, replaced
from domain.money.proposing import NotifyOfProposal
from domain.refusal import Refusal
from projections.inbox import Notifying, to_notify
from scripts.service import Service
from scripts.settings import Settings, mail_server_in, read_mail_password

SECONDS = 20.0
"""The timeout for each answer of the server."""
PERMANENT = range(500, 600)


class MailServer(NamedTuple):
    """A mail server, and the sender of messages."""

    host: str
    port: int
    security: str
    """How the connection is encrypted: starttls, tls or none."""
    user: str
    password: str
    sender: Sender
    authorities: str = ""
    """A file with certificates that are trusted besides those of the machine."""

    def send(self, message: EmailMessage) -> None:
        """Hand a message over; raises smtplib.SMTPException or OSError."""
        context = trusting(self.authorities)
        where = (self.host, self.port)
        if self.security == "tls":
            opened: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=SECONDS, context=context)
        else:
            opened = smtplib.SMTP(*where, timeout=SECONDS)
        with opened as server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message, self.sender.address, message["To"])


def mail_server(settings: Settings) -> MailServer | None:
    """The mail server of the settings; None if they name none."""
    if not settings.smtp:
        return None
    sender = Sender(settings.mail_from, settings.address)
    password = read_mail_password(settings)
    return MailServer(*mail_server_in(settings.smtp), password, sender, settings.authorities)


class Mailing:
    """The mail of one database."""

    def __init__(self, service: Service, server: MailServer, clock: Callable[[], datetime]) -> None:
        self._journal, self._store = service.journal, service.store
        self._server, self._clock = server, clock
        self._mailboxes = Mailboxes(service.engine)

    def due(self, now: datetime, head: int) -> list[Mailbox]:
        """The mailboxes to which something may have to be sent now."""
        return list(self._mailboxes.due(now, head))

    def turn(self, one: Mailbox) -> bool:
        """Send a mailbox its digest; False if that failed, or another process is doing it."""
        if not self._mailboxes.take(one, self._clock()):
            return False
        if one.state == NEW:
            self._tell_former(one)
            message = confirming(one, self._server.sender, self._clock())
            if is_sent := self._sent(one, message):
                self._mailboxes.has_asked(one, self._clock())
            return is_sent
        with self._store.view() as view:
            found, upto = digest_of(view, self._journal, one), view.as_of
            notifying = to_notify(view, self._journal, one.holder)
        is_new = found.is_new(one.position)
        if is_new:
            if not self._sent(one, self._digest(one, found)):
                return False
            self._record(each for each in notifying if each.proposal in found.proposals)
        self._mailboxes.looked(one, upto, self._clock(), is_sent=is_new)
        return True

    def _tell_former(self, one: Mailbox) -> None:
        """Tell the former address, once, whether or not anybody reads there any more."""
        if one.former and not one.failures:
            with suppress(smtplib.SMTPException, OSError):
                self._server.send(replaced(one, one.former, self._server.sender, self._clock()))

    def _record(self, notified: Iterable[Notifying]) -> None:
        """Record that people were notified of proposals: their time to comment starts now."""
        for each in notified:
            with suppress(Refusal):  # the proposal was revised, or ended, meanwhile
                command = NotifyOfProposal(
                    proposal=each.proposal,
                    contributor=each.account,
                    means="email",
                    version=each.version,
                )
                self._journal.record(command)

    def failed(self, one: Mailbox, why: str) -> None:
        """Note that sending to a mailbox failed, and try again later."""
        self._mailboxes.failed(one, why, self._clock())

    def _digest(self, one: Mailbox, found: Digest) -> EmailMessage:
        return digesting(one, found, self._server.sender, self._clock())

    def _sent(self, one: Mailbox, message: EmailMessage) -> bool:
        try:
            self._server.send(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            why = f"{code} {said.decode(errors='replace')}"
            is_final = code in PERMANENT
            self._mailboxes.failed(one, why, self._clock(), is_final=is_final)
            return False
        except (smtplib.SMTPException, OSError) as error:
            self._mailboxes.failed(one, f"the mail server: {kind_of(error)}", self._clock())
            return False
        return True
