"""Freezing a policy as assets: what goes to each work of a lineage, and within it to its people.

A policy and the assets it was frozen as give everyone the same amounts.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from domain.lineage import Lineage
from domain.money.apportionment import payee_key
from domain.money.payee import Payee
from domain.money.policy.cascade import among_people
from domain.money.policy.flow import Flow
from domain.money.policy.parts import Parts, together
from domain.money.policy.reading import AgreedShares, Policy
from domain.refusal import BadPolicy

OTHER = "other"
"""The name of the asset for payees that are not works, such as those of a fee."""

Frozen = tuple[str, Fraction, AgreedShares]
"""An asset: its name, its part of 1, and its holders, with shares that sum to 1."""


def assets_of(
    policy: Policy, graph: Lineage[str], *, amount_minor: int = 1, other: str = OTHER
) -> list[Frozen]:
    """A policy over a lineage, frozen as assets: each work with what it keeps, and its people.

    Works are in the order of ``payee_key``, including those that keep nothing. All payees that are
    not works share one more asset at the end, if they get anything. What a policy with caps or
    tranches pays depends on the amount, so the parts are those of ``amount_minor``. Refuses
    (``BadPolicy``) a policy that depends on the people in works, such as an advance.
    """
    if other in graph.nodes:
        raise BadPolicy("policy", f"“{other}” is a work; name the asset of all others otherwise")
    amount = Fraction(amount_minor)
    works = {str(Payee("work", node)): node for node in graph.nodes}
    alone = {node: ((payee, Fraction(1)),) for payee, node in works.items()}
    by_work = policy.parts(amount, replace(graph, people=alone), Flow())
    kept = {works[each]: units for each, units in by_work.units.items() if each in works}
    named = {each: units for each, units in by_work.units.items() if each not in works and units}
    people = among_people(graph, [kept.get(work, 0) for work in graph.places.works], by_work.scale)
    by_name = Parts(named, by_work.scale)
    if together([people, by_name]).exact() != policy.parts(amount, graph, Flow()).exact():
        raise BadPolicy("policy", "what it pays depends on who is in a work, not on works alone")
    whole = by_work.whole() * by_work.scale
    assets: list[Frozen] = [
        (work, kept[work] / whole, graph.holders(work)) for work in sorted(kept, key=payee_key)
    ]
    if not named:
        return assets
    total = sum(named.values())
    shares = tuple((each, Fraction(named[each], total)) for each in sorted(named, key=payee_key))
    return [*assets, (other, total / whole, shares)]
