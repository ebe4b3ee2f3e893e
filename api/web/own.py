"""The pages of one's own keys, webhooks and notifications by mail.

Each page is a list with forms, which lead back to it: there, a new secret (a key, the secret of a
webhook) is shown once, and loading the page again makes nothing again. Following a link in a
message changes nothing, because programs follow links too; the page it leads to asks first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from flask import g, make_response, render_template, request

from api.authentication import caller
from api.identity.keyring import GRACE_HOURS, MOST_GRACE_HOURS, Keyring
from api.identity.keys import ID_LENGTH
from api.identity.scope import WORDS
from api.identity.sessions import key_of_form
from api.notifying import Notifications, SetMailbox
from api.own_keys import MakeKey
from api.problems import Problem, of_refusal, pointing
from api.received import loaded
from api.sending.mailboxes import OFTEN
from api.subscribing import AddWebhook, ReplayWebhook, Subscriptions
from api.web import errors
from api.web.address import id_named, part
from api.web.cookies import SESSION, cookie, drop_cookie, keep_cookie
from api.web.frame import Answer, Frame, to_page
from api.web.keeping import DONE_SECONDS
from domain.identity import named_id
from domain.permission import OPERATOR
from domain.refusal import Refusal
from domain.text import whole
from projections import timeline

MANY = 30
"""How many keys or webhooks a page shows."""

Said = Mapping[str, str]
"""What was typed into a form."""


def pages(frame: Frame, webhooks: Subscriptions, mail: Notifications) -> None:
    """The pages of the three, and those that confirm and stop mail without signing in."""
    _own(frame, "own-keys", partial(_keys, frame), partial(_keys_changed, frame))
    _own(frame, "own-webhooks", partial(_webhooks, webhooks), partial(_webhooks_changed, webhooks))
    _own(frame, "own-notifications", partial(_mail, mail), partial(_mail_changed, mail))
    for does, act in (("confirm", mail.confirm), ("stop", mail.mailboxes.stop)):
        _linked(frame, mail, does, act)


def _own(frame: Frame, name: str, show: Callable[..., str], change: Callable[[Said], str]) -> None:
    """Register a page and the target of its forms.

    The target leads back to the page, which shows once what ``change`` returned (a secret, if one
    was made); or it answers with the problem and what was typed. Those who end the key that they
    are signed in with get the page at once, as they could not open it any more.
    A form that is sent twice, as by a double click, makes one secret, and both answers show it.
    """
    path, once = f"/{name}", f"stemma-{name}"

    def shown() -> Answer:
        made = cookie(once)
        answer = make_response(show(made=made))
        if made:
            drop_cookie(answer, once)
        return answer

    def taken() -> Answer:
        said = {name: text.strip() for name, text in request.form.items() if text.strip()}
        try:
            made = change(said)
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            return show(problem=problem, said=said), problem.code
        if frame.is_over():  # the way back to the page is closed
            return show(made=made)
        answer = to_page(path)
        if made:
            keep_cookie(answer, once, made, DONE_SECONDS)
        return answer

    shown.__name__, taken.__name__ = (
        f"{does}_{name.replace('-', '_')}" for does in ("show", "take")
    )
    frame.page(path, nobody_else=True)(shown)
    frame.form(path)(taken)


def _wrong(more: Mapping[str, Any], **labels: str) -> errors.Wrong:
    """The errors of the form that was sent, if any."""
    return errors.by_field(more.get("problem"), more.get("said") or {}, labels)


def _read(shape: Any, said: Said, *names: str) -> dict[str, Any]:
    given = {name: said[name] for name in names if name in said}
    return loaded(shape, given, "invalid_body", "form")


def _sent(said: Said) -> str | None:
    """What a form says, with the id it has on its page; None without one."""
    return json.dumps(said, sort_keys=True) if "id" in said else None


# -- keys ------------------------------------------------------------------------------------------


def _ring(frame: Frame) -> Keyring:
    return Keyring(frame.keys, frame.journal, caller())


def _keys_changed(frame: Frame, said: Said) -> str:
    """Make, replace or end a key; the token of a new one."""
    ring, key = _ring(frame), said.get("key", "")
    if said.get("do") == "end":
        ring.end(key)
        return ""
    frame.limits.make_key()
    sent = _sent(said)
    token = sent and key_of_form(cookie(SESSION), sent)
    if said.get("do") == "replace":
        return _replaced(frame, ring, key, _hours(said), token)
    if "holder" in said:
        said = {**said, "holder": id_named(said["holder"]) or said["holder"]}
    stated = _read(MakeKey, said, "holder", "label", "scope", "expires_at")
    with pointing(stated, stated):
        return ring.make(**stated, token=token).token


def _replaced(frame: Frame, ring: Keyring, key: str, hours: int, token: str | None) -> str:
    """The token of the key that replaces another; a session opened with that goes on with it."""
    if token and (there := frame.keys.named(token)) and there.is_valid:
        return token  # the same form, sent again
    made = ring.replace(key, hours or 1, token=token)
    if key == _used():
        frame.sessions.go_on(cookie(SESSION), made.token)
    if not hours:
        ring.end(key)
    return made.token


def _used() -> str:
    """The id of the key that the reader is signed in with."""
    return (caller().key or "")[:ID_LENGTH]


def _hours(said: Said) -> int:
    hours = whole(said.get("grace_hours", str(GRACE_HOURS)))
    if hours is None or hours > MOST_GRACE_HOURS:
        raise Problem("out_of_range", f"hours: This is not from 0 to {MOST_GRACE_HOURS}.")
    return hours


def _keys(frame: Frame, **more: Any) -> str:
    """The page of the keys that the reader may see."""
    every = sorted(_ring(frame).all(), key=lambda key: (key.is_valid, key.made_at), reverse=True)
    keys, further = part(every, "keys", MANY)
    with frame.store.view() as view:
        names = timeline.names(view, {key.holder for key in keys} - {OPERATOR})
    return render_template(
        "own_keys.html",
        keys=keys,
        next=further,
        names={id: one["name"] for id, one in names.items()},
        used=_used(),
        scope_words=WORDS,
        hours=(GRACE_HOURS, MOST_GRACE_HOURS),
        is_operator=g.actor == OPERATOR,
        wrong=_wrong(more, label="Name", scope="Scope", expires_at="Ends", holder="For whom"),
        **more,
    )


# -- webhooks --------------------------------------------------------------------------------------


def _webhooks_changed(theirs: Subscriptions, said: Said) -> str:
    """Change the reader's webhooks; the secret of a new one."""
    id, after = said.get("webhook", ""), whole(said.get("after", ""))
    told: dict[str, Any] = {**said, **({} if after is None else {"after": after})}
    match said.get("do"):
        case "end":
            theirs.end(g.actor, id)
        case "enable":
            theirs.go_on(g.actor, id)
        case "replay":
            theirs.go_on(g.actor, id, **_read(ReplayWebhook, told, "after"))
        case _:
            added, sent = _read(AddWebhook, told, "url", "types", "after"), _sent(said)
            one = sent and named_id(UUID(int=0), sent)
            with pointing(added, added):
                return theirs.add(g.actor, source=request.root_url, **added, id=one).secret
    return ""


def _webhooks(theirs: Subscriptions, **more: Any) -> str:
    """The page of the reader's webhooks."""
    shown, further = part(theirs.all(g.actor), "webhooks", MANY)
    wrong = _wrong(more, url="Address", types="Types")
    return render_template("own_webhooks.html", webhooks=shown, next=further, wrong=wrong, **more)


# -- notifications ---------------------------------------------------------------------------------


def _mail_changed(theirs: Notifications, said: Said) -> str:
    if said.get("do") == "end":
        theirs.end(g.actor)
    else:
        theirs.put(g.actor, **_read(SetMailbox, said, "address", "often"))
    return "saved"


def _mail(theirs: Notifications, **more: Any) -> str:
    """The page of the reader's mailbox."""
    return render_template(
        "own_notifications.html",
        mailbox=theirs.own(g.actor),
        is_sent=theirs.is_sent,
        often=OFTEN,
        wrong=_wrong(more, address="Address", often="How often"),
        **more,
    )


def _linked(frame: Frame, theirs: Notifications, does: str, act: Any) -> None:
    """Register the page that a message links to, and its form, for whoever has the token.

    Mail programs may send the form by themselves, as one-click unsubscription (RFC 8058).
    """

    def show(token: str) -> Answer:
        one = theirs.mailboxes.by_token(token)
        return render_template("mail_link.html", does=does, mailbox=one, token=token)

    def take(token: str) -> Answer:
        return render_template("mail_link.html", does=does, mailbox=act(token), is_done=True)

    show.__name__, take.__name__ = f"show_{does}_mail", f"{does}_mail"
    frame.page(f"/mail/{does}/<token>", anybody=True)(show)
    frame.blueprint.post(f"/mail/{does}/<token>")(take)
    frame.open.add(f"pages.{take.__name__}")
