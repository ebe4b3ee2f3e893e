"""The small size of every benchmark runs and measures what it says; how fast is not asked here."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest
from rich.console import Console

from domain.commands.admitting import AdmitContributor
from domain.commands.releasing import AssembleRelease, PublishRelease
from domain.commands.submitting import SubmitContribution
from domain.fact import Fact
from projections import around, attribution, parts
from projections.rebuilding import Rebuild
from projections.store import View
from scripts.benchmarks import BENCHMARKS, run, society
from scripts.benchmarks.by_hand import is_postgres, plain, scratch
from scripts.benchmarks.filled import settled
from scripts.benchmarks.growth import HOT
from scripts.benchmarks.measure import Aim, Peer, Result, at_least, at_most, percentile, rates
from scripts.benchmarks.measured import Run, document, keep, kept
from scripts.bundle import FoundLine, import_lines
from scripts.generate import (
    DENSE,
    TYPICAL,
    Habits,
    community,
    facts_of,
    id_of,
    lines,
    record,
)
from scripts.service import Service, open_service


def grown_at(works: int) -> list[str]:
    """What is measured of the growth at one size: in the end a table, and a worker."""
    further = ("stored_events", "a worker after 10 questions")
    return [
        *(f"{what} of {works} works" for what in ("recording", "folding", "log")),
        *(f"{what}, {works} works" for what in (*HOT, *further)),
    ]


MEASURES = {
    name: [
        f"{what}, 200 works, p{percent}{clock}"
        for what in whats
        for clock in ("", ", processor time")
        for percent in (50, 99)
    ]
    for name, whats in {
        "inbox": [
            f"{what} for {whom}"
            for whom in ("a person", "one of the busiest people", "the operator")
            for what in ("inbox", "count")
        ],
        "search": [
            *(
                f"{typed}{said}"
                for typed in (
                    *("a full title", "two words, the last incomplete", "one word"),
                    *("two of the commonest words", "a role", "one letter"),
                )
                for said in ("", ", counted")
            ),
            *(f"the facets of {what}" for what in ("all works", "all people", "the musicians")),
        ],
        "suggest": [
            *("people for a challenge", "challenges for a person"),
            *("challenges for one of the busiest people", "likely sources"),
        ],
    }.items()
} | {
    "append": [
        *(f"1 per transaction, {who}" for who in ("1 client", "4 clients", "16 clients")),
        "20 per transaction, 1 client",
        *(f"from recorded to visible, p{percent}" for percent in (50, 99)),
    ],
    "import": [
        *("recorded", "recorded", "folded afterwards", "folded afterwards"),
        "recorded and folded",
    ],
    "late": [f", {order}" for order in ("oldest first", "newest first", "in random order")],
    "fold": ["rebuild of", "rebuild of"],
    "wide": [
        f"{what}, p{percent}"
        for what in (
            "contributors",
            "contributors",
            "contributors in a role",
            "paths to one of them",
            "credits of one of them",
            "lineage",
            "ancestors",
            "ancestors by title",
            "licences",
            "split",
            "the page of the work",
        )
        for percent in (50, 99)
    ],
    "reads": [
        "health check",
        *(
            f"{what}, {how}"
            for what in ("a work", "its contributors")
            for how in ("first time", "again", "by ETag")
        ),
    ],
    "contributors": [
        f"{which}, p{percent}"
        for which in ("random works of", "random releases of", "the worst cases in a dense graph")
        for percent in (50, 99)
    ],
    "pages": [
        f"{what} {works} {of}".strip()
        for works in (30, 500)
        for what, of in (
            ("a release of", "works"),
            ("the last of", "pieces"),
            ("a pool of", "shares"),
            ("the agreement of", ""),
            ("one of", "people"),
            ("what one earned of", ""),
        )
    ],
    "split": [
        f"the worst cases in a {shape} graph of, {timed}, p{percent}"
        for shape in ("sparse", "dense")
        for timed in ("found and divided", "divided")
        for percent in (50, 99)
    ],
    "log": [
        *(f"appended and integrated, {batch} in a transaction" for batch in (1, 20)),
        *2
        * [
            *("a receipt of, p50", "a receipt of, p99"),
            *("a consistency proof of, p50", "a consistency proof of, p99"),
            *("tiles of", "entries of", "restart at"),
        ],
    ],
    "audit": 2
    * [
        *("mirroring", "replaying", "texts of", "folding", "comparing answers", "waiting"),
        "the whole audit",
    ],
    "money": [
        *["one revenue, p50"] * 2,
        *(
            "revenues in batches",
            "sales, pools)",
            "a file of 2,000 sales, pools)",
            "the first command of a process",
            "memory of a process",
        )
        * 2,
        *["the statement of a pool, p50"] * 2,
        *["a contributor's statement of the latest 20 lines, p50"] * 2,
        *["why a payee got an amount, p50"] * 2,
        *["a batch of 15 payouts"] * 4,
    ],
    "load": [
        *(
            f"{who}, writes only{percent}"
            for who in ("1 client", "4 clients", "16 clients")
            for percent in ("", ", p50", ", p99")
        ),
        "16 clients",
        *(
            f"{what}, p{percent}"
            for what in ("reads", "writes", "reads of own writes")
            for percent in (50, 99)
        ),
        "memory at the end",
    ],
    "growth": [
        *(each for works in (200, 400) for each in grown_at(works)),
        *(f"growth of {what}" for what in HOT),
    ],
    "layout": [
        f"{what}, {works} works" for works in ("5 and 30", "120") for what in ("crossings", "time")
    ],
}


def test_every_benchmark_says_what_it_measures() -> None:
    assert set(BENCHMARKS) == set(MEASURES)
    assert all((sys.modules[one.__module__].__doc__ or "").strip() for one in BENCHMARKS.values())


LONG = {"growth", "audit", "load", "reads", "contributors", "pages", "money"}
"""Those that take as long as all others together: they start servers or make large communities."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] * (one in LONG)) for one in MEASURES]
)
def test_the_small_size_of_every_benchmark_runs(name: str, database: str, tmp_path: Path) -> None:
    told = StringIO()
    [done] = run([name], "small", database, Console(file=told, width=200))
    results, said = done.results, told.getvalue()
    assert len(results) == len(MEASURES[name])
    for result, measure in zip(results, MEASURES[name], strict=True):
        which, _, percent = measure.partition(", ")
        assert result.measure.startswith(which)
        assert result.measure.endswith(percent)
        assert result.value > 0
        assert f"{result.measure}: " in said
        assert all(f"× {peer.name} (" in said for peer in result.peers)
    has_peer = name != "layout" or shutil.which("dot")
    assert not has_peer or any(result.peers for result in results)
    keep([done], file := tmp_path / "measured.jsonl")
    assert kept(file) == [done]
    page = document([(name, sys.modules[BENCHMARKS[name].__module__])], [done])
    assert f"- {done.engine}: `stemma bench {name} --size small` on " in page


def test_a_ratio_is_ours_divided_by_the_peers() -> None:
    peer = Peer("a snail", 4.0)
    result = Result("a lap", 2.0, "s", (peer,))
    assert result.ratio(peer) == 0.5
    assert str(result).splitlines() == ["a lap: 2 s", "        0.50 × a snail (4 s)"]


def test_an_aim_is_a_figure_or_a_multiple_of_a_peers() -> None:
    peers = (Peer("a snail", 4.0), Peer("a hare by land", 1.0))

    def result(*aims: Aim) -> Result:
        return Result("a lap", 2.0, "s", peers, aims=aims)

    reached = (*at_most(2), *at_least(2), *at_most(0.5, "a snail"), *at_least(2, "a hare"))
    assert not result(*reached).misses
    missed = (*at_most(1.9), *at_least(2.1), *at_most(0.4, "a snail"), *at_least(2.1, "a hare"))
    assert all(result(aim).misses for aim in missed)
    said = "(aim: ≤ 2 reached, ≥ 2.1 × a hare missed)"
    assert said in str(result(reached[0], missed[-1]))


def test_a_later_run_takes_the_place_of_the_same_on_the_same_engine(tmp_path: Path) -> None:
    file = tmp_path / "measured.jsonl"

    def run_on(engine: str, value: float) -> Run:
        result = Result("a lap", value, "s")
        return Run("race", engine, "full", "2026-11-27", "2 cores", "Python", (0.1, 0.5), (result,))

    keep([run_on("SQLite", 2.0), run_on("PostgreSQL", 3.0)], file)
    keep([run_on("SQLite", 1.0)], file)
    assert kept(file) == [run_on("PostgreSQL", 3.0), run_on("SQLite", 1.0)]


def test_a_percentile_is_a_value_of_the_sample() -> None:
    sample = [float(number) for number in range(100, 0, -1)]
    assert [percentile(sample, percent) for percent in (0, 50, 99, 100)] == [1, 51, 100, 100]


def test_what_is_measured_side_by_side_takes_turns() -> None:
    turns: list[str] = []
    rates(2, 1, lambda n: turns.append(f"a{n}"), lambda n: turns.append(f"b{n}"))
    assert turns == ["a0", "b0", "a1", "b1"]


def test_a_scratch_database_is_empty_and_goes_away(database: str) -> None:
    with scratch(database) as address:
        assert address != database
        with plain(address) as engine:
            engine.execute("CREATE TABLE work (id TEXT)")
        with scratch(database) as other, plain(other) as engine:
            engine.execute("CREATE TABLE work (id TEXT)")
    with pytest.raises(Exception, match=r"unable to open|does not exist"), plain(address):
        pass


def test_what_a_society_is_written_as_is_what_its_commands_record(tmp_path: Path) -> None:
    works, since = 100, datetime(2026, 1, 1, tzinfo=UTC)
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        for by, command in society.commands(works):
            service.journal.record(command, by=by)
        recorded = [one.fact() for one in service.journal.facts.after(0, 1_000)]
    written = [
        happened
        for by, command in society.commands(works)
        for happened in facts_of(by, command, since).facts
    ]
    assert [said_by(one) for one in written] == [said_by(one) for one in recorded]


def test_a_society_that_is_kept_goes_on_where_filling_it_stopped_and_is_found_again(
    database: str,
) -> None:
    works = 1_500
    name = f"stemma_society_{works}"
    begun = list(islice(society.commands(works), 2_000))  # as many as are recorded at once
    try:
        with scratch(database, name) as place, open_service(place) as service:
            before = society.record(service.journal, begun, since=datetime(2026, 1, 1, tzinfo=UTC))
        seen = []
        for _ in range(2):
            with settled(is_kept=True):
                service, address = society.filled(works, database)
                positions = service.store.positions(), service.store.current().number
                seen.append((address, service.journal.facts.head(), positions))
                with service.store.view() as view:
                    assert around.work(view, id_of("work", works - 1))["kind"] == "contribution"
        assert seen[0] == seen[1], "neither recorded nor folded again"
        whole = sum(len(facts_of(*one, datetime.now(UTC)).facts) for one in begun)
        assert (seen[0][0], before) == (place, whole)
        assert seen[0][1] > before
    finally:
        if is_postgres(database):
            with plain(database) as engine:
                engine.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def said_by(happened: Fact) -> dict[str, object]:
    """What a fact says, without its time and what is different with every salt."""
    sealed = {*happened.SEALED, "title", "name"}
    differs = {"made", "timestamp", "deadline", *sealed}
    said = {name: bool(v) if name in differs else v for name, v in asdict(happened).items()}
    return {"topic": happened.TOPIC, **said}


# -- generated communities -----------------------------------------------------------------


def test_a_seed_decides_the_community() -> None:
    assert list(community(300, seed=7)) == list(community(300, seed=7))
    assert list(community(300, seed=7)) != list(community(300, seed=8))


def test_a_community_streams() -> None:
    assert len(list(islice(community(10**9), 5))) == 5


@pytest.mark.parametrize("shape", [TYPICAL, DENSE], ids=["typical", "dense"])
def test_everything_comes_after_what_it_is_made_from(shape: Habits) -> None:
    seen: dict[str, str] = {}
    for item in community(500, shape=shape):
        match item:
            case AdmitContributor(id=id):
                seen[id] = ""
            case SubmitContribution(id=id, made_at=made):
                assert 1 <= len(item.authors) <= 3
                assert len(item.sources) <= 4
                named = [author.contributor for author in item.authors]
                named += [source.work for source in item.sources]
                assert all(seen[other] < made for other in named)
                seen[id] = made
            case AssembleRelease(id=id, components=components, made_at=made):
                assert all(seen[component.work] < made for component in components)
                seen[id] = made
            case PublishRelease(id=id):
                assert id in seen
    assert len(seen) == 50 + 500 + 10


def test_a_typical_piece_has_about_one_source() -> None:
    pieces = [item for item in community(5_000) if isinstance(item, SubmitContribution)]
    assert 0.9 < sum(len(piece.sources) for piece in pieces) / len(pieces) < 1.1


def test_a_dense_work_has_thousands_of_ancestors() -> None:
    ancestors: dict[str, int] = {}  # a set of pieces as the bits of a number
    for number, item in enumerate(community(8_000, shape=DENSE)):
        if isinstance(item, SubmitContribution):
            ancestors[item.id] = 1 << number
            for source in item.sources:
                ancestors[item.id] |= ancestors[source.work]
    assert max(map(int.bit_count, ancestors.values())) > 2_000


def test_a_community_written_as_facts_answers_like_one_that_was_imported(database: str) -> None:
    pieces, now = 120, datetime(2026, 1, 1, tzinfo=UTC)
    with scratch(database) as address, open_service(address, clock=lambda: now) as written:
        record(written.journal, community(pieces))
        Rebuild(written.journal, written.store).run()
        expected = list(answers(written, pieces))
    with scratch(database) as address, open_service(address, clock=lambda: now) as imported:
        bundle = (
            FoundLine(f"line {n}", line) for n, line in enumerate(lines(community(pieces)), 1)
        )
        report = import_lines(imported.journal, bundle)
        assert not report.refused
        imported.follower.catch_up()
        assert list(answers(imported, pieces)) == expected


def answers(service: Service, pieces: int) -> Iterator[object]:
    """What a service says of every generated work."""
    with service.store.view() as view:
        yield service.store.positions()
        for id in [id_of("release", 0), *(id_of("work", number) for number in range(pieces))]:
            yield from answers_about(view, id)


def answers_about(view: View, id: str) -> Iterator[object]:
    yield around.work(view, id)
    yield parts.of_work(view, id)
    yield attribution.all_credits(view, id).items
