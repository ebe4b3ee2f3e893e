"""Booking: the same document twice, the same line in two files, expenses that are taken back."""

from collections.abc import Iterator
from typing import Any

import pytest
from money import Bank, Clock, bank
from serving import Served, serving
from stories import id_of

from domain.money.dividing import RecordRevenue
from scripts.bundle import Found, Report, import_lines


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, clock=Clock()) as service:
        yield service


def test_the_same_document_and_amount_is_recorded_with_a_warning_that_names_the_first(
    database: str,
) -> None:
    with bank(database) as told:
        pool, other = told.pool(), told.pool("other")
        for command, more in (
            ("record_revenue", {"source": "shop"}),
            ("record_expense", {"category": "printing", "payer": "house"}),
        ):
            more |= {"pool": pool, "amount_minor": 41_200, "effective_at": "2026-05"}
            first = told.tell(command, document="invoice 77", **more)
            assert first.warnings == ()
            again = told.tell(command, document="invoice 77", id=id_of(command), **more)
            assert [one.code for one in again.warnings] == ["document_repeated"]
            assert first.id in again.warnings[0].detail
            assert (
                told.tell(command, document="invoice 77", id=id_of(command), **more).id == again.id
            )
            for changed in ({"amount_minor": 41_201}, {"document": "invoice 78"}, {"pool": other}):
                said = {"document": "invoice 77"} | more | changed
                assert told.tell(command, **said).warnings == (), changed
            del more["amount_minor"]
            assert told.tell(command, amount_minor=1, **more).warnings == ()
            assert told.tell(command, amount_minor=1, **more).warnings == ()  # no document


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
            "detail": f"The same document and amount were recorded before: {first.id}.",
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
    found = (Found(f"line {number}", line) for number, line in enumerate(lines, start=1))
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
