"""Booking: the same document twice, the same line in two files, expenses that are taken back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clocks import TickingClock
from money import AGREED, HALF, Bank, bank, exactly_due, halves
from serving import Served, serving
from stories import id_of

from domain.known import MOST_ALIKE
from domain.money.dividing import RecordRevenue
from domain.refusal import (
    AdjustmentUnbalanced,
    AssignedToSelf,
    AssignmentTooLarge,
    BadAmount,
    ContributorForgotten,
    EarnedInFuture,
    NotAgreed,
    ReversalTooLarge,
)
from projections.money import statements
from projections.money.pools import statement as pool_statement
from projections.money.pools.divisions import division
from projections.money.pools.reasons import why
from projections.store import View
from scripts.bundle import FoundLine, Report, import_lines

TERMS_OF_ALL_KINDS: list[dict[str, Any]] = [
    AGREED,
    HALF,
    {
        "type": "fees",
        "fees": [{"payee": "house", "rate": "1/7", "cap_minor": 5_000}],
        "then": AGREED,
    },
    {"type": "waterfall", "tranches": [["bank", 30_000], ["artists", None, AGREED]]},
    {
        "type": "escalator",
        "earned_minor": 0,
        "bands": [["50000", [["house", "1/3"], ["artists", "2/3", AGREED]]], [None, AGREED]],
    },
    {
        "type": "advance",
        "account": "x",
        "to": "label",
        "accounts": [
            {
                **{"account": "x", "payee": "a", "advance_minor": 30_000},
                **{"earned_minor": 0, "paid_minor": 0},
            }
        ],
        "then": AGREED,
    },
]


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, clock=TickingClock()) as service:
        yield service


def test_the_same_document_and_amount_is_recorded_with_a_warning_that_names_the_first(
    database: str,
) -> None:
    with bank(database) as told:
        pool, other = told.pool(), told.pool("other")
        yen = told.pool("yen", currency="JPY")
        for command, more in (
            ("record_revenue", {"source": "shop"}),
            ("record_expense", {"category": "printing", "payer": "house"}),
        ):
            more |= {"pool": pool, "amount_minor": 41_200, "effective_at": "2026-05"}
            first = told.tell(command, document="invoice 77", **more)
            assert first.warnings == ()
            again = told.tell(command, document=" INVOICE 77", id=id_of(command), **more)
            assert [one.code for one in again.warnings] == ["document_repeated"]
            assert first.id in again.warnings[0].detail
            assert (
                told.tell(command, document=" INVOICE 77", id=id_of(command), **more).id == again.id
            )
            for changed in ({"amount_minor": 41_201}, {"document": "invoice 78"}):
                said = {"document": "invoice 77"} | more | changed
                assert told.tell(command, **said).warnings == (), changed
            (warned,) = told.tell(command, document="invoice 77", **more | {"pool": other}).warnings
            assert warned.code == "document_elsewhere"
            assert first.id in warned.detail
            said = {"document": "invoice 77", **more, "pool": yen, "amount_minor": 41_200}
            assert told.tell(command, **said).warnings == (), "another currency"
            del more["amount_minor"]
            assert told.tell(command, amount_minor=1, **more).warnings == ()


def test_a_document_is_compared_with_the_latest_of_the_same_amount_however_many(
    tmp_path: Path,
) -> None:
    with bank(f"sqlite:///{tmp_path / 'alike.db'}") as told:
        pool = told.pool()
        said = {"pool": pool, "source": "shop", "amount_minor": 999, "effective_at": "2026-05"}
        draft = told.journal.draft()
        for number in range(MOST_ALIKE + 1):
            draft.carry_out(RecordRevenue.of({**said, "document": f"subscriber {number}"}))
        told.journal.commit(draft)
        again = [
            told.tell("record_revenue", document=f"subscriber {number}", **said)
            for number in (0, MOST_ALIKE)
        ]
        assert [len(one.warnings) for one in again] == [0, 1]


def test_of_two_with_the_same_document_in_one_append_the_second_is_warned_of(
    database: str,
) -> None:
    with bank(database) as told:
        said = {"pool": told.pool(), "amount_minor": 5, "effective_at": "2026", "document": "7"}
        one = RecordRevenue.of({**said, "source": "shop", "id": id_of("one")})
        two = RecordRevenue.of({**said, "source": "shop", "id": id_of("two")})
        (warning,) = told.journal.record(one, two).warnings
        assert id_of("one") in warning.detail


def test_the_warning_is_answered_over_http_and_shown_with_the_revenue(served: Served) -> None:
    ana = served.admit("Ana")
    piece = served.post_piece("Poem", by=ana)
    api = served.operator
    release = api.post("/releases", title="Album", components=[{"work": piece}]).id
    terms = {"type": "agreed"}
    body = {"name": "pool", "kind": "other", "currency": "EUR", "terms": terms}
    pool = api.post(f"/releases/{release}/pools", body).id
    said = {"amount_minor": 500, "effective_at": "2026-05", "document": "page 3", "source": "store"}
    first = api.post(f"/pools/{pool}/revenue", said)
    assert first.json["warnings"] == []
    again = api.post(f"/pools/{pool}/revenue", said, **{"id": id_of("again")})
    assert again.status == 201
    assert again.json["warnings"] == [
        {
            "code": "document_repeated",
            "detail": f"The same document and amount are already recorded: {first.id}.",
        }
    ]
    shown = [one["repeats"] for one in api.get(f"/pools/{pool}/revenue").items]
    assert shown == [None, first.id]


LINES: list[dict[str, Any]] = [
    {"type": "contributor", "id": "ana", "name": "Ana"},
    {"type": "contribution", "id": "poem", "title": "Poem", "medium": "text", "by": "ana"},
    {"type": "release", "id": "album", "title": "Album", "components": [{"work": "poem"}]},
    {
        **{"type": "pool", "id": "pot", "release": "album", "name": "pot", "kind": "other"},
        **{"currency": "USD", "terms": {"type": "agreed"}},
    },
]
SALE = {
    **{"type": "revenue", "pool": "pot", "source": "shop", "amount_minor": 10},
    "effective_at": "2026-05",
}
COST = {**SALE, "type": "expense", "category": "printing", "document": "bill 7"}
del COST["source"]


def from_file(told: Bank, name: str, *lines: dict[str, Any]) -> Report:
    found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, start=1))
    report = import_lines(told.journal, found, file=name)
    assert report.refused == []
    return report


def counted(report: Report) -> tuple[int, int]:
    return report.recorded.total(), report.unchanged.total()


def test_an_identical_line_in_another_file_is_booked_and_a_file_imported_twice_is_not(
    database: str,
) -> None:
    with bank(database) as told:
        from_file(told, "", *LINES)
        assert counted(from_file(told, "january.jsonl", SALE, SALE, COST)) == (3, 0)
        head = told.head()
        assert counted(from_file(told, "january.jsonl", SALE, SALE, COST)) == (0, 3)
        assert told.head() == head
        # A file that has grown since adds what is new in it.
        assert counted(from_file(told, "january.jsonl", SALE, SALE, COST, SALE)) == (1, 3)
        february = from_file(told, "february.jsonl", SALE, COST)
        assert counted(february) == (2, 0)
        (warned,) = february.warned  # the bill, not the sale without a document
        (bill, _) = told.since(0, "expense.recorded")
        assert (warned.where, bill.originator_id in warned.warning) == ("line 2", True)
        assert told.books().revenues.__len__() == 4


def test_what_was_imported_before_files_were_told_apart_is_not_booked_again(database: str) -> None:
    with bank(database) as told:
        assert counted(from_file(told, "", *LINES, SALE)) == (5, 0)
        assert counted(from_file(told, "january.jsonl", *LINES, SALE)) == (0, 5)
        assert counted(from_file(told, "january.jsonl", SALE, SALE)) == (1, 1)


def test_a_payout_and_a_refund_of_another_file_are_no_repetitions(database: str) -> None:
    with bank(database) as told:
        from_file(told, "", *LINES, {**SALE, "id": "sale"})
        back = {"type": "revenue.reverse", "revenue": "sale", "amount_minor": 1, "reason": "r"}
        assert counted(from_file(told, "a.jsonl", back)) == (1, 0)
        assert counted(from_file(told, "b.jsonl", back)) == (1, 0)
        assert counted(from_file(told, "b.jsonl", back)) == (0, 1)


# -- expenses that are taken back ----------------------------------------------------------------


def earned(told: Bank) -> dict[str, int]:
    return told.account()


def test_an_expense_typed_ten_times_too_large_is_corrected_to_the_cent(database: str) -> None:
    """4,120.00 for 412.00: 3,708.00 of what was paid back is divided as it would have been."""
    with bank(database) as told:
        pool = told.pool(terms=AGREED)
        told.agree(pool, {"a": "2", "b": "1"})
        expense = told.spend(pool, 412_000, "printer")
        told.earn(pool, 400_000)
        told.earn(pool, 50_000)
        (payer,) = (one.payer for one in told.since(0, "expense.recorded"))
        assert earned(told) == {payer: 412_000, "a": 25_333, "b": 12_667}
        told.tell("reverse_expense", expense=expense, amount_minor=370_800, reason="typed wrong")
        assert earned(told) == {payer: 41_200, "a": 272_533, "b": 136_267}
        told.earn(pool, 300)
        assert earned(told) == {payer: 41_200, "a": 272_733, "b": 136_367}


def test_a_correction_gives_what_the_right_expense_would_have_given(database: str) -> None:
    """Whatever the terms: bands, fees, tranches and advances follow the net that is left."""
    with bank(database) as told:
        for number, terms in enumerate(TERMS_OF_ALL_KINDS):
            pools = [told.pool(f"{kind} {number}", terms=terms) for kind in ("wrong", "right")]
            for pool, spent in zip(pools, (90_000, 9_000), strict=True):
                told.agree(pool, {"a": "1", "b": "1"})
                expense = told.spend(pool, spent, "operator")
                told.earn(pool, 80_000)
                told.earn(pool, 20_000)
                if spent == 90_000:
                    said = {"expense": expense, "amount_minor": 81_000, "reason": "typed wrong"}
                    told.tell("reverse_expense", **said)
                told.earn(pool, 777)
            wrong, right = (told.account(pool=pool) for pool in pools)
            assert wrong == right, terms


def test_what_a_smaller_expense_leaves_is_corrected_with_the_shares_like_the_rest(
    database: str,
) -> None:
    """It came by the agreement, too: with the shares from the beginning, all of it is due."""
    with bank(database) as told:
        for number, terms in enumerate(TERMS_OF_ALL_KINDS):
            late, always = (
                told.pool(f"{kind} {number}", terms=terms) for kind in ("late", "always")
            )
            for pool, who in ((late, "c"), (always, "b")):
                told.agree(pool, {who: "1"}, "2026-01")
                expense = told.spend(pool, 90_000, "operator")
                told.earn(pool, 100_000)
                said = {"expense": expense, "amount_minor": 60_000, "reason": "refund"}
                told.tell("reverse_expense", **said)
            assert told.account(pool=late)["c"] > 10_000, terms
            told.agree(late, {"b": "1"}, "2026-01")
            told.tell("correct_pool", pool=late, reason="from the beginning")
            assert told.account(pool=late) == told.account(pool=always), terms


def test_what_was_not_paid_back_yet_is_only_cut(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"a": "1"})
        expense = told.spend(pool, 1000, "operator")
        told.earn(pool, 300)
        head = told.head()
        told.tell("reverse_expense", expense=expense, amount_minor=600, reason="refund")
        assert [one.topic for one in told.journal.read(head)] == ["expense.reversed"]
        told.earn(pool, 200)
        assert earned(told) == {"operator": 400, "a": 100}
        with pytest.raises(ReversalTooLarge):
            told.tell("reverse_expense", expense=expense, amount_minor=401, reason="r")
        told.tell("reverse_expense", expense=expense, reason="all of it")
        assert earned(told) == {"a": 500}


def test_a_credit_note_that_is_booked_twice_is_warned_of(database: str) -> None:
    with bank(database) as told:
        expense = told.spend(told.pool(), 1000, "operator")
        said = {"expense": expense, "amount_minor": 300, "reason": "refund"}
        first = told.tell("reverse_expense", document="credit note 5", **said)
        again = told.tell("reverse_expense", document="Credit note 5", **said)
        (warned,) = again.warnings
        assert (warned.code, first.id in warned.detail) == ("document_repeated", True)
        for other in ({"document": "credit note 6"}, {}):
            said["amount_minor"] = 100
            assert told.tell("reverse_expense", **said, **other).warnings == ()
        assert first.warnings == ()


def test_what_is_sent_twice_without_a_key_is_warned_of(database: str) -> None:
    """By a client that tries again, or a command repeated in a terminal."""
    with bank(database) as told:
        pool, ana, _ = halves(told)
        expense, revenue = told.spend(pool, 500, "operator"), told.earn(pool, 3_000, "2026-02")
        undivided = told.earn(told.pool("not agreed on"), 1_000)
        moved = {"pool": pool, "lines": [{"payee": ana, "amount_minor": 5}], "payer": "operator"}
        for command, said, code in (
            ("reverse_expense", {"expense": expense, "amount_minor": 30}, "reversal_repeated"),
            ("reverse_revenue", {"revenue": revenue, "amount_minor": 70}, "reversal_repeated"),
            ("reverse_revenue", {"revenue": undivided, "amount_minor": 70}, "reversal_repeated"),
            ("record_adjustment", {**moved, "document": "letter 3"}, "document_repeated"),
        ):
            first = told.tell(command, reason="one copy", **said)
            (warned,) = told.tell(command, reason="One copy", **said).warnings
            assert first.warnings == ()
            assert (warned.code, first.id in warned.detail) == (code, True)
        other = {"revenue": revenue, "amount_minor": 70, "reason": "another copy"}
        assert told.tell("reverse_revenue", **other).warnings == ()


def test_what_has_no_document_and_is_the_same_in_everything_is_warned_of(database: str) -> None:
    with bank(database) as told:
        pool, other = told.pool(), told.pool("other")
        booked = {"pool": pool, "amount_minor": 500, "effective_at": "2026-02"}
        sale = {**booked, "source": "a shop", "note": "at the door"}
        cost = {**booked, "category": "printing", "payer": "Printer", "note": "posters"}
        more: list[dict[str, Any]] = [
            *({"note": "at the bar"}, {"note": None}, {"document": "till 3"}, {"pool": other}),
            *({"amount_minor": 499}, {"effective_at": "2026-03"}),
        ]
        for command, said in (("record_revenue", sale), ("record_expense", cost)):
            first = told.tell(command, **said)
            (warned,) = told.tell(command, **said).warnings
            assert first.warnings == ()
            assert (warned.code, first.id in warned.detail) == ("booking_repeated", True)
            for change in more:
                assert told.tell(command, **{**said, **change}).warnings == ()
            assert told.tell(command, id=id_of(command), **said).warnings == ()
        assert told.tell("record_revenue", **{**sale, "source": "another shop"}).warnings == ()
        assert told.tell("record_expense", **{**cost, "payer": "operator"}).warnings == ()


def test_a_part_that_is_assigned_twice_by_the_same_evidence_is_warned_of(database: str) -> None:
    """Also if what was assigned was owed under several agreements."""
    with bank(database) as told:
        pool, ana, ben = halves(told)
        for each in (pool, told.pool("other")):
            if each != pool:
                told.accept(told.agree(each, {ana: "1"}, "2026-01"), ana)
            told.earn(each, 4_000, "2026-02")
        said = {"payee": ana, "currency": "USD", "reason": "sold", "evidence": "contract 7"}
        first = told.tell("record_assignment", to=ben, amount_minor=900, **said)
        (warned,) = told.tell("record_assignment", to=ben, amount_minor=900, **said).warnings
        assert len({one.pool for one in told.since(0, "entry.assigned")}) == 2
        assert first.warnings == ()
        assert (warned.code, first.id in warned.detail) == ("document_repeated", True)
        for change in (
            {"amount_minor": 901},
            {"evidence": "contract 8"},
            {"to": told.person("Cy")},
        ):
            again = {"to": ben, "amount_minor": 900, **said, **change}
            assert told.tell("record_assignment", **again).warnings == ()


def test_each_deed_assigns_a_part_as_long_as_something_is_left(database: str) -> None:
    """Two deeds of the same amount are two, as two invoices are; no more than is owed is given."""
    with bank(database) as told:
        pool, ana, ben = halves(told)
        told.earn(pool, 2_000, "2026-02")
        said = {"payee": ana, "to": ben, "currency": "USD", "amount_minor": 400, "reason": "sold"}
        for deed in ("contract 7", "contract 8"):
            assert told.tell("record_assignment", evidence=deed, **said).warnings == ()
        with pytest.raises(AssignmentTooLarge, match=r"Only 2\.00 USD can be assigned"):
            told.tell("record_assignment", evidence="contract 9", **said)
        with pytest.raises(AssignedToSelf, match="is owed it already: name someone else"):
            told.tell("record_assignment", evidence="contract 9", **{**said, "to": ana})
        assert told.account() == {ana: 200, ben: 1_800}


def test_what_is_free_again_pays_back_other_expenses_first(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"a": "1"})
        first = told.spend(pool, 1000, "operator")
        told.spend(pool, 500, "work/" + told.piece("other"))
        told.earn(pool, 1000)
        told.tell("reverse_expense", expense=first, amount_minor=800, reason="refund")
        assert sorted(earned(told).values()) == [200, 300, 500]


def test_revenue_reversed_after_its_expense_was_leaves_exactly_nothing(database: str) -> None:
    with bank(database) as told:
        for number, terms in enumerate(TERMS_OF_ALL_KINDS):
            pool = told.pool(f"pool {number}", terms=terms)
            told.agree(pool, {"a": "1", "b": "2"})
            expense = told.spend(pool, 7_000, "operator")
            one, two = told.earn(pool, 5_001), told.earn(pool, 4_003)
            told.reverse(one, 1_000)
            told.tell("reverse_expense", expense=expense, amount_minor=6_000, reason="r")
            told.reverse(two, 1_234)
            told.tell("reverse_expense", expense=expense, reason="the rest")
            told.reverse(one)
            told.reverse(two)
            assert told.account(pool=pool) == {}, terms


@pytest.mark.parametrize("fee", [{"amount_minor": 600}, {"rate": "1/5", "cap_minor": 700}], ids=str)
def test_what_comes_back_in_parts_leaves_nobody_a_part_of_a_fee_though_an_expense_was_paid_of_it(
    fee: dict[str, Any], database: str
) -> None:
    """The second part is of the same division as the first, not of what the first had left."""
    with bank(database) as told:
        fees = [{"payee": "platform", **fee}]
        pool = told.pool(terms={"type": "fees", "fees": fees, "then": AGREED})
        told.agree(pool, {"a": "1/3", "b": "2/3"})
        told.spend(pool, 4_000, "printer")
        revenue = told.earn(pool, 10_000)
        before = exactly_due(told, pool, {})
        told.reverse(revenue, 5_000)
        assert exactly_due(told, pool, {}) == {payee: due / 2 for payee, due in before.items()}
        told.reverse(revenue, 5_000)
        assert exactly_due(told, pool, {}) == {}


def test_a_payer_who_was_paid_owes_what_was_too_much(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("Ana")
        pool = told.pool()
        told.agree(pool, {"b": "1"})
        expense = told.spend(pool, 1000, ana)
        told.earn(pool, 1000)
        assert told.pay() == {ana: 1000}
        told.tell("reverse_expense", expense=expense, amount_minor=900, reason="refund")
        assert earned(told) == {ana: -900, "b": 900}
        with told.view() as view:
            told_pool = pool_statement(view, told.journal, pool, actor="operator")
        assert (told_pool["costs_minor"], told_pool["totals"]["debt_minor"]) == (100, 900)


# -- adjustments ---------------------------------------------------------------------------------


def shown_document(told: Bank, view: View, entry: str, payee: str) -> str | None:
    """What an entry is proved by, as it says itself and as each of its lines says."""
    shown = division(view, told.journal, entry, actor="operator")
    assert why(view, told.journal, entry, payee, actor="operator")["document"] == shown["document"]
    return shown["document"]


def test_a_goodwill_credit_is_charged_to_a_stated_payer_or_sums_to_zero(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"a": "1", "b": "2"})
        told.earn(pool, 100)
        assert earned(told) == {"a": 33, "b": 67}
        lines = [{"payee": "a", "amount_minor": 13}, {"payee": "b", "amount_minor": -3}]
        said = {"pool": pool, "lines": lines, "reason": "goodwill"}
        with pytest.raises(AdjustmentUnbalanced) as refused:
            told.tell("record_adjustment", **said)
        assert refused.value.details == {"rest": "0.10 USD", "rest_minor": 10}
        told.tell("record_adjustment", payer="operator", **said)
        assert earned(told) == {"a": 46, "b": 64, "operator": -10}
        lines.append({"payee": "operator", "amount_minor": -10})
        told.tell("record_adjustment", **said)
        assert earned(told) == {"a": 59, "b": 61, "operator": -20}
        told.earn(pool, 200)  # what was carried was not touched
        assert earned(told) == {"a": 126, "b": 194, "operator": -20}


def test_what_other_books_owed_is_taken_over_and_paid(database: str) -> None:
    with bank(database) as told:
        (a, b), pool = told.people("a", "b"), told.pool()
        said = {"pool": pool, "effective_at": "2026-01", "document": "closing statement"}
        lines = [{"payee": a, "amount_minor": 1_300}, {"payee": b, "amount_minor": -300}]
        with pytest.raises(NotAgreed):
            told.tell("record_opening", lines=lines, **said)
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2020"), a, b)
        with pytest.raises(EarnedInFuture):
            told.tell("record_opening", lines=lines, **said | {"effective_at": "2028"})
        with pytest.raises(BadAmount):
            told.tell("record_opening", lines=[{"payee": a, "amount_minor": 0}], **said)
        opened = told.tell("record_opening", lines=lines, **said).id
        told.earn(pool, 1_000)
        assert told.account() == {a: 1_800, b: 200}
        assert told.pay() == {a: 1_800, b: 200}
        told.service.follower.catch_up()
        with told.view() as view:
            whole = pool_statement(view, told.journal, pool, actor="operator")
            (mine,) = statements.statement(view, told.journal, b)["statements"]
            assert shown_document(told, view, opened, b) == "closing statement"
        sums = whole["received_minor"], whole["opening_minor"], whole["divided_minor"]
        assert sums == (1_000, 1_000, 2_000)
        assert [(one["kind"], one["amount_minor"]) for one in mine["lines"]] == [
            *(("opening", -300), ("division", 500)),
            ("payout", -200),
        ]


def test_an_adjustment_needs_an_agreement_and_moves_something(database: str) -> None:
    with bank(database) as told:
        said = {"pool": told.pool(), "reason": "r", "payer": "operator"}
        with pytest.raises(NotAgreed):
            told.tell("record_adjustment", lines=[{"payee": "a", "amount_minor": 1}], **said)
        for lines in ([], [{"payee": "a", "amount_minor": 0}]):
            with pytest.raises(AdjustmentUnbalanced):
                told.tell("record_adjustment", lines=lines, **said)


# -- assignments ---------------------------------------------------------------------------------

HEIRS = {"currency": "USD", "reason": "Ben has died.", "evidence": "certificate 17"}


def test_what_is_held_because_nobody_is_left_goes_to_the_heirs(database: str) -> None:
    with bank(database) as told:
        ana, ben, eve = told.people("Ana", "Ben", "Eve")
        pool, other = told.pool(), told.pool("other")
        for one in (pool, other):
            told.accept(told.agree(one, {ana: "1", ben: "1"}), ana, ben)
            told.earn(one, 1000)
        told.tell("forget_contributor", id=ben, ground="request")
        assert told.pay() == {ana: 1000}
        with pytest.raises(AssignmentTooLarge) as refused:
            told.tell("record_assignment", payee=ben, to=eve, amount_minor=1001, **HEIRS)
        assert refused.value.details == {
            "left": "10.00 USD",
            "left_minor": 1000,
            "held": "nothing",
        }
        told.tell("record_assignment", payee=ben, to=eve, amount_minor=333, **HEIRS)
        assert earned(told) == {ben: 667, eve: 333}
        told.service.follower.catch_up()
        (assigned, *_) = (one.originator_id for one in told.since(0, "entry.assigned"))
        with told.view() as view:
            assert shown_document(told, view, assigned, eve) == "certificate 17"
        told.tell("record_assignment", payee=ben, to="Foundation", pool=pool, **HEIRS)
        told.tell("record_assignment", payee=ben, to=eve, **HEIRS)
        assert told.pay() == {eve: 667, "Foundation": 333}
        with pytest.raises(AssignmentTooLarge):
            told.tell("record_assignment", payee=ben, to=eve, **HEIRS)
        with pytest.raises(ContributorForgotten):
            told.tell("record_assignment", payee=ana, to=ben, **HEIRS)


def test_what_is_held_for_another_reason_is_not_assigned_and_debts_are(database: str) -> None:
    with bank(database) as told:
        ana, ben, eve = told.people("Ana", "Ben", "Eve")
        pool, other = told.pool(), told.pool("other")
        told.accept(told.agree(pool, {ben: "1"}), ben)
        sold = told.earn(pool, 300)
        assert told.pay() == {ben: 300}
        told.reverse(sold, 100)
        waits = told.agree(other, {ben: "1", ana: "1"})
        told.earn(other, 500)
        with pytest.raises(AssignmentTooLarge) as refused:
            told.tell("record_assignment", payee=ben, to=eve, **HEIRS)
        held = "2.50 USD (unaccepted)"
        assert refused.value.details == {"left": "0.00 USD", "left_minor": 0, "held": held}
        told.accept(waits, ben)
        told.tell("record_assignment", payee=ben, to=eve, **HEIRS)
        assert earned(told) == {ana: 250, eve: 150}


def test_the_reference_of_a_transfer_outlives_the_payee_in_earlier_facts_too(database: str) -> None:
    """Version 0.1 sealed it as a text of the payee."""
    with bank(database) as told:
        (ben,) = told.people("Ben")
        told.accept(told.agree(pool := told.pool(), {ben: "1"}), ben)
        told.earn(pool, 100)
        told.pay()
        payout = told.payouts()[ben]
        told.tell("settle_payout", id=payout, reference="SEPA 17")
        sql = "UPDATE vault SET owner = :ben WHERE name = 'reference'"
        with told.journal.engine.transaction() as transaction:
            transaction.execute(sql, ben=ben)
        told.tell("forget_contributor", id=ben, ground="request")
        (settled,) = told.since(0, "payout.settled")
        texts = told.journal.facts.texts([settled.reference])
        assert texts == {settled.reference: "SEPA 17"}
