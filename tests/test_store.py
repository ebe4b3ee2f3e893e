"""The store keeps its promises on both engines, and its cursors are its own."""

import base64
import json
import sys
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import Story, at_once, every_fact, story

from projections import attribution, lineage
from projections.follower import PROJECTIONS, TABLES
from projections.store import (
    BadCursor,
    Store,
    StoreUnavailable,
    decode_cursor,
    encode_cursor,
    open_store,
    table_name,
)
from scripts.service import open_service

# -- both engines --------------------------------------------------------------------------


@pytest.fixture
def store(database: str) -> Any:
    found = open_store(database)
    found.execute("CREATE TABLE notes (id BIGINT NOT NULL, says TEXT)")
    yield found
    found.close()


def notes(store: Store) -> list[tuple[Any, ...]]:
    return store.query("SELECT id, says FROM notes ORDER BY id")


TEXTS = ["", "a", "100 %", "%s %(x)s", ":name", "@works", "?", "'\";--", "Ä😀\u2028", "\\", "\t\n"]


def test_every_text_comes_back_as_it_was(store: Store) -> None:
    with store.writing() as writer:
        for number, text in enumerate(TEXTS):
            writer.execute(
                "INSERT INTO notes VALUES (:number, :text)", {"number": number, "text": text}
            )
        writer.insert("notes", ["says", "id"], [(text, 100 + n) for n, text in enumerate(TEXTS)])
        writer.insert("notes", ["id"], [(1000,)])
    assert notes(store) == [
        *enumerate(TEXTS),
        *((100 + number, text) for number, text in enumerate(TEXTS)),
        (1000, None),
    ]
    for text in TEXTS:
        assert len(store.query("SELECT id FROM notes WHERE says = :text", text=text)) == 2


def test_large_numbers_are_kept(store: Store) -> None:
    with store.writing() as writer:
        writer.insert("notes", ["id"], [((1 << 62) + 1,)])
    assert notes(store) == [((1 << 62) + 1, None)]


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_a_list_of_any_length_is_one_value(kind: type, store: Store) -> None:
    with store.writing() as writer:
        writer.insert("notes", ["id", "says"], [(number, str(number)) for number in range(3000)])

    def among(sql: str, values: list[Any]) -> int:
        return int(
            store.query(f"SELECT count(*) FROM notes WHERE {sql}", wanted=kind(values))[0][0]
        )

    assert among("id IN :wanted", []) == 0
    assert among("id IN :wanted", [7]) == 1
    assert among("id IN :wanted", list(range(5000))) == 3000
    assert among("says IN :wanted", []) == 0
    assert among("says IN :wanted", ["7", "x", "8"]) == 2


def test_a_write_transaction_is_whole_or_not_at_all(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as writer:  # noqa: PT012
        writer.execute("INSERT INTO notes VALUES (:id, :says)", {"id": 1, "says": "x"})
        assert writer.query("SELECT says FROM notes") == [("x",)]
        raise ZeroDivisionError
    assert notes(store) == []


def test_a_statement_says_how_many_rows_it_touched(store: Store) -> None:
    with store.writing() as writer:
        writer.insert("notes", ["id", "says"], [(1, "a"), (2, "a"), (3, "b")])
        assert writer.execute("UPDATE notes SET says = 'c' WHERE says = :a", {"a": "a"}) == 2
        assert writer.execute("DELETE FROM notes WHERE id = :id", {"id": 9}) == 0
        rows = [{"id": 1, "says": "x"}, {"id": 3, "says": "y"}]
        writer.execute_many("UPDATE notes SET says = :says WHERE id = :id", rows)
    assert notes(store) == [(1, "x"), (2, "c"), (3, "y")]


def test_writers_at_once_come_one_after_the_other(store: Store) -> None:
    """What one read under the lock is still so when it writes."""
    store.execute("INSERT INTO notes VALUES (0, '0')")

    def count() -> None:
        for _ in range(10):
            with store.writing() as writer:
                writer.lock()
                so_far = int(writer.query("SELECT says FROM notes")[0][0])
                writer.execute("UPDATE notes SET says = :next", {"next": str(so_far + 1)})

    at_once(*[count] * 4)
    assert notes(store) == [(0, "40")]


def test_what_is_written_is_read_by_every_thread(store: Store) -> None:
    store.execute("INSERT INTO notes VALUES (1, 'x')")
    seen: list[Any] = []
    thread = Thread(target=lambda: seen.append(notes(store)))
    thread.start()
    thread.join()
    assert seen == [[(1, "x")]]


def test_opening_the_same_database_at_once_is_harmless(database: str) -> None:
    for service in at_once(*[lambda: open_service(database)] * 4):
        assert service.store.positions() == {one.name: 0 for one in PROJECTIONS}
        service.close()


def test_a_database_that_does_not_answer_is_named_so() -> None:
    with pytest.raises(StoreUnavailable):
        open_store("sqlite:////no/such/folder/stemma.db").current()


# -- views ---------------------------------------------------------------------------------


def test_a_view_stays_where_it_was_taken(database: str) -> None:
    with story(database) as told:
        ana = told.person("ana")
        with told.view() as view:
            ben = told.person("ben")
            told.service.follower.catch_up()
            assert view.as_of == 1
            assert [one["id"] for one in attribution.people(view).items] == [ana]
        with told.view() as view:
            assert [one["id"] for one in attribution.people(view).items] == [ana, ben]
            assert [one["id"] for one in attribution.people(view.at(1)).items] == [ana]
            assert view.at(99).as_of == view.as_of == 2


def test_nothing_is_known_at_the_beginning(database: str) -> None:
    with story(database) as told:
        every_fact(told)
        with told.view(as_of=0) as view:
            assert view.as_of == 0
            assert lineage.works(view).items == []
            assert attribution.people(view).items == []


def test_rows_are_closed_and_never_edited(database: str) -> None:
    """A version ends where the next begins, and the last has no end."""
    with story(database) as told:
        every_fact(told)
        told.service.follower.catch_up()
        generation = told.store.current().number
        for table in TABLES:
            if table.key is None:
                continue
            rows = told.store.query(
                f"SELECT {table.key}, since, until FROM {table_name(table.name, generation)} "
                "ORDER BY 1, 2"
            )
            for (key, _, until), (next_key, since, _) in pairwise(rows):
                assert (until == since) if key == next_key else (until == 1 << 62)
            assert rows[-1][2] == 1 << 62
            assert all(since < until for _, since, until in rows)


# -- cursors -------------------------------------------------------------------------------

places = st.lists(st.integers(0, (1 << 63) - 1) | st.text(max_size=20), min_size=1, max_size=4)


@given(places)
def test_a_cursor_is_read_as_it_was_given_out(place: list[Any]) -> None:
    cursor = encode_cursor(*place)
    assert decode_cursor(cursor, *map(type, place)) == place
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?# ")


def raw(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


BAD = [
    *("", "x", "Ä", "====", "!!!", "W10", "\0", "a" * 5),
    *(raw(1), raw({}), raw(None), raw([]), raw(["1"]), raw([1.0]), raw([True]), raw([None])),
    *(raw([1, 2, 3]), raw([[1]]), raw([1 << 63]), raw([-(1 << 63) - 1])),
    base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    base64.urlsafe_b64encode(b"[" + b"9" * (sys.get_int_max_str_digits() + 1) + b"]").decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
]


@pytest.mark.parametrize("cursor", BAD, ids=range(len(BAD)))
def test_what_was_not_given_out_is_no_cursor(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(cursor, int)


def test_no_cursor_is_the_beginning() -> None:
    assert decode_cursor(None, int) is None


def test_every_list_refuses_a_cursor_of_another(database: str) -> None:
    with story(database) as told:
        ids = every_fact(told)
        with told.view() as view:
            lists: list[tuple[Any, bool]] = [
                (lambda c: lineage.works(view, after=c), False),
                (lambda c: attribution.people(view, after=c), False),
                (lambda c: attribution.attribution(view, ids["ana"], after=c), False),
                (lambda c: lineage.ancestors(view, ids["song"], after=c), True),
                (lambda c: lineage.descendants(view, ids["poem"], after=c), True),
                (lambda c: attribution.contributors(view, ids["song"], after=c), True),
            ]
            for ask, pairs in lists:
                with pytest.raises(BadCursor):
                    ask(encode_cursor(1) if pairs else encode_cursor(1, 1))


def test_a_story_with_every_fact_is_folded(database: str) -> None:
    with story(database) as told:
        _all_positions_are(told, 0)
        every_fact(told)
        told.service.follower.catch_up()
        _all_positions_are(told, told.head())


def _all_positions_are(told: Story, position: int) -> None:
    assert told.store.positions() == {one.name: position for one in PROJECTIONS}
