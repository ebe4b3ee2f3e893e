"""What may have been meant by a name that nothing has: the things with the most similar names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from domain.engine.documents import All, Phrase, Some
from domain.text import folded
from domain.words import phrases_of
from projections.documents import KINDS, WORKS_KINDS, kind_tag
from projections.searching import matching, things
from projections.store import View

COMPARED = 300
"""How many names are compared at most: those that begin alike, and the latest."""


def meant(view: View, text: str, noun: str | None = None, most: int = 2) -> list[dict[str, Any]]:
    """The things whose names, or words in them, are most like a text, as a search shows them.

    ``noun`` limits them to what a refusal's code calls so, such as ``work``.
    """
    text = folded(text).replace("-", " ")
    whole, by_word = dict[str, list[Any]](), dict[str, list[Any]]()
    for one in things(view, list(_compared(view, text, _kinds_of(noun)))).values():
        name = folded(one["name"] or "")
        whole.setdefault(name, []).append(one)
        for word in name.split():
            by_word.setdefault(word, []).append(one)
    found = (
        one for of in (whole, by_word) for n in get_close_matches(text, of, n=most) for one in of[n]
    )
    return list({one["id"]: one for one in found}.values())[:most]


def _kinds_of(noun: str | None) -> Collection[str]:
    kinds = {None: KINDS, "contributor": ("person",), "work": WORKS_KINDS}
    return kinds.get(noun, {noun or ""} & {*KINDS})


def _compared(view: View, text: str, kinds: Collection[str]) -> Collection[int]:
    """The numbers of things with a word that begins like one in the text, then of the latest."""
    of_kind = Some(tuple(Phrase((kind_tag(kind),), "tags") for kind in kinds))
    found: dict[int, None] = {}
    for beginning in _beginnings(text) if kinds else ():
        begun = Phrase((beginning,), "name", is_beginning=True)
        found |= dict.fromkeys(matching(view, All((begun, of_kind)), COMPARED))
        if len(found) >= COMPARED:
            return found
    return found | dict.fromkeys(matching(view, of_kind, COMPARED)) if kinds else found


def _beginnings(text: str) -> Iterator[str]:
    """The beginnings of the words of a text, the longest first."""
    words = [word for phrase in phrases_of(text) for word in phrase]
    for length in range(max(map(len, words), default=0), 0, -1):
        yield from (word[:length] for word in words if len(word) >= length)
