"""Pages of an answer with long lists: each page continues the lists where the previous one ended.

The one rule: the lists of all pages, one after another, are those of the whole answer; the rest of
the answer is the same on each page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from projections.pages import decode_cursor, encode_cursor


def stretch(
    answer: Mapping[str, Any], parts: Iterable[str], after: str | None, most: int | None
) -> dict[str, Any]:
    """A page of an answer: at most ``most`` items of all its lists, after those of earlier pages.

    A part is the name of a list, or ``statements.lines`` for the lists in the items of one. Added
    are ``next``, the cursor of the next page, and ``left_out``, how many items follow.
    """
    (start,) = decode_cursor(after, int) or (0,)
    end = start + counted(answer, parts) if most is None else start + most
    shown, passed = dict(answer), 0
    for part in parts:
        outer, _, inner = part.rpartition(".")
        if outer:
            shown[outer] = [dict(item) for item in shown[outer]]
        for holder in shown[outer] if outer else [shown]:
            items = holder[inner]
            holder[inner] = items[max(start - passed, 0) : max(end - passed, 0)]
            passed += len(items)
    left_out = max(passed - end, 0)
    return {**shown, "next": encode_cursor(end) if left_out else None, "left_out": left_out}


def counted(answer: Mapping[str, Any], parts: Iterable[str]) -> int:
    """How many items the lists of an answer have together."""
    return sum(map(len, lists_in(answer, parts)))


def lists_in(answer: Mapping[str, Any], parts: Iterable[str]) -> Iterator[list[Any]]:
    """The long lists of an answer, in order."""
    for part in parts:
        outer, _, inner = part.rpartition(".")
        for holder in answer[outer] if outer else [answer]:
            yield holder[inner]
