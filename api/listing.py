"""Lists of what is not recorded as facts, in pages: keys, webhooks and mailboxes.

A page begins after the last item of the one before, so that whatever is added or ended meanwhile,
no other item is left out or repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from domain.engine import Engine, Row
from projections.pages import Page, cut, decode_cursor, mark_of, marked, unmarked


class Slice(NamedTuple):
    """A part of a list; by default, all of it."""

    after: Sequence[str] | None = None
    """The place after which it begins: when an item was made, and its name."""
    most: int | None = None

    def rows(self, engine: Engine, sql: str, order: str, /, **values: Any) -> list[Row]:
        """The rows of a query, which ends with a condition, in the order of two columns."""
        if self.after is not None:
            sql += f" AND ({order}) > (:made_at, :name)"
            values["made_at"], values["name"] = self.after
        sql += f" ORDER BY {order}"
        if self.most is not None:
            sql += " LIMIT :most"
            values["most"] = self.most
        return engine.query(sql, **values)


WHOLE = Slice()


def page_of(find: Callable[[Slice], Sequence[Any]], after: str | None, limit: int) -> Page[Any]:
    """A page of a list whose parts ``find`` returns; its items have a ``place``."""
    # One more than the limit shows whether there is another page.
    mark = mark_of(find.__qualname__)
    found = find(Slice(decode_cursor(unmarked(mark, after), str, str), limit + 1))
    items, further = cut(found, limit, lambda one: one.place)
    return Page([*items], marked(mark, further))
