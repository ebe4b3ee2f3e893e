"""Commands about projects: launching them with steps, leading and closing them, placing pieces.

The poster of a piece puts it into a step and takes it out. Leaders move and take out what is in
their project, and never put in what is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, Record, command, must_state, record
from domain.contribution import Contribution
from domain.fact import New
from domain.identity import part_id
from domain.past import Past
from domain.permission import ANYONE, OPERATOR
from domain.project import LEADER, Placement, Project, Step, placement_id
from domain.refusal import LastLeader, NoLeaders, NoSteps, NothingStated, WrongState
from domain.value import Example
from domain.values import (
    ANA,
    BEN,
    ContributionId,
    ContributorId,
    Goal,
    KindName,
    NewProjectId,
    NewStepId,
    ProjectId,
    ProjectKind,
    ProjectOutcome,
    Reason,
    ReleaseId,
    Remark,
    StepId,
    Title,
)

_ITS_LEADERS = (LEADER,)
_TITLE = Annotated[Title, Example("The Lighthouse That Walked Away")]
_STEP = Annotated[Title, Example("The seven panels")]
_WANTED = Annotated[Remark | None, "What is wanted in it.", Example("Pencils first, then ink.")]
_WHY = Annotated[Reason | None, Example("As we agreed.")]


def led(past: Past, *projects: str) -> dict[str, str]:
    """The actor as a leader, if there are projects and the actor leads all of them."""
    if not projects:
        return {}
    person = past.person(past.actor)
    leaders = (past.get(Project, id).leaders for id in projects)
    is_leader = all(person in map(past.person, each) for each in leaders)
    return {LEADER: past.actor} if is_leader else {}


def open_project(past: Past, id: str) -> Project:
    """A project that goes on; refused if it was closed, also at this moment."""
    project = past.get(Project, id)
    past.watch(Project.Closed.TOPIC, id)
    project.then(Project.Updated, text="")
    return project


def standing(past: Past, id: str) -> None:
    """Refuse to go on with a piece that was withdrawn, also at this moment."""
    past.watch(Contribution.Withdrawn.TOPIC, id)
    past.get(Contribution, id).then(Contribution.Withdrawn, reason="")


@record
class FirstStep(Record):
    """A step with which a project begins."""

    title: _STEP
    text: _WANTED = None


@command("project", may=(ANYONE,), spends=("projects",), refuses=(NoSteps, NoLeaders))
class LaunchProject(Command):
    """Launch a project with its first steps; you lead it, with the others you name."""

    title: _TITLE
    goal: Goal
    kind: ProjectKind
    kind_name: Annotated[KindName | None, Example(None)] = None
    steps: Annotated[tuple[FirstStep, ...], "Its first steps; at least one."]
    leaders: Annotated[tuple[ContributorId, ...] | None, "Who leads it besides you."] = None
    id: NewProjectId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        for each in self.leaders or ():
            past.contributor(each)
        if not self.steps:
            raise NoSteps
        return {}

    def decide(self, past: Past) -> Iterator[New]:
        own = () if past.actor == OPERATOR else (past.actor,)
        leaders = [*dict.fromkeys((*own, *(self.leaders or ())))]
        if not leaders:
            raise NoLeaders
        owner = leaders[0]
        told = {"leaders": leaders, **past.texts_in(owner, self)}
        yield Project.Launched.born(past.id, **self.told(Project.Launched, **told))
        for number, step in enumerate(self.steps):
            id = part_id(past.id, "step", number)
            yield Step.Published.born(id, project=past.id, **past.texts_in(owner, step))


@record
class _OfProject(Command):
    """A command about a project, for those who lead it."""

    id: ProjectId

    def sides(self, past: Past) -> dict[str, str]:
        return led(past, self.id)


@command("project.describe", may=_ITS_LEADERS, refuses=(NothingStated, WrongState))
class DescribeProject(_OfProject):
    """Change the title, goal or kind of a project; the rest stays."""

    title: Annotated[Title | None, Example(None)] = None
    goal: Goal | None = None
    kind: Annotated[ProjectKind | None, Example(None)] = None
    kind_name: Annotated[KindName | None, Example(None)] = None
    reason: _WHY = None

    def decide(self, past: Past) -> Iterator[New]:
        stated = self.told(Project.Described)
        must_state(stated)
        yield past.get(Project, self.id).then(Project.Described, **stated)


@command("step", "/projects/{project}/steps", may=_ITS_LEADERS, refuses=(WrongState,))
class PublishStep(Command):
    """Add a step to a project."""

    project: ProjectId
    title: _STEP
    text: _WANTED = None
    id: NewStepId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        return led(past, self.project)

    def decide(self, past: Past) -> Iterator[New]:
        open_project(past, self.project)
        yield Step.Published.born(past.id, **self.told(Step.Published))


@command("step.describe", may=_ITS_LEADERS, refuses=(NothingStated,))
class DescribeStep(Command):
    """Change the title or the text of a step; the rest stays."""

    id: StepId
    title: Annotated[Title | None, Example("Seven panels, inked")] = None
    text: _WANTED = None

    def sides(self, past: Past) -> dict[str, str]:
        return led(past, past.get(Step, self.id).project)

    def decide(self, past: Past) -> Iterator[New]:
        stated = self.told(Step.Described)
        must_state(stated)
        yield past.get(Step, self.id).then(Step.Described, **stated)


# -- who leads it --------------------------------------------------------------------------------


@command("project.assign-leader", may=_ITS_LEADERS, refuses=(WrongState,))
class AssignLeader(_OfProject):
    """Add a leader to a project."""

    contributor: Annotated[ContributorId, Example(ANA)]

    def decide(self, past: Past) -> Iterator[New]:
        project = past.get(Project, self.id)
        if self.contributor in project.leaders:
            raise WrongState("leader", self.contributor, "assigned", ("not assigned",))
        leaders = [*project.leaders, self.contributor]
        yield project.then(Project.LeaderAssigned, contributor=self.contributor, leaders=leaders)


@command("project.remove-leader", may=_ITS_LEADERS, refuses=(WrongState, LastLeader))
class RemoveLeader(_OfProject):
    """Remove a leader of a project, such as yourself; the last one can't be removed."""

    contributor: Annotated[ContributorId, Example(BEN)]
    reason: _WHY = None

    def decide(self, past: Past) -> Iterator[New]:
        project = past.get(Project, self.id)
        if self.contributor not in project.leaders:
            raise WrongState("leader", self.contributor, "not assigned", ("assigned",))
        leaders = [each for each in project.leaders if each != self.contributor]
        if not leaders:
            raise LastLeader(self.id)
        yield project.then(
            Project.LeaderRemoved, **self.told(Project.LeaderRemoved), leaders=leaders
        )


# -- how it goes on ------------------------------------------------------------------------------


@command("project.update", may=_ITS_LEADERS, then=Project.Updated)
class UpdateProject(_OfProject):
    """Post an update on a project."""

    text: Annotated[Remark, Example("All seven panels are inked. Letters are next.")]


@command("project.close", may=_ITS_LEADERS, then=Project.Closed)
class CloseProject(_OfProject):
    """Close a project and record its outcome; nothing more can be added to it."""

    outcome: ProjectOutcome
    release: Annotated[ReleaseId | None, "The release that came of it."] = None
    reason: _WHY = None


@command("project.reopen", may=_ITS_LEADERS, then=Project.Reopened)
class ReopenProject(_OfProject):
    """Reopen a closed project."""

    reason: Annotated[Reason | None, Example("There will be a second book.")] = None


# -- what is in it -------------------------------------------------------------------------------


@record
class _OfPlacement(Command):
    """A command about where a piece is."""

    id: ContributionId

    def placement(self, past: Past) -> Placement | None:
        """Where the piece is, if it ever was in a project."""
        id = placement_id(self.id)
        return past.get(Placement, id) if past.stream(id) else None

    def project(self, past: Past) -> str | None:
        """The project that the piece is in."""
        placed = self.placement(past)
        return placed.project if placed is not None and placed.holds else None


@command("contribution.place", may=("poster", LEADER), spends=("answers",), refuses=(WrongState,))
class PlaceContribution(_OfPlacement):
    """Put a piece into a step of a project; it leaves the step it was in.

    Leaders can move pieces within their project, or to another project that they lead.
    """

    step: StepId
    reason: _WHY = None

    def sides(self, past: Past) -> dict[str, str]:
        here, there = self.project(past), past.get(Step, self.step).project
        own = past.work(self.id).sides(past)
        return own | (led(past, here, there) if here else {})

    def decide(self, past: Past) -> Iterator[New]:
        standing(past, self.id)
        yield placed(past, self.id, self.step, self.placement(past), self.reason)


def placed(
    past: Past, work: str, step: str, before: Placement | None = None, reason: str | None = None
) -> New:
    """A piece in a step of a project that goes on, from now on."""
    project = open_project(past, past.get(Step, step).project)
    said = {"work": work, "project": project.id, "step": step, "reason": reason}
    if before is None:
        return Placement.Made.born(placement_id(work), **said)
    if before.holds and before.step == step:
        raise WrongState("piece", work, "in this step", ("in another step", "in none"))
    left = before.project if before.holds and before.project != project.id else None
    return before.then(Placement.Made, **said, left=left)


@command("contribution.take-out", may=("poster", LEADER), refuses=(WrongState,))
class TakeOutContribution(_OfPlacement):
    """Take a piece out of its project; the record shows that it was there."""

    reason: _WHY = None

    def sides(self, past: Past) -> dict[str, str]:
        here = self.project(past)
        return past.work(self.id).sides(past) | (led(past, here) if here else {})

    def decide(self, past: Past) -> Iterator[New]:
        placed = self.placement(past)
        if placed is None:
            raise WrongState("piece", self.id, "in no project", ("in a project",))
        yield placed.then(Placement.Ended, reason=self.reason)
