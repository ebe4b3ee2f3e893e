"""Policies by what was sold, and fees taken by seniority before expenses.

A rule divides the part of an amount that came from the sales matching its conditions; what matches
no rule, or is not known to come from any sale, is divided by ``otherwise``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import ceil
from typing import Any, ClassVar

from domain.lineage import Lineage
from domain.money.policy.flow import Flow
from domain.money.policy.order import Fee, must_not_exceed, read_fee
from domain.money.policy.parts import Parts, alone, together
from domain.money.policy.reading import (
    MAXIMUM_NAME_LENGTH,
    Policy,
    PolicyJson,
    fields_of,
    units_minor,
)
from domain.money.policy.sold import (
    DIMENSIONS,
    Conditions,
    Item,
    Origin,
    dimension,
    in_words,
    matches,
)
from domain.refusal import BadPolicy

MOST_SENIOR = 100
"""The highest number of a seniority; 1 is paid first."""


@dataclass(frozen=True)
class Rule:
    """The policy that divides the amount of the sales meeting some conditions."""

    name: str
    conditions: Conditions
    then: Policy


@dataclass(frozen=True)
class BySold:
    """Each sale is divided by the first rule matching its work, territory, channel, configuration.

    With aₖ received for the sales of rule k and A for all sales, the policy of rule k divides
    N·aₖ/A. A rule matches if all its conditions hold; a condition holds if any of its values does.
    ``otherwise`` divides what no rule matches, and an amount without known sales.

    Source: recording and publishing agreements, whose rates depend on territory, channel and
    configuration; the royalty engines built for them.
    """

    TYPE: ClassVar[str] = "by_sold"
    VERSION: ClassVar[int] = 1
    rules: tuple[Rule, ...]
    where: str

    @classmethod
    def read(cls, form: PolicyJson) -> BySold:
        """``{"type": "by_sold", "rules": [{"if": {…}, "then": {…}}], "otherwise": {…}}``."""
        fields = form.fields("rules", "otherwise")
        rules = [cls._rule(form, rule, here) for here, rule in form.each(fields["rules"], "rules")]
        otherwise = Rule("otherwise", {}, form.policy(fields["otherwise"], "otherwise"))
        form.once((rule.name for rule in (*rules, otherwise)), "rules")
        return cls((*rules, otherwise), form.where)

    @staticmethod
    def _rule(form: PolicyJson, value: object, path: str) -> Rule:
        """One rule: its conditions and policy; without a name it is named by its conditions."""
        needed, where = ("if", "then"), form.at(path)
        fields = fields_of(value, where, BadPolicy, needed=needed, optional=("name",))
        asked = fields_of(fields["if"], f"{where}.if", BadPolicy, needed=(), optional=DIMENSIONS)
        if not asked:
            raise BadPolicy(f"{where}.if", "without a condition, this is “otherwise”")
        conditions = {
            each: tuple(_values(form, each, asked[each], f"{path}.if.{each}"))
            for each in DIMENSIONS
            if each in asked
        }
        name = ", ".join(in_words(conditions))
        if len(name) > MAXIMUM_NAME_LENGTH and "name" not in fields:
            raise BadPolicy(where, "a rule with so many conditions needs a name")
        if "name" in fields:
            name = form.name(fields["name"], f"{path}.name")
        return Rule(name, conditions, form.policy(fields["then"], f"{path}.then"))

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """What the payees of every rule get; a rule for which nothing was sold divides 0."""
        origin, sold = flow.origin, self._sold(flow.origin)
        given = []
        for number, rule in enumerate(self.rules):
            own = Origin(tuple(sold[number]), origin.expenses_minor)
            is_last = number == len(self.rules) - 1
            whole = origin.amount
            part = amount * own.amount / whole if whole else amount * is_last
            with flow.limited_to(own), flow.ruled_by(rule.name) as ruled:
                parts = rule.then.parts(part, graph, flow)
                ruled.update(parts.exact())
            given.append(parts)
        return together(given)

    def _sold(self, origin: Origin) -> list[list[Item]]:
        """By rule: the sales it divides."""
        found: list[list[Item]] = [[] for _ in self.rules]
        for item in origin.items:
            number = next(n for n, rule in enumerate(self.rules) if matches(item, rule.conditions))
            found[number].append(item)
        return found


def conditions_in(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every dimension and value in the conditions of a ``by_sold`` policy that was read before."""
    for rule in policy["rules"]:
        for name, values in rule["if"].items():
            for value in [values] if isinstance(values, str) else values:
                yield name, dimension(name, value, name)


def _values(form: PolicyJson, name: str, value: object, path: str) -> Iterator[str]:
    """One value of a condition, or a list of them."""
    listed = [value] if isinstance(value, str) else form.listed(value, path)
    for each in listed:
        yield dimension(name, each, form.at(path), BadPolicy)


@dataclass(frozen=True)
class BeforeExpenses:
    """Percentages, and amounts per unit sold, that are taken before expenses are paid back.

    They are taken of the gross amount in order of ``seniority``, 1 first. Every fee of one rank is
    computed on what the ranks before it left; if they exceed that, those listed first are paid
    first. Then expenses are paid back, and ``then`` divides the rest. It must be the outermost
    policy, because only there the gross amount is known.

    Source: distribution fees off the top of film revenue; the venue's amount a ticket.
    """

    TYPE: ClassVar[str] = "before_expenses"
    VERSION: ClassVar[int] = 1
    ranks: tuple[tuple[int, tuple[Fee, ...]], ...]
    then: Policy
    where: str

    @classmethod
    def read(cls, form: PolicyJson) -> BeforeExpenses:
        """``{"type", "fees": [{"payee", "rate", "seniority": 1}], "then": {…}}``."""
        fields = form.fields("fees", "then")
        if form.depth:
            reason = "only the outermost policy knows what came in before expenses"
            raise BadPolicy(form.where, reason)
        listed = [_senior(form, fee, here) for here, fee in form.each(fields["fees"], "fees")]
        listed.sort(key=lambda each: each[0])
        ranks = tuple(
            (rank, tuple(fee for _, fee in group))
            for rank, group in groupby(listed, key=lambda each: each[0])
        )
        for _, fees in ranks:
            must_not_exceed(form, fees)
        return cls(ranks, form.policy(fields["then"], "then"), form.where)

    def taken_minor(self, amount_minor: int, origin: Origin) -> int:
        """The sum of these fees, rounded up: what is not available for expenses."""
        return ceil(sum(due for *_, due in self._due(Fraction(amount_minor), origin.units)))

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """The fees, and what everyone else gets of the rest; ``amount`` is net of expenses."""
        origin = flow.origin
        taken = flow.fees(
            self.where,
            amount,
            lambda net, units: [due for *_, due in self._due(net + origin.expenses_minor, units)],
        )
        left, given = amount, []
        fees = [(rank, fee) for rank, fees in self.ranks for fee in fees]
        for (rank, fee), due in zip(fees, taken, strict=True):
            part = min(left, due)
            left -= part
            given.append(alone(fee.payee, part))
            name = f"{fee.in_words()} before expenses, seniority {rank}"
            with flow.ruled_by(name) as ruled:
                ruled[fee.payee] = part
        return together([*given, self.then.parts(left, graph, flow)])

    def _due(self, amount: Fraction, units: Fraction) -> Iterator[tuple[int, Fee, Fraction]]:
        """Each fee with its rank and what is due for it, the most senior first."""
        for rank, fees in self.ranks:
            left = amount
            for fee in fees:
                due = min(amount, fee.due(left, units))
                amount -= due
                yield rank, fee, due


def _senior(form: PolicyJson, value: object, path: str) -> tuple[int, Fee]:
    """A fee and its seniority."""
    if not isinstance(value, Mapping) or "seniority" not in value:
        raise BadPolicy(form.at(path), "a fee before expenses needs a seniority: 1 comes first")
    seniority = units_minor(value["seniority"], form.at(f"{path}.seniority"))
    if not 1 <= seniority <= MOST_SENIOR:
        raise BadPolicy(form.at(path), f"the seniority must be from 1 to {MOST_SENIOR}")
    fee = {name: each for name, each in value.items() if name != "seniority"}
    return seniority, read_fee(form, fee, path)
