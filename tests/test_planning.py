"""A query of dozens of tables is planned once for each connection, which changes nothing else."""

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from domain.engine import PLANNED_ONCE
from domain.engine.postgres import PostgresEngine

ASKED = f"{PLANNED_ONCE}SELECT 12 / :number FROM pg_class WHERE oid = 1259"
SETTINGS = "SELECT current_setting('plan_cache_mode'), current_setting('enable_seqscan')"
PLANS = (
    "SELECT generic_plans, custom_plans FROM pg_prepared_statements "
    f"WHERE statement LIKE '{PLANNED_ONCE}%'"
)


@pytest.fixture
def engine(postgres_dsn: str) -> Iterator[PostgresEngine]:
    with closing(PostgresEngine(postgres_dsn)) as found, found.reading():
        yield found


def test_it_is_not_planned_again_for_other_values(engine: PostgresEngine) -> None:
    for number in range(1, 13):
        assert engine.query(ASKED, number=number) == [(12 // number,)]
    assert engine.query(PLANS) == [(12, 0)]


def test_other_queries_are_planned_as_usual_even_after_an_error(engine: PostgresEngine) -> None:
    for _ in range(2):
        assert engine.query_all([(ASKED, {"number": 3}), (SETTINGS, {})]) == [
            [(4,)],
            [("auto", "on")],
        ]
        with suppress(Exception), engine.snapshot():
            engine.query(ASKED, number=0)
        with suppress(Exception):
            engine.query(ASKED, number=0)
        assert engine.query(SETTINGS) == [("auto", "on")]
