"""A moment is as exact as it is known, and its start decides."""

from contextlib import suppress
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dates import start_of
from domain.moment import CLOCKS_APART, instant, last_before
from domain.refusal import BadMadeAt

STARTS = [
    ("1969", "1969-01-01T00:00:00.000000Z"),
    ("1969-10", "1969-10-01T00:00:00.000000Z"),
    ("1969-10-14", "1969-10-14T00:00:00.000000Z"),
    ("1969-10-14T20:15", "1969-10-14T20:15:00.000000Z"),
    ("1969-10-14 20:15", "1969-10-14T20:15:00.000000Z"),
    ("1969-10-14T20:15Z", "1969-10-14T20:15:00.000000Z"),
    ("1969-10-14T20:15:30Z", "1969-10-14T20:15:30.000000Z"),
    ("1969-10-14T20:15:30.5Z", "1969-10-14T20:15:30.500000Z"),
    ("1969-10-14T20:15:30.123456Z", "1969-10-14T20:15:30.123456Z"),
    # An offset is turned into UTC, over the end of a day, a month, a year and a leap day.
    ("1969-10-14T20:15:00+02:00", "1969-10-14T18:15:00.000000Z"),
    ("1969-10-14T20:15:00+0530", "1969-10-14T14:45:00.000000Z"),
    ("1999-12-31T23:30:00-01:00", "2000-01-01T00:30:00.000000Z"),
    ("2000-01-01T00:30:00+01:00", "1999-12-31T23:30:00.000000Z"),
    ("2024-03-01T00:00:00+01:00", "2024-02-29T23:00:00.000000Z"),
    # The first years sort before the others.
    ("0001", "0001-01-01T00:00:00.000000Z"),
    ("0969-07", "0969-07-01T00:00:00.000000Z"),
]


@pytest.mark.parametrize("made_at, start", STARTS)
def test_what_was_stated_starts_at(made_at: str, start: str) -> None:
    assert start_of(made_at) == start


REFUSED = [
    "",
    " ",
    "69",
    "19690",
    "-1969",
    "+1969",
    "1969 ",
    " 1969",
    "1969\n",
    "0000",
    "1969-13",
    "1969-00",
    "1969-1",
    "1969-02-29",
    "1969-10-1",
    "1969-10-32",
    "19691014",
    "1969-W42",
    "1969-287",
    "1969-10-14T",
    "1969-10-14T20",
    "1969-10-14T25:00",
    "1969-10-14T20:60",
    "1969-10-14T20:15:61",
    "1969-10-14T20:15:30.1234567",
    "1969-10-14T20:15+24:01",
    "1969-10-14T20:15 Z",
    "0001-01-01T00:00:00+01:00",  # before the first year there is
    "9999-12-31T23:30:00-01:00",
    "１９６９",  # digits, but of another script
    "1969-10-1４",
    "circa 1969",
    "1969?",
    "1969/1970",
    "today",
]


@pytest.mark.parametrize("made_at", REFUSED)
def test_what_is_no_date_is_refused(made_at: str) -> None:
    with pytest.raises(BadMadeAt) as refused:
        start_of(made_at)
    assert refused.value.details == {"made_at": made_at.replace("\n", " ")}  # quoted on one line


def test_a_clock_may_be_a_day_apart_and_no_more() -> None:
    assert timedelta(days=1) == CLOCKS_APART


offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Two days from either end of time, so that no offset leads beyond it.
moments = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 - the strategy adds the zone
    datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=offsets,
)


@given(moments, moments)
def test_the_order_of_starts_is_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (start_of(one.isoformat()) < start_of(other.isoformat())) == (one < other)


@given(moments)
def test_a_moment_is_the_start_of_its_own_text(moment: datetime) -> None:
    assert start_of(moment.isoformat()) == instant(moment) == start_of(instant(moment))
    assert len(instant(moment)) == 27


@given(st.dates())
def test_the_less_exact_starts_no_later(day: date) -> None:
    exact = day.isoformat()
    assert start_of(exact[:4]) <= start_of(exact[:7]) <= start_of(exact)


nearly = st.builds(
    lambda text, at, other: text[:at] + other + text[at + len(other) :],
    moments.map(datetime.isoformat),
    st.integers(0, 32),
    st.text("0123456789-:.TZ+ ", max_size=2),
)
"""Moments with something else in them, most of which are moments; no random text is."""


@given(st.text(max_size=30) | nearly)
def test_any_text_is_a_date_or_refused(text: str) -> None:
    with suppress(BadMadeAt):
        start = start_of(text)
        assert len(start) == 27
        assert start_of(start) == start


def test_the_last_moment_before_another_is_a_microsecond_earlier() -> None:
    """A statement may be asked for from the year 1 on; before it there is nothing."""
    assert last_before(start_of("1970")) == "1969-12-31T23:59:59.999999Z"
    assert last_before(start_of("0001")) == start_of("0001")
