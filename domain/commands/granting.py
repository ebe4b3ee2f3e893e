"""Commands that grant and end roles, as facts: the log shows who could do what, and when.

Only the operator grants and ends roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from domain.command import Command, command, record
from domain.fact import New
from domain.grant import Grant, grant_id, must_have_area
from domain.money.pool import Pool
from domain.past import Past
from domain.refusal import BadRole, WrongState
from domain.value import Example
from domain.values import ContributorId, GrantedRole, PoolId, Reason, WorkId

_REFUSES = (BadRole, WrongState)


@record
class _OfRole(Command):
    """A command about a role that somebody has."""

    id: ContributorId
    role: GrantedRole
    work: Annotated[WorkId | None, "The work it is for, such as a release, or …"] = None
    pool: Annotated[PoolId | None, "… the pool it is for.", Example(None)] = None

    def target(self, actor: str) -> str:
        return grant_id(self.id, self.role, self.pool or self.work)

    def line(self, past: Past) -> dict[str, Any]:
        """The fields that every fact of the grant has."""
        must_have_area(self.role, (self.work is not None) + (self.pool is not None))
        release = past.get(Pool, self.pool).opened.release if self.pool else self.work
        return {"contributor": self.id, "role": self.role, "work": release, "pool": self.pool}


@command("contributor.grant-role", refuses=_REFUSES)
class GrantRole(_OfRole):
    """Let a contributor act in a role: a producer for one work or pool, others everywhere."""

    reason: Annotated[Reason | None, Example("Elected at the meeting of May.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        line = self.line(past)
        if past.stream(past.id):
            yield past.get(Grant, past.id).then(Grant.Granted, **line, reason=self.reason)
        else:
            yield Grant.Granted.born(past.id, **line, reason=self.reason)


@command("contributor.end-role", refuses=_REFUSES)
class EndRole(_OfRole):
    """End a contributor's role, at once; what they did in it stays."""

    reason: Annotated[Reason | None, Example("The term is over.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        line = self.line(past)
        if not past.stream(past.id):
            raise WrongState(Grant.NAME, past.id, "not granted", (Grant.Granted.STATE,))
        yield past.get(Grant, past.id).then(Grant.Ended, **line, reason=self.reason)
