"""Digital sales reports (DDEX DSR) and tables of numbered works: placed by their numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from money import AGREED, Bank, bank
from stories import id_of

from projections import placing
from projections.shops import NotConvertible
from projections.shops.dsr import convert_dsr
from projections.shops.sales import convert_sales
from scripts.bundle import Report, found_in, import_lines

HEADS = (
    "#HEAD\tMessageVersion\tProfile\tProfileVersion\tMessageId\tMessageCreatedDateTime\tFileNumber"
    "\tNumberofFiles\tUsageStartDate\tUsageEndDate\tSenderPartyId\tSenderName",
    "#SY02\tSummaryRecordId\tCommercialModel\tUseType\tTerritory\tUsages\tCurrency\tNetRevenue",
    "#AS01\tBlockId\tResourceReference\tDspResourceId\tISRC\tTitle",
    "#SU03\tBlockId\tSalesTransactionId\tSummaryRecordId\tDspReleaseId\tUsages\tNetRevenue",
    "#LI01\tBlockId\tSummaryRecordId\tRightsController\tAllocatedNetRevenue\tAllocatedAmount",
    "HEAD\tdsrf/30\tUGCProfile\t1.0\tM1\t2026-07-01\t1\t1\t2026-04-01\t2026-06-30\tP1\tStream Inc",
    "SY02\t1\tSubscriptionModel\tStream\tIS\t9000\tUSD\t90.0",
    "SY02\t2\tPayAsYouGoModel\tDownload\tDE\t9\tUSD\t9.0",
    "SY02\t3\tSubscriptionModel\tStream\tSE\t9\tEUR\t9.0",
)
SONG, OTHER, STRANGE = "USSM19803037", "USUV71101875", "USRH10903879"


def report(folder: Path, *lines: str, heads: Sequence[str] = HEADS, missing: int = 0) -> Path:
    path = folder / "report.tsv"
    every = [*heads, *lines]
    every.append(f"FOOT\t{len(every) + 1 + missing}")
    path.write_text("\n".join(every) + "\n", encoding="utf-8")
    return path


def block(number: int, isrc: str, *sales: str) -> list[str]:
    resource = f"AS01\t{number}\tA{number}\tA{number}\t{isrc}\tA title"
    return [resource, *(f"{sale[:4]}\t{number}\t{sale[5:]}" for sale in sales)]


def album(told: Bank) -> tuple[str, str, str]:
    """A pool of a release that holds two numbered songs, shared in halves."""
    a, b = told.people("a", "b")
    song, other = told.piece("Song"), told.piece("Other")
    for work, isrc in ((song, SONG), (other, OTHER)):
        told.tell("state_identifier", work=work, scheme="isrc", identifier=isrc)
    release = told.release("Album", song, other)
    told.tell("state_identifier", work=release, scheme="upc", identifier="4006381333931")
    pool = told.pool(terms=AGREED, release=release)
    told.accept(told.agree(pool, {a: "1/2", b: "1/2"}), a, b)
    told.clock.wait(days=200)
    return pool, song, other


def imported(told: Bank, path: Path, source: str = "dsr") -> Report:
    def places(numbers: Any) -> Any:
        with told.view() as view:
            return placing.places(view, numbers)

    return import_lines(told.journal, found_in(path, source, places))


def test_a_report_is_one_revenue_of_what_is_owed(database: str, tmp_path: Path) -> None:
    with bank(database) as told:
        pool, song, other = album(told)
        owed = "LI01 1\tPublisher\t99.0\t0.0109342"
        path = report(
            tmp_path,
            *block(
                1,
                SONG,
                "SU03 U1\t1\tR\t4000\t99.0",
                owed,
                "SU03 U2\t2\tR\t3\t9",
                "LI01 2\tP\t9\t1.5",
            ),
            *block(
                2,
                "US-UV7-11-01875",
                "SU03 U3\t1\tR\t20\t1.0",
                "LI01 1\tA\t0\t0.3",
                "LI01 1\tB\t0\t0.2",
            ),
            *block(3, OTHER, "SU03 U4\t1\tR\t7\t50.0"),
        )
        assert imported(told, path).refused == []
        (revenue,) = told.since(0, "revenue.recorded")
        assert (revenue.pool, revenue.amount_minor, revenue.exact) == (pool, 201, "10054671/50000")
        assert revenue.effective_at.startswith("2026-04-01T00")
        assert revenue.sold == sorted(
            [
                [song, "IS", "SubscriptionModel", "Stream", "4000", "54671/50000"],
                [song, "DE", "PayAsYouGoModel", "Download", "3", "150"],
                [other, "IS", "SubscriptionModel", "Stream", "27", "50"],
            ]
        )
        head = told.head()
        assert imported(told, path).refused == []
        assert told.head() == head


def test_what_has_no_certain_place_is_reported_with_its_sums(database: str, tmp_path: Path) -> None:
    with bank(database) as told:
        pool, *_ = album(told)
        told.pool("second", release=id_of("Album"))
        path = report(
            tmp_path,
            *block(1, STRANGE, "SU03 U1\t1\tR\t4\t0", "LI01 1\tP\t0\t0.25"),
            *block(2, STRANGE, "SU03 U1\t1\tR\t6\t0", "LI01 1\tP\t0\t0.50"),
            *block(3, SONG, "SU03 U1\t3\tR\t5\t0", "LI01 3\tP\t0\t2.00"),
            *block(4, SONG, "SU03 U1\t1\tR\t5\t0", "LI01 1\tP\t0\t3.00"),
            *block(5, "", "SU03 U1\t1\tR\t5\t0", "LI01 1\tP\t0\t4.00"),
        )
        reasons = [each.reason for each in imported(told, path).refused]
        assert reasons == [
            f"no pool is for a work with ISRC {STRANGE} (10 sold for 0.75 USD)",
            f"no pool in EUR is for the work with ISRC {SONG} (5 sold for 2.00 EUR)",
            f"it is not certain which sale of ISRC {SONG} this is: pools {pool}, {id_of('second')} "
            "(5 sold for 3.00 USD)",
            "it names no ISRC, ISWC or barcode (5 sold for 4.00 USD)",
        ]
        assert told.since(0, "revenue.recorded") == []


def test_a_report_to_record_companies_is_read_by_its_single_records(
    database: str, tmp_path: Path
) -> None:
    heads = (
        "#SRHE\tMessageId\tUsageStartDate\tUsageEndDate\tSenderName",
        "#SY10\tSummaryRecordId\tCommercialModel\tUseType\tTerritory\tCurrencyOfTransaction"
        "\tCurrencyOfAccounting\tAllocatedRevenueInCurrencyOfAccounting",
        "#SR08\tSalesTransactionId\tReleaseICPN\tResourceISRC\tSummaryRecordId\tNetUsage"
        "\tAllocatedRevenueInCurrencyOfTransaction\tAllocatedRevenueInCurrencyOfAccounting",
        "SRHE\tM2\t2026-05\t2026-05\tShop",
        "SY10\tS1\tPayAsYouGoModel\tDownload\tJP\tJPY\tUSD\t7.77",
        "SR08\tT1\t\tUSSM19803037\tS1\t2\t300\t2.22",
        "SR08\tT2\t4006381333931\t\tS1\t1\t900\t5.55",
    )
    with bank(database) as told:
        pool, song, _ = album(told)
        assert imported(told, report(tmp_path, heads=heads)).refused == []
        (revenue,) = told.since(0, "revenue.recorded")
        assert (revenue.pool, revenue.amount_minor) == (pool, 777)
        assert {line[0] for line in revenue.sold} == {song, None}


def test_where_nothing_says_what_is_owed_the_net_revenue_is(database: str, tmp_path: Path) -> None:
    heads = [head for head in HEADS if not head.startswith("#LI01")]
    with bank(database) as told:
        album(told)
        path = report(
            tmp_path, *block(1, SONG, "SU03 U1\t1\tR\t4\t1.25", "SU03 U2\t1\tR\t1\t2"), heads=heads
        )
        assert imported(told, path).refused == []
        assert [one.amount_minor for one in told.since(0, "revenue.recorded")] == [325]


def test_a_report_that_is_not_whole_is_refused_whole(tmp_path: Path) -> None:
    path = report(tmp_path, missing=1)
    with pytest.raises(NotConvertible, match="it states 11 lines, and has 10"):
        list(convert_dsr(path, lambda _: {}))
    path.write_text("\n".join([*HEADS, *block(1, SONG)]))
    with pytest.raises(NotConvertible, match="it states no lines, and has 10"):
        list(convert_dsr(path, lambda _: {}))
    path = report(tmp_path, "ZZ01\t1", heads=HEADS[:1])
    with pytest.raises(NotConvertible, match="does not name the columns of ZZ01"):
        list(convert_dsr(path, lambda _: {}))


def test_a_folder_without_a_report_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(NotConvertible, match=r"has no file whose name ends in \.tsv"):
        list(convert_dsr(tmp_path))


def test_the_published_samples_are_read(database: str, tmp_path: Path, shared_data: Path) -> None:
    samples = shared_data.parent / "samples" / "dsr"
    whole = samples / "DSR_TEST_YouTube_AdSupport-music_2015-Q4_IS_1of1_20160121T150926.tsv"
    if not whole.exists():
        pytest.skip("no samples of sales reports")
    with bank(database) as told:
        album(told)
        report = imported(told, whole)
        # 125.23 of the first song; nothing is owed of the second, of which 1.15 was taken.
        assert [one.amount_minor for one in told.since(0, "revenue.recorded")] == [12_523]
        assert [each.reason for each in report.refused] == [
            "no pool is for a work with ISRC USRH10903879, ISWC T0702472794 "
            "(355 sold for 73.65 USD)"
        ]
        short = whole.with_name(whole.name.replace("TEST", "TEST2"))
        with pytest.raises(NotConvertible, match="it states 35 lines, and has 34"):
            imported(told, short)


def test_a_table_of_sales_may_name_works_by_their_numbers(database: str, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(
        "Store,Reporting Month,Country of Sale,ISRC,UPC,Quantity,Earnings,Currency\n"
        f"Shop,2026-05,DE,{SONG},4006381333931,2,1.005,usd\n"
        "Shop,2026-05,DE,,4006381333931,1,2.005,USD\n"
        f"Shop,2026-05,DE,{STRANGE},4006381333931,1,4.00,USD\n"
    )
    with bank(database) as told:
        pool, song, _ = album(told)
        assert imported(told, path, "sales").refused == []
        (revenue,) = told.since(0, "revenue.recorded")
        assert (revenue.pool, revenue.amount_minor) == (pool, 701)
        assert {line[0] for line in revenue.sold} == {song, None}
    with pytest.raises(NotConvertible, match="use “stemma import”"):
        list(convert_sales(path))


def test_a_sale_without_its_pool_is_refused_by_what_it_names_otherwise(
    database: str, tmp_path: Path
) -> None:
    path = tmp_path / "sales.csv"
    with bank(database) as told:
        album(told)
        for head, row, why in (
            ("Pool", "", "it names no pool"),
            ("Pool,ISRC", ",", "it names no pool"),
            ("Pool,ISRC", f",{STRANGE}", f"no pool is for a work with ISRC {STRANGE}"),
            ("ISRC", "", "it names no ISRC, ISWC or barcode"),
        ):
            path.write_text(f"Store,Month,Earnings,{head}\nShop,2026-05,1.00,{row}\n")
            (refused,) = imported(told, path, "sales").refused
            assert refused.reason == f"{why} (0 sold for 1.00)"
