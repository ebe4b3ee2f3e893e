"""The demonstration: a few small bundles, and the questions to ask of them.

It is loaded by the same importer as any bundle, and loading it again changes nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from rich.console import Console

from domain.money.keeping import division_id
from domain.value import Payee, Ref, Value
from projections.registry import QUESTIONS
from scripts import bundle
from scripts.safe_file import written_whole
from scripts.service import Service
from scripts.settings import BadSetting, Settings

BUNDLES = {
    "community.jsonl": 120,
    "recordings.jsonl": 120,
    "shares.jsonl": 90,
    "agreement.jsonl": 75,
    "payouts.jsonl": 40,
    "together.jsonl": 38,
    "season-shares.jsonl": 36,
    "season-sold.jsonl": 12,
    "afterwards.jsonl": 5,
    "conversation.jsonl": 4,
}
"""Each, and how many days ago it happened: a proposal is open for comments for two weeks."""


BY_HAND = {"show_pool_ledger": "ledger"}
"""The questions whose commands are written by hand, as they can be asked of several things."""


class Shown(NamedTuple):
    """A question worth asking: which it is, about what, and what else is said of it.

    Ids are the words of the bundles. Its address and its command follow from the declaration.
    """

    asks: str
    question: str
    about: tuple[str, ...] = ()
    said: Mapping[str, str] = {}

    @property
    def path(self) -> str:
        """Its address below that of the service."""
        question = QUESTIONS[self.question]
        names = zip(question.in_path, self.about, strict=True)
        ids = {one.name: _id(one.value, word) for one, word in names}
        values = {one.name: one.value for one in question.in_query}
        query = {name: _id(values.get(name), word) for name, word in self.said.items()}
        return question.path.format(**ids) + (f"?{urlencode(query)}" if query else "")

    @property
    def command(self) -> str:
        """Its command of the terminal."""
        words = [QUESTIONS[self.question].cli or BY_HAND[self.question], *self.about]
        for name, word in self.said.items():
            flag = "--as-published" if name == "as" else f"--{name.replace('_', '-')}"
            words += [flag] if name == "as" or word == "true" else [flag, word]
        return " ".join(words)


def _id(value: Value | None, word: str) -> str:
    """The id that a word of the bundles stands for, where one is named."""
    named = bundle.Ids("bundle").named
    match value:
        case Ref(noun="entry"):
            return division_id(named("revenue", word))
        case Ref(noun=noun):
            return named(noun, word)
        case Payee():
            return named("contributor", word.removeprefix("@"))
    return word


_STORY, _MONEY = ("the-lighthouse",), ("lighthouse-money",)
_CONTRIBUTORS = "list_work_contributors"
ASKED = (
    Shown(
        "Who contributed to the illustrated story, through every generation?",
        _CONTRIBUTORS,
        _STORY,
    ),
    Shown("… and on the day it was published?", _CONTRIBUTORS, _STORY, {"as": "published"}),
    Shown(
        "How is it drawn as a graph? (GraphML and JSON-LD as well)",
        *("show_lineage", _STORY, {"format": "dot"}),
    ),
    Shown("What was made from one drum loop?", "list_descendants", ("kitchen-break",)),
    Shown("What is left of a piece that was withdrawn?", "show_work_history", ("gulls",)),
    Shown("Which releases is Bramble & Rust in, and how?", "list_attribution", ("bramble",)),
    Shown(
        "Which pieces wait for their first remix?",
        *("list_works", (), {"never_remixed": "true", "kind": "contribution"}),
    ),
    Shown(
        "Who is heard in a record of 2007, three generations back?",
        *(_CONTRIBUTORS, ("recording:everything-i-am",)),
    ),
    Shown(
        "What did the book earn, whose is it, and why is some of it held?",
        *("show_pool_statement", _MONEY),
    ),
    Shown(
        "Who commented on the shares, and what changed?",
        *("show_proposal_diff", ("lighthouse-shares",)),
    ),
    Shown(
        "Why did おゆき get so much of the third printing?",
        *("explain_line", ("third-printing", "@oyuki")),
    ),
    Shown("What did Lanternfish earn, and what was paid?", "show_statement", ("lanternfish",)),
    Shown(
        "What did the series earn, where a segment is in all six episodes and paid once?",
        *("show_pool_statement", ("keepers-money",)),
    ),
    Shown(
        "The ledger, for an accountant's own tool (beancount)?",
        *("show_pool_ledger", _MONEY, {"format": "beancount"}),
    ),
    Shown(
        "Who leads the docuseries, and what is in its steps?",
        *("show_project", ("the-keepers",)),
    ),
    Shown(
        "Which answers to a challenge has nobody used yet?",
        *("list_answers", (), {"challenge": "light-out", "unused": "true"}),
    ),
    Shown(
        "What are the parts of the series, and which of them is in all six episodes?",
        *("list_parts", ("keepers-series",)),
    ),
    Shown(
        "Who is in all six episodes, and who was behind the group when it was made?",
        *(_CONTRIBUTORS, ("keepers-series",), {"expand": "groups"}),
    ),
    Shown("What happened to おゆき?", "list_happenings", ("oyuki",)),
)
"""The questions that show what Stemma is for."""


class Loaded(NamedTuple):
    """What was loaded."""

    key: str
    """The operator's key."""
    left_out: int
    """How many lines no longer fit what has happened since they were loaded the first time."""


def load(service: Service, settings: Settings) -> Loaded:
    """Load every bundle as of its day, unless that was done before, and fold it.

    Refuses (BadSetting) a database with other facts. Raises AssertionError if a line of our own
    demonstration is refused by an empty one.
    """
    clock, is_empty, left_out = service.journal.clock, not service.journal.facts.head(), 0
    _must_have_room(service)
    try:
        for name, days in BUNDLES.items():
            service.journal.clock = partial(_days_before, clock, days)
            lines = bundle.found_in(Path(__file__).parent / name)
            refused = bundle.import_lines(service.journal, lines).refused
            assert not (refused and is_empty), refused
            left_out += len(refused)
    finally:
        service.journal.clock = clock
    service.follower.catch_up()
    key = settings.operator_key or _kept_key(service, settings.data / "demo-operator.key")
    return Loaded(key, left_out)


def _must_have_room(service: Service) -> None:
    """Refuse a database with other facts: the demonstration happened before them."""
    first = next(bundle.found_in(Path(__file__).parent / next(iter(BUNDLES))))
    id = bundle.Ids("bundle").named("contributor", first.line["id"])
    if service.journal.facts.head() and not service.journal.facts.births([id]):
        raise BadSetting(
            "The demonstration is of the last months, and the database has facts already: name an "
            "empty one with --database."
        )


def _days_before(clock: Callable[[], datetime], days: int) -> datetime:
    return clock() - timedelta(days=days)


def _kept_key(service: Service, path: Path) -> str:
    """The key made earlier for this database, or a new one."""
    if path.exists():
        key = path.read_text().strip()
        if service.keys.holder_of(key) is not None:
            return key
    key = service.keys.create("operator")
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as file:
        file.write(f"{key}\n".encode())
    return key


def tell(out: Console, settings: Settings, loaded: Loaded, chosen: Iterable[str] = ()) -> None:
    """Print what was loaded, what to open and what to ask.

    ``chosen`` is what the command line said before the command, which the questions need as well.
    """
    stemma = shlex.join([".venv/bin/stemma", *chosen])
    address = settings.local_address
    # Lines to be copied are never broken.
    out.soft_wrap = True
    key, left_out = loaded
    out.print("[bold]The demonstration is loaded.[/bold]\n")
    if left_out:
        out.print(
            f"It was loaded before, and {left_out} of its lines do not fit what has happened "
            "since. To begin anew, name an empty database with --database, or another folder "
            "with STEMMA_DATA.\n"
        )
    out.print(f"Open    {address}/")
    out.print(f"Read    {address}/docs")
    out.print(f"Key     {key}   (acts as the operator; sign in with it, too)\n")
    out.print("Ask, in another terminal (with the same STEMMA_… variables, if you set any):\n")
    out.print(f"  KEY={key}\n")
    for question in ASKED:
        out.print(f"  # {question.asks}")
        out.print(f'  curl -H "Authorization: Bearer $KEY" "{address}{question.path}"')
        out.print(f"  {stemma} {question.command}\n")
