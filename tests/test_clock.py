"""The clock: no fact is stamped before the one before it, and a wrong clock is refused and told."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from clocks import SetClock
from commanding import Stemma
from stories import NOON, Story, id_of, story, ticking

from domain.clock import stamp_of
from domain.refusal import ClockUnreliable
from domain.registry import BY_OPERATION
from projections.progress import no_progress
from scripts import audit
from scripts.bundle import FoundLine, export_lines, import_lines
from scripts.service import open_service

DAYS = timedelta(days=1)


def stamps(told: Story) -> list[str]:
    return [stamp_of(placed.state) for placed in told.facts()]


def people(told: Story, *names: str) -> None:
    for name in names:
        told.person(name)


def test_a_clock_that_is_set_back_stamps_no_fact_before_the_one_before_it(database: str) -> None:
    clock = SetClock()
    with story(database, clock=clock) as told:
        people(told, "Ana")
        clock.now -= 3 * DAYS
        people(told, "Ben", "Eva")
        assert stamps(told) == [stamps(told)[0]] * 3
        assert "The clock says 2026-05-29 12:00:00 UTC, which is 3 days before" in (
            told.journal.clock_problem()
        )
        clock.now = NOON + timedelta(seconds=5)
        people(told, "Gus")
        assert told.journal.clock_problem() == ""
        assert all(one <= next for one, next in pairwise(stamps(told)))
        assert told.journal.position_at(NOON - DAYS) == 0
        assert told.journal.position_at(NOON) == 3
        assert told.journal.position_at(NOON + DAYS) == 4


def test_one_who_was_slower_is_stamped_after_the_faster(database: str) -> None:
    """Two processes whose clocks differ: what was drafted first may be recorded last."""
    with (
        story(database, clock=SetClock()) as told,
        story(database, clock=SetClock(NOON + timedelta(seconds=2))) as other,
    ):
        draft = told.journal.draft()
        other.person("Ana")
        draft.carry_out(BY_OPERATION["admit_contributor"].of({"name": "Ben", "id": id_of("Ben")}))
        told.journal.commit(draft)
        assert stamps(told) == [stamps(told)[0]] * 2
        assert told.journal.clock_problem() == ""


def test_a_clock_that_leaps_records_nothing(database: str) -> None:
    clock = SetClock()
    with story(database, clock=clock) as told:
        people(told, "Ana")
        clock.now = datetime(2099, 1, 1, tzinfo=UTC)
        with pytest.raises(ClockUnreliable, match="days after the latest fact"):
            people(told, "Ben")
        assert told.head() == 1
        clock.now = NOON + DAYS
        people(told, "Ben")


def test_after_a_wrong_clock_was_accepted_the_right_one_can_be_too(database: str) -> None:
    """A fact of 2099 can't be taken back; time goes on from the fact that says so."""
    clock = SetClock()
    with story(database, clock=clock) as told:
        people(told, "Ana")
        clock.now = datetime(2099, 1, 1, tzinfo=UTC)
        told.journal.accept_clock()
        people(told, "Ben")
        clock.now = NOON + DAYS
        with pytest.raises(ClockUnreliable, match="days before the latest fact"):
            told.journal.must_have_credible_clock()
        told.journal.accept_clock()
        people(told, "Eva")
        assert [stamp[:10] for stamp in stamps(told)] == [
            *("2026-06-01", "2099-01-01", "2099-01-01", "2026-06-02", "2026-06-02")
        ]
        assert told.journal.position_at(NOON) == 1
        assert told.journal.position_at(NOON + 2 * DAYS) == 5
        said = audit.first_difference(audit.journal, told.service, no_progress)
        assert said == (
            "5 facts, without a gap; the clock was set back at 1 of them, first at position 4"
        )


def test_times_that_run_backwards_are_reported_and_no_fact_is_missed(
    database: str, other_database: str
) -> None:
    """An older version recorded them; an export brings them along as they were."""
    with story(database, clock=ticking()) as told:
        people(told, "Ana", "Ben", "Eva", "Gus")
        lines = list(export_lines(told.journal))
    for line in lines:
        if "state" in line:  # time is kept since a fact says whose its texts are
            line["state"] = re.sub(r'"owners":[^,]*,', "", line["state"])
    for at, day in {2: "2026-05-29", 3: "2026-05-30"}.items():
        lines[at]["state"] = lines[at]["state"].replace("2026-06-01", day)
    with open_service(other_database) as other:
        assert import_lines(other.journal, (FoundLine("", line) for line in lines)).refused == []
        assert audit.first_difference(audit.journal, other, no_progress) == (
            "4 facts, without a gap; time runs backwards at 1 of them, first at position 3"
        )
        day = datetime(2026, 5, 30, tzinfo=UTC)
        at = (day - DAYS, day, day + DAYS, day + 2 * DAYS, day + 3 * DAYS)
        assert [other.journal.position_at(moment) for moment in at] == [0, 3, 4, 4, 4]


def test_a_stretch_is_found_however_many_facts_a_query_reads(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.journal.TURNS_PAGE", 2)
    clock = SetClock()
    with story(database, clock=clock) as told:
        for number in range(6):
            clock.now = NOON - number * DAYS
            told.journal.accept_clock()
        assert [position for position, _ in told.journal.turns(told.head())] == [1, 2, 3, 4, 5, 6]
        assert told.journal.position_at(NOON - 6 * DAYS) == 0
        assert told.journal.position_at(NOON - 5 * DAYS) == 6


@pytest.mark.parametrize("far", [timedelta(days=-3), timedelta(days=400)], ids=str)
def test_commands_that_record_are_refused_until_the_clock_is_accepted(
    far: timedelta, database: str
) -> None:
    """The facts are as far from now as the clock is from them."""
    now = datetime.now(UTC)
    with story(database, clock=SetClock(now - far)) as told:
        told.piece("piece", by=[told.person("ana")])
    stemma = Stemma(database)
    for words in (["contributor", "add", "--name", "Ana"], ["serve", "--port", "1"], ["follow"]):
        said = stemma.wrong(*words)
        assert "Correct the clock" in said
        assert "stemma accept-clock" in said
    assert stemma("accept-clock").startswith("accepted at position ")
    stemma("contributor", "add", "--name", "Ana")
    assert "at position" in stemma("accept-clock")
    assert "NOT VERIFIED" not in stemma("verify", "database")
