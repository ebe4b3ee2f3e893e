"""Keeping: how lists are split over facts, who may be named in the books, and what repeats."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from domain.fact import Fact, New
from domain.identity import part_id
from domain.join import Join
from domain.known import Known
from domain.money.books import NOTHING_ABOVE, Above, Books
from domain.money.entry import Entry, Line, must_add_up
from domain.money.payee import Payee
from domain.money.proposal import Content, Proposal
from domain.money.revenue import Booked, paper_of
from domain.past import Past
from domain.remix import Remix

_LISTS = ("costs", "flow_before", "flow", "reserved")
LONGEST_LIST_BYTES = 16_000
"""How much of a list goes into one fact: a leaf has 65,535 bytes, with a link per payee."""


def entry_facts(
    past: Past, kind: type[Fact], id: str, lines: Sequence[Line], **content: Any
) -> Iterator[New]:
    """An entry, in as many facts as its lines need."""
    must_add_up(content["amount_minor"], list(lines))
    if not content.get("reserved"):
        content.pop("reserved", None)
    lists: dict[str, Sequence[Any]] = {"lines": [line.written() for line in lines]}
    lists |= {name: content[name] for name in _LISTS if name in content}
    first, *more = (
        {name: [item for each, item in page if each == name] for name in lists}
        for page in pages([(name, item) for name, items in lists.items() for item in items])
    )
    yield kind.born(id, **content | first)
    kept = {name: content[name] for name in ("pool", "release", "proposal", "currency")}
    for page in more:
        yield Entry.Continued.born(id, **kept, **page)
    past.watch_money(content["release"], *(line.payee for line in lines))


def first_of_document(
    past: Past,
    kind: type[Booked | Entry.Opened],
    pool: str,
    amount_minor: int,
    document: str | None,
) -> str | None:
    """The first of a pool with the same amount and document, if there is one; it is warned of."""
    if document is None:
        return None
    alike = past.known.of_document(kind, paper_of(pool, amount_minor))
    texts = past.texts(alike.values())
    same = (id for id, digest in alike.items() if texts.get(digest) == document)
    if first := next(same, None):
        past.warn("document_repeated", first=first)
    return first


def stage_facts(kind: type[Fact], id: str, proposed: Content, **content: Any) -> Iterator[New]:
    """What is proposed, in as many facts as its assets need."""
    first, *more = pages(
        [
            {**asset, "shares": shares}
            for asset in proposed.assets
            for shares in pages(asset["shares"])
        ]
    )
    yield kind.born(id, **proposed._replace(assets=first)._asdict(), **content)
    kept = {name: content[name] for name in ("pool", "release")}
    for page in more:
        yield Proposal.Continued.born(id, assets=page, **kept)


def must_know(past: Past, payees: Iterable[str]) -> None:
    """Refuse unknown contributors and works; an outside name may be anything."""
    named = list(map(Payee.parse, dict.fromkeys(payees)))
    past.prefetch({payee.id for payee in named if payee.is_contributor or payee.is_work})
    for payee in named:
        if payee.is_work:
            past.work(payee.id)
        elif payee.is_contributor or payee.is_misspelt:
            past.contributor(payee.id)


def above_in_question(past: Past, books: Books) -> Above:
    """What works were made from, where it matters; a further edge meanwhile is noticed."""
    if not books.looks_above:
        return NOTHING_ABOVE
    for born in (Remix.Declared, Remix.Accepted, Join.Declared, Join.Accepted, Join.Undone):
        past.watch_all(born.TOPIC)
    return _WhenAsked(past.known)


class _WhenAsked(dict[str, set[str]]):
    """By work: everything it was made from, looked up when somebody asks."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def __contains__(self, work: object) -> bool:
        return True

    def __missing__(self, work: str) -> set[str]:
        found = self[work] = self._known.works_above(work)
        return found

    def get(self, work: str, default: Any = None) -> Any:
        """As with brackets: every work was made from something, if only from itself."""
        return self[work]


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


def division_id(revenue: str) -> str:
    """The id of the division of a revenue."""
    return part_id(revenue, "division", 0)


def share_id(proposal: str, payee: str) -> str:
    """The id of what was offered to a payee by a proposal."""
    return part_id(proposal, f"share/{payee}", 0)
