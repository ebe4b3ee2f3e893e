"""The texts of a service beside a replay of its log: those that it discloses, each as committed to.

Without them, names and titles are not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
from projections.store import decode_cursor, encode_cursor
from scripts.checks.texts import erased_in, kept_in
from scripts.comparison.caller import Caller, read_as_documented
from scripts.service import Service

MOST_KEPT = 5_000
"""How many texts are put there in one transaction."""


class Texts(NamedTuple):
    """How many texts the facts commit to."""

    had: int = 0
    erased: int = 0
    missing: int = 0
    """Neither erased by a fact nor disclosed."""

    def __add__(self, more: Texts) -> Texts:  # type: ignore[override]  # of a pair of counts
        return Texts(*map(sum, zip(self, more, strict=True)))

    def __str__(self) -> str:
        missing = f", {self.missing} not disclosed: these are not compared" if self.missing else ""
        return f"{self.had} as committed to, {self.erased} erased{missing}"


def take_texts(
    service: Service, caller: Caller | None, after: int, size: int, progress: Progress
) -> Texts:
    """Put what a service discloses of its facts beside a replay of them, which is not folded yet.

    NotVerified for a text to which its fact does not commit, and for one that was erased. Without
    a caller, or one who may not ask, all are missing.
    """
    told, erased = Texts(), erased_in(service.journal)
    facts, rows = service.journal.read(after), list[Row]()
    with ThreadPoolExecutor(1) as threads:
        next_page = threads.submit(_page, caller, after, size)
        while after < size:
            upto, said = next_page.result()
            next_page = threads.submit(_page, caller if upto < size else None, upto, size)
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
) -> Texts:
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
    return Texts(len(texts), gone, len(committed) - gone - len(texts))


class _Said(NamedTuple):
    """A text that the service discloses, and the commitment that it would open."""

    digest: str
    salt: str
    name: str
    value: str


def _page(caller: Caller | None, after: int, size: int) -> tuple[int, dict[int, list[_Said]]]:
    """Up to where the next texts are disclosed, and those of each fact; none where that may not be
    asked."""
    if caller is None:
        return size, {}
    path = "/facts/disclosures"
    asked = {"cursor": encode_cursor(after), "limit": MAXIMUM_LIMIT, "as_of": size}
    page = caller.answer(f"{path}?{urlencode(asked)}")
    with read_as_documented(path):
        if "refused" in page:
            return size, {}
        (upto,) = decode_cursor(page["next"], int) or [size]
        said = {
            one["position"]: [_Said(digest_of(*each), *each) for each in one["disclosures"]]
            for one in page["items"]
        }
    if not after < upto <= size:
        raise NotVerified("the service does not disclose its texts in order")
    return upto, said


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
