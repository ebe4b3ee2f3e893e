"""From a mirror alone the facts are folded and audited: no database, no text of a person."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from eventsourcing.persistence import StoredEvent
from serving import OPERATOR_KEY, serving
from stories import NOON, Story, every_fact, read_tables
from test_rules import recorded

from domain.credit import Credit
from domain.tree import NotVerified
from scripts.mirror import mirror
from scripts.remote import Remote
from scripts.replay import append
from scripts.service import open_service
from scripts.stemma import main


def rows_of(told: Story) -> dict[str, Any]:
    """The read tables without texts and without times of folding."""
    return {name: len(rows) for name, rows in read_tables(told).items()}


def test_a_mirror_is_replayed_and_what_no_command_recorded_is_found(
    database: str, tmp_path: Path
) -> None:
    with serving(database, follow=False, clock=lambda: NOON) as served:
        told = Story(served.service)
        every_fact(told)
        told.service.follower.catch_up()
        told.service.log.catch_up()
        keys = told.service.log.public_keys()
        url, folder = f"http://127.0.0.1:{served.operator.port}/log", tmp_path / "mirror"
        mirror(Remote(url, keys, api_key=OPERATOR_KEY), folder)
        words = ["replay", str(folder), "--key", str(keys[0])]
        done = CliRunner().invoke(main, [*words, "--into", str(tmp_path / "again.db")])
        assert done.exit_code == 0, done.output
        assert "facts decided again" in done.output
        with open_service(f"sqlite:///{tmp_path / 'again.db'}", create=False) as again:
            assert rows_of(Story(again)) == rows_of(told)
            assert [one.leaf() for one in again.journal.read()] == [
                one.leaf() for one in told.journal.read()
            ]
        done = CliRunner().invoke(main, [*words, "--into", str(tmp_path / "again.db")])
        assert (done.exit_code, "holds facts already" in done.output) == (1, True)

        ana, ben, eva = (told.person(name) for name in ("a", "b", "e"))
        work = told.piece("somebody's", actor=ana)
        claim = told.credit(work, eva, actor=eva)
        place = recorded(told, Credit.Accepted, claim, work=work, contributor=eva, actor=ben)
        told.service.log.catch_up()
        mirror(Remote(url, keys, api_key=OPERATOR_KEY), folder)
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, f"{place}credit.accepted could not happen" in done.output) == (
            1,
            True,
        ), done.output


def test_a_fact_that_follows_from_nothing_is_named_and_no_crash(tmp_path: Path) -> None:
    with open_service(f"sqlite:///{tmp_path / 'one.db'}") as one:
        told = Story(one)
        every_fact(told)
        opened = next(each for each in told.facts() if each.topic == "entry.divided")
        facts = [StoredEvent(*each[1:5]) for each in (*told.facts()[:2], opened)]
    with open_service(f"sqlite:///{tmp_path / 'two.db'}") as two:
        with pytest.raises(NotVerified, match=r"^position 3: this entry\.divided follows from"):
            append(two, 0, facts)
        assert two.journal.facts.head() == 2
