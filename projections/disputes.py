"""Disputes: the open one about a credit, a remix, an identifier or a membership.

Only an open dispute is shown; earlier ones are in the history.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from domain.credit import Credit
from domain.dispute import DisputeAnswer, DisputeOpening, Settlement
from domain.journal import Journal
from domain.stored import Placed
from domain.values import CreditId, IdentifierId, MembershipId, RemixId
from projections import around, asks, attribution, identifiers, memberships, told
from projections.history import tell
from projections.nouns import facts_of
from projections.pages import Page, cut, decode_cursor
from projections.question import question
from projections.store import View, holds


@question("show_credit", "/credits/{id}", cli="credit show")
def credit(view: View, journal: Journal, id: CreditId) -> told.DisputedCredit:
    """One credit, and the open dispute about it."""
    return credit_to(view, journal, id, ())


def credit_to(view: View, journal: Journal, id: str, to: Collection[int]) -> told.DisputedCredit:
    """One credit and its open dispute, as the person with the accounts ``to`` may see them."""
    found = attribution.credit(view, id, to)
    dispute = _open(view, journal, id, found["state"])
    if dispute and found["contributor"]["id"] == id:  # hidden: the dispute must not name them
        person = _person(journal, id)
        for side in (dispute, dispute["answer"]):
            if side and side["actor"] == person:
                side["actor"] = id
    return {**found, "dispute": dispute}


def _person(journal: Journal, id: str) -> str:
    """The id of the contributor who was credited."""
    first = next(iter(journal.facts.streams([id]))).fact()
    assert isinstance(first, Credit.Birth)
    return first.contributor


@question("show_identifier", "/identifiers/{id}")
def identifier(view: View, journal: Journal, id: IdentifierId) -> told.DisputedIdentifier:
    """One identifier, and the open dispute about it."""
    found = identifiers.identifier(view, id)
    return {**found, "dispute": _open(view, journal, id, found["state"])}


@question("show_membership", "/memberships/{id}", cli="membership show")
def membership(view: View, journal: Journal, id: MembershipId) -> told.DisputedMembership:
    """One membership of a group, and the open dispute about it."""
    found = memberships.membership(view, id)
    return {**found, "dispute": _open(view, journal, id, found["state"])}


@question("show_remix", "/remixes/{id}", cli="remix show")
def remix(view: View, journal: Journal, id: RemixId) -> told.DisputedRemix:
    """One remix, and the open dispute about it."""
    found = around.remix(view, id)
    return {**found, "dispute": _open(view, journal, id, found["state"])}


OF_NOUN: Mapping[str, Callable[[View, Journal, str], Mapping[str, Any]]] = {
    "credit": credit,
    "remix": remix,
    "identifier": identifier,
    "membership": membership,
}
"""By noun that can be disputed: the answer about one, with its open dispute."""


def _open(view: View, journal: Journal, id: str, state: str) -> told.Dispute | None:
    """The dispute that has not ended, with its answer if there is one; otherwise None."""
    if state != DisputeOpening.STATE:
        return None
    said = list[Placed]()
    for placed in facts_of(view, journal, id):
        match placed.fact():
            case DisputeOpening() | DisputeAnswer():
                said.append(placed)
            case Settlement():
                said.clear()
    opening, *answers = tell(journal, said)
    return {
        "grounds": opening["content"]["grounds"],
        **_side(opening),
        "deadline": opening["content"]["deadline"],
        "answer": _side(answers[0]) if answers else None,
    }


def _side(fact: told.FactTold) -> told.Side:
    """The statement of one side; erased texts are null."""
    return {
        "reason": fact["reason"],
        "evidence": fact["content"]["evidence"],
        "evidence_kind": fact["content"]["evidence_kind"],
        "evidence_sha256": fact["content"]["evidence_sha256"],
        "actor": fact["actor"],
        "at": fact["recorded_at"],
        "position": fact["position"],
    }


class Opened(NamedTuple):
    """An open dispute in a list."""

    noun: str
    """What is disputed: a credit, a remix, an identifier or a membership."""
    id: str
    work: int | None
    """The number of the work it is about; None if it is about people alone."""
    disputer: str
    grounds: str
    deadline: str
    position: int


def opened(view: View, *, after: str | None = None, limit: int = 50) -> Page[Opened]:
    """All open disputes, those due first at the beginning."""
    due, born = decode_cursor(after, str, int) or ("", 0)
    rows = view.rows(
        "SELECT a.about, a.noun, a.work, a.who, a.says, a.due, a.born FROM @asks a "
        f"WHERE a.kind = '{asks.SETTLEMENT}' AND a.state = '{asks.OPEN}' AND {holds('a')} "
        "AND (a.due > :due OR a.due = :due AND a.born > :born) "
        "ORDER BY a.due, a.born LIMIT :limit",
        due=due,
        born=born,
        limit=limit + 1,
    )
    found = [Opened(*row) for row in rows]
    page, more = cut(found, limit, lambda one: (one.deadline, one.position))
    return Page([*page], more)
