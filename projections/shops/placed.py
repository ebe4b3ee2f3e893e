"""Sales, each placed in the pool it names, or in that of a release with the work it names.

A sale is placed only if its pool is certain and in its currency; otherwise its line says why not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice

from domain.identifier import normal
from domain.refusal import BadIdentifier
from projections.placing import Destination
from projections.shops.line import NotConvertible

Row = dict[str, str]
"""The fields of a sale, as text."""
Number = tuple[str, str]
"""The name of a registry, and a number in it; or ``POOL``, and the id of a pool."""
Finding = Callable[[Collection[Number]], Mapping[Number, list[Destination]]]
"""Finds the pools to which sales of works with these numbers can belong."""

POOL = "pool"

NUMBERS = ("isrc", "iswc", "upc")
"""The registries by which a sale names its work, the most specific first."""
UNPLACED = "unplaced"
"""The field with the reason why a sale has no pool."""
AT_ONCE = 1_000


def placed(sales: Iterable[Row], finding: Finding | None) -> Iterator[Row]:
    """The sales with their pools and works, or in ``UNPLACED`` why there are none.

    Without a database to find pools in, a sale that names its pool is passed on as it is, and any
    other raises NotConvertible.
    """
    if finding is None:
        yield from map(_must_name_its_pool, sales)
        return
    known: dict[Number, list[Destination]] = {}
    waiting = iter(sales)
    while some := [(sale, _numbers(sale)) for sale in islice(waiting, AT_ONCE)]:
        known |= finding({one for _, numbers in some for one in numbers} - known.keys())
        for sale, numbers in some:
            yield sale | _place(sale, numbers, known)


def _must_name_its_pool(sale: Row) -> Row:
    if not sale.get(POOL):
        raise NotConvertible("the pools of these works are in a database: use “stemma import”")
    return sale


def _numbers(sale: Row) -> list[Number]:
    if pool := sale.get(POOL):
        return [(POOL, pool)]
    return [(scheme, _normal(scheme, text)) for scheme in NUMBERS if (text := sale.get(scheme, ""))]


def _normal(scheme: str, text: str) -> str:
    try:
        return normal(scheme, text)
    except BadIdentifier:
        return text


def _place(sale: Row, numbers: list[Number], known: Mapping[Number, list[Destination]]) -> Row:
    """The pool and the work of a sale, or the reason why they are not certain."""
    currency = sale.get("currency", "").upper()
    found = next((places for one in numbers if (places := known[one])), [])
    fitting = [place for place in found if currency in {"", place.currency}]
    if sale.get(POOL):  # an unknown pool is refused by the import
        return {UNPLACED: _elsewhere(found, currency)} if found and not fitting else {}
    if len(fitting) == 1:
        (place,) = fitting
        return {POOL: place.pool, "work": place.work or ""}
    if not numbers and POOL in sale:
        return {UNPLACED: "it names no pool"}
    return {UNPLACED: _why(numbers, found, fitting, currency)}


def _elsewhere(found: list[Destination], currency: str) -> str:
    return f"its pool is in {found[0].currency}, not in {currency}"


def _why(
    numbers: list[Number], found: list[Destination], fitting: list[Destination], currency: str
) -> str:
    named = ", ".join(f"{scheme.upper()} {number}" for scheme, number in numbers)
    if not numbers:
        return "it names no ISRC, ISWC or barcode"
    if not found:
        return f"no pool is for a work with {named}"
    if not fitting:
        return f"no pool in {currency} is for the work with {named}"
    pools = ", ".join(dict.fromkeys(place.pool for place in fitting))
    return f"it is not certain which sale of {named} this is: pools {pools}"
