"""Where a form leads once it is recorded: to the page of what was created or changed.

A comment is shown in its place, which may be far down; a reply, which may be on a further page of
its thread, on a page of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.web.amounts import pool_in
from api.web.frame import Frame
from domain.command import Command
from domain.commands.commenting import PostComment
from domain.permission import BOOKS
from domain.value import Ref
from projections import around

PAGES = {
    **dict.fromkeys(("work", "contribution"), "piece"),
    **{noun: noun for noun in ("release", "contributor", "credit", "remix", "pool", "proposal")},
    **{noun: noun for noun in ("project", "step", "challenge", "identifier", "membership")},
}
"""The folder of the page of each noun."""


def leads_to(
    frame: Frame, command: type[Command], made: str | None, sent: Mapping[str, str]
) -> str:
    """The page of the noun created, else of the first id in the form that has one, else a desk."""
    if command is PostComment and sent.get("reply_to"):
        return f"/comment/{made}"
    refs = [
        (one.value.noun, sent[one.name])
        for one in command.fields()
        if isinstance(one.value, Ref) and sent.get(one.name)
    ]
    places = [(str(command.MAKES), made), *refs]
    if page := next((f"/{PAGES[noun]}/{id}" for noun, id in places if noun in PAGES and id), None):
        return f"{page}#comment-{made}" if command is PostComment else page
    with frame.store.view() as view:
        if join := dict(refs).get("join"):
            return f"/piece/{around.join(view, join)['into']['id']}"
        if pool := pool_in(view, frame.journal, sent):
            return f"/pool/{pool}"
    return "/desk/accountant" if command.MAY == BOOKS else "/do"
