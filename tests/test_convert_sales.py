"""A shop's file of sales: summed by kind, exactly, and rounded once."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from commanding import Stemma
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from money import AGREED, Bank, bank
from test_money_sold import RULES, shared

from projections.placing import Destination, places
from projections.shops import NotConvertible, place_of
from projections.shops.placed import Number
from projections.shops.sales import MOST_KINDS, convert_sales
from scripts.bundle import Ids, found_in, import_lines

HEAD = "Pool;Store;Sales Period;Statement;Country;Channel;Format;Quantity;Net Revenue;Title\n"


def table(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "july.csv"
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def imported(told: Bank, path: Path) -> Any:
    return import_lines(told.journal, found_in(path, "sales"))


def test_a_file_of_sales_is_one_revenue_rounded_once(database: str, tmp_path: Path) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        small = f"{pool};Shop;2026-07;s1;DE;stream;;1;0.01093420044805;Low Tide"
        path = table(tmp_path, *[small] * 300, f"{pool};Shop;2026-07;s1;US;stream;;2;1.00;x")
        told.clock.wait(days=300)
        report = imported(told, path)
        assert report.refused == []
        assert told.account() == {"label": 230, a: 99, b: 99}
        (revenue,) = told.since(0, "revenue.recorded")
        assert (revenue.amount_minor, len(revenue.sold)) == (428, 2)
        assert revenue.sold[0][1:] == ["DE", "stream", None, "300", "656052026883/2000000000"]
        head = told.head()
        assert imported(told, path).refused == []
        assert told.head() == head


def test_nothing_of_a_file_is_lost_silently(database: str, tmp_path: Path) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        told.clock.wait(days=300)
        path = table(
            tmp_path,
            f"{pool};Shop;2026-07;;US;stream;;1;2.00;x",
            f"{pool};Shop;2026-07;;US;stream;;-1;-1.00;returned",
            f"{pool};Shop;2026-07;;US;stream;;1;1,000;a comma",
            f"{pool};Shop;2026-07;;AT;stream;;-2;-0.60;more came back than was sold",
        )
        report = imported(told, path)
        assert [each.code for each in report.refused] == ["bad_sold"]
        assert told.account() == {a: 20, b: 20}
        assert [each.amount_minor for each in told.since(0, "revenue.recorded")] == [100, -60]


def test_what_was_given_for_nothing_is_recorded_with_what_was_sold(tmp_path: Path) -> None:
    """As a revenue of its own it would be refused: none is of nothing."""
    row = "p;Shop;2026-07;s1;{};stream;;{};x"
    rows = (row.format(*each) for each in (("DE", "9;0"), ("US", "2;3.00"), ("AT", "-1;-1.00")))
    sold, back = convert_sales(table(tmp_path, *rows))
    assert [(one["territory"], one["units"]) for one in sold["sold"]] == [("DE", 9), ("US", 2)]
    assert [(one["territory"], one["units"]) for one in back["sold"]] == [("AT", -1)]


def test_a_table_needs_its_columns_once(tmp_path: Path) -> None:
    with pytest.raises(NotConvertible, match="called pool or isrc or upc; source or shop"):
        list(convert_sales(table(tmp_path, head="Period\tAmount\n")))
    with pytest.raises(NotConvertible, match="both say the territory"):
        list(convert_sales(table(tmp_path, head="Pool,Shop,Period,Amount,Country,Territory\n")))


@given(data=st.data(), rows=st.integers(1, 3 * MOST_KINDS))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_is_the_same_sales_however_its_rows_are_sorted(
    tmp_path: Path, data: st.DataObject, rows: int
) -> None:
    """An accountant sorts it by country and uploads it again: nothing is booked twice."""
    random = data.draw(st.randoms(use_true_random=False))
    written = [
        f"p;Shop;2026-07;;C{random.randrange(rows)};stream;;{number};{random.randint(-9, 99)}.05;x"
        for number in range(rows)
    ]
    sold = list(convert_sales(table(tmp_path, *written)))
    random.shuffle(written)
    assert list(convert_sales(table(tmp_path, *written))) == sold


def test_kinds_with_long_names_are_as_many_revenues_as_they_need(
    database: str, tmp_path: Path
) -> None:
    """In one, they were refused as too large for a fact, and no table could be imported."""
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=60)
        for name, parts in (("定額配信" * 10, 2), ("stream", 1)):
            rows = [
                f"{pool};{name[0]};2026-07;;US;{name}{number};{name};1;0.01;x"
                for number in range(MOST_KINDS)
            ]
            head, path = told.head(), table(tmp_path, *rows)
            assert not imported(told, path).refused
            booked = told.since(head, "revenue.recorded")
            assert [each.amount_minor for each in booked] == [MOST_KINDS // parts] * parts
            head = told.head()
            assert not imported(told, path).refused
            assert told.head() == head


def test_a_long_table_is_recorded_part_by_part(database: str, tmp_path: Path) -> None:
    """As one append it was decided again while others booked, until it was refused as busy."""
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=60)
        kinds = range(3 * MOST_KINDS)
        rows = [f"{pool};Shop;2026-07;;US;stream {kind};;1;0.01;x" for kind in kinds]
        heads: list[int] = []
        import_lines(
            told.journal,
            found_in(table(tmp_path, *rows), "sales"),
            batch=2 * MOST_KINDS,
            progress=lambda _: heads.append(told.head()),
        )
        parts = [told.since(head, "revenue.recorded") for head in heads]
        assert [len(rest) for rest in parts] == [1, 0]


def test_amounts_are_read_as_spreadsheets_write_them(database: str, tmp_path: Path) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=60)
        amounts = ["412,00", "1.234,50", "1,234.50", "1'234.5", "0,005", "1E-3", "(82,00)"]
        refused = ["NaN", "Infinity", "1E+999999999", "1_000", "1,234", "$5.00", "١٢"]
        rows = [f"{pool};Shop;2026-07;;US;;;1;{amount};x" for amount in amounts + refused]
        report = imported(told, table(tmp_path, *rows, ";;;;;;;;;"))
        assert [each.line["sold"][0]["amount"] for each in report.refused] == refused
        # 412 + 3 × 1234.50 + 0.005 + 0.001 − 82
        assert [one.amount_minor for one in told.since(0, "revenue.recorded")] == [403_351]


def test_a_point_before_three_digits_is_not_guessed_beside_commas(tmp_path: Path) -> None:
    row = "p;Shop;2026-07;;US;;;1;{};x"
    with pytest.raises(NotConvertible, match=r"“1\.234” may be in thousands, since “3,40”"):
        list(convert_sales(table(tmp_path, row.format("1.234"), row.format("3,40"))))
    (line,) = convert_sales(table(tmp_path, row.format("1.234"), row.format("0.766")))
    assert [each["amount"] for each in line["sold"]] == ["2.000"]


@pytest.mark.parametrize("beside", ["980", "1.234.567", "1,234"])
def test_a_point_before_three_digits_is_not_guessed_if_no_other_point_is_a_decimal_one(
    tmp_path: Path, beside: str
) -> None:
    """A thousand yen, say, of a shop that marks thousands with points."""
    row = "p;Shop;2026-07;;JP;;;1;{};x"
    said = r"“1\.000” may be in thousands or have three decimals: write 1000 or 1\.0000"
    with pytest.raises(NotConvertible, match=said):
        list(convert_sales(table(tmp_path, row.format("1.000"), row.format(beside))))
    for written, whole in (("1000", "1980"), ("1.0000", "981.0000")):
        (line,) = convert_sales(table(tmp_path, row.format(written), row.format("980")))
        assert [each["amount"] for each in line["sold"]] == [whole]


def test_a_row_that_sums_others_or_does_not_fit_is_no_sale(tmp_path: Path) -> None:
    given = {"pool": "p", "source": "Shop", "effective_at": "2026-07"}
    head = "Country,Quantity,Net Revenue\n"
    rows = ["DE,1,1.00", "AT,1,2.00", "Subtotal,2,3.00", "US,1,3.00", ",1,3.00", "Total,3,6.00"]
    sold, *others = convert_sales(table(tmp_path, *rows, head=head), given=given)
    assert [each["amount"] for each in sold["sold"]] == ["2.00", "1.00", "3.00"]
    assert [getattr(one, "reason", "") for one in others] == [
        "it is the sum of rows above it (6 sold for 12.00)"
    ]
    for rounded in ("Total,30,1.52", "Total,30,1.51", ",30,2"):
        rows = ["DE,10,0.0123", "US,20,1.50321", rounded]
        sold, total = convert_sales(table(tmp_path, *rows, head=head), given=given)
        assert [each["amount"] for each in sold["sold"]] == ["0.0123", "1.50321"]
        assert getattr(total, "reason", "").startswith("it is the sum of rows above it")
    for shares in (("0.0123", "1.50321"), ("0.01", "1.51")):
        rows = [f"DE,10,{shares[0]}", f"US,20,{shares[1]}", "Total,30,1.53"]
        others = convert_sales(table(tmp_path, *rows, head=head), given=given)
        assert [len(each["sold"]) for each in others] == [3], "a country called Total, perhaps"
    (beyond,) = convert_sales(table(tmp_path, "DE,1,1,234.50", head=head), given=given)
    assert "more values than the table has columns" in getattr(beyond, "reason", "")


def test_sales_in_another_currency_than_that_of_their_pool_are_refused(
    database: str, tmp_path: Path
) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)
        head = "Pool,Shop,Period,Amount,Currency,Country\n"
        rows = [f"{pool},Shop,2026-07,1000,JPY,JP", f"{pool},Shop,2026-07,10.00,usd,US"]

        def finding(numbers: Collection[Number]) -> Mapping[Number, list[Destination]]:
            with told.view() as view:
                return places(view, numbers)

        path = table(tmp_path, *rows, f"{pool},Shop,2026-07,2.00,,US", head=head)
        report = import_lines(told.journal, found_in(path, "sales", finding))
        (refused,) = report.refused
        assert (refused.where, refused.reason) == (
            "row 2",
            "its pool is in USD, not in JPY (0 sold for 1000 JPY)",
        )
        assert [one.amount_minor for one in told.since(0, "revenue.recorded")] == [1_200]


def test_a_refused_row_is_named_by_its_number_and_what_is_wrong_in_it(
    database: str, tmp_path: Path
) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)
        row = f"{pool};Shop;2026-07;;US;stream;;%s;%s;x"
        rows = [("1,000", "1.00"), ("2.0", "1.00"), ("1.000", "1.00"), ("1", "1,234"), ("1.5", "1")]
        report = imported(told, table(tmp_path, *(row % one for one in rows)))
        assert [(one.where, one.code, one.reason) for one in report.refused] == [
            ("row 4", "bad_line", "“units” must be a whole number"),
            (
                "row 5",
                "bad_sold",
                "amount: “1,234” is not an exact decimal as text, with a point and no other mark, "
                'such as "1234.50".',
            ),
            ("row 6", "bad_line", "“units” must be a whole number"),
        ]
        (revenue,) = told.since(0, "revenue.recorded")
        assert (revenue.amount_minor, revenue.sold[0][4]) == (200, "1002")


def test_a_first_line_may_say_what_separates_the_columns(tmp_path: Path) -> None:
    given = {"source": "Shop", "effective_at": "2026-07"}
    path = table(tmp_path, "p;3,40;x, y", "p;?;z", head="\ufeffsep=;\nPool;Amount;Title, of it\n")
    unread, sold = convert_sales(path, given=given)
    assert [each["amount"] for each in sold["sold"]] == ["3.40"]
    assert [place_of(line, 1) for line in (unread, sold)] == ["row 4", "row 3"]


def test_sales_from_which_returns_were_taken_are_not_recorded_a_second_time(
    database: str, tmp_path: Path
) -> None:
    """Of one statement, what came back is taken from what was sold; nobody has reversed that."""
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)

        def import_again(sold: str, back: str) -> Any:
            row = f"{pool};Shop;2026-07;s1"
            rows = f"{row};US;stream;;1;{sold};x", f"{row};DE;stream;;-1;{back};x"
            return imported(told, table(tmp_path, *rows))

        for _ in range(2):
            report = import_again("3.00", "-5.00")
            assert (report.refused, report.warned) == ([], [])
        for amounts in (("4.00", "-5.00"), ("3.00", "-4.00")):
            (refused,) = import_again(*amounts).refused
            assert refused.code == "id_taken"
            assert "record the difference as revenue of the same date" in refused.reason
        assert [one.amount_minor for one in told.since(0, "revenue.recorded")] == [300, -500]


def test_a_corrected_statement_is_recorded_once_the_first_is_reversed(
    database: str, tmp_path: Path
) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        told.clock.wait(days=300)
        row = f"{pool};Shop;2026-07;s1;US;stream;;1;"
        assert imported(told, table(tmp_path, f"{row}3.00;x")).refused == []
        (revenue,) = told.since(0, "revenue.recorded")
        corrected = table(tmp_path, f"{row}4.00;x")
        (refused,) = imported(told, corrected).refused
        assert refused.code == "id_taken"
        assert f"a different amount, 3.00 USD in all ({revenue.originator_id})" in refused.reason
        told.reverse(revenue.originator_id, 100)
        assert len(imported(told, corrected).refused) == 1
        told.reverse(revenue.originator_id)
        for amount, warned in (("4.00", 0), ("4.00", 0), ("3.00", 1)):
            report = imported(told, table(tmp_path, f"{row}{amount};x"))
            assert report.refused == []
            assert ["reversed since" in one.warning for one in report.warned] == [True] * warned
        assert [one.amount_minor for one in told.since(0, "revenue.recorded")] == [300, 400]
        assert told.account() == {a: 200, b: 200}


def test_the_terminal_warns_of_other_sales_with_the_same_statement(tmp_path: Path) -> None:
    """A corrected statement with further kinds of sale is another revenue: both would be paid."""
    stemma = Stemma(f"sqlite:///{tmp_path / 'stemma.db'}")
    lines = [
        {"type": "contribution", "id": "song", "title": "Song", "medium": "audio"},
        {"type": "release", "id": "album", "title": "Album", "components": [{"work": "song"}]},
        {
            **{"type": "pool", "id": "money", "name": "money", "release": "album", "kind": "song"},
            **{"currency": "USD", "terms": AGREED},
        },
    ]
    assert " 0 refused" in stemma("import", "-", input="\n".join(map(json.dumps, lines)))
    row = f"{Ids('bundle').named('pool', 'money')};Shop;2020-07;{{}};{{}};stream;;1;3.00;x"
    for statement, countries, warned in (
        *(("s1", ["US"], False), ("s1", ["US"], False), ("s1", ["US", "DE"], True)),
        ("s2", ["US", "DE"], False),
    ):
        path = table(tmp_path, *(row.format(statement, country) for country in countries))
        told = " ".join(stemma("import", "--from", "sales", str(path)).split())
        assert ("already recorded in this pool: 3.00 USD" in told) == warned, told
