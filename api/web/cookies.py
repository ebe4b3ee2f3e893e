"""Cookies, kept apart from those of other pages at the same host.

The pages of a community below a path (see scripts.communities) restrict their cookies to it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import request
from werkzeug.wrappers import Response

from api.identity.issuer import LOOPBACK

SESSION = "stemma"
"""The cookie with the token of a session."""


def cookie(name: str) -> str:
    """The value of a cookie; empty if the browser sent none."""
    return request.cookies.get(_named(name), "")


def keep_cookie(answer: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie for so many seconds, out of reach of scripts."""
    answer.set_cookie(_named(name), value, seconds, path=_path(), **_kept())


def drop_cookie(answer: Response, name: str) -> None:
    """Delete a cookie."""
    answer.delete_cookie(_named(name), path=_path(), **_kept())


def _kept() -> dict[str, Any]:
    return {"secure": not _is_loopback(), "httponly": True, "samesite": "Lax"}


def _named(name: str) -> str:
    """The name of a cookie in the browser, different for each path of a community.

    With the prefix (RFC 6265bis), browsers accept it only from a secure page and, at the root, only
    from this very host. Not on localhost: without TLS, some browsers reject secure cookies.
    """
    prefix = "" if _is_loopback() else "__Host-" if _path() == "/" else "__Secure-"
    return prefix + name + request.script_root.replace("/", "-")


def _path() -> str:
    return request.script_root or "/"


def _is_loopback() -> bool:
    """Whether the page was requested on localhost."""
    return urlsplit(f"//{request.host}").hostname in LOOPBACK
