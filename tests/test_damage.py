"""What was changed behind the service's back gets a clear answer, and the audit names it."""

from pathlib import Path
from typing import Any

import pytest
from commanding import Stemma
from serving import serving
from stories import Story, raw_connection
from tampering import without_triggers

from projections.progress import no_progress
from projections.store import table_name
from scripts.audit import CHECKS
from scripts.difference import Differences, all_differences

DAMAGE = {
    "DELETE FROM {works} WHERE number IN (SELECT parent FROM {remixes})": (
        "/works/{song}/ancestors",
        "internal_error",
        "read tables",
    ),
    "UPDATE stored_events SET state = CAST('{{' AS {bytes}) WHERE topic = 'remix.declared'": (
        "/works/{song}/history",
        "damaged",
        "journal",
    ),
    "DELETE FROM log_tiles": ("/works/{song}/history.receipts", "damaged", "log"),
    "UPDATE log_checkpoints SET note = CAST('x' AS {bytes})": (
        "/log/latest/{song}",
        "damaged",
        "log",
    ),
}
"""What is done, where it is seen, by which code, and the check that names it."""


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_said_so_and_named(
    database: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    where, code, check = DAMAGE[damage]
    with serving(database, follow=False) as served:
        told = Story(served.service)
        song = told.piece("song", told.piece("poem"))
        served.service.follower.catch_up()
        served.service.log.catch_up()
        where, number = where.format(song=song), told.store.current().number
        tables = {name: table_name(name, number) for name in ("works", "remixes")}
        of_bytes = "bytea" if database.startswith("postgres") else "BLOB"
        statement = damage.format(bytes=of_bytes, **tables)
        with raw_connection(database) as connection:
            without_triggers(connection, "stored_events")
            connection.execute(statement)
        served.service.log._tiles_read.clear()
        answer = served.operator.get(where)
        assert (answer.status, answer.code) == (500, code)
        assert "stemma verify database" in answer.text
        assert "Traceback" not in answer.text
        assert "Traceback" in caplog.text
        assert isinstance(all_differences(CHECKS[check], served.service, no_progress), list)


def test_the_terminal_says_it_in_a_sentence(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'a.db'}"
    with serving(database, follow=False) as served:
        song = Story(served.service).piece("song")
        served.service.follower.catch_up()
    with raw_connection(database) as connection:
        without_triggers(connection, "stored_events")
        connection.execute("UPDATE stored_events SET state = CAST('{' AS BLOB)")
    for asked in (["history", song], ["verify", "database"], ["verify-money"], ["export"]):
        done = Stemma(database).run(*asked)
        assert done.exit_code == 1, done.output
        row = "stored_events, position 1: this row does not read (JSONDecodeError("
        assert row in done.output or asked[0] == "export", done.output
        assert "Traceback" not in done.output


def test_a_mistake_of_ours_is_not_called_damage_by_any_way_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although it began where what is stored is read."""
    database = f"sqlite:///{tmp_path / 'a.db'}"
    with serving(database, follow=False) as served:
        song = Story(served.service).piece("song")
        served.service.follower.catch_up()
        with monkeypatch.context() as mistaken:
            mistaken.setattr("domain.stored.read_links", {}.__getitem__)
            answer = served.operator.get(f"/works/{song}/history.receipts")
            done = Stemma(database).run("history", song)
        assert (answer.status, answer.code) == (500, "internal_error")
    assert (done.exit_code, "a mistake of Stemma" in done.output) == (70, True), done.output


def test_a_mistake_of_ours_is_told_from_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another status, and where it is; but not while something stored is wrong."""
    database = f"sqlite:///{tmp_path / 'a.db'}"
    with serving(database, follow=False) as served:
        Story(served.service).piece("song")
        served.service.follower.catch_up()

    def mistaken(*_: object) -> Any:
        return {}["x"]

    def check(*_: object) -> Differences:
        yield from ()
        return str(mistaken())

    monkeypatch.setitem(CHECKS, "map", check)
    done = Stemma(database).run("verify", "database")
    assert (done.exit_code, "a mistake of Stemma" in done.output) == (70, True), done.output
    with raw_connection(database) as connection:
        without_triggers(connection, "heads")
        connection.execute("DELETE FROM heads")
    done = Stemma(database).run("verify", "database")
    assert (done.exit_code, "a mistake of Stemma" in done.output) == (1, False), done.output
    monkeypatch.setattr("scripts.commands.frame.several", mistaken)
    done = Stemma(database).run("verify", "database")
    assert (done.exit_code, "KeyError('x'), in " in done.output) == (70, True), done.output
