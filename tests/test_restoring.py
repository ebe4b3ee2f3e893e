"""An export brings back everything: whatever happened, on the other engine, byte for byte.

.venv/bin/python tests/test_restoring.py 200 600    # so many histories of so many commands
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count, islice
from pathlib import Path

from clocks import TickingClock
from databases import Postgres, running_postgres
from golden_journals import Known, answers_to, put_back, written
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from money import Bank
from stories import dispute, every_fact, story, ticking
from wandering import Stubborn, Wanderer

from domain.chain import Chains
from domain.draft import Draft
from domain.receipt import read_leaf
from domain.tree import leaf_hash
from projections.progress import no_progress
from projections.registry import QUESTIONS
from scripts import audit
from scripts.bundle import export_lines
from scripts.service import Service, open_service

few = settings(max_examples=1, suppress_health_check=[HealthCheck.too_slow])


def wander(
    service: Service, clock: TickingClock, seed: int, steps: int, walk: type[Wanderer]
) -> None:
    bank = Bank(service)
    bank.clock = clock
    walk(bank, seed).wander(steps)


@contextmanager
def one_of_each(postgres_server: Postgres) -> Iterator[list[str]]:
    """A new database on either engine."""
    with tempfile.TemporaryDirectory() as folder, postgres_server.database() as url:
        yield [f"sqlite:///{folder}/stemma.db", url]


@few
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(1, 60),
    walk=st.sampled_from([Wanderer, Stubborn]),
    is_back=st.booleans(),
)
@example(seed=27, steps=70, walk=Stubborn, is_back=False)
@example(seed=1, steps=40, walk=Wanderer, is_back=True)
def test_whatever_happened_comes_back_on_the_other_engine(
    postgres_server: Postgres, seed: int, steps: int, walk: type[Wanderer], is_back: bool
) -> None:
    with one_of_each(postgres_server) as databases:
        comes_back(databases[::-1] if is_back else databases, seed, steps, walk)


def comes_back(databases: list[str], seed: int, steps: int, walk: type[Wanderer]) -> int:
    """Let a history happen in one database, and restore it in the other; how many facts."""
    with ExitStack() as stack:
        clock = TickingClock()
        one, other = (stack.enter_context(open_service(url, clock=clock)) for url in databases)
        wander(one, clock, seed, steps, walk)
        lines = list(export_lines(one.journal))
        chains = Chains()
        for placed in Bank(one).facts():
            chains.follow(read_leaf(placed.leaf()), leaf_hash(placed.leaf()))
        put_back(other, lines)
        one.follower.catch_up()
        assert written(export_lines(other.journal)) == written(lines)
        known = Known(one.journal)
        asked = [each for each in known.questions() if each.as_of > known.head // 2]
        told = answers_to(one, asked), answers_to(other, asked)
        for question, before, after in zip(asked, *told, strict=True):
            assert before == after, question
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, other, no_progress), str)
        return len(lines)


def test_as_of_a_position_everything_is_answered_as_if_the_journal_ended_there(
    tmp_path: Path,
) -> None:
    """But texts are searched as they are now, and what a command would do is asked of the head."""
    with (
        story(f"sqlite:///{tmp_path / 'told.db'}", clock=ticking()) as told,
        story(f"sqlite:///{tmp_path / 'cut.db'}", clock=told.journal.clock) as cut,
    ):
        every_fact(told)
        end = told.head() * 3 // 4
        put_back(cut.service, islice(export_lines(told.journal), end))
        told.service.follower.catch_up()
        asked = [
            each
            for each in Known(cut.journal).questions()
            if each.as_of == end and not QUESTIONS[each.question].rehearses
        ]
        asked = [each for each in asked if each.question not in ("search", "count_hits")]
        answers = answers_to(told.service, asked), answers_to(cut.service, asked)
        for question, then, now in zip(asked, *answers, strict=True):
            assert then == now, question


def test_what_others_overtook_while_it_was_decided_is_sound_and_comes_back(
    database: str, other_database: str
) -> None:
    """As where many write at once: it takes over the time of the fact that came before it."""
    with story(database, clock=ticking()) as told, story(database) as other:
        other.journal.clock = lambda: told.journal.clock() + timedelta(milliseconds=500)
        commit, faster = told.journal.commit, (other.person(f"faster {n}") for n in count())

        def slowly(draft: Draft) -> Sequence[int]:
            next(faster)
            return commit(draft)

        told.journal.commit = slowly  # type: ignore[method-assign]
        song, poem = told.piece("song"), told.piece("poem", made_at="2010")
        told.edge(song, poem)
        told.release("single", song)
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, told.service, no_progress), str)
        with story(other_database) as back:
            put_back(back.service, list(export_lines(told.journal)))
            assert back.head() == told.head()


def test_what_happened_again_comes_back(database: str, other_database: str) -> None:
    """A hold is opened by a birth, and may be opened again; so may much else happen twice."""
    with story(database, clock=ticking()) as told, story(other_database) as back:
        ana, song = told.person("Ana"), told.piece("song", made_at="2020")
        verse = told.piece("verse", made_at="2010")
        credit, edge = told.credit(song, ana), told.edge(song, verse)
        said = {"id": credit, "reason": "again"}
        for _ in range(3):
            told.tell("hold_credit", **said)
            told.tell("hold_credit", **said | {"reason": "and again"})
            told.tell("lift_hold", **said)
            told.tell("decline_credit", **said)
            told.tell("accept_credit", **said)
            dispute(told, "credit", credit)
            dispute(told, "remix", edge)
            told.tell("redate_work", id=song, made_at="2019", reason="again")
            told.tell("redate_work", id=song, made_at="2020", reason="again")
        counted = Counter(told.topics())
        assert counted["hold.opened"] == 6
        assert counted["credit.settled"] == counted["remix.settled"] == 3
        lines = list(export_lines(told.journal))
        put_back(back.service, lines)
        assert written(export_lines(back.journal)) == written(lines)
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, back.service, no_progress), str)


def main(histories: int, steps: int) -> None:
    """Try more and longer histories than a test has time for."""
    began, facts = time.monotonic(), 0
    with running_postgres() as server:
        for seed in range(histories):
            with one_of_each(server) as databases:
                walk = (Wanderer, Stubborn)[seed % 2]
                facts += comes_back(databases[:: 1 - seed // 2 % 2 * 2], seed, steps, walk)
    seconds = time.monotonic() - began
    sys.stdout.write(f"{histories} histories, {facts} facts, restored in {seconds:.0f} s\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
