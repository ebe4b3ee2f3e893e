"""Webhooks: the URLs to which events of the feed are sent, and up to which position each has them.

They are rows, not facts: a URL may be withdrawn, and a secret is known only to its two sides.
Messages are signed according to Standard Webhooks.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_bytes
from typing import NamedTuple

from api.listing import WHOLE, Slice
from api.sending.turns import DISABLED, SENT, TAKEN, Turns
from domain.contributor import Contributor
from domain.engine import Engine, Table
from domain.identity import new_id
from domain.moment import instant
from domain.refusal import BadWebhook, UnknownWebhook

WEBHOOKS = Table(
    "webhooks",
    {
        **dict.fromkeys(("id", "holder", "url", "source", "secret", "state", "made_at"), "TEXT"),
        **dict.fromkeys(("position", "failures"), "BIGINT"),
        **dict.fromkeys(("types", "next_at", "failing_since", "said", "taken_until"), "TEXT NULL"),
    },
    keys=(("id",),),
)
PREFIX = "whsec_"
SECRET_BYTES = 32
MOST = 10
"""How many webhooks a holder may have."""

ACTIVE = "active"


class Webhook(NamedTuple):
    """A webhook as it is stored."""

    id: str
    holder: str
    url: str
    source: str
    """The address of this installation, the source of its events."""
    secret: str
    state: str
    made_at: str
    position: int
    """Everything up to here was delivered."""
    failures: int
    """How often sending the next event has failed."""
    types: str | None
    """The beginnings of the topics that are sent, separated by spaces; None means all topics."""
    next_at: str | None
    """When the next attempt is due; None means now."""
    failing_since: str | None
    said: str | None
    """Why the last attempt failed."""

    @property
    def place(self) -> tuple[str, str]:
        """Its place in a list."""
        return self.made_at, self.id

    def wants(self, topic: str) -> bool:
        """Whether facts of a topic are sent to it."""
        return self.types is None or topic.startswith(tuple(self.types.split()))


_COLUMNS = ", ".join(Webhook._fields)


class Webhooks:
    """The webhooks of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._turns = engine, Turns(engine, WEBHOOKS.name, "id", "position", "state")

    def add(
        self,
        holder: str,
        url: str,
        source: str,
        *,
        position: int,
        types: str | None = None,
        now: datetime,
        id: str | None = None,
    ) -> Webhook:
        """Create a webhook for the events after a position; BadWebhook if there are ``MOST``.

        With the ``id`` of one that the holder has, it creates no other.
        """
        secret = PREFIX + base64.b64encode(token_bytes(SECRET_BYTES)).decode()
        told = (new_id(id), holder, url, source, secret, ACTIVE, instant(now), position, 0)
        made = Webhook(*told, types, None, None, None)
        # Counted under the lock, as several may be added at the same moment.
        with self._engine.appending(WEBHOOKS, "SELECT 1") as (writer, _):
            there = f"SELECT {_COLUMNS} FROM webhooks WHERE id = :id AND holder = :holder"
            if found := writer.query(there, id=made.id, holder=holder):
                return Webhook(*found[0])
            count = "SELECT count(*) FROM webhooks WHERE holder = :holder"
            if writer.query(count, holder=holder)[0][0] >= MOST:
                raise BadWebhook(url, f"you already have {MOST}")
            writer.insert(WEBHOOKS, [(*made, None)])
        return made

    def of(self, holders: Collection[str] | None, part: Slice = WHOLE) -> list[Webhook]:
        """The webhooks of these holders (None: all), oldest first."""
        rows = part.rows(
            self._engine,
            f"SELECT {_COLUMNS} FROM webhooks "
            f"WHERE {'1 = 1' if holders is None else 'holder IN :holders'}",
            "made_at, id",
            **({} if holders is None else {"holders": sorted(holders)}),
        )
        return [Webhook(*row) for row in rows]

    def named(self, id: str, holders: Collection[str] | None) -> Webhook:
        """The webhook with this id; UnknownWebhook if none of these holders (None: all) has it."""
        found = [one for one in self.of(holders) if one.id == id]
        if not found:
            raise UnknownWebhook(id)
        return found[0]

    def end(self, id: str) -> None:
        """Delete a webhook, so that nothing more is sent to it."""
        self._engine.execute("DELETE FROM webhooks WHERE id = :id", id=id)

    def go_on(self, id: str, after: int | None = None) -> None:
        """Resume sending: from what is missing or, again, everything after a position."""
        again = "" if after is None else ", position = :after"
        self._engine.execute(
            "UPDATE webhooks SET state = 'active', failures = 0, next_at = NULL, "
            f"failing_since = NULL, said = NULL{again} WHERE id = :id",
            id=id,
            **({} if after is None else {"after": after}),
        )

    # -- delivering ------------------------------------------------------------------------

    def due(self, now: datetime, head: int) -> list[Webhook]:
        """The webhooks that are due; those of forgotten people are deleted first."""
        self._engine.execute(
            "DELETE FROM webhooks WHERE holder IN (SELECT originator_id FROM stored_events "
            "WHERE topic = :topic)",
            topic=Contributor.Forgotten.TOPIC,
        )
        is_behind = "state = 'active' AND position < :head"
        rows = self._turns.due(_COLUMNS, is_behind, "position", now, head=head)
        return [Webhook(*row) for row in rows]

    def take(self, one: Webhook, now: datetime) -> bool:
        """Take its turn for this process; False if another process has it, or it was changed."""
        return self._turns.take(one, now)

    def delivered(self, one: Webhook, upto: int, now: datetime) -> bool:
        """Note that everything up to a position was delivered, and keep the turn for more.

        False if it was replayed, disabled or ended meanwhile.
        """
        going_on = {"position": upto, "taken_until": instant(now + TAKEN)}
        return self._turns.after(one, SENT | going_on)

    def leave(self, one: Webhook) -> None:
        """Give up its turn, so that other processes may take it."""
        self._engine.execute("UPDATE webhooks SET taken_until = NULL WHERE id = :id", id=one.id)

    def failed(
        self,
        one: Webhook,
        why: str,
        now: datetime,
        *,
        is_final: bool = False,
        wait: timedelta = timedelta(),
    ) -> None:
        """Note that sending the next event failed: it is tried again later, or no more if final or
        for too long; the receiver may have asked to ``wait``."""
        self._turns.failed(one, ACTIVE, DISABLED, why, now, is_final=is_final, wait=wait)


def signed(secret: str, id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a message signed with a secret. Source: Standard Webhooks 1.0."""
    seconds = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    mac = hmac.digest(key, b".".join((id.encode(), seconds.encode(), body)), sha256)
    return {
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
