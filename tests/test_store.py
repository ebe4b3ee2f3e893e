"""A view stays where it was taken, and the cursors of lists are their own."""

import base64
import json
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import IDS, Story, at_once, every_fact, every_table, id_of, story

from domain.engine import Row
from projections import (
    attribution,
    contributors,
    hidden,
    listing,
    parts,
    pending,
)
from projections.folding import PROJECTIONS, TABLES
from projections.money import balances
from projections.money.pools import every_pool
from projections.pages import BadCursor, decode_cursor, encode_cursor
from projections.rebuilding import Rebuild
from projections.store import View, table_name
from scripts.service import open_service


def test_opening_the_same_database_at_once_is_harmless(database: str) -> None:
    for service in at_once(*[lambda: open_service(database)] * 4):
        assert service.store.positions() == {one.name: 0 for one in PROJECTIONS}
        service.close()


# -- views ---------------------------------------------------------------------------------


def test_a_view_stays_where_it_was_taken(database: str) -> None:
    with story(database) as told:
        ana = told.person("ana")
        with told.view() as view:
            ben = told.person("ben")
            told.service.follower.catch_up()
            assert view.as_of == 1
            assert [one["id"] for one in contributors.people(view).items] == [ana]
        with told.view() as view:
            assert [one["id"] for one in contributors.people(view).items] == [ana, ben]
            assert [one["id"] for one in contributors.people(view.at(1)).items] == [ana]
            assert view.at(99).as_of == view.as_of == 2


def test_a_view_by_itself_is_where_the_tables_are(database: str) -> None:
    """It asks where they were last, and again if its first answer says that they have moved."""

    def seen(**asked: int) -> list[str]:
        with told.store.view(by_itself=True, **asked) as view:
            found = [one["id"] for one in contributors.people(view).items]
            with told.store.view(**asked) as now:
                assert view.place == now.place
            return found

    with story(database) as told:
        people = [told.person("ana")]
        for name in ("ben", "cora"):
            told.service.follower.catch_up()
            assert seen() == people
            people.append(told.person(name))
        told.service.follower.catch_up()
        assert seen() == people
        assert seen(as_of=1) == people[:1]
        Rebuild(told.journal, told.store).run()  # the tables asked first are no more
        assert seen() == people
        assert seen(min_position=3) == people


def claimed_and_credited(view: View) -> None:
    claimed = pending.behind_later(view, id_of("song"))
    assert len(parts.of_work(view, id_of("song")).items) == 2
    assert claimed()["count"] == 0


ASKED: dict[str, Callable[[View], Any]] = {
    "a work": lambda view: attribution.work(view, id_of("song")),
    "its contributors": claimed_and_credited,
    "what it was made from": lambda view: listing.ancestors(view, id_of("song")),
    "a person": lambda view: contributors.person(view, id_of("ana")),
    "the latest works": listing.works,
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_question_takes_two_messages(
    asked: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that finds what it is about, with the state; and one for what the answer adds to it."""
    messages = list[int]()

    def counted(queries: Sequence[Any]) -> list[list[Row]]:
        messages.append(len(queries))
        return read_all(queries)

    with story(database) as told:
        poem = told.piece("poem", by=[told.person("ana")])
        told.piece("song", poem, by=[told.person("ben")])
        with told.view() as view:
            hidden.positions(view)  # which are read once in every state
        read_all = told.store.engine.read_all
        monkeypatch.setattr(told.store.engine, "read_all", counted)
        with told.store.view(by_itself=True) as view:
            ASKED[asked](view)
        assert len(messages) <= 2


@pytest.mark.after(told=every_fact)
def test_nothing_is_known_at_the_beginning(database: str) -> None:
    with story(database) as told, told.view(as_of=0) as view:
        assert view.as_of == 0
        assert listing.works(view).items == []
        assert contributors.people(view).items == []


@pytest.mark.after(told=every_table)
def test_rows_are_closed_and_never_edited(database: str) -> None:
    """A version ends where the next begins, and the last has no end."""
    with story(database) as told:
        told.service.follower.catch_up()
        generation = told.store.current().number
        for table in TABLES:
            if table.key is None:
                continue
            rows = told.store.engine.query(
                f"SELECT {table.key}, since, until FROM {table_name(table.name, generation)} "
                "ORDER BY 1, 2"
            )
            for (key, _, until), (next_key, since, _) in pairwise(rows):
                assert (until == since) if key == next_key else (until == 1 << 62)
            assert rows[-1][2] == 1 << 62
            assert all(since < until for _, since, until in rows)


@pytest.mark.after(told=every_fact)
def test_balances_are_those_of_the_postings_at_every_position(database: str) -> None:
    """They are read from sums as of now, from which later postings are taken away."""
    grouped = "SELECT {0}, CAST(sum(p.amount) AS BIGINT) FROM @postings p WHERE {1} GROUP BY {0}"
    with story(database) as told:
        told.service.follower.catch_up()
        with told.view() as now:
            pools = every_pool(now)
            for position in range(0, now.as_of + 1, 3):
                view = now.at(position)
                known = "p.position <= :as_of"
                summed = {
                    (currency, account): units
                    for currency, of in balances.totals(view).items()
                    for account, units in of.items()
                    if units
                }
                rows = view.rows(grouped.format("p.currency, p.account", known))
                assert summed == {tuple(key): units for *key, units in rows if units}
                rows = view.rows(
                    grouped.format(
                        "p.payee, p.proposal, p.account", f"{known} AND p.proposal IS NOT NULL"
                    )
                )
                assert {
                    (each.payee, each.proposal, account): units
                    for each in balances.accounts(view)
                    for account, units in each.units.items()
                } == {tuple(key): units for *key, units in rows}
                for pool in pools:
                    of_pool = dict(
                        view.rows(
                            grouped.format("p.account", f"{known} AND p.pool = :pool"), pool=pool
                        )
                    )
                    assert balances.pool_units(view, pool) == of_pool


# -- cursors -------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
places = st.lists(st.integers(0, (1 << 63) - 1) | texts, min_size=1, max_size=4)


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


@pytest.mark.parametrize("text", ["a\0", "\ud800"])
def test_a_text_that_no_engine_holds_is_in_no_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(raw([1, text]), int, str)


def test_no_cursor_is_the_beginning() -> None:
    assert decode_cursor(None, int) is None


@pytest.mark.after(told=every_fact)
def test_every_list_refuses_a_cursor_of_another(database: str) -> None:
    with story(database) as told, told.view() as view:
        lists: list[tuple[Any, bool]] = [
            (lambda c: listing.works(view, after=c), False),
            (lambda c: contributors.people(view, after=c), False),
            (lambda c: parts.in_releases(view, IDS["ana"], after=c), False),
            (lambda c: listing.ancestors(view, IDS["song"], after=c), True),
            (lambda c: listing.descendants(view, IDS["poem"], after=c), True),
            (lambda c: parts.of_work(view, IDS["song"], after=c), True),
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
