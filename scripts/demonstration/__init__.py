"""The demonstration: a few small bundles, and the questions to ask of them.

It is loaded by the same importer as any bundle, and loading it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from domain.money.keeping import division_id
from scripts import bundle
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


class Question(NamedTuple):
    """A question worth asking, its address and its command."""

    asks: str
    path: str
    command: str


def _work(text: str) -> str:
    return bundle.Ids("bundle").named("work", text)


def _person(text: str) -> str:
    return bundle.Ids("bundle").named("contributor", text)


def questions() -> list[Question]:
    """The questions that show what Stemma is for."""
    return [*_about_works(), *_about_money(), *_about_the_community()]


def _about_works() -> list[Question]:
    story, loop, gulls = _work("the-lighthouse"), _work("kitchen-break"), _work("gulls")
    return [
        Question(
            "Who contributed to the illustrated story, through every generation?",
            f"/works/{story}/contributors",
            "contributors the-lighthouse",
        ),
        Question(
            "… and on the day it was published?",
            f"/works/{story}/contributors?as=published",
            "contributors the-lighthouse --as-published",
        ),
        Question(
            "How is it drawn as a graph? (GraphML and JSON-LD as well)",
            f"/works/{story}/lineage?format=dot",
            "lineage the-lighthouse --format dot",
        ),
        Question(
            "What was made from one drum loop?",
            f"/works/{loop}/descendants",
            "descendants kitchen-break",
        ),
        Question("What is left of a piece that was withdrawn?", f"/works/{gulls}", "history gulls"),
        Question(
            "Which releases is Bramble & Rust in, and how?",
            f"/contributors/{_person('bramble')}/attribution",
            "attribution bramble",
        ),
        Question(
            "Which pieces wait for their first remix?",
            "/works?never_remixed=true&kind=contribution",
            "works --never-remixed --kind contribution",
        ),
        Question(
            "Who is heard in a record of 2007, three generations back?",
            f"/works/{_work('recording:everything-i-am')}/contributors",
            "contributors recording:everything-i-am",
        ),
    ]


def _about_money() -> list[Question]:
    named = bundle.Ids("bundle").named
    pool, shares = named("pool", "lighthouse-money"), named("proposal", "lighthouse-shares")
    printing = named("revenue", "third-printing")
    return [
        Question(
            "What did the book earn, whose is it, and why is some of it held?",
            f"/pools/{pool}/statement",
            "pool statement lighthouse-money",
        ),
        Question(
            "Who commented on the shares, and what changed?",
            f"/proposals/{shares}/diff",
            "proposal diff lighthouse-shares",
        ),
        Question(
            "Why did おゆき get so much of the third printing?",
            f"/entries/{division_id(printing)}/lines/{_person('oyuki')}/why",
            "why third-printing @oyuki",
        ),
        Question(
            "What did Lanternfish earn, and what was paid?",
            f"/contributors/{_person('lanternfish')}/statement",
            "statement lanternfish",
        ),
        Question(
            "What did the series earn, where a segment is in all six episodes and paid once?",
            f"/pools/{named('pool', 'keepers-money')}/statement",
            "pool statement keepers-money",
        ),
        Question(
            "The ledger, for an accountant's own tool (beancount)?",
            f"/pools/{pool}/ledger?format=beancount",
            "ledger lighthouse-money --beancount",
        ),
    ]


def _about_the_community() -> list[Question]:
    named = bundle.Ids("bundle").named
    project, challenge = named("project", "the-keepers"), named("challenge", "light-out")
    series = _work("keepers-series")
    return [
        Question(
            "Who leads the docuseries, and what is in its steps?",
            f"/projects/{project}",
            "project show the-keepers",
        ),
        Question(
            "Which answers to a challenge has nobody used yet?",
            f"/answers?challenge={challenge}&unused=true",
            "challenge answers --challenge light-out --unused",
        ),
        Question(
            "What are the parts of the series, and which of them is in all six episodes?",
            f"/works/{series}/parts",
            "release parts keepers-series",
        ),
        Question(
            "Who is in all six episodes, and who was behind the group when it was made?",
            f"/works/{series}/contributors?expand=groups",
            "contributors keepers-series --expand groups",
        ),
        Question(
            "What happened to おゆき?",
            f"/contributors/{_person('oyuki')}/happenings",
            "happenings oyuki",
        ),
    ]


def load(service: Service, settings: Settings) -> str:
    """Load every bundle as of its day and fold it; returns the operator's key.

    Raises AssertionError if a line of our own demonstration is refused.
    """
    clock = service.journal.clock
    _must_have_room(service)
    try:
        for name, days in BUNDLES.items():
            service.journal.clock = partial(_days_before, clock, days)
            lines = bundle.found_in(Path(__file__).parent / name)
            report = bundle.import_lines(service.journal, lines)
            assert not report.refused, report.refused
    finally:
        service.journal.clock = clock
    service.follower.catch_up()
    return settings.operator_key or _kept_key(service, settings.data / "demo-operator.key")


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
    path.touch(mode=0o600)
    path.write_text(key + "\n")
    return key


def tell(out: Console, settings: Settings, key: str) -> None:
    """Print what was loaded, what to open and what to ask."""
    address = f"http://{settings.host}:{settings.port}"
    # Lines to be copied are never broken.
    out.soft_wrap = True
    out.print("[bold]The demonstration is loaded.[/bold]\n")
    out.print(f"Open    {address}/")
    out.print(f"Read    {address}/docs")
    out.print(f"Key     {key}   (acts as the operator; sign in with it, too)\n")
    out.print("Ask, in another terminal:\n")
    out.print(f"  KEY={key}\n")
    for question in questions():
        out.print(f"  # {question.asks}")
        out.print(f'  curl -H "Authorization: Bearer $KEY" "{address}{question.path}"')
        out.print(f"  .venv/bin/stemma {question.command}\n")
