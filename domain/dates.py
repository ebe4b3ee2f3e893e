"""Making dates as people state them: EDTF (ISO 8601-2), such as 1989, 1970~, [..2003], 1975-05?.

A date is a statement: it orders nothing, and is only compared with another where both are sure.

Source: https://www.loc.gov/standards/datetime/, levels 0 to 2, read by the edtf package; a time of
day in ISO 8601 is taken as well.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from time import struct_time
from typing import NamedTuple

from domain.moment import UNKNOWN, instant, is_in_future, start
from domain.refusal import BadMadeAt, MadeInFuture

LONGEST_DATE = 80


class Span(NamedTuple):
    """The first and the last instant at which something can have been made, as texts that sort.

    One that is not known is empty. What is about or perhaps is given a year, a month or a day more
    on either side, and twice that if it is both.
    """

    first: str
    last: str


def start_of(made_at: str) -> str:
    """The first instant of a year, month, day or time; BadMadeAt for anything else."""
    try:
        return start(made_at)
    except ValueError:
        raise BadMadeAt(made_at) from None


@lru_cache(maxsize=4096)
def span_of(made_at: str) -> Span:
    """The span of a stated date; BadMadeAt for what is none."""
    try:
        first = start(made_at)
    except ValueError:
        return _read(made_at)
    return Span(first, _end_of(first, made_at))


_YEAR = re.compile(r"[~?%]?([0-9]{4})(?![0-9])")


def year_of(made_at: str) -> str:
    """The year that a date states, of several the first; empty if it states none."""
    stated = _YEAR.match(made_at)
    return stated[1] if stated else span_of(made_at).first[:4]


def start_of_past(made_at: str, now: datetime) -> str:
    """The first instant of a stated date; refuses one in the future (MadeInFuture)."""
    first = span_of(made_at).first
    if is_in_future(first, now):
        raise MadeInFuture(made_at)
    return first


def is_surely_before(made_at: str | None, other: str | None) -> bool:
    """Whether a date is certainly before another; no unknown one is."""
    if made_at is None or other is None:
        return False
    last, first = span_of(made_at).last, span_of(other).first
    return bool(last and first) and last < first


def _end_of(first: str, made_at: str) -> str:
    """The last instant of a year, a month or a day; that of a time is itself."""
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


def _read(made_at: str) -> Span:
    # Imported here, as most dates are plain: its grammar takes a moment to be built.
    from edtf import parse_edtf
    from edtf.parser.edtf_exceptions import EDTFParseException

    if len(made_at) > LONGEST_DATE or made_at.split() != [made_at]:
        raise BadMadeAt(made_at)
    try:
        parsed = parse_edtf(made_at)
        # A missing end is unknown ("1985/"); the package would guess ten years.
        first = UNKNOWN if made_at.startswith("/") else _instant(parsed.lower_fuzzy(), FIRST)
        last = UNKNOWN if made_at.endswith("/") else _instant(parsed.upper_fuzzy(), LAST)
    except TypeError:  # the package can't compare an open end with a date
        return _of_set(made_at)
    except (EDTFParseException, ValueError, OverflowError, AttributeError):
        raise BadMadeAt(made_at) from None
    if not (first or last) or (first and last and first > last):
        raise BadMadeAt(made_at)
    return Span(first, last)


def _of_set(made_at: str) -> Span:
    """From the first of a set of dates to its last, of which some are open."""
    if made_at[0] not in "[{":
        raise BadMadeAt(made_at)
    firsts, lasts = [], []
    for member in made_at[1:-1].split(","):
        first, dots, last = member.partition("..")
        firsts.append(span_of(first).first if first else UNKNOWN)
        lasts.append(span_of(last or first).last if last or not dots else UNKNOWN)
    return Span(min(firsts), max(lasts) if all(lasts) else UNKNOWN)


FIRST, LAST = time(tzinfo=UTC), time.max.replace(tzinfo=UTC)


def _instant(bound: struct_time | float, of_day: time) -> str:
    """The first or the last instant of a day; an open end is unknown.

    What was before year 1 began at no time that a text can sort, and ended before the first.
    """
    if isinstance(bound, float):
        return UNKNOWN
    if bound[0] < 1:
        return UNKNOWN if of_day is FIRST else instant(datetime.min.replace(tzinfo=UTC))
    return instant(datetime.combine(date(*bound[:3]), of_day))
