"""Six nights on the Skerry: the demonstration's project, challenges, group and series."""

import re
from collections import Counter

import pytest
from test_demonstration import IDS, person, shown, view, who, work

from api.application import create_app
from projections import (
    around,
    attribution,
    challenges,
    contributors,
    history,
    memberships,
    projects,
)
from projections.money import pools, statements
from projections.roll import roll
from projections.store import View
from scripts.service import Service

__all__ = ["shown", "view"]
"""The demonstration as it is loaded."""

EPISODES = [f"episode-{number}" for number in range(1, 7)]


def test_the_project_has_three_steps_with_pieces_and_leaders_who_changed(view: View) -> None:
    told = projects.project(view, IDS.named("project", "the-keepers"))
    assert [step["pieces"] for step in told["steps"]] == [6, 7, 2]
    assert [one["name"] for one in told["leaders"]] == ["lanternfish", "Мила с чердака"]


@pytest.mark.parametrize(
    "challenge, states",
    [
        ("light-out", {"featured": 2, "given": 3, "withdrawn": 1}),
        ("draw-the-keeper", {"featured": 1, "given": 3}),
    ],
)
def test_challenges_have_answers_from_many_and_some_are_featured(
    challenge: str, states: dict[str, int], view: View
) -> None:
    id = IDS.named("challenge", challenge)
    given = [
        one
        for state in states
        for one in challenges.answers(view, challenge=id, state=state, limit=99).items
    ]
    assert Counter(one["state"] for one in given) == states
    posters = {around.work(view, one["work"]["id"])["posted_by"] for one in given}
    assert len(posters) == len(given)


def test_the_group_is_named_as_its_members_agreed(view: View) -> None:
    members = memberships.members(view, person("night-ferry")).items
    states = {one["contributor"]["name"]: one["state"] for one in members}
    assert {name for name, state in states.items() if state == "accepted"} == {
        *("نور الليل", "tukutuku", "새벽네시")
    }
    assert contributors.person(view, person("night-ferry"))["name"] == "The Night Ferry"


def test_six_episodes_have_credits_of_their_own_and_share_one_segment(view: View) -> None:
    rolls = [{one["name"] for one in roll(view, work(id)).people} for id in EPISODES]
    assert len(set(map(frozenset, rolls))) == len(EPISODES)
    whole = roll(view, work("keepers-series"))
    assert {one["name"] for one in whole.people} == set().union(*rolls)
    parts = Counter(around.work(view, id)["part"] for id in whole.lineage.works)
    assert {part: count for part, count in parts.items() if part} == {
        **{"series": 1, "season": 1, "episode": 6, "act": 1, "segment": 1}
    }
    heard = who(view, "keepers-series")["The Night Ferry"]
    assert (heard["pieces"], heard["path_count"]) == (1, 7)


def test_each_episode_credits_somebody_on_itself_whom_no_other_does(view: View) -> None:
    own = [
        {
            (one["contributor"]["name"], one["role"])
            for one in attribution.all_credits(view, work(id)).items
            if one["state"] == "accepted"
        }
        for id in EPISODES
    ]
    assert set.intersection(*own) == {("Wren", "subtitler")}
    assert all(len(one) == 2 for one in own)
    assert len(set().union(*own)) == 1 + len(EPISODES)


def test_the_former_name_of_a_person_is_in_no_page_about_them(shown: Service) -> None:
    app = create_app(shown.journal, shown.store, shown.keys, shown.log, public_pages=True)
    client = app.test_client()
    wren = person("wren")
    for path in (f"/contributor/{wren}", f"/history/{wren}", f"/release/{work('episode-1')}"):
        page = client.get(path).text
        assert "Wren" in page
        assert "Hallgr" not in page


def test_the_shares_of_the_series_were_revised_because_of_a_comment(
    shown: Service, view: View
) -> None:
    told = pools.diff(
        view, shown.journal, IDS.named("proposal", "keepers-shares"), actor="operator"
    )
    line = next(one for one in told["lines"] if one["payee"]["id"] == person("nour"))
    assert line["first"] != line["current"]
    assert line["causes"][0]["comments"][0]["actor"] == person("kofi")


def test_the_series_paid_everybody_who_accepted(shown: Service, view: View) -> None:
    told = pools.statement(
        view, shown.journal, IDS.named("pool", "keepers-money"), actor="operator"
    )
    total = told["totals"]
    assert total["earned_minor"] == 210_000 == total["paid_minor"] + total["held_minor"]
    held = {one["payee"]["name"]: one["held_because"] for one in told["lines"] if one["held_minor"]}
    assert held == {"dos ratones": ["unaccepted"]}
    (euros,) = statements.statement(view, shown.journal, person("night-ferry"))["statements"]
    assert [line["kind"] for line in euros["lines"]] == ["division", "payout"]


def test_the_dispute_about_the_camera_was_answered_and_dismissed(
    shown: Service, view: View
) -> None:
    told = history.of_work(view, shown.journal, work("storm"), actor="operator", limit=99).items
    topics = [one["topic"] for one in told if one["topic"].startswith("credit.")]
    disputed = ["credit.disputed", "credit.answered", "credit.settled"]
    assert topics[-3:] == disputed


def test_everything_new_is_a_few_clicks_from_the_start_page(shown: Service) -> None:
    app = create_app(shown.journal, shown.store, shown.keys, shown.log, public_pages=True)
    client = app.test_client()

    def links(path: str) -> set[str]:
        answer = client.get(path)
        assert answer.status_code == 200, path
        return {link.partition("#")[0] for link in re.findall(r'href="(/[^"]*)"', answer.text)}

    project = f"/project/{IDS.named('project', 'the-keepers')}"
    asking = [f"/challenge/{IDS.named('challenge', id)}" for id in ("light-out", "draw-the-keeper")]
    assert {project, *asking, f"/release/{work('keepers-series')}"} <= links("/")
    assert project in links("/project")
    assert set(asking) <= links("/challenge")
    pieces = {f"/piece/{work(id)}" for id in ("lamp-lit", "film-1", "voice-1", "storm")}
    assert {asking[0], *pieces} <= links(project)
    for challenge in asking:
        assert f"/piece/{work('match' if challenge == asking[0] else 'keeper-chair')}" in links(
            challenge
        )
    parts = {f"/release/{work(id)}" for id in ("first-season", "the-storm", "opening", *EPISODES)}
    assert parts <= links(f"/release/{work('keepers-series')}")
    whole = {f"/release/{work(id)}" for id in ("episode-3", "first-season", "keepers-series")}
    assert whole <= links(f"/release/{work('the-storm')}")
    group = f"/contributor/{person('night-ferry')}"
    assert group in links(f"/release/{work('opening')}")
    assert f"/contributor/{person('tukutuku')}" in links(group)


def test_a_piece_of_somebody_who_was_forgotten_is_not_said_to_be_withdrawn(shown: Service) -> None:
    app = create_app(shown.journal, shown.store, shown.keys, shown.log, public_pages=True)
    page = app.test_client().get(f"/challenge/{IDS.named('challenge', 'light-out')}").text
    assert f'<a href="/piece/{work("torch")}"' in page
    assert "a piece whose title was erased" in page
    assert "a withdrawn piece" not in page
