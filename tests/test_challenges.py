"""Challenges: issued by anyone, moved between projects, answered by pieces, some featured."""

from datetime import timedelta
from typing import Any

import pytest
from stories import NOON, OPERATOR, Story, id_of, story, ticking
from test_projects import launched, step

from domain.moment import instant
from domain.refusal import ChallengeOver, NotPermitted, UntilPassed, WrongState
from projections import challenges, history, notices

Found = dict[str, Any]


def issued(told: Story, by: str, name: str = "draw", **said: Any) -> str:
    """A challenge that somebody issued."""
    said = {"title": name, "prompt": f"Please {name} him.", "id": id_of(name)} | said
    return told.tell("issue_challenge", actor=by, **said).id


def answered(told: Story, challenge: str, name: str, by: str, *sources: str) -> str:
    """A piece posted as the answer to a challenge."""
    said = {"title": name, "medium": "image", "challenges": [challenge], "id": id_of(name)}
    said["sources"] = [{"work": work, "kind": "adaptation"} for work in sources]
    return told.tell("submit_contribution", actor=by, **said).id


def feature(told: Story, challenge: str, work: str, actor: str) -> None:
    told.tell("feature_answer", id=challenge, work=work, reason="The cold.", actor=actor)


def answers(told: Story, **asked: Any) -> list[tuple[str | None, str]]:
    with told.view() as view:
        found = challenges.answers(view, **asked).items
        return [(one["work"]["title"], one["state"]) for one in found]


def shown(told: Story, id: str, as_of: int | None = None) -> Any:
    with told.view(as_of) as view:
        return challenges.challenge(view, told.journal, id)


def found(told: Story, **asked: Any) -> list[str | None]:
    with told.view() as view:
        return [one["title"] for one in challenges.challenges(view, told.journal, **asked).items]


def test_anyone_issues_a_challenge_and_any_number_of_pieces_answer(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        draw, write = issued(told, ana, media=["image"]), issued(told, ben, "write")
        for number in range(3):
            answered(told, draw, f"drawing {number}", ben)
        poem = told.piece("poem", actor=ben)
        told.tell("answer_challenge", id=draw, work=poem, actor=ben)
        told.tell("answer_challenge", id=write, work=poem, actor=ben)
        with pytest.raises(WrongState):
            told.tell("answer_challenge", id=write, work=poem, actor=OPERATOR)
        with pytest.raises(NotPermitted):
            told.tell("answer_challenge", id=write, work=id_of("drawing 0"), actor=ana)
        assert len(answers(told, challenge=draw)) == 4
        assert answers(told, work=poem) == [("poem", "given"), ("poem", "given")]
        assert (shown(told, draw)["answers"], shown(told, write)["answers"]) == (4, 1)


def test_answers_taken_back_and_withdrawn_pieces_are_shown_so(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        draw = issued(told, ana)
        first, second = (answered(told, draw, name, ben) for name in ("first", "second"))
        with pytest.raises(NotPermitted):
            told.tell("withdraw_answer", id=draw, work=first, actor=ana)
        told.tell("withdraw_answer", id=draw, work=first, reason="Not him.", actor=ben)
        told.tell("withdraw_contribution", id=second, reason="Not mine.", actor=ben)
        with told.view() as view:
            gone, back = challenges.answers(view, challenge=draw).items
        assert (gone["work"]["state"], gone["work"]["title"], gone["state"]) == (
            *("withdrawn", None),
            "given",
        )
        assert (back["work"]["title"], back["state"], back["reason"]) == (
            *("first", "withdrawn"),
            "Not him.",
        )
        assert answers(told, challenge=draw, unused=True) == []
        assert shown(told, draw)["answers"] == 1
        told.tell("answer_challenge", id=draw, work=first, actor=ben)
        assert answers(told, challenge=draw, state="given", unused=True) == [("first", "given")]
        with pytest.raises(WrongState):
            told.tell("answer_challenge", id=issued(told, ana, "sing"), work=second, actor=ben)


def test_answers_that_nobody_has_used_yet_are_a_question(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        project = launched(told, ana)
        draw = issued(told, ana, project=project)
        other = issued(told, ben, "other")
        used, unused = (answered(told, draw, name, ben) for name in ("used", "unused"))
        answered(told, other, "elsewhere", ben)
        told.piece("made from it", used, actor=ana)
        assert answers(told, challenge=draw, unused=True) == [("unused", "given")]
        assert answers(told, project=project, unused=True) == [("unused", "given")]
        assert answers(told, unused=True) == [("elsewhere", "given"), ("unused", "given")]
        told.release("book", unused, actor=ana)
        assert answers(told, challenge=draw, unused=True) == []


def test_answers_are_sorted_by_what_was_made_of_them_and_counted_by_medium(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        draw = issued(told, ana)
        used = answered(told, draw, "the zebra", ben)
        answered(told, draw, "An aardvark", ben)
        song = told.piece("made from it", used, actor=ana, medium="Audio")
        told.tell("answer_challenge", id=draw, work=song, actor=ana)
        titles = {
            sort: [title for title, _ in answers(told, challenge=draw, sort=sort)]
            for sort in challenges.ANSWER_ORDERS
        }
        assert titles["given"] == ["made from it", "An aardvark", "the zebra"]
        assert titles["title"] == ["An aardvark", "made from it", "the zebra"]
        assert titles["remixed"] == ["the zebra", "made from it", "An aardvark"]
        assert answers(told, challenge=draw, medium="AUDIO") == [("made from it", "given")]
        with told.view() as view:
            facets = challenges.answer_facets(view, challenge=draw)
            first = challenges.answers(view, challenge=draw, sort="remixed", limit=2)
            rest = challenges.answers(view, challenge=draw, sort="remixed", after=first.next)
        counts = {one["value"]: one["count"] for one in facets["medium"]["values"]}
        assert (facets["total"], counts) == (3, {"image": 2, "Audio": 1})
        assert [one["work"]["title"] for one in (*first.items, *rest.items)] == titles["remixed"]


def test_what_was_featured_is_history(database: str) -> None:
    with story(database) as told:
        ana, ben, eva = (told.person(name) for name in ("Ana", "Ben", "Eva"))
        project = launched(told, eva)
        draw = issued(told, ana)
        work = answered(told, draw, "keeper", ben)
        for stranger in (ben, eva):
            with pytest.raises(NotPermitted):
                feature(told, draw, work, stranger)
        with pytest.raises(WrongState):
            feature(told, draw, told.piece("no answer", actor=ben), ana)
        feature(told, draw, work, ana)
        with pytest.raises(WrongState):
            feature(told, draw, work, OPERATOR)
        then = told.head()
        told.tell("move_challenge", id=draw, project=project, actor=ana)
        # By now a leader of its project decides as well.
        told.tell("unfeature_answer", id=draw, work=work, reason="Enough.", actor=eva)
        assert answers(told, challenge=draw) == [("keeper", "given")]
        feature(told, draw, work, eva)
        assert answers(told, challenge=draw, state="featured") == [("keeper", "featured")]
        told.tell("withdraw_answer", id=draw, work=work, actor=ben)
        with told.view(then) as view:
            (one,) = challenges.answers(view, challenge=draw).items
            assert (one["state"], one["reason"], one["by"]) == ("featured", "The cold.", ana)
        with told.view() as view:
            facts = history.of_challenge(view, told.journal, draw, actor=OPERATOR).items
            assert [one["topic"].partition(".")[2] for one in facts] == [
                *("issued", "given", "featured", "moved", "unfeatured", "featured", "withdrawn"),
            ]
            heard = notices.of_contributor(view, told.journal, ben, actor=ben).items
            assert [one["topic"] for one in heard] == [
                *("answer.featured", "answer.unfeatured", "answer.featured"),
            ]


def test_a_challenge_is_in_one_project_at_a_time_and_where_it_was_is_kept(database: str) -> None:
    with story(database) as told:
        ana, ben, eva = (told.person(name) for name in ("Ana", "Ben", "Eva"))
        one, two, hers = (
            *(launched(told, ben, name=name) for name in ("one", "two")),
            launched(told, eva, name="hers"),
        )
        draw = issued(told, ana)
        with pytest.raises(NotPermitted):  # it is in none yet
            told.tell("move_challenge", id=draw, project=one, actor=ben)
        told.tell("move_challenge", id=draw, project=one, actor=ana)
        with pytest.raises(NotPermitted):
            told.tell("move_challenge", id=draw, project=hers, actor=ben)
        told.tell("move_challenge", id=draw, project=two, actor=ben)
        with pytest.raises(WrongState):
            told.tell("move_challenge", id=draw, project=two, actor=ana)
        assert found(told, project=two) == ["draw"]
        assert found(told, project=one) == []
        was = told.head()
        told.tell("move_challenge", id=draw, reason="It stands alone.", actor=ben)
        told.tell("move_challenge", id=draw, project=one, actor=ana)
        places = [
            (place["project"]["title"], place["until"] is None)
            for place in shown(told, draw)["projects"]
        ]
        assert places == [("one", False), ("two", False), ("one", True)]
        assert shown(told, draw, was)["project"]["title"] == "two"
        assert [place["until"] is None for place in shown(told, draw, was)["projects"]] == [
            *(False, True),
        ]


def test_a_challenge_is_over_at_the_end_of_its_last_day(database: str) -> None:
    with story(database, clock=ticking()) as told:
        ana = told.person("Ana")
        today = NOON.date().isoformat()
        with pytest.raises(UntilPassed):
            issued(told, ana, "late", answer_by=(NOON - timedelta(days=1)).date().isoformat())
        draw = issued(told, ana, answer_by=today)
        other, never = issued(told, ana, "sing", answer_by="2026-12"), issued(told, ana, "write")
        poem = told.piece("poem", actor=ana)
        assert found(told, open_=True, sort="deadline") == ["draw", "sing", "write"]
        before = told.head()
        told.journal.clock = ticking(NOON + timedelta(days=1))
        with pytest.raises(ChallengeOver):
            told.tell("answer_challenge", id=draw, work=poem, actor=ana)
        with pytest.raises(ChallengeOver):
            answered(told, draw, "too late", ana)
        assert found(told, open_=True, sort="deadline") == ["sing", "write"]
        assert not shown(told, draw)["is_open"]
        told.tell("describe_challenge", id=draw, answer_by="2026-07", reason="Longer.", actor=ana)
        told.tell("answer_challenge", id=draw, work=poem, actor=ana)
        told.tell("close_challenge", id=other, actor=ana)
        with pytest.raises(WrongState):
            told.tell("answer_challenge", id=other, work=poem, actor=ana)
        assert found(told, open_=True, sort="deadline") == ["draw", "write"]
        assert shown(told, draw, before)["is_open"]
        told.tell("reopen_challenge", id=other, actor=ana)
        told.tell("answer_challenge", id=other, work=poem, actor=ana)
        assert shown(told, never)["answer_by"] is None


def test_challenges_are_found_by_what_they_ask_for(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        issued(told, ana, media=["image", "video"], roles=["illustrator"])
        issued(told, ben, "sing", media=["audio"], roles=["singer"])
        issued(told, ben, "anything")
        issued(told, ana, 'odd "_% medium"', media=['a"_%!b'])
        assert found(told, medium="image") == ["anything", "draw"]
        assert found(told, medium="Imáge") == ["anything", "draw"]
        assert found(told, medium="imag_") == found(told, medium="mag") == ["anything"]
        assert found(told, medium='a"_%!b') == ['odd "_% medium"', "anything"]
        assert found(told, role="singer", medium="audio") == ["anything", "sing"]
        assert found(told, role="musician", q="SING") == ["sing"]
        assert found(told, issuer=ben) == ["anything", "sing"]
        assert found(told, q="please draw") == ["draw"]
        told.tell("describe_challenge", id=id_of("draw"), media=["text"], actor=ana)
        assert found(told, medium="image") == ["anything"]
        assert shown(told, id_of("draw"))["media"] == ["text"]


def test_the_prompt_of_a_forgotten_person_is_erased_and_the_answers_stay(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        draw = issued(told, ana)
        feature(told, draw, answered(told, draw, "keeper", ben), ana)
        told.tell("forget_contributor", id=ana, ground="request", actor=ana)
        one = shown(told, draw)
        assert (one["title"], one["prompt"]) == (None, None)
        assert answers(told, challenge=draw) == [("keeper", "featured")]


def test_a_piece_answers_and_is_put_into_a_step_when_it_is_posted(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        project = launched(told, ana)
        both = [issued(told, ana), issued(told, ana, "write", project=project)]
        told.tell(
            "submit_contribution",
            title="the keeper",
            medium="text",
            challenges=[*both, both[0]],
            step=step(project),
            actor=ana,
        )
        assert told.topics()[-4:] == [
            *("contribution.submitted", "placement.made", "answer.given", "answer.given"),
        ]
        assert instant(told.journal.clock()) > shown(told, both[0])["issued_at"]
