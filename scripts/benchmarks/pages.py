"""Pages: the page of a finished work, made from the database to the last byte, in one process.

The peer is the same lineage as the API answers it in JSON: a page reads that and the credits, lays
the roll out and, up to forty works, draws the picture. The size of the page stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from api.application import create_app
from domain.draft import Draft
from domain.permission import OPERATOR
from domain.sheet import Receipt
from scripts.benchmarks.measure import Peer, Result, Size, engine_of, scratch, seconds
from scripts.service import open_service

WORKS = (30, 500)
TIMES = {"small": 3, "full": 50}
KEY = "for-this-benchmark-only"
AIM = "aim: under 200 ms and 100 KB"


def measure(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds, the median."""
    with scratch(database) as address, open_service(address, operator_key=KEY) as service:
        wholes = [service.journal.record(_release, works=works).id for works in WORKS]
        service.follower.catch_up()
        app = create_app(service.journal, service.store, service.keys, service.log)
        client, key = app.test_client(), {"Authorization": f"Bearer {KEY}"}

        def took(path: str) -> float:
            assert client.get(path, headers=key).status_code == 200
            taken = [seconds(lambda: client.get(path, headers=key)) for _ in range(TIMES[size])]
            return median(taken) * 1000

        for works, whole in zip(WORKS, wholes, strict=True):
            page = client.get(f"/r/{whole}", headers=key)
            yield Result(
                "pages",
                engine_of(database),
                f"a release of {works} works",
                took(f"/r/{whole}"),
                "ms",
                (Peer("its lineage as JSON", took(f"/works/{whole}/lineage")),),
                f"{len(page.data) / 1000:.0f} KB; {AIM}",
            )


def _release(draft: Draft, *, works: int) -> Receipt:
    """A finished work of so many others, each by somebody else and made from up to two."""
    made: list[str] = []
    for number in range(works):
        person = draft.admit_contributor(actor=OPERATOR, name=f"Person {number}").id
        piece = draft.submit_contribution(
            actor=OPERATOR,
            title=f"A study of paper lanterns, number {number}",
            medium="image",
            authors=[{"contributor": person, "role": "artist"}],
            sources=[{"work": work, "kind": "sample"} for work in made[-8::7]],
        )
        made.append(piece.id)
    parts = [{"work": work} for work in made[-20:]]
    return draft.assemble_release(actor=OPERATOR, title="All of them", components=parts)
