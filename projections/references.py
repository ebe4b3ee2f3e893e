"""References: how answers refer to works, people, projects and challenges, by their numbers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from projections import challenges, contributors, lineage, projects
from projections.store import View

_OF_KIND = {
    "work": lineage.references,
    "contributor": contributors.persons,
    "project": projects.references,
    "challenge": challenges.references,
}


def references(view: View, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], Any]:
    """How answers refer to the things with these kinds and numbers; None for unknown ones."""
    found: dict[tuple[str, int], Any] = {}
    for kind, told in _OF_KIND.items():
        if numbers := {number for each, number in wanted if each == kind}:
            known: Any = told(view, numbers)
            found |= {(kind, number): known.get(number) for number in numbers}
    return found
