"""The journal on both engines: gapless, guarded against whoever writes at the same moment,
unalterable, and forgetful of what was erased.

Every race here is a real one: threads, or processes, on a real database.
"""

import random
from functools import partial
from pathlib import Path

import pytest
from eventsourcing.persistence import IntegrityError
from stories import (
    NOON,
    OPERATOR,
    Story,
    at_once,
    carry_out,
    every_fact,
    id_of,
    raw_connection,
    story,
)

from domain.contributor import Contributor
from domain.draft import Acknowledgement
from domain.fact import read_fact
from domain.refusal import MergeCycle, Refusal
from domain.request import Request

ROUNDS = 30

# -- facts are not changed -----------------------------------------------------------------

CHANGES = [
    "UPDATE stored_events SET topic = 'x'",
    "UPDATE stored_events SET state = state WHERE originator_version = 1",
    "DELETE FROM stored_events",
    "DELETE FROM stored_events WHERE topic = 'contributor.admitted'",
]


def test_all_that_is_read_in_a_snapshot_is_of_one_moment(database: str) -> None:
    """So it is for audits and backups; a command alone reads aside what it bounds itself."""
    with story(database) as told:
        told.person("ana")
        with told.service.engine.snapshot():
            before = told.journal.facts.after(0, 10)
            at_once(partial(told.person, "ben"))
            assert told.journal.facts.after(0, 10) == before
            assert told.journal.facts.head() == len(before)
        assert told.head() == len(before) + 1


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_itself_refuses_to_change_a_fact(change: str, database: str) -> None:
    with story(database) as told:
        told.person("ana")
        before = told.facts()
        with (
            raw_connection(database) as connection,
            pytest.raises(Exception, match="facts are immutable"),
        ):
            connection.execute(change)
        assert told.facts() == before


@pytest.mark.parametrize("truncate", ["TRUNCATE stored_events", "TRUNCATE stored_events CASCADE"])
def test_postgres_refuses_to_truncate_the_facts(truncate: str, postgres_dsn: str) -> None:
    with story(postgres_dsn) as told:
        told.person("ana")
        with (
            raw_connection(postgres_dsn) as connection,
            pytest.raises(Exception, match="facts are immutable"),
        ):
            connection.execute(truncate)
        assert told.head() == 1


@pytest.mark.parametrize("other", ["originator_id", f"'{id_of('other')}'"])
def test_sqlite_does_not_replace_a_fact_either(other: str, tmp_path: Path) -> None:
    """REPLACE deletes what is in its way without a DELETE: a stream's version, or a position."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        told.person("ana")
        before = told.facts()
        with (
            raw_connection(database) as connection,
            pytest.raises(Exception, match="facts are immutable"),
        ):
            connection.execute(
                f"REPLACE INTO stored_events SELECT position, {other}, originator_version, "
                "'x', state, links FROM stored_events"
            )
        assert told.facts() == before


@pytest.mark.parametrize("characters", [5_000, 3_000_000])
def test_an_append_of_any_size_arrives(characters: int, database: str) -> None:
    """psycopg's pipeline waits for ever when one message is larger than the socket's buffer."""
    with story(database) as told:
        draft = told.journal.draft()
        for number in range(characters // 5_000):
            source = {"uri": f"urn:x:{number}", "kind": "sample", "note": "n" * 5_000}
            carry_out(
                draft,
                "submit_contribution",
                actor=OPERATOR,
                title="t",
                medium="text",
                authors=[],
                sources=[source],
            )
        told.journal.commit(draft)
        assert told.head() == 3 * characters // 5_000


# -- positions -----------------------------------------------------------------------------


def test_positions_have_no_gaps_after_conflicts(database: str) -> None:
    with story(database) as told:
        told.person("ana")
        stored = told.journal.mapper.to_stored_event(told.facts()[0].fact())
        for _ in range(3):
            with pytest.raises(IntegrityError):
                told.journal.append_stored([stored])
        told.person("ben")
        assert [placed.position for placed in told.facts()] == [1, 2]


def test_facts_can_be_given_the_positions_they_had(database: str) -> None:
    """As an import of an export does; only the next ones, so that there are no gaps."""
    with story(database) as told:
        told.person("ana")
        first = told.facts()[0]
        other = read_fact(id_of("ben"), *first[2:5])
        stored = told.journal.mapper.to_stored_event(other)
        assert told.journal.append_stored([stored], positions=[2]) == [2]
        told.person("eva")
        more = told.journal.mapper.to_stored_event(read_fact(id_of("x"), *first[2:5]))
        for position in (3, 5):
            with pytest.raises(IntegrityError):
                told.journal.append_stored([more], positions=[position])
        assert [placed.position for placed in told.facts()] == [1, 2, 3]


def test_many_who_append_at_once_get_positions_without_gaps(database: str) -> None:
    """And every fact that was acknowledged is there exactly once."""
    with story(database) as told:

        def post(worker: int) -> list[Acknowledgement]:
            return [
                told.tell(
                    "submit_contribution",
                    title=f"{worker}/{number}",
                    medium="text",
                    authors=[],
                    sources=[{"uri": f"https://example.org/{number}", "kind": "sample"}],
                )
                for number in range(12)
            ]

        answers = at_once(*(partial(post, worker) for worker in range(6)))
        receipts = [receipt for worker in answers for receipt in worker]
        facts = told.facts()
        assert [placed.position for placed in facts] == list(range(1, len(facts) + 1))
        born = [placed for placed in facts if placed.topic == "contribution.submitted"]
        assert sorted(placed.originator_id for placed in born) == sorted(r.id for r in receipts)
        assert len(born) == 72
        # Twelve sources outside, each cited by six at the same time, exist once each.
        assert [placed.topic for placed in facts].count("outside.cited") == 12
        assert {facts[receipt.position - 1].topic for receipt in receipts} == {"remix.declared"}
        assert len({receipt.position for receipt in receipts}) == 72


def test_the_tools_of_the_library_read_the_journal(database: str) -> None:
    with story(database) as told:
        for name in ("ana", "ben", "eva"):
            told.person(name)
        told.tell("merge_contributor", id=id_of("ben"), into=id_of("ana"))
        facts = [(one.position, one.topic) for one in told.facts()]
        recorder = told.journal.recorder
        assert recorder.max_notification_id() == 4
        assert [(n.id, n.topic) for n in recorder.select_notifications(None, 10)] == facts
        between = recorder.select_notifications(1, 10, 3, inclusive_of_start=False)
        assert [(n.id, n.topic) for n in between] == facts[1:3]
        merged = recorder.select_notifications(1, 10, topics=["contributor.merged"])
        assert [n.id for n in merged] == [4]
        stream = [placed.fact() for placed in told.journal.facts.streams([id_of("ben")])]
        assert list(told.journal.events.get(id_of("ben"))) == stream
        assert list(told.journal.events.get(id_of("ben"), desc=True, limit=1)) == stream[1:]
        assert list(told.journal.events.get(id_of("ben"), gt=1, lte=2)) == stream[1:]


# -- requests ------------------------------------------------------------------------------


def test_what_was_asked_of_a_target_is_recorded_with_its_facts(database: str) -> None:
    """A request says which fact of its append it stands at, and is kept at that position."""
    with story(database) as told:
        told.person("ana")
        requests = [
            Request("b", 0, "digest-1", ("text-1", "text-2"), "one"),
            Request("a", 1, "digest-2", (), "two"),
            Request("b", 2, "digest-3", ("Ä😀\u2028",), "three"),
        ]
        append_with(told, "ben", "eva", "gus", requests=requests)
        at = [asked._replace(position=asked.position + 2) for asked in requests]
        assert told.journal.facts.requests(["b", "a", "nobody"]) == at
        assert told.journal.facts.requests(["a"]) == [at[1]]
        assert told.journal.facts.requests([]) == []
        assert told.journal.facts.requests_between(2, 3) == [at[1]]


def test_a_request_is_not_recorded_without_its_facts(database: str) -> None:
    with story(database) as told:
        told.person("ana")
        with pytest.raises(IntegrityError):
            append_with(told, "ana", requests=[Request("a", 0, "digest", (), "one")])
        assert told.journal.facts.requests(["a"]) == []


def test_facts_are_not_recorded_without_their_request(database: str) -> None:
    """Two requests never stand at one position."""
    with story(database) as told:
        twice = [Request("a", 0, "digest", (), "one"), Request("a", 0, "other", (), "two")]
        with pytest.raises(IntegrityError):
            append_with(told, "ana", requests=twice)
        assert told.head() == 0
        assert told.journal.facts.requests(["a"]) == []


def test_requests_of_any_size_arrive(database: str) -> None:
    texts = tuple(f"{number:064}" for number in range(40_000))
    with story(database) as told:
        append_with(told, "ana", requests=[Request("a", 0, "digest", texts, "one")])
        assert told.journal.facts.requests(["a"]) == [Request("a", 1, "digest", texts, "one")]


def append_with(told: Story, *names: str, requests: list[Request]) -> None:
    """Admit people by the journal's own append."""
    facts = [
        Contributor.Admitted(
            originator_id=id_of(name),
            originator_version=1,
            timestamp=NOON,
            actor=OPERATOR,
            name=f"the commitment to {name}",
        )
        for name in names
    ]
    stored = list(map(told.journal.mapper.to_stored_event, facts))
    told.journal.append_stored(stored, facts=facts, requests=requests)


# -- races ---------------------------------------------------------------------------------


def test_two_merges_into_each_other_at_once_do_not_close_a_cycle(database: str) -> None:
    with story(database) as told:
        for number in range(ROUNDS):
            a, b, c = (told.person(f"{name} {number}") for name in "abc")
            answers = at_once(
                *(
                    partial(told.tell, "merge_contributor", id=one, into=other)
                    for one, other in ((a, b), (b, c), (c, a))
                )
            )
            refused = [answer for answer in answers if isinstance(answer, Refusal)]
            assert [type(refusal) for refusal in refused] == [MergeCycle]


def test_of_many_with_the_same_id_and_content_all_get_the_same_receipt(database: str) -> None:
    with story(database) as told:
        ana = told.person("ana")
        for number in range(ROUNDS // 2):
            post = partial(told.piece, f"piece {number}", by=[ana])
            record = partial(told.person, f"x {number}")
            before = told.head()
            answers = at_once(post, record, post, record)
            assert answers[0] == answers[2]
            assert answers[1] == answers[3]
            assert told.head() == before + 3


def test_of_many_with_the_same_id_and_other_content_one_is_first(database: str) -> None:
    with story(database) as told:
        for number in range(ROUNDS // 2):
            answers = at_once(
                *(
                    partial(told.tell, "admit_contributor", name=name, id=id_of(f"{number}"))
                    for name in ("one", "two", "three")
                )
            )
            assert sorted(type(answer).__name__ for answer in answers) == [
                "Acknowledgement",
                "IdTaken",
                "IdTaken",
            ]
        assert told.head() == ROUNDS // 2


@pytest.mark.parametrize("verbs", [("accept", "decline"), ("accept", "accept")])
def test_two_decisions_about_a_credit_at_once_come_one_after_the_other(
    verbs: tuple[str, str], database: str
) -> None:
    with story(database) as told:
        ana = told.person("ana")
        for number in range(ROUNDS // 3):
            credit = told.credit(told.piece(f"piece {number}"), ana)
            at_once(
                *(
                    partial(told.tell, f"{verb}_credit", id=credit, reason=str(place))
                    for place, verb in enumerate(verbs)
                )
            )
        facts = told.facts()
        for placed in facts:
            stream = [one for one in facts if one.originator_id == placed.originator_id]
            versions = [one.originator_version for one in stream]
            assert versions == list(range(1, len(stream) + 1))
            if placed.topic == "credit.granted":
                topics = [one.topic for one in stream[1:]]
                assert len(topics) == len(set(topics)) > 0


# -- the vault -----------------------------------------------------------------------------


@pytest.mark.after(told=every_fact)
def test_a_withdrawn_title_is_in_the_vault_no_longer_and_all_other_texts_are(
    database: str,
) -> None:
    with story(database) as told:
        texts = {text for (text,) in told.journal.engine.query("SELECT value FROM vault")}
        assert "text-title-poem" not in texts
        assert {"text-title-song", "text-name-ana", "text-reason-withdraw"} <= texts


def test_a_withdrawn_title_is_not_in_the_file_either(tmp_path: Path) -> None:
    """Nor any of its neighbours that were withdrawn: long ones have pages of their own."""
    path = tmp_path / "stemma.db"
    titles = [f"Unmistakable{number:03}" + "Ä" * (number * 7 % 480) for number in range(120)]
    with story(f"sqlite:///{path}") as told:
        pieces = [told.piece(title) for title in titles]
        told.service.follower.catch_up()
        withdrawn = random.Random(1).sample(range(120), 60)
        for number in withdrawn:
            told.tell("withdraw_contribution", id=pieces[number], reason="r")
        with told.view():
            pass
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for number, title in enumerate(titles):
        for text in (title, title.casefold()):
            assert (text[:15].encode() in left) == (number not in withdrawn), number


def test_a_text_is_erased_only_together_with_the_fact_that_says_so(database: str) -> None:
    """A withdrawal that is overtaken by another erases nothing by itself."""
    with story(database) as told:
        piece = told.piece("piece")
        draft = told.journal.draft()
        carry_out(draft, "withdraw_contribution", actor=OPERATOR, id=piece, reason="r")
        told.tell("redate_work", id=piece, made_at="2020", reason="r")
        with pytest.raises(IntegrityError):
            told.journal.commit(draft)
        texts = {text for (text,) in told.journal.engine.query("SELECT value FROM vault")}
        assert "piece" in texts
