"""Shares held through a group: the group's share, divided among its members.

A group divides its share in one agreement, or for all pools by a standing division. Proposals apply
the standing division unless they state otherwise: an asset whose ``through`` names the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from domain.money.apportionment import payee_key
from domain.money.policy.reading import part_of_whole
from domain.refusal import BadShare

MOST_MEMBERS = 100
"""The most members among whom a group divides a share."""

Asset = Mapping[str, Any]
ByPayee = Mapping[str, Fraction]
"""By payee: their part of a share."""
Divides = Sequence[Sequence[Any]]
"""``[[group, [[member, part], …]], …]``: how groups divide their shares."""


def parts_among(
    stated: Sequence[tuple[str, str]], where: str = "among[{}].part"
) -> dict[str, Fraction]:
    """By payee: their part; refuses (``BadShare``) 0, a payee twice, and a sum over 1."""
    parts: dict[str, Fraction] = {}
    for number, (payee, part) in enumerate(stated):
        at = where.format(number)
        exact = part_of_whole(part, at)
        if payee in parts or not exact:
            raise BadShare(at, part, "each member has one part, and it is more than 0")
        parts[payee] = exact
    if (whole := sum(parts.values())) > 1:
        raise BadShare("among", str(whole), "this is the sum of the parts, which is at most 1")
    return parts


def passed_on(asset: Asset, payee: str, parts: ByPayee, *, is_through: bool) -> dict[str, Any]:
    """The asset after ``payee`` passed parts of their share on; ``is_through``: as a group."""
    before = {who: Fraction(share) for who, share in asset["shares"]}
    after, given = dict(before), {}
    if own := before.get(payee):
        del after[payee]
        given = {to: own * part for to, part in parts.items()}
        for to, more in given.items():
            after[to] = after.get(to, Fraction()) + more
        if left := own - sum(given.values()):
            after[payee] = left
    through = _still_through(asset, before, after)
    if is_through and given:
        of_group = through.setdefault(payee, {})
        for to, more in given.items():
            of_group[to] = of_group.get(to, Fraction()) + more / after[to]
    return _asset(asset, after, through)


def _still_through(asset: Asset, before: ByPayee, after: ByPayee) -> dict[str, dict[str, Fraction]]:
    """By group and payee: the part of their new share that they have through the group."""
    return {
        each["group"]: {
            who: Fraction(part) * min(before[who] / after[who], Fraction(1))
            for who, part in each["shares"]
            if who in before and after.get(who)
        }
        for each in asset.get("through", ())
    }


def _asset(
    asset: Asset, shares: ByPayee, through: Mapping[str, Mapping[str, Fraction]]
) -> dict[str, Any]:
    """The asset as JSON, with other shares."""
    changed = {name: value for name, value in asset.items() if name != "through"}
    changed["shares"] = [[who, str(shares[who])] for who in sorted(shares, key=payee_key)]
    if through := {group: each for group, each in through.items() if each}:
        changed["through"] = [
            {"group": group, "shares": [[who, str(each[who])] for who in sorted(each)]}
            for group, each in sorted(through.items())
        ]
    return changed


def divided(assets: Iterable[Asset], divides: Divides | None) -> list[dict[str, Any]]:
    """The assets after these groups divided their shares among their members."""
    found = [dict(asset) for asset in assets]
    for group, members in divides or ():
        parts = {member: Fraction(part) for member, part in members}
        for index, asset in enumerate(found):
            is_stated = any(each["group"] == group for each in asset.get("through", ()))
            if not is_stated and any(who == group for who, _ in asset["shares"]):
                found[index] = passed_on(asset, group, parts, is_through=True)
    return found


def divides_of(assets: Iterable[Asset], divides: Divides | None) -> Divides | None:
    """The divisions of groups that have a share in these assets; None if there are none."""
    payees = {who for asset in assets for who, _ in asset["shares"]}
    return [each for each in divides or () if each[0] in payees] or None


def members_of(divides: Divides | None) -> list[str]:
    """Everybody who gets a part by these divisions."""
    return [member for _, members in divides or () for member, _ in members]


def joined(assets: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The assets followed by those of the next fact, which may continue the last asset's shares."""
    last, first = assets[-1], more[0]
    if last["asset"] != first["asset"]:
        return [*assets, *more]
    if "through" in last or "through" in first:
        one = _as_one(last, first)
    else:
        one = {**last, "shares": [*last["shares"], *first["shares"]]}
    return [*assets[:-1], one, *more[1:]]


def _as_one(*pages: Asset) -> dict[str, Any]:
    """An asset whose shares, and parts held through groups, are spread over several pages."""
    shares: dict[str, Fraction] = {}
    through: dict[str, dict[str, Fraction]] = {}
    for page in pages:
        held = {who: Fraction(share) for who, share in page["shares"]}
        for who, share in held.items():
            shares[who] = shares.get(who, Fraction()) + share
        for each in page.get("through", ()):
            of_group = through.setdefault(each["group"], {})
            for who, part in each["shares"]:
                of_group[who] = of_group.get(who, Fraction()) + Fraction(part) * held[who]
    parts = {
        group: {who: units / shares[who] for who, units in each.items() if shares[who]}
        for group, each in through.items()
    }
    return _asset(pages[0], shares, parts)
