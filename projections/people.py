"""People: what somebody made and how often it was reused, and which payouts to them came back.

A person stands for all of their accounts, after all merges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Unpack

from projections import attribution, contributors, lineage
from projections.attribution import CreditRow
from projections.finding import CREDIT_COUNTS
from projections.hidden import NOT_HIDDEN
from projections.money import balances, payouts
from projections.money.told import PayoutTold
from projections.pages import Page
from projections.question import Paged
from projections.store import View, holds
from projections.tables import NEVER


def made_by(view: View, id: str, **part: Unpack[Paged]) -> Page[dict[str, Any]]:
    """The works somebody is credited on, the latest first, with how often each was remixed."""
    page, more = view.page(
        "SELECT DISTINCT c.work FROM @credits c WHERE c.contributor IN :accounts "
        f"AND {CREDIT_COUNTS} AND {NOT_HIDDEN} "
        "AND c.work < :beyond "
        "ORDER BY c.work DESC",
        **part,
        first=NEVER,
        accounts=contributors.accounts(view, id),
    )
    numbers = [number for (number,) in page]
    person = contributors.find_root(view, id)
    credits: dict[int, list[CreditRow]] = {}
    for row in attribution.credits_on(view, numbers):
        if row.contributor == person:
            credits.setdefault(row.work, []).append(row)
    numbers = [number for number in numbers if number in credits]  # some may just have been hidden
    texts = attribution.texts_of(view, (row for rows in credits.values() for row in rows))
    works, remixed = lineage.references(view, numbers), lineage.remix_counts(view, numbers)
    items = [
        {
            "work": works[number],
            "roles": list(dict.fromkeys(row.role for row in credits[number])),
            "names": _texts(credits[number], "credited_as", texts),
            "characters": _texts(credits[number], "character", texts),
            "kind": "direct" if any(r.kind == "direct" for r in credits[number]) else "influence",
            "remixed_by": remixed.get(number, 0),
        }
        for number in numbers
    ]
    return Page(items, more)


def _texts(rows: Iterable[CreditRow], name: str, texts: Mapping[str | None, str]) -> list[str]:
    """The texts in one field of these credits, each once: credited names, or characters played."""
    said = (texts.get(getattr(row, name)) for row in rows)
    return list(dict.fromkeys(one for one in said if one))


def returned_to(view: View, id: str) -> list[PayoutTold]:
    """The payouts to a person that came back and were not claimed again yet."""
    payees = balances.payees_of(view, id)
    return list(payouts.payouts(view, payees=payees, state="returned").items)


class Holdings(NamedTuple):
    """What an account has that a merge brings to the other account."""

    credits: int
    works: int
    """How many works these credits are on."""
    posted: int
    owed: dict[str, int]
    """What it is owed, in smallest units by currency."""


def holdings(view: View, id: str) -> Holdings:
    """What one account has by itself, without the other accounts of the same person."""
    number = contributors.find_person(view, id)[0]
    (credited,) = view.rows(
        "SELECT count(*), count(DISTINCT c.work) FROM @credits c "
        f"WHERE c.contributor = :number AND {CREDIT_COUNTS}",
        number=number,
    )
    (posted,) = view.rows(
        f"SELECT count(*) FROM @works w WHERE w.poster = :id AND {holds('w')}", id=id
    )
    owed = Counter[str]()
    for one in balances.accounts(view, payees=[id]):
        owed[one.currency] += one.owed
    credits, works = credited
    kept = {unit: units for unit, units in owed.items() if units}
    return Holdings(credits, works, posted[0], kept)
