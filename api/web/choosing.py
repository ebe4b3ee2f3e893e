"""Choosing people and works in a form by their names, where a command takes ids.

A name that one person or work alone has is enough; of several, one of those found is chosen. Who
is paid may also be somebody outside: a name that nobody here has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from unicodedata import normalize

from markupsafe import Markup

from api.problems import Problem
from api.web import words
from api.web.address import id_named
from api.web.finding import SUGGESTED, suggestions
from api.web.frame import reader
from domain.command import Command
from domain.identity import may_be_id
from domain.journal import Journal
from domain.money.currency import money
from domain.outside import outside_id
from domain.permission import OPERATOR
from domain.readers import MONEY
from domain.text import folded, searched
from domain.values import Many, Payee, Ref, Several, Value
from projections import timeline
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
"""How what a field names is searched; anything else is named by its id or its page."""

SEPARATOR = ";"
"""What stands between the fields of a record in a line of a form."""

_ID = re.compile("([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

Found = dict[str, dict[str, str]]
"""By the field: what can be chosen, its name by its id."""


class Names:
    """The people and works of a form, by the names that they have in it."""

    def __init__(self, told: Mapping[str, str | None], kept: Collection[str] = ()) -> None:
        self.told, self.kept = dict(told), frozenset(kept)
        """The names by id, and the words that stand for themselves, even if they are a name."""

    @property
    def offered(self) -> list[str]:
        """The names, to be chosen from."""
        return sorted(filter(None, self.told.values()))

    def meant(self, text: str) -> str:
        """The id that a text means: the address of a page, or an unambiguous name; else itself.

        Case, accents and the form of Unicode tell names apart only where several are alike.
        """
        text = normalize("NFC", text.strip())
        if text in self.kept:
            return text
        alike = [id for id, name in self.told.items() if name and searched(name) == searched(text)]
        found = [id for id in alike if self.told[id] == text] or alike
        return id_named(text) or (found[0] if len(found) == 1 else text)

    def called(self, id: str) -> str:
        """The name of an id, if it has one."""
        return self.told.get(id) or id

    def written(self, id: str) -> str:
        """As a form says it: by the name, if that means it alone."""
        name = self.called(id)
        return name if name.isprintable() and self.meant(name) == id else id


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
        if not typed or not noun or len(lines) > getattr(one.value, "most", 1):
            continue  # a list that is too long is refused as such
        ends = SEPARATOR if isinstance(one.value, Several) else "\n"
        parts = [line.partition(ends) for line in lines]
        names = [name for name, *_ in parts if name and not (has_lines and name.startswith("{"))]
        found = {name: dict(_of(view, noun, name)) for name in dict.fromkeys(names)}
        unclear = {name: of for name, of in found.items() if len(of) != 1}
        if unclear and not has_lines:
            (choices[one.name],) = unclear.values()
        if unclear:
            told = [_unclear(view, noun, name, of) for name, of in unclear.items()]
            said[one.name] = (
                "Choose one of the matches." if choices.get(one.name) else " ".join(told)
            )
        else:
            ids[one.name] = "\n".join(
                f"{next(iter(found.get(name, [name])))}{end}{rest}" for name, end, rest in parts
            )
    if said:
        raise NotOne(choices, said)
    return sent | ids


def named(
    view: View, journal: Journal, command: type[Command], sent: Mapping[str, str]
) -> dict[str, Markup]:
    """What the ids in a form name, by the field: so nobody has to recognise an id."""
    ids = {
        one.name: sent.get(one.name, "") for one in command.fields() if isinstance(one.value, Ref)
    }
    told = _told(view, journal, {id for id in ids.values() if may_be_id(id)})
    return {name: told[id] for name, id in ids.items() if id in told}


def in_words(view: View, journal: Journal, text: str) -> Markup:
    """A text with what its ids name instead of the ids."""
    told = _told(view, journal, set(_ID.findall(text)))
    return Markup("").join(told.get(part, part) for part in _ID.split(text))


def _told(view: View, journal: Journal, ids: Collection[str]) -> dict[str, Markup]:
    """What has these ids: works, people, pools and, for who may read them, bookings."""
    told = {id: words.link(thing) for id, thing in timeline.names(view, ids).items()}
    may = Reader(view, journal, reader()).may
    for pool in pools_by_size(view, ids=ids, limit=len(ids)).items if ids else ():
        link = words.link({"kind": "pool", "id": pool["id"], "title": pool["name"]})
        told[pool["id"]] = Markup("{} of {}").format(link, pool["title"] or "a release")
    for id in set(ids) - set(told):
        if (line := booking(view, id)) and may(MONEY, line["pool"]["id"]):
            amount, day = money(line["amount_minor"], line["currency"]), line["effective_at"][:10]
            told[id] = Markup("{}, {}, {}").format(amount, line["name"], day)
    return told


def payee_of(view: View, typed: str) -> str:
    """The payee whom a name or an address means, if it means one alone; else what was typed."""
    found = _of(view, PAYEE, typed)
    return found[0][0] if len(found) == 1 else typed


def _named_by(value: Value) -> tuple[str, bool]:
    """What a field names, and whether it does so in each line; what it names may be nothing."""
    if isinstance(value, Several):
        value, has_lines = value.record.fields()[0].value, True
    else:
        value, has_lines = (value.inner, True) if isinstance(value, Many) else (value, False)
    if isinstance(value, Payee):
        return PAYEE, has_lines
    return (value.noun if isinstance(value, Ref) else ""), has_lines


def _unclear(view: View, noun: str, name: str, found: dict[str, str]) -> str:
    if found:
        return f"“{name}” has several matches: give the address of the right one's page."
    near = " or ".join(one["name"] for one in meant(view, name, noun))
    return f"Nothing and nobody is called “{name}”.{f' Did you mean {near}?' if near else ''}"


def _of(view: View, noun: str, typed: str) -> list[tuple[str, str]]:
    """What has an id, an address or a name."""
    if (id := id_named(typed)) or may_be_id(typed):
        return [(id or typed, typed)]
    if noun not in KINDS or typed == OPERATOR:
        return [(typed, typed)]
    if kind := {PAYEE: "person", "project": noun, "challenge": noun}.get(noun):
        called = things(view, entitled(view, typed, SUGGESTED, (kind,))).values()
        told = _told_apart([(one["id"], one["name"]) for one in called])
        return told or ([(typed, typed)] if noun == PAYEE else [])
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
