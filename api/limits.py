"""Limits: how many requests a person with a key, or an address without one, may send.

A limit is shared by all workers: its state is one row of the database, from which each
worker takes a few requests at once, so that most requests need no query. Failed authentication
counts against its address alone, and a valid key is always let in, so nobody can lock out others.
"""

from __future__ import annotations

import ipaddress
import random
import time
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from threading import Lock
from wsgiref.types import WSGIEnvironment

from api.allowance import SECOND, Limit, Network, Remaining
from api.current import the_visit
from api.problems import Problem
from api.waiting import is_repeated
from domain.engine import DatabaseUnavailable, Engine
from domain.permission import OPERATOR

PORTIONS = 20
"""A worker takes 1/PORTIONS of a limit at once."""
MOST_REMEMBERED = 10_000
CLEANED_ONCE_IN = 200
FREE = frozenset({"static", "metrics", "service.show_health", "service.show_readiness"})
"""The endpoints that are not counted: probes, and files that never change."""
TILES = frozenset({"log.show_tile", "log.show_entry_tile", "log.show_entries"})
"""The endpoints that a mirror requests for every 256 facts; proxies may cache their answers."""
KEYS = frozenset({"keyring.make_key", "keyring.replace_key"})
"""The endpoints that make a key."""
OPERATOR_FACTOR = 10


class Limits:
    """The limits of one database, and this worker's portions of them."""

    def __init__(
        self,
        engine: Engine,
        limits: Mapping[str, Limit],
        proxies: Sequence[Network] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine, self._limits, self._clock = engine, limits, clock
        self._proxies = tuple(proxies)
        self._portions: dict[str, tuple[int, int]] = {}
        self._lock = Lock()

    # -- requests --------------------------------------------------------------------------

    def admit(self) -> None:
        """Count this request against its sender, the person of its key or else its address."""
        visit = the_visit()
        endpoint, actor = visit.endpoint, visit.actor
        if endpoint in FREE or is_repeated():
            return
        if endpoint in TILES:
            self._must_be_within("tiles", actor or self.address())
        elif actor is None:
            self._must_be_within("visitors", self.address())
        else:
            if endpoint in KEYS:
                self.make_key()
            what = "reads" if visit.method in ("GET", "HEAD", "OPTIONS") else "writes"
            self._must_be_within(what, actor)

    def make_key(self) -> None:
        """Count a key that the sender makes."""
        self._must_be_within("keys", the_visit().actor or "")

    def fail(self) -> None:
        """Count an invalid key against the address it came from."""
        self._must_be_within("failures", self.address())

    def address(self) -> str:
        """The address of the client; of IPv6 its network, since one person may have all of it.

        A header names it only if it was set by a proxy that the settings trust.
        """
        environ = the_visit().environ
        found = environ.get("REMOTE_ADDR", "")
        for named in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            if not named.strip() or not self._is_trusted(found):
                break
            found = named.strip()
        read = _address(found)
        if isinstance(read, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((read, 64), strict=False))
        return str(read or "unknown")

    def scheme(self, environ: WSGIEnvironment) -> str:
        """The scheme of the address that the client asked, which a trusted proxy says."""
        said = environ.get("HTTP_X_FORWARDED_PROTO")
        if said in ("http", "https") and self._is_trusted(environ.get("REMOTE_ADDR", "")):
            return str(said)
        return str(environ["wsgi.url_scheme"])

    def _is_trusted(self, address: str) -> bool:
        read = _address(address)
        return read is not None and any(read in network for network in self._proxies)

    def _must_be_within(self, name: str, who: str) -> None:
        limit = self._limits.get(name)
        if limit is None:
            return
        if who == OPERATOR:
            limit = Limit(limit.quota * OPERATOR_FACTOR, limit.seconds)
        standing = the_visit().standing = self.take(name, limit, who)
        if standing.is_over:
            raise Problem(
                "too_many_requests",
                f"More than {limit.quota} requests in {limit.seconds} seconds; try again in "
                f"{standing.wait_seconds} s.",
                headers={"Retry-After": str(standing.wait_seconds)},
            )

    # -- what is left ----------------------------------------------------------------------

    def take(self, name: str, limit: Limit, who: str) -> Remaining:
        """Take one request of a limit, if any is left; returns the standing after it."""
        row = f"{name} {who}"
        now = int(self._clock() * SECOND)
        with self._lock:
            portion, until = self._portions.get(row, (0, 0))
            if portion:
                self._portions[row] = portion - 1, until
                return _standing(name, limit, until, now, portion - 1)
        for size in dict.fromkeys((max(1, limit.quota // PORTIONS), 1)):
            try:
                new = self._taken(row, limit, size, now)
            except DatabaseUnavailable:
                # A read-only database still answers requests; nothing is counted meanwhile.
                return _standing(name, limit, now, now, 0)
            if new is not None:
                with self._lock:
                    if len(self._portions) > MOST_REMEMBERED:
                        self._portions.clear()
                    self._portions[row] = size - 1, new
                return _standing(name, limit, new, now, size - 1)
        found = self._engine.query("SELECT until FROM rates WHERE name = :row", row=row)
        until = found[0][0] if found else 0
        wait = until + limit.step - limit.seconds * SECOND - now
        return Remaining(name, limit, 0, max(1, ceil(wait / SECOND)), is_over=True)

    def _taken(self, row: str, limit: Limit, size: int, now: int) -> int | None:
        """Take ``size`` requests; returns the time at which the quota is whole; None: refused.

        This is the generic cell rate algorithm (ITU-T I.371) in one SQL statement. A time later
        than any that can be reached is of a clock that was set back since, and counts for nothing.
        """
        cost, whole = size * limit.step, limit.seconds * SECOND
        with self._engine.transaction(durable=False) as transaction:
            if random.randrange(CLEANED_ONCE_IN) == 0:
                transaction.execute("DELETE FROM rates WHERE until < :now", now=now)
            found = transaction.query(
                "INSERT INTO rates (name, until) VALUES (:row, :first) "
                "ON CONFLICT (name) DO UPDATE SET until = :cost + "
                "CASE WHEN rates.until > :now AND rates.until <= :most THEN rates.until ELSE :now "
                "END WHERE rates.until <= :latest OR rates.until > :most RETURNING until",
                row=row,
                first=now + cost,
                cost=cost,
                now=now,
                latest=now + whole - cost,
                most=now + 2 * whole,  # as other machines' clocks may be ahead of this one
            )
        return int(found[0][0]) if found else None


def _standing(name: str, limit: Limit, until: int, now: int, portion: int) -> Remaining:
    used = max(0, until - now)
    left = (limit.seconds * SECOND - used) // limit.step + portion
    return Remaining(name, limit, max(0, min(left, limit.quota - 1)), ceil(used / SECOND))


def headers_of(standing: Remaining | None) -> list[tuple[str, str]]:
    """The headers that tell a client what is left (draft-ietf-httpapi-ratelimit-headers)."""
    if standing is None:
        return []
    name, limit, left, wait, _ = standing
    return [
        ("RateLimit-Policy", f'"{name}";q={limit.quota};w={limit.seconds}'),
        ("RateLimit", f'"{name}";r={left};t={wait}'),
    ]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        read = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return getattr(read, "ipv4_mapped", None) or read
