"""Requests to URLs that users give: they reach public servers only, never the internal network.

The host name is resolved once, all its IP addresses are checked, and the connection is made to a
checked one. So neither a name whose address changes nor a redirect can lead inside.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from string import printable
from threading import Timer
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from werkzeug.http import parse_date

from api.allowance import Network
from domain.refusal import BadWebhook
from domain.text import whole

SECONDS = 10.0
"""The time limit of a whole request."""
REST_SECONDS = 1.0
"""How long the rest of an answer is awaited once its status is known: hanging up at once could make
its server stop what it is doing."""
MOST_REST_BYTES = 4_096
PORTS = frozenset({443, 8443})
"""The only ports at public addresses."""
LONGEST_URL = 2_000

_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_GLOBAL = (
    IPv6Network("::/96"),  # IPv4-compatible
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a local network, which may embed IPv4 anywhere
    IPv6Network("fec0::/10"),  # site-local
    IPv6Network("3fff::/20"),  # for examples (RFC 9637), unknown to older Pythons
)

Address = IPv4Address | IPv6Address


class Unreached(Exception):
    """No answer was received; the text says why."""


FAILURES = OSError, HTTPException, ValueError
"""What a connection raises."""


def kind_of(error: Exception) -> str:
    """What kind of failure it was and, of a certificate, which rule it breaks."""
    kind = type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{kind}, {error.verify_message}"
    return kind


class Target(NamedTuple):
    """Where a request goes, with an IP address that was checked."""

    is_encrypted: bool
    host: str
    port: int
    path: str
    ip: str


BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
MOST_WAIT_SECONDS = 86_400


class Reply(NamedTuple):
    """The answer to a request."""

    status: int
    said: str


class Taken(NamedTuple):
    """How a receiver answered."""

    status: int
    retry_after: str | None = None

    def wait(self, now: datetime) -> timedelta:
        """How long it asks to be left alone (RFC 9110, 10.2.3); nothing unless it is busy."""
        if self.status not in BUSY or not self.retry_after:
            return timedelta()
        seconds, moment = whole(self.retry_after), parse_date(self.retry_after)
        if seconds is not None:
            return timedelta(seconds=min(seconds, MOST_WAIT_SECONDS))
        return timedelta() if moment is None else moment - now


def must_be_url(url: str, allowed: Sequence[Network] = ()) -> None:
    """Raise BadWebhook for a URL that cannot be of a public server, judged by its text alone.

    With ``allowed`` networks, http and other ports are accepted too.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")  # as it is looked up; a label may be too long
    except ValueError:
        raise BadWebhook(url, "it is not an address") from None
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or not parts.hostname:
        raise BadWebhook(url, "it is not an address")
    if parts.scheme != "https" and not (allowed and parts.scheme == "http"):
        raise BadWebhook(url, "it must begin with https://")
    if parts.username or parts.password or parts.fragment:
        raise BadWebhook(url, "it may not have a user name, password or fragment")
    if not allowed and (port or 443) not in PORTS:
        raise BadWebhook(url, f"its port must be {' or '.join(map(str, sorted(PORTS)))}")


def target_of(url: str, allowed: Sequence[Network] = ()) -> Target:
    """Where a request to a URL goes, after resolving its host.

    Raises Unreached if one of the IP addresses is not public, unless all are in ``allowed``
    networks.
    """
    parts = urlsplit(url)
    is_encrypted = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_encrypted else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreached(f"its name is not known: {error}") from None
    ips = [str(address[0]) for *_, address in found]
    is_inside = all(any(is_in(ip, each) for each in allowed) for ip in ips)
    if not is_inside:
        if not all(map(is_public, ips)):
            raise Unreached("it has an address that is not public")
        if not is_encrypted or port not in PORTS:
            raise Unreached("to a public address only https, on its usual port")
    path = quote(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", safe=printable)
    return Target(is_encrypted, host, port, path, ips[0])


def is_in(ip: str, network: Network) -> bool:
    """Whether an IP address is in a network."""
    address = ip_address(ip.partition("%")[0])
    return address.version == network.version and address in network


def is_public(ip: str) -> bool:
    """Whether an IP address, and any that it embeds, is public."""
    if "%" in ip:  # it has a zone: only valid on one interface
        return False
    return all(map(_is_global, _with_inner(ip_address(ip))))


def _is_global(address: Address) -> bool:
    if any(address in network for network in _NOT_GLOBAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _with_inner(address: Address) -> list[Address]:
    """The addresses to check for one; IPv6 may embed IPv4 (mapped, 6to4, Teredo or NAT64)."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    found: list[Address] = []
    if address.sixtofour:
        found.append(address.sixtofour)
    if address.teredo:
        found += address.teredo
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF), *found]
    return [address, *found]


class _Final(HTTPResponse):
    """The final answer; any number of interim ones may precede it (RFC 9110, 15.2)."""

    def begin(self) -> None:
        """Read up to the headers of the final answer."""
        super().begin()
        while HTTPStatus.SWITCHING_PROTOCOLS < self.status < HTTPStatus.OK:
            self.headers = self.msg = None  # type: ignore[assignment] # as before it had begun
            super().begin()


class _Pinned(HTTPConnection):
    """A connection to the checked IP address, under the host name of the URL."""

    response_class = _Final
    _reached: socket.socket | None = None
    """Its socket, also once an answer that ends with the connection has taken it over."""
    _has_ended = False

    def __init__(self, target: Target, authorities: str, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target, self._authorities = target, authorities
        self.default_port = 443 if target.is_encrypted else 80  # not named in the header “Host”

    def connect(self) -> None:
        """Connect; for https, the certificate must be that of the host name."""
        context = trusting(self._authorities) if self._target.is_encrypted else None
        self.sock = socket.create_connection((self._target.ip, self._target.port), self.timeout)
        self._reached = self.sock
        if context is not None:
            # The handshake comes after the assignment, or ``_end`` could not break it off.
            self.sock = self._reached = context.wrap_socket(
                self.sock, server_hostname=self._target.host, do_handshake_on_connect=False
            )
        if self._has_ended:  # while there was no socket to break off
            raise TimeoutError
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    @contextmanager
    def ends_after(self, seconds: float) -> Iterator[None]:
        """Break the connection off after a time, whatever it is waiting for."""
        watch = Timer(seconds, self._end)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _end(self) -> None:
        self._has_ended = True
        if self._reached is not None:
            with suppress(OSError):
                self._reached.shutdown(socket.SHUT_RDWR)


def trusting(authorities: str) -> ssl.SSLContext:
    """A TLS context that trusts the authorities of the machine and those of a file, if any."""
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(authorities)
    return context


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allowed: Sequence[Network] = (),
    authorities: str = "",
) -> Taken:
    """Send a body with POST and return how it was answered; redirects are not followed.

    Raises Unreached if there is no answer within ``SECONDS``.
    """
    target = target_of(url, allowed)
    with _asked(target, "POST", body, headers, authorities, SECONDS) as (connection, answer):
        with connection.ends_after(REST_SECONDS), suppress(*FAILURES):
            answer.read(MOST_REST_BYTES)
        return Taken(answer.status, answer.headers["Retry-After"])


def ask(
    target: Target,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    authorities: str = "",
    *,
    seconds: float,
    most_bytes: int,
) -> Reply:
    """Send a request and return the answer, of whose body at most so much is read.

    Raises Unreached if there is no answer within ``seconds``.
    """
    with _asked(target, method, body, headers, authorities, seconds) as (_, answer):
        return Reply(answer.status, answer.read(most_bytes).decode(errors="replace"))


@contextmanager
def _asked(
    target: Target,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    authorities: str,
    seconds: float,
) -> Iterator[tuple[_Pinned, HTTPResponse]]:
    """Send a request, and read its answer while the connection lasts."""
    with closing(_Pinned(target, authorities, seconds)) as connection:
        try:
            with connection.ends_after(seconds):
                connection.request(method, target.path, body, dict(headers))
                yield connection, connection.getresponse()
        except FAILURES as error:
            raise Unreached(f"it did not answer: {kind_of(error)}") from None
