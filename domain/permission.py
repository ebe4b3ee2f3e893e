"""Who may do what: each command names the relations that allow it.

The operator may act for anyone; everyone else only in one of the named relations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.refusal import NotPermitted

OPERATOR = "operator"

ANYONE = "anyone"

RELATIONS = {
    ANYONE: "everyone with a key",
    "poster": "who posted the work or assembled the release",
    "poster of the parent": "who posted the work it was made from",
    "contributor": "whose credit, key, share or payout it is, or who is to be forgotten",
    "addressee": "who has to agree to a credit: the person it was granted to, or the poster of the "
    "work on which it was claimed",
    "author": "who has been credited on the work since it was posted",
    "opener": "who declared the remix or opened the credit",
    "disputer": "who opened the dispute",
}
"""The relations someone may have to what a command is about."""


def open_to(allowed: Collection[str]) -> str:
    """Who may, as a sentence."""
    if ANYONE in allowed:
        return f"Open to {RELATIONS[ANYONE]}."
    named = [meaning for name, meaning in RELATIONS.items() if name in allowed]
    return f"Open to the operator{''.join(f'; {meaning}' for meaning in named)}."


OWN = frozenset({"contributor"})
"""What only the person themself may read: notices, statements, payouts."""


def permit(actor: str, what: str, allowed: Collection[str], sides: Mapping[str, str]) -> None:
    """Raise NotPermitted unless the actor is the operator or in an allowed relation.

    ``sides`` says who is in each.
    """
    if actor == OPERATOR or ANYONE in allowed:
        return
    if not any(sides.get(name) == actor for name in allowed):
        raise NotPermitted(actor, what)
