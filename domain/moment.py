"""Instants: texts such as 2000-01-01T00:00:00.000000Z, always in UTC, so that they sort by time.

A year, a month or a day stands for the instant at which it starts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

UNKNOWN = ""
"""An unknown instant."""

LENGTH = len("2000-01-01T00:00:00.000000Z")

CLOCKS_APART = timedelta(days=1)
"""A stated date may be this far ahead, because elsewhere the next day may have begun."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_SHORT = re.compile(r"(\d{4})(?:-(\d\d))?\Z", re.ASCII)
_TIME = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?"
_LONG = re.compile(rf"\d{{4}}-\d\d-\d\d(?:[T ]{_TIME})?\Z", re.ASCII)


def instant(moment: datetime) -> str:
    """A moment as an instant."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def last_before(at: str) -> str:
    """The last instant before another one; before the first of all, itself."""
    moment = datetime.fromisoformat(at)
    return at if moment == _FIRST else instant(moment - timedelta(microseconds=1))


stamp = lru_cache(64)(instant)
"""``instant``, cached for times of recording, which many facts share."""


def is_in_future(at: str, now: datetime) -> bool:
    """Whether an instant is in the future in every time zone."""
    return at > _latest(now)


@lru_cache(64)
def _latest(now: datetime) -> str:
    return instant(now + CLOCKS_APART)


def start(made_at: str) -> str:
    """The first instant of a year, month, day or time; a time without an offset is UTC.

    Raises ValueError for anything else.
    """
    if short := _SHORT.match(made_at):
        return instant(datetime(int(short[1]), int(short[2] or 1), 1, tzinfo=UTC))
    if not _LONG.match(made_at):
        raise ValueError(made_at)
    moment = datetime.fromisoformat(made_at)
    if len(made_at) == LENGTH and moment.tzinfo is UTC and made_at[10] == "T":
        return made_at  # it is already an instant
    try:
        return instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError as error:
        raise ValueError(made_at) from error
