"""Quotas: how much one person may do, so that nobody floods the others.

What is counted is checked again under the lock of the append: the limits hold across processes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from domain.claim import PENDING
from domain.condition import Spent
from domain.dispute import DisputeOpening
from domain.fact import Fact, Noun
from domain.moment import instant
from domain.nouns import BORN
from domain.past import Past
from domain.permission import PERIOD, QUOTAS
from domain.refusal import QuotaExceeded

VOUCHED = "vouched "
"""Prefix of the mark, stored in place of a quota, for facts that count toward none."""


def vouched(count: int) -> tuple[int, str, str]:
    """The mark that the last ``count`` facts were vouched for, or restored, by the operator."""
    return count - 1, "", f"{VOUCHED}{count}"


LOOKED_AT = 10
"""Open claims and disputes are looked for among the latest acts: this many times the limit."""


def must_be_within(past: Past, facts: Sequence[Fact]) -> list[Spent]:
    """The actor's counts so far, for each quota that these facts count toward.

    Refuses (``QuotaExceeded``) if these facts would exceed one.
    """
    counted = Counter(one.spends for one in facts if one.spends)
    accounts = past.accounts(past.actor) if counted else []
    return [_within(past, quota, more, accounts) for quota, more in counted.items()]


def _within(past: Past, quota: str, more: int, accounts: Collection[str]) -> Spent:
    limit, journal = QUOTAS[quota], past.stored
    drafted = [one for one in past.facts if one.spends == quota and one.actor in accounts]
    known = journal.spent(accounts, quota, instant(past.now - PERIOD))
    if known.times + len(drafted) + more > limit.a_day:
        latest = journal.spending(accounts, quota, known.times)
        oldest = latest[-1].fact().timestamp if latest else past.now
        raise QuotaExceeded(limit.a_day, limit.what, "in 24 hours", instant(oldest + PERIOD))
    if limit.open is not None and limit.a_round is None:
        latest = journal.spending(accounts, quota, LOOKED_AT * limit.open)
        ids = {one.originator_id for one in latest} | {one.originator_id for one in drafted}
        past.prefetch(ids)
        nouns = (past.get(BORN[type(past.stream(id)[0][1])], id) for id in ids if past.stream(id))
        if sum(_waits(noun, accounts) for noun in nouns) + more > limit.open:
            raise QuotaExceeded(limit.open, limit.what, "without an answer", None)
    return known


def _waits(noun: Noun, accounts: Collection[str]) -> bool:
    """Whether a noun is a pending claim, or in a dispute opened by one of these accounts."""
    if noun.state == PENDING:
        return True
    return noun.state == DisputeOpening.STATE and getattr(noun, "disputer", None) in accounts
