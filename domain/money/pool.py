"""A pool: the money that a release earns, in one currency, under terms.

Terms can be amended from a date on; what was earned before keeps the earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from domain.fact import Fact, Looking, Noun, fact
from domain.money.payee import people_among
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
"""The least number of days for which a proposal is open for comments."""
MOST_COMMENT_DAYS = 365
LEAST_REVIEW_HOURS = 72
"""The least number of hours between a revision, or a late comment, and the end."""
MOST_REVIEW_HOURS = 24 * MOST_COMMENT_DAYS


def texts_in(terms: Any) -> Iterator[str]:
    """Every text in terms, among them the ids and names of payees."""
    match terms:
        case str():
            yield terms
        case dict() | list():
            for inner in terms.values() if isinstance(terms, dict) else terms:
                yield from texts_in(inner)


BY_TERRITORY = "territory"
LOCATED_BY = {BY_TERRITORY: "the money of a sale comes from the country in which it was sold"}
"""Other ways to find the country that money of a pool comes from."""


class Pool(Noun):
    """Money of one release under terms."""

    opened: Opened
    amended: tuple[Amended, ...]
    country: str | None = None
    """The country that its money comes from, if stated."""
    by_territory: bool = False
    """Whether a sale's territory counts instead, if it is a country."""
    reserving: tuple[Reserving, ...] = ()
    """The rules for what is held back for returns."""

    @fact("pool.opened", "{actor} opened a pool for {release}", begins=True)
    class Opened(Fact):
        """Money can come in from now on.

        ``terms`` is a policy in which ``agreed`` stands for the shares of the proposal in force.
        ``works`` says which components have a right to this pool, with what they were made from;
        without it, the whole release has. Revenue waits until its source has brought in
        ``deferral_minor`` in all. ``statement`` says who else may read the statement.
        """

        READERS = AGREEMENT
        FOUND_BY = ("release",)
        STATE = "open"
        ABOUT = ("release",)
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

        def defers(self, brought_minor: int) -> bool:
            """Whether revenue of a source that has brought in this much waits; never without a
            deferral, even if more came back from a source than it brought in."""
            return 0 < self.deferral_minor > brought_minor

        def apply(self, noun: Pool) -> None:
            noun.state = self.STATE
            noun.opened, noun.amended = self, ()

    @fact("pool.amended", "{actor} amended the terms under which {release} is shared")
    class Amended(Fact):
        """New terms apply to what is earned from a date on.

        The running totals, kept by place, are taken along; the new terms must have every
        place that has one.
        """

        READERS = AGREEMENT
        FROM = ("open",)
        ABOUT = ("release",)
        release: str
        terms: dict[str, Any]
        number: int
        effective_at: str
        reason: str | None = None
        document: str | None = None

        def apply(self, noun: Pool) -> None:
            noun.amended = (*noun.amended, self)

    @fact(
        "pool.located", "{actor} stated that the money of a pool of {release} comes from {country}"
    )
    class Located(Fact):
        """The money of a pool comes from a country; that decides what is withheld of payouts."""

        READERS = AGREEMENT
        FROM = ("open",)
        ABOUT = ("release",)
        release: str
        country: str
        by_territory: bool | None = None
        """Whether from now on a sale's territory counts as its country."""
        reason: str | None = None

        def apply(self, noun: Pool) -> None:
            noun.country, noun.by_territory = self.country, bool(self.by_territory)

    @fact("pool.reserving", "{actor} stated what is held back for returns from {release}")
    class Reserving(Fact):
        """A part of what payees earn from a date on is held back for returns; 0 ends it."""

        READERS = AGREEMENT
        FROM = ("open",)
        release: str
        rate: str
        effective_at: str
        months: int | None = None
        """For how many months after that in which it was earned; None: until a command frees it."""
        payee: str | None = None
        """The payee; None: everybody without a rule of their own."""
        reason: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *people_among((self.payee,) if self.payee else ()))

        def apply(self, noun: Pool) -> None:
            noun.reserving = (*noun.reserving, self)

    def at(self, effective_at: str | None) -> Opened:
        """The pool with the terms in force for what was earned then; None: the latest."""
        return in_force(self.opened, self.amended, effective_at)

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who assembled the release."""
        return looking.get(Release, self.opened.release).sides(looking)

    def areas(self, looking: Looking) -> tuple[str, ...]:
        """The pool, and the release whose money it is."""
        return (self.id, self.opened.release)


def in_force(
    opened: Pool.Opened, amended: Sequence[Pool.Amended], effective_at: str | None
) -> Pool.Opened:
    """A pool with the terms in force for what was earned at a moment; None: the latest."""
    return version(opened, amended, version_at(amended, effective_at))


def version(opened: Pool.Opened, amended: Sequence[Pool.Amended], number: int) -> Pool.Opened:
    """A pool with the terms of amendment ``number``; 0: those it was opened with."""
    return replace(opened, terms=amended[number - 1].terms) if number else opened


def version_at(amended: Sequence[Pool.Amended], effective_at: str | None) -> int:
    """The number of the amendment in force at a moment; 0 before the first."""
    holding = (
        (each.effective_at, each.number)
        for each in amended
        if effective_at is None or each.effective_at <= effective_at
    )
    return max(holding, default=("", 0))[1]
