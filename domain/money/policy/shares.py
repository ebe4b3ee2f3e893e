"""Policies by stated numbers: fixed and equal shares, bundles, and the true-up of earlier payments.

Numbers are weights: each is divided by their exact sum. A part may be divided by another policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from domain.lineage import Lineage
from domain.money.apportionment import common_scale, exact_sum
from domain.money.policy.flow import FINE, Flow
from domain.money.policy.parts import Parts, Waived, exactly, together
from domain.money.policy.reading import Policy, PolicyEntry, PolicyJson, exact_share
from domain.refusal import BadPolicy, BadShare


def pro_rata(
    entries: Sequence[PolicyEntry], amount: Fraction, graph: Lineage[str] | None, flow: Flow
) -> Parts:
    """N·wᵢ/Σw for each entry, divided further by the entry's policy if it has one."""
    scale = common_scale(entry.share.denominator for entry in entries)
    weights = [entry.share.numerator * (scale // entry.share.denominator) for entry in entries]
    total = sum(weights)
    final = {
        entry.name: amount.numerator * weight
        for entry, weight in zip(entries, weights, strict=True)
        if entry.then is None
    }
    further = [
        entry.parts(amount * Fraction(weight, total), graph, flow)
        for entry, weight in zip(entries, weights, strict=True)
        if entry.then is not None
    ]
    return together([Parts(final, amount.denominator * total), *further])


def must_weigh(form: PolicyJson, entries: Sequence[PolicyEntry], path: str) -> None:
    """Refuse entries whose weights are all 0: there would be no shares."""
    if not any(entry.share for entry in entries):
        raise BadShare(form.at(path), 0, "all of them are 0, so there is nothing to divide by")


@dataclass(frozen=True)
class Fixed:
    """Everyone gets an agreed share: N·cᵢ, with cᵢ = wᵢ/Σw.

    The numbers need not sum to 1; ``whole`` states their exact sum where one is required. A waived
    share goes to the others in proportion, and stays visible.

    Source: the pro-rata split of every split sheet; the waiver is HitRecord's.
    """

    TYPE: ClassVar[str] = "fixed"
    VERSION: ClassVar[int] = 1
    entries: tuple[PolicyEntry, ...]
    waived: frozenset[str] = frozenset()

    @classmethod
    def read(cls, form: PolicyJson) -> Fixed:
        """``{"type": "fixed", "shares": [["ana", "2"], ["bo", "1"]]}``."""
        fields = form.fields("shares", optional=("whole", "waived"))
        entries = form.entries(fields["shares"], "shares")
        must_weigh(form, entries, "shares")
        total = exact_sum([entry.share for entry in entries])
        if "whole" in fields and total != exact_share(fields["whole"], form.at("whole")):
            reason = f"the shares must sum to exactly {fields['whole']}"
            raise BadShare(form.at("shares"), total, reason)
        waived = (
            frozenset(form.name(name, "waived") for name in form.listed(fields["waived"], "waived"))
            if "waived" in fields
            else frozenset()
        )
        by_name = {entry.name: entry for entry in entries}
        for name in sorted(waived):
            if name not in by_name or by_name[name].then is not None:
                raise BadPolicy(form.at("waived"), f"“{name}” is not a payee listed here")
        if not any(entry.share for entry in entries if entry.name not in waived):
            raise BadPolicy(form.at("waived"), "nobody is left to receive it")
        return cls(entries, waived)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        if not self.waived:
            return pro_rata(self.entries, amount, graph, flow)
        left = [
            PolicyEntry(entry.name, Fraction(), None) if entry.name in self.waived else entry
            for entry in self.entries
        ]
        total = sum(entry.share for entry in self.entries)
        waived = tuple(
            Waived(entry.name, "shares", amount * entry.share / total)
            for entry in self.entries
            if entry.name in self.waived
        )
        parts = pro_rata(left, amount, graph, flow)
        return Parts(parts.units, parts.scale, parts.waived + waived)


@dataclass(frozen=True)
class Agreed:
    """The shares of a final proposal: N·cᵢ, with Σc = 1.

    A pool's terms say how much goes to those who share it; the final proposal says who they are,
    and their shares. So only the terms of a pool may use this policy.

    Source: HitRecord's payment proposals, which are commented on and then finalised.
    """

    TYPE: ClassVar[str] = "agreed"
    VERSION: ClassVar[int] = 1
    shares: Parts

    @classmethod
    def read(cls, form: PolicyJson) -> Agreed:
        """``{"type": "agreed"}``."""
        form.fields()
        agreed = form.given.agreed
        if not agreed:
            reason = "“agreed” is only for the terms of a pool whose shares were agreed"
            raise BadPolicy(form.where, reason)
        form.given.spent.entry(len(agreed))
        return cls(exactly(dict(agreed)))

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        flow.agreed += amount
        return self.shares.times(amount)


@dataclass(frozen=True)
class Adjusted:
    """What another policy computes, with some shares set by hand and the others in proportion.

    With set shares sᵢ and S = Σs: those named get N·sᵢ, whatever was computed for them. What was
    computed for the others is scaled so that it sums to N·(1 − S), and so is what was waived. The
    policy inside keeps its own running totals.

    Source: HitRecord's Glitch Megamix: after comments, five editors were added at 1 % each.
    """

    TYPE: ClassVar[str] = "adjusted"
    VERSION: ClassVar[int] = 1
    of: Policy
    by_hand: tuple[PolicyEntry, ...]
    where: str

    @classmethod
    def read(cls, form: PolicyJson) -> Adjusted:
        """``{"type": "adjusted", "of": {…}, "set": [["editor", "1/100"]]}``."""
        fields = form.fields("of", "set")
        spent = form.given.spent
        before = spent.steps
        of = form.policy(fields["of"], "of")
        by_hand = form.entries(fields["set"], "set")
        if any(entry.then is not None for entry in by_hand):
            raise BadPolicy(form.at("set"), "a share is set for a payee, not for a policy")
        total = sum(entry.share for entry in by_hand)
        if total > 1:
            raise BadShare(form.at("set"), total, "they sum to more than 1")
        # The inner policy is computed once here, only to see whether anybody is left for the rest.
        spent.step(spent.steps - before)
        listed = of.parts(Fraction(), form.given.graph, Flow()).units
        if total < 1 and not set(listed) - {entry.name for entry in by_hand}:
            raise BadShare(form.at("set"), total, "nobody is left for the rest")
        return cls(of, by_hand, form.where)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        return flow.in_proportion(
            self.where, amount, lambda whole, first: self._parts(whole, graph, first)
        )

    def _parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        computed = self.of.parts(amount, graph, flow)
        by_hand = {entry.name: entry.share * amount for entry in self.by_hand}
        others = {name: units for name, units in computed.units.items() if name not in by_hand}
        rest = amount - sum(by_hand.values())
        left = Fraction(sum(others.values()), computed.scale)
        if rest and not left:
            raise BadPolicy(f"{self.where}.set", "nobody else gets a part of this amount")
        changed = Parts(others, computed.scale, computed.waived).times(
            rest / left if left else Fraction()
        )
        return together([changed, exactly(by_hand)])


@dataclass(frozen=True)
class Equal:
    """Equal shares: N/m for each of m payees.

    Source: the default for joint authors without another agreement (17 U.S.C. § 201(a) as read by
    the courts).
    """

    TYPE: ClassVar[str] = "equal"
    VERSION: ClassVar[int] = 1
    entries: tuple[PolicyEntry, ...]

    @classmethod
    def read(cls, form: PolicyJson) -> Equal:
        """``{"type": "equal", "payees": ["ana", "bo"]}``."""
        fields = form.fields("payees")
        return cls(form.entries(fields["payees"], "payees", has_share=False))

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        return pro_rata(self.entries, amount, graph, flow)


@dataclass(frozen=True)
class Bundle:
    """Tracks share one amount, N·uₜ/Σu for track t, and each divides its part by its own policy.

    By track, every u is 1; by usage, u is a count of plays, seconds or downloads.

    Source: cashmusic/platform issue 591 (by track); streaming's pro-rata pool (by usage).
    """

    TYPE: ClassVar[str] = "bundle"
    VERSION: ClassVar[int] = 1
    tracks: tuple[PolicyEntry, ...]

    @classmethod
    def read(cls, form: PolicyJson) -> Bundle:
        """``{"type": "bundle", "by": "usage", "tracks": [["one", "340", {…}]]}``."""
        fields = form.fields("by", "tracks")
        if fields["by"] not in ("track", "usage"):
            raise BadPolicy(form.at("by"), "this must be “track” or “usage”")
        tracks = form.entries(fields["tracks"], "tracks", has_share=fields["by"] == "usage")
        must_weigh(form, tracks, "tracks")
        return cls(tracks)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """What the payees of every track get."""
        return pro_rata(self.tracks, amount, graph, flow)


@dataclass(frozen=True)
class TrueUp:
    """Payees who were paid less than their share so far are brought closer to it.

    targetᵢ = (P + N)·cᵢ with P all that was paid; dᵢ = max(0, targetᵢ − paidᵢ); payee i gets
    N·dᵢ/Σd. The totals paid are rounded to a millionth of a unit: every division has another Σd, so
    the digits of exact totals would grow without bound.

    Source: SourceCred's BALANCED grain policy, without its rounding at every step.
    """

    TYPE: ClassVar[str] = "true_up"
    VERSION: ClassVar[int] = 1
    entries: tuple[PolicyEntry, ...]
    paid: Mapping[str, int] = field(default_factory=dict)
    where: str = "policy"

    @classmethod
    def read(cls, form: PolicyJson) -> TrueUp:
        """``{"type": "true_up", "shares": [["ana", "2"], ["bo", "1"]], "paid": {"ana": 500}}``."""
        fields = form.fields("shares", "paid")
        entries = form.entries(fields["shares"], "shares")
        must_weigh(form, entries, "shares")
        if any(entry.then is not None for entry in entries):
            raise BadPolicy(form.at("shares"), "only payees can have been paid, not a policy")
        names = (entry.name for entry in entries)
        return cls(entries, form.minor_by_name(fields["paid"], "paid", names), form.where)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        return flow.in_proportion(self.where, amount, self._parts)

    def _parts(self, amount: Fraction, flow: Flow) -> Parts:
        total = sum(entry.share for entry in self.entries)
        places = {entry.name: f"{self.where}.paid ({entry.name})" for entry in self.entries}
        paid = {
            name: self.paid.get(name, 0) + flow.earlier(place) for name, place in places.items()
        }
        whole = amount + sum(paid.values())
        lacking = {
            entry.name: max(Fraction(), whole * entry.share / total - paid[entry.name])
            for entry in self.entries
        }
        # The gaps sum to at least the amount, so they are all 0 only if there is nothing to divide.
        factor = amount / (sum(lacking.values()) or Fraction(1))
        for name, place in places.items():
            flow.add(place, Fraction(round(lacking[name] * factor * FINE), FINE))
        return exactly(lacking).times(factor)
