"""Purging: takes the words of erased texts out of the search index; only then are they in no file.

The cost grows with the size of the index, so it is done in parts between pages of facts. The first
part shares the transaction of the page that erased something, so that any follower that goes on, or
starts later, finds what is left to do.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.engine import Overtaken, Transaction
from domain.journal import Journal
from domain.stored import Placed
from projections import documents
from projections.generations import must_exist
from projections.store import Store, table_name


class Purging:
    """The purge of the index in use."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._goes_on = False

    def begin(self, writer: Transaction, generation: int, placed: Iterable[Placed]) -> None:
        """If any of the facts being folded erased a text, begin to purge all that is indexed."""
        if any(one.topic in documents.erased_by() for one in placed):
            writer.purge(table_name(documents.NAME, generation), begins=True)
            self._goes_on = True

    def look(self, after: int, upto: int, journal: Journal) -> None:
        """Continue a purge that another process may have begun with these facts before it died."""
        if self.store.engine.KEEPS_WORDS:
            is_start = after < 0
            self._goes_on |= is_start or bool(
                journal.facts.after(after, max(upto - after, 0), documents.erased_by())
            )

    def step(self) -> bool:
        """Purge a part; returns whether there was one."""
        if not self._goes_on:
            return False
        generation = self.store.current().number
        try:
            with self.store.writing() as writer:
                must_exist(writer, generation)
                name = table_name(documents.NAME, generation)
                self._goes_on = writer.purge(name, begins=False)
        except Overtaken:
            return True  # by a rebuild
        if not self._goes_on:
            self.store.engine.settle()
        return True
