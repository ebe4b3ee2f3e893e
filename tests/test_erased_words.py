"""The words of an erased text are in no file, whether as they were written or as searches fold
them."""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from commanding import Stemma
from psycopg.conninfo import make_conninfo
from stories import Story, id_of, raw_connection, story
from test_forgetting import relations

from domain.engine.documents import WORDS
from domain.engine.sqlite import SQLiteTransaction
from domain.refusal import NotPermitted
from projections import documents, searching
from projections.purging import Purging
from projections.rebuilding import Rebuild
from projections.store import table_name

ERASED = "QVXYLOGRAPHÉR"
AS_KEPT = ("XYLOGRAPHÉR", "xylographér", "xylographer")
"""What is in a file: of its beginning an index keeps only what the word before does not have."""


def found_in(data: bytes) -> set[str]:
    return {word for word in AS_KEPT if word.encode() in data}


def files(database: str) -> bytes:
    """Every file of a database."""
    if not database.startswith("sqlite:"):
        return relations(database)
    return b"".join(one.read_bytes() for one in Path(database[10:]).parent.iterdir())


# -- what is said, and erased ----------------------------------------------------------------


def titled(told: Story) -> None:
    told.piece(ERASED)


def withdraw(told: Story) -> None:
    told.tell("withdraw_contribution", id=id_of(ERASED), reason="r")


def named(told: Story) -> None:
    """A person, whose credits have the same name."""
    gus = told.tell("admit_contributor", name=ERASED, id=id_of("gus")).id
    told.credit(told.piece("theirs"), gus, "singer", credited_as=ERASED)


def rename(told: Story) -> None:
    told.tell("rename_contributor", id=id_of("gus"), name="Gus", actor=id_of("gus"))


def posted(told: Story) -> None:
    """What a person made and is called, by which a search finds it."""
    gus = told.person("gus")
    told.piece(ERASED, by=[gus], actor=gus)
    told.release(f"{ERASED} again", told.piece("theirs"), actor=gus)
    told.credit(id_of("theirs"), gus, "singer", credited_as=ERASED)


def forget(told: Story) -> None:
    told.tell("forget_contributor", id=id_of("gus"), ground="request")


def commented(told: Story) -> None:
    gus, work = told.person("gus"), told.piece("theirs")
    told.tell("post_comment", work=work, text=ERASED, id=id_of("comment"), actor=gus)


def remove(told: Story) -> None:
    told.tell("remove_comment", id=id_of("comment"), actor=id_of("gus"))


def grown(told: Story, begins: int) -> None:
    """More works, so that the index is in several parts."""
    for number in range(begins, begins + 20):
        told.piece(f"Grown {number} to fill the index")
        if number % 5 == 0:
            told.service.follower.catch_up()


def begun(told: Story, merge: Callable[[SQLiteTransaction, str], object], times: int) -> None:
    """Begin to merge the index, each time with a document more."""
    name = table_name(documents.NAME, told.store.current().number)
    columns = f"rowid, {', '.join(WORDS)}"
    for _ in range(times):
        with told.store.writing() as writer:
            assert isinstance(writer, SQLiteTransaction)
            writer.execute(
                f"INSERT INTO {name} ({columns}) "
                f"SELECT max(rowid) + 1, 'n_w', '', '', '' FROM {name}"
            )
            merge(writer, name)


def can_be_read(told: Story) -> bool:
    with told.view() as view:
        found = [one["name"] for one in searching.search(view, q="low tide").items]
    with told.store.writing() as writer:
        name = table_name(documents.NAME, told.store.current().number)
        return found == ["Low Tide"] and writer.is_indexed(name)


def test_an_index_that_was_purged_thousands_of_times_can_be_read(tmp_path: Path) -> None:
    """FTS5 of SQLite 3.40 adds levels whenever a merge begins, and reads 2,000 at most."""
    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        told.piece("Low Tide")
        begun(told, partial(SQLiteTransaction.purge, begins=True), 2_500)
        assert can_be_read(told)


def test_an_index_can_be_read_after_years_of_daily_vacuums(tmp_path: Path) -> None:
    """What a vacuum does to it a thousand times adds as many levels, although nothing is erased."""

    def optimize(writer: SQLiteTransaction, name: str) -> None:
        writer.execute(f"INSERT INTO {name} ({name}) VALUES ('optimize')")

    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        told.piece("Low Tide")
        for _ in range(3):
            begun(told, optimize, 700)
            assert told.journal.facts.vacuum()
        assert can_be_read(told)


def sampled(told: Story) -> None:
    """As if the server had looked at the tables: it keeps samples of what they have."""
    number = told.store.current().number
    told.service.engine.analyze(("vault", table_name(documents.NAME, number)))


# -- the files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "say, erase",
    [(titled, withdraw), (named, rename), (named, forget), (posted, forget), (commented, remove)],
)
def test_sqlite_has_no_word_of_it_once_that_is_folded(
    say: Callable[[Story], None],
    erase: Callable[[Story], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """… while the service runs, without a vacuum, and however many parts the index is purged in."""
    monkeypatch.setattr("domain.engine.sqlite.PURGED_PAGES", 1)
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        grown(told, 0)
        say(told)
        grown(told, 20)
        told.service.follower.catch_up()
        assert found_in(files(database))
        erase(told)
        told.service.follower.catch_up()
        assert found_in(files(database)) == set()


@pytest.mark.parametrize("command", ["forget", "vacuum"])
def test_no_file_has_a_word_of_who_was_forgotten_after_the_command(
    command: str, database: str
) -> None:
    """The command itself folds what was recorded, before it rewrites what the search reads."""
    with story(database) as told:
        grown(told, 0)
        posted(told)
        told.service.follower.catch_up()
        sampled(told)
        if command == "vacuum":
            forget(told)
    assert found_in(files(database))
    asked = [id_of("gus"), "--ground", "request"] if command == "forget" else []
    ran = Stemma(database).run(command, *asked)
    assert ran.exit_code == 0, ran.output
    assert found_in(files(database)) == set()


def test_who_owns_the_tables_but_not_the_database_learns_that_samples_stay(
    postgres_dsn: str,
) -> None:
    role = "stemma_test_" + postgres_dsn.rpartition("/stemma_test_")[2].partition("?")[0]
    with story(postgres_dsn) as told, raw_connection(postgres_dsn) as connection:
        connection.execute(f"CREATE ROLE {role}")
        try:
            for table in sorted(told.service.engine.tables()):
                connection.execute(f"ALTER TABLE {table} OWNER TO {role}")
            as_role = make_conninfo(postgres_dsn, options=f"-c role={role}")
            with (
                story(as_role, create=False) as theirs,
                pytest.raises(NotPermitted, match="The owner of the database may"),
            ):
                theirs.journal.facts.vacuum()
        finally:
            connection.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


def test_a_vacuum_says_if_tables_of_an_interrupted_rebuild_have_it(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_tables: object) -> None:
        raise KeyboardInterrupt

    with story(database) as told:
        posted(told)
        with monkeypatch.context() as patched:
            patched.setattr(told.service.engine, "analyze", interrupt)
            with pytest.raises(KeyboardInterrupt):
                Rebuild(told.journal, told.store).run()
        forget(told)
    ran = [
        Stemma(database).run(*words)
        for words in (["vacuum"], ["rebuild", "--grace-seconds", "0"], ["vacuum"])
    ]
    assert [one.exit_code for one in ran] == [1, 0, 0], ran[0].output
    assert "stemma rebuild" in ran[0].output
    assert found_in(files(database)) == set()


def test_what_is_erased_during_a_rebuild_is_in_none_of_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        grown(told, 0)
        titled(told)
        told.service.follower.catch_up()
        engine = told.service.engine

        def erase_now(_tables: object) -> None:
            """Between the documents of the new generation and the switch to it."""
            withdraw(told)
            told.service.follower.catch_up()
            assert found_in(files(database)), "the new tables have it"

        monkeypatch.setattr(engine, "analyze", erase_now)
        Rebuild(told.journal, told.store).run()
        assert found_in(files(database)) == set()


def test_whoever_follows_next_finishes_what_a_killed_process_began(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        grown(told, 0)
        titled(told)
        grown(told, 20)
        told.service.follower.catch_up()
    if not (child := os.fork()):
        with story(database) as told:
            Purging.step = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment,method-assign,return-value]
            withdraw(told)
            told.service.follower.catch_up()
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert found_in(files(database))
    with story(database) as told:
        told.service.follower.catch_up()
        assert found_in(files(database)) == set()


def test_an_index_is_purged_only_after_something_was_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged: list[bool] = []

    def purge(transaction: SQLiteTransaction, documents: str, *, begins: bool) -> bool:
        purged.append(begins)
        return really(transaction, documents, begins=begins)

    really = SQLiteTransaction.purge
    monkeypatch.setattr(SQLiteTransaction, "purge", purge)
    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        titled(told)
        commented(told)
        told.service.follower.catch_up()
        told.tell("describe_work", id=id_of(ERASED), title="Plain", reason="r")
        remove(told)
        told.service.follower.catch_up()
        assert purged == [False], "in case another process was killed before"
        withdraw(told)
        told.service.follower.catch_up()
        assert purged[1]
        assert not any(purged[2:])
