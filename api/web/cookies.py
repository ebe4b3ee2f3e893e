"""Cookies: their names, of which none is that of other pages at the same host."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

COOKIE = "__Host-stemma"
COOKIE_OF_LOOPBACK = "stemma"
"""On localhost there is no TLS, and some browsers then reject a secure cookie."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def cookie_name() -> str:
    """The name of the cookie that holds a session."""
    return named_here(COOKIE_OF_LOOPBACK if is_loopback() else COOKIE)


def is_loopback() -> bool:
    """Whether the page was requested on localhost."""
    return urlsplit(f"//{request.host}").hostname in LOOPBACK


def named_here(cookie: str) -> str:
    """The name of a cookie of these pages: a community below another path has another."""
    return cookie + request.script_root.replace("/", "-")
