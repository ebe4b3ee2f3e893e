"""An outside source: a work elsewhere, named by a URI, that pieces here were made from.

The same URI is the same node; its making date is unknown until someone states it, and an unknown
date is before every other.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from domain.fact import Fact, fact
from domain.moment import UNKNOWN
from domain.refusal import BadUri, TextTooLong
from domain.work import Work

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f\x7f-\x9f<>\"{}|\\^`\ud800-\udfff]+\Z")
_SCHEME_AND_HOST = re.compile(r"[^:]+:(?://[^/?#]*)?")
URI_LIMIT = 2000


class Outside(Work):
    """A work that was not posted here."""

    NAME = "outside source"
    uri: str
    made_at: str | None = None
    made: str = UNKNOWN

    @fact("outside.cited")
    class Cited(Fact):
        """An outside source was named for the first time."""

        SAYS = "{actor} named an outside source: {noun}"
        STATE = "cited"
        uri: str

    BIRTHS = (Cited,)


def normal_uri(uri: str) -> str:
    """The URI with scheme and host in lower case (RFC 3986, section 6.2.2.1), or BadUri."""
    uri = uri.strip()
    if len(uri) > URI_LIMIT:
        raise TextTooLong("uri", URI_LIMIT)
    if not _URI.match(uri):
        raise BadUri(uri)
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise BadUri(uri) from None
    if parts.scheme in ("http", "https") and not parts.hostname:
        raise BadUri(uri)
    # Not reassembled by urlunsplit: what that makes of "file:////x" depends on its version.
    return _SCHEME_AND_HOST.sub(lambda match: match[0].lower(), uri, count=1)


def outside_id(uri: str) -> str:
    """The id of the node for a normal URI (UUID version 5)."""
    return str(uuid5(NAMESPACE_URL, uri))
