"""The ledger as a beancount journal: bean-check accepts it as it is, and no other.

Rule: the tool that reads it is the one that others wrote.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from money import HALF, Bank, asset, bank
from stories import id_of

from projections.money.pools.beancount import beancount

BEAN_CHECK = Path(sys.executable).parent / "bean-check"
NAMES = ('ana "the \\ pen"', "bo 😀\n; line", "cy", "日本 دينار")


def everything(told: Bank) -> None:
    """Money that came in, went out, came back and was given anew, in three currencies."""
    ana, bo, cy, dee = told.people(*NAMES)
    dollars = told.pool("dollars", terms=HALF)
    deal = told.agree(dollars, [asset("verse", {ana: "1", bo: "1"}), asset("beat", {cy: "1"})])
    told.spend(dollars, 99, payer='a "printer"; 😀')
    sale = told.earn(dollars, 10_000)
    told.reverse(sale, 300)
    told.accept(deal, ana, cy)
    told.pay()
    paid = told.payouts()
    for payee, payout in paid.items():
        if payee == ana:
            told.tell("return_payout", id=payout, reason="closed")
            told.tell("claim_payout", id=payout)
        else:
            told.tell("settle_payout", id=payout)
    told.tell("return_payout", id=paid[cy], reason="closed later")
    told.tell("waive_share", proposal=deal, scope="verse", actor=bo)
    told.reverse(sale)
    told.earn(dollars, 777, effective_at="2026-06")
    told.agree(dollars, {ana: "1/3", dee: "2/3"}, effective_at="2026-04")
    told.tell("correct_pool", pool=dollars, reason="dee was found late")
    for name, currency, amount in (("yen", "JPY", 1_001), ("dinars", "KWD", 1_001)):
        pool = told.pool(name, currency=currency)
        told.agree(pool, {ana: "2/7", bo: "5/7"})
        told.earn(pool, amount)
    waiting = told.earn(told.pool("waiting"), 5)
    told.reverse(waiting, 2)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("beancount")
    with bank(f"sqlite:///{folder / 'stemma.db'}") as told:
        everything(told)
        return ledger(told)


def ledger(told: Bank, pool: str | None = None) -> str:
    with told.view() as view:
        return beancount(view, told.journal, pool=pool)


def complaints(text: str, folder: Path) -> str:
    """What bean-check says; nothing if it accepts."""
    file = folder / "ledger.beancount"
    file.write_text(text, "utf-8")
    ran = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
    assert (ran.returncode == 0) == (ran.stderr == ""), ran
    return ran.stderr


def test_bean_check_accepts_the_ledger_of_everything(database: str, tmp_path: Path) -> None:
    """Of all pools, and of one alone."""
    with bank(database) as told:
        everything(told)
        whole, dollars = ledger(told), ledger(told, id_of("dollars"))
    assert complaints(whole, tmp_path) == ""
    assert complaints(dollars, tmp_path) == ""
    assert set(re.findall(r"^\d.* ([A-Z]{3})$", whole, re.MULTILINE)) == {"USD", "JPY", "KWD"}
    assert set(re.findall(r"^\d.* ([A-Z]{3})$", dollars, re.MULTILINE)) == {"USD"}
    assert "  286 JPY" not in whole  # what is owed to somebody is negative
    assert "  -286 JPY" in whole
    assert "  -0.286 KWD" in whole
    for name in NAMES:
        said = " ".join(name.split()).replace("\\", "\\\\").replace('"', '\\"')
        assert f'name: "{said}"' in whole


def test_a_ledger_of_nothing_is_one(tmp_path: Path) -> None:
    with bank(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        told.pool()
        assert complaints(ledger(told), tmp_path) == ""


def an_amount(text: str) -> str:
    amount = r"^(  Liabilities:Owed:.*-)(\d)(.*) USD$"
    return re.sub(amount, r"\g<1>9\2\3 USD", text, count=1, flags=re.MULTILINE)


def a_posting_left_out(text: str) -> str:
    return re.sub(r"^  Liabilities:Owed:.* USD\n", "", text, count=1, flags=re.MULTILINE)


def a_balance(text: str) -> str:
    return re.sub(
        r"^(.* balance Assets:Paid:.*  )(\d)", r"\g<1>9\2", text, count=1, flags=re.MULTILINE
    )


def another_currency(text: str) -> str:
    return re.sub(r"^(  Assets:Received  .*) JPY$", r"\1 KWD", text, count=1, flags=re.MULTILINE)


def an_account_that_is_not_open(text: str) -> str:
    return re.sub(r"^\S+ open Assets:Received\n", "", text, count=1, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "falsify",
    [an_amount, a_posting_left_out, a_balance, another_currency, an_account_that_is_not_open],
    ids=lambda falsify: falsify.__name__,
)
def test_bean_check_rejects_what_was_falsified(
    falsify: Callable[[str], str], journal: str, tmp_path: Path
) -> None:
    falsified = falsify(journal)
    assert falsified != journal
    assert complaints(falsified, tmp_path)


def test_entries_name_their_pool_source_and_document_and_expenses_are_entries(
    tmp_path: Path,
) -> None:
    with bank(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        (ana,) = told.people("Ana")
        pool = told.pool()
        told.agree(pool, {ana: "1"})
        spent = told.spend(pool, 41_200, document="bill 7")
        told.earn(pool, 50_000, document="page 3")
        release = told.books().pools[pool].opened.release
        text = ledger(told)
    assert complaints(text, tmp_path) == ""
    (expense,) = re.findall(r'^\S+ \* "expense.recorded"\n(?:  .*\n)+', text, re.MULTILINE)
    for line in (
        f'pool: "{pool}"',
        f'release: "{release}"',
        'category: "printing"',
        'document: "bill 7"',
        f'payer: "payer/{spent}"',
        "Expenses:Recorded  412.00 USD",
        "Equity:Paid-For  -412.00 USD",
    ):
        assert f"  {line}\n" in expense
    (division,) = re.findall(r'^\S+ \* "entry.divided"\n(?:  .*\n)+', text, re.MULTILINE)
    for line in (f'pool: "{pool}"', 'source: "shop"', 'document: "page 3"'):
        assert f"  {line}\n" in division
