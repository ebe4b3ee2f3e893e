"""The clock: times of facts never run backwards, and an implausible clock is noticed.

A fact gets the time of the clock or, if that is earlier, the time of the fact before it. After the
clock was wrong, the operator accepts its present time, and that is a fact, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from eventsourcing.persistence import StoredEvent

from domain.fact import Fact, Noun, fact
from domain.refusal import ClockUnreliable

SKEW = timedelta(seconds=60)
"""How far the clock may be behind the last fact, since machines' clocks differ a little."""
LONGEST_PAUSE = timedelta(days=366)
"""How far the clock may be ahead of the last fact."""

CLOCK = str(uuid5(NAMESPACE_URL, "stemma:clock"))
"""The id of a journal's one clock."""


class Clock(Noun):
    """The clock of a journal."""

    before: str

    @fact(
        "clock.accepted",
        "{actor} accepted the clock; the previous fact is dated {before}",
        begins=True,
    )
    class Accepted(Fact):
        """The clock is right, although it contradicts the fact before; times continue from it."""

        FROM = ("accepted",)
        STATE = "accepted"
        ABOUT = ()
        before: str


def must_be_credible(now: datetime, last: datetime | None, behind: timedelta = SKEW) -> None:
    """Raise ClockUnreliable if the time can't be right, given that of the last fact."""
    if last is None:
        return
    if last - now > behind:
        raise ClockUnreliable(_in_words(now), f"{_length(last - now)} before", _in_words(last))
    if now - last > LONGEST_PAUSE:
        raise ClockUnreliable(_in_words(now), f"{_length(now - last)} after", _in_words(last))


def _in_words(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _length(time: timedelta) -> str:
    if time >= timedelta(days=2):
        return f"{time.days} days"
    return f"{time.total_seconds():.0f} seconds"


# -- the time of a stored fact -------------------------------------------------------------------

_START, _LENGTH = len(b'{"timestamp":"'), len("2026-06-01T12:00:00.000000Z")

STAMP = f"substr(state, {_START + 1}, {_LENGTH})"
"""SQL for the time of a stored fact, which is its first field and always has the same length."""


def stamp_of(state: bytes) -> str:
    """The time of a stored fact, as an instant (domain.moment)."""
    return state[_START : _START + _LENGTH].decode()


class Point(NamedTuple):
    """The end of the journal at some time: the position of its latest fact, and that fact's time.

    A server that took over, or a restored backup, may have another fact at the same position.
    """

    position: int
    stamp: str

    @property
    def moment(self) -> datetime | None:
        """The time as a datetime; None at the start."""
        return datetime.fromisoformat(self.stamp) if self.stamp else None


START = Point(0, "")


def in_order(stored: Iterable[StoredEvent], last: str) -> Iterator[StoredEvent]:
    """Facts about to be recorded, with times raised so that none is before the fact before it."""
    latest = last.encode()
    for one in stored:
        stamp = one.state[_START : _START + _LENGTH]
        if stamp >= latest or one.topic == Clock.Accepted.TOPIC:
            latest = stamp
            yield one
        else:
            state = one.state[:_START] + latest + one.state[_START + _LENGTH :]
            yield StoredEvent(one.originator_id, one.originator_version, one.topic, state)
