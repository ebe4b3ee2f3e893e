"""The search, the descendants of a work, and the page of what waits for its reader.

Without a script, the search finds everything that suggestions offer with one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar, cast
from urllib.parse import urlencode

from flask import g, redirect, render_template, request
from markupsafe import Markup

from api.fields import Choice, Whole, searched
from api.seen import Seen
from api.web import words
from api.web.address import Listed, PageQuery, id_in_path
from api.web.drawing import FAR, FAR_WIDEST, drawn_onward
from api.web.frame import Answer, Frame, account, to_page
from domain.fact import utc_now
from domain.permission import OPERATOR
from domain.text import LIMITS, whole
from projections import (
    around,
    billing,
    contributors,
    happenings,
    inbox,
    lineage,
    listing,
    searching,
    sentences,
    series,
    timeline,
)
from projections.documents import WORKS_KINDS
from projections.finding import PEOPLE_ORDERS, RELATIVE_ORDERS, WORK_ORDERS, Order
from projections.happenings import HappeningTold
from projections.inbox import InboxItem
from projections.meant import meant
from projections.pages import Page
from projections.registry import QUESTIONS
from projections.store import View
from projections.told import FactTold, PeopleFacets, PersonItem, WorkFacets, WorkRef
from projections.told_finding import Hit
from projections.walking import UP, onwards_of

FOUND = 24
ROOM_BYTES = 60_000
"""The room for the picture on the page of the descendants of a work."""
SUGGESTED = 8

T = TypeVar("T", bound=Mapping[str, object])
Say = Callable[[Mapping[str, Any], Mapping[str, Mapping[str, Any]]], Markup]


class Searched(Listed):
    """The parameters of the search."""

    medium = searched("audio", "Of this medium.")
    licence = searched("CC-BY-4.0", "Under this licence.")
    year = Whole(1, 9999, 1969, "Made in this year.")
    role = searched("singer", "With a credit in this role.")
    never_remixed = Choice(("yes",), "Only works from which nothing was made yet.")
    sort = searched("title", "Sorted by this.")


def pages(frame: Frame) -> None:
    """The search and its suggestions, and the page of what waits for the reader."""
    _found(frame)
    _waiting(frame)


def _found(frame: Frame) -> None:

    @frame.viewed("/search", Searched)
    def search(view: View, said: PageQuery) -> Answer:
        if of := request.args.get("of"):
            rest = urlencode([one for one in request.args.items() if one[0] != "of"])
            path = f"{request.script_root}/descendants/{id_in_path(of)}"
            return redirect(f"{path}?{rest}" if rest else path, 301)
        return _search(view, said)

    @frame.viewed("/descendants/<id>", Searched, is_release=True)
    def show_descendants(view: View, said: PageQuery, id: str) -> Answer:
        return _search(view, said, id)

    @frame.page("/contributor")
    def show_people() -> Answer:
        return redirect(f"{request.script_root}/search?kind=people")

    @frame.viewed("/suggest", Listed)
    def suggest(view: View, said: PageQuery) -> Answer:
        q = said.get("q")
        return render_template(
            "suggestions.html", q=q, kind=said.get("kind"), **suggestions(view, q, said.get("kind"))
        )


def _search(view: View, said: PageQuery, root: str | None = None) -> str:
    """The page of the works and people that match, or of the descendants of one work (``root``)."""
    narrowed = Narrowed.of(said, root)
    if ranked := narrowed.ranked(view):
        return render_template("results.html", q=narrowed.asked["q"], kind=narrowed.kind, **ranked)
    works, found = narrowed.works(view), narrowed.people(view)
    return render_template(
        "search.html",
        q=narrowed.asked.get("q", ""),
        kind=narrowed.kind,
        of=around.work(view, root) if root else None,
        onward=drawn_onward(view, root, ROOM_BYTES, FAR, FAR_WIDEST)
        if root and narrowed.is_whole
        else None,
        works=Page(cards(view, works.items), works.next),
        people=found,
        facets=narrowed.facets(view),
        sorts=narrowed.sorts,
        meant=[] if works.items or found.items else narrowed.meant(view),
    )


_NARROWING = ("q", "medium", "licence", "year", "role", "never_remixed")
_OF_PEOPLE = ("q", "medium", "role")


class Narrowed(NamedTuple):
    """What is searched for, as the address says."""

    kind: str | None
    root: str | None
    """The work whose descendants are searched; None searches everything."""
    cursor: str | None
    sort: str | None
    asked: dict[str, Any]
    """The filters that are set."""

    @classmethod
    def of(cls, said: PageQuery, root: str | None) -> Self:
        """The search that the parameters of a page ask for; a wrong filter is refused."""
        asked = {name: _read(name, value) for name, value in said.of(*_NARROWING).items()}
        kinds = ("contribution", "outside", "release", "people", "project", "challenge")
        kind = said.get("kind")
        kind = kind if kind in kinds and not (root and kind == "people") else None
        return cls(kind, root, said.at.cursor, said.get("sort"), asked)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is filtered, and the list is shown from its beginning."""
        return not (self.kind or self.cursor or self.asked)

    @property
    def sorts(self) -> Mapping[str, str]:
        """The possible orders by name, with their labels; the default comes first."""
        return sorts(
            RELATIVE_ORDERS
            if self.root
            else PEOPLE_ORDERS
            if self.kind == "people"
            else WORK_ORDERS
        )

    @property
    def _sorted(self) -> str:
        return next((one for one in self.sorts if one == self.sort), next(iter(self.sorts)))

    def ranked(self, view: View) -> dict[str, Any] | None:
        """The ranked hits; None unless only words are searched for and something contains them."""
        if self.root or self.sort or self.asked.keys() != {"q"}:
            return None
        q = self.asked["q"]
        counts = searching.counts(view, q=q)["kinds"]
        if not counts:
            return None
        kind = "person" if self.kind == "people" else self.kind
        found = searching.search(view, q=q, kind=kind, after=self.cursor, limit=FOUND)
        return {"hits": Page(shown(view, found.items), found.next), "counts": counts}

    def works(self, view: View) -> Page[WorkRef]:
        """The works found; none if the search is for another kind."""
        if self.kind in ("people", "project", "challenge"):
            return Page([], None)
        page: dict[str, Any] = {"after": self.cursor, "limit": FOUND, **self._works}
        page["sort"] = self._sorted
        if self.root is None:
            return listing.works(view, **page)
        found = listing.descendants(view, self.root, **page)
        return Page(list(found.items), found.next)

    @property
    def _works(self) -> dict[str, Any]:
        return self.asked | ({"kind": self.kind} if self.kind else {})

    def people(self, view: View) -> Page[PersonItem]:
        """The people found, if the search is for people; beside works, those with the name."""
        if self.kind != "people" and (self.kind or self.root or self.asked.keys() != {"q"}):
            return Page([], None)
        sort = self._sorted if self.kind == "people" else "admitted"
        after = self.cursor if self.kind == "people" else None
        return contributors.people(view, after=after, limit=FOUND, sort=sort, **self._people)

    @property
    def _people(self) -> dict[str, Any]:
        return {name: value for name, value in self.asked.items() if name in _OF_PEOPLE}

    def meant(self, view: View) -> list[dict[str, Any]]:
        """The works and people that may have been meant, if only words are searched for."""
        if self.root or self.asked.keys() != {"q"}:
            return []
        ids = [one["id"] for one in meant(view, self.asked["q"])]
        return [*timeline.names(view, ids).values()]

    def facets(self, view: View) -> WorkFacets | PeopleFacets:
        """The values by which the search can be narrowed."""
        if self.kind == "people":
            return contributors.people_facets(view, **cast("Any", self._people))
        if self.root is None:
            return listing.facets(view, **cast("Any", self._works))
        return listing.descendant_facets(view, self.root, **cast("Any", self._works))


def sorts(orders: Mapping[str, Order]) -> dict[str, str]:
    """The labels of orders by name; the default comes first."""
    return {name: order.label for name, order in orders.items()}


def _read(name: str, said: Any) -> Any:
    """The value of a filter in its normal form; raises its refusal if it is wrong."""
    value = next(one.value for one in QUESTIONS["list_works"].in_query if one.name == name)
    return value.read(said, utc_now())


def _waiting(frame: Frame) -> None:
    @frame.viewed("/waiting", Listed, nobody_else=True)
    def show_waiting(view: View, said: PageQuery) -> Answer:
        kind = said.get("kind") if said.get("kind") in happenings.KINDS else None
        found, asking = Page[HappeningTold]([], None), Page[InboxItem]([], None)
        own = account(view)
        if own or g.actor == OPERATOR:
            asking = inbox.inbox(view, frame.journal, actor=g.actor, after=said.at.of("inbox"))
        if own:
            after = said.at.cursor if said.at.what != "inbox" else None
            found = happenings.of_contributor(
                view, frame.journal, own, actor=own, kind=kind, after=after
            )
        return render_template(
            "waiting.html",
            seen=Seen(frame.store.engine).upto(g.actor),
            upto=view.as_of,
            inbox=asking,
            notices=told(view, found.items, words.told_to),
            followed=timeline.names(view, {one["follows"] or "" for one in found.items}),
            next=found.next,
            kind=kind,
            kinds=happenings.KINDS,
        )

    @frame.form("/waiting")
    def take_waiting() -> Answer:
        upto = whole(request.form.get("upto", ""))
        if upto is not None:
            Seen(frame.store.engine).read(g.actor, min(upto, frame.journal.facts.head()))
        return to_page("/waiting")


def told(view: View, items: Iterable[FactTold], say: Say = words.sentence) -> list[dict[str, Any]]:
    """Facts with their sentences."""
    items = [*items]
    names = sentences.names_in(view, items)
    return [{**item, "sentence": say(item, names)} for item in items]


def suggestions(view: View, q: str | None, kind: str | None) -> dict[str, Any]:
    """A few works or people: the first that a search finds, then others that contain the text."""
    if not q or not q.strip() or len(q) > LIMITS["title"]:
        return {"works": [], "people": []}
    kinds = ("person",) if kind == "people" else WORKS_KINDS
    best = searching.best(view, q, kinds, SUGGESTED)
    if kind == "people":
        people = contributors.with_numbers(view, best)
        if len(people) < SUGGESTED:
            people += contributors.people(view, q=q, limit=SUGGESTED).items
        return {"works": [], "people": _once(people)}
    told = lineage.references(view, best)
    works = [told[number] for number in best if number in told]
    if len(works) < SUGGESTED:
        works += listing.works(view, q=q, limit=SUGGESTED).items
    return {"works": cards(view, _once(works)), "people": []}


def _once(found: Iterable[T]) -> list[T]:
    """The first few of these things, each once."""
    return list({one["id"]: one for one in found}.values())[:SUGGESTED]


def cards(view: View, works: Sequence[WorkRef]) -> list[dict[str, Any]]:
    """Works as cards: with their makers and media, and for a series the number of its parts.

    The makers of a release include those of its components, or for a series those of its episodes.
    """
    numbers = view.numbers("works", [work["id"] for work in works])
    whole = [numbers[work["id"]] for work in works if work["kind"] == "release"]
    in_series = series.inside(view, whole)
    components = onwards_of(view, whole, UP) | {
        number: [*found] for number, found in in_series.items()
    }
    parts = {number for found in components.values() for number in found}
    made = billing.makers(view, {*numbers.values(), *parts})
    seen = lineage.media_urls(view, [*numbers])
    told = []
    for work in works:
        number = numbers[work["id"]]
        makers = {
            maker["id"]: maker
            for part in (number, *components.get(number, ()))
            for maker in made.get(part, ())
        }
        told.append(
            {
                **work,
                "makers": list(makers.values()),
                "in_series": Counter(in_series.get(number, {}).values()),
                "media_url": seen.get(work["id"]),
            }
        )
    return told


def shown(view: View, hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Hits of a search, in order, with what their cards show."""
    things = timeline.names(view, [hit["id"] for hit in hits])
    works = [one for one in things.values() if one.get("kind") in words.KINDS]
    things |= {one["id"]: one for one in cards(view, cast("Sequence[WorkRef]", works))}
    return [{**things[hit["id"]], "hit": hit} for hit in hits]


def on_works(view: View, credits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Credits with their works instead of the ids of the works."""
    numbers = view.numbers("works", {credit["work"] for credit in credits})
    works = lineage.references(view, numbers.values())
    return [{**credit, "work": works[numbers[credit["work"]]]} for credit in credits]
