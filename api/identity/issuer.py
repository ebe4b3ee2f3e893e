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
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from joserfc.errors import JoseError

from api.sending.outbound import Target, Unreached, ask, is_public

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
        except (OSError, ValueError, Unreached) as problem:
            log.warning("the keys of the issuer were not fetched: %s", problem)
        finally:
            self._fetching.release()

    def _fetch(self) -> list[Key]:
        found = _document(self._issuer.jwks or self._address())
        usable = [one for one in _list_of(found, "keys") if one.get("use", "sig") == "sig"]
        # Public keys only: whoever verifies with a shared secret (“oct”) could also sign with it.
        usable = [one for one in usable if one.get("kty") in ("RSA", "EC", "OKP")]
        keys = [key for key in map(_key, usable) if key is not None]
        if not keys:
            raise ValueError("none of its keys is understood")
        return keys

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
    for *_, place in socket.getaddrinfo(parts.hostname, parts.port):
        if not is_public(str(place[0])):
            raise ValueError(f"the keys are said to be at {parts.hostname}, a private address")


def _key(published: dict[str, Any]) -> Key | None:
    """A key, or None if it is not understood: others stay usable (RFC 7517, section 5)."""
    from joserfc.jwk import import_key

    try:
        return import_key(published)
    except (JoseError, ValueError, LookupError, TypeError) as problem:
        log.warning("a key of the issuer is not understood: %s", type(problem).__name__)
        return None


def _document(address: str) -> dict[str, Any]:
    """The JSON object at an address, fetched within the limits of size and time."""
    must_be_address(address)
    parts = urlsplit(address)
    host, is_encrypted = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_encrypted else 80)
    target = Target(is_encrypted, host, port, parts.path or "/", host)
    answer = ask(
        target,
        "GET",
        None,
        {"Accept": "application/json", "User-Agent": "stemma"},
        seconds=TIMEOUT_SECONDS,
        most_bytes=LARGEST_DOCUMENT_BYTES,
    )
    if answer.status != HTTPStatus.OK:
        raise ValueError(f"{address} answers {answer.status}")
    try:
        found = json.loads(answer.said)
    except RecursionError:
        raise ValueError(f"{address} is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"the answer of {address} is not a JSON object")
    return found


def _list_of(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects in a document."""
    listed = found.get(name)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError(f"“{name}” is not a list of objects")
    return listed
