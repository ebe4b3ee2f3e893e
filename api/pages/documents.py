"""The documentation and the OpenAPI document, for whoever writes a client.

The one rule: both are made from what runs, and anybody may read them.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Response, render_template, request

from api.document import DESCRIPTION, VERSION, chapters
from api.pages.frame import Answer, Frame
from api.problems import PROBLEMS
from domain.credit import CREDIT_KINDS
from domain.remix import REMIX_KINDS
from domain.role import ROLES


def pages(frame: Frame, document: dict[str, Any]) -> None:
    """The documentation, and the OpenAPI document it is made from."""
    told = chapters(document)
    openapi = json.dumps(document, ensure_ascii=False)

    @frame.page("/docs", anybody=True)
    def show_docs() -> Answer:
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

    @frame.page("/openapi.json", anybody=True)
    def show_openapi() -> Answer:
        return Response(openapi, mimetype="application/json")
