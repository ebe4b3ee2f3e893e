"""Pictures of lineages, histories and earnings, within pages and as files.

A picture shows the same position of the journal as its page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from flask import Response, current_app, g, request, send_from_directory

from api.web import words
from api.web.address import PageQuery, again
from api.web.frame import Answer, Frame, file_of
from domain.money.currency import called, money
from projections import billing, lineage, sentences, wording
from projections.ancestry import ancestry
from projections.descent import Descent, descent
from projections.lineage import Shown, WorkRow
from projections.money.flows import Flows, flows
from projections.pictures.earnings import earnings_svg
from projections.pictures.files import as_png, as_svg
from projections.pictures.folding import DrawnWork, LineagePicture
from projections.pictures.font import FOLDER
from projections.pictures.lineage import MOST_CARDS, lineage_svg
from projections.pictures.outline import nested_html
from projections.pictures.svg import SHEET, Markup, policy
from projections.pictures.timeline import Happening, timeline_svg
from projections.question import Asking, Question
from projections.registry import QUESTIONS
from projections.store import View
from projections.workshop import elsewhere

NEAR, NEAR_WIDEST = 14, 6
"""How many works made from a work its page draws, and how many of them from any one work."""
FAR, FAR_WIDEST = 80, 16
"""The same for the page of its descendants, and for the picture as a file."""
LINEAGE = QUESTIONS["show_lineage"]
SVG = "image/svg+xml; charset=utf-8"
FONT_SECONDS = 7 * 24 * 60 * 60
"""How long a browser may cache the font."""


def pages(frame: Frame) -> None:
    """Pictures as files, and the style sheet and font of those within pages."""

    frame.blueprint.app_template_global("earnings_drawn")(earnings_drawn)
    frame.blueprint.app_template_global("lineage_forms")(LINEAGE.forms.items)

    @frame.page("/static/pictures.css", anybody=True)
    def show_picture_sheet() -> Answer:
        return Response(SHEET.read_text("utf-8"), content_type="text/css; charset=utf-8")

    @frame.page("/favicon.ico", anybody=True)
    def show_icon() -> Answer:
        """The icon, which browsers ask for here beside an answer that is no page."""
        return current_app.send_static_file("stemma.svg")

    @frame.page("/static/arimo-<int:weight>.woff2", anybody=True)
    def show_font(weight: int) -> Answer:
        return send_from_directory(FOLDER, f"arimo-{weight}.woff2", max_age=FONT_SECONDS)

    pictured(frame, "works/<id>/lineage", as_svg, as_png, _by_itself, is_release=True)
    pictured(frame, "works/<id>/descendants", as_svg, as_png, _onward_by_itself, is_release=True)
    for asked in (LINEAGE, QUESTIONS["list_work_contributors"]):
        for name in asked.forms:
            _exported(frame, asked, name)


def pictured(
    frame: Frame,
    path: str,
    draw: Callable[..., str],
    paint: Callable[..., bytes],
    of: Callable[[View, PageQuery, str], tuple[Any, ...]],
    *,
    is_release: bool = False,
) -> None:
    """Register a picture as two files, SVG with its style and PNG.

    ``of`` reads the arguments of ``draw`` (SVG) and ``paint`` (PNG) from a view; they may run in
    another process.
    """

    def drawn(view: View, said: PageQuery, id: str) -> Answer:
        answer = Response(elsewhere(draw, *of(view, said, id)), content_type=SVG)
        answer.headers["Content-Security-Policy"] = policy()
        return answer

    def painted(view: View, said: PageQuery, id: str) -> Answer:
        return Response(elsewhere(paint, *of(view, said, id)), content_type="image/png")

    for form, show in (("svg", drawn), ("png", painted)):
        show.__name__ = f"{show.__name__}_{path.rpartition('/')[2]}"
        frame.viewed(f"/{path}.{form}", is_release=is_release)(show)


def _exported(frame: Frame, asked: Question, name: str) -> None:
    """Register the answer to a question about a work in another format as a file."""
    what = asked.path.rpartition("/")[2]

    def show(view: View, _: PageQuery, id: str) -> Answer:
        return file_of(asked.forms[name], Asking(asked, view, frame.journal, {"id": id}))

    show.__name__ = f"show_{what}_as_{name}"
    frame.viewed(f"/works/<id>/{what}.{name}", is_release=True)(show)


def _by_itself(view: View, said: PageQuery, id: str) -> tuple[LineagePicture, bool]:
    """The picture of a lineage as a file, and whether all of it is requested."""
    found = billing.lineage_with_makers(view, id)
    picture, is_whole = _picture(found, flows(found)), said.get("picture") == "whole"
    whole, folded = again(picture="whole"), again(picture=None)
    return replace(picture, open_href=whole, fold_href=folded), is_whole


def _onward_by_itself(view: View, _: PageQuery, id: str) -> tuple[LineagePicture, bool]:
    """The picture of what was made from a work as a file, always all of it."""
    return _onward(descent(view, id, FAR, FAR_WIDEST), _page_of(id)), True


def earnings_drawn(months: Iterable[Mapping[str, Any]], currency: str) -> Markup:
    """A chart of the months that show_earnings or show_pool_earnings answers, in a currency."""
    units: dict[str, int] = {}
    for each in months:
        units[each["month"]] = units.get(each["month"], 0) + each["earned_minor"]
    return earnings_svg(
        units,
        partial(money, currency=currency),
        title=f"Earned in {called(currency)}",
    )


class Drawn(NamedTuple):
    """A lineage as part of a page, and the addresses of its files."""

    svg: Markup | None
    """The picture, if it fits into the page; None if it is embedded as a file."""
    outline: Markup | None
    """The lineage as a nested list; None if that does not fit."""
    works: int
    """How many ancestors the work has; if ``is_onward``, how many works made from it are drawn."""
    has_alike: bool
    """Whether parts of a release state no rate and count equally."""
    has_unknown: bool
    """Whether other edges state no rate, so that what goes over them is unknown."""
    files: dict[str, str]
    """The addresses of the picture as ``svg`` and ``png``, and of a lineage in other formats."""
    is_onward: bool = False
    """Whether it shows what was made from the work."""
    left_out: str = ""
    """With ``is_onward``: how many works are not drawn, in words."""


def drawn_inline(view: View, work: WorkRow, room_bytes: int) -> Drawn | None:
    """The lineage as part of a page with so much room; None if the work has no ancestors."""
    count, id = len(ancestry(view, work.number).tree.generation) - 1, work.id
    if not count:
        return None
    svg = outline = None
    if count > MOST_CARDS:
        known = lineage.has_unrated(view, work.number)
    else:
        found = billing.lineage_with_makers(view, id)
        flow = flows(found)
        known = flow.has_alike, flow.has_unknown
        picture = _picture(found, flow)
        svg, outline = lineage_svg(picture, stand_alone=False), nested_html(picture)
        if weight(svg) + weight(outline) > room_bytes:
            svg = None
        if weight(outline) > room_bytes:
            outline = None
    files = {form: _file(id, form) for form in ("svg", "png", *LINEAGE.forms)}
    return Drawn(svg, outline, count, *known, files)


def drawn_onward(
    view: View, id: str, room_bytes: int, most: int = NEAR, widest: int = NEAR_WIDEST
) -> Drawn | None:
    """What was made from a work as part of a page with so much room; None if there is nothing."""
    found = descent(view, id, most, widest)
    count = len(found.shown.works) - 1
    if not count:
        return None
    picture = _onward(found, _page_of(id))
    outline = nested_html(picture, prefix="onward")
    svg: Markup | None = lineage_svg(picture, stand_alone=False)
    if weight(svg) + weight(outline) > room_bytes:
        svg = None
    files = {form: _file(id, form, "descendants") for form in ("svg", "png")}
    shown = outline if weight(outline) <= room_bytes else None
    return Drawn(svg, shown, count, False, False, files, is_onward=True, left_out=picture.left_out)


def taken_by(drawn: Drawn | None) -> int:
    """How many bytes of a page a picture and its list take."""
    return weight(drawn.svg) + weight(drawn.outline) if drawn else 0


def _page_of(id: str) -> str:
    """The address of the page of everything made from a work, at the position of this page."""
    return f"{request.script_root}/descendants/{id}{'' if g.is_now else f'?as_of={g.as_of}'}"


def _onward(found: Descent, whole: str) -> LineagePicture:
    """The picture of what was made from a work; ``whole`` is the address of a page of all of it."""
    left_out = ""
    if found.left_out or not found.is_exact:
        more = wording.several(found.left_out, "further work")
        left_out = f"+ {more}" if found.is_exact else f"+ more than {more}"
    return LineagePicture(
        found.shown.lineage,
        tuple(_work(node) for node in found.shown.works.values()),
        fold=Fraction(),
        open_href=whole,
        onward=True,
        left_out=left_out,
    )


def weight(markup: str | None) -> int:
    """The size of part of a page in bytes."""
    return len((markup or "").encode())


def drawn_history(facts: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The facts of a page on a timeline, linked to their sentences; None within one minute."""
    if len({wording.minute(fact["recorded_at"]) for fact in facts}) < 2:
        return None
    happenings = [
        Happening(
            datetime.fromisoformat(fact["recorded_at"]),
            words.kind_of(fact["topic"]),
            fact["sentence"].striptags(),
            f"#fact-{fact['position']}",
        )
        for fact in facts
    ]
    return timeline_svg(happenings)


def _file(id: str, form: str, of: str = "lineage") -> str:
    """The address of a picture as a file, at the position of this page."""
    asked = "" if g.is_now else f"?as_of={g.as_of}"
    return f"{request.script_root}/works/{id}/{of}.{form}{asked}"


def _picture(found: Shown, known: Flows) -> LineagePicture:
    works = tuple(_work(node, _told(node, known)) for node in found.works.values())
    over: dict[tuple[str, str], Fraction] = {}
    for edge, share in zip(found.lineage.edges, known.over, strict=True):
        if share is not None:
            over[edge[:2]] = over.get(edge[:2], Fraction()) + share
    return LineagePicture(found.lineage, works, over)


def _work(node: Mapping[str, Any], share: Fraction | None = None) -> DrawnWork:
    return DrawnWork(
        id=node["id"],
        title=sentences.called(node),
        kind=node["kind"],
        medium=node["medium"] or "",
        people=tuple(sentences.called(one) for one in node["contributors"]),
        href=words.address(node),
        share=share,
    )


def _told(node: Mapping[str, Any], known: Flows) -> Fraction | None:
    """The share that a work keeps; none is shown for a release that passes everything on."""
    kept = known.kept[node["id"]]
    return None if node["kind"] == "release" and kept == 0 else kept
