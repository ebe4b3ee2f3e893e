"""Requests to addresses that users name: only to public ones, and to none that it might lead to.

The name is resolved once, every address is looked at, and the connection goes to one of those that
were looked at: so neither a name that changes its address nor a redirect leads inside.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit

from api.allowance import Network
from domain.refusal import BadWebhook

SECONDS = 10.0
"""How long all of a request may take."""
MOST_ANSWER_BYTES = 4_096
"""How much of an answer is read."""
PORTS = frozenset({443, 8443})
"""To these alone on public addresses."""
LONGEST_URL = 2_000

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_SITE_LOCAL = IPv6Network("fec0::/10")
_COMPATIBLE = IPv6Network("::/96")

Address = IPv4Address | IPv6Address


class Unreached(Exception):
    """No answer, and why."""


class Target(NamedTuple):
    """An address that was looked at."""

    is_encrypted: bool
    host: str
    port: int
    path: str
    ip: str


class Reply(NamedTuple):
    """What was answered."""

    status: int
    said: str


def must_be_url(url: str, allowed: Sequence[Network] = ()) -> None:
    """Refuse an address that is not one of a public server, as far as it tells itself."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadWebhook(url, "it is not an address") from None
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or not parts.hostname:
        raise BadWebhook(url, "it is no address")
    if parts.scheme != "https" and not (allowed and parts.scheme == "http"):
        raise BadWebhook(url, "it must begin with https://")
    if parts.username or parts.password or parts.fragment:
        raise BadWebhook(url, "it may not have a user name, password or fragment")
    if not allowed and (port or 443) not in PORTS:
        raise BadWebhook(url, f"its port must be {' or '.join(map(str, sorted(PORTS)))}")


def target_of(url: str, allowed: Sequence[Network] = ()) -> Target:
    """Where a request goes; Unreached if any address of the name is not public."""
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
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return Target(is_encrypted, host, port, path, ips[0])


def is_in(ip: str, network: Network) -> bool:
    """Whether an address is in a network."""
    address = ip_address(ip.partition("%")[0])
    return address.version == network.version and address in network


def is_public(ip: str) -> bool:
    """Whether an address, and any within it, is one that everybody can reach."""
    if "%" in ip:  # of one interface only
        return False
    return all(map(_is_global, _with_inner(ip_address(ip))))


def _is_global(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address in _SITE_LOCAL or address in _COMPATIBLE):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _with_inner(address: Address) -> list[Address]:
    """An address, or what it stands for: IPv4 within IPv6 by mapping, 6to4, Teredo or NAT64."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    found: list[Address] = []
    if address.sixtofour:
        found.append(address.sixtofour)
    if address.teredo:
        found += address.teredo
    if any(address in network for network in _NAT64):
        return [IPv4Address(int(address) & 0xFFFFFFFF), *found]
    return [address, *found]


class _Pinned(HTTPConnection):
    """A connection to the address that was looked at, under the name that was asked for."""

    def __init__(self, target: Target, authorities: str) -> None:
        super().__init__(target.host, target.port, timeout=SECONDS)
        self._target, self._authorities = target, authorities

    def connect(self) -> None:
        """Connect, and for https see that the certificate is that of the name."""
        plain = socket.create_connection((self._target.ip, self._target.port), SECONDS)
        self.sock = plain
        if self._target.is_encrypted:
            context = trusting(self._authorities)
            self.sock = context.wrap_socket(plain, server_hostname=self._target.host)

    def end(self) -> None:
        """Break off, whatever is waited for."""
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def trusting(authorities: str) -> ssl.SSLContext:
    """The context of connections: the authorities of the machine, and those of a file."""
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
) -> Reply:
    """Send a body; what was answered in time. Redirects are answers, and not followed."""
    target = target_of(url, allowed)
    with closing(_Pinned(target, authorities)) as connection:
        watch = Timer(SECONDS, connection.end)
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", target.path, body, dict(headers))
            answer = connection.getresponse()
            said = answer.read(MOST_ANSWER_BYTES)
            return Reply(answer.status, said.decode(errors="replace"))
        except (OSError, HTTPException, ValueError) as error:
            raise Unreached(f"it did not answer: {type(error).__name__}") from None
        finally:
            watch.cancel()
