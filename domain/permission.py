"""Who may do what: the one place where that is decided.

The one rule: an operator may act for anyone; everybody else only in the relations named here.
"""

from __future__ import annotations

from domain.refusal import NotPermitted

OPERATOR = "operator"

ANYONE = "anyone"

MAY: dict[str, frozenset[str]] = {
    "admit a contributor": frozenset(),
    "merge": frozenset(),
    "forget": frozenset({"contributor"}),
    "register a key": frozenset({"contributor"}),
    "revoke a key": frozenset({"contributor"}),
    "submit": frozenset({ANYONE}),
    "withdraw": frozenset({"poster"}),
    "redate": frozenset({"poster"}),
    "declare": frozenset({"poster", "poster of the parent"}),
    "dispute": frozenset({ANYONE}),
    "answer": frozenset({"poster", "poster of the parent", "author", "contributor", "opener"}),
    "settle": frozenset(),
    "withdraw a dispute": frozenset({"disputer"}),
    "let expire": frozenset({ANYONE}),
    "strike": frozenset(),
    "grant": frozenset({"poster"}),
    "claim": frozenset({"contributor"}),
    "accept": frozenset({"addressee"}),
    "decline": frozenset({"contributor", "addressee"}),
    "revoke": frozenset({"poster"}),
    "assemble": frozenset({ANYONE}),
    "publish": frozenset({"poster"}),
    "read notices": frozenset({"contributor"}),
    "close a split": frozenset({"poster"}),
    "comment": frozenset({ANYONE}),
    "answer for a share": frozenset({"contributor"}),
    "keep the books": frozenset(),
    "pay": frozenset(),
    "claim a payout": frozenset({"contributor"}),
    "hold money": frozenset(),
    "read a statement": frozenset({"contributor"}),
}
"""What each verb asks of the one who acts: the relations in which it is allowed.

poster: who posted the work in question (or assembled the release). contributor: whose credit, key
or share it is, or who is to be forgotten. addressee: who has to agree to a credit: the person it
was granted to, or the poster of the work on which it was claimed. author: whose credit a work at
hand was posted with. opener: who declared the edge or opened the credit. disputer: who opened the
dispute.
"""


def permit(actor: str, verb: str, **relations: str) -> None:
    """Refuse with NotPermitted unless the actor is the operator or stands in an allowed relation.

    ``relations`` says who stands in each, such as ``poster=…`` (``_`` for a space).
    """
    allowed = MAY[verb]
    if actor == OPERATOR or ANYONE in allowed:
        return
    if not any(relations.get(name.replace(" ", "_")) == actor for name in allowed):
        raise NotPermitted(actor, verb)
