"""Pieces of a release: what each is worth, who holds it, and who waived a share of it.

A waived share goes to others in its scope, never back to the person who waived it, and is still
shown as waived.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, NamedTuple

from domain.lineage import Lineage
from domain.money.apportionment import common_scale
from domain.money.policy.flow import Flow
from domain.money.policy.parts import Parts, Waived, exactly
from domain.money.policy.reading import (
    MAXIMUM_COMPUTED_LENGTH,
    PolicyEntry,
    PolicyJson,
    exact_share,
    list_of,
)
from domain.refusal import BadPolicy, BadShare

RELEASE = "release"
"""The scope of all pieces."""

MAXIMUM_SCOPES = 8


@dataclass(frozen=True)
class Asset:
    """A piece of the release: what it is worth, what it is a part of, and who holds it."""

    name: str
    value: Fraction
    within: tuple[str, ...]
    entries: tuple[PolicyEntry, ...]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes over which a waiver of this piece may be spread."""
        return (self.name, *self.within, RELEASE)


Waivers = Mapping[tuple[str, str], str]
"""By payee and asset: the scope over which the waived share is spread."""


class Holding(NamedTuple):
    """What someone holds of one asset, before waivers."""

    payee: str
    asset: str
    value: Fraction
    """The asset's part of the whole."""
    share: Fraction
    """The payee's part of the asset."""

    @property
    def part(self) -> Fraction:
        """The payee's part of the whole through this asset: vₖ/Σv·cᵢ/Σc."""
        return self.value * self.share


def holdings_of(assets: Sequence[Asset]) -> Iterator[Holding]:
    """What each payee holds of each asset, in the order listed."""
    whole = sum(asset.value for asset in assets)
    for asset in assets:
        value, inside = asset.value / whole, sum(entry.share for entry in asset.entries)
        for entry in asset.entries:
            yield Holding(entry.name, asset.name, value, entry.share / inside)


def shares_of(assets: Sequence[Asset], waivers: Waivers) -> Parts:
    """Everyone's part of 1, after waivers: assets by value, then people by their shares in each."""
    held = {(each.payee, each.asset): each.part for each in holdings_of(assets)}
    common_scale(part.denominator for part in held.values())
    amounts = {payee: Fraction() for payee, _ in held}
    for (payee, _), part in _after_waivers(assets, held, waivers).items():
        amounts[payee] += part
    given_up = (
        Waived(payee, f"{piece} over {waivers[payee, piece]}", part)
        for (payee, piece), part in held.items()
        if (payee, piece) in waivers
    )
    return exactly(amounts, list(given_up))


def parts_of(assets: Sequence[Asset], waivers: Waivers) -> Mapping[tuple[str, str], Fraction]:
    """Everyone's part of 1 by payee and asset, after waivers."""
    held = {(each.payee, each.asset): each.part for each in holdings_of(assets)}
    return _after_waivers(assets, held, waivers)


def _after_waivers(
    assets: Sequence[Asset], held: Mapping[tuple[str, str], Fraction], waivers: Waivers
) -> dict[tuple[str, str], Fraction]:
    """By payee and asset: the part held there, plus what comes from waivers of others.

    A waived part goes to the others in its scope in proportion to what they keep there. All waivers
    take effect at once, so their order does not matter. Those of assets that are not among these,
    but in another pool, take nothing here.
    """
    parts = {key: part for key, part in held.items() if key not in waivers}
    waived: dict[str, dict[str, Fraction]] = {}
    for key in waivers.keys() & held.keys():
        mine, payee = waived.setdefault(waivers[key], {}), key[0]
        mine[payee] = mine.get(payee, Fraction()) + held[key]
    gained: dict[tuple[str, str], Fraction] = {}
    for over, given in waived.items():
        inside = {asset.name for asset in assets if over in asset.scopes}
        kept = {key: held[key] for key in parts if key[1] in inside}
        people: dict[str, Fraction] = {}
        for (payee, _), part in kept.items():
            people[payee] = people.get(payee, Fraction()) + part
        got = spread(given, people, over)
        for key, part in kept.items():
            if part:
                more = got[key[0]] * part / people[key[0]]
                gained[key] = gained.get(key, Fraction()) + more
    return parts | {key: parts[key] + more for key, more in gained.items()}


def spread(
    waived: Mapping[str, Fraction], kept: Mapping[str, Fraction], over: str
) -> dict[str, Fraction]:
    """What each payee gets of what others waived, in proportion to what they keep.

    With k what each keeps and K = Σk: of Wᵢ, waived by i, payee j gets Wᵢ·kⱼ/(K − kᵢ). So over all
    waivers, j gets kⱼ·(Σ aᵢ − aⱼ) with aᵢ = Wᵢ/(K − kᵢ).
    """
    whole = sum(kept.values(), Fraction())
    factors = {}
    for payee, part in waived.items():
        others = whole - kept.get(payee, 0)
        if part and not others:
            reason = (
                f"what {payee} waives can't be spread over “{over}”: nobody else has a share there"
            )
            raise BadPolicy("policy.waivers", reason)
        factors[payee] = part / others if part else Fraction()
    scale = common_scale(factor.denominator for factor in factors.values())
    total = Fraction(sum((factor * scale).numerator for factor in factors.values()), scale)
    return {payee: part * (total - factors.get(payee, Fraction())) for payee, part in kept.items()}


def read_assets(form: PolicyJson, value: object) -> dict[str, Asset]:
    """``[{"asset", "value", "within"?, "shares", "through"?}]``, by name."""
    assets: dict[str, Asset] = {}
    groups: set[str] = set()
    needed, optional = ("asset", "value", "shares"), ("within", "through")
    for path, fields in form.objects(value, "assets", *needed, optional=optional):
        where = form.at(path)
        name = form.name(fields["asset"], f"{path}.asset")
        within = list_of(fields.get("within", []), f"{where}.within", BadPolicy)
        if len(within) > MAXIMUM_SCOPES:
            raise BadPolicy(
                f"{where}.within", f"a piece may be within at most {MAXIMUM_SCOPES} parts"
            )
        parts = tuple(form.name(part, f"{path}.within") for part in within)
        entries = form.entries(fields["shares"], f"{path}.shares", longest=MAXIMUM_COMPUTED_LENGTH)
        if any(entry.then is not None for entry in entries):
            raise BadPolicy(
                f"{where}.shares", "the shares of a piece go to payees, not to policies"
            )
        if not any(entry.share for entry in entries):
            raise BadShare(f"{where}.shares", 0, "all of them are 0")
        _must_be_theirs(form, fields.get("through", []), path, {entry.name for entry in entries})
        if name in assets:
            raise BadPolicy(where, f"“{name}” is listed twice")
        form.once(parts, f"{path}.within")
        worth = exact_share(fields["value"], where, MAXIMUM_COMPUTED_LENGTH)
        assets[name] = Asset(name, worth, parts, entries)
        groups.update(parts)
    # Refused here if they are too long together, before sums of them are computed.
    common_scale(asset.value.denominator for asset in assets.values())
    for name in sorted({*groups, RELEASE} & set(assets) | ({RELEASE} & groups)):
        raise BadPolicy(form.at("assets"), f"“{name}” would name two scopes")
    return assets


def _must_be_theirs(form: PolicyJson, value: object, asset: str, holders: Collection[str]) -> None:
    """Refuse parts of shares that are through a group, but of nobody's share in an asset."""
    groups = form.objects(value, f"{asset}.through", "group", "shares") if value else ()
    for path, fields in groups:
        form.name(fields["group"], f"{path}.group")
        if fields["shares"] == []:  # the group keeps its share, whatever it divides elsewhere
            continue
        for entry in form.entries(fields["shares"], f"{path}.shares"):
            if entry.name not in holders or not 0 < entry.share <= 1 or entry.then is not None:
                reason = f"“{entry.name}” is with a part of their share in the asset, at most all"
                raise BadPolicy(form.at(f"{path}.shares"), reason)


def read_waivers(form: PolicyJson, value: object, assets: Mapping[str, Asset]) -> Waivers:
    """``[{"payee", "asset", "over"}]``: who waives their share of what, spread over what."""
    waivers: dict[tuple[str, str], str] = {}
    owned = {(entry.name, asset.name) for asset in assets.values() for entry in asset.entries}
    needed = ("payee", "asset", "over")
    for path, fields in form.objects(value, "waivers", *needed):
        payee, name, over = (form.name(fields[each], f"{path}.{each}") for each in needed)
        if (payee, name) not in owned:
            raise BadPolicy(form.at(path), f"“{payee}” has no share in “{name}”")
        if over not in assets[name].scopes:
            raise BadPolicy(form.at(path), f"“{name}” is not within “{over}”")
        if (payee, name) in waivers:
            raise BadPolicy(form.at(path), f"“{payee}” waives “{name}” twice")
        waivers[payee, name] = over
    return waivers


@dataclass(frozen=True)
class Assets:
    """Every piece has a value, which its people share: N·vₖ/Σv·cᵢ/Σc.

    It is the inner part of ``community_pool``, with the same waivers.

    Source: HitRecord's community payment proposals.
    """

    TYPE: ClassVar[str] = "assets"
    VERSION: ClassVar[int] = 1
    shares: Parts

    @classmethod
    def read(cls, form: PolicyJson) -> Assets:
        """``{"type": "assets", "assets": [{…}], "waivers": [{…}]}``."""
        fields = form.fields("assets", optional=("waivers",))
        assets = read_assets(form, fields["assets"])
        if not any(asset.value for asset in assets.values()):
            raise BadShare(form.at("assets"), 0, "the assets are worth nothing")
        waivers = read_waivers(form, fields["waivers"], assets) if "waivers" in fields else {}
        return cls(shares_of(tuple(assets.values()), waivers))

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        return self.shares.times(amount)
