"""A property that is computed once for each object, when it is first looked at.

Before Python 3.12, that of ``functools`` holds one lock for all objects meanwhile: nobody else
would get an answer while one thread waits for the database in such a property.
"""

from __future__ import annotations

from functools import cached_property as locking
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    cached_property = locking
else:

    class cached_property(locking):  # noqa: N801 - like the library's
        """The same without the lock: two threads that look at once may both compute it."""

        def __get__(self, one: Any, kind: type | None = None) -> Any:
            if one is None:
                return self
            found = one.__dict__[self.attrname] = self.func(one)
            return found
