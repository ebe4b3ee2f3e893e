"""The keys of an outside issuer of tokens (OpenID Connect), fetched from where it publishes them.

What is fetched is bounded in size and time, never follows a redirect, and never leads to a private
address that the settings do not name. While the issuer is away, the keys known so far go on.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from joserfc.errors import JoseError

from api.sending.outbound import is_public

if TYPE_CHECKING:
    from joserfc.jwk import Key

log = logging.getLogger(__name__)

DISCOVERY = "/.well-known/openid-configuration"
TIMEOUT_SECONDS = 3.0
LARGEST_DOCUMENT_BYTES = 256 * 1024
FRESH_SECONDS = 600.0
"""How long keys are used before they are fetched again."""
STALE_SECONDS = 24 * 3600.0
"""How long they go on while the issuer is away: a key that it withdrew must end sometime."""
PAUSE_SECONDS = 10.0
"""How long after a fetch there is no other, whatever tokens say."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Issuer(NamedTuple):
    """Whose tokens are accepted, and how they name people."""

    address: str
    audience: str
    """What a token must be meant for."""
    claim: str = ""
    """The claim that holds the id of a contributor; without it, identities say whose a “sub” is."""
    jwks: str = ""
    """Where its keys are, if its discovery document is not to say so."""


class IssuerAway(Exception):
    """The keys of the issuer are not known, and it does not give them."""


class IssuerKeys:
    """The keys of an issuer, as known to this process."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._clock = issuer, clock
        self._keys: list[Key] = []
        self._fetched_at = self._tried_at = -STALE_SECONDS
        self._fetching = threading.Lock()

    def key(self, kid: str | None) -> Key | None:
        """The key of this name, or the only one; None if there is no such key.

        An unknown name is a reason to look again, because keys rotate, but not too often.
        """
        if self._age() > FRESH_SECONDS or self._named(kid) is None:
            self._look_again()
        if self._age() > STALE_SECONDS:
            raise IssuerAway
        return self._named(kid)

    def _named(self, kid: str | None) -> Key | None:
        found = [key for key in self._keys if kid is None or key.kid == kid]
        return found[0] if len(found) == 1 else None

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _look_again(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; one thread does, others go on."""
        if not self._fetching.acquire(timeout=TIMEOUT_SECONDS if not self._keys else 0):
            return
        try:
            if self._clock() - self._tried_at < PAUSE_SECONDS:
                return
            self._tried_at = self._clock()
            self._keys = self._fetch()
            self._fetched_at = self._tried_at
        except (OSError, ValueError, JoseError) as problem:
            log.warning("the keys of the issuer were not fetched: %s", problem)
        finally:
            self._fetching.release()

    def _fetch(self) -> list[Key]:
        from joserfc.jwk import KeySet

        found = _document(self._issuer.jwks or self._address())
        usable = [one for one in _list_of(found, "keys") if one.get("use", "sig") == "sig"]
        # Only the public half: a secret of both sides (“oct”) is no key to verify with.
        usable = [one for one in usable if one.get("kty") in ("RSA", "EC", "OKP")]
        return list(KeySet.import_key_set({"keys": usable}))

    def _address(self) -> str:
        """Where the keys are, as the discovery document says."""
        found = _document(self._issuer.address.rstrip("/") + DISCOVERY)
        if found.get("issuer") != self._issuer.address:
            raise ValueError("the discovery document is of another issuer")
        address = found.get("jwks_uri")
        if not isinstance(address, str):
            raise ValueError("the discovery document names no keys")
        _must_be_reachable(address, self._issuer.address)
        return address


def must_be_address(address: str) -> None:
    """Refuse an address that is not HTTPS; on this machine, HTTP will do."""
    parts = urlsplit(address)
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_secure or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("it must be https://HOST/…")


def _must_be_reachable(address: str, configured: str) -> None:
    """Refuse a private address, unless it is on the host that the settings name."""
    must_be_address(address)
    parts, known = urlsplit(address), urlsplit(configured)
    if (parts.hostname, parts.port) == (known.hostname, known.port):
        return
    for *_, place in socket.getaddrinfo(parts.hostname, parts.port or 443):
        if not is_public(str(place[0])):
            raise ValueError(f"the keys are said to be at {parts.hostname}, a private address")


class _NoRedirect(HTTPRedirectHandler):
    """A redirect could lead anywhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Not followed, and so an error."""


_OPENER = build_opener(_NoRedirect, ProxyHandler({}))


def _document(address: str) -> dict[str, Any]:
    """A JSON object at an address."""
    must_be_address(address)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    request = Request(address, headers={"Accept": "application/json"})
    content = b""
    with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
        while part := answer.read1(1 << 16):
            content += part
            if len(content) > LARGEST_DOCUMENT_BYTES:
                raise ValueError(f"{address} is larger than {LARGEST_DOCUMENT_BYTES} bytes")
            if time.monotonic() > deadline:
                raise URLError(f"{address} takes too long")
    try:
        found = json.loads(content)
    except RecursionError:
        raise ValueError(f"{address} is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"{address} is no JSON object")
    return found


def _list_of(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects in a document."""
    listed = found.get(name)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError(f"“{name}” is not a list of objects")
    return listed
