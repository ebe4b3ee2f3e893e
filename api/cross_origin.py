"""The log for pages of other sites: a program in anybody's browser may read what is under /log/.

The rule: only what needs no key, or a key that the program itself sends, can be read so: cookies
mean nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHARED = "/log/"
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


def is_shared(environ: Mapping[str, Any]) -> bool:
    """Whether pages of every site may read the answer."""
    return f"/{environ.get('PATH_INFO', '').lstrip('/')}".startswith(SHARED)


def is_preflight(environ: Mapping[str, Any]) -> bool:
    """Whether a browser only asks what it may send (Fetch standard); it sends no key with that."""
    is_asked = environ["REQUEST_METHOD"].upper() == "OPTIONS" and is_shared(environ)
    return is_asked and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
