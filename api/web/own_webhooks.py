"""The page of one's webhooks: where events are sent, how far, and why one waits.

The secret of a new one is shown once, on the page that answers the form.
"""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request

from api.problems import Problem, of_refusal
from api.received import loaded
from api.sending.outbound import LONGEST_URL
from api.sending.webhooks import Webhook
from api.subscribing import LONGEST_TYPES, Again, NewWebhook, Subscriptions
from api.web.frame import Answer, Frame
from domain.refusal import Refusal


def pages(frame: Frame, theirs: Subscriptions) -> None:
    """The list of webhooks, and the forms to add, replay, enable and end one."""

    @frame.page("/own-webhooks", nobody_else=True)
    def show_own_webhooks() -> Answer:
        return _page(theirs)

    @frame.form("/own-webhooks")
    def take_own_webhooks() -> Answer:
        try:
            made = _done(theirs, request.form.to_dict())
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            return _page(theirs, problem=problem), problem.code
        return _page(theirs, made=made)


def _done(theirs: Subscriptions, sent: dict[str, str]) -> Webhook | None:
    """What the form asks for, and the new webhook if it adds one."""
    said: dict[str, Any] = {name: text.strip() for name, text in sent.items() if text.strip()}
    id, does = said.get("webhook", ""), said.get("do")
    if "after" in said and said["after"].isdecimal():
        said["after"] = int(said["after"])
    match does:
        case "end":
            theirs.end(g.actor, id)
        case "enable":
            theirs.go_on(g.actor, id)
        case "replay":
            theirs.go_on(g.actor, id, **_read(Again, said, "after"))
        case _:
            added = _read(NewWebhook, said, "url", "types", "after")
            return theirs.add(g.actor, source=request.root_url, **added)
    return None


def _read(shape: Any, said: dict[str, Any], *names: str) -> dict[str, Any]:
    given = {name: said[name] for name in names if name in said}
    return loaded(shape, given, "invalid_body", "form")


def _page(theirs: Subscriptions, **more: Any) -> str:
    return render_template(
        "own_webhooks.html",
        webhooks=theirs.all(g.actor),
        limits={"url": LONGEST_URL, "types": LONGEST_TYPES},
        **more,
    )
