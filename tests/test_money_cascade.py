"""Policies over a lineage at their very bounds, and what a source is called by.

Each claim is one that a changed comparison, sign or “and” would break (see “Mutants”).
"""

from fractions import Fraction
from typing import Any

import pytest
from exact import answered, graph, shares
from money import bank

from domain.lineage import Edge, Lineage
from domain.money.naming import SOURCES
from domain.money.policy.cascade import whole_rates
from domain.refusal import CapExceeded, RatesOverWhole, Refusal, SplitTooLarge

CHAIN = graph(
    "a", {"a>b": "1/2", "b>c": "1/4"}, {"a": [["A", "1"]], "b": [["B", "1"]], "c": [["C", "1"]]}
)
WHOLE = graph(
    "a", {"a>b": "3/4", "a>c": "1/4"}, {"a": [["A", "1"]], "b": [["B", "1"]], "c": [["C", "1"]]}
)
PER = ("absolute_per_path", "absolute_per_edge")


@pytest.mark.parametrize("kind", PER)
def test_what_is_owed_may_be_all_of_the_cap(kind: str) -> None:
    assert answered({"type": kind, "cap": "3/4"}, graph=CHAIN)["lines"]
    with pytest.raises(CapExceeded):
        answered({"type": kind, "cap": "74/100"}, graph=CHAIN)


@pytest.mark.parametrize("kind", PER)
def test_a_work_may_owe_all_that_it_gets(kind: str) -> None:
    given = shares({"type": kind, "cap": "1"}, graph=WHOLE)
    assert {who: share for who, share in given.items() if share} == {
        "B": Fraction(3, 4),
        "C": Fraction(1, 4),
    }


def test_a_lineage_has_as_many_ancestors_as_the_policy_allows() -> None:
    assert answered({"type": "relative_cascade", "maximum_ancestors": 2}, graph=CHAIN)["lines"]
    with pytest.raises(SplitTooLarge):
        answered({"type": "relative_cascade", "maximum_ancestors": 1}, graph=CHAIN)


def test_a_decay_is_of_one_generation_at_least_and_of_no_more_than_the_whole() -> None:
    def decay(**said: Any) -> dict[str, Any]:
        return {"type": "decay", "pool": "1/2", "factor": "1/2", "depth": 2} | said

    for allowed in ({"depth": 1}, {"factor": "1"}):
        assert answered(decay(**allowed), graph=CHAIN)["lines"]
    for refused in ({"depth": 0}, {"factor": "0"}):
        with pytest.raises(Refusal):
            answered(decay(**refused), graph=CHAIN)


def test_who_promised_more_than_the_whole_is_told_how_much() -> None:
    over = graph("a", {"a>b": "3/4", "a>c": "3/4"})
    with pytest.raises(RatesOverWhole, match="3/2"):
        answered({"type": "relative_cascade"}, graph=over)


def test_a_source_has_an_id_only_where_it_was_named_in_words() -> None:
    with bank("sqlite:///:memory:") as told:
        pool = told.pool()
        for source in (next(iter(SOURCES)), "A shop of its own", "A shop of its own"):
            told.earn(pool, 100, source=source)
        word, first, again = (one.source_id for one in told.since(0, "revenue.recorded"))
        assert word is None
        assert first == again is not None


def test_a_scale_is_of_the_rates_that_are_used_and_of_no_other() -> None:
    lineage = Lineage("a", (Edge("a", "b", "sample", "1/2"), Edge("b", "c", "sample", "1/3")))
    first = lineage.places.works.index("a")
    assert whole_rates(lineage, [first])[1] == 2
    assert whole_rates(lineage, range(len(lineage.places.works)))[1] == 6
