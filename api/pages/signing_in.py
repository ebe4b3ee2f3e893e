"""Signing in: a key is shown once, and a cookie stands for it from then on.

The one rule: the cookie is for this site alone, out of reach of scripts, and worth nothing to
whoever reads the database.
"""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from api.pages.frame import Answer, Frame, cookie_name, is_loopback, to_page
from api.sessions import LIFETIME


def pages(frame: Frame) -> None:
    """The page that takes a key, and the form that ends a session."""

    @frame.page("/sign-in", anybody=True)
    def show_sign_in() -> Answer:
        return _asked_for_a_key()

    @frame.blueprint.post("/sign-in")
    def sign_in() -> AnyResponse:
        frame.must_be_ours()
        token = frame.sessions.open(request.form.get("key", "").strip())
        if token is None:
            return _asked_for_a_key("This key is not valid.", 401)
        answer = to_page(_own_address(request.form.get("to", "/")))
        answer.set_cookie(
            cookie_name(),
            token,
            max_age=LIFETIME,
            secure=not is_loopback(),
            httponly=True,
            samesite="Lax",
        )
        return answer

    frame.open.add("pages.sign_in")

    @frame.form("/sign-out")
    def sign_out() -> AnyResponse:
        frame.sessions.close(request.cookies.get(cookie_name(), ""))
        answer = to_page("/")
        answer.delete_cookie(cookie_name(), secure=not is_loopback(), httponly=True)
        return answer


def _asked_for_a_key(problem: str | None = None, status: int = 200) -> Response:
    to = request.values.get("to", "/")
    page = render_template("sign_in.html", problem=problem, to=_own_address(to))
    return make_response(page, status)


def _own_address(to: str) -> str:
    """An address on this site: a path, and nothing a browser could take for another host."""
    is_ours = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_ours else "/"
