"""The state of the form that posts a piece: its sources, its people and its fields.

The form itself carries all of it; the server keeps nothing between requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

from flask import request

from api import percentages
from api.problems import Problem, of_refusal
from api.web.address import form_id, id_named
from api.web.choosing import SEPARATOR, one_called
from domain.identity import may_be_id
from domain.outside import normal_uri
from domain.refusal import Refusal
from domain.remix import REMIX_KINDS, exact_rate
from domain.text import folded, whole
from projections import attribution, projects, timeline
from projections.ancestry import ancestry
from projections.store import View

KIND = "sample"
"""The default kind of a source."""
MOST_ROWS = 200
"""How many sources or people a form holds."""
FEW_ROWS = 12
"""Up to so many rows show all their fields; more show only the fields that are in use."""

ALL_FIELDS = "all"
"""What the button sends that shows all fields of many rows."""
UNUSED = ("", "direct")
"""A field with such a value says no more than one that is not shown."""

Row = dict[str, str]
SOURCE = ("source", "kind", "rate", "note", "ai", "ai_tool")
PERSON = (
    "person",
    "role",
    "display",
    "credited_as",
    "join_phrase",
    "character",
    "ai",
    "ai_tool",
    "kind",
)
FIELDS = {
    "title": "Title",
    "medium": "Medium",
    "made_at": "Made",
    "licence": "Licence",
    "media_url": "Where it can be seen or heard",
    "identifiers": "Registry numbers",
    "evidence": "Evidence",
    "evidence_kind": "Kind of evidence",
}
"""The fields that a form has once, with their labels."""
_IN_ORDER = (*islice(FIELDS, 6), "sources", "authors", "evidence", "evidence_kind")
"""What stands below what in the form."""
_SOURCE_FIELDS = {
    **dict.fromkeys(("source", "work", "uri", "parent"), ("source", "Source")),
    **dict.fromkeys(("note", "evidence"), ("note", "Note")),
    **{"kind": ("kind", "Kind"), "rate": ("rate", "Rate")},
    **{"ai": ("source-ai", "Made from it with AI"), "ai_tool": ("source-tool", "By which tool")},
}
_PERSON_FIELDS = {
    **dict.fromkeys(("person", "contributor"), ("person", "Person")),
    **{"role": ("role", "Role"), "display": ("display", "Shown as"), "kind": ("how", "Kind")},
    **{"credited_as": ("named", "Name on the credit"), "character": ("character", "Character")},
    "join_phrase": ("join", "Before the next name"),
    **{"ai": ("ai", "Made with AI"), "ai_tool": ("tool", "By which tool")},
}
"""For rows of people, and above for sources: the fields by each of their names in commands and
rows, with the prefix of the input's id (the number of the row follows) and the label."""
PASTED, SEARCHED = ("sources", "people"), ("works", "people")
"""What can be pasted as a list, and what can be searched for."""
COLUMNS = ("person", "role", "character", "credited_as")
"""What the columns of a pasted table of people hold, unless its first line names them."""
_HEADINGS = {"name": "person"} | {
    folded(label): name for name, (_, label) in _PERSON_FIELDS.items() if name in PERSON
}


@dataclass
class PostingForm:
    """The rows and fields of a form, and what could not be read."""

    id: str
    fields: dict[str, str]
    sources: list[Row]
    people: list[Row]
    complaints: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    """The pasted lines that were not read yet or could not be, by what they are: see PASTED."""
    sought: dict[str, str] = field(default_factory=dict)
    """What is typed into the fields that search, by what they search: see SEARCHED."""
    focused: str = ""
    """The id of the input to go on with: that of the row added last, or after one removed."""

    @classmethod
    def empty(cls) -> PostingForm:
        return cls(form_id(), {}, [], [])

    @classmethod
    def sent(cls, *names: str) -> PostingForm:
        """The form as it was sent, with the fields of these names."""
        given = {name: request.form.get(name, "").strip() for name in names}
        return cls(
            form_id(),
            given,
            list(_rows("source", SOURCE))[:MOST_ROWS],
            list(_rows("person", PERSON))[:MOST_ROWS],
            left={what: request.form.get(f"paste_{what}", "").strip("\r\n") for what in PASTED},
            sought={what: request.form.get(f"find_{what}", "").strip() for what in SEARCHED},
        )

    # -- adding and removing ----------------------------------------------------------------

    def change(self) -> bool:
        """Add or remove what the pressed button says; False if the button is another one."""
        form = request.form
        if (named := form.get("add_source")) is not None:
            self.add_source(named)
            self.sought["works"] = ""
        elif (named := form.get("add_person")) is not None:
            self.add_person(named)
            self.sought["people"] = ""
        elif (place := form.get("drop_source")) is not None:
            self._drop(self.sources, place, "kind")
        elif (place := form.get("drop_person")) is not None:
            self._drop(self.people, place, "role")
        elif (name := form.get("drop_for")) is not None:
            self.fields.pop(name, None)
        else:
            return False
        return True

    def _drop(self, rows: list[Row], place: str, field: str) -> None:
        """Remove a row; its place goes to the next one, or else to the last."""
        if (number := whole(place)) is not None and number < len(rows):
            del rows[number]
            if rows:
                self.focused = f"{field}-{min(number, len(rows) - 1)}"

    def add_named(self) -> bool:
        """Add what a search names by an id or an address; False if none does."""
        adding = {"works": self.add_source, "people": self.add_person}
        named = [what for what, q in self.sought.items() if q and can_be_named(q)]
        for what in named:
            adding[what](self.sought[what])
            self.sought[what] = ""
        return bool(named)

    def add_source(self, named: str, kind: str = KIND, rate: str = "") -> None:
        """Cite a work by its id or the address of its page, or an outside source by its address."""
        row = dict.fromkeys(SOURCE, "") | {"source": _named(named), "kind": kind, "rate": rate}
        self.sources.append(row)
        self.focused = f"kind-{len(self.sources) - 1}"

    def add_person(self, named: str) -> None:
        """Add a person by their id or the address of their page.

        Who is there already is added for another role, once the row they have says one.
        """
        row = dict.fromkeys(PERSON, "") | {"person": _named(named)}
        if row not in self.people:
            self.people.append(row)
        self.focused = f"role-{self.people.index(row)}"

    def read_pasted(self, view: View) -> bool:
        """Add what was pasted; False if nothing was."""
        pasted, self.left = self.left, dict.fromkeys(PASTED, "")
        self._cite(pasted["sources"])
        self._credit(view, pasted["people"])
        return any(map(str.strip, pasted.values()))

    def _cite(self, lines: str) -> None:
        """Cite many sources: one id or address per line, optionally with a kind and a rate."""

        def cite(line: str) -> None:
            first, *others = percentages.joined(line).split()
            self.add_source(first, *_kind_and_rate(others))

        self._paste("sources", self.sources, lines.splitlines(), cite)

    def _credit(self, view: View, lines: str) -> None:
        """Credit many people: a table with one per line, copied from a spreadsheet."""
        first, *others = table = lines.splitlines() or [""]
        columns = [_HEADINGS.get(folded(cell), "") for cell in _cells(first)]
        is_headed = "person" in columns

        def credit(line: str) -> None:
            said = dict(zip(columns if is_headed else COLUMNS, _cells(line), strict=False))
            person = one_called(view, "contributor", said.get("person", ""))
            row = {name: said.get(name, "") for name in PERSON} | {"person": person}
            if row not in self.people:
                self.people.append(row)

        self._paste("people", self.people, others if is_headed else table, credit)
        if is_headed and self.left["people"]:
            self.left["people"] = f"{first}\n{self.left['people']}"

    def _paste(
        self, what: str, rows: list[Row], lines: list[str], add: Callable[[str], None]
    ) -> None:
        """Add what lines say; those that cannot be read stay, and ``complaints`` say why."""
        left = list[str]()
        for line in filter(str.strip, lines):
            try:
                if len(rows) == MOST_ROWS:
                    raise Problem("too_many_items", f"A form holds at most {MOST_ROWS} {what}.")
                add(line)
            except (Refusal, Problem) as refusal:
                said = of_refusal(refusal).description
                self.complaints.append(f"“{line.strip()[:80]}” was left out: {said}")
                left.append(line)
        self.left[what] = "\n".join(left)

    # -- as commands take them -------------------------------------------------------------

    def stated_sources(self) -> list[dict[str, Any]]:
        """The sources in the form that the API takes."""
        return [
            {
                "work" if may_be_id(row["source"]) else "uri": row["source"],
                "kind": row["kind"],
                "rate": row["rate"] or None,
                "note": row["note"] or None,
                "ai": _uses(row) or None,
                "ai_tool": row["ai_tool"] or None,
            }
            for row in self.sources
        ]

    def stated_people(self) -> list[dict[str, Any]]:
        """The people in the form that the API takes."""
        named = {"person": "contributor"}
        return [
            {named.get(name, name): value for name, value in row.items() if value}
            for row in map(_as_stated, self.people)
        ]

    def stated(self) -> dict[str, Any]:
        """The fields that were filled in, in the form that the API takes."""
        said: dict[str, Any] = {name: value for name, value in self.fields.items() if value}
        if "identifiers" in said:
            said["identifiers"] = list(numbers(said["identifiers"]))
        if challenge := said.pop("challenge", None):
            said["challenges"] = [challenge]
        return said

    # -- as a page shows them --------------------------------------------------------------

    def wrong(self, problem: Problem | None) -> list[tuple[str, str]]:
        """The errors of a problem: each the id of an input, and what is wrong there."""
        if problem is None:
            return []
        if problem.errors:
            errors = sorted(problem.errors, key=lambda error: _rank(error["pointer"]))
            return [_place(error["pointer"], error["detail"]) for error in errors]
        # A refusal carries the refused value; its field is the one with that value.
        return [(field, problem.description or "") for field in self._saying(problem.quoted)]

    def _saying(self, said: set[str]) -> Iterator[str]:
        yield from (name for name, value in self.fields.items() if value in said)
        if any(one in self.fields.get("identifiers", "") for one in said):
            yield "identifiers"  # the field holds several numbers, of which one is refused
        for fields, rows in ((_SOURCE_FIELDS, self.sources), (_PERSON_FIELDS, self.people)):
            for number, row in enumerate(rows):
                yield from (f"{fields[name][0]}-{number}" for name in row if row[name] in said)

    def shown(self, view: View) -> dict[str, Any]:
        """What the page shows besides the fields: names, the sum of the rates, what is behind."""
        ids = {row["source"] for row in self.sources} | {row["person"] for row in self.people}
        names = timeline.names(view, [id for id in ids if may_be_id(id)])
        for row in self.sources:
            if may_be_id(row["source"]) and "kind" not in names.get(row["source"], {}):
                self.complaints.append(f"There is no work {row['source']}.")
        total, told = percentages.summed(row["rate"] for row in self.sources)
        return {
            "entered": self,
            "names": names,
            "columns": {
                "sources": _columns(self.sources, SOURCE),
                "people": _columns(self.people, PERSON),
            },
            "total": total,
            "unstated": len(self.sources) - told,
            "behind": self._behind(view),
            "meant_for": list(self._meant_for(view)),
        }

    def _meant_for(self, view: View) -> Iterator[dict[str, Any]]:
        """The challenge that the piece answers and the project it is a step of, if any."""
        ids = [self.fields.get("challenge", ""), projects.of_step(view, self.fields.get("step"))]
        names = timeline.names(view, [id for id in ids if id])
        yield from (names[id] for id in ids if id in names)

    def _behind(self, view: View) -> dict[str, int]:
        """How many works, people and generations the sources bring, themselves included."""
        numbers = view.numbers(
            "works", [r["source"] for r in self.sources if may_be_id(r["source"])]
        )
        works, generations = set[int](), 0
        for number in numbers.values():
            tree = ancestry(view, number).tree
            works.update(tree.generation)
            generations = max(generations, max(tree.generation.values()) + 1)
        people = {row.contributor for row in attribution.credits_on(view, works)}
        return {"works": len(works), "people": len(people), "generations": generations}


def _columns(rows: list[Row], every: tuple[str, ...]) -> set[str]:
    """The fields that each row shows: many rows, only those that one of them uses."""
    if len(rows) <= FEW_ROWS or request.form.get("do") == ALL_FIELDS:
        return set(every)
    return {name for name in every if any(row[name] not in UNUSED for row in rows)}


def _rows(name: str, columns: tuple[str, ...]) -> Iterator[Row]:
    """Rows from fields that a form sends once per row: source, source_kind, source_rate …"""
    first, *others = columns
    lists = [request.form.getlist(first), *(request.form.getlist(f"{name}_{o}") for o in others)]
    # A column that no row uses is not shown and not sent; no row is lost because of that.
    for values in islice(zip_longest(*lists, fillvalue=""), len(lists[0])):
        row = dict(zip(columns, (value.strip() for value in values), strict=True))
        yield row | {"rate": percentages.rate(row["rate"])} if "rate" in row else row


def _as_stated(row: Row) -> dict[str, Any]:
    """The row of a person, with spaces around the join phrase and the uses of AI as a list."""
    typed = row["join_phrase"]
    spaced = typed and (f"{typed} " if typed in (",", ";") else f" {typed} ")
    return {**row, "join_phrase": spaced, "ai": _uses(row)}


def _uses(row: Row) -> list[str]:
    """The parts made with AI, typed with commas between them."""
    return [use.strip() for use in row["ai"].split(",") if use.strip()]


def numbers(typed: str) -> Iterator[dict[str, str]]:
    """Registry numbers typed as ``isrc NUMBER, isbn NUMBER``, in the form that the API takes."""
    for one in filter(None, map(str.strip, typed.split(","))):
        scheme, _, number = one.partition(" ")
        yield {"scheme": scheme.lower(), "identifier": number.strip()}


def _rank(pointer: str) -> int:
    """The place, from the top of the form, of the input that a JSON pointer means."""
    name = pointer.split("/")[1] if "/" in pointer else ""
    return _IN_ORDER.index(name) if name in _IN_ORDER else len(_IN_ORDER)


def _place(pointer: str, detail: str) -> tuple[str, str]:
    """The id of the input that a JSON pointer means, and the error after the label of the input."""
    match pointer.removeprefix("#/").split("/"):
        case ["sources", number, name, *_] if name in _SOURCE_FIELDS:
            id, label = _SOURCE_FIELDS[name]
            return f"{id}-{number}", f"Source {int(number) + 1}, {label}: {detail}"
        case ["authors", number, name, *_] if name in _PERSON_FIELDS:
            id, label = _PERSON_FIELDS[name]
            return f"{id}-{number}", f"Person {int(number) + 1}, {label}: {detail}"
        case ["authors", _, name] | [name, *_] if name in FIELDS:
            return name, f"{FIELDS[name]}: {detail}"
    return "", detail


def _cells(line: str) -> list[str]:
    """The columns of a line of a table, as a spreadsheet copies it or as it is typed."""
    return [cell.strip() for cell in line.split("\t" if "\t" in line else SEPARATOR)]


def _kind_and_rate(words: list[str]) -> tuple[str, str]:
    kind, rate = KIND, ""
    for word in words:
        if word in REMIX_KINDS:
            kind = word
        else:
            rate = exact_rate(percentages.rate(word)) or ""
    return kind, rate


def _named(text: str) -> str:
    """The id in a text, or the address of an outside source in its normal form."""
    text = text.strip()
    return id_named(text) or normal_uri(text)


def can_be_named(text: str) -> bool:
    """Whether a text is an id or an address, so that no search is needed."""
    return may_be_id(text) or "://" in text or text.startswith("/")
