"""What facts put in question: credits, edges and memberships, by a dispute, a hold or a finding.

The books and the read tables agree, because both ask here.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.credit import Credit
from domain.dispute import DisputeOpening
from domain.fact import Fact
from domain.membership import Membership
from domain.money.hold import Hold
from domain.remix import Remix

DOUBTING = (
    *(Hold.Opened, Hold.Lifted),
    *(Credit.Disputed, Credit.Settled, Credit.Revoked),
    *(Remix.Disputed, Remix.Settled, Remix.Struck),
    *(Membership.Disputed, Membership.Settled),
)
"""The facts that put something in question, or no longer."""


class Doubt(NamedTuple):
    """A credit, an edge or a membership that is on hold, in dispute, or was found false."""

    work: str
    """The work of the credit, the parent of the edge, or the group."""
    contributor: str | None
    child: str | None
    by_name: bool
    """Whether it also puts on hold what terms give by name; older disputes do not."""
    by_piece: bool
    """Whether it puts on hold only what a payee gets for the piece in question; older disputes hold
    all of a share."""
    by_origin: bool
    """Whether it also puts on hold what others have from the person; older disputes do not."""
    false_at: int | None = None
    """The position at which it was found false; None while it is open."""


def doubt_of(position: int, happened: Fact) -> Doubt | None:
    """What is in question after one of these facts; None if it no longer is."""
    if isinstance(happened, DisputeOpening | Hold.Opened):
        by_name, false_at = bool(happened.by_name), None
    elif getattr(happened, "is_false", None):
        by_name, false_at = True, position
    else:
        return None
    by_piece, by_origin = (
        bool(getattr(happened, name, None)) for name in ("by_piece", "by_origin")
    )
    return Doubt(*doubted_by(happened), by_name, by_piece, by_origin, false_at)


def doubted_by(happened: Fact) -> tuple[str, str | None, str | None]:
    """The work, the contributor and the child that one of these facts is about."""
    match happened:
        case Remix.Event(child=child, parent=parent):
            return parent, None, child
        case Membership.Event(group=group, contributor=contributor):
            return group, contributor, None
        case (
            Hold.Event(work=work, contributor=contributor)
            | Credit.Event(work=work, contributor=contributor)
        ):
            return work, contributor, None
    raise AssertionError(happened.TOPIC)
