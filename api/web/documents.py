"""The documentation: written guides, and a reference generated from the code.

Anybody may read all of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Response, redirect, render_template, request

from api.document import DESCRIPTION, VERSION, OpenApi
from api.problems import PROBLEMS, Problem
from api.web import guides
from api.web.address import Listed, asked
from api.web.frame import Answer, Frame
from api.web.reference import Reference

PROBLEMS_PAGE = "problems"
"""The chapter of problems, after those of the API."""
MOST_FOUND = 60
"""How many guides, operations and problems each a search shows."""


def pages(frame: Frame, document: Callable[[], OpenApi]) -> None:
    """The documentation, and the OpenAPI document from which its reference is generated."""
    problems = sorted(PROBLEMS.items(), key=lambda item: (item[1].status, item[0]))

    def referred() -> Reference:
        return _reference(document())

    def shown(template: str, here: str, **said: Any) -> str:
        made_here = {name: name.capitalize() for name in (*referred().chapters, PROBLEMS_PAGE)}
        return render_template(
            f"docs/{template}.html",
            reference=referred(),
            shelves=guides.shelves(),
            order={"": "Documentation", **_titles(), **made_here},
            here=here,
            problems=problems,
            origin=request.root_url.rstrip("/"),
            **said,
        )

    def found(q: str) -> str:
        sections = [(guide, guide.found(q)) for guide in guides.written().values()]
        every: dict[str, list[Any]] = {
            "guides": [one for one in sections if one[1]],
            "operations": [one for one in referred().operations if one.is_meant(q)],
            "codes": [one for one in problems if guides.holds(q, one[0], one[1].meaning)],
        }
        return shown(
            "found",
            "found",
            q=q,
            counts={name: len(found) for name, found in every.items()},
            most=MOST_FOUND,
            **{name: found[:MOST_FOUND] for name, found in every.items()},
        )

    @frame.page("/docs", anybody=True)
    def show_docs() -> Answer:
        if q := asked(Listed).get("q", "").strip():
            return found(q)
        index = guides.guide(guides.INDEX)
        return shown("start", "", index=index, description=DESCRIPTION, version=VERSION)

    @frame.page("/docs/<path:chapter>", anybody=True)
    def show_chapter(chapter: str) -> Answer:
        if guide := guides.written().get(chapter):
            return shown("guide", chapter, guide=guide)
        if chapter in guides.LIVE:
            return redirect(f"{request.script_root}/docs/{guides.LIVE[chapter]}", 301)
        if chapter == PROBLEMS_PAGE:
            return shown("problems", chapter)
        if chapter not in referred().chapters:
            raise Problem("not_found", f"The documentation has no page “{chapter}”.")
        return shown("chapter", chapter, chapter=referred().chapters[chapter])

    @frame.page("/openapi.json", anybody=True)
    def show_openapi() -> Answer:
        return Response(
            _as_json(document(), request.script_root, frame.contact), mimetype="application/json"
        )


@cache
def _reference(document: OpenApi) -> Reference:
    return Reference.of(document)


@cache
def _as_json(document: OpenApi, root: str, contact: str) -> str:
    """The document as JSON, for a service whose addresses begin with this path."""
    info = document["info"] | ({"contact": {"url": contact}} if contact else {})
    here = {"info": info, "servers": [{"url": root or "/"}]}
    return json.dumps({**document, **here}, ensure_ascii=False)


def _titles() -> dict[str, str]:
    return {path: guide.title for path, guide in guides.written().items()}
