"""What the people of the demonstration say about their series, and whom they follow."""

from test_demonstration import IDS, person, shown, view, work

from projections import conversation, following, happenings
from projections.store import View
from scripts.service import Service

__all__ = ["shown", "view"]
"""The demonstration as it is loaded."""


def test_a_question_is_answered_in_its_thread_by_those_who_are_mentioned(view: View) -> None:
    call = IDS.named("challenge", "draw-the-keeper")
    first, *replies = conversation.comments(view, challenge=call).items
    assert {one["thread"] for one in replies} == {first["id"]}
    assert [one["name"] for one in replies[0]["mentions"]] == ["おゆき", "lanternfish"]
    assert replies[1]["reply_to"] == replies[0]["id"]
    assert "@おゆき. But @lanternfish has" in (replies[0]["text"] or "")


def test_one_comment_was_removed_by_its_writer_and_one_by_a_moderator(view: View) -> None:
    found = [
        (each["text"], each["removed"]["removed_as"], each["removed"]["reason"])
        for id in ("keeper-none", "keeper-boots")
        for each in conversation.comments(view, work=work(id)).items
        if each["removed"]
    ]
    assert found == [
        (None, "moderator", "An advertisement."),
        (None, "writer", None),
    ]


def test_whom_it_concerns_is_told_and_followers_are_counted(shown: Service, view: View) -> None:
    told = happenings.of_contributor(
        view, shown.journal, person("kofi"), actor=person("kofi"), kind="comments"
    )
    assert [one["content"]["text"][:13] for one in told.items] == ["The theme is "]
    book = IDS.named("project", "the-keepers")
    assert following.count(view, following.ABOUTS["project"](view, book)) == 2
    assert following.count(view, following.ABOUTS["work"](view, work("keepers-series"))) == 0
