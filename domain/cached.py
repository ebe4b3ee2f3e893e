"""A property that is computed once for each object, on first access.

Before Python 3.12, ``functools.cached_property`` holds one lock for all objects while it computes:
all threads would wait while one of them waits for the database in such a property.
"""

from __future__ import annotations

from functools import cached_property as locking
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    cached_property = locking
else:

    class cached_property(locking):  # noqa: N801 - like the library's
        """The same without the lock: two threads at the same time may both compute it."""

        def __get__(self, one: Any, kind: type | None = None) -> Any:
            if one is None:
                return self
            found = one.__dict__[self.attrname] = self.func(one)
            return found
