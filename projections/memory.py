"""Memory: a process keeps what was expensive to read until its room is needed for something else.

It never holds a person's text, because erasing takes effect at once. Only a moment may hold texts,
because it ends with the next fact.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S")
T = TypeVar("T")

MOST_BYTES = 8_000_000
"""How many bytes of answers one moment keeps."""
ROOM = 200_000
"""The capacity of a memory, in the units in which its entries state their size."""


class _Kept(NamedTuple, Generic[T]):
    value: T
    takes: int


class Memory(Generic[T]):
    """Values by key; the least recently used give way to new ones."""

    def __init__(self, room: int = ROOM) -> None:
        self._room, self._left = room, room
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._turn = Lock()

    def get(self, key: Hashable) -> T | None:
        """The value kept under a key, if any."""
        with self._turn:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key].value

    def keep(self, key: Hashable, value: T, takes: int) -> None:
        """Keep a value, unless it is larger than the whole capacity."""
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
    """What was read in one state of the facts and the read tables."""

    def __init__(self) -> None:
        super().__init__(MOST_BYTES)


class Moments(Generic[S]):
    """Holds the current moment; when the state changes, the previous one is dropped."""

    def __init__(self) -> None:
        self._state: S | None = None
        self._moment = Moment()
        self._turn = Lock()

    @property
    def latest(self) -> tuple[S | None, Moment]:
        """The current moment, and its state."""
        with self._turn:
            return self._state, self._moment

    def of(self, state: S | None) -> Moment:
        """The moment of a state; without a state, a new one that is not shared."""
        if state is None:
            return Moment()
        with self._turn:
            if state != self._state:
                self._state, self._moment = state, Moment()
            return self._moment
