"""Every version of every policy that an agreement may name.

A version that was ever in force stays here for good, so that every division can be recomputed; a
changed formula is a new version.
"""

from __future__ import annotations

from domain.money.policy.assets import Assets
from domain.money.policy.cascade import AbsolutePerEdge, AbsolutePerPath, Decay, RelativeCascade
from domain.money.policy.community import CommunityPool
from domain.money.policy.order import Advance, Escalator, Fees, Waterfall
from domain.money.policy.reading import Versions
from domain.money.policy.rules import BeforeExpenses, BySold
from domain.money.policy.shares import Adjusted, Agreed, Bundle, Equal, Fixed, TrueUp

VERSIONS: Versions = {
    (policy.TYPE, policy.VERSION): policy
    for policy in (
        Fixed,
        Equal,
        RelativeCascade,
        AbsolutePerPath,
        AbsolutePerEdge,
        Decay,
        Fees,
        Waterfall,
        Advance,
        Escalator,
        Bundle,
        TrueUp,
        CommunityPool,
        Assets,
        Agreed,
        Adjusted,
        BySold,
        BeforeExpenses,
    )
}
