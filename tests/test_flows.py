"""What a picture's lines are as thick as: what goes back over each edge by the rates on record.

Rule: where every rate is on record, the picture and the split say the same.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lineage import Edge, Lineage
from domain.money.policy.cascade import relative_keep
from projections.lineage import Shown
from projections.money.flows import flows, through

PEOPLE = [{"id": "ana", "name": "Ana"}]


def told(*edges: tuple[str, str, str | None], whole: bool = True, credited: bool = False) -> Shown:
    """A lineage of “whole”, from its edges: child, parent and rate."""
    ids = dict.fromkeys(("whole", *(id for edge in edges for id in edge[:2])))
    return Shown(
        Lineage(
            "whole", tuple(Edge(child, parent, "sample", rate) for child, parent, rate in edges)
        ),
        {
            id: {
                "id": id,
                "kind": "release" if whole and id == "whole" else "contribution",
                "contributors": PEOPLE if id != "whole" or credited else [],
            }
            for id in ids
        },
        range(len(ids)),
    )


def test_a_stated_rate_goes_on_as_it_is() -> None:
    found = flows(told(("whole", "song", "4/5"), ("song", "loop", "1/4")))
    assert found.over == [Fraction(4, 5), Fraction(1, 5)]
    assert found.kept == {
        "whole": Fraction(1, 5),
        "song": Fraction(3, 5),
        "loop": Fraction(1, 5),
    }
    assert (found.has_alike, found.has_unknown) == (False, False)


def test_the_parts_of_a_finished_work_without_a_rate_count_alike() -> None:
    found = flows(told(("whole", "a", "1/2"), ("whole", "b", None), ("whole", "c", None)))
    assert found.over == [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]
    assert found.kept["whole"] == 0
    assert (found.has_alike, found.has_unknown) == (True, False)


def test_its_own_people_count_as_one_part_more() -> None:
    found = flows(told(("whole", "a", None), ("whole", "b", None), credited=True))
    assert [found.kept["whole"], *found.over] == [pytest.approx(Fraction(1, 3))] * 3


def test_of_a_piece_without_a_rate_nothing_is_made_up() -> None:
    edges = ("whole", "song", None), ("song", "loop", None), ("loop", "break", "1/2")
    found = flows(told(*edges))
    assert found.over == [1, None, None]
    assert found.kept == {"whole": 0, "song": 1, "loop": None, "break": None}
    assert found.has_unknown
    assert flows(told(*edges, whole=False)).over == [None, None, None]


def test_a_work_that_is_reached_twice_has_both() -> None:
    edges = ("whole", "a", "1/2"), ("whole", "b", "1/2"), ("a", "loop", "1/2"), ("b", "loop", "1/4")
    assert flows(told(*edges)).kept["loop"] == Fraction(3, 8)


def test_a_work_made_from_nothing_keeps_everything() -> None:
    assert flows(told()).kept == {"whole": 1}


RATES = st.sampled_from(("0", "1/10", "1/7", "1/3"))


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 8), RATES), max_size=3), min_size=1, max_size=9),
)
def test_where_every_rate_is_on_record_it_is_the_split(rows: list[list[tuple[int, str]]]) -> None:
    names = ["whole", *(f"work {number}" for number in range(1, len(rows)))]
    edges, reached = [], {0}
    for child, sources in enumerate(rows):
        for parent, rate in dict(sources).items():
            if child in reached and child < parent < len(names):
                edges.append((names[child], names[parent], rate))
                reached.add(parent)
    shown = told(*edges, whole=False)
    found, lineage = flows(shown), shown.lineage.places_above("whole")
    keeps, scale = relative_keep(shown.lineage, lineage)
    for work, kept in zip(shown.lineage.places.works, keeps, strict=True):
        assert abs((found.kept[work] or 0) - Fraction(kept, scale)) < Fraction(1, 10**10)
    whole = sum(share for share in found.kept.values() if share is not None)
    assert abs(whole - 1) < Fraction(1, 10**10)


def test_what_two_parents_lead_to_is_told_apart_by_the_rates() -> None:
    edges = ("whole", "a", "1/2"), ("whole", "b", "1/2"), ("a", "loop", "1/2"), ("b", "loop", "1/4")
    ways = through(told(*edges).lineage)
    assert ways["a"].keys() == {"a"}
    assert Fraction(ways["loop"]["a"], ways["loop"]["b"]) == 2


@pytest.mark.parametrize("rate", ["0", None])
def test_every_work_is_led_to_by_some_direct_parent(rate: str | None) -> None:
    ways = through(told(("whole", "a", rate), ("a", "b", rate), ("b", "c", rate)).lineage)
    assert {id: [*by] for id, by in ways.items()} == {"a": ["a"], "b": ["a"], "c": ["a"]}
