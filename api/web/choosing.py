"""Choosing people and works in a form by their names, where a command takes ids.

A name that one person or work alone has is enough; of several, one of those found is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from api.problems import Problem
from api.web import words
from api.web.finding import suggestions
from api.web.frame import id_named
from domain.command import Command
from domain.identity import may_be_id
from domain.outside import outside_id
from domain.text import folded
from domain.values import Many, Ref, Several, Value
from projections.meant import meant
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

    def __init__(self, found: Found, said: dict[str, str]) -> None:
        super().__init__()
        self.found, self.said = found, said

    def problem(self, further: Iterable[Mapping[str, str]]) -> Problem:
        """What the form says, with what else is wrong in it."""
        errors = [
            {"pointer": f"#/{name}", "detail": text, "code": "unknown_choice"}
            for name, text in self.said.items()
        ]
        detail = " ".join(self.said.values())
        return Problem("unknown_choice", detail, members={"errors": [*errors, *further]})


def chosen(view: View, command: type[Command], sent: dict[str, str]) -> dict[str, str]:
    """What was sent, with ids instead of names; NotOne if a name is not enough."""
    choices, said, ids = Found(), dict[str, str](), dict[str, str]()
    for one in command.fields():
        typed, (noun, has_lines) = sent.get(one.name, "").strip(), _named_by(one.value)
        lines = [line.strip() for line in typed.splitlines()] if has_lines else [typed]
        if not typed or noun not in KINDS or len(lines) > getattr(one.value, "most", 1):
            continue  # a list that is too long is refused as such
        names = [line for line in lines if line and not (has_lines and line.startswith("{"))]
        found = {name: dict(_of(view, noun, name)) for name in dict.fromkeys(names)}
        unclear = {name: of for name, of in found.items() if len(of) != 1}
        if unclear and not has_lines:
            (choices[one.name],) = unclear.values()
        if unclear:
            told = [_unclear(view, noun, name, of) for name, of in unclear.items()]
            said[one.name] = (
                "Choose one of those found." if choices.get(one.name) else " ".join(told)
            )
        else:
            ids[one.name] = "\n".join(next(iter(found.get(line, [line]))) for line in lines)
    if said:
        raise NotOne(choices, said)
    return sent | ids


def _named_by(value: Value) -> tuple[str, bool]:
    """What a field names, and whether it does so in each line; what it names may be nothing."""
    if isinstance(value, Several):
        value, has_lines = value.record.fields()[0].value, True
    else:
        value, has_lines = (value.inner, True) if isinstance(value, Many) else (value, False)
    return (value.noun if isinstance(value, Ref) else ""), has_lines


def _unclear(view: View, noun: str, name: str, found: dict[str, str]) -> str:
    if found:
        return f"Several are found for “{name}”: give the address of the page of one."
    near = " or ".join(one["name"] for one in meant(view, name, noun))
    return f"Nobody and nothing is called “{name}”.{f' Did you mean {near}?' if near else ''}"


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
