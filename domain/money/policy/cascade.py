"""Policies over the lineage: what a work passes on to its parents, and they to theirs.

Each makes one pass over the works, children before parents. Paths are counted but never listed: a
deep lineage has exponentially many.

The works are numbered by their indexes in ``Lineage.places``; lists of amounts have one for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from itertools import chain, groupby
from typing import ClassVar, Self, cast

from domain.lineage import Lineage
from domain.money.apportionment import MAXIMUM_SCALE_BITS, common_scale
from domain.money.policy.bounds import bounds
from domain.money.policy.flow import Flow
from domain.money.policy.parts import Parts
from domain.money.policy.reading import PolicyJson, exact_share, part_of_whole, units_minor
from domain.refusal import BadGraph, BadPolicy, CapExceeded, RatesOverWhole, SplitTooLarge, shown

MAXIMUM_PATH_LENGTH = 64
"""The largest depth of ``Decay``, in generations."""

_WHOLE = Fraction(1)


@dataclass(frozen=True)
class _OverLineage:
    """A policy over a lineage: the work it starts at, and the most ancestors it accepts."""

    VERSION: ClassVar[int] = 1
    root: str | None = None
    maximum_ancestors: int | None = None

    def start(self, graph: Lineage[str] | None) -> tuple[Lineage[str], list[int]]:
        """The graph, and the indexes of the root and its ancestors, children before parents."""
        graph = needed(graph)
        root = self.root or graph.root
        indexes = graph.places_above(root)
        if self.maximum_ancestors is not None and len(indexes) - 1 > self.maximum_ancestors:
            raise SplitTooLarge(f"ancestors of {root}", self.maximum_ancestors)
        return graph, indexes


def needed(graph: Lineage[str] | None) -> Lineage[str]:
    """The graph; refuses (``BadGraph``) if there is none."""
    if graph is None:
        raise BadGraph("graph", "the policy is computed over a graph, and there is none")
    return graph


def _lineage_fields(form: PolicyJson, *own: str, steps: int = 1) -> Mapping[str, object]:
    """The fields of a policy over a lineage: its own, the root and the limit of ancestors."""
    graph = needed(form.given.graph)
    form.given.spent.step(steps * (graph.pair_count + len(graph.nodes)))
    fields = form.fields(optional=(*own, "root", "maximum_ancestors"))
    if "root" in fields and fields["root"] not in graph.nodes:
        raise BadPolicy(form.at("root"), f"“{shown(fields['root'])}” is not in the graph")
    return fields


def _lineage_limits(
    form: PolicyJson, fields: Mapping[str, object]
) -> tuple[str | None, int | None]:
    """The root and the limit of ancestors, each only if stated."""
    root, limit = fields.get("root"), fields.get("maximum_ancestors")
    return (
        None if root is None else form.name(root, "root"),
        None if limit is None else units_minor(limit, form.at("maximum_ancestors")),
    )


def among_people(graph: Lineage[str], kept: Sequence[int], scale: int) -> Parts:
    """Divide what each work keeps among its people; everyone in the graph is listed, even with 0.

    ``kept`` holds what the work at each index keeps, over ``scale``.
    """
    if not graph.holdings:
        return Parts(dict(zip(graph.places.works, kept, strict=True)), scale)
    people = common_scale({share.denominator for held, _ in graph.holdings for _, share in held})
    works, units = graph.places.works, dict[str, int]()
    if sum(len(indexes) for _, indexes in graph.holdings) < len(works):
        alone = (each for each in zip(works, kept, strict=True) if not graph.held.get(each[0]))
        units = {work: part * people for work, part in alone}
    for held, indexes in graph.holdings:
        part = sum(map(kept.__getitem__, indexes))
        for payee, share in held:
            over, under = share.as_integer_ratio()
            units[payee] = units.get(payee, 0) + part * (over * (people // under))
    return Parts(units, scale * people)


@dataclass(frozen=True)
class RelativeCascade(_OverLineage):
    """Each work passes on parts of what reaches it: a rate is a part of the child's income.

    v(root) = 1; v(a) = Σ over edges d→a of v(d)·r(d→a); keep(n) = v(n)·(1 − Σ r).
    A person gets Σ over works of keep(n)·c(n), c being the person's share in the work.

    Source: Katz, Transitive Credit as a Means to Address Social and Technological Concerns
    (arXiv:1407.5117); Story Protocol's liquid relative percentage (LRP).
    """

    TYPE: ClassVar[str] = "relative_cascade"

    @classmethod
    def read(cls, form: PolicyJson) -> RelativeCascade:
        """``{"type": "relative_cascade"}``."""
        return cls(*_lineage_limits(form, _lineage_fields(form)))

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        graph, indexes = self.start(graph)
        kept, scale = relative_keep(graph, indexes)
        return among_people(graph, kept, scale).times(amount)


def relative_keep(graph: Lineage[str], indexes: Sequence[int]) -> tuple[list[int], int]:
    """By index: the part of the first work's income that each work keeps, as integers over a scale.

    A work's generation is the length of the longest path to it. The scale is the product, over all
    generations, of the least common denominator of the rates leaving that generation. So whatever
    reaches a work is divisible by its generation's denominator, and nothing is rounded.
    """
    above, rated, scale = graph.places.above, graph.rated.above, 1
    whole = cache(partial(over_one_scale, graph))  # the same few are stated in every generation
    generations = []
    for _, some in groupby(indexes, graph.ordered.furthest.__getitem__):
        made = [index for index in some if above[index]]
        passed, step = whole(rates_of(graph, made))
        scale *= step
        limit_scale(scale, graph.pair_count)
        generations.append((made, passed, step))
    keeps = [0] * len(above)
    keeps[indexes[0]] = scale
    # Until the walk comes to a work, its entry holds what has reached it; then, what it keeps.
    for made, passed, step in generations:
        for index in made:
            unit, left, rates = keeps[index] // step, step, iter(rated[index])
            for parent in above[index]:  # a zip of the two would take longer
                part = passed[next(rates)]
                keeps[parent] += unit * part
                left -= part
            if left < 0:
                node = graph.places.works[index]
                raise RatesOverWhole(f"graph.edges from “{node}”", Fraction(step - left, step))
            keeps[index] = unit * left
    return keeps, scale


def limit_scale(scale: int, times: int) -> None:
    """Refuse a scale with too many digits for one number, or for this many."""
    bits = scale.bit_length()
    if bits > MAXIMUM_SCALE_BITS or bits * times > 4 * bounds().bits:
        raise SplitTooLarge("digits in an exact share", 4_200)


def whole_rates(graph: Lineage[str], indexes: Sequence[int]) -> tuple[dict[int, int], int]:
    """The rates of the edges from these indexes, by rate number, as integers over one scale."""
    return over_one_scale(graph, rates_of(graph, indexes))


def rates_of(graph: Lineage[str], indexes: Sequence[int]) -> frozenset[int]:
    """The numbers of the rates of the edges from these indexes."""
    return frozenset(chain.from_iterable(map(graph.rated.above.__getitem__, indexes)))


def over_one_scale(graph: Lineage[str], numbers: Iterable[int]) -> tuple[dict[int, int], int]:
    """Rates by number, as integers over one scale, and the scale."""
    rates = cast("Sequence[Fraction]", graph.rated.rates)
    scale = common_scale({rates[number].denominator for number in numbers})
    limit_scale(scale, graph.pair_count)
    ratios = ((number, *rates[number].as_integer_ratio()) for number in numbers)
    return {number: over * (scale // under) for number, over, under in ratios}, scale


@dataclass(frozen=True)
class _Absolute(_OverLineage):
    """A rate is a part of the root's income, whatever the works in between get."""

    cap: Fraction = _WHOLE

    @classmethod
    def read(cls, form: PolicyJson) -> Self:
        """``{"type": "absolute_per_path", "cap": "1"}``, or ``absolute_per_edge``."""
        fields = _lineage_fields(form, "cap")
        cap = part_of_whole(fields.get("cap", "1"), form.at("cap"))
        return cls(*_lineage_limits(form, fields), cap)

    def pay(self, graph: Lineage[str], indexes: Sequence[int], times: Sequence[int]) -> Parts:
        """Pay each parent the edge's rate once per ``times[child]``; the first work keeps the rest.

        Refuses (``CapExceeded``) if the parents together get more than the cap.
        """
        passed, scale = whole_rates(graph, indexes)
        kept, within = [0] * len(times), frozenset(indexes)
        for index, parent, rate in zip(*graph.rated.pairs, strict=True):
            if index in within:
                kept[parent] += times[index] * passed[rate]
        stack = Fraction(sum(kept), scale)
        if stack > self.cap:
            raise CapExceeded(graph.places.works[indexes[0]], stack, self.cap)
        kept[indexes[0]] = scale - sum(kept)
        return among_people(graph, kept, scale)


@dataclass(frozen=True)
class AbsolutePerPath(_Absolute):
    """Each ancestor gets its rate of the root's income, once for each path that leads to it.

    royalty(root, a) = Σ over edges d→a of paths(root, d)·rate; the root keeps 1 − stack, with
    stack(n) = Σ over parents p of (stack(p) + rate). A work whose stack passes the cap is refused.

    Source: Story Protocol's liquid absolute percentage (LAP).
    """

    TYPE: ClassVar[str] = "absolute_per_path"

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        graph, indexes = self.start(graph)
        stack_over(graph, indexes, self.cap)
        above = graph.places.above
        paths = [0] * len(above)
        paths[indexes[0]] = 1
        for index in indexes:
            for parent in above[index]:
                paths[parent] += paths[index]
        return self.pay(graph, indexes, paths).times(amount)


def stack_over(graph: Lineage[str], indexes: Sequence[int], cap: Fraction = _WHOLE) -> Fraction:
    """The stack of the first work: the part of its income owed to ancestors, counted per path.

    Refuses (``CapExceeded``) if the stack of any work is over the cap.
    """
    above, rated = graph.places.above, graph.rated.above
    passed, scale = whole_rates(graph, indexes)
    most = cap.numerator * scale
    stack = [0] * len(above)
    # From the oldest on, so that the refusal names the first work to exceed the cap.
    for index in reversed(indexes):
        owed = sum([stack[parent] for parent in above[index]])
        owed += sum([passed[rate] for rate in rated[index]])
        if owed * cap.denominator > most:
            raise CapExceeded(graph.places.works[index], Fraction(owed, scale), cap)
        stack[index] = owed
    return Fraction(stack[indexes[0]], scale)


@dataclass(frozen=True)
class AbsolutePerEdge(_Absolute):
    """Each ancestor gets its rate of the root's income, once for each edge that leads to it.

    royalty(root, a) = Σ of the rates of distinct reachable edges d→a; the root keeps
    the rest. In a diamond the grandparent is paid once where ``absolute_per_path`` pays it twice.

    Source: Story Protocol's LAP without its count of paths; a licence is paid once, however often
    the work is heard.
    """

    TYPE: ClassVar[str] = "absolute_per_edge"

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        graph, indexes = self.start(graph)
        return self.pay(graph, indexes, [1] * len(graph.places.works)).times(amount)


@dataclass(frozen=True, kw_only=True)
class Decay(_OverLineage):
    """All ancestors share a pool, nearer ones more; the rates of edges are ignored.

    w(a) = Σ over paths from the root to a of λ^length, for length ≤ L; an ancestor gets β·w(a)/Σw,
    and the root keeps 1 − β, or everything if it has no ancestors. β is the ``pool``, λ the
    ``factor`` and L the ``depth``.

    Source: Katz, On an index of status (Psychometrika 18, 1953), cut off at L.
    """

    TYPE: ClassVar[str] = "decay"
    pool: Fraction
    factor: Fraction
    depth: int

    @classmethod
    def read(cls, form: PolicyJson) -> Decay:
        """``{"type": "decay", "pool": "1/5", "factor": "1/2", "depth": 3}``."""
        form.fields("pool", "factor", "depth", optional=("root", "maximum_ancestors"))
        depth = units_minor(form.value["depth"], form.at("depth"))
        if not 1 <= depth <= MAXIMUM_PATH_LENGTH:
            raise BadPolicy(form.at("depth"), f"this must be from 1 to {MAXIMUM_PATH_LENGTH}")
        fields = _lineage_fields(form, "pool", "factor", "depth", steps=depth)
        root, limit = _lineage_limits(form, fields)
        factor = exact_share(fields["factor"], form.at("factor"))
        if not 0 < factor <= 1:
            raise BadPolicy(form.at("factor"), "this must be more than 0 and at most 1")
        pool = part_of_whole(fields["pool"], form.at("pool"))
        return cls(root=root, maximum_ancestors=limit, pool=pool, factor=factor, depth=depth)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        graph, (first, *_) = self.start(graph)
        near, far = self.factor.numerator, self.factor.denominator
        above = graph.places.above
        weights = [0] * len(above)
        paths = {first: 1}
        for length in range(1, self.depth + 1):
            longer: dict[int, int] = {}
            for index, count in paths.items():
                for parent in above[index]:
                    longer[parent] = longer.get(parent, 0) + count
            paths = longer
            weight = near**length * far ** (self.depth - length)
            for index, count in paths.items():
                weights[index] += count * weight
        total = sum(weights)
        # Without ancestors the root keeps everything.
        pool, total = (self.pool, total) if total else (Fraction(), 1)
        limit_scale(total * pool.denominator, graph.pair_count)
        kept = [weight * pool.numerator for weight in weights]
        kept[first] = (pool.denominator - pool.numerator) * total
        return among_people(graph, kept, pool.denominator * total).times(amount)
