"""The inbox: everything that waits for somebody's answer or decision, the most urgent first.

Each kind names the commands that answer it; a test finds commands to which no kind leads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, TypedDict, Unpack

from domain.journal import Journal
from domain.money.hold import hold_on
from domain.money.proposal import Proposal
from domain.permission import OPERATOR, OWN
from domain.refusal import UnknownContributor
from domain.value import Example, one_of
from domain.values import EDGE, CurrencyCode
from projections import contributors, hidden, lineage
from projections.money.told import PoolRef
from projections.money.waiting import Amounts, for_doubted, for_questions, for_shares
from projections.nouns import noun_at
from projections.pages import LIMIT, Page, cut, decode_cursor
from projections.question import Paged, question
from projections.store import View, holds
from projections.told import Agent, Count, PersonRef, WorkRef
from projections.waiting import Addressee, Waiting


class Kind(NamedTuple):
    """A kind of item: what there is to do, and the commands that do it."""

    does: str
    commands: tuple[str, ...]


_CREDIT = ("credit.accept", "credit.decline")
_REMIX = ("remix.accept", "remix.decline")
_JOIN = ("join.accept", "join.decline")
_SETTLING = ("credit.settle", "remix.settle", "identifier.settle", "membership.settle")
KINDS: Mapping[str, Kind] = {
    "credit": Kind("Accept or decline the credit", _CREDIT),
    "share": Kind(
        "Accept, decline or waive the share", ("share.accept", "share.decline", "share.waive")
    ),
    "credit_claim": Kind("Accept or decline the claim to a credit", _CREDIT),
    "remix_claim": Kind("Confirm or decline what it is said to be made from", _REMIX),
    "join": Kind("Agree that two works are the same, or decline", _JOIN),
    "membership": Kind(
        "Agree to be a member of the group, or decline",
        ("membership.accept", "membership.decline"),
    ),
    "overdue_claim": Kind(
        "Decide a claim that was not answered in time", (*_CREDIT, *_REMIX, *_JOIN)
    ),
    "dispute": Kind(
        "Answer the dispute",
        ("credit.answer", "remix.answer", "identifier.answer", "membership.answer"),
    ),
    "expired_dispute": Kind("End a dispute that was not answered in time", _SETTLING),
    "settlement": Kind("Settle the dispute", _SETTLING),
    "comment": Kind("Answer the comments", ("proposal.answer", "proposal.revise")),
    "window": Kind(
        "Wait for comments until the window closes", ("proposal.extend", "proposal.withdraw")
    ),
    "finalise": Kind("Finalise the shares", ("proposal.finalise",)),
    "missing_share": Kind("See who has not accepted their share", ("proposal",)),
    "doubted_share": Kind(
        "Decide whether the share stands, though something it depends on was found false",
        ("share.confirm", "proposal"),
    ),
    "review": Kind("Comment on the proposed shares", ("proposal.comment",)),
    "returned": Kind("Claim the payout that came back", ("payout.claim",)),
    "payout": Kind("Settle the payouts, or record which came back",
                   ("payout.settle", "payout.return")),
    "hold": Kind("Lift the hold once there is no more reason for it", ("credit.lift-hold",)),
}  # fmt: skip
"""Every kind, by its name."""


NOUNS = ("batch", "credit", "identifier", "join", "membership", "payout", "proposal", "remix")
"""The nouns that an item can be about."""


class Amount(TypedDict):
    """An amount in one currency."""

    currency: Annotated[CurrencyCode, Example("EUR")]
    amount_minor: Annotated[Count, "In smallest units.", Example(25_000)]


class InboxItem(TypedDict):
    """Something that waits for your answer or decision."""

    kind: Annotated[str, "What is waiting.", one_of(tuple(KINDS))]
    id: Annotated[str, "Of what it is about.", Example(EDGE)]
    noun: Annotated[str, "What the id names.", one_of(NOUNS)]
    does: Annotated[str, "What to do.", Example("Answer the dispute")]
    commands: Annotated[list[Annotated[str, Example("credit.answer")]], "The commands that do it."]
    work: Annotated[WorkRef | None, "The work that it is about."]
    pool: Annotated[PoolRef | None, "The pool, if it is about shares."]
    asked_by: Annotated[Agent | None, "Null if there are several, or if you may not know."]
    person: Annotated[PersonRef | None, "The same, if it is a contributor."]
    says: Annotated[
        str | None, "The role, the kind, the grounds or the share, if any.", Example("editor")
    ]
    count: Annotated[Count, "How many comments, shares or payouts wait.", Example(1)]
    deadline: Annotated[
        str | None,
        "The latest time for it, if there is one.",
        Example("2026-12-20T18:30:00.000000Z"),
    ]
    is_overdue: Annotated[bool, "Whether the deadline has passed."]
    amounts: Annotated[
        list[Amount], "The money waiting for it that you may know of; one for each currency."
    ]
    position: Annotated[
        Count, "Of the fact that asked, or of the first if there are several.", Example(44)
    ]


@question("list_inbox", "/inbox", cli="inbox", may=OWN, refuses=(UnknownContributor,))
def inbox(view: View, journal: Journal, *, actor: str, **part: Unpack[Paged]) -> Page[InboxItem]:
    """Everything waiting for your answer or decision, the most urgent first.

    Claims, credits and shares, disputes with the money they hold, comments on what you proposed,
    payouts that came back. The operator and people with a role also see what is waiting for them in
    that role.
    """
    return of_kinds(view, journal, actor, tuple(KINDS), **part)


def of_kinds(
    view: View,
    journal: Journal,
    actor: str,
    kinds: Sequence[str],
    *,
    after: str | None = None,
    limit: int = LIMIT,
) -> Page[InboxItem]:
    """A page of the items of these kinds in somebody's inbox."""
    asked = Addressee.of(view, journal, actor)
    place = decode_cursor(after, str, int, str, str)
    rows = asked.rows(view, journal, kinds, place, limit + 1)
    page, more = cut(rows, limit, lambda row: (row.due, row.born, row.kind, row.noun))
    return Page(_told(view, journal, asked, page), more)


def how_many(view: View, journal: Journal, actor: str) -> int:
    """How many items are in somebody's inbox, counted up to a limit."""
    return Addressee.of(view, journal, actor).count(view, journal)


class Notifying(NamedTuple):
    """An account that has to be notified of the latest version of a proposal."""

    proposal: str
    version: int
    account: str


def to_notify(view: View, journal: Journal, actor: str) -> list[Notifying]:
    """The open proposals of which somebody still has to be notified, by account."""
    if actor == OPERATOR:
        return []
    rows = view.rows(
        "SELECT n.proposal, c.id FROM @notifying n "
        f"JOIN @proposals p ON p.id = n.proposal AND p.state = 'open' AND {holds('p')} "
        f"JOIN @contributors c ON c.number = n.person AND {holds('c')} "
        f"WHERE n.person IN :own AND n.state = 'open' AND {holds('n')} ORDER BY p.staged, c.id",
        own=contributors.accounts(view, actor),
    )
    nouns = {id: noun_at(view, journal, Proposal, id) for id, _ in rows}
    return [Notifying(id, len(nouns[id].versions), account) for id, account in rows]


SEVERAL = frozenset({"comment", "missing_share", "doubted_share", "payout"})
"""The kinds of which several about the same noun make one item."""


def _told(
    view: View, journal: Journal, asked: Addressee, rows: Sequence[Waiting]
) -> list[InboxItem]:
    works = lineage.references(view, {row.work for row in rows if row.work is not None})
    pools = _pools(view, {row.noun for row in rows if row.about == "proposal"})
    veiled = hidden.positions(view).keys() - _own_credits(view, asked)
    people = contributors.people_named(view, {row.who for row in rows})
    amounts = _amounts(view, journal, asked, rows)
    items: list[InboxItem] = []
    for row in rows:
        is_one = row.kind not in SEVERAL or row.several == 1
        is_known = is_one and row.noun not in veiled
        items.append(
            {
                "kind": row.kind,
                "id": row.noun,
                "noun": row.about,
                "does": KINDS[row.kind].does,
                "commands": _commands(row),
                "work": None if row.work is None else works[row.work],
                "pool": pools.get(row.noun),
                "asked_by": row.who if is_known else None,
                "person": people.get(row.who) if is_known else None,
                "says": row.says if is_one else None,
                "count": row.several if row.kind in SEVERAL else 1,
                "deadline": row.deadline,
                "is_overdue": row.due <= asked.now,
                "amounts": [
                    {"currency": currency, "amount_minor": amount}
                    for currency, amount in amounts.get((row.kind, row.noun), {}).items()
                ],
                "position": row.born,
            }
        )
    return items


def _pools(view: View, proposals: set[str]) -> dict[str, PoolRef]:
    """The pools of these proposals, by proposal."""
    rows = view.rows(
        "SELECT p.id, o.id, o.name FROM @proposals p JOIN @pools o ON o.id = p.pool "
        f"WHERE p.id IN :ids AND {holds('p')}",
        ids=sorted(proposals),
    )
    texts = view.texts({name for *_, name in rows})
    return {id: {"id": pool, "name": texts.get(name)} for id, pool, name in rows}


def _commands(row: Waiting) -> list[str]:
    """The commands of an item's kind; where these are for several nouns, those for the item's."""
    every = KINDS[row.kind].commands
    return [one for one in every if one.startswith(f"{row.about}.")] or list(every)


def _own_credits(view: View, asked: Addressee) -> set[str]:
    rows = view.rows("SELECT c.id FROM @credits c WHERE c.contributor IN :own", own=asked.own)
    return {id for (id,) in rows}


def _amounts(
    view: View, journal: Journal, asked: Addressee, rows: Sequence[Waiting]
) -> dict[tuple[str, str], Amounts]:
    """The money of each item that they may see: their own, or all where they decide about it."""
    own = None if asked.is_operator else asked.payees
    disputed = for_questions(view, journal, {r.noun for r in rows if r.kind in DISPUTES}, own)
    holds = for_questions(view, journal, {hold_on(r.noun) for r in rows if r.kind == "hold"})
    held = {r.noun: holds.get(hold_on(r.noun), {}) for r in rows if r.kind == "hold"}
    shares = for_shares(view, journal, {r.noun for r in rows if r.kind == "share"}, own)
    missing = for_shares(view, journal, {r.noun for r in rows if r.kind == "missing_share"})
    doubted = for_doubted(view, journal, {r.noun for r in rows if r.kind == "doubted_share"})
    by_kind = {"share": shares, "missing_share": missing, "doubted_share": doubted, "hold": held}
    found: dict[tuple[str, str], Amounts] = {}
    for row in rows:
        if row.currency is not None:
            found[row.kind, row.noun] = {row.currency: row.amount or 0}
        else:
            found[row.kind, row.noun] = by_kind.get(row.kind, disputed).get(row.noun, {})
    return found


DISPUTES = frozenset({"dispute", "expired_dispute", "settlement"})
"""The kinds of items about a dispute, for which money may be held."""
