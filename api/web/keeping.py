"""Saving the text of a form that cannot be accepted because the session has ended or changed.

The text is kept only in a page, only if the browser says that it was typed on this site, and its
author sees it before it is sent again. This module also tells once what a form recorded.
"""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from api.web.cookies import cookie, keep_cookie

TEXTS = ("title", "reason", "evidence", "text", "note")
"""The fields that hold longer text."""

PREVIEWED = ("preview", "record")
"""The buttons of forms with a preview; any other button says what is to be done."""

OVERTAKEN = "Something has changed since this page was shown. Check it again before you decide."


def is_ours() -> bool | None:
    """Whether a form was sent from a page of this site; None if the browser does not say."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is None and origin is None:
        return None
    ours = origin is None or urlsplit(origin).netloc == request.host
    return ours and site in (None, "same-origin")


def form_to_keep() -> str:
    """The form that was sent, encoded; “” if nothing was typed or it may be from another site."""
    fields = [field for field in request.form.items(multi=True) if field[0] != "form_token"]
    is_said = any(value.strip() for name, value in fields if name != "do")
    return urlencode(fields) if is_said and is_ours() else ""


def texts_sent() -> list[str]:
    """The longer texts of the form that was sent, if it can be read and was typed on this site."""
    with suppress(HTTPException):  # it is too large, or no form
        return _texts(form_to_keep())
    return []


def ask_for_key(to: str, *, kept: str = "", problem: str | None = None, status: int) -> Response:
    """The page that asks for a key, then leads to ``to`` or shows the form that was ``kept``."""
    page = render_template("sign_in.html", problem=problem, to=to, kept=kept, texts=_texts(kept))
    return make_response(page, status)


def show_kept(to: str, kept: str, status: int) -> Response:
    """The page of a form that was kept, to be sent again; where possible, a preview comes first."""
    fields = [
        (name, "change" if name == "do" and value in PREVIEWED else value)
        for name, value in _fields(kept)
    ]
    page = render_template(
        "kept.html", to=to, fields=fields, texts=_texts(kept), is_foreign=status != 200
    )
    return make_response(page, status)


def said_before(tried: str, offered: Container[str]) -> dict[str, Any]:
    """What was sent and refused: for its form or, if that is no longer offered, the texts alone."""

    def said(verb: str, name: str) -> str:
        return request.form.get(name, "") if verb == tried else ""

    texts = [request.form.get(name, "") for name in TEXTS] if tried not in offered else []
    return {"tried": tried, "said": said, "kept": [text for text in texts if text.strip()]}


def _fields(kept: str) -> list[tuple[str, str]]:
    return parse_qsl(kept, keep_blank_values=True)


def _texts(kept: str) -> list[str]:
    return [value for name, value in _fields(kept) if name in TEXTS and value.strip()]


DONE = "stemma-done"
"""The cookie that makes the page after a form say what was recorded; that page deletes it."""
DONE_SECONDS = 60


BEFORE = "-before"
"""Follows the position in the cookie if it was recorded before: the form was sent twice."""


def tell_once(answer: AnyResponse, position: int, *, is_repeated: bool) -> None:
    """Make the next page say what was recorded, only to the browser that sent the form."""
    done = f"{position}{BEFORE if is_repeated else ''}"
    keep_cookie(answer, DONE, done, DONE_SECONDS)


def told_once() -> str | None:
    """What this page says about what a form recorded, if it is the page after the form."""
    done = cookie(DONE) or ""
    position = done.removesuffix(BEFORE)
    if not position or position != request.args.get("min_position"):
        return None
    if done != position:
        return f"This was recorded before, at position {position}. Nothing was recorded again."
    return f"This was recorded at position {position}."
