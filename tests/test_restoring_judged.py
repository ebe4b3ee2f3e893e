"""An import of whole facts decides each again: what no command could have recorded is refused."""

from datetime import timedelta

import pytest
from stories import NOON, Story, every_fact, story
from test_rules import CHEATS, Scene, a_source_that_a_stranger_described

from scripts.bundle import FoundLine, Line, Report, export_lines, import_lines

CLOCK = NOON + timedelta(days=30)


def imported(told: Story, *lines: Line) -> Report:
    found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, start=1))
    return import_lines(told.journal, found)


def as_next(told: Story, line: Line) -> Line:
    """A fact, put behind the facts that are there."""
    version = len(told.journal.facts.streams([line["id"]])) + 1
    return {**line, "position": told.head() + 1, "version": version}


LATER = (a_source_that_a_stranger_described,)
"""What only the fact after it shows, because something should have followed."""


@pytest.fixture(scope="module")
def cheated(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Line], list[Line], list[str]]:
    """An honest export, the facts that cheats added to it, and what an audit says of each."""
    with story(f"sqlite:///{tmp_path_factory.mktemp('c')}/c.db", clock=lambda: CLOCK) as told:
        to = Scene(told)
        honest = list(export_lines(told.journal))
        said = [cheat(to).partition(": ")[2] for cheat in CHEATS if cheat not in LATER]
        return honest, list(export_lines(told.journal, after=len(honest))), said


def test_what_an_audit_of_the_rules_finds_no_import_takes(
    database: str, cheated: tuple[list[Line], list[Line], list[str]]
) -> None:
    honest, added, said = cheated
    with story(database, clock=lambda: CLOCK) as told:
        assert imported(told, *honest).refused == []
        for line, expected in zip(added, said, strict=True):
            after = as_next(told, honest[-1])
            report = imported(told, as_next(told, line), {**after, "position": len(honest) + 2})
            first, second = report.refused
            assert (first.where, first.code) == ("line 1", "not_restored"), expected
            future = expected.replace("the latest fact is of", "it is of")
            assert first.reason.startswith((expected, future)), (expected, first.reason)
            assert second.reason == "a fact before it is missing"
            assert told.head() == len(honest)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    """An export with every kind of fact."""
    with story(f"sqlite:///{tmp_path_factory.mktemp('e')}/e.db") as told:
        every_fact(told)
        return list(export_lines(told.journal))


def test_whatever_follows_from_nothing_is_taken_or_refused_in_its_place(
    database: str, every: list[Line]
) -> None:
    """Every kind of fact, the last first, so that hardly any finds what it is about."""
    with story(database) as told:
        for line in reversed(every):
            head = told.head()
            for version in sorted({1, line["version"]}):
                report = imported(told, {**line, "position": head + 1, "version": version})
                if not report.refused:
                    break
                assert told.head() == head
            assert told.head() - head == report.recorded["fact"]
        assert told.head()


def test_money_of_a_pool_that_is_not_there_is_refused_after_what_is_honest(
    database: str, every: list[Line]
) -> None:
    topics = [line["topic"] for line in every]
    before = every[: topics.index("pool.opened")]
    with story(database) as told:
        for topic in ("revenue.recorded", "expense.recorded", "entry.divided", "proposal.posted"):
            line = every[topics.index(topic)]
            report = imported(told, *before[told.head() :], as_next_of(before, line))
            (refused,) = report.refused
            assert refused.code == "not_restored"
            assert refused.line["position"] == len(before) + 1
            assert told.head() == len(before)


def as_next_of(before: list[Line], line: Line) -> Line:
    return {**line, "position": len(before) + 1, "version": 1}
