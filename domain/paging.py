"""Long lists, in pieces of which each fits into a fact.

It depends only on the standard library: who verifies a signature cuts a list in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LONGEST_LIST_BYTES = 16_000
"""How much of a list goes into one fact: a leaf has 65,535 bytes, with a link per payee."""


def pages(items: Sequence[Any]) -> Iterator[list[Any]]:
    """A list in pieces that fit into a fact; at least one, even if empty."""
    page: list[Any] = []
    size = 0
    for item in items:
        more = len(json.dumps(item))
        if page and size + more > LONGEST_LIST_BYTES:
            yield page
            page, size = [], 0
        page.append(item)
        size += more
    yield page


def asset_pages(assets: Sequence[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Assets that are proposed, in such pieces; one with many shares is in several of them."""
    return pages([{**one, "shares": cut} for one in assets for cut in pages(one["shares"])])
