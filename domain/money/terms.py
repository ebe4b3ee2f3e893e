"""What is due to each payee of an amount, by the terms of a pool and its agreed shares.

The result equals that of the policy with the agreed shares inserted. Usually it is enough to
compute the agreed part as one amount, and to divide that by the shares. Terms that look through to
the payees of the agreed shares (an advance, or shares set by hand) are computed with the shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from domain.money.entry import RULES, RULES_OF_FEES, RULES_OF_REVERSALS
from domain.money.policy.community import CommunityPool
from domain.money.policy.flow import Flow, Reversal
from domain.money.policy.order import Advance, Escalator, Fees, Waterfall
from domain.money.policy.reading import Policy
from domain.money.policy.rules import BeforeExpenses, BySold
from domain.money.policy.shares import Adjusted, Agreed
from domain.money.policy.sold import NO_ORIGIN, Origin
from domain.money.pool import Pool
from domain.money.sales import taken_before_expenses
from domain.money.shares import Shares
from domain.money.split import read_terms, split

_NONE = Fraction()
_NAMED = (Advance.TYPE, Adjusted.TYPE)
_EXPLAINED = (BySold.TYPE, BeforeExpenses.TYPE)
_BANDED = (Advance.TYPE, Escalator.TYPE, Waterfall.TYPE, CommunityPool.TYPE)


Ruled = Sequence[tuple[str, Mapping[str, Fraction]]]
"""Rules, nested ones first, each with what it gave by payee."""


class Terms(NamedTuple):
    """An amount divided by the terms of a pool."""

    due: dict[str, Fraction]
    """By payee, in units; without the agreed part if that is still to be divided."""
    agreed: Fraction
    """How much goes by the agreed shares."""
    flow: Mapping[str, Fraction]
    """By place: what is added to the running totals."""
    ruled: Ruled = ()

    def shared(self, shares: Shares) -> Terms:
        """The same with the agreed part divided by the shares."""
        due = dict(self.due)
        for payee, share in shares.items():
            due[payee] = due.get(payee, _NONE) + self.agreed * share
        return self._replace(due=due)

    def by_payee(self, opened: Pool.Opened, shares: Shares) -> Ruled:
        """``ruled`` with the agreed part divided by the shares."""
        found = []
        for rule, given in self.ruled:
            agreed = given.get(opened.originator_id, _NONE)
            every = {who: part for who, part in given.items() if who != opened.originator_id}
            for payee, share in shares.items() if agreed else ():
                every[payee] = every.get(payee, _NONE) + agreed * share
            found.append((rule, {who: part for who, part in every.items() if part}))
        return found


def places_of(opened: Pool.Opened) -> set[str]:
    """The places of all running totals of the terms."""
    passed = Flow(keeps_rest=True)
    read_terms(opened.terms, agreed=[(opened.originator_id, Fraction(1))]).parts(
        Fraction(1), None, passed
    )
    return {*passed.added}


NOTHING_DUE = Terms({}, _NONE, {})


def look_through(terms: object) -> bool:
    """Whether terms depend on the payees of the agreed shares, not only on their sum."""
    return any(
        policies_in(list(each.values()), Agreed.TYPE) for each in policies_in(terms, *_NAMED)
    )


def have_bands(terms: object) -> bool:
    """Whether what terms give depends on earlier divisions."""
    return bool(policies_in(terms, *_BANDED))


def have_fees_in_bands(terms: object) -> bool:
    """Whether terms have fees of what bands, tranches and advances leave.

    Which division gives back the last units then matters: each gives back a fee of its own.
    """
    return bool(policies_in(policies_in(terms, *_BANDED), Fees.TYPE))


def have_rules(terms: object) -> bool:
    """Whether terms have rules that explanations name for each amount."""
    fees = (fee for each in policies_in(terms, Fees.TYPE) for fee in each["fees"])  # type: ignore[attr-defined] # as it was read
    return bool(policies_in(terms, *_EXPLAINED)) or any("unit_minor" in fee for fee in fees)


def policies_in(terms: object, *kinds: str) -> list[Mapping[str, object]]:
    """The policies of some kinds in terms, however deep they are nested."""
    if isinstance(terms, str):  # most of what there is: names and shares
        return []
    if isinstance(terms, list | tuple):
        return [each for one in terms for each in policies_in(one, *kinds)]
    if not isinstance(terms, Mapping):
        return []
    found = [each for one in terms.values() for each in policies_in(one, *kinds)]
    return [terms, *found] if terms.get("type") in kinds else found


def named_in(opened: Pool.Opened | Pool.Amended) -> list[str]:
    """The payees named in the terms of a pool."""
    return list(by_terms(opened, 1, {}).due)


def by_terms(
    opened: Pool.Opened | Pool.Amended,
    amount_minor: int,
    flow: Mapping[str, Fraction],
    *,
    rules: int = RULES,
    origin: Origin = NO_ORIGIN,
) -> Terms:
    """What is due by the terms of an amount after costs, before the agreed part is divided.

    Within, the pool's id stands for all who have an agreed share; no payee has that id.
    """
    if not amount_minor:
        return NOTHING_DUE
    pool = opened.originator_id
    policy = _with_shares(opened, {pool: Fraction(1)})
    given = _divided(policy, amount_minor, flow, rules, origin)
    return given._replace(agreed=given.due.pop(pool, _NONE))


def by_shares(
    opened: Pool.Opened,
    amount_minor: int,
    flow: Mapping[str, Fraction],
    shares: Shares,
    *,
    rules: int = RULES,
    origin: Origin = NO_ORIGIN,
) -> Terms:
    """What is due by the terms and the agreed shares of an amount after costs."""
    if rules == 1 or not look_through(opened.terms):
        given = by_terms(opened, amount_minor, flow, rules=rules, origin=origin)
        return given.shared(shares)
    if not amount_minor:
        return NOTHING_DUE
    return _divided(_with_shares(opened, shares), amount_minor, flow, rules, origin)


class Taking(NamedTuple):
    """What a reversal is to take back of a division's profit."""

    flow_before: Mapping[str, Fraction]
    """The running totals before the division."""
    whole_minor: int
    """The profit that it divided."""
    before_minor: int
    """How much of that earlier reversals took back."""
    taken_minor: int
    """How much this reversal takes back."""
    origin: Origin = NO_ORIGIN
    """The sales behind the whole profit, and the expenses paid back before it."""

    @property
    def rest(self) -> Taking:
        """The taking of all that is left of it."""
        return self._replace(taken_minor=self.whole_minor - self.before_minor)


def taken_back(
    opened: Pool.Opened,
    taking: Taking,
    flow: Mapping[str, Fraction],
    shares: Shares,
    rules: int = RULES_OF_REVERSALS,
) -> Terms:
    """What a reversal takes back by the terms and shares; everything is negative."""
    if not taking.taken_minor:
        return NOTHING_DUE
    looks, pool = look_through(opened.terms), opened.originator_id
    policy = _with_shares(opened, shares if looks else {pool: Fraction(1)})
    origin = taking.origin
    first = Flow(taking.flow_before, keeps_rest=True, origin=origin)
    policy.parts(Fraction(taking.whole_minor), None, first)
    before = Fraction(taking.before_minor, taking.whole_minor)
    after = before + Fraction(taking.taken_minor, taking.whole_minor)
    reversal = Reversal(first, before, after, is_local=rules >= RULES_OF_FEES)
    passed = Flow(flow, reversal=reversal, keeps_rest=True, origin=origin)
    parts = policy.parts(Fraction(taking.taken_minor), None, passed)
    due = {payee: Fraction(-units, parts.scale) for payee, units in parts.units.items() if units}
    added = {place: -units for place, units in passed.added.items() if units}
    ruled = [(rule, {who: -part for who, part in given.items()}) for rule, given in passed.ruled]
    due.pop(pool, None)
    given = Terms(due, -passed.agreed, added, ruled)
    return given if looks else given.shared(shares)


def _with_shares(opened: Pool.Opened | Pool.Amended, shares: Shares) -> Policy:
    return read_terms(opened.terms, agreed=list(shares.items()))


def before_expenses(opened: Pool.Opened, amount_minor: int, origin: Origin) -> int:
    """How many units of an amount the terms take before expenses are paid back."""
    if opened.terms.get("type") != BeforeExpenses.TYPE:
        return 0
    policy = read_terms(opened.terms, agreed=[(opened.originator_id, Fraction(1))])
    return taken_before_expenses(policy, amount_minor, origin)


def _divided(
    policy: Policy, amount_minor: int, flow: Mapping[str, Fraction], rules: int, origin: Origin
) -> Terms:
    result = split(amount_minor, policy, flow=flow, keeps_rest=rules > 1, origin=origin)
    total = result.division.total
    due = {
        payee: Fraction(amount_minor * weight, total)
        for payee, weight in result.division.weights.items()
    }
    return Terms(due, result.agreed, result.flow, result.ruled)
