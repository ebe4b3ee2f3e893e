"""The credits roll of a work: everyone in it by role, and the lineage they came in by.

A person is listed once under each role; as influence only if nothing they made in that role is in
the work. A group is listed as such, with those who were in it when its credited works were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from projections import attribution, billing, contributors, groups, lineage
from projections.attribution import CreditRow
from projections.question import Asking, Format
from projections.spreadsheet import rows_of_csv
from projections.store import View
from projections.told import PersonRef

_AI = ("Made with AI", "By which tool")
COLUMNS = ("Name", "Role", "Character", "Shown as", *_AI, "Kind", "Id")
"""The columns of a roll as CSV, with the words by which a form reads them again."""


class Roll(NamedTuple):
    """Who is in a work, and what it was made from."""

    direct: list[dict[str, Any]]
    """Roles with the people whose work is in it, as ``{"role", "people"}``, the nearest first."""
    influence: list[dict[str, Any]]
    """Likewise for those who only influenced it."""
    people: list[dict[str, Any]]
    """Everyone in it, the nearest first, each as they are named there."""
    lineage: lineage.Shown
    """What it was made from, each work with those credited on it."""
    behind: Mapping[str, list[PersonRef]]
    """By group: who was in it at the time."""


def roll(view: View, id: str) -> Roll:
    """The credits roll of a work, through every generation."""
    shown = lineage.lineage(view, id)
    rows = attribution.credits_on(view, shown.numbers)
    people = contributors.persons(view, {row.contributor for row in rows})
    texts = attribution.texts_of(view, rows)
    makers = billing.makers_of(rows, people, texts)
    works = dict(zip(shown.numbers, shown.works.values(), strict=True))
    for number, work in works.items():
        work["contributors"] = makers.get(number, [])
    reached = {number for number, work in works.items() if work["id"] in shown.lineage.direct}
    direct = {row.id for row in rows if row.kind == "direct" and row.work in reached}
    rows.sort(key=lambda row: (works[row.work]["generation"], row.place))
    made = _by_role((row for row in rows if row.id in direct), people, texts)
    already = {(part["role"], one["id"]) for part in made for one in part["people"]}
    shaped = _by_role((row for row in rows if row.id not in direct), people, texts, already)
    nearest: dict[int, dict[str, Any]] = {}
    for row in rows:
        name = attribution.name_on(row, texts)
        nearest.setdefault(row.contributor, {**people[row.contributor], **name})
    return Roll(made, shaped, list(nearest.values()), shown, _behind(view, rows, people))


def _behind(
    view: View, rows: Iterable[CreditRow], people: Mapping[int, PersonRef]
) -> dict[str, list[PersonRef]]:
    works: dict[int, set[int]] = {}
    for row in rows:
        works.setdefault(row.contributor, set()).add(row.work)
    found = groups.behind(view, works)
    told = contributors.persons(view, {one.contributor for each in found.values() for one in each})
    return {
        people[group]["id"]: [told[number] for number in dict.fromkeys(m.contributor for m in each)]
        for group, each in found.items()
    }


def _by_role(
    rows: Iterable[CreditRow],
    people: Mapping[int, PersonRef],
    texts: dict[str | None, str],
    already: Iterable[tuple[str, str]] = (),
) -> list[dict[str, Any]]:
    told, roles = set(already), dict[str, dict[int, dict[str, Any]]]()
    for row in rows:
        person = people[row.contributor]
        if (row.role, person["id"]) in told:
            continue
        line = roles.setdefault(row.role, {}).setdefault(row.contributor, {**person, "open": True})
        for name, text in attribution.name_on(row, texts).items():
            line[name] = line.get(name) or text
        # Open as long as every credit of the person in this role is claimed or disputed.
        line["open"] = line["open"] and row.state in ("claimed", "disputed")
    return [{"role": role, "people": list(lines.values())} for role, lines in roles.items()]


def _as_csv(asking: Asking) -> str:
    """The whole roll of a work as a table, with a line for each role of a person."""
    found = roll(asking.view, asking.said["id"])
    kinds = {"direct": found.direct, "influence": found.influence}
    return rows_of_csv(
        COLUMNS,
        (
            {
                "Name": billing.name_of(one, one["id"]),
                "Role": part["role"],
                "Character": one.get("character"),
                "Shown as": one.get("display"),
                "Made with AI": ", ".join(one["ai"] or ()),
                "By which tool": one["ai_tool"],
                "Kind": kind,
                "Id": one["id"],
            }
            for kind, parts in kinds.items()
            for part in parts
            for one in part["people"]
        ),
    )


FORMS = {"csv": Format("text/csv", _as_csv, ",".join(COLUMNS) + "\r\n")}
"""The formats of a roll."""
