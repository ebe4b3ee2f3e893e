"""Keeping the books while commands are carried out: what a draft decides by, and how it posts.

The one rule: a command sees the books as of its draft with everything the draft has added, and is
carried out again if anybody else changed what it looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from domain.drafting import PENDING, Drafting
from domain.fact import Fact
from domain.identity import part_id
from domain.money.books import TOPICS, Books
from domain.money.entry import Entry, Line, must_add_up
from domain.money.payee import is_meant_as_person, is_work, people_among, work_of
from domain.money.proposal import Proposal
from domain.refusal import IdTaken
from domain.sheet import Receipt, Sheet

LONGEST_LIST_BYTES = 16_000
"""So much of a list goes into one fact: a leaf holds 65,535 bytes, with a link for everybody."""


class Keeping(Drafting):
    """A draft that keeps books."""

    _books: Books | None = None
    _is_ahead = False
    """Whether the books hold facts of a command that is not written down yet."""
    _seen = 0
    """How many facts of the command at hand the books hold."""

    def books(self) -> Books:
        """The books a command decides by; only what it posts is added to them meanwhile."""
        if self._books is None or self._is_ahead:
            self._books = self.journal.bookkeeper.books()
            self.is_overtaken |= self._books.position > self.after
            for number, happened in enumerate(self.facts):
                self._books.fold(PENDING + number, happened)
        self._is_ahead, self._seen = True, 0
        return self._books

    def _write(self, id: str, sheet: Sheet) -> Receipt:
        receipt = super()._write(id, sheet)
        if self._books is not None:
            self._post(sheet)
            self._is_ahead = False
        self._seen = 0
        return receipt

    def _post(self, sheet: Sheet) -> None:
        """Let the books know what the command has added so far."""
        assert self._books is not None
        first = PENDING + len(self.facts)
        for number in range(self._seen, len(sheet.facts)):
            self._books.fold(first + number, sheet.facts[number])
        self._seen = len(sheet.facts)

    def _birth(
        self,
        id: str,
        sheet: Sheet,
        *,
        given: bool,
        then: Callable[[], None] = lambda: None,
    ) -> Receipt:
        """Record a birth with what follows from it; a repeated one is answered as before.

        What follows is only looked for if it is new, since it depends on the books.
        """
        if given and (known := self._stream(id)):
            further = known[len(sheet.facts) : len(sheet.facts) + 1]
            if any(isinstance(happened, Proposal.Continued) for _, happened in further):
                raise IdTaken(id)
            return self._again(id, sheet, [])
        born = len(sheet.facts)
        then()
        receipt = self._write(id, sheet)
        receipt.position -= len(sheet.facts) - born
        return receipt

    def _add_entry(
        self, sheet: Sheet, kind: type[Fact], id: str, lines: Sequence[Line], **content: Any
    ) -> None:
        """Write down an entry, in as many facts as its lines need, and post it."""
        must_add_up(content["amount_minor"], list(lines))
        long: dict[str, Sequence[Any]] = {
            name: content[name] for name in ("costs", "flow_before", "flow") if name in content
        }
        first, *more = pages_together({"lines": [line.written() for line in lines], **long})
        sheet.add(kind, id, **content | first)
        kept = {name: content[name] for name in ("pool", "release", "proposal", "currency")}
        for number, page in enumerate(more, start=2):
            sheet.add(Entry.Continued, id, version=number, **kept, **page)
        self._post(sheet)
        self._watch_money(content["release"], *(line.payee for line in lines))

    def _add_stage(
        self,
        sheet: Sheet,
        kind: type[Fact],
        id: str,
        assets: Sequence[Any],
        *,
        version: int = 1,
        **content: Any,
    ) -> None:
        """Write down what is proposed, in as many facts as its assets need."""
        first, *more = pages(
            [{**asset, "shares": shares} for asset in assets for shares in pages(asset["shares"])]
        )
        sheet.add(kind, id, version=version, assets=first, **content)
        kept = {name: content[name] for name in ("pool", "release")}
        for number, page in enumerate(more, start=version + 1):
            sheet.add(Proposal.Continued, id, version=number, assets=page, **kept)

    def _must_know(self, payees: Iterable[str]) -> None:
        """Refuse contributors and works that are not there; a name outside may be any."""
        named = dict.fromkeys(payees)
        self.prefetch({*people_among(named), *map(work_of, filter(is_work, named))})
        for payee in named:
            if is_work(payee):
                self._work(work_of(payee))
            elif is_meant_as_person(payee):
                self._contributor(payee)

    def _watch_money(self, *subjects: str) -> None:
        for topic in TOPICS:
            self._watch(topic, *subjects)


def pages(items: Sequence[Any]) -> Iterator[list[Any]]:
    """A list in pieces of a size that fits into a fact; at least one, be it empty."""
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


def pages_together(lists: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, list[Any]]]:
    """Several lists in pieces that fit into a fact together."""
    for page in pages([(name, item) for name, items in lists.items() for item in items]):
        yield {name: [item for each, item in page if each == name] for name in lists}


def division_id(revenue: str) -> str:
    """The id of the division of a revenue."""
    return part_id(revenue, "division", 0)


def share_id(proposal: str, payee: str) -> str:
    """The id of what was offered to a payee by a proposal."""
    return part_id(proposal, f"share/{payee}", 0)
