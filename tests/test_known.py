"""What commands read of the journal is what is read of the read tables, at any position."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from databases import Postgres
from hypothesis import given
from hypothesis import strategies as st
from stories import Story, id_of, story, ticking
from test_histories import (
    OUTSIDE,
    PEOPLE,
    WORKS,
    Command,
    answered,
    embedded,
    fewer,
    histories,
    play,
)

from domain.commands.deriving import DeclareRemix, StrikeRemix
from domain.known import Known
from domain.lineage import Lineage
from domain.refusal import CapExceeded
from projections import contributors
from projections.lineage import find
from projections.money.splitting import lineage_at
from projections.store import View


@contextmanager
def opened(engine: str, server: Postgres) -> Iterator[Story]:
    if engine == "sqlite":
        with embedded() as told:
            yield told
    else:
        with server.database() as url, story(url, clock=ticking()) as told:
            yield told


@fewer
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@given(histories, st.data())
def test_the_journal_and_the_read_tables_know_the_same_at_every_position(
    postgres_server: Postgres, engine: str, commands: list[Command], data: st.DataObject
) -> None:
    with opened(engine, postgres_server) as told:
        play(told, commands)
        for position in data.draw(st.lists(st.integers(0, told.head()), min_size=3, max_size=3)):
            known = Known(told.journal.facts, position)
            with told.view(as_of=position) as view:
                same_lineages(known, view)
                same_people(known, view)


def same_lineages(known: Known, view: View) -> None:
    """The same works in the same order, with the same rates and people, or the same refusal."""
    for work in WORKS + OUTSIDE:
        for rate in (None, "1/9"):
            ours = answered(lambda work=work, rate=rate: told_of(known.lineage(work, rate)))
            theirs = answered(
                lambda work=work, rate=rate: told_of(
                    lineage_at(view, find(view, work).number, rate).lineage
                )
            )
            assert ours == theirs
        there = view.rows(
            "SELECT e.id FROM @remixes e JOIN @works w ON w.number IN (e.child, e.parent) "
            "WHERE w.id = :id AND e.state <> 'struck' "
            "AND e.since <= :as_of AND e.until > :as_of AND w.since <= :as_of AND w.until > :as_of",
            id=work,
        )
        here = known.edges([work], ("child", "parent"))
        assert sorted(edge.id for edge in here) == sorted(id for (id,) in there)


def told_of(lineage: Lineage[str]) -> tuple[object, ...]:
    """All that splits and credits go by; the ids of edges are looked up where they are shown."""
    edges = [(one.child, one.parent, one.kind, one.rate) for one in lineage.edges]
    return lineage.root, edges, lineage.held


def same_people(known: Known, view: View) -> None:
    """The same person behind every account, and the same accounts of every person."""
    assert known.persons(PEOPLE) == contributors.persons_of(view, PEOPLE)
    for person in known.persons(PEOPLE).values():
        numbers = contributors.accounts_of(view, contributors.find_person(view, person)[0])
        accounts = {one["id"] for one in contributors.persons(view, numbers).values()}
        assert set(known.accounts(person)) == accounts


def test_what_a_draft_is_about_to_record_is_known_to_its_next_command(database: str) -> None:
    with story(database) as told:
        told.piece("old", made_at="1990")
        told.piece("new", made_at="2000")
        draft = told.journal.draft()
        ends = {"child": id_of("new"), "parent": id_of("old")}
        most = DeclareRemix(kind="sample", rate="2/3", id=id_of("edge"), **ends)
        half = DeclareRemix(kind="sample", rate="1/2", **ends)
        draft.carry_out(most)
        with pytest.raises(CapExceeded):
            draft.carry_out(half)
        draft.carry_out(StrikeRemix(id=id_of("edge"), reason="false"))
        assert draft.carry_out(half)
        told.journal.commit(draft)
        known = Known(told.journal.facts, told.head())
        assert [edge.rate for edge in known.edges([ends["child"]])] == ["1/2"]


def test_a_lineage_costs_what_is_in_it_however_much_was_made_from_its_works(
    database: str,
) -> None:
    with story(database) as told:
        told.piece("sampled", made_at="1970")
        for number in range(20):
            told.piece(f"remix {number}", id_of("sampled"))
        known = Known(told.journal.facts, told.head())
        assert [edge.child for edge in known.edges_above(id_of("remix 7"))] == [id_of("remix 7")]
        found = told.journal.facts.found(
            ["remix.declared.child"], [id_of("remix 7"), id_of("sampled")]
        )
        assert len(found) == 1
