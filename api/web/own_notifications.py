"""The page of one's notifications by mail, and the pages to which links in messages lead.

A link alone changes nothing, because programs follow links as well: its page asks.
"""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request

from api.notifying import MailWanted, Notifications
from api.problems import Problem, of_refusal
from api.received import loaded
from api.sending.mailboxes import LONGEST_ADDRESS, OFTEN
from api.web.frame import Answer, Frame
from domain.refusal import Refusal


def pages(frame: Frame, theirs: Notifications) -> None:
    """The address and how often, and what confirms and ends it without signing in."""

    @frame.page("/own-notifications", nobody_else=True)
    def show_own_notifications() -> Answer:
        return _page(theirs)

    @frame.form("/own-notifications")
    def take_own_notifications() -> Answer:
        said = {name: text.strip() for name, text in request.form.items() if text.strip()}
        try:
            if said.get("do") == "end":
                theirs.end(g.actor)
            else:
                given = {name: said[name] for name in ("address", "often") if name in said}
                theirs.put(g.actor, **loaded(MailWanted, given, "invalid_body", "form"))
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            return _page(theirs, problem=problem, said=said), problem.code
        return _page(theirs, is_done=True)

    for does, act in (("confirm", theirs.confirm), ("stop", theirs.mailboxes.stop)):
        _linked(frame, theirs, does, act)


def _linked(frame: Frame, theirs: Notifications, does: str, act: Any) -> None:
    """What a message links to: anybody who has the token may; also by one click (RFC 8058)."""

    def show(token: str) -> Answer:
        one = theirs.mailboxes.by_token(token)
        return render_template("mail_link.html", does=does, mailbox=one, token=token)

    def take(token: str) -> Answer:
        return render_template("mail_link.html", does=does, mailbox=act(token), is_done=True)

    show.__name__, take.__name__ = f"show_{does}_mail", f"{does}_mail"
    frame.page(f"/mail/{does}/<token>", anybody=True)(show)
    frame.blueprint.post(f"/mail/{does}/<token>")(take)
    frame.open.add(f"pages.{take.__name__}")


def _page(theirs: Notifications, **more: Any) -> str:
    return render_template(
        "own_notifications.html",
        mailbox=theirs.own(g.actor),
        is_sent=theirs.is_sent,
        often=OFTEN,
        longest=LONGEST_ADDRESS,
        **more,
    )
