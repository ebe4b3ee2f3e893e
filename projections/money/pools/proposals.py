"""A proposal: who would get which share, the comments on it, and who has agreed.

Shares are shown after waivers, waived shares beside them. Anyone who is in the work but not in the
proposal is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from domain.journal import Journal
from domain.moment import instant
from domain.money.apportionment import payee_key
from domain.money.passing import PassedOn, givers_in, passed_in
from domain.money.payee import Payee
from domain.money.proposal import Assets, Proposal
from domain.money.shares import holdings_in, shares_of
from domain.readers import AGREEMENT
from domain.values import ProposalId
from projections import attribution, contributors, lineage
from projections.ancestry import ancestry
from projections.money.agreements import passed_under, waivers_of
from projections.money.balances import persons_of
from projections.money.payees import payees_told, titles
from projections.money.pools.accounts import pool_named
from projections.money.readers import Reader
from projections.money.told import (
    AssetTold,
    CommentAnswer,
    CommentTold,
    ProposalTold,
    ProposalWithdrawn,
    Revision,
    ShareLine,
    Uncited,
    WaivedLine,
)
from projections.nouns import noun_at
from projections.question import question
from projections.store import View, holds, told_of, told_rows


@question(
    "show_proposal",
    "/proposals/{id}",
    cli="proposal show",
    may=AGREEMENT,
    parts=("waived", "shares", "assets", "warnings", "revisions", "comments"),
)
def proposal(view: View, journal: Journal, id: ProposalId, *, actor: str) -> ProposalTold:
    """A proposal: shares, comment window, comments with answers, who agreed, who is missing.

    For everyone with a share in it or a part in the release, those who run it, accountants and
    auditors.
    """
    noun = noun_at(view, journal, Proposal, id)
    Reader(view, journal, actor).must("this proposal", AGREEMENT, noun.pool)
    waivers = waivers_of(view, journal, noun)
    shares = shares_of(noun.current.assets, waivers)
    consents = _consents(view, id)
    told = payees_told(view, shares)
    document = getattr(noun.final, "document", None)
    withdrawn = next((one for _, one in noun.facts if isinstance(one, Proposal.Withdrawn)), None)
    texts = view.texts(
        {
            document,
            getattr(withdrawn, "reason", None),
            *(version.note for version in noun.versions),
            *(comment.text for comment in noun.comments.values()),
            *(answer.text for each in noun.comments.values() for answer in each.answers),
        }
    )
    lines = (
        (payee, str(shares[payee]), consents.get(payee)) for payee in sorted(shares, key=payee_key)
    )
    return told_of(
        ProposalTold,
        noun,
        id=id,
        final_from=noun.final_from(pool_named(view, journal, noun.pool).review_hours),
        runs_from=noun.runs_from(),
        to_notify=len(noun.waits_for) if noun.state == "open" else 0,
        number=noun.final.number if noun.final else None,
        effective_at=noun.final.effective_at if noun.final else None,
        policy=noun.current.policy,
        graph_position=noun.current.graph_position,
        is_implied=isinstance(noun.final, Proposal.Implied),
        agreed_on=getattr(noun.final, "agreed_on", None),
        document=texts[document],
        replaces=getattr(noun.final, "replaces", None),
        withdrawn=withdrawn
        and told_of(
            ProposalWithdrawn,
            withdrawn,
            at=instant(withdrawn.timestamp),
            reason=texts[withdrawn.reason],
        ),
        assets=[_asset_told(asset) for asset in noun.current.assets],
        shares=told_rows(ShareLine, lines, payee=told),
        waived=waived_shares(view, noun.current.assets, waivers),
        comments=[_comment_told(comment, texts) for comment in noun.comments.values()],
        revisions=[
            told_of(Revision, one, comments=[*one.comments], note=texts[one.note])
            for one in noun.versions
        ],
        warnings=used_but_uncited(
            view, noun.release, noun.current.assets, passed_under(view, journal, id)
        ),
    )


def waived_shares(
    view: View, assets: Assets, waivers: Mapping[tuple[str, str], str]
) -> list[WaivedLine]:
    """The waived shares: their asset, the scope of the waiver, and their part of the whole."""
    told = payees_told(view, {payee for payee, _ in waivers})
    called = titles(view, {*waivers.values(), *(asset for _, asset in waivers)})
    held = {(each.payee, each.asset): each.part for each in holdings_in(assets) if waivers}
    lines = (
        (payee, asset, called.get(asset), over, called.get(over), str(held[payee, asset]))
        for (payee, asset), over in waivers.items()
    )
    return told_rows(WaivedLine, lines, payee=told)


def _asset_told(asset: dict[str, Any]) -> AssetTold:
    return cast("AssetTold", {"within": [], "through": [], **asset})


def _comment_told(comment: Any, texts: dict[str | None, str]) -> CommentTold:
    answers = [told_of(CommentAnswer, one, text=texts[one.text]) for one in comment.answers]
    return told_of(CommentTold, comment, text=texts[comment.text], answers=answers)


def _consents(view: View, id: str) -> dict[str, str]:
    rows = view.rows(
        f"SELECT s.payee, s.state FROM @shares s WHERE s.proposal = :id AND {holds('s')}", id=id
    )
    return dict(rows)


def used_but_uncited(
    view: View, release: str, assets: Assets, passed: PassedOn | None = None
) -> list[Uncited]:
    """Works and people of the release that are missing from a proposal.

    A work counts as cited if it is an asset or a share is its own, a person if they have a share in
    any: under any of their accounts, by a name, or for a work that they claimed or made. So does
    anyone who ``passed`` one on, to an assignee or the members of a group.
    """
    tree = ancestry(view, lineage.find(view, release).number).tree
    ids = lineage.ids_of(view, tree.generation)
    names = {name for asset in assets for name in (asset["asset"], *asset.get("within", ()))}
    payees = {payee for asset in assets for payee, _ in asset["shares"]}
    payees |= givers_in(passed_in(assets) if passed is None else passed)
    persons = persons_of(view, payees)
    paid = {persons.get(payee, payee) for payee in payees}
    pieces = _after_joins(view, names)
    missing: list[Uncited] = []
    if not pieces.isdisjoint(ids.values()):
        cited = pieces | _after_joins(view, _works_among(payees))
        works = lineage.references(view, [work for work in tree.generation if work != tree.root])
        missing += [
            {"kind": "work", "id": found["id"], "name": found["title"] or found["uri"]}
            for _, found in sorted(works.items())
            if found["id"] not in cited
        ]
    credits = attribution.credits_on(view, tree.generation)
    offered = _first_on([row for row in credits if ids[row.work] in _works_among(paid)])
    shown = {row.contributor: row.person for row in credits}
    people = contributors.persons(view, {*shown, *shown.values()})
    missing += [
        {"kind": "contributor", **people[one]}
        for one, person in sorted(shown.items())
        if people[person]["id"] not in paid and one not in offered
    ]
    return missing


def _works_among(payees: Iterable[str]) -> set[str]:
    return {one.id for one in map(Payee.parse, payees) if one.is_work}


def _first_on(credits: Iterable[attribution.CreditRow]) -> set[int]:
    """Who is credited first on each work, and so is offered its share."""
    direct = [row for row in credits if row.kind == "direct"]
    direct.sort(key=lambda row: row.born, reverse=True)
    return {*{row.work: row.contributor for row in direct}.values()}


def _after_joins(view: View, names: set[str]) -> set[str]:
    """These names, a work that was joined into another by the other's id."""
    into = lineage.nodes_of(view, names)
    return {into.get(name, name) for name in names}
