"""Golden journals: how they are kept, what is asked of them, and the command that writes them.

Rule: one that is written is never edited; a new version gets a new folder beside it.

    .venv/bin/python tests/golden_journals.py 0.2
"""

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import cycle, groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from clocks import TickingClock
from money import Bank
from stories import ticking
from test_every_way import over_http
from wandering import Wanderer

from domain.fact import FACTS
from domain.journal import Journal
from domain.money.entry import Entry
from domain.nouns import BORN
from domain.refusal import Refusal
from domain.value import Ref
from domain.work import Work
from projections import lineage
from projections.question import Asking, Question
from projections.registry import QUESTIONS
from projections.store import View
from scripts import demonstration
from scripts.bundle import FoundLine, Line, export_lines, import_lines
from scripts.service import Service, open_service
from scripts.settings import Settings

FOLDER = Path(__file__).parent / "golden" / "journals"
FACTS_END, ANSWERS_END = ".jsonl.gz", ".answers.jsonl.gz"
ALL = 1_000_000
"""The limit of every list: each is answered whole."""


class Golden(NamedTuple):
    """A journal that is kept, with the answers of the version that wrote it."""

    version: str
    name: str

    @property
    def facts(self) -> Path:
        """Where its export is."""
        return FOLDER / self.version / (self.name + FACTS_END)

    @property
    def answers(self) -> Path:
        """Where the questions and their answers are."""
        return FOLDER / self.version / (self.name + ANSWERS_END)


def every_golden() -> list[Golden]:
    """Every journal of every version that is kept."""
    found = sorted(FOLDER.glob(f"*/*{ANSWERS_END}"))
    return [Golden(one.parent.name, one.name.removesuffix(ANSWERS_END)) for one in found]


def read_lines(path: Path) -> list[Any]:
    """The objects of a compressed file of JSON Lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def written(lines: Iterable[Any]) -> str:
    """Objects as JSON Lines, as “stemma export” writes them."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


@contextmanager
def restored(database: str, lines: Sequence[Line]) -> Iterator[Service]:
    """An empty database with an export in it, soon after its last fact, whatever day is today."""
    last = datetime.fromisoformat(json.loads(lines[-1]["state"])["timestamp"])
    with open_service(database, clock=ticking(last)) as service:
        put_back(service, lines)
        yield service


def put_back(service: Service, lines: Iterable[Line]) -> None:
    """Restore an export into an empty database, and fold it."""
    found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, start=1))
    assert import_lines(service.journal, found).refused == []
    service.follower.catch_up()


# -- questions and answers -------------------------------------------------------------------


class Asked(NamedTuple):
    """A question with all that it is asked with, in plain JSON."""

    as_of: int
    question: str
    said: Mapping[str, Any]
    as_published: bool = False


def answers_to(service: Service, asked: Iterable[Asked]) -> Iterator[Any]:
    """The answers, at one position after the other."""
    for as_of, questions in groupby(asked, key=lambda one: one.as_of):
        with service.store.view(as_of) as view:
            for one in questions:
                yield answer_to(service, view, one)


def answer_to(service: Service, now: View, asked: Asked) -> Any:
    """The answer as JSON, or the code of the refusal."""
    question = QUESTIONS[asked.question]
    limit = {"limit": ALL} if any(one.name == "limit" for one in question.fields) else {}
    try:
        view = lineage.as_published(now, asked.said["id"]) if asked.as_published else now
        asking = Asking(question, view, service.journal, {**limit, **asked.said})
        return json.loads(json.dumps(asking.told))
    except Refusal as refusal:
        return {"refused": refusal.code}


def differences(kept: Any, now: Any, at: str = "") -> Iterator[str]:
    """Where an answer is not what it was; keys that were gained since are no difference."""
    if isinstance(kept, dict) and isinstance(now, dict):
        for name in kept:
            if name in now:
                yield from differences(kept[name], now[name], f"{at}.{name}")
            else:
                yield f"{at}.{name} is gone"
    elif isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        for number, (one, other) in enumerate(zip(kept, now, strict=True)):
            yield from differences(one, other, f"{at}[{number}]")
    elif kept != now or type(kept) is not type(now):
        yield f"{at or 'the answer'} was {kept!r}, is {now!r}"


class Known:
    """What may be asked about in a journal."""

    def __init__(self, journal: Journal) -> None:
        self.head = journal.facts.head()
        self.ids: dict[str, list[str]] = defaultdict(list)
        """What there is, by noun."""
        self.lines: list[dict[str, Any]] = []
        """The payees of every entry."""
        for placed in journal.read():
            happened = placed.fact()
            if placed.originator_version == 1:
                noun = BORN[type(happened)]
                self.ids[noun.NAME].append(placed.originator_id)
                if issubclass(noun, Work):
                    self.ids["work"].append(placed.originator_id)
            if isinstance(happened, Entry.Event):
                id = placed.originator_id
                self.lines += ({"id": id, "payee": line[0]} for line in happened.lines)

    def questions(self) -> Iterator[Asked]:
        """Every question about everything, at the head and at two positions before it."""
        for as_of in (self.head, self.head * 2 // 3, self.head // 3):
            for question in QUESTIONS.values():
                if question.rehearses and as_of < self.head:
                    continue  # what a command would do is asked of the head
                for said in self.said(question):
                    yield Asked(as_of, question.name, said)
                    if question.may_be_as_published and said["id"] in self.ids["release"]:
                        yield Asked(as_of, question.name, said, as_published=True)

    def said(self, question: Question) -> Iterator[dict[str, Any]]:
        """What a question is asked with."""
        if question.name in WITH:
            yield from WITH[question.name](self)
        elif question.in_path:
            # Of the first everything, each with one after the other of what else is named.
            first, *others = [(one.name, list(self.of(one.value))) for one in question.in_path]
            turns = [(name, cycle(ids)) for name, ids in others]
            if all(ids for _, ids in others):
                for id in first[1]:
                    yield {first[0]: id, **{name: next(ids) for name, ids in turns}}
        else:
            yield {}

    def of(self, value: Any) -> Iterable[Any]:
        """Everything of a noun, or every position."""
        return self.ids[value.noun] if isinstance(value, Ref) else range(1, self.head + 1)


POLICIES: tuple[Any, ...] = (
    *("relative_cascade", "absolute_per_path", "absolute_per_edge"),
    {"type": "decay", "pool": "1/2", "factor": "1/2", "depth": 3},
)


def _splits(known: Known) -> Iterator[dict[str, Any]]:
    """Of every work by one policy, the policies in turn."""
    for number, id in enumerate(known.ids["work"]):
        policy = POLICIES[number % len(POLICIES)]
        typed = policy if isinstance(policy, str) else json.dumps(policy)
        said = {"policy": typed, "amount_minor": 100_001, "currency": "USD"}
        yield {"id": id, "default_rate": "1/10", **said}


def _previews(known: Known) -> Iterator[dict[str, Any]]:
    """Of every work, an edge to the one before it."""
    works = known.ids["work"]
    for parent, child in pairwise(works):
        yield {"child": child, "parent": parent, "kind": "sample", "rate": "1/20"}


def _statements(known: Known) -> Iterator[dict[str, Any]]:
    for id in known.ids["contributor"]:
        yield {"id": id}
        yield {"id": id, "from_": "2026-07", "to": "2026-10", "currency": "USD"}


def _payouts(known: Known) -> Iterator[dict[str, Any]]:
    yield from ({}, {"state": "returned"})
    yield from ({"batch": id} for id in known.ids["batch"])
    yield from ({"payee": id} for id in known.ids["contributor"])


def _works(_: Known) -> Iterator[dict[str, Any]]:
    yield from ({}, {"q": "e"}, {"kind": "contribution", "never_remixed": True})
    yield from ({"role": "editor"}, {"medium": "audio"})


WITH: Mapping[str, Callable[[Known], Iterable[dict[str, Any]]]] = {
    "list_works": _works,
    "list_contributors": lambda _: ({}, {"q": "a"}),
    "list_payouts": _payouts,
    "explain_line": lambda known: known.lines,
    "show_split": _splits,
    "preview_remix": _previews,
    "show_statement": _statements,
    "show_withheld": lambda _: ({"year": 2026},),
    "preview_payouts": lambda _: ({"currency": "USD", "outcome": "paid"},),
    **dict.fromkeys(("search", "count_hits"), lambda _: ({"q": "a"}, {"q": "lo"})),
}
"""What is asked with more than an id, or of something that is no noun."""


# -- writing ---------------------------------------------------------------------------------


def told_demonstration(database: str) -> list[Line]:
    """The demonstration as it is loaded."""
    with open_service(database) as service:
        demonstration.load(service, Settings(database, Path(), operator_key="not-kept"))
        return list(export_lines(service.journal))


def told_story(database: str) -> list[Line]:
    """Every command, signed by whoever acts, so that every kind of fact occurs."""
    with over_http(database, signed=True) as journal:
        return list(export_lines(journal))


def told_at_random(seed: int, steps: int) -> Callable[[str], list[Line]]:
    """A random history, after which the clock is set back."""

    def told(database: str) -> list[Line]:
        clock = TickingClock()
        with open_service(database, clock=clock) as service:
            bank = Bank(service)
            bank.clock = clock
            Wanderer(bank, seed).wander(steps)
            clock.wait(days=-2)
            service.journal.accept_clock()
            return list(export_lines(service.journal))

    return told


STORIES: Mapping[str, Callable[[str], list[Line]]] = {
    "demonstration": told_demonstration,
    "every-command": told_story,
    **{f"random-{seed}": told_at_random(seed, steps=900) for seed in (9, 10, 13)},
}
"""What is kept of a version, by its name."""


def _order(one: Asked) -> tuple[Any, ...]:
    return one.as_of, one.question, json.dumps(one.said), one.as_published


def write(version: str) -> None:
    """Keep the journals of a version with their answers; FileExistsError if they are kept."""
    (FOLDER / version).mkdir(parents=True)
    topics = set()
    for name in STORIES:
        with TemporaryDirectory() as folder:
            lines = STORIES[name](f"sqlite:///{folder}/told.db")
            topics |= {line["topic"] for line in lines}
            with restored(f"sqlite:///{folder}/kept.db", lines) as service:
                asked = sorted(Known(service.journal).questions(), key=_order)
                told = zip(asked, answers_to(service, asked), strict=True)
                answers = [[*one, answer] for one, answer in told]
        golden = Golden(version, name)
        for path, content in ((golden.facts, lines), (golden.answers, answers)):
            path.write_bytes(gzip.compress(written(content).encode(), mtime=0))
        sys.stdout.write(f"{name}: {len(lines)} facts, {len(answers)} answers\n")
    assert topics == set(FACTS), set(FACTS) - topics


if __name__ == "__main__":
    write(sys.argv[1])
