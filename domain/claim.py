"""A claim: a statement about another's work, which counts only once the other side agrees.

Until then it is pending: on record and shown as a claim, but not part of credits, splits, caps or
lineages. A claim that nobody answers never counts by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from domain.fact import Fact, Noun, common
from domain.moment import instant

PENDING = "pending"
"""The state of a noun that waits for the other side's agreement."""

POSTER, CONTRIBUTOR = "poster", "contributor"
"""Who may have to agree: the poster of the work, or a credited person who wants to be asked."""

ANSWER_DAYS = 30
"""For how long only the other side may answer; afterwards a moderator may, too."""


@common
class Claim(Fact):
    """A statement that counts at once about one's own work, and is a claim about another's."""

    waits_for: str | None = None
    """The relation that has to agree before it counts; None: it counts at once."""
    deadline: str | None = None
    """Until then, only the other side may answer."""

    @property
    def spends(self) -> str:
        return "claims" if self.deadline else self.QUOTA

    @property
    def leaves(self) -> str:
        return PENDING if self.waits_for else self.STATE


def claimed(now: datetime) -> dict[str, Any]:
    """The fields of ``Claim`` for a claim made now."""
    return {"waits_for": POSTER, "deadline": instant(now + timedelta(days=ANSWER_DAYS))}


def is_overdue(noun: Noun | None, now: datetime) -> bool:
    """Whether a noun is a claim that the other side has not answered in time."""
    if noun is None or noun.state != PENDING:
        return False
    deadline: str | None = getattr(noun, "deadline", None)
    return deadline is not None and deadline <= instant(now)
