"""A period that is closed: what is dated into it afterwards is late, and shown so.

Closing changes no amount: a late line is divided by what held at its date, and stands in the
statement of the time when it was recorded.
"""

from __future__ import annotations

from domain.fact import Fact, Noun, fact
from domain.readers import ALL_MONEY


class Period(Noun):
    """All time before a moment, whose statements have been sent out."""

    until: str

    @fact("period.closed", begins=True)
    class Closed(Fact):
        """What was earned before a moment is accounted for; what comes later is late."""

        READERS = ALL_MONEY
        STATE = "closed"
        ABOUT = ()
        until: str
        note: str | None = None
