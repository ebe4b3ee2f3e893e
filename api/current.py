"""The request that this thread answers, and what is noted for it.

Flask's own names are stand-ins that look it up at each use. That takes a microsecond, and what
concerns every request uses them forty times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Request, g, request

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals
    from werkzeug.local import LocalProxy


def the_request() -> Request:
    """The request itself."""
    return cast("LocalProxy[Request]", request)._get_current_object()


def noted() -> _AppCtxGlobals:
    """What Flask calls ``g``, itself."""
    return cast("LocalProxy[_AppCtxGlobals]", g)._get_current_object()
