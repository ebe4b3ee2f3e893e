"""A grant: a contributor may act in a role, for everything or for one work or one pool.

Its id is derived from the contributor, the role and the work or pool, so that a command finds it
without a search, and is refused if the role ends at the same moment.
"""

from __future__ import annotations

from domain.fact import Fact, Noun, common, fact
from domain.identity import part_id
from domain.refusal import BadRole

GRANTABLE = {
    "producer": "decides about one work, with its pools and proposals, or about one pool",
    "accountant": "keeps the books: revenue, expenses, corrections, payouts and holds",
    "auditor": "reads everything and writes nothing",
    "moderator": "settles disputes, strikes false remixes and merges accounts",
}
"""The roles that the operator may grant, with their meanings."""
SCOPED = frozenset({"producer"})
"""The roles that are granted for one work or one pool, never for everything."""


def granted_role(text: str) -> str:
    """The role, if it is one that can be granted."""
    if text not in GRANTABLE:
        raise BadRole(text, f"use one of {', '.join(GRANTABLE)}")
    return text


def grant_id(contributor: str, role: str, area: str | None = None) -> str:
    """The id of the one grant of a role, which is granted and ended as often as needed."""
    return part_id(contributor, f"{role}/{area or 'all'}", 0)


def must_have_area(role: str, areas: int) -> None:
    """Refuse (``BadRole``) an area for a role that has none, and a role without its one area."""
    if areas != (role in SCOPED):
        needed = "for one work or one pool" if role in SCOPED else "for everything"
        raise BadRole(role, f"it is granted {needed}")


class Grant(Noun):
    """A role that a contributor has or had."""

    UNKNOWN = BadRole
    contributor: str
    role: str
    work: str | None
    pool: str | None

    @common
    class Event(Fact):
        """A fact about a grant names who has the role, and for what; a pool also its release."""

        ABOUT = ("contributor", "work")
        contributor: str
        role: str
        work: str | None = None
        pool: str | None = None
        reason: str | None = None

    @fact("role.granted", "{actor} gave {contributor} the role of {role}", begins=True)
    class Granted(Event):
        """The contributor may act in the role from now on."""

        FROM = ("ended",)
        STATE = "granted"
        INVOLVES = "contributor"
        FOUND_BY = ("contributor", "role")

    @fact("role.ended", "{actor} ended the role of {contributor} as {role}")
    class Ended(Event):
        """The contributor may no longer act in the role; what they did stays."""

        FROM = ("granted",)
        STATE = "ended"

    @property
    def holds(self) -> bool:
        """Whether the role may be used now."""
        return self.state == Grant.Granted.STATE
