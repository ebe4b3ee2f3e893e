"""How wide a text will be, and what of it fits: widths are estimated, no font is at hand.

The one rule: an estimate errs on the wide side, and a text is only ever cut between two characters
as a reader counts them.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

from projections.pictures.svg import Markup, element

ELLIPSIS = "…"

# Widths of the characters from the space on, in thousandths of the font size (Helvetica's).
_PLAIN = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 "
    "556 556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 "
    "556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 "
    "556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 "
    "500 500 500 334 260 334 584"
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 "
    "556 556 556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 "
    "611 833 722 778 667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 "
    "611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 "
    "556 556 500 389 280 389 584"
)
_LATIN = {
    bold: {chr(32 + place): int(width) for place, width in enumerate(widths.split())}
    for bold, widths in ((False, _PLAIN), (True, _BOLD))
}
_OTHERS = {
    " ": 278,
    "·": 333,
    "–": 556,
    "—": 1000,
    "…": 1000,
    "’": 278,
    "‘": 278,
    "“": 420,
    "”": 420,
}
_MARGIN = 1.03
"""What fonts of the family differ by, and kerning."""

_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks that steer the direction of the text around them; a name has no business to."""
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_ISOLATE = "\u2068\u2069"
_JOINER = "\u200d"


def clean(text: str) -> str:
    """A text on one line, without what would steer or break the line around it."""
    text = "".join(" " if unicodedata.category(one) == "Cc" else one for one in text)
    return " ".join(_CONTROLS.sub("", text).split())


def isolated(text: str) -> str:
    """A text that keeps its own direction to itself, whatever stands beside it."""
    return text.join(_ISOLATE) if _RIGHT_TO_LEFT.search(text) else text


@lru_cache(maxsize=8192)
def width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a text is at a font size, rather too wide than too narrow."""
    latin = _LATIN[bold]
    thousandths = sum([latin[one] if one in latin else _wide(one, latin) for one in text])
    return thousandths * size * _MARGIN / 1000


def _wide(one: str, latin: dict[str, int]) -> int:
    """The width of a character that Helvetica's table has not."""
    base = unicodedata.normalize("NFD", one)[0]
    category = unicodedata.category(one)
    if one in _OTHERS or base in latin:
        return _OTHERS.get(one) or latin[base]
    if category in {"Mn", "Me", "Cf"}:
        return 0
    if ord(one) >= 0x1F000:
        return 1375  # emoji are drawn larger than letters
    if unicodedata.east_asian_width(one) in {"W", "F"}:
        return 1000
    return 800 if category == "Lu" else 720


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
    """What of a text fits into so much room, with an ellipsis where it was cut."""
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
    """A text of at most so many characters, with an ellipsis where it was cut."""
    if len(text) <= most:
        return text
    kept = clusters(text)
    return text if len(kept) <= most else "".join(kept[: most - 1]).rstrip() + ELLIPSIS


def wrapped(text: str, room: float, size: float, *, bold: bool = False) -> tuple[str, str]:
    """A text on two lines, broken between words; the second is cut to what fits."""
    words = text.split(" ")
    first = words[0]
    taken = 1
    while taken < len(words):
        longer = f"{first} {words[taken]}"
        if width(longer, size, bold=bold) > room:
            break
        first, taken = longer, taken + 1
    if width(first, size, bold=bold) > room:  # one word that is too long, or no words at all
        return fitted(text, room, size, bold=bold), ""
    return first, fitted(" ".join(words[taken:]), room, size, bold=bold)


def percent(share: Fraction) -> str:
    """A share as people read it: ``15.8 %``; what is little is said to be little, not to be 0."""
    of_hundred = float(share * 100)
    if 0 < of_hundred < 0.05:
        return "< 0.1 %"
    if 99.95 <= of_hundred < 100:
        return "> 99.9 %"
    return f"{of_hundred:.0f} %" if of_hundred in {0, 100} else f"{of_hundred:.1f} %"


def label(
    said: str, x: float, y: float, room: float, size: float, class_: str, *, bold: bool = False
) -> Markup:
    """As much of a text as there is room for, from x on."""
    kept = fitted(said, room, size, bold=bold)
    if not kept:
        return Markup("")
    weight = "600" if bold else None
    return element("text", kept, class_=class_, x=x, y=y, font_size=size, font_weight=weight)


def figure(said: str, x: float, y: float, size: float, *, faint: bool = False) -> Markup:
    """A number, which ends at x. Whoever draws it keeps its room free: it is never cut."""
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
