"""The auditor's desk: open disputes, suspect dates, corrections, and the check of a file.

An auditor reads everything and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import render_template

from api.web.address import PageQuery
from api.web.finding import told
from api.web.frame import Answer, Frame, reader
from domain.dispute import GROUNDS
from domain.permission import READS
from projections import around, corrections, disputes, lineage, listing, timeline
from projections.money.readers import Reader
from projections.pages import Page
from projections.store import View

MANY = 20


def pages(frame: Frame) -> None:
    """The desk."""

    @frame.desk("auditor", "Disputes, suspect dates, corrections, proofs", READS)
    def show_auditor(view: View, said: PageQuery) -> Answer:
        at, seen = said.at, Reader(view, frame.journal, reader())
        opened = disputes.opened(view, after=at.of("disputes"), limit=MANY)
        dated = listing.works(view, suspect_dates=True, after=at.of("dates"), limit=MANY)
        corrected = corrections.corrections(view, seen, after=at.of("corrected"), limit=MANY)
        return render_template(
            "auditor.html",
            opened=opened,
            names=timeline.names(view, {one.disputer for one in opened.items}),
            works=lineage.references(view, {one.work for one in opened.items if one.work}),
            grounds=GROUNDS,
            dated=Page(list(_dated(view, dated.items)), dated.next),
            corrected=Page(told(view, corrected.items), corrected.next),
        )


def _dated(view: View, works: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Works, each with its sources whose date is suspect: later than that of the work."""
    for one in works:
        sources = around.work(view, one["id"])["sources"]
        yield one, [source for source in sources if source["suspect_dates"]]
