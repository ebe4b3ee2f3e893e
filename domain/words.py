"""Words: into what a text is taken apart to be found, the same on every engine.

A word is a run of letters and digits, folded. Scripts without spaces are taken apart into their
characters, and several words that were written as one are looked for as a phrase.
"""

from __future__ import annotations

import re

from domain.text import folded

LONGEST = 64
"""Of a longer word only so many characters count."""

_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Kana and Han, which put no spaces between words."""


def words_of(text: str) -> list[str]:
    """The words of a text, in order."""
    if text.isascii() and len(text) <= LONGEST:  # in which no character stands alone
        return _WORD.findall(text.lower())
    return [word[:LONGEST] for word in _WORD.findall(_ALONE.sub(r" \g<0> ", folded(text)))]


def phrases_of(text: str) -> list[tuple[str, ...]]:
    """What somebody typed, each part without a space as a phrase of words."""
    return [words for part in text.split() if (words := tuple(words_of(part)))]
