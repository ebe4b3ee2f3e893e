"""Webhooks: who is sent the events of the feed, how far, and what became of it.

They are rows, not facts: an address may be taken back, and a secret is known to two alone. Each is
signed as Standard Webhooks says.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from typing import NamedTuple

from api.sending.turns import SENT, TAKEN, Turns
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
"""How many somebody may have."""

ACTIVE, DISABLED = "active", "disabled"


class Webhook(NamedTuple):
    """A webhook as it is stored."""

    id: str
    holder: str
    url: str
    source: str
    """The address of this installation, as events name it."""
    secret: str
    state: str
    made_at: str
    position: int
    """Up to where everything was delivered."""
    failures: int
    """How often sending the next event has failed."""
    types: str | None
    """The beginnings of the topics that are sent, separated by spaces; null is every one."""
    next_at: str | None
    """Nothing is sent before."""
    failing_since: str | None
    said: str | None
    """Why the last attempt failed."""

    def wants(self, topic: str) -> bool:
        """Whether facts of a topic are sent."""
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
    ) -> Webhook:
        """A new one, from after a position on."""
        if len(self.of([holder])) >= MOST:
            raise BadWebhook(url, f"you already have {MOST}")
        secret = PREFIX + base64.b64encode(token_bytes(SECRET_BYTES)).decode()
        told = (new_id(None), holder, url, source, secret, ACTIVE, instant(now), position, 0)
        made = Webhook(*told, types, None, None, None)
        with self._engine.transaction() as writer:
            writer.insert(WEBHOOKS, [(*made, None)])
        return made

    def of(self, holders: Collection[str] | None) -> list[Webhook]:
        """Those of some people, or all; the oldest first."""
        where = "" if holders is None else "WHERE holder IN :holders "
        rows = self._engine.query(
            f"SELECT {_COLUMNS} FROM webhooks {where}ORDER BY made_at, id",
            **({} if holders is None else {"holders": sorted(holders)}),
        )
        return [Webhook(*row) for row in rows]

    def named(self, id: str, holders: Collection[str] | None) -> Webhook:
        """One of them; UnknownWebhook if there is none of theirs."""
        found = [one for one in self.of(holders) if one.id == id]
        if not found:
            raise UnknownWebhook(id)
        return found[0]

    def end(self, id: str) -> None:
        """Nothing is sent any more."""
        self._engine.execute("DELETE FROM webhooks WHERE id = :id", id=id)

    def go_on(self, id: str, after: int | None = None) -> None:
        """Send again from now on: what is missing, or everything after a position."""
        again = "" if after is None else ", position = :after"
        self._engine.execute(
            "UPDATE webhooks SET state = 'active', failures = 0, next_at = NULL, "
            f"failing_since = NULL, said = NULL{again} WHERE id = :id",
            id=id,
            **({} if after is None else {"after": after}),
        )

    # -- delivering ------------------------------------------------------------------------

    def due(self, now: datetime, head: int) -> list[Webhook]:
        """Those to which something may be sent now; those of the forgotten are erased."""
        self._engine.execute(
            "DELETE FROM webhooks WHERE holder IN (SELECT originator_id FROM stored_events "
            "WHERE topic = :topic)",
            topic=Contributor.Forgotten.TOPIC,
        )
        is_behind = "state = 'active' AND position < :head"
        rows = self._turns.due(_COLUMNS, is_behind, "position", now, head=head)
        return [Webhook(*row) for row in rows]

    def take(self, one: Webhook, now: datetime) -> bool:
        """Have it for this process; False if another has it, or it was changed."""
        return self._turns.take(one, now)

    def delivered(self, one: Webhook, upto: int, now: datetime) -> bool:
        """Everything up to here was, and more is; False if it was replayed or ended meanwhile."""
        going_on = {"position": upto, "taken_until": instant(now + TAKEN)}
        return self._turns.after(one, SENT | going_on)

    def leave(self, one: Webhook) -> None:
        """Let other processes have it."""
        self._engine.execute("UPDATE webhooks SET taken_until = NULL WHERE id = :id", id=one.id)

    def failed(self, one: Webhook, why: str, now: datetime, *, is_final: bool = False) -> None:
        """Sending the next event failed: it is sent again later, or never after too long."""
        self._turns.failed(one, ACTIVE, DISABLED, why, now, is_final=is_final)


def signed(secret: str, id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a message by Standard Webhooks 1.0."""
    seconds = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    mac = hmac.digest(key, b".".join((id.encode(), seconds.encode(), body)), sha256)
    return {
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
