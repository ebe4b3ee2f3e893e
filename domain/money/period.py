"""Closed periods: what is dated into one afterwards is late, and shown as late.

Closing changes no amount: late revenue is divided by the terms of its date, and shown in the
statement of the time when it was recorded.
"""

from __future__ import annotations

from domain.fact import Fact, Noun, fact
from domain.readers import ALL_MONEY


class Period(Noun):
    """All time before a moment, whose statements have been sent out."""

    until: str

    @fact("period.closed", "{actor} closed the books until {until}", begins=True)
    class Closed(Fact):
        """All time before ``until`` is closed; what is dated into it from now on is late."""

        READERS = ALL_MONEY
        STATE = "closed"
        ABOUT = ()
        until: str
        note: str | None = None
