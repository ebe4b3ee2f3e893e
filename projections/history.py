"""History: every fact about a work, a person, a project or a challenge, from the journal itself.

The projection keeps only the positions of the facts. Their content is read from the journal, so a
history shows what was recorded, not an interpretation of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Annotated, Any, NamedTuple

from domain.fact import Fact
from domain.journal import Journal
from domain.moment import instant
from domain.readers import EVERYONE
from domain.refusal import (
    NotInLog,
    NotPermitted,
    Unknown,
    UnknownChallenge,
    UnknownContributor,
    UnknownProject,
    UnknownWork,
)
from domain.stored import Placed
from domain.values import (
    ChallengeId,
    ContributorId,
    CreditId,
    Number,
    ProjectId,
    RemixId,
    WorkId,
)
from projections import attribution, challenges, lineage, projects
from projections.money.readers import Reader
from projections.nouns import facts_of
from projections.question import LIMIT, After, Limit, question
from projections.store import Page, View, cut, decode_cursor, encode_cursor
from projections.tables import Change, Numbers, Projection, Put, Table, columns
from projections.told import Disclosures, DisclosuresOfFact, FactInHistory, FactTold

MENTIONS = Table(
    "mentions",
    columns("subject BIGINT, position BIGINT"),
    ("subject, position",),
)

Position = Annotated[int, Number()]

_COMMON = frozenset(field.name for field in fields(Fact))


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The position of a fact, for each of its subjects."""
    for subject in happened.subjects():
        yield Put(MENTIONS, (numbers[subject], position))


HISTORY = Projection("history", (MENTIONS,), changes)


@question("show_work_history", "/works/{id}/history", cli="history", may=EVERYONE)
def of_work(
    view: View,
    journal: Journal,
    id: WorkId,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[FactInHistory]:
    """Every fact about a work, its remixes and its credits, in order."""
    return _history("work", Reader(view, journal, actor), view, id, after, limit)


@question("show_contributor_history", "/contributors/{id}/history", cli="history", may=EVERYONE)
def of_contributor(
    view: View,
    journal: Journal,
    id: ContributorId,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[FactInHistory]:
    """Every fact about a person and their credits, in order."""
    return _history("contributor", Reader(view, journal, actor), view, id, after, limit)


@question("show_project_history", "/projects/{id}/history", cli="history", may=EVERYONE)
def of_project(
    view: View,
    journal: Journal,
    id: ProjectId,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[FactInHistory]:
    """Every fact about a project, its steps and what was in it, in order."""
    return _history("project", Reader(view, journal, actor), view, id, after, limit)


@question("show_challenge_history", "/challenges/{id}/history", cli="history", may=EVERYONE)
def of_challenge(
    view: View,
    journal: Journal,
    id: ChallengeId,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[FactInHistory]:
    """Every fact about a challenge and its answers, in order: who featured what, and when."""
    return _history("challenge", Reader(view, journal, actor), view, id, after, limit)


@question("show_credit_history", "/credits/{id}/history", cli="history", may=EVERYONE)
def of_credit(
    view: View,
    journal: Journal,
    id: CreditId,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[FactInHistory]:
    """Every fact about one credit, in order: who claimed, who agreed, what was decided."""
    attribution.credit(view, id)
    return _stream(Reader(view, journal, actor), view, id, after, limit)


@question("show_remix_history", "/remixes/{id}/history", cli="history", may=EVERYONE)
def of_remix(
    view: View,
    journal: Journal,
    id: RemixId,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[FactInHistory]:
    """Every fact about one remix, in order: who declared it, who objected, what was decided."""
    lineage.remix(view, id)
    return _stream(Reader(view, journal, actor), view, id, after, limit)


class Proven(NamedTuple):
    """Something whose history is proven whole: its number in a view, and what an unknown id is."""

    number: Callable[[View, str], int]
    unknown: type[Unknown]

    def positions(self, view: View, id: str) -> list[int]:
        """The positions of all facts about the one with this id."""
        return _positions(view, self.number(view, id))


PROVEN = {
    "work": Proven(lambda view, id: lineage.stated(view, id).number, UnknownWork),
    "contributor": Proven(
        lambda view, id: attribution.find_person(view, id)[0], UnknownContributor
    ),
    "project": Proven(lambda view, id: projects.find(view, id).number, UnknownProject),
    "challenge": Proven(lambda view, id: challenges.find(view, id).number, UnknownChallenge),
}
"""By the noun; each as it was recorded, whatever it was joined with or merged into since."""


def _history(
    noun: str, reader: Reader, view: View, id: str, after: str | None, limit: int
) -> Page[FactInHistory]:
    """A history without the facts that others may read; their numbers are missing in it."""
    place = decode_cursor(after, int) or [0]
    found = _positions(view, PROVEN[noun].number(view, id), place[0], limit + 1)
    page, more = cut(found, limit, lambda position: (position,))
    facts = reader.seen(reader.journal.facts.at(page))
    links = (link for placed in facts for link in placed.linked() if link.subject == id)
    items: list[FactInHistory] = [
        {**told, "number": link.number, "previous": link.previous or None}
        for told, link in zip(tell(reader.journal, facts), links, strict=True)
    ]
    return Page(items, more)


def _positions(view: View, subject: int, above: int = 0, limit: int = 1 << 62) -> list[int]:
    rows = view.rows(
        "SELECT position FROM @mentions WHERE subject = :subject AND position > :above "
        "AND position <= :as_of ORDER BY position LIMIT :limit",
        subject=subject,
        above=above,
        limit=limit,
    )
    return [position for (position,) in rows]


def _stream(
    reader: Reader, view: View, id: str, after: str | None, limit: int
) -> Page[FactInHistory]:
    """The facts that happened to one noun; they are few, and numbered by their versions."""
    place = (decode_cursor(after, int) or [0])[0]
    facts = reader.seen(facts_of(view, reader.journal, id))
    before = [0, *(one.position for one in facts)]
    items: list[FactInHistory] = [
        {**told, "number": place + number, "previous": before[place + number - 1] or None}
        for number, told in enumerate(tell(reader.journal, facts[place : place + limit]), start=1)
    ]
    return Page(items, encode_cursor(place + limit) if len(facts) > place + limit else None)


def tell(journal: Journal, placed: Sequence[Placed]) -> list[FactTold]:
    """Facts as answers present them, with the texts they commit to."""
    facts = [(one.position, one.fact()) for one in placed]
    digests = {
        digest
        for _, happened in facts
        for name in happened.SEALED
        if (digest := getattr(happened, name)) is not None
    }
    texts = journal.facts.texts(sorted(digests)) if digests else {}
    return [_told(position, happened, texts) for position, happened in facts]


@question(
    "show_disclosures",
    "/facts/{position}/disclosures",
    refuses=(NotInLog, NotPermitted),
    may=EVERYONE,
)
def disclosures_at(view: View, journal: Journal, position: Position, *, actor: str) -> Disclosures:
    """The texts a fact commits to, with their salts, unless they were erased.

    “stemma verify receipt” checks them against the receipt of the fact. For those who may read it.
    """
    facts = journal.facts.at([position] if position <= view.as_of else [])
    if not facts:
        raise NotInLog(f"position {position}")
    Reader(view, journal, actor).must_see(facts[0])
    return {"disclosures": disclosures(journal, facts[0])}


@question("list_disclosures", "/facts/disclosures", may=EVERYONE)
def disclosures_after(
    view: View,
    journal: Journal,
    *,
    actor: str,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[DisclosuresOfFact]:
    """The texts that the facts you may read commit to, with their salts, unless they were erased.

    A page looks at so many facts, and names those among them that have a text. “stemma audit” puts
    them beside a replay of the log, so that names and titles are compared as well.
    """
    place = (decode_cursor(after, int) or [0])[0]
    facts = [one for one in journal.facts.after(place, limit + 1) if one.position <= view.as_of]
    page, more = cut(facts, limit, lambda placed: (placed.position,))
    told = _disclosed(journal, Reader(view, journal, actor).seen(page))
    return Page(told, more)


def _disclosed(journal: Journal, placed: Sequence[Placed]) -> list[DisclosuresOfFact]:
    """The texts of many facts, read at once."""
    sealed = [(one.position, _commitments(one.fact())) for one in placed]
    digests = [digest for _, committed in sealed for digest in committed]
    found = {one.digest: one for one in journal.facts.disclosures(digests)}
    told = (
        (position, [found[digest] for digest in committed if digest in found])
        for position, committed in sealed
    )
    return [
        {"position": position, "disclosures": [[one.salt, one.name, one.value] for one in texts]}
        for position, texts in told
        if texts
    ]


def _commitments(happened: Fact) -> list[str]:
    """The commitments of a fact, with that to what its actor signed."""
    names = (*happened.SEALED, "message")
    return [digest for name in names if (digest := getattr(happened, name)) is not None]


def disclosures(journal: Journal, placed: Placed) -> list[list[str]]:
    """The texts behind one fact as RFC 9901 writes them: salt, name, value."""
    found = journal.facts.disclosures(_commitments(placed.fact()))
    return [[one.salt, one.name, one.value] for one in found]


def _told(position: int, happened: Fact, texts: dict[str, str]) -> FactTold:
    content: dict[str, Any] = {
        field.name: getattr(happened, field.name)
        for field in fields(happened)
        if field.name not in _COMMON
    }
    for name in happened.SEALED:
        if content[name] is not None:
            content[name] = texts.get(content[name])
    return {
        "position": position,
        "receipt": f"/facts/{position}/receipt",
        "recorded_at": instant(happened.timestamp),
        "effective": happened.effective or None,
        "actor": happened.actor,
        "signed": happened.signature is not None,
        "topic": happened.TOPIC,
        "noun": happened.originator_id,
        "about": list(happened.subjects()),
        "reason": content.pop("reason", None),
        "content": content,
    }
