"""Projects: launched with a step, led by several, with pieces in their steps, closed in the end."""

from typing import Any

import pytest
from stories import OPERATOR, Story, id_of, story

from domain.identity import part_id
from domain.refusal import (
    LastLeader,
    NoLeaders,
    NoSteps,
    NotPermitted,
    QuotaExceeded,
    UnknownStep,
    WrongState,
)
from projections import history, notices, projects


def launched(told: Story, *leaders: str, name: str = "tower", **said: Any) -> str:
    """A project with two steps, launched by its first leader."""
    said = {"title": name, "goal": "A tower walks away.", "kind": "illustrated story"} | said
    said.setdefault("steps", [{"title": "the words", "text": "short"}, {"title": "the pictures"}])
    others = list(leaders[1:])
    said |= {"leaders": others} if others else {}
    return told.tell("launch_project", actor=leaders[0], id=id_of(name), **said).id


def step(project: str, number: int = 0) -> str:
    return part_id(project, "step", number)


def shown(told: Story, id: str, as_of: int | None = None) -> Any:
    with told.view(as_of) as view:
        return projects.project(view, id)


def pieces(told: Story, id: str, **asked: Any) -> list[str]:
    with told.view() as view:
        return [str(one["work"]["title"]) for one in projects.pieces(view, id, **asked).items]


def test_a_project_needs_a_step_and_a_leader(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        with pytest.raises(NoSteps):
            launched(told, ana, steps=[])
        with pytest.raises(NoLeaders):
            launched(told, OPERATOR)
        project = shown(told, launched(told, ana))
        assert project["title"] == "tower"
        assert project["kind"] == "illustrated story"
        assert [one["title"] for one in project["steps"]] == ["the words", "the pictures"]
        assert [one["name"] for one in project["leaders"]] == ["Ana"]
        assert project["closed"] is None


def test_leaders_come_and_go_and_the_last_one_stays(database: str) -> None:
    with story(database) as told:
        ana, ben, eva = (told.person(name) for name in ("Ana", "Ben", "Eva"))
        project = launched(told, ana)
        with pytest.raises(NotPermitted, match="a leader of the project"):
            told.tell("assign_leader", id=project, contributor=ben, actor=ben)
        told.tell("assign_leader", id=project, contributor=ben, actor=ana)
        with pytest.raises(WrongState):
            told.tell("assign_leader", id=project, contributor=ben, actor=ben)
        told.tell("remove_leader", id=project, contributor=ana, actor=ben)
        with pytest.raises(NotPermitted):
            told.tell("update_project", id=project, text="On we go.", actor=ana)
        with pytest.raises(LastLeader):
            told.tell("remove_leader", id=project, contributor=ben, actor=ben)
        with pytest.raises(WrongState):
            told.tell("remove_leader", id=project, contributor=eva, actor=ben)
        told.tell("assign_leader", id=project, contributor=ana, actor=ben)
        assert [one["name"] for one in shown(told, project)["leaders"]] == ["Ben", "Ana"]
        with told.view() as view:
            heard = notices.of_contributor(view, told.journal, ana, actor=ana).items
            assert [one["topic"] for one in heard] == [
                "project.leader_removed",
                "project.leader_assigned",
            ]


def test_a_leader_who_is_merged_still_leads(database: str) -> None:
    with story(database) as told:
        ana, old = told.person("Ana"), told.person("Ana93")
        project = launched(told, old)
        told.tell("merge_contributor", id=old, into=ana)
        told.tell("update_project", id=project, text="Here.", actor=ana)
        assert [one["name"] for one in shown(told, project)["leaders"]] == ["Ana"]
        with told.view() as view:
            found = projects.projects(view, leader=ana).items
            assert [one["id"] for one in found] == [project]


def test_a_piece_is_in_one_step_or_in_none(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        project, other = launched(told, ana), launched(told, ana, name="other")
        first, second = step(project), step(project, 1)
        poem = told.piece("poem", actor=ben)
        with pytest.raises(UnknownStep):
            told.tell("place_contribution", id=poem, step=project, actor=ben)
        with pytest.raises(NotPermitted):  # a leader takes nothing in that is nowhere
            told.tell("place_contribution", id=poem, step=first, actor=ana)
        told.tell("place_contribution", id=poem, step=first, actor=ben)
        with pytest.raises(WrongState):
            told.tell("place_contribution", id=poem, step=first, actor=ana)
        told.tell("place_contribution", id=poem, step=second, actor=ana)
        assert pieces(told, project, step=first) == []
        assert pieces(told, project, step=second) == ["poem"]
        told.tell("place_contribution", id=poem, step=step(other), actor=ana)
        before = told.head()
        told.tell("take_out_contribution", id=poem, reason="Too early.", actor=ana)
        with pytest.raises(WrongState):
            told.tell("take_out_contribution", id=poem, actor=ben)
        with pytest.raises(NotPermitted):  # it is in no project that she leads
            told.tell("place_contribution", id=poem, step=first, actor=ana)
        assert pieces(told, project) == pieces(told, other) == []
        with told.view(before) as view:
            assert [one["step"] for one in projects.pieces(view, other).items] == [step(other)]
        told.tell("place_contribution", id=poem, step=first, actor=ben)
        assert pieces(told, project) == ["poem"]
        launch = ["project.launched", "step.published", "step.published"]
        with told.view() as view:
            for of, placements in (
                (project, ["made", "made", "made", "made"]),  # the third is into the other one
                (other, ["made", "ended"]),
            ):
                found = history.of_project(view, told.journal, of, actor=OPERATOR).items
                topics = [f"placement.{one}" for one in placements]
                assert [one["topic"] for one in found] == launch + topics


def test_a_piece_is_posted_into_a_step_in_one_append(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        project = launched(told, ana)
        said = {"title": "sung", "medium": "audio", "step": step(project, 1)}
        told.tell("submit_contribution", actor=ben, id=id_of("sung"), **said)
        remix = told.piece("louder", id_of("sung"), actor=ben)
        told.tell("place_contribution", id=remix, step=step(project), actor=ben)
        assert pieces(told, project) == ["louder", "sung"]
        assert pieces(told, project, unused=True) == ["louder"]
        assert [one["pieces"] for one in shown(told, project)["steps"]] == [1, 1]
        with told.view() as view:
            assert [one["id"] for one in projects.projects(view, work=remix).items] == [project]
        told.tell("withdraw_contribution", id=remix, reason="Too loud.", actor=ben)
        assert pieces(told, project, unused=True) == []
        with pytest.raises(WrongState):
            told.tell("place_contribution", id=remix, step=step(project, 1), actor=ben)


def test_a_closed_project_says_what_came_of_it_and_takes_nothing_more(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        project = launched(told, ana)
        book = told.release("book", told.piece("poem", actor=ana), actor=ana)
        told.tell(
            "close_project",
            id=project,
            outcome="finished",
            release=book,
            reason="It is a book.",
            actor=ana,
        )
        closed = shown(told, project)["closed"]
        assert closed["outcome"] == "finished"
        assert closed["reason"] == "It is a book."
        assert closed["release"]["title"] == "book"
        for command, said in {
            "place_contribution": {"id": id_of("poem"), "step": step(project)},
            "publish_step": {"project": project, "title": "more"},
            "update_project": {"id": project, "text": "more"},
            "close_project": {"id": project, "outcome": "ended"},
            "issue_challenge": {"title": "more", "prompt": "more", "project": project},
        }.items():
            with pytest.raises(WrongState):
                told.tell(command, actor=ana, **said)
        told.tell("reopen_project", id=project, actor=ana)
        told.tell("place_contribution", id=id_of("poem"), step=step(project), actor=ana)
        assert shown(told, project)["closed"] is None
        with told.view(told.head() - 2) as view:
            assert projects.project(view, project)["state"] == "closed"


def test_projects_are_found_by_what_they_are(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        tower = launched(told, ana)
        song = launched(told, ben, ana, name="Lied", kind="other", kind_name="a round")
        told.tell("update_project", id=tower, text="Inked.", actor=ana)
        told.tell("describe_project", id=song, title="Kanon", reason="It is one.", actor=ana)
        told.tell("describe_step", id=step(song), title="all voices", actor=ben)
        told.tell("publish_step", project=song, title="the end", text="soft", actor=ben)

        def found(**asked: Any) -> list[str]:
            with told.view() as view:
                return [one["id"] for one in projects.projects(view, **asked).items]

        assert found() == [song, tower]
        assert found(q="KANÓN") == [song]
        assert found(q="Lied") == []
        assert found(kind="illustrated story") == [tower]
        assert found(leader=ana) == [song, tower]
        assert found(leader=ben) == [song]
        assert found(sort="title") == [song, tower]
        assert found(sort="updated") == [tower, song]
        assert found(state="closed") == []
        titles = [one["title"] for one in shown(told, song)["steps"]]
        assert titles == ["all voices", "the pictures", "the end"]
        with told.view() as view:
            (update,) = projects.updates(view, tower).items
            assert (update["text"], update["by"]) == ("Inked.", ana)


def test_what_a_forgotten_person_wrote_about_a_project_is_erased(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        project = launched(told, ana, ben)
        told.tell("describe_project", id=project, goal="Ben's words", actor=ben)
        told.tell("forget_contributor", id=ana, ground="request", actor=ana)
        found = shown(told, project)
        assert (found["title"], found["goal"]) == (None, "Ben's words")
        assert [one["title"] for one in found["steps"]] == [None, None]


def test_how_many_projects_somebody_launches_is_limited(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        for number in range(10):
            launched(told, ana, name=f"project {number}")
        with pytest.raises(QuotaExceeded):
            launched(told, ana, name="one more")
