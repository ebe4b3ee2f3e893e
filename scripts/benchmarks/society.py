"""A society that searches, suggests and waits, its words, roles and people as uneven as in life.

It is a list of commands, written as facts like the communities of ``scripts.generate``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from domain.command import Command
from domain.commands.admitting import AdmitContributor
from domain.commands.challenging import IssueChallenge
from domain.commands.crediting import OpenCredit
from domain.commands.submitting import Author, Source, SubmitContribution
from domain.identity import part_id
from domain.journal import Journal
from domain.permission import OPERATOR
from scripts.benchmarks.filled import filled as filled_with
from scripts.generate import facts_of, id_of, write
from scripts.service import Service

WORKS_EACH, WORKS_OF_CHALLENGE = 10, 100
WORDS = 20_000
ROLES = ("writer", "singer", "illustrator", "editor", "cellist", "animator", "drummer", "actor")
MEDIA = ("text", "audio", "image", "video")
BETWEEN, COMMANDS_A_WORK = timedelta(seconds=20), 1.41
"""The time between two commands: a million works take a year, and most claims are overdue."""

Given = tuple[str, Command]
"""A command, and who gives it."""

# -- what is said ----------------------------------------------------------------------------------


def title_of(works: int, number: int) -> str:
    """Three to five words, of which some are in very many titles and most in few."""
    random = Random(works * 7 + number)
    return " ".join(random.choices(VOCABULARY, cum_weights=_WEIGHTS, k=random.randrange(3, 6)))


def _word(number: int) -> str:
    """A word like those of no language, another for each number."""
    syllables = ("ka", "lo", "mi", "ra", "tu", "ne", "so", "vi", "da", "pe", "hu", "zo", "fa")
    word = ""
    while number or len(word) < 4:
        number, at = divmod(number, len(syllables))
        word += syllables[at]
    return word


VOCABULARY = [_word(number) for number in range(WORDS)]
_WEIGHTS = list(accumulate(1 / (rank + 10) for rank in range(WORDS)))
"""Zipf's law, flattened at its top."""

# -- who does what ---------------------------------------------------------------------------------


def commands(works: int) -> Iterator[Given]:
    """People who issue challenges, post works, remix them, credit each other and claim credits."""
    random, people = Random(works), works // WORKS_EACH
    for number in range(people):
        name = f"{VOCABULARY[number % 500]} {VOCABULARY[number * 7 % WORDS]}"
        yield OPERATOR, AdmitContributor(id=id_of("person", number), name=name)
    for number in range(works // WORKS_OF_CHALLENGE):
        yield (
            id_of("person", random.randrange(people)),
            IssueChallenge(
                id=challenge_id(number),
                title=title_of(works, number),
                prompt=title_of(works, number + 1),
                roles=(random.choice(ROLES),),
                media=(random.choice(MEDIA),),
            ),
        )
    for number in range(works):
        yield from _work(works, number, random)


def challenge_id(number: int) -> str:
    """The id of the nth challenge."""
    return f"00000000-0000-4000-8000-{number:012x}"


def _work(works: int, number: int, random: Random) -> Iterator[Given]:
    """A work, which in one of five cases the operator posts, and what others say about it."""
    people = works // WORKS_EACH
    poster = int(people * random.random() ** 2)  # some post very much
    by = OPERATOR if number % 5 == 0 else id_of("person", poster)
    near = {(poster + random.randrange(1, 6)) % people for _ in range(1 + number % 2)}
    made_of = {random.randrange(number) for _ in range(number % 3)} if number else set()
    yield (
        by,
        SubmitContribution(
            id=id_of("work", number),
            title=title_of(works, number),
            medium=MEDIA[number % len(MEDIA)],
            authors=tuple(
                Author(contributor=id_of("person", one), role=ROLES[(one + place) % len(ROLES)])
                for place, one in enumerate(sorted(near))
            ),
            sources=tuple(
                Source(work=id_of("work", one), kind="sample") for one in sorted(made_of)
            ),
            challenges=(challenge_id(number // WORKS_OF_CHALLENGE),) if number % 7 == 0 else None,
        ),
    )
    other = id_of("person", (poster + random.randrange(6, people)) % people)
    if number % 10 in {0, 1, 2}:  # one is credited, two of three claim it themselves
        work = id_of("work", number)
        id = part_id(work, "credit", 0)
        credit = OpenCredit(id=id, work=work, contributor=other, role="editor")
        yield by if number % 10 == 2 else other, credit


# -- as facts --------------------------------------------------------------------------------------


def record(journal: Journal, given: Iterable[Given], *, since: datetime, batch: int = 2_000) -> int:
    """Write what these commands record straight into the journal, unchecked; how many facts.

    What an earlier run has recorded of the same commands is not recorded again.
    """
    each = enumerate(given)
    sheets = (facts_of(by, command, since + n * BETWEEN) for n, (by, command) in each)
    return write(journal, sheets, batch)


def filled(works: int, database: str) -> tuple[Service, str]:
    """A service for a society of so many works, beside a database, and its address."""

    def told(journal: Journal) -> None:
        record(journal, commands(works), since=journal.clock() - works * COMMANDS_A_WORK * BETWEEN)

    return filled_with("society", works, database, told, last=id_of("work", works - 1))
