"""Turns: each recipient (a webhook or a mailbox) is served by one process at a time.

Failed sending is retried at growing intervals, and given up after days. The outcome of a turn never
overwrites a row that was changed since the turn was taken.

A stored time later than any that can be reached is of a clock that was set back since, and counts
for nothing: twice as late, since the clocks of other machines may be ahead of this one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from domain.engine import Engine
from domain.moment import instant

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
"""The pause after the first failure doubles with each further one, up to the longest."""
PATIENCE = timedelta(days=3)
"""After so long without success, a recipient is disabled."""
TAKEN = timedelta(seconds=60)
"""How long a process holds a turn; after that, another process may take it."""

DISABLED = "disabled"
"""The state of a recipient to whom nothing is sent any more."""

_FREE = "(taken_until IS NULL OR taken_until <= :now OR taken_until > :longest_turn)"
"""The condition that no process holds the turn."""
SENT: dict[str, Any] = {"failures": 0, "next_at": None, "failing_since": None, "said": None}
"""The columns of failure, reset once something was sent."""


class Turn(Protocol):
    """A recipient: a row of the table."""

    @property
    def failures(self) -> int:
        """How often sending has failed in a row."""

    @property
    def failing_since(self) -> str | None:
        """When the first of these failures was; None if there is none."""


class Turns:
    """The turns of one table; a row counts as unchanged while its columns ``same`` are equal."""

    def __init__(
        self, engine: Engine, table: str, *same: str, longest_pause: timedelta = LONGEST_PAUSE
    ) -> None:
        self._engine, self._table, self._same = engine, table, same
        self._longest_pause = longest_pause

    def due(
        self, columns: str, where: str, order: str, now: datetime, **values: Any
    ) -> list[tuple[Any, ...]]:
        """The rows that meet a condition, are due, and are held by no process, in an order."""
        return self._engine.query(
            f"SELECT {columns} FROM {self._table} WHERE ({where}) "
            "AND (next_at IS NULL OR next_at <= :now OR next_at > :longest_pause) "
            f"AND {_FREE} ORDER BY {order}",
            longest_pause=instant(now + 2 * self._longest_pause),
            **_times(now),
            **values,
        )

    def take(self, one: Turn, now: datetime, *further: str, **changes: str) -> bool:
        """Take a turn for this process; False if another holds it, or the row was changed.

        ``further`` columns must be unchanged too.
        """
        changes["taken_until"] = instant(now + TAKEN)
        return self._change(one, changes, further, f" AND {_FREE}", **_times(now))

    def after(self, one: Turn, changes: dict[str, Any]) -> bool:
        """End a turn with these changes to the row; False if the row was changed meanwhile."""
        return self._change(one, {"taken_until": None, **changes})

    def failed(
        self,
        one: Turn,
        state: str,
        disabled: str,
        why: str,
        now: datetime,
        *,
        is_final: bool,
        wait: timedelta = timedelta(),
    ) -> None:
        """End a turn that failed: another follows later or, if final or for too long, none.

        ``wait`` is the least that the recipient asks for; it gets no more than the longest pause.
        """
        since = one.failing_since or instant(now)
        is_over = is_final or instant(now - PATIENCE) >= since
        pause = min(max(FIRST_PAUSE * 2 ** min(one.failures, 20), wait), LONGEST_PAUSE)
        changes = {"state": disabled if is_over else state, "failures": one.failures + 1}
        changes |= {"next_at": instant(now + pause), "failing_since": since, "said": why[:200]}
        self.after(one, changes)

    def _change(
        self,
        one: Turn,
        changes: dict[str, Any],
        further: tuple[str, ...] = (),
        condition: str = "",
        **values: str,
    ) -> bool:
        said = ", ".join(f"{name} = :new_{name}" for name in changes)
        same = {name: getattr(one, name) for name in (*self._same, *further)}
        where = " AND ".join(f"{name} = :{name}" for name in same)
        return bool(
            self._engine.execute(
                f"UPDATE {self._table} SET {said} WHERE {where}{condition}",
                **{f"new_{name}": value for name, value in changes.items()},
                **same,
                **values,
            )
        )


def _times(now: datetime) -> dict[str, str]:
    """The values of ``_FREE``."""
    return {"now": instant(now), "longest_turn": instant(now + 2 * TAKEN)}


def recipients_of(engine: Engine) -> list[tuple[str, str, int]]:
    """How many webhooks and mailboxes there are, by their state."""
    told = (
        f"CASE WHEN state = '{DISABLED}' THEN '{DISABLED}' "
        "WHEN failing_since IS NULL THEN 'served' ELSE 'failing' END"
    )
    return [
        (kind, state, number)
        for kind, table in (("webhook", "webhooks"), ("mailbox", "mailboxes"))
        for state, number in engine.query(f"SELECT {told}, count(*) FROM {table} GROUP BY 1")
    ]
