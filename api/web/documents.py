"""The documentation and the OpenAPI document, for whoever writes a client.

The one rule: both are made from what runs, and anybody may read them.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Response, render_template, request

from api.document import DESCRIPTION, VERSION
from api.problems import PROBLEMS, Problem
from api.web.frame import Answer, Frame, Listed, asked
from api.web.reference import Reference, holds
from domain.credit import CREDIT_KINDS
from domain.remix import REMIX_KINDS
from domain.role import ROLES

ROLES_TOLD = [(role.name, role.meaning) for role in ROLES.values()]
APPENDICES = ("problems", "roles", "kinds")
"""What stands behind the chapters."""


def pages(frame: Frame, document: dict[str, Any]) -> None:
    """The documentation, and the OpenAPI document it is made from."""
    reference = Reference.of(document)
    openapi = json.dumps(document, ensure_ascii=False)
    problems = sorted(PROBLEMS.items(), key=lambda item: (item[1].status, item[0]))

    def shown(template: str, here: str, **said: Any) -> str:
        return render_template(
            f"docs/{template}.html",
            reference=reference,
            appendices=APPENDICES,
            here=here,
            problems=problems,
            origin=request.root_url.rstrip("/"),
            **said,
        )

    @frame.page("/docs", anybody=True)
    def show_docs() -> Answer:
        if q := asked(Listed).get("q", "").strip():
            return shown(
                "found",
                "found",
                q=q,
                operations=[one for one in reference.operations if one.is_meant(q)],
                codes=[one for one in problems if holds(q, one[0], one[1].meaning)],
                roles=[one for one in ROLES_TOLD if holds(q, *one)],
            )
        return shown("start", "", description=DESCRIPTION, version=VERSION)

    @frame.page("/docs/<chapter>", anybody=True)
    def show_chapter(chapter: str) -> Answer:
        if chapter in APPENDICES:
            kinds = {"remixes": REMIX_KINDS, "credits": CREDIT_KINDS}
            return shown(chapter, chapter, roles=ROLES_TOLD, kinds=kinds)
        if chapter not in reference.chapters:
            raise Problem("not_found", f"There is no chapter “{chapter}”.")
        return shown("chapter", chapter, chapter=reference.chapters[chapter])

    @frame.page("/openapi.json", anybody=True)
    def show_openapi() -> Answer:
        return Response(openapi, mimetype="application/json")
