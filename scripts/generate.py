"""Generated communities of any size: people, pieces and releases of a realistic shape.

The one rule: the same seed gives the same community, whether as the lines of a bundle or, much
faster, as facts straight into the journal; and both give the same answers.

A piece has one to three authors and up to four sources. A source is either a recent piece or one
found by preferential attachment (the more remixed, the more likely), so that a few pieces have very
many remixes. Releases are made of a few recent pieces. Only one integer for each piece and edge is
kept in memory.

A community is a list of commands. Carrying a million of them out takes hours, so the facts that
they record are written straight into the journal and folded by a rebuild; tests compare both ways.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from domain.challenge import Answer, Challenge, answer_id
from domain.claim import claimed
from domain.command import Command
from domain.commands.admitting import AdmitContributor
from domain.commands.challenging import IssueChallenge
from domain.commands.crediting import OpenCredit
from domain.commands.releasing import AssembleRelease, Component, PublishRelease
from domain.commands.submitting import Author, Source, SubmitContribution
from domain.contribution import Contribution
from domain.contributor import Contributor
from domain.credit import Credit
from domain.identity import part_id
from domain.journal import Journal
from domain.moment import instant
from domain.permission import OPERATOR
from domain.release import Release
from domain.remix import Remix
from domain.seal import Said
from domain.sheet import Sheet


class Habits(NamedTuple):
    """How a community works together."""

    sources: tuple[float, ...]
    """The probabilities that a piece has no source, one, two …"""
    recent: float
    """The probability that a source is a recent piece, not one found by its fame."""
    window: int
    """How many pieces ago, on average, a recent piece was posted."""
    project: int | None = None
    """The pieces of a project, outside of which its pieces use none; None: any piece."""


TYPICAL = Habits(sources=(0.40, 0.35, 0.15, 0.07, 0.03), recent=0.5, window=2_000)
"""About one edge per piece; a handful of ancestors, sometimes hundreds."""
DENSE = Habits(sources=(0.02, 0.18, 0.50, 0.30), recent=0.9, window=300, project=8_000)
"""About two edges per piece, nearly all connected: thousands of ancestors."""

AUTHORS = (0.80, 0.15, 0.05)
"""The probabilities that a piece has one author, two, three."""
PIECES_A_PERSON = 10
PIECES_A_RELEASE = 50
COMPONENTS = range(2, 6)
KINDS = ("adaptation", "arrangement", "sample", "quotation", "influence")
CRAFTS = (
    ("text", "writer"),
    ("image", "illustrator"),
    ("image", "photographer"),
    ("audio", "musician"),
    ("audio", "singer"),
    ("audio", "voice actor"),
    ("video", "director"),
    ("video", "editor"),
)
"""Media, each with a role in which pieces of it are made."""
WORDS = ("amber", "bright", "cedar", "distant", "early", "falling", "golden", "hollow", "iron")
FIRST_MADE = datetime(2000, 1, 1, tzinfo=UTC)
BETWEEN_PIECES = timedelta(minutes=5)


def community(pieces: int, *, shape: Habits = TYPICAL, seed: int = 1) -> Iterator[Command]:
    """A community's people, then its pieces and releases, each after what it is made from."""
    random = Random(seed)
    people = max(1, pieces // PIECES_A_PERSON)
    for number in range(people):
        name = f"{WORDS[number % len(WORDS)]} {number}"
        yield AdmitContributor(id=id_of("person", number, seed), name=name)
    fame = array("L")  # every piece once, plus once for each remix of it
    first, first_fame = 0, 0
    for number in range(pieces):
        if shape.project and number % shape.project == 0:
            first, first_fame = number, len(fame)
        parents = dict.fromkeys(
            _source(random, shape, number, first, fame, first_fame)
            for _ in range(min(_drawn(random, shape.sources), number - first))
        )
        yield _piece(random, seed, number, people, parents)
        fame.extend(parents)
        fame.append(number)
        if number % PIECES_A_RELEASE == PIECES_A_RELEASE - 1:
            whole = _whole(random, seed, number)
            yield whole
            yield PublishRelease(id=str(whole.id))


def _drawn(random: Random, chances: tuple[float, ...]) -> int:
    """A number, drawn with these probabilities."""
    left = random.random()
    for number, chance in enumerate(chances):
        left -= chance
        if left < 0:
            return number
    return 0


def _source(
    random: Random, shape: Habits, number: int, first: int, fame: array[int], first_fame: int
) -> int:
    """An older piece of the same project: a recent one, or a famous one."""
    if random.random() < shape.recent:
        return max(first, number - 1 - int(random.expovariate(1 / shape.window)))
    return fame[random.randrange(first_fame, len(fame))]


def _piece(
    random: Random, seed: int, number: int, people: int, parents: Iterable[int]
) -> SubmitContribution:
    medium, role = CRAFTS[random.randrange(len(CRAFTS))]
    # Few people make most of the pieces.
    authors = dict.fromkeys(
        int(people * random.random() ** 2) for _ in range(1 + _drawn(random, AUTHORS))
    )
    return SubmitContribution(
        id=id_of("work", number, seed),
        title=f"{random.choice(WORDS)} {random.choice(WORDS)} {number}",
        medium=medium,
        authors=tuple(Author(contributor=id_of("person", one, seed), role=role) for one in authors),
        sources=tuple(
            Source(work=id_of("work", parent, seed), kind=KINDS[random.randrange(len(KINDS))])
            for parent in parents
        ),
        made_at=instant(FIRST_MADE + number * BETWEEN_PIECES),
    )


def _whole(random: Random, seed: int, number: int) -> AssembleRelease:
    count = COMPONENTS[random.randrange(len(COMPONENTS))]
    latest = range(number - PIECES_A_RELEASE + 1, number + 1)
    return AssembleRelease(
        id=id_of("release", number // PIECES_A_RELEASE, seed),
        title=f"{WORDS[number % len(WORDS)]} collection {number // PIECES_A_RELEASE}",
        components=tuple(
            Component(work=id_of("work", part, seed))
            for part in sorted(random.sample(latest, count))
        ),
        made_at=instant(FIRST_MADE + number * BETWEEN_PIECES + BETWEEN_PIECES / 2),
    )


_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # 2**128 divided by the golden ratio, made odd
_FAMILIES = {"person": 1, "work": 2, "release": 3}


def id_of(family: str, number: int, seed: int = 1) -> str:
    """The id of the nth person, work or release, spread like a random UUID."""
    place = (number << 16 | seed << 2 & 0xFFFC | _FAMILIES[family]) * _SPREAD
    digits = f"{place & ((1 << 128) - 1):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


# -- as the lines of a bundle --------------------------------------------------------------


def lines(commands: Iterable[Command]) -> Iterator[dict[str, Any]]:
    """A community as ``stemma import`` reads it, one object a line."""
    return ({"type": command.NAME, **command.plain()} for command in commands)


# -- as facts ------------------------------------------------------------------------------


def record(
    journal: Journal, commands: Iterable[Command], batch: int = 5_000, before: int = 0
) -> int:
    """Write a community straight into the journal, unchecked; returns its number of facts.

    What was written of it before, in as large batches, is not written again; ``before`` it there
    were so many other facts.
    """
    sheets = (facts_of(OPERATOR, command, journal.clock()) for command in commands)
    return write(journal, sheets, batch, before)


def write(journal: Journal, sheets: Iterator[Sheet], batch: int, before: int = 0) -> int:
    """Write sheets straight into the journal, unchecked, in batches; returns their number of facts.

    What was written of them before, in as large batches, is not written again; ``before`` them
    there were so many other facts.
    """
    count, done = 0, journal.facts.head() - before
    while some := list(islice(sheets, batch)):
        facts = [happened for sheet in some for happened in sheet.facts]
        count += len(facts)
        if count > done:
            journal.append_stored(
                [journal.mapper.to_stored_event(happened) for happened in facts],
                facts=facts,
                disclosures=[text for sheet in some for text in sheet.disclosures],
            )
    return count


def facts_of(by: str, command: Command, now: datetime) -> Sheet:
    """The facts that a command of a generated community records."""
    sheet = Sheet(by, now)
    match command:
        case AdmitContributor(id=str(id), name=str(name)):
            sheet.write(Contributor.Admitted.born(id, name=Said(id, "name", name)))
        case IssueChallenge(id=str(id), title=title, prompt=prompt, media=media, roles=roles):
            asks = {"media": list(media or ()), "roles": list(roles or ())}
            sheet.write(Challenge.Issued.born(id, title=title, prompt=prompt, **asks))
        case SubmitContribution():
            _posted(sheet, command)
        case OpenCredit(id=str(id), work=work, contributor=contributor, role=role):
            said = {"work": work, "contributor": contributor, "role": role, "kind": "direct"}
            if contributor == by:
                sheet.write(Credit.Claimed.born(id, **said, **claimed(now)))
            else:
                sheet.write(Credit.Granted.born(id, **said))
        case AssembleRelease(id=str(id), title=title, made_at=made):
            sheet.write(Release.Assembled.born(id, title=title, made_at=made, made=made))
            for number, component in enumerate(command.components):
                edge = {"child": id, "parent": component.work, "kind": "component"}
                sheet.write(Remix.Declared.born(part_id(id, "component", number), **edge))
        case PublishRelease(id=id):
            sheet.write(Release.Published.born(id), after=1)
    return sheet


def _posted(sheet: Sheet, piece: SubmitContribution) -> None:
    id, authors = str(piece.id), piece.authors
    owner = authors[0].contributor if sheet.actor == OPERATOR else sheet.actor
    said = {"medium": piece.medium, "made_at": piece.made_at}
    made = piece.made_at or instant(sheet.now)
    title = Said(owner, "title", piece.title)
    sheet.write(Contribution.Submitted.born(id, title=title, **said, made=made))
    for challenge in piece.challenges or ():
        sheet.write(Answer.Given.born(answer_id(challenge, id), challenge=challenge, work=id))
    for number, author in enumerate(authors):
        said = {"work": id, "contributor": author.contributor, "role": author.role}
        sheet.write(Credit.Granted.born(part_id(id, "author", number), kind="direct", **said))
    for number, source in enumerate(piece.sources):
        edge = {"child": id, "parent": source.work, "kind": source.kind}
        sheet.write(Remix.Declared.born(part_id(id, "source", number), **edge))
