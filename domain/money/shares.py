"""The shares of a pool: each payee's part of its assets, after waivers.

Shares are exact and sum to 1, and a waiver reduces only the share of the person who waives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from domain.money.policy.assets import RELEASE, Asset, Holding, Waivers, holdings_of
from domain.money.policy.assets import parts_of as asset_parts
from domain.money.policy.assets import shares_of as asset_shares
from domain.money.policy.reading import PolicyEntry
from domain.money.proposal import Assets
from domain.refusal import UnknownScope

Shares = Mapping[str, Fraction]


def _read(assets: Assets) -> tuple[Asset, ...]:
    return tuple(
        Asset(
            asset["asset"],
            Fraction(asset["value"]),
            tuple(asset.get("within", ())),
            tuple(PolicyEntry(payee, Fraction(share), None) for payee, share in asset["shares"]),
        )
        for asset in assets
    )


def shares_of(assets: Assets, waivers: Waivers) -> Shares:
    """The exact share of every payee in the assets, including shares of 0."""
    if not assets:  # the terms name everybody
        return {}
    parts = asset_shares(_read(assets), waivers)
    return {payee: Fraction(units, parts.scale) for payee, units in parts.units.items()}


def parts_of(assets: Assets, waivers: Waivers) -> Mapping[str, Mapping[str, Fraction]]:
    """By payee and asset: their exact part of the whole, after waivers."""
    found: dict[str, dict[str, Fraction]] = {}
    for (payee, asset), part in asset_parts(_read(assets), waivers).items():
        found.setdefault(payee, {})[asset] = part
    return found


def holdings_in(assets: Assets) -> Iterator[Holding]:
    """Each payee's part of the whole through each asset, before waivers."""
    return holdings_of(_read(assets))


def scopes_of(asset: Mapping[str, object]) -> tuple[str, ...]:
    """The scopes that a waiver in this asset may name."""
    within = asset.get("within", ())
    assert isinstance(within, list | tuple)
    return (str(asset["asset"]), *within, RELEASE)


def waived_in(assets: Assets, payee: str, scope: str) -> dict[tuple[str, str], str]:
    """The waivers of a payee's shares in all assets within a scope."""
    return {
        (payee, asset["asset"]): scope
        for asset in assets
        if scope in scopes_of(asset) and any(payee == holder for holder, _ in asset["shares"])
    }


def must_be_scope(assets: Assets, payee: str, scope: str) -> None:
    """Refuse (``UnknownScope``) a scope in which the payee has no share."""
    if not waived_in(assets, payee, scope):
        known = dict.fromkeys(
            name
            for asset in assets
            if any(payee == holder for holder, _ in asset["shares"])
            for name in scopes_of(asset)
        )
        raise UnknownScope(scope, tuple(known))
