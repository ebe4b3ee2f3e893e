"""Payees as answers refer to them: a person, a work that waits for its maker, or a name.

Each has an id, a kind and a name; the name is null once it is erased.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.engine import PLANNED_ONCE
from domain.money.naming import PAYER
from domain.money.payee import Payee
from projections.money.told import PayeeRef
from projections.store import View, holds


def payees_told(view: View, payees: Iterable[str]) -> dict[str, PayeeRef]:
    """By payee: the reference to it in answers."""
    known = {text: Payee.parse(text) for text in payees}
    people = {payee.id for payee in known.values() if payee.is_contributor}
    works = {payee.id for payee in known.values() if payee.is_work}
    # Ids are unique over all nouns, so no person has the id of a work.
    called = {**_named(view, "contributors", "name", people), **_called(view, works)}
    outside = {text for text in known if text.startswith(PAYER)}
    called |= _payers(view, outside) if outside else {}
    return {
        text: {
            "id": text,
            "kind": payee.kind,
            "name": called.get(payee.id, None if text in outside else text)
            if payee.kind == "other"
            else called.get(payee.id),
        }
        for text, payee in known.items()
    }


def _payers(view: View, ids: set[str]) -> dict[str, str]:
    """By id: the name of an outsider who paid for something."""
    rows = view.rows(
        "SELECT b.payee, v.value FROM @bookings b JOIN vault v ON v.digest = b.payee_named "
        "WHERE b.payee IN :ids AND b.position <= :as_of",
        ids=sorted(ids),
    )
    return dict(rows)


def titles(view: View, works: set[str]) -> dict[str, str]:
    """The titles of works; other ids and erased titles are left out."""
    return _named(view, "works", "title", works)


def _called(view: View, works: set[str]) -> dict[str, str]:
    """The labels of works: the title, or the URI of an outside source."""
    rows = view.rows(
        f"{PLANNED_ONCE}SELECT t.id, t.uri FROM @works t "
        f"WHERE t.id IN :ids AND t.uri IS NOT NULL AND {holds('t')}",
        ids=sorted(works),
    )
    return {**dict(rows), **titles(view, works)}


def _named(view: View, table: str, column: str, ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    rows = view.rows(
        f"{PLANNED_ONCE}SELECT t.id, v.value FROM @{table} t "
        f"JOIN vault v ON v.digest = t.{column} WHERE t.id IN :ids AND {holds('t')}",
        ids=sorted(ids),
    )
    return dict(rows)
