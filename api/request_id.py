"""The id of a request: the one that the proxy gave, if it looks like one, else a new one."""

from __future__ import annotations

import re
from uuid import uuid4

HEADER = "X-Request-Id"
ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
"""Anything else could be a forged line in a log."""


def request_id(given: str) -> str:
    """The id of a request whose header says this."""
    return given if ACCEPTED.fullmatch(given) else uuid4().hex
