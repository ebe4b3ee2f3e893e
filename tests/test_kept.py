"""What is kept in rows is a mapping like any other, and its rows are read by key and by group."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import story

from domain.kept import BOOKS, Kept, Rows, placed_at
from domain.money.pool import Pool
from domain.money.state import PoolState, drawn_state
from domain.shape import drawn, shape_of
from projections.generations import layout_version
from projections.tables import ReadTable

parts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


class Inner(NamedTuple):
    part: Fraction
    names: tuple[str, ...] = ()
    later: int | None = None


VALUES: list[tuple[Any, Any]] = [
    (Fraction, Fraction(-7, 3)),
    (Inner, Inner(Fraction(1, 10**40), ("a", "\x1f"), None)),
    (dict[str, Fraction], {"a": Fraction(1, 3)}),
    (dict[tuple[str, str], str], {("a", "b"): "c"}),
    (tuple[Inner, ...], (Inner(Fraction(1)), Inner(Fraction(2), later=3))),
    (list[dict[str, Any]], [{"asset": "a", "shares": [["b", "1/2"]]}]),
]


@pytest.mark.parametrize("kind, value", VALUES)
def test_a_value_is_read_as_it_was_written(kind: Any, value: Any) -> None:
    shape = shape_of(kind)
    assert shape.told(shape.written(value)) == value


def test_a_type_is_drawn_with_all_that_it_holds() -> None:
    assert drawn(dict[str, Inner]).startswith("dict[str, (part: Fraction, names: tuple[str, ")
    assert drawn(tuple[Pool.Opened, ...]) == "tuple[pool.opened, Ellipsis]"


def test_a_class_with_another_name_is_no_other_version() -> None:
    """Or everybody would have to stop for an upgrade in which nothing changes."""
    versions = drawn_state(), layout_version()
    drawn_state.cache_clear()
    with renamed(PoolState), renamed(Pool.Opened), renamed(ReadTable):
        assert (drawn_state(), layout_version()) == versions


@contextmanager
def renamed(kind: type) -> Iterator[None]:
    before = kind.__name__, kind.__qualname__
    kind.__name__ = kind.__qualname__ = "Renamed"
    try:
        yield
    finally:
        kind.__name__, kind.__qualname__ = before


@given(st.dictionaries(st.tuples(parts, parts), st.integers(), max_size=6), parts)
def test_keys_may_hold_any_text_and_a_group_has_its_own(
    entries: dict[tuple[str, str], int], first: str
) -> None:
    kept = Kept[tuple[str, str], int]("k", shape_of(int))
    kept.update(entries)
    assert dict(kept) == entries
    assert len({kept.spell(key) for key in entries}) == len(entries)
    for one in {first, *(key[0] for key in entries)}:
        of_it = sorted(each for each in entries.items() if each[0][0] == one)
        assert kept.under(one) == of_it
        assert [*kept.latest(one)] == sorted((key for key, _ in of_it), key=kept.spell)[::-1]
        assert {kept.spell(key) for key, _ in of_it} == {
            kept.spell(key) for key in entries if kept.spell(key).startswith(kept.begins(one))
        }


def test_changes_lie_over_the_rows_and_only_they_are_written(database: str) -> None:
    with story(database) as told:
        engine = told.store.engine
        first = Kept[tuple[str, str], int]("k", shape_of(int))
        first.update({("a", "1"): 1, ("a", "2"): 2, ("ab", "1"): 3, ("", "\n"): 4})
        with engine.transaction() as transaction:
            transaction.insert(BOOKS, [(key, value, 5) for key, value in first.changes()])
        kept = Kept[tuple[str, str], int]("k", shape_of(int), Rows(engine.query))
        assert kept.under("a") == [(("a", "1"), 1), (("a", "2"), 2)]
        del kept["a", "2"]
        kept["a", "0"] = 0
        kept["ab", "1"] = 3
        kept["c", "1"] = 1
        del kept["a", "0"]
        assert kept.under("a") == [(("a", "1"), 1)]
        kept["a", "3"] = 3
        assert [*kept.latest("a")] == [("a", "3"), ("a", "1")]
        del kept["a", "3"]
        assert dict(kept) == {("a", "1"): 1, ("ab", "1"): 3, ("", "\n"): 4, ("c", "1"): 1}
        assert dict(kept.changes()) == {kept.spell(("a", "2")): None, kept.spell(("c", "1")): "1"}
        with pytest.raises(KeyError):
            kept["a", "2"]


def test_a_group_is_read_from_its_last_row_on_as_far_as_it_is_asked_for(database: str) -> None:
    with story(database) as told:
        engine, batches = told.store.engine, list[int]()
        rows = [(f"{group}\x1fk\x1f{n:03}", "1", 1) for group in "abc" for n in range(25)]
        with engine.transaction() as transaction:
            transaction.insert(BOOKS, rows)

        def query(sql: str, /, **values: Any) -> list[Any]:
            found = engine.query(sql, **values)
            batches.append(len(found))
            return found

        kept = Kept[tuple[str, str], int]("k", shape_of(int), Rows(query))
        kept["b", "024a"] = 2
        latest = kept.latest("b")
        assert [key for _, key in islice(latest, 10)] == [
            "024a",
            *(f"{n:03}" for n in range(24, 15, -1)),
        ]
        assert batches == [10]
        assert [key for _, key in latest] == [f"{n:03}" for n in range(15, -1, -1)]
        assert batches == [10, 10, 5, 0]
        assert dict(kept.changes()) == {"b\x1fk\x1f024a": "2"}


def test_very_many_groups_are_read_at_once(database: str) -> None:
    with story(database) as told:
        engine = told.store.engine
        rows = [(f"{number}\x1fk\x1f{placed_at(number)}", "1", 1) for number in range(450)]
        with engine.transaction() as transaction:
            transaction.insert(BOOKS, rows)
        read = Rows(engine.query)
        read.load([], [f"{number}\x1fk\x1f" for number in range(450)])
        engine.execute("DELETE FROM books")
        assert [len(read.group(f"{number}\x1fk\x1f")) for number in range(450)] == [1] * 450
