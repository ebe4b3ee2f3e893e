"""Memory: what was large to read is kept in the process, until others need the room.

Nothing in it is a text: what is erased is erased at once. A moment may hold texts, because it ends
with the next fact.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

MOST_BYTES = 8_000_000
"""How much of answers is kept in one moment."""
ROOM = 200_000
"""How much is kept at most, by what each entry says it takes."""


class _Kept(NamedTuple, Generic[T]):
    value: T
    takes: int


class Memory(Generic[T]):
    """Values by their keys; those that were not asked for the longest time give way."""

    def __init__(self, room: int = ROOM) -> None:
        self._room, self._left = room, room
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._turn = Lock()

    def get(self, key: Hashable) -> T | None:
        """The value of a key, if it is kept."""
        with self._turn:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key].value

    def keep(self, key: Hashable, value: T, takes: int) -> None:
        """Keep a value, unless it is larger than all of the room."""
        with self._turn:
            self._left += self._kept.pop(key, _Kept(value, 0)).takes
            if takes > self._room:
                return
            self._kept[key] = _Kept(value, takes)
            self._left -= takes
            while self._left < 0:
                _, given_up = self._kept.popitem(last=False)
                self._left += given_up.takes


class Moment(Memory[object]):
    """What was read while the facts and the read tables stayed as they are."""

    def __init__(self) -> None:
        super().__init__(MOST_BYTES)


class Moments:
    """The moment that is now; what was kept of the one before is gone."""

    def __init__(self) -> None:
        self._state: Hashable = None
        self._moment = Moment()
        self._turn = Lock()

    def of(self, state: Hashable) -> Moment:
        """The moment of a state; one without a state is nobody else's."""
        if state is None:
            return Moment()
        with self._turn:
            if state != self._state:
                self._state, self._moment = state, Moment()
            return self._moment
