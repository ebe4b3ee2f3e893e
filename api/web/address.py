"""What the address of a page says: the position or day, filters, ids and where a list continues."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import abort, redirect, request

from api.asking import LONGEST_CURSOR
from api.fields import Choice, ExactSchema, Text, Whole, searched
from api.problems import PROBLEMS, Problem
from api.received import loaded
from domain.identity import new_id
from domain.value import LARGEST_POSITION
from projections.pages import Page, sliced

OWN_PAGE = re.compile(r"/[a-z]+/([0-9a-f-]{36})(?=[/?#]|\Z)", re.IGNORECASE)

T = TypeVar("T")


class When(ExactSchema):
    """The parameters of every page, above all the position or day it is read at."""

    as_of = Whole(0, LARGEST_POSITION, 42, "As known at this position.")
    on = Text(10, "2026-11-20", "As known at the end of this day (UTC).")
    as_ = Choice(("now", "published"), "As now, or as published.", data_key="as")
    min_position = Whole(0, LARGEST_POSITION, 42, "Wait for this position.")
    listed_at = Whole(0, LARGEST_POSITION, 42, "A list continues as it was at this position.")
    picture = Choice(("whole",), "Nothing in the picture is folded away.")


class Listed(When):
    """The parameters of a page with a list."""

    cursor = Text(LONGEST_CURSOR, "WzQyXQ", "Where to continue.")
    q = searched("low tide", "The search text.")
    kind = searched("contribution", "Of this kind.")
    what = searched("credits", "Which facts.")


class Continued(NamedTuple):
    """Where a list of a page continues: the cursor, and the name of the list."""

    cursor: str | None
    what: str | None

    def of(self, what: str | None) -> str | None:
        """The cursor, if it belongs to the list of this name (None: to the list without one)."""
        return self.cursor if self.what == what else None


class PageQuery(dict[str, Any]):
    """The parameters of a page by name, and in ``at`` where one of its lists continues."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.at = Continued(asked.pop("cursor", None), asked.pop("what", None))
        super().__init__(asked)

    def of(self, *names: str) -> dict[str, Any]:
        """The parameters of these names that are set."""
        return {name: self[name] for name in names if name in self}


def asked(shape: type[ExactSchema] = When) -> dict[str, Any]:
    """The parameters of this shape in the address of the page; others are ignored."""
    known = {field.data_key or name for name, field in shape().fields.items()}
    given = {name: value for name, value in request.args.items() if name in known and value}
    return loaded(shape, given, "invalid_query", "query")


def id_in_path(text: str) -> str:
    """An id in a path, in canonical form; raises ``not_found`` if it is not a UUID."""
    if (id := id_named(text)) is None:
        raise Problem("not_found", PROBLEMS["not_found"].meaning)
    return id


def id_named(text: str) -> str | None:
    """The id in a text that is a UUID or the address of a page of this site; else None."""
    own = OWN_PAGE.search(text) if text.startswith(("/", request.root_url)) else None
    try:
        return str(UUID(own[1] if own else text))
    except ValueError:
        return None


def again(**changed: str | None) -> str:
    """The address of this page with some parameters changed; None removes one."""
    passing = dict.fromkeys(("min_position", "listed_at"))
    query: Mapping[str, str | None] = {**request.args.to_dict(), **passing, **changed}
    left = {name: value for name, value in query.items() if value}
    return f"?{urlencode(left)}" if left else request.script_root + request.path


def form_id() -> str:
    """The id of what a form will record, made when the form is opened and kept in its address.

    A form reached by going back, or reloaded, thus keeps its id, and if it is sent twice, it is
    recorded once. Opening the page in a browser redirects to the address with the id.
    """
    if id := request.values.get("id"):
        return id
    id = new_id(None)
    if request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate":
        query = urlencode([*request.args.items(multi=True), ("id", id)])
        abort(redirect(f"{request.script_root}{request.path}?{query}", 303))
    return id


def part(items: Sequence[T], what: str, most: int) -> Page[T]:
    """The page of a complete list, named ``what``, that the address asks for."""
    asked = request.args.get("cursor") if request.args.get("what") == what else None
    page, more = sliced(items, asked, most)
    return Page([*page], more)
