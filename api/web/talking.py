"""Conversations: the comments and followers on a page, the page of a comment, and what one follows.

Each form sends a command; a page shows only those that its reader may send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g, render_template, request
from markupsafe import Markup, escape

from api.problems import PROBLEMS, Problem, of_refusal
from api.web import words
from api.web.address import Continued, Listed, PageQuery, asked
from api.web.deciding import is_overtaken, latest
from api.web.frame import Answer, Frame, account, to_page
from api.web.keeping import said_before
from domain.command import Command
from domain.follow import FOLLOWED
from domain.permission import OPERATOR
from domain.refusal import Refusal
from domain.registry import COMMANDS
from domain.text import LIMITS
from projections import contributors, conversation, following
from projections.conversation import CommentInThread
from projections.following import FollowTold
from projections.pages import Page
from projections.question import Paged
from projections.store import View
from projections.told import PersonRef

MANY, LONGEST = 12, 400
"""How many comments a page shows, and how many characters of each; its own page shows all."""
WHAT = "conversation"
"""The name of the conversation among the lists of a page."""
CHANGES: Mapping[str, type[Command]] = {
    verb: COMMANDS[f"comment.{verb}"] for verb in ("edit", "remove")
}
FOLLOWS = "/follows"
FOLLOWED_SHOWN = 50
FOLDERS = {one: one for one in FOLLOWED} | {"work": "piece"}
"""By kind of what is followed: the first word of the address of its page."""


def pages(frame: Frame) -> None:
    """The pages of comments and of what the reader follows, with their forms."""

    @frame.page("/comment/<id>")
    def show_comment(id: str) -> Answer:
        return _comment(frame, id)

    @frame.form("/comment/<id>/<verb>")
    def change_comment(id: str, verb: str) -> Answer:
        command = _known(CHANGES, verb)
        return frame.decide(
            command,
            {"id": id},
            is_overtaken=lambda: is_overtaken(frame, id),
            refused=lambda problem: _comment(frame, id, problem, verb),
            path=f"/comment/{id}",
        )

    @frame.form("/follow/<kind>/<id>")
    def follow(kind: str, id: str) -> Answer:
        folder = _known(FOLDERS, kind)
        verb = "unfollow" if request.form.get("verb") == "unfollow" else "follow"
        try:
            said = {"id": g.actor, kind: id}
            receipt = frame.record(COMMANDS[f"contributor.{verb}"].of(said))
        except Refusal as refusal:
            raise of_refusal(refusal) from refusal
        path = FOLLOWS if request.form.get("back") == "follows" else f"/{folder}/{id}"
        return to_page(path, receipt.position)

    @frame.viewed(FOLLOWS, Listed, nobody_else=True)
    def show_follows(view: View, said: PageQuery) -> Answer:
        found = Page[FollowTold]([], None)
        if own := account(view):
            part: Paged = {"after": said.at.cursor, "limit": FOLLOWED_SHOWN}
            found = following.of_contributor(view, frame.journal, own, actor=own, **part)
        lines = [(one, _followed_thing(one)) for one in found.items]
        return render_template("follows.html", lines=lines, next=found.next)

    @frame.viewed("/contributor/<id>/comments", Listed)
    def show_comments_of(view: View, said: PageQuery, id: str) -> Answer:
        person = contributors.person(view, id)
        found = conversation.comments(view, by=id, after=said.at.cursor, limit=2 * MANY)
        comments = [(one, _place(one)[1]) for one in _with_links(view, found.items)]
        return render_template("comments.html", person=person, comments=comments, next=found.next)


def _followed_thing(one: FollowTold) -> dict[str, Any]:
    """The work, person, project or challenge that is followed, as pages refer to it."""
    thing = {**(one["work"] or one["contributor"] or one["project"] or one["challenge"] or {})}
    return thing | {"kind": one["on"]} if one["on"] in ("project", "challenge") else thing


def _known(known: Mapping[str, Any], word: str) -> Any:
    if word not in known:
        raise Problem("not_found", PROBLEMS["not_found"].meaning)
    return known[word]


# -- on the page of something --------------------------------------------------------------------


def about(view: View, kind: str, id: str, at: Continued, most: int = MANY) -> dict[str, Any]:
    """What a page shows of the conversation about its subject and of its followers."""
    on: dict[str, Any] = {kind: id}
    found = conversation.comments(view, **on, after=at.of(WHAT), limit=most)
    return {
        "talk": Page(_with_links(view, found.items), found.next),
        "follow": followed(view, kind, id),
    }


def followed(view: View, kind: str, id: str) -> dict[str, Any]:
    """How many people follow something, and whether the reader does and may."""
    numbers = following.ABOUTS[kind](view, id)
    return {
        "kind": kind,
        "id": id,
        "count": following.count(view, numbers),
        "is_own": following.follows(view, account(view) or "", numbers),
        "may": g.actor not in (None, OPERATOR),
    }


def _with_links(
    view: View, items: Sequence[CommentInThread], most: int = LONGEST
) -> list[dict[str, Any]]:
    """Comments with links to the people they mention, cut to about ``most`` characters."""
    spoken = conversation.spoken(view, [one["id"] for one in items])
    return [
        {**one, "said": _linked(spoken[one["id"]], most), "is_cut": len(one["text"] or "") > most}
        for one in items
    ]


def _linked(parts: Sequence[str | PersonRef], most: int) -> Markup:
    """The parts of a text, with each mentioned person as a link, cut after ``most`` characters."""
    told = Markup()
    for one in parts:
        if isinstance(one, str):
            told += escape(words.brief(one, most))
            most -= len(one)
        else:
            told += Markup("@{}").format(words.link({**one}))
        if most <= 0:
            break
    return told


# -- its own page --------------------------------------------------------------------------------


def _comment(frame: Frame, id: str, problem: Problem | None = None, tried: str = "") -> str:
    said = PageQuery(asked(Listed))
    with frame.view(said) as view:
        whole = conversation.comment(view, id)
        after = said.at.of(WHAT)
        thread = conversation.comments(view, thread=whole["thread"], after=after, limit=MANY)
        kind, about = _place(whole)
        possible = {verb: one for verb, one in CHANGES.items() if _may(frame, one, id)}
        return render_template(
            "comment.html",
            comment={**whole, **_with_links(view, [whole], LIMITS["text"])[0]},
            kind=kind,
            about=about,
            thread=Page(_with_links(view, thread.items), thread.next),
            may=possible,
            seen=latest(frame, id),
            problem=problem,
            **said_before(tried, possible),
        )


def _place(comment: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The subject of a comment: its kind, and how pages refer to it."""
    if comment["work"] is not None:
        return "work", {**comment["work"]}
    if comment["project"] is not None:
        return "project", {**comment["project"], "kind": "project"}
    return "challenge", {**(comment["challenge"] or {}), "kind": "challenge"}


def _may(frame: Frame, command: type[Command], id: str) -> bool:
    return frame.may(command, id=id, **({"reason": "x"} if "reason" in command.by_name() else {}))
