"""What an accountant found on a walk through the books, on the command line."""

from money import AGREED, Bank, bank

from projections.money import statements


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
