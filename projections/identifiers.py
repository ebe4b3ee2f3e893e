"""Identifiers: the numbers of works and people in registries, and what is found by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from domain.engine import Row
from domain.fact import Fact
from domain.identifier import Identifier
from domain.iscc import bands_of, units_of
from domain.refusal import UnknownIdentifier
from projections.store import View, counting, holds, told_rows
from projections.tables import Amend, Change, Numbers, Projection, Put, born, facts_about, table
from projections.told import IdentifierTold

IDENTIFIERS = table(
    "identifiers",
    "id TEXT, subject BIGINT, scheme TEXT, value TEXT NULL, identifier TEXT NULL, "
    "evidence TEXT NULL, state TEXT, actor TEXT, born BIGINT, own_subject BIGINT",
    ("id", "subject", "value"),
    key="id",
)
UNITS = table(
    "units",
    "identifier TEXT, kind TEXT, band BIGINT, bits TEXT, position BIGINT",
    ("kind, band",),
)
"""The units of ISCCs, each under its bands, by which similar units are found."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The identifiers this fact adds or changes."""
    match happened:
        case Identifier.Stated(about=about):
            subject = {"subject": numbers.node(about), "own_subject": numbers[about]}
            yield born(IDENTIFIERS, happened, **subject, born=position)
            if happened.scheme == "iscc" and happened.value is not None:
                yield from _units(position, happened.originator_id, happened.value)
        case Identifier.Event() if happened.leaves:
            yield Amend(IDENTIFIERS, happened.originator_id, {"state": happened.leaves})


def _units(position: int, identifier: str, code: str) -> Iterator[Put]:
    for unit in units_of(code):
        if unit.is_compared:
            for band in bands_of(unit.bits):
                yield Put(UNITS, (identifier, unit.kind, band, unit.bits.hex(), position))


IDENTIFIED = Projection("identifiers", (IDENTIFIERS, UNITS), changes, facts_about(Identifier))

# -- answers -------------------------------------------------------------------------------

COUNTS = f"{counting('i', (Identifier.GONE,))} AND {holds('i')}"
_SHOWN = (
    "SELECT i.id, i.scheme, i.value, i.identifier, i.state, i.evidence, i.actor, i.born "
    "FROM @identifiers i"
)
_SEALED = "SELECT n.digest FROM vault n WHERE n.name = 'identifier' AND n.value = :{0}"


def having(number: str, scheme: str) -> str:
    """The condition that a work or person has the identifier in the parameter ``:scheme``."""
    return (
        f"{number} IN (SELECT i.subject FROM @identifiers i WHERE i.scheme = '{scheme}' "
        f"AND (i.value = :{scheme} OR i.identifier IN ({_SEALED.format(scheme)})) AND {COUNTS})"
    )


def identifier(view: View, id: str) -> IdentifierTold:
    """One identifier; raises UnknownIdentifier."""
    row = view.one(f"{_SHOWN} WHERE i.id = :id AND {holds('i')}", id=id)
    if row is None:
        raise UnknownIdentifier(id)
    return _told(row, view.texts(texts_of([row])))


def of(view: View, number: int) -> list[IdentifierTold]:
    """The identifiers of a work or a person, in the order in which they were stated."""
    rows = asked_of(view, ":number", number=number)
    return told(rows, view.texts(texts_of(rows)))


def asked_of(view: View, subject: str, **values: Any) -> Sequence[Row]:
    """The rows of the identifiers of a work or a person, deferred (see View.later).

    ``subject`` is their number, as SQL.
    """
    return view.later(
        f"{_SHOWN} WHERE i.subject = {subject} AND {COUNTS} ORDER BY i.born", **values
    )


def texts_of(rows: Iterable[Row]) -> set[str | None]:
    """The commitments of the texts in these rows."""
    return {text for row in rows for text in (row[3], row[5])}


def told(rows: Iterable[Row], texts: dict[str | None, str]) -> list[IdentifierTold]:
    """Identifiers as answers present them."""
    return [_told(row, texts) for row in rows]


def _told(row: Any, texts: dict[str | None, str]) -> IdentifierTold:
    id, scheme, value, identifier, *rest = row
    told = (id, scheme, value or texts.get(identifier), *rest)
    return told_rows(IdentifierTold, [told], evidence=texts)[0]
