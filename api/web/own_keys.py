"""The page of one's keys: what each is for and when it was used; made, replaced and ended here.

A new key is shown once, on the page that answers the form.
"""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request

from api.authentication import caller
from api.identity.keyring import GRACE_HOURS, MOST_GRACE_HOURS, Keyring, Made
from api.identity.keys import ID_LENGTH, Key
from api.identity.scope import WORDS
from api.problems import Problem, of_refusal
from api.web.frame import Answer, Frame, id_named
from domain.permission import OPERATOR
from domain.refusal import Refusal
from projections import timeline


def pages(frame: Frame) -> None:
    """The list of keys, and the forms to make, replace and end one."""

    def ring() -> Keyring:
        return Keyring(frame.keys, frame.journal, caller())

    @frame.page("/own-keys", nobody_else=True)
    def show_own_keys() -> Answer:
        return _page(frame, ring())

    @frame.form("/own-keys")
    def take_own_keys() -> Answer:
        try:
            made = _done(ring(), request.form.to_dict())
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            return _page(frame, ring(), problem=problem), problem.code
        return _page(frame, ring(), made=made)


def _done(ring: Keyring, sent: dict[str, str]) -> Made | None:
    """What the form asks for, and the new key if it makes one."""
    said = {name: text.strip() for name, text in sent.items() if text.strip()}
    match said.get("do"):
        case "replace":
            return ring.replace(said.get("key", ""), _hours(said))
        case "end":
            ring.end(said.get("key", ""))
            return None
    if "holder" in said:
        said["holder"] = id_named(said["holder"]) or said["holder"]
    fields = ("holder", "label", "scope", "expires_at")
    return ring.make(**{name: said[name] for name in fields if name in said})


def _hours(said: dict[str, str]) -> int:
    text = said.get("grace_hours", str(GRACE_HOURS))
    if not text.isdecimal() or int(text) > MOST_GRACE_HOURS:
        raise Problem("out_of_range", f"hours: This is not from 0 to {MOST_GRACE_HOURS}.")
    return int(text)


def _page(frame: Frame, ring: Keyring, **more: Any) -> str:
    keys = sorted(ring.all(), key=_rank, reverse=True)
    with frame.store.view() as view:
        names = timeline.names(view, {key.holder for key in keys} - {OPERATOR})
    return render_template(
        "own_keys.html",
        keys=keys,
        names={id: one["name"] for id, one in names.items()},
        used=(caller().key or "")[:ID_LENGTH],
        scope_words=WORDS,
        hours=(GRACE_HOURS, MOST_GRACE_HOURS),
        is_operator=g.actor == OPERATOR,
        **more,
    )


def _rank(key: Key) -> tuple[bool, str]:
    return key.is_valid, key.made_at
