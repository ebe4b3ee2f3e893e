"""Making dates as people say them: "about 1970" for 1970~, "2003 or earlier" for [..2003].

A plain date stays as it is, and so does what has no short name.
"""

from __future__ import annotations

import re

_MARKS = {"~": "about ", "?": "perhaps ", "%": "perhaps about "}
_SEASONS = {"21": "spring", "22": "summer", "23": "autumn", "24": "winter"}
_DATE = r"\d{4}(?:-\d\d(?:-\d\d)?)?"
_MARKED = re.compile(rf"({_DATE})([~?%])\Z")
_SEASON = re.compile(r"(\d{4})-(2[1-4])\Z")
_TENS = re.compile(r"(\d{3})X\Z")
_HUNDREDS = re.compile(r"(\d\d)XX\Z")


def in_words(made_at: str) -> str:
    """A making date as people say it."""
    if made_at[:1] in ("[", "{"):
        return _of_several(made_at[1:-1].split(","), " or " if made_at[0] == "[" else " and ")
    first, slash, last = made_at.partition("/")
    return _from_to(first, last) if slash else _one(made_at)


def _one(text: str) -> str:
    if found := _MARKED.match(text):
        return _MARKS[found[2]] + found[1]
    if found := _SEASON.match(text):
        return f"{_SEASONS[found[2]]} {found[1]}"
    if found := _TENS.match(text):
        return f"{found[1]}0s"
    if found := _HUNDREDS.match(text):
        return f"between {found[1]}00 and {found[1]}99"
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
