"""Periods that are closed: what is dated into them afterwards is late, and changes no amount."""

import csv
from collections import Counter
from io import StringIO

import pytest
from money import bank

from domain import paging
from domain.dates import start_of
from domain.refusal import BadPeriod, PeriodClosed, PeriodNotOver
from projections import wording
from projections.money import earning, pools, statement_files, statements


def test_what_is_dated_into_a_closed_period_is_late_in_the_next_statement(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1"}), ana)
        march = told.earn(pool, 100, "2026-03")
        told.tell("close_period", until="2026-04", note="sent out")
        head = told.head()
        said = {"pool": pool, "source": "shop", "amount_minor": 50}
        late = told.tell("record_revenue", effective_at="2026-03-31", **said)
        assert [one.code for one in late.warnings] == ["period_closed"]
        assert "2026-04-01" in late.warnings[0].detail
        assert told.tell("record_revenue", effective_at="2026-04", **said).warnings == ()
        told.reverse(march, 30)
        with told.view() as view:
            closed = statements.statement(view, told.journal, ana, until=head)
            later = statements.statement(view, told.journal, ana, after=head)
            whole = pools.statement(view, told.journal, pool, actor="operator")
        assert (whole["received_minor"], whole["divided_minor"]) == (200, 170)
        assert [line["is_late"] for line in closed["statements"][0]["lines"]] == [False]
        (shown,) = later["statements"]
        lines = [(line["amount_minor"], line["is_late"]) for line in shown["lines"]]
        assert lines == [(50, True), (50, False), (-30, True)]
        assert [line["is_late"] for line in shown["movements"]] == [True, False, True]
        assert (shown["opening_minor"], shown["closing_minor"]) == (100, 170)
        rows = list(csv.DictReader(StringIO(statement_files.as_csv(later))))
        assert [row["late"] for row in rows] == ["late", "", "late"]


def test_earnings_go_by_the_time_they_were_earned_in(database: str) -> None:
    """As recorded now: what came late stands in its month, and is marked."""
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1"}), ana)
        march = told.earn(pool, 100, "2026-03")
        told.earn(pool, 10, "2026-04")
        told.tell("close_period", until="2026-04")
        told.earn(pool, 50, "2026-03-31")
        told.reverse(march, 30)
        told.pay()
        told.service.follower.catch_up()

        def shown(**said: str) -> list[tuple[str, int, int]]:
            with told.view() as view:
                answer = earning.earnings(view, told.journal, ana, actor=ana, **said)
            return [
                (each["month"], each["earned_minor"], each["late_minor"])
                for one in answer["earnings"]
                for each in one["months"]
            ]

        assert shown() == [("2026-03", 120, 20), ("2026-04", 10, 0)]
        assert shown(from_="2026-04") == [("2026-04", 10, 0)]
        assert shown(from_="2026-03", to="2026-04") == [("2026-03", 120, 20)]
        assert shown(currency="EUR") == shown(from_="2026-04", to="2026-04") == []
        with pytest.raises(BadPeriod):
            shown(from_="2026-05", to="2026-04")
        with told.view() as view:
            of_pool = earning.pool_earnings(view, told.journal, pool, actor="operator")
        found = [
            (each["month"], each["earned_minor"], each["late_minor"]) for each in of_pool["months"]
        ]
        assert found == [("2026-03", 120, 20), ("2026-04", 10, 0)]
        assert of_pool["earned_minor"] == 130


def test_a_pool_earned_what_its_payees_earned_over_however_many_facts(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "LONGEST_LIST_BYTES", 300)
    with bank(database) as told:
        people = told.people(*map(str, range(12)))
        pool = told.pool()
        told.accept(told.agree(pool, dict.fromkeys(people, "1/12")), *people)
        march = told.earn(pool, 1_000, "2026-03")
        told.tell("close_period", until="2026-04")
        told.earn(pool, 500, "2026-03-31")
        told.earn(pool, 100, "2026-04")
        told.reverse(march, 300)
        assert "entry.continued" in told.topics()
        by_month = Counter[str]()
        with told.view() as view:
            of_pool = earning.pool_earnings(view, told.journal, pool, actor="operator")
            for person in people:
                (one,) = earning.earnings(view, told.journal, person, actor=person)["earnings"]
                for each in one["months"]:
                    by_month[each["month"]] += each["earned_minor"]
        assert {each["month"]: each["earned_minor"] for each in of_pool["months"]} == by_month
        assert by_month == {"2026-03": 1_200, "2026-04": 100}
        assert [each["late_minor"] for each in of_pool["months"]] == [200, 0]


def test_only_time_that_has_passed_is_closed_and_only_once(database: str) -> None:
    with bank(database) as told:
        with pytest.raises(PeriodNotOver):
            told.tell("close_period", until="2027")
        told.tell("close_period", until="2026-03")
        for until in ("2026-03", "2026-02"):
            with pytest.raises(PeriodClosed):
                told.tell("close_period", until=until)
        told.tell("close_period", until="2026-04")


def test_a_month_is_shown_as_a_month_and_a_day_as_a_day() -> None:
    """A month is recorded as its first instant; to show its first day would be wrong."""
    noon = start_of("2026-03-01T12:00Z")
    moments = [start_of("2026-03"), start_of("2026-03-02"), noon, None]
    assert [*map(wording.earned, moments)] == ["2026-03", "2026-03-02", "2026-03-01", ""]
    in_a_file = [*map(wording.stated, moments)]
    assert in_a_file == ["2026-03", "2026-03-02", noon, ""]
    assert [*map(start_of, in_a_file[:3])] == moments[:3], "nothing is lost"
