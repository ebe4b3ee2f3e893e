"""An audit of the rules: what nobody could have said in a conversation, or followed for another."""

from collections.abc import Callable
from typing import Any

from stories import id_of, story
from test_rules import decided_again
from test_rules_together import Scene
from test_signature import registered, signed

from domain.comment import Comment
from domain.follow import Follow, follow_id
from domain.signature import must_fit
from domain.tree import NotVerified


class Talk(Scene):
    """The same, with a comment of Ben's, a reply of Ana's, and Eva, who follows the piece."""

    def talk(self) -> None:
        tell = self.told.tell
        said = {"text": "t", "work": self.own, "actor": self.ben}
        self.comment = tell("post_comment", **said).id
        reply = {"text": "r", "reply_to": self.comment, "mentions": [self.ben]}
        self.reply = tell("post_comment", actor=self.ana, **reply).id
        self.gone = tell("post_comment", **said).id
        tell("edit_comment", id=self.gone, text="u", actor=self.ben)
        tell("remove_comment", id=self.gone, actor=self.ben)
        tell("follow_subject", id=self.eva, work=self.own, actor=self.eva)
        tell("unfollow_subject", id=self.eva, work=self.own, actor=self.eva)

    def post(self, **said: Any) -> str:
        """A comment that was not posted by its command."""
        id = id_of(str(sorted(said.items(), key=repr)))
        content = {"text": "d", "thread": id, "actor": self.eva, **said}
        return self.add(Comment.Posted, id, **content)

    def changed(self, kind: type[Comment.Event], **said: Any) -> str:
        """A change of Ben's comment."""
        return self.add(kind, self.comment, **{"work": self.own, **said})


def in_the_name_of_nobody(to: Talk) -> str:
    return to.post(work=to.own, actor=id_of("nobody")) + " could not happen"


def on_nothing(to: Talk) -> str:
    return to.post() + " could not happen"


def on_two_things(to: Talk) -> str:
    return to.post(work=to.own, challenge=to.call) + " could not happen"


def on_a_step_of_another_project(to: Talk) -> str:
    return to.post(step=to.step, project=to.other) + " could not happen"


def in_another_thread(to: Talk) -> str:
    return to.post(work=to.own, thread=to.comment) + " says another “thread”"


def a_reply_elsewhere(to: Talk) -> str:
    said = {"work": to.piece, "reply_to": to.comment, "thread": to.comment}
    return to.post(**said) + " could not happen"


def a_reply_to_what_was_removed(to: Talk) -> str:
    said = {"work": to.own, "reply_to": to.gone, "thread": to.gone}
    return to.post(**said) + " could not happen"


def a_mention_of_nobody(to: Talk) -> str:
    return to.post(work=to.own, mentions=[id_of("nobody")]) + " could not happen"


def edited_by_a_stranger(to: Talk) -> str:
    return to.changed(Comment.Edited, text="d", actor=to.eva) + " could not happen"


def said_to_be_elsewhere(to: Talk) -> str:
    said = {"work": to.piece, "text": "d", "actor": to.ben}
    return to.changed(Comment.Edited, **said) + " says another “work”"


def somebody_mentioned_anew_in_silence(to: Talk) -> str:
    said = {"text": "d", "mentions": [to.eva], "actor": to.ben}
    return to.changed(Comment.Edited, **said) + " says another “added”"


def removed_by_a_stranger(to: Talk) -> str:
    said = {"removed_as": "moderator", "writer": to.ben, "reason": "d", "actor": to.eva}
    return to.changed(Comment.Removed, **said) + " could not happen"


def removed_without_a_reason(to: Talk) -> str:
    said = {"removed_as": "moderator", "writer": to.ben, "actor": "operator"}
    return to.changed(Comment.Removed, **said) + " could not happen"


def removed_in_its_writers_name(to: Talk) -> str:
    said = {"removed_as": "writer", "writer": to.ben, "reason": "d", "actor": "operator"}
    return to.changed(Comment.Removed, **said) + " says another “removed_as”"


def of_another_writer(to: Talk) -> str:
    said = {"work": to.own, "removed_as": "writer", "writer": to.eva, "actor": to.ana}
    return to.add(Comment.Removed, to.reply, **said) + " says another “writer”"


def following_for_somebody_else(to: Talk) -> str:
    said = {"follower": to.ben, "about": to.own, "on": "work", "actor": to.eva}
    return to.add(Follow.Begun, follow_id(to.ben, to.own), **said) + " could not happen"


def following_under_another_id(to: Talk) -> str:
    said = {"follower": to.ben, "about": to.piece, "on": "work", "actor": to.ben}
    return to.add(Follow.Begun, id_of("f"), **said) + " is not what comes of its command"


def following_what_it_is_not(to: Talk) -> str:
    said = {"follower": to.ana, "about": to.own, "on": "project", "actor": to.ana}
    return to.add(Follow.Begun, follow_id(to.ana, to.own), **said) + " could not happen"


def unfollowed_for_somebody_else(to: Talk) -> str:
    said = {"follower": to.eva, "about": to.own, "on": "work", "actor": to.ben}
    return to.add(Follow.Ended, follow_id(to.eva, to.own), **said) + " could not happen"


CHEATS: tuple[Callable[[Talk], str], ...] = (
    *(in_the_name_of_nobody, on_nothing, on_two_things, on_a_step_of_another_project),
    *(in_another_thread, a_reply_elsewhere, a_reply_to_what_was_removed, a_mention_of_nobody),
    *(edited_by_a_stranger, said_to_be_elsewhere, somebody_mentioned_anew_in_silence),
    *(following_for_somebody_else, following_under_another_id, following_what_it_is_not),
    *(unfollowed_for_somebody_else, of_another_writer),
)
REMOVALS = (removed_by_a_stranger, removed_without_a_reason, removed_in_its_writers_name)
"""Each removes the same comment, so there is one in a history."""


def test_what_nobody_could_have_said_in_a_conversation_is_found_where_it_is(
    database: str,
) -> None:
    with story(database) as told:
        to = Talk(told)
        to.talk()
        assert decided_again(told) == []
        known: list[str] = []
        for cheat in (*CHEATS, REMOVALS[0]):
            expected = cheat(to)
            found = decided_again(told)
            new = [one for one in found if one not in known]
            assert [one for one in new if one.startswith(expected)], (cheat.__name__, new)
            known = found


def test_a_removal_says_who_removed_and_why(database: str) -> None:
    with story(database) as told:
        to = Talk(told)
        to.talk()
        for cheat in REMOVALS[1:]:
            to.comment = told.tell("post_comment", text="t", work=to.own, actor=to.ben).id
            expected = cheat(to)
            found = decided_again(told)
            assert [one for one in found if one.startswith(expected)], (cheat.__name__, found)


def test_a_signature_of_a_comment_or_a_follow_fits_no_other(database: str) -> None:
    with story(database) as told:
        ana, ben = registered(told), told.person("ben")
        song, poem = told.piece("song"), told.piece("poem")
        book = told.tell(
            "launch_project",
            title="t",
            goal="g",
            kind="song",
            steps=[{"title": "s"}],
            leaders=[ben],
        ).id
        first, reply = id_of("first"), id_of("reply")
        signed(told, "post_comment", id=first, work=song, text="a", mentions=[ben])
        signed(told, "post_comment", id=reply, reply_to=first, text="b")
        signed(told, "edit_comment", id=first, text="c")
        signed(told, "remove_comment", id=first, reason="d")
        signed(told, "follow_subject", id=ana, work=song, shown="public")
        signed(told, "unfollow_subject", id=ana, work=song)
        assert decided_again(told) == []
        others: dict[str, list[dict[str, Any]]] = {
            "comment.posted": [{"text": "x"}, {"work": poem}, {"challenge": book}, {"step": book}],
            "comment.edited": [{"text": "x"}],
            "comment.removed": [{"reason": "x"}],
            "follow.begun": [
                {"about": poem},
                {"on": "project"},
                {"follower": ben},
                {"shown": None},
            ],
            "follow.ended": [{"about": poem}, {"follower": ben}],
        }
        tried = 0
        for placed in (one for one in told.facts() if one.fact().signature):
            happened = placed.fact()
            content = {name: one for name, one in vars(happened).items() if one is not None}
            id, version = content.pop("originator_id"), content.pop("originator_version")
            (message,) = told.journal.facts.disclosures([str(happened.message)])
            must_fit(message.value, content, placed.topic, id, version)
            for other in others.get(placed.topic, ()):
                if content.get("reply_to") and "text" not in other:
                    continue  # what a reply is on is known, and decided again
                otherwise = {n: one for n, one in {**content, **other}.items() if one is not None}
                try:
                    must_fit(message.value, otherwise, placed.topic, id, version)
                except NotVerified:
                    tried += 1
                else:
                    raise AssertionError((placed.topic, other))
            try:
                must_fit(message.value, content, placed.topic, id_of("another"), version)
            except NotVerified:
                tried += 1
        assert tried == 5 + 2 + 2 + 2 + 5 + 3
