"""What an accountant found on a walk through the books, on the command line."""

import pytest
from money import AGREED, Bank, asset, bank

from domain.pedigree import SHOWN_OF_END
from projections.money import bookkeeping, pools, statements
from projections.wording import booked


def statement_of(told: Bank, person: str, **period: int) -> list[str]:
    """The currencies of a statement, each with what its lines recouped."""
    with told.view() as view:
        found = statements.statement(view, told.journal, person, **period)["statements"]
    return [
        f"{one['currency']} {line['recouped']['now_minor']}"
        for one in found
        for line in one["movements"]
        if line["recouped"]
    ]


def test_months_in_which_all_was_recouped_have_their_lines(database: str) -> None:
    """Also where nothing was ever paid to the payee; whoever is not named has no such line."""
    with bank(database) as told:
        a, b, c = told.people("a", "b", "c")
        account = {"account": "x", "payee": a, "advance_minor": 110_730}
        terms = {
            **{"type": "advance", "account": "x", "to": "label", "then": AGREED},
            "accounts": [{**account, "earned_minor": 0, "paid_minor": 0}],
        }
        pool = told.pool(terms=terms)
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}), a, b)
        told.earn(pool, 37_648)
        first = told.head()
        told.earn(pool, 100_000)
        assert statement_of(told, a) == ["USD 18824", "USD 50000"]
        assert statement_of(told, a, until=first) == ["USD 18824"]
        assert statement_of(told, a, after=first) == ["USD 50000"]
        with told.view() as view:
            assert not statements.statement(view, told.journal, c)["statements"]


def test_what_is_dated_into_a_closed_period_is_warned_of_however_it_is_booked(
    database: str,
) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        revenue, expense = told.earn(pool, 100, "2026-03"), told.spend(pool, 10)
        told.tell("close_period", until="2026-04")
        line = {"payee": a, "amount_minor": 5}
        dated = {"effective_at": "2026-03", "reason": "r"}
        booked = [
            told.tell("record_adjustment", pool=pool, lines=[line], payer="house", **dated),
            told.tell("record_opening", pool=pool, lines=[line], document="d", **dated),
            told.tell("reverse_expense", expense=expense, **dated),
            told.reverse(revenue, 1),
        ]
        codes = [[one.code for one in each.warnings] for each in booked]
        assert codes == [["period_closed"]] * 4
        now = told.tell("record_adjustment", pool=pool, lines=[line], payer="house", reason="r")
        assert now.warnings == ()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_name_is_one_payee_of_a_pool_whatever_named_it_first(
    is_first: bool, database: str
) -> None:
    """Whoever paid for the printing is charged by the same name: one balance, not two."""
    with bank(database) as told:
        (a,) = told.people("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        lines = [{"payee": a, "amount_minor": 13}, {"payee": "house", "amount_minor": -3}]

        def adjust() -> None:
            told.tell("record_adjustment", pool=pool, lines=lines, payer="house", reason="r")

        if is_first:
            adjust()
        told.spend(pool, 40)
        told.earn(pool, 100)
        if not is_first:
            adjust()
        assert sorted(told.account().values()) == [27, 73]
        told.tell(
            "record_opening",
            **{"pool": pool, "effective_at": "2026-04", "document": "d"},
            lines=[{"payee": "house", "amount_minor": 1}],
        )
        assert sorted(told.account().values()) == [28, 73]


def test_why_shows_a_long_path_by_its_ends_and_counts_the_rest(database: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        first = work = told.piece("first", by=[a])
        for number in range(2 * SHOWN_OF_END):
            work = told.piece(f"made {number}", work)
        pool = told.pool(release=told.release("album", work))
        told.agree(pool, [asset(first, {a: "1"})])
        revenue = told.earn(pool, 100)
        with told.view() as view:
            why = pools.why(view, told.journal, revenue, a, actor="operator")
        (piece,) = why["pieces"]
        (path,), (left_out,) = piece["paths"], piece["paths_left_out"]
        assert (piece["path_count"], left_out) == (1, 2)
        assert len(path) == 2 * SHOWN_OF_END
        assert (path[0]["title"], path[-1]["title"]) == ("album", "first")
        assert piece["path_amounts"] == ["100"]


def test_a_payout_that_came_back_is_not_called_paid_even_once_it_is_claimed(database: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(pool, 100)
        told.pay()
        payout, issued = told.payouts()[a], told.head()

        def lines(until: int | None = None) -> list[str]:
            with told.view() as view:
                (one,) = statements.statement(view, told.journal, a, until=until)["statements"]
            return [
                ": ".join(filter(None, [booked(line), line["reason"]])) for line in one["movements"]
            ]

        told.tell("return_payout", id=payout, reason="closed")
        assert lines() == ["Earned", "Paid, but it came back: closed"]
        assert lines(issued) == ["Earned", "Paid"]
        with told.view() as view:
            (batch,) = bookkeeping.latest_batches(view).items
        assert (batch["open"], batch["returned"]) == (0, 1), "not settled"
        told.tell("claim_payout", id=payout, actor=a)
        assert lines() == ["Earned", "Paid, but it came back: closed", "Claimed again"]


def test_why_is_asked_by_the_name_that_an_expense_gave(database: str) -> None:
    with bank(database) as told:
        (a,) = told.people("a")
        pool = told.pool()
        told.agree(pool, {a: "1"})
        told.spend(pool, 40)
        revenue = told.earn(pool, 100)
        with told.view() as view:
            why = pools.why(view, told.journal, revenue, "house", actor="operator")
        assert (why["payee"]["name"], why["amount_minor"]) == ("house", 40)
