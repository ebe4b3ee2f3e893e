"""A companion: what is recorded is folded at the same time by a process of its own."""

import time
from pathlib import Path

import pytest
from stories import Story, every_table, read_tables, story

from projections import companion
from projections.companion import MUCH, Companion
from projections.rebuilding import Rebuild
from projections.workshop import Worker


def process_of(beside: Companion) -> Worker:
    """The process that it has started."""
    worker = beside._worker
    assert worker is not None
    return worker


def wait_until_all_is_folded(told: Story) -> None:
    until = time.monotonic() + 60
    while told.store.current().position < told.head():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one core, none is started."""
    monkeypatch.setattr(companion, "hands", lambda: 2)


@pytest.mark.after(told=every_table)
@pytest.mark.parametrize("ends", ["when it is told to", "because it is killed"])
def test_a_companion_folds_what_is_recorded_and_nothing_depends_on_it(
    ends: str, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with story(database) as told, Companion(told.service.engine) as beside:
        beside.recorded(MUCH - 1)
        assert beside._worker is None  # so few are not worth it
        beside.recorded(MUCH)
        beside.recorded(MUCH + 1)
        process = process_of(beside).process
        wait_until_all_is_folded(told)
        told.person("late")
        wait_until_all_is_folded(told)
        if ends == "because it is killed":
            process.kill()
            told.person("later")
        beside.end()
        assert process.poll() is not None
        assert bool(caplog.records) == (ends == "because it is killed")
        told.service.follower.catch_up()
        folded = read_tables(told)
        Rebuild(told.journal, told.store).run()
        assert read_tables(told) == folded


def test_a_companion_begins_in_a_folder_that_is_gone(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor has it to enter by name the one in which its parent was started, as by sudo."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with story(database) as told, Companion(told.service.engine) as beside:
        beside.recorded(MUCH)
        told.person("ana")
        wait_until_all_is_folded(told)
    assert caplog.records == []
