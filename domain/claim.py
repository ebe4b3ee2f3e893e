"""A claim: what somebody says about another's work, which counts once the other side agrees.

Until then it is pending: on record and shown as a claim, but in no roll, split, cap or lineage. A
claim that nobody answers never counts by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from domain.fact import Fact, Noun, common
from domain.moment import instant

PENDING = "pending"
"""The state of what waits for the other side."""

POSTER, CONTRIBUTOR = "poster", "contributor"
"""Whom it may wait for: the poster of the work or, who asked to be asked, the person credited."""

ANSWER_DAYS = 30
"""How long only the other side answers; afterwards, a moderator may as well."""


@common
class Claim(Fact):
    """What may be said of one's own work, and then counts at once, or claimed of another's."""

    waits_for: str | None = None
    """The relation that has to agree before it counts; without one it counts at once."""
    deadline: str | None = None
    """Until when only the other side answers."""

    @property
    def spends(self) -> str:
        return "claims" if self.deadline else self.QUOTA

    @property
    def leaves(self) -> str:
        return PENDING if self.waits_for else self.STATE


def claimed(now: datetime) -> dict[str, Any]:
    """What a fact says of itself if it is a claim made now."""
    return {"waits_for": POSTER, "deadline": instant(now + timedelta(days=ANSWER_DAYS))}


def is_overdue(noun: Noun | None, now: datetime) -> bool:
    """Whether it is a claim that the other side has not answered in time."""
    if noun is None or noun.state != PENDING:
        return False
    deadline: str | None = getattr(noun, "deadline", None)
    return deadline is not None and deadline <= instant(now)
