"""Desks: a page for each trade, from which its work is done, and who may use which.

A menu offers each reader the desks that are open to them; every other desk says who may use it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from flask import g

from domain.journal import Journal
from domain.permission import ANYONE, OPERATOR, OWN, open_to
from domain.refusal import NotPermitted
from projections import attribution, grants, inbox
from projections.store import View

if TYPE_CHECKING:
    from api.web.frame import Answer, Frame


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


def desk_of(
    frame: Frame, trade: str, about: str, may: Collection[str]
) -> Callable[[Callable[[], Answer]], Callable[[], Answer]]:
    """The page of a desk at ``/desk/<trade>``, for those whom it is open to."""
    one = Desk(trade, about, may)
    frame.desks[trade] = one

    def decorate(show: Callable[[], Answer]) -> Callable[[], Answer]:
        def shown() -> Answer:
            if not one.is_open(g.actor, grants.held(frame.journal, g.actor)):
                raise NotPermitted(g.actor, f"read the desk of the {trade}", open_to(may))
            return show()

        shown.__name__ = show.__name__
        frame.page(f"/desk/{trade}", nobody_else=True)(shown)
        return show

    return decorate
