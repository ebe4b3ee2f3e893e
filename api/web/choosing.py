"""Choosing people and works in a form by their names, where a command takes ids.

A name that one person or work alone has is enough; of several, one of those found is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from api.problems import Problem
from api.web import words
from api.web.finding import suggestions
from api.web.frame import id_named
from domain.command import Command
from domain.identity import may_be_id
from domain.outside import outside_id
from domain.text import folded
from domain.values import Ref
from projections.store import View

KINDS = {
    "contributor": "people",
    **dict.fromkeys(("work", "contribution", "release"), "works"),
}
"""How what a field names is searched."""

Found = dict[str, dict[str, str]]
"""By the field: what can be chosen, its name by its id."""


class NotOne(Exception):
    """Names that are not those of one person or work alone."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found

    @property
    def problem(self) -> Problem:
        """What the form says."""
        said = {
            name: "Choose one of those found." if of else "Nobody and nothing is called so."
            for name, of in self.found.items()
        }
        errors = [
            {"pointer": f"#/{name}", "detail": text, "code": "unknown_choice"}
            for name, text in said.items()
        ]
        detail = " ".join(said.values())
        return Problem("unknown_choice", detail, members={"errors": errors})


def chosen(view: View, command: type[Command], sent: dict[str, str]) -> dict[str, str]:
    """What was sent, with ids instead of names; NotOne if a name is not enough."""
    found = {name: dict(of) for name, of in _named(view, command, sent)}
    ids = {name: next(iter(of)) for name, of in found.items() if len(of) == 1}
    if further := {name: of for name, of in found.items() if len(of) != 1}:
        raise NotOne(further)
    return sent | ids


def _named(
    view: View, command: type[Command], sent: dict[str, str]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for one in command.fields():
        typed = sent.get(one.name, "").strip()
        if typed and isinstance(one.value, Ref) and one.value.noun in KINDS:
            yield one.name, _of(view, one.value.noun, typed)


def _of(view: View, noun: str, typed: str) -> list[tuple[str, str]]:
    """What has an id, an address or a name."""
    if (id := id_named(typed)) or may_be_id(typed):
        return [(id or typed, typed)]
    if "://" in typed:
        return [(outside_id(typed), typed)]
    found = suggestions(view, typed, KINDS[noun])
    named = [
        (one["id"], words.called(one))
        for one in (*found["works"], *found["people"])
        if noun != "release" or one["kind"] == "release"
    ]
    exact = [one for one in named if folded(one[1]) == folded(typed)]
    return exact if len(exact) == 1 else _told_apart(named)


def _told_apart(named: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same, each with the end of its id where another is called alike."""
    count = Counter(name for _, name in named)
    return [(id, f"{name} (…{id[-6:]})" if count[name] > 1 else name) for id, name in named]
