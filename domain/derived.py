"""Derived data stored beside the facts (search values, books): its version, and its refill.

It is written in the same transaction as the facts, so it is recomputed only if another version of
Stemma derives it differently, or after a backup was restored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from hashlib import sha256

from domain.engine import Transaction
from domain.fact import FACTS as KINDS
from domain.fact import Fact
from domain.kept import Rows
from domain.money.books import Books
from domain.money.folding import TOPICS
from domain.money.state import drawn_state
from domain.permission import OPERATOR
from domain.quota import vouched
from domain.seal import Disclosure
from domain.stored import FOUND, SEARCHED, SPENT, Placed, facts_in, found_rows, vault_row
from domain.text import searched

PAGE = 5_000
"""Facts that are read at a time."""
FOLDING = 3
"""To be raised when the same facts give other books, or are found by other values."""


@cache
def derived_version() -> str:
    """A digest of everything that the derived data depends on besides the facts."""
    found_by = sorted(
        (topic, kind.FOUND_BY, kind.LEADS_TO) for topic, kind in KINDS.items() if kind.FOUND_BY
    )
    books = drawn_state(), sorted(TOPICS), FOLDING
    inputs = (found_by, sorted(SEARCHED), searched(SAMPLE), books)
    return sha256(repr(inputs).encode()).hexdigest()[:16]


SAMPLE = "ÀÉÎõü ß ﬁ İı Ⅷ ５ 三日月 Ångström O’Neill ❤\ufe0f  \n"
"""A text whose searchable form differs if the normalisation of texts has changed."""


def refill(transaction: Transaction) -> None:
    """Recompute all derived data from the facts and the texts, within a transaction."""
    transaction.execute("DELETE FROM found")
    head, are_counted = 0, True
    for page in _pages(transaction):
        head, facts = page[-1].position, facts_in(page)
        places = [one.position for one in page]
        transaction.insert(FOUND, found_rows([one.found_by() for one in facts], places))
        are_counted = are_counted and _are_counted(transaction, places, facts)
    if not are_counted:
        _vouch(transaction, head)
    _refold(transaction)
    texts = transaction.query("SELECT digest, owner, name, salt, value, folded FROM vault")
    transaction.execute_many(
        "UPDATE vault SET folded = :folded WHERE digest = :digest",
        [
            {"digest": row[0], "folded": again}
            for row in texts
            if (again := vault_row(Disclosure(*row[:5]))[-1]) != row[-1]
        ],
    )


def _are_counted(transaction: Transaction, places: Sequence[int], facts: Sequence[Fact]) -> bool:
    """Whether of each fact that counts toward a quota, the count was kept."""
    sql = "SELECT position FROM spent WHERE position >= :first AND position <= :last"
    kept = {at for (at,) in transaction.query(sql, first=places[0], last=places[-1])}
    return all(
        at in kept
        for at, one in zip(places, facts, strict=True)
        if one.spends and one.actor != OPERATOR
    )


def _vouch(transaction: Transaction, head: int) -> None:
    """Mark all facts as possibly counting toward no quota, as before such marks were kept."""
    if not transaction.query("SELECT 1 FROM spent WHERE actor = '' LIMIT 1"):
        place, actor, quota = vouched(head)
        transaction.insert(SPENT, [(actor, quota, "", place + 1)])


def _refold(transaction: Transaction) -> None:
    """Recompute the books page by page; each page's changes are written before the next is read."""
    transaction.execute("DELETE FROM books")
    for facts in _pages(transaction, TOPICS):
        books = Books(Rows(transaction.query))
        for one in facts:
            books.fold(one.position, one.fact())
        books.write(transaction, facts[-1].position)


def _pages(transaction: Transaction, topics: Collection[str] = ()) -> Iterator[list[Placed]]:
    """All facts, or those of some topics, in order."""
    position, of_topics = 0, "AND topic IN :topics " if topics else ""
    sql = (
        "SELECT position, originator_id, originator_version, topic, state, links "
        f"FROM stored_events WHERE position > :position {of_topics}ORDER BY position LIMIT :page"
    )
    while rows := transaction.query(sql, position=position, topics=list(topics), page=PAGE):
        facts = [Placed(*row) for row in rows]
        yield facts
        position = facts[-1].position
