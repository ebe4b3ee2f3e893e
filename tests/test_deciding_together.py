"""Brief commands of several threads: decided on one draft, each with its own answer.

A group is made by holding the command before it, which asks for the time, until all of its members
wait.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import pytest
from stories import OPERATOR, Story, id_of, story
from test_together import must_be_whole, wait_for, waits

from domain.commands.submitting import SubmitContribution
from domain.draft import Draft
from domain.engine import DatabaseUnavailable
from domain.engine.deadline import TookTooLong, within
from domain.fact import New
from domain.journal import MOST_PARTS
from domain.past import Past
from domain.permission import QUOTAS
from domain.refusal import (
    ContributorForgotten,
    IdempotencyKeyReused,
    IdTaken,
    QuotaExceeded,
    TextTooLong,
    Unknown,
)

SIZE = 4
BROKEN = {"a mistake of ours": KeyError("x"), "a broken connection": DatabaseUnavailable("gone")}
"""By title: the error in which deciding on such a piece ends."""


def people(told: Story) -> None:
    """Ana, Eva, and Gus, who was forgotten; a piece that is there, and one sent under a key."""
    for name in ("ana", "eva", "gus"):
        told.person(name)
    told.piece("there", by=[id_of("ana")])
    posted(told, "sent", key="used")
    told.tell("forget_contributor", id=id_of("gus"), ground="request")


def posted(
    told: Story,
    name: str,
    *,
    author: str = "ana",
    actor: str = OPERATOR,
    key: str = "",
    **said: Any,
) -> int:
    """The position of a piece that is posted."""
    by = [{"contributor": id_of(author), "role": "writer"}]
    usual = {"id": id_of(name), "title": name, "medium": "text", "authors": by}
    command = SubmitContribution.of(usual | said)
    return told.journal.record(command, by=actor, key=key or None).position


class Group(NamedTuple):
    """What became of a group, and how many commands were in each append it took."""

    members: list[Future[Any]]
    sizes: list[int]

    @property
    def outcomes(self) -> list[Any]:
        """What each member returned, or the kind of error it raised."""
        return [type(error) if (error := one.exception()) else one.result() for one in self.members]


def grouped(
    told: Story,
    monkeypatch: pytest.MonkeyPatch,
    *members: Callable[[], Any],
    meanwhile: Callable[[], Any] = lambda: None,
) -> Group:
    """Members decided together, in this order; ``meanwhile`` is called before they are recorded."""
    journal, begun, sizes = told.journal, threading.Event(), list[int]()
    clock, commit, together = journal.clock, journal.commit, journal.together

    def held() -> Any:
        if not begun.is_set():
            begun.set()
            wait_for(lambda: together.waiting == len(members))
        return clock()

    def counted(draft: Draft) -> Any:
        if len(draft.requests) > 1:
            meanwhile()
        positions = commit(draft)
        sizes.append(len(draft.requests))
        return positions

    with monkeypatch.context() as patched, ThreadPoolExecutor(len(members) + 1) as pool:
        patched.setattr(journal, "clock", held)
        patched.setattr(journal, "commit", counted)
        first = pool.submit(posted, told, f"before {told.head()}")
        wait_for(begun.is_set)
        futures = []
        for number, member in enumerate(members, start=1):
            futures.append(pool.submit(member))
            if number < len(members):  # with the last one the group begins at once
                wait_for(partial(waits, together, number, futures[-1]))
        wait([first, *futures])
    assert first.result()
    sizes.remove(1)
    return Group(futures, [one for one in sizes if one])


# -- in one group ----------------------------------------------------------------------------


@pytest.mark.after(told=people)
def test_a_group_is_recorded_in_one_append_in_the_order_in_which_its_members_came(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told:
        members = [
            partial(posted, told, f"{number}", author=who, actor=id_of(who))
            for number, who in enumerate(ACTORS)
        ]
        group = grouped(told, monkeypatch, *members)
        assert group.sizes == [SIZE]
        end = told.head()  # each is three facts: the piece, its credit, and the consent to it
        assert group.outcomes == [end - 9, end - 6, end - 3, end]
        actors = [one.fact().actor for one in told.facts()[-3 * SIZE :: 3]]
        assert actors == [id_of(who) for who in ACTORS]
        must_be_whole(told)


ACTORS = ("ana", "eva", "ana", "eva")


@pytest.mark.after(told=people)
def test_a_member_may_build_on_another(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with story(database) as told:
        source = {"work": id_of("song"), "kind": "adaptation"}
        members = [partial(posted, told, "song"), partial(posted, told, "cover", sources=[source])]
        group = grouped(told, monkeypatch, *members)
        assert group.sizes == [2]
        must_be_whole(told)


@pytest.mark.after(told=people)
def test_the_same_request_is_carried_out_once_and_another_under_its_key_or_id_is_refused(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told:
        members = [
            partial(posted, told, "song", key="k"),
            partial(posted, told, "song", key="k"),
            partial(posted, told, "song"),
            partial(posted, told, "song", key="another"),
            partial(posted, told, "other song", key="k"),
            partial(posted, told, "other title", id=id_of("song")),
        ]
        once, again, plain, further, reused, taken = grouped(told, monkeypatch, *members).outcomes
        assert once == again == plain == further == told.head()
        assert (reused, taken) == (IdempotencyKeyReused, IdTaken)
        with pytest.raises(IdempotencyKeyReused):
            posted(told, "third song", key="another")
        must_be_whole(told)


@pytest.mark.after(told=people)
def test_the_members_of_a_group_count_toward_one_quota(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUOTAS, "works", QUOTAS["works"]._replace(a_day=2))
    with story(database) as told:
        members = [partial(posted, told, f"{n}", actor=id_of("ana")) for n in range(SIZE)]
        outcomes = grouped(told, monkeypatch, *members).outcomes
        assert outcomes[2:] == [QuotaExceeded] * 2
        assert told.head() == outcomes[1]
        must_be_whole(told)


# -- one that breaks a rule ------------------------------------------------------------------

BAD: dict[str, tuple[type[Exception], dict[str, Any]]] = {
    "an author who is not there": (Unknown, {"author": "nobody"}),
    "an author who was forgotten": (ContributorForgotten, {"author": "gus"}),
    "an actor who was forgotten": (ContributorForgotten, {"actor": id_of("gus")}),
    "a source that is not there": (
        Unknown,
        {"sources": [{"work": id_of("nothing"), "kind": "sample"}]},
    ),
    "a title that is too long": (TextTooLong, {"title": "x" * 100_000}),
    "an id that is taken": (IdTaken, {"id": id_of("there")}),
    "a key that is taken": (IdempotencyKeyReused, {"key": "used"}),
    **{name: (type(error), {"title": name}) for name, error in BROKEN.items()},
}


@pytest.mark.after(told=people)
@pytest.mark.parametrize("bad", BAD)
def test_one_that_breaks_a_rule_takes_no_other_with_it_wherever_it_stands(
    bad: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = SubmitContribution.decide

    def decided(command: SubmitContribution, past: Past) -> Iterator[New]:
        if command.title in BROKEN:
            yield from [*decide(command, past)][:1]  # it has begun to say something
            raise BROKEN[command.title]
        yield from decide(command, past)

    monkeypatch.setattr(SubmitContribution, "decide", decided)
    error, said = BAD[bad]
    with story(database) as told:
        for place in range(SIZE):
            names = [f"{place}-{number}" for number in range(SIZE)]
            members = [partial(posted, told, name, key=f"key-{name}") for name in names]
            members[place] = partial(posted, told, names[place], **said)
            before = told.head() + 2  # the one before the group takes two positions
            outcomes = grouped(told, monkeypatch, *members).outcomes
            assert issubclass(outcomes.pop(place), error)
            assert sorted(outcomes) == [before + 2 * number for number in range(1, SIZE)]
            assert not told.journal.facts.streams([id_of(names[place])])
            kept = told.journal.facts.requests([id_of(name) for name in names])
            assert {one.target for one in kept} == {*map(id_of, names)} - {id_of(names[place])}
        must_be_whole(told)


@pytest.mark.after(told=people)
def test_what_another_process_records_meanwhile_is_seen_by_whom_it_concerns(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told, story(database, create=False) as others:
        members = [
            partial(posted, told, "1"),
            partial(posted, told, "2", author="eva"),
            partial(posted, told, "3"),
        ]

        def forgotten() -> None:
            others.tell("forget_contributor", id=id_of("eva"), ground="request")

        group = grouped(told, monkeypatch, *members, meanwhile=forgotten)
        first, refused, third = group.outcomes
        assert refused is ContributorForgotten
        assert {first, third} == {told.head() - 2, told.head()}
        must_be_whole(told)


@pytest.mark.after(told=people)
def test_a_place_that_others_take_again_and_again_is_left_to_each_alone(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told, story(database, create=False) as others:
        members = [partial(posted, told, "song", key="k"), partial(posted, told, "other")]
        group = grouped(
            told, monkeypatch, *members, meanwhile=partial(posted, others, "song", key="k")
        )
        song, other = group.outcomes
        assert song < other == told.head()
        must_be_whole(told)


# -- waiting ---------------------------------------------------------------------------------


@contextmanager
def while_one_decides(told: Story, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the block, a piece is being decided that is recorded afterwards."""
    begun, go_on = threading.Event(), threading.Event()
    clock = told.journal.clock

    def held() -> Any:
        if not begun.is_set():
            begun.set()
            assert go_on.wait(60)
        return clock()

    monkeypatch.setattr(told.journal, "clock", held)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(posted, told, "first")
        assert begun.wait(60)
        try:
            yield
        finally:
            go_on.set()
        assert first.result() == told.head()
    must_be_whole(told)


@pytest.mark.after(told=people)
def test_whose_deadline_has_passed_leaves_the_group(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told, while_one_decides(told, monkeypatch):
        with within(0.01), pytest.raises(TookTooLong):
            posted(told, "late")
        assert told.journal.together.waiting == 0


@pytest.mark.after(told=people)
def test_what_takes_long_to_decide_neither_joins_a_group_nor_holds_one_up(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told, while_one_decides(told, monkeypatch):
        sources = [{"uri": f"https://example.org/{n}", "kind": "sample"} for n in range(MOST_PARTS)]
        posted(told, "a collage", sources=sources)
