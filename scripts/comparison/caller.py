"""Somebody who asks a service over HTTP, and waits where it says that it has too much to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from api.identity.keys import ID_LENGTH, digest_of
from domain.permission import OPERATOR
from domain.tree import NotVerified
from scripts.line import Connections
from scripts.remote import TOO_MANY, Unreachable, fetch_patiently

WAITS = (TOO_MANY, 502, 503, 504)


class Caller:
    """A client with a key, or without."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url, self.key = url.rstrip("/").removesuffix("/log"), key
        self._line: Connections | None = None

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Connections are kept within the block, one for each thread."""
        with Connections() as line:
            self._line = line
            try:
                yield
            finally:
                self._line = None

    def answer(self, path: str) -> Any:
        """What is answered there, with the code of a refusal as its only content."""
        try:
            return json.loads(self.said(path))
        except (ValueError, RecursionError):
            raise Unreachable(f"{self.url}{path}: not an answer in JSON") from None

    def said(self, path: str) -> bytes:
        """The same as it was sent."""
        try:
            return fetch_patiently(self.url + path, WAITS, key=self.key, line=self._line)
        except Unreachable as problem:
            if problem.status in (400, 403, 404, 409, 410, 422, 500) and _code(problem.said):
                return refused(_code(problem.said))
            raise

    def holder(self) -> str:
        """Whom the key acts for; the operator if the service does not list it."""
        if self.key is None:
            return ""
        own = digest_of(self.key)[:ID_LENGTH]
        listed = self.answer("/keys")
        with read_as_documented("/keys"):
            keys = listed.get("items", ())
            return next((str(one["holder"]) for one in keys if one["id"] == own), OPERATOR)


@contextmanager
def read_as_documented(path: str) -> Iterator[None]:
    """Raise NotVerified for an answer that can't be read as documented."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as problem:
        raise NotVerified(f"what the service answers at {path} is not as documented") from problem


def refused(code: str) -> bytes:
    """What stands for a refusal."""
    return json.dumps({"refused": code}).encode()


def _code(said: str) -> str:
    """The code of a problem; empty for any other answer."""
    try:
        return str(json.loads(said)["code"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
