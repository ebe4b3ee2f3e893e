"""The findings of an audit: differences from what the facts imply, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import wraps
from itertools import islice
from typing import NamedTuple

from domain.stored import Placed
from domain.tree import NotVerified
from domain.unreadable import Unreadable
from projections.damage import DAMAGED, place_of
from projections.progress import Progress
from scripts.service import Service

PAGE = 5_000
"""How many facts are examined at a time."""


class Difference(NamedTuple):
    """Something that differs from what the facts imply: where, and how."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Differences = Generator[Difference, None, str]
"""Yields differences; returns a text on what was compared."""
Check = Callable[[Service, Progress], Differences]


def at_one_moment(check: Check) -> Check:
    """The check within one snapshot of the database, while others keep writing."""

    @wraps(check)
    def checked(service: Service, progress: Progress) -> Differences:
        with service.engine.snapshot():
            return (yield from check(service, progress))

    return checked


def at(place: int | str, what: str) -> Difference:
    """A difference at a position, or elsewhere."""
    return Difference(position(place) if isinstance(place, int) else place, what)


def position(number: int) -> str:
    """A position as differences name it."""
    return f"position {number}"


def pages(placed: Iterable[Placed], progress: Progress, of: int) -> Iterator[list[Placed]]:
    """Facts, page by page; progress is reported after each page."""
    facts = iter(placed)
    while page := list(islice(facts, PAGE)):
        yield page
        progress(page[-1].position, of)


def all_pages(service: Service, progress: Progress) -> Iterator[list[Placed]]:
    """All facts of the journal, page by page."""
    return pages(service.journal.read(), progress, service.journal.facts.head())


def all_facts(service: Service, progress: Progress) -> Iterator[Placed]:
    """All facts of the journal, one by one."""
    head = service.journal.facts.head()
    for placed in service.journal.read():
        yield placed
        if placed.position % PAGE == 0:
            progress(placed.position, head)


def all_differences(check: Check, service: Service, progress: Progress) -> list[Difference] | str:
    """Every difference that a check finds or, without any, a text on what it compared.

    Damaged data may stop a check, which is a difference as well. So may a mistake
    of ours; then no check finds another difference.
    """
    found, there = check(service, progress), list[Difference]()
    try:
        while True:
            there.append(next(found))
    except StopIteration as end:
        return there or str(end.value)
    except Unreadable as error:
        unreadable = Difference(
            f"{error.table}, {error.key}", f"this row does not read ({error.why!r})"
        )
        return [*there, unreadable]
    except NotVerified as error:
        return [*there, Difference("what is stored", str(error))]
    except DAMAGED as error:
        return [*there, Difference(ENDED, f"it ended in {error!r}, in {place_of(error)}")]


ENDED = "the check"
"""Where something is wrong that ended a check: in what is stored or, if all of that is right, in
Stemma."""
