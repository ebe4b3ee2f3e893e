"""Pages about collaboration: projects with their steps, challenges with their answers.

Each command is offered as a form where one would look for it.
"""

from __future__ import annotations

from typing import Any

from flask import g, render_template

from api.fields import Choice, searched
from api.web import errors, talking, words
from api.web.address import Listed, PageQuery
from api.web.finding import cards, sorts, told
from api.web.frame import Answer, Frame, account, led_on, reader
from api.web.offering import forms_for, is_open
from domain.command import Command
from domain.commands.challenging import FeatureAnswer
from domain.identity import may_be_id
from domain.project import PROJECT_KINDS, Step
from domain.refusal import UnknownRole
from domain.role import role_named, roles
from domain.values import POEM
from projections import challenges, contributors, projects, suggesting, timeline
from projections.challenges import ANSWER_ORDERS, CHALLENGE_ORDERS, AnswerFilters
from projections.money.readers import Reader
from projections.nouns import noun_at
from projections.pages import Page
from projections.projects import PROJECT_ORDERS
from projections.store import View
from projections.told_finding import ChallengeSuggested, PersonSuggested
from projections.told_projects import ChallengeItem

MANY, CARDS, FEW, FEW_FACTS, FEW_SUGGESTED = 30, 24, 12, 8, 6
COMMENTS = 2
"""How many comments the page of a project shows; few, as it has much else."""
LEAST, ROOM = 1, 24
"""How many pieces each step shows at least, and about how many all steps show together."""
STATES = {"launched": "going on", "closed": "closed"}


class Projects(Listed):
    """The parameters of the list of projects."""

    state = Choice(tuple(STATES), "In this state.")
    sort = Choice(tuple(PROJECT_ORDERS), "Sorted by this.")


class Challenges(Listed):
    """The parameters of the list of challenges."""

    medium = searched("image", "That ask for this medium.")
    role = searched("singer", "That ask for this role.")
    project = searched(POEM, "Of this project.")
    over = Choice(("yes",), "Those that are over as well.")
    sort = Choice(tuple(CHALLENGE_ORDERS), "Sorted by this.")


class Answers(Listed):
    """The parameters of the answers to a challenge."""

    show = Choice(("featured", "unused"), "Which answers.")
    medium = searched("audio", "Of this medium.")
    sort = Choice(tuple(ANSWER_ORDERS), "Sorted by this.")


def pages(frame: Frame) -> None:
    """The lists, and the pages of a project and of a challenge."""
    _lists(frame)
    _project(frame)
    _challenge(frame)


def _lists(frame: Frame) -> None:
    @frame.viewed("/project", Projects)
    def show_projects(view: View, said: PageQuery) -> Answer:
        asked = said.of("q", "kind", "state", "sort")
        if asked.get("kind") not in PROJECT_KINDS:
            asked.pop("kind", None)
        found = projects.projects(view, after=said.at.cursor, limit=MANY, **asked)
        return render_template(
            "projects.html",
            found=found,
            kinds=PROJECT_KINDS,
            states=STATES,
            sorts=sorts(PROJECT_ORDERS),
        )

    @frame.viewed("/challenge", Challenges)
    def show_challenges(view: View, said: PageQuery) -> Answer:
        asked = said.of("q", "medium", "role", "project", "sort")
        if not may_be_id(asked.get("project", "")):
            asked.pop("project", None)
        wrong: errors.Wrong = []
        try:
            asked |= {"role": role_named(role)} if (role := asked.get("role")) else {}
        except UnknownRole as refusal:
            wrong = [("role", str(refusal))]
        asked |= {"open_": "over" not in said, "after": said.at.cursor}
        found = Page[ChallengeItem]([], None)
        if not wrong:
            found = challenges.challenges(view, frame.journal, limit=MANY, **asked)
        page = render_template(
            "challenges.html",
            found=found,
            issuers=timeline.names(view, [one["issued_by"] for one in found.items]),
            sorts=sorts(CHALLENGE_ORDERS),
            roles=roles(),
            for_you=for_you(frame, view) if said.at.cursor is None else [],
            wrong=wrong,
        )
        return (page, UnknownRole.status) if wrong else page


def _project(frame: Frame) -> None:
    @frame.viewed("/project/<id>", Listed)
    def show_project(view: View, said: PageQuery, id: str) -> Answer:
        found = projects.project(view, id)
        news = projects.updates(view, id, after=said.at.of("news"), limit=2)
        few = max(LEAST, min(FEW, ROOM // max(len(found["steps"]), 1)))
        in_steps = [
            (step, _pieces(view, id, step["id"], said.at.of(step["id"]), few))
            for step in found["steps"]
        ]
        asking = challenges.challenges(view, frame.journal, project=id, limit=FEW // 2)
        return render_template(
            "project.html",
            project=found,
            thing={"id": id, "title": found["title"], "kind": "project"},
            steps=in_steps,
            asking=asking,
            issuers=timeline.names(view, [one["issued_by"] for one in asking.items]),
            news=news,
            tellers=timeline.names(view, [one["by"] for one in news.items]),
            **talking.about(view, "project", id, said.at, COMMENTS),
            facts=_history(view, frame, projects.find(view, id).number),
            forms=forms_for(frame, id, "project"),
        )

    @frame.viewed("/step/<id>")
    def show_step(view: View, _: PageQuery, id: str) -> Answer:
        step = noun_at(view, frame.journal, Step, id)
        return led_on(f"/project/{step.project}")


def _pieces(
    view: View, project: str, step: str, cursor: str | None, few: int
) -> Page[dict[str, Any]]:
    found = projects.pieces(view, project, step=step, after=cursor, limit=few)
    return Page(cards(view, [one["work"] for one in found.items]), found.next)


def _challenge(frame: Frame) -> None:
    @frame.viewed("/challenge/<id>", Answers)
    def show_challenge(view: View, said: PageQuery, id: str) -> Answer:
        which: AnswerFilters = {"challenge": id}
        if show := said.get("show"):
            which |= {"state": "featured"} if show == "featured" else {"unused": True}
        found = challenges.challenge(view, frame.journal, id)
        asked: dict[str, Any] = {**which, **said.of("medium", "sort"), "after": said.at.of(None)}
        given = challenges.answers(view, **asked, limit=CARDS)
        works = cards(view, [one["work"] for one in given.items])
        counts = challenges.answer_facets(view, **which)
        states = counts["state"]["values"]
        return render_template(
            "challenge.html",
            challenge=found,
            thing={"id": id, "title": found["title"], "kind": "challenge"},
            issuers=timeline.names(view, [found["issued_by"]]),
            answers=Page(list(zip(given.items, works, strict=True)), given.next),
            show=show,
            media=counts["medium"]["values"],
            taken_back=sum(one["count"] for one in states if one["value"] == "withdrawn"),
            sorts=sorts(ANSWER_ORDERS),
            own=_own(view, id) if found["is_open"] else [],
            suggested=_suggested(view, id) if found["is_open"] else [],
            may_feature=is_open(frame, FeatureAnswer, id),
            **talking.about(view, "challenge", id, said.at),
            facts=_history(view, frame, challenges.find(view, id).number),
            forms=_forms(frame, id),
        )


def _forms(frame: Frame, challenge: str) -> list[type[Command]]:
    """The commands about a challenge open to the reader; those on answers are beside these."""
    found = forms_for(frame, challenge, "challenge")
    return [one for one in found if "work" not in one.by_name()]


def _own(view: View, challenge: str) -> list[dict[str, Any]]:
    """The latest pieces that the reader posted and that do not answer the challenge yet."""
    if (own := account(view)) is None:
        return []
    posters = contributors.account_ids(view, own)
    return [{**one} for one in challenges.could_answer(view, challenge, posters, MANY)]


def _suggested(view: View, challenge: str) -> list[PersonSuggested]:
    """A few people who could answer a challenge, for somebody who has signed in."""
    if g.actor is None:
        return []
    near = account(view)
    found = suggesting.people(view, challenge, near, limit=FEW_SUGGESTED, is_you=near is not None)
    return found.items


def for_you(frame: Frame, view: View) -> list[ChallengeSuggested]:
    """A few challenges that the reader could answer, each with the reasons."""
    if (own := account(view)) is None:
        return []
    found = suggesting.challenges_for(view, frame.journal, own, limit=FEW_SUGGESTED)
    return found.items


def _history(view: View, frame: Frame, number: int) -> list[dict[str, Any]]:
    """The latest facts about a project or a challenge."""
    seen = Reader(view, frame.journal, reader())
    facts = timeline.latest(view, seen, [number], topics=words.TOLD, limit=FEW_FACTS)
    return told(view, facts)
