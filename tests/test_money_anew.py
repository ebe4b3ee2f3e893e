"""Taken back and given anew, in any order, everybody has what the terms give of what is left.

The model knows the sums alone: what came in and was not reversed, and what was paid back of it.
"""

from fractions import Fraction
from itertools import count

from hypothesis import example, given, settings
from hypothesis import strategies as st
from money import AGREED, bank, verify

TERMS = {
    "type": "before_expenses",
    "fees": [{"payee": "agent", "rate": "1/10", "seniority": 1}],
    "then": {
        "type": "escalator",
        "earned_minor": 0,
        "bands": [
            ["1000", [["house", "1/10"], ["artists", "9/10", AGREED]]],
            [None, [["house", "3/20"], ["artists", "17/20", AGREED]]],
        ],
    },
}
WAYS = ("earn", "earn", "spend", "reverse", "reverse", "reverse_expense")

Step = tuple[str, int, int]


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 9), st.integers(1, 999)), max_size=12)
)
@example(
    [
        ("earn", 0, 801),
        ("spend", 0, 300),
        ("earn", 0, 907),
        ("reverse", 1, 253),
        ("reverse", 1, 101),
        ("reverse_expense", 0, 203),
        ("earn", 0, 503),
        ("reverse", 1, 57),
        ("reverse_expense", 0, 31),
        ("reverse", 1, 77),
        ("reverse", 0, 801),
    ]
)
def test_agents_houses_and_artists_have_what_the_terms_give_of_the_rest(steps: list[Step]) -> None:
    names = count()
    with bank("sqlite:///:memory:") as told:
        studio, a, b, c = told.people("studio", "a", "b", "c")
        pool = told.pool(terms=TERMS)
        told.agree(pool, {a: "1/3", b: "1/3", c: "1/3"}, "2026")
        left: dict[str, int] = {}
        spent: dict[str, int] = {}
        within = 1
        for way, index, amount in steps:
            every = left if "expense" not in way else spent
            # What a refund rounds is carried to the next division.
            within = 1 if way == "earn" else within + (way == "reverse")
            if way == "earn":
                left[told.earn(pool, amount)] = amount
            elif way == "spend":
                spent[told.spend(pool, amount, studio)] = amount
            elif every:
                id = [*every][index % len(every)]
                units = min(amount, every[id])
                every[id] -= units
                said = {way.partition("_")[2] or "revenue": id, "amount_minor": units}
                if units:
                    told.tell(
                        way if "_" in way else f"{way}_revenue", reason=f"{next(names)}", **said
                    )
            account = told.account()
            paid = account.get(studio, 0)
            assert 0 <= paid <= sum(spent.values())
            came = Fraction(sum(left.values()))
            net = came * 9 / 10 - paid
            house = min(net, Fraction(1000)) / 10 + max(net - 1000, Fraction()) * 3 / 20
            due = {"agent": came / 10, "house": house} | dict.fromkeys((a, b, c), (net - house) / 3)
            assert all(abs(account.get(payee, 0) - each) < within for payee, each in due.items())
        verify(told)
