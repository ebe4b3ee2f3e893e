"""Appends of several threads that share a transaction: each has its own outcome.

A group is made by holding the append before it until all of its members wait.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from eventsourcing.persistence import IntegrityError
from stories import NOON, OPERATOR, Story, carry_out, id_of, story
from tampering import lose

from domain.chain import Chains
from domain.clock import START, Point
from domain.commands.admitting import AdmitContributor
from domain.condition import Condition, Spent
from domain.contributor import Contributor
from domain.draft import Draft
from domain.engine import DatabaseUnavailable, OutcomeUnknown
from domain.engine.deadline import TookTooLong, within
from domain.grant import grant_id
from domain.moment import instant
from domain.receipt import read_leaf
from domain.refusal import (
    ContributorForgotten,
    IdempotencyKeyReused,
    IdTaken,
    TooLarge,
    Unknown,
)
from domain.request import Request
from domain.stored import FACTS
from domain.together import Together
from domain.tree import leaf_hash

SIZE = 4
FIRST = Point(1, instant(NOON))
"""The end of a journal that holds the fact of ``admitted`` alone."""


def admitted(name: str, version: int = 1, **said: Any) -> Contributor.Admitted:
    """A person who comes into being; their name is no secret here."""
    told = {"originator_id": id_of(name), "originator_version": version, "name": name}
    return Contributor.Admitted(timestamp=NOON, actor=OPERATOR, **{**told, **said})


def append(told: Story, *facts: Contributor.Admitted, **terms: Any) -> list[int]:
    """Record facts as the journal does."""
    stored = list(map(told.journal.mapper.to_stored_event, facts))
    about, found = [one.subjects() for one in facts], [one.found_by() for one in facts]
    recorder = told.journal.facts
    return list(recorder.insert_events(stored, facts=facts, about=about, found=found, **terms))


@contextmanager
def one_group(told: Story, *members: Callable[[], Any]) -> Iterator[list[Future[Any]]]:
    """What becomes of members that are recorded together, in this order."""
    together, begun = told.journal.facts.appending.together, threading.Event()

    def hold(*_: Any) -> None:
        begun.set()
        wait_for(lambda: together.waiting == len(members))

    with ThreadPoolExecutor(len(members) + 1) as pool:
        first = pool.submit(append, told, admitted(f"first {told.head()}"), keeping=hold)
        wait_for(lambda: begun.is_set() or first.done())
        futures = []
        for number, member in enumerate(members, start=1):
            futures.append(pool.submit(member))
            if number < len(members):  # with the last one the group begins at once
                wait_for(partial(waits, together, number, futures[-1]))
        first.result()
    yield futures


def waits(together: Together[Any, Any], number: int, last: Future[Any]) -> bool:
    """Whether so many wait for the next group."""
    assert not last.done()
    return together.waiting == number


def wait_for(is_so: Callable[[], bool]) -> None:
    """Until something is so."""
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.001)


def must_be_whole(told: Story) -> None:
    """Positions without gaps, and every history linked."""
    facts, chains = told.facts(), Chains()
    assert [one.position for one in facts] == list(range(1, len(facts) + 1))
    for one in facts:
        chains.follow(read_leaf(one.leaf()), leaf_hash(one.leaf()))


# -- one that breaks a rule ------------------------------------------------------------------


def overtaken_before(told: Story, name: str) -> list[int]:
    """By what was recorded before the group."""
    seen = Condition(START, {Contributor.Admitted.TOPIC: {id_of("ana")}})
    return append(told, admitted(name), condition=seen)


def taken_version(told: Story, name: str) -> list[int]:
    """A place in a stream that has been taken: the database itself refuses it."""
    return append(told, admitted(name), admitted("ana"))


def taken_key(told: Story, name: str) -> list[int]:
    """An idempotency key that was used before the group."""
    return append(told, admitted(name), requests=[asked(name, "ana's key")])


def spent_quota(told: Story, name: str) -> list[int]:
    """More was spent than was known."""
    known = Condition(START, {}, spent=[Spent(("ana",), "works", "", 0)])
    return append(told, admitted(name), condition=known)


def broken_statement(told: Story, name: str) -> list[int]:
    """An error of the database itself."""
    return append(
        told,
        admitted(name),
        keeping=lambda writer, *_: writer.query("SELECT no_such FROM requests"),
    )


def unreadable(told: Story, name: str) -> list[int]:
    """A mistake in our own program."""
    return append(told, admitted(name), keeping=lambda *_: {}["no such key"])


def killed(told: Story, name: str) -> list[int]:
    """The connection breaks."""

    def kill(writer: Any, *_: Any) -> None:
        if not writer.engine.TYPES.get("TEXT"):  # SQLite has no connections to kill
            raise DatabaseUnavailable("disk I/O error")
        writer.query("SELECT pg_terminate_backend(pg_backend_pid())")

    return append(told, admitted(name), keeping=kill)


def asked(name: str, key: str) -> Request:
    """A request that was sent under a key."""
    return Request(name, 0, "digest", (), name, key)


BAD = {
    overtaken_before: IntegrityError,
    taken_version: IntegrityError,
    taken_key: IntegrityError,
    spent_quota: IntegrityError,
    broken_statement: DatabaseUnavailable,
    unreadable: KeyError,
    killed: DatabaseUnavailable,
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_one_that_breaks_a_rule_takes_no_other_with_it_wherever_it_stands(
    bad: Callable[[Story, str], list[int]], database: str
) -> None:
    with story(database) as told:
        append(told, admitted("ana"), requests=[asked("ana", "ana's key")], spent=[SPENT_BY_ANA])
        for place in range(SIZE):
            names = [f"{place}/{number}" for number in range(SIZE)]
            members = [
                partial(append, told, admitted(name), requests=[asked(name, f"key {name}")])
                for name in names
            ]
            members[place] = partial(bad, told, names[place])
            before = told.head() + 1
            with one_group(told, *members) as futures:
                broken = futures.pop(place).exception()
                assert isinstance(broken, BAD[bad])
                positions = sorted(position for one in futures for position in one.result())
            assert positions == list(range(before + 1, before + SIZE))
            assert not told.journal.facts.streams([id_of(names[place])])
            kept = told.journal.facts.requests(names)
            assert {one.target for one in kept} == {*names} - {names[place]}
        must_be_whole(told)


SPENT_BY_ANA = (0, "ana", "works")


def test_what_does_not_fit_is_refused_before_it_joins_a_group(database: str) -> None:
    with story(database) as told:
        large = admitted("ana", owners="x" * 70_000)
        stored = told.journal.mapper.to_stored_event(large)
        with pytest.raises(TooLarge):
            told.journal.append_stored([stored], facts=[large])
        assert told.head() == 0


# -- in one group ----------------------------------------------------------------------------


def test_a_group_has_one_transaction_and_the_order_in_which_its_members_came(
    database: str,
) -> None:
    with story(database) as told:
        members = [partial(append, told, admitted(f"{n}a"), admitted(f"{n}b")) for n in range(SIZE)]
        with one_group(told, *members) as futures:
            assert [one.result() for one in futures] == [[2, 3], [4, 5], [6, 7], [8, 9]]
        must_be_whole(told)
        if not database.startswith("sqlite:"):
            sql = "SELECT count(DISTINCT CAST(xmin AS TEXT)) FROM stored_events"
            assert told.service.engine.query(sql) == [(2,)]


@pytest.mark.parametrize("place", range(SIZE))
def test_members_that_contradict_each_other_are_recorded_up_to_the_first(
    place: int, database: str
) -> None:
    """Those after ``place`` watch what it records; none before it does."""
    with story(database) as told:
        name = f"{place}"
        watching = Condition(FIRST, {Contributor.Admitted.TOPIC: {id_of(name)}})
        members = [
            partial(append, told, admitted(f"{number}"), condition=watching)
            for number in range(SIZE)
        ]
        with one_group(told, *members) as futures:
            ended = [one.exception() is None for one in futures]
        assert ended == [number <= place for number in range(SIZE)]
        must_be_whole(told)


def test_members_spend_one_quota(database: str) -> None:
    with story(database) as told:
        known = Condition(FIRST, {}, spent=[Spent(("ana",), "works", "", 0)])
        members = [
            partial(append, told, admitted(f"{n}"), condition=known, spent=[SPENT_BY_ANA])
            for n in range(SIZE)
        ]
        with one_group(told, *members) as futures:
            assert [one.exception() is None for one in futures] == [True, False, False, False]
        must_be_whole(told)


def test_members_with_one_subject_are_linked_to_each_other(database: str) -> None:
    with story(database) as told:
        told.person("ana")
        drafts = [decided(told, f"piece {number}") for number in range(SIZE)]
        with one_group(told, *(partial(told.journal.commit, draft) for draft in drafts)):
            pass
        must_be_whole(told)
        links = [link for one in told.facts() for link in one.linked()]
        assert sorted(one.number for one in links if one.subject == id_of("ana")) == [1, 2, 3, 4, 5]


def test_of_commands_in_one_group_each_has_its_own_answer(database: str) -> None:
    """The same request is carried out once, another under its key or its id is refused."""
    with story(database) as told:

        def admit(name: str, key: str, id: str | None = None) -> Any:
            command = AdmitContributor(name=name, id=id and id_of(id))
            return told.journal.record(command, key=key)

        members = [
            partial(admit, "Ana", "a", "ana"),
            partial(admit, "Ana", "a", "ana"),
            partial(admit, "Eva", "a", "eva"),
            partial(admit, "Ben", "b", "ana"),
            partial(admit, "Gus", "g"),
        ]
        with one_group(told, *members) as (once, again, reused, taken, other):
            assert once.result() == again.result()
            assert isinstance(reused.exception(), IdempotencyKeyReused)
            assert isinstance(taken.exception(), IdTaken)
            assert other.result().position == 3
        assert told.head() == 3
        must_be_whole(told)


# -- one that says where it belongs ----------------------------------------------------------


def test_what_comes_from_another_journal_leaves_no_gap(database: str) -> None:
    """Not even if facts before it are lost between when it was read and when it is recorded."""
    with story(database) as told:
        told.person("ana")
        for position in (1, 3):
            with pytest.raises(IntegrityError):
                append(told, admitted("ben"), positions=[position])
        assert append(told, admitted("ben"), positions=[2]) == [2]
        must_be_whole(told)


# -- one that erases -------------------------------------------------------------------------


def test_what_is_refused_erases_nothing(database: str) -> None:
    """Not even if its condition fails only when it is recorded, under the lock."""
    with story(database) as told:
        told.person("ana")
        names = [one.digest for one in told.journal.facts.owned([id_of("ana")])]
        seen = Condition(START, {Contributor.Admitted.TOPIC: {id_of("ana")}})
        for condition in (seen, seen._replace(emptied=[id_of("ana")])):
            with pytest.raises(IntegrityError):
                append(told, admitted("ben"), erased=names, condition=condition)
        assert [*told.journal.facts.texts(names).values()] == ["ana"]
        assert told.head() == 1


# -- waiting ---------------------------------------------------------------------------------


class Broken(BaseException):
    """Ends a thread."""


def gathered(do: Callable[[list[str]], list[str]], *asked: str) -> list[Any]:
    """What each of several threads is answered, of which the first holds the others up."""
    begun, go_on = threading.Event(), threading.Event()

    def held(first: str, close: Any) -> list[str]:
        those = close()
        if first == "first":
            begun.set()
            assert go_on.wait(60)
            return ["first"]
        return do(those)

    together = Together[str, str](held, 3)
    with ThreadPoolExecutor(len(asked) + 1) as pool:
        pool.submit(together.ask, "first")
        assert begun.wait(60)
        futures = []
        for number, what in enumerate(asked, start=1):
            futures.append(pool.submit(together.ask, what))
            wait_for(partial(waits, together, number, futures[-1]))
        go_on.set()
        told = [one.exception() or one.result() for one in futures]
    assert together.ask("last")
    return told


def test_a_group_has_so_many_at_most() -> None:
    groups: list[list[str]] = []

    def do(those: list[str]) -> list[str]:
        groups.append(those)
        return those

    assert gathered(do, *"abcdefg") == [*"abcdefg"]
    assert groups == [["a", "b", "c"], ["d", "e", "f"], ["g"], ["last"]]


def test_a_group_is_open_until_it_is_closed() -> None:
    begun, groups = threading.Event(), list[list[str]]()

    def do(_first: str, close: Any) -> list[str]:
        begun.set()
        wait_for(lambda: together.waiting == 2)
        groups.append(close())
        return groups[-1]

    together = Together[str, str](do, SIZE)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(together.ask, "first")
        assert begun.wait(60)
        assert [*pool.map(together.ask, "ab")] == ["a", "b"]
        assert first.result() == "first"
    assert [sorted(group) for group in groups] == [["a", "b", "first"]]


def test_while_one_that_waits_for_its_turn_fails_the_others_go_on() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def do(first: str, close: Any) -> list[str]:
        begun.set()
        assert go_on.wait(60)
        if first == "first":
            raise TookTooLong("the lock")
        return list(close())

    together = Together[str, str](do, SIZE)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(together.ask, "first")
        assert begun.wait(60)
        others = [pool.submit(together.ask, name) for name in "ab"]
        wait_for(lambda: together.waiting == 2)
        go_on.set()
        assert isinstance(first.exception(), TookTooLong)
        assert [one.result() for one in others] == ["a", "b"]


def test_where_the_outcome_is_unknown_nothing_is_done_again() -> None:
    times: list[list[str]] = []

    def do(those: list[str]) -> list[str]:
        times.append(those)
        if "a" in those:
            raise OutcomeUnknown
        return those

    told = gathered(do, "a", "b")
    assert [type(one) for one in told] == [OutcomeUnknown, OutcomeUnknown]
    assert told[0] is not told[1]
    assert times == [["a", "b"], ["last"]]


def test_the_end_of_the_thread_that_does_it_holds_nobody_up() -> None:
    def do(those: list[str]) -> list[str]:
        if "a" in those:
            raise Broken
        return those

    assert [type(one) for one in gathered(do, "a", "b")] == [Broken, OutcomeUnknown]


def test_nobody_waits_for_a_group_beyond_their_deadline() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def do(_first: str, close: Any) -> list[str]:
        those = close()
        begun.set()
        assert go_on.wait(60)
        return list(those)

    together = Together[str, str](do, 3)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(together.ask, "first")
        assert begun.wait(60)
        with within(0.01), pytest.raises(TookTooLong):
            together.ask("late")
        assert together.waiting == 0
        go_on.set()
        assert first.result() == "first"


# -- one that is alone ---------------------------------------------------------------------------


def test_what_a_command_reads_is_of_one_moment_whoever_records_meanwhile(database: str) -> None:
    """Also if that happens between what it begins with, which is read at once, and the rest."""
    decided = list[tuple[int, int]]()

    with story(database) as told, story(database, create=False) as others:
        ana, ben = told.person("ana"), id_of("ben")

        def decide(draft: Draft) -> None:
            if not decided:
                others.person("ben")
            decided.append((draft.position, len(draft.stream(ben))))

        told.journal.decided(decide, about={ana})
        assert decided == [(1, 0), (2, 1)], "by what is remembered, then by what is read"


# -- after its own ---------------------------------------------------------------------------


def decided(told: Story, name: str, actor: str = OPERATOR, of: str = "ana") -> Draft:
    """A piece of Ana's, or of somebody else's, that is decided now."""
    by = [{"contributor": id_of(of), "role": "writer"}]
    about = {id_of(of), *read_first_of(actor)}
    with told.service.engine.snapshot():
        draft = told.journal.draft(basis=told.journal.facts.basis(about))
        told_of = {"title": name, "medium": "text", "authors": by, "id": id_of(name)}
        carry_out(draft, "submit_contribution", actor, **told_of)
    return draft


def read_first_of(actor: str) -> set[str]:
    return {actor} if actor == OPERATOR else {actor, grant_id(actor, "auditor")}


def test_what_was_decided_before_the_last_groups_is_linked_to_them_without_a_lock(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told:
        told.person("ana")
        told.piece("first", by=[id_of("ana")])
        early = [decided(told, f"early {number}") for number in range(SIZE)]
        monkeypatch.setattr(told.service.engine, "appending", None)
        told.piece("second", by=[id_of("ana")])
        for draft in early:
            told.journal.commit(draft)
        must_be_whole(told)


@pytest.mark.parametrize("actor", ["ana", ""])
def test_what_the_last_groups_contradict_is_not_recorded(actor: str, database: str) -> None:
    """A quota that was spent meanwhile, and a person who was forgotten."""
    with story(database) as told:
        told.person("ana")
        early = [decided(told, f"early {n}", id_of(actor) if actor else OPERATOR) for n in "ab"]
        told.journal.commit(early[0])
        if not actor:
            told.tell("forget_contributor", id=id_of("ana"), ground="request")
        with pytest.raises(IntegrityError):
            told.journal.commit(early[1])
        must_be_whole(told)


def test_what_others_spent_meanwhile_or_the_same_person_of_another_quota_contradicts_nothing(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        early = decided(told, "early", ana)
        song = told.piece("song", actor=ben)
        told.tell("post_comment", text="Yours?", work=song, actor=ana)
        told.journal.commit(early)
        must_be_whole(told)


def test_who_writes_again_is_not_read_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with story(database) as told:
        told.person("ana")
        told.piece("first", by=[id_of("ana")])
        monkeypatch.setattr(told.journal.facts, "basis", None)
        for number in range(SIZE):
            told.piece(f"more {number}", id_of("first"), by=[id_of("ana")])
        must_be_whole(told)


def test_beside_another_process_only_what_that_recorded_is_read(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told, story(database, create=False) as others:
        told.person("ana")
        told.piece("first", by=[id_of("ana")])
        monkeypatch.setattr(told.journal.facts, "basis", None)
        for number in range(SIZE):
            others.piece(f"theirs {number}", by=[id_of("ana")])
            others.edge(id_of(f"theirs {number}"), id_of("first"))
            told.piece(f"ours {number}", by=[id_of("ana")])
        must_be_whole(told)


def test_who_comes_while_another_process_writes_shares_the_next_transaction(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told, story(database, create=False) as others:
        engine, appending = told.service.engine, told.service.engine.appending
        told.person("ana")
        for name, where in {"first": told, "theirs": others, "too late": told}.items():
            where.piece(name, by=[id_of("ana")])  # from now on the lock is taken first
        head = told.head()
        transactions = []
        monkeypatch.setattr(
            engine, "appending", lambda *terms: transactions.append(terms) or appending(*terms)
        )
        with ThreadPoolExecutor(SIZE) as pool:
            with others.service.engine.appending(FACTS, "SELECT 1"):
                late = [
                    pool.submit(told.journal.record, AdmitContributor(name=f"late {number}"))
                    for number in range(SIZE)
                ]
                wait_for(lambda: told.journal.facts.appending.together.waiting == SIZE - 1)
            positions = sorted(one.result().position for one in late)
        assert positions == [*range(head + 1, head + 1 + SIZE)]
        assert len(transactions) == 1
        must_be_whole(told)


def test_what_is_remembered_of_others_counts_only_while_it_is_so(database: str) -> None:
    """What another process recorded meanwhile is refused, known, or in the way, all the same."""
    with story(database) as told, story(database, create=False) as others:
        told.person("ana")
        told.piece("first", by=[id_of("ana")])
        for _ in range(2):
            with pytest.raises(Unknown):
                told.piece("by both", id_of("piece"), by=[id_of("ana"), id_of("ben")])
        others.person("ben")
        others.piece("piece", by=[id_of("ben")])
        told.piece("by both", id_of("piece"), by=[id_of("ana"), id_of("ben")])
        others.tell("forget_contributor", id=id_of("ana"), ground="request")
        with pytest.raises(ContributorForgotten):
            told.piece("by a forgotten one", by=[id_of("ana")])
        must_be_whole(told)


def test_what_a_failover_lost_is_not_built_on(database: str) -> None:
    with story(database) as told:
        told.person("ana")
        early = decided(told, "early")
        told.person("ben")
        lose(database, after=1)
        assert told.journal.commit(early) == range(2, 4)
        must_be_whole(told)


@pytest.mark.parametrize("ours", range(3))
@pytest.mark.parametrize("theirs", range(3))
def test_what_was_decided_on_what_a_failover_lost_is_not_recorded(
    theirs: int, ours: int, database: str
) -> None:
    """Whoever has recorded something in its place; and what is remembered of it is forgotten."""
    with story(database) as told, story(database, create=False) as others:
        told.person("ana")
        told.person("ben")
        early = decided(told, "early", of="ben")
        lose(database, after=1)
        for number in range(theirs):
            others.person(f"theirs {number}")
        for number in range(ours):
            told.person(f"ours {number}")
        with pytest.raises(IntegrityError):
            told.journal.commit(early)
        with pytest.raises(Unknown):
            told.piece("late", by=[id_of("ben")])
        told.piece("of Ana", by=[id_of("ana")])
        must_be_whole(told)
