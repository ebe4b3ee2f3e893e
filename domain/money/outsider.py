"""An outsider, named in terms or agreements, who is identified as a contributor."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from domain.fact import Fact, Noun, fact
from domain.readers import OWN_MONEY


def outsider_id(name: str) -> str:
    """The id of the outsider with this name."""
    return str(uuid5(NAMESPACE_URL, f"stemma:payee:{name}"))


class Outsider(Noun):
    """The contributor behind a name."""

    NAME = "payee"
    payee: str
    contributor: str

    @fact("payee.identified", "{actor} recorded that “{payee}” is {contributor}", begins=True)
    class Identified(Fact):
        """A name is a contributor: what it has earned and will earn is theirs."""

        READERS = OWN_MONEY
        STATE = "identified"
        INVOLVES = "contributor"
        ABOUT = ("contributor",)
        payee: str
        contributor: str
        reason: str | None = None
        evidence: str | None = None

        def touches(self) -> tuple[str, ...]:
            return (self.contributor, self.payee)
