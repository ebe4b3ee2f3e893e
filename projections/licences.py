"""Licences along a lineage: every work's, what conflicts, and the attribution that they ask for.

An answer names the nearest works; conflicts are looked for among all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Annotated, Any, NamedTuple, TypedDict, cast

from domain.conflicts import Licences, given_since
from domain.licensing import RULES, Terms, terms_of
from domain.lineage import Edge
from domain.printable import one_line
from domain.values import Example, RemixId, WorkId, one_of
from projections import attribution, billing, formats, lineage
from projections.lineage import Shown
from projections.question import Asking, Form, question
from projections.store import View
from projections.told import Count, WorkRef

MOST_SHOWN = 500
"""How many works an answer lists, and how many conflicts."""


class LicensedWork(TypedDict):
    """A work in a lineage, with its licence."""

    work: WorkRef
    generation: Annotated[Count, Example(1)]
    licence: Annotated[str | None, "As stated; null if nobody has.", Example("CC-BY-4.0")]
    name: Annotated[str | None, "Its SPDX id, where it has one.", Example("CC-BY-4.0")]
    address: Annotated[str | None, "Where its text is."]


class Conflict(TypedDict):
    """A rule of a licence that a remix breaks."""

    code: Annotated[str, one_of(tuple(RULES))]
    detail: Annotated[str, "The rule as a sentence."]
    source: Annotated[str, "Where the rule is from."]
    child: WorkRef
    parent: WorkRef
    remix: Annotated[RemixId | None, "Null where it is not about one remix."]
    only_if_sold: Annotated[bool, "Whether it matters only if the work asked about is sold."]


class LicencesTold(TypedDict):
    """The licences along a lineage."""

    works: list[LicensedWork]
    left_out: Annotated[Count, "How many further works there are.", Example(0)]
    unstated: Annotated[Count, "How many works have no licence on record.", Example(2)]
    conflicts: list[Conflict]


class Licensed:
    """A lineage with its licences."""

    def __init__(self, view: View, shown: Shown) -> None:
        self.shown = shown
        rows = lineage.rows_of(view, self.shown.numbers)
        joined = lineage.joined_licences(view, rows)
        self.stated: dict[str, str] = {
            row.id: licence
            for row in rows.values()
            if (licence := row.licence or joined.get(row.number)) is not None
        }
        self.terms: dict[str, Terms] = {id: terms_of(text) for id, text in self.stated.items()}
        self._changed = {
            edge: (position, [(at, terms_of(text)) for at, text in stated])
            for edge, position, stated in lineage.changed_licences(view, rows)
        }
        """By edge, where its parent has had several licences: its position, and these."""

    def answer(self) -> LicencesTold:
        """The licences as JSON."""
        works = list(self.shown.works.values())
        return {
            "works": [self._work(each) for each in works[:MOST_SHOWN]],
            "left_out": max(0, len(works) - MOST_SHOWN),
            "unstated": len(works) - len(self.stated),
            "conflicts": list(self.conflicts())[:MOST_SHOWN],
        }

    def _work(self, work: Mapping[str, Any]) -> LicensedWork:
        terms = self.terms.get(work["id"])
        return {
            "work": _reference(work),
            "generation": work["generation"],
            "licence": self.stated.get(work["id"]),
            "name": terms and terms.name,
            "address": terms and terms.address,
        }

    def conflicts(self) -> Iterator[Conflict]:
        """Every rule that is broken, those about single remixes first."""
        along = Licences(self.shown.lineage, self.terms, self._given)
        for one in along.conflicts():
            yield self._conflict(one.code, one.child, one.parent, one.remix)

    def _given(self, edge: Edge[str]) -> Sequence[Terms]:
        if edge.id not in self._changed:
            return [self.terms[edge.parent]]
        position, every = self._changed[edge.id]
        return given_since(position, every)

    def _conflict(self, code: str, child: str, parent: str, remix: str | None) -> Conflict:
        works = self.shown.works
        return {
            "code": code,
            "detail": RULES[code].says,
            "source": RULES[code].source,
            "child": _reference(works[child]),
            "parent": _reference(works[parent]),
            "remix": remix,
            "only_if_sold": code == "non_commercial",
        }

    def by_name(self) -> list[tuple[str, str | None, int]]:
        """Each licence with its address and how many works have it, the most frequent first."""
        counts = Counter((one.name, one.address) for one in self.terms.values())
        return [(name, address, count) for (name, address), count in counts.most_common()]

    def attributed(self) -> Iterator[Attribution]:
        """The works whose licences ask for attribution."""
        for id in self.shown.lineage.direct:
            work, terms = self.shown.works[id], self.terms.get(id)
            if terms is not None and "BY" in (terms.elements or ()):
                title, makers = formats.label(work), billing.line(work["contributors"])
                yield Attribution(one_line(title), one_line(makers), work["uri"], terms)


def _reference(work: Mapping[str, Any]) -> WorkRef:
    names = ("id", "kind", "state", "title", "medium", "uri", "made_at")
    return cast("WorkRef", {name: work[name] for name in names})


# -- attribution ---------------------------------------------------------------------------------


class Attribution(NamedTuple):
    """A work that asks for attribution: title, makers, address and licence.

    Source: CC BY 4.0, section 3(a)(1).
    """

    title: str
    makers: str
    uri: str | None
    terms: Terms

    def told(self, plain: Callable[[str], str], linked: Callable[[str, str | None], str]) -> str:
        """One sentence, written by these functions."""
        by = f" by {plain(self.makers)}" if self.makers else ""
        licence = linked(self.terms.name, self.terms.address)
        return f"“{linked(self.title, self.uri)}”{by}, licensed under {licence}"


def as_text(licensed: Licensed) -> str:
    """The attribution as plain text, a line for each work."""
    lines = (one.told(str, _beside) for one in licensed.attributed())
    return "".join(f"{line}\n" for line in lines)


def _as_html(asking: Asking) -> str:
    lines = (one.told(escape, _linked) for one in _of(asking).attributed())
    items = "".join(f"<li>{line}</li>\n" for line in lines)
    return f"<ul>\n{items}</ul>\n"


def _as_markdown(asking: Asking) -> str:
    lines = (one.told(_plain, _in_markdown) for one in _of(asking).attributed())
    return "".join(f"- {line}\n" for line in lines)


def _beside(text: str, uri: str | None) -> str:
    return f"{text} ({uri})" if uri and uri != text else text


def _linked(text: str, uri: str | None) -> str:
    is_web = uri is not None and uri.startswith(("http://", "https://"))
    return f'<a href="{escape(uri or "")}">{escape(text)}</a>' if is_web else escape(text)


def _in_markdown(text: str, uri: str | None) -> str:
    return f"[{_plain(text)}](<{uri}>)" if uri else _plain(text)


def _plain(text: str) -> str:
    """Text in which nothing is a sign of Markdown."""
    return "".join(f"\\{one}" if one in _SIGNS else one for one in text)


_SIGNS = frozenset("\\`*_{}[]<>()#+-.!|&~")


def _of(asking: Asking) -> Licensed:
    shown = attribution.lineage_with_makers(asking.view, asking.said["id"])
    return Licensed(asking.view, shown)


FORMS = {
    "attribution": Form(
        "text/plain",
        lambda asking: as_text(_of(asking)),
        "“Low Tide” by Ana, licensed under CC-BY-4.0 (https://…)",
    ),
    "html": Form("text/html", _as_html, "<ul>…</ul>"),
    "markdown": Form("text/markdown", _as_markdown, "- “Low Tide” by Ana, licensed under …"),
}
"""The attribution that the licences ask for, ready to paste."""


@question("show_licences", "/works/{id}/licences", cli="licences", as_published=True, forms=FORMS)
def licences(view: View, id: WorkId) -> LicencesTold:
    """The licences of a work and of all it was made from, and what conflicts.

    As text, HTML or Markdown: the attribution that they ask for, ready to paste.
    """
    return Licensed(view, attribution.lineage_with_makers(view, id)).answer()
