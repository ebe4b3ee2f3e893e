"""The families of policies: their formulas, how they compose, and what they refuse.

Rule: a formula is held against another computation of it, and every example of the document is run.
"""

import json
import random
import re
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import FrameType
from typing import Any

import pytest
from exact import PLAIN, WITH_CARRY, answered, fixed, graph, lineage_of, shares, solved, units
from hypothesis import example, given
from hypothesis import strategies as st

from api.web.guides import FOLDER
from domain.lineage import Edge, Lineage
from domain.money.currency import DIGITS
from domain.money.policy.cascade import RelativeCascade, stack_over
from domain.money.policy.reading import MAXIMUM_DEPTH
from domain.money.policy.versions import VERSIONS
from domain.money.split import preview, read_terms, split
from domain.refusal import REFUSALS, BadGraph, CapExceeded, LineageCycle, Refusal


def lines_run(asked: Callable[[], object]) -> int:
    """How many lines of our code it takes: the same on every machine, as a time is not."""
    count = 0

    def counting(frame: FrameType, event: str, told: object) -> Any:
        nonlocal count
        count += event == "line"
        return counting if str(frame.f_globals.get("__name__")).startswith("domain.") else None

    before = sys.gettrace()
    sys.settrace(counting)
    try:
        asked()
    finally:
        sys.settrace(before)
    return count


# -- the document --------------------------------------------------------------------------

DOCUMENT = (FOLDER / "reference/policies.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```\n```json\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize("asked, answer", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_of_the_document_gives_the_answer_it_shows(asked: str, answer: str) -> None:
    assert preview(json.loads(asked)) == json.loads(answer)


def test_every_policy_is_documented_with_an_example_of_its_own() -> None:
    kinds = {kind for kind, _ in VERSIONS}
    assert set(re.findall(r"^## `(\w+)`$", DOCUMENT, re.MULTILINE)) == kinds
    assert {json.loads(asked)["policy"]["type"] for asked, _ in EXAMPLES} == kinds


def test_every_refusal_of_a_split_is_documented() -> None:
    documented = set(re.findall(r"`(\w+)`", DOCUMENT.split("## Refusals")[1]))
    assert documented <= set(REFUSALS)
    assert {code for code, *_ in REFUSED} <= documented


@pytest.mark.parametrize("policy", VERSIONS.values(), ids=lambda policy: policy.TYPE)
def test_every_policy_says_its_source(policy: type) -> None:
    assert "Source: " in (policy.__doc__ or "")


def test_the_version_is_1_if_it_is_not_stated() -> None:
    stated = units({"type": "equal", "version": 1, "payees": ["a", "b"]})
    assert stated == units({"type": "equal", "payees": ["a", "b"]})


# -- three ways to compute a cascade -------------------------------------------------------


@st.composite
def lineages(draw: st.DrawFn) -> Lineage[str]:
    """A lineage of layers, each made from the next: deep diamonds, and shortcuts across them."""
    layers = [
        [f"{level}.{place}" for place in range(draw(st.integers(1, 3)))]
        for level in range(draw(st.integers(1, 6)))
    ]
    layers[0] = ["0.0"]
    edges = []
    for level, layer in enumerate(layers[:-1]):
        for child in layer:
            older = [*layers[level + 1], *draw(st.sampled_from(layers[level + 1 :]))]
            parents = sorted(set(older))
            for parent in parents:
                rate = draw(st.fractions(0, 1, max_denominator=12)) / len(parents)
                edges.append((child, parent, rate))
    people = {
        node: (("ana", Fraction(1, 3)), (node, Fraction(2, 3)))
        for node in draw(st.sets(st.sampled_from([node for layer in layers for node in layer])))
        if node == "0.0" or any(node in edge[:2] for edge in edges)
    }
    return lineage_of("0.0", edges, people)


@st.composite
def diamonds(draw: st.DrawFn) -> Lineage[str]:
    """Diamonds below each other, twice as many paths with each, and people who are in several."""
    rate = st.fractions(0, Fraction(1, 2), max_denominator=12)
    edges = []
    for level in range(draw(st.integers(1, 7))):
        top, left, right, bottom = f"n{level}", f"a{level}", f"b{level}", f"n{level + 1}"
        edges += [(top, left, draw(rate)), (top, right, draw(rate))]
        edges += [(left, bottom, draw(rate)), (right, bottom, draw(rate))]
        if draw(st.booleans()):
            edges.append((left, right, draw(rate)))
    works = sorted({work for child, parent, _ in edges for work in (child, parent)})
    people = ("ana", Fraction(1, 4)), ("bo", Fraction(3, 4))
    return lineage_of("n0", edges, dict.fromkeys(draw(st.sets(st.sampled_from(works))), people))


def by_paths(lineage: Lineage[str]) -> dict[str, Fraction]:
    """What each work keeps, path by path: the product of the rates, less what is passed on."""
    kept: dict[str, Fraction] = {}

    def walk(node: str, reached: Fraction) -> None:
        out = lineage.rates.get(node, {})
        kept[node] = kept.get(node, Fraction()) + reached * (1 - sum(out.values()))
        for parent, rate in out.items():
            walk(parent, reached * rate)

    walk(lineage.root, Fraction(1))
    return kept


def by_matrix(lineage: Lineage[str]) -> dict[str, Fraction]:
    """What each work keeps, from the equations v = e + Rᵀv all at once."""
    nodes = sorted(lineage.nodes)
    matrix = [
        [Fraction(row == column) - lineage.rates.get(column, {}).get(row, 0) for column in nodes]
        for row in nodes
    ]
    reached = solved(matrix, [Fraction(node == lineage.root) for node in nodes])
    return {
        node: value * (1 - sum(lineage.rates.get(node, {}).values()))
        for node, value in zip(nodes, reached, strict=True)
    }


def by_fractions(lineage: Lineage[str]) -> dict[str, Fraction]:
    """What each work keeps, in one pass of fractions."""
    reached = dict.fromkeys(lineage.nodes, Fraction())
    reached[lineage.root] = Fraction(1)
    for node in lineage.nodes:
        for parent, rate in lineage.rates.get(node, {}).items():
            reached[parent] += reached[node] * rate
    return {
        node: value * (1 - sum(lineage.rates.get(node, {}).values()))
        for node, value in reached.items()
    }


def to_people(lineage: Lineage[str], kept: Mapping[str, Fraction]) -> dict[str, Fraction]:
    parts: dict[str, Fraction] = {}
    for node in lineage.nodes:
        for payee, share in lineage.holders(node):
            parts[payee] = parts.get(payee, Fraction()) + kept.get(node, 0) * share
    return parts


def exact_shares(policy: Any, lineage: Lineage[str]) -> dict[str, Fraction]:
    division = split(1, policy, lineage).division
    return {payee: division.share(payee) for payee in division.units}


@given(lineages() | diamonds())
def test_three_computations_of_the_cascade_agree_exactly(lineage: Lineage[str]) -> None:
    ours = exact_shares(RelativeCascade(), lineage)
    assert ours == to_people(lineage, by_paths(lineage))
    assert ours == to_people(lineage, by_matrix(lineage))
    assert ours == to_people(lineage, by_fractions(lineage))


@given(lineages())
def test_the_absolute_shares_are_those_of_every_path_and_of_every_edge(
    lineage: Lineage[str],
) -> None:
    paths: dict[str, Fraction] = {lineage.root: Fraction()}
    edges: dict[str, Fraction] = {lineage.root: Fraction()}

    def walk(node: str) -> None:
        for parent, rate in lineage.rates.get(node, {}).items():
            paths[parent] = paths.get(parent, Fraction()) + rate
            walk(parent)

    walk(lineage.root)
    for node in lineage.above(lineage.root):
        for parent, rate in lineage.rates.get(node, {}).items():
            edges[parent] = edges.get(parent, Fraction()) + rate
    for kind, owed in (("absolute_per_path", paths), ("absolute_per_edge", edges)):
        policy = VERSIONS[kind, 1]()
        stack = sum(owed.values())
        if stack > 1:
            with pytest.raises(CapExceeded):
                split(1, policy, lineage)
            continue
        kept = {**owed, lineage.root: 1 - stack}
        assert exact_shares(policy, lineage) == to_people(lineage, kept)
        if kind == "absolute_per_path":
            assert stack_over(lineage, lineage.places_above("0.0")) == stack


@given(lineages(), st.fractions(0, 1, max_denominator=9), st.integers(1, 8))
def test_the_decay_is_that_of_every_path(lineage: Lineage[str], pool: Fraction, depth: int) -> None:
    factor = Fraction(2, 3)
    weights: dict[str, Fraction] = {}

    def walk(node: str, length: int) -> None:
        for parent in lineage.rates.get(node, {}) if length < depth else ():
            weights[parent] = weights.get(parent, Fraction()) + factor ** (length + 1)
            walk(parent, length + 1)

    walk(lineage.root, 0)
    total = sum(weights.values())
    kept = {node: pool * weight / total for node, weight in weights.items()}
    kept[lineage.root] = 1 - pool if weights else Fraction(1)
    policy = VERSIONS["decay", 1](pool=pool, factor=factor, depth=depth)
    assert exact_shares(policy, lineage) == to_people(lineage, kept)


@given(lineages(), st.randoms())
def test_the_order_of_edges_decides_nothing(lineage: Lineage[str], dice: random.Random) -> None:
    edges = [(c, p, rate) for c, out in lineage.rates.items() for p, rate in out.items()]
    dice.shuffle(edges)
    shuffled = lineage_of(lineage.root, edges, lineage.people)
    one, other = (split(12345, RelativeCascade(), each).division for each in (lineage, shuffled))
    assert (one.units, one.weights, one.ranks) == (other.units, other.weights, other.ranks)


def deep_diamonds(count: int) -> dict[str, str]:
    """2^count paths through count diamonds."""
    edges = {}
    for level in range(count):
        edges |= {f"n{level}>a{level}": "1/3", f"n{level}>b{level}": "1/3"}
        edges |= {f"a{level}>n{level + 1}": "1/2", f"b{level}>n{level + 1}": "1/2"}
    return edges


@pytest.mark.parametrize("kind", ["relative_cascade", "decay"])
def test_a_lineage_of_more_paths_than_atoms_takes_no_more_than_its_edges(kind: str) -> None:
    more = {"pool": "1/5", "factor": "1/2", "depth": 64} if kind == "decay" else {}
    edges, result = deep_diamonds(300), {}
    asked = graph("n0", edges)
    lines = lines_run(lambda: result.update(shares({"type": kind, **more}, graph=asked)))
    assert lines < 250 * len(edges)
    assert sum(result.values()) == 1
    if kind == "relative_cascade":
        assert result["n300"] == Fraction(1, 3) ** 300


def test_paths_without_a_rate_are_counted_without_being_walked() -> None:
    edges = dict.fromkeys(deep_diamonds(300), "0")
    result = units({"type": "absolute_per_path"}, graph=graph("n0", edges))
    assert result["n0"] == 100


DIAMOND = {"mix>a": "1/100", "mix>b": "1/100", "a>song": "1/100", "b>song": "1/100"}


def test_in_a_diamond_paths_pay_six_percent_and_edges_five() -> None:
    lineage = graph("mix", {**DIAMOND, "song>loop": "1/100"})
    assert shares({"type": "absolute_per_path"}, graph=lineage)["mix"] == Fraction(94, 100)
    assert shares({"type": "absolute_per_edge"}, graph=lineage)["mix"] == Fraction(95, 100)


def test_edges_between_the_same_two_works_add_up() -> None:
    lineage = graph("a", {"a>b": "1/10"})
    lineage["edges"] = [*lineage["edges"], {"child": "a", "parent": "b", "rate": "0.2"}]  # type: ignore[misc]
    assert units({"type": "relative_cascade"}, graph=lineage) == {"a": 70, "b": 30}


def test_what_the_root_does_not_lead_to_is_listed_with_nothing() -> None:
    lineage = graph("b", {"a>b": "1/2", "b>c": "1/2"})
    assert units({"type": "relative_cascade"}, graph=lineage) == {"a": 0, "b": 50, "c": 50}


def test_a_policy_may_start_at_another_work_of_the_graph() -> None:
    lineage = graph("a", {"a>b": "1/2", "b>c": "1/2"})
    tracks = [["1", {"type": "relative_cascade"}], ["2", {"type": "relative_cascade", "root": "b"}]]
    album = {"type": "bundle", "by": "track", "tracks": tracks}
    assert units(album, 80, graph=lineage) == {"a": 20, "b": 30, "c": 30}


def test_the_cap_is_passed_by_the_oldest_work_that_owes_too_much() -> None:
    lineage = graph("a", {"a>b": "1/10", "b>c": "3/10", "c>d": "3/10"})
    with pytest.raises(CapExceeded) as refused:
        answered({"type": "absolute_per_path", "cap": "1/2"}, graph=lineage)
    assert refused.value.details == {"node": "b", "stack": "3/5", "cap": "1/2"}


def test_a_cycle_is_refused_by_name() -> None:
    edges = {"film>song": "0", "song>loop": "0", "loop>song": "0", "loop>break": "0"}
    with pytest.raises(LineageCycle) as refused:
        answered({"type": "relative_cascade"}, graph=graph("film", edges))
    assert set(refused.value.details["cycle"]) == {"song", "loop"}  # type: ignore[call-overload]
    first, *_, last = refused.value.details["cycle"]  # type: ignore[misc]
    assert first == last


def dense(works: int) -> tuple[Lineage, int]:
    """A lineage in which each work was made from up to four recent ones, and its edges."""
    dice = random.Random(7)
    edges = {
        (str(dice.randrange(max(0, node - 60), node)), str(node)): Fraction(1, 200)
        for node in range(1, works)
        for _ in range(4)
    }
    told = [(child, parent, rate) for (child, parent), rate in edges.items()]
    return lineage_of("0", told), len(edges)


def test_a_large_dense_lineage_is_divided_with_a_few_lines_of_code_an_edge() -> None:
    lineage, edges = dense(4_000)
    assert lines_run(lambda: split(10**9, RelativeCascade(), lineage)) < 40 * edges


def test_a_dense_lineage_is_divided_exactly_as_by_a_fraction_for_each_work() -> None:
    lineage, _ = dense(1_500)
    division = split(10**9, RelativeCascade(), lineage).division
    expected = by_fractions(lineage)
    assert all(division.share(payee) == share for payee, share in expected.items())
    assert sum(division.units.values()) == 10**9


# -- composing -----------------------------------------------------------------------------

PAYEES = ["ana", "bo", "cy", "dee", "eve"]
numbers = st.integers(0, 50).map(str) | st.fractions(0, 3, max_denominator=20).map(str)


@st.composite
def policies(  # noqa: PLR0911, PLR0912 - a branch for each family
    draw: st.DrawFn, depth: int = 2
) -> dict[str, Any]:
    """Any policy that needs no graph, with others inside."""
    inner: st.SearchStrategy[Any] = st.sampled_from(PAYEES)
    if depth:
        inner = inner | policies(depth=depth - 1)
    names = draw(st.permutations(PAYEES))[: draw(st.integers(1, 4))]

    def lines(number: st.SearchStrategy[Any], *, always: bool = False) -> list[list[Any]]:
        return [
            [name, draw(number), *([draw(inner)] if always or draw(st.booleans()) else [])]
            for name in names
        ]

    def weighed(listed: list[list[Any]]) -> list[list[Any]]:
        listed[0][1] = draw(st.integers(1, 9).map(str))
        return listed

    minor = st.integers(0, 400)
    match draw(st.sampled_from(sorted(kind for kind, _ in VERSIONS if kind in COMPOSED))):
        case "fixed":
            return {"type": "fixed", "shares": weighed(lines(numbers))}
        case "equal":
            return {"type": "equal", "payees": names}
        case "bundle":
            return {"type": "bundle", "by": "usage", "tracks": weighed(lines(numbers, always=True))}
        case "fees":
            fees = [
                {"payee": name, "rate": draw(st.sampled_from(["0", "1/7", "0.2"]))}
                for name in names
            ]
            if draw(st.booleans()):
                fees[0] = {**fees[0], "cap_minor": draw(minor)}
            if draw(st.booleans()):
                fees[-1] = {"payee": names[-1], "amount_minor": draw(minor)}
            return {"type": "fees", "fees": fees, "then": draw(inner)}
        case "waterfall":
            tranches = lines(minor)
            tranches[-1][1] = None
            recouped = {name: draw(minor) for name in names[:-1]}
            return {"type": "waterfall", "tranches": tranches, "recouped": recouped}
        case "escalator":
            bands = [[limit * 100, draw(inner)] for limit in range(1, len(names))]
            earned = draw(minor)
            return {
                "type": "escalator",
                "earned_minor": earned,
                "bands": [*bands, [None, draw(inner)]],
            }
        case "true_up":
            listed = [line[:2] for line in weighed(lines(numbers))]
            return {"type": "true_up", "shares": listed, "paid": {names[0]: draw(minor)}}
        case "adjusted":
            by_hand = [["editor", "1/10"], ["author", draw(st.sampled_from(["0", "2/7"]))]]
            return {"type": "adjusted", "of": draw(inner), "set": by_hand}
        case "assets":
            shares = [line[:2] for line in weighed(lines(numbers))]
            assets = [
                {"asset": "one", "value": draw(numbers), "shares": shares},
                {"asset": "two", "value": "1/3", "shares": [["zoe", "2"], ["ana", "1"]]},
            ]
            waivers = [{"payee": "zoe", "asset": "two", "over": draw(st.sampled_from(SCOPES))}]
            return {"type": "assets", "assets": assets, "waivers": waivers}
        case "advance":
            numbers_of = ("advance_minor", "earned_minor", "paid_minor")
            accounts = [
                {"account": draw(st.sampled_from("xy")), "payee": name}
                | {number: draw(minor) for number in numbers_of}
                for name in names
            ]
            accounts[0]["account"] = "x"
            return {
                "type": "advance",
                "account": "x",
                "accounts": accounts,
                "to": draw(st.sampled_from(PAYEES)),
                "then": draw(inner),
                "cross_collateral": draw(st.booleans()),
            }
        case _:
            shares = [line[:2] for line in weighed(lines(numbers))]
            return {
                "type": "community_pool",
                "operator": ["operator", draw(st.sampled_from(["0", "1/2", "1"]))],
                "line_items": lines(minor),
                "costs": [["printer", draw(minor)]],
                "assets": [
                    {"asset": "one", "value": "2", "within": ["act"], "shares": shares},
                    {"asset": "two", "value": "1/3", "shares": [["zoe", "1"]]},
                ],
                "pools": [["song", "1", ["one"]], ["special", draw(numbers), ["one", "two"]]],
            }


COMPOSED = {
    *("fixed", "equal", "bundle", "fees", "waterfall"),
    *("escalator", "true_up", "advance", "community_pool", "assets", "adjusted"),
}
SCOPES = ("two", "release")


@given(policies(), st.integers(-(10**6), 10**6), st.sampled_from([PLAIN, WITH_CARRY]))
def test_whatever_is_composed_every_unit_is_given_once(
    policy: dict[str, Any], amount: int, rounding: str
) -> None:
    answer = answered(policy, amount, rounding=rounding)
    lines = answer["lines"]
    assert sum(line["amount_minor"] for line in lines) == amount == answer["amount_minor"]
    assert sum(Fraction(line["share"]) for line in lines) == 1
    for line in lines:
        assert abs(line["amount_minor"] - amount * Fraction(line["share"])) < 1
        assert line["amount_minor"] * amount >= 0
    assert (rounding == WITH_CARRY) == ("carry" in answer)
    if "carry" in answer:
        assert sum(Fraction(part) for _, part in answer["carry"]) == 0


@given(policies(), st.integers(0, 10**6))
def test_a_reversal_is_the_exact_mirror_whatever_is_composed(
    policy: dict[str, Any], amount: int
) -> None:
    there, back = units(policy, amount), units(policy, -amount)
    assert back == {payee: -part for payee, part in there.items()}


@given(policies())
def test_who_is_listed_does_not_depend_on_the_amount(policy: dict[str, Any]) -> None:
    assert [*units(policy, 1)] == [*units(policy, 10**6)]


@given(policies(), st.integers(0, 10**6), st.randoms())
def test_fields_and_shares_in_another_order_divide_alike(
    policy: dict[str, Any], amount: int, dice: random.Random
) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            lines = [(name, shuffled(each)) for name, each in value.items()]
            dice.shuffle(lines)
            return {
                name: dice.sample(each, len(each)) if name in {"shares", "payees"} else each
                for name, each in lines
            }
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    assert answered(shuffled(policy), amount) == answered(policy, amount)


def test_fees_then_a_waterfall_then_a_cascade_are_rounded_once() -> None:
    cascade = {"type": "relative_cascade"}
    waterfall = {"type": "waterfall", "tranches": [["bank", "10"], ["film", None, cascade]]}
    policy = {"type": "fees", "fees": [{"payee": "fee", "rate": "1/3"}], "then": waterfall}
    # 100/3 fee; 10 to the bank; 170/3 goes on, a third of it to the song: 170/9.
    got = shares(policy, graph=graph("film", {"film>song": "1/3"}))
    assert got["song"] == Fraction(170, 900)
    assert units(policy, graph=graph("film", {"film>song": "1/3"})) == {
        "bank": 10,
        "fee": 33,
        "film": 38,
        "song": 19,
    }


def test_carry_goes_from_one_answer_into_the_next() -> None:
    policy = fixed([["a", "1"], ["b", "1"]])
    first = answered(policy, 1)
    assert [line["amount_minor"] for line in first["lines"]] == [1, 0]
    assert first["carry"] == [["a", "-1/2"], ["b", "1/2"]]
    second = answered(policy, 1, carry=first["carry"])
    assert [line["amount_minor"] for line in second["lines"]] == [0, 1]
    assert second["carry"] == [["a", "0"], ["b", "0"]]


def test_of_nothing_the_shares_are_those_of_the_next_unit() -> None:
    policy = {"type": "waterfall", "tranches": [["bank", "10"], ["ana", None]]}
    assert units(policy, 0) == {"bank": 0, "ana": 0}
    assert shares(policy, 0) == {"bank": 1, "ana": 0}


# -- single families -----------------------------------------------------------------------


def test_a_fixed_share_that_is_waived_goes_to_the_others_and_stays_visible() -> None:
    answer = answered({**fixed([["a", "1"], ["b", "2"], ["c", "1"]]), "waived": ["b"]})
    assert [line["share"] for line in answer["lines"]] == ["1/2", "0", "1/2"]
    assert answer["waived"] == [{"payee": "b", "of": "shares", "share": "1/2"}]


def test_a_capped_fee_is_never_lifted_above_its_cap() -> None:
    fees = [{"payee": "fee", "rate": "1/3", "cap_minor": 50}]
    for amount in range(140, 160):
        got = units({"type": "fees", "fees": fees, "then": fixed([["a", "1"], ["b", "1"]])}, amount)
        assert got["fee"] <= 50


def test_fixed_fees_beyond_what_there_is_are_paid_in_their_order() -> None:
    fees = [{"payee": "tax", "amount_minor": 30}, {"payee": "bank", "amount_minor": 30}]
    got = units({"type": "fees", "fees": fees, "then": "ana"}, 40)
    assert got == {"tax": 30, "bank": 10, "ana": 0}


def test_an_advance_is_earned_back_from_its_own_account_alone() -> None:
    def policy(*, cross: bool) -> dict[str, Any]:
        line = {"payee": "ana", "earned_minor": 0, "paid_minor": 0}
        accounts = [
            {"account": "one", "advance_minor": 1000, **line},
            {"account": "two", "advance_minor": 30, **line},
        ]
        flag = {"cross_collateral": True} if cross else {}
        to = {"account": "two", "to": "label", "then": "ana"}
        return {"type": "advance", "accounts": accounts, **to, **flag}

    assert units(policy(cross=False)) == {"ana": 70, "label": 30}
    assert units(policy(cross=True)) == {"ana": 0, "label": 100}


@given(st.lists(st.integers(0, 500), max_size=8), st.integers(0, 900))
def test_an_advance_is_recouped_once_however_the_money_comes_in(
    incomes: list[int], advance: int
) -> None:
    earned = paid = 0
    for income in incomes:
        account = {"account": "x", "payee": "ana", "advance_minor": advance}
        account |= {"earned_minor": earned, "paid_minor": paid}
        policy = {
            "type": "advance",
            "account": "x",
            "accounts": [account],
            "to": "l",
            "then": "ana",
        }
        paid += units(policy, income)["ana"]
        earned += income
    assert paid == max(0, earned - advance)


@given(st.lists(st.integers(0, 500), max_size=8))
def test_the_bands_of_an_escalator_divide_every_unit_once(incomes: list[int]) -> None:
    bands = [["300", "first"], ["700", "second"], [None, "rest"]]
    got = {"first": 0, "second": 0, "rest": 0}
    earned = 0
    for income in incomes:
        policy = {"type": "escalator", "earned_minor": earned, "bands": bands}
        for payee, part in units(policy, income).items():
            got[payee] += part
        earned += income
    assert got == {
        "first": min(earned, 300),
        "second": max(0, min(earned, 700) - 300),
        "rest": max(0, earned - 700),
    }


def test_a_true_up_does_not_take_back_what_was_paid_too_much() -> None:
    policy = {"type": "true_up", "shares": [["a", "1"], ["b", "1"]], "paid": {"a": 1000}}
    assert units(policy) == {"a": 0, "b": 100}


# -- the community pool --------------------------------------------------------------------


def community(**more: object) -> dict[str, Any]:
    """Two pieces in one act, a third in another; the song has only the first."""
    return {
        "type": "community_pool",
        "operator": ["operator", "1/2"],
        "assets": [
            {
                "asset": "poem",
                "value": "2",
                "within": ["act 1"],
                "shares": [["a", "1"], ["b", "1"]],
            },
            {
                "asset": "tune",
                "value": "2",
                "within": ["act 1"],
                "shares": [["b", "1"], ["c", "3"]],
            },
            {"asset": "film", "value": "4", "within": ["act 2"], "shares": [["d", "1"]]},
        ],
        "pools": [["special", "1", ["poem", "tune", "film"]]],
        **more,
    }


def test_half_of_what_the_tiny_book_earned_went_to_the_community() -> None:
    """HitRecord, Tiny Book of Tiny Stories: received 8,073.64 USD, community pool 4,036.82."""
    assert units(community(), 807_364)["operator"] == 807_364 - 403_682


def test_the_artists_share_by_the_value_of_pieces_and_the_shares_inside() -> None:
    assert units(community(), 1600) == {"a": 100, "b": 150, "c": 150, "d": 400, "operator": 800}


def test_costs_and_line_items_come_before_profit_and_a_line_item_shares_in_it_too() -> None:
    more = {"line_items": [["editing", 300, "a"]], "costs": [["printer", 200]]}
    assert units(community(**more), 2100)["a"] == 300 + 100
    assert units(community(**more), 400) == dict.fromkeys("bcd", 0) | {
        "a": 300,
        "operator": 0,
        "printer": 100,
    }
    paid = {"editing": 300, "printer": 100}
    assert units(community(**more, paid=paid), 1700)["printer"] == 100


def test_whoever_is_in_the_special_but_not_in_the_song_gets_no_royalties_of_the_song() -> None:
    pools = [["song", "1", ["poem"]], ["special", "1", ["poem", "tune", "film"]]]
    got = units(community(pools=pools), 3200)
    assert got == {"a": 400 + 100, "b": 400 + 150, "c": 150, "d": 400, "operator": 1600}


WAIVED = [
    # b's quarter of the act is 1/8 of everything; over the piece it goes to a alone,
    ("poem", {"a": 200, "b": 50, "c": 150, "d": 400}),
    # over the act to a and c as 100 to 150 (b keeps the tune, and gets nothing of b's own),
    ("act 1", {"a": 140, "b": 50, "c": 210, "d": 400}),
    # and over the release to a, c and d as 100 to 150 to 400.
    ("release", {"a": 115, "b": 50, "c": 173, "d": 462}),
]


@pytest.mark.parametrize("over, right", WAIVED)
def test_a_waived_share_goes_to_its_scope_in_proportion(over: str, right: dict[str, int]) -> None:
    waivers = [{"payee": "b", "asset": "poem", "over": over}]
    answer = answered(community(waivers=waivers), 1600, rounding=PLAIN)
    got = {line["payee"]: line["amount_minor"] for line in answer["lines"]}
    assert got == right | {"operator": 800}
    of = f"poem over {over} in special"
    assert answer["waived"] == [{"payee": "b", "of": of, "share": "1/16"}]


def test_what_is_waived_in_one_pool_changes_nothing_in_a_pool_without_that_piece() -> None:
    waivers = [{"payee": "b", "asset": "poem", "over": "release"}]
    pools = [["song", "1", ["poem"]], ["other", "1", ["film"]]]
    answer = answered(community(pools=pools, waivers=waivers), 1600, rounding=PLAIN)
    got = {line["payee"]: line["amount_minor"] for line in answer["lines"]}
    assert got == {"a": 400, "b": 0, "c": 0, "d": 400, "operator": 800}
    assert answer["waived"] == [{"payee": "b", "of": "poem over release in song", "share": "1/8"}]


def test_waivers_take_effect_at_once_in_whatever_order() -> None:
    waivers = [
        {"payee": "b", "asset": "poem", "over": "act 1"},
        {"payee": "c", "asset": "tune", "over": "act 1"},
        {"payee": "b", "asset": "tune", "over": "release"},
    ]
    one = answered(community(waivers=waivers), 99999)
    other = answered(community(waivers=waivers[::-1]), 99999)
    assert one["lines"] == other["lines"]
    assert sum(Fraction(line["share"]) for line in one["lines"]) == 1


def test_five_editors_added_at_one_percent_shrink_every_other_share() -> None:
    """HitRecord, Glitch Megamix: after comments five editors were added at 1 % each."""
    before = [["a", "60"], ["b", "40"]]
    scaled = [[name, str(Fraction(share) * 95 / 100)] for name, share in before]
    editors = [f"editor {n}" for n in range(5)]
    after = {**fixed([*scaled, *([name, "1"] for name in editors)]), "whole": "100"}
    by_hand = [[name, "1/100"] for name in editors]
    got = shares({"type": "adjusted", "of": fixed(before), "set": by_hand})
    assert got == shares(after)
    assert (got["a"], got["b"], got["editor 0"]) == (
        Fraction(57, 100),
        Fraction(38, 100),
        Fraction(1, 100),
    )


# -- assets, agreed shares, and shares set by hand -------------------------------------------


@pytest.mark.parametrize("over, right", WAIVED)
def test_assets_are_the_inner_part_of_a_community_pool(over: str, right: dict[str, int]) -> None:
    pool = community(waivers=[{"payee": "b", "asset": "poem", "over": over}])
    alone = {"type": "assets", "assets": pool["assets"], "waivers": pool["waivers"]}
    answer = answered(alone, 800, rounding=PLAIN)
    assert {line["payee"]: line["amount_minor"] for line in answer["lines"]} == right
    assert answer["waived"] == [{"payee": "b", "of": f"poem over {over}", "share": "1/8"}]


def test_the_value_of_an_asset_may_be_as_long_as_an_exact_share() -> None:
    value = f"{10**4_000}/{10**4_001 + 1}"
    assets = [{"asset": name, "value": value, "shares": [[name, "1"]]} for name in "ab"]
    assert units({"type": "assets", "assets": assets}) == {"a": 50, "b": 50}


def test_agreed_shares_stand_in_the_terms_of_a_pool() -> None:
    fee = {"payee": "platform", "rate": "1/10"}
    terms = {"type": "fees", "fees": [fee], "then": {"type": "agreed"}}
    agreed = (("a", Fraction(2, 3)), ("b", Fraction(1, 3)), ("c", Fraction(0)))
    got = split(1000, read_terms(terms, agreed=agreed)).division
    assert got.units == {"a": 600, "b": 300, "c": 0, "platform": 100}


@pytest.mark.parametrize(
    "agreed", [[("a", "1/2")], [("a", "3/2"), ("b", "-1/2")], [("a", "1/2"), ("a", "1/2")]]
)
def test_agreed_shares_are_of_everybody_once_and_of_the_whole(
    agreed: list[tuple[str, str]],
) -> None:
    with pytest.raises(Refusal):
        read_terms({"type": "agreed"}, agreed=[(name, Fraction(part)) for name, part in agreed])


def adjusted(of: object, *by_hand: list[str]) -> dict[str, Any]:
    return {"type": "adjusted", "of": of, "set": list(by_hand)}


def test_a_share_that_was_computed_may_be_set_and_the_others_grow_in_proportion() -> None:
    of = fixed([["a", "6"], ["b", "3"], ["c", "1"]])
    assert units(adjusted(of, ["a", "1/5"])) == {"a": 20, "b": 60, "c": 20}
    assert units(adjusted(of, ["a", "1/2"], ["d", "1/2"])) == {"a": 50, "b": 0, "c": 0, "d": 50}
    assert units(adjusted(of, ["a", "0"]), 0) == dict.fromkeys("abc", 0)


def test_what_was_waived_changes_like_the_shares_of_the_others() -> None:
    of = {**fixed([["a", "1"], ["b", "1"]]), "waived": ["b"]}
    answer = answered(adjusted(of, ["c", "1/5"]))
    assert [line["share"] for line in answer["lines"]] == ["4/5", "0", "1/5"]
    assert answer["waived"] == [{"payee": "b", "of": "shares", "share": "2/5"}]


@given(policies(), st.integers(1, 10**6), st.fractions(0, 1, max_denominator=50))
def test_who_is_set_gets_exactly_that_and_the_others_stay_in_proportion(
    policy: dict[str, Any], amount: int, share: Fraction
) -> None:
    before = shares(policy, amount)
    after = shares(adjusted(policy, ["new", str(share)]), amount)
    assert after.pop("new") == share
    assert after == {payee: part * (1 - share) for payee, part in before.items()}


# -- refusals ------------------------------------------------------------------------------

EQUAL = {"type": "equal", "payees": ["a"]}
CASCADE = {"type": "relative_cascade"}
ONE = graph("a", {"a>b": "1/2"})
AGREED = {"type": "agreed"}
ASSET = {"asset": "poem", "value": "1", "shares": [["a", "1"]]}
WAIVES = {"payee": "a", "asset": "poem", "over": "poem"}
WATERFALL = {"type": "waterfall", "tranches": [["bank", "10"], ["a", None]]}


def nested(depth: int) -> object:
    policy: object = "a"
    for _ in range(depth):
        policy = {"type": "bundle", "by": "track", "tracks": [["t", policy]]}
    return policy


def waiver(**line: str) -> dict[str, Any]:
    return community(waivers=[{"payee": "b", "asset": "poem", "over": "poem", **line}])


REFUSED: list[tuple[str, object, dict[str, object]]] = [
    ("bad_split", EQUAL, {"rounding": "half_even"}),
    ("bad_split", EQUAL, {"rounding": ["largest_remainder"]}),
    ("bad_split", EQUAL, {"amount": 1}),
    ("bad_split", EQUAL, {"rounding": PLAIN, "carry": []}),
    ("bad_split", EQUAL, {"minimum_minor": 1}),
    ("bad_split", EQUAL, {"carry": [["a"]]}),
    ("bad_carry", EQUAL, {"carry": [["a", 0]]}),
    ("bad_carry", EQUAL, {"carry": [["a", "1/2"]]}),
    ("bad_carry", EQUAL, {"carry": [["a", "1/0"]]}),
    ("bad_carry", EQUAL, {"carry": [["a", "0"], ["a", "0"]]}),
    ("bad_amount", EQUAL, {"amount_minor": 1.0}),
    ("bad_amount", EQUAL, {"amount_minor": True}),
    ("bad_amount", EQUAL, {"amount_minor": "100"}),
    ("bad_amount", EQUAL, {"amount_minor": 10**30}),
    ("bad_amount", EQUAL, {"amount_minor": 1, "rounding": PLAIN, "minimum_minor": 2}),
    ("bad_currency", EQUAL, {"currency": "usd"}),
    ("bad_currency", EQUAL, {"currency": "XXX"}),
    ("bad_currency", EQUAL, {"currency": 840}),
    ("bad_policy", None, {}),
    ("bad_policy", "a", {}),
    ("bad_policy", {}, {}),
    ("bad_policy", {"type": "fair"}, {}),
    ("bad_policy", {"type": ["equal"]}, {}),
    ("bad_policy", {**EQUAL, "version": 2}, {}),
    ("bad_policy", {**EQUAL, "version": True}, {}),
    ("bad_policy", {**EQUAL, "shares": []}, {}),
    ("bad_policy", {"type": "equal"}, {}),
    ("bad_policy", {"type": "equal", "payees": []}, {}),
    ("bad_policy", {"type": "equal", "payees": "ab"}, {}),
    ("bad_policy", {"type": "equal", "payees": ["a", "a"]}, {}),
    ("bad_policy", {"type": "equal", "payees": [""]}, {}),
    ("bad_policy", {"type": "equal", "payees": [" a"]}, {}),
    ("bad_policy", {"type": "equal", "payees": ["a\0"]}, {}),
    ("bad_policy", {"type": "equal", "payees": ["\ud800"]}, {}),
    ("bad_policy", {"type": "equal", "payees": ["a" * 201]}, {}),
    ("bad_policy", {"type": "equal", "payees": [7]}, {}),
    ("bad_policy", fixed([["a"]]), {}),
    ("bad_policy", fixed([["a", "1"], ["a", "1"]]), {}),
    ("bad_policy", {**fixed([["a", "1"]]), "waived": ["b"]}, {}),
    ("bad_policy", {**fixed([["a", "1"], ["b", "0"]]), "waived": ["a"]}, {}),
    ("bad_share", fixed([["a", "0"], ["b", "0"]]), {}),
    ("bad_share", fixed([["a", "0"]]), {"amount_minor": 0}),
    ("bad_share", {**fixed([["a", "60"], ["b", "60"]]), "whole": "100"}, {}),
    ("bad_share", {**fixed([["a", "99.98"]]), "whole": "100"}, {}),
    *(
        ("bad_share", {"type": "fixed", "shares": [["a", share], ["b", "1"]]}, {})
        for share in (0.5, 1, True, None, "-1", "+1", "1e2", "1/0", "0x1", " 1", "1_0", "½", "")
    ),
    ("bad_share", fixed([["a", "1" * 81]]), {}),
    ("bad_share", {"type": "bundle", "by": "usage", "tracks": [["t", "0", "a"]]}, {}),
    ("bad_share", {"type": "true_up", "shares": [["a", "0"]], "paid": {}}, {}),
    ("bad_policy", {"type": "true_up", "shares": [["a", "1"]], "paid": {"b": 1}}, {}),
    ("bad_policy", {"type": "true_up", "shares": [["a", "1", "b"]], "paid": {}}, {}),
    ("bad_amount", {"type": "true_up", "shares": [["a", "1"]], "paid": {"a": -1}}, {}),
    ("bad_policy", {"type": "bundle", "by": "plays", "tracks": [["t", "1", "a"]]}, {}),
    ("bad_policy", {"type": "fees", "fees": [{"payee": "f"}], "then": "a"}, {}),
    ("bad_share", {"type": "fees", "fees": [{"payee": "f", "rate": 0.1}], "then": "a"}, {}),
    ("bad_share", {"type": "fees", "fees": [{"payee": "f", "rate": "3/2"}], "then": "a"}, {}),
    (
        "rates_over_whole",
        {"type": "fees", "fees": [{"payee": f, "rate": "2/3"} for f in "fg"], "then": "a"},
        {},
    ),
    (
        "bad_amount",
        {
            "type": "fees",
            "fees": [{"payee": "f", "rate": "1/1000", "minimum_minor": 1}],
            "then": "a",
        },
        {},
    ),
    ("bad_policy", {"type": "waterfall", "tranches": [["a", "1"]]}, {}),
    ("bad_policy", {"type": "waterfall", "tranches": [["a", None], ["b", None]]}, {}),
    ("bad_amount", {"type": "waterfall", "tranches": [["a", "1/2"], ["b", None]]}, {}),
    ("bad_amount", {"type": "waterfall", "tranches": [["a", 0.5], ["b", None]]}, {}),
    ("bad_policy", {"type": "waterfall", "tranches": [["a", None]], "recouped": {"a": 1}}, {}),
    ("bad_policy", {"type": "escalator", "earned_minor": 0, "bands": [["5", "a"]]}, {}),
    (
        "bad_policy",
        {"type": "escalator", "earned_minor": 0, "bands": [["5", "a"], ["5", "a"], [None, "a"]]},
        {},
    ),
    (
        "bad_policy",
        {"type": "advance", "account": "x", "accounts": [], "to": "l", "then": "a"},
        {},
    ),
    ("bad_policy", waiver(payee="c"), {}),
    ("bad_policy", waiver(asset="nothing"), {}),
    ("bad_policy", waiver(over="act 2"), {}),
    ("bad_policy", waiver(payee="d", asset="film", over="act 2"), {}),
    ("bad_policy", community(pools=[["p", "1", ["nothing"]]]), {}),
    ("bad_share", community(pools=[["p", "0", ["poem"]]]), {}),
    ("bad_share", community(operator=["operator", "2"]), {}),
    ("bad_policy", community(line_items=[["a", None]]), {}),
    ("bad_policy", {"type": "agreed"}, {}),
    ("bad_policy", {"type": "fees", "fees": [{"payee": "f", "rate": "0"}], "then": AGREED}, {}),
    ("bad_policy", {**AGREED, "shares": [["a", "1"]]}, {"agreed": [["a", "1"]]}),
    ("bad_split", AGREED, {"agreed": []}),
    ("bad_split", AGREED, {"agreed": [["a"]]}),
    ("bad_split", AGREED, {"agreed": [["a", "1/2"], ["a", "1/2"]]}),
    ("bad_share", AGREED, {"agreed": [["a", "1/2"]]}),
    ("bad_share", AGREED, {"agreed": [["a", 1]]}),
    ("bad_share", AGREED, {"agreed": [["a", "1/" + "9" * 4_400]]}),
    ("bad_share", adjusted(EQUAL, ["b", "1/2"], ["c", "2/3"]), {}),
    ("bad_share", adjusted(EQUAL, ["a", "1/2"]), {}),
    ("bad_policy", adjusted(fixed([["a", "1"], ["b", "0"]]), ["a", "1/2"]), {}),
    ("bad_policy", adjusted(EQUAL, ["b", "1/2", "c"]), {}),  # type: ignore[list-item]
    ("bad_policy", adjusted(EQUAL, ["b", "1/2"], ["b", "0"]), {}),
    ("bad_policy", adjusted(EQUAL), {}),
    ("bad_graph", adjusted(CASCADE, ["b", "1/2"]), {}),
    ("bad_share", {"type": "assets", "assets": [{**ASSET, "value": "0"}]}, {}),
    ("bad_policy", {"type": "assets", "assets": [ASSET, ASSET]}, {}),
    ("bad_policy", {"type": "assets", "assets": [ASSET], "waivers": [WAIVES]}, {}),
    ("bad_split", EQUAL, {"flow": [["policy.paid (a)", "1"]]}),
    ("bad_split", WATERFALL, {"flow": [["policy.recouped (a)", "1"]]}),
    ("bad_split", WATERFALL, {"flow": [["policy.recouped (bank)"]]}),
    ("bad_share", WATERFALL, {"flow": [["policy.recouped (bank)", "-1"]]}),
    ("bad_share", WATERFALL, {"flow": [["policy.recouped (bank)", 1]]}),
    ("bad_graph", CASCADE, {}),
    ("bad_graph", CASCADE, {"graph": None}),
    ("bad_graph", CASCADE, {"graph": {"edges": []}}),
    ("bad_graph", CASCADE, {"graph": {**ONE, "nodes": []}}),
    ("bad_graph", CASCADE, {"graph": {**ONE, "root": "x"}}),
    ("bad_graph", CASCADE, {"graph": {**ONE, "people": {"x": [["a", "1"]]}}}),
    ("bad_graph", CASCADE, {"graph": {**ONE, "people": {"a": []}}}),
    ("bad_graph", CASCADE, {"graph": {**ONE, "people": {"a": [["p", "1/2"], ["p", "1/2"]]}}}),
    ("bad_share", CASCADE, {"graph": {**ONE, "people": {"a": [["p", "99/100"]]}}}),
    ("bad_share", CASCADE, {"graph": {**ONE, "people": {"a": [["p", 1]]}}}),
    ("bad_graph", CASCADE, {"graph": {"root": "a", "edges": [{"child": "a", "parent": "b"}]}}),
    ("bad_rate", CASCADE, {"graph": graph("a", {"a>b": "3/2"})}),
    ("bad_rate", CASCADE, {"graph": graph("a", {"a>b": 0.5})}),  # type: ignore[dict-item]
    ("bad_rate", CASCADE, {"graph": graph("a", {"a>b": None})}),  # type: ignore[dict-item]
    ("bad_rate", CASCADE, {"graph": graph("a", {"a>b": "\ud800"})}),
    ("rates_over_whole", CASCADE, {"graph": graph("a", {"a>b": "1/2", "a>c": "2/3"})}),
    ("rates_over_whole", CASCADE, {"graph": graph("z", {"z>a": "0", "a>b": "1", "a>c": "1"})}),
    ("lineage_cycle", CASCADE, {"graph": graph("a", {"a>b": "0", "b>a": "0"})}),
    ("lineage_cycle", CASCADE, {"graph": graph("a", {"a>a": "0"})}),
    ("lineage_cycle", CASCADE, {"graph": graph("a", {"a>b": "0", "x>y": "0", "y>x": "0"})}),
    ("cap_exceeded", {"type": "absolute_per_path", "cap": "1/3"}, {"graph": ONE}),
    ("cap_exceeded", {"type": "absolute_per_edge", "cap": "0.49"}, {"graph": ONE}),
    ("bad_share", {"type": "absolute_per_edge", "cap": "2"}, {"graph": ONE}),
    ("bad_policy", {**CASCADE, "root": "x"}, {"graph": ONE}),
    ("bad_policy", {**CASCADE, "root": ["a"]}, {"graph": ONE}),
    ("split_too_large", {**CASCADE, "maximum_ancestors": 0}, {"graph": ONE}),
    ("bad_policy", {"type": "decay", "pool": "1", "factor": "2", "depth": 1}, {"graph": ONE}),
    ("bad_policy", {"type": "decay", "pool": "1", "factor": "1", "depth": 65}, {"graph": ONE}),
    ("split_too_large", nested(MAXIMUM_DEPTH + 1), {}),
    ("split_too_large", {"type": "equal", "payees": [str(n) for n in range(20_001)]}, {}),
]


@pytest.mark.parametrize("code, policy, more", REFUSED, ids=range(len(REFUSED)))
def test_what_can_not_be_divided_is_refused_by_a_code(
    code: str, policy: object, more: dict[str, object]
) -> None:
    with pytest.raises(Refusal) as refused:
        preview({"amount_minor": 100, "currency": "USD", "policy": policy, **more})
    assert refused.value.code == code, str(refused.value)
    json.dumps(refused.value.details)
    str(refused.value).encode()


@pytest.mark.parametrize("missing", ["amount_minor", "currency", "policy"])
def test_a_case_names_its_amount_its_currency_and_its_policy(missing: str) -> None:
    body = {"amount_minor": 100, "currency": "USD", "policy": EQUAL}
    del body[missing]
    with pytest.raises(Refusal, match=missing):
        preview(body)


def test_policies_may_be_nested_as_deep_as_is_said() -> None:
    assert units(nested(MAXIMUM_DEPTH)) == {"a": 100}


def deep_adjusted(policy: object, depth: int) -> object:
    for level in range(depth):
        policy = adjusted(policy, [f"editor {level}", "1/100"])
    return policy


HOSTILE = {
    "denominators without a common divisor": (
        fixed([[f"p{n}", f"1/{10**39 + 2 * n + 1}"] for n in range(3000)]),
        {},
    ),
    "values and shares that are as long as they may be": (
        {
            "type": "assets",
            "assets": [
                {
                    "asset": str(n),
                    "value": f"{10**4000 + n}/{10**4200 + n}",
                    "shares": [[str(n), f"1/{10**4200 + n}"]],
                }
                for n in range(50)
            ],
        },
        {},
    ),
    "shares set by hand inside each other": (
        deep_adjusted(CASCADE, 16),
        {"graph": graph("0", {f"{n}>{n + 1}": "1/2" for n in range(3000)})},
    ),
    "a long chain of long rates": (
        CASCADE,
        {"graph": graph("0", {f"{n}>{n + 1}": f"1/{10**39 + n}" for n in range(5000)})},
    ),
    "many policies over one large graph": (
        {"type": "bundle", "by": "track", "tracks": [[str(n), CASCADE] for n in range(1000)]},
        {"graph": graph("0", {f"{n}>{n + 1}": "1" for n in range(3000)})},
    ),
    "a decay over many paths": (
        {"type": "decay", "pool": "1", "factor": f"1/{10**70}", "depth": 64},
        {"graph": graph("n0", deep_diamonds(700))},
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_would_take_for_ever_is_refused_soon(case: str) -> None:
    policy, more = HOSTILE[case]
    asked = {"amount_minor": 100, "currency": "USD", "policy": policy, **more}
    caught = []

    def ask() -> None:
        with pytest.raises(Refusal) as refused:
            preview(asked)
        caught.append(refused.value.code)

    assert lines_run(ask) < 20 * len(json.dumps(asked)), "for each character of the question"
    assert caught == ["split_too_large"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "shares", "then", "fees", "a"]), inner, max_size=3
            )
        ),
    ),
    st.sampled_from(sorted(kind for kind, _ in VERSIONS)),
    st.data(),
)
def test_whatever_is_sent_is_divided_or_refused(
    value: object, kind: str, data: st.DataObject
) -> None:
    """No other error ever leaves, whichever field holds whatever."""
    asked = [json.loads(text) for text, _ in EXAMPLES if f'"type": "{kind}"' in text]
    body = data.draw(st.sampled_from(asked))
    holder = data.draw(st.sampled_from([body, body["policy"], body.get("graph", body)]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = value
    try:
        answer = preview(body)
    except Refusal as refused:
        json.dumps(refused.details).encode()
    else:
        assert sum(line["amount_minor"] for line in answer["lines"]) == body["amount_minor"]  # type: ignore[attr-defined, index]


# -- currencies ----------------------------------------------------------------------------


def test_a_currency_has_the_digits_of_iso_4217() -> None:
    digits = {"USD": 2, "JPY": 0, "KWD": 3, "IQD": 3, "MGA": 2, "ISK": 0, "CLF": 4, "UYW": 4}
    assert digits.items() <= DIGITS.items()
    assert all(re.fullmatch("[A-Z]{3}", code) for code in DIGITS)
    assert len(DIGITS) == 139 + 17 + 7 + 2 + 6


EDGES = st.lists(
    st.builds(
        Edge,
        *(st.integers(0, 3), st.integers(4, 6), st.sampled_from(("sample", "influence"))),
        st.sampled_from((None, "1/10", "1/5")),
    ),
    min_size=1,
    max_size=6,
)


@given(EDGES)
@example([Edge(0, 4, "sample", rate) for rate in ("1/5", None)])
def test_rates_between_the_same_works_are_summed_and_none_is_no_rate(edges: list[Any]) -> None:
    lineage = Lineage(0, tuple(edges))
    if any(edge.rate is None for edge in edges):
        with pytest.raises(BadGraph, match="no rate is stated"):
            _ = lineage.rated
        return
    told = {
        (child, parent): rate
        for child, out in lineage.rates.items()
        for parent, rate in out.items()
    }
    pairs = {(edge.child, edge.parent) for edge in edges}
    assert told == {
        pair: sum(Fraction(edge.rate) for edge in edges if (edge.child, edge.parent) == pair)
        for pair in pairs
    }
