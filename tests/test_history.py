"""A history is what was recorded: every fact about a work or a person, in order, once."""

from typing import Any

import pytest
from stories import IDS, NOON, Story, every_fact, id_of, story
from test_lineage import all_pages

from domain.refusal import UnknownContributor, UnknownCredit, UnknownRemix, UnknownWork
from projections import history
from projections.store import View


def of_work(told: Story, view: View, id: str) -> list[dict[str, Any]]:
    return history.of_work(view, told.journal, id, actor="operator", limit=200).items


def of_person(told: Story, view: View, id: str) -> list[dict[str, Any]]:
    return history.of_contributor(view, told.journal, id, actor="operator", limit=200).items


@pytest.mark.after(told=every_fact)
def test_a_work_has_the_facts_of_itself_its_edges_and_its_credits(database: str) -> None:
    with story(database) as told, told.view() as view:
        topics = [item["topic"] for item in of_work(told, view, IDS["poem"])]
        assert topics == [
            "contribution.submitted",
            "credit.claimed",
            "credit.accepted",
            "remix.declared",  # the song was made from it
            "remix.declared",
            "remix.disputed",
            "remix.answered",
            "remix.settled",
            "remix.struck",
            "work.redated",
            "remix.declared",  # the release
            "remix.retired",  # recut
            "remix.declared",
            "contribution.withdrawn",
        ]


def of_project(told: Story, view: View, id: str) -> list[Any]:
    return history.of_project(view, told.journal, id, actor="operator", limit=200).items


def of_challenge(told: Story, view: View, id: str) -> list[Any]:
    return history.of_challenge(view, told.journal, id, actor="operator", limit=200).items


@pytest.mark.after(told=every_fact)
def test_a_person_has_the_facts_of_themself_and_their_credits(database: str) -> None:
    with story(database) as told, told.view() as view:
        assert [item["topic"] for item in of_person(told, view, IDS["ben"])] == [
            "contributor.admitted",
            "credit.granted",
            *("contributor.merged", "contributor.separated", "contributor.merged"),
            "contributor.divided",
        ]
        eva = [item["topic"] for item in of_person(told, view, id_of("text-eva"))]
        assert eva[0] == "contributor.admitted"
        assert eva[-1] == "contributor.merged"
        assert len(eva) == 14


@pytest.mark.after(told=every_fact)
def test_every_fact_is_in_the_history_of_all_it_is_about_and_of_nothing_else(
    database: str,
) -> None:
    with story(database) as told:
        subjects: dict[str, list[int]] = {}
        for placed in told.facts():
            for subject in dict.fromkeys(placed.fact().subjects()):
                subjects.setdefault(subject, []).append(placed.position)
        asking = {"contributor.admitted": of_person, "project.launched": of_project}
        asking["challenge.issued"] = of_challenge
        ask = {one.originator_id: asking[one.topic] for one in told.facts() if one.topic in asking}
        with told.view() as view:
            for subject, positions in subjects.items():
                found = ask.get(subject, of_work)(told, view, subject)
                assert [item["position"] for item in found] == positions


def test_a_fact_is_told_with_its_texts(database: str) -> None:
    with story(database, clock=lambda: NOON) as told:
        ana = told.person("Ana")
        piece = told.piece("piece", actor=ana)
        credit = told.tell(
            "open_credit",
            work=piece,
            contributor=ana,
            role="editor",
            kind="influence",
            display="final cut",
            effective_at="2020-05",
        )
        told.tell("decline_credit", id=credit.id, reason="not me", actor=ana)
        with told.view() as view:
            granted, declined = of_work(told, view, piece)[-2:]
    assert granted == {
        "number": 2,
        "position": credit.position,
        "previous": credit.position - 1,
        "receipt": f"/facts/{credit.position}/receipt",
        "recorded_at": "2026-06-01T12:00:00.000000Z",
        "effective": "2020-05-01T00:00:00.000000Z",
        "actor": "operator",
        "signed": False,
        "topic": "credit.granted",
        "noun": credit.id,
        "about": [piece, ana],
        "reason": None,
        "content": {
            "work": piece,
            "contributor": ana,
            "role": "editor",
            "kind": "influence",
            "display": "final cut",
            "evidence": None,
            "effective_at": "2020-05-01T00:00:00.000000Z",
            "waits_for": None,
            "deadline": None,
            **dict.fromkeys(
                (
                    *("credited_as", "join_phrase", "character", "billing", "ai", "ai_tool"),
                    *("evidence_kind", "evidence_sha256"),
                )
            ),
        },
    }
    assert declined == {
        "number": 3,
        "position": credit.position + 1,
        "previous": credit.position,
        "receipt": f"/facts/{credit.position + 1}/receipt",
        "recorded_at": "2026-06-01T12:00:00.000000Z",
        "effective": "2026-06-01T12:00:00.000000Z",
        "actor": ana,
        "signed": False,
        "topic": "credit.declined",
        "noun": credit.id,
        "about": [piece, ana],
        "reason": "not me",
        "content": {"work": piece, "contributor": ana, "waits_for": None},
    }


def test_a_withdrawn_title_is_gone_from_the_history_and_the_reason_stays(database: str) -> None:
    with story(database) as told:
        piece = told.piece("Unmistakable")
        before = told.head()
        told.tell("withdraw_contribution", id=piece, reason="regret")
        for as_of in (None, before):
            with told.view(as_of) as view:
                facts = of_work(told, view, piece)
                assert "Unmistakable" not in repr(facts)
                assert facts[0]["content"]["title"] is None
        with told.view() as view:
            assert of_work(told, view, piece)[-1]["reason"] == "regret"


@pytest.mark.after(told=every_fact)
def test_a_history_as_of_a_position_ends_there(database: str) -> None:
    with story(database) as told:
        with told.view() as view:
            whole = of_work(told, view, IDS["song"])
        for place in range(len(whole)):
            with told.view(as_of=whole[place]["position"]) as view:
                assert of_work(told, view, IDS["song"]) == whole[: place + 1]


@pytest.mark.parametrize("limit", [1, 2, 3, 13, 14, 15])
def test_a_walk_over_pages_meets_every_fact_once(limit: int, told: Story) -> None:
    every_fact(told)
    with told.view() as view:
        items = all_pages(
            lambda c, n: history.of_work(
                view, told.journal, IDS["poem"], actor="operator", after=c, limit=n
            ),
            limit,
        )
        assert items == of_work(told, view, IDS["poem"])
        assert len(items) == 14


def test_a_merge_does_not_change_history(told: Story) -> None:
    old, new = told.person("old"), told.person("new")
    piece = told.piece("piece", by=[old])
    with told.view() as view:
        before = of_work(told, view, piece)
    told.tell("merge_contributor", id=old, into=new)
    with told.view() as view:
        assert of_work(told, view, piece) == before
        assert before[-1]["content"]["contributor"] == old


def test_a_history_is_numbered_and_each_fact_names_the_one_before(told: Story) -> None:
    every_fact(told)
    with told.view() as view:
        for ask, id in ((of_work, IDS["poem"]), (of_work, IDS["song"]), (of_person, IDS["ben"])):
            items = ask(told, view, id)
            assert [item["number"] for item in items] == list(range(1, len(items) + 1))
            assert [item["previous"] for item in items] == [
                None,
                *(item["position"] for item in items[:-1]),
            ]


@pytest.mark.after(told=every_fact)
def test_the_history_of_a_credit_and_of_an_edge_tells_what_became_of_them(database: str) -> None:
    with story(database) as told:
        with told.view() as view:
            credit = history.of_credit(view, told.journal, id_of("credit"), actor="operator").items
            edge = history.of_remix(view, told.journal, id_of("saga"), actor="operator").items
            pages = all_pages(
                lambda c, n: history.of_credit(
                    view, told.journal, id_of("credit"), actor="operator", after=c, limit=n
                ),
                2,
            )
            with pytest.raises(UnknownCredit):
                history.of_credit(view, told.journal, id_of("saga"), actor="operator")
            with pytest.raises(UnknownRemix):
                history.of_remix(view, told.journal, id_of("credit"), actor="operator")
        assert pages == credit
        assert [one["topic"] for one in credit] == [
            f"credit.{verb}"
            for verb in (
                *("granted", "declined", "accepted", "corrected"),
                *("disputed", "answered", "settled", "revoked"),
            )
        ]
        assert credit[0]["content"]["evidence"] == "text-evidence-credit"
        assert [one["reason"] for one in credit][4:7] == [
            "text-reason-dispute",
            "text-reason-dispute",
            "text-reason-settle",
        ]
        assert [(one["number"], one["previous"]) for one in credit][:2] == [
            (1, None),
            (2, credit[0]["position"]),
        ]
        assert [one["topic"] for one in edge] == [
            f"remix.{verb}" for verb in ("declared", "disputed", "answered", "settled", "struck")
        ]
        with told.view(as_of=credit[2]["position"]) as view:
            assert (
                history.of_credit(view, told.journal, id_of("credit"), actor="operator").items
                == credit[:3]
            )


def test_what_nobody_recorded_has_no_history(told: Story) -> None:
    ana, piece = told.person("ana"), told.piece("piece")
    with told.view() as view:
        with pytest.raises(UnknownWork):
            of_work(told, view, ana)
        with pytest.raises(UnknownContributor):
            of_person(told, view, piece)
