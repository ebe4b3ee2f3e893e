"""A pool: money that comes in for a release, in one currency, under one set of terms.

A pool never changes; other terms need another pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.fact import Fact, Looking, Noun, fact
from domain.readers import AGREEMENT
from domain.release import Release

POOL_KINDS = {
    "song": "what a song earns",
    "special": "what a film, a special or an episode earns",
    "publishing": "the publishing royalties",
    "master": "the royalties of the recording",
    "line_item": "a line of a budget: paid for the work, whatever it earns",
    "self_funded": "money that the community put up itself",
    "other": "anything else",
}

LEAST_COMMENT_DAYS = 14
"""How long a proposal is open for comments at least."""
MOST_COMMENT_DAYS = 365
LEAST_REVIEW_HOURS = 72
"""How long those with a share can look at a revision, or answer a late comment, at least."""
MOST_REVIEW_HOURS = 24 * MOST_COMMENT_DAYS


def texts_in(terms: Any) -> Iterator[str]:
    """Every text in terms; those that are ids or names of payees give something by name."""
    match terms:
        case str():
            yield terms
        case dict() | list():
            for inner in terms.values() if isinstance(terms, dict) else terms:
                yield from texts_in(inner)


class Pool(Noun):
    """Money of one release under one set of terms."""

    NAME = "pool"
    opened: Opened

    @fact("pool.opened")
    class Opened(Fact):
        """Money can come in from now on.

        ``terms`` is a policy in which ``agreed`` stands for the shares of the proposal in force.
        ``works`` says which components have a right to this pool, with what they were made from;
        without it, the whole release has. Revenue waits until its source has brought in
        ``deferral_minor`` in all. ``statement`` says who else may read the statement.
        """

        READERS = AGREEMENT
        SEALED = ("name",)
        STATE = "open"
        release: str
        name: str
        kind: str
        currency: str
        terms: dict[str, Any]
        rounding: str
        comment_days: int
        deferral_minor: int
        works: list[str] | None = None
        review_hours: int | None = None
        statement: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return (self.release,)

        def apply(self, noun: Pool) -> None:
            noun.state = self.STATE
            noun.opened = self

    BIRTHS = (Opened,)

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who assembled the release."""
        return looking.get(Release, self.opened.release).sides(looking)

    def areas(self, looking: Looking) -> tuple[str, ...]:
        """The pool, and the release whose money it is."""
        return (self.id, self.opened.release)
