"""The condition of an append: what must still be true when it is recorded.

A command is decided by what it has read. Under the lock of the append, whatever was recorded since
is held against that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from domain.engine import Overtaken

if TYPE_CHECKING:
    from domain.fact import Fact


class Spent(NamedTuple):
    """How often an account counted toward a quota since a moment."""

    accounts: tuple[str, ...]
    quota: str
    since: str
    times: int

    def counts(self, actor: str, quota: str, at: str) -> bool:
        """Whether something that somebody did at a moment is among them."""
        return actor in self.accounts and quota == self.quota and at > self.since


class Condition(NamedTuple):
    """Record only if, after a position, no fact of these topics is about these subjects."""

    after: int
    watched: Mapping[str, Collection[str] | None]
    """Subjects by topic; None stands for any subject."""
    emptied: Collection[str] = ()
    """Owners who must have no text left after the erasure."""
    spent: Collection[Spent] = ()
    """What the actor had done of what is limited, when the command was decided."""

    def must_hold(self, recorded: Mapping[str, Iterable[tuple[int, Fact]]]) -> None:
        """Raise Overtaken if one of these facts, which are there by topic, contradicts it."""
        for topic, subjects in self.watched.items():
            for position, happened in recorded.get(topic, ()):
                if position > self.after and (
                    subjects is None or not set(happened.touches()).isdisjoint(subjects)
                ):
                    raise Overtaken(topic)

    def must_be_unspent(self, count: Callable[[Spent], int]) -> None:
        """Raise Overtaken if the actor has done more meanwhile."""
        for one in self.spent:
            if count(one) != one.times:
                raise Overtaken(one.quota)

    def must_be_empty(self, left: Callable[[Collection[str]], int]) -> None:
        """Raise Overtaken if an owner has texts the command missed."""
        if self.emptied and left(self.emptied):
            raise Overtaken("vault")
