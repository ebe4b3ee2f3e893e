"""A hold: what a credit earned is not paid until a question about it is settled.

A hold moves no money and changes no share; it only delays payment.
"""

from __future__ import annotations

from domain.fact import Fact, Noun, common, fact
from domain.identity import part_id
from domain.readers import OWN_MONEY
from domain.refusal import UnknownCredit


def hold_on(credit: str) -> str:
    """The id of the hold on a credit: there is one, opened and lifted as often as needed."""
    return part_id(credit, "hold", 0)


class Hold(Noun):
    """Payments for a credit are on hold."""

    UNKNOWN = UnknownCredit
    credit: str
    work: str
    contributor: str

    @common
    class Event(Fact):
        """A fact about a hold names the credit, its work and its person."""

        READERS = OWN_MONEY
        ABOUT = ("work", "contributor")
        credit: str
        work: str
        contributor: str
        reason: str | None = None

    @fact("hold.opened", "{actor} held what {contributor} earns with {work}", begins=True)
    class Opened(Event):
        """Payments for this credit are on hold."""

        FROM = ("open", "lifted")
        STATE = "open"
        by_name: bool | None = None
        """Whether it also holds what terms give by name; older holds do not."""
        by_piece: bool | None = None
        """Whether it holds only what the payee gets for this piece; older ones hold all of their
        share."""
        by_origin: bool | None = None
        """Whether it also holds what others have from the person, by assignment or through a group;
        older ones do not."""

    @fact("hold.lifted", "{actor} released what {contributor} earned with {work}")
    class Lifted(Event):
        """What was held can be paid."""

        FROM = ("open",)
        STATE = "lifted"
