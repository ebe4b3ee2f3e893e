"""Passing shares on: from whom the parts of a share came, by assignment or through a group.

The new holder has a part as it was: a question about a credit of those who passed it on is about
that part, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from domain.money.proposal import Assets, depends_on

Parts = Mapping[str, Mapping[str, Fraction]]
"""By payee and asset: their part of the whole."""


class Giver(NamedTuple):
    """A payee who passed a part on, and the works it depends on."""

    payee: str
    works: tuple[str, ...]


class Passed(NamedTuple):
    """A part of what a payee has by an asset that others had before."""

    part: Fraction
    givers: tuple[Giver, ...]
    """The latest first."""

    def at(
        self, person: Callable[[str], str], nodes: Callable[[Iterable[str]], Collection[str]]
    ) -> Passed:
        """The same, of the persons and works as they are after all merges and joins."""
        givers = (Giver(person(each.payee), tuple(nodes(each.works))) for each in self.givers)
        return self._replace(givers=tuple(givers))


PassedOn = Mapping[str, Mapping[str, tuple[Passed, ...]]]
"""By payee and asset: the parts that others had before; the rest was always the payee's own."""
NOTHING_PASSED: Mapping[str, tuple[Passed, ...]] = {}


def givers_in(passed: PassedOn) -> set[str]:
    """Everybody who passed a part on."""
    of_payees = (parts for by_asset in passed.values() for parts in by_asset.values())
    return {giver.payee for parts in of_payees for one in parts for giver in one.givers}


def passed_in(assets: Assets) -> PassedOn:
    """What payees have through groups."""
    found: dict[str, dict[str, tuple[Passed, ...]]] = {}
    for asset in assets:
        for each in asset.get("through", ()):
            giver = Giver(each["group"], depends_on(asset, each["group"]))
            for payee, part in each["shares"]:
                own = found.setdefault(payee, {})
                passed = Passed(Fraction(part), (giver,))
                own[asset["asset"]] = (*own.get(asset["asset"], ()), passed)
    return found


def passed_by(earlier: Assets, before: PassedOn, was: Parts, now: Parts) -> PassedOn:
    """What payees have of others once a share was assigned.

    ``earlier`` are the assets of the agreement before, ``before`` what was passed on under it;
    ``was`` and ``now`` the parts of the whole, before and after.
    """
    assets = {asset["asset"]: asset for asset in earlier}
    found: dict[str, dict[str, tuple[Passed, ...]]] = {}
    for payee, own in now.items():
        for name, part in own.items():
            had = was.get(payee, {}).get(name, Fraction())
            kept = before.get(payee, NOTHING_PASSED).get(name, ())
            left = min(had / part, Fraction(1)) if part else Fraction()
            passed = [Passed(each.part * left, each.givers) for each in kept]
            for giver in was if part > had else ():
                if now.get(giver, {}).get(name, Fraction()) < was[giver].get(name, Fraction()):
                    new = Giver(giver, depends_on(assets[name], giver))
                    theirs = before.get(giver, NOTHING_PASSED).get(name, ())
                    passed += _passed(new, theirs, (part - had) / part)
            if passed := [each for each in passed if each.part]:
                found.setdefault(payee, {})[name] = tuple(passed)
    return found


def _passed(giver: Giver, theirs: tuple[Passed, ...], part: Fraction) -> Iterator[Passed]:
    """A part of what a giver had: some of it from others, the rest their own."""
    for each in theirs:
        yield Passed(part * each.part, (giver, *each.givers))
    yield Passed(part * (1 - sum(each.part for each in theirs)), (giver,))
