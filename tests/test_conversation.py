"""Conversation: anybody comments where the work is, in threads; edits for a while, and removes."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from stories import NOON, OPERATOR, Story, carry_out, id_of, story, ticking
from test_challenges import issued
from test_projects import launched, step
from test_signature import registered, signed

from domain.engine import Overtaken
from domain.lines import FoundLine
from domain.refusal import (
    ContributorForgotten,
    EditingOver,
    NotPermitted,
    OneSubject,
    QuotaExceeded,
    ReasonMissing,
    WrongState,
)
from domain.registry import BY_OPERATION
from projections import conversation, feed, happenings, history
from projections.conversation import CommentWithHistory
from scripts.bundle import import_lines


def said(told: Story, by: str, text: str, **on: Any) -> str:
    """A comment, under an id that follows from its text."""
    return told.tell("post_comment", actor=by, text=text, **{"id": id_of(text), **on}).id


def comments(told: Story, as_of: int | None = None, **asked: Any) -> list[Any]:
    with told.view(as_of) as view:
        return conversation.comments(view, **asked).items


def texts(told: Story, **asked: Any) -> list[str | None]:
    return [one["text"] for one in comments(told, **asked)]


def shown(told: Story, id: str) -> CommentWithHistory:
    with told.view() as view:
        return conversation.comment(view, id)


def happened(told: Story, who: str, **asked: Any) -> list[tuple[str, str | None]]:
    """The texts of the comments among what happened to somebody, the latest first."""
    with told.view() as view:
        found = happenings.of_contributor(view, told.journal, who, actor=who, **asked).items
    return [
        (one["topic"].partition(".")[2], one["content"].get("text"))
        for one in found
        if one["topic"].startswith("comment.")
    ]


def test_everybody_comments_on_works_projects_steps_and_challenges(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song, album = told.piece("song", actor=ana), told.release("album", told.piece("b-side"))
        book, call = launched(told, ana), issued(told, ben)
        inks = step(book)
        said(told, ben, "on the song", work=song)
        said(told, OPERATOR, "on the album", work=album)
        said(told, ben, "on the book", project=book)
        said(told, ben, "on the inks", step=inks)
        said(told, ana, "on the call", challenge=call)
        assert texts(told, work=song) == ["on the song"]
        assert texts(told, work=album) == ["on the album"]
        assert texts(told, project=book) == ["on the inks", "on the book"]
        assert texts(told, step=inks) == ["on the inks"]
        assert texts(told, challenge=call) == ["on the call"]
        assert texts(told, by=ben) == ["on the inks", "on the book", "on the song"]
        (inked,) = comments(told, step=inks)
        assert (inked["project"]["id"], inked["step"]["id"]) == (book, inks)
        assert (inked["work"], inked["challenge"], inked["by"]) == (None, None, ben)
        with told.view() as view:
            about = history.of_work(view, told.journal, song, actor="").items
        assert about[-1]["topic"] == "comment.posted"
        assert about[-1]["content"]["text"] == "on the song"


def test_a_comment_is_on_exactly_one_thing(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song, poem = told.piece("song", actor=ana), told.piece("poem", actor=ana)
        book, other = launched(told, ana), launched(told, ana, name="other")
        on_song = said(told, ana, "first", work=song)
        for on in (
            {},
            {"work": song, "project": book},
            {"step": step(book), "project": other},
            {"reply_to": on_song, "work": poem},
            {"reply_to": on_song, "project": book},
        ):
            with pytest.raises(OneSubject):
                said(told, ana, "second", **on)
        said(told, ana, "agrees", step=step(book), project=book)
        said(told, ana, "replies", reply_to=on_song, work=song)


def test_replies_stay_in_their_thread_and_the_latest_thread_is_first(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ana)
        one = said(told, ben, "one", work=song)
        said(told, ben, "two", work=song)
        reply = said(told, ana, "one, replied", reply_to=one)
        said(told, ben, "one, further", reply_to=reply)
        assert texts(told, work=song) == ["two", "one", "one, replied", "one, further"]
        assert texts(told, thread=one) == ["one", "one, replied", "one, further"]
        threads = {each["text"]: (each["reply_to"], each["replies"]) for each in comments(told)}
        assert threads["one"] == (None, 1)
        assert threads["one, further"] == (reply, 0)
        said(told, ana, "three", work=song)
        said(told, ben, "three, further", reply_to=said(told, ben, "four", work=song))
        for limit in range(1, 5):
            found, after = list[str](), None
            with told.view() as view:
                while after is not None or not found:
                    page = conversation.comments(view, work=song, after=after, limit=limit)
                    found += [str(each["text"]) for each in page.items]
                    after = page.next
            assert found == texts(told, work=song)


def test_a_page_of_comments_costs_the_same_however_many_there_are(database: str) -> None:
    """It took as long as reading all comments on the work."""

    def cost(work: str) -> float:
        costs = []
        for _ in range(5):
            begun = time.process_time()
            assert len(comments(told, work=work, limit=20)) == 20
            costs.append(time.process_time() - begun)
        return min(costs)

    with story(database) as told:
        few, many = told.piece("few"), told.piece("many")
        lines = [(few, number) for number in range(100)] + [(many, n) for n in range(6_000)]
        bundle = (
            FoundLine("", {"type": "comment", "work": work, "text": f"number {number}"})
            for work, number in lines
        )
        assert import_lines(told.journal, bundle).recorded.total() == len(lines)
        assert comments(told, work=many, limit=1)[0]["text"] == "number 5999"
        assert cost(many) < 3 * cost(few)


def test_joined_works_have_one_conversation(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song, copy = told.piece("song", actor=ana), told.piece("copy", actor=ana)
        said(told, ana, "on the copy", work=copy)
        join = told.tell("join_works", work=copy, into=song, actor=ana).id
        said(told, ana, "on both", work=song)
        assert texts(told, work=song) == texts(told, work=copy) == ["on both", "on the copy"]
        told.tell("undo_join", id=join, reason="Another song.", actor=ana)
        assert texts(told, work=song) == ["on both"]


NAMES = ("Ana", "Ben Low", "Ben", "Élodie", "Dr. No", "三日月")


@pytest.mark.parametrize(
    "text, stored",
    [
        ("@Ana, look", "@{Ana}, look"),
        ("(@ben low!) and @ANA's", "(@{Ben Low}!) and @{Ana}'s"),
        ("@Ben Lowry", "@{Ben} Lowry"),
        ("@elodie\n@Dr. No.", "@{Élodie}\n@{Dr. No}."),
        ("見て @三日月 さん", "見て @{三日月} さん"),
        ("mail ana@Ana or @@Ana or @ Ana", "mail ana@Ana or @@Ana or @ Ana"),
        ("@Nobody and @", "@Nobody and @"),
        ("@Ana@Ben", "@Ana@Ben"),
    ],
)
def test_a_name_behind_an_at_sign_is_kept_as_an_id(database: str, text: str, stored: str) -> None:
    with story(database) as told:
        ids = {name: told.person(name) for name in NAMES}
        expected = re.sub("{(.+?)}", lambda found: ids[found[1]], stored)
        song = told.piece("song", actor=ids["Ana"])
        id = said(told, ids["Ben"], text, work=song)
        assert expected in told.texts()
        mentioned = [one["id"] for one in shown(told, id)["mentions"]]
        assert sorted(mentioned) == sorted(one for one in ids.values() if one in expected)


def test_an_id_that_is_nobodys_mentions_nobody(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song = told.piece("song", actor=ana)
        for id in (song, id_of("nobody")):
            found = shown(told, said(told, ana, f"@{id}, look", work=song))
            assert (found["text"], found["mentions"]) == (f"@{id}, look", [])


def test_a_mention_shows_the_name_that_somebody_has_now(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ana)
        id = said(told, ana, "@Ben, look", work=song)
        told.tell("rename_contributor", id=ben, name="Benno", former="erased", actor=ben)
        assert shown(told, id)["text"] == "@Benno, look"
        told.tell("forget_contributor", id=ben, ground="request")
        assert shown(told, id)["text"] == "@somebody, look"
        assert not any("Ben" in text for text in told.texts())


def test_of_two_with_one_name_nobody_is_meant_who_is_not_in_the_conversation(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        other = told.tell("admit_contributor", name="Ben").id
        song = told.piece("song", actor=ana)
        first = said(told, ben, "mine", work=song)
        assert shown(told, said(told, ana, "@Ben?", work=song))["mentions"] == []
        reply = shown(told, said(told, ana, "@Ben!", reply_to=first))
        assert [one["id"] for one in reply["mentions"]] == [ben]
        by_id = shown(told, said(told, ana, f"@{other}.", work=song))
        assert (by_id["text"], by_id["mentions"][0]["id"]) == ("@Ben.", other)
        chosen = shown(told, said(told, ana, "You", work=song, mentions=[other, other]))
        assert [one["id"] for one in chosen["mentions"]] == [other]


def test_a_forgotten_person_is_not_mentioned(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ana)
        told.tell("forget_contributor", id=ben, ground="request")
        with pytest.raises(ContributorForgotten):
            said(told, ana, "You", work=song, mentions=[ben])


def test_its_writer_changes_a_comment_for_a_while_and_its_history_is_kept(database: str) -> None:
    clock = [NOON]
    with story(database, clock=lambda: clock[0], comment_minutes=15) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ana)
        id = said(told, ben, "To dark", work=song)
        clock[0] += timedelta(minutes=15)
        told.tell("edit_comment", id=id, text="Too dark, @Ana", actor=ben)
        found = shown(told, id)
        assert (found["text"], found["mentions"][0]["id"]) == ("Too dark, @Ana", ana)
        assert found["edited_at"] == "2026-06-01T12:15:00.000000Z"
        assert [one["text"] for one in found["versions"]] == ["To dark", "Too dark, @Ana"]
        with pytest.raises(NotPermitted):
            told.tell("edit_comment", id=id, text="Fine", actor=ana)
        clock[0] += timedelta(seconds=1)
        with pytest.raises(EditingOver):
            told.tell("edit_comment", id=id, text="Much too dark", actor=ben)


def test_where_nothing_can_be_changed_it_can_be_removed(database: str) -> None:
    with story(database, clock=ticking(), comment_minutes=0) as told:
        ana = told.person("Ana")
        id = said(told, ana, "Oh", work=told.piece("song", actor=ana))
        with pytest.raises(EditingOver):
            told.tell("edit_comment", id=id, text="Ah", actor=ana)
        told.tell("remove_comment", id=id, actor=ana)


def test_no_reply_is_recorded_after_what_it_replies_to_was_removed_meanwhile(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        first = said(told, ana, "mine", work=told.piece("song", actor=ana))
        draft = told.journal.draft()
        carry_out(draft, "post_comment", actor=ben, text="yours?", reply_to=first)
        told.tell("remove_comment", id=first, actor=ana)
        with pytest.raises(Overtaken):
            told.journal.commit(draft)


def test_every_text_of_a_removed_comment_is_erased_and_its_place_stays(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ana)
        id = said(told, ben, "secret one", work=song)
        told.tell("edit_comment", id=id, text="secret two", actor=ben)
        said(told, ana, "a reply", reply_to=id)
        told.tell("remove_comment", id=id, actor=ben)
        assert not any("secret" in text for text in told.texts())
        found = shown(told, id)
        assert (found["text"], found["replies"], found["by"]) == (None, 1, ben)
        assert found["removed"] is not None
        assert (found["removed"]["removed_as"], found["removed"]["reason"]) == ("writer", None)
        assert [one["text"] for one in found["versions"]] == [None, None]
        assert texts(told, work=song) == [None, "a reply"]
        with pytest.raises(WrongState):
            told.tell("edit_comment", id=id, text="x", actor=ben)
        with pytest.raises(WrongState):
            told.tell("remove_comment", id=id, reason="Rude.")
        with pytest.raises(WrongState):
            said(told, ana, "too late", reply_to=id)


def test_a_moderator_who_is_on_no_side_removes_a_comment_and_says_why(database: str) -> None:
    with story(database) as told:
        ana, ben, moe = told.person("Ana"), told.person("Ben"), told.person("Moe")
        told.tell("grant_role", id=moe, role="moderator")
        songs = [told.piece("song", actor=ana), told.piece("own", actor=moe)]
        book = launched(told, moe)
        ids = [said(told, ben, f"rude {song}", work=song) for song in songs]
        ids.append(said(told, ben, "rude too", project=book))
        for id, actor in ((ids[0], ana), (ids[1], moe), (ids[2], moe)):
            with pytest.raises(NotPermitted):
                told.tell("remove_comment", id=id, reason="Rude.", actor=actor)
        with pytest.raises(ReasonMissing):
            told.tell("remove_comment", id=ids[0], actor=moe)
        told.tell("remove_comment", id=ids[0], reason="Rude.", actor=moe)
        told.tell("remove_comment", id=ids[1], reason="Rude.")
        removed = [shown(told, id)["removed"] for id in ids[:2]]
        assert [one and (one["removed_as"], one["reason"]) for one in removed] == [
            ("moderator", "Rude."),
            ("moderator", "Rude."),
        ]
        assert [topic for topic, _ in happened(told, ben)] == ["removed", "removed"]


def test_forgetting_erases_what_somebody_said(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", actor=ana)
        id = said(told, ben, "secret", work=song)
        told.tell("edit_comment", id=id, text="secret too", actor=ben)
        told.tell("forget_contributor", id=ben, ground="request")
        assert not any("secret" in text for text in told.texts())
        found = shown(told, id)
        assert (found["text"], found["removed"]) == (None, None)
        assert found["writer"] == {"id": ben, "name": None}


def test_whom_it_concerns_is_told_once_and_nobody_of_what_they_said_themself(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben, eva, zoe = map(told.person, ("Ana", "Ben", "Eva", "Zoe"))
        song = told.piece("song", by=[eva], actor=ana)
        book, call = launched(told, ana), issued(told, eva)
        first = said(told, ben, "the song", work=song)
        said(told, ana, "thank you @Ben", reply_to=first)
        said(told, ben, "the book", project=book)
        said(told, ben, "the step", step=step(book))
        said(told, ben, "the call, @Zoe", challenge=call)
        assert [text for _, text in happened(told, ana)] == ["the step", "the book", "the song"]
        assert [text for _, text in happened(told, ben)] == [f"thank you @{ben}"]
        eves = [f"the call, @{zoe}", f"thank you @{ben}", "the song"]
        assert [text for _, text in happened(told, eva, kind="comments")] == eves
        assert [text for _, text in happened(told, zoe)] == [f"the call, @{zoe}"]
        told.tell("edit_comment", id=first, text="the song, @Zoe", actor=ben)
        told.tell("edit_comment", id=first, text="the song, dear @Zoe", actor=ben)
        assert len(happened(told, zoe)) == 2


def test_how_much_somebody_says_is_limited(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song = told.piece("song", actor=ana)
        say = BY_OPERATION["post_comment"].of
        told.journal.record(*(say({"text": f"{n}", "work": song}) for n in range(200)), by=ana)
        with pytest.raises(QuotaExceeded):
            said(told, ana, "one more", work=song)


def test_a_signed_comment_says_what_was_signed(database: str) -> None:
    with story(database) as told:
        ana, ben = registered(told), told.person("Ben")
        song = told.piece("song", actor=ana)
        signed(told, "post_comment", id=id_of("signed"), work=song, text="@Ben, look")
        found = shown(told, id_of("signed"))
        assert (found["text"], found["mentions"][0]["id"]) == ("@Ben, look", ben)


def test_the_feed_tells_comments_and_no_text_that_was_erased(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        id = said(told, ana, "hello", work=told.piece("song", actor=ana))
        after = told.head() - 1
        with told.view() as view:
            (event,) = feed.stretch(view, told.journal, "x", after, 10).events
        assert (event["type"], event["data"]["content"]["text"]) == ("comment.posted", "hello")
        told.tell("remove_comment", id=id, actor=ana)
        with told.view() as view:
            events = feed.stretch(view, told.journal, "x", after, 10).events
        assert [one["data"]["content"].get("text") for one in events] == [None, None]


def test_the_same_comment_under_the_same_id_is_said_once(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        told.person("Ben")
        song = told.piece("song", actor=ana)
        said(told, ana, "@Ben, hello", work=song)
        head = told.head()
        said(told, ana, "@Ben, hello", work=song)
        assert told.head() == head
