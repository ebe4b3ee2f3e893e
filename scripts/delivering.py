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
from contextvars import copy_context
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
SLOW_AT_ONCE = 4
"""How many more, of those whose last turn took too long."""
IN_A_ROW = 50
"""How many events one webhook gets before others have their turn."""
TURN_SECONDS = 5.0
"""The time after which a holder's webhooks get no further event in the same turn."""
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
        self._prompt = ThreadPoolExecutor(AT_ONCE, "deliver")
        self._slow = ThreadPoolExecutor(SLOW_AT_ONCE, "deliver slowly")
        self._late: set[str] = set()
        """The holders and mailboxes whose last turn took too long."""
        self._served: dict[str, float] = {}
        """When each webhook was served last."""
        self._busy: dict[str, Future[None]] = {}

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

    def _begin(self, id: str, serve: Callable[[T], None], one: T) -> None:
        """Serve a recipient, unless it is being served.

        Those who were slow have threads of their own, so that however many they are, the others
        wait for each of them once at most.
        """

        def turn() -> None:
            begun = time.monotonic()
            serve(one)
            is_late = time.monotonic() - begun > TURN_SECONDS
            (self._late.add if is_late else self._late.discard)(id)

        if id not in self._busy:
            threads = self._slow if id in self._late else self._prompt
            self._busy[id] = threads.submit(turn)

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
        self._prompt.shutdown()
        self._slow.shutdown()

    def _turns(self, webhooks: Sequence[Webhook]) -> None:
        """Serve those of a holder one after the other, first the one that has waited longest."""
        end = time.monotonic() + TURN_SECONDS
        for one in sorted(webhooks, key=lambda one: self._served.get(one.id, 0.0)):
            if time.monotonic() > end:
                break
            self._served[one.id] = time.monotonic()
            if self._webhooks.take(one, self._clock()):
                self._turn(one, end)

    def _turn(self, one: Webhook, end: float) -> None:
        try:
            self._send(one, end)
        except Exception:
            log.exception("delivering to a webhook failed")
            self._webhooks.failed(one, "an error of this server", self._clock())

    def _mail(self, one: Mailbox) -> None:
        assert self._mailing
        try:
            self._mailing.turn(one)
        except Exception:
            log.exception("sending mail failed")
            self._mailing.failed(one, "an error of this server")

    def _send(self, one: Webhook, end: float) -> None:
        """Send the next events, up to the first that is not accepted, while there is time."""
        with self._store.view() as view:
            found = stretch(view, self._journal, one.source, one.position, IN_A_ROW)
        for event in found.events:
            if one.wants(event["type"]):
                if time.monotonic() > end:
                    break
                if not self._is_taken(one, event):
                    return
                upto = int(event["id"])
                if not self._webhooks.delivered(one, upto, self._clock()):
                    return
                one = one._replace(position=upto, failures=0, failing_since=None)
        else:
            if found.upto > one.position:
                self._webhooks.delivered(one, found.upto, self._clock())
        self._webhooks.leave(one)

    def _is_taken(self, one: Webhook, event: CloudEvent) -> bool:
        """Send an event; if it is not accepted, the turn has failed."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed(one.secret, id_of(event), body, self._clock())
        headers |= {"Content-Type": ONE, "User-Agent": "stemma", "Connection": "close"}
        try:
            taken = post(one.url, body, headers, self._allowed, self._authorities)
        except Unreached as problem:
            self._webhooks.failed(one, str(problem), self._clock())
            return False
        if 200 <= taken.status < 300:
            return True
        is_gone, now = taken.status == GONE, self._clock()
        why, wait = str(taken.status), taken.wait(now)
        self._webhooks.failed(one, why, now, is_final=is_gone, wait=wait)
        return False


def id_of(event: CloudEvent) -> str:
    """The same for every attempt; another for another fact at the position, after a restore."""
    return f"fact_{event['id']}_{''.join(filter(str.isalnum, event['time']))}"


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
        deliverer.close()

    thread = threading.Thread(target=copy_context().run, args=(run,), name="deliver", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        service.engine.end(thread)

    return stop
