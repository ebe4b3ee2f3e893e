"""The current request of this thread, and the values noted for it.

Flask's own names are proxies that look it up at each use. That takes a microsecond, and code
that runs for every request would use them forty times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Request, g, request

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals
    from werkzeug.local import LocalProxy


def the_request() -> Request:
    """The request object itself, not a proxy."""
    return cast("LocalProxy[Request]", request)._get_current_object()


def noted() -> _AppCtxGlobals:
    """The object behind Flask's ``g``, not a proxy."""
    return cast("LocalProxy[_AppCtxGlobals]", g)._get_current_object()
