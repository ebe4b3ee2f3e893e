"""Pages for people: the start, and the documentation, both without a script.

The one rule: everything a page needs is served here; it works offline and runs no foreign code.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, render_template, request

from api.document import DESCRIPTION, VERSION, chapters
from api.problems import PROBLEMS
from domain.credit import CREDIT_KINDS
from domain.remix import REMIX_KINDS
from domain.role import ROLES

PUBLIC = ("static", "pages.show_start", "pages.show_docs", "pages.show_openapi")
"""The endpoints that need no key."""

QUESTIONS = (
    ("Who contributed to this finished work?", "list_work_contributors", ""),
    ("What was it made from, through every generation?", "show_lineage", ""),
    ("How did that come to be known?", "show_work_history", ""),
    ("Which finished works is this person in?", "list_attribution", ""),
    ("Which pieces has nobody remixed yet?", "list_works", "?never_remixed=true"),
)
"""What the start page suggests to ask, the operations that answer, and how."""


def pages(document: dict[str, Any]) -> Blueprint:
    """The pages, and the OpenAPI document they are made from."""
    blueprint = Blueprint("pages", __name__)
    told = chapters(document)
    operations = {operation.name: operation for _, _, group in told for operation in group}
    openapi = json.dumps(document, ensure_ascii=False)

    @blueprint.get("/")
    def show_start() -> str:
        questions = [(question, operations[name], query) for question, name, query in QUESTIONS]
        return render_template("start.html", questions=questions, description=DESCRIPTION)

    @blueprint.get("/docs")
    def show_docs() -> str:
        return render_template(
            "docs.html",
            chapters=told,
            problems=sorted(PROBLEMS.items(), key=lambda item: (item[1].status, item[0])),
            roles=[(role.name, role.meaning) for role in ROLES.values()],
            remix_kinds=REMIX_KINDS,
            credit_kinds=CREDIT_KINDS,
            description=DESCRIPTION,
            version=VERSION,
            origin=request.root_url.rstrip("/"),
        )

    @blueprint.get("/openapi.json")
    def show_openapi() -> Response:
        return Response(openapi, mimetype="application/json")

    return blueprint
