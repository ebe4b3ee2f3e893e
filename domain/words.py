"""Tokenising texts for full-text search, the same on every engine.

A word is a run of letters and digits, normalised (``folded``). In scripts without spaces every
character is a word, and words written without a space between them are searched as a phrase.
"""

from __future__ import annotations

import re

from domain.text import folded

LONGEST = 64
"""Longer words are cut to this many characters."""

_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Kana and Han, which put no spaces between words."""


def words_of(text: str) -> list[str]:
    """The words of a text, in order."""
    if text.isascii() and len(text) <= LONGEST:  # nothing to normalise, split or cut
        return _WORD.findall(text.lower())
    return [word[:LONGEST] for word in _WORD.findall(_ALONE.sub(r" \g<0> ", folded(text)))]


def phrases_of(text: str) -> list[tuple[str, ...]]:
    """A query as phrases: each part between spaces, as its words."""
    return [words for part in text.split() if (words := tuple(words_of(part)))]
