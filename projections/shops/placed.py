"""Sales of works with registry numbers, each placed in the pool of a release that holds the work.

A sale is placed only if its pool is certain; otherwise its line says why it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice

from domain.identifier import normal
from domain.refusal import BadIdentifier
from projections.placing import Place
from projections.shops.line import NotConvertible

Row = dict[str, str]
"""The fields of a sale, as text."""
Number = tuple[str, str]
"""The name of a registry, and a number in it."""
Finding = Callable[[Collection[Number]], Mapping[Number, list[Place]]]
"""Finds the pools to which sales of works with these numbers can belong."""

NUMBERS = ("isrc", "iswc", "upc")
"""The registries by which a sale names its work, the most specific first."""
UNPLACED = "unplaced"
"""The field with the reason why a sale has no pool."""
AT_ONCE = 1_000


def placed(sales: Iterable[Row], finding: Finding | None) -> Iterator[Row]:
    """The sales with their pools and works, or in ``UNPLACED`` why there are none.

    Raises NotConvertible if there is no database to find pools in.
    """
    if finding is None:
        raise NotConvertible("the pools of these works are in a database: use “stemma import”")
    known: dict[Number, list[Place]] = {}
    waiting = iter(sales)
    while some := [(sale, _numbers(sale)) for sale in islice(waiting, AT_ONCE)]:
        known |= finding({one for _, numbers in some for one in numbers} - known.keys())
        for sale, numbers in some:
            yield sale | _place(sale, numbers, known)


def _numbers(sale: Row) -> list[Number]:
    return [(scheme, _normal(scheme, text)) for scheme in NUMBERS if (text := sale.get(scheme, ""))]


def _normal(scheme: str, text: str) -> str:
    try:
        return normal(scheme, text)
    except BadIdentifier:
        return text


def _place(sale: Row, numbers: list[Number], known: Mapping[Number, list[Place]]) -> Row:
    """The pool and the work of a sale, or the reason why they are not certain."""
    currency = sale.get("currency", "").upper()
    found = next((places for one in numbers if (places := known[one])), [])
    fitting = [place for place in found if currency in {"", place.currency}]
    if len(fitting) == 1:
        (place,) = fitting
        return {"pool": place.pool, "work": place.work or ""}
    return {UNPLACED: _why(numbers, found, fitting, currency)}


def _why(numbers: list[Number], found: list[Place], fitting: list[Place], currency: str) -> str:
    named = ", ".join(f"{scheme.upper()} {number}" for scheme, number in numbers)
    if not numbers:
        return "it names no ISRC, ISWC or barcode"
    if not found:
        return f"no pool is for a work with {named}"
    if not fitting:
        return f"no pool in {currency} is for the work with {named}"
    pools = ", ".join(dict.fromkeys(place.pool for place in fitting))
    return f"it is not certain which sale of {named} this is: pools {pools}"
