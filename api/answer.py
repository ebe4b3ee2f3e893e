"""An answer that is sent as it is if nothing is left to be worked out about it.

Whichever way it is sent, what it holds open, such as a file, is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from flask import Response
from werkzeug.http import remove_entity_headers


class Answer(Response):
    """A response whose headers Werkzeug does not check and copy once more before it is sent."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Send it: nothing but its tag, or a body in memory, or else what Werkzeug makes of it."""
        if self.status_code == 304:
            headers = list(self.headers)
            remove_entity_headers(headers)
            start_response(self.status, headers)
            self.close()
            return []
        is_whole = self.status_code == 200 and environ["REQUEST_METHOD"] != "HEAD"
        parts: object = self.response
        match parts:
            case [bytes() as body] if is_whole and "Content-Length" in self.headers:
                start_response(self.status, list(self.headers))
                self.close()
                return [body]
        return super().__call__(environ, start_response)
