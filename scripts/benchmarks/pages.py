"""Pages: each made from the database to the last byte, in one process.

The peer is what the API answers about the same thing in JSON: a page reads that and more, and draws
its pictures. The size of the page stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from gzip import compress
from statistics import median
from typing import NamedTuple

from api.application import create_app
from domain.draft import Draft
from domain.fact import utc_now
from domain.money.treasury import Treasury
from domain.permission import OPERATOR
from domain.sheet import Receipt
from scripts.benchmarks.measure import Peer, Result, Size, engine_of, scratch, seconds
from scripts.service import Service, open_service

WORKS = (30, 500)
TIMES = {"small": 3, "full": 50}
KEY = "for-this-benchmark-only"
AIM = "aim: under 200 ms and 100 KB"


class _Clock:
    """A clock that can be set forward, so that the time for comments is over."""

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
        app = create_app(service.journal, service.store, service.keys, service.log)
        client, key = app.test_client(), {"Authorization": f"Bearer {KEY}"}

        def took(path: str) -> float:
            assert client.get(path, headers=key).status_code == 200
            taken = [seconds(lambda: client.get(path, headers=key)) for _ in range(TIMES[size])]
            return median(taken) * 1000

        for place in places:
            page = client.get(place.page, headers=key).data
            yield Result(
                "pages",
                engine_of(database),
                place.said,
                took(place.page),
                "ms",
                (Peer("the same as JSON", took(place.json)),),
                f"{len(page) / 1000:.0f} KB, {len(compress(page)) / 1000:.0f} as gzip; {AIM}",
            )


def _places(service: Service, clock: _Clock, works: int) -> Iterator[_Place]:
    """The pages about a finished work of so many others, each by somebody else."""
    people: list[str] = []
    pieces: list[str] = []
    record = service.journal.record
    whole = record(_release, works=works, people=people, pieces=pieces).id
    pool = record(
        Treasury.open_pool,
        actor=OPERATOR,
        release=whole,
        name="All of it",
        kind="song",
        currency="EUR",
        terms={"type": "agreed"},
    ).id
    assets = [
        {"asset": piece, "value": "1", "shares": [[one, "1"]]}
        for piece, one in zip(pieces, people, strict=True)
    ]
    proposal = record(Treasury.post_proposal, actor=OPERATOR, pool=pool, assets=assets).id
    clock.ahead += timedelta(days=15)
    record(Treasury.finalise_proposal, actor=OPERATOR, proposal=proposal)
    record(
        Treasury.record_revenue,
        actor=OPERATOR,
        pool=pool,
        source="shop",
        effective_at="2026-06",
        amount_minor=1_000_000,
    )
    last, person = pieces[-1], people[-1]
    own = f"/contributors/{person}"
    for said, page, json in (
        (f"a release of {works} works", f"/r/{whole}", f"/works/{whole}/lineage"),
        (f"the last of {works} pieces", f"/w/{last}", f"/works/{last}/lineage"),
        (f"a pool of {works} shares", f"/pool/{pool}", f"/pools/{pool}/statement"),
        (f"the agreement of {works}", f"/proposal/{proposal}", f"/proposals/{proposal}"),
        (f"one of {works} people", f"/p/{person}", f"{own}/attribution"),
        (f"what one earned of {works}", f"/statement/{person}", f"{own}/statement"),
    ):
        yield _Place(said, page, json)


def _release(draft: Draft, *, works: int, people: list[str], pieces: list[str]) -> Receipt:
    """A finished work of so many others, each by somebody else and made from up to two."""
    people.clear()  # a draft that was overtaken is carried out again
    pieces.clear()
    for number in range(works):
        people.append(draft.admit_contributor(actor=OPERATOR, name=f"Person {number}").id)
        piece = draft.submit_contribution(
            actor=OPERATOR,
            title=f"A study of paper lanterns, number {number}",
            medium="image",
            authors=[{"contributor": people[-1], "role": "artist"}],
            sources=[{"work": work, "kind": "sample", "rate": "1/5"} for work in pieces[-8::7]],
        )
        pieces.append(piece.id)
    parts = [{"work": work} for work in pieces[-20:]]
    return draft.assemble_release(actor=OPERATOR, title="All of them", components=parts)
