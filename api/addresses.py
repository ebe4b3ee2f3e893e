"""Addresses: how ids stand in them, and which route each has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import Request
from flask.ctx import RequestContext
from werkzeug.routing import BaseConverter, Map, MapAdapter, PathConverter, Rule

from api.problems import of_refusal
from domain.refusal import REFUSALS

MOST_KNOWN, LONGEST_KNOWN = 4096, 256
"""Of how many addresses the route is known, and how long they are at most."""


class IdConverter(BaseConverter):
    """The id of a noun in a path; text that is not a UUID is an unknown id.

    A fixed word in the same place belongs to another route.
    """

    regex = r"(?!preview$)[^/]+"
    part_isolating = True  # otherwise werkzeug tries the routes below an id one after the other

    def __init__(self, map: Map, noun: str) -> None:
        super().__init__(map)
        self.noun = noun
        self.unknown: Any = REFUSALS[f"unknown_{noun}"]

    def to_python(self, value: str) -> str:
        """The id in its normal form."""
        try:
            return str(UUID(value))
        except ValueError:
            raise of_refusal(self.unknown(value)) from None


class PayeeConverter(PathConverter):
    """A payee in a path: an id, put in its normal form, or a name."""

    def to_python(self, value: str) -> str:
        try:
            return str(UUID(value))
        except ValueError:
            return value


class RuleOnDemand(Rule):
    """A route whose URL builder is compiled on first use.

    Werkzeug compiles two for each route at once, which takes longer than the rest of the start-up.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_it, compiled = super()._compile_builder, None

        def build(rule: Rule, **parts: object) -> tuple[str, str]:
            nonlocal compiled
            if compiled is None:
                compiled = compile_it(append_unknown)
            return compiled(rule, **parts)

        return build


class Addresses(Map):
    """All routes, which knows that of each address asked for lately."""

    def __init__(self, *terms: Any, **named: Any) -> None:
        super().__init__(*terms, **named)
        self._known = dict[_Asked, tuple[Rule, Mapping[str, Any]]]()
        self._adapters = lru_cache(maxsize=64)(self.bind)

    def known(self, asked: _Asked) -> tuple[Rule, dict[str, Any]] | None:
        """The route of an address, and the values in it, if it was asked for lately."""
        found = self._known.get(asked)  # in one step: other threads may clear them
        return found and (found[0], dict(found[1]))

    def remember(self, asked: _Asked, rule: Rule, values: Mapping[str, Any]) -> None:
        """Keep the route of an address."""
        if sum(map(len, asked)) <= LONGEST_KNOWN:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[asked] = rule, dict(values)

    def bind_to_environ(
        self, environ: Any, server_name: str | None = None, subdomain: str | None = None
    ) -> MapAdapter:
        """The address of a request."""
        if server_name is not None or is_upgrade(environ):
            return super().bind_to_environ(environ, server_name, subdomain)
        asked: Request = environ["werkzeug.request"]
        host = self._adapters(asked.host).server_name
        query = asked.query_string.decode(errors="replace")
        terms = host, asked.root_path, "", asked.scheme, asked.path, asked.method, query
        address = _Address(self, *terms)
        address.asked = asked_for(environ)
        return address


_Asked = tuple[str, str]
"""The method and the path of a request, as they came."""


def asked_for(environ: Mapping[str, Any]) -> _Asked:
    """What decides which route a request has."""
    return environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")


def is_upgrade(environ: Mapping[str, Any]) -> bool:
    """Whether a request asks for another protocol, for which there are no routes."""
    return "HTTP_UPGRADE" in environ


class _Address(MapAdapter):
    map: Addresses
    asked: _Asked

    def match(self, *terms: Any, **named: Any) -> Any:
        """The route and its values, or what is to be raised."""
        if terms or named != {"return_rule": True}:
            return super().match(*terms, **named)
        if (found := self.map.known(self.asked)) is not None:
            return found
        rule, values = super().match(return_rule=True)
        self.map.remember(self.asked, rule, values)
        return rule, values


class Context(RequestContext):
    """Flask's context of a request, which looks for its route only once."""

    _has_looked = False

    def match_request(self) -> None:
        if not self._has_looked:
            self._has_looked = True
            super().match_request()
