"""Works over HTTP: what was made from what, by whom, and how that came to be known.

The one rule: every answer says at which journal position it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from flask import Response, jsonify, request

from api.answers.attribution import ContributorsAnswer
from api.answers.facts import HistoryAnswer
from api.answers.splits import SplitAnswer
from api.answers.works import LineageAnswer, RelativesAnswer, WorkAnswer, WorksAnswer
from api.asking import AskedOfRelease, Listed, ListedOfRelease, Part, form_asked
from api.fields import (
    Choice,
    Flag,
    Rate,
    Whole,
    policy_field,
    searched,
    word,
)
from api.routes import Routes
from domain.credit import credit_kind
from domain.journal import Journal
from domain.refusal import (
    BadAmount,
    BadCurrency,
    BadGraph,
    BadPolicy,
    BadRate,
    BadShare,
    CapExceeded,
    RatesOverWhole,
    SplitTooLarge,
    UnknownKind,
    UnknownRole,
    UnknownWork,
)
from domain.role import role_named
from domain.values import LARGEST_POSITION
from projections import attribution, formats, history, lineage
from projections.money import splitting
from projections.store import Page, Store, View

HERE = "/works/<id(work):id>"

FORMATS = {
    "json": "application/json",
    "graphml": "application/graphml+xml",
    "dot": "text/vnd.graphviz",
    "jsonld": "application/ld+json",
}
"""The forms of a lineage, and their media types."""

EXAMPLES: dict[str, Any] = {
    "application/graphml+xml": "<graphml>…</graphml>",
    "text/vnd.graphviz": "digraph lineage { … }",
    "application/ld+json": {"@context": {"prov": "http://www.w3.org/ns/prov#"}, "@graph": []},
}


class Works(Listed):
    """Which works are asked for."""

    q = searched("low tide", "In the title, in any case.")
    medium = searched("audio", "Of this medium.")
    role = searched("singer", "With a credit in this role.")
    kind = Choice(("contribution", "outside", "release"), "Of this kind.")
    never_remixed = Flag("Only works from which nothing was made yet.")


class Contributors(ListedOfRelease):
    """Which contributors are asked for."""

    role = searched("singer", "In this role.")
    kind = searched("direct", "direct or influence.")


class Split(ListedOfRelease):
    """Which split is asked for."""

    policy = policy_field(
        "The type of a policy (/docs/reference/policies), or one as JSON.", required=True
    )
    amount_minor = Whole(
        0, LARGEST_POSITION, "How much, in the currency's smallest units.", required=True
    )
    currency = word("EUR", "A code of ISO 4217.", required=True)
    default_rate = Rate("Of the edges that state none; else a policy that needs rates refuses.")


class Lineage(AskedOfRelease):
    """In which form a lineage is asked for."""

    format = Choice(tuple(FORMATS), "The form; goes before the Accept header.")


def works(journal: Journal, store: Store) -> Routes:
    """The routes of works: contributions, outside sources and releases alike."""
    routes = Routes("works", "Contributions, outside sources and releases.", journal, store)
    _find(routes)
    _ask(routes, journal)
    return routes


def _find(routes: Routes) -> None:
    @routes.reads("/works", WorksAnswer, Works, refuses=(UnknownRole,))
    def list_works(view: View, *, role: str | None = None, **asked: Any) -> Page:
        """Find works; those that fit every filter, the latest recorded first."""
        named = None if role is None else role_named(role)
        return lineage.works(view, role=named, **asked)

    @routes.reads(HERE, WorkAnswer, AskedOfRelease, refuses=(UnknownWork,))
    def show_work(view: View, id: str) -> dict[str, Any]:
        """A contribution, an outside source or a release, with its credits and sources."""
        return {**lineage.work(view, id), "credits": attribution.credits_of(view, id)}

    for name, walk, summary in (
        ("ancestors", lineage.ancestors, "What it was made from, the nearest generation first."),
        (
            "descendants",
            lineage.descendants,
            "What was made from it, the nearest generation first.",
        ),
    ):
        routes.reads(f"{HERE}/{name}", RelativesAnswer, ListedOfRelease, refuses=(UnknownWork,))(
            _relatives(f"list_{name}", walk, summary)
        )


def _relatives(name: str, walk: Callable[..., Page], summary: str) -> Callable[..., Page]:
    def relatives(view: View, id: str, **part: Unpack[Part]) -> Page:
        return walk(view, id, **part)

    relatives.__name__, relatives.__doc__ = name, summary
    return relatives


def _ask(routes: Routes, journal: Journal) -> None:
    @routes.reads(
        f"{HERE}/contributors",
        ContributorsAnswer,
        Contributors,
        refuses=(UnknownWork, UnknownRole, UnknownKind),
    )
    def list_work_contributors(
        view: View,
        id: str,
        *,
        role: str | None = None,
        kind: str | None = None,
        **part: Unpack[Part],
    ) -> Page:
        """Everybody who contributed, through every generation, and by which paths."""
        return attribution.contributors(
            view,
            id,
            role=None if role is None else role_named(role),
            kind=None if kind is None else credit_kind(kind),
            **part,
        )

    @routes.reads(f"{HERE}/lineage", LineageAnswer, Lineage, refuses=(UnknownWork,), also=EXAMPLES)
    def show_lineage(
        view: View, id: str, *, format: str | None = None
    ) -> dict[str, Any] | Response:
        """Everything it was made from, as a graph; also as GraphML, DOT and JSON-LD."""
        form = format or form_asked(FORMATS)
        return _written(attribution.lineage_with_makers(view, id), form, view)

    @routes.reads(
        f"{HERE}/split",
        SplitAnswer,
        Split,
        refuses=(
            *(UnknownWork, BadPolicy, BadShare, BadRate, BadGraph, BadAmount, BadCurrency),
            *(RatesOverWhole, CapExceeded, SplitTooLarge),
        ),
    )
    def show_split(view: View, id: str, **asked: Any) -> Page:
        """What each person would get of an amount, and through which paths.

        Computed over the recorded edges and credits: a work is its directly credited people's, in
        equal shares, and its own payee where nobody is credited.
        """
        return splitting.split_of(view, id, **asked)

    @routes.reads(f"{HERE}/history", HistoryAnswer, Listed, refuses=(UnknownWork,))
    def show_work_history(view: View, id: str, **part: Unpack[Part]) -> Page:
        """Every fact about this work, its edges and its credits, in order."""
        return history.of_work(view, journal, id, **part)


def _written(found: lineage.Shown, form: str, view: View) -> Response:
    match form:
        case "graphml":
            answer = Response(formats.graphml(found))
        case "dot":
            answer = Response(formats.dot(found))
        case "jsonld":
            answer = jsonify(formats.json_ld(found, f"{request.root_url}works/"))
        case _:
            answer = jsonify({"as_of": view.as_of, **found.answer()})
    # What is text without an encoding of its own says which it is in.
    suffix = "; charset=utf-8" if form in ("graphml", "dot") else ""
    answer.headers["Content-Type"] = FORMATS[form] + suffix
    answer.vary.add("Accept")
    return answer
