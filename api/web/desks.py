"""Desks: one page for each trade, where its work is done, and who may use which.

The menu offers each reader the desks open to them; any other desk answers who may use it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from domain.journal import Journal
from domain.permission import ANYONE, OPERATOR, OWN, open_to
from domain.refusal import NotPermitted
from projections import contributors, grants, inbox
from projections.store import View


class Desk(NamedTuple):
    """The page of a trade: its name, what it is about, and to whom it is open."""

    trade: str
    about: str
    may: Collection[str]
    """The roles that open it, besides the operator; or ``ANYONE``; or ``OWN``, which is everybody
    but the operator."""

    def is_open(self, actor: str, roles: Collection[str]) -> bool:
        """Whether somebody with these roles may use it."""
        if actor == OPERATOR:
            return self.may != OWN
        return ANYONE in self.may or self.may == OWN or not set(self.may).isdisjoint(roles)

    def must_be_open(self, journal: Journal, actor: str) -> None:
        """Raise NotPermitted if it is not open to the actor."""
        if not self.is_open(actor, grants.held(journal, actor)):
            who = "Open to contributors." if self.may == OWN else open_to(self.may)
            raise NotPermitted(actor, f"read the desk of the {self.trade}", who)


class SignedIn(NamedTuple):
    """The reader as the menu shows them."""

    name: str
    waits: int
    """How many things wait for their answer."""
    desks: list[Desk]


def signed_in(view: View, journal: Journal, actor: str, desks: Collection[Desk]) -> SignedIn:
    """The reader who has signed in, as the menu shows them."""
    waits, roles = inbox.how_many(view, journal, actor), grants.held(journal, actor)
    is_operator = actor == OPERATOR
    name = "the operator" if is_operator else contributors.person(view, actor)["name"]
    return SignedIn(name or "somebody", waits, [one for one in desks if one.is_open(actor, roles)])
