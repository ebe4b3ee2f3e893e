"""Following the journal: every fact is folded exactly once, whoever folds, crashes or rebuilds."""

import os
import signal
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from stories import (
    Story,
    at_once,
    every_fact,
    every_table,
    id_of,
    meanwhile,
    raw_connection,
    read_tables,
    story,
)
from tampering import lose, without_triggers
from warm import PROCESSES

from domain.engine import DatabaseUnavailable, Overtaken, RebuildNeeded
from domain.engine.documents import Document
from domain.fact import Fact
from domain.tree import NotVerified
from projections import around, contributors, documents, folding, follower, listing, parts
from projections.folding import PROJECTIONS, Numbering, fold
from projections.follower import Follower
from projections.generations import advance, first_generation
from projections.rebuilding import Rebuild
from projections.store import Behind


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small histories have many pages, too."""
    monkeypatch.setattr(follower, "PAGE", 3)


def long_history(told: Story) -> None:
    """Every kind of fact, and a long chain with a person on each piece."""
    every_table(told)
    people = [told.person(f"person {number}") for number in range(3)]
    last = told.piece("piece 0")
    for number in range(1, 25):
        last = told.piece(f"piece {number}", last, by=[people[number % 3]])
    chain = told.release("chain", last)
    terms = {"type": "fixed", "shares": [[people[0], "1"]]}  # which name somebody
    told.tell("open_pool", release=chain, name="chain", kind="song", currency="USD", terms=terms)


def alone(told: Story) -> dict[str, Any]:
    """The read tables as one rebuild makes them, to compare with."""
    Rebuild(told.journal, told.store).run()
    return read_tables(told)


def generations_on(told: Story) -> set[int]:
    """The generations of which there are tables."""
    sql = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if hasattr(told.store.engine, "path")
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    names = [str(name) for (name,) in told.store.engine.query(sql)]
    return {int(name.split("_")[1]) for name in names if name.startswith("read_")}


# -- exactly once --------------------------------------------------------------------------


def test_several_followers_at_once_are_as_exact_as_one(database: str) -> None:
    with story(database) as told:
        others = [Follower(told.journal, told.store) for _ in range(3)]
        with meanwhile(*(one.catch_up for one in others)):
            long_history(told)
        told.service.follower.catch_up()
        live = read_tables(told)
        assert told.store.positions() == {one.name: told.head() for one in PROJECTIONS}
        assert live == alone(told)


def test_a_follower_folds_nothing_that_its_server_lacks(database: str) -> None:
    """A server that took over may lack what this process remembers that it recorded."""
    with story(database) as told:
        told.person("ana")
        told.service.follower.catch_up()
        told.person("ben")
        told.service.follower.fold_page()
        lately = told.journal.facts._lately
        last, head = lately._groups[-1], told.head()
        lost = [(head + 1, *row[1:]) for row in last.stored]
        after = last.point._replace(position=head + 1)
        lately.recorded(last._replace(before=last.point, point=after, stored=lost))
        assert told.journal.facts.lately(head)
        told.service.follower.catch_up()
        assert told.store.current().position == head
        late = told.person("cleo")
        told.service.follower.catch_up()
        with told.store.view() as view:
            assert contributors.person(view, late)["name"] == "cleo"
        live = read_tables(told)
        assert live == alone(told)


def follow_in_process(database: str, upto: int) -> None:
    follower.PAGE = 2
    with story(database, create=False) as told:
        while told.store.current().position < upto:
            told.service.follower.fold_page()


@pytest.mark.after(told=long_history)
def test_followers_in_several_processes_are_as_exact_as_one(database: str) -> None:
    with story(database) as told:
        processes = [
            PROCESSES.Process(target=follow_in_process, args=[database, told.head()])
            for _ in range(2)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        live = read_tables(told)
        assert live == alone(told)


@pytest.mark.after(told=every_fact)
def test_a_page_that_was_folded_by_another_is_not_folded_again(database: str) -> None:
    with story(database) as told:
        at = told.store.current()
        page = told.journal.facts.after(0, 3)
        told.service.follower.fold_page()
        before = read_tables(told)
        with pytest.raises(Overtaken), told.store.writing() as writer:  # noqa: PT012
            advance(writer, at, page[-1].position)
            fold(writer, at.number, page, Numbering())
        assert read_tables(told) == before


class Crash(Exception):
    """The process ends here."""


@pytest.mark.after(told=every_fact)
def test_a_crash_before_the_commit_loses_nothing_and_folds_nothing_twice(database: str) -> None:
    with story(database) as told:
        told.service.follower.fold_page()
        at, before = told.store.current(), read_tables(told)
        page = told.journal.facts.after(at.position, 5)
        with pytest.raises(Crash), told.store.writing() as writer:  # noqa: PT012
            advance(writer, at, page[-1].position)
            fold(writer, at.number, page, Numbering())
            raise Crash
        assert (told.store.current(), read_tables(told)) == (at, before)
        told.service.follower.catch_up()
        live = read_tables(told)
        assert live == alone(told)


@pytest.mark.after(told=long_history)
def test_followers_that_are_killed_leave_exact_tables(database: str) -> None:
    """However far each came: it is killed as soon as it has folded something."""
    with story(database) as told:
        for _ in range(3):
            before = told.store.current().position
            process = PROCESSES.Process(target=follow_in_process, args=[database, told.head()])
            process.start()
            while told.store.current().position == before and process.is_alive():
                time.sleep(0.001)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        told.service.follower.catch_up()
        live = read_tables(told)
        assert live == alone(told)


# -- alongside the writing -----------------------------------------------------------------


def test_a_started_follower_keeps_up_and_wakes_the_reads_that_wait(database: str) -> None:
    with story(database) as told:
        told.service.follower.start()
        for number in range(10):
            piece = told.tell("submit_contribution", title=f"{number}", medium="text", authors=[])
            with told.store.view(min_position=piece.position) as view:
                assert view.as_of >= piece.position
                assert around.work(view, piece.id)["title"] == f"{number}"
        told.service.follower.stop()
        late = told.person("late")
        with told.store.view() as view, pytest.raises(Exception, match=late):
            contributors.person(view, late)


def test_a_read_that_asks_for_more_than_was_folded_is_told_how_far_it_is(database: str) -> None:
    with story(database) as told:
        told.person("ana")
        told.service.follower.catch_up()
        told.person("ben")
        for asked in ({"min_position": 2}, {"as_of": 2}):
            with (
                pytest.raises(Behind) as behind,
                told.store.view(**asked, wait_seconds=0.05),  # type: ignore[arg-type]
            ):
                pass
            assert (behind.value.asked, behind.value.position) == (2, 1)


def test_what_was_acknowledged_is_waited_for_when_the_process_follows(database: str) -> None:
    with story(database) as told:
        told.store.awaited = lambda: told.journal.last_written
        told.service.follower.start()
        for number in range(10):
            id = told.person(f"{number}")
            with told.store.view() as view:
                assert contributors.person(view, id)["name"] == f"{number}"


def test_what_a_failover_lost_is_not_waited_for(database: str) -> None:
    """By all later reads: nobody would ever fold it."""
    with story(database) as told:
        told.store.awaited = lambda: told.journal.last_written
        told.person("ana")
        told.service.follower.catch_up()
        told.person("ben")
        lose(database, after=1)
        told.service.follower.catch_up()
        assert told.store.awaited() == 1
        cleo = told.person("cleo")
        told.service.follower.catch_up()
        with told.store.view() as view:
            assert contributors.person(view, cleo)["name"] == "cleo"


# -- rebuilding ----------------------------------------------------------------------------


@pytest.mark.after(told=long_history)
@pytest.mark.parametrize("page", [1, pytest.param(2, marks=pytest.mark.slow), 7, 1000])
def test_a_rebuild_equals_what_was_folded_live_row_by_row(page: int, database: str) -> None:
    with story(database) as told:
        told.service.follower.catch_up()
        live = read_tables(told)
        assert all(live.values())
        assert Rebuild(told.journal, told.store, page=page).run() == told.head()
        assert read_tables(told) == live


@pytest.mark.after(told=long_history)
@pytest.mark.parametrize("ends", ["at its end", "killed while it folds", "killed before documents"])
def test_a_rebuild_by_several_processes_gives_the_same_rows(
    ends: str, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if database.startswith("sqlite:///"):  # they find it by an address that is relative, too
        path = Path(database.removeprefix("sqlite:///"))
        monkeypatch.chdir(path.parent)
        database = f"sqlite:///{path.name}"
    with story(database) as told:
        told.service.follower.catch_up()
        live = read_tables(told), documents_of(told)
        rebuild = Rebuild(told.journal, told.store, page=30, processes=2)
        seen: list[int] = []

        def progress(position: int, head: int) -> None:
            assert len(rebuild.crew.workers) == 2 or seen
            if ends == ("killed while it folds" if position < head else "killed before documents"):
                for worker in rebuild.crew.workers[1:]:
                    worker.process.kill()
            seen.append(position)

        assert rebuild.run(progress) == told.head()
        assert len(seen) > 3
        assert seen == sorted(set(seen))
        assert bool(caplog.records) == (ends != "at its end")
        assert not rebuild.crew.workers
        assert (read_tables(told), documents_of(told)) == live


def documents_of(told: Story) -> list[Any]:
    """What is found by its words."""
    generation = told.store.current().number
    sql = f"SELECT {', '.join(Document._fields)} FROM read_{generation}_{documents.NAME}"
    return sorted(told.store.engine.query(sql))


def test_a_projection_is_shown_every_fact_that_changes_anything_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(f"sqlite:///{tmp_path}/every.db") as told:
        every_fact(told)
        told.service.follower.catch_up()
        live = read_tables(told)
        every = tuple(one._replace(about=(Fact,)) for one in PROJECTIONS)
        monkeypatch.setattr(folding, "PROJECTIONS", every)
        monkeypatch.setattr(folding, "_concerned", folding._concerned.__wrapped__)
        Rebuild(told.journal, told.store).run()
        assert read_tables(told) == live


@pytest.mark.after(told=long_history)
def test_what_is_more_than_what_is_there_is_folded_anew(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "MUCH", 50)
    with story(database) as told:
        before = generations_on(told)
        told.service.follower.catch_up()
        anew = generations_on(told)
        assert anew.isdisjoint(before)
        for number in range(20):  # not as many as are there
            told.person(f"later {number}")
        told.service.follower.catch_up()
        assert generations_on(told) == anew
        assert told.store.positions() == {one.name: told.head() for one in PROJECTIONS}
        assert read_tables(told) == alone(told)


@pytest.mark.after(told=every_fact)
def test_following_goes_on_after_a_rebuild(database: str) -> None:
    """With the numbers of the new tables, and in another process's follower as well."""
    with story(database) as told, story(database, create=False) as other:
        other.service.follower.catch_up()
        for number in range(3):
            Rebuild(told.journal, told.store).run()
            told.piece(f"more {number}", id_of("song"))
            (told if number % 2 else other).service.follower.catch_up()
        live = read_tables(told)
        assert live == alone(told)


@pytest.mark.after(told=long_history)
def test_a_rebuild_equals_live_while_others_write_and_follow(database: str) -> None:
    with story(database) as told:
        told.service.follower.start()
        numbers = count()
        with meanwhile(lambda: told.piece(f"meanwhile {next(numbers)}", id_of("song"))):
            for _ in range(3):
                Rebuild(told.journal, told.store, page=10).run()
        told.service.follower.stop()
        told.service.follower.catch_up()
        live = read_tables(told)
        assert live == alone(told)


@pytest.mark.after(told=long_history)
def test_reads_go_on_during_a_rebuild(database: str) -> None:
    """Each sees the whole of one generation, as long as it ends within the grace."""
    with story(database) as told:
        told.service.follower.catch_up()

        def answer() -> Any:
            with told.store.view() as view:
                return [
                    parts.of_work(view, id_of("chain"), limit=3).items,
                    listing.ancestors(view, id_of("chain")).items,
                    parts.in_releases(view, id_of("person 1")).items,
                ]

        expected, answers = answer(), list[Any]()
        with meanwhile(lambda: answers.append(answer())):
            for _ in range(3):
                Rebuild(told.journal, told.store, page=10).run(grace_seconds=0.2)
        assert len(answers) > 3
        assert all(one == expected for one in answers)


@pytest.mark.after(told=long_history)
@pytest.mark.parametrize("pages", [0, 1, 5])
def test_a_rebuild_left_half_finished_is_cleaned_up_by_the_next(pages: int, database: str) -> None:
    with story(database) as told:
        told.service.follower.catch_up()
        live = read_tables(told)
        told_of: list[int] = []

        def crash(position: int, _head: int) -> None:
            told_of.append(position)
            if len(told_of) > pages:
                raise Crash

        with pytest.raises(Crash):
            Rebuild(told.journal, told.store, page=4).run(crash)
        assert told_of == [4 * (page + 1) for page in range(pages + 1)]
        assert len(generations_on(told)) == 2
        assert read_tables(told) == live
        told.piece("after the crash")
        told.service.follower.catch_up()  # the old tables are still the ones in use
        live = read_tables(told)
        Rebuild(told.journal, told.store).run()
        assert generations_on(told) == {told.store.current().number}
        assert read_tables(told) == live


@pytest.mark.after(told=long_history)
@pytest.mark.parametrize("when", ["at its first page", "at its last page"])
def test_a_rebuild_overtaken_by_another_gives_way_to_it(when: str, database: str) -> None:
    with story(database) as told:
        told.service.follower.catch_up()
        live = read_tables(told)
        overtaken = []

        def another(position: int, head: int) -> None:
            if not overtaken and (position == head or when == "at its first page"):
                overtaken.append(position)
                Rebuild(told.journal, told.store).run()

        with pytest.raises(Overtaken):
            Rebuild(told.journal, told.store, page=20).run(another)
        assert read_tables(told) == live
        assert generations_on(told) == {told.store.current().number}


@pytest.mark.after(told=long_history)
def test_rebuilds_at_once_leave_one_complete_generation(database: str) -> None:
    with story(database) as told:
        told.service.follower.catch_up()
        live = read_tables(told)

        def rebuild() -> str:
            try:
                Rebuild(told.journal, told.store, page=5).run()
            except (Overtaken, DatabaseUnavailable):
                return "gave way"
            return "done"

        for _ in range(3):
            assert "done" in at_once(*[rebuild] * 3)
            assert read_tables(told) == live
        Rebuild(told.journal, told.store).run()
        assert generations_on(told) == {told.store.current().number}


@pytest.mark.after(told=every_fact)
def test_progress_is_told_up_to_the_head(database: str) -> None:
    with story(database) as told:
        runs: list[Callable[..., int]] = [
            told.service.follower.catch_up,
            Rebuild(told.journal, told.store, page=10).run,
        ]
        for run in runs:
            seen: list[tuple[int, int]] = []
            assert run(lambda position, head, seen=seen: seen.append((position, head)))
            assert seen == sorted(seen)
            assert seen[-1] == (told.head(), told.head())


def test_an_empty_journal_is_folded_and_rebuilt_to_nothing(database: str) -> None:
    with story(database) as told:
        assert told.service.follower.catch_up() == 0
        assert Rebuild(told.journal, told.store).run() == 0
        with told.store.view() as view:
            assert view.as_of == 0
            assert listing.works(view).items == []


def test_preparing_twice_or_at_once_makes_one_generation(database: str) -> None:
    with story(database) as told:

        def prepare() -> None:
            with told.store.writing() as writer:
                writer.lock()
                first_generation(writer)

        at_once(*[prepare] * 4)
        assert generations_on(told) == {1}


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM projections",
        "DELETE FROM projections WHERE name = 'money'",
        "UPDATE projections SET position = 0 WHERE name = 'money'",
    ],
)
def test_positions_that_contradict_each_other_are_named_and_mended_by_a_rebuild(
    damage: str, database: str
) -> None:
    with story(database) as told:
        told.piece("song")
        told.service.follower.catch_up()
        told.service.engine.execute(damage)
        told.piece("poem")
        with pytest.raises(RebuildNeeded, match="at different positions, or not all there"):
            told.service.follower.catch_up()
        Rebuild(told.journal, told.store).run()
        assert told.service.follower.catch_up() == told.head()


def test_a_rebuild_ends_where_facts_were_lost(database: str) -> None:
    with story(database) as told:
        told.piece("song")
        told.piece("poem")
        told.service.follower.catch_up()
        with raw_connection(database) as connection:
            without_triggers(connection, "stored_events")
            connection.execute("DELETE FROM stored_events WHERE position = 2")
        Rebuild(told.journal, told.store).run()
        assert set(told.store.positions().values()) == {1}


@pytest.mark.parametrize("processes", [0, 2])
def test_nothing_folds_over_a_missing_fact(processes: int, database: str) -> None:
    with story(database) as told:
        for title in ("song", "poem", "saga"):
            told.piece(title)
        with raw_connection(database) as connection:
            without_triggers(connection, "stored_events")
            connection.execute("DELETE FROM stored_events WHERE position = 2")
        steps = (
            Follower(told.journal, told.store).fold_page,
            Rebuild(told.journal, told.store, processes=processes).run,
            told.service.log.integrate,
        )
        for step in steps:
            with pytest.raises(NotVerified, match="there is no fact at position 2"):
                step()
