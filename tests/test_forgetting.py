"""A person is forgotten: no answer, export or file has a text of theirs, and every proof holds."""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from commanding import Stemma
from psycopg.conninfo import make_conninfo
from serving import OPERATOR_KEY, serving
from stories import OPERATOR, Story, at_once, carry_out, id_of, meanwhile, raw_connection, story

from domain.contributor import ERASED_IN_ONE_FACT, GROUNDS
from domain.draft import Acknowledgement
from domain.note import SignerKey
from domain.receipt import verify_receipt
from domain.refusal import (
    Busy,
    ContributorForgotten,
    MergeCycle,
    NotPermitted,
    Refusal,
    WrongState,
)
from projections import around, attribution, billing, contributors, history, listing, parts
from projections.progress import no_progress
from scripts.bundle import FoundLine, Line, export_lines, import_lines
from scripts.checks.requests import requests
from scripts.difference import all_differences
from scripts.mirror import mirror
from scripts.remote import Remote

SIGNER = SignerKey.new("stemma.example/log")


def life_of_gus(told: Story) -> dict[str, str]:
    """Two accounts of one person, with every text of theirs marked; and what others said of it."""
    gus, old, eva = told.person("mine-gus"), told.person("mine-old"), told.person("theirs-eva")
    poem = told.tell(
        "submit_contribution",
        title="mine-title",
        medium="text",
        authors=[{"contributor": gus, "role": "writer", "display": "mine-display"}],
        sources=[{"uri": "https://example.org/x", "kind": "sample", "note": "mine-note"}],
        made_at="2020",
        actor=gus,
    ).id
    hum = told.piece("mine-hum", by=[old])  # posted by the operator for them
    song = told.piece("theirs-song", poem, by=[eva], actor=eva)
    told.tell(
        "dispute_remix",
        id=told.edge(song, hum),
        grounds="not_derived",
        reason="mine-dispute",
        evidence="mine-proof",
        actor=old,
    )
    told.tell("redate_work", id=poem, made_at="2019", reason="mine-redating", actor=gus)
    told.tell(
        "claim_work", id=song, contributor=gus, role="editor", evidence="mine-claim", actor=gus
    )
    granted = told.credit(song, gus, "singer", evidence="theirs-letters", actor=eva)
    told.tell("decline_credit", id=granted, reason="mine-decline", actor=gus)
    release = told.release("theirs-release", song, actor=eva)
    told.release("mine-release", poem, actor=gus)
    told.tell("merge_contributor", id=old, into=gus, reason="theirs-merge")
    return {"gus": gus, "old": old, "eva": eva, "poem": poem, "song": song, "release": release}


def test_forgetting_all_accounts_of_a_person_is_one_request(database: str) -> None:
    """So an audit finds it, and that another person was forgotten beside them it finds, too."""
    with story(database) as told:
        gus, eva = told.person("gus"), told.person("eva")
        for name in ("old", "older"):
            told.tell("merge_contributor", id=told.person(name), into=gus)
        told.tell("forget_contributor", id=gus, ground="request")
        assert isinstance(all_differences(requests, told.service, no_progress), str)
        forgotten = [one for one in told.facts() if one.topic == "contributor.forgotten"]
        assert len(forgotten) == 3
        told.tell("forget_contributor", id=eva, ground="request")
        between = f"DELETE FROM requests WHERE position = {forgotten[-1].position}"
        told.service.engine.execute(between)
        (found,) = all_differences(requests, told.service, no_progress)
        assert "is not remembered" in str(found)


def everything(told: Story, as_of: int | None = None) -> str:
    """All that can be asked about everybody and everything, as text."""
    with told.view(as_of) as view:
        works = listing.works(view, limit=1000).items
        people = contributors.people(view, limit=1000).items
        answers: list[Any] = [works, people]
        for one in works:
            answers += [
                around.work(view, one["id"]),
                attribution.all_credits(view, one["id"]).items,
                parts.of_work(view, one["id"], limit=1000),
                billing.lineage_with_makers(view, one["id"]),
                history.of_work(view, told.journal, one["id"], actor="operator", limit=1000),
            ]
        for one in people:
            answers += [
                contributors.person(view, one["id"]),
                parts.in_releases(view, one["id"], limit=1000),
                history.of_contributor(view, told.journal, one["id"], actor="operator", limit=1000),
            ]
    return str(answers)


# -- what goes and what stays --------------------------------------------------------------


@pytest.mark.parametrize("account", ["gus", "old"])
def test_every_text_of_a_person_goes_and_what_others_said_stays(
    account: str, database: str
) -> None:
    """… by whichever of their accounts they are named, and by themself."""
    with story(database) as told:
        of = life_of_gus(told)
        before, said = told.head(), told.texts()
        assert len([text for text in said if text.startswith("mine-")]) == 12
        told.tell("forget_contributor", id=of[account], ground="request", actor=of[account])
        assert told.texts() == {text for text in said if text.startswith("theirs-")}
        assert told.topics(before) == ["contributor.forgotten"] * 2
        for as_of in (None, 1, before // 2, before):
            assert "mine-" not in everything(told, as_of)
        assert "mine-" not in str(list(export_lines(told.journal)))


def test_what_a_person_made_stays_without_a_name(database: str) -> None:
    with story(database) as told:
        of = life_of_gus(told)
        with told.view() as view:
            before = parts.of_work(view, of["release"]).items
        told.tell("forget_contributor", id=of["gus"], ground="consent")
        with told.view() as view:
            after = parts.of_work(view, of["release"]).items
            for account in ("gus", "old"):
                one = contributors.person(view, of[account])
                assert (one["name"], one["state"]) == (None, "forgotten")
            assert contributors.person(view, of["old"])["merged_into"] == of["gus"]
            assert contributors.people(view, q="gus").items == []
            assert around.work(view, of["poem"])["title"] is None
            found = history.of_contributor(
                view, told.journal, of["gus"], actor="operator", limit=100
            ).items[-1]
        (name,) = (one["contributor"] for one in before if one["contributor"]["id"] == of["gus"])
        assert name["name"] == "mine-gus"
        name["name"] = None
        for one in (*before, *after):
            for credit in one["credits"]:
                credit["display"] = None
        assert after == before
        assert (found["topic"], found["content"]["ground"]) == ("contributor.forgotten", "consent")


def test_the_fact_names_what_was_erased_and_nothing_else(database: str) -> None:
    with story(database) as told:
        of = life_of_gus(told)
        owners = [of["gus"], of["old"]]
        owned = {text.digest for text in told.journal.facts.owned(owners)}
        before = told.head()
        receipt = told.tell("forget_contributor", id=of["gus"], ground="child")
        facts = [placed.fact() for placed in told.journal.read(before)]
        assert receipt == Acknowledgement(of["gus"], told.head())
        assert {digest for one in facts for digest in one.erases(None)} == owned
        assert [one.originator_id for one in facts] == [of["old"], of["gus"]]


def test_whoever_owned_very_much_is_forgotten_in_several_facts(database: str) -> None:
    """One leaf of the log could not hold all of it."""
    with story(database) as told:
        gus = told.person("gus")
        draft = told.journal.draft(is_vouched_for=True)
        for number in range(ERASED_IN_ONE_FACT + 5):
            carry_out(
                draft,
                "submit_contribution",
                actor=gus,
                title=f"mine {number}",
                medium="text",
                authors=[],
            )
        told.journal.commit(draft)
        before = told.head()
        receipt = told.tell("forget_contributor", id=gus, ground="request")
        facts = list(told.journal.read(before))
        assert receipt.position == facts[-1].position
        assert [len(one.fact().erases(None)) for one in facts] == [ERASED_IN_ONE_FACT, 6]
        assert max(len(one.state) for one in facts) < 60_000
        assert told.texts() == set()
        told.service.log.catch_up()
        assert told.tell("forget_contributor", id=gus, ground="request") == receipt


def test_what_came_back_from_a_backup_is_forgotten_once_more(tmp_path: Path) -> None:
    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        gus = told.person("gus")
        vault = told.store.engine.query("SELECT * FROM vault")
        first = told.tell("forget_contributor", id=gus, ground="request")
        assert told.tell("forget_contributor", id=gus, ground="request") == first
        with raw_connection(f"sqlite:///{tmp_path / 'stemma.db'}") as connection:
            connection.execute("INSERT INTO vault VALUES (?, ?, ?, ?, ?, ?)", vault[0])
        again = told.tell("forget_contributor", id=gus, ground="request")
        assert again.position == first.position + 1
        assert told.texts() == set()
        assert told.tell("forget_contributor", id=gus, ground="objection").position == told.head()


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_ground_is_a_word_that_says_nothing_about_anybody(
    ground: str, tmp_path: Path
) -> None:
    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        told.tell("forget_contributor", id=told.person("gus"), ground=ground)
        assert ground.isalpha()


# -- afterwards ----------------------------------------------------------------------------


def test_nobody_acts_as_a_forgotten_person_or_credits_them(database: str) -> None:
    with story(database) as told:
        of = life_of_gus(told)
        other = told.person("other")
        told.tell("forget_contributor", id=of["gus"], ground="request")
        before = told.head()
        gus, old, song = of["gus"], of["old"], of["song"]
        author = [{"contributor": old, "role": "writer"}]
        refused: list[tuple[type[Refusal], str, dict[str, Any]]] = [
            (ContributorForgotten, "submit_contribution",
             {"title": "t", "medium": "text", "authors": [], "actor": gus}),
            (ContributorForgotten, "submit_contribution",
             {"title": "t", "medium": "text", "authors": author}),
            (ContributorForgotten, "open_credit",
             {"work": song, "contributor": gus, "role": "dj", "actor": of["eva"]}),
            (ContributorForgotten, "claim_work", {"id": song, "contributor": old, "role": "dj"}),
            (ContributorForgotten, "merge_contributor", {"id": other, "into": gus}),
            (WrongState, "merge_contributor", {"id": gus, "into": other}),
            (MergeCycle, "merge_contributor", {"id": gus, "into": gus}),
            (ContributorForgotten, "redate_work",
             {"id": of["poem"], "made_at": "2018", "reason": "r", "actor": gus}),
            (ContributorForgotten, "forget_contributor",
             {"id": gus, "ground": "child", "actor": gus}),
            (ContributorForgotten, "grant_role", {"id": gus, "role": "moderator"}),
            (ContributorForgotten, "offer_membership", {"group": other, "contributor": old}),
            (ContributorForgotten, "offer_membership",
             {"group": gus, "contributor": other, "actor": gus}),
            (ContributorForgotten, "state_right",
             {"id": song, "right_holder": gus, "reason": "r"}),
            (ContributorForgotten, "divide_shares",
             {"id": other, "among": [{"contributor": gus, "part": "1/2"}]}),
        ]  # fmt: skip
        for kind, command, said in refused:
            with pytest.raises(kind) as found:
                told.tell(command, **said)
            assert type(found.value) is kind
        assert told.head() == before
        # What is on record about them is still decided.
        (claim,) = (
            placed.originator_id
            for placed in told.facts()
            if placed.topic == "credit.claimed"
            and getattr(placed.fact(), "work", "") == song
            and getattr(placed.fact(), "contributor", "") == gus
        )
        told.tell("accept_credit", id=claim)
        told.piece("cover", of["poem"])


def test_over_http_a_person_forgets_themself_and_their_keys_are_void(database: str) -> None:
    with serving(database) as served:
        gus, eva = served.admit("mine-gus"), served.admit("Eva")
        piece = served.post_piece("mine-piece", by=gus)
        own, second, other = served.acting(gus), served.acting(gus), served.acting(eva)
        path = f"/contributors/{gus}/forget"
        assert other.post(path, ground="request").code == "not_permitted"
        assert own.post(path, ground="I asked").code == "unknown_erasure_ground"
        assert own.post(path).code == "missing_field"
        answer = own.post(path, ground="request")
        assert answer.id == gus
        for client in (own, second, served.acting(gus)):
            assert client.get(f"/works/{piece}").status == 401
            assert client.post("/contributions", title="t", medium="text").status == 401
        keys = served.service.keys.list([gus])
        assert len(keys) == 3
        assert {key.state for key in keys} == {"void"}
        told = [one for one in served.operator.get("/keys").items if one["holder"] == gus]
        forgotten = served.operator.get(f"/contributors/{gus}/history").items[-1]["recorded_at"]
        assert {(one["state"], one["ended_at"]) for one in told} == {("void", forgotten)}
        operator = served.operator
        # Nothing is left to erase; that it was decided once more is on record.
        again = operator.post(path, ground="objection")
        assert again.json["position"] == answer.json["position"] + 1
        assert operator.post(path, ground="objection").json == again.json
        for as_of in range(served.head + 1):
            for asked in ("/works", "/contributors", f"/contributors/{gus}/history"):
                assert "mine-" not in operator.get(asked, as_of=as_of).text
        assert operator.get(f"/contributors/{gus}").json["state"] == "forgotten"
        credit = {"work": piece, "contributor": gus, "role": "editor"}
        assert operator.post("/credits", credit).code == "contributor_forgotten"
        for bundle in ("000.p/" + str(served.head),):
            served.service.log.catch_up()
            assert "mine-" not in operator.get(f"/log/entries/{bundle}").text


# -- at the same moment --------------------------------------------------------------------


def forgotten(told: Story, id: str) -> Acknowledgement:
    """The receipt, however often others were faster."""
    while True:
        with suppress(Busy):
            return told.tell("forget_contributor", id=id, ground="request")


def test_what_a_person_writes_while_being_forgotten_does_not_survive(database: str) -> None:
    """Whatever comes first: each of their texts is named as erased, or was refused."""
    with story(database) as told:
        eva = told.person("eva")
        for number in range(8):
            gus = told.person(f"mine-{number}")
            old = told.person(f"mine-old-{number}")
            answers: list[Any] = []

            def write(actor: str = gus, answers: list[Any] = answers) -> None:
                with suppress(ContributorForgotten, Busy):
                    answers.append(told.piece(f"mine-{len(answers)}-{actor}", actor=actor))
                # Nobody writes without a breath; forgetting would wait for it for ever.
                time.sleep(0.005 * (1 + len(answers) // 50))

            with meanwhile(write):
                while not answers:
                    pass
                at_once(
                    lambda id=gus: forgotten(told, id),
                    lambda id=gus: forgotten(told, id),
                    lambda id=old, into=gus: told.tell("merge_contributor", id=id, into=into),
                    lambda id=gus: told.credit(told.piece("theirs"), id, display="mine"),
                )
            # Whoever was merged before they were forgotten was forgotten, too.
            with told.view() as view:
                merged = contributors.person(view, old)["state"]
            left = {text for text in told.texts() if text.startswith("mine")}
            assert left <= ({f"mine-old-{number}"} if merged == "admitted" else set())
            if merged == "admitted":
                told.tell("forget_contributor", id=old, ground="request")
        assert told.texts() <= {"eva", "theirs"}
        assert told.tell("forget_contributor", id=eva, ground="request").position == told.head()


# -- proofs --------------------------------------------------------------------------------


def test_receipts_and_mirrors_from_before_hold_and_those_after_too(
    database: str, tmp_path: Path
) -> None:
    with serving(database, follow=False) as served:
        signer = served.service.log.signer
        assert signer is not None
        told = Story(served.service)
        of = life_of_gus(told)
        log = served.service.log
        log.catch_up()
        kept = [log.receipt(position) for position in range(1, told.head() + 1)]
        url, keys = f"http://127.0.0.1:{served.operator.port}/log", [signer.verifier]
        mirror(Remote(url, keys, api_key=OPERATOR_KEY), tmp_path / "mirror")
        told.tell("forget_contributor", id=of["gus"], ground="request")
        log.catch_up()
        for position, receipt in enumerate(kept, start=1):
            assert verify_receipt(receipt, keys).leaf.position == position
            assert verify_receipt(log.receipt(position), keys).leaf.position == position
        last = verify_receipt(log.receipt(told.head()), keys).leaf
        assert last.topic == "contributor.forgotten"
        assert (
            mirror(Remote(url, keys, api_key=OPERATOR_KEY), tmp_path / "mirror").checkpoint.size
            == told.head()
        )


# -- out and in ----------------------------------------------------------------------------


def put_in(told: Story, lines: list[Line]) -> None:
    found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, start=1))
    assert import_lines(told.journal, found, batch=5).refused == []


def test_an_export_brings_back_the_same_answers_and_an_old_one_nothing_forgotten(
    database: str, tmp_path: Path
) -> None:
    with story(f"sqlite:///{tmp_path / 'first.db'}") as first, story(database) as second:
        of = life_of_gus(first)
        old_export = list(export_lines(first.journal))
        assert "mine-" in str(old_export)
        first.tell("forget_contributor", id=of["gus"], ground="request")
        export = list(export_lines(first.journal))
        assert "mine-" not in str(export)
        put_in(second, old_export)
        for lines in (export, old_export, export):
            put_in(second, lines)
            assert list(export_lines(second.journal)) == export
        for as_of in (None, 3, len(old_export)):
            assert everything(second, as_of) == everything(first, as_of)
        assert second.texts() == first.texts()


# -- the files -----------------------------------------------------------------------------


@contextmanager
def crowd(database: str) -> Iterator[tuple[Story, list[str]]]:
    """Many people with texts of many lengths, of whom every second is to be forgotten."""
    chance = random.Random(7)
    with story(database) as told:
        draft = told.journal.draft()
        people = [f"Person{number:02}" for number in range(40)]
        for name in people:
            carry_out(
                draft, "admit_contributor", actor=OPERATOR, name=f"{name} Ünique", id=id_of(name)
            )
        for number in range(400):
            name = chance.choice(people)
            title = f"{name} said {number} " + "Ä" * chance.randrange(200)
            evidence = f"{name} wrote {number} " + chance.randbytes(1500).hex()
            carry_out(
                draft, "submit_contribution",
                actor=id_of(name), title=title, medium="text", authors=[],
                sources=[{"uri": f"urn:x:{number}", "kind": "sample", "note": evidence}],
            )  # fmt: skip
        told.journal.commit(draft)
        told.service.follower.catch_up()
        yield told, people


def left_of(people: list[str], data: bytes) -> set[str]:
    return {
        name for name in people if any(text.encode() in data for text in (name, name.casefold()))
    }


def test_the_files_of_sqlite_hold_nothing_of_who_was_forgotten(tmp_path: Path) -> None:
    """The write-ahead log neither, nor copies of rows that deleting others has moved."""
    folder = tmp_path / "data"
    with crowd(f"sqlite:///{folder / 'stemma.db'}") as (told, people):

        def data() -> bytes:
            return b"".join(file.read_bytes() for file in folder.iterdir())

        assert left_of(people, data()) == set(people)
        for name in people[::2]:
            told.tell("forget_contributor", id=id_of(name), ground="request")
        told.service.follower.catch_up()
        assert told.journal.facts.vacuum()
        assert left_of(people, data()) == set(people[1::2])


def test_the_write_ahead_log_is_emptied_as_soon_as_nobody_reads_from_it(tmp_path: Path) -> None:
    path = tmp_path / "stemma.db"
    with story(f"sqlite:///{path}") as told:
        gus = told.person("mine-gus")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM vault").fetchone()
        told.tell("forget_contributor", id=gus, ground="request")
        wal = tmp_path / "stemma.db-wal"
        assert b"mine-gus" in wal.read_bytes()
        reader.execute("COMMIT")
        reader.close()
        for step in told.service.follower.steps:
            step()
        assert b"mine-gus" not in path.read_bytes() + wal.read_bytes()


def relations(database: str) -> bytes:
    """Every file of the tables and indexes of a database, as the server reads them."""
    with raw_connection(database) as connection:
        if not connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user"
                                  ).fetchone()[0]:  # fmt: skip
            pytest.skip("only a superuser may read the files of a server")
        connection.execute("CHECKPOINT")
        return b"".join(
            row[0]
            for row in connection.execute(
                "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class "
                "WHERE relfilenode <> 0 AND relkind IN ('r', 'i', 't') AND NOT relisshared"
            )
        )


def test_the_files_of_postgres_hold_nothing_of_who_was_forgotten(postgres_dsn: str) -> None:
    """Of the vault, its index and its long texts; deleting alone would leave all of it."""
    with crowd(postgres_dsn) as (told, people):
        assert left_of(people, relations(postgres_dsn)) == set(people)
        with psycopg.connect(postgres_dsn) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM stored_events")
            for name in people[::2]:
                told.tell("forget_contributor", id=id_of(name), ground="request")
            told.service.follower.catch_up()
            assert left_of(people, relations(postgres_dsn)) == set(people)
            assert not told.journal.facts.vacuum(), "a transaction may still read what was erased"
        assert told.journal.facts.vacuum()
        assert left_of(people, relations(postgres_dsn)) == set(people[1::2])


def test_only_the_owner_of_the_tables_can_vacuum(postgres_dsn: str) -> None:
    """PostgreSQL would pass the table over with a warning, and say that all went well."""
    role = "stemma_test_" + postgres_dsn.rpartition("/stemma_test_")[2].partition("?")[0]
    with story(postgres_dsn), raw_connection(postgres_dsn) as connection:
        connection.execute(f"CREATE ROLE {role}")
        connection.execute(f"GRANT SELECT ON layouts TO {role}")  # as every role that opens it has
        try:
            as_role = make_conninfo(postgres_dsn, options=f"-c role={role}")
            with (
                story(as_role, create=False) as told,
                pytest.raises(NotPermitted, match=f"{role} may not vacuum"),
            ):
                told.journal.facts.vacuum()
        finally:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


# -- the command line ----------------------------------------------------------------------


def test_a_person_is_forgotten_from_the_command_line(database: str) -> None:
    run = Stemma(database)
    run("contributor", "add", "--id", "gus", "--name", "mine-gus")
    run("contribution", "post", "--id", "p", "--title", "mine-p", "--medium", "text", "--author",
        "gus writer", "--by", "gus")  # fmt: skip
    run.wrong("forget", "gus", "--ground", "because", status=2)
    assert '"position": 5' in run("forget", "gus", "--ground", "request", "--by", "gus")
    assert "contributor_forgotten" in run.wrong("key", "create", "--for", "gus")
    assert "mine-" not in run("export", "-")
    assert "(forgotten)" in run("contributors", "p")
    run("vacuum")
