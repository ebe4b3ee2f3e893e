"""Following: what happens to a work, a person or a project is told to those who follow it."""

from typing import Any

import pytest
from stories import OPERATOR, Story, story
from test_challenges import issued
from test_projects import launched, step

from domain.refusal import ContributorForgotten, NotPermitted, OneSubject, WrongState
from projections import feed, following, happenings, history
from projections.money.readers import Reader
from projections.question import QUESTIONS, Asking


def follow(told: Story, who: str, **what: str) -> None:
    told.tell("follow_subject", id=who, actor=who, **what)


def unfollow(told: Story, who: str, **what: str) -> None:
    told.tell("unfollow_subject", id=who, actor=who, **what)


def follows(told: Story, who: str, actor: str | None = None) -> list[Any]:
    with told.view() as view:
        return following.of_contributor(view, told.journal, who, actor=actor or who).items


def followers(told: Story, kind: str, id: str) -> tuple[int, list[str]]:
    """How many follow something, and who of them has it shown."""
    with told.view() as view:
        asked = QUESTIONS[f"list_{kind}_followers"]
        answer = Asking(asked, view, told.journal, {"id": id}).told
    return answer["followers"], [one["person"]["id"] for one in answer["items"]]


def happened(told: Story, who: str, actor: str | None = None, **asked: Any) -> list[Any]:
    with told.view() as view:
        found = happenings.of_contributor(view, told.journal, who, actor=actor or who, **asked)
    return [(one["topic"], one["follows"]) for one in found.items]


def test_works_people_projects_and_challenges_are_followed_and_no_longer(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song, album = told.piece("song", actor=ana), told.release("album", told.piece("b-side"))
        things = {"work": song, "contributor": ana, "project": launched(told, ana)}
        things["challenge"] = issued(told, ana)
        for kind, id in (*things.items(), ("work", album)):
            follow(told, ben, **{kind: id})
        assert [(one["on"], one[one["on"]]["id"]) for one in follows(told, ben)] == [
            ("work", album),
            *reversed(things.items()),
        ]
        for kind, id in things.items():
            assert followers(told, kind, id) == (1, [])
            unfollow(told, ben, **{kind: id})
            assert followers(told, kind, id) == (0, [])
        assert [one["work"]["id"] for one in follows(told, ben)] == [album]
        with pytest.raises(WrongState):
            told.tell("unfollow_subject", id=ben, work=song)
        with pytest.raises(WrongState):
            told.tell("follow_subject", id=ben, work=album)


def test_exactly_one_thing_is_followed_by_the_person_themself(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ana)
        for what in ({}, {"work": song, "contributor": ana}):
            with pytest.raises(OneSubject):
                follow(told, ben, **what)
        with pytest.raises(NotPermitted):
            told.tell("follow_subject", id=ben, work=song, actor=ana)
        told.tell("follow_subject", id=ben, work=song)
        with pytest.raises(NotPermitted):
            told.tell("unfollow_subject", id=ben, work=song, actor=ana)
        told.tell("forget_contributor", id=ana, ground="request")
        with pytest.raises(ContributorForgotten):
            follow(told, ben, contributor=ana)


def test_how_many_follow_is_public_and_who_only_where_they_have_it_shown(database: str) -> None:
    with story(database) as told:
        ana, ben, eva = map(told.person, ("Ana", "Ben", "Eva"))
        song = told.piece("song", actor=ana)
        follow(told, ben, work=song)
        follow(told, eva, work=song, shown="public")
        assert followers(told, "work", song) == (2, [eva])
        follow(told, eva, work=song)
        follow(told, ben, work=song, shown="public")
        assert followers(told, "work", song) == (2, [ben])
        with pytest.raises(NotPermitted):
            follows(told, ben, actor=ana)
        assert len(follows(told, ben, actor=OPERATOR)) == 1


def test_a_person_with_several_accounts_follows_once_and_a_forgotten_one_no_longer(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben, bene, benno, eva = map(told.person, ("Ana", "Ben", "Bene", "Benno", "Eva"))
        song = told.piece("song", actor=ana)
        for each in (ben, bene, benno, eva):
            follow(told, each, work=song, shown="public")
            follow(told, each, contributor=ana)
        told.tell("merge_contributor", id=benno, into=bene)
        told.tell("merge_contributor", id=bene, into=ben)
        assert followers(told, "work", song) == (2, [eva, ben])
        pages, cursor = list[str](), None
        while not pages or cursor is not None:
            with told.view() as view:
                said = {"id": song, "limit": 1, "after": cursor}
                answer = Asking(QUESTIONS["list_work_followers"], view, told.journal, said).told
            pages += [one["person"]["id"] for one in answer["items"]]
            cursor = answer["next"]
        assert pages == [eva, ben], "nobody is on a second page again"
        told.tell("forget_contributor", id=eva, ground="request")
        count, named = followers(told, "work", song)
        assert (count, eva in named) == (1, False)
        told.tell("merge_contributor", id=ana, into=ben)
        assert followers(told, "contributor", ben)[0] == 1


def test_who_follows_with_an_account_that_was_merged_is_counted_and_shown(database: str) -> None:
    with story(database) as told:
        ben, bene, song = told.person("Ben"), told.person("Bene"), told.piece("song")
        follow(told, bene, work=song, shown="public")
        told.tell("merge_contributor", id=bene, into=ben)
        assert followers(told, "work", song) == (1, [ben])


def test_nobody_follows_twice_but_after_stopping_one_may_begin_again(database: str) -> None:
    with story(database) as told:
        ben, song = told.person("Ben"), told.piece("song")
        never = told.refused(WrongState, "unfollow_subject", id=ben, work=song)
        assert "This follow is not there" in str(never)
        follow(told, ben, work=song)
        twice = told.refused(WrongState, "follow_subject", id=ben, work=song)
        assert "is there already; you can do this only while it is ended or shown" in str(twice)
        unfollow(told, ben, work=song)
        follow(told, ben, work=song)
        assert followers(told, "work", song) == (1, [])


def test_a_credit_that_is_hidden_or_not_agreed_to_is_no_news(database: str) -> None:
    with story(database) as told:
        ana, ben, eva, uma = map(told.person, ("Ana", "Ben", "Eva", "Uma"))
        song = told.piece("song", actor=ana)
        told.tell("grant_role", id=uma, role="auditor")
        told.tell("ask_first", id=eva, actor=eva)
        for each in (ben, uma):
            follow(told, each, work=song)
        told.credit(song, eva, actor=ana)
        assert ("credit.granted", song) not in happened(told, uma), "although an auditor reads it"
        credit = told.credit(song, ana)
        assert happened(told, ben) == [("credit.granted", song)]
        told.tell("hide_credit", id=credit, actor=ana)
        assert happened(told, ben) == []


def test_what_was_told_before_a_merge_is_told_after_it(database: str) -> None:
    """An account that followed the same later hid what had happened until then."""
    with story(database) as told:
        ana, ben, bene = map(told.person, ("Ana", "Ben", "Bene"))
        song = told.piece("song", actor=ana)
        follow(told, ben, work=song)
        follow(told, ben, contributor=ana)
        told.tell("post_comment", work=song, text="Mine.", actor=ana)
        told.piece("cover", actor=ana)
        before = happened(told, ben)
        assert len(before) == 2
        follow(told, bene, work=song)
        follow(told, bene, contributor=ana)
        told.tell("merge_contributor", id=bene, into=ben)
        assert [one for one in happened(told, ben) if one[1]] == before
        anna = told.person("Anna")
        follow(told, ben, contributor=anna)
        told.tell("merge_contributor", id=anna, into=ana)
        assert "contribution.submitted" in [topic for topic, _ in happened(told, ben)]


def test_what_was_told_is_told_although_something_else_is_followed_since(database: str) -> None:
    """What was about both was taken for news of the other, which was not followed yet."""
    with story(database) as told:
        ana, ben = map(told.person, ("Ana", "Ben"))
        song, poem = (told.piece(name, actor=ana) for name in ("song", "poem"))
        follow(told, ben, work=poem)
        told.edge(song, poem)
        for now in ({}, {"work": song}, {"contributor": ana}):
            if now:
                follow(told, ben, **now)
            assert happened(told, ben) == [("remix.declared", poem)]


def test_that_somebody_follows_is_known_to_nobody_else(database: str) -> None:
    with story(database) as told:
        ana, ben, abe, uma = map(told.person, ("Ana", "Ben", "Abe", "Uma"))
        told.tell("grant_role", id=abe, role="accountant")
        told.tell("grant_role", id=uma, role="auditor")
        song, head = told.piece("song", actor=ana), told.head()
        follow(told, ben, work=song, shown="public")
        follow(told, ben, contributor=ana)
        with told.view() as view:
            assert feed.stretch(view, told.journal, "x", head, 10).events == []
            placed = told.journal.facts.after(head, 10)
            seen = {
                actor: len(Reader(view, told.journal, actor).seen(placed))
                for actor in ("", ana, ben, abe, uma, OPERATOR)
            }
            assert seen == {"": 0, ana: 0, ben: 2, abe: 0, uma: 2, OPERATOR: 2}
            about = history.of_work(view, told.journal, song, actor="").items
            assert not any(one["topic"].startswith("follow.") for one in about)
            # Nor does a gap in the numbers of its history say that there is a follower.
            assert [one["number"] for one in about] == list(range(1, len(about) + 1))


def test_what_happens_to_what_somebody_follows_is_told_with_what_they_follow(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben, eva = map(told.person, ("Ana", "Ben", "Eva"))
        song, book, call = told.piece("song", actor=ana), launched(told, ana), issued(told, ana)
        told.piece("before", song, actor=ana)
        for what in ({"work": song}, {"project": book}, {"challenge": call}, {"contributor": eva}):
            follow(told, ben, **what)
        assert happened(told, ben) == []
        told.piece("cover", song, actor=ana)
        told.tell("post_comment", work=song, text="Hear, hear.", actor=eva)
        told.tell("post_comment", work=song, text="Mine.", actor=ben)
        told.tell("update_project", id=book, text="On it.", actor=ana)
        told.tell("close_challenge", id=call, actor=ana)
        told.piece("eva's", actor=eva)
        issued(told, eva, "write")
        assert happened(told, ben) == [
            ("challenge.issued", eva),
            ("contribution.submitted", eva),
            ("challenge.closed", call),
            ("project.updated", book),
            ("comment.posted", song),
            ("remix.declared", song),
        ]
        assert happened(told, ben, own=True) == []
        assert happened(told, ben, kind="comments") == [("comment.posted", song)]
        unfollow(told, ben, work=song)
        assert ("remix.declared", song) not in happened(told, ben)


def test_what_happened_to_somebody_is_not_marked_and_what_is_private_is_not_told(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ben)
        follow(told, ben, work=song)
        follow(told, ben, contributor=ana)
        told.piece("cover", song, actor=ana)
        told.tell("ask_first", id=ana, actor=ana)
        told.credit(song, ana, actor=ben)
        eva = told.person("Eva")
        told.credit(told.piece("other", actor=eva), ana, actor=eva)  # a secret until she agrees
        follow(told, ana, work=song)
        found = happened(told, ben)
        assert ("remix.declared", None) in found
        assert not any(topic in ("credit.granted", "follow.begun") for topic, _ in found)


def test_a_page_of_what_is_followed_goes_on_where_it_ended(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        songs = [told.piece(f"song {number}", actor=ana) for number in range(5)]
        for song in songs:
            follow(told, ben, work=song)
            follow(told, ana, work=song, shown="public")
        found, after = list[str](), None
        with told.view() as view:
            for _ in range(3):
                page = following.of_contributor(
                    view, told.journal, ben, actor=ben, after=after, limit=2
                )
                found += [one["work"]["id"] for one in page.items if one["work"]]
                after = page.next
        assert (found, after) == (songs[::-1], None)


def test_a_step_is_followed_by_its_project(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        book = launched(told, ana)
        follow(told, ben, project=book)
        told.tell("post_comment", step=step(book), text="Inked.", actor=ana)
        assert happened(told, ben) == [("comment.posted", book)]
