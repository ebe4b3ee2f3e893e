"""The producer's desk: their releases, how far each has come, and its next step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flask import g, render_template

from api.web.address import PageQuery
from api.web.frame import Answer, Frame, reader
from domain.moment import instant
from domain.money.policy.shares import Agreed
from domain.money.proposal import Proposal
from domain.money.terms import policies_in
from domain.permission import ANYONE
from projections import produced, wording
from projections.money import pools
from projections.money.pools.told import PoolTold
from projections.nouns import noun_at
from projections.question import Paged
from projections.store import View

MANY = 10


class Step(NamedTuple):
    """How far a release or a pool has come, and what to do next."""

    stands: str
    does: str | None = None
    """What the producer can do now; None if it is up to others, or to nobody."""
    path: str = ""
    missing: produced.Who = produced.NOBODY
    """The payees who have not answered yet."""


def pages(frame: Frame) -> None:
    """The desk."""

    @frame.desk("producer", "Releases: what is in them, who has agreed, what comes next", (ANYONE,))
    def show_producer(view: View, said: PageQuery) -> Answer:
        part: Paged = {"after": said.at.cursor, "limit": MANY}
        found = produced.releases_of(view, frame.journal, g.actor, **part)
        return render_template(
            "producer.html",
            releases=[(one, list(_steps(view, frame, one))) for one in found.items],
            next=found.next,
        )


def _steps(view: View, frame: Frame, release: produced.Produced) -> Iterator[Step]:
    """The steps of a release: publishing it, opening its pools, agreeing on their shares.

    Obstacles are counted only on the clearance page, because that reads everything in the release.
    """
    id = release["id"]
    if release["state"] == "withdrawn":
        yield Step("withdrawn")
        return
    if release["published_at"] is None:
        does = "Check what stands in its way, and publish it"
        yield Step("not published yet", does, f"/release/{id}/clearance")
    else:
        yield Step(f"published {wording.day(release['published_at'])}")
    listed = pools.pools(view, frame.journal, id, actor=reader()).items
    if not listed:
        own = " of its own" if release["part"] else " for what it earns"
        yield Step(f"no pool{own}", "Open a pool", f"/release/{id}/pool")
    for pool in listed:
        yield _of_pool(view, frame, pools.pool(view, frame.journal, pool["id"], actor=reader()))


def _of_pool(view: View, frame: Frame, pool: PoolTold) -> Step:
    """How far a pool has come, judged by its latest proposal."""
    name = pool["name"] or "a pool"
    stand = [one for one in pool["proposals"] if one["state"] != "withdrawn"]
    if not stand:
        if not policies_in(pool["terms"], Agreed.TYPE):
            return Step(
                f"{name}: the terms name every payee", "See the pool", f"/pool/{pool['id']}"
            )
        return Step(f"{name}: open", "Propose shares", f"/pool/{pool['id']}/propose")
    latest = max(stand, key=lambda one: one["position"])["id"]
    path = f"/proposal/{latest}"
    noun = noun_at(view, frame.journal, Proposal, latest)
    if noun.state == "open":
        return _of_open(frame, name, path, noun, pool["review_hours"])
    missing, declined = (produced.who(view, latest, state) for state in ("offered", "declined"))
    if declined.number:
        said = f"{name}: declined by {', '.join(declined.names)}"
        return Step(said, "Propose again", f"/pool/{pool['id']}/propose", missing)
    if missing.number:
        waits = wording.several(missing.number, "has", "have")
        return Step(f"{name}: shares are final, {waits} not accepted", None, path, missing)
    return Step(f"{name}: everyone has accepted", None, path)


def _of_open(frame: Frame, name: str, path: str, noun: Proposal, review_hours: int) -> Step:
    """How far an open proposal has come."""
    waiting = sum(one.is_open for one in noun.comments.values())
    if waiting:
        comments = wording.several(waiting, "comment")
        return Step(f"{name}: proposed", f"Answer {comments}", f"{path}#comments")
    until = max(noun.closes_at, noun.final_from(review_hours))
    if instant(frame.journal.clock()) < until:
        return Step(f"{name}: open for comments until {wording.minute(until)} (UTC)", None, path)
    return Step(f"{name}: comments are closed", "Make the shares final", f"{path}#close")
