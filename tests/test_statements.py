"""Statements: what everybody earned, was paid and is owed, over any period, to the unit.

Rule: opening + earned − recouped − held − paid = closing, and one period begins where another ends.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from money import HALF, Bank, asset, bank
from serving import Served, serving

from domain import paging
from domain.moment import instant
from domain.permission import OPERATOR
from domain.refusal import BadCurrency, BadMadeAt, BadPeriod, UnknownContributor
from domain.stored import Placed
from projections.money import bookkeeping, pools, statements
from projections.money.statement_files import COLUMNS, as_csv, statement_of
from projections.money.told import ENTRY_KINDS
from projections.spreadsheet import cell
from projections.store import View

PEOPLE = ("ana", "bo", "cy")
SUMS = ("opening", "earned", "recouped", "held", "paid", "closing")


def history(told: Bank) -> None:
    """Debts, holds, merges, payouts that come back, corrections; two currencies."""
    ana, bo, cy, old = told.people(*PEOPLE, "ana's other account")
    pool, krona = told.pool(terms=HALF), told.pool("krona", currency="SEK")
    deal = told.agree(pool, [asset("verse", {ana: "1", bo: "1"}), asset("beat", {cy: "1"})])
    first = told.earn(pool, 10_001)
    told.accept(deal, ana, cy)
    told.pay()
    told.tell("settle_payout", id=told.payouts()[ana])
    told.tell("return_payout", id=told.payouts()[cy], reason="closed")
    told.reverse(first, 4_000)
    other = told.agree(krona, {ana: "1/2", old: "1/2"})
    told.earn(krona, 333)
    told.accept(other, ana, old)
    told.earn(pool, 2_000)
    told.tell("claim_payout", id=told.payouts()[cy], actor=cy)
    told.tell("waive_share", proposal=deal, scope="verse", actor=bo)
    told.pay("SEK", payees=[old])
    told.reverse(first)
    told.agree(pool, {ana: "1", cy: "3"}, effective_at="2026-04")
    told.tell("correct_pool", pool=pool, reason="as was meant")
    more = told.pool("more")
    told.accept(told.agree(more, {ana: "1/2", cy: "1/2"}), ana, cy)
    told.earn(more, 20_000)
    told.pay()  # less what ana and cy were paid too much


def checked(told: dict[str, Any]) -> dict[str, Any]:
    """A statement of one currency, after the equation and the sums of its lines."""
    opening, earned, recouped, held, paid, closing = (told[f"{name}_minor"] for name in SUMS)
    assert opening + earned - recouped - held - paid == closing >= 0
    given = [line["amount_minor"] for line in told["lines"] if line["kind"] in ENTRY_KINDS]
    assert sum(given) == earned
    assert sum(line["amount_minor"] for line in told["lines"]) == earned - paid
    assert sum(each["amount_minor"] for each in told["held"]) == told["balances"]["held_minor"]
    return told


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("statements")
    with bank(f"sqlite:///{folder / 'stemma.db'}") as told:
        history(told)
        told.service.follower.catch_up()
        yield told


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    name=st.sampled_from(PEOPLE),
    currency=st.sampled_from(["USD", "SEK"]),
)
def test_every_period_adds_up_and_begins_where_the_one_before_ended(
    told: Bank, cuts: list[float], name: str, currency: str
) -> None:
    head, person = told.head(), told.person(name)
    ends = sorted({round(cut * head) for cut in cuts} | {0, head})
    before = 0
    for after, end in pairwise(ends):
        with told.store.view() as view:
            (found,) = statements.statement(
                view, told.journal, person, after=after, until=end, currency=currency
            )["statements"]
        assert checked(found)["opening_minor"] == before
        before = found["closing_minor"]


def test_a_payout_less_a_debt_is_told_as_a_payout_line_by_line(told: Bank) -> None:
    """Also the line that fills the debt, which has the other sign."""
    with told.view() as view:
        (dollars,) = statements.statement(view, told.journal, told.person("ana"), currency="USD")[
            "statements"
        ]
    last = dollars["lines"][-1]["position"]
    debt, *_, paid = sorted(
        (line for line in checked(dollars)["lines"] if line["position"] == last),
        key=lambda line: -line["amount_minor"],
    )
    assert (debt["kind"], paid["kind"]) == ("payout", "payout")
    assert debt["amount_minor"] > 0 > paid["amount_minor"]


@contextmanager
def small(database: str) -> Iterator[tuple[Bank, str, str]]:
    """A pool of two who have accepted, and nothing earned yet."""
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        told.accept(told.agree(told.pool(), {ana: "1/2", bo: "1/2"}), ana, bo)
        yield told, ana, bo


def over(told: Bank, view: View, person: str, since: str | None, before: str | None) -> Any:
    found = statement_of(
        view, told.journal, person, actor="operator", from_=since, to=before, currency="USD"
    )
    (dollars,) = found["statements"]
    return checked(dollars)


def test_a_period_ends_before_the_next_moment_and_begins_with_it(database: str) -> None:
    with small(database) as (told, ana, _):
        told.earn(pool_of(told), 100)
        at = told.since(0, "entry.divided")[0].timestamp
        exactly, later = at.isoformat(), (at + timedelta(microseconds=1)).isoformat()
        with told.view() as view:
            assert over(told, view, ana, None, exactly)["earned_minor"] == 0
            assert over(told, view, ana, None, later)["earned_minor"] == 50
            assert over(told, view, ana, exactly, None)["opening_minor"] == 0
            assert over(told, view, ana, later, None)["opening_minor"] == 50
            with pytest.raises(BadMadeAt):
                over(told, view, ana, "yesterday", None)
            assert over(told, view, ana, exactly, exactly)["lines"] == []
            with pytest.raises(BadPeriod):
                over(told, view, ana, later, exactly)


def test_a_claimed_payout_stands_on_the_day_of_its_claim(database: str) -> None:
    with small(database) as (told, ana, _):
        told.earn(pool_of(told), 100)
        told.pay()
        payout = told.payouts()[ana]
        told.tell("return_payout", id=payout, reason="closed")
        told.clock.wait(days=79)
        told.tell("claim_payout", id=payout, actor=ana)
        position, (claimed,) = told.head(), told.since(0, "payout.claimed")
        day = claimed.timestamp.date().isoformat()
        with told.view() as view:
            (line,) = over(told, view, ana, day, None)["lines"]
            *_, last = over(told, view, ana, None, None)["lines"]
    assert line == last
    assert (line["kind"], line["recorded_at"]) == ("claim", instant(claimed.timestamp))
    assert line["position"] == position


def pool_of(told: Bank) -> str:
    return str(told.since(0, "pool.opened")[0].originator_id)


def test_a_period_without_activity_carries_what_there_was(database: str) -> None:
    with small(database) as (told, ana, _):
        told.earn(pool_of(told), 100)
        told.clock.wait(days=400)
        with told.view() as view:
            found = over(told, view, ana, "2027-01", "2027-02")
    assert [found[f"{name}_minor"] for name in SUMS] == [50, 0, 0, 0, 0, 50]


def test_a_person_with_nothing_has_an_empty_statement_and_nobody_has_none(database: str) -> None:
    with small(database) as (told, *_):
        eve = told.person("eve")
        with told.view() as view:
            assert statements.statement(view, told.journal, eve)["statements"] == []
            (zero,) = statements.statement(view, told.journal, eve, currency="JPY")["statements"]
            assert {checked(zero)[f"{name}_minor"] for name in SUMS} == {0}
            with pytest.raises(UnknownContributor):
                statements.statement(view, told.journal, "0" * 8 + "-0000-4000-8000-" + "0" * 12)
            with pytest.raises(BadCurrency):
                statement_of(view, told.journal, eve, actor="operator", currency="XYZ")


def test_after_a_merge_both_accounts_are_one_person(database: str) -> None:
    """… from the beginning: what the other account had before is in the opening."""
    with small(database) as (told, ana, bo):
        told.earn(pool_of(told), 100)
        before = told.head()
        told.tell("merge_contributor", id=bo, into=ana)
        with told.view() as view:
            (found,) = statements.statement(view, told.journal, bo)["statements"]
            assert checked(found)["closing_minor"] == 100
            (found,) = statements.statement(view, told.journal, ana, after=before)["statements"]
            assert checked(found)["opening_minor"] == 100
            (found,) = statements.statement(view, told.journal, bo, until=before)["statements"]
            assert checked(found)["closing_minor"] == 100
        with told.view(as_of=before) as view:  # when nobody knew
            (found,) = statements.statement(view, told.journal, bo)["statements"]
            assert checked(found)["closing_minor"] == 50


def test_a_period_before_somebody_came_is_empty(database: str) -> None:
    with small(database) as (told, ana, _):
        told.earn(pool_of(told), 100)
        with told.view() as view:
            assert (
                statement_of(view, told.journal, ana, actor="operator", from_="2020", to="2021")[
                    "statements"
                ]
                == []
            )


FORMULA = "=1+1\",\n'quoted'"
SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")
SEPARATORS = (",", ";", "|", ":", "\t", "\n", "\r", '"', "'")


@pytest.mark.parametrize("sign", SIGNS)
def test_no_position_of_a_cell_begins_a_formula(sign: str) -> None:
    for before in ("", " ", "\u00a0", *(f"a{separator}" for separator in SEPARATORS)):
        for gap in ("", " "):
            written = str(cell(f"{before}{gap}{sign}1+1"))
            for separator in SEPARATORS[:-1]:  # the apostrophe is what disarms
                for each in written.split(separator):
                    assert not each.strip(" \u00a0").startswith(sign), written


def test_ordinary_text_and_numbers_are_left_alone() -> None:
    for value in (
        "Low Tide, sung",
        "a-b",
        "5 + 5 = 10",
        "ben@example.org",
        "1:30",
        "it's",
        -1234,
        0,
        "-3080.26",
    ):
        assert cell(value) == value


def test_the_csv_is_of_rfc_4180_and_holds_no_formula(database: str) -> None:
    with small(database) as (told, ana, _):
        told.earn(pool_of(told), 100, source=FORMULA)
        told.earn(pool_of(told), 100, source="plain, not simple")
        with told.view() as view:
            written = as_csv(statement_of(view, told.journal, ana, actor="operator"))
    assert written.endswith("\r\n")
    assert "\r\n" in written.replace("\r\n", "", 1)
    rows = list(csv.DictReader(io.StringIO(written, newline="")))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["source"] for row in rows] == [f"'{FORMULA}", "plain, not simple"]
    assert [row["amount_minor"] for row in rows] == ["50", "50"]


def test_an_amount_below_nothing_is_a_number_and_no_formula(database: str) -> None:
    with small(database) as (told, ana, _):
        told.reverse(told.earn(pool_of(told), 100))
        with told.view() as view:
            written = as_csv(statement_of(view, told.journal, ana, actor="operator"))
    assert [row["amount_minor"] for row in csv.DictReader(io.StringIO(written))] == ["50", "-50"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        yield service


@pytest.mark.parametrize(
    "accept, form, media",
    [
        ("text/csv", None, "text/csv; charset=utf-8"),
        ("application/json", None, "application/json"),
        ("*/*", None, "application/json"),
        ("text/csv;q=0.1, application/json", None, "application/json"),
        ("application/json", "csv", "text/csv; charset=utf-8"),
        ("application/pdf", None, "application/pdf"),
        ("text/csv", "pdf", "application/pdf"),
    ],
)
def test_who_asks_for_csv_or_pdf_gets_it(
    accept: str, form: str | None, media: str, served: Served
) -> None:
    ana = served.admit("Ana")
    asked = {} if form is None else {"format": form}
    path, api = f"/contributors/{ana}/statement", served.acting(ana)
    answer = api.get(path, headers={"Accept": accept}, **asked)
    assert (answer.status, answer.headers["Content-Type"]) == (200, media)
    assert api.get(path, headers={"Accept": "image/png"}).code == "not_acceptable"
    stranger = served.acting(served.admit("Ben"))
    assert stranger.get(path, headers={"Accept": accept}, **asked).code == "not_permitted"


def test_what_can_be_paid_is_what_is_left_after_debts(database: str) -> None:
    """A payout deducts debts, so 0.80 that could be paid beside a debt of 0.50 are 0.30."""
    with bank(database) as told:
        ana = told.person("Ana")
        one, two = told.pool("one"), told.pool("two")
        for pool in (one, two):
            told.accept(told.agree(pool, {ana: "1"}), ana)
        revenue = told.earn(one, 50)
        told.pay()
        told.reverse(revenue)
        told.earn(two, 80)
        with told.view() as view:
            (shown,) = statements.statement(view, told.journal, ana)["statements"]
            (line,) = bookkeeping.all_balances(view, told.journal, actor=OPERATOR).items
            owed = {
                pool: pools.statement(view, told.journal, pool, actor=OPERATOR)["lines"][0]
                for pool in (one, two)
            }
        for each in (shown["balances"], line):
            assert (each["payable_minor"], each["debt_minor"]) == (30, 0)
        assert (owed[one]["debt_minor"], owed[two]["payable_minor"]) == (50, 80), "in each pool"
        assert told.pay() == {ana: 30}


def test_the_statement_of_a_pool_is_by_the_agreement_in_force(database: str) -> None:
    """Not by one that was agreed for later; before the first, by the next."""
    with bank(database) as told:
        ana, bo, cy = told.people(*PEOPLE)
        pool, ahead = told.pool(), told.pool("ahead")
        told.agree(pool, {ana: "1"})
        told.agree(pool, {bo: "1"}, effective_at="2027-01")
        told.agree(pool, {cy: "1"}, effective_at="2027-02")
        told.agree(ahead, {bo: "1"}, effective_at="2027-01")
        told.agree(ahead, {cy: "1"}, effective_at="2027-02")

        def shown(of: str) -> tuple[int | None, dict[str, str | None]]:
            with told.view() as view:
                found = pools.statement(view, told.journal, of, actor=OPERATOR)
            return found["agreement"], {x["payee"]["id"]: x["share"] for x in found["lines"]}

        assert (shown(pool), shown(ahead)) == ((1, {ana: "1"}), (1, {bo: "1"}))
        told.clock.wait(days=200)
        told.earn(pool, 100)
        assert shown(pool) == (3, {cy: "1", ana: None})


def test_a_statement_reads_only_its_own_lines_of_an_entry(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all lines, that of one among a thousand payees took a thousand times as long."""
    with bank(database) as told:
        people = told.people(*map(str, range(40)))
        told.accept(told.agree(pool := told.pool(), dict.fromkeys(people, "1/40")), people[0])
        monkeypatch.setattr(paging, "LONGEST_LIST_BYTES", 200)
        for _ in range(3):
            told.earn(pool, 4_000)
        read: list[Placed] = []
        at, streams = told.journal.facts.at, told.journal.facts.streams

        def noting(found: list[Placed]) -> list[Placed]:
            read.extend(found)
            return found

        monkeypatch.setattr(told.journal.facts, "at", lambda these: noting(at(these)))
        monkeypatch.setattr(told.journal.facts, "streams", lambda ids: noting(streams(ids)))
        with told.view() as view:
            found = over(told, view, people[0], None, None)
        assert [line["share"] for line in found["lines"]] == ["1/40"] * 3
        lines = [line for each in read for line in getattr(each.fact(), "lines", ())]
        assert len(lines) <= 3 * 4 < 3 * 40
