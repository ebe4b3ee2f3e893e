"""Mailboxes: the addresses where people want digests, how often, and up to which position they
have had them.

They are rows, not facts: an address is private, and is erased with its holder. Until an address is
confirmed from there, the only message sent to it is the one that asks for that. The confirmed one
before it gets a message that it was replaced, and is then erased.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, NamedTuple

from api.listing import WHOLE, Slice
from api.sending.turns import DISABLED, SENT, Turns
from domain.contributor import Contributor
from domain.engine import Engine, Table, Transaction
from domain.moment import instant
from domain.outside import public_host
from domain.refusal import BadAddress, UnknownMailbox

MAILBOXES = Table(
    "mailboxes",
    {
        **dict.fromkeys(("holder", "address", "often", "state", "token", "made_at"), "TEXT"),
        **dict.fromkeys(("position", "failures"), "BIGINT"),
        **dict.fromkeys(("asked_at", "sent_at", "next_at", "failing_since"), "TEXT NULL"),
        **dict.fromkeys(("said", "former", "taken_until"), "TEXT NULL"),
    },
    keys=(("holder",), ("token",)),
)

PAUSES: Mapping[str, timedelta] = {
    "at_once": timedelta(minutes=5),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
}
"""The time after a digest until the next one may be sent, if there is something new."""
NEVER = "never"
OFTEN = (NEVER, *PAUSES)
USUALLY = "daily"

NEW, ASKED, CONFIRMED = "new", "asked", "confirmed"
"""The states: a confirmation is to be sent, was sent, was given; sending failed for days."""
LEAST_BETWEEN = timedelta(minutes=10)
"""The least time between two confirmation messages for one person."""
LONGEST_ADDRESS = 254
TOKEN_BYTES = 32

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""The part before the @ (RFC 5321, Dot-string)."""


class Mailbox(NamedTuple):
    """A mailbox as it is stored."""

    holder: str
    address: str
    often: str
    state: str
    token: str
    """The secret in links with which its reader confirms the address and stops the mail."""
    made_at: str
    position: int
    """The next digest covers what is recorded after this position."""
    failures: int
    asked_at: str | None
    sent_at: str | None
    next_at: str | None
    failing_since: str | None
    said: str | None
    """Why sending failed last."""
    former: str | None
    """The confirmed address that this one replaces, until it was told."""

    @property
    def place(self) -> tuple[str, str]:
        """Its place in a list."""
        return self.made_at, self.holder

    @property
    def is_told(self) -> bool:
        """Whether digests are sent to it."""
        return self.state == CONFIRMED and self.often != NEVER


_COLUMNS = ", ".join(Mailbox._fields)
_FORGOTTEN = "SELECT originator_id FROM stored_events WHERE topic = :forgotten"


def must_be_address(text: str) -> str:
    """A mail address in the form to send to; raises BadAddress if it is not one."""
    local, _, host = text.rpartition("@")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        raise BadAddress("the part before the @ may have only ASCII letters, digits and signs")
    try:
        host = public_host(host)
    except ValueError:
        raise BadAddress("the part after the @ is not a host name") from None
    if "." not in host or len(local) + len(host) >= LONGEST_ADDRESS:
        raise BadAddress("the part after the @ is not the name of a public host")
    return f"{local}@{host}"


class Mailboxes:
    """The mailboxes of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns = Turns(
            engine, MAILBOXES.name, "holder", "token", "position", longest_pause=PAUSES["weekly"]
        )

    def of(self, holders: Collection[str] | None, part: Slice = WHOLE) -> list[Mailbox]:
        """The mailboxes of these holders (None: all), oldest first."""
        if holders is None:
            return self._found("1 = 1", part)
        return self._found("holder IN :holders", part, holders=sorted(holders))

    def _found(self, where: str, part: Slice = WHOLE, **values: Any) -> list[Mailbox]:
        return self._rows(f"{where} AND address <> ''", part, **values)

    def _rows(self, where: str, part: Slice = WHOLE, **values: Any) -> list[Mailbox]:
        """Mailboxes, including those that were ended lately and have no address."""
        rows = part.rows(
            self._engine,
            f"SELECT {_COLUMNS} FROM mailboxes WHERE {where} AND NOT holder IN ({_FORGOTTEN})",
            "made_at, holder",
            forgotten=Contributor.Forgotten.TOPIC,
            **values,
        )
        return [Mailbox(*row) for row in rows]

    def told(self, holders: Collection[str]) -> set[str]:
        """Those of these holders to whom digests are sent."""
        return {one.holder for one in self.of(holders) if one.is_told}

    def by_token(self, token: str) -> Mailbox:
        """The mailbox with the token in a link; UnknownMailbox if there is none any more."""
        found = self._found("token = :token", token=token)
        if not found:
            raise UnknownMailbox(token)
        return found[0]

    def put(
        self, holder: str, address: str, often: str, *, position: int, now: datetime
    ) -> Mailbox:
        """Set somebody's address and how often they want mail; a new address has to be confirmed.

        Raises BadAddress if a confirmation was sent less than ``LEAST_BETWEEN`` ago.
        """
        made = (holder, address, often, NEW, token_hex(TOKEN_BYTES), instant(now), position, 0)
        with self._alone(holder) as (writer, there):
            if there is not None and there.address == address and there.state != DISABLED:
                change = (
                    "UPDATE mailboxes SET often = :often, next_at = NULL WHERE holder = :holder"
                )
                writer.execute(change, often=often, holder=holder)
            else:
                asked_at = there and there.asked_at
                former = there and (there.address if there.state == CONFIRMED else there.former)
                # A time in the future is of a clock that was set back since.
                if asked_at and abs(now - datetime.fromisoformat(asked_at)) < LEAST_BETWEEN:
                    raise BadAddress("a confirmation has just been sent; try again in ten minutes")
                writer.execute("DELETE FROM mailboxes WHERE holder = :holder", holder=holder)
                former = None if former == address else former
                writer.insert(MAILBOXES, [(*made, asked_at, *[None] * 4, former, None)])
        return self.of([holder])[0]

    @contextmanager
    def _alone(self, holder: str) -> Iterator[tuple[Transaction, Mailbox | None]]:
        """A transaction with a holder's row, which nobody else changes meanwhile."""
        with self._engine.appending(MAILBOXES, "SELECT 1") as (writer, _):
            found = writer.query(
                f"SELECT {_COLUMNS} FROM mailboxes WHERE holder = :holder", holder=holder
            )
            yield writer, Mailbox(*found[0]) if found else None

    def confirm(self, token: str, position: int) -> Mailbox:
        """Confirm an address; digests begin after ``position``."""
        one = self.by_token(token)
        if one.state != CONFIRMED:
            self._change(
                f"state = '{CONFIRMED}', position = :position, failures = 0, next_at = NULL, "
                "failing_since = NULL, said = NULL",
                one.holder,
                position=position,
            )
        return self.by_token(token)

    def stop(self, token: str) -> Mailbox:
        """Send no more digests to an address."""
        one = self.by_token(token)
        self._change(f"often = '{NEVER}'", one.holder)
        return self.by_token(token)

    def end(self, holder: str) -> None:
        """Erase the address of a holder.

        When a confirmation was last sent is kept, so that ending does not allow another at once.
        """
        with self._alone(holder) as (writer, there):
            writer.erase("mailboxes", "holder", [holder])
            if there is not None and there.asked_at is not None:
                ended = (holder, "", NEVER, DISABLED, token_hex(TOKEN_BYTES), there.made_at, 0, 0)
                writer.insert(MAILBOXES, [(*ended, there.asked_at, *[None] * 6)])

    def _change(self, changes: str, holder: str, **values: str | int) -> None:
        self._engine.execute(
            f"UPDATE mailboxes SET {changes} WHERE holder = :holder", holder=holder, **values
        )

    # -- delivering ------------------------------------------------------------------------

    def due(self, now: datetime, head: int) -> Sequence[Mailbox]:
        """The mailboxes that are due; those of forgotten people are erased first."""
        topic = Contributor.Forgotten.TOPIC
        gone = f"SELECT holder FROM mailboxes WHERE holder IN ({_FORGOTTEN})"
        if forgotten := self._engine.query(gone, forgotten=topic):
            with self._engine.transaction() as writer:
                writer.erase("mailboxes", "holder", [holder for (holder,) in forgotten])
        is_behind = f"state = '{CONFIRMED}' AND often <> '{NEVER}' AND position < :head"
        is_either = f"state = '{NEW}' OR {is_behind}"
        rows = self._turns.due(_COLUMNS, is_either, "next_at", now, head=head)
        return [Mailbox(*row) for row in rows]

    def take(self, one: Mailbox, now: datetime) -> bool:
        """Take its turn for this process; False if another process has it, or it was changed.

        That a confirmation is sent is noted before, so that a change meanwhile allows no other.
        """
        asked = {"asked_at": instant(now)} if one.state == NEW else {}
        return self._turns.take(one, now, "state", "often", **asked)

    def has_asked(self, one: Mailbox, now: datetime) -> None:
        """Note that the message that asks for a confirmation was sent."""
        self._turns.after(one, {"state": ASKED, "asked_at": instant(now), "former": None, **SENT})

    def looked(self, one: Mailbox, upto: int, now: datetime, *, is_sent: bool) -> None:
        """Note that a digest was sent, or that there was nothing new up to a position."""
        sent = SENT | {"sent_at": instant(now)} if is_sent else {}
        pause = PAUSES[one.often if is_sent else "at_once"]
        self._turns.after(one, sent | {"position": upto, "next_at": instant(now + pause)})

    def failed(self, one: Mailbox, why: str, now: datetime, *, is_final: bool = False) -> None:
        """Note that sending failed: it is tried again later or, after too long, no more."""
        self._turns.failed(one, one.state, DISABLED, why, now, is_final=is_final)
