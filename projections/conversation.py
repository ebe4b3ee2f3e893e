"""Conversation: the comments on a work, a project, a step or a challenge, thread by thread.

Works that were joined share one conversation. A mention is stored as an id and shown as a name.

Tables, rows and questions are in one file because they share their columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict

from domain.comment import MODERATOR, WRITER, Comment, parts_of, without_ids
from domain.fact import Fact
from domain.moment import instant
from domain.refusal import UnknownComment
from domain.value import Example, one_of
from domain.values import ChallengeId, CommentId, ContributorId, ProjectId, StepId, WorkId
from projections import contributors, projects
from projections.pages import LIMIT, Page, cut, decode_cursor
from projections.question import After, Limit, question
from projections.references import references
from projections.store import View, holds
from projections.tables import (
    NEVER,
    Amend,
    Change,
    Numbers,
    Projection,
    born,
    facts_about,
    row_of,
    rows_in,
    table,
)
from projections.told import Agent, Count, Instant, PersonRef, Position, WorkRef
from projections.told_projects import ChallengeRef, ProjectRef, StepRef


class CommentRow(NamedTuple):
    """A row of the read table of comments."""

    id: str
    about: int
    kind: str
    step: str | None
    thread: str
    reply_to: str | None
    actor: str
    text: str
    mentions: str | None
    state: str
    removed_as: str | None
    reason: str | None
    posted_at: str
    changed_at: str | None
    born: int
    own_about: int


COMMENTS = table(
    "comments",
    CommentRow,
    ("id", "about, born", "thread", "actor, born", "reply_to"),
    key="id",
)
"""``about`` is the number of a work, a project or a challenge, depending on ``kind``."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The comments that this fact adds or changes."""
    match happened:
        case Comment.Posted():
            kind, about = _on(happened)
            yield born(
                COMMENTS,
                happened,
                **{"kind": kind, "about": numbers.node(about), "own_about": numbers[about]},
                mentions=_spelled(happened.mentions),
                posted_at=instant(happened.timestamp),
                born=position,
            )
        case Comment.Edited(originator_id=id, text=text, mentions=mentions):
            said = {"text": text, "mentions": _spelled(mentions)}
            yield Amend(COMMENTS, id, said | {"changed_at": instant(happened.timestamp)})
        case Comment.Removed(originator_id=id, removed_as=removed_as, reason=reason):
            said = {"state": happened.STATE, "removed_as": removed_as, "reason": reason}
            yield Amend(COMMENTS, id, said | {"changed_at": instant(happened.timestamp)})


def _on(happened: Comment.Posted) -> tuple[str, str]:
    named = ((name, getattr(happened, name)) for name in ("work", "project", "challenge"))
    return next((name, id) for name, id in named if id)


def _spelled(ids: Sequence[str] | None) -> str | None:
    return " ".join(ids) if ids else None


CONVERSING = Projection("conversation", (COMMENTS,), changes, facts_about(Comment))

# -- answers -------------------------------------------------------------------------------


class RemovalOfComment(TypedDict):
    """That a comment was removed, and why."""

    removed_as: Annotated[str, one_of((WRITER, MODERATOR), "By its writer, or by a moderator.")]
    reason: Annotated[str | None, "Why; null if nothing was said, or when it was erased."]
    at: Instant


class CommentInThread(TypedDict):
    """A comment. Its text is null once it was removed or its writer is forgotten."""

    id: CommentId
    text: Annotated[
        str | None,
        "With the current names of those it mentions.",
        Example("@Ben, the third panel is too dark to print."),
    ]
    mentions: Annotated[list[PersonRef], "Those it mentions."]
    by: Annotated[Agent, "Who wrote it."]
    writer: Annotated[PersonRef | None, "The same; null where it is the operator."]
    thread: Annotated[CommentId, "The comment that begins its thread, or itself."]
    reply_to: Annotated[CommentId | None, "What it replies to.", Example(None)]
    replies: Annotated[Count, "How many comments reply to it directly.", Example(2)]
    work: Annotated[WorkRef | None, "What it is on: a work, …"]
    project: Annotated[ProjectRef | None, "… a project, …"]
    step: Annotated[StepRef | None, "… of which it may be a step, …"]
    challenge: Annotated[ChallengeRef | None, "… or a challenge."]
    posted_at: Instant
    edited_at: Annotated[str | None, "Null if it was not changed."]
    removed: Annotated[RemovalOfComment | None, "Null if it was not removed."]
    position: Annotated[Position, Example(61)]


class VersionOfComment(TypedDict):
    """What a comment said from a position on."""

    text: Annotated[str | None, "Null once it was erased.", Example("The third panel is dark.")]
    position: Annotated[Position, Example(61)]


class CommentWithHistory(CommentInThread):
    """One comment with its history."""

    versions: Annotated[list[VersionOfComment], "All versions of its text, the first one first."]


_COMMENT = COMMENTS.selected("m")
_CONDITIONS = {
    "work": "{0}.kind = 'work' AND {0}.about = "
    f"(SELECT w.node FROM @works w WHERE w.id = :work AND {holds('w')})",
    "project": "{0}.kind = 'project' AND {0}.about = "
    f"(SELECT p.number FROM @projects p WHERE p.id = :project AND {holds('p')})",
    "step": "{0}.step = :step",
    "challenge": "{0}.kind = 'challenge' AND {0}.about = "
    f"(SELECT c.number FROM @challenges c WHERE c.id = :challenge AND {holds('c')})",
    "thread": "{0}.thread = :thread",
    "by": "{0}.actor IN :by",
}


def _where(alias: str, filters: Iterable[str]) -> str:
    return " AND ".join([holds(alias), *(_CONDITIONS[name].format(alias) for name in filters)])


@question("list_comments", "/comments", cli="comment list")
def comments(
    view: View,
    *,
    work: Annotated[WorkId | None, "On this work."] = None,
    project: Annotated[ProjectId | None, "On this project or a step of it."] = None,
    step: Annotated[StepId | None, "On this step."] = None,
    challenge: Annotated[ChallengeId | None, "On this challenge."] = None,
    thread: Annotated[CommentId | None, "In the thread that begins with this comment."] = None,
    by: Annotated[ContributorId | None, "By this person."] = None,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[CommentInThread]:
    """Comments that match every filter, in threads: the latest thread first, replies in order.

    A removed comment keeps its place and says who removed it.
    """
    wanted = {"work": work, "project": project, "step": step, "challenge": challenge}
    wanted |= {"thread": thread, "by": by}
    said: dict[str, Any] = {name: one for name, one in wanted.items() if one is not None}
    threads = "@comments"
    # A reply is where its thread is, so no more threads are read than are shown, besides the one at
    # which the page before ended: all of that may have been shown.
    if by is None:
        threads = (
            f"(SELECT t.* FROM @comments t WHERE t.id = t.thread AND {_where('t', said)} "
            "AND t.born <= :begun ORDER BY t.born DESC LIMIT :threads)"
        )
    else:
        said["by"] = projects.ids_of(view, by)
    begun, below = decode_cursor(after, int, int) or [NEVER, 0]
    found = view.rows(
        f"SELECT {_COMMENT}, r.born FROM {threads} r JOIN @comments m ON m.thread = r.id "
        f"WHERE {holds('r')} AND {_where('m', said)} "
        "AND (r.born < :begun OR r.born = :begun AND m.born > :below) "
        "ORDER BY r.born DESC, m.born LIMIT :limit",
        **said,
        begun=begun,
        below=below,
        threads=limit + 2,
        limit=limit + 1,
    )
    page, more = cut(found, limit, lambda row: (row[-1], row[-3]))
    return Page(list(_told(view, [CommentRow(*row[:-1]) for row in page])), more)


def _told(view: View, rows: Sequence[CommentRow]) -> Iterator[CommentInThread]:
    texts = view.texts({text for row in rows for text in (row.text, row.reason)})
    people = _people(view, rows)
    replies = _replies(view, [row.id for row in rows])
    found = references(view, {(row.kind, row.own_about) for row in rows})
    steps = projects.steps_named(view, {row.step for row in rows if row.step})
    for row in rows:
        is_removed = row.state == Comment.Removed.STATE
        mentioned = [(id, people[id]) for id in (row.mentions or "").split() if id in people]
        yield {
            "id": row.id,
            "text": _shown(texts.get(row.text), mentioned),
            "mentions": [one for _, one in mentioned],
            "by": row.actor,
            "writer": people.get(row.actor),
            "thread": row.thread,
            "reply_to": row.reply_to,
            "replies": replies.get(row.id, 0),
            "work": found.get(("work", row.own_about)),
            "project": found.get(("project", row.own_about)),
            "step": steps.get(row.step or ""),
            "challenge": found.get(("challenge", row.own_about)),
            "posted_at": row.posted_at,
            "edited_at": None if is_removed else row.changed_at,
            "removed": {
                "removed_as": row.removed_as or WRITER,
                "reason": texts.get(row.reason),
                "at": row.changed_at or row.posted_at,
            }
            if is_removed
            else None,
            "position": row.born,
        }


def _shown(text: str | None, mentioned: Iterable[tuple[str, PersonRef]]) -> str | None:
    """A text in which the ids of people it mentions are replaced by their names."""
    return None if text is None else without_ids(text, ((id, p["name"]) for id, p in mentioned))


def _people(view: View, rows: Iterable[CommentRow]) -> dict[str, PersonRef]:
    """Writers and mentioned people after all merges, by the ids in the comments."""
    ids = {id for row in rows for id in (row.actor, *(row.mentions or "").split())}
    return contributors.people_with(view, ids)


def _replies(view: View, ids: Sequence[str]) -> dict[str, int]:
    rows = view.rows_for(
        "SELECT m.reply_to, count(*) FROM @comments m "
        f"WHERE m.reply_to IN :ids AND {holds('m')} GROUP BY m.reply_to",
        ids=list(ids),
    )
    return dict(rows)


@question("show_comment", "/comments/{id}", cli="comment show", parts=("versions",))
def comment(view: View, id: CommentId) -> CommentWithHistory:
    """One comment, with its earlier versions."""
    row = find(view, id)
    (told,) = _told(view, [row])
    return {**told, "versions": _versions(view, row)}


def find(view: View, id: str) -> CommentRow:
    """The comment with this id; raises UnknownComment if there is none."""
    return row_of(view, COMMENTS, CommentRow, id, UnknownComment)


def _versions(view: View, row: CommentRow) -> list[VersionOfComment]:
    """All versions of a comment's text, from the versions of its row."""
    rows = view.rows(
        f"SELECT {_COMMENT}, m.since FROM @comments m WHERE m.id = :id AND m.since <= :as_of "
        "ORDER BY m.since",
        id=row.id,
    )
    found: dict[str, tuple[CommentRow, int]] = {}
    for one in rows:
        found.setdefault(CommentRow(*one[:-1]).text, (CommentRow(*one[:-1]), one[-1]))
    texts = view.texts({*found})
    people = _people(view, (each for each, _ in found.values()))
    return [
        {
            "text": _shown(
                texts.get(digest),
                [(id, people[id]) for id in (each.mentions or "").split() if id in people],
            ),
            "position": since,
        }
        for digest, (each, since) in found.items()
    ]


def spoken(view: View, ids: Iterable[str]) -> dict[str, list[str | PersonRef]]:
    """By comment: its text split at mentions, text and people in turn, for links."""
    rows = rows_in(view, COMMENTS, CommentRow, "t.id IN :ids", ids=sorted(ids))
    texts, people = view.texts({row.text for row in rows}), _people(view, rows)
    return {
        row.id: [
            people.get(one, f"@{one}") if place % 2 else one
            for place, one in enumerate(parts_of(texts.get(row.text, "")))
        ]
        for row in rows
    }
