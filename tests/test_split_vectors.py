"""Ninety-five cases that other projects assert, each of them computed through the preview.

Rule: no case is skipped in silence. `match` gives what the source expects; `contrast` is a fault
of the source and gives `exact` instead.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from exact import fixed, graph, shares, solved, units
from laws import check_division

from domain.refusal import Refusal

VECTORS = json.loads((Path(__file__).parent / "golden/splits.json").read_text("utf-8"))["vectors"]

Given = Mapping[str, Any]


def apportion(given: Given) -> dict[str, int]:
    """Amount and weights, as ``fixed``; `min_each` is the minimum of plain largest remainder."""
    more = {"minimum_minor": given["min_each"]} if "min_each" in given else {}
    return units(fixed(given["weights"]), given["amount"], **more)


def nested_destination(given: Given) -> dict[str, int]:
    """A tree of portions (``fixed``) and limits in order (``waterfall``), rounded once."""
    return units(destination(given["destination"]), given["amount"])


def destination(node: Given) -> object:
    """Numscript's tree as a policy; what is kept goes to a payee “kept”."""
    match node:
        case {"account": account}:
            return account
        case {"kept": True}:
            return "kept"
        case {"split": portions}:
            stated = sum(Fraction(portion) for portion, _ in portions if portion != "remaining")
            return fixed(
                [
                    [str(place), str(1 - stated) if part == "remaining" else part, destination(to)]
                    for place, (part, to) in enumerate(portions)
                ]
            )
        case {"inorder": limits}:
            return {
                "type": "waterfall",
                "tranches": [
                    [
                        str(place),
                        limit.get("max"),
                        destination(limit.get("to") or limit["remaining"]),
                    ]
                    for place, limit in enumerate(limits)
                ],
            }
    raise AssertionError(node)


def split_tree(given: Given) -> dict[str, dict[str, int]]:
    """Balances split again and again; the account itself is listed before its receivers."""
    collectable: Counter[str] = Counter()
    splittable: Counter[str] = Counter()
    for operation in given["ops"]:
        if "add" in operation:
            account, amount = operation["add"]
            splittable[account] += amount
            continue
        account = operation["split"]
        receivers = given["accounts"].get(account, [])
        own = given["total_weight"] - sum(weight for _, weight in receivers)
        weights = [["0", str(own)]]
        weights += [[str(place), str(weight)] for place, (_, weight) in enumerate(receivers, 1)]
        parts = units(fixed(weights), splittable.pop(account, 0))
        collectable[account] += parts["0"]
        for place, (receiver, _) in enumerate(receivers, 1):
            splittable[receiver] += parts[str(place)]
    return {"collectable": collectable, "splittable": splittable}


POLICIES = {"LAP": "absolute_per_path", "LRP": "relative_cascade"}


def dag_royalty(given: Given) -> dict[str, Any]:
    """Story's royalties: payments to any work, and what its ancestors can claim."""
    scale = given["scale"]

    def lineage(kind: str, root: str, *, without: str = "") -> dict[str, object]:
        edges = {
            f"{edge['child']}>{edge['parent']}": f"{edge['rate']}/{scale}"
            for edge in given["edges"]
            if edge["policy"] == kind and edge["child"] != without
        }
        known = any(root in ends.split(">") for ends in edges)
        return graph(root, edges if known else {})

    def share(kind: str, root: str, *, without: str = "") -> dict[str, Fraction]:
        return shares({"type": POLICIES[kind]}, graph=lineage(kind, root, without=without))

    claimable: Counter[str] = Counter()
    for payment in given["payments"]:
        root = payment["to"]
        exact: Counter[str] = Counter()
        for kind in POLICIES:
            exact.update(share(kind, root))
        # Both kinds come off the same income, which each of the two computations starts with.
        exact[root] -= 1
        # A fraction is a text; the counter only added them up.
        weights = [[payee, str(Fraction(part))] for payee, part in exact.items()]
        claimable.update(units(fixed(weights), payment["amount"]))
    works = {end for edge in given["edges"] for end in (edge["child"], edge["parent"])}
    kinds = {edge["policy"] for edge in given["edges"]}
    return {
        "claimable": claimable,
        "stack": {
            kind: {work: (1 - share(kind, work)[work]) * scale for work in works} for kind in kinds
        },
        "royalty": {
            # What reaches a work, before it passes anything on.
            kind: {
                f"{work}>{other}": share(kind, work, without=other).get(other, 0) * scale
                for work in works
                for other in works - {work}
            }
            for kind in kinds
        },
    }


def grain_policy(given: Given) -> dict[str, int]:
    """SourceCred's RECENT is fixed shares by discounted credit; its BALANCED is our true-up."""
    policy = given["policy"]
    credit = {
        each["id"]: [Fraction(text) for text in each["credPerInterval"]]
        for each in given["participants"]
    }
    if policy["type"] == "RECENT":
        keeps = 1 - Fraction(policy["discount"])
        weights = {
            payee: sum(part * keeps**age for age, part in enumerate(reversed(parts)))
            for payee, parts in credit.items()
        }
        return units(
            fixed([[payee, str(part)] for payee, part in weights.items()]), policy["budget"]
        )
    weights = {payee: sum(parts[-policy["lookback"] :]) for payee, parts in credit.items()}
    lines = [[payee, str(part)] for payee, part in weights.items()]
    paid = {each["id"]: each["paid"] for each in given["participants"]}
    return units({"type": "true_up", "shares": lines, "paid": paid}, policy["budget"])


def ledger(given: Given) -> dict[str, dict[str, int]]:
    """Lines added up; a transfer is one line back and one line on, and pays nobody."""
    balance: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for event in given["events"]:
        if event["type"] == "distribute":
            weights = [[payee, str(part)] for payee, part in event["receipts"].items()]
            lines = units(fixed(weights), sum(event["receipts"].values()))
            balance.update(lines)
            paid.update(lines)
        else:
            balance.update(units(fixed([[event["from"], "1"]]), -event["amount"]))
            balance.update(units(fixed([[event["to"], "1"]]), event["amount"]))
    return {"balance": balance, "paid": paid}


def credit_map(given: Given) -> dict[str, str]:
    """Transitive credit: a product passes on all that reaches it."""
    edges = {
        f"{product}>{other}": share
        for product, credited in given["maps"].items()
        for other, share in credited.items()
    }
    result = shares({"type": "relative_cascade"}, graph=graph(given["root"], edges))
    return {payee: str(share) for payee, share in result.items()}


def waterfall(given: Given) -> dict[str, int]:
    """Deposit after deposit, each with what was recouped before it."""
    limits = [*given["thresholds"], None]
    # The thresholds are cumulative; ours is the size of each tranche.
    sizes = [
        limit if limit is None or not place else limit - limits[place - 1]
        for place, limit in enumerate(limits)
    ]
    names = given["tranches"]
    tranches = [
        [name, None if size is None else str(size)] for name, size in zip(names, sizes, strict=True)
    ]
    received: Counter[str] = Counter()
    for deposit in given["deposits"]:
        recouped = {name: str(received[name]) for name in names[:-1]}
        policy = {"type": "waterfall", "tranches": tranches, "recouped": recouped}
        received.update(units(policy, deposit))
    return received


def bundle(given: Given) -> dict[str, str]:
    """Every track counts the same, and is divided by its own split."""
    tracks = [
        [f"track {place}", [[payee, share] for payee, share in split.items()]]
        for place, split in enumerate(given["tracks"])
    ]
    result = shares({"type": "bundle", "by": "track", "tracks": tracks})
    return {payee: str(share) for payee, share in result.items()}


def deductions(given: Given) -> dict[str, Fraction]:
    """Fixed amounts off the top; turning the rest into another currency is no division."""
    fees = [{"payee": each["name"], "amount_minor": each["amount"]} for each in given["deductions"]]
    net = units({"type": "fees", "fees": fees, "then": "net"}, given["gross"])["net"]
    return {"net": Fraction(net), "net_in_base": net / Fraction(given.get("fx", "1"))}


def markov(given: Given) -> dict[str, list[str]]:
    """The stationary distribution, solved exactly, divides as it stands."""
    matrix = [[Fraction(text) for text in row] for row in given["matrix"]]
    size = len(matrix)
    equations = [
        [matrix[row][column] - (row == column) for row in range(size)] for column in range(size - 1)
    ]
    equations.append([Fraction(1)] * size)
    solution = solved(equations, [Fraction()] * (size - 1) + [Fraction(1)])
    result = shares(fixed([[str(place), str(part)] for place, part in enumerate(solution)]))
    return {"pi": [str(result[str(place)]) for place in range(size)]}


def validation(given: Given) -> dict[str, bool]:
    """Whether we take what is asked; a refusal is a no."""
    try:
        VALIDATIONS[given["scheme"]](given)
    except Refusal:
        return {"accept": False}
    return {"accept": True}


VALIDATIONS: dict[str, Callable[[Given], object]] = {
    # Exactly the whole, not somewhere around it.
    "percent_sum_between": lambda given: units(
        {**fixed([[str(i), part] for i, part in enumerate(given["percents"])]), "whole": "100"}
    ),
    "weights_sum_at_most": lambda given: units(
        {"type": "relative_cascade"},
        graph=graph("a", {f"a>b{w}": f"{w}/{given['limit']}" for w in given["weights"]}),
    ),
    "weights_positive": lambda given: units(
        fixed([[str(place), str(weight)] for place, weight in enumerate(given["weights"])])
    ),
    "receivers_unique": lambda given: units(fixed([[each, "1"] for each in given["receivers"]])),
    "min_fee": lambda given: units(
        {
            "type": "fees",
            "fees": [{"payee": "fee", "rate": given["fee_rate"], "minimum_minor": 1}],
            "then": "rest",
        },
        given["amount"],
    ),
    "stack_at_most": lambda given: units(
        {"type": "absolute_per_path", "cap": "1"},
        graph=graph(
            "a",
            {
                "a>b": f"{given['stack']}/{given['limit']}",
                "a>c": f"{given['add']}/{given['limit']}",
            },
        ),
    ),
    "count_at_most": lambda given: units(
        {"type": "absolute_per_path", "maximum_ancestors": given["limit"]},
        graph=graph("a", {f"a>{place}": "0" for place in range(given["count"])}),
    ),
    "no_check_on_append": lambda given: check_division(
        given["budget"],
        {str(place): part for place, part in enumerate(given["receipts"])},
        {str(place): part for place, part in enumerate(given["receipts"])},
    ),
}

KINDS: dict[str, Callable[[Given], Any]] = {
    kind.__name__: kind
    for kind in (
        apportion,
        nested_destination,
        split_tree,
        dag_royalty,
        credit_map,
        grain_policy,
        ledger,
        waterfall,
        bundle,
        deductions,
        markov,
        validation,
    )
}


def test_every_case_is_of_a_kind_that_is_computed() -> None:
    assert len(VECTORS) == 95
    assert {vector["kind"] for vector in VECTORS} <= set(KINDS)


def test_every_case_names_its_source() -> None:
    assert all("repo" in vector["source"] or "url" in vector["source"] for vector in VECTORS)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_a_case_gives_what_is_right(vector: dict[str, Any]) -> None:
    right = vector["expected" if vector["oracle"] == "match" else "exact"]
    got = KINDS[vector["kind"]](vector["given"])
    assert_holds(by_payee(right, vector["given"]), got)


def by_payee(right: Any, given: Given) -> Mapping[str, Any]:
    """What is right by name; a list of units is in the order of the weights."""
    if isinstance(right, list) and "weights" in given:
        return dict(zip((payee for payee, _ in given["weights"]), right, strict=True))
    return right


def assert_holds(right: Mapping[str, Any], got: Mapping[str, Any]) -> None:
    """Everything that is said to be right is so; what is not said (a zero line) is not compared."""
    for name, value in right.items():
        if isinstance(value, dict):
            assert_holds(value, got[name])
        else:
            assert got[name] == value, name


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector["oracle"] == "contrast"],
    ids=[vector["id"] for vector in VECTORS if vector["oracle"] == "contrast"],
)
def test_the_fault_of_a_source_is_not_repeated(vector: dict[str, Any]) -> None:
    got = KINDS[vector["kind"]](vector["given"])
    with pytest.raises(AssertionError):
        assert_holds(by_payee(vector["expected"], vector["given"]), got)
