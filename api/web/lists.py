"""Lists on pages: where each goes on, and the part of it that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from flask import request

from projections.store import Page, sliced

T = TypeVar("T")


class Continued(NamedTuple):
    """Which list of a page goes on where: the cursor, and the name of its list."""

    cursor: str | None
    what: str | None

    def of(self, what: str | None) -> str | None:
        """The cursor, if it is of this list; of the one that has no name, if None."""
        return self.cursor if self.what == what else None


def again(**changed: str | None) -> str:
    """The address of this page with some of its query changed."""
    query: Mapping[str, str | None] = {**request.args.to_dict(), "min_position": None, **changed}
    left = {name: value for name, value in query.items() if value}
    return f"?{urlencode(left)}" if left else request.script_root + request.path


def part(items: Sequence[T], what: str, most: int) -> Page[T]:
    """The part of a complete list that the address asks for under the name ``what``."""
    asked = request.args.get("cursor") if request.args.get("what") == what else None
    page, more = sliced(items, asked, most)
    return Page([*page], more)
