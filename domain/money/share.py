"""A share: one payee's part of an agreement, and whether they accept it.

Until the payee accepts it, their money is on hold; nobody else gets it.
"""

from __future__ import annotations

from domain.fact import Fact, Looking, Noun, common, fact
from domain.money.payee import Payee
from domain.readers import AGREEMENT
from domain.refusal import NoShare


class Share(Noun):
    """One payee's share in one agreement."""

    UNKNOWN = NoShare
    WAIVED = "waived"
    """The state of a share of which nothing is left."""
    proposal: str
    pool: str
    release: str
    payee: str
    contributor: str | None = None
    """Who claimed the work, if the share waited for its maker."""
    scopes: tuple[str, ...] = ()
    """The scopes within which the payee waives their share."""

    @common
    class Event(Fact):
        """A fact about a share names the agreement and the payee."""

        READERS = AGREEMENT
        proposal: str
        pool: str
        release: str
        payee: str

        def subjects(self) -> tuple[str, ...]:
            return (self.release, Payee.parse(self.payee).id)

    @fact("share.offered", "The shares of {release} are final: {payee} has {share}", begins=True)
    class Offered(Event):
        """A share was agreed; its payee is asked."""

        STATE = "offered"
        share: str

    @fact(
        "share.claimed",
        "{contributor} is offered the share in {release} that was held for their work",
        begins=True,
    )
    class Claimed(Event):
        """A share that waited for the maker of a work is offered to who successfully claimed it."""

        STATE = "offered"
        contributor: str
        share: str

        def subjects(self) -> tuple[str, ...]:
            return (*super().subjects(), self.contributor)

    @fact("share.accepted", "{payee} accepted the share in {release}")
    class Accepted(Event):
        """The payee accepts the share: what was held for them can be paid."""

        FROM = ("offered", "declined", "carried", "waived")
        STATE = "accepted"
        by_document: bool | None = None
        """Whether they accepted by signing the document of an agreement made elsewhere."""

    @fact(
        "share.carried",
        "{payee} has the same share in {release} as before; the acceptance is carried over",
    )
    class Carried(Event):
        """The share is unchanged, so the acceptance is carried over; the payee may decline."""

        FROM = ("offered",)
        STATE = "carried"
        earlier: str
        """The agreement that they accepted."""

    @fact("share.declined", "{payee} declined the share in {release}")
    class Declined(Event):
        """The payee does not agree; what is due to them stays on hold."""

        FROM = ("offered", "carried", "waived")
        STATE = "declined"
        reason: str | None = None

    @fact("share.waived", "{payee} waived a share in {release}")
    class Waived(Event):
        """The payee waives their share within a scope; it goes to the others there."""

        FROM = ("offered", "declined", "carried", "waived")
        scope: str
        reason: str | None = None
        stands_as: str | None = None
        """“waived” if nothing is left of the share: nobody is asked to accept that. Older waivers
        left it as it was."""

        @property
        def leaves(self) -> str:
            return self.stands_as or ""

        def apply(self, noun: Share) -> None:
            super().apply(noun)
            noun.scopes = (*noun.scopes, self.scope)

    def sides(self, looking: Looking) -> dict[str, str]:
        """Whose share it is."""
        return {"contributor": self.contributor or self.payee}
