"""Who may do what: each command names the relations that allow it.

The operator may act for anyone; everyone else only in one of the named relations. The last four
are roles that the operator grants (see domain.grant).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import NamedTuple

from domain.refusal import NotPermitted

OPERATOR = "operator"

ANYONE = "anyone"

RELATIONS = {
    ANYONE: "everyone with a key",
    "poster": "the person who posted the work or assembled the release",
    "poster of the parent": "the person who posted the work it was made from",
    "poster of the other": "the person who posted the other work",
    "poster of both": "the person who posted both works",
    "contributor": "the person whose credit, key, share or payout it is, or who is to be forgotten",
    "addressee": "the person whose agreement it needs: for a credit, the one it was granted to or "
    "the poster of the work on which it was claimed; for a join, the poster of the other work",
    "author": "anyone credited on the work since it was posted",
    "opener": "the person who declared the remix or opened the credit",
    "disputer": "the person who opened the dispute",
    "party": "anyone it concerns: credited on the work, on one it was made from or on one made "
    "from it, the poster of one of these, or somebody with a share in what it earns",
    "right holder": "the person who, as the operator has stated, holds the rights to the work",
    "group": "the group in question",
    "member": "another member of the group",
    "leader": "a leader of the project in question",
    "issuer": "the person who issued the challenge",
    "writer": "the writer of the comment",
    "producer": "a producer of the work or pool in question",
    "accountant": "an accountant",
    "moderator": "a moderator who is not involved",
    "auditor": "an auditor",
    "payee": "anyone who has or had an agreed share of the pool, or money in it",
    "participant": "anyone with a proposed share of the pool or a part in its release",
}
"""The relations someone may have to what a command is about."""


class Quota(NamedTuple):
    """How much somebody may do. The operator and an import are not limited."""

    what: str
    a_day: int
    open: int | None = None
    """How many may wait for an answer at the same time; of comments, on one proposal."""
    a_round: int | None = None
    """Of comments: how many on one version of a proposal."""


QUOTAS = {
    "works": Quota("pieces and releases posted", 300),
    "credits": Quota("credits given to others", 200),
    "claims": Quota("claims about the works of others", 20, open=40),
    "disputes": Quota("disputes opened", 5, open=3),
    "projects": Quota("projects launched", 10),
    "challenges": Quota("challenges issued", 30),
    "answers": Quota("pieces put into projects and given as answers", 300),
    "conversation": Quota("comments written and changed", 200),
    "follows": Quota("things begun to be followed", 500),
    "comments": Quota("comments on shares", 50, open=3, a_round=6),
}
"""How much each person may do; facts name the quota that they count toward (``Fact.QUOTA``)."""
PERIOD = timedelta(days=1)


def limited(quota: str) -> str:
    """The limits of a quota, as a sentence."""
    what, a_day, waiting, a_round = QUOTAS[quota]
    limits = [f"{a_day} in 24 hours"]
    limits += [] if waiting is None else [f"{waiting} unanswered at the same time"]
    limits += [] if a_round is None else [f"{a_round} on one version"]
    return f"For each person but the operator, {what}: at most {', '.join(limits)}."


def open_to(
    allowed: Collection[str], at_once: Collection[str] | None = None, late: Collection[str] = ()
) -> str:
    """Sentences about who may do something, whose statement is only a claim, and who may later."""
    if ANYONE in allowed:
        text = f"Open to {RELATIONS[ANYONE]}."
    else:
        text = f"Open to the operator{''.join(f'; {one}' for one in _meanings(allowed))}."
    if waiting := set(allowed) - set(allowed if at_once is None else at_once):
        text += f" Said by {' or '.join(_meanings(waiting))}, it is a claim: it does not count yet."
    if late:
        text += f" Of a claim not answered in time, also to {' or '.join(_meanings(late))}."
    return text


def _meanings(relations: Collection[str]) -> list[str]:
    return [meaning for name, meaning in RELATIONS.items() if name in relations]


OWN = frozenset({"contributor"})
"""Only the person themself."""
READS = frozenset({"auditor"})
"""Who may read everything, besides the operator."""

BOOKS = frozenset({"accountant"})
"""Who keeps the books, besides the operator."""


def permit(actor: str, what: str, allowed: Collection[str], sides: Mapping[str, str]) -> None:
    """Raise NotPermitted unless the actor is the operator or in an allowed relation.

    ``sides`` gives by relation who is in it.
    """
    if actor != OPERATOR and not stands(actor, allowed, sides):
        raise NotPermitted(actor, what, open_to(allowed))


def stands(actor: str, allowed: Collection[str], sides: Mapping[str, str]) -> bool:
    """Whether an actor is in an allowed relation."""
    return ANYONE in allowed or any(sides.get(name) == actor for name in allowed)
