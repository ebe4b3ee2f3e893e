"""The width of text, and how much of it fits, measured in the font that is served.

Estimates err on the wide side, above all for characters that the font lacks and a fallback font
draws. Text is cut only between characters as readers count them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from projections.pictures.font import widths
from projections.pictures.svg import Markup, element

ELLIPSIS = "…"

_MARGIN = 1.03
"""Allows for kerning and differences between fonts of the family."""
_MARKED = 1.2
"""How much wider a letter with a mark may be in a fallback font."""

_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Characters that control the direction of the text around them, which a name must not do."""
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_STACKED = re.compile("[\u0300-\u036f]{3,}")
"""Three or more stacked marks, which no language uses: they reach into other lines."""
_POINTS = re.compile("[\u0591-\u08ff\ufe00-\ufe0f]")
"""Marks that take no space in any font; for others, a font that lacks them may draw a box."""
_ISOLATE = "\u2068\u2069"
_JOINER = "\u200d"


def clean(text: str) -> str:
    """Text on one line, without anything that would affect or cover the text around it."""
    text = "".join(" " if unicodedata.category(one) == "Cc" else one for one in text)
    text = _STACKED.sub("", unicodedata.normalize("NFC", _CONTROLS.sub("", text)))
    return " ".join(text.split())


def isolated(text: str) -> str:
    """Text whose direction does not affect the text around it."""
    return text.join(_ISOLATE) if _RIGHT_TO_LEFT.search(text) else text


@lru_cache(maxsize=8192)
def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of text at a font size, estimated on the wide side."""
    known = widths(bold=bold)
    thousandths = sum([known[one] if one in known else _lacking(one, known) for one in text])
    return thousandths * size * _MARGIN / 1000


def _lacking(one: str, known: Mapping[str, int]) -> float:
    """The width of a character that the font lacks, in any fallback font."""
    category = unicodedata.category(one)
    if category in {"Me", "Cf"} or (category == "Mn" and _POINTS.match(one)):
        return 0
    if ord(one) >= 0x1F000:
        return 1375  # emoji are wider than letters
    if unicodedata.east_asian_width(one) in {"W", "F", "A"}:
        return 1000
    base = unicodedata.normalize("NFD", one)[0]
    if base in known:
        return known[base] * _MARKED
    return 800 if category == "Lu" else 750


def clusters(text: str) -> list[str]:
    """The characters as a reader counts them: a letter with its marks, an emoji with its parts."""
    found: list[str] = []
    flags = 0
    for one in text:
        is_flag = "\U0001f1e6" <= one <= "\U0001f1ff"
        joins = (
            unicodedata.category(one) in {"Mn", "Me", "Mc"}
            or one == _JOINER
            or "\U0001f3fb" <= one <= "\U0001f3ff"
            or (found and found[-1].endswith(_JOINER))
            or (is_flag and flags % 2 == 1)
        )
        flags = flags + 1 if is_flag else 0
        if joins and found:
            found[-1] += one
        else:
            found.append(one)
    return found


@lru_cache(maxsize=8192)
def fitted(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """As much of a text as fits into a width, with an ellipsis where it was cut."""
    if width(text, size, bold=bold) <= room:
        return text
    left = room - width(ELLIPSIS, size, bold=bold)
    if left < 0:
        return ""
    kept = ""
    for one in clusters(text):
        left -= width(one, size, bold=bold)
        if left < 0:
            break
        kept += one
    kept = kept.rstrip(" ,·-–")
    return kept + ELLIPSIS + _ISOLATE[1] * (kept.count(_ISOLATE[0]) - kept.count(_ISOLATE[1]))


def shortened(text: str, most: int) -> str:
    """Text of at most ``most`` characters, with an ellipsis where it was cut."""
    if len(text) <= most:
        return text
    kept = clusters(text)
    return text if len(kept) <= most else "".join(kept[: most - 1]).rstrip() + ELLIPSIS


def wrapped(text: str, room: float, size: float) -> tuple[str, str]:
    """Bold text on two lines, broken between words; the second is cut to fit."""
    words = text.split(" ")
    first = words[0]
    taken = 1
    while taken < len(words):
        longer = f"{first} {words[taken]}"
        if width(longer, size, bold=True) > room:
            break
        first, taken = longer, taken + 1
    if width(first, size, bold=True) > room:  # one word that is too long, or no words at all
        return fitted(text, room, size, bold=True), ""
    return first, fitted(" ".join(words[taken:]), room, size, bold=True)


def percent(share: Fraction) -> str:
    """A share in percent, such as ``15.8 %``; a small one is ``< 0.1 %``, never 0."""
    of_hundred = float(share * 100)
    if 0 < of_hundred < 0.05:
        return "< 0.1 %"
    if 99.95 <= of_hundred < 100:
        return "> 99.9 %"
    return f"{of_hundred:.0f} %" if of_hundred in {0, 100} else f"{of_hundred:.1f} %"


def label(
    said: str, x: float, y: float, room: float, size: float, class_: str, *, bold: bool = False
) -> Markup:
    """As much of a text as fits into ``room``, starting at x."""
    kept = fitted(said, room, size, bold=bold)
    if not kept:
        return Markup("")
    weight = "600" if bold else None
    return element("text", kept, class_=class_, x=x, y=y, font_size=size, font_weight=weight)


def caption(said: str, x: float, y: float, size: float, *more: Markup) -> Markup:
    """A faint text centred at x, such as a label of an axis; ``more`` precedes it (a title)."""
    place = {"x": x, "y": y, "font_size": size}
    return element("text", *more, said, class_="faint", **place, text_anchor="middle")


def figure(said: str, x: float, y: float, size: float, *, faint: bool = False) -> Markup:
    """A number that ends at x; it is never cut, so the caller keeps its space free."""
    if not said.strip():
        return Markup("")
    return element(
        "text",
        said,
        class_="figure faint" if faint else "figure",
        x=x,
        y=y,
        font_size=size,
        font_weight=None if faint else "600",
        text_anchor="end",
    )
