"""The condition of an append: what must still be true when it is recorded.

A command decides by what it has read. Under the lock of the append, the facts recorded since are
checked against that; this is optimistic concurrency control.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from domain.clock import Point
from domain.engine import Overtaken

if TYPE_CHECKING:
    from domain.fact import Fact


class Spent(NamedTuple):
    """How often a person had counted toward a quota since a moment, when the command decided."""

    accounts: tuple[str, ...]
    quota: str
    since: str
    times: int

    def counts(self, actor: str, quota: str, at: str) -> bool:
        """Whether an act of ``actor`` at a moment counts here."""
        return actor in self.accounts and quota == self.quota and at > self.since


class Condition(NamedTuple):
    """Record only if, after a point, no fact of a watched topic is about a watched subject."""

    after: Point
    watched: Mapping[str, Collection[str] | None]
    """By topic: the watched subjects; None: any subject."""
    emptied: Collection[str] = ()
    """Owners who must have no text left after the erasure."""
    spent: Collection[Spent] = ()
    """The counts of quotas that the command relied on."""
    until: str = ""
    """The last moment at which the command is possible; empty: any."""

    def must_hold(self, recorded: Mapping[str, Iterable[tuple[int, Fact]]]) -> None:
        """Raise Overtaken if one of these facts, given by topic, is watched."""
        for topic, subjects in self.watched.items():
            for position, happened in recorded.get(topic, ()):
                if position > self.after.position and (
                    subjects is None or not set(happened.touches()).isdisjoint(subjects)
                ):
                    raise Overtaken(topic)

    def must_be_in_time(self, stamp: str) -> None:
        """Raise Overtaken if the command is not possible any more at a time."""
        if self.until and stamp > self.until:
            raise Overtaken("a deadline")

    def must_be_unspent(self, count: Callable[[Spent], int]) -> None:
        """Raise Overtaken if the actor has counted toward a quota meanwhile."""
        for one in self.spent:
            if count(one) != one.times:
                raise Overtaken(one.quota)

    def must_be_empty(self, left: Callable[[Collection[str]], int]) -> None:
        """Raise Overtaken if an owner got further texts meanwhile, which would not be erased."""
        if self.emptied and left(self.emptied):
            raise Overtaken("vault")
