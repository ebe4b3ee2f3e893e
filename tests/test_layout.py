"""Tables of another version are called so, with what to do, and are brought up to date."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from commanding import Stemma
from serving import serving
from stories import every_fact, raw_connection, story

from domain.engine import DatabaseDamaged, RebuildNeeded, UpgradeNeeded
from domain.note import SignerKey
from projections.progress import no_progress
from scripts import audit
from scripts.service import bring_up_to_date, open_service, prepare
from scripts.settings import read_settings

REBUILD, UPGRADE = "(rebuild_needed)", "(upgrade_needed)"
READ_OLD: dict[str, list[str]] = {
    "tables of another version": ["UPDATE layouts SET version = 'x' WHERE name = 'read_1_'"],
    "tables that do not say of which version": ["DELETE FROM layouts WHERE name = 'read_1_'"],
    "another number of projections": [
        "UPDATE layouts SET version = 'x' WHERE name = 'read_1_'",
        "DELETE FROM projections WHERE name = 'money'",
    ],
}
OLD: dict[str, list[str]] = {
    "the first version": ["DROP TABLE layouts", "DROP TABLE heartbeats"],
    "a table is missing": ["DROP TABLE log_cosignatures"],
    "no books": ["DROP TABLE books"],
    "a column is missing": ["ALTER TABLE api_keys DROP COLUMN revoked_at"],
    "another index of facts": ["UPDATE layouts SET version = 'x' WHERE name = 'derived'"],
}


def spoil(database: str, statements: list[str]) -> None:
    with story(database) as told:
        told.service.follower.catch_up()
    with raw_connection(database) as connection:
        for statement in statements:
            connection.execute(statement)


def is_whole(database: str) -> None:
    with open_service(database, create=False) as service:
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, service, no_progress), str)


@pytest.mark.after(told=every_fact)
@pytest.mark.parametrize("how", READ_OLD)
def test_old_read_tables_say_rebuild_and_a_rebuild_is_enough(how: str, database: str) -> None:
    spoil(database, READ_OLD[how])
    stemma = Stemma(database)
    for words in (["works"], ["contributor", "add", "--name", "x"]):
        assert stemma.wrong(*words).endswith(REBUILD)
    with pytest.raises(RebuildNeeded, match="run “stemma rebuild”"):
        prepare(read_settings({}, database=database))
    stemma("rebuild", "--grace-seconds", "0")
    stemma("works")
    is_whole(database)


def test_a_read_table_without_a_column_says_rebuild_over_http_too(database: str) -> None:
    with serving(database) as served:
        with raw_connection(database) as connection:
            connection.execute("ALTER TABLE read_1_works RENAME COLUMN node TO knot")
        answer = served.operator.get("/works")
        assert (answer.status, answer.code) == (503, "rebuild_needed")


@pytest.mark.after(told=every_fact)
@pytest.mark.parametrize("how", OLD)
def test_an_older_layout_says_upgrade_and_an_upgrade_is_enough(how: str, database: str) -> None:
    spoil(database, OLD[how])
    stemma = Stemma(database)
    # What is derived otherwise may be so by a newer version, from which one goes back.
    which = "another" if how == "another index of facts" else "an older"
    for words in (["works"], ["contributor", "add", "--name", "x"], ["verify", "database"]):
        said = stemma.wrong(*words)
        assert f"of {which} version of Stemma" in said
        assert said.endswith(UPGRADE)
    with pytest.raises(UpgradeNeeded, match="run “stemma upgrade”"):
        prepare(read_settings({}, database=database))
    stemma("upgrade")
    is_whole(database)


@pytest.mark.after(told=every_fact)
def test_serving_upgrades_and_rebuilds_where_the_setting_says_so(database: str) -> None:
    spoil(database, OLD["the first version"])
    prepare(read_settings({"STEMMA_UPGRADE": "yes"}, database=database))
    is_whole(database)


def test_serving_leaves_what_is_up_to_date_alone(database: str) -> None:
    """Else each start would take as long as an upgrade, and begin the signed map again."""
    with story(database, signer=SignerKey.new("stemma.example/log")) as told:
        told.piece("song")
        told.service.follower.catch_up()
        told.service.log.catch_up()
        filled = told.service.log.map.rows()
    prepare(read_settings({"STEMMA_UPGRADE": "yes"}, database=database))
    with story(database) as told:
        assert told.service.log.map.rows() == filled != {}


NEWER: dict[str, str] = {
    "a further column": "ALTER TABLE api_keys ADD COLUMN colour TEXT",
    "another layout": "UPDATE layouts SET version = '99' WHERE name = 'tables'",
}


@pytest.mark.after(told=every_fact)
@pytest.mark.parametrize("how", NEWER)
def test_a_newer_layout_is_called_so(how: str, database: str) -> None:
    spoil(database, [NEWER[how]])
    for word in ("works", "upgrade"):
        assert "of a newer version of Stemma" in Stemma(database).wrong(word)


@pytest.mark.after(told=every_fact)
def test_an_upgrade_of_what_is_up_to_date_changes_nothing(database: str) -> None:
    spoil(database, [])
    assert bring_up_to_date(database) == []
    is_whole(database)


@pytest.mark.after(told=every_fact)
def test_of_several_that_start_at_once_one_brings_the_tables_up_to_date(database: str) -> None:
    """As “stemma serve” and “stemma follow” do with STEMMA_UPGRADE."""
    spoil(database, READ_OLD["tables of another version"])
    with ThreadPoolExecutor(3) as starting:
        assert [*starting.map(bring_up_to_date, 3 * [database])] == [[], [], []]
    with open_service(database) as service:
        assert service.store.current().number == 2
        assert service.store.left_behind() == []


@pytest.mark.parametrize("lost", ["stored_events", "vault"])
def test_what_is_lost_is_not_taken_for_an_older_version(lost: str, database: str) -> None:
    """An upgrade would make an empty table, and from it derive that nothing was recorded."""
    spoil(database, [f"DROP TABLE {lost}"])
    said = f"The database has lost its table {lost}: restore the latest backup"
    assert Stemma(database).wrong("works").startswith(said)
    with pytest.raises(DatabaseDamaged, match=said):
        bring_up_to_date(database)
