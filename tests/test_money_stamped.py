"""Money decided before another fact and recorded after it: the books hold the time as recorded."""

from money import bank
from stories import carry_out


def test_the_books_hold_the_time_that_is_recorded(database: str) -> None:
    with bank(database) as told:
        pool = told.pool()
        told.agree(pool, {"house": "1"})
        earned = {"amount_minor": 100, "effective_at": "2026-05", "source": "shop"}
        draft = told.journal.draft()
        carry_out(draft, "record_revenue", pool=pool, **earned)
        told.person("somebody else")
        told.journal.commit(draft)
        *_, admitted, revenue, division = (one.fact() for one in told.facts())
        assert admitted.timestamp == revenue.timestamp == division.timestamp > draft.now
        # The audit at the end compares the books with the facts.
