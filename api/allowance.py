"""How many requests are allowed: the limits by name, how settings write them, and their table."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from domain.engine import Table

RATES = Table(
    "rates",
    {"name": "TEXT", "until": "BIGINT"},
    keys=(("name",),),
    small=True,
    in_backups=False,
)
"""By limit and sender: the time in nanoseconds at which the whole quota is available again."""

SECOND = 1_000_000_000
"""Nanoseconds, so that even the operator's multiple of the largest quota has a step above 0."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Limit(NamedTuple):
    """``quota`` requests in ``seconds``, which may also come all at once."""

    quota: int
    seconds: int

    @property
    def step(self) -> int:
        """The nanoseconds after which one more request is allowed."""
        return self.seconds * SECOND // self.quota


class Remaining(NamedTuple):
    """What is left of a limit."""

    name: str
    limit: Limit
    left: int
    wait_seconds: int
    """The seconds until one more is allowed; if not over, until the whole quota is available."""
    is_over: bool = False


DEFAULTS = {
    "reads": Limit(3000, 60),  # what a person with a key reads
    "writes": Limit(600, 60),  # what a person with a key sends
    "visitors": Limit(1800, 60),  # everything from an address without a valid key
    "tiles": Limit(18_000, 60),  # what anybody fetches of the log's tiles, which never change
    "keys": Limit(100, 86_400),  # keys that a person makes or replaces; each stays listed for good
    "failures": Limit(20, 600),  # keys from an address that are not valid
}
"""The limits by name; a person who clicks meets none of them."""


def read_limits(text: str) -> dict[str, Limit]:
    """The limits with changes such as ``writes=60/60 visitors=off``, or ``off`` for none at all.

    Raises ValueError with the reason.
    """
    limits = {} if text.strip() == "off" else dict(DEFAULTS)
    for word in text.split() if limits else ():
        name, _, amount = word.partition("=")
        if name not in DEFAULTS:
            raise ValueError(f"there is no limit “{name}”, only {', '.join(DEFAULTS)}")
        if amount == "off":
            del limits[name]
        elif not re.fullmatch("[0-9]{1,6}/[0-9]{1,6}", amount):
            raise ValueError(f"“{word}” is not a limit such as {name}=600/60: 600 requests in 60 s")
        else:
            limits[name] = Limit(*map(int, amount.split("/")))
        if 0 in limits.get(name, ()):
            raise ValueError(f"“{word}” would let nobody in; “off” ends a limit")
    return limits


def read_networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by spaces; raises ValueError with the reason."""
    return tuple(ipaddress.ip_network(word) for word in text.split())


_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]+(?::[0-9]{1,5})?")


def read_hosts(text: str) -> tuple[str, ...]:
    """Hosts separated by spaces, in lower case; ValueError if one is none."""
    hosts = tuple(text.lower().split())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(f"“{host}” is not a host, such as media.example.org")
    return hosts
