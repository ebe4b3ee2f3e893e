"""Delivering events of the feed to webhooks, in order, and mail; each at least once.

Each webhook and mailbox has its own pace: one that is slow or fails delays no other, and never a
write. Progress is stored after each acknowledgement, so that a restart continues from there.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from api.allowance import Network
from api.sending.mailboxes import Mailbox
from api.sending.outbound import Unreached, post
from api.sending.webhooks import Webhook, Webhooks, signed
from domain.journal import Journal
from projections.feed import ONE, CloudEvent, stretch
from projections.store import Store
from scripts.mailing import Mailing, MailServer, mail_server
from scripts.service import Service
from scripts.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_SECONDS = 1.0
"""The interval between looking for something to send."""
AT_ONCE = 8
"""How many recipients are served at the same time."""
IN_A_ROW = 50
"""How many events one webhook gets before others have their turn."""
TURN_SECONDS = 10.0
"""The time after which it gets no further event in the same turn."""
GONE = 410


class Deliverer:
    """Sends to the webhooks of one database."""

    def __init__(
        self,
        service: Service,
        allowed: Sequence[Network] = (),
        clock: Callable[[], datetime] | None = None,
        *,
        authorities: str = "",
        server: MailServer | None = None,
    ) -> None:
        self._journal: Journal = service.journal
        self._store: Store = service.store
        self._webhooks, self._allowed = Webhooks(service.engine), allowed
        self._authorities = authorities
        self._clock = clock or service.journal.clock
        self._mailing = server and Mailing(service, server, self._clock)
        self._threads = ThreadPoolExecutor(AT_ONCE, "deliver")
        self._busy: dict[str, Future[bool]] = {}

    def look(self) -> int:
        """Start sending to recipients that are due; returns to how many it is sending."""
        self._busy = {id: one for id, one in self._busy.items() if not one.done()}
        now, head = self._clock(), self._store.current().position
        theirs = defaultdict[str, list[Webhook]](list)
        for one in self._webhooks.due(now, head):
            theirs[one.holder].append(one)
        for holder, webhooks in theirs.items():
            self._begin(holder, self._turns, webhooks)
        for box in self._mailing.due(now, head) if self._mailing else ():
            self._begin(box.token, self._mail, box)
        return len(self._busy)

    def _begin(self, id: str, turn: Callable[[T], bool], one: T) -> None:
        if id not in self._busy:
            self._busy[id] = self._threads.submit(turn, one)

    def deliver_all(self) -> int:
        """Send until nothing is due any more; returns the number of turns it took."""
        turns = 0
        while self.look():
            for one in list(self._busy.values()):
                one.result()
            turns += 1
        return turns

    def close(self) -> None:
        """Wait until everything being sent is finished."""
        self._threads.shutdown()

    def _turns(self, webhooks: Sequence[Webhook]) -> bool:
        """Serve one after the other, so that slow ones hold up only those of the same holder."""
        taken = [self._turn(one) for one in webhooks]
        return all(taken)

    def _turn(self, one: Webhook) -> bool:
        if not self._webhooks.take(one, self._clock()):
            return False
        try:
            return self._send(one)
        except Exception:
            log.exception("delivering to a webhook failed")
            self._webhooks.failed(one, "an error of this server", self._clock())
            return False

    def _mail(self, one: Mailbox) -> bool:
        assert self._mailing
        try:
            return self._mailing.turn(one)
        except Exception:
            log.exception("sending mail failed")
            self._mailing.failed(one, "an error of this server")
            return False

    def _send(self, one: Webhook) -> bool:
        """Send the next events, up to the first that is not accepted."""
        with self._store.view() as view:
            found = stretch(view, self._journal, one.source, one.position, IN_A_ROW)
        end = time.monotonic() + TURN_SECONDS
        for event in found.events:
            if one.wants(event["type"]):
                if time.monotonic() > end:
                    break
                if why := self._refused(one, event):
                    is_gone = why == str(GONE)
                    self._webhooks.failed(one, why, self._clock(), is_final=is_gone)
                    return False
                upto = int(event["id"])
                if not self._webhooks.delivered(one, upto, self._clock()):
                    return False
                one = one._replace(position=upto, failures=0, failing_since=None)
        else:
            if found.upto > one.position:
                self._webhooks.delivered(one, found.upto, self._clock())
        self._webhooks.leave(one)
        return True

    def _refused(self, one: Webhook, event: CloudEvent) -> str:
        """Send an event; returns why it was not accepted, or the empty text."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed(one.secret, f"fact_{event['id']}", body, self._clock())
        headers |= {"Content-Type": ONE, "User-Agent": "stemma", "Connection": "close"}
        try:
            answer = post(one.url, body, headers, self._allowed, self._authorities)
        except Unreached as problem:
            return str(problem)
        return "" if 200 <= answer.status < 300 else str(answer.status)


def deliverer_of(service: Service, settings: Settings) -> Deliverer:
    """The deliverer that the settings describe."""
    return Deliverer(
        service,
        settings.webhook_networks,
        authorities=settings.authorities,
        server=mail_server(settings),
    )


def start_delivering(service: Service, settings: Settings) -> Callable[[], None]:
    """Deliver in a thread of this process; returns the function that stops it."""
    deliverer, stopped = deliverer_of(service, settings), threading.Event()

    def run() -> None:
        while not stopped.wait(LOOK_SECONDS):
            try:
                deliverer.look()
            except Exception as error:  # the database does not answer
                log.warning("webhooks and mail wait: %s", error)

    thread = threading.Thread(target=run, name="deliver", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        thread.join()
        deliverer.close()

    return stop
