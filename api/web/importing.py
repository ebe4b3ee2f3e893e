"""The form that uploads a shop's statement: a rehearsal shows what would become of each line.

Meanwhile the file is kept only in the page, which sends it again to be recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePath
from typing import Any

from flask import g, render_template, request

from api.authentication import must_include
from api.problems import Problem, of_refusal
from api.waiting import has_recorded
from api.web import errors, statements
from api.web.address import PageQuery, id_named
from api.web.frame import Answer, Frame
from api.web.keepers import must_read_all
from api.web.sealing import seal
from api.web.statements import MOST_LINES, Outcome, ShopFile
from domain.money.dividing import RecordRevenue
from domain.money.naming import SOURCES
from domain.refusal import Refusal
from projections.money.bookkeeping import pools_by_size
from projections.store import View

FORMS = {
    "sales": "A table (CSV): commas, semicolons or tabs between its columns",
    "dsr": "A digital sales report (DDEX DSR, the flat file)",
}
"""The formats of a statement by name, with their labels."""
GIVEN = ("pool", "source", "effective_at", "document")
"""The fields that may be given for a file that lacks them."""
LABELS = {statements.FILE: "The file", "pool": "Pool"}
"""The labels of the fields that can be wrong."""
OFFERED = 100
"""How many pools the form offers; any other can be named by the address of its page."""
SHOWN = 100
"""How many lines in a state a page shows; the sums cover all lines."""


def pages(frame: Frame) -> None:
    """The pages of the form, of the rehearsal and of what was recorded."""

    @frame.viewed("/desk/accountant/import", nobody_else=True)
    def show_import(view: View, _: PageQuery) -> Answer:
        must_read_all(frame, view)
        return _form(view, request.args.to_dict())

    @frame.form("/desk/accountant/import")
    def take_import() -> Answer:
        must_include(RecordRevenue)
        said = {name: request.form.get(name, "").strip() for name in (*GIVEN, "form", "name")}
        with frame.view({}) as view:
            must_read_all(frame, view)
            try:
                statement = _statement(said)
                lines = statements.lines_of(view, statement)
                told, draft = statements.rehearsed(frame.journal, lines, g.actor)
                statements.warn_of_others(view, told)
                if not _is_seen(told):
                    return _told(view, said, statement, told, None)
            except (Problem, Refusal) as refusal:
                problem = of_refusal(refusal)
                return _form(view, said, problem), problem.code
        told, position = statements.recorded(frame.journal, lines, g.actor, (told, draft))
        has_recorded()
        with frame.view({} if position is None else {"min_position": position}) as view:
            return _told(view, said, None, told, position)


def _is_seen(told: Collection[Outcome]) -> bool:
    """Whether lines are to be recorded that the preview showed just so, or none of them is new."""
    if request.form.get("do") != "record":
        return False
    now = _seal(told)
    return request.form.get("seen", now) == now or all(one.state != "new" for one in told)


def _seal(told: Iterable[Outcome]) -> str:
    return seal(*((one.where, one.state, one.id, one.amount_minor, one.warnings) for one in told))


def _statement(said: dict[str, str]) -> ShopFile:
    """The file that was uploaded or kept in the page, and what was given for it."""
    given = {name: said[name] for name in GIVEN if said[name]}
    if said["pool"]:
        given["pool"] = id_named(said["pool"]) or ""
    if "" in given.values():
        said_where = "Choose one of the pools, or paste the address of its page."
        raise errors.problem_at("pool", "wrong_type", said_where)
    form = said["form"] if said["form"] in FORMS else "sales"
    if kept := request.form.get("kept", ""):
        return ShopFile(statements.unpacked(kept), form, given)
    sent = request.files.get(statements.FILE)
    if sent is None or not sent.filename:
        raise errors.problem_at(
            statements.FILE, "missing_field", "Choose the file that the shop sent."
        )
    said["name"] = PurePath(sent.filename.replace("\\", "/")).name[:200]
    file = statements.must_be_small(sent.stream.read(statements.LARGEST_FILE_BYTES + 1))
    return ShopFile(file, form, given)


def _form(view: View, said: Mapping[str, str], problem: Problem | None = None) -> str:
    return render_template(
        "import.html",
        said=said,
        forms=FORMS,
        sources=SOURCES,
        pools=pools_by_size(view, limit=OFFERED).items,
        largest=statements.LARGEST_FILE_BYTES,
        most=MOST_LINES,
        problem=problem,
        wrong=errors.by_field(problem, {}, LABELS),
    )


def _told(
    view: View,
    said: Mapping[str, str],
    statement: ShopFile | None,
    told: Iterable[Outcome],
    position: int | None,
) -> str:
    """The page of what would become of each line or, without a statement, what became of it."""
    outcomes = list(told)
    by_state: dict[str, list[Any]] = {
        state: [one for one in outcomes if one.state == state]
        for state in ("refused", "new", "known")
    }
    by_state["new"].sort(key=lambda one: -abs(one.amount_minor or 0))
    known = {one.pool for one in outcomes if one.pool}
    return render_template(
        "imported.html",
        said=said,
        kept=statement.kept if statement else None,
        seal=_seal(outcomes),
        given=GIVEN,
        by_state=by_state,
        sums=statements.sums(outcomes),
        names={each["id"]: each for each in pools_by_size(view, ids=known, limit=len(known)).items},
        shown=SHOWN,
        position=position,
    )
