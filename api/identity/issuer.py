"""The public keys of an outside issuer of tokens (OpenID Connect), fetched from where it publishes
them.

A fetch is bounded in size and time, follows no redirect, and reaches no private address that the
settings do not name. While the issuer cannot be reached, the keys fetched last stay in use.
"""

from __future__ import annotations

import json
import logging
import re
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
"""How long keys are used while the issuer cannot be reached; limited, as one may be withdrawn."""
PAUSE_SECONDS = 10.0
"""The shortest time between two fetches, whichever keys tokens name."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Issuer(NamedTuple):
    """The issuer whose tokens are accepted, and how its tokens name people."""

    address: str
    audience: str
    """The audience that a token must be meant for (its claim “aud”)."""
    claim: str = ""
    """The claim that holds a contributor's id; if empty, identities say whom a “sub” acts for."""
    jwks: str = ""
    """The address of its keys; if empty, its discovery document says it."""


class IssuerAway(Exception):
    """The issuer cannot be reached, and no keys fetched recently enough are known."""


class IssuerKeys:
    """The keys of an issuer, as this process knows them."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._clock = issuer, clock
        self._keys: list[Key] = []
        self._fetched_at = self._tried_at = -STALE_SECONDS
        self._fetching = threading.Lock()

    def key(self, kid: str | None) -> Key | None:
        """The key with this id (without an id, the only key); None if there is no such key.

        An id that is not known leads to a new fetch, because keys rotate, but not too often.
        Raises IssuerAway.
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
        """Fetch the keys, unless that was just tried.

        One thread fetches; others go on with the known keys and wait only if there are none.
        """
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
        # Public keys only: whoever verifies with a shared secret (“oct”) could also sign with it.
        usable = [one for one in usable if one.get("kty") in ("RSA", "EC", "OKP")]
        return list(KeySet.import_key_set({"keys": usable}))

    def _address(self) -> str:
        """The address of the keys, from the discovery document."""
        found = _document(self._issuer.address.rstrip("/") + DISCOVERY)
        if found.get("issuer") != self._issuer.address:
            raise ValueError("the discovery document is of another issuer")
        address = found.get("jwks_uri")
        if not isinstance(address, str):
            raise ValueError("the discovery document names no keys")
        _must_be_reachable(address, self._issuer.address)
        return address


def must_be_address(address: str) -> None:
    """Raise ValueError unless an address is HTTPS, or HTTP on this machine."""
    parts = urlsplit(address)
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    is_plain = not (parts.username or parts.query or parts.fragment or re.search(r"\s", address))
    if not is_secure or not parts.hostname or not is_plain:
        raise ValueError("it must be https://HOST/…")


def _must_be_reachable(address: str, configured: str) -> None:
    """Raise ValueError for a private address, except on the host and port in the settings."""
    must_be_address(address)
    parts, known = urlsplit(address), urlsplit(configured)
    if (parts.hostname, parts.port) == (known.hostname, known.port):
        return
    for *_, place in socket.getaddrinfo(parts.hostname, parts.port or 443):
        if not is_public(str(place[0])):
            raise ValueError(f"the keys are said to be at {parts.hostname}, a private address")


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, because it could lead anywhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing; the redirect becomes an error."""


_OPENER = build_opener(_NoRedirect, ProxyHandler({}))


def _document(address: str) -> dict[str, Any]:
    """The JSON object at an address, fetched within the limits of size and time."""
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
