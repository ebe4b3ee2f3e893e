"""What there is to ask of a service: every question about everything that the facts name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from domain.credit import Credit
from domain.money.entry import Entry
from domain.nouns import BORN
from domain.value import Ref
from domain.work import Work
from projections.question import MAXIMUM_LIMIT, Question, wire_name
from projections.registry import QUESTIONS
from scripts.service import Service

NOT_ASKED = frozenset(
    {
        *("show_disclosures", "list_disclosures", "list_claims", "list_inbox"),
        *("search", "count_hits", "suggest_people", "suggest_challenges"),
    }
)
"""The first two are what a replay gets its texts from; the next two go by the clock of the service,
and the last by texts, names and roles as they are now, whatever the position."""


class Enquiry(NamedTuple):
    """A question with all that it is asked with."""

    question: Question
    said: Mapping[str, Any]
    as_published: bool = False

    @property
    def subject(self) -> str:
        """Where it is asked, without a position."""
        said = {one.name: quote(str(self.said[one.name])) for one in self.question.in_path}
        return self.question.path.format(**said)

    def after(self, cursor: str) -> Enquiry:
        """The same for the next page of its list."""
        return self._replace(said={**self.said, "after": cursor})

    def path(self, as_of: int) -> str:
        """Where it is asked at a position."""
        query = {
            wire_name(one): self.said[one.name]
            for one in self.question.in_query
            if one.name in self.said
        }
        query |= {"as": "published"} if self.as_published else {}
        return f"{self.subject}?{urlencode({**query, 'as_of': as_of})}"


SPLIT = {
    "policy": "relative_cascade",
    "amount_minor": 100_001,
    "currency": "USD",
    "default_rate": "1/10",
}
"""How a split is asked for."""


class Population(NamedTuple):
    """All that one question can be asked about."""

    question: Question
    subjects: Sequence[Any]
    """Ids of a noun, or pairs of ids."""
    further: Mapping[str, Any]
    as_published: bool = False

    def enquiry(self, number: int) -> Enquiry:
        """The question, asked about one of them."""
        subject = self.subjects[number]
        ids = (subject,) if isinstance(subject, str) else subject
        names = [one.name for one in self.question.in_path]
        said = {**dict(zip(names, ids, strict=True)), **self.further}
        return Enquiry(self.question, said, self.as_published)


def populations(service: Service) -> Iterator[Population]:
    """Every question with all that it can be asked about, by the facts.

    Those about one thing come first: a difference there says more than one in a list or a count.
    """
    journal, ids = service.journal, _ids(service)
    pairs: dict[str, list[tuple[str, str]]] = {"contributor": [], "payee": []}
    for placed in journal.read(topics=[kind.TOPIC for kind in (*Credit.BIRTHS, *Entry.BIRTHS)]):
        happened = placed.fact()
        if isinstance(happened, Credit.Birth):
            pairs["contributor"].append((happened.work, happened.contributor))
        else:
            lines = getattr(happened, "lines", ())
            pairs["payee"] += ((happened.originator_id, str(line[0])) for line in lines)
    releases = set(ids.get("release", ()))
    latest = journal.facts.latest().moment
    further: dict[str, dict[str, Any]] = {"show_split": SPLIT}
    if latest is not None:
        further["show_withheld"] = {"year": latest.year}
    for question in sorted(QUESTIONS.values(), key=_generality):
        if question.rehearses or question.name in NOT_ASKED:
            continue
        more = dict(further.get(question.name, {}))
        if any(one.name == "limit" for one in question.in_query):
            more["limit"] = MAXIMUM_LIMIT
        subjects = _subjects(question, ids, pairs)
        yield Population(question, subjects, more)
        if question.may_be_as_published:
            published = [one for one in subjects if {one, one[0]} & releases]
            yield Population(question, published, more, as_published=True)


def _generality(question: Question) -> tuple[bool, bool, bool]:
    return not question.in_path, question.path.endswith("/facets"), question.is_list


def _subjects(
    question: Question, ids: Mapping[str, list[str]], pairs: Mapping[str, list[tuple[str, str]]]
) -> Sequence[Any]:
    match question.in_path:
        case ():
            return [()]
        case (one,) if isinstance(one.value, Ref):
            return ids.get(one.value.noun, ())
    return pairs[question.in_path[1].name]


def _ids(service: Service) -> dict[str, list[str]]:
    """All nouns, by what they are called."""
    nouns = {birth.TOPIC: noun for birth, noun in BORN.items()}
    found: dict[str, list[str]] = {}
    sql = "SELECT originator_id, topic FROM stored_events WHERE originator_version = 1"
    for id, topic in service.engine.query(f"{sql} ORDER BY position"):
        found.setdefault(nouns[topic].NAME, []).append(id)
        if issubclass(nouns[topic], Work):
            found.setdefault("work", []).append(id)
    return found


def enquiries(
    every: Sequence[Population], sample: int | None = None, seed: int = 0
) -> Iterator[Enquiry]:
    """Every question about everything; or so many, each question about as many as the others."""
    if sample is None:
        yield from (each.enquiry(one) for each in every for one in range(len(each.subjects)))
        return
    chance = Random(seed)
    drawn = [
        chance.sample(range(len(each.subjects)), min(len(each.subjects), sample)) for each in every
    ]
    turns = (
        each.enquiry(numbers[turn])
        for turn in range(sample)
        for each, numbers in zip(every, drawn, strict=True)
        if turn < len(numbers)
    )
    yield from islice(turns, sample)
