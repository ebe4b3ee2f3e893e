"""The picture of a lineage, within a page and as a file of its own.

The one rule: it shows what the page beside it says, at the same position of the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flask import Response

from api.pages import words
from api.pages.frame import Answer, Frame, again, asked, id_in_path
from api.pictures import LineagePicture, Made, Markup, Work, lineage_svg, policy
from api.pictures.lineage import MOST_CARDS
from api.pictures.png import png_of
from projections import attribution


def pages(frame: Frame) -> None:
    """The pictures that stand alone."""

    @frame.page("/works/<id>/lineage.svg")
    def draw_lineage(id: str) -> Answer:
        return as_file(_by_itself(frame, id))

    @frame.page("/works/<id>/lineage.png")
    def paint_lineage(id: str) -> Answer:
        return painted(_by_itself(frame, id))


def as_file(picture: Markup) -> Response:
    """A picture as a file of its own, which carries its style."""
    answer = Response(picture, content_type="image/svg+xml; charset=utf-8")
    answer.headers["Content-Security-Policy"] = policy()
    return answer


def painted(picture: Markup) -> Response:
    """A picture as PNG."""
    return Response(png_of(picture), content_type="image/png")


def _by_itself(frame: Frame, id: str) -> Markup:
    id = id_in_path(id)
    wanted = asked()
    is_whole = wanted.pop("picture", None) == "whole"
    with frame.view(wanted, id) as view:
        return _drawn(
            attribution.lineage_with_makers(view, id),
            is_alone=True,
            fold=Fraction(0) if is_whole else None,
            open_href=again(picture="whole"),
            fold_href=again(picture=None),
        )


def inline_picture(found: Mapping[str, Any]) -> Markup | None:
    """The picture as a part of the page, unless it is too large for that and comes as a file."""
    is_small = 1 < len(found["nodes"]) <= MOST_CARDS
    return _drawn(found, is_alone=False) if is_small else None


def _drawn(
    found: Mapping[str, Any],
    *,
    is_alone: bool,
    fold: Fraction | None = None,
    open_href: str = "",
    fold_href: str = "",
) -> Markup:
    works = tuple(
        Work(
            id=node["id"],
            title=words.called(node),
            kind=node["kind"],
            medium=node["medium"] or "",
            people=tuple(words.called(one) for one in node["contributors"]),
            href=words.address(node),
        )
        for node in found["nodes"]
    )
    edges = tuple(
        Made(edge["child"], edge["parent"], edge["kind"], edge["rate"] or "")
        for edge in found["edges"]
    )
    picture = LineagePicture(
        found["root"], works, edges, fold=fold, open_href=open_href, fold_href=fold_href
    )
    return lineage_svg(picture, stand_alone=is_alone)
