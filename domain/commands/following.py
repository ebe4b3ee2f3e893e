"""Commands to follow works, people, projects and challenges, and to stop following."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, command, record
from domain.fact import New
from domain.follow import FOLLOWED, Follow, follow_id
from domain.past import Past
from domain.permission import OWN
from domain.refusal import OneSubject, WrongState
from domain.value import Example
from domain.values import ChallengeId, ContributorId, ProjectId, ShownTo, WorkId


@record
class _Following(Command):
    """A command about what somebody follows."""

    id: Annotated[ContributorId, "Who follows."]
    work: Annotated[WorkId | None, "This work, or …"] = None
    contributor: Annotated[ContributorId | None, "… this person, or …", Example(None)] = None
    project: Annotated[ProjectId | None, "… this project, or …", Example(None)] = None
    challenge: Annotated[ChallengeId | None, "… this challenge.", Example(None)] = None

    def target(self, actor: str) -> str | None:
        followed = self.followed()
        return None if followed is None else follow_id(self.id, followed[1])

    def followed(self) -> tuple[str, str] | None:
        """The kind and id of what is followed; None unless exactly one thing is named."""
        named = [(name, str(id)) for name in FOLLOWED if (id := getattr(self, name)) is not None]
        return named[0] if len(named) == 1 else None

    def must_be_one(self) -> tuple[str, str, str]:
        """Kind and id of what is followed, and the id of the ``Follow``; or ``OneSubject``."""
        followed = self.followed()
        if followed is None:
            raise OneSubject(FOLLOWED)
        return (*followed, follow_id(self.id, followed[1]))


@command(
    "contributor.follow",
    may=OWN,
    spends=("follows",),
    refuses=(OneSubject, WrongState),
    is_brief=True,
)
class FollowSubject(_Following):
    """Follow a work, a person, a project or a challenge: what happens there is shown to you.

    The number of followers is public; that you are one of them is not, unless you choose to show
    it.
    """

    shown: ShownTo | None = None

    def decide(self, past: Past) -> Iterator[New]:
        on, about, id = self.must_be_one()
        if not past.stream(id):
            said = {"follower": self.id, "about": about, "on": on, "shown": self.shown}
            yield Follow.Begun.born(id, **said)
            return
        before = past.get(Follow, id)
        if before.state == Follow.Begun.STATE and before.shown == self.shown:
            raise WrongState(Follow.NAME, id, "there already", ("ended", "shown otherwise"))
        yield before.then(Follow.Begun, shown=self.shown)


@command("contributor.unfollow", may=OWN, refuses=(OneSubject, WrongState))
class UnfollowSubject(_Following):
    """Stop following something."""

    def decide(self, past: Past) -> Iterator[New]:
        *_, id = self.must_be_one()
        if not past.stream(id):
            raise WrongState(Follow.NAME, id, "not there", (Follow.Begun.STATE,))
        yield past.get(Follow, id).then(Follow.Ended)
