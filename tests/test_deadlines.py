"""A command decided before a deadline is not recorded after it, even if others were faster.

A fact takes over the time of the fact before it, which another process may have recorded in the
meantime, even with a clock that is ahead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from clocks import SetClock
from stories import NOON, Story, id_of, story
from test_disputes import community

from domain.dispute import ANSWER_DAYS
from domain.draft import Draft
from domain.refusal import ChallengeOver, EditingOver, Refusal, TooLate, UntilPassed
from domain.registry import BY_OPERATION
from projections.follower import no_progress
from scripts.audit import CHECKS, first_difference

TOMORROW = (NOON + timedelta(days=1)).date().isoformat()
MIDNIGHT = datetime.fromisoformat(f"{TOMORROW}T23:59:59.999999Z")
Case = tuple[str, dict[str, Any], datetime, type[Refusal]]
"""A command and its fields, the last moment at which it is possible, and the refusal after it."""


def of_a_dispute(told: Story) -> Case:
    community(told)
    opened = {"grounds": "not_derived", "reason": "r", "evidence": "e", "actor": id_of("maker")}
    told.tell("dispute_remix", id=id_of("remix"), **opened)
    last = NOON + timedelta(days=ANSWER_DAYS, microseconds=-1)
    said = {"id": id_of("remix"), "reason": "r", "actor": id_of("poster")}
    return "answer_remix", said, last, TooLate


def of_a_challenge(told: Story) -> Case:
    poster = told.person("poster")
    asked = {"title": "t", "prompt": "p", "answer_by": TOMORROW, "actor": poster}
    told.tell("issue_challenge", id=id_of("dare"), **asked)
    piece = told.piece("song", actor=poster)
    said = {"id": id_of("dare"), "work": piece, "actor": poster}
    return "answer_challenge", said, MIDNIGHT, ChallengeOver


def of_a_day_that_is_named(told: Story) -> Case:
    poster = told.person("poster")
    said = {"title": "t", "prompt": "p", "answer_by": TOMORROW, "actor": poster}
    return "issue_challenge", {"id": id_of("dare"), **said}, MIDNIGHT, UntilPassed


def of_a_comment(told: Story) -> Case:
    poster = told.person("poster")
    piece = told.piece("song", actor=poster)
    told.tell("post_comment", id=id_of("comment"), work=piece, text="t", actor=poster)
    said = {"id": id_of("comment"), "text": "u", "actor": poster}
    return "edit_comment", said, NOON + timedelta(minutes=15), EditingOver


@contextmanager
def two_services(database: str, days: SetClock) -> Iterator[tuple[Story, Story, SetClock]]:
    """Two services on a database, each with a clock: the given one, and the one returned."""
    ahead = SetClock()
    with (
        story(database, clock=days, comment_minutes=15) as told,
        story(database, clock=ahead, comment_minutes=15) as other,
    ):
        yield told, other, ahead


@pytest.mark.parametrize(
    "case", [of_a_dispute, of_a_challenge, of_a_day_that_is_named, of_a_comment]
)
def test_what_was_overtaken_by_a_deadline_is_decided_again(
    case: Callable[[Story], Case], database: str, days: SetClock
) -> None:
    with two_services(database, days) as (told, other, ahead):
        operation, said, last, refusal = case(told)
        command, actor = BY_OPERATION[operation], said.pop("actor")
        days.now = ahead.now = last
        other.person("in time")

        def decide(draft: Draft) -> None:
            draft.carry_out(command.of(said), actor)
            if ahead.now == last:
                ahead.now += timedelta(microseconds=1)
                other.person("faster")

        with pytest.raises(refusal):
            told.journal.decided(decide)
        assert isinstance(first_difference(CHECKS["rules"], told.service, no_progress), str)


@pytest.mark.parametrize("case", [of_a_dispute, of_a_challenge, of_a_comment])
def test_up_to_the_deadline_it_is_recorded_whoever_is_faster(
    case: Callable[[Story], Case], database: str, days: SetClock
) -> None:
    with two_services(database, days) as (told, other, ahead):
        operation, said, last, _ = case(told)
        command, actor, times = BY_OPERATION[operation], said.pop("actor"), list[int]()
        days.now, ahead.now = last - timedelta(seconds=1), last

        def decide(draft: Draft) -> None:
            draft.carry_out(command.of(said), actor)
            times.append(1)
            if len(times) == 1:
                other.person("faster")

        told.journal.decided(decide)
        assert times == [1]
        assert told.journal.facts.latest().moment == last
        assert isinstance(first_difference(CHECKS["rules"], told.service, no_progress), str)


@pytest.fixture
def days() -> SetClock:
    return SetClock()
