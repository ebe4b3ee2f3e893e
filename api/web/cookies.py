"""Cookies: none is that of other pages at the same host, nor sent to them.

The pages of a community below a path (see scripts.communities) keep theirs to that path.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import request
from werkzeug.wrappers import Response

SESSION = "stemma"
"""The cookie that holds a session."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def cookie(name: str) -> str:
    """What this browser has kept; empty if nothing."""
    return request.cookies.get(_named(name), "")


def keep_cookie(answer: Response, name: str, value: str, seconds: int) -> None:
    """Have the browser keep a value for so long, out of reach of scripts."""
    answer.set_cookie(_named(name), value, seconds, path=_path(), **_kept())


def drop_cookie(answer: Response, name: str) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(_named(name), path=_path(), **_kept())


def _kept() -> dict[str, Any]:
    return {"secure": not _is_loopback(), "httponly": True, "samesite": "Lax"}


def _named(name: str) -> str:
    """The name that a browser knows it by: a community below another path has another.

    By its prefix, it takes it only from a secure page, and at the root only from this very host.
    On localhost there is no TLS, and some browsers then reject a secure cookie.
    """
    prefix = "" if _is_loopback() else "__Host-" if _path() == "/" else "__Secure-"
    return prefix + name + request.script_root.replace("/", "-")


def _path() -> str:
    return request.script_root or "/"


def _is_loopback() -> bool:
    """Whether the page was requested on localhost."""
    return urlsplit(f"//{request.host}").hostname in LOOPBACK
