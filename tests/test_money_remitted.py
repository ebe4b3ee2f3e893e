"""What is withheld of a payout, in which currency the rest is sent, and what a year sums up to.

Rule: all accounts of a currency sum to zero, and a payout that comes back takes back all of it.
"""

import csv
import subprocess
import sys
from fractions import Fraction
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from money import Bank, bank, halves
from pypdf import PdfReader
from rich.console import Console
from stories import id_of
from test_statement_pdf import seen

from domain.money.currency import currency_code, decimal, digits
from domain.money.exchange import exchange_rate
from domain.money.payee import people_among
from domain.money.remitting import half_up
from domain.refusal import (
    BadCountry,
    BadCurrency,
    BadExchangeRate,
    BadPeriod,
    NoExchangeRate,
    NothingToPay,
    NotPermitted,
    UnknownContributor,
    WrongState,
)
from projections import wording
from projections.money import bookkeeping, payouts, pools, remittances, statement_files, statements
from projections.money.balances import totals
from projections.money.pools.beancount import beancount
from projections.money.readers import Reader
from projections.money.statement_pdf import as_pdf
from projections.question import Asking
from projections.registry import QUESTIONS
from scripts.accounts import statement as on_terminal

BEAN_CHECK = Path(sys.executable).parent / "bean-check"
FORM = "W-8BEN of 2026-01-12, article 12"


def located(
    told: Bank, name: str, country: str, shares: dict[str, str], units: int, currency: str = "USD"
) -> str:
    """A pool whose money comes from a country, with something in it."""
    pool = told.pool(name, currency=currency)
    told.accept(told.agree(pool, shares), *people_among(shares))
    told.earn(pool, units)
    told.tell("locate_pool", pool=pool, country=country)
    return pool


def withhold(told: Bank, payee: str, rate: str, country: str = "US", **said: Any) -> str:
    said.setdefault("effective_at", "2026-01-12")
    said.setdefault("document", FORM)
    return told.tell("state_withholding", payee=payee, country=country, rate=rate, **said).id


def rate_of(told: Bank, rate: str, into: str = "EUR", currency: str = "USD", **said: Any) -> str:
    said.setdefault("effective_at", "2026-06-01")
    pair = {"currency": currency, "into_currency": into}
    return told.tell("state_exchange_rate", rate=rate, source_name="ECB", **pair, **said).id


def sent(told: Bank, payee: str) -> Any:
    """How the latest payout of somebody was sent, as everybody is answered."""
    with told.view() as view:
        return payouts.payout(view, told.journal, told.payouts()[payee], actor="operator")["sent"]


def balances(told: Bank) -> dict[str, dict[str, int]]:
    """Everything that is on an account, by currency."""
    with told.view() as view:
        every = totals(view)
    assert all(sum(units.values()) == 0 for units in every.values())
    return {
        currency: {account: units for account, units in by_account.items() if units}
        for currency, by_account in every.items()
    }


def summary(told: Bank, year: int = 2026, **said: Any) -> Any:
    with told.view() as view:
        return remittances.withheld(view, told.journal, actor="operator", year=year, **said)


# -- withholding ---------------------------------------------------------------------------


def test_what_is_withheld_is_on_its_own_account_and_named_with_what_it_rests_on(
    database: str,
) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = located(told, "us", "US", {ana: "1/2", ben: "1/2"}, 20_001)
        rule = withhold(told, ana, "0.15")
        told.pay()
        assert balances(told) == {
            "USD": {"received": -20_001, "in_transit": 18_501, "withheld": 1500}
        }
        line = {"country": "US", "rule": rule, "rate": "0.15", "paid_minor": 10_001}
        how = sent(told, ana)
        assert how["withheld"] in (
            [line | {"withheld_minor": 1500}],
            [line | {"paid_minor": 10_000, "withheld_minor": 1500}],
        )
        # Without a rule nothing is withheld, and that is stated.
        assert [(each["rule"], each["withheld_minor"]) for each in sent(told, ben)["withheld"]] == [
            (None, 0)
        ]
        with told.view() as view:
            (one,) = statements.statement(view, told.journal, ana)["statements"]
            shown = pools.statement(view, told.journal, pool, actor="operator")
        assert (one["paid_minor"], one["withheld_minor"], one["closing_minor"]) == (
            how["withheld"][0]["paid_minor"],
            1500,
            0,
        )
        assert one["balances"]["withheld_minor"] == shown["totals"]["withheld_minor"] == 1500
        for each in shown["lines"]:
            stands = ("payable", "held", "in_transit", "paid", "suspense", "withheld", "exchanged")
            figures: Any = each
            assert each["earned_minor"] == sum(figures[f"{name}_minor"] for name in stands)


def test_only_money_from_the_country_of_a_rule_is_withheld(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        for name, country in (("us", "US"), ("jp", "JP")):
            located(told, name, country, {ana: "1"}, 1000)
        elsewhere = told.pool("nowhere")
        told.accept(told.agree(elsewhere, {ana: "1"}), ana)
        told.earn(elsewhere, 1000)
        withhold(told, ana, "0.3")
        withhold(told, ana, "0.1021", "JP")
        assert told.pay() == {ana: 3000}
        how = sent(told, ana)
        assert [(each["country"], each["withheld_minor"]) for each in how["withheld"]] == [
            ("JP", 102),
            ("US", 300),
        ]
        assert (how["withheld_minor"], how["amount_minor"]) == (402, 2598)
        assert told.account("withheld", id_of("us")) == {ana: 300}
        assert told.account("withheld", id_of("jp")) == {ana: 102}
        assert told.account("withheld", elsewhere) == {}


def test_the_latest_rule_that_holds_at_the_payout_counts(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = located(told, "us", "US", {ana: "1"}, 100)
        withhold(told, ana, "0.5", until="2026-02")
        withhold(told, ana, "0.4", effective_at="2030")
        assert told.pay() == {ana: 100}
        assert sent(told, ana)["withheld_minor"] == 0
        first = withhold(told, ana, "0.3")
        told.earn(pool, 100)
        told.pay()
        assert sent(told, ana)["withheld_minor"] == 30
        second = withhold(told, ana, "0.1")
        told.earn(pool, 100)
        told.pay()
        assert sent(told, ana)["withheld_minor"] == 10
        told.tell("end_withholding", id=second, reason="the wrong treaty")
        with pytest.raises(WrongState):
            told.tell("end_withholding", id=second, reason="again")
        told.earn(pool, 100)
        told.pay()
        assert sent(told, ana)["withheld"][0]["rule"] == first


def test_a_debt_is_deducted_before_anything_is_withheld(database: str) -> None:
    """What was withheld of it once is not withheld twice."""
    with bank(database) as told:
        (ana,) = told.people("Ana")
        first = located(told, "first", "US", {ana: "1"}, 1000)
        second = located(told, "second", "US", {ana: "1"}, 1)
        withhold(told, ana, "0.3")
        told.pay()
        assert sent(told, ana)["withheld_minor"] == 300
        revenue = told.since(0, "revenue.recorded")[0].originator_id
        told.reverse(revenue, 900)
        told.earn(second, 2000)
        assert told.pay() == {ana: 1100}
        assert sent(told, ana)["withheld_minor"] == 330
        # In all: three tenths of what was earned from there, and each pool its part.
        assert told.account("withheld") == {ana: 630}
        assert told.account("withheld", first) == {ana: 300 - 270}
        assert told.account("withheld", second) == {ana: 600}


def test_a_debt_elsewhere_is_not_covered_by_what_is_withheld(database: str) -> None:
    """Nothing is sent while the debt outweighs what is left after withholding."""
    with bank(database) as told:
        (ana,) = told.people("Ana")
        other = told.pool("other")
        told.accept(told.agree(other, {ana: "1"}), ana)
        revenue = told.earn(other, 90)
        told.pay()
        told.reverse(revenue)
        pool = located(told, "us", "US", {ana: "1"}, 100)
        withhold(told, ana, "0.3")
        with pytest.raises(NothingToPay):
            told.pay()
        told.earn(pool, 100)
        assert told.pay() == {ana: 110}
        assert (sent(told, ana)["withheld_minor"], sent(told, ana)["amount_minor"]) == (60, 50)


def test_the_minimum_is_of_what_is_sent(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        located(told, "us", "US", {ana: "1"}, 100)
        withhold(told, ana, "0.3")
        with pytest.raises(NothingToPay):
            told.pay(minimum_minor=71)
        assert told.pay(minimum_minor=70) == {ana: 100}


def test_of_what_is_withheld_whole_nothing_is_sent(database: str) -> None:
    """It is a payout, so that it is on its account and in the summary; no rate is needed for it."""
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = located(told, "us", "US", {ana: "1"}, 100)
        withhold(told, ana, "1.00")
        told.tell("choose_payment_currency", payee=ana, currency="EUR")
        with pytest.raises(NothingToPay):
            told.pay(minimum_minor=101)
        assert told.pay(minimum_minor=100) == {ana: 100}
        how = sent(told, ana)
        assert (how["withheld_minor"], how["amount_minor"], how["currency"]) == (100, 0, "USD")
        told.tell("settle_payout", id=told.payouts()[ana])
        assert balances(told) == {"USD": {"received": -100, "withheld": 100}}
        assert [one["withheld_minor"] for one in summary(told)["lines"]] == [100]
        other = told.pool("other")
        told.accept(told.agree(other, {ana: "1"}), ana)
        revenue = told.earn(other, 90)
        told.pay()
        told.reverse(revenue)
        told.earn(pool, 100)
        with pytest.raises(NothingToPay):  # a debt elsewhere is not paid by what is withheld
            told.pay()


def test_what_rounding_alone_withholds_whole_waits_for_more(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = located(told, "us", "US", {ana: "1"}, 1)
        withhold(told, ana, "1/2")
        with pytest.raises(NothingToPay):
            told.pay()
        told.earn(pool, 1)
        assert told.pay() == {ana: 2}
        assert sent(told, ana)["withheld_minor"] == 1


def test_a_rule_goes_with_its_person(database: str) -> None:
    """Of an account that was merged, of a name that turned out to be somebody."""
    with bank(database) as told:
        ana, old = told.people("Ana", "Ana93")
        located(told, "us", "US", {ana: "1/2", "label": "1/2"}, 200)
        withhold(told, old, "0.3")
        withhold(told, "label", "0.2", "US", effective_at="2026-02")
        told.tell("merge_contributor", id=old, into=ana)
        assert told.pay(payees=[ana]) == {ana: 100}
        assert sent(told, ana)["withheld_minor"] == 30
        told.tell("identify_payee", name="label", contributor=ana, reason="r")
        assert told.pay() == {ana: 100}
        assert sent(told, ana)["rate"] is None
        assert sent(told, ana)["withheld_minor"] == 20
        (line, other) = summary(told)["lines"]
        assert line["payee"]["id"] == other["payee"]["id"] == ana
        assert line["paid_minor"] + other["paid_minor"] == 200


def test_what_rules_are_based_on_outlives_who_is_forgotten(database: str) -> None:
    """It is proof of what was withheld, and the operator's."""
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = located(told, "us", "US", {ana: "1"}, 100)
        withhold(told, ana, "0.3")
        told.pay()
        told.earn(pool, 100)
        told.tell("forget_contributor", id=ana, ground="request", actor=ana)
        (line,) = summary(told)["lines"]
        assert (line["document"], line["payee"]["name"]) == (FORM, None)
        with pytest.raises(NothingToPay):
            told.pay()
        assert balances(told)["USD"]["owed"] == 100


def test_a_rule_states_a_country_a_part_and_a_time_that_there_are(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        with pytest.raises(BadCountry):
            withhold(told, ana, "0.3", "UK")
        with pytest.raises(BadPeriod):
            withhold(told, ana, "0.3", until="2026-01-12")
        with pytest.raises(UnknownContributor):
            withhold(told, id_of("nobody"), "0.3")
        with pytest.raises(NotPermitted):
            withhold(told, ana, "0", actor=ana)
        withhold(told, "label", "0")


def test_what_is_stated_for_a_name_that_nobody_has_is_warned_of(database: str) -> None:
    """“ana” is not Ana: a rule for a misspelt name would silently withhold nothing."""
    with bank(database) as told:
        ana = told.person("Ana")
        pool = told.pool(terms={"type": "fixed", "shares": [["label", "1/2"], [ana, "1/2"]]})

        def warned(command: str, **said: Any) -> list[str]:
            return [one.code for one in told.tell(command, **said).warnings]

        rule = {"country": "US", "rate": "0.3", "document": FORM, "effective_at": "2026-01"}
        reserve = {"pool": pool, "rate": "0.1", "effective_at": "2026-01"}
        for payee, codes in (("ana", ["payee_unknown"]), (ana, []), ("label", [])):
            assert warned("state_withholding", payee=payee, **rule) == codes
            assert warned("choose_payment_currency", payee=payee, currency="EUR") == codes
            assert warned("state_reserve", payee=payee, **reserve) == codes
        told.earn(pool, 100)
        assert warned("issue_payouts", currency="USD", payees=["ana", "label"])[:1] == [
            "payee_unknown"
        ]


def test_money_that_goes_to_a_name_that_nobody_has_is_warned_of(database: str) -> None:
    """“ana” is not Ana: she would never be paid. Who paid an expense is known, repaid or not."""
    with bank(database) as told:
        ana = told.person("Ana")
        pool = told.pool(terms={"type": "fixed", "shares": [["label", "1/2"], [ana, "1/2"]]})
        known, unknown = (f"payer/{id}" for id in (told.spend(pool, 40, "printer"), id_of("none")))

        def warned(command: str, **said: Any) -> list[str]:
            return [one.code for one in told.tell(command, **said).warnings]

        told.earn(pool, 10)
        assigned = {"payee": ana, "currency": "USD", "reason": "r", "evidence": "e"}
        adjusted = {"pool": pool, "payer": "operator"}
        opened = {"pool": pool, "effective_at": "2026-01"}
        told.tell("record_opening", document="d", lines=[line(ana, 3)], **opened)
        for number, (payee, codes) in enumerate(
            (("label", []), ("printer", []), (ana, []), ("ana", ["payee_unknown"]))
        ):
            lines, n = [line(payee, 5)], str(number)
            assert warned("record_adjustment", lines=lines, reason=n, **adjusted) == codes
            lines = [line(payee + payee[:1] * bool(codes), 5)]
            assert warned("record_opening", lines=lines, document=n, **opened) == codes
        for payee, codes in (
            ("heirs", ["payee_unknown"]),
            (unknown, ["payee_unknown"]),
            (known, []),
        ):
            assert warned("record_assignment", to=payee, amount_minor=1, **assigned) == codes


def test_what_is_stated_for_somebody_who_was_forgotten_is_warned_of(database: str) -> None:
    """Nobody is left to be paid; their money may still be corrected before it is assigned."""
    with bank(database) as told:
        pool, a, _ = halves(told)
        gone, kept = told.people("Gone", "Kept")
        told.tell("merge_contributor", id=a, into=gone, reason="r")
        told.tell("forget_contributor", id=gone, ground="request")
        rule = {"country": "US", "rate": "0.3", "document": FORM, "effective_at": "2026-01"}
        adjusted = {"pool": pool, "payer": "operator", "reason": "r", "lines": [line(a, 5)]}
        opened = {"pool": pool, "effective_at": "2026-01", "document": "d", "lines": [line(a, 1)]}
        for command, said in {
            "choose_payment_currency": {"payee": a, "currency": "EUR"},
            "state_withholding": {"payee": a, **rule},
            "state_reserve": {"pool": pool, "payee": a, "rate": "0", "effective_at": "2026-01"},
            "record_adjustment": adjusted,
            "record_opening": opened,
        }.items():
            (one,) = told.tell(command, **said).warnings
            assert (one.code, one.detail.split()[0]) == ("payee_forgotten", a)
        assert told.account() == {a: 6, "operator": -5}
        assigned = {"payee": a, "to": kept, "reason": "r", "evidence": "e", "currency": "USD"}
        assert told.tell("record_assignment", **assigned).warnings == ()
        assert told.account() == {kept: 6, "operator": -5}


def line(payee: str, amount_minor: int) -> dict[str, Any]:
    return {"payee": payee, "amount_minor": amount_minor}


def test_what_came_back_in_the_year_in_which_it_was_paid_is_no_line_of_its_summary(
    database: str,
) -> None:
    with bank(database) as told:
        ana = told.person("Ana")
        located(told, "us", "US", {ana: "1"}, 2000)
        withhold(told, ana, "0.3")
        told.pay()
        told.tell("return_payout", id=told.payouts()[ana], reason="no such account")
        assert (summary(told)["lines"], summary(told)["totals"]) == ([], [])


def test_the_rates_of_a_years_summary_as_csv_are_decimal_numbers(database: str) -> None:
    """A spreadsheet takes 3/20, as which a form records 15 %, for a date."""
    with bank(database) as told:
        people = told.people("Ana", "Ben", "Cy", "Dot")
        located(told, "us", "US", dict.fromkeys(people, "1/4"), 4000)
        for payee, rate in zip(people, ("3/20", "1/7", "0.300", "1"), strict=True):
            withhold(told, payee, rate)
        told.pay()
        rows = csv.DictReader(StringIO(remittances.as_csv(summary(told))))
        rates = {row["name"]: row["rate"] for row in rows}
    assert rates == {"Ana": "0.15", "Ben": "0.142857142857", "Cy": "0.3", "Dot": "1"}


def test_the_summary_of_a_year_is_what_was_withheld_less_what_came_back(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = located(told, "us", "US", {ana: "1/2", ben: "1/2"}, 2000)
        yen = located(told, "jp", "JP", {ana: "1"}, 500, currency="JPY")
        rule = withhold(told, ana, "3/10")
        withhold(told, ben, "0")
        told.pay()
        told.pay("JPY")
        back = told.payouts()[ben]
        told.clock.wait(days=365)
        told.earn(pool, 200)
        told.earn(yen, 1)
        told.pay()
        told.tell("return_payout", id=back, reason="no such account")
        first, second = summary(told), summary(told, 2027)
        figures = ("country", "currency", "paid_minor", "withheld_minor", "payouts")
        of = {
            (line["payee"]["name"], line["currency"]): tuple(line[name] for name in figures)
            for line in first["lines"]
        }
        assert of == {
            ("Ana", "USD"): ("US", "USD", 1000, 300, 1),
            ("Ana", "JPY"): ("JP", "JPY", 500, 0, 1),
            ("Ben", "USD"): ("US", "USD", 1000, 0, 1),
        }
        of = {
            (line["payee"]["name"], line["paid_minor"], line["withheld_minor"], line["payouts"])
            for line in second["lines"]
        }
        assert of == {("Ana", 100, 30, 1), ("Ben", -900, 0, 0)}
        assert [line["payee"]["name"] for line in first["lines"]] == ["Ana", "Ana", "Ben"]
        assert first["totals"] == [
            {"country": "JP", "currency": "JPY", "paid_minor": 500, "withheld_minor": 0},
            {"country": "US", "currency": "USD", "paid_minor": 2000, "withheld_minor": 300},
        ]
        whole = balances(told)["USD"]["withheld"]
        assert whole == sum(
            each["withheld_minor"] for one in (first, second) for each in one["lines"]
        )
        rows = list(csv.DictReader(StringIO(remittances.as_csv(first))))
        (row,) = (row for row in rows if row["rule"] == rule)
        assert (row["paid_minor"], row["withheld_minor"]) == ("1000", "300")
        assert (row["year"], row["name"], row["paid"], row["withheld"], row["document"]) == (
            *("2026", "Ana", "10.00", "3.00"),
            FORM,
        )
        assert row["rate"] == "0.3", "a spreadsheet takes 3/10 for a day"
        assert summary(told, payee=ana)["lines"] == first["lines"][:2]
        assert [line["country"] for line in summary(told, country="JP")["lines"]] == ["JP"]
        with told.view() as view:
            own = remittances.withheld(view, told.journal, actor=ben, year=2026)
            with pytest.raises(NotPermitted):
                remittances.withheld(view, told.journal, actor=ben, year=2026, payee=ana)
        assert {line["payee"]["id"] for line in own["lines"]} == {ben}


# -- currencies ----------------------------------------------------------------------------


def test_a_payee_is_paid_in_their_currency_at_a_rate_with_its_source(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1"}), ana)
        told.earn(pool, 10_001)
        told.tell("choose_payment_currency", payee=ana, currency="EUR", actor=ana)
        rate_of(told, "0.9", effective_at="2026-05")
        used = rate_of(told, "0.92345", effective_at="2026-06-14")
        rate_of(told, "7", effective_at="2031")
        rate_of(told, "5", "JPY")
        assert told.pay() == {ana: 10_001}
        how = sent(told, ana)
        # 100.01 USD are 92.3542345 EUR.
        assert (how["currency"], how["amount_minor"]) == ("EUR", 9235)
        assert (how["rate"], how["exchange_rate"]) == ("0.92345", used)
        assert balances(told) == {
            "USD": {"received": -10_001, "exchanged": 10_001},
            "EUR": {"exchanged": -9235, "in_transit": 9235},
        }
        told.tell("settle_payout", id=told.payouts()[ana])
        with told.view() as view:
            found = statements.statement(view, told.journal, ana)
            of_payees = totals(view, "x.payee IS NOT NULL")
        assert (of_payees["EUR"]["exchanged"], of_payees["EUR"]["paid"]) == (0, 9235)
        euros, dollars = found["statements"]
        assert euros["balances"]["settled_minor"] == 9235
        assert (dollars["paid_minor"], dollars["balances"]["exchanged_minor"]) == (10_001, 10_001)
        (line,) = (line for line in dollars["movements"] if line["kind"] == "payout")
        said = "92.35 EUR sent at 0.92345, the rate of 2026-06-14"
        assert wording.sending(line["sent"] or {}, "USD") == said
        rows = list(csv.DictReader(StringIO(statement_files.as_csv(found))))
        said_by = [(row["kind"], row["sent_minor"]) for row in rows]
        assert said_by == [("exchange", "9235"), ("division", ""), ("payout", "9235")]
        with told.view() as view:
            listed = remittances.exchange_rates(view).items
            (chosen,) = remittances.payment_currencies(view, told.journal, actor=ana).items
        assert {each["source_name"] for each in listed} == {"ECB"}
        assert chosen["currency"] == "EUR"


def test_every_way_of_telling_a_statement_tells_what_was_earned_in_another_currency(
    database: str,
) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        for name, currency, units in (("tokyo", "JPY", 23_333), ("paris", "EUR", 15_000)):
            pool = told.pool(name, currency=currency)
            told.accept(told.agree(pool, {ana: "1"}), ana)
            told.earn(pool, units)
        told.tell("choose_payment_currency", payee=ana, currency="EUR")
        rate_of(told, "0.0062", currency="JPY")
        told.pay("EUR")
        met = told.head()
        told.pay("JPY")
        with told.view() as view:
            asking = Asking(QUESTIONS["show_statement"], view, told.journal, {"id": ana})
            found = asking.answer
            out = Console(file=StringIO(), width=250)
            on_terminal(out, asking)
            later = statements.statement(view, told.journal, ana, after=met)["statements"][0]
            pdf = as_pdf(view, told.journal, found, asked={})
        euros = found["statements"][0]
        assert (euros["paid_minor"], euros["balances"]["in_transit_minor"]) == (15_000, 29_466)
        assert euros["exchanged"] == [{"currency": "JPY", "amount_minor": 14_466}]
        assert [(line["kind"], line["amount_minor"]) for line in later["movements"]] == [
            ("exchange", 0)
        ]
        rows = csv.DictReader(StringIO(statement_files.as_csv(found)))
        (row,) = (row for row in rows if row["kind"] == "exchange")
        assert (row["currency"], row["source"], row["sent_minor"]) == ("EUR", "JPY", "14466")
        (line,) = later["movements"]
        paper = " ".join(seen(page) for page in PdfReader(BytesIO(pdf)).pages)
        for said in (
            "Exchanged",
            wording.sending(line["sent"] or {}, "EUR"),
            *wording.remarks(euros),
        ):
            assert said in paper
            assert said in out.file.getvalue()  # type: ignore[attr-defined]
        with told.view() as view:
            (line, _) = bookkeeping.all_balances(
                view, told.journal, actor="operator", payee=ana
            ).items
        assert (line["currency"], line["in_transit_minor"]) == ("EUR", 29_466)
        assert wording.remarks(euros) == ["144.66 EUR of what was paid was earned in JPY"]
        payout = told.payouts()[ana]
        for command, said in (
            ("return_payout", {"reason": "no such account"}),
            ("claim_payout", {"actor": ana}),
        ):
            told.tell(command, id=payout, **said)
            with told.view() as view:
                euros = statements.statement(view, told.journal, ana, after=met)["statements"][0]
            assert (euros["exchanged"], euros["balances"]["in_transit_minor"]) == ([], 15_000)
            (line,) = euros["movements"]
            assert wording.booked(line) == "Exchanged, but it came back"


def test_a_rate_that_is_dated_ahead_is_recorded_with_a_warning(database: str) -> None:
    with bank(database) as told:
        pair = {"currency": "USD", "into_currency": "KWD", "source_name": "CBK"}
        for since, codes in (("2026-05-31", []), ("2027-01", ["rate_ahead"])):
            done = told.tell("state_exchange_rate", rate="0.307", effective_at=since, **pair)
            assert [one.code for one in done.warnings] == codes


def test_what_rounding_gains_is_on_an_account_and_nothing_of_it_is_lost(database: str) -> None:
    """Of each payout less than a unit; of all of them, whole units and an exact rest."""
    with bank(database) as told:
        people = told.people(*(f"p{number}" for number in range(9)))
        pool = told.pool(currency="KWD")
        told.accept(told.agree(pool, dict.fromkeys(people, "1")), *people)
        told.earn(pool, 9 * 1001)
        for each in people:
            told.tell("choose_payment_currency", payee=each, currency="USD")
        rate_of(told, "3.253", "USD", "KWD")
        told.pay("KWD")
        # 1.001 KWD are 325.6253 cents, and each got 326.
        exact = 9 * Fraction("325.6253")
        assert sum(told.account("in_transit").values()) == 9 * 326
        (posted,) = told.account("exchange_difference").values()
        assert posted == half_up(exact - 9 * 326) == -3
        assert told.books().differences == {"USD": exact - 9 * 326 - posted}
        assert balances(told)["USD"] == {
            "exchanged": -(9 * 326 - 3),
            "in_transit": 9 * 326,
            "exchange_difference": -3,
        }


@pytest.mark.parametrize("settled", [False, True])
def test_a_payout_that_comes_back_takes_back_all_of_it(database: str, settled: bool) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        for name, units in (("us", 10_003), ("us too", 501)):
            located(told, name, "US", {ana: "1/2", ben: "1/2"}, units)
        withhold(told, ana, "0.3")
        told.tell("choose_payment_currency", payee=ana, currency="JPY")
        rate_of(told, "155.27", "JPY")
        told.pay(payees=[ben])
        before, carried = balances(told), dict(told.books().differences)
        told.pay()
        payout = told.payouts()[ana]
        assert balances(told)["USD"]["withheld"] > 0
        if settled:
            told.tell("settle_payout", id=payout, reference="7")
        told.tell("return_payout", id=payout, reason="no such account")
        whole = before["USD"].pop("owed")
        assert balances(told) == {"USD": before["USD"] | {"suspense": whole}, "JPY": {}}
        assert told.books().differences == carried
        assert summary(told, payee=ana)["lines"] == []
        told.tell("claim_payout", id=payout, actor=ana)
        assert balances(told)["USD"] == before["USD"] | {"owed": whole}
        # It goes out by what holds then.
        withhold(told, ana, "0.1")
        rate_of(told, "150", "JPY", effective_at="2026-06-02")
        assert told.pay() == {ana: whole}
        assert sent(told, ana)["withheld_minor"] == half_up(Fraction(whole, 10))


def test_conversions_round_once_and_half_up() -> None:
    """Regulation (EC) No 1103/97, article 5: exactly half-way is rounded up."""
    assert [half_up(Fraction(text)) for text in ("5/2", "7/2", "2.4999", "0.5", "0")] == [
        *(3, 4, 2, 1, 0)
    ]


def test_a_payout_of_which_no_unit_is_left_in_the_currency_waits(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool(currency="JPY")
        told.accept(told.agree(pool, {ana: "1"}), ana)
        told.earn(pool, 1)
        told.tell("choose_payment_currency", payee=ana, currency="KWD")
        rate_of(told, "0.0004", "KWD", "JPY")
        with pytest.raises(NothingToPay):
            told.pay("JPY")
        rate_of(told, "0.0005", "KWD", "JPY", effective_at="2026-06-02")
        assert told.pay("JPY") == {ana: 1}
        assert sent(told, ana)["amount_minor"] == 1


def test_without_a_rate_the_currency_of_the_pool_is_sent_with_a_warning(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1"}), ana)
        told.earn(pool, 100)
        told.tell("choose_payment_currency", payee=ana, currency="EUR")
        done = told.tell("issue_payouts", currency="USD")
        assert [one.code for one in done.warnings] == ["no_exchange_rate"]
        assert (sent(told, ana)["currency"], sent(told, ana)["amount_minor"]) == ("USD", 100)
        told.earn(pool, 100)
        told.tell("choose_payment_currency", payee=ana)
        assert told.tell("issue_payouts", currency="USD").warnings == ()


def test_an_old_rate_is_refused_if_a_setting_says_so(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = told.pool()
        told.accept(told.agree(pool, {ana: "1/2", ben: "1/2"}), ana, ben)
        told.earn(pool, 200)
        told.tell("choose_payment_currency", payee=ana, currency="EUR")
        told.journal.rules.rate_days = 7
        with pytest.raises(NoExchangeRate):
            told.pay()
        rate_of(told, "0.9", effective_at="2026-06-01")
        with pytest.raises(NoExchangeRate):
            told.pay()
        assert told.pay(payees=[ben]) == {ben: 100}
        rate_of(told, "0.91", effective_at="2026-06-15")
        assert told.pay() == {ana: 100}
        assert sent(told, ana)["rate"] == "0.91"
        told.clock.wait(days=8)
        told.earn(pool, 200)
        told.journal.rules.rate_days = None
        assert told.pay() == {ana: 100, ben: 100}


@pytest.mark.parametrize("text", ["0", "-1", "1e3", "1/3", "1.", ".5", "+1", "0.0", "١", "1" * 10])
def test_a_rate_is_an_exact_decimal_number(text: str) -> None:
    with pytest.raises(BadExchangeRate):
        exchange_rate(text)


def test_a_rate_is_between_two_currencies(database: str) -> None:
    with bank(database) as told, pytest.raises(BadExchangeRate):
        rate_of(told, "1", "USD")


# -- units of one's own --------------------------------------------------------------------


def test_a_unit_of_ones_own_is_declared_with_its_exponent(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool(currency="HOPE.4")
        told.accept(told.agree(pool, {ana: "1"}), ana)
        told.earn(pool, 123_456, sold=[{"amount": "12.34561", "territory": "DE"}])
        told.tell("choose_payment_currency", payee=ana, currency="EUR")
        rate_of(told, "0.05", "EUR", "HOPE.4")
        told.pay("HOPE.4")
        assert wording.money(123_456, "HOPE.4") == "12.3456 HOPE"
        # 12.3456 HOPE are 0.61728 EUR.
        assert sent(told, ana)["amount_minor"] == 62
        with told.view() as view:
            assert "12.3456 HOPE.4" in beancount(view, told.journal)


@pytest.mark.parametrize("code", ["HOPE", "HOPE.", "HOPE.13", "HOPE.01", "USD.2", "hope.2", "A.2"])
def test_a_unit_needs_a_name_of_its_own_and_an_exponent(code: str) -> None:
    with pytest.raises(BadCurrency):
        currency_code(code)


def test_units_are_written_with_all_of_their_digits() -> None:
    for code, exponent, said in (("HOPE.0", 0, "5"), ("HOPE.12", 12, "0.000000000005")):
        assert (currency_code(code), digits(code), decimal(5, code)) == (code, exponent, said)


# -- other ways of asking ------------------------------------------------------------------


def test_beancount_accepts_what_was_withheld_and_exchanged(database: str, tmp_path: Path) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        pool = located(told, "us", "US", {ana: "1/2", ben: "1/2"}, 20_007)
        rule = withhold(told, ana, "0.3")
        for each in (ana, ben):
            told.tell("choose_payment_currency", payee=each, currency="EUR")
        rate_of(told, "0.9217")
        told.pay()
        told.tell("return_payout", id=told.payouts()[ben], reason="no such account")
        with told.view() as view:
            whole = beancount(view, told.journal)
            of_pool = beancount(view, told.journal, pool=pool)
            seen_by = {
                one: beancount(
                    view, told.journal, pool=pool, reader=Reader(view, told.journal, one)
                )
                for one in (ana, ben)
            }
        assert {one: said.count("withheld-us") for one, said in seen_by.items()} == {ana: 1, ben: 0}
        for name, text in (("whole", whole), ("pool", of_pool)):
            (tmp_path / name).write_text(text)
            checked = subprocess.run(
                [BEAN_CHECK, str(tmp_path / name)], capture_output=True, check=False, text=True
            )
            assert (checked.returncode, checked.stderr) == (0, "")
        assert f"Liabilities:Withheld:P-{ana}" in of_pool
        assert "EUR" not in of_pool
        assert f"Liabilities:In-Transit:P-{ana}  -" in whole
        assert 'rate: "0.9217"' in whole
        # Of Ben's, by no rule.
        assert [line for line in whole.splitlines() if "withheld-" in line] == [
            f'  withheld-us: "0.3 for US by {rule}"'
        ]
