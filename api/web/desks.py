"""Desks: a page for each trade, from which its work is done, and who may use which.

A menu offers each reader the desks that are open to them; every other desk says who may use it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from domain.journal import Journal
from domain.permission import ANYONE, OPERATOR, OWN, open_to
from domain.refusal import NotPermitted
from projections import attribution, grants, inbox
from projections.store import View


class Desk(NamedTuple):
    """What somebody of a trade does here."""

    trade: str
    about: str
    may: Collection[str]
    """The roles that open it to others than the operator, or ``ANYONE``, or ``OWN``: everybody
    but the operator."""

    def is_open(self, actor: str, roles: Collection[str]) -> bool:
        """Whether somebody with these roles may use it."""
        if actor == OPERATOR:
            return self.may != OWN
        return ANYONE in self.may or self.may == OWN or not set(self.may).isdisjoint(roles)

    def must_be_open(self, journal: Journal, actor: str) -> None:
        """Refuse the page to whom it is not open."""
        if not self.is_open(actor, grants.held(journal, actor)):
            raise NotPermitted(actor, f"read the desk of the {self.trade}", open_to(self.may))


class SignedIn(NamedTuple):
    """Who reads the page, for the menu."""

    name: str
    waits: int
    """How much waits for their answer."""
    desks: list[Desk]


def signed_in(view: View, journal: Journal, actor: str, desks: Collection[Desk]) -> SignedIn:
    """The name of who has signed in, what waits for them, and their desks."""
    waits, roles = inbox.how_many(view, journal, actor), grants.held(journal, actor)
    is_operator = actor == OPERATOR
    name = "the operator" if is_operator else attribution.person(view, actor)["name"]
    return SignedIn(name or "somebody", waits, [one for one in desks if one.is_open(actor, roles)])
