"""A response that is sent without Werkzeug's final checks if it is already complete.

Whichever way it is sent, whatever it holds open, such as a file, is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from flask import Response
from werkzeug.http import remove_entity_headers


class Answer(Response):
    """A response whose headers are sent as they are, unless Werkzeug still has work to do."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Send a 304 or a complete body in memory directly, and anything else through Werkzeug."""
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
