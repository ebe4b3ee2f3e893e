"""Which texts people may enter, the form in which they are searched, and nouns with articles.

An accepted text is stored and returned unchanged, character by character.
"""

from __future__ import annotations

import re
import unicodedata

from domain.refusal import BadText, TextTooLong

LIMITS = {
    "name": 200,
    "title": 500,
    "creators": 500,
    "display": 100,
    "credited_as": 200,
    "join_phrase": 40,
    "character": 200,
    "ai_tool": 200,
    "identifier": 200,
    "medium": 40,
    "licence": 200,
    "media_url": 900,
    "reason": 5000,
    "evidence": 5000,
    "note": 5000,
    "text": 5000,
    "goal": 5000,
    "prompt": 5000,
    "kind_name": 100,
    "document": 500,
    "source": 200,
    "category": 200,
    "payer": 200,
    "source_name": 200,
    "category_name": 200,
    "payer_name": 200,
    "about": 200,
    "reference": 200,
    "label": 200,
}
"""By name of a text: the most characters."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U00013441\U00013442\U0001d159")
"""Letters and symbols that are invisible: the Hangul fillers, the empty Braille cell, the object
replacement character, two blank hieroglyphs and the null notehead."""
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Default ignorable characters besides those of category Cf: joiners, fillers, variation selectors
(Unicode, DerivedCoreProperties, Default_Ignorable_Code_Point)."""
_SPACES = re.compile(r"\s+")
_BASIC = str.maketrans(
    {
        **dict(zip("øđðłħŧıŋɓɗƙƴ", "oddlhtinbdky", strict=True)),
        **{"æ": "ae", "œ": "oe", "þ": "th"},
        **dict.fromkeys("‘’‛ʼʻ′", "'"),
        **dict.fromkeys("“”‟″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
"""Letters that Unicode does not decompose, as people type them (CLDR, transform Latin-ASCII)."""
_WHOLE = re.compile("[0-9]{1,20}")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def plain_text(field: str, value: str) -> str:
    """A text that can be stored: not empty, not too long, without NUL or lone surrogates."""
    if value.isascii() and value.isprintable() and value.strip() and len(value) <= LIMITS[field]:
        return value  # the usual case; of these characters, only the space is invisible
    if not value.strip():
        raise BadText(field, "the text is empty")
    if len(value) > LIMITS[field]:
        raise TextTooLong(field, LIMITS[field])
    if "\0" in value:
        raise BadText(field, "the character NUL can't be stored")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadText(field, "half of a surrogate pair can't be stored") from None
    if not is_visible(value):
        raise BadText(field, "it has no visible characters")
    return value


def is_visible(text: str) -> bool:
    """Whether anything of a text can be seen."""
    return any(unicodedata.category(one)[0] in "LNPS" and one not in _BLANK for one in text)


def whole(text: str) -> int | None:
    """The whole number that a text states in ASCII digits; None if it states none.

    Twenty digits exceed every limit here; thousands would be slow to convert, or refused.
    """
    return int(text) if _WHOLE.fullmatch(text) else None


def with_article(noun: str) -> str:
    """An English noun with its indefinite article, by its first letter."""
    return f"{'an' if noun[:1] in {*'aeiou'} else 'a'} {noun}"


def folded(text: str) -> str:
    """The text as searches compare it: without case, accents and differences of encoding.

    Source: Unicode, section 3.13, compatibility caseless matching (D146); then without marks and
    invisible characters. What is part of a text remains part of it.
    """
    if text.isascii():  # nothing to decompose or to leave out
        return _SPACES.sub(" ", text.lower())
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (one for one in text.casefold() if not _is_left_out(one))
    return _SPACES.sub(" ", _IGNORABLE.sub("", "".join(kept)).translate(_BASIC))


def searched(text: str) -> str:
    """The normalised text as it is stored for searches, without surrounding space."""
    return folded(text).strip()


def _is_left_out(one: str) -> bool:
    return bool(unicodedata.combining(one)) or unicodedata.category(one) == "Cf"


def hex_digest(sha256: str) -> str:
    """A SHA-256 digest as 64 hexadecimal digits in lower case."""
    if not _SHA256.match(sha256.lower()):
        raise BadText("sha256", "not 64 hexadecimal digits")
    return sha256.lower()
