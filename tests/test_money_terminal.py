"""Money on a terminal: what was said, or that it was erased; only the columns that have amounts."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from commanding import Stemma
from money import AGREED, HALF, Bank, asset, bank, halves
from rich.console import Console

from domain.money.postings import ACCOUNTS
from projections.question import QUESTIONS, Asking
from scripts import accounts, terminal


def printed(told: Bank, name: str, show: Any, **said: Any) -> list[str]:
    """The lines of an answer, with one space between its columns."""
    out = Console(file=StringIO(), width=300, color_system=None)
    with told.view() as view:
        show(out, Asking(QUESTIONS[name], view, told.journal, said))
    assert isinstance(out.file, StringIO)
    return [" ".join(line.split()) for line in out.file.getvalue().splitlines() if line.strip()]


def test_a_proposal_says_what_people_said_and_what_was_erased() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("Ana", "Ben")
        pool = told.pool()
        proposal = told.propose(pool, {a: "1", b: "1"})
        said = {"kind": "other", "proposal": proposal}
        one = told.tell("comment_on_proposal", text="why half?", actor=a, **said).id
        two = told.tell("comment_on_proposal", text="too much", actor=b, **said).id
        told.tell("answer_comment", proposal=proposal, comment=one, text="we are two")
        more = {"comments": [two], "assets": [asset("all", {a: "3", b: "1"})], "note": "n"}
        told.tell("revise_proposal", proposal=proposal, **more)
        shown = printed(told, "show_proposal", accounts.proposal, id=proposal)
        assert any(line.startswith("can be final from") for line in shown)
        assert "other: why half?" in shown
        assert "answered: we are two" in shown
        assert "answered: n" in shown
        again = told.tell("comment_on_proposal", text="still", actor=b, **said).id
        told.tell(
            "revise_proposal", proposal=proposal, **more | {"comments": [again], "note": None}
        )
        shown = printed(told, "show_proposal", accounts.proposal, id=proposal)
        assert "answered: by a revision" in shown
        told.clock.wait(days=15)
        told.tell("finalise_proposal", proposal=proposal)
        told.tell("waive_share", proposal=proposal, scope="release", contributor=b)
        told.tell("forget_contributor", id=b, ground="request")
        shown = printed(told, "show_proposal", accounts.proposal, id=proposal)
        assert not any(line.startswith("can be final from") for line in shown)
        assert "other: (erased)" in shown
        _, *changes = printed(told, "show_proposal_diff", accounts.diff, id=proposal)
        (of_ben, of_ana) = sorted(changes)
        assert of_ana == "Ana 1/2 1 1/2 other: (erased); (forgotten) waived 1/4"
        assert of_ben.startswith("(forgotten) 1/2 0 -1/2 other: (erased)")


def test_a_statement_has_the_parts_of_a_payout_of_several_and_of_no_other() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("Ana", "Ben")
        assert printed(told, "show_statement", accounts.statement, id=a) == [
            "Ana",
            "Nothing was earned yet.",
        ]
        pools = [told.pool(name) for name in ("one", "two")]
        for pool in pools:
            told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(pools[0], 100)
        told.pay()
        for pool in pools:
            told.earn(pool, 50)
        told.pay()
        shown = printed(told, "show_statement", accounts.statement, id=a)
        assert shown[0] == "Ana"
        assert "Nothing was earned yet." not in shown
        parts = [line for line in shown if line.startswith("of it")]
        assert sorted(parts) == [f"of it −0.50 USD {n}'s release {n}" for n in ("one", "two")]
        told.tell("forget_contributor", id=b, ground="request")
        shown = printed(told, "show_statement", accounts.statement, id=b)
        assert shown[0] == "(forgotten)"


def test_who_is_missing_is_named_and_whose_name_was_erased_has_an_id() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("Ana", "Ben")
        song = told.piece("song", by=[a, b])
        pool = told.pool(release=told.release("record", song))
        proposal = told.propose(pool, {a: "1"})
        for name in ("Ben", b):
            shown = printed(told, "show_proposal", accounts.proposal, id=proposal)
            assert shown[-1] == f"used but without a share: {name}"
            told.tell("forget_contributor", id=b, ground="request")


def test_earnings_and_what_was_withheld_of_whom_for_what() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b, c = told.people("Ana", "Ben", "Cy")
        assert printed(told, "show_earnings", accounts.earnings, id=a) == [
            "Ana",
            "Nothing was earned.",
        ]
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1", b: "1"}), a, b)
        told.earn(pool, 1_000)
        told.tell("locate_pool", pool=pool, country="US")
        rule = {"country": "US", "rate": "3/10", "effective_at": "2026", "document": "W-8"}
        told.tell("state_withholding", payee=a, **rule)
        told.pay()
        shown = printed(told, "show_earnings", accounts.earnings, id=a)
        assert (shown[0], shown[-1]) == ("Ana", "all 5.00 USD")
        shown = printed(told, "show_withheld", accounts.withheld, year=2026)
        *lines, _ = shown
        assert [*sorted(lines[1:]), shown[-1]] == [
            "Ana US 5.00 USD 1.50 USD 30 % 1 W-8",
            "Ben US 5.00 USD 0.00 USD 1 no rule",
            "all US 10.00 USD 1.50 USD",
        ]
        told.tell("forget_contributor", id=c, ground="request")
        assert printed(told, "show_earnings", accounts.earnings, id=c)[0] == "(forgotten)"


def answered(database: str, *words: str) -> list[str]:
    """The lines that a command prints, their spaces as one."""
    done = Stemma(database).run(*words)
    return [" ".join(line.split()) for line in done.output.splitlines() if line.strip()]


def test_amounts_inside_an_answer_are_shown_in_its_currency(tmp_path: Path) -> None:
    """Beside a total of 10.00, the lines of a preview said 1000; a month is shown as a month."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with bank(database) as told:
        pool = told.pool(terms={"type": "fixed", "shares": [["Blue Records", "1"]]})
        told.earn(pool, 1_000, "2026-03", document="D 1")
        told.service.follower.catch_up()

    *_, sums, items, _, line = answered(database, "payout", "preview", "--currency", "USD")
    assert (sums, items) == ("paid 1 10.00", "items")
    assert line == "Blue Records paid 10.00 10.00 USD, count 1"
    shown = answered(database, "bookings")[1]
    assert shown.startswith("2026-03 revenue pool shop 10.00 0.00 0.00 USD D 1 ")


def test_a_name_has_a_statement_like_a_person(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with bank(database) as told:
        pool = told.pool(terms={"type": "fixed", "shares": [["Blue Records", "1"]]})
        told.earn(pool, 1_000)
        told.service.follower.catch_up()

    shown = answered(database, "statement", "Blue Records")
    assert shown[0] == "Blue Records"
    assert shown[-1].endswith("Earned pool's release pool shop 10.00 USD")
    shown = answered(database, "earnings", "Blue Records")
    assert (shown[0], shown[-1]) == ("Blue Records", "all 10.00 USD")
    assert answered(database, "statement", "Red Records")[0].startswith(
        "Error: There is no contributor Red"
    )


def test_why_names_the_group_through_which_somebody_has_their_part() -> None:
    with bank("sqlite:///:memory:") as told:
        band, a = told.people("The Tides", "Ana")
        member = {"group": band, "contributor": a}
        offered = told.tell("offer_membership", **member, actor=band).id
        told.tell("accept_membership", id=offered, actor=a)
        pool = told.pool()
        told.accept(told.agree(pool, {band: "1"}), band)
        said = {"pool": pool, "payee": band, "effective_at": "2026-05", "reason": "r"}
        among = [{"payee": a, "part": "1/2"}]
        told.tell("assign_share", **said, evidence="e", among=among, actor=band)
        revenue = told.earn(pool, 100)
        for name in ("The Tides", band):
            why = printed(told, "explain_line", accounts.why, id=revenue, payee=a)
            assert why[-1] == (f"50 % of it through {name}, which divided 50 % among its members")
            told.tell("forget_contributor", id=band, ground="request")


def test_amounts_of_any_list_have_the_digits_of_their_currency() -> None:
    with bank("sqlite:///:memory:") as told:
        a = told.person("Ana")
        for currency in ("USD", "JPY"):
            pool = told.pool(currency, currency=currency)
            told.accept(told.agree(pool, {a: "1"}), a)
            told.earn(pool, 1234)
        shown = printed(told, "list_balances", terminal.plain)
        assert shown == ["payee currency owed payable", "Ana JPY 1234 1234", "Ana USD 12.34 12.34"]
        shown = printed(told, "show_trial_balance", terminal.plain)
        assert f"USD received {ACCOUNTS['received']} -12.34" in shown
        assert shown[-4:] == ["sums", "currency amount", "JPY 0", "USD 0.00"]


def test_the_audit_prints_what_was_received_and_where_it_is(tmp_path: Path) -> None:
    """… as a positive amount: the ledger's sign for what came in is the other one."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with bank(database) as told:
        pool, a = told.pool(), told.person("Ana")
        told.accept(told.agree(pool, {a: "1/2", "label": "1/2"}), a)
        told.earn(pool, 1234)
        told.pay(payees=[a])
    _, head, row = Stemma(database).run("verify-money").output.splitlines()
    assert head.split()[:4] == ["currency", "received", "waiting", "owed"]
    assert row.split()[1:] == ["12.34", "0.00", "6.17", "6.17", "0.00", "0.00"]


def test_a_payout_is_found_and_settled_on_the_command_line(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    run = Stemma(database)
    with bank(database) as told:
        told.earn(told.pool(terms={"type": "fixed", "shares": [["label", "1"]]}), 1234)
    run("payout", "issue", "--currency", "USD", "--id", "spring")
    listed = ("payout", "list", "--batch", "spring")
    assert "12.34" in run(*listed)
    (payout,) = json.loads(run(*listed, "--json"))["items"]
    run("payout", "settle", payout["id"], "--reference", "SEPA 4711")
    assert "settled" in run(*listed)


def test_the_steps_of_why_add_up_to_the_amount() -> None:
    """Whether a part of a unit is carried to the next division or taken from it."""
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("Ana", "Ben")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "2", b: "1"}), a, b)
        revenue = told.earn(pool, 100)
        of = {
            who: printed(told, "explain_line", accounts.why, id=revenue, payee=who)[1:3]
            for who in (a, b)
        }
        assert of == {
            a: [
                "0.66 USD and 2/3 of 0.01 USD about 66.7 % (2/3) of the agreed part",
                "1/3 of 0.01 USD taken from the next one",
            ],
            b: [
                "0.33 USD and 1/3 of 0.01 USD about 33.3 % (1/3) of the agreed part",
                "−1/3 of 0.01 USD carried to the next one",
            ],
        }


def test_why_says_what_others_waived_and_what_went_by_shares_before_a_correction() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("Ana", "Ben")
        pool = told.pool(terms=HALF)
        proposal = told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01")
        told.accept(proposal, a)
        told.tell("waive_share", proposal=proposal, scope="release", actor=b)
        revenue = told.earn(pool, 1_000)
        *_, piece, waived = printed(told, "explain_line", accounts.why, id=revenue, payee=a)
        assert piece.endswith("of the agreed part: 50 %, 2.50 USD")
        assert waived == "2.50 USD more of what others waived"
        told.tell("amend_pool", pool=pool, terms=AGREED, effective_at="2026-01", reason="r")
        corrected = told.tell("correct_pool", pool=pool, reason="r").id
        step = printed(told, "explain_line", accounts.why, id=corrected, payee=a)[1]
        whole, before = "100 % (1) of the agreed part, 10.00 USD", "100 % (1) of 5.00 USD"
        assert step == f"5.00 USD {whole}, instead of {before}"
        said = {"to": "Firm", "part": "1/4", "reason": "r", "evidence": "e"}
        told.tell("assign_share", pool=pool, payee=a, effective_at="2026-01", **said)
        corrected = told.tell("correct_pool", pool=pool, reason="r").id
        step = printed(told, "explain_line", accounts.why, id=corrected, payee=a)[1]
        assert step == "−2.50 USD 75 % (3/4) of the agreed part, 10.00 USD, instead of 100 % (1)"


def test_why_finds_every_entry_by_the_word_that_it_was_recorded_with(tmp_path: Path) -> None:
    """Only divisions were found, by the word of their revenue."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with bank(database) as told:
        pool, a, b = halves(told)
        told.service.follower.catch_up()
    gift = json.dumps([{"payee": a, "amount_minor": 10}, {"payee": b, "amount_minor": -10}])
    sale = ("--source", "shop", "--amount-minor", "100", "--effective-at", "2026-01")
    for words in (
        ("revenue", "record", "--id", "may", "--pool", pool, *sale),
        ("revenue", "reverse", "may", "--id", "return", "--amount-minor", "50", "--reason", "R"),
        ("adjustment", "record", "--id", "gift", "--lines", gift, "--reason", "A", "--pool", pool),
    ):
        assert '"id":' in answered(database, *words)[0]
    firsts = {word: answered(database, "why", word, a)[0] for word in ("may", "return", "gift")}
    assert firsts == {
        "may": "Ana: 0.50 USD of 1.00 USD",
        "return": "Ana: −0.25 USD by a reversal of −0.50 USD (R)",
        "gift": "Ana: 0.10 USD by an adjustment (A)",
    }
    assert answered(database, "why", "june", a)[0].startswith("Error: There is no entry june.")


def test_why_says_of_what_kind_an_entry_is_and_its_reason() -> None:
    with bank("sqlite:///:memory:") as told:
        pool, a, _ = halves(told)
        told.tell("state_reserve", pool=pool, rate="1/2", effective_at="2026-01")
        told.spend(pool, 20)
        revenue = told.earn(pool, 120)
        told.reverse(revenue, 20, reason="A chargeback.")
        told.tell(
            "reverse_expense",
            expense=told.since(0, "expense.recorded")[0].originator_id,
            amount_minor=10,
            reason="A discount.",
        )
        told.tell("free_reserve", pool=pool, reason="Nothing came back.")
        whys = {
            fact.TOPIC: printed(told, "explain_line", accounts.why, id=fact.originator_id, payee=a)
            for topic in ("divided", "reversed", "redivided", "freed")
            for fact in told.since(0, f"entry.{topic}")
        }
        assert {topic: lines[0] for topic, lines in whys.items()} == {
            "entry.divided": "Ana: 0.50 USD of 1.20 USD",
            "entry.reversed": "Ana: −0.08 USD by a reversal of −0.20 USD (A chargeback.)",
            "entry.redivided": "Ana: 0.03 USD by a correction (A discount.)",
            "entry.freed": "Ana: what was held back for returns (Nothing came back.)",
        }


def test_a_list_of_payouts_says_how_each_was_sent() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("Ana", "Ben")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1", b: "1"}), a, b)
        told.tell("locate_pool", pool=pool, country="US")
        rule = {"country": "US", "rate": "15/100", "effective_at": "2026"}
        told.tell("state_withholding", payee=a, document="W-8", **rule)
        told.tell("choose_payment_currency", payee=a, currency="EUR")
        rate = {"currency": "USD", "into_currency": "EUR", "rate": "0.5", "source_name": "ecb"}
        told.tell("state_exchange_rate", **rate, effective_at="2026-01")
        told.earn(pool, 2_000)
        told.pay()
        head, *lines = printed(told, "list_payouts", terminal.plain)
        assert head == "issued payee amount currency sent state reference reason batch id"
        (of_ana,) = (line for line in lines if " Ana " in line)
        (of_ben,) = (line for line in lines if " Ben " in line)
        assert "Ana 10.00 USD 1.50 USD withheld for US (15 %); 4.25 EUR sent at 0.5, " in of_ana
        assert "Ben 10.00 USD nothing withheld for US (no rule); 10.00 USD sent issued" in of_ben


def test_a_pool_and_why_show_only_what_there_is() -> None:
    with bank("sqlite:///:memory:") as told:
        a = told.person("Ana")
        song = told.piece("song", by=[a])
        pool = told.pool(terms=HALF, release=told.release("record", song))
        told.accept(told.agree(pool, [asset(song, {a: "1"}), asset("poster", {a: "1"})]), a)
        revenue = told.earn(pool, 100)
        shown = printed(told, "show_pool_statement", accounts.pool_statement, id=pool)
        assert shown[0] == "pool"
        assert "payee share percent earned payable held because" in shown
        assert "Ana 1 100 % 0.50 USD 0.50 USD" in shown
        assert "house 0.50 USD 0.50 USD" in shown
        why = printed(told, "explain_line", accounts.why, id=revenue, payee=a)
        assert any(line.startswith("100 % of song, which is 50 %") for line in why)
        assert any(line.startswith("100 % of poster, which is 50 %") for line in why)
        assert "record ← song: 0.25 USD" in why
        assert not any(line.startswith("Left over") for line in why)


def test_a_long_ledger_is_laid_out_in_portions_as_if_it_were_one_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Laid out at once, a hundred thousand lines took half a gigabyte."""
    with bank("sqlite:///:memory:") as told:
        people = told.people("Ana", "Benjamin the Younger", "東京")
        pool = told.pool()
        told.accept(told.agree(pool, dict.fromkeys(people, "1/3")), *people)
        told.earn(pool, 100)
        told.earn(pool, 1_000_000)
        told.pay()

        def shown() -> str:
            out = Console(file=StringIO(), width=300, color_system=None)
            with told.view() as view:
                said = {"id": pool}
                asking = Asking(QUESTIONS["show_pool_ledger"], view, told.journal, said)
                accounts.ledger(out, asking)
            assert isinstance(out.file, StringIO)
            return out.file.getvalue()

        whole = shown()
        monkeypatch.setattr(accounts, "PORTION", 2)
        assert shown() == whole
        assert whole.count("position") == 1
