"""Placing: the pools that sales of a work can belong to, found by the work's number in a registry.

A shop states an ISRC or a barcode; the money goes to the pool of a release that contains the work.
A statement may also name the pool itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import NamedTuple

from domain.lines import Ids
from domain.remix import Remix
from projections import identifiers
from projections.store import View, counting, holds

AT_ONCE = 500
"""How many numbers one query looks for."""


class Destination(NamedTuple):
    """A pool that money for a work can go to."""

    pool: str
    currency: str
    work: str | None
    """Which work in the release it is; None for the release itself."""


_COMPONENT = f"r.kind = 'component' AND {counting('r', Remix.NOT_COUNTED)} AND {holds('r')}"
_PLACES = f"""
WITH RECURSIVE within (scheme, value, work, holder) AS (
    SELECT i.scheme, i.value, i.subject, i.subject FROM @identifiers i
    WHERE i.value IN :values AND {identifiers.COUNTS}
    UNION
    SELECT w.scheme, w.value, w.work, r.child FROM within w
    JOIN EACH @remixes r ON r.parent = w.holder
    WHERE {_COMPONENT}
)
SELECT f.scheme, f.value, p.id, p.currency, CASE WHEN f.work = f.holder THEN NULL ELSE w.id END
FROM within f JOIN @pools p ON p.release = f.holder
JOIN @works w ON w.number = f.work AND {holds("w")}
ORDER BY p.position, w.number
"""


POOL = "pool"
"""The scheme of a pool that is named by its id."""


def places(
    view: View, numbers: Collection[tuple[str, str]], namespace: str = "bundle"
) -> dict[tuple[str, str], list[Destination]]:
    """By scheme and number: the pools of every release that contains or is such a work.

    By ``POOL`` and its id, a word in this namespace or a UUID: the pool, if there is one.
    """
    ids = Ids(namespace)
    found: dict[tuple[str, str], list[Destination]] = {each: [] for each in numbers}
    named = {text: ids.named(POOL, text) for scheme, text in numbers if scheme == POOL}
    currencies: dict[str, str] = {}
    for some in _batches(iter({*named.values()})):
        currencies.update(view.rows(_POOLS, ids=some))
    for text, id in named.items():
        if id in currencies:
            found[POOL, text].append(Destination(text, currencies[id], None))
    values = iter({value for scheme, value in numbers if scheme != POOL})
    for some in _batches(values):
        for scheme, value, *place in view.rows(_PLACES, values=some):
            if (scheme, value) in found:
                found[scheme, value].append(Destination(*place))
    return found


_POOLS = "SELECT p.id, p.currency FROM @pools p WHERE p.id IN :ids AND p.position <= :as_of"


def _batches(values: Iterator[str]) -> Iterator[list[str]]:
    while some := list(islice(values, AT_ONCE)):
        yield some
