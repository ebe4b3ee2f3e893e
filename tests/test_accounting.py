"""What the accountant's pages rest on: statements rehearsed, batches previewed, lists that add up.

Rule: what a preview says is compared with what is then recorded.
"""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from money import Bank, bank
from stories import OPERATOR
from test_money_sold import RULES, shared

from api.problems import Problem
from api.web import statements
from api.web.amounts import exact
from api.web.statements import LARGEST_FILE_BYTES, MOST_LINES, Outcome, ShopFile
from domain.refusal import BadAmount, NothingToPay
from projections.money import bookkeeping, payouts, previewing
from projections.question import Asking
from projections.registry import QUESTIONS
from scripts.bundle import found_in, import_lines

HEAD = "Pool;Store;Sales Period;Statement;Country;Channel;Net Revenue\n"


def statement(*rows: str, head: str = HEAD, **given: str) -> ShopFile:
    return ShopFile((head + "\n".join(rows)).encode(), "sales", given)


def rehearsed(told: Bank, said: ShopFile, by: str = OPERATOR) -> list[Outcome]:
    with told.view() as view:
        return statements.rehearsed(told.journal, statements.lines_of(view, said), by)[0]


def recorded(told: Bank, said: ShopFile, by: str = OPERATOR) -> list[Outcome]:
    with told.view() as view:
        lines = statements.lines_of(view, said)
    as_rehearsed = statements.rehearsed(told.journal, lines, by)
    return statements.recorded(told.journal, lines, by, as_rehearsed)[0]


def outcomes(found: list[Outcome]) -> list[tuple[str, int | None, str]]:
    return [(one.state, one.amount_minor, one.code) for one in found]


# -- statements ------------------------------------------------------------------------------


def test_what_a_rehearsal_says_is_what_is_recorded_and_nothing_before(database: str) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)
        said = statement(
            f"{pool};Shop;2026-07;s1;US;stream;1.005",
            f"{pool};Shop;2026-07;s1;DE;stream;2.00",
            f"{pool};Shop;2026-07;;US;stream;1,000",
            f"{pool};Shop;2099-01;;US;stream;4.00",
            "nowhere;Shop;2026-07;;US;stream;4.00",
        )
        head, before = told.head(), rehearsed(told, said)
        assert told.head() == head
        assert sorted(outcomes(before), key=str) == [
            ("new", 301, ""),
            ("refused", None, "bad_sold"),
            ("refused", None, "earned_in_future"),
            ("refused", None, "unknown_pool"),
        ]
        assert outcomes(recorded(told, said)) == outcomes(before)
        assert sum(told.account().values()) == 301
        assert [one[:2] for one in statements.sums(before)] == [(pool, "USD")]
        again = rehearsed(told, said)
        assert [one.state for one in again].count("known") == 1
        assert outcomes(recorded(told, said)) == outcomes(again)
        assert sum(told.account().values()) == 301


def test_a_statement_is_one_whoever_brings_it_and_another_amount_is_refused(
    database: str, tmp_path: Path
) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        (kim,) = told.people("kim")
        told.tell("grant_role", id=kim, role="accountant")
        told.clock.wait(days=300)
        row = f"{pool};Shop;2026-07;s1;US;stream;"
        path = tmp_path / "july.csv"
        path.write_text(HEAD + row + "3.00\n")
        import_lines(told.journal, found_in(path, "sales"))
        head = told.head()
        assert outcomes(recorded(told, statement(row + "3.00"), kim)) == [("known", 300, "")]
        path.write_text(HEAD + row.replace("s1", "s2") + "3.00\n")
        assert outcomes(recorded(told, statement(row.replace("s1", "s2") + "3.00"), kim)) == [
            ("new", 300, "")
        ]
        head = told.head()
        found = import_lines(told.journal, found_in(path, "sales"))
        assert (found.unchanged, found.refused) == ({"revenue": 1}, []), "uploaded before"
        (changed,) = recorded(told, statement(row + "4.00"), kim)
        assert (changed.state, changed.code) == ("refused", "id_taken")
        assert "a different amount" in changed.reason
        assert told.head() == head
        (repeated,) = recorded(told, statement(f"{pool};Shop;2026-06;s1;US;stream;3.00"), kim)
        assert [each.partition(":")[0] for each in repeated.warnings] == [
            "The same document and amount are already recorded"
        ]


def test_a_rehearsal_warns_of_other_sales_with_the_same_statement(database: str) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)
        row = f"{pool};Shop;2026-07;s1;US;stream;3.00"
        recorded(told, statement(row))
        (first,) = told.since(0, "revenue.recorded")
        other = f"{pool};Shop;2026-07;s2;US;stream;3.50"
        more = statement(row, row.replace("US", "DE"), other)

        def warnings(said: ShopFile) -> list[list[str]]:
            found = rehearsed(told, said)
            with told.view() as view:
                statements.warn_of_others(view, found)
            return [[one for one in each.warnings if "Other sales" in one] for each in found]

        assert warnings(statement(row, other)) == [[], []]
        (warned,), nothing = warnings(more)
        assert nothing == []
        assert f"in this pool: 3.00 USD ({first.originator_id})" in warned
        told.reverse(first.originator_id, 100)
        (warned,), nothing = warnings(more)
        assert f"in this pool: 2.00 USD ({first.originator_id})" in warned
        told.reverse(first.originator_id)
        assert warnings(more) == [[], []]
        sold, back = (f"{pool};Shop;2026-06;s3;{each}" for each in ("US;stream;2.00", "DE;;-2.00"))
        recorded(told, statement(sold, back))
        more = statement(sold, sold.replace("US", "FR"), back)
        assert [len(each) for each in warnings(more)] == [1, 1]


def test_a_rehearsal_warns_that_a_refund_is_not_in_the_statement_that_replaces_the_first(
    database: str,
) -> None:
    """Also if the corrected statement has other kinds of sales, until it is reversed again."""
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)
        row = f"{pool};Shop;2026-07;s1;US;stream;9.00"
        recorded(told, statement(row))
        (first,) = told.since(0, "revenue.recorded")

        def warnings(*rows: str) -> list[str]:
            found = rehearsed(told, statement(*rows))
            with told.view() as view:
                statements.warn_of_others(view, found)
            return [one for each in found for one in each.warnings if "replaces, a part" in one]

        told.reverse(first.originator_id, 150, reason="refund")
        corrected = row.replace("9.00", "8.00")
        assert warnings(row) == []
        told.reverse(first.originator_id, reason="a corrected statement came")
        for new in (corrected, corrected.replace("US", "DE")):
            (warned,) = warnings(new)
            assert f"before the rest: 1.50 USD of {first.originator_id}" in warned
        assert warnings(corrected.replace("s1", "s2")) == []
        recorded(told, statement(corrected))
        assert len(warnings(corrected)) == 1
        told.reverse(told.since(0, "revenue.recorded")[-1].originator_id, 150, reason="refund")
        assert warnings(corrected) == []
        assert sum(told.account().values()) == 650


def test_a_rehearsal_warns_of_what_came_back_from_revenue_that_was_reversed(database: str) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)
        sold, back = (f"{pool};Shop;2026-07;s1;{each}" for each in ("US;stream;9.00", "DE;;-2.00"))
        recorded(told, statement(sold, back))
        first, _ = told.since(0, "revenue.recorded")

        def warnings(*rows: str) -> list[list[bool]]:
            found = rehearsed(told, statement(*rows))
            with told.view() as view:
                statements.warn_of_others(view, found)
            return [["taken from revenue" in one for one in each.warnings] for each in found]

        def others(*rows: str) -> list[str]:
            found = rehearsed(told, statement(*rows))
            with told.view() as view:
                statements.warn_of_others(view, found)
            return [one for each in found for one in each.warnings]

        corrected = sold.replace("9.00", "8.00")
        assert "in this pool: 7.00 USD" in others(corrected.replace("US", "FR"))[0]
        assert warnings(sold, back) == [[], []]
        told.reverse(first.originator_id)
        assert warnings(corrected, back) == [[], [True]]
        recorded(told, statement(corrected, back))
        told.earn(pool, -200, "2026-07")
        assert sum(told.account().values()) == 600


def test_what_a_file_does_not_say_can_be_said_beside_it(database: str) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.clock.wait(days=300)
        said = {"source": "Shop", "effective_at": "2026-07"}
        bare = statement("1.50", head="Amount\n", pool=pool, **said)
        assert outcomes(recorded(told, bare)) == [("new", 150, "")]
        with pytest.raises(Problem, match="no column called pool"):
            rehearsed(told, statement("1.50", head="Amount\n", **said))


@pytest.mark.parametrize(
    "file, why",
    [
        (b"", "no column"),
        (HEAD.encode(), "no sale"),
        (b"Pool;Store;Period;Amount\n\xe4;x;2026;1\n", "UTF-8"),
        (b"Pool;Store;Period;Amount\np;" + b"x" * 140_000 + b";2026;1\n", "not a table"),
        (
            HEAD.encode() + b"".join(b"p;S%d;2026;;;;1\n" % n for n in range(MOST_LINES + 1)),
            "more than 500",
        ),
        (b"Amount;Shop\n1;x\n", "or month or sales period or reporting month. What is the same"),
        (b"HEAD\tdsrf/30\tUGCProfile\n", "It looks like a digital sales report: choose that"),
    ],
    ids=["empty", "only-a-head", "latin-1", "a-long-cell", "too-many", "no-period", "dsr"],
)
def test_what_is_no_statement_is_refused_with_its_reason(
    tmp_path: Path, file: bytes, why: str
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with bank(database) as told, told.view() as view, pytest.raises(Problem) as refused:
        statements.lines_of(view, ShopFile(file, "sales", {}))
    assert why in str(refused.value.description)


def test_a_file_is_kept_whole_and_never_grows_beyond_its_limit() -> None:
    said = statement("1.50", head="Amount\n")
    assert statements.unpacked(said.kept) == said.file
    bomb = ShopFile(bytes(50 * LARGEST_FILE_BYTES), "sales", {}).kept
    for kept in (bomb, "no base64", "AAAA"):
        with pytest.raises(Problem):
            statements.unpacked(kept)


# -- batches ---------------------------------------------------------------------------------


def preview(told: Bank, minimum_minor: int = 1, **said: Any) -> Any:
    with told.view() as view:
        return previewing.previewed(view, told.journal, "USD", minimum_minor, said.get("outcome"))


def test_a_preview_of_a_batch_is_the_batch_and_says_why_others_are_not_paid(
    database: str,
) -> None:
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "5", b: "4", c: "1"}), a, c)
        told.earn(pool, 10_000)
        before = told.head()
        said = preview(told, 2_000)
        by_outcome = {one["outcome"]: one for one in said["items"]}
        assert list(by_outcome) == ["paid", "below_minimum", "held"]
        assert (by_outcome["paid"]["payee"]["name"], said["total_minor"]) == ("a", 5_000)
        assert by_outcome["below_minimum"]["amount_minor"] == 1_000
        assert by_outcome["held"]["held_minor"] == said["held_minor"] == 4_000
        assert by_outcome["held"]["held_because"] == ["unaccepted"]
        assert [line["payee"]["name"] for line in preview(told, outcome="held")["items"]] == ["b"]
        assert told.head() == before
        assert told.pay(minimum_minor=2_000) == {a: 5_000}
        after = preview(told, 2_000)
        assert (after["payouts"], after["total_minor"], after["held_minor"]) == (0, 0, 4_000)
        question = QUESTIONS["preview_payouts"]
        with told.view() as view:
            asked = Asking(question, view, told.journal, {"currency": "USD", "minimum_minor": 2000})
            with pytest.raises(NothingToPay):
                assert asked.answer


def test_whose_money_is_all_held_back_is_in_no_preview(database: str) -> None:
    """A minor stood there as held, with 0.00 and without a reason."""
    with bank(database) as told:
        minor, other = told.people("minor", "other")
        pool = told.pool()
        told.accept(told.agree(pool, {minor: "1/4", other: "3/4"}), minor, other)
        rule = {"rate": "1", "payee": minor, "effective_at": "2026-01"}
        told.tell("state_reserve", pool=pool, **rule)
        told.earn(pool, 1_000)
        told.reverse(told.earn(pool, 1_000))
        (line,) = preview(told)["items"]
        assert (line["payee"]["id"], line["amount_minor"]) == (other, 750)
        told.pay()
        assert preview(told)["items"] == []


def test_a_preview_has_the_largest_first_of_each_outcome_sums_and_pages() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b, c, d, e, f, g = told.people(*"abcdefg")
        pools = [told.pool(name) for name in ("one", "two", "three")]
        for pool, payee, back in zip(pools, (e, f), (40, 60), strict=False):
            told.accept(told.agree(pool, {payee: "1"}), payee)
            revenue = told.earn(pool, 100)
            told.pay(payees=[payee])
            told.reverse(revenue, back)
        shares = {a: "30", b: "50", c: "5", d: "10", g: "5"}
        told.accept(told.agree(pools[2], shares), a, b, g)
        told.tell("choose_payment_currency", payee=b, currency="EUR")  # without a rate to it
        told.earn(pools[2], 1_000)

        with told.view() as view:
            asked = view, told.journal, "USD", 60, None
            first = previewing.previewed(*asked, limit=4)
            rest = previewing.previewed(*asked, after=first["next"], limit=3)
        assert rest["next"] is None
        lines = [*first["items"], *rest["items"]]
        assert [(each["payee"]["name"], each["amount_minor"]) for each in lines] == [
            *(("b", 500), ("a", 300), ("g", 50), ("d", 0), ("c", 0), ("f", -60), ("e", -40)),
        ]
        assert first["sent"] == [{"currency": "USD", "count": 2, "amount_minor": 800}]
        assert [(each["outcome"], each["amount_minor"]) for each in first["sums"]] == [
            ("paid", 800),
            ("below_minimum", 50),
            ("held", 150),
            ("overpaid", -100),
        ]


def test_who_was_merged_stands_under_who_they_are_in_every_list(database: str) -> None:
    """An account that was merged, a name that turned out to be somebody, a work that was claimed,
    and one that was joined into another."""
    with bank(database) as told:
        a, old, b, older = told.people("a", "old", "b", "older")
        pool, other = told.pool(), told.pool("other", currency="JPY")
        sources = [told.piece(f"sample {n}") for n in (1, 2, 3)]
        shares = {a: "1/10", old: "2/10", b: "1/10", "label": "1/10", older: "1/10"}
        shares |= {f"work/{each}": "1/10" for each in sources} | {"house": "1/10"}
        told.accept(told.agree(pool, shares), a, old, b, older)
        told.accept(told.agree(other, {old: "1"}), old)
        told.earn(pool, 1_000)
        told.earn(other, 700)

        def listed(**said: Any) -> list[tuple[str | None, str, int]]:
            found: list[Any] = []
            while True:
                with told.view() as view:
                    after = found[-1].next if found else None
                    page = bookkeeping.all_balances(
                        view, told.journal, actor=OPERATOR, limit=2, after=after, **said
                    )
                found.append(page)
                if page.next is None:
                    break
            lines = [line for page in found for line in page.items]
            for line in lines:
                known = ("owed", "payable", "held", "debt")
                owed, payable, held, debt = (line[f"{name}_minor"] for name in known)
                assert owed == payable + held - debt
            return [(line["payee"]["name"], line["currency"], line["owed_minor"]) for line in lines]

        apart = listed()
        assert ("old", "USD", 200) in apart
        assert len(apart) == 10
        told.tell("merge_contributor", id=older, into=old)
        told.tell("merge_contributor", id=old, into=a)
        told.tell("identify_payee", name="label", contributor=old, reason="r")
        credit = told.tell("claim_work", id=sources[0], contributor=b, role="singer", actor=b).id
        told.tell("accept_credit", id=credit)
        told.tell("join_works", work=sources[2], into=sources[1], reason="the same")
        yens, *rest = listed()
        assert yens == ("a", "JPY", 700)
        assert rest[0] == ("a", "USD", 500)
        assert sorted(rest, key=str) == [
            *(("a", "USD", 500), ("b", "USD", 200), ("house", "USD", 100)),
            ("sample 2", "USD", 200),
        ]
        for each in (a, old, older, "label"):
            assert listed(payee=each) == [yens, rest[0]]
        assert listed(payee=old, currency="USD", pool=pool) == [rest[0]]
        with told.view() as view:
            (line,) = previewing.previewed(view, told.journal, "JPY", 1)["items"]
            assert line["payee"]["name"] == "a"
        told.pay("JPY")
        assert listed(currency="JPY") == [("a", "JPY", 0)]
        (batch,) = {one.batch for one in told.since(0, "payout.issued")}
        with told.view() as view:
            (paid,) = payouts.payouts_of(view, told.journal, actor=OPERATOR, payee=old).items
            assert payouts.largest(view, batch, limit=1).items == [paid]
        assert (paid["payee"]["name"], paid["amount_minor"]) == ("a", 700)


def test_the_trial_balance_as_csv_has_whole_amounts_which_every_spreadsheet_reads(
    database: str,
) -> None:
    """Where decimals have a comma, it takes 3.752 for thousands."""
    with bank(database) as told:
        told.earn(told.pool(currency="KWD"), 3_752)
        with told.view() as view:
            asking = Asking(QUESTIONS["show_trial_balance"], view, told.journal, {})
            rows = csv.DictReader(StringIO(str(bookkeeping.FORMS["csv"].write(asking))))
            amounts = {row["account"]: (row["amount"], row["amount_minor"]) for row in rows}
    assert amounts["waiting"] == ("3.752", "3752")


def test_balances_and_bookings_are_the_trial_balance_the_largest_first(database: str) -> None:
    with bank(database) as told:
        a, b = told.people("a", "b")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1/4", b: "3/4"}), a, b)
        first, second = told.earn(pool, 1_000), told.earn(pool, 3_000, "2026-06")
        told.reverse(first, 400)
        told.pay(payees=[a])
        other = told.pool("another")
        with told.view() as view:
            given = {"view": view, "journal": told.journal, "actor": OPERATOR}
            trial = bookkeeping.trial_balance(**given)
            owed = bookkeeping.all_balances(**given).items
            page = bookkeeping.bookings(**given, limit=1)
            rest = bookkeeping.bookings(**given, limit=1, after=page.next).items
            june = bookkeeping.bookings(**given, from_="2026-06", to="2026-07").items
            of_pools = [
                bookkeeping.all_balances(**given, pool=each).items for each in (pool, other)
            ]
        told.earn(pool, 5_000)  # would push the first to the next page, were pages counted
        with told.view() as view:
            given["view"] = view
            assert bookkeeping.bookings(**given, limit=1, after=page.next).items == rest
            pools = bookkeeping.pools_by_size(view, limit=1)
            (empty,) = bookkeeping.pools_by_size(view, limit=1, after=pools.next).items
            most = bookkeeping.all_balances(**given, limit=1)
            (least,) = bookkeeping.all_balances(**given, limit=1, after=most.next).items
        assert [one["id"] for one in (*pools.items, empty)] == [pool, other]
        assert [one["payee"]["name"] for one in (*most.items, least)] == ["b", "a"]
        assert of_pools == [owed, []]
        assert [one["amount_minor"] for one in trial["sums"]] == [0]
        accounts = {one["account"]: one["amount_minor"] for one in trial["lines"]}
        assert sum(one["owed_minor"] for one in owed) == accounts["owed"]
        assert sum(one["in_transit_minor"] for one in owed) == accounts["in_transit"]
        assert [one["payee"]["name"] for one in owed] == ["b", "a"]
        assert [one["id"] for one in (*page.items, *rest)] == [second, first]
        assert [(one["reversed_minor"], one["name"]) for one in rest] == [(400, "shop")]
        assert [one["id"] for one in june] == [second]


def test_pools_are_listed_the_largest_first() -> None:
    with bank("sqlite:///:memory:") as told:
        a = told.person("a")
        for currency, units in (("USD", 100), ("EUR", 300), ("JPY", 200)):
            pool = told.pool(currency, currency=currency)
            told.agree(pool, {a: "1"})
            told.earn(pool, units)
        with told.view() as view:
            every = bookkeeping.pools_by_size(view, limit=9).items
            dollars = bookkeeping.pools_by_size(view, limit=9, currency="USD").items
    largest = [(one["name"], one["received_minor"]) for one in every]
    assert largest == [("EUR", 300), ("JPY", 200), ("USD", 100)]
    assert [one["name"] for one in dollars] == ["USD"]


# -- amounts as people type them -------------------------------------------------------------


@pytest.mark.parametrize(
    "typed, currency, units",
    [
        ("412", "EUR", 41_200),
        ("412.0", "EUR", 41_200),
        ("412,05", "EUR", 41_205),
        ("1,234.50", "EUR", 123_450),
        ("1.234,50", "EUR", 123_450),
        ("1.234.567", "JPY", 1_234_567),
        ("1,234", "JPY", 1_234),
        ("1'234.50", "EUR", 123_450),
        ("(1 234,5)", "EUR", -123_450),
        ("3.10-", "EUR", -310),
        ("0,123", "KWD", 123),
        ("1 234.50 EUR", "EUR", 123_450),
        ("-3.1", "EUR", -310),
        ("7", "JPY", 7),
        ("1.234", "KWD", 1_234),
        ("1.5", "HOPE.3", 1_500),
    ],
)
def test_an_amount_is_read_as_it_is_typed(typed: str, currency: str, units: int) -> None:
    assert exact(typed, currency) == units


@pytest.mark.parametrize(
    "typed, currency",
    [("1.234", "EUR"), ("1,234", "KWD"), ("1,234", "EUR"), ("7.5", "JPY"), ("1.2.3", "EUR"),
     ("12,34.50", "EUR"), ("1,234.567,8", "EUR"), ("(5", "EUR"), ("--5", "EUR"), ("", "EUR"),
     ("4 USD", "EUR"), ("١٢", "EUR")],
)  # fmt: skip
def test_an_amount_that_could_be_another_is_refused(typed: str, currency: str) -> None:
    with pytest.raises(BadAmount):
        exact(typed, currency)
