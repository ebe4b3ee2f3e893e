"""When works were made, as people state it: EDTF (ISO 8601-2), such as 1989, 1970~, [..2003].

A stated date orders nothing by itself; two are compared only as far as both are certain.

Source: https://www.loc.gov/standards/datetime/, levels 0 to 2, parsed by the edtf package; ISO 8601
with a time of day is accepted, too.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from time import struct_time
from typing import NamedTuple

from domain.moment import UNKNOWN, instant, is_in_future, start
from domain.refusal import BadMadeAt, BadStatedDate, MadeInFuture

LONGEST_DATE = 80


class Span(NamedTuple):
    """The first and the last instant at which something can have been made; empty if unknown.

    An approximate (~) or uncertain (?) date is widened by one unit of its precision (year, month or
    day) on either side, and by two if it is both (%).
    """

    first: str
    last: str


def start_of(made_at: str) -> str:
    """The first instant of a year, month, day or time; refuses (``BadMadeAt``) anything else."""
    try:
        return start(made_at)
    except ValueError:
        raise BadMadeAt(made_at) from None


_SEVERAL = re.compile(r"[][{}/]")


@lru_cache(maxsize=4096)
def span_of(made_at: str) -> Span:
    """The span of a stated date; refuses (``BadStatedDate``) what is none."""
    try:
        return _of_several(made_at) if _SEVERAL.search(made_at) else _of_one(made_at)
    except (ValueError, OverflowError):
        raise BadStatedDate(made_at) from None


_YEAR = re.compile(r"[~?%]?([0-9]{4})(?![0-9])")


def year_of(made_at: str) -> str:
    """The year of a stated date, the first of several; empty if unknown."""
    stated = _YEAR.match(made_at)
    return stated[1] if stated else span_of(made_at).first[:4]


def start_of_past(made_at: str, now: datetime) -> str:
    """The first instant of a stated date; refuses (``MadeInFuture``) one in the future."""
    first = span_of(made_at).first
    if is_in_future(first, now):
        raise MadeInFuture(made_at)
    return first


def is_surely_before(made_at: str | None, other: str | None) -> bool:
    """Whether a date is certainly before another; False if either is unknown."""
    if made_at is None or other is None:
        return False
    last, first = span_of(made_at).last, span_of(other).first
    return bool(last and first) and last < first


def _end_of(first: str, made_at: str) -> str:
    """The last instant of a year, a month or a day that starts at ``first``; of a time, itself."""
    if len(made_at) > 10:
        return first
    start = datetime.fromisoformat(first)
    match len(made_at):
        case 4:
            after = start.replace(year=start.year + 1) if start.year < 9999 else None
        case 7:
            after = (start + timedelta(days=31)).replace(day=1) if first < _LAST_MONTH else None
        case _:
            after = start + timedelta(days=1) if first < _LAST_DAY else None
    return UNKNOWN if after is None else instant(after - timedelta(microseconds=1))


_LAST_MONTH, _LAST_DAY = "9999-12-01", "9999-12-31"


def _of_several(made_at: str) -> Span:
    """The span from the first to the last member of a set or an interval.

    Either end may be missing, which means unknown ("1985/"), or open ("1985/..").
    """
    if made_at[0] + made_at[-1] in ("[]", "{}"):
        members = [one.partition("..") for one in made_at[1:-1].split(",")]
        spans = [_from_to(first, last if dots else first) for first, dots, last in members]
    else:
        first, _, last = made_at.partition("/")
        spans = [_from_to(first.replace("..", ""), last.replace("..", ""))]
    is_open = not all(span.last for span in spans)
    return Span(min(spans).first, UNKNOWN if is_open else max(span.last for span in spans))


def _from_to(first: str, last: str) -> Span:
    span = Span(first and _of_one(first).first, last and _of_one(last).last)
    if not any(span) or (all(span) and span.first > span.last):
        raise ValueError(span)
    return span


_PART_OF_YEAR = re.compile(r"([0-9]{4})-(2[1-9]|3[0-9]|4[01])([~?%]?)")
_ANYWHEN = ("21", "22", "23", "24", "28", "30")
"""Seasons that differ between the hemispheres, or that extend over the end of a year."""


_PARTLY_KNOWN = re.compile(r"([0-9X]{4})-(?=.*(?:[0-9]X|X[0-9])\b)([0-9X]{2})(?:-([0-9X]{2}))?")
"""A date with a digit of its month or day missing, such as 1984-1X."""


def _of_digits(year: str, month: str, day: str) -> Span:
    """From the first to the last day with these digits, in which any digit may stand for an X."""
    days = [
        f"{of_year:04}-{of_month:02}-{of_day:02}"
        for of_year in (int(year.replace("X", "0")) or 1, int(year.replace("X", "9")))
        for of_month in _numbers(month, 12)
        for of_day in _numbers(day, monthrange(of_year, of_month)[1])
    ]
    if not days:
        raise ValueError(days)
    return Span(start(days[0]), _end_of(start(days[-1]), days[-1]))


def _numbers(digits: str, most: int) -> list[int]:
    pattern = re.compile(digits.replace("X", "[0-9]"))
    return [number for number in range(1, most + 1) if pattern.fullmatch(f"{number:02}")]


def _of_one(text: str) -> Span:
    if partly := _PARTLY_KNOWN.fullmatch(text):
        return _of_digits(partly[1], partly[2], partly[3] or "XX")
    found = _PART_OF_YEAR.fullmatch(text)
    if found and (found[3] or found[2] in _ANYWHEN):
        # A season without a hemisphere may be at any time of the year, and end in the next.
        year, margin = int(found[1]), {"": 0, "%": 2}.get(found[3], 1)
        first, last = f"{year - margin:04}", f"{year + margin + 1:04}-02"
        return Span(_of_one(first).first, _of_one(last).last)
    try:
        first = start(text)
    except ValueError:
        return _as_read(text)
    return Span(first, _end_of(first, text))


def _as_read(text: str) -> Span:
    """The span of one date, as the edtf package reads it; raises ValueError if it is none."""
    # Imported only here: building its grammar takes a while, and most dates do not need it.
    from edtf import parse_edtf
    from edtf.parser.edtf_exceptions import EDTFParseException

    if len(text) > LONGEST_DATE or re.search(r"[][{}/,\s]", text):
        raise ValueError(text)
    try:
        parsed = parse_edtf(text)
        return Span(_instant(parsed.lower_fuzzy(), FIRST), _instant(parsed.upper_fuzzy(), LAST))
    except (EDTFParseException, AttributeError) as error:
        raise ValueError(text) from error


FIRST, LAST = time(tzinfo=UTC), time.max.replace(tzinfo=UTC)


def _instant(bound: struct_time, of_day: time) -> str:
    """The first or the last instant of a day.

    No instant can express a time before year 1: as a beginning it is unknown, as an end it becomes
    the first instant there is. After year 9999 it is the other way round.
    """
    if bound[0] < 1:
        return UNKNOWN if of_day is FIRST else instant(datetime.min.replace(tzinfo=UTC))
    if bound[0] > MAXYEAR:
        return UNKNOWN if of_day is LAST else instant(datetime.max.replace(tzinfo=UTC))
    return instant(datetime.combine(date(*bound[:3]), of_day))
