"""What is said of growth: exponents, the claim, partitions, and the chart."""

import xml.etree.ElementTree as ET

import pytest

from domain.commands.admitting import AdmitContributor
from scripts.benchmarks.by_hand import plain
from scripts.benchmarks.chart import drawn
from scripts.benchmarks.growth import CLAIMED, Cost, allowed, exponent, growth_of
from scripts.benchmarks.measure import Result
from scripts.benchmarks.measured import Run
from scripts.benchmarks.partitions import partitioned, vacuumed
from scripts.benchmarks.scaling import page
from scripts.generate import community, id_of, record
from scripts.service import open_service

SIZES = (1_000, 10_000, 100_000)


def run_of(*results: Result) -> Run:
    """A run on SQLite that measured these."""
    conditions = ("full", "2026-11-27", "a machine", "Python", (0.0, 0.1))
    return Run("growth", "SQLite", *conditions, results)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_an_exponent_is_the_slope_of_the_logarithms(power: float) -> None:
    assert exponent([Cost(size, 3 * size**power) for size in SIZES]) == pytest.approx(power)


def test_what_grows_as_the_logarithm_keeps_the_claim() -> None:
    costs = [Cost(size, 100 * allowed([Cost(10, 1), Cost(size, 1)])) for size in SIZES]
    assert not growth_of("an append", costs, CLAIMED).misses


def test_what_grows_faster_breaks_it_but_for_the_size_of_its_answer() -> None:
    costs = [Cost(size, size**0.5) for size in SIZES]
    broken = growth_of("an append", costs, CLAIMED)
    assert broken.misses
    assert str(broken).startswith("growth of an append, 1,000 to 100,000 works: 10 ×")
    answers = [Cost(size, size**0.5, items=size**0.5) for size in SIZES]
    assert not growth_of("an append", answers, CLAIMED).misses


def test_a_chart_has_a_line_for_each_that_was_measured_at_several_sizes() -> None:
    points = [("a <piece>", 1_000, 20.0), ("a <piece>", 10_000, 25.0), ("an append", 1_000, 900.0)]
    results = [Result("…", value, "µs", point=(what, size)) for what, size, value in points]
    told = drawn([run_of(*results, Result("no size", 1.0, "MB"))])
    root = ET.fromstring(told)
    name = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{name}polyline")) == 2
    labels = [one.text for one in root.findall(f"{name}text")]
    assert labels[-2:] == ["a <piece> (µs, SQLite)", "an append (µs, SQLite)"]
    assert {"1,000", "10,000", "10", "100"} <= set(labels)
    assert drawn([]) == ""


def test_the_document_of_scaling_is_computed_from_the_largest_size() -> None:
    values = {
        ("an append", "µs"): (10.0, 25.0),
        ("folding", "µs/fact"): (90.0, 100.0),
        ("log", "µs/fact"): (30.0, 20.0),
        ("stored_events", "bytes/fact"): (700.0, 900.0),
        ("vault", "bytes/fact"): (90.0, 90.0),
        ("claims", "bytes/fact"): (10.0, 10.0),
    }
    results = tuple(
        Result(what, value, unit, point=(what, works))
        for (what, unit), both in values.items()
        for works, value in zip((1_000, 10_000), both, strict=True)
    )
    run = run_of(*results)
    names = ("conditions", "bytes", "costs", "memory", "limits", "apart")
    empty = "".join(f"{name} begins.\n<!-- {name} -->\n<!-- end -->\n" for name in names)
    told = page(empty, [run])
    rows = [
        "- SQLite: `stemma bench growth --size full` on 2026-11-27; a machine; Python; load 0",
        *("| all others | 10 |", "| **all** | **1,000** |"),
        "| an append | 10 → 25 (2.50 ×) |",
        *("| 10⁶ | 1.0 GB | 100 s | 20 s |", "| 10⁹ | 1.0 TB | 27.8 h | 5.56 h |"),
    ]
    assert [row for row in rows if row not in told] == []
    assert all(f"{name} begins.\n" in told for name in names)
    assert page(told, [run]) == told


def test_what_is_only_added_to_is_vacuumed_by_what_was_added(postgres_copy: str) -> None:
    with open_service(postgres_copy) as service, plain(postgres_copy) as hand:
        record(service.journal, community(800))
        hand.execute("CHECKPOINT")  # the server of the tests commits before it has written

        def append(_: int) -> int:
            return service.journal.record(AdmitContributor(name="Ana")).position

        # VACUUM also reads up to 31 pages on either side: it skips no fewer than 32 at a time.
        facts, *_ = vacuumed(service, postgres_copy, append, 800, 1)
        assert facts.value < 0.5 * facts.peers[0].value
        told = list(partitioned(hand, [id_of("work", 7)], 800, (1, 3)))
        assert [one.measure.split(", ")[1] for one in told] == ["1 partition", "3 partitions"]
        assert not hand.execute("SELECT 1 FROM pg_class WHERE left(relname, 12) = 'partitioned_'")
