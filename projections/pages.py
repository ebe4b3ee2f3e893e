"""Pages of lists, and the cursors that lead from each to the next.

A cursor says where a page ended. It is opaque, and only the list that returned it accepts it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")

LIMIT = 50
"""How many items of a list are returned by default."""


class BadCursor(Exception):
    """The cursor was not returned by this list."""


class Page(NamedTuple, Generic[T]):
    """A page of a list, and the cursor of the page after it."""

    items: list[T]
    next: str | None


_as_json = json.JSONEncoder(ensure_ascii=False).encode
"""Made once, because ``json.dumps`` makes an encoder for each call."""


def encode_cursor(*place: object) -> str:
    """Where a page ended, as an opaque string."""
    return base64.urlsafe_b64encode(_as_json(place).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *types: type) -> list[Any] | None:
    """Where the previous page ended; raises BadCursor for what this service did not return."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=="  # more than is needed is passed over
        place = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        json.dumps(place, ensure_ascii=False).encode()  # no database stores a lone surrogate
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor(cursor) from None
    if not isinstance(place, list) or [type(value) for value in place] != list(types):
        raise BadCursor(cursor)
    if any(abs(value) >= 1 << 63 if isinstance(value, int) else "\0" in value for value in place):
        raise BadCursor(cursor)  # beyond what the engines can store
    return place


def mark_of(*told: object) -> str:
    """What the cursors of a list begin with: six characters for what tells it from all others."""
    return sha256(repr(told).encode()).hexdigest()[:6]


def marked(mark: str, cursor: str | None) -> str | None:
    """A cursor with the mark of its list, so that no other list accepts it."""
    return None if cursor is None else mark + cursor


def unmarked(mark: str, cursor: str | None) -> str | None:
    """A cursor without its mark; raises BadCursor if it has that of another list."""
    if cursor is None:
        return None
    if not cursor.startswith(mark):
        raise BadCursor(cursor)
    return cursor.removeprefix(mark)


def cut(
    found: Sequence[T], limit: int, place: Callable[[T], Iterable[object]]
) -> tuple[Sequence[T], str | None]:
    """A page of what was found, and the cursor of the page after it.

    The caller fetches one row more than the limit, which shows whether there is another page.
    """
    page = found[:limit]
    return page, encode_cursor(*place(page[-1])) if len(found) > limit else None


def place_of(after: str | None) -> int:
    """How many items of a list were on the previous pages."""
    place: int = (decode_cursor(after, int) or [0])[0]
    return max(0, place)


def sliced(
    items: Sequence[T], after: str | None = None, limit: int = LIMIT
) -> tuple[Sequence[T], str | None]:
    """A page of a complete list, and the cursor of the page after it."""
    place = place_of(after)
    end = place + limit
    return items[place:end], encode_cursor(end) if end < len(items) else None


def within_bytes(items: Iterable[T], most: int) -> list[T]:
    """The first items that fit into so many bytes as JSON; always at least one."""
    rest, size = iter(items), 0
    found = [*islice(rest, 1)]
    for item in rest:
        size = (size or bytes_of(found[0])) + bytes_of(item)
        if size > most:
            break
        found.append(item)
    return found


def bytes_of(item: object) -> int:
    """The size of an item as JSON in bytes, with the separator after it."""
    return len(_as_json(item).encode()) + 2
