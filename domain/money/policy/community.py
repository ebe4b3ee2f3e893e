"""The community pool: a community and its operator share what a work earned, after costs.

Nobody is paid from a pool in which they have no piece, not even by a waiver, and a waived share is
still shown as waived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from domain.lineage import Lineage
from domain.money.policy.assets import Asset, Waivers, read_assets, read_waivers, shares_of
from domain.money.policy.flow import Flow
from domain.money.policy.order import InTurn, Tranche, read_tranches
from domain.money.policy.parts import Parts, alone, exactly, together
from domain.money.policy.reading import PolicyJson, exact_share, list_of, part_of_whole
from domain.refusal import BadPolicy, BadShare


@dataclass(frozen=True)
class AssetPool:
    """One pool: its weight among the pools, and the pieces whose holders share it."""

    name: str
    weight: Fraction
    assets: tuple[Asset, ...]

    def shares(self, waivers: Waivers) -> Parts:
        """Everyone's part of this pool; they sum to 1."""
        shares = shares_of(self.assets, waivers)
        waived = (replace(each, of=f"{each.of} in {self.name}") for each in shares.waived)
        return replace(shares, waived=tuple(waived))


@dataclass(frozen=True)
class CommunityPool:
    """Line items first, then costs; the operator and the pools share the profit.

    profit = max(0, revenue − line items − costs). The operator gets profit·o; the pools share
    profit·(1 − o) by weight, a pool's assets by value, and an asset's people by their shares. Line
    items (a budget line, a self-funded pool) and costs are paid one after the other while there is
    money, less what they were paid before; payees of a line item may share in a later profit, too.

    Source: HitRecord's community payment proposals (Tiny Book of Tiny Stories: 8,073.64 USD
    received, half of it, 4,036.82, to the community).
    """

    TYPE: ClassVar[str] = "community_pool"
    VERSION: ClassVar[int] = 1
    first: InTurn
    operator: str
    operator_share: Fraction
    pools: tuple[AssetPool, ...]
    payees: tuple[str, ...]
    waivers: Waivers

    @classmethod
    def read(cls, form: PolicyJson) -> CommunityPool:
        """``{"type": "community_pool", "operator": ["us", "1/2"], "assets": […], "pools"}``."""
        optional = ("line_items", "costs", "paid", "waivers")
        fields = form.fields("operator", "assets", "pools", optional=optional)
        first = [
            line
            for name in optional[:2]
            if name in fields
            for line in cls._first(form, fields[name], name)
        ]
        form.once((entry.name for entry, _ in first), "line_items and costs")
        names = (entry.name for entry, _ in first)
        operator = list_of(fields["operator"], form.at("operator"), BadPolicy)
        if len(operator) != 2:
            raise BadPolicy(form.at("operator"), "this must be [name, share]")
        assets = read_assets(form, fields["assets"])
        pools = cls._pools(form, fields["pools"], assets)
        policy = cls(
            InTurn(
                tuple(first),
                form.minor_by_name(fields.get("paid", {}), "paid", names),
                form.at("paid"),
            ),
            form.name(operator[0], "operator"),
            part_of_whole(operator[1], form.at("operator")),
            pools,
            tuple(dict.fromkeys(entry.name for each in assets.values() for entry in each.entries)),
            read_waivers(form, fields["waivers"], assets) if "waivers" in fields else {},
        )
        for pool in pools:
            # A waiver that can't be spread is refused when agreed, not when money comes in.
            pool.shares(policy.waivers)
        return policy

    @staticmethod
    def _first(form: PolicyJson, value: object, path: str) -> Iterable[Tranche]:
        """The tranches of line items or costs; each needs an amount."""
        for entry, size in read_tranches(form, value, path):
            if size is None:
                raise BadPolicy(form.at(f"{path} ({entry.name})"), "this needs an amount")
            yield entry, size

    @staticmethod
    def _pools(
        form: PolicyJson, value: object, assets: Mapping[str, Asset]
    ) -> tuple[AssetPool, ...]:
        """``[[name, weight, [asset, …]]]``."""
        pools = []
        reason = "a pool is [name, weight, [asset, …]]"
        for path, fields in form.rows(value, "pools", reason, 3):
            names = [form.name(each, path) for each in form.listed(fields[2], path)]
            form.once(names, path)
            for name in names:
                if name not in assets:
                    raise BadPolicy(form.at(path), f"“{name}” is not one of the assets")
            chosen = tuple(assets[name] for name in names)
            if not any(asset.value for asset in chosen):
                raise BadShare(form.at(path), 0, "the assets of the pool are worth nothing")
            weight = exact_share(fields[1], form.at(path))
            pools.append(AssetPool(form.name(fields[0], path), weight, chosen))
        form.once((pool.name for pool in pools), "pools")
        if not any(pool.weight for pool in pools):
            raise BadShare(form.at("pools"), 0, "all weights are 0")
        return tuple(pools)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """What line items, costs, the operator and everyone with a piece get."""
        paid, profit = self.first.pay(amount, graph, flow)
        weights = sum(pool.weight for pool in self.pools)
        artists = profit * (1 - self.operator_share)
        return together(
            [
                exactly(dict.fromkeys(self.payees, Fraction())),
                *paid,
                alone(self.operator, profit * self.operator_share),
                *(
                    pool.shares(self.waivers).times(artists * pool.weight / weights)
                    for pool in self.pools
                ),
            ]
        )
