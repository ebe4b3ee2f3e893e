"""Signing in: a key is entered once, in exchange for a cookie with the token of a session.

The cookie is sent only to this site and is out of reach of scripts. A reader of the database cannot
forge it.
"""

from __future__ import annotations

import logging

from flask import g, request
from werkzeug.wrappers import Response as AnyResponse

from api.authentication import come_in
from api.identity.sessions import LIFETIME, form_token
from api.web.cookies import SESSION, cookie, drop_cookie, keep_cookie
from api.web.frame import Answer, Frame, to_page
from api.web.keeping import ask_for_key, is_ours, show_kept

audit = logging.getLogger("stemma.audit")

NO_KEY = "This key is not valid. It may be mistyped or have ended; the operator can make another."


def pages(frame: Frame) -> None:
    """The page that asks for a key, its form, and the form that signs out."""

    @frame.page("/sign-in", anybody=True)
    def show_sign_in() -> Answer:
        return ask_for_key(_own_address(request.args.get("to", "/")), status=200)

    @frame.blueprint.post("/sign-in")
    def sign_in() -> AnyResponse:
        frame.must_be_ours()
        to = _own_address(request.form.get("to", "/"))
        kept = request.form.get("kept", "") if is_ours() else ""
        token = frame.sessions.open(request.form.get("key", "").strip())
        if token is None:
            frame.limits.fail()
            audit.warning("sign-in failed")
            return ask_for_key(to, kept=kept, problem=NO_KEY, status=401)
        frame.sessions.close(cookie(SESSION))
        come_in(frame.sessions.caller(token))
        audit.info("signed in", extra={"actor": g.actor})
        answer: AnyResponse
        if kept:
            g.form_token = form_token(token)
            answer = show_kept(to, kept, 200)
        else:
            answer = to_page(to)
        keep_cookie(answer, SESSION, token, int(LIFETIME.total_seconds()))
        return answer

    frame.open.add("pages.sign_in")

    @frame.form("/sign-out")
    def sign_out() -> AnyResponse:
        frame.sessions.close(cookie(SESSION))
        answer = to_page("/")
        drop_cookie(answer, SESSION)
        return answer


def _own_address(to: str) -> str:
    """An address, if it is a path that no browser takes for another host; else “/”."""
    is_ours = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_ours else "/"
