"""Percentages are taken as people type them, in every form; the API stays exact."""

from contextlib import nullcontext
from fractions import Fraction

import pytest
from stories import id_of

from api import percentages
from api.problems import Problem
from api.web.typed import typed
from domain.commands.deriving import DeclareRemix
from domain.refusal import BadRate
from domain.registry import COMMANDS
from projections import wording

TYPED = [
    ("20 %", "1/5"),
    ("20%", "1/5"),
    (" 33.3 % ", "333/1000"),
    ("7,5 %", "3/40"),
    ("100%", "1"),
    ("0 %", "0"),
    ("150 %", "3/2"),
    ("1/3", "1/3"),
    ("0.25", "0.25"),
    ("%", "%"),
    ("20 %%", "20 %%"),
    ("-5 %", "-5 %"),
    ("1/5 %", "1/500"),
    ("⅓", "1/3"),
    ("33⅓ %", "1/3"),
    ("33 1/3%", "1/3"),
    ("1 / 3", "1/3"),
    ("２０ ％", "1/5"),
    ("12½ %", "1/8"),
    ("1/0", "1/0"),
    ("a third", "a third"),
]


@pytest.mark.parametrize("text, exact", TYPED)
def test_a_percentage_is_the_fraction_it_stands_for(text: str, exact: str) -> None:
    assert percentages.exact(text) == exact


@pytest.mark.parametrize("text, exact", [("100 %", "1"), ("120 %", "120 %"), (" 1½ ", "1½")])
def test_more_than_the_whole_is_refused_as_it_was_typed(text: str, exact: str) -> None:
    assert percentages.rate(text) == exact
    with nullcontext() if exact == "1" else pytest.raises(BadRate, match=f"“{exact}” is not"):
        percentages.part(text)


@pytest.mark.parametrize(
    "number, is_alike",
    [
        *(("30", False), ("33.3", False), ("33⅓", False), ("7 1/2", False), ("1 %", True)),
        *(("150 %", True), ("30 ％", True), ("1", True), ("1/2", True), ("", True), ("x", True)),
    ],
)
@pytest.mark.parametrize("percentage", ["50 %", "５０％", "12½ %"])
def test_no_percentage_is_taken_beside_a_number_that_is_more_than_the_whole(
    percentage: str, number: str, is_alike: bool
) -> None:
    """50 % is 1/2: beside 33.3, it was next to nothing."""
    for both in ((percentage, number), (number, percentage)):
        told = f"“{percentage}” is a percentage and “{number}” is not"
        with nullcontext() if is_alike else pytest.raises(Problem, match=told):
            percentages.must_be_alike(both)
    percentages.must_be_alike([number, number])


SHOWN = [("1/5", "20 %"), ("0.1", "10 %"), ("1/8", "12.5 %"), ("1", "100 %"), ("0", "0 %")]
SHOWN += [("1/3", "1/3"), ("3/40", "7.5 %"), ("1/80", "1/80"), ("about a third", "about a third")]
SHOWN += [("1/0", "1/0"), ("3/2", "3/2"), ("1e99999999", "1e99999999"), ("", "")]


@pytest.mark.parametrize("stated, shown", SHOWN)
def test_a_rate_is_shown_as_it_is_typed(stated: str, shown: str) -> None:
    assert wording.rate(stated) == shown


def test_a_pasted_percentage_is_one_word() -> None:
    assert percentages.joined("poem 20 % sample").split() == ["poem", "20%", "sample"]


def test_a_form_of_the_desk_takes_a_percentage_for_a_rate() -> None:
    said = {"child": id_of("song"), "parent": id_of("poem"), "kind": "sample", "rate": "12.5 %"}
    stated = typed(COMMANDS["remix"], said)
    assert isinstance(stated, DeclareRemix)
    assert stated.rate == "1/8"


@pytest.mark.parametrize(
    "said, part",
    [
        *(("1/3", Fraction(1, 3)), ("20 %", Fraction(1, 5)), ("2.5", Fraction(5, 2)), ("", 0)),
        *(("half", 0), ("1/0", 0), ("1e9999999999", 0), ("1e-9999999999", 0), ("9" * 10_000, 0)),
    ],
)
def test_a_sum_leaves_out_what_can_not_be_read_and_what_would_never_be(
    said: str, part: Fraction
) -> None:
    assert percentages.readable(said) == part
