"""Naming people and works in forms by their names, where commands take ids.

A name is accepted if exactly one person or work has it; if several do, the form offers them to
choose from. A payee's name that nobody here has stands for an outside payee.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from unicodedata import normalize

from flask import g
from markupsafe import Markup, escape

from api.problems import Problem
from api.web import words
from api.web.address import id_named
from api.web.finding import SUGGESTED, suggestions
from api.web.frame import Frame, account, reader
from domain.command import Command
from domain.identity import may_be_id
from domain.journal import Journal
from domain.money.currency import money
from domain.outside import outside_id
from domain.permission import OPERATOR
from domain.readers import MONEY
from domain.refusal import Unknown
from domain.text import LIMITS, folded, searched
from domain.value import Many, Payee, Ref, Several, Value
from projections import around, attribution, contributors, memberships, sentences, timeline, wording
from projections.meant import meant
from projections.money.bookkeeping import booking, pools_by_size
from projections.money.readers import Reader
from projections.searching import entitled, things
from projections.store import View

PAYEE = "payee"
KINDS = {
    **dict.fromkeys(("contributor", PAYEE), "people"),
    **dict.fromkeys(("work", "contribution", "release"), "works"),
    **dict.fromkeys(("project", "challenge"), "titles"),
}
"""Where a name is searched, by the noun that a field refers to; other nouns are named by their id
or the address of their page."""

SEPARATOR = ";"
"""What separates the fields of a record that is typed in one line."""

_ID = re.compile("([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

Found = dict[str, dict[str, str]]
"""By field: the choices, as names by id."""


class Names:
    """The people and works that a form refers to by name."""

    def __init__(self, told: Mapping[str, str | None], kept: Collection[str] = ()) -> None:
        self.told, self.kept = dict(told), frozenset(kept)
        """The names by id; and words that stand for themselves, even if they are a name too."""

    @property
    def offered(self) -> list[str]:
        """The names to choose from."""
        return sorted(filter(None, self.told.values()))

    def meant(self, text: str) -> str:
        """The id that a text means, by address or by an unambiguous name; else the text.

        Case, accents and Unicode form count only between names that differ in nothing else.
        """
        text = normalize("NFC", text.strip())
        if text in self.kept:
            return text
        alike = [id for id, name in self.told.items() if name and searched(name) == searched(text)]
        found = [id for id in alike if self.told[id] == text] or alike
        return id_named(text) or (found[0] if len(found) == 1 else text)

    def called(self, id: str) -> str:
        """The name for an id; the id itself if it has none."""
        return self.told.get(id) or id

    def written(self, id: str) -> str:
        """How a form writes an id: as its name, if that is unambiguous; else as the id."""
        name = self.called(id)
        return name if name.isprintable() and self.meant(name) == id else id


class Matches(NamedTuple):
    """What a text may name: names by id, and whether it names exactly one of them in full.

    A part of a name names nobody: a role given to “Cl” would be Cleo's.
    """

    names: dict[str, str]
    is_clear: bool


class NotOne(Exception):
    """Names in a form that do not match exactly one person or work."""

    def __init__(self, found: Found, said: dict[str, str], sent: dict[str, str]) -> None:
        super().__init__()
        self.found, self.said, self.sent = found, said, sent
        """What to choose from and what is wrong, by field; the form, with ids for clear names."""

    def problem(self, further: Iterable[Mapping[str, str]]) -> Problem:
        """The problem to show with the form, together with its other errors."""
        errors = [
            {"pointer": f"#/{name}", "detail": text, "code": "unknown_choice"}
            for name, text in self.said.items()
        ]
        detail = " ".join(self.said.values())
        return Problem("unknown_choice", detail, members={"errors": [*errors, *further]})


def chosen(view: View, command: type[Command], sent: dict[str, str]) -> dict[str, str]:
    """What was sent, with names replaced by ids; raises NotOne for ambiguous or unknown names."""
    choices, said, ids = Found(), dict[str, str](), dict[str, str]()
    for one in command.fields():
        typed, (noun, has_lines) = sent.get(one.name, "").strip(), _named_by(one.value)
        lines = [line.strip() for line in typed.splitlines()] if has_lines else [typed]
        if not typed or not noun or len(lines) > getattr(one.value, "most", 1):
            continue  # a list that is too long is refused later, as such
        ends = SEPARATOR if isinstance(one.value, Several) else "\n"
        parts = [line.partition(ends) for line in lines]
        names = [name for name, *_ in parts if name and not (has_lines and name.startswith("{"))]
        found = {name: _of(view, noun, name) for name in dict.fromkeys(names)}
        unclear = {name: of.names for name, of in found.items() if not of.is_clear}
        if unclear and not has_lines:
            (choices[one.name],) = unclear.values()
        if unclear:
            told = [_unclear(view, noun, name, of) for name, of in unclear.items()]
            said[one.name] = (
                "Choose one of the matches." if choices.get(one.name) else " ".join(told)
            )
        else:
            ids[one.name] = "\n".join(
                f"{next(iter(found[name].names)) if name in found else name}{end}{rest}"
                for name, end, rest in parts
            )
    if said:
        raise NotOne(choices, said, sent | ids)
    return sent | ids


def with_lines_of(
    command: type[Command], sent: Mapping[str, str], typed: Mapping[str, str]
) -> dict[str, str]:
    """What was sent, but with names, as they were typed, in the fields that hold many."""
    many = {one.name for one in command.fields() if _named_by(one.value)[1]}
    return {**sent, **{name: text for name, text in typed.items() if name in many}}


def one_called(view: View, noun: str, typed: str) -> str:
    """The id of what a text names; refused unless that is exactly one."""
    found = _of(view, noun, typed)
    if not found.is_clear:
        raise Problem("unknown_choice", _unclear(view, noun, typed, found.names))
    return next(iter(found.names))


def named(
    view: View, journal: Journal, command: type[Command], sent: Mapping[str, str]
) -> dict[str, Markup]:
    """By field: a link to what the id in it names, so that nobody has to recognise ids."""
    named = {one.name: one.value for one in command.fields() if isinstance(one.value, Ref | Payee)}
    refs = {name: _named_by(value)[0] for name, value in named.items()}
    ids = {name: sent.get(name, "") for name in refs if may_be_id(sent.get(name, ""))}
    told = _told(view, journal, {*ids.values()})
    for name, id in ids.items():
        if refs[name] in _LINES:
            with suppress(Unknown):
                told[id] = _LINES[refs[name]](view, id)
    return {name: told[id] for name, id in ids.items() if id in told}


def _credit(view: View, id: str) -> Markup:
    known = account(view)
    found = attribution.credit(view, id, contributors.accounts(view, known) if known else ())
    person = found["credited_as"] or sentences.called({**found["contributor"]})
    work = timeline.names(view, [found["work"]])[found["work"]]
    return Markup("{}, {} on {}").format(person, found["role"], words.link(work))


def _remix(view: View, id: str) -> Markup:
    found = around.remix(view, id)
    child, parent = (words.link({**found[side]}) for side in ("child", "parent"))
    return Markup("{} made from {} ({})").format(child, parent, found["kind"])


def _membership(view: View, id: str) -> Markup:
    found = memberships.membership(view, id)
    person, group = (words.link({**found[side]}) for side in ("contributor", "group"))
    return Markup("{} in {}").format(person, group)


_LINES: Mapping[str, Callable[[View, str], Markup]] = {
    **{"credit": _credit, "remix": _remix},
    "membership": _membership,
}
"""How a form says what it is about, by the noun of its field."""


def pages(frame: Frame) -> None:
    """The filter with which every page tells a refusal or a warning, so that nobody reads ids."""

    @frame.blueprint.app_template_filter()
    def in_words(text: str) -> Markup:
        """A text in which ids are replaced by links to what they name, for who may read pages."""
        if not (frame.public or g.get("actor")) or not (ids := set(_ID.findall(text))):
            return escape(text)
        with frame.store.view() as view:
            told = _told(view, frame.journal, ids)
        return Markup("").join(told.get(part, part) for part in _ID.split(text))


def _told(view: View, journal: Journal, ids: Collection[str]) -> dict[str, Markup]:
    """By id: a work, person or pool as a link, and a booking in words, if the reader may see it."""
    told = {id: words.link(thing) for id, thing in timeline.names(view, ids).items()}
    reads = Reader(view, journal, reader())
    pools = pools_by_size(view, ids=ids, limit=len(ids)).items if ids else ()
    for pool in filter(lambda one: reads.may_read_pool(one["id"]), pools):
        link = words.link({"kind": "pool", "id": pool["id"], "title": pool["name"]})
        told[pool["id"]] = Markup("{} of {}").format(link, pool["title"] or "a release")
    for id in set(ids) - set(told):
        if (line := booking(view, id)) and reads.may(MONEY, line["pool"]["id"]):
            amount = money(line["amount_minor"], line["currency"])
            earned = wording.earned(line["effective_at"])
            told[id] = Markup("{}, {}, {}").format(amount, line["name"], earned)
    return told


def payee_of(view: View, typed: str) -> str:
    """The id of the payee that a name or address means; unless exactly one, what was typed."""
    with suppress(Problem):
        return one_called(view, PAYEE, typed)
    return typed


def _named_by(value: Value) -> tuple[str, bool]:
    """The noun that a field refers to (“” if none), and whether each of its lines does."""
    if isinstance(value, Several):
        value, has_lines = value.record.fields()[0].value, True
    else:
        value, has_lines = (value.inner, True) if isinstance(value, Many) else (value, False)
    if isinstance(value, Payee):
        return PAYEE, has_lines
    return (value.noun if isinstance(value, Ref) else ""), has_lines


def _unclear(view: View, noun: str, name: str, found: dict[str, str]) -> str:
    if len(found) > 1:
        return f"“{name}” has several matches: give the address of the right one's page."
    if len(name) > LIMITS["title"]:
        return "Nothing and nobody has so long a name."
    near = " or ".join([*found.values()] or [one["name"] for one in meant(view, name, noun)])
    return f"Nothing and nobody is called “{name}”.{f' Did you mean {near}?' if near else ''}"


def _of(view: View, noun: str, typed: str) -> Matches:
    """What a typed id, address or name may mean."""
    if (id := id_named(typed)) or may_be_id(typed):
        return Matches({id or typed: typed}, is_clear=True)
    if noun not in KINDS or typed == OPERATOR:
        return Matches({typed: typed}, is_clear=True)
    if kind := {PAYEE: "person", "project": noun, "challenge": noun}.get(noun):
        called = things(view, entitled(view, typed, SUGGESTED, (kind,))).values()
        told = _told_apart(view, [(one["id"], one["name"], one) for one in called])
        if not told and noun == PAYEE:
            told = [(typed, typed)]
        return Matches(dict(told), is_clear=len(told) == 1)
    if "://" in typed:
        return Matches({outside_id(typed): typed}, is_clear=True)
    found = suggestions(view, typed, KINDS[noun])
    named = [
        (one["id"], sentences.called(one), one)
        for one in (*found["works"], *found["people"])
        if noun != "release" or one["kind"] == "release"
    ]
    exact = [one for one in named if folded(one[1]) == folded(typed)]
    if len(exact) == 1:
        return Matches(dict([exact[0][:2]]), is_clear=True)
    return Matches(dict(_told_apart(view, named)), is_clear=False)


def _told_apart(
    view: View, named: list[tuple[str, str, Mapping[str, Any]]]
) -> list[tuple[str, str]]:
    """Ids with names; equal names differ by what there is about each and by the end of its id.

    When two accounts are merged, this shows which is which.
    """
    count = Counter(name for _, name, _ in named)
    return [
        (id, f"{name} ({', '.join((*_about(view, one), f'…{id[-6:]}'))})")
        if count[name] > 1
        else (id, name)
        for id, name, one in named
    ]


def _about(view: View, one: Mapping[str, Any]) -> Iterator[str]:
    """What a person did, or what a work is and who made it, in a few words."""
    if one.get("kind", "person") == "person":
        did = contributors.person(view, one["id"])["did"]
        yield from [each["role"] for each in did[:2]] or ["not credited yet"]
    elif "makers" in one:
        yield from filter(None, (one["medium"], *(each["name"] for each in one["makers"][:2])))
