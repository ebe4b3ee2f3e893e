"""What is stored besides the facts and follows from them: its version, and how it is made again.

It is written with the facts, so it is made again only where a version of Stemma stores something
else, or where a backup is restored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from hashlib import sha256

from domain.engine import Transaction
from domain.fact import FACTS as KINDS
from domain.kept import Rows
from domain.money.books import Books
from domain.money.folding import TOPICS
from domain.money.state import drawn_state
from domain.seal import Disclosure
from domain.stored import FOUND, SEARCHED, Placed, found_rows, vault_row
from domain.text import searched

PAGE = 5_000
FOLDING = 3
"""Raised when facts are folded into other books of the same form, or found by other values."""


@cache
def derived_version() -> str:
    """The version of what is stored besides facts and follows from them."""
    found_by = sorted(
        (topic, kind.FOUND_BY, kind.LEADS_TO) for topic, kind in KINDS.items() if kind.FOUND_BY
    )
    books = drawn_state(), sorted(TOPICS), FOLDING
    said = (found_by, sorted(SEARCHED), searched(SAMPLE), books)
    return sha256(repr(said).encode()).hexdigest()[:16]


SAMPLE = "ÀÉÎõü ß ﬁ İı Ⅷ ５ 三日月 Ångström O’Neill ❤\ufe0f  \n"
"""What is folded otherwise wherever folding has changed."""


def refill(transaction: Transaction) -> None:
    """Compute again what follows from the facts and the texts, within a transaction."""
    transaction.execute("DELETE FROM found")
    for facts in _pages(transaction):
        found = [one.fact().found_by() for one in facts]
        transaction.insert(FOUND, found_rows(found, [one.position for one in facts]))
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


def _refold(transaction: Transaction) -> None:
    """Fold the books again; what a page of facts changes is written before the next is read."""
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
