"""Turns: to whom something is sent has a turn, which one process takes at a time.

What was sent in vain is sent again, ever more rarely, and after days no more. What was changed
since a turn was taken is not written over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from domain.engine import Engine
from domain.moment import instant

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
"""How long is waited after the first failure; twice as long after each further one, up to this."""
PATIENCE = timedelta(days=3)
"""After so long without an answer it is disabled."""
TAKEN = timedelta(seconds=60)
"""For so long a process has a turn for itself; then another one goes on."""

_FREE = "(taken_until IS NULL OR taken_until <= :now)"
"""The condition that no process has a turn now."""
SENT: dict[str, Any] = {"failures": 0, "next_at": None, "failing_since": None, "said": None}
"""What is no longer so once something was sent."""


class Turn(Protocol):
    """To whom something is sent: a row of a table."""

    @property
    def failures(self) -> int:
        """How often sending the next thing has failed."""

    @property
    def failing_since(self) -> str | None:
        """Since when."""


class Turns:
    """The turns of one table; ``same`` are the columns by which a row is known again."""

    def __init__(self, engine: Engine, table: str, *same: str) -> None:
        self._engine, self._table, self._same = engine, table, same

    def due(
        self, columns: str, where: str, order: str, now: datetime, **values: Any
    ) -> list[tuple[Any, ...]]:
        """The rows whose turn it is now, by a condition and in an order; no process has them."""
        return self._engine.query(
            f"SELECT {columns} FROM {self._table} WHERE ({where}) "
            f"AND (next_at IS NULL OR next_at <= :now) AND {_FREE} ORDER BY {order}",
            now=instant(now),
            **values,
        )

    def take(self, one: Turn, now: datetime, *further: str) -> bool:
        """Have a turn for this process; False if another has it, or the row was changed."""
        changes = {"taken_until": instant(now + TAKEN)}
        return self._change(one, changes, further, f" AND {_FREE}", now=instant(now))

    def after(self, one: Turn, changes: dict[str, Any]) -> bool:
        """What became of a turn, which ends; False if the row was changed meanwhile."""
        return self._change(one, {"taken_until": None, **changes})

    def failed(
        self, one: Turn, state: str, disabled: str, why: str, now: datetime, *, is_final: bool
    ) -> None:
        """It was in vain: there is another turn later or, after too long, it is disabled."""
        since = one.failing_since or instant(now)
        is_over = is_final or instant(now - PATIENCE) >= since
        pause = min(FIRST_PAUSE * 2 ** min(one.failures, 20), LONGEST_PAUSE)
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
