"""Whatever was changed behind the service's back is found, with where it is and what it is."""

import re
import sqlite3
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from commanding import Stemma
from databases import Postgres
from serving import OPERATOR_KEY, serving
from stories import (
    NOON,
    OPERATOR,
    Story,
    carry_out,
    every_fact,
    id_of,
    meanwhile,
    raw_connection,
    story,
)
from test_witness import WITNESS

from domain.checkpoint import cosign
from domain.engine import Engine
from domain.money.entry import Entry
from domain.money.payout import Payout
from domain.money.proposal import Proposal
from domain.note import SignerKey
from domain.registry import BY_OPERATION
from domain.remix import Remix
from domain.signature import sign_command
from domain.tree import NotVerified, leaf_hash
from projections import documents
from projections.log import COSIGNATURES
from projections.progress import no_progress
from projections.store import table_name
from scripts import audit
from scripts import difference as difference_of
from scripts.audit import CHECKS, first_difference
from scripts.bundle import FoundLine, import_lines
from scripts.difference import Difference, all_differences
from scripts.layout import upgrade
from scripts.mirror import mirror
from scripts.remote import Remote
from scripts.service import Service, bring_up_to_date, open_service
from scripts.stemma import main

SIGNER = SignerKey.new("stemma.example/log")


def verified(service: Service) -> dict[str, Difference | str]:
    """What each check says, up to the first difference."""
    said: dict[str, Difference | str] = {}
    for name, check in CHECKS.items():
        found = all_differences(check, service, no_progress)
        said[name] = found if isinstance(found, str) else found[0]
        if isinstance(said[name], Difference):
            break
    return said


def difference(service: Service) -> str:
    """The check that finds something, and what it finds."""
    name, found = list(verified(service).items())[-1]
    assert isinstance(found, Difference), found
    return f"{name}: {found}"


def test_what_was_signed_is_a_text_like_any_other(database: str) -> None:
    """One message, to which every fact of its command commits; of a last wish none is kept."""
    with story(database) as told:
        ana, key = told.person("ana"), SignerKey(id_of("ana"), bytes(32))
        told.tell("register_key", id=ana, key=str(key.verifier))
        by = {"authors": [{"contributor": ana, "role": "writer"}]}
        for command, said in (
            ("submit_contribution", {"id": id_of("song"), "title": "t", "medium": "text", **by}),
            ("forget_contributor", {"id": ana, "ground": "request"}),
        ):
            signing = sign_command(key, command, said)
            told.journal.record(BY_OPERATION[command].of(said), by=ana, signing=signing)
            told.service.follower.catch_up()
            assert not isinstance(
                first_difference(audit.vault, told.service, no_progress), Difference
            )
        signed = [one.topic for one in told.facts() if one.fact().signature]
        born = ["contribution.submitted", "credit.claimed", "credit.accepted"]
        assert signed == [*born, "contributor.forgotten"]


def test_an_empty_database_is_verified_and_not_taken_for_replayed_facts(database: str) -> None:
    with open_service(database) as service:
        said = verified(service)
    assert said["requests"] == "0 requests, which led to all facts"
    assert not [one for one in said.values() if isinstance(one, Difference) or "replayed" in one]


def prepared(told: Story) -> None:
    """Folded, in the log and signed."""
    told.service.follower.catch_up()
    told.service.log.catch_up()


@pytest.mark.after(told=every_fact)
def test_a_database_nobody_touched_is_verified_and_left_as_it_was(database: str) -> None:
    with story(database, signer=SIGNER) as told:
        prepared(told)
        tables = ("projections", "log_tiles", "log_checkpoints", "vault")
        before = [told.store.engine.query(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]
        said = verified(told.service)
        head = told.head()
        assert list(said) == list(CHECKS)
        assert not any(isinstance(one, Difference) for one in said.values()), said
        assert str(said["journal"]) == f"{head} facts, without a gap"
        vault = r"\d+ texts as they were committed to, [1-9]\d* erased"
        assert re.fullmatch(vault, str(said["vault"]))
        assert said["log"] == f"{head} leaves in 1 tile, 1 checkpoint"
        facts = Counter(type(placed.fact()) for placed in told.journal.read())
        entries = sum(facts[kind] for kind in Entry.BIRTHS)
        assert entries
        assert facts[Payout.Issued]
        assert str(said["money"]).startswith(
            f"agreements: {facts[Proposal.Finalised]}; divisions, reversals and corrections: "
            f"{entries}; payouts: {facts[Payout.Issued]}; postings: "
        )
        assert str(said["read tables"]).endswith(f"as folded again up to position {head}")
        after = [told.store.engine.query(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]
        assert after == before


@pytest.mark.after(told=every_fact)
def test_it_is_verified_while_others_write_and_fold(database: str) -> None:
    with story(database, signer=SIGNER) as told:
        told.service.follower.start()
        writes = iter(range(1 << 30))

        def go_on() -> None:
            number = next(writes)
            piece = told.piece(f"piece {number}", actor=told.person(f"person {number}"))
            told.tell("withdraw_contribution", id=piece, reason="r")
            told.tell("forget_contributor", id=id_of(f"person {number}"), ground="request")

        with meanwhile(go_on):
            for _ in range(3):
                said = verified(told.service)
                assert [one for one in said.values() if isinstance(one, Difference)] == []


def test_others_record_and_fold_while_rows_are_compared(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database, signer=SIGNER) as told:
        told.person("Ana")
        told.service.follower.catch_up()
        differences, folded = documents.differences, list[int]()

        def write() -> None:
            told.person("Ben")
            folded.append(told.service.follower.catch_up())

        def compared(engine: Engine, generation: int) -> Any:
            other = Thread(target=write, daemon=True)
            other.start()
            other.join(20)
            assert folded == [2]
            return differences(engine, generation)

        monkeypatch.setattr(documents, "differences", compared)
        said = verified(told.service)
        assert str(said["read tables"]).endswith("as folded again up to position 1")


def test_a_log_of_several_levels_is_verified_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that fit no tile; and a tile of the second level that was changed is found."""
    monkeypatch.setattr(difference_of, "PAGE", 113)
    with story(f"sqlite:///{tmp_path / 'stemma.db'}", signer=SIGNER) as told:
        for _ in range(2):
            draft = told.journal.draft()
            for number in range(700):
                carry_out(draft, "admit_contributor", actor="operator", name=f"person {number}")
            told.journal.commit(draft)
            told.service.log.catch_up()
        told.service.follower.catch_up()
        assert verified(told.service)["log"] == "1,400 leaves in 7 tiles, 2 checkpoints"
        told.store.engine.execute(
            "UPDATE log_tiles SET hashes = CAST(zeroblob(160) AS BLOB) WHERE place = :place",
            place=1 << 48,
        )
        assert difference(told.service) == (
            "log: tile/1/000.p/5: the tile of the log is not the hash of those below it"
        )


# -- what is changed, and what is said of it -----------------------------------------------


@pytest.mark.after(told=every_fact)
def test_an_entry_of_the_index_that_is_missing_or_made_up_is_found(database: str) -> None:
    with story(database, signer=SIGNER) as told:
        prepared(told)
        position = position_of(told, "remix.declared")
        made_up = "INSERT INTO found VALUES ('nobody', 'remix.declared.child', 1, NULL)"
        with raw_connection(database) as connection:
            connection.execute(made_up)
        assert difference(told.service) == "index: the index: 1 entry without a fact"
        with raw_connection(database) as connection:
            connection.execute(f"DELETE FROM found WHERE position = {position}")
        said = f"position {position}: the index differs in remix.declared.child"
        assert difference(told.service) == f"index: {said}"


@pytest.mark.after(told=every_fact)
def test_a_row_of_the_books_that_differs_is_found_and_an_upgrade_repairs_it(database: str) -> None:
    with story(database, signer=SIGNER) as told:
        prepared(told)
        assert str(verified(told.service)["books"]).endswith(" rows, as the facts give them")
        with raw_connection(database) as connection:
            connection.execute("DELETE FROM books WHERE key LIKE '%revenues%'")
            connection.execute("INSERT INTO books VALUES ('(row)', '1', 1)")
        assert difference(told.service) == "books: books, (row): the row is 1; the facts give None"
    bring_up_to_date(database)
    with open_service(database, signer=SIGNER) as service:
        assert not isinstance(verified(service)["books"], Difference)


def test_a_cycle_is_found_and_a_child_dated_first_is_told(database: str) -> None:
    with story(database, signer=SIGNER) as told:
        older, piece = told.piece("older", made_at="1990"), told.piece("piece", made_at="1980~")
        edge = told.edge(piece, older)
        said = f"1 edge, no cycle; 1 with the child dated first, first {piece} (remix {edge})"
        assert verified(told.service)["lineage"] == said
        back = Remix.Declared(
            originator_id=id_of("back"),
            originator_version=1,
            timestamp=NOON,
            actor=OPERATOR,
            child=older,
            parent=piece,
            kind="sample",
        )
        told.journal.append_stored([told.journal.mapper.to_stored_event(back)])
        assert difference(told.service).startswith("lineage: the lineage: works form a cycle: ")


SQLITE_OPEN = (
    *("DROP TRIGGER stored_events_update", "DROP TRIGGER stored_events_delete"),
    *("DROP TRIGGER heads_update", "DROP TRIGGER heads_delete"),
)
POSTGRES_OPEN = (
    "DROP TRIGGER keep_stored_events ON stored_events",
    *("DROP TRIGGER keep_heads ON heads", "DROP TRIGGER advance_heads ON heads"),
)


def tamper(database: str, *statements: str) -> None:
    """Change what is stored as the owner of the tables can, who takes the triggers away first."""
    is_embedded = database.startswith("sqlite")
    with raw_connection(database) as connection:
        for statement in (*(SQLITE_OPEN if is_embedded else POSTGRES_OPEN), *statements):
            connection.execute(statement)


def position_of(told: Story, topic: str) -> int:
    return next(placed.position for placed in told.facts() if placed.topic == topic)


def edited(told: Story, old: str, new: str, position: int) -> str:
    """One fact's stored bytes with something else in them."""
    (placed,) = told.journal.facts.at([position])
    assert old.encode() in placed.state
    state = placed.state.replace(old.encode(), new.encode()).hex()
    return f"UPDATE stored_events SET state = {as_bytes(told, state)} WHERE position = {position}"


def as_bytes(told: Story, hexed: str) -> str:
    return f"X'{hexed}'" if told.store.engine.typed("BYTES") == "BLOB" else f"'\\x{hexed}'"


Change = Callable[[Story], tuple[str, str]]


def a_byte_of_a_fact(told: Story) -> tuple[str, str]:
    at = position_of(told, "remix.declared")
    return edited(told, '"rate":"1/5"', '"rate":"1/6"', at), f"log: position {at}, tile/0/000.p/"


def a_fact_that_is_no_json(told: Story) -> tuple[str, str]:
    return edited(told, "{", "[", 3), "journal: position 3: this can't be a contributor.admitted"


def a_blank_in_a_fact(told: Story) -> tuple[str, str]:
    return edited(
        told, '","', '", "', 3
    ), "journal: position 3: this is not the normal form of a contributor.admitted"


def another_kind(told: Story) -> tuple[str, str]:
    at = position_of(told, "credit.declined")
    change = f"UPDATE stored_events SET topic = 'credit.revoked' WHERE position = {at}"
    return change, f"histories: position {at + 1}: credit.accepted can't happen to what is revoked"


def no_kind(told: Story) -> tuple[str, str]:
    change = "UPDATE stored_events SET topic = 'x' WHERE position = 3"
    return change, "journal: position 3: this can't be a x"


def a_deleted_fact(told: Story) -> tuple[str, str]:
    change = "DELETE FROM stored_events WHERE position = 7"
    return change, "journal: position 7: there is no fact; the next is at 8"


def the_last_fact_deleted(told: Story) -> tuple[str, str]:
    change = f"DELETE FROM stored_events WHERE position = {told.head()}"
    return change, "vault: the vault: 1 text without a commitment"


def a_version_left_out(told: Story) -> tuple[str, str]:
    at = position_of(told, "remix.struck")
    change = f"UPDATE stored_events SET originator_version = 9 WHERE position = {at}"
    return change, f"histories: position {at}: the fact about {id_of('saga')} has version 9, not 5"


def a_text(told: Story) -> tuple[str, str]:
    change = "UPDATE vault SET value = 'text-eve' WHERE value = 'text-eva'"
    return change, "vault: position 3, contributor.admitted: the name in the vault is not the one"


def a_folded_text(told: Story) -> tuple[str, str]:
    change = "UPDATE vault SET folded = 'text-eve' WHERE value = 'text-eva'"
    return change, "vault: position 3, contributor.admitted: the name of "


def a_lost_text(told: Story) -> tuple[str, str]:
    change = "DELETE FROM vault WHERE value = 'text-eva'"
    return change, "vault: position 3, contributor.admitted: the text of "


def a_text_too_many(told: Story) -> tuple[str, str]:
    change = "INSERT INTO vault VALUES ('x', 'operator', 'name', 's', 'v', 'v')"
    return change, "vault: the vault: 1 text without a commitment"


def a_text_that_came_back(told: Story) -> tuple[str, str]:
    (forgotten,) = (one for one in told.facts() if one.topic == "contributor.forgotten")
    (digest,) = forgotten.fact().erases(None)
    change = f"INSERT INTO vault VALUES ('{digest}', 'operator', 'name', 's', 'v', 'v')"
    return change, f"vault: position {forgotten.position - 1}, contributor.admitted: the name in"


def an_owner(told: Story) -> tuple[str, str]:
    """So that forgetting the person would leave the text."""
    change = "UPDATE vault SET owner = 'operator' WHERE value = 'text-eva'"
    return change, "vault: position 3, contributor.admitted: the name is said to be of operator, "


def a_link(told: Story) -> tuple[str, str]:
    at = position_of(told, "credit.accepted")
    change = f"UPDATE stored_events SET links = '[]' WHERE position = {at}"
    return change, f"log: position {at}, tile/0/000.p/"


def a_head(told: Story) -> tuple[str, str]:
    change = f"UPDATE heads SET number = number + 1 WHERE subject = '{id_of('text-eva')}'"
    return change, "links: position "


def an_older_head(told: Story) -> tuple[str, str]:
    """One that was true before: the next fact would follow the wrong one."""
    born = next(one for one in told.facts() if one.originator_id == id_of("text-eva"))
    change = (
        f"UPDATE heads SET number = 1, position = {born.position}, "
        f"hash = '{b64encode(leaf_hash(born.leaf())).decode()}' "
        f"WHERE subject = '{id_of('text-eva')}'"
    )
    return change, "links: position "


def a_lost_head(told: Story) -> tuple[str, str]:
    return f"DELETE FROM heads WHERE subject = '{id_of('text-eva')}'", "links: position "


def a_tile(told: Story) -> tuple[str, str]:
    (row,) = told.store.engine.query("SELECT hashes FROM log_tiles")
    hashes = bytes(row[0])
    hexed = (hashes[:64] + bytes([hashes[64] ^ 1]) + hashes[65:]).hex()
    return (
        f"UPDATE log_tiles SET hashes = {as_bytes(told, hexed)}",
        "log: position 3, tile/0/000.p/",
    )


def a_lost_tile(told: Story) -> tuple[str, str]:
    return "DELETE FROM log_tiles", "log: position 1, tile/0/000.p/"


def a_tile_too_many(told: Story) -> tuple[str, str]:
    change = "INSERT INTO log_tiles SELECT 77, hashes FROM log_tiles"
    return change, "log: the log: it has 2 tiles, and "


def a_log_that_is_ahead(told: Story) -> tuple[str, str]:
    """By so much that nobody could count the tiles of such a log."""
    head = told.head()
    change = f"UPDATE log_size SET size = {2**62}"
    return change, f"log: position {head + 1}: the log holds {2**62} facts, the journal {head}"


def a_checkpoint(told: Story) -> tuple[str, str]:
    size = told.head()
    return (
        f"UPDATE log_checkpoints SET size = {size - 1}",
        f"log: the checkpoint of size {size - 1}: its root is not that",
    )


def a_lost_checkpoint(told: Story) -> tuple[str, str]:
    said = f"map: the map of size {told.head()}: The log does not contain a checkpoint of size"
    return "DELETE FROM log_checkpoints", said


def a_map_that_is_ahead(told: Story) -> tuple[str, str]:
    """So that it would pass over the next facts."""
    head = told.head()
    said = f"map: the map: it is of {2**62} facts, and the log holds {head}"
    return f"UPDATE log_map_size SET size = {2**62}", said


def a_row(told: Story) -> tuple[str, str]:
    name = table_name("credits", told.store.current().number)
    change = f"UPDATE {name} SET role = 'poet' WHERE role = 'singer'"
    return change, "read tables: credits, position 9: the table holds ("


def a_row_too_many(told: Story) -> tuple[str, str]:
    name = table_name("mentions", told.store.current().number)
    return f"INSERT INTO {name} SELECT * FROM {name}", "read tables: mentions: the table holds "


def a_lost_row(told: Story) -> tuple[str, str]:
    name = table_name("works", told.store.current().number)
    return f"DELETE FROM {name}", "read tables: works, position 4: the table holds no such row; the"


def a_projection_left_behind(told: Story) -> tuple[str, str]:
    change = "UPDATE projections SET position = 3 WHERE name = 'history'"
    return change, "read tables: the read tables: they are at different positions"


def a_lost_size_of_the_log(told: Story) -> tuple[str, str]:
    return "DELETE FROM log_size", "log: log_size, its only row: this row does not read ("


def a_lost_size_of_the_map(told: Story) -> tuple[str, str]:
    return "DELETE FROM log_map_size", "map: log_map_size, its only row: this row does not read ("


def a_place_of_the_map_that_is_none(told: Story) -> tuple[str, str]:
    change = "UPDATE log_map SET place = 'x' WHERE place = (SELECT max(place) FROM log_map)"
    return change, "map: log_map, place x: this row does not read ("


def the_texts_of_a_request_that_are_none(told: Story) -> tuple[str, str]:
    said = "requests: requests, position 3: this row does not read ("
    return "UPDATE requests SET texts = 'x' WHERE position = 3", said


def a_lost_projection(told: Story) -> tuple[str, str]:
    change = "DELETE FROM projections WHERE name = 'attribution'"
    return change, "read tables: the read tables: they are at different positions, or not all there"


def a_request_that_led_elsewhere(told: Story) -> tuple[str, str]:
    """So that somebody who repeats it is answered by a fact of others."""
    other = id_of("nothing")
    change = f"UPDATE requests SET target = '{other}' WHERE position = 3"
    return change, f"requests: position 3: it is no answer about {other}"


def a_lost_request(told: Story) -> tuple[str, str]:
    """So that what is repeated is carried out again."""
    change = "DELETE FROM requests WHERE position = 3"
    return change, "requests: position 3: the request that led to this contributor.admitted is not"


def a_lost_request_of_an_import(told: Story) -> tuple[str, str]:
    """What it led to is of the same person and moment as what the next one led to."""
    lines = [{"type": "contributor", "id": one, "name": one} for one in ("x1", "x2", "x3")]
    assert not import_lines(told.journal, map(FoundLine, ("1", "2", "3"), lines)).refused
    at = told.head() - 1
    prepared(told)
    return f"DELETE FROM requests WHERE position = {at}", f"requests: position {at + 1}: it is no"


def a_request_with_another_text(told: Story) -> tuple[str, str]:
    change = """UPDATE requests SET texts = '["x"]' WHERE position = 3"""
    return change, "requests: position 3: it is no answer to a request with such texts"


def a_lost_count(told: Story) -> tuple[str, str]:
    """So that somebody may do more today than others."""
    at = told.store.engine.query("SELECT max(position) FROM spent WHERE actor <> ''")[0][0]
    return f"DELETE FROM spent WHERE position = {at}", f"quotas: position {at}: it counts toward no"


def a_count_of_another(told: Story) -> tuple[str, str]:
    at = told.store.engine.query("SELECT max(position) FROM spent WHERE actor <> ''")[0][0]
    change = f"UPDATE spent SET actor = 'x' WHERE position = {at}"
    return change, f"quotas: position {at}: it counts toward [('x', "


def a_lost_voucher(told: Story) -> tuple[str, str]:
    """Without it, what was imported would have to count."""
    eva = id_of("text-eva")
    line = {"type": "contribution", "id": "x4", "title": "x", "medium": "text", "by": eva}
    assert not import_lines(told.journal, [FoundLine("1", line)]).refused
    prepared(told)
    change = "DELETE FROM spent WHERE actor = ''"
    return change, f"quotas: position {told.head()}: it counts toward no"


def a_request_that_led_to_nothing(told: Story) -> tuple[str, str]:
    """So that what was never recorded is answered as if it had been."""
    change = (
        f"INSERT INTO requests SELECT {told.head() + 9}, 'x', digest, texts, 'x', NULL "
        "FROM requests WHERE position = 3"
    )
    return change, "requests: the requests: 1 led to no fact"


def a_fact_that_was_moved_to_the_end(told: Story) -> tuple[str, str]:
    change = f"UPDATE stored_events SET position = position + 5 WHERE position = {told.head()}"
    return change, f"journal: position {told.head()}: there is no fact; the next is at"


def a_fact_of_another_noun(told: Story) -> tuple[str, str]:
    at = position_of(told, "credit.hidden")
    change = f"UPDATE stored_events SET originator_id = 'x' WHERE position = {at}"
    return change, f"journal: position {at}: this can't be a credit.hidden"


def another_name_of_a_text(told: Story) -> tuple[str, str]:
    change = "UPDATE vault SET name = 'title' WHERE value = 'text-eva'"
    return change, "vault: position 3, contributor.admitted: the title in the vault is not the one"


def another_salt_of_a_text(told: Story) -> tuple[str, str]:
    change = "UPDATE vault SET salt = 'x' WHERE value = 'text-eva'"
    return change, "vault: position 3, contributor.admitted: the name in the vault is not the one"


def a_head_of_nobody(told: Story) -> tuple[str, str]:
    change = "INSERT INTO heads VALUES ('x', 1, 1, 'x')"
    return change, f"links: position {told.head()}: the head of x is fact 1 at position 1"


def a_checkpoint_that_is_none(told: Story) -> tuple[str, str]:
    change = f"UPDATE log_checkpoints SET note = {as_bytes(told, '00')}"
    return change, "log: the checkpoint of size "


def a_request_about_nothing(told: Story) -> tuple[str, str]:
    asked = {at for (at,) in told.store.engine.query("SELECT position FROM requests")}
    at = next(one.position for one in told.facts() if b'""' in one.state and one.position in asked)
    change = f"UPDATE requests SET target = '' WHERE position = {at}"
    return change, f"requests: position {at}: it is no answer about "


def a_map_that_is_none(told: Story) -> tuple[str, str]:
    return f"UPDATE log_maps SET note = {as_bytes(told, '00')}", "map: the map of size "


def a_map_that_is_gone(told: Story) -> tuple[str, str]:
    return "DELETE FROM log_maps", "map: the maps: the first is of size None, and was of size "


def a_document_without_tags(told: Story) -> tuple[str, str]:
    name = table_name(documents.NAME, told.store.current().number)
    change = f"UPDATE {name} SET tags = NULL WHERE rowid = 1"
    return change, "read tables: documents, number 1: the table holds (1, "


CHANGES: tuple[Change, ...] = (
    *(a_request_that_led_elsewhere, a_request_that_led_to_nothing, a_map_that_is_none),
    *(a_lost_request, a_lost_request_of_an_import, a_request_with_another_text),
    *(a_lost_count, a_count_of_another, a_lost_voucher),
    *(a_fact_that_was_moved_to_the_end, a_fact_of_another_noun),
    *(another_name_of_a_text, another_salt_of_a_text, a_head_of_nobody, a_map_that_is_gone),
    *(a_checkpoint_that_is_none, a_document_without_tags, a_request_about_nothing),
    *(a_byte_of_a_fact, a_fact_that_is_no_json, a_blank_in_a_fact, another_kind, no_kind),
    *(a_deleted_fact, the_last_fact_deleted, a_version_left_out),
    *(a_text, a_folded_text, a_lost_text, a_text_too_many, a_text_that_came_back, an_owner),
    *(a_link, a_head, an_older_head, a_lost_head),
    *(a_tile, a_lost_tile, a_tile_too_many, a_log_that_is_ahead, a_checkpoint),
    *(a_lost_checkpoint, a_map_that_is_ahead),
    *(a_row, a_row_too_many, a_lost_row, a_projection_left_behind, a_lost_projection),
    *(
        a_place_of_the_map_that_is_none,
        a_lost_size_of_the_log,
        a_lost_size_of_the_map,
        the_texts_of_a_request_that_are_none,
    ),
)


@pytest.fixture(scope="module")
def prepared_databases(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres
) -> Iterator[dict[str, str]]:
    """A prepared database of each engine, to be copied for each change."""
    with postgres_server.database() as postgres:
        sqlite = f"sqlite:///{tmp_path_factory.mktemp('audit') / 'stemma.db'}"
        for url in (sqlite, postgres):
            with story(url, signer=SIGNER) as told:
                every_fact(told)
                prepared(told)
        yield {"sqlite": sqlite, "postgres": postgres}


@contextmanager
def copy_of(original: str, postgres_server: Postgres, tmp_path: Path) -> Iterator[str]:
    if original.startswith("sqlite:///"):
        # Not the file alone: what was written last may still be in its write-ahead log.
        whole = sqlite3.connect(original.removeprefix("sqlite:///"))
        with closing(whole), closing(sqlite3.connect(tmp_path / "copy.db")) as copied:
            whole.backup(copied)
        yield f"sqlite:///{tmp_path / 'copy.db'}"
    else:
        with postgres_server.database(original) as url:
            yield url


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_was_changed_is_found_where_it_is(
    change: Change,
    engine: str,
    prepared_databases: dict[str, str],
    postgres_server: Postgres,
    tmp_path: Path,
) -> None:
    with (
        copy_of(prepared_databases[engine], postgres_server, tmp_path) as database,
        story(database, signer=SIGNER, create=False) as told,
    ):
        statement, said = change(told)
        tamper(database, statement)
        found = difference(told.service)
        assert found.startswith(said), found


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_missing_fact_is_told_only_where_it_is_missing(
    engine: str,
    prepared_databases: dict[str, str],
    postgres_server: Postgres,
    tmp_path: Path,
) -> None:
    with (
        copy_of(prepared_databases[engine], postgres_server, tmp_path) as database,
        story(database, signer=SIGNER, create=False) as told,
    ):
        about = {one.subject for one in told.journal.facts.at([7])[0].linked()}
        tamper(database, "DELETE FROM stored_events WHERE position = 7")
        journal, tables, links = (
            list(map(str, all_differences(CHECKS[name], told.service, no_progress)))
            for name in ("journal", "read tables", "links")
        )
        assert journal == ["position 7: there is no fact; the next is at 8"]
        assert tables == ["what is stored: there is no fact at position 7"]
        assert 1 <= len(links) <= len(about)


@pytest.mark.parametrize("change", [a_head, a_lost_head])
def test_a_wrong_head_is_replaced_by_what_the_facts_say(database: str, change: Change) -> None:
    """Before anything is linked to it: the next fact names the one that is really before it."""
    with story(database, signer=SIGNER) as told:
        eva = told.person("text-eva")
        told.credit(told.piece("piece"), eva)
        told.service.log.catch_up()
        with raw_connection(database) as connection, pytest.raises(Exception, match="only advance"):
            connection.execute(change(told)[0])
        tamper(database, change(told)[0])
        told.credit(told.piece("another"), eva)
        told.service.follower.catch_up()
        assert not isinstance(
            first_difference(audit.CHECKS["links"], told.service, no_progress), Difference
        )


@pytest.mark.after(told=every_fact)
def test_triggers_that_were_dropped_are_found(database: str) -> None:
    with story(database, signer=SIGNER) as told:
        prepared(told)
        tamper(database)
        found = all_differences(CHECKS["triggers"], told.service, no_progress)
        dropped = SQLITE_OPEN if database.startswith("sqlite") else POSTGRES_OPEN
        names = {statement.split()[2] for statement in dropped}
        assert {str(one).split()[3] for one in found} == names


def test_keys_and_indexes_that_were_dropped_are_found(postgres_dsn: str) -> None:
    with open_service(postgres_dsn) as service:
        service.engine.execute("DROP INDEX requests_key")
        service.engine.execute("ALTER TABLE stored_events DROP CONSTRAINT stored_events_pkey")
        found = all_differences(CHECKS["triggers"], service, no_progress)
    assert [str(one).partition(" is missing")[0] for one in found] == [
        "stored_events: the key or index position",
        "requests: the key or index requests_key",
    ]


WEAKENED = {
    "sqlite": {
        "stored_events_update": "BEFORE UPDATE ON stored_events WHEN 0 BEGIN SELECT 1; END",
        "heads_delete": "AFTER DELETE ON heads BEGIN SELECT 1; END",
    },
    "postgresql": {
        "keep_stored_events": "BEFORE UPDATE ON stored_events FOR EACH STATEMENT "
        "EXECUTE FUNCTION keep_stored_events()",
        "keep_heads": "AFTER DELETE ON heads FOR EACH STATEMENT EXECUTE FUNCTION keep_heads()",
        "advance_heads": "BEFORE UPDATE ON heads FOR EACH ROW WHEN (false) "
        "EXECUTE FUNCTION advance_heads()",
    },
}
"""Triggers with the names of ours, on PostgreSQL with their functions, that protect less."""


def test_triggers_that_protect_less_are_found_and_an_upgrade_replaces_them(database: str) -> None:
    with story(database) as told:
        for name, instead in WEAKENED[database.partition(":")[0]].items():
            on = "" if database.startswith("sqlite") else f" ON {name.partition('_')[2]}"
            with raw_connection(database) as connection:
                connection.execute(f"DROP TRIGGER {name}{on}")
                connection.execute(f"CREATE TRIGGER {name} {instead}")
            (found,) = all_differences(CHECKS["triggers"], told.service, no_progress)
            assert f"the trigger {name} is missing or changed" in str(found)
            upgrade(told.service.engine)
            assert isinstance(all_differences(CHECKS["triggers"], told.service, no_progress), str)


@pytest.mark.after(told=every_fact)
def test_a_checkpoint_of_another_key_is_found_only_with_the_key(database: str) -> None:
    with story(database, signer=SignerKey.new("stemma.example/log")) as told:
        prepared(told)
        assert not isinstance(verified(told.service)["log"], Difference)
        told.service.log.signer = SIGNER
        assert difference(told.service).startswith("log: the checkpoint of size ")
        told.service.log.signer = None
        assert "read tables" in verified(told.service)


def test_a_checkpoint_of_the_first_fact_that_was_changed_is_named(database: str) -> None:
    with open_service(database, signer=SIGNER) as service:
        told = Story(service)
        for person in ("ana", "ben"):
            told.person(person)
            service.log.catch_up()
        assert isinstance(all_differences(CHECKS["log"], service, no_progress), str)
        other = "(SELECT note FROM log_checkpoints WHERE size = 2)"
        service.engine.execute(f"UPDATE log_checkpoints SET note = {other} WHERE size = 1")
        (found,) = all_differences(CHECKS["log"], service, no_progress)
        assert str(found).startswith("the checkpoint of size 1: ")


def test_a_cosignature_that_was_changed_is_named(database: str) -> None:
    with open_service(database, signer=SIGNER, witnesses=[WITNESS.verifier]) as service:
        told = Story(service)
        told.person("ana")
        service.log.catch_up()
        note = service.log.latest()
        service.log.add_cosignatures(note + cosign(note, WITNESS, int(time.time())).encode())
        assert isinstance(all_differences(CHECKS["log"], service, no_progress), str)
        for change in ("time = time + 1", "line = replace(line, 'A', 'B')", "size = 2"):
            with service.engine.transaction() as writer:
                kept = writer.query("SELECT size, witness, time, line FROM log_cosignatures")
                writer.execute(f"UPDATE log_cosignatures SET {change}")
            (found,) = all_differences(CHECKS["log"], service, no_progress)
            assert "has not cosigned it so" in str(found), change
            with service.engine.transaction() as writer:
                writer.execute("DELETE FROM log_cosignatures")
                writer.insert(COSIGNATURES, kept)


@pytest.mark.after(told=every_fact)
def test_a_mirror_notices_an_edited_fact_as_well(database: str, tmp_path: Path) -> None:
    """Without the database: what was mirrored before is not what is given out now."""
    with serving(database, follow=False) as served:
        told = Story(served.service)
        prepared(told)
        signer = served.service.log.signer
        assert signer is not None
        url, keys = f"http://127.0.0.1:{served.operator.port}/log", [signer.verifier]
        mirror(Remote(url, keys, api_key=OPERATOR_KEY), tmp_path / "mirror")
        at = position_of(told, "remix.declared")
        tamper(database, edited(told, '"rate":"1/5"', '"rate":"1/6"', at))
        with pytest.raises(NotVerified, match="does not follow the one before it"):
            mirror(Remote(url, keys, api_key=OPERATOR_KEY), tmp_path / "mirror")
        assert f"position {at}," in difference(served.service)


# -- what only SQLite leaves to us -----------------------------------------------------------


@pytest.mark.parametrize(
    "change, said",
    [
        (
            "vault SET salt = CAST(salt AS BLOB) WHERE name = 'title'",
            "digest = '.*: the salt is no TEXT",
        ),
        ("heads SET number = 1.5 WHERE position = 1", "subject = '.*: the number is no INTEGER"),
        ("stored_events SET state = 'x' WHERE position = 1", "position = 1: the state is no BLOB"),
        ("read_1_works SET number = 'x'", "number = 'x': the number is no INTEGER"),
        ("read_1_documents SET tags = 5 WHERE rowid = 1", "rowid = 1: the tags is no TEXT"),
        ("vault SET salt = CAST(X'ff' AS TEXT)", "digest = '.*': a text is not UTF-8"),
    ],
)
def test_a_value_of_another_type_than_its_column_is_named(
    tmp_path: Path, change: str, said: str
) -> None:
    database = f"sqlite:///{tmp_path}/stemma.db"
    with story(database, signer=SIGNER) as told:
        told.piece("piece")
        prepared(told)
        tamper(database, f"UPDATE {change}")
        found = difference(told.service)
        assert re.fullmatch(f"storage: {change.partition(' ')[0]}, {said}", found), found


def test_an_index_that_lacks_rows_is_found(tmp_path: Path) -> None:
    """By which a text would be passed over when its owner is forgotten, say."""
    database = f"sqlite:///{tmp_path}/stemma.db"
    with story(database) as told:
        told.person("ana")
        prepared(told)
    with raw_connection(database) as connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name = 'vault_of'"
        ).fetchone()
        rewrite = "UPDATE sqlite_schema SET sql = ? WHERE name = 'vault_of'"
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(rewrite, (f"{sql} WHERE false",))
        connection.execute("PRAGMA writable_schema = RESET")
        connection.execute("REINDEX vault_of")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(rewrite, (sql,))
    with story(database, create=False) as told:
        found = difference(told.service)
        older, newer = "row 1 missing from", "wrong # of entries in"  # what SQLite says first
        assert re.match(f"storage: .*: ({older}|{newer}) index vault_of", found), found


def test_a_word_that_a_search_does_not_find_is_named(tmp_path: Path) -> None:
    """A search begins at the directory of the index, by which a word may seem to be nowhere."""
    database = f"sqlite:///{tmp_path}/stemma.db"
    with story(database) as told:
        for number in range(300):
            told.person(f"name-{number}")
        prepared(told)
        with raw_connection(database) as connection:
            directory = "read_1_documents_idx"
            last = f"(SELECT max(term) FROM {directory} WHERE term < X'31')"
            connection.execute(f"UPDATE {directory} SET term = X'30' || 'h' WHERE term = {last}")
        found = difference(told.service)
        ours = "read_1_documents: not all documents with the word “.*” are found by it"
        theirs = ".*read_1_documents.*" if sqlite3.sqlite_version_info >= (3, 44) else ours
        assert re.fullmatch(f"storage: ({ours}|{theirs})", found), found


# -- the command ---------------------------------------------------------------------------


@pytest.mark.after(told=every_fact)
def test_the_command_tells_what_it_compared_and_every_difference(database: str) -> None:
    def run(status: int) -> Any:
        ran = Stemma(database).run("verify", "database")
        assert ran.exit_code == status, ran.output
        return ran

    with story(database, clock=lambda: NOON) as told:
        prepared(told)
        head = told.head()
        at = position_of(told, "remix.declared")
        change = edited(told, '"rate":"1/5"', '"rate":"1/6"', at)
    told_lines = run(0).stdout.splitlines()
    assert [line[:12].strip() for line in told_lines] == list(CHECKS)
    assert told_lines[1] == f"journal     {head} facts, without a gap"
    a_later_one = "UPDATE vault SET owner = 'operator' WHERE value = 'text-eva'"
    tamper(database, change, a_later_one)
    ran = run(1)
    assert "position 3, contributor.admitted: the name is said to be of operator" in ran.stderr
    assert f"position {at}, tile/0/000.p/" in ran.stderr
    assert [line[:12].strip() for line in ran.stdout.splitlines()] == list(CHECKS)


def test_the_help_of_verify_shows_everything_that_can_be_verified() -> None:
    told = CliRunner().invoke(main, ["verify", "--help"]).output
    for kind in ("receipt", "checkpoint", "log", "database"):
        assert re.search(rf"^  {kind} ", told, re.MULTILINE)
