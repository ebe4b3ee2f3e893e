"""Audits the money: divisions, payouts, balances and books."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.kept import BETWEEN
from domain.known import Known
from domain.money.books import Books, fold_after
from domain.money.entry import Entry
from domain.money.pool import Pool
from domain.money.proposal import Proposal
from domain.money.proposing import computed_assets, eligible_assets
from domain.money.verifying import Verifier
from projections.money import balances as projected
from projections.progress import Progress
from projections.store import View, Viewpoint
from projections.wording import several
from scripts.difference import Difference, Differences, all_facts, at, at_one_moment
from scripts.service import Service


@at_one_moment
def money(service: Service, progress: Progress) -> Differences:
    """Every share, division, payout and balance is as computed again from the facts."""
    verifier = Verifier()
    told = ((placed.position, placed.fact()) for placed in all_facts(service, progress))
    for fault in verifier.read(told):
        yield at(fault.position, fault.what)
    yield from _computed(service)
    folded = service.store.current()
    if folded.position == verifier.books.position:
        yield from _projected(View(service.engine, Viewpoint(*folded)), verifier)
    count = verifier.counted
    entries = sum(count[kind.TOPIC] for kind in Entry.BIRTHS)
    return (
        f"agreements: {count['agreements']}; divisions, reversals and corrections: {entries}; "
        f"payouts: {count['payouts']}; postings: {count['postings']}, which sum to zero"
    )


def _computed(service: Service) -> Iterator[Difference]:
    """Every split is as computed again from the lineage as it was known at the time."""
    journal = service.journal
    stages_of = (Proposal.Posted, Proposal.Revised, Proposal.Continued)
    topics = [kind.TOPIC for kind in (Pool.Opened, *stages_of)]
    pools: dict[str, Pool.Opened] = {}
    stages: list[tuple[int, Proposal.Stage, list[dict[str, Any]]]] = []
    for placed in journal.read(topics=topics):
        happened = placed.fact()
        match happened:
            case Pool.Opened():
                pools[happened.originator_id] = happened
            case Proposal.Stage():
                stages.append((placed.position, happened, list(happened.assets)))
            case Proposal.Continued():
                stages[-1][2].extend(happened.assets)
    for position, stage, assets in stages:
        if stage.policy is None or stage.graph_position is None:
            continue
        works = pools[stage.pool].works
        known = Known(journal.facts, stage.graph_position)
        graph = known.lineage(stage.release, stage.default_rate)
        again = computed_assets(stage.policy, graph)
        if works is not None:
            again = eligible_assets(again, works, graph)
        if again != assets:
            yield at(position, "the lineage at that time gives another split")


def _projected(view: View, verifier: Verifier) -> Iterator[Difference]:
    """The balances in the read tables equal those in the verifier's own books."""
    known = {(each.payee, each.proposal): each.units for each in projected.accounts(view)}
    for key in {*known, *verifier.books.accounts}:
        units, again = known.get(key, {}), verifier.books.accounts.get(key, {})
        if {n: u for n, u in units.items() if u} != {n: u for n, u in again.items() if u}:
            payee, agreement = key
            where = f"the balance of {payee} under {agreement}"
            yield at(where, f"it is {units}; computed again it is {again}")


@at_one_moment
def books(service: Service, progress: Progress) -> Differences:
    """The books, by which commands about money decide, follow from the facts."""
    journal, anew = service.journal, Books()
    fold_after(anew, journal.facts)
    held: dict[str, str] = dict(service.engine.query("SELECT key, value FROM books"))
    progress(anew.position, anew.position)
    told = anew.rows()
    for key in sorted({*held, *told}):
        if held.get(key) != told.get(key):
            what = f"the row is {held.get(key)}; the facts give {told.get(key)}"
            yield at(f"books, {key.replace(BETWEEN, ' ')}", what)
    return f"{several(len(told), 'row')}, as the facts give them"
