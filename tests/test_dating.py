"""Dates are shown as people say them."""

import pytest

from projections.dating import in_words

WORDS = [
    ("1989", "1989"),
    ("1989-05-03", "1989-05-03"),
    ("1970~", "about 1970"),
    ("1975-05?", "perhaps 1975-05"),
    ("1984%", "perhaps about 1984"),
    ("~1989", "about 1989"),
    ("2001-21", "spring 2001"),
    ("2001-31", "autumn (south) 2001"),
    ("2001-33", "first quarter of 2001"),
    ("2001-39?", "perhaps third third of 2001"),
    ("1998-41/1999", "second half of 1998 to 1999"),
    ("2001-45", "2001-45"),
    ("198X", "1980s"),
    ("198X~", "about 1980s"),
    ("19XX", "between 1900 and 1999"),
    ("19XX~", "between about 1900 and 1999"),
    ("XXXX", "an unknown year"),
    ("2004-XX", "sometime in 2004"),
    ("1985-XX-XX", "sometime in 1985"),
    ("2004-06-XX~", "sometime in about 2004-06"),
    ("1984-1X", "between 1984-10 and 1984-12"),
    ("1984-1X?/1985", "between perhaps 1984-10 and 1984-12 to 1985"),
    ("2004-02-2X", "between 2004-02-20 and 2004-02-29"),
    ("1984-3X", "1984-3X"),
    ("156X-12-25", "156X-12-25"),
    ("-0044", "45 BC"),
    ("0000", "1 BC"),
    ("-0400~/-0300", "about 401 BC to 301 BC"),
    ("?2004-06", "2004-06 (year uncertain)"),
    ("1984/2004", "1984 to 2004"),
    ("1984~/2004?", "about 1984 to perhaps 2004"),
    ("1984/..", "since 1984"),
    ("../1985", "until 1985"),
    ("1985/", "from 1985 to an unknown date"),
    ("/1985", "until 1985, from an unknown date"),
    ("[..2003]", "2003 or earlier"),
    ("[2003..]", "2003 or later"),
    ("[1667,1668..1670]", "1667 or 1668 to 1670"),
    ("{1960,1961-12}", "1960 and 1961-12"),
    ("2004?-06-11", "2004-06-11 (year uncertain)"),
    ("2004-06~-11", "2004-06-11 (year approximate, month approximate)"),
    ("?2004-06-~11", "2004-06-11 (year uncertain, day approximate)"),
    ("~2004-~06", "about 2004-06"),
    ("2001-21?", "perhaps spring 2001"),
    ("1969-10-14T20:15:00Z", "1969-10-14 20:15 UTC"),
    ("2000-01-07T19:35:00.000000Z", "2000-01-07 19:35 UTC"),
    ("2000-01-07T19:35:20+02:00/2001", "2000-01-07 19:35:20 +02:00 to 2001"),
    ("1969-10-14T20:15", "1969-10-14 20:15 UTC"),
]


@pytest.mark.parametrize("made_at, words", WORDS)
def test_a_date_in_words(made_at: str, words: str) -> None:
    assert in_words(made_at) == words
