"""Splitting long lists into pages that each fit into a fact.

It depends only on the standard library, because verifying a signature splits lists the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LONGEST_LIST_BYTES = 16_000
"""The most JSON of a list in one fact: a leaf has at most 65,535 bytes, with a link per payee."""


def pages(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The pages of a list; at least one, even if empty."""
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
    """The pages of proposed assets; an asset with many shares is split over several."""
    return pages([{**one, "shares": cut} for one in assets for cut in pages(one["shares"])])
