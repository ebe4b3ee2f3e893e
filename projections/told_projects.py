"""The types of the answers about projects, challenges and what answers them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from domain.project import PROJECT_KINDS, PROJECT_OUTCOMES
from domain.value import Example, one_of
from domain.values import ChallengeId, ProjectId, Role, StepId
from projections.told import Agent, Count, Facet, Instant, IsExact, PersonRef, Position, WorkRef

KindOfProject = Annotated[str, one_of(PROJECT_KINDS, "What it is to become.")]
ProjectState = Annotated[str, one_of(("launched", "closed"), "How it stands.")]
ChallengeState = Annotated[str, one_of(("issued", "closed"), "How it stands.")]
AnswerState = Annotated[str, one_of(("given", "featured", "withdrawn"), "How it stands.")]

At = Annotated[Position, Example(60)]
_Title = Annotated[
    str | None, "Null when it was erased.", Example("The Lighthouse That Walked Away")
]


class ProjectRef(TypedDict):
    """A project as answers refer to it."""

    id: ProjectId
    title: _Title
    state: ProjectState


class ProjectItem(ProjectRef):
    """A project in a list."""

    goal: Annotated[str | None, "Null when it was erased.", Example("A lighthouse walks away.")]
    kind: KindOfProject
    kind_name: Annotated[str | None, "The kind in its own words."]
    leaders: Annotated[list[PersonRef], "Who leads it, in the order of assignment."]
    pieces: Annotated[Count, "How many pieces are in it.", Example(12)]
    launched_at: Instant
    position: At


class StepTold(TypedDict):
    """A step of a project."""

    id: StepId
    title: Annotated[str | None, "Null when it was erased.", Example("The seven panels")]
    text: Annotated[str | None, "What is wanted in it.", Example("Pencils first, then ink.")]
    pieces: Annotated[Count, "How many pieces are in it.", Example(7)]
    position: At


class ClosedTold(TypedDict):
    """How a project ended."""

    outcome: Annotated[str, "How it ended.", one_of(PROJECT_OUTCOMES)]
    release: Annotated[WorkRef | None, "Its outcome."]
    reason: Annotated[str | None, "Why."]
    at: Instant


class ProjectTold(ProjectItem):
    """One project."""

    steps: Annotated[list[StepTold], "In the order of publication."]
    closed: Annotated[ClosedTold | None, "Null while it goes on."]


class InStep(TypedDict):
    """A piece in a step of a project."""

    work: WorkRef
    step: StepId
    put_by: Annotated[Agent, "Who put it there."]
    remixed_by: Annotated[Count, "How many works were made from it.", Example(0)]
    position: At


class UpdateTold(TypedDict):
    """How a project stood."""

    text: Annotated[str | None, "Null when it was erased.", Example("All panels are inked.")]
    by: Agent
    at: Instant
    position: At


class StepRef(TypedDict):
    """A step as answers refer to it."""

    id: StepId
    title: Annotated[str | None, "Null when it was erased.", Example("The seven panels")]


class Membership(TypedDict):
    """Where a piece is."""

    project: ProjectRef
    step: StepRef


class ChallengeRef(TypedDict):
    """A challenge as answers refer to it."""

    id: ChallengeId
    title: Annotated[str | None, "Null when it was erased.", Example("Draw the keeper")]
    state: ChallengeState


class ChallengeItem(ChallengeRef):
    """A challenge in a list."""

    prompt: Annotated[str | None, "Null when it was erased.", Example("Draw the keeper. Any way.")]
    media: Annotated[list[Annotated[str, Example("image")]], "The media asked for; empty: any."]
    roles: Annotated[list[Role], "The roles asked for; empty: any."]
    answer_by: Annotated[str | None, "The deadline for answers, to its end.", Example("2099-12-31")]
    is_open: Annotated[bool, "Whether it can be answered: neither closed nor over.", Example(True)]
    issued_by: Agent
    issued_at: Instant
    project: Annotated[ProjectRef | None, "The project it is in."]
    answers: Annotated[Count, "How many pieces answer it.", Example(9)]
    featured: Annotated[Count, "How many of them are featured.", Example(2)]
    position: At


class WasIn(TypedDict):
    """A project that a challenge was in, or is."""

    project: ProjectRef
    since: Annotated[At, "Where in the journal it was put there."]
    until: Annotated[int | None, "Null while it is in it."]


class ChallengeTold(ChallengeItem):
    """One challenge."""

    projects: Annotated[list[WasIn], "Every project it has been in, in order."]


class AnswerFacets(TypedDict):
    """How many answers there are, and of each medium and state."""

    total: Annotated[Count, "How many there are.", Example(20)]
    is_exact: IsExact
    medium: Facet
    state: Facet


class AnswerTold(TypedDict):
    """A piece that answers a challenge, or did."""

    challenge: ChallengeRef
    work: WorkRef
    state: AnswerState
    reason: Annotated[
        str | None, "Why it is featured, or was taken back.", Example("You can see the cold.")
    ]
    by: Annotated[Agent, "Who gave, featured or took it back."]
    remixed_by: Annotated[Count, "How many works were made from it.", Example(1)]
    position: Annotated[Count, "Where it was given.", Example(61)]
