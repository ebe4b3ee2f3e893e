"""A failover, or a restored backup, may lose the latest facts while processes go on recording.

Whatever they remember of them, they record nothing that does not follow from the facts that are
left.
"""

from contextlib import suppress
from functools import partial
from random import Random

import pytest
from stories import Story, at_once, id_of, story
from tampering import lose
from test_together import must_be_whole

from domain.refusal import Refusal
from projections.progress import no_progress
from scripts.rules import rules

STEPS = 40


def record_something(told: Story, name: str, names: list[str], works: list[str]) -> None:
    """A person, a piece or a credit; about people and works that may be lost."""
    chance = Random(name)
    with suppress(Refusal):
        match chance.choice(("person", "piece", "piece", "credit")):
            case "person":
                told.person(name)
                names.append(name)
            case "piece":
                sources = [id_of(chance.choice(works))] if works else []
                told.piece(name, *sources, by=[id_of(chance.choice(names))])
                works.append(name)
            case "credit" if works:
                told.credit(id_of(chance.choice(works)), id_of(chance.choice(names)))


@pytest.mark.parametrize("seed", range(2))
def test_what_is_recorded_follows_from_what_is_left(seed: int, database: str) -> None:
    chance, names, works = Random(seed), ["ana"], list[str]()
    with story(database) as told, story(database, create=False) as others:
        told.person("ana")
        for step in range(STEPS):
            if step % 8 == 7:
                lose(database, after=max(1, told.head() - chance.randint(1, 4)))
            by = chance.choice((told, others))
            threads = [f"{seed} {step} {thread}" for thread in range(chance.choice((1, 4)))]
            at_once(*(partial(record_something, by, name, names, works) for name in threads))
        must_be_whole(told)
        assert not [*rules(told.service, no_progress)]
