"""Pictures of lineages, splits, paths and histories, drawn on the server as SVG.

The one rule: a picture is made from plain data alone; it runs no script and loads nothing.
"""

from __future__ import annotations

from projections.pictures.cover import cover
from projections.pictures.earnings import earnings_svg
from projections.pictures.folding import LineagePicture, Work
from projections.pictures.lineage import lineage_svg
from projections.pictures.outline import Entry, nested, nested_html
from projections.pictures.paths import Step, Way, why_svg
from projections.pictures.sankey import Paid, Payee, SplitPicture, Via, split_svg
from projections.pictures.svg import Markup, policy, stylesheet
from projections.pictures.timeline import Happening, timeline_svg

__all__ = [
    "Entry",
    "Happening",
    "LineagePicture",
    "Markup",
    "Paid",
    "Payee",
    "SplitPicture",
    "Step",
    "Via",
    "Way",
    "Work",
    "cover",
    "earnings_svg",
    "lineage_svg",
    "nested",
    "nested_html",
    "policy",
    "split_svg",
    "stylesheet",
    "timeline_svg",
    "why_svg",
]
