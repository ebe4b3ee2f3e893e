"""Splitting over recorded lineages: who would get what of an amount.

The one rule: only what is on record counts, and an edge counts unless it is struck. A work
belongs to the people directly credited on it, in equal shares; without any it is its own payee.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import chain, pairwise
from math import prod
from types import MappingProxyType
from typing import Annotated, Any

from domain.commands.deriving import DeclareRemix
from domain.journal import Journal
from domain.known import Known
from domain.lineage import Edge, Lineage, equal_holders
from domain.money.apportionment import Division
from domain.money.currency import currency_code
from domain.money.payee import Payee
from domain.money.policy.cascade import AbsolutePerPath, RelativeCascade, stack_over
from domain.money.policy.reading import Policy
from domain.money.split import limit_edges, read_terms, split
from domain.outside import normal_uri
from domain.pedigree import Ends, Pedigree
from domain.readers import EVERYONE
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
    UnknownWork,
)
from domain.remix import CAP, exact_rate, must_be_within_cap, stack_of
from domain.value import Example, Number, known
from domain.values import CurrencyCode, ExactRate, RemixKind, UriElsewhere, WorkHere, WorkId
from projections import attribution, contributors, credited, lineage
from projections.ancestry import ancestry, counted_paths, ids_in, numbered
from projections.money.told import Change as PayeeChange
from projections.money.told import EdgePreview, PaidPath, PayeeRef, SplitLine
from projections.pages import LIMIT, Page, sliced
from projections.parts import PATHS
from projections.question import After, Limit, question
from projections.store import View

LONGEST_POLICY = 20_000

PolicyText = Annotated[
    str,
    known(
        str,
        limit=LONGEST_POLICY,
        help="The type of a policy (/docs/reference/policies), or one as JSON.",
        example=RelativeCascade.TYPE,
    ),
]
DefaultRate = Annotated[
    ExactRate, "For remixes that state none; without it, policies that need rates refuse."
]


_NOTHING: Mapping[int, Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class Recorded:
    """A work's lineage as recorded, with the numbers and ids of its works and people."""

    lineage: Lineage[str]
    """The lineage by ids; payees are ids of contributors, or ``work/ID`` for uncredited works."""
    tree: Pedigree[int]
    """The pedigree by the numbers of the works."""
    ids: Mapping[int, str]
    """By number: the id of the work."""
    people: Mapping[str, int]
    """By id: the number of the contributor."""
    new: Mapping[int, Mapping[str, Any]]
    """By number: the content of a work that is not on record, as in a preview."""

    def labels(
        self, view: View, works: Iterable[int] = (), payees: Iterable[str] = ()
    ) -> dict[str, str | None]:
        """By id: the title or URI of a work, or the name of a contributor."""
        shown = [self.people[payee] for payee in payees if payee in self.people]
        people = contributors.persons_later(view, shown)
        found: dict[int, Mapping[str, Any]] = {**lineage.references(view, works), **self.new}
        names = {one["id"]: one["name"] for one in people().values()}
        return {work["id"]: work["title"] or work["uri"] for work in found.values()} | names


def lineage_at(view: View, work: int, default_rate: str | None = None) -> Recorded:
    """The lineage of the work with this number, as known at the view's position.

    An edge without a rate gets the default; without a default, a policy that needs rates refuses
    the edge by name.
    """
    above = ancestry(view, work)
    tree, count = above.tree, len(above.tree.edges)
    limit_edges(count)
    holders, ids = credited.holders_in(view, work), ids_in(view, work)

    def named() -> Lineage[str]:
        return tree.with_default(default_rate).named(ids)

    def persons(numbers: frozenset[int]) -> Mapping[int, str]:
        def read() -> Mapping[int, str]:
            return contributors.ids_of_persons(view, numbers)

        return above.derived(view, "persons", numbers, read, len(numbers))

    def held() -> Recorded:
        return recorded(graph, dict(holders), persons, tree, ids)

    graph = above.derived(view, "named", (default_rate, tree), named, count)
    return above.derived(view, "recorded", (graph, holders), held, len(holders))


def recorded(
    graph: Lineage[str],
    held: Mapping[int, tuple[int, ...]],
    persons: Callable[[frozenset[int]], Mapping[int, str]],
    tree: Pedigree[int],
    ids: Mapping[int, str],
    new: Mapping[int, Mapping[str, Any]] = _NOTHING,
) -> Recorded:
    """A lineage with its works and the people who hold them.

    ``persons`` returns ids of people by their numbers; ``new`` works are not on record.
    """
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, some in zip(tree.placed(held), held.values(), strict=True):
        alike[some].append(place)
    found = persons(frozenset(chain.from_iterable(alike)))
    alone = ((place, work) for place, work in enumerate(tree.places.works) if work not in held)
    holdings = [
        *((equal_holders("", [found[one] for one in some]), alike[some]) for some in alike),
        *((equal_holders(ids[work], ()), [place]) for place, work in alone),
    ]
    people = {id: number for number, id in found.items()}
    return Recorded(graph.held_by(holdings), tree, ids, people, new)


# -- answers -------------------------------------------------------------------------------


@question(
    "show_split",
    "/works/{id}/split",
    cli="split",
    as_published=True,
    refuses=(
        *(BadPolicy, BadShare, BadRate, BadGraph, BadAmount, BadCurrency),
        *(RatesOverWhole, CapExceeded, SplitTooLarge),
    ),
)
def split_of(
    view: View,
    id: WorkId,
    *,
    policy: PolicyText,
    amount_minor: Annotated[
        int, Number(help="How much, in the currency's smallest units.", example=10_000)
    ],
    currency: Annotated[CurrencyCode, Example("EUR")],
    default_rate: DefaultRate | None = None,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[SplitLine]:
    """What each person would get of an amount, and through which paths.

    Computed over the recorded remixes and credits. A work belongs to the people with a direct
    credit on it, in equal shares; a work without any is its own payee. The largest share comes
    first.
    """
    code = currency_code(currency)
    over = lineage_at(view, lineage.root_of(view, id), exact_rate(default_rate))
    chosen = policy_named(policy, over.lineage)
    division = split(amount_minor, chosen, over.lineage).division
    # Sorting is stable, so equal shares keep the order of the division.
    payees = sorted(division.units, key=division.weights.__getitem__, reverse=True)
    page, more = sliced(payees, after, limit)
    held, part = _held(over, page), parts_of_paths(chosen, over.lineage)
    paths = {payee: over.tree.shown_paths(held[payee], PATHS) for payee in page}
    shown = {work for own in paths.values() for path in own for work in path.works}
    shown |= {work for payee in page if payee not in over.people for work in held[payee]}
    labels = over.labels(view, shown, page)
    items: list[SplitLine] = [
        {
            "payee": told_payee(over, labels, payee),
            "share": str(division.share(payee)),
            "amount_minor": division.units[payee],
            "currency": code,
            **counted_paths(over.tree, held[payee]),
            "paths": [_paid(over, labels, path, held[payee], part) for path in paths[payee]],
        }
        for payee in page
    ]
    return Page(items, more)


@question(
    "preview_remix",
    "/remixes/preview",
    cli="remix preview",
    rehearses=DeclareRemix,
    refuses=(BadPolicy, BadShare, BadGraph, BadAmount, RatesOverWhole),
    may=EVERYONE,
)
def preview_edge(
    view: View,
    journal: Journal,
    *,
    actor: str,
    child: WorkId,
    parent: WorkHere | None = None,
    uri: Annotated[UriElsewhere | None, Example("https://example.org/recordings/waves")] = None,
    kind: RemixKind,
    rate: ExactRate | None = None,
    policy: Annotated[PolicyText | None, "The policy; default relative_cascade."] = None,
    default_rate: DefaultRate | None = None,
    amount_minor: Annotated[
        int | None,
        Number(help="In smallest units; by default only shares are shown.", example=10_000),
    ] = None,
    limit: Annotated[Limit | None, f"How many lines at most; default {LIMIT}.", Example(50)] = None,
) -> EdgePreview:
    """What a remix would change if it were declared: the stack, and who is diluted.

    It is refused if the declaration would be; nothing is recorded. Only payees whose share changes
    are listed, the greatest loss first.
    """
    said = {"child": child, "parent": parent, "uri": uri, "kind": kind, "rate": rate}
    journal.rehearse(DeclareRemix.of(said), by=actor)
    work, default = lineage.find(view, child).number, exact_rate(default_rate)
    source, new = _source(view, journal, parent, uri)
    before = numbered(view, work)
    own = [edge.rate for edge in before.edges if edge.child == work]
    stack = must_be_within_cap(child, [*own, rate])
    above = () if new else numbered(view, source).edges
    known = {edge.id: edge for edge in (*before.edges, *above)}
    after = replace(before, edges=(*known.values(), Edge(work, source, kind, rate)))
    credits = attribution.credits_on(view, after.generation)
    persons = partial(contributors.ids_of_persons, view)
    ids = lineage.ids_of(view, after.generation) | {number: new[number]["id"] for number in new}
    old, late = (
        recorded(one.named(ids).with_default(default), own, persons, one, ids, new)
        for one in (before, after)
        for own in [credited.held_by_work(row for row in credits if row.work in one.generation)]
    )
    was, will = (
        split(amount_minor or 0, policy_named(policy or RelativeCascade.TYPE, each), each).division
        for each in (old.lineage, late.lineage)
    )
    labels = late.labels(view, late.tree.generation, late.people)
    changed = _changes(late, labels, was, will, has_amount=amount_minor is not None)
    return {
        "stack": {"before": str(stack_of(own)), "after": str(stack), "cap": str(CAP)},
        "changed": len(changed),
        "items": changed[: limit or LIMIT],
    }


def _changes(
    late: Recorded,
    labels: Mapping[str, str | None],
    was: Division,
    will: Division,
    *,
    has_amount: bool,
) -> list[PayeeChange]:
    """The payees whose share differs between two divisions, the greatest loss first."""
    before = {payee: was.share(payee) if payee in was.units else 0 for payee in will.units}
    changes = {payee: will.share(payee) - before[payee] for payee in will.units}
    changed = sorted((payee for payee, by in changes.items() if by), key=changes.__getitem__)
    return [
        {
            "payee": told_payee(late, labels, payee),
            "share_before": str(before[payee]),
            "share_after": str(will.share(payee)),
            "change": str(changes[payee]),
            "amount_before_minor": was.units.get(payee, 0) if has_amount else None,
            "amount_after_minor": will.units[payee] if has_amount else None,
        }
        for payee in changed
    ]


def _source(
    view: View, journal: Journal, parent: str | None, uri: str | None
) -> tuple[int, dict[int, dict[str, Any]]]:
    """The number of a source, and its content by number if it was never cited before."""
    if parent is not None:
        return lineage.find(view, parent).number, {}
    normal = normal_uri(uri or "")
    id = Known(journal.facts, view.as_of).outside(normal)
    try:
        return lineage.find(view, id).number, {}
    except UnknownWork:
        # Recorded works have numbers from 1, so 0 is free.
        return 0, {0: {"id": id, "title": None, "uri": normal}}


def policy_named(policy: str, graph: Lineage[str]) -> Policy:
    """The policy a question names: by its type alone, or as JSON (/docs/reference/policies)."""
    form: object = {"type": policy}
    if policy.lstrip().startswith("{"):
        try:
            form = json.loads(policy)
        except (ValueError, RecursionError):
            raise BadPolicy("policy", "this is neither the name of a policy nor JSON") from None
    return read_terms(form, graph=graph)


def told_payee(over: Recorded, labels: Mapping[str, str | None], payee: str) -> PayeeRef:
    """A payee as answers refer to it: a person, an uncredited work, or a name of the policy."""
    if payee in over.people:
        return {"id": payee, "kind": "contributor", "name": labels[payee]}
    kind, id = Payee.parse(payee)
    if kind == "work" and id in labels:
        return {"id": payee, "kind": kind, "name": labels[id]}
    return {"id": payee, "kind": "other", "name": payee}


PartOfPath = Callable[[tuple[str, ...]], Fraction]
"""Returns the share that the people of a path's last work get through this path."""


def parts_of_paths(policy: Policy, graph: Lineage[str]) -> PartOfPath | None:
    """The share through each path, or None if the policy's shares are not sums over paths."""
    if not isinstance(policy, RelativeCascade | AbsolutePerPath):
        return None
    if policy.root not in (None, graph.root):
        return None

    def rate(child: str, parent: str) -> Fraction:
        return graph.rate(child, parent) or Fraction()

    def kept(node: str) -> Fraction:
        return 1 - sum((rate(node, parent) for parent in graph.parents.get(node, ())), Fraction())

    if isinstance(policy, RelativeCascade):
        # The product of all rates on the path and what the work at its end keeps.
        return lambda path: prod((rate(*edge) for edge in pairwise(path)), start=kept(path[-1]))
    root_keeps = 1 - stack_over(graph, graph.places_above(graph.root), policy.cap)
    # Only the rate of the last edge counts, once for every path.
    return lambda path: rate(*path[-2:]) if len(path) > 1 else root_keeps


def _held(over: Recorded, payees: Iterable[str]) -> dict[str, dict[int, Fraction]]:
    """By payee and work: the payee's share in the work."""
    held: dict[str, dict[int, Fraction]] = {payee: {} for payee in payees}
    works = over.tree.places.works
    for holders, places in over.lineage.holdings:
        for payee, share in holders:
            if payee in held:
                held[payee] |= {works[place]: share for place in places}
    return held


def _paid(
    over: Recorded,
    labels: Mapping[str, str | None],
    path: Ends[int],
    held: Mapping[int, Fraction],
    part: PartOfPath | None,
) -> PaidPath:
    """A path as an answer shows it, with its rates and what is paid through it."""
    works, share, end = path.works, None, path.works[-1]
    if part is not None:
        (whole,) = over.tree.paths([end], 1) if path.left_out else [works]
        share = part(tuple(map(over.ids.__getitem__, whole))) * held[end]
    shown = [over.ids[work] for work in works]
    steps = [over.lineage.rate(child, parent) for child, parent in pairwise(shown)]
    return {
        "works": [{"id": id, "title": labels[id]} for id in shown],
        "left_out": path.left_out,
        "rates": [None if rate is None else str(rate) for rate in steps],
        "share": None if share is None else str(share),
    }
