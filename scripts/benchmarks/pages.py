"""Pages: each made from the database to the last byte, in one process.

The peer is the API's answer about the same thing in JSON: a page reads that and more, and draws
its pictures. The size of the page is printed as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from gzip import compress
from statistics import median
from typing import NamedTuple

from domain.commands.admitting import AdmitContributor
from domain.commands.releasing import AssembleRelease, Component
from domain.commands.submitting import Author, Source, SubmitContribution
from domain.fact import utc_now
from domain.money.agreeing import FinaliseProposal
from domain.money.dividing import RecordRevenue
from domain.money.proposing import OpenPool, PostProposal
from scripts.benchmarks.by_hand import scratch
from scripts.benchmarks.measure import KEY, Peer, Result, Size, at_most, client_of, seconds
from scripts.service import Service, open_service

WORKS = (30, 500)
TIMES = {"small": 3, "full": 50}


class _Clock:
    """A clock that can be set forward, to end the time for comments."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


class _Place(NamedTuple):
    """A page, and the same as JSON."""

    said: str
    page: str
    json: str


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds, the median."""
    clock = _Clock()
    with (
        scratch(database) as address,
        open_service(address, operator_key=KEY, clock=clock) as service,
    ):
        places = [place for works in WORKS for place in _places(service, clock, works)]
        service.follower.catch_up()
        client = client_of(service)

        def took(path: str) -> float:
            assert client.get(path).status_code == 200
            taken = [seconds(lambda: client.get(path)) for _ in range(TIMES[size])]
            return median(taken) * 1000

        for place in places:
            page = client.get(place.page).data
            yield Result(
                place.said,
                took(place.page),
                "ms",
                (Peer("the same as JSON", took(place.json)),),
                f"{len(page) / 1000:.0f} KB, {len(compress(page)) / 1000:.0f} as gzip",
                at_most(200),
            )


def _places(service: Service, clock: _Clock, works: int) -> Iterator[_Place]:
    """The pages about a release of ``works`` pieces, each by a different person."""
    record = service.journal.record
    people, pieces, whole = _release(service, works)
    pool = record(
        OpenPool(
            release=whole, name="All of it", kind="song", currency="EUR", terms={"type": "agreed"}
        )
    ).id
    assets = tuple(
        {"asset": piece, "value": "1", "shares": [[one, "1"]]}
        for piece, one in zip(pieces, people, strict=True)
    )
    proposal = record(PostProposal(pool=pool, assets=assets)).id
    clock.ahead += timedelta(days=15)
    record(FinaliseProposal(proposal=proposal))
    record(RecordRevenue(pool=pool, source="shop", effective_at="2026-06", amount_minor=1_000_000))
    last, person = pieces[-1], people[-1]
    own = f"/contributors/{person}"
    for said, page, json in (
        (f"a release of {works} works", f"/release/{whole}", f"/works/{whole}/lineage"),
        (f"the last of {works} pieces", f"/piece/{last}", f"/works/{last}/lineage"),
        (f"a pool of {works} shares", f"/pool/{pool}", f"/pools/{pool}/statement"),
        (f"the agreement of {works}", f"/proposal/{proposal}", f"/proposals/{proposal}"),
        (f"one of {works} people", f"/contributor/{person}", f"{own}/attribution"),
        (f"what one earned of {works}", f"/statement/{person}", f"{own}/statement"),
    ):
        yield _Place(said, page, json)


def _release(service: Service, works: int) -> tuple[list[str], list[str], str]:
    """A release of ``works`` pieces, each by a different person and made from up to two."""
    draft = service.journal.draft()
    people: list[str] = []
    pieces: list[str] = []
    for number in range(works):
        people.append(draft.carry_out(AdmitContributor(name=f"Person {number}")).id)
        sources = (Source(work=work, kind="sample", rate="1/5") for work in pieces[-8::7])
        piece = SubmitContribution(
            title=f"A study of paper lanterns, number {number}",
            medium="image",
            authors=(Author(contributor=people[-1], role="artist"),),
            sources=tuple(sources),
        )
        pieces.append(draft.carry_out(piece).id)
    parts = tuple(Component(work=work) for work in pieces[-20:])
    whole = draft.carry_out(AssembleRelease(title="All of them", components=parts)).id
    service.journal.commit(draft)
    return people, pieces, whole
