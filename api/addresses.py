"""Addresses: how ids stand in them, and which route each has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from flask import Request
from flask.ctx import RequestContext
from werkzeug.routing import BaseConverter, Map, MapAdapter, PathConverter, Rule

from api.current import the_visit
from api.problems import of_refusal
from domain.identity import ID
from domain.refusal import REFUSALS

HOST = re.compile(r"([\w.~-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?", re.ASCII)
"""A host as a request may name it, with its port."""
MOST_KNOWN, LONGEST_KNOWN = 4096, 256
"""How many kinds of addresses are remembered, and how long they are at most."""


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
    """A payee in a path: an id, put in its normal form, or a name, with slashes wherever."""

    regex = ".+?"
    part_isolating = False

    def to_python(self, value: str) -> str:
        try:
            return str(UUID(value))
        except ValueError:
            return value


class KeyConverter(BaseConverter):
    """An idempotency key in a path: any text, with slashes wherever they are."""

    regex = ".+"
    part_isolating = False


CONVERTERS = {"id": IdConverter, "payee": PayeeConverter, "key": KeyConverter}
"""The converters of paths by the names that routes call them."""


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
    """All routes; it remembers to which one each kind of address leads, whatever the ids in it."""

    def __init__(self, *terms: Any, **named: Any) -> None:
        super().__init__(*terms, **named)
        self._known = dict[_Kind, _Found]()
        self._adapters = lru_cache(maxsize=64)(self.bind)

    def known(self, environ: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]] | None:
        """The route of an address, and the values in it, if one of its kind was asked for."""
        kind, ids = _kind_of(environ)
        found = self._known.get(kind)
        if found is None or _is_upgrade(environ):
            return None
        return found.rule, {**found.values, **{name: ids[at] for name, at in found.places}}

    def remember(self, environ: Mapping[str, Any], rule: Rule, values: Mapping[str, Any]) -> None:
        """Keep the route of an address, unless some id in it is only a part of a value."""
        kind, ids = _kind_of(environ)
        places = [(name, ids.index(one)) for name, one in values.items() if one in ids]
        if len(kind.path) > LONGEST_KNOWN or sorted(at for _, at in places) != [*range(len(ids))]:
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        others = {name: one for name, one in values.items() if one not in ids}
        self._known[kind] = _Found(rule, others, places)

    def bind_to_environ(
        self, environ: Any, server_name: str | None = None, subdomain: str | None = None
    ) -> MapAdapter:
        """The address of a request."""
        if server_name is not None or _is_upgrade(environ):
            return super().bind_to_environ(environ, server_name, subdomain)
        asked: Request = environ["werkzeug.request"]
        if not asked.host and HOST.fullmatch(named := environ.get("HTTP_HOST", "")):
            asked.host = named  # Werkzeug reads one with an underscore as empty
        host = self._adapters(asked.host).server_name
        query = asked.query_string.decode(errors="replace")
        terms = host, asked.root_path, "", asked.scheme, asked.path, asked.method, query
        return MapAdapter(self, *terms)


class _Kind(NamedTuple):
    """Addresses that differ in their ids alone."""

    method: str
    path: str
    """With a mark in place of each id."""
    ids: int
    """How many there are, since an address may contain the mark itself."""


class _Found(NamedTuple):
    """The route of a kind of address."""

    rule: Rule
    values: Mapping[str, Any]
    """The values that are the same in all of them."""
    places: Sequence[tuple[str, int]]
    """The names of the other values, each with the place of its id."""


def _kind_of(environ: Mapping[str, Any]) -> tuple[_Kind, list[str]]:
    """The kind of an address, and the ids in it."""
    path = environ.get("PATH_INFO", "")
    ids = ID.findall(path)
    return _Kind(environ["REQUEST_METHOD"], ID.sub("\0", path) if ids else path, len(ids)), ids


def _is_upgrade(environ: Mapping[str, Any]) -> bool:
    """Whether a request asks for another protocol, for which there are no routes."""
    return "HTTP_UPGRADE" in environ


class Context(RequestContext):
    """Flask's context of a request, which looks for its route only once."""

    _has_looked = False

    def match_request(self) -> None:
        visit, asked = the_visit(), self.request
        if visit.rule is not None and visit.environ is asked.environ:
            asked.url_rule, asked.view_args = visit.rule, dict(visit.values)
        elif not self._has_looked:
            self._has_looked = True
            super().match_request()
