"""An engine keeps its promises on SQLite and on PostgreSQL alike."""

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError
from stories import at_once, every_fact, story

from domain.engine import (
    DatabaseDamaged,
    DatabaseUnavailable,
    Engine,
    NoDatabase,
    Table,
    TimeLimits,
)
from domain.engine.deadline import TookTooLong
from domain.engine.opening import open_engine
from domain.engine.postgres import CONNECTIONS, PostgresEngine
from projections.progress import no_progress
from scripts.audit import CHECKS
from scripts.difference import all_differences


@pytest.fixture
def engine(database: str) -> Any:
    found = open_engine(database)
    found.execute("CREATE TABLE notes (id BIGINT NOT NULL, says TEXT)")
    yield found
    found.close()


def notes(engine: Engine) -> list[tuple[Any, ...]]:
    return engine.query("SELECT id, says FROM notes ORDER BY id")


TEXTS = ["", "a", "100 %", "%s %(x)s", ":name", "@works", "?", "'\";--", "Ä😀\u2028", "\\", "\t\n"]


def test_every_text_comes_back_as_it_was(engine: Engine) -> None:
    with engine.transaction() as writer:
        for number, text in enumerate(TEXTS):
            writer.execute("INSERT INTO notes VALUES (:number, :text)", number=number, text=text)
        writer.load("notes", ["says", "id"], [(text, 100 + n) for n, text in enumerate(TEXTS)])
        writer.load("notes", ["id"], [(1000,)])
    assert notes(engine) == [
        *enumerate(TEXTS),
        *((100 + number, text) for number, text in enumerate(TEXTS)),
        (1000, None),
    ]
    for text in TEXTS:
        assert len(engine.query("SELECT id FROM notes WHERE says = :text", text=text)) == 2


def test_of_several_queries_at_once_each_has_its_rows_and_a_wrong_one_ends_no_other(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.engine.statements.MOST_PREPARED", 7)
    two = [("SELECT :a || 'x'", {"a": text}) for text in ("ä", "b")]
    with engine.reading():
        for number in range(20):
            third = f"SELECT {number}, count(*) FROM notes WHERE id IN :ids", {"ids": [1, 2]}
            assert engine.query_all([*two, third]) == [[("äx",)], [("bx",)], [(number, 0)]]
            with pytest.raises(DatabaseUnavailable, match="nothing"):
                engine.query_all([*two, (f"SELECT {number} FROM nothing", {}), *two])
            with suppress(Exception):  # one engine keeps this text, the other has no such text
                engine.query_all([*two, ("SELECT :a", {"a": "\0"})])
    assert engine.pooled().open <= 2


def test_large_numbers_are_kept(engine: Engine) -> None:
    with engine.transaction() as writer:
        writer.load("notes", ["id"], [((1 << 62) + 1,)])
    assert notes(engine) == [((1 << 62) + 1, None)]


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_a_list_of_any_length_is_one_value(kind: type, engine: Engine) -> None:
    with engine.transaction() as writer:
        writer.load("notes", ["id", "says"], [(number, str(number)) for number in range(3000)])

    def among(sql: str, values: list[Any]) -> int:
        return int(
            engine.query(f"SELECT count(*) FROM notes WHERE {sql}", wanted=kind(values))[0][0]
        )

    assert among("id IN :wanted", []) == 0
    assert among("id IN :wanted", [7]) == 1
    assert among("id IN :wanted", list(range(5000))) == 3000
    assert among("says IN :wanted", []) == 0
    assert among("says IN :wanted", ["7", "x", "8"]) == 2


@pytest.mark.parametrize("texts", [[], ["x"], ["y", 'a "quoted", {one}'], ["x", "y", "x"]])
def test_the_texts_of_a_list_are_rows(texts: list[str], engine: Engine) -> None:
    with engine.transaction() as writer:
        writer.load("notes", ["id", "says"], [(1, "x")])
    rows = engine.query(
        "SELECT value, (SELECT id FROM notes WHERE says = value) FROM EACH :texts", texts=texts
    )
    assert sorted(rows, key=str) == sorted([(t, 1 if t == "x" else None) for t in texts], key=str)


CHAIN = [(1, "0")], [(number + 1, str(number)) for number in range(1, 3000)]
FAN = [(number, "0") for number in range(1, 3001)], []


@pytest.mark.parametrize(
    "sampled, further", [CHAIN, FAN], ids=["hardly any rows", "every row is below the first"]
)
def test_each_row_is_asked_for_by_the_index_whatever_the_planner_believes(
    sampled: list[Any], further: list[Any], engine: Engine
) -> None:
    """What is below the first, by what samples said."""
    sql = (
        "WITH RECURSIVE below (id) AS (SELECT CAST(:first AS TEXT) UNION "
        "SELECT CAST(n.id AS TEXT) FROM below JOIN EACH notes n ON n.says = below.id "
        "WHERE n.id > :least) SELECT count(*) FROM below"
    )
    with engine.transaction() as writer:
        writer.execute("CREATE INDEX notes_says ON notes (says)")
        writer.load("notes", ["id", "says"], sampled)
    engine.analyze(["notes"])
    with engine.transaction() as writer:
        writer.load("notes", ["id", "says"], further)
    assert engine.query(sql, first="0", least=0) == [(3001,)]
    explain = "EXPLAIN " if isinstance(engine, PostgresEngine) else "EXPLAIN QUERY PLAN "
    plan = " ".join(map(str, engine.query(explain + sql, first="0", least=0)))
    assert "notes_says" in plan
    assert not any(scan in plan for scan in ("Hash", "Merge", "Seq Scan on notes", "SCAN n "))


def test_a_write_transaction_is_whole_or_not_at_all(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), engine.transaction() as writer:  # noqa: PT012
        writer.execute("INSERT INTO notes VALUES (:id, :says)", id=1, says="x")
        assert writer.query("SELECT says FROM notes") == [("x",)]
        raise ZeroDivisionError
    assert notes(engine) == []


def test_a_statement_says_how_many_rows_it_touched(engine: Engine) -> None:
    with engine.transaction() as writer:
        writer.load("notes", ["id", "says"], [(1, "a"), (2, "a"), (3, "b")])
        assert writer.execute("UPDATE notes SET says = 'c' WHERE says = :a", a="a") == 2
        assert writer.execute("DELETE FROM notes WHERE id = :id", id=9) == 0
        rows = [{"id": 1, "says": "x"}, {"id": 3, "says": "y"}]
        writer.execute_many("UPDATE notes SET says = :says WHERE id = :id", rows)
    assert notes(engine) == [(1, "x"), (2, "c"), (3, "y")]


def test_writers_at_once_come_one_after_the_other(engine: Engine) -> None:
    """What one read under the lock is still so when it writes."""
    engine.execute("INSERT INTO notes VALUES (0, '0')")

    def count() -> None:
        for _ in range(10):
            with engine.transaction() as writer:
                writer.lock()
                so_far = int(writer.query("SELECT says FROM notes")[0][0])
                writer.execute("UPDATE notes SET says = :next", next=str(so_far + 1))

    at_once(*[count] * 4)
    assert notes(engine) == [(0, "40")]


def test_what_is_written_is_read_by_every_thread(engine: Engine) -> None:
    engine.execute("INSERT INTO notes VALUES (1, 'x')")
    seen: list[Any] = []
    thread = Thread(target=lambda: seen.append(notes(engine)))
    thread.start()
    thread.join()
    assert seen == [[(1, "x")]]


def test_a_thread_sees_its_own_transaction_and_no_other_thread_does(engine: Engine) -> None:
    seen: list[Any] = []
    with engine.transaction() as writer:
        writer.execute("INSERT INTO notes VALUES (1, 'x')")
        assert notes(engine) == [(1, "x")]
        thread = Thread(target=lambda: seen.append(notes(engine)))
        thread.start()
        thread.join()
    assert seen == [[]]


def test_a_reader_may_write_and_goes_on_reading(engine: Engine) -> None:
    """However many read at once: what each asks for while it reads needs no second connection."""
    everybody = Barrier(CONNECTIONS)

    def read_and_write(number: int) -> int:
        with engine.reading():
            everybody.wait(timeout=60)
            engine.execute("INSERT INTO notes VALUES (:number, 'x')", number=number)
            return len(engine.query("SELECT 1 FROM notes WHERE id = :number", number=number))

    answers = at_once(*(partial(read_and_write, number) for number in range(CONNECTIONS)))
    assert answers == [1] * CONNECTIONS


def test_a_snapshot_lasts_longer_than_the_reading_in_which_it_began(engine: Engine) -> None:
    with engine.snapshot():
        with engine.reading():
            before = notes(engine)
        with ThreadPoolExecutor(1) as other:
            other.submit(engine.execute, "INSERT INTO notes VALUES (1, 'later')").result()
        assert notes(engine) == before == []
    assert notes(engine) == [(1, "later")]


def test_who_reads_within_a_reading_may_end_first_or_last(engine: Engine) -> None:
    """As a generator does that is not read to its end."""
    first, second = engine.reading(), engine.reading()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert notes(engine) == []
    second.__exit__(None, None, None)
    assert notes(engine) == []


# -- tables --------------------------------------------------------------------------------

KEPT = Table(
    "kept",
    {"number": "BIGINT", "text": "TEXT", "bytes": "BYTES", "perhaps": "TEXT NULL"},
    keys=(("number",), ("text", "bytes")),
    index="perhaps",
    unchangeable="what is kept stays",
)
COUNTS = Table(
    "counts",
    {"name": "TEXT", "count": "BIGINT"},
    keys=(("name",),),
    on_conflict="(name) DO UPDATE SET count = excluded.count",
    small=True,
)


@pytest.fixture
def tables(engine: Engine) -> Engine:
    with engine.transaction() as writer:
        writer.create([KEPT, COUNTS])
        writer.create([KEPT, COUNTS])
        writer.insert(KEPT, [(1, "a", b"\0", None), (2, "b", b"\xff", "c")])
        writer.insert(COUNTS, [("a", 1), ("b", 2)])
    return engine


def test_whole_rows_are_inserted_as_their_table_says(tables: Engine) -> None:
    with tables.transaction() as writer:
        writer.insert(COUNTS, [("b", 3), ("c", 4)])
        writer.insert(COUNTS, [])
    rows = tables.query("SELECT name, count FROM counts ORDER BY name")
    assert rows == [("a", 1), ("b", 3), ("c", 4)]
    rows = tables.query("SELECT * FROM kept ORDER BY number")
    assert rows == [(1, "a", b"\0", None), (2, "b", b"\xff", "c")]


@pytest.mark.parametrize("row", [(1, "x", b"", None), (3, "a", b"\0", None), (3, None, b"", None)])
def test_a_row_that_breaks_a_rule_leaves_no_trace(row: tuple[Any, ...], tables: Engine) -> None:
    with pytest.raises(IntegrityError), tables.transaction() as writer:  # noqa: PT012
        writer.insert(COUNTS, [("z", 1)])
        writer.insert(KEPT, [row])
    assert len(tables.query("SELECT 1 FROM kept UNION ALL SELECT 1 FROM counts")) == 4


@pytest.mark.parametrize("change", ["UPDATE kept SET text = 'x'", "DELETE FROM kept"])
def test_what_is_unchangeable_is_neither_edited_nor_deleted(change: str, tables: Engine) -> None:
    with pytest.raises(Exception, match="what is kept stays"):
        tables.execute(change)
    assert len(tables.query("SELECT 1 FROM kept")) == 2


def test_appends_come_one_after_the_other(tables: Engine) -> None:
    """What one reads is final, whatever else is appended at the same moment."""

    def append(size: int) -> None:
        for _ in range(10):
            greatest = "SELECT max(number) FROM kept"
            with tables.appending(KEPT, greatest) as (writer, ((last,),)):
                writer.insert(KEPT, [(last + 1, "x" * size, str(last).encode(), None)])

    at_once(*(partial(append, size) for size in (1, 10, 20_000, 40_000)))
    numbers = [number for (number,) in tables.query("SELECT number FROM kept ORDER BY number")]
    assert numbers == list(range(1, 43))


def append_last(tables: Engine, number: int) -> int:
    """Append rows of two tables by an insert that nothing follows; how many there are then."""
    with suppress(IntegrityError), tables.appending(KEPT, "SELECT 1") as (writer, _):
        rows = {KEPT: [(number, f"{number}", b"", None)], COUNTS: [(f"{number}", 1)]}
        writer.end_with(rows)
    return len(tables.query("SELECT 1 FROM kept UNION ALL SELECT 1 FROM counts"))


def test_the_last_insert_of_an_append_is_whole_or_not_at_all(tables: Engine) -> None:
    assert append_last(tables, 3) == 6
    assert append_last(tables, 1) == 6, "the number is taken"
    assert append_last(tables, 4) == 8


def test_a_transaction_that_fails_at_its_last_insert_leaves_nothing(tables: Engine) -> None:
    """On PostgreSQL, inserts are sent with the next statement or with COMMIT."""
    counted = "SELECT name FROM counts WHERE name IN :names ORDER BY name"
    with suppress(IntegrityError), tables.transaction() as writer:
        writer.insert(COUNTS, [("x", 1)])
        writer.insert(KEPT, [(1, "taken", b"", None)])
    with suppress(ZeroDivisionError), tables.transaction() as writer:
        writer.insert(COUNTS, [("y", 1)])
        raise ZeroDivisionError
    with tables.transaction() as writer:
        writer.insert(COUNTS, [("z", 1)])
        assert writer.query(counted, names=["x", "y", "z"]) == [("z",)]
    assert tables.query(counted, names=["x", "y", "z"]) == [("z",)]


def test_of_an_insert_that_the_server_ends_it_is_known_that_nothing_was_recorded(
    postgres_dsn: str,
) -> None:
    slow = "CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$"
    body = "PERFORM pg_sleep(5); RETURN NEW;"
    with closing(PostgresEngine(postgres_dsn, TimeLimits(statement_seconds=1))) as engine:
        with engine.transaction() as writer:
            writer.create([COUNTS])
            slept = "CREATE TRIGGER t BEFORE INSERT ON counts EXECUTE FUNCTION sleep()"
            writer.define([slow.format(body), slept])
        with pytest.raises(TookTooLong), engine.appending(COUNTS, "SELECT 1") as (writer, _):
            writer.end_with({COUNTS: [("a", 1)]})
        with pytest.raises(TookTooLong), engine.optimistic() as writer:
            writer.end_with({COUNTS: [("a", 1)]})
        assert engine.query("SELECT name FROM counts") == []


def test_texts_are_compared_by_their_bytes(tables: Engine) -> None:
    with tables.transaction() as writer:
        writer.insert(COUNTS, [(name, 0) for name in ("B", "Z", "é", "z", "_")])
    names = [name for (name,) in tables.query("SELECT name FROM counts ORDER BY name")]
    assert names == sorted(names)


def test_postgres_replaces_a_row_on_its_page(postgres_dsn: str) -> None:
    """As SQLite does anyway."""
    tables = open_engine(postgres_dsn)
    names = [str(number) for number in range(400)]
    page = "SELECT name, (ctid::text::point)[0] FROM counts ORDER BY name"
    with tables.transaction() as writer:
        writer.create([COUNTS])
        writer.insert(COUNTS, [(name, 0) for name in names])
    before = tables.query(page)
    for name in names[::20]:
        with tables.transaction() as writer:
            writer.insert(COUNTS, [(name, 1)])
    assert tables.query(page) == before
    assert len({at for _, at in before}) > 1
    tables.close()


# -- no database ---------------------------------------------------------------------------


def test_a_database_that_does_not_answer_is_named_so() -> None:
    with pytest.raises(DatabaseUnavailable):
        open_engine("sqlite:////no/such/folder/stemma.db")
    with pytest.raises(DatabaseUnavailable, match="Connection refused"):
        open_engine("postgresql://u:secret@127.0.0.1:1/x")


def test_a_new_file_and_those_beside_it_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(open_engine(f"sqlite:///{tmp_path / 'a.db'}")) as engine:
            engine.execute("CREATE TABLE a (b TEXT)")
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("a.db", "a.db-wal", "a.db-shm"), 0o600)


def test_what_is_no_database_is_named_so(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("a" * 5000)
    with pytest.raises(DatabaseDamaged, match=r"a.db is damaged.*file is not a database.*restore"):
        open_engine(f"sqlite:///{tmp_path / 'a.db'}")


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(open_engine(f"sqlite:///{path}")) as engine:
        engine.execute("CREATE TABLE a (b TEXT)")
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    with pytest.raises(DatabaseDamaged, match=r"a.db is damaged.*malformed.*“stemma restore”"):
        open_engine(f"sqlite:///{path}").query("SELECT * FROM a")


def test_a_damaged_search_index_is_no_damaged_database(tmp_path: Path) -> None:
    with closing(open_engine(f"sqlite:///{tmp_path / 'a.db'}")) as engine:
        engine.execute("CREATE VIRTUAL TABLE a USING fts5(b)")
        engine.execute("INSERT INTO a VALUES ('word')")
        engine.execute("DELETE FROM a_content")
        with pytest.raises(DatabaseUnavailable, match="“stemma rebuild” makes it anew"):
            engine.query("SELECT * FROM a WHERE a MATCH 'word'")
        assert engine.query("SELECT 1") == [(1,)]


def test_a_database_that_is_not_there_is_not_created_by_a_look(
    tmp_path: Path, postgres_dsn: str
) -> None:
    missing = urlsplit(postgres_dsn)._replace(path="/stemma_missing").geturl()
    for address, said in (
        (f"sqlite:///{tmp_path / 'a.db'}", f"There is no database at {tmp_path / 'a.db'}"),
        (missing, "There is no database “stemma_missing” on the server"),
    ):
        with pytest.raises(NoDatabase) as told:
            open_engine(address, create=False)
        assert str(told.value) == said
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_can_not_hold_every_letter_is_refused(postgres_dsn: str) -> None:
    url = urlsplit(postgres_dsn)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        name = f"latin{url.path[1:]}"
        connection.execute(
            f"CREATE DATABASE {name} ENCODING LATIN1 LOCALE 'C' TEMPLATE template0".encode()
        )
        try:
            with pytest.raises(NoDatabase, match=f"“{name}” is LATIN1, and not UTF8"):
                open_engine(url._replace(path=f"/{name}").geturl())
        finally:
            connection.execute(f"DROP DATABASE {name}".encode())


def test_letters_are_sent_as_they_are_whatever_the_environment_says(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with closing(open_engine(postgres_dsn)) as engine:
        assert engine.query("SELECT CAST(:name AS TEXT)", name="おゆき") == [("おゆき",)]


PREFERRED = (
    *("datestyle=German", "intervalstyle=sql_standard", "timezone=Asia/Kathmandu"),
    *("bytea_output=escape", "extra_float_digits=-10", "standard_conforming_strings=off"),
    *("default_transaction_isolation=serializable", "array_nulls=off", "quote_all_identifiers=on"),
)
"""What a role or a database may set for itself."""


def test_whatever_the_role_prefers_the_same_is_written_and_read(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", " ".join(f"-c {one}" for one in PREFERRED))
    with story(postgres_dsn) as told:
        every_fact(told)
        told.service.follower.catch_up()
        for check in CHECKS.values():
            found = all_differences(check, told.service, no_progress)
            assert isinstance(found, str), found


def test_a_database_that_refuses_is_not_said_not_to_answer(postgres_dsn: str) -> None:
    """The reason is one line, without the statement."""
    with closing(open_engine(postgres_dsn)) as engine:
        engine.execute("SET default_transaction_read_only = on")
        with pytest.raises(DatabaseUnavailable) as told:
            engine.execute("CREATE TABLE a (b BIGINT)")
    said = "cannot execute CREATE TABLE in a read-only transaction"
    assert str(told.value) == f"The database refuses this: {said}"


def test_a_thread_that_ends_leaves_no_connection_behind(engine: Engine) -> None:
    """A server that gives each request a thread would run out of files."""
    for _ in range(3 * CONNECTIONS):
        thread = Thread(target=notes, args=(engine,))
        thread.start()
        thread.join()
    gc.collect()  # a connection of SQLite and its statements refer to each other
    assert engine.pooled().open <= CONNECTIONS
    assert notes(engine) == []


def test_threads_within_a_statement_survive_the_closing(database: str) -> None:
    """They are answered or refused; SQLite used to end the whole process."""
    engine = open_engine(database)
    engine.execute("CREATE TABLE notes (id BIGINT NOT NULL, says TEXT)")
    with engine.transaction() as writer:
        writer.load("notes", ["id", "says"], [(number, "x" * 50) for number in range(3000)])
    ended = Event()

    def read() -> None:
        while not ended.is_set():
            with suppress(DatabaseUnavailable):
                assert len(engine.query("SELECT * FROM notes ORDER BY says, id")) == 3000

    with ThreadPoolExecutor() as pool:
        threads = [pool.submit(read) for _ in range(4)]
        for _ in range(20):
            ended.wait(0.01)
            engine.close()
        ended.set()
        for thread in threads:
            thread.result()
