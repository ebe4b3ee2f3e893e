"""The form that assembles a release: find components, order them, and preview before recording.

The form itself carries all of its state; its rows are in the order of the components.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flask import render_template, request

from api import percentages
from api.problems import Problem, of_refusal
from api.schemas import stated
from api.web import errors
from api.web.address import asked, form_id, id_in_path, id_named
from api.web.finding import suggestions
from api.web.frame import Answer, Frame, to_page
from api.web.posting_form import numbers
from domain.command import Command
from domain.commands.releasing import AssembleRelease
from domain.refusal import NoComponents, Refusal
from domain.release import PARTS
from domain.text import whole
from projections import projects, timeline

FIELDS = {
    **{"title": "Title", "part": "Part of a series", "made_at": "Made"},
    "identifiers": "Registry numbers",
}
MOST_ROWS = 500
"""How many components a form holds, as many as a request may."""


@dataclass
class AssemblingForm:
    """The content of the form: its fields, and the components in order with their rates."""

    id: str
    fields: dict[str, str]
    rows: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def sent(cls) -> AssemblingForm:
        """The form as it was sent."""
        form = request.form
        rates = map(percentages.rate, form.getlist("rate"))
        rows = list(zip(form.getlist("work"), rates, strict=False))[:MOST_ROWS]
        fields = {name: form.get(name, "").strip() for name in FIELDS}
        return cls(form_id(), fields, rows)

    def change(self) -> int | None:
        """Move, drop or add the row that the pressed button says.

        Returns the place of the row to focus; None if the button is another one.
        """
        for verb, step in (("up", -1), ("down", 1), ("drop", 0)):
            place = whole(request.form.get(verb, ""))
            if place is not None and place < len(self.rows):
                row = self.rows.pop(place)
                place = max(0, min(place + step, len(self.rows)))
                if step:
                    self.rows.insert(place, row)
                return place
        if (named := request.form.get("add_source")) is not None:
            self.rows.append((id_in_path(named), ""))
            return len(self.rows) - 1
        return None

    def command(self) -> Command:
        said: dict[str, Any] = {name: text for name, text in self.fields.items() if text}
        if "identifiers" in said:
            said["identifiers"] = list(numbers(said["identifiers"]))
        said["components"] = [
            {"work": work, **({"rate": rate} if rate else {})} for work, rate in self.rows
        ]
        return stated(AssembleRelease, {**said, "id": self.id})

    def total(self) -> tuple[Fraction, int]:
        """The sum of the rates, counting each work once, and how many works have none."""
        rates = {work: rate for work, rate in self.rows if rate}
        total, stated = percentages.summed(rates.values())
        return total, len(dict(self.rows)) - stated

    def wrong(self, problem: Problem | None) -> errors.Wrong:
        """The errors of a problem, each with the id of its input."""
        if problem is None:
            return []
        rows = [*_rows(problem.errors)]
        if not self.rows:
            rows.append(("find-works", NoComponents.says))
        others = errors.by_field(problem, self.fields, FIELDS)
        return [one for one in others if one[0]] + rows or others


def _rows(listed: list[dict[str, str]]) -> Iterator[tuple[str, str]]:
    """The errors in components, each with the id of its input."""
    for one in listed:
        match one["pointer"].removeprefix("#/").split("/"):
            case ["components", number, name]:
                yield f"{name}-{number}", f"Component {int(number) + 1}, {name}: {one['detail']}"


def pages(frame: Frame) -> None:
    """The form that assembles a release."""

    @frame.page("/assemble", nobody_else=True)
    def show_assembling() -> Answer:
        entered = AssemblingForm(form_id(), dict.fromkeys(FIELDS, ""))
        for work in request.args.getlist("work"):
            entered.rows.append((id_in_path(work), ""))
        if project := request.args.get("project"):
            with frame.view({}) as view:
                made = projects.pieces(view, id_in_path(project), limit=MOST_ROWS)
            entered.rows += [(one["work"]["id"], "") for one in made.items]
        return _form(frame, entered)

    @frame.form("/assemble")
    def take_assembled() -> Answer:
        entered, do = AssemblingForm.sent(), request.form.get("do", "")
        try:
            place, q = _changed(entered)
            if place is not None or q or do in ("change", "find"):
                return _form(frame, entered, place=place, q=q)
            command = entered.command()
            if do == "record":
                receipt = frame.record(command)
                return to_page(f"/release/{receipt.id}", receipt.position)
            warnings = frame.rehearse(command).warnings
            return _form(frame, entered, template="assembled.html", warnings=warnings)
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            return _form(frame, entered, problem=problem), problem.code


def _changed(entered: AssemblingForm) -> tuple[int | None, str]:
    """The place of the row that was changed or added; or None, with the text to search for."""
    place, q = entered.change(), request.form.get("find_works", "").strip()
    if place is None and (named := id_named(q)) is not None:
        entered.rows.append((named, ""))
        return len(entered.rows) - 1, ""
    return place, "" if place is not None else q


def _form(
    frame: Frame,
    entered: AssemblingForm,
    *,
    template: str = "assemble.html",
    place: int | None = None,
    q: str = "",
    problem: Problem | None = None,
    **more: Any,
) -> str:
    with frame.view(asked()) as view:
        total, unstated = entered.total()
        return render_template(
            template,
            entered=entered,
            parts=PARTS,
            names=timeline.names(view, {work for work, _ in entered.rows}),
            total=total,
            unstated=unstated,
            place=place,
            q=q,
            found=suggestions(view, q, "works") if q else None,
            problem=problem,
            wrong=entered.wrong(problem),
            **more,
        )
