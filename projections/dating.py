"""Creation dates as people say them: "about 1970" for 1970~, "2003 or earlier" for [..2003].

A plain date, or one without a short form in words, stays as it is. A time of day is written as on a
clock: "2000-01-07 19:35 UTC" for 2000-01-07T19:35:00Z.
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import chain

from domain.dates import span_of
from domain.refusal import BadStatedDate

_MARKS = {"~": "about ", "?": "perhaps ", "%": "perhaps about "}
_NAMES = {"~": "approximate", "?": "uncertain", "%": "uncertain and approximate"}
_MARKED = re.compile(
    r"([~?%]?)(-?[\dX]+)([~?%]?)(?:-([~?%]?)([\dX]{2})([~?%]?))?(?:-([~?%]?)([\dX]{2})([~?%]?))?"
)
_BEFORE = re.compile(r"\A(?:(?:between|sometime in) )?")
"""What is said before the mark of a date."""
_SEASONS = ("spring", "summer", "autumn", "winter")
_ORDINALS = ("first", "second", "third", "fourth")
_PARTS = dict(
    chain(
        enumerate(_SEASONS, 21),
        enumerate((f"{one} (north)" for one in _SEASONS), 25),
        enumerate((f"{one} (south)" for one in _SEASONS), 29),
        enumerate((f"{one} quarter of" for one in _ORDINALS), 33),
        enumerate((f"{one} third of" for one in _ORDINALS[:3]), 37),
        enumerate((f"{one} half of" for one in _ORDINALS[:2]), 40),
    )
)
"""The parts of a year by their EDTF level 2 codes, which take the place of a month."""


def in_words(made_at: str) -> str:
    """A creation date (EDTF) in words."""
    if made_at[:1] in ("[", "{"):
        return _of_several(made_at[1:-1].split(","), " or " if made_at[0] == "[" else " and ")
    first, slash, last = made_at.partition("/")
    return _from_to(first, last) if slash else _one(made_at)


_TIME = re.compile(
    r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::00|(:\d\d))?(?:\.\d+)?(Z|[+-]\d\d:\d\d)?(?![\w:])"
)
"""A date with a time of day (ISO 8601), in UTC if it names no zone."""


def _clock(found: re.Match[str]) -> str:
    day, minute, second, zone = found.groups("")
    return f"{day} {minute}{second} {zone if zone.strip('Z') else 'UTC'}"


def _one(text: str) -> str:
    if "T" in text:
        return _TIME.sub(_clock, text)
    found = _MARKED.fullmatch(text)
    if not found:
        return text
    marks = list[str]()
    for place in range(1, 10, 3):
        if found[place + 1]:
            # A mark before a part qualifies it alone; one after it, everything up to there.
            marks = [found[place + 2] or one for one in (*marks, found[place] or "")]
    plain = re.sub("[~?%]", "", text)
    if len(set(marks)) > 1:
        told = zip(("year", "month", "day"), marks, strict=False)
        doubts = (f"{part} {_NAMES[mark]}" for part, mark in told if mark)
        return f"{_unmarked(plain)} ({', '.join(doubts)})"
    return _BEFORE.sub(rf"\g<0>{_MARKS.get(marks[0], '')}", _unmarked(plain), count=1)


def _unmarked(text: str) -> str:
    if found := re.fullmatch(r"(\d{4})-(2[1-9]|3\d|4[01])", text):
        return f"{_PARTS[int(found[2])]} {found[1]}"
    if found := re.fullmatch(r"(\d{3})X", text):
        return f"{found[1]}0s"
    if found := re.fullmatch(r"(\d\d)XX", text):
        return f"between {found[1]}00 and {found[1]}99"
    if found := re.fullmatch(r"-(\d{4})|0000", text):  # the year before 1 is 0
        return f"{int(found[1] or 0) + 1} BC"
    return "an unknown year" if text == "XXXX" else _partly_known(text)


def _partly_known(text: str) -> str:
    """A date whose month or day is missing, or the last digit of one."""
    if found := re.fullmatch(r"(\d{4}(?:-\d\d)?)(?:-XX)+", text):
        return f"sometime in {found[1]}"
    if re.fullmatch(r"\d{4}-(?:\d\d-)?\dX", text):
        with suppress(BadStatedDate):
            first, last = (bound[: len(text)] for bound in span_of(text))
            return f"between {first} and {last}"
    return text


def _from_to(first: str, last: str) -> str:
    match first, last:
        case "..", _:
            return f"until {_one(last)}"
        case _, "..":
            return f"since {_one(first)}"
        case "", _:
            return f"until {_one(last)}, from an unknown date"
        case _, "":
            return f"from {_one(first)} to an unknown date"
    return f"{_one(first)} to {_one(last)}"


def _of_several(dates: list[str], joined: str) -> str:
    told = []
    for date in dates:
        first, dots, last = date.partition("..")
        if not dots:
            told.append(_one(first))
        elif not first:
            told.append(f"{_one(last)} or earlier")
        elif not last:
            told.append(f"{_one(first)} or later")
        else:
            told.append(f"{_one(first)} to {_one(last)}")
    return joined.join(told)
