"""Memory: what was large to read is kept in the process, until others need the room.

Nothing in it is a text: what is erased is erased at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

ROOM = 150_000
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
