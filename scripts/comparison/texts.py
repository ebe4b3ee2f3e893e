"""The texts of a service beside a replay of its log: those that it discloses, each as committed to.

Without them, names and titles are not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

from domain.engine import Row
from domain.seal import Disclosure, digest_of, owner_in
from domain.stored import VAULT, Placed, vault_row
from domain.tree import NotVerified
from projections.progress import Progress
from projections.question import MAXIMUM_LIMIT
from scripts.checks.texts import erased_in, kept_in
from scripts.comparison.caller import Caller, read_as_documented
from scripts.service import Service

MOST_KEPT = 5_000
"""How many texts are put there in one transaction."""


class CommittedTexts(NamedTuple):
    """How many texts the facts commit to."""

    had: int = 0
    erased: int = 0
    missing: int = 0
    """Neither erased by a fact nor disclosed."""

    def __add__(self, more: CommittedTexts) -> CommittedTexts:  # type: ignore[override]  # of a pair of counts
        return CommittedTexts(*map(sum, zip(self, more, strict=True)))

    def __str__(self) -> str:
        missing = f", {self.missing} not disclosed: no names or titles are compared"
        return f"{self.had} as committed to, {self.erased} erased{missing if self.missing else ''}"


class _Said(NamedTuple):
    """A text that the service discloses, and the commitment that it would open."""

    digest: str
    salt: str
    name: str
    value: str


class Disclosed:
    """What a service discloses of its facts; nothing without a caller, or one who may not ask."""

    def __init__(self, caller: Caller | None) -> None:
        self._caller = caller
        self._cursor: str | None = None
        """That of the last page, which goes on from there once there is more."""

    def pages(self, after: int, size: int) -> Iterator[tuple[int, dict[int, list[_Said]]]]:
        """Page by page, up to where it discloses, and the texts by position; the next page is
        fetched meanwhile."""
        asked = 0
        with ThreadPoolExecutor(1) as threads:
            next_page = threads.submit(self._page, size)
            while after < size:
                further, said = next_page.result()
                if further is not None:
                    self._cursor = further
                    next_page = threads.submit(self._page, size)
                if (asked := asked + 1) > size:
                    raise NotVerified("the service discloses its texts on more pages than facts")
                after = size if further is None else max([after, *said])
                yield after, said

    def _page(self, size: int) -> tuple[str | None, dict[int, list[_Said]]]:
        """The cursor of the next page, if there is one, and what this one discloses."""
        if self._caller is None:
            return None, {}
        path, asked = "/facts/disclosures", {"limit": MAXIMUM_LIMIT, "as_of": size}
        cursor = {} if self._cursor is None else {"cursor": self._cursor}
        page = self._caller.answer(f"{path}?{urlencode(asked | cursor)}")
        with read_as_documented(path):
            if "refused" in page:
                return None, {}
            further = page["next"]
            if further is not None and (not further.isascii() or further == self._cursor):
                raise ValueError(further)
            return further, {
                int(one["position"]): [
                    _Said(digest_of(*each), *each) for each in one["disclosures"]
                ]
                for one in page["items"]
            }


def take_texts(
    service: Service, disclosed: Disclosed, after: int, size: int, progress: Progress
) -> CommittedTexts:
    """Put what a service discloses of its facts beside a replay of them, which is not folded yet.

    NotVerified for a text to which its fact does not commit, and for one that was erased.
    """
    told, erased = CommittedTexts(), erased_in(service.journal)
    facts, rows = service.journal.read(after), list[Row]()
    for upto, said in disclosed.pages(after, size):
        for placed in islice(facts, upto - after):
            told += _taken(placed, said.get(placed.position, ()), erased, rows)
        after = upto
        if len(rows) > MOST_KEPT or after == size:
            with service.engine.transaction() as transaction:
                transaction.insert(VAULT, rows)
            rows.clear()
        progress(after, size)
    return told


def _taken(
    placed: Placed, said: Sequence[_Said], erased: Mapping[str, int], rows: list[Row]
) -> CommittedTexts:
    """What is disclosed of a fact, checked and put to the rows of the vault."""
    content = placed.content()
    committed = kept_in(placed, content)
    texts = _checked(placed, content, committed, said) if said else []
    if again := next((one for one in texts if one.digest in erased), None):
        raise NotVerified(
            f"position {placed.position}: its {again.name} was erased at position "
            f"{erased[again.digest]}, and is disclosed"
        )
    rows += map(vault_row, texts)
    gone = sum(digest in erased for digest in committed)
    return CommittedTexts(len(texts), gone, len(committed) - gone - len(texts))


def _checked(
    placed: Placed,
    content: Mapping[str, Any],
    committed: Collection[str],
    said: Sequence[_Said],
) -> list[Disclosure]:
    """The texts that are disclosed of a fact, each with its owner."""
    texts = []
    for digest, salt, name, value in said:
        if digest in committed:
            owner = owner_in(content, digest) or str(content["actor"])
            texts.append(Disclosure(digest, owner, name, salt, value))
        elif digest not in content.values():
            raise NotVerified(
                f"position {placed.position} does not commit to this {name}: {value!r}"
            )
    return texts
