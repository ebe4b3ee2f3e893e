"""Whatever row of a random history is changed, an audit of the database or of its answers names it.

.venv/bin/python tests/test_one_row.py 200 5    # so many changes in each of so many histories
.venv/bin/python tests/test_one_row.py 200 5 postgres
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from clocks import TickingClock
from databases import running_postgres
from money import Bank
from serving import OPERATOR_KEY, Served, serving
from tampering import BESIDE, changed
from wandering import Wanderer

from projections.progress import no_progress
from scripts.audit import CHECKS
from scripts.commands.frame import progress_of
from scripts.comparison import audit as auditing
from scripts.comparison.audit import Audit
from scripts.difference import ENDED, all_differences
from scripts.remote import Remote
from scripts.service import open_service


@contextmanager
def history(database: str, folder: Path, seed: int, steps: int) -> Iterator[tuple[Served, Audit]]:
    """A random history that is served, and an audit that has replayed its log."""
    clock = TickingClock()
    with (
        serving(database, follow=False, clock=clock) as served,
        open_service(f"sqlite:///{folder / 'replay.db'}", clock=clock) as replay,
    ):
        bank = Bank(served.service)
        bank.clock = clock
        Wanderer(bank, seed).wander(steps)
        served.service.follower.catch_up()
        served.service.log.catch_up()
        keys = served.service.log.public_keys()
        log = Remote(f"{served.origin}/log", keys, OPERATOR_KEY)
        audit = Audit(log, folder / "mirror", replay, progress_of)
        audit.catch_up()
        yield served, audit


def named_by(served: Served, audit: Audit) -> str:
    """Which audit names that something is wrong; empty if none does."""
    for name, check in CHECKS.items():
        found = all_differences(check, served.service, no_progress)
        if isinstance(found, list) and {one.where for one in found} != {ENDED}:
            return name
    return "answers" if audit.first_difference() else ""


def named(
    database: str, folder: Path, seed: int, steps: int, changes: int, *, both: bool = False
) -> Counter[str]:
    """How often which audit names a change; if ``both``, how often the answers alone do as well."""
    chance, found = Random(seed), Counter[str]()
    with history(database, folder, seed, steps) as (served, audit):
        told = Bank(served.service)
        assert named_by(served, audit) == ""
        for _ in range(changes):
            with changed(told, database, chance) as change:
                name = named_by(served, audit)
                if both and change.table.startswith("read_"):
                    told_by = "answers name" if audit.first_difference() else "answers miss"
                    found[f"({told_by} {change.table.split('_', 2)[2]})"] += 1
            found[name or f"nobody: {change}"] += 1
        assert named_by(served, audit) == ""
    return found


def test_a_changed_row_is_named(database: str, tmp_path: Path) -> None:
    found = named(database, tmp_path, seed=5, steps=40, changes=3)
    assert found.total() == 3
    assert not [one for one in found if one.startswith("nobody")], found


def test_every_table_is_audited_or_said_not_to_be() -> None:
    """What is not in this list is changed at random, and has to be named."""
    told = (Path(__file__).parents[1] / "THREATS.md").read_text("utf-8")
    named = " ".join(told.partition("**Data outside the facts**")[2].partition("- **")[0].split())
    for table in BESIDE:
        assert SAID[table] in named, table
    assert {*BESIDE} == {*SAID}


SAID = {
    "api_keys": "API keys",
    "rates": "rate counters",
    "api_key_terms": "their terms",
    "log_cosignatures": "a deleted cosignature",
    "seen": "what someone has seen",
    **{one: one for one in ("identities", "sessions", "webhooks", "mailboxes")},
    **{one: one for one in ("heartbeats", "layouts")},
}


@contextmanager
def database_in(place: Path) -> Iterator[str]:
    """A database of the engine that is asked for."""
    if "postgres" not in sys.argv:
        yield f"sqlite:///{place}/a.db"
        return
    with running_postgres() as server, server.database() as address:
        yield address


if __name__ == "__main__":
    auditing.SECONDS_TO_GROW = 0
    total = Counter[str]()
    for number in range(int(sys.argv[2])):
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            with database_in(place) as database:
                total += named(database, place, number, 150, int(sys.argv[1]), both=True)
    sys.stdout.write(f"{total}\n")
