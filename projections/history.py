"""History: every fact about a work, a person, a project or a challenge, from the journal itself.

The projection keeps only the positions of the facts. Their content is read from the journal, so a
history shows what was recorded, not an interpretation of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, NamedTuple, Unpack

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
from domain.value import Number
from domain.values import ChallengeId, ContributorId, CreditId, ProjectId, RemixId, WorkId
from projections import around, attribution, challenges, contributors, lineage, projects
from projections.money.readers import Reader
from projections.nouns import facts_of
from projections.pages import LIMIT, Page, cut, decode_cursor, place_of, sliced
from projections.question import After, Limit, Paged, question
from projections.store import View
from projections.tables import Change, Numbers, Projection, Put, table
from projections.told import Disclosures, DisclosuresOfFact, FactInHistory, FactTold

MENTIONS = table(
    "mentions",
    "subject BIGINT, position BIGINT",
    ("subject, position",),
)

Position = Annotated[int, Number()]

_COMMON = frozenset(field.name for field in fields(Fact))


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """One row for each subject of a fact, with the fact's position."""
    for subject in happened.subjects():
        yield Put(MENTIONS, (numbers[subject], position))


HISTORY = Projection("history", (MENTIONS,), changes)


Answer = Callable[..., Page[FactInHistory]]


def _asked(noun: str, path: str, ids: Any, says: str) -> Answer:
    """The question for the history of a noun of one kind; its docstring is ``says``."""

    def of(
        view: View, journal: Journal, id: str, *, actor: str, **part: Unpack[Paged]
    ) -> Page[FactInHistory]:
        tells = _history if noun in PROVEN else _stream
        return tells(noun, Reader(view, journal, actor), view, id, **part)

    of.__doc__, of.__annotations__["id"] = says, ids
    return question(f"show_{noun}_history", path, cli="history", may=EVERYONE)(of)


of_work = _asked(
    *("work", "/works/{id}/history", WorkId),
    "Every fact about a work, its remixes and its credits, in order.",
)
of_contributor = _asked(
    *("contributor", "/contributors/{id}/history", ContributorId),
    "Every fact about a person and their credits, in order.",
)
of_project = _asked(
    *("project", "/projects/{id}/history", ProjectId),
    "Every fact about a project, its steps and what was in it, in order.",
)
of_challenge = _asked(
    *("challenge", "/challenges/{id}/history", ChallengeId),
    "Every fact about a challenge and its answers, in order: who featured what, and when.",
)
of_credit = _asked(
    *("credit", "/credits/{id}/history", CreditId),
    "Every fact about one credit, in order: who claimed, who agreed, what was decided.",
)
of_remix = _asked(
    *("remix", "/remixes/{id}/history", RemixId),
    "Every fact about one remix, in order: who declared it, who objected, what was decided.",
)


class Proven(NamedTuple):
    """A kind whose histories are proven complete: how to find a number, and the refusal of an
    unknown id."""

    number: Callable[[View, str], int]
    unknown: type[Unknown]

    def positions(self, view: View, id: str) -> list[int]:
        """The positions of all facts about the one with this id."""
        return _positions(view, self.number(view, id))


PROVEN = {
    "work": Proven(lambda view, id: lineage.stated(view, id).number, UnknownWork),
    "contributor": Proven(
        lambda view, id: contributors.find_person(view, id)[0], UnknownContributor
    ),
    "project": Proven(lambda view, id: projects.find(view, id).number, UnknownProject),
    "challenge": Proven(lambda view, id: challenges.find(view, id).number, UnknownChallenge),
}
"""By kind of noun. A number is that of the noun as recorded, before any join or merge."""


def _history(
    noun: str, reader: Reader, view: View, id: str, after: str | None = None, limit: int = LIMIT
) -> Page[FactInHistory]:
    """A page of a history without facts the reader may not see; their numbers are skipped."""
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


_FEW: Mapping[str, Callable[[View, str], object]] = {
    "credit": attribution.credit,
    "remix": around.remix,
}
"""By kind of noun: a function that refuses an unknown id."""


def _stream(
    noun: str, reader: Reader, view: View, id: str, after: str | None = None, limit: int = LIMIT
) -> Page[FactInHistory]:
    """A page of the facts of one noun, which are few; each is numbered by its place."""
    _FEW[noun](view, id)
    facts = reader.seen(facts_of(view, reader.journal, id))
    before = [0, *(one.position for one in facts)]
    page, more = sliced(facts, after, limit)
    items: list[FactInHistory] = [
        {**told, "number": number + 1, "previous": before[number] or None}
        for number, told in enumerate(tell(reader.journal, page), start=place_of(after))
    ]
    return Page(items, more)


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

    In the order of the journal. The page size counts the facts examined; a page lists those of
    them that have a text. “stemma audit” puts them beside a replay of the log, so that names and
    titles are compared as well.
    """
    place = (decode_cursor(after, int) or [0])[0]
    facts = [one for one in journal.facts.after(place, limit + 1) if one.position <= view.as_of]
    page, more = cut(facts, limit, lambda placed: (placed.position,))
    told = _disclosed(journal, Reader(view, journal, actor).seen(page))
    return Page(told, more)


def _disclosed(journal: Journal, placed: Sequence[Placed]) -> list[DisclosuresOfFact]:
    """The disclosures of those of these facts that have a text, read in one query."""
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
    """The commitments of a fact, including the one to the message its actor signed."""
    names = (*happened.SEALED, "message")
    return [digest for name in names if (digest := getattr(happened, name)) is not None]


def disclosures(journal: Journal, placed: Placed) -> list[list[str]]:
    """The texts of one fact as disclosures of RFC 9901: salt, name, value."""
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
