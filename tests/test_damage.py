"""What was changed behind the service's back gets a clear answer, and the audit names it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from serving import serving
from stories import Story, raw_connection
from tampering import without_triggers

from projections.follower import no_progress
from projections.store import table_name
from scripts.audit import CHECKS
from scripts.difference import all_differences
from scripts.stemma import main

DAMAGE = {
    "DELETE FROM {works} WHERE number IN (SELECT parent FROM {remixes})": (
        "/works/{song}/ancestors",
        "read tables",
    ),
    "UPDATE stored_events SET state = '{{' WHERE topic = 'remix.declared'": (
        "/works/{song}/history",
        "journal",
    ),
    "DELETE FROM log_tiles": ("/works/{song}/history.receipts", "log"),
    "UPDATE log_checkpoints SET note = 'x'": ("/log/latest/{song}", "log"),
}
"""What is done, where it is seen, and the check that names it."""


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_said_so_and_named(
    database: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    where, check = DAMAGE[damage]
    with serving(database, follow=False) as served:
        told = Story(served.service)
        song = told.piece("song", told.piece("poem"))
        served.service.follower.catch_up()
        served.service.log.catch_up()
        where, number = where.format(song=song), told.store.current().number
        tables = {name: table_name(name, number) for name in ("works", "remixes")}
        statement = damage.format(**tables)
        if database.startswith("postgres"):
            statement = statement.replace("'{'", "'{'::bytea").replace("'x'", "'x'::bytea")
        with raw_connection(database) as connection:
            without_triggers(connection, "stored_events")
            connection.execute(statement)
        served.service.log._tiles_read.clear()
        answer = served.operator.get(where)
        assert (answer.status, answer.code) == (500, "damaged")
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
        connection.execute("UPDATE stored_events SET state = '{'")
    done = CliRunner().invoke(main, ["--database", database, "history", song])
    assert (done.exit_code, "(damaged)" in done.output) == (1, True), done.output
