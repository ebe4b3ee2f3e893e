"""A part of what is earned is held back for returns, until a day or until it is freed."""

import csv
import re
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from money import Bank, bank, halves
from pypdf import PdfReader
from rich.console import Console
from test_beancount import complaints
from test_statement_pdf import seen

from domain.money import dividing
from domain.money.entry import RULES_OF_PERSONS
from domain.money.postings import OWED, RESERVED
from domain.money.reckoning import division_of
from domain.permission import OPERATOR
from domain.refusal import NothingReserved
from projections import wording
from projections.money import earning, statements
from projections.money.pools import accounts, divisions, reasons
from projections.money.pools import statement as pool_statement
from projections.money.pools.beancount import beancount
from projections.money.previewing import previewed
from projections.money.statement_files import as_csv, statement_of
from projections.money.statement_pdf import as_pdf
from projections.question import Asking
from projections.registry import QUESTIONS
from scripts.accounts import statement as on_terminal


def reserve(told: Bank, pool: str, rate: str, months: int | None = None, **said: Any) -> None:
    said = {"effective_at": "2026-01"} | said
    told.tell("state_reserve", pool=pool, rate=rate, months=months, **said)


def test_a_part_of_what_is_earned_is_on_an_account_of_its_own(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        reserve(told, pool, "0.2", 12)
        reserve(told, pool, "0", payee=b)
        told.earn(pool, 1_000, "2026-01")
        assert (told.account(), told.account(RESERVED)) == ({a: 400, b: 500}, {a: 100})
        assert told.pay() == {a: 400, b: 500}
        told.clock.wait(days=30)
        told.earn(pool, 200, "2026-05")
        told.earn(pool, -100, "2026-06")
        assert told.account(RESERVED) == {a: 50 + 20}


def test_what_is_taken_back_is_taken_from_the_reserve_first(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        reserve(told, pool, "1/5", 12)
        revenue = told.earn(pool, 1_000, "2026-01")
        assert told.pay() == {a: 400, b: 400}
        head = told.head()
        told.reverse(revenue, 150)
        assert (told.account(), told.account(RESERVED)) == ({}, {a: 25, b: 25})
        assert told.since(head, "entry.freed") == [], "the reversal says itself what it takes"
        told.reverse(revenue, 150)
        assert (told.account(), told.account(RESERVED)) == ({a: -50, b: -50}, {})


def test_nothing_is_held_back_of_what_a_debt_takes(database: str) -> None:
    """Ana owes 60.00: it is recovered first, and of the rest as much is held back as of all."""
    with bank(database) as told:
        pool, a, b = halves(told)
        revenue = told.earn(pool, 12_000, "2026-01")
        assert told.pay(payees=[a]) == {a: 6_000}
        reserve(told, pool, "1/5", 12)
        told.reverse(revenue)
        assert told.account() == {a: -6_000}
        told.earn(pool, 8_000, "2026-02")
        assert (told.account(), told.account(RESERVED)) == ({a: -2_000, b: 3_200}, {b: 800})
        told.earn(pool, 4_200, "2026-03")
        assert told.account() == {b: 3_200 + 1_680}, "20.00 of 21.00 were owed"
        assert told.account(RESERVED) == {a: 100, b: 800 + 420}
        told.earn(pool, 1_000, "2026-04")
        assert told.account(RESERVED) == {a: 100 + 100, b: 800 + 420 + 100}


def test_a_debt_under_an_earlier_agreement_is_recovered_before_anything_is_held_back(
    database: str,
) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        revenue = told.earn(pool, 1_000, "2026-01")
        assert told.pay() == {a: 500, b: 500}
        told.reverse(revenue)
        reserve(told, pool, "1/5")
        told.accept(told.agree(pool, {a: "1/4", b: "3/4"}, "2026-02"), a, b)
        told.earn(pool, 800, "2026-02")
        assert (told.account(), told.account(RESERVED)) == ({a: -300}, {b: 100})


def test_what_was_held_back_by_earlier_rules_is_verified(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "division_of", partial(division_of, rules=2))
    with bank(database) as told:  # is verified at its end
        pool, a, b = halves(told)
        revenue = told.earn(pool, 1_000, "2026-01")
        told.pay()
        reserve(told, pool, "1/5")
        told.reverse(revenue)
        told.earn(pool, 100, "2026-02")
        assert (told.account(), told.account(RESERVED)) == ({a: -460, b: -460}, {a: 10, b: 10})


def test_a_rule_for_one_payee_is_for_all_accounts_of_the_person(database: str) -> None:
    """It was only for the account it named: a fifth was held back of what none was to be."""
    with bank(database) as told:
        old, ana, ben = told.people("Old", "Ana", "Ben")
        pool = told.pool()
        shares = {old: "1/2", "label": "1/4", ben: "1/4"}
        told.accept(told.agree(pool, shares, "2026-01"), old, ben)
        told.tell("merge_contributor", id=old, into=ana, reason="r")
        told.tell("identify_payee", name="label", contributor=ana, reason="r")
        reserve(told, pool, "1/5")
        reserve(told, pool, "1/10", payee=old)
        reserve(told, pool, "0", payee=ana, effective_at="2026-03")
        told.earn(pool, 1_000, "2026-02")
        assert told.account(RESERVED) == {old: 50, "label": 25, ben: 50}
        told.earn(pool, 1_000, "2026-03")
        assert told.account(RESERVED) == {old: 50, "label": 25, ben: 100}
        told.tell("free_reserve", pool=pool, payee=ana)
        assert told.account(RESERVED) == {ben: 100}


@pytest.mark.parametrize("rules, is_of_person", [(3, False), (RULES_OF_PERSONS, True)])
def test_a_rule_for_one_account_by_earlier_rules_is_verified(
    rules: int, is_of_person: bool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "division_of", partial(division_of, rules=rules))
    with bank(database) as told:  # is verified at its end
        pool, a, b = halves(told)
        told.tell("merge_contributor", id=a, into=b, reason="r")
        reserve(told, pool, "1/5", payee=b)
        told.earn(pool, 1_000, "2026-02")
        assert told.account(RESERVED) == ({a: 100, b: 100} if is_of_person else {b: 100})


def test_the_first_payout_after_its_months_frees_it(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        now = told.clock.now
        reserve(told, pool, "1/10", 1)
        month = f"{now.year}-{now.month:02}"
        told.earn(pool, 100, month)
        assert told.pay() == {a: 45, b: 45}
        told.clock.wait(days=30)
        told.earn(pool, 2, month)
        assert told.pay() == {a: 1, b: 1}
        told.clock.wait(days=32)
        with told.view() as view:
            shown = previewed(view, told.journal, "USD", 6)["items"]
        assert [(each["outcome"], each["amount_minor"]) for each in shown] == [
            ("below_minimum", 5)
        ] * 2
        assert told.pay(payees=[a]) == {a: 5}
        assert told.account(RESERVED) == {b: 5}
        assert told.pay() == {b: 5}
        freed = told.since(0, "entry.freed")
        assert [(each.lines, each.amount_minor) for each in freed] == [
            ([[a, 0, "0", "0"]], 0),
            ([[b, 0, "0", "0"]], 0),
        ]


def test_what_has_no_date_is_freed_by_a_command(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        with pytest.raises(NothingReserved):
            told.tell("free_reserve", pool=pool)
        reserve(told, pool, "1/4")
        told.earn(pool, 800)
        told.clock.wait(days=300)
        told.pay()
        assert told.account(RESERVED) == {a: 100, b: 100}
        with pytest.raises(NothingReserved):
            told.tell("free_reserve", pool=pool, until="2026-01")
        told.tell("free_reserve", pool=pool, payee=a, reason="Nothing came back.")
        assert (told.account(OWED), told.account(RESERVED)) == ({a: 100}, {b: 100})


def test_small_amounts_add_up_to_the_rate(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        reserve(told, pool, "1/7")
        for _ in range(20):
            told.earn(pool, 3)
        assert told.account(RESERVED) == {a: 4, b: 4}


def test_what_was_spent_is_not_held_back(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        a = told.person("Ana")
        told.accept(told.agree(pool, {a: "1"}, "2026-01"), a)
        reserve(told, pool, "1/2")
        told.spend(pool, 60, a)
        told.earn(pool, 100)
        assert (told.account(), told.account(RESERVED)) == ({a: 80}, {a: 20})


def test_it_is_shown_wherever_it_counts(database: str) -> None:
    with bank(database) as told:
        pool, a, _b = halves(told)
        reserve(told, pool, "0.2", 3, reason="Shops may return records.")
        revenue = told.earn(pool, 1_000, "2026-04")
        told.reverse(revenue, 100)
        told.service.follower.catch_up()
        view = told.view()
        with view as at:
            (one,) = statements.statement(at, told.journal, a)["statements"]
            shown = pool_statement(at, told.journal, pool, actor=OPERATOR)
            entry = told.since(0, "entry.divided")[0].originator_id
            told_entry = divisions.division(at, told.journal, entry, actor=OPERATOR)
            why = reasons.why(at, told.journal, entry, a, actor=OPERATOR)
            (months,) = earning.earnings(at, told.journal, a, actor=OPERATOR)["earnings"]
            (rule,) = accounts.pool(at, told.journal, pool, actor=OPERATOR)["reserving"]
        sums = [one[f"{name}_minor"] for name in ("earned", "reserved", "closing")]  # type: ignore[literal-required]
        assert sums == [450, 50, 400]
        assert one["reserves"] == [{"until": "2026-08-01T00:00:00.000000Z", "amount_minor": 50}]
        assert [(each["kind"], each["amount_minor"]) for each in one["movements"]] == [
            ("division", 500),
            ("reserve", -100),
            ("reversal", -50),
            ("reserve", 50),
        ]
        assert (shown["totals"]["reserved_minor"], shown["totals"]["payable_minor"]) == (100, 800)
        assert [each["amount_minor"] for each in told_entry["reserved"]] == [100, 100]
        assert [each["amount_minor"] for each in why["reserved"]] == [100]
        assert months["earned_minor"] == 450
        assert (rule["rate"], rule["months"], rule["reason"]) == (
            "0.2",
            3,
            "Shops may return records.",
        )


def test_a_correction_frees_as_much_of_a_reserve_as_it_takes(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        reserve(told, pool, "1/5", 12)
        told.earn(pool, 1_000, "2026-01")
        c = told.person("Cy")
        told.accept(told.agree(pool, {b: "1/2", c: "1/2"}, "2026-01"), c)
        told.tell("correct_pool", pool=pool, reason="Ana was not there.")
        assert (told.account(), told.account(RESERVED)) == ({b: 400, c: 500}, {b: 100})
        with told.view() as view:
            (one,) = statements.statement(view, told.journal, a)["statements"]
        assert [(each["kind"], each["amount_minor"]) for each in one["movements"]] == [
            ("division", 500),
            ("reserve", -100),
            ("correction", -500),
            ("reserve", 100),
        ]


def test_what_is_taken_back_after_a_correction_is_taken_from_the_reserve_first(
    database: str,
) -> None:
    """The reserve stays under the agreement by which it was earned."""
    with bank(database) as told:
        pool, a, b = halves(told)
        reserve(told, pool, "1/5", 12)
        revenue = told.earn(pool, 1_000, "2026-01")
        assert told.pay() == {a: 400, b: 400}
        for shares in ({a: "6/10", b: "4/10"}, {a: "7/10", b: "3/10"}):
            told.accept(told.agree(pool, shares, "2026-01"), a, b)
            told.tell("correct_pool", pool=pool, reason="Ana did more.")
        assert (told.account(), told.account(RESERVED)) == ({a: 200, b: -100}, {a: 100})
        told.reverse(revenue, 300)
        assert (told.account(), told.account(RESERVED)) == ({a: 90, b: -190}, {})
        reserve(told, pool, "1")
        told.earn(pool, 100, "2026-02")
        told.earn(pool, -50, "2026-02")
        assert (told.account(), told.account(RESERVED)) == ({a: 90, b: -175}, {a: 35})


def test_a_waiver_and_an_expense_given_back_free_a_reserve_too(database: str) -> None:
    with bank(database) as told:
        pool, (a, b) = told.pool(), told.people("Ana", "Ben")
        agreed = told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01")
        reserve(told, pool, "1/5", 12)
        spent = told.spend(pool, 200, b)
        told.earn(pool, 1_000, "2026-01")
        assert (told.account(), told.account(RESERVED)) == ({a: 320, b: 520}, {a: 80, b: 80})
        told.tell("reverse_expense", expense=spent, reason="typed twice")
        assert (told.account(), told.account(RESERVED)) == ({a: 420, b: 500}, {a: 80})
        told.tell("waive_share", proposal=agreed, scope="release", actor=a)
        assert (told.account(), told.account(RESERVED)) == ({b: 1_000}, {})


def test_every_way_of_telling_a_statement_tells_the_reserve(database: str, tmp_path: Path) -> None:
    with bank(database) as told:
        pool, a, _b = halves(told)
        reserve(told, pool, "0.2", 3)
        revenue = told.earn(pool, 1_000, "2026-04")
        with told.view() as view:
            found = statement_of(view, told.journal, a, actor=OPERATOR)
            rows = [*csv.DictReader(StringIO(as_csv(found)))]
            pdf = as_pdf(view, told.journal, found, asked={})
            ledger = beancount(view, told.journal, pool=pool)
            asking = Asking(QUESTIONS["show_statement"], view, told.journal, {"id": a})
        assert [(row["kind"], row["amount_minor"]) for row in rows] == [
            ("division", "500"),
            ("reserve", "-100"),
        ]
        pages = PdfReader(BytesIO(pdf)).pages
        text = " ".join(map(seen, pages))
        assert "− held back 1.00" in text
        assert wording.reserving(found["statements"][0]["reserves"][0], "USD") in text
        out = Console(file=StringIO(), width=200)
        on_terminal(out, asking)
        shown = out.file.getvalue()  # type: ignore[attr-defined]
        assert "− reserved" in shown
        assert wording.reserving(found["statements"][0]["reserves"][0], "USD") in shown
        assert complaints(ledger, tmp_path) == ""
        assert re.search(r"Liabilities:Reserved:\S+ +-1\.00 USD", ledger)
        # What was earned comes before what is held back of it, on either engine.
        assert re.findall(r"Owed:\S+ +(\S+) USD", ledger) == [
            *["-5.00", "1.00"] * 2,
            *["-4.00"] * 2,
        ]
        told.reverse(revenue, 100)
        with told.view() as view:
            asking = Asking(QUESTIONS["show_statement"], view, told.journal, {"id": a})
            on_terminal(out, asking)
        assert "From the reserve for returns" in out.file.getvalue()  # type: ignore[attr-defined]
