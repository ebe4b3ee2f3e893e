"""The community pool: what a community earned with a work, after costs, shared with its operator.

The one rule: nobody is paid from a pool in which they have no piece, not even by a waiver, and a
share that was waived stays visible, struck out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from domain.apportionment import common_scale
from domain.policy.graph import Graph
from domain.policy.order import Tranche, in_turn, read_tranches
from domain.policy.parts import Parts, Struck, alone, exactly, together
from domain.policy.reading import (
    Entry,
    Form,
    exact_share,
    fields_of,
    list_of,
    part_of_whole,
)
from domain.refusal import BadPolicy, BadShare

RELEASE = "release"
"""The scope that holds every piece."""

MAXIMUM_SCOPES = 8


@dataclass(frozen=True)
class Asset:
    """A piece of the finished work: what it is worth, what it is a part of, and whose it is."""

    name: str
    value: Fraction
    within: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def scopes(self) -> tuple[str, ...]:
        """Everything that a waiver of this piece may be spread over."""
        return (self.name, *self.within, RELEASE)


@dataclass(frozen=True)
class Pool:
    """One pool: its weight among the pools, and the pieces that have a right to it."""

    name: str
    weight: Fraction
    assets: tuple[Asset, ...]


Waivers = Mapping[tuple[str, str], str]
"""By payee and asset: the scope over which the waived share is spread."""


def pool_shares(pool: Pool, waivers: Waivers) -> Parts:
    """What everybody gets of 1 in a pool: its assets by value, then the shares inside each.

    A waived part goes to the others in its scope in proportion to what they keep there. All
    waivers take effect at once, so their order does not matter.
    """
    values = sum(asset.value for asset in pool.assets)
    held: dict[tuple[str, str], Fraction] = {}
    for asset in pool.assets:
        total = sum(entry.share for entry in asset.entries)
        for entry in asset.entries:
            held[entry.name, asset.name] = asset.value / values * entry.share / total
    # Refused here, before sums of it are computed, if it is too long.
    common_scale(part.denominator for part in held.values())
    amounts = {payee: Fraction() for payee, _ in held}
    waived: dict[str, dict[str, Fraction]] = {}
    struck = []
    for (payee, piece), part in held.items():
        if (payee, piece) not in waivers:
            amounts[payee] += part
            continue
        over = waivers[payee, piece]
        mine = waived.setdefault(over, {})
        mine[payee] = mine.get(payee, Fraction()) + part
        struck.append(Struck(payee, f"{piece} over {over} in {pool.name}", part))
    for over, parts in waived.items():
        kept: dict[str, Fraction] = {}
        for asset in pool.assets:
            if over in asset.scopes:
                for entry in asset.entries:
                    if (entry.name, asset.name) not in waivers:
                        part = held[entry.name, asset.name]
                        kept[entry.name] = kept.get(entry.name, Fraction()) + part
        for payee, part in spread(parts, kept, over).items():
            amounts[payee] += part
    return exactly(amounts, struck)


def spread(
    waived: Mapping[str, Fraction], kept: Mapping[str, Fraction], over: str
) -> dict[str, Fraction]:
    """What each who keeps something gets of what was waived, nobody of their own.

    Of Wᵢ, waived by i, j gets Wᵢ·kⱼ/(K − kᵢ); all together kⱼ·(Σ aᵢ − aⱼ) with aᵢ = Wᵢ/(K − kᵢ).
    """
    whole = sum(kept.values(), Fraction())
    factors = {}
    for payee, part in waived.items():
        others = whole - kept.get(payee, 0)
        if part and not others:
            reason = f"what {payee} waives can't be spread over “{over}”: nobody else is left there"
            raise BadPolicy("policy.waivers", reason)
        factors[payee] = part / others if part else Fraction()
    scale = common_scale(factor.denominator for factor in factors.values())
    total = Fraction(sum((factor * scale).numerator for factor in factors.values()), scale)
    return {payee: part * (total - factors.get(payee, Fraction())) for payee, part in kept.items()}


@dataclass(frozen=True)
class CommunityPool:
    """Line items first, then costs; the profit is shared by the operator and the pools.

    profit = revenue − line items − costs, not less than 0; the operator gets profit·o, the pools
    share profit·(1 − o) by weight, a pool's assets by value, an asset's people by their shares.
    Line items (a budget line, a self-funded pool) and costs are paid one after the other as far as
    there is money, less what they were paid before; whoever is in a line item shares in a later
    profit in addition. Only pieces that are in a pool have a right to it.

    Source: HitRecord's community payment proposals (Tiny Book of Tiny Stories: 8,073.64 USD
    received, half of it, 4,036.82, to the community).
    """

    TYPE: ClassVar[str] = "community_pool"
    VERSION: ClassVar[int] = 1
    first: tuple[tuple[Entry, int], ...]
    paid: Mapping[str, int]
    operator: str
    operator_share: Fraction
    pools: tuple[Pool, ...]
    payees: tuple[str, ...]
    waivers: Waivers

    @classmethod
    def read(cls, form: Form) -> CommunityPool:
        """``{"type": "community_pool", "operator": ["us", "1/2"], "assets": […], "pools"}``."""
        optional = ("line_items", "costs", "paid", "waivers")
        fields = form.fields("operator", "assets", "pools", optional=optional)
        first = [
            line
            for place in optional[:2]
            if place in fields
            for line in cls._first(form, fields[place], place)
        ]
        form.once((entry.name for entry, _ in first), "line_items and costs")
        names = (entry.name for entry, _ in first)
        operator = list_of(fields["operator"], form.at("operator"), BadPolicy)
        if len(operator) != 2:
            raise BadPolicy(form.at("operator"), "this is [name, share]")
        assets = cls._assets(form, fields["assets"])
        pools = cls._pools(form, fields["pools"], assets)
        policy = cls(
            tuple(first),
            form.minor_by_name(fields.get("paid", {}), "paid", names),
            form.name(operator[0], "operator"),
            part_of_whole(operator[1], form.at("operator")),
            pools,
            tuple(dict.fromkeys(entry.name for each in assets.values() for entry in each.entries)),
            cls._waivers(form, fields["waivers"], assets) if "waivers" in fields else {},
        )
        for pool in pools:
            # A waiver that can't be spread is refused when it is agreed, not when money comes in.
            pool_shares(pool, policy.waivers)
        return policy

    @staticmethod
    def _first(form: Form, value: object, place: str) -> Iterable[tuple[Entry, int]]:
        """What is paid before there is a profit; each of it has an amount."""
        for entry, size in read_tranches(form, value, place):
            if size is None:
                raise BadPolicy(form.at(f"{place} ({entry.name})"), "this needs an amount")
            yield entry, size

    @staticmethod
    def _assets(form: Form, value: object) -> dict[str, Asset]:
        """``[{"asset", "value", "within"?, "shares"}]``."""
        assets: dict[str, Asset] = {}
        groups: set[str] = set()
        for index, line in enumerate(form.listed(value, "assets")):
            place = f"assets[{index}]"
            needed = ("asset", "value", "shares")
            where = form.at(place)
            fields = fields_of(line, where, BadPolicy, needed=needed, optional=("within",))
            name = form.name(fields["asset"], f"{place}.asset")
            within = list_of(fields.get("within", []), f"{where}.within", BadPolicy)
            if len(within) > MAXIMUM_SCOPES:
                raise BadPolicy(f"{where}.within", f"a piece is in at most {MAXIMUM_SCOPES} parts")
            parts = tuple(form.name(part, f"{place}.within") for part in within)
            entries = form.entries(fields["shares"], f"{place}.shares")
            if any(entry.then is not None for entry in entries):
                raise BadPolicy(f"{where}.shares", "the shares of a piece are people's")
            if not any(entry.share for entry in entries):
                raise BadShare(f"{where}.shares", 0, "all of them are 0")
            if name in assets:
                raise BadPolicy(where, f"“{name}” is listed twice")
            form.once(parts, f"{place}.within")
            assets[name] = Asset(name, exact_share(fields["value"], where), parts, entries)
            groups.update(parts)
        for name in sorted({*groups, RELEASE} & set(assets) | ({RELEASE} & groups)):
            raise BadPolicy(form.at("assets"), f"“{name}” would name two scopes")
        return assets

    @staticmethod
    def _pools(form: Form, value: object, assets: Mapping[str, Asset]) -> tuple[Pool, ...]:
        """``[[name, weight, [asset, …]]]``."""
        pools = []
        for index, line in enumerate(form.listed(value, "pools")):
            place = f"pools[{index}]"
            fields = list_of(line, form.at(place), BadPolicy)
            if len(fields) != 3:
                raise BadPolicy(form.at(place), "a pool is [name, weight, [asset, …]]")
            names = [form.name(each, place) for each in form.listed(fields[2], place)]
            form.once(names, place)
            for name in names:
                if name not in assets:
                    raise BadPolicy(form.at(place), f"“{name}” is not one of the assets")
            chosen = tuple(assets[name] for name in names)
            if not any(asset.value for asset in chosen):
                raise BadShare(form.at(place), 0, "the assets of the pool are worth nothing")
            weight = exact_share(fields[1], form.at(place))
            pools.append(Pool(form.name(fields[0], place), weight, chosen))
        form.once((pool.name for pool in pools), "pools")
        if not any(pool.weight for pool in pools):
            raise BadShare(form.at("pools"), 0, "all weights are 0")
        return tuple(pools)

    @staticmethod
    def _waivers(form: Form, value: object, assets: Mapping[str, Asset]) -> Waivers:
        """``[{"payee", "asset", "over"}]``: who waives their share of what, spread over what."""
        waivers: dict[tuple[str, str], str] = {}
        owned = {(entry.name, asset.name) for asset in assets.values() for entry in asset.entries}
        for index, line in enumerate(form.listed(value, "waivers")):
            place = f"waivers[{index}]"
            needed = ("payee", "asset", "over")
            fields = fields_of(line, form.at(place), BadPolicy, needed=needed)
            payee, name, over = (form.name(fields[each], f"{place}.{each}") for each in needed)
            if (payee, name) not in owned:
                raise BadPolicy(form.at(place), f"“{payee}” has no share in “{name}”")
            if over not in assets[name].scopes:
                raise BadPolicy(form.at(place), f"“{name}” is not within “{over}”")
            if (payee, name) in waivers:
                raise BadPolicy(form.at(place), f"“{payee}” waives “{name}” twice")
            waivers[payee, name] = over
        return waivers

    def parts(self, amount: Fraction, graph: Graph | None) -> Parts:
        """What line items, costs, the operator and everybody with a piece get."""
        tranches: Sequence[Tranche] = [
            (entry, Fraction(max(0, size - self.paid.get(entry.name, 0))))
            for entry, size in self.first
        ]
        paid, profit = in_turn(tranches, amount)
        weights = sum(pool.weight for pool in self.pools)
        artists = profit * (1 - self.operator_share)
        return together(
            [
                exactly(dict.fromkeys(self.payees, Fraction())),
                *(entry.parts(part, graph) for entry, part in paid),
                alone(self.operator, profit * self.operator_share),
                *(
                    pool_shares(pool, self.waivers).times(artists * pool.weight / weights)
                    for pool in self.pools
                ),
            ]
        )
