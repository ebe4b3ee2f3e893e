"""Licences along a lineage: that of every work, conflicts, and the attribution that they ask for.

An answer lists only the nearest works, but conflicts are looked for among all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from html import escape
from itertools import islice
from typing import Annotated, NamedTuple, TypedDict

from domain.cached import cached_property
from domain.conflicts import Broken, Licences, given_since
from domain.licensing import RULES, Licence, terms_of
from domain.lineage import Edge
from domain.printable import one_line
from domain.value import Example
from domain.values import RemixId, WorkId
from projections import billing, formats, lineage
from projections.ancestry import T, ancestry, numbered
from projections.question import Asking, Format, question
from projections.store import View, holds
from projections.told import Count, LicenceRule, WorkRef

MOST_SHOWN = 500
"""How many works, and how many conflicts, an answer lists."""


class LicensedWork(TypedDict):
    """A work in a lineage, with its licence."""

    work: WorkRef
    generation: Annotated[
        Count, "The fewest remixes between it and the work in question.", Example(1)
    ]
    licence: Annotated[
        str | None, "As stated; null if nobody has stated one.", Example("CC-BY-4.0")
    ]
    name: Annotated[str | None, "Its SPDX id, if it has one.", Example("CC-BY-4.0")]
    address: Annotated[str | None, "Where its text is."]


class Conflict(TypedDict):
    """A rule of a licence that a remix breaks."""

    code: LicenceRule
    detail: Annotated[str, "The rule as a sentence.", Example(RULES["no_derivatives"].says)]
    source: Annotated[str, "Where the rule is from.", Example(RULES["no_derivatives"].source)]
    child: WorkRef
    parent: WorkRef
    remix: Annotated[RemixId | None, "Null where it is not about one remix."]
    only_if_sold: Annotated[bool, "Whether it matters only if the work in question is sold."]


class LicencesTold(TypedDict):
    """The licences along a lineage."""

    works: list[LicensedWork]
    left_out: Annotated[Count, "How many more works there are.", Example(0)]
    unstated: Annotated[Count, "How many works have no licence on record.", Example(2)]
    conflicts: list[Conflict]


class Licensed:
    """A lineage with its licences."""

    def __init__(self, view: View, root: int) -> None:
        self.root, self._view, self._above = root, view, ancestry(view, root)
        self._tree = self._above.tree

    @cached_property
    def stated(self) -> Mapping[int, str]:
        """By work: its licence as stated, or else that of a work joined into it."""
        return self._derived("licences", lambda: _licences_in(self._view, self.root))

    @cached_property
    def terms(self) -> Mapping[int, Licence]:
        """By work: the terms of its licence."""
        return {work: terms_of(text) for work, text in self.stated.items()}

    @cached_property
    def conflicts(self) -> Sequence[Broken[int]]:
        """Every broken rule, those about single remixes first."""
        if not self.stated:
            return ()
        return self._derived("conflicts", lambda: [*self._along().conflicts()])

    def _derived(self, name: str, derive: Callable[[], T]) -> T:
        takes = len(self._tree.generation)
        return self._above.derived(self._view, name, self._above.since, derive, takes)

    def _along(self) -> Licences[int]:
        changed = {
            edge: (position, [(at, terms_of(text)) for at, text in stated])
            for edge, position, stated in _changed_licences(self._view, self.stated)
        }

        def given(edge: Edge[int]) -> Sequence[Licence]:
            several = changed.get(edge.id)
            return [self.terms[edge.parent]] if several is None else given_since(*several)

        return Licences(numbered(self._view, self.root), self.terms, given)

    def answer(self) -> LicencesTold:
        """The licences as JSON."""
        works, found = self._tree.generation, self.conflicts[:MOST_SHOWN]
        shown = [*islice(works, MOST_SHOWN)]
        ends = {work for one in found for work in (one.child, one.parent)}
        told = lineage.references(self._view, ends.union(shown))
        return {
            "works": [self._work(each, told[each]) for each in shown],
            "left_out": len(works) - len(shown),
            "unstated": len(works) - len(self.stated),
            "conflicts": [_told(one, told) for one in found],
        }

    def _work(self, work: int, told: WorkRef) -> LicensedWork:
        licence = self.stated.get(work)
        terms = licence and terms_of(licence)
        return {
            "work": told,
            "generation": self._tree.generation[work],
            "licence": licence,
            "name": terms.name if terms else None,
            "address": terms.address if terms else None,
        }

    def by_terms(self) -> list[tuple[Licence, int]]:
        """Each licence with how many works have it, the most frequent first."""
        return Counter(self.terms.values()).most_common()

    def attributed(self) -> Iterator[Attribution]:
        """The works whose licences ask for attribution, the nearest first."""
        asking = [
            work
            for work in self._tree.generation
            if work in self._tree.direct and work in self.terms
            if any("BY" in (one.elements or ()) for one in self.terms[work].choices)
        ]
        told = lineage.references(self._view, asking)
        made = billing.makers(self._view, asking)
        for work in asking:
            title, makers = formats.label(told[work]), billing.line(made.get(work, ()))
            terms = self.terms[work]
            yield Attribution(one_line(title), one_line(makers), told[work]["uri"], terms)


def _licences_in(view: View, root: int) -> dict[int, str]:
    """By work in a lineage: its licence or else the first one recorded of a work joined into it."""
    rows = ancestry(view, root).rows(view, "works", lineage.notable)
    own_last = sorted(rows, key=lambda row: (row[0] == row[1], -row[1]))
    return {node: licence for node, _, licence, _ in own_last if licence is not None}


def _changed_licences(
    view: View, nodes: Collection[int]
) -> Iterator[tuple[str, int, list[tuple[int, str]]]]:
    """For each edge to one of these works whose licence has changed: its id and position, and every
    licence of that work with the position from which it applied."""
    numbers = list(nodes)
    rows = view.rows(
        "SELECT w.number, w.licence, min(w.since) FROM @works w WHERE w.number IN :numbers "
        "AND w.kind <> 'outside' AND w.licence IS NOT NULL AND w.since <= :as_of "
        "GROUP BY w.number, w.licence ORDER BY min(w.since)",
        numbers=numbers,
    )
    stated: dict[int, list[tuple[int, str]]] = {}
    for number, licence, since in rows:
        stated.setdefault(number, []).append((since, licence))
    changed = {number: every for number, every in stated.items() if len(every) > 1}
    if changed:
        edges = view.rows(
            "SELECT e.id, e.parent, e.born FROM @remixes e WHERE e.parent IN :numbers "
            f"AND {holds('e')}",
            numbers=list(changed),
        )
        yield from ((id, born, changed[parent]) for id, parent, born in edges)


def _told(one: Broken[int], works: Mapping[int, WorkRef]) -> Conflict:
    return {
        "code": one.code,
        "detail": RULES[one.code].says,
        "source": RULES[one.code].source,
        "child": works[one.child],
        "parent": works[one.parent],
        "remix": one.remix,
        "only_if_sold": one.code == "non_commercial",
    }


# -- attribution ---------------------------------------------------------------------------------


class Attribution(NamedTuple):
    """A work that asks for attribution: title, makers, address and licence.

    Source: CC BY 4.0, section 3(a)(1).
    """

    title: str
    makers: str
    uri: str | None
    terms: Licence

    def told(self, plain: Callable[[str], str], linked: Callable[[str, str | None], str]) -> str:
        """The attribution as a sentence; ``linked`` writes what may have an address."""
        by = f" by {plain(self.makers)}" if self.makers else ""
        licence = " or ".join(linked(one.name, one.address) for one in self.terms.choices)
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
    """Text in which every sign of Markdown is escaped."""
    return "".join(f"\\{one}" if one in _SIGNS else one for one in text)


_SIGNS = frozenset("\\`*_{}[]<>()#+-.!|&~")


def _of(asking: Asking) -> Licensed:
    return of(asking.view, asking.said["id"])


def of(view: View, id: str) -> Licensed:
    """The licences of the lineage of a work."""
    return Licensed(view, lineage.root_of(view, id))


FORMS = {
    "attribution": Format(
        "text/plain",
        lambda asking: as_text(_of(asking)),
        "“Low Tide” by Ana, licensed under CC-BY-4.0 (https://…)",
    ),
    "html": Format("text/html", _as_html, "<ul>…</ul>"),
    "markdown": Format("text/markdown", _as_markdown, "- “Low Tide” by Ana, licensed under …"),
}
"""The attribution that the licences ask for, ready to paste."""


@question("show_licences", "/works/{id}/licences", cli="licences", as_published=True, forms=FORMS)
def licences(view: View, id: WorkId) -> LicencesTold:
    """The licences of a work and of everything it was made from, and any conflicts.

    As text, HTML or Markdown: the attribution they ask for, ready to paste.
    """
    return of(view, id).answer()
