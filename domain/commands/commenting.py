"""Commands about comments: posting, editing and removing them.

Names behind an “@” become ids when they are written. A comment is edited by its writer for a
while, and removed by its writer or by a moderator, who says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Self, cast

from domain.command import Command, command, once_each, record
from domain.commands.projecting import led
from domain.comment import (
    MODERATOR,
    MOST_MENTIONED,
    PLACES,
    WRITER,
    Comment,
    mentioned_in,
    with_ids,
)
from domain.contributor import Contributor
from domain.fact import New
from domain.moment import instant
from domain.past import Past
from domain.permission import ANYONE
from domain.project import Step
from domain.refusal import EditingOver, OneSubject, ReasonMissing, TextTooLong, WrongState
from domain.text import LIMITS
from domain.value import Example, Most
from domain.values import (
    REMARK,
    ChallengeId,
    CommentId,
    ContributorId,
    NewCommentId,
    ProjectId,
    Reason,
    Remark,
    StepId,
    WorkId,
)

_MENTIONED = Annotated[
    tuple[ContributorId, ...] | None,
    "Who is mentioned; default those whose names or ids follow an @ in the text.",
    Most(MOST_MENTIONED),
]


@record
class _Saying(Command):
    """A command with the text of a comment."""

    text: Annotated[Remark, Example("The third panel is too dark to print.")]
    mentions: _MENTIONED = None

    def settled(self, past: Past) -> Self:
        """The command with names in the text replaced by ids; a signed text stays as it is."""
        if self.mentions is not None:
            return self
        known = self.known(past)
        spelled = with_ids(self.text, lambda name: _one_of(past.called(name), known))
        if len(spelled) > LIMITS["text"]:
            raise TextTooLong("text", LIMITS["text"])
        named = (id for id in mentioned_in(spelled) if _is_person(past, id))
        mentions = tuple(named)[:MOST_MENTIONED] or None
        text = self.text if past.is_signed else spelled
        return cast("Self", replace(cast("Any", self), text=text, mentions=mentions))

    def known(self, past: Past) -> list[str]:
        """The people preferred if several have the mentioned name."""
        return []


def _one_of(found: set[str], known: list[str]) -> str | None:
    """The only one found, or the only one of those who is preferred; else None."""
    near = found.intersection(known) if len(found) > 1 else found
    return next(iter(near)) if len(near) == 1 else None


def _is_person(past: Past, id: str) -> bool:
    stream = past.stream(id)
    return bool(stream) and isinstance(stream[0][1], Contributor.Admitted)


@command(
    "comment",
    may=(ANYONE,),
    spends=("conversation",),
    refuses=(OneSubject, WrongState),
    is_brief=True,
)
class PostComment(_Saying):
    """Comment on a work, project, step or challenge, or reply to a comment; everyone can read it.

    Mention someone by “@” and their name, or by their id if several people share the name.
    """

    work: Annotated[WorkId | None, "On this work, or …"] = None
    project: Annotated[ProjectId | None, "… on this project, or …", Example(None)] = None
    step: Annotated[StepId | None, "… on this step of one, or …", Example(None)] = None
    challenge: Annotated[ChallengeId | None, "… on this challenge, or …", Example(None)] = None
    reply_to: Annotated[CommentId | None, "… in reply to this comment.", Example(None)] = None
    id: Annotated[NewCommentId | None, Example(REMARK)] = None

    def known(self, past: Past) -> list[str]:
        """Who wrote or is mentioned in what it replies to."""
        return [] if self.reply_to is None else _speakers(past, self.reply_to)

    def decide(self, past: Past) -> Iterator[New]:
        thread = past.id
        if self.reply_to is not None:
            before = past.get(Comment, self.reply_to)
            before.then(Comment.Edited)
            thread = before.thread
        place = self._place(past)
        if self.reply_to is not None:  # watched, because it may be removed at the same moment
            past.watch(Comment.Removed.TOPIC, *(one for one in place.values() if one))
        told = {**place, "thread": thread, "mentions": once_each(self.mentions)}
        yield Comment.Posted.born(past.id, **self.told(Comment.Posted, **told))

    def _place(self, past: Past) -> dict[str, str | None]:
        """The fields with what it is on: exactly one thing, and a step with its project."""
        named = {name: id for name in PLACES if (id := getattr(self, name)) is not None}
        place = named
        if self.reply_to is not None:
            place = past.get(Comment, self.reply_to).line
        elif self.step is not None:
            place = {"step": self.step, "project": past.get(Step, self.step).project}
        found = {name: id for name, id in place.items() if id is not None}
        is_one = len(found.keys() - {"step"}) == 1
        if not is_one or any(found.get(name) != id for name, id in named.items()):
            raise OneSubject((*PLACES, "reply_to"))
        return {name: found.get(name) for name in PLACES}


def _speakers(past: Past, id: str) -> list[str]:
    """The writer of a comment, and those whom it mentions."""
    stream = past.stream(id)
    if not stream or not isinstance(stream[0][1], Comment.Posted):
        return []
    comment = past.get(Comment, id)
    return [past.person(one) for one in (comment.poster, *(comment.mentions or ()))]


@record
class _OfComment(Command):
    """A command about a comment."""

    id: CommentId

    def sides(self, past: Past) -> Mapping[str, str]:
        """The writer, and who speaks for what it is on, who therefore may not moderate it."""
        comment = past.get(Comment, self.id)
        return _speaking(past, comment) | {WRITER: comment.poster}


def _speaking(past: Past, comment: Comment) -> dict[str, str]:
    if comment.project:
        return led(past, comment.project)
    kind, id = ("work", comment.work) if comment.work else ("challenge", comment.challenge)
    return dict(past.named(kind, str(id)).sides(past))


@command("comment.edit", may=(WRITER,), spends=("conversation",), refuses=(WrongState, EditingOver))
class EditComment(_OfComment, _Saying):
    """Edit a comment of yours, for a limited time; earlier versions stay in its history."""

    def known(self, past: Past) -> list[str]:
        """Whom it mentioned before."""
        return _speakers(past, self.id)

    def decide(self, past: Past) -> Iterator[New]:
        comment, mentions = past.get(Comment, self.id), once_each(self.mentions)
        if past.comment_minutes is not None:
            until = comment.posted_at + timedelta(minutes=past.comment_minutes)
            if past.is_over(instant(until)):
                raise EditingOver(instant(until))
        added = [one for one in mentions or () if one not in (comment.mentions or ())]
        yield comment.then(Comment.Edited, mentions=mentions, added=added or None, text=self.text)


@command("comment.remove", may=(WRITER, MODERATOR), refuses=(WrongState, ReasonMissing))
class RemoveComment(_OfComment):
    """Remove a comment: its text is erased; its removal, and by whom, stays on record.

    A moderator must give a reason; the writer may.
    """

    reason: Annotated[Reason | None, Example("It names somebody's address.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        comment = past.get(Comment, self.id)
        is_own = past.person(comment.poster) == past.person(past.actor)
        if not is_own and self.reason is None:
            raise ReasonMissing
        yield comment.then(
            Comment.Removed,
            removed_as=WRITER if is_own else MODERATOR,
            writer=comment.poster,
            reason=self.reason,
        )
