"""The log for pages of other sites: a program in anybody's browser may read what is under /log/.

The rule: only what needs no key, or a key that the program itself sends, can be read so: cookies
mean nothing there.
"""

from __future__ import annotations

from flask import Flask, Request, Response

from api.current import the_request

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


def share_log(app: Flask) -> None:
    """Let pages of every site read the log; called before keys are required."""

    def allow() -> Response | None:
        # A CORS preflight (Fetch standard) carries no key.
        asked = the_request()
        is_asked = asked.method == "OPTIONS" and _is_shared(asked)
        if is_asked and "Access-Control-Request-Method" in asked.headers:
            return Response(status=204, headers=PREFLIGHT)
        return None

    def tell(answer: Response) -> Response:
        if _is_shared(the_request()):
            answer.headers.update(HEADERS)
        return answer

    app.before_request(allow)
    app.after_request(tell)


def _is_shared(asked: Request) -> bool:
    return asked.path.startswith(SHARED)
