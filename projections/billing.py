"""Billing: who made a work, by name, and their names as printed on a sleeve: “A feat. B”."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from projections import attribution, contributors, lineage
from projections.attribution import CreditRow
from projections.store import View
from projections.told import Maker, PersonRef
from projections.wording import between


def name_of(one: Mapping[str, Any], erased: str = "(forgotten)") -> str:
    """The name on a credit: the one stated there, or else that of the account."""
    return str(one.get("credited_as") or one["name"] or erased)


def made_with_ai(one: Mapping[str, Any]) -> str:
    """What a credit says about AI, in words; empty if it says nothing."""
    if not one["ai"]:
        return ""
    if one["ai"] == ["none"]:
        return "without AI"
    tool = f" by {one['ai_tool']}" if one["ai_tool"] else ""
    return f"AI: {', '.join(one['ai'])}{tool}"


def line(makers: Iterable[Mapping[str, Any]]) -> str:
    """The names of a work's makers in order, each person once, with their join phrases."""
    once: dict[str, Mapping[str, Any]] = {}
    for one in makers:
        once.setdefault(one["id"], one)
    usual = between([*map(name_of, once.values())])
    told = [
        part for one in once.values() for part in (name_of(one), one.get("join_phrase") or usual)
    ]
    return "".join(told[:-1])


def makers(view: View, works: Collection[int]) -> dict[int, list[Maker]]:
    """Who is credited directly on each work: the names on its card."""
    rows = attribution.credits_on(view, works)
    people = contributors.persons(view, {row.contributor for row in rows})
    return makers_of(rows, people, attribution.texts_of(view, rows))


def makers_of(
    rows: Iterable[CreditRow], people: Mapping[int, PersonRef], texts: Mapping[str | None, str]
) -> dict[int, list[Maker]]:
    """As ``makers``, from credits, people and texts already read."""
    made: dict[int, dict[tuple[object, ...], Maker]] = {}
    for row in rows:
        if row.kind == "direct":
            maker: Maker = {
                **people[row.contributor],
                "role": row.role,
                **attribution.name_on(row, texts),
            }
            # A person merged from two singers is listed once.
            named = maker["id"], maker["role"], maker["credited_as"], maker["join_phrase"]
            made.setdefault(row.work, {}).setdefault(named, maker)
    return {work: list(makers.values()) for work, makers in made.items()}


def lineage_with_makers(view: View, id: str) -> lineage.Shown:
    """A work and everything it was made from, each work with who is credited on it."""
    shown = lineage.lineage(view, id)
    made = makers(view, shown.numbers)
    for number, work in zip(shown.numbers, shown.works.values(), strict=True):
        work["contributors"] = made.get(number, [])
    return shown
