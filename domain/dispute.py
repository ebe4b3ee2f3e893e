"""Disputes about remixes, credits and other nouns: opened, perhaps answered, and then settled.

Only the fact ``….disputed`` opens a dispute, and only ``….settled`` ends it. All disputable nouns
share this code, so that a dispute works the same whatever it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from domain.dates import span_of, start_of
from domain.fact import Fact, Noun, common
from domain.moment import instant, last_before
from domain.permission import OPERATOR
from domain.refusal import AlreadyAnswered, BadDeadline, BadOutcome, NotYet, TooLate

GROUNDS = {
    "not_theirs": "what is credited or claimed was made by someone else",
    "missing_share": "someone's part is left out, or stated too small",
    "wrong_role": "the person did something other than what it says",
    "not_derived": "nothing of one work is in the other",
    "no_permission": "it was used without permission",
    "false_date": "the date of one of the works is wrong",
    "not_a_member": "the person is not, and never was, in the group",
    "not_at_that_time": "the person was in the group, but not when it says",
    "other": "what the reason says",
}
"""Why something may be disputed."""
FITTING = {
    "credit": ("not_theirs", "missing_share", "wrong_role", "false_date"),
    "remix": ("not_derived", "missing_share", "no_permission", "false_date"),
    "identifier": ("not_theirs",),
    "membership": ("not_a_member", "not_at_that_time"),
}
"""The grounds that fit each noun, besides “other”: forms offer these, and any is accepted."""

IN_QUESTION = {"by_name": True, "by_piece": True, "by_origin": True}
"""How far a dispute or a hold that is opened now reaches (see ``DisputeOpening``)."""
FOUND_FALSE = {"is_false": True, "by_piece": True, "by_origin": True}
"""How far something that is found false now reaches (see ``Settlement``)."""

OUTCOMES = {
    "upheld": "the dispute is right: what was disputed no longer counts",
    "dismissed": "the dispute is wrong: it stands as before",
    "corrected": "the error was corrected: if another remix or credit is named, it replaces "
    "this one; if none is, this one stands as before",
    "withdrawn": "the person who opened the dispute withdraws it: it stands as before",
    "expired": "nobody answered in time or decided: it stands as before",
}
"""How a dispute may end."""

ANSWER_DAYS = 30
MINIMUM_ANSWER_DAYS = 7
MAXIMUM_ANSWER_DAYS = 180
"""How many days the other side has to answer: by default, at least and at most."""


class Dispute(NamedTuple):
    """The latest dispute about a noun; the noun's state says whether it is still open."""

    opened_by: str
    deadline: str
    before: str
    """The state of the noun before the dispute, to which it may return."""
    answered: bool = False


class Disputable(Noun):
    """A noun that may be disputed."""

    Disputed: ClassVar[type[DisputeOpening]]
    Answered: ClassVar[type[DisputeAnswer]]
    Settled: ClassVar[type[Settlement]]
    NOT_COUNTED: ClassVar[tuple[str, ...]]
    """The states in which it is not part of credits, lineages, splits and caps."""
    GONE: ClassVar[str]
    """Its state after it was undone."""
    UNDO: ClassVar[frozenset[str]]
    """The relations that allow undoing it."""
    dispute: Dispute | None = None

    @property
    def counts(self) -> bool:
        """Whether it counts in credits, lineages, splits and caps."""
        return self.state not in self.NOT_COUNTED

    @property
    def disputer(self) -> str:
        """Who opened the latest dispute."""
        return self.dispute.opened_by if self.dispute else OPERATOR

    def must_be_answerable(self, is_over: Callable[[str], bool]) -> None:
        """Refuse a second answer, and one after the deadline."""
        assert self.dispute is not None
        if self.dispute.answered:
            raise AlreadyAnswered(self.id)
        if is_over(last_before(self.dispute.deadline)):
            raise TooLate(self.id, self.dispute.deadline)

    def must_have_expired(self, now: datetime) -> None:
        """Refuse to let the dispute expire before the deadline, or after an answer."""
        assert self.dispute is not None
        if self.dispute.answered:
            raise AlreadyAnswered(self.id)
        if instant(now) < self.dispute.deadline:
            raise NotYet(self.id, self.dispute.deadline)


@common
class DisputeOpening(Fact):
    """A dispute begins; ``deadline`` is ``answer_by``, if that was stated."""

    STATE = "disputed"
    QUOTA = "disputes"
    grounds: str
    reason: str
    deadline: str
    answer_by: str | None = None
    evidence: str | None = None
    evidence_kind: str | None = None
    evidence_sha256: str | None = None
    by_name: bool | None = None
    """Whether it also puts on hold what terms give by name; older disputes do not."""
    by_piece: bool | None = None
    """Whether it puts on hold only what a payee gets for the piece; older ones hold all of their
    share."""
    by_origin: bool | None = None
    """Whether it also puts on hold what others have from the person, by assignment or through a
    group; older ones do not."""

    def apply(self, noun: Disputable) -> None:
        """Remember who opened the dispute, and the state before it."""
        noun.dispute = Dispute(self.actor, self.deadline, noun.state)
        noun.state = self.STATE


@common
class _Following(Fact):
    """A later fact of a dispute also names the person who opened it."""

    FROM = (DisputeOpening.STATE,)
    disputer: str

    def subjects(self) -> tuple[str, ...]:
        return self._with_disputer(super().subjects())

    def names(self) -> tuple[str, ...]:
        return self._with_disputer(super().names())

    def _with_disputer(self, others: tuple[str, ...]) -> tuple[str, ...]:
        also = () if self.disputer == OPERATOR else (self.disputer,)
        return tuple(dict.fromkeys((*others, *also)))


@common
class DisputeAnswer(_Following):
    """The other side says why the dispute is wrong."""

    reason: str
    evidence: str | None = None
    evidence_kind: str | None = None
    evidence_sha256: str | None = None

    def apply(self, noun: Disputable) -> None:
        """The dispute can't expire any more; the noun stays disputed."""
        assert noun.dispute is not None
        noun.dispute = noun.dispute._replace(answered=True)


@common
class Settlement(_Following):
    """A dispute ends; ``stands_as`` is the state in which it leaves the noun."""

    outcome: str
    stands_as: str
    reason: str
    replaced_by: str | None = None
    is_false: bool | None = None
    """Whether what was disputed was found false, so that shares of money have to be corrected."""
    by_piece: bool | None = None
    """Whether it puts on hold only what a payee gets for the piece; older ones hold all of their
    share."""
    by_origin: bool | None = None
    """Whether it also puts on hold what others have from the person, by assignment or through a
    group; older ones do not."""

    @property
    def leaves(self) -> str:
        return self.stands_as


def known_outcome(outcome: str) -> str:
    """The outcome; refuses (``BadOutcome``) one that is not in OUTCOMES."""
    if outcome not in OUTCOMES:
        raise BadOutcome(outcome, f"use one of {', '.join(OUTCOMES)}")
    return outcome


def deadline_of(answer_by: str | None, now: datetime) -> str:
    """The instant until which a dispute opened now can be answered: a day or a month to its end.

    Refuses (``BadDeadline``). Older disputes were open until a day or a month began.
    """
    if answer_by is None:
        return instant(now + timedelta(days=ANSWER_DAYS))
    first, last = start_of(answer_by), span_of(answer_by).last
    earliest = instant(now + timedelta(days=MINIMUM_ANSWER_DAYS))
    latest = instant(now + timedelta(days=MAXIMUM_ANSWER_DAYS))
    if last < earliest or first > latest:
        raise BadDeadline(answer_by, earliest, latest)
    return min(last, latest)
