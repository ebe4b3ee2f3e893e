"""A creation date is a statement: as exact as it is known, in EDTF, and ordering nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dates import Span, is_surely_before, span_of, start_of, start_of_past
from domain.refusal import BadMadeAt, MadeInFuture

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

SPANS = [
    ("1969", "1969-01-01", "1969-12-31"),
    ("1969-02", "1969-02-01", "1969-02-28"),
    ("1969-10-14", "1969-10-14", "1969-10-14"),
    ("1969-12", "1969-12-01", "1969-12-31"),
    # About and perhaps: a year, a month or a day more on either side.
    ("1970~", "1969-01-01", "1971-12-31"),
    ("1970?", "1969-01-01", "1971-12-31"),
    ("1970%", "1968-01-01", "1972-12-31"),
    # Decades, centuries, seasons, intervals and choices.
    ("198X", "1980-01-01", "1989-12-31"),
    ("19XX", "1900-01-01", "1999-12-31"),
    # Digits that are missing anywhere.
    ("1984-1X", "1984-10-01", "1984-12-31"),
    ("1984-0X", "1984-01-01", "1984-09-30"),
    ("1984-X2", "1984-02-01", "1984-12-31"),
    ("2004-02-2X", "2004-02-20", "2004-02-29"),
    ("2003-1X-3X", "2003-10-30", "2003-12-31"),
    ("198X-1X", "1980-10-01", "1989-12-31"),
    ("1984-1X/1985", "1984-10-01", "1985-12-31"),
    # A season is in other months on the other half of the earth, and a winter goes over the year.
    ("2001-21", "2001-01-01", "2002-02-28"),
    ("2001-26", "2001-06-01", "2001-08-31"),
    ("2001-30", "2001-01-01", "2002-02-28"),
    ("2001-27?", "2000-01-01", "2003-02-28"),
    ("2001-41%", "1999-01-01", "2004-02-29"),
    ("2001-25~/2003", "2000-01-01", "2003-12-31"),
    ("1984/2004", "1984-01-01", "2004-12-31"),
    ("2004-02-01/2005", "2004-02-01", "2005-12-31"),
    ("[1667,1668,1670..1672]", "1667-01-01", "1672-12-31"),
    ("{1960,1961-12}", "1960-01-01", "1961-12-31"),
    # Open or unknown ends.
    ("1984/..", "1984-01-01", ""),
    ("1985/", "1985-01-01", ""),
    ("../1985", "", "1985-12-31"),
    ("/1985", "", "1985-12-31"),
    ("[..2003]", "", "2003-12-31"),
    ("[2003..]", "2003-01-01", ""),
    ("9999", "9999-01-01", ""),
    ("{..1983-12-31,1984-10-10..1984-11-01}", "", "1984-11-01"),
    ("[1980,1990..]", "1980-01-01", ""),
    ("[1984?,1990]", "1983-01-01", "1990-12-31"),
    ("?2004-06", "2003-06-01", "2005-06-30"),
    ("[-0044..2001]", "", "2001-12-31"),
]


@pytest.mark.parametrize("made_at, first, last", SPANS)
def test_a_date_spans_the_time_in_which_the_work_can_have_been_made(
    made_at: str, first: str, last: str
) -> None:
    span = span_of(made_at)
    assert span == Span(first and f"{first}T00:00:00.000000Z", last and f"{last}T23:59:59.999999Z")


@pytest.mark.parametrize("made_at", ["-0044", "0000", "-0400/-0300", "-0044-03-15", "Y-17000"])
def test_what_was_made_before_year_1_is_before_all_later_and_in_no_order(made_at: str) -> None:
    assert is_surely_before(made_at, "0002")
    assert not is_surely_before(made_at, "-0500")
    assert not is_surely_before("-9000", made_at)
    assert start_of_past(made_at, NOW) == ""


def test_a_time_spans_itself() -> None:
    span = span_of("1969-10-14T20:15+02:00")
    assert span == Span(*["1969-10-14T18:15:00.000000Z"] * 2)


@pytest.mark.parametrize(
    "made_at",
    [
        *("", " ", "69", "circa 1969", "1969 ", "1969-13", "2021-02-30", "2004/2003", "1890s"),
        *("..", "/", "../..", "１９６９", "[", "{}", "{2003..1999}", "[1]"),
        *("1984-3X", "2003-02-3X", "1984-2X", "1984-XX-4X", "1984-1X-X"),
        "1" * 81,
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(made_at: str) -> None:
    with pytest.raises(BadMadeAt) as refused:
        span_of(made_at)
    assert refused.value.details == {"made_at": made_at}


PAST = [
    ("2026", True),
    ("2026-06", True),
    ("2026-06-02", True),  # it is tomorrow somewhere
    ("2026-06-02T12:00:00Z", True),
    ("2026-06-02T12:00:00.000001Z", False),
    ("2026-06-03", False),
    ("2026-07", False),
    ("2027", False),
    ("9999", False),
    ("9999~", False),
    ("Y170000002", False),
    ("2026/2030", True),
    ("[2027..]", False),
    ("2027~", True),  # it can be of 2026
    ("[..2030]", True),
]


@pytest.mark.parametrize("made_at, accepted", PAST)
def test_nothing_was_made_in_the_future(made_at: str, accepted: bool) -> None:
    if accepted:
        assert start_of_past(made_at, NOW) == span_of(made_at).first
    else:
        with pytest.raises(MadeInFuture):
            start_of_past(made_at, NOW)


parts = st.sampled_from([*"0123456789XT:Z~?%-./[]{},", "19", "20", "-0", ".."])
FORMS = ("{}{sure}", "{}{sure}/{}", "{}/..", "../{}", "[{}..{}]", "[..{}]", "{{{},{}}}", "{}{}")
days = st.sampled_from(["1984", "2004-06", "2004-06-11", "-0044", "19XX", "2001-21", "-0100-02"])
nearly = st.builds(
    str.format, st.sampled_from(FORMS), days, days, sure=st.sampled_from(["", *"~?%"])
)
"""Most of these are dates; of random parts hardly any are."""


@given(st.lists(parts, max_size=14).map("".join) | nearly)
def test_any_text_is_a_date_with_an_order_or_is_refused(made_at: str) -> None:
    try:
        first, last = span_of(made_at)
    except BadMadeAt:
        return
    assert first or last
    assert not (first and last) or first <= last
    assert all(len(one) == 27 for one in (first, last) if one)


@given(st.dates(), st.dates(), st.sampled_from([4, 7, 10]), st.sampled_from([4, 7, 10]))
def test_a_date_is_surely_before_another_if_they_share_no_moment(
    one: datetime, other: datetime, exact: int, other_exact: int
) -> None:
    a, b = one.isoformat()[:exact], other.isoformat()[:other_exact]
    shared = min(exact, other_exact)
    if exact == other_exact or a[:shared] != b[:shared]:
        assert is_surely_before(a, b) == (a[:shared] < b[:shared])
    else:
        assert not is_surely_before(a, b)
    assert not (is_surely_before(a, b) and is_surely_before(b, a))
    if is_surely_before(a, b):
        assert start_of(a) < start_of(b)
