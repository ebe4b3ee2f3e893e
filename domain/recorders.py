"""The journal's recorder: all that is done with stored facts, as the eventsourcing library has it.

How facts are recorded is in domain.appending, and how they are read in domain.queries. Triggers
refuse to edit or delete them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eventsourcing.persistence import (
    ApplicationRecorder,
    Notification,
    NotSupportedError,
    StoredEvent,
    Subscription,
)

from domain.append import Append
from domain.appending import Appending
from domain.engine import Engine, Row
from domain.heads import STREAMS, Basis, read_basis
from domain.lately import Lately
from domain.queries import Facts
from domain.stored import FURTHER_KEYS, Placed

if TYPE_CHECKING:
    from uuid import UUID


class JournalRecorder(Facts, ApplicationRecorder):
    """The facts, with what this process remembers of them, and the way to add more."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._lately = Lately(engine)
        self.appending = Appending(engine, self._lately)

    def insert_events(self, stored_events: Sequence[StoredEvent], **terms: Any) -> Sequence[int]:
        """Record facts, with the fields of an Append as terms; returns their positions."""
        return self.appending.append(Append(stored_events, **terms))

    def name_further(self, keys: Mapping[str, int]) -> None:
        """Store the keys under which requests were repeated, with the positions of the requests."""
        with self.engine.transaction() as transaction:
            transaction.insert(FURTHER_KEYS, list(keys.items()))

    def vacuum(self) -> bool:
        """Rewrite the vault; returns false if it has to be repeated (see Engine.vacuum)."""
        return self.engine.vacuum("vault")

    # -- memory ----------------------------------------------------------------------------

    def basis(self, ids: Collection[str]) -> Basis:
        """Read the streams and heads of some ids; the first query of a snapshot."""
        return self._read(self.engine.query, ids)

    def basis_ahead(self, ids: Collection[str]) -> Basis:
        """The same ahead of a snapshot, which may never have to begin.

        If it does, and more was recorded by then, the query that begins it raises Overtaken.
        """
        self.engine.validate_on_begin(lambda: self.latest() == found.point)
        return (found := self._read(self.engine.query_outside, ids))

    def _read(self, query: Callable[..., list[Row]], ids: Collection[str]) -> Basis:
        found = read_basis(query, self.engine, ids, STREAMS)
        self._lately.read(found)
        return found

    def remembered(self, ids: Collection[str]) -> Basis | None:
        """The same from memory, or None; only an append made on it shows that it was up to date."""
        found = self._lately.basis(ids)
        if found is not None:
            self.engine.validate_on_begin(lambda: self.latest() == found.point)
        return found

    def lately(self, position: int) -> list[Placed]:
        """The next facts after a position, from memory; none if they are not remembered."""
        return self._lately.after(position)

    # -- as the library names it -----------------------------------------------------------

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        found = [
            StoredEvent(*one[1:5])
            for one in self.streams([str(originator_id)])
            if (gt is None or one.originator_version > gt)
            and (lte is None or one.originator_version <= lte)
        ]
        return (found[::-1] if desc else found)[:limit]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """At most ``limit`` facts from position ``start`` on."""
        after = (start or 0) - (1 if inclusive_of_start else 0)
        return [
            Notification(*one[1:5], id=one.position)
            for one in self.after(after, limit, topics)
            if stop is None or one.position <= stop
        ]

    def max_notification_id(self) -> int | None:
        """The position of the latest fact."""
        return self.head() or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Not supported: followers poll for new facts."""
        raise NotSupportedError("see projections.follower")
