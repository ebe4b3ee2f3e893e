"""How the shares changed since the first proposal, with the comments that caused it."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from domain.journal import Journal
from domain.money.apportionment import payee_key
from domain.money.proposal import Proposal
from domain.money.shares import shares_of
from domain.readers import AGREEMENT
from domain.values import ProposalId
from projections.money.agreements import waivers_of
from projections.money.payees import payees_told
from projections.money.pools.proposals import waived_shares
from projections.money.readers import Reader
from projections.money.told import Cause, Diff, DiffLine
from projections.nouns import noun_at
from projections.question import question
from projections.store import View


@question(
    "show_proposal_diff",
    "/proposals/{id}/diff",
    cli="proposal diff",
    may=AGREEMENT,
    parts=("lines",),
)
def diff(view: View, journal: Journal, id: ProposalId, *, actor: str) -> Diff:
    """How each share changed since the first proposal, with the comments that caused it."""
    noun = noun_at(view, journal, Proposal, id)
    Reader(view, journal, actor).must("this proposal", AGREEMENT, noun.pool)
    stages = [shares_of(version.content.assets, {}) for version in noun.versions]
    waivers = waivers_of(view, journal, noun)
    final = shares_of(noun.current.assets, waivers)
    payees = sorted({payee for stage in (*stages, final) for payee in stage}, key=payee_key)
    told = payees_told(view, payees)
    texts = view.texts({comment.text for comment in noun.comments.values()})
    waived = waived_shares(view, noun.current.assets, waivers)
    lines: list[DiffLine] = []
    for payee in payees:
        shares = [stage.get(payee, Fraction()) for stage in stages]
        agreed, now = shares[-1], final.get(payee, Fraction())
        causes: list[Cause] = [
            {
                "at": version.at,
                "position": version.position,
                "before": str(shares[number - 1]),
                "after": str(shares[number]),
                "comments": [
                    {
                        "id": comment,
                        "kind": noun.comments[comment].kind,
                        "about": noun.comments[comment].about,
                        "text": texts.get(noun.comments[comment].text),
                        "actor": noun.comments[comment].actor,
                        "concerns": comment in _about(noun, version.comments, payee),
                    }
                    for comment in version.comments
                ],
            }
            for number, version in enumerate(noun.versions)
            if number and shares[number - 1] != shares[number]
        ]
        lines.append(
            {
                "payee": told[payee],
                "first": str(shares[0]),
                "current": str(now),
                "change": str(now - shares[0]),
                "waived": str(max(Fraction(), agreed - now)),
                "by_waivers": str(now - agreed),
                "waivers": [] if now == agreed else waived,
                "causes": causes,
            }
        )
    return {"id": id, "state": noun.state, "lines": lines}


def _about(noun: Proposal, comments: Collection[str], payee: str) -> list[str]:
    """Of the comments that a revision answers, those about this payee; if there are none, all."""
    pieces = {
        name
        for asset in noun.current.assets
        if any(payee == holder for holder, _ in asset["shares"])
        for name in (asset["asset"], *asset.get("within", ()))
    }
    own = [each for each in comments if noun.comments[each].about in {payee, *pieces}]
    return own or list(comments)
