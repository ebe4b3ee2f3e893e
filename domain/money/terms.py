"""Terms: what is due to whom of an amount by the terms of a pool and its agreed shares.

What terms divide equals the same policy with the agreed shares put in. As a rule the agreed part is
a number, and each share of it follows. Terms that look through to the payees, an advance or shares
set by hand over agreed ones, are computed with the shares themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from domain.money.entry import RULES
from domain.money.policy.community import CommunityPool
from domain.money.policy.flow import Back, Flow
from domain.money.policy.order import Advance, Escalator, Waterfall
from domain.money.policy.reading import Policy
from domain.money.policy.shares import Adjusted, Agreed
from domain.money.pool import Pool
from domain.money.shares import Shares
from domain.money.split import read_terms, split

_NONE = Fraction()
_NAMED = (Advance.TYPE, Adjusted.TYPE)
_BANDED = (Advance.TYPE, Escalator.TYPE, Waterfall.TYPE, CommunityPool.TYPE)


class Terms(NamedTuple):
    """An amount divided by the terms of a pool."""

    due: dict[str, Fraction]
    """For everyone, but for the agreed part where that is still to be divided."""
    agreed: Fraction
    """How much goes by the agreed shares."""
    flow: Mapping[str, Fraction]

    def shared(self, shares: Shares) -> Terms:
        """The same, with the agreed part divided."""
        due = dict(self.due)
        for payee, share in shares.items():
            due[payee] = due.get(payee, _NONE) + self.agreed * share
        return self._replace(due=due)


def places_of(opened: Pool.Opened) -> set[str]:
    """The places of the terms at which something is summed."""
    passed = Flow(keeps_rest=True)
    read_terms(opened.terms, agreed=[(opened.originator_id, Fraction(1))]).parts(
        Fraction(1), None, passed
    )
    return {*passed.sent}


NOTHING = Terms({}, _NONE, {})


def look_through(terms: object) -> bool:
    """Whether terms depend on the payees of the agreed shares, not only on their sum."""
    return any(
        policies_in(list(each.values()), Agreed.TYPE) for each in policies_in(terms, *_NAMED)
    )


def have_bands(terms: object) -> bool:
    """Whether what terms give depends on what came before."""
    return bool(policies_in(terms, *_BANDED))


def policies_in(terms: object, *kinds: str) -> list[Mapping[str, object]]:
    """The policies of some kinds in terms, wherever they are."""
    inside: Iterable[object] = ()
    if isinstance(terms, Mapping):
        inside = terms.values()
    elif isinstance(terms, list | tuple):
        inside = terms
    found = [each for one in inside for each in policies_in(one, *kinds)]
    return [terms, *found] if isinstance(terms, Mapping) and terms.get("type") in kinds else found


def named_in(opened: Pool.Opened | Pool.Amended) -> list[str]:
    """Everyone who is named in the terms of a pool."""
    return list(by_terms(opened, 1, {}).due)


def by_terms(
    opened: Pool.Opened | Pool.Amended,
    amount_minor: int,
    flow: Mapping[str, Fraction],
    *,
    rules: int = RULES,
) -> Terms:
    """What is due to whom of an amount after costs, before the agreed part is divided.

    The pool's id stands for all who share in it by agreement: no payee has that id.
    """
    if not amount_minor:
        return NOTHING
    pool = opened.originator_id
    policy = read_terms(opened.terms, agreed=[(pool, Fraction(1))])
    due, _, through = _divided(policy, amount_minor, flow, rules)
    return Terms(due, due.pop(pool, _NONE), through)


def by_shares(
    opened: Pool.Opened,
    amount_minor: int,
    flow: Mapping[str, Fraction],
    shares: Shares,
    *,
    rules: int = RULES,
) -> Terms:
    """What is due to everyone of an amount after costs, by the terms and the agreed shares."""
    if rules == 1 or not look_through(opened.terms):
        return by_terms(opened, amount_minor, flow, rules=rules).shared(shares)
    if not amount_minor:
        return NOTHING
    return _divided(_with_shares(opened, shares), amount_minor, flow, rules)


class Taking(NamedTuple):
    """What is to be taken back of a division: of its profit, so much after so much before."""

    flow_before: Mapping[str, Fraction]
    """What had gone through the terms before the division."""
    whole_minor: int
    """The profit that it divided."""
    before_minor: int
    taken_minor: int


def taken_back(
    opened: Pool.Opened, taking: Taking, flow: Mapping[str, Fraction], shares: Shares
) -> Terms:
    """What a reversal takes back by the terms and shares; everything is negative."""
    if not taking.taken_minor:
        return NOTHING
    policy = _with_shares(opened, shares)
    first = Flow(taking.flow_before, keeps_rest=True)
    policy.parts(Fraction(taking.whole_minor), None, first)
    before = Fraction(taking.before_minor, taking.whole_minor)
    after = before + Fraction(taking.taken_minor, taking.whole_minor)
    passed = Flow(flow, back=Back(first, before, after), keeps_rest=True)
    parts = policy.parts(Fraction(taking.taken_minor), None, passed)
    due = {payee: Fraction(-units, parts.scale) for payee, units in parts.units.items() if units}
    return Terms(due, -passed.agreed, {place: -sent for place, sent in passed.sent.items() if sent})


def _with_shares(opened: Pool.Opened, shares: Shares) -> Policy:
    return read_terms(opened.terms, agreed=list(shares.items()))


def _divided(policy: Policy, amount_minor: int, flow: Mapping[str, Fraction], rules: int) -> Terms:
    result = split(amount_minor, policy, flow=flow, keeps_rest=rules > 1)
    due = {payee: amount_minor * result.division.share(payee) for payee in result.division.weights}
    return Terms(due, result.agreed, result.flow)
