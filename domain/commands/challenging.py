"""Commands about challenges: issuing, moving and closing them, answering, featuring answers.

Anyone may issue a challenge. Its issuer puts it into an open project and takes it out; leaders may
move it between projects that they lead, and out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.challenge import ISSUER, Answer, Challenge, answer_id
from domain.command import Command, command, must_state, once_each, record
from domain.commands.projecting import led, open_project, standing
from domain.dates import span_of
from domain.fact import New
from domain.past import Past
from domain.permission import ANYONE
from domain.project import LEADER
from domain.refusal import ChallengeOver, NothingStated, UntilPassed, WrongState
from domain.value import Example
from domain.values import (
    ChallengeId,
    ContributionId,
    Medium,
    NewChallengeId,
    ProjectId,
    Prompt,
    Reason,
    Role,
    Title,
    Until,
)

_DECIDES = (ISSUER, LEADER)
_MEDIA = Annotated[
    tuple[Medium, ...] | None, "The media asked for; default any.", Example(["image"])
]
_ROLES = Annotated[
    tuple[Role, ...] | None, "The roles asked for; default any.", Example(["illustrator"])
]
_WHY = Annotated[Reason | None, Example("As we agreed.")]


def _must_be_ahead(past: Past, until: str | None) -> None:
    if until is not None and not past.is_vouched_for and past.is_over(span_of(until).last):
        raise UntilPassed(until)


@command("challenge", may=(ANYONE,), spends=("challenges",), refuses=(UntilPassed, WrongState))
class IssueChallenge(Command):
    """Ask others to make something; any number of pieces may answer."""

    title: Annotated[Title, Example("Draw the keeper")]
    prompt: Prompt
    media: _MEDIA = None
    roles: _ROLES = None
    answer_by: Until | None = None
    project: Annotated[ProjectId | None, "The project it belongs to.", Example(None)] = None
    id: NewChallengeId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        _must_be_ahead(past, self.answer_by)
        if self.project is not None:
            open_project(past, self.project)
        asked = {"media": once_each(self.media), "roles": once_each(self.roles)}
        yield Challenge.Issued.born(past.id, **self.told(Challenge.Issued, **asked))


@record
class _OfChallenge(Command):
    """A command about a challenge, for who issued it and the leaders of its project."""

    id: ChallengeId

    def sides(self, past: Past) -> dict[str, str]:
        return _deciding(past, self.id)


def _deciding(past: Past, id: str) -> dict[str, str]:
    """The issuer of a challenge, and the actor if they lead the project that it is in."""
    challenge = past.get(Challenge, id)
    return challenge.sides(past) | (led(past, challenge.project) if challenge.project else {})


@command("challenge.describe", may=(ISSUER,), refuses=(NothingStated, UntilPassed, WrongState))
class DescribeChallenge(_OfChallenge):
    """Change what a challenge asks for, or its deadline; the rest stays."""

    title: Annotated[Title | None, Example(None)] = None
    prompt: Annotated[Prompt | None, Example("Draw the keeper, from behind.")] = None
    media: Annotated[_MEDIA, Example(None)] = None
    roles: Annotated[_ROLES, Example(None)] = None
    answer_by: Until | None = None
    reason: _WHY = None

    def decide(self, past: Past) -> Iterator[New]:
        _must_be_ahead(past, self.answer_by)
        asked = {"media": once_each(self.media), "roles": once_each(self.roles)}
        stated = self.told(Challenge.Described, **asked)
        must_state(stated)
        yield past.get(Challenge, self.id).then(Challenge.Described, **stated)


@command("challenge.move", may=_DECIDES, refuses=(WrongState,))
class MoveChallenge(_OfChallenge):
    """Put a challenge into a project, move it to another, or take it out of its project."""

    project: Annotated[ProjectId | None, "The project to put it into; default none."] = None
    reason: _WHY = None

    def sides(self, past: Past) -> dict[str, str]:
        challenge = past.get(Challenge, self.id)
        both = (challenge.project, self.project) if challenge.project else ()
        return challenge.sides(past) | led(past, *(one for one in both if one))

    def decide(self, past: Past) -> Iterator[New]:
        challenge = past.get(Challenge, self.id)
        if challenge.project == self.project:
            here = "in this project" if self.project else "in no project"
            raise WrongState("challenge", self.id, here, ("somewhere else",))
        if self.project is not None:
            open_project(past, self.project)
        yield challenge.then(Challenge.Moved, **self.told(Challenge.Moved), left=challenge.project)


@command("challenge.close", may=_DECIDES, then=Challenge.Closed)
class CloseChallenge(_OfChallenge):
    """Close a challenge: it takes no more answers, and keeps those it has."""

    reason: _WHY = None


@command("challenge.reopen", may=_DECIDES, then=Challenge.Reopened)
class ReopenChallenge(_OfChallenge):
    """Reopen a closed challenge, so that it can be answered again."""

    reason: Annotated[Reason | None, Example("There is room for more.")] = None


def _must_be_open(past: Past, id: str) -> None:
    """Refuse to answer a challenge that is over; its closing is watched."""
    challenge = past.get(Challenge, id)
    for topic in (Challenge.Closed.TOPIC, Challenge.Described.TOPIC):
        past.watch(topic, id)
    challenge.then(Challenge.Closed)
    if not past.is_vouched_for:
        challenge.must_be_open(past.is_over)


# -- answers -------------------------------------------------------------------------------------


@record
class _OfAnswer(Command):
    """A command about a piece as an answer to a challenge."""

    id: ChallengeId
    work: Annotated[ContributionId, "The piece that answers."]

    def target(self, actor: str) -> str:
        return answer_id(self.id, self.work)

    def changes(self, past: Past) -> Answer:
        """The answer; refuses if it was never given."""
        id = answer_id(self.id, self.work)
        if not past.stream(id):
            raise WrongState("piece", self.work, "no answer to it", ("an answer to it",))
        return past.get(Answer, id)


@command(
    "challenge.answer", may=("poster",), spends=("answers",), refuses=(WrongState, ChallengeOver)
)
class AnswerChallenge(_OfAnswer):
    """Answer a challenge with a piece that you have posted."""

    def sides(self, past: Past) -> dict[str, str]:
        return past.work(self.work).sides(past)

    def decide(self, past: Past) -> Iterator[New]:
        standing(past, self.work)
        _must_be_open(past, self.id)
        id = answer_id(self.id, self.work)
        if past.stream(id):
            yield past.get(Answer, id).then(Answer.Given)
        else:
            yield Answer.Given.born(id, challenge=self.id, work=self.work)


def answered(past: Past, challenges: tuple[str, ...], work: str) -> Iterator[New]:
    """The facts that a new piece answers these challenges."""
    for each in dict.fromkeys(challenges):
        _must_be_open(past, each)
        yield Answer.Given.born(answer_id(each, work), challenge=each, work=work)


@command("challenge.withdraw-answer", may=("poster", "moderator"), then=Answer.Withdrawn)
class WithdrawAnswer(_OfAnswer):
    """Take back an answer; the piece itself stays, and the answer stays on record."""

    reason: _WHY = None

    def sides(self, past: Past) -> dict[str, str]:
        return past.work(self.work).sides(past)


@record
class _Featuring(_OfAnswer):
    """A command about an answer, for the challenge's issuer and the leaders of its project."""

    def sides(self, past: Past) -> dict[str, str]:
        return _deciding(past, self.id)


@command("challenge.feature", may=_DECIDES, then=Answer.Featured)
class FeatureAnswer(_Featuring):
    """Feature an answer to a challenge, and say why."""

    reason: Annotated[Reason, Example("You can see that it is cold.")]


@command("challenge.unfeature", may=_DECIDES, then=Answer.Unfeatured)
class UnfeatureAnswer(_Featuring):
    """Stop featuring an answer; that it was featured stays on record."""

    reason: _WHY = None
