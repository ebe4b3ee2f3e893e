"""Hosting several communities in one process, each with a gateway of its own.

They share only the event loop of the process: threads, bodies and streams are separate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from api.problems import PROBLEMS, Problem
from scripts.communities import Community
from scripts.gateway import ALIVE, ALIVE_ANSWER, Gateway, told
from scripts.streaming import when_stopping


class Hosting:
    """The gateways of all communities of a process."""

    def __init__(self, served: Sequence[tuple[Community, Gateway]]) -> None:
        self._served = {place: gateway for one, gateway in served for place in one.places}
        # The longest path first; at the same path, named hosts before any host.
        self._places = sorted(self._served, key=lambda place: (-len(place[1]), not place[0]))

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server before it listens."""
        next(iter(self._served.values())).__rsgi_init__(loop)
        when_stopping(loop, self.end_streams)

    def end_streams(self) -> None:
        """End the streams of all communities."""
        for gateway in set(self._served.values()):
            gateway.end_streams()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server before it ends."""
        for gateway in set(self._served.values()):
            gateway.__rsgi_del__(loop)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Pass a request to the gateway of its community."""
        gateway = self._gateway_of(_host_of(scope), scope.path)
        if gateway is not None:
            await gateway.__rsgi__(scope, proto)
        elif scope.path == ALIVE:
            proto.response_bytes(*ALIVE_ANSWER)
        else:
            problem = Problem("not_found", PROBLEMS["not_found"].meaning)
            proto.response_bytes(*told(problem, scope))

    def _gateway_of(self, host: str, path: str) -> Gateway | None:
        for place in self._places:
            its_host, its_path = place
            is_within = not its_path or path == its_path or path.startswith(f"{its_path}/")
            if is_within and its_host in ("", host):
                return self._served[place]
        return None


def _host_of(scope: Any) -> str:
    """The requested host, without its port."""
    named = scope.authority or scope.headers.get("host") or ""
    try:
        return (urlsplit(f"//{named}").hostname or "").rstrip(".")
    except ValueError:
        return ""
