"""A property that is computed once for each object, when it is first looked at.

Before Python 3.12, that of ``functools`` holds one lock for all objects meanwhile: nobody else
would get an answer while one thread waits for the database in such a property.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801 - used like the library's
    """The same without a lock: two threads that look at once may both compute it."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, one: None, kind: type) -> Self: ...

    @overload
    def __get__(self, one: object, kind: type) -> T: ...

    def __get__(self, one: Any, kind: type) -> Any:
        if one is None:
            return self
        found = one.__dict__[self._name] = self._compute(one)
        return found
