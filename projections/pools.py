"""Pools: what is proposed and agreed for a release, and where every unit that came in is.

The one rule: whatever is told here adds up to what came in, and says of every unit whose it is,
why, and why it may not be paid yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from domain.apportionment import divide, payee_key
from domain.fact import Noun
from domain.journal import Journal
from domain.moment import instant
from domain.money.consent import Consent
from domain.money.entry import Entry, Line
from domain.money.keeping import share_id
from domain.money.payee import is_person, is_work
from domain.money.pool import Pool
from domain.money.postings import ACCOUNTS, IN_TRANSIT, PAID, RECEIVED, SUSPENSE, WAITING
from domain.money.proposal import Assets, Proposal
from domain.money.shares import parts_in, shares_of, waived_in
from domain.refusal import (
    NoShare,
    Refusal,
    UnknownDivision,
    UnknownPool,
    UnknownProposal,
)
from projections import attribution, history, lineage, money
from projections.store import Page, Row, View, decode_cursor, encode_cursor, holds

N = TypeVar("N", bound=Noun)


def noun_at(
    view: View, journal: Journal, kind: type[N], id: str, unknown: Callable[[str], Refusal]
) -> N:
    """What the facts of a stream say up to the view's position."""
    facts = [
        (placed.position, placed.fact())
        for placed in journal.facts.streams([id])
        if placed.position <= view.as_of
    ]
    if not facts or not isinstance(facts[0][1], kind.BIRTHS):
        raise unknown(id)
    return kind.told_by(facts)


def payees_told(view: View, payees: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Payees as answers refer to them: what kind they are, and the name or title."""
    known = set(payees)
    people = _named(view, "contributors", "name", {each for each in known if is_person(each)})
    works = {each: each.partition("/")[2] for each in known if is_work(each)}
    titles = _called(view, set(works.values()))
    told = {}
    kind: str
    name: str | None
    for payee in known:
        kind, name = "other", payee
        if is_person(payee):
            kind, name = "contributor", people.get(payee)
        elif is_work(payee):
            kind, name = "work", titles.get(works[payee])
        told[payee] = {"id": payee, "kind": kind, "name": name}
    return told


def _called(view: View, works: set[str]) -> dict[str, str]:
    """What works are called: by their title, a source elsewhere by its URI."""
    rows = view.rows(
        "SELECT t.id, t.uri FROM @works t "
        f"WHERE t.id IN :ids AND t.uri IS NOT NULL AND {holds('t')}",
        ids=sorted(works),
    )
    return {**dict(rows), **_named(view, "works", "title", works)}


def _named(view: View, table: str, column: str, ids: set[str]) -> dict[str, str]:
    rows = view.rows(
        f"SELECT t.id, v.value FROM @{table} t JOIN vault v ON v.digest = t.{column} "
        f"WHERE t.id IN :ids AND {holds('t')}",
        ids=sorted(ids),
    )
    return dict(rows)


# -- pools ---------------------------------------------------------------------------------

_POOL = "o.id, w.id, o.name, o.kind, o.currency, o.position"
_POOL_FROM = f"@pools o JOIN @works w ON w.number = o.release AND {holds('w')}"


def pools(view: View, release: str, *, after: str | None = None, limit: int = 50) -> Page:
    """The pools of a release, in the order in which they were opened."""
    number = lineage.find(view, release).number
    place = decode_cursor(after, int) or [0]
    rows = view.rows(
        f"SELECT {_POOL} FROM {_POOL_FROM} WHERE o.release = :number AND o.position > :above "
        "AND o.position <= :as_of ORDER BY o.position LIMIT :limit",
        number=number,
        above=place[0],
        limit=limit + 1,
    )
    texts = view.texts({name for _, _, name, *_ in rows})
    items = [
        {
            "id": id,
            "release": of,
            "name": texts.get(name),
            "kind": kind,
            "currency": currency,
            "received_minor": -money.pool_units(view, id).get(RECEIVED, 0),
            "position": position,
        }
        for id, of, name, kind, currency, position in rows[:limit]
    ]
    return Page(items, encode_cursor(rows[limit - 1][-1]) if len(rows) > limit else None)


def pool(view: View, journal: Journal, id: str) -> dict[str, Any]:
    """A pool: its terms, what is on its accounts, and its proposals."""
    noun = noun_at(view, journal, Pool, id, UnknownPool)
    opened = noun.opened
    units = money.pool_units(view, id)
    rows = view.rows(
        "SELECT a.id, a.state, a.number, a.opened_at, a.closes_at, a.effective_at, a.born "
        f"FROM @proposals a WHERE a.pool = :id AND {holds('a')} ORDER BY a.born",
        id=id,
    )
    names = ("id", "state", "number", "opened_at", "closes_at", "effective_at", "position")
    return {
        "id": id,
        "release": opened.release,
        "name": view.texts({opened.name}).get(opened.name),
        "kind": opened.kind,
        "currency": opened.currency,
        "terms": opened.terms,
        "rounding": opened.rounding,
        "comment_days": opened.comment_days,
        "deferral_minor": opened.deferral_minor,
        "works": opened.works,
        "position": noun.position,
        "accounts": {f"{account}_minor": units.get(account, 0) for account in ACCOUNTS},
        "proposals": [dict(zip(names, row, strict=True)) for row in rows],
    }


def every_pool(view: View) -> list[str]:
    """All pools, in the order in which they were opened."""
    rows = view.rows("SELECT o.id FROM @pools o WHERE o.position <= :as_of ORDER BY o.position")
    return [id for (id,) in rows]


def pool_named(view: View, journal: Journal, id: str) -> Pool.Opened:
    """What a pool is; UnknownPool if there is none with this id."""
    return noun_at(view, journal, Pool, id, UnknownPool).opened


# -- proposals -----------------------------------------------------------------------------


def proposal(view: View, journal: Journal, id: str) -> dict[str, Any]:
    """A proposal: its shares, the window, comments with answers, and who has agreed."""
    noun = noun_at(view, journal, Proposal, id, UnknownProposal)
    waivers = waivers_of(view, journal, noun)
    shares = shares_of(noun.current.assets, waivers)
    consents = _consents(view, id)
    told = payees_told(view, shares)
    texts = view.texts(
        {
            *(version.note for version in noun.versions),
            *(comment.text for comment in noun.comments.values()),
            *(answer.text for each in noun.comments.values() for answer in each.answers),
        }
    )
    return {
        "id": id,
        "pool": noun.pool,
        "release": noun.release,
        "state": noun.state,
        "opened_at": noun.opened_at,
        "closes_at": noun.closes_at,
        "number": noun.final.number if noun.final else None,
        "effective_at": noun.final.effective_at if noun.final else None,
        "policy": noun.current.policy,
        "graph_position": noun.current.graph_position,
        "assets": [_asset_told(asset) for asset in noun.current.assets],
        "shares": [
            {
                "payee": told[payee],
                "share": str(shares[payee]),
                "consent": consents.get(payee),
            }
            for payee in sorted(shares, key=payee_key)
        ],
        "struck": _struck(view, noun.current.assets, waivers),
        "comments": [_comment_told(comment, texts) for comment in noun.comments.values()],
        "revisions": [
            {
                "at": version.at,
                "actor": version.actor,
                "position": version.position,
                "comments": list(version.comments),
                "note": texts.get(version.note),
            }
            for version in noun.versions
        ],
        "warnings": used_but_uncited(view, noun.release, noun.current.assets),
        "position": noun.position,
    }


def _struck(
    view: View, assets: Assets, waivers: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """What was waived: of which asset, over what it is spread, and how much of all it is."""
    told = payees_told(view, {payee for payee, _ in waivers})
    titles = _named(view, "works", "title", {*waivers.values(), *(asset for _, asset in waivers)})
    held = parts_in(assets)
    return [
        {
            "payee": told[payee],
            "asset": asset,
            "title": titles.get(asset),
            "over": over,
            "over_title": titles.get(over),
            "share": str(held[payee, asset]),
        }
        for (payee, asset), over in waivers.items()
    ]


def _asset_told(asset: dict[str, Any]) -> dict[str, Any]:
    return {"within": [], **asset}


def _comment_told(comment: Any, texts: dict[str | None, str]) -> dict[str, Any]:
    return {
        "id": comment.id,
        "kind": comment.kind,
        "about": comment.about,
        "text": texts.get(comment.text),
        "actor": comment.actor,
        "at": comment.at,
        "position": comment.position,
        "is_open": comment.is_open,
        "answers": [
            {
                "text": texts.get(answer.text),
                "actor": answer.actor,
                "at": answer.at,
                "position": answer.position,
            }
            for answer in comment.answers
        ],
    }


def _consents(view: View, id: str) -> dict[str, str]:
    rows = view.rows(
        f"SELECT s.payee, s.state FROM @shares s WHERE s.proposal = :id AND {holds('s')}", id=id
    )
    return dict(rows)


def waivers_of(view: View, journal: Journal, noun: Proposal) -> dict[tuple[str, str], str]:
    """By payee and asset, over what is spread what was waived of an agreement."""
    offered = [share_id(noun.id, payee) for payee in _consents(view, noun.id)]
    waivers: dict[tuple[str, str], str] = {}
    for placed in sorted(journal.facts.streams(offered)):
        happened = placed.fact()
        if placed.position <= view.as_of and isinstance(happened, Consent.Waived):
            waivers |= waived_in(noun.current.assets, happened.payee, happened.scope)
    return waivers


def used_but_uncited(view: View, release: str, assets: Assets) -> list[dict[str, Any]]:
    """Works and people of the finished work that are missing from a proposal.

    A work counts as cited if it is an asset, and so do its people if they have a share in any.
    """
    tree = lineage.ancestry(view, lineage.find(view, release).number)
    pieces = {name for asset in assets for name in (asset["asset"], *asset.get("within", ()))}
    paid = {payee for asset in assets for payee, _ in asset["shares"]}
    by_work = any(name in pieces for name in lineage.ids_of(view, tree.generation).values())
    works = lineage.references(view, [work for work in tree.generation if work != tree.root])
    missing: list[dict[str, Any]] = []
    if by_work:
        missing += [
            {"kind": "work", "id": found["id"], "name": found["title"] or found["uri"]}
            for _, found in sorted(works.items())
            if found["id"] not in pieces
        ]
    rows = attribution.credits_on(view, tree.generation)
    people = attribution.persons(view, {row.contributor for row in rows})
    missing += [
        {"kind": "contributor", **told}
        for _, told in sorted(people.items())
        if told["id"] not in paid
    ]
    return missing


def diff(view: View, journal: Journal, id: str) -> dict[str, Any]:
    """What became of the first proposal, person by person, with the comments that caused it."""
    noun = noun_at(view, journal, Proposal, id, UnknownProposal)
    stages = [shares_of(version.content.assets, {}) for version in noun.versions]
    final = shares_of(noun.current.assets, waivers_of(view, journal, noun))
    payees = sorted({payee for stage in (*stages, final) for payee in stage}, key=payee_key)
    told = payees_told(view, payees)
    texts = view.texts({comment.text for comment in noun.comments.values()})
    lines = []
    for payee in payees:
        shares = [stage.get(payee, Fraction()) for stage in stages]
        causes = [
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
                "current": str(final.get(payee, Fraction())),
                "change": str(final.get(payee, Fraction()) - shares[0]),
                "waived": str(shares[-1] - final.get(payee, Fraction()))
                if shares[-1] > final.get(payee, Fraction())
                else "0",
                "causes": causes,
            }
        )
    return {"id": id, "state": noun.state, "lines": lines}


# -- where the money is --------------------------------------------------------------------


def statement(view: View, journal: Journal, id: str) -> dict[str, Any]:
    """The public statement of a pool: what came in, whose it is, and what keeps it; it adds up."""
    opened = pool_named(view, journal, id)
    units = money.pool_units(view, id)
    accounts = money.accounts(view, pool=id)
    held = money.held(view, ((each.payee, each.proposal) for each in accounts))
    agreement = _agreement_now(view, journal, id)
    shares: dict[str, Fraction] = {}
    struck: list[dict[str, Any]] = []
    if agreement is not None:
        assets, waivers = agreement.current.assets, waivers_of(view, journal, agreement)
        shares = dict(shares_of(assets, waivers))
        struck = _struck(view, assets, waivers)
    carried = _carried(view, journal, id)
    by_payee: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    reasons: dict[str, list[str]] = defaultdict(list)
    for each in accounts:
        sums, owed = by_payee[each.payee], each.owed
        why = held.get((each.payee, each.proposal), ())
        sums["earned"] += sum(each.units.values())
        sums["held" if why and owed > 0 else "payable" if owed > 0 else "debt"] += abs(owed)
        for account in (IN_TRANSIT, PAID, SUSPENSE):
            sums[account] += each.units.get(account, 0)
        reasons[each.payee] += [reason for reason in why if owed > 0]
    payees = sorted({*by_payee, *shares, *carried}, key=payee_key)
    told = payees_told(view, payees)
    columns = ("earned", "payable", "held", "debt", IN_TRANSIT, PAID, SUSPENSE)
    lines = [
        {
            "payee": told[payee],
            "share": str(shares[payee]) if payee in shares else None,
            **{f"{column}_minor": by_payee[payee][column] for column in columns},
            "held_because": list(dict.fromkeys(reasons[payee])),
            "rounding": str(carried.get(payee, Fraction())),
        }
        for payee in payees
    ]
    waiting = _waiting(view, id, opened)
    booked = _booked(view, id)
    return {
        "pool": id,
        "release": opened.release,
        "name": view.texts({opened.name}).get(opened.name),
        "currency": opened.currency,
        "agreement": agreement.final.number if agreement and agreement.final else None,
        "received_minor": booked["revenue"],
        "reversed_minor": -booked["reversal"],
        "waiting_minor": units.get(WAITING, 0),
        "waiting": waiting,
        "divided_minor": sum(line["earned_minor"] for line in lines),
        "costs_minor": booked["expense"],
        "lines": lines,
        "struck": struck,
        "totals": {
            f"{column}_minor": sum(line[f"{column}_minor"] for line in lines) for column in columns
        },
    }


def _agreement_now(view: View, journal: Journal, pool: str) -> Proposal | None:
    """The latest agreement of a pool."""
    row = view.one(
        f"SELECT a.id FROM @proposals a WHERE a.pool = :pool AND a.state = 'finalised' "
        f"AND {holds('a')} ORDER BY a.number DESC LIMIT 1",
        pool=pool,
    )
    return None if row is None else noun_at(view, journal, Proposal, row[0], UnknownProposal)


def _carried(view: View, journal: Journal, pool: str) -> dict[str, Fraction]:
    """What is carried for every payee: the latest entry of a pool names all of it."""
    row = view.one(
        "SELECT b.id FROM @bookings b WHERE b.pool = :pool AND b.proposal IS NOT NULL "
        "AND b.position <= :as_of ORDER BY b.position DESC LIMIT 1",
        pool=pool,
    )
    if row is None or "carry" not in pool_named(view, journal, pool).rounding:
        return {}
    entry = noun_at(view, journal, Entry, row[0], UnknownDivision)
    return {line.payee: line.after for line in entry.lines if line.after}


def _booked(view: View, pool: str) -> dict[str, int]:
    rows = view.rows(
        "SELECT b.kind, CAST(sum(b.amount) AS BIGINT) FROM @bookings b "
        "WHERE b.pool = :pool AND b.position <= :as_of GROUP BY b.kind",
        pool=pool,
    )
    return {"revenue": 0, "reversal": 0, "expense": 0} | dict(rows)


def _waiting(view: View, pool: str, opened: Pool.Opened) -> list[dict[str, Any]]:
    """Revenue that is not divided, by source, and what it waits for."""
    rows = view.rows(
        "SELECT r.source, CAST(sum(l.left_minor) AS BIGINT), "
        "CAST(sum(CASE WHEN d.id IS NULL THEN l.left_minor ELSE 0 END) AS BIGINT) "
        "FROM @bookings r JOIN (SELECT b.revenue, sum(b.amount) AS left_minor FROM @bookings b "
        "WHERE b.pool = :pool AND b.kind IN ('revenue', 'reversal') AND b.position <= :as_of "
        "GROUP BY b.revenue) l ON l.revenue = r.id "
        "LEFT JOIN @bookings d ON d.revenue = r.id AND d.kind = 'division' "
        "AND d.position <= :as_of "
        "WHERE r.pool = :pool AND r.kind = 'revenue' AND r.position <= :as_of "
        "GROUP BY r.source ORDER BY r.source",
        pool=pool,
    )
    return [
        {
            "source": source,
            "brought_minor": brought,
            "waiting_minor": waiting,
            "because": "deferred" if brought < opened.deferral_minor else "no_agreement",
        }
        for source, brought, waiting in rows
        if waiting
    ]


_BOOKING = (
    "b.id, b.kind, b.pool, b.source, b.payee, b.amount, b.effective, b.at, b.document, b.note, "
    "b.position"
)


def bookings(
    view: View, kind: str, pool: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """The revenue or the expenses of a pool, in the order of recording."""
    place = decode_cursor(after, int) or [0]
    rows = view.rows(
        f"SELECT {_BOOKING} FROM @bookings b WHERE b.pool = :pool AND b.kind = :kind "
        "AND b.position > :above AND b.position <= :as_of ORDER BY b.position LIMIT :limit",
        pool=pool,
        kind=kind,
        above=place[0],
        limit=limit + 1,
    )
    items = _bookings_told(view, rows[:limit])
    return Page(items, encode_cursor(rows[limit - 1][-1]) if len(rows) > limit else None)


def booking(view: View, kind: str, id: str, unknown: Callable[[str], Refusal]) -> dict[str, Any]:
    """One revenue or expense."""
    rows = view.rows(
        f"SELECT {_BOOKING} FROM @bookings b WHERE b.id = :id AND b.kind = :kind "
        "AND b.position <= :as_of",
        id=id,
        kind=kind,
    )
    if not rows:
        raise unknown(id)
    return _bookings_told(view, rows)[0]


def _bookings_told(view: View, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Bookings as answers tell them, with what was taken back and what it was divided by."""
    about = view.rows(
        "SELECT b.revenue, b.kind, b.id, b.amount FROM @bookings b WHERE b.revenue IN :ids "
        "AND b.kind <> 'revenue' AND b.position <= :as_of ORDER BY b.position",
        ids=[row[0] for row in rows],
    )
    divisions = {revenue: id for revenue, kind, id, _ in about if kind == "division"}
    reversals: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for revenue, kind, id, amount in about:
        if kind == "reversal":
            reversals[revenue].append((id, -amount))
    texts = view.texts({text for row in rows for text in (row[8], row[9])})
    told = payees_told(view, {row[4] for row in rows if row[4] is not None})
    items = []
    for id, kind, pool, source, payee, amount, effective, at, document, note, position in rows:
        item: dict[str, Any] = {
            "id": id,
            "pool": pool,
            "amount_minor": amount,
            "effective_at": effective,
            "recorded_at": at,
            "document": texts.get(document),
            "note": texts.get(note),
            "position": position,
        }
        if kind == "revenue":
            item |= {
                "source": source,
                "reversed_minor": sum(units for _, units in reversals[id]),
                "division": divisions.get(id),
                "reversals": [
                    {"id": reversal, "amount_minor": units} for reversal, units in reversals[id]
                ],
            }
        else:
            item |= {"category": source, "payer": told[payee]}
        items.append(item)
    return items


def ledger(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = 50
) -> Page:
    """Every fact that moved money of a pool, in order, with its postings; each adds up to 0."""
    pool_named(view, journal, id)
    place = decode_cursor(after, int) or [0]
    positions = view.rows(
        "SELECT DISTINCT p.position FROM @postings p WHERE p.pool = :id "
        "AND p.position > :above AND p.position <= :as_of ORDER BY p.position LIMIT :limit",
        id=id,
        above=place[0],
        limit=limit + 1,
    )
    kept = [position for (position,) in positions[:limit]]
    rows = view.rows(
        "SELECT p.position, p.account, p.payee, p.proposal, p.amount FROM @postings p "
        "WHERE p.pool = :id AND p.position IN :positions ORDER BY p.position, p.account, p.payee",
        id=id,
        positions=kept,
    )
    told = payees_told(view, {payee for _, _, payee, *_ in rows if payee is not None})
    by_position: dict[int, list[dict[str, Any]]] = {position: [] for position in kept}
    for position, account, payee, agreement, amount in rows:
        by_position[position].append(
            {
                "account": account,
                "payee": None if payee is None else told[payee],
                "proposal": agreement,
                "amount_minor": amount,
            }
        )
    facts = history.tell(journal, journal.facts.at(kept)) if kept else []
    items = [
        {
            "position": fact["position"],
            "recorded_at": fact["recorded_at"],
            "effective": fact["effective"],
            "topic": fact["topic"],
            "noun": fact["noun"],
            "actor": fact["actor"],
            "reason": fact["reason"],
            "postings": by_position[fact["position"]],
        }
        for fact in facts
    ]
    more = len(positions) > limit
    return Page(items, encode_cursor(kept[-1]) if more else None)


# -- divisions -----------------------------------------------------------------------------


def division(view: View, journal: Journal, id: str) -> dict[str, Any]:
    """A division, a reversal or a correction, with every line."""
    entry = noun_at(view, journal, Entry, id, UnknownDivision)
    first = entry.first
    told = payees_told(view, (line.payee for line in entry.lines))
    return {
        "id": id,
        "kind": KINDS[type(first)],
        "pool": first.pool,
        "release": first.release,
        "proposal": first.proposal,
        "agreement": first.agreement,
        "revenue": getattr(first, "revenue", None),
        "currency": first.currency,
        "amount_minor": first.amount_minor,
        "agreed": first.agreed,
        "recorded_at": instant(first.timestamp),
        "effective_at": first.effective_at,
        "reason": view.texts({first.reason}).get(first.reason),
        "costs": [
            {"expense": expense, "payer": payer, "amount_minor": units}
            for expense, payer, units in getattr(first, "costs", [])
        ],
        "flow": [
            {"place": place, "amount": amount} for place, amount in getattr(first, "flow", [])
        ],
        "lines": [
            {
                "payee": told[line.payee],
                "amount_minor": line.amount_minor,
                "due": str(line.due),
                "share": str(line.due / first.amount_minor) if first.amount_minor else None,
                "carry_before": str(line.before),
                "carry_after": str(line.after),
            }
            for line in entry.lines
        ],
        "position": entry.position,
    }


KINDS = {Entry.Divided: "division", Entry.Reversed: "reversal", Entry.Corrected: "correction"}


def why(view: View, journal: Journal, id: str, payee: str) -> dict[str, Any]:
    """Why a payee was given this amount: shares, pieces and paths, carry, and the rounding."""
    entry = noun_at(view, journal, Entry, id, UnknownDivision)
    first = entry.first
    line = next((each for each in entry.lines if each.payee == payee), None)
    if line is None:
        raise NoShare(payee)
    at = view.at(entry.position + len(entry.facts) - 1)
    noun = noun_at(at, journal, Proposal, first.proposal, UnknownProposal)
    opened = pool_named(view, journal, first.pool)
    waivers = waivers_of(at, journal, noun)
    share = shares_of(noun.current.assets, waivers).get(payee, Fraction())
    agreed = Fraction(first.agreed)
    costs = [
        {"expense": expense, "amount_minor": units}
        for expense, payer, units in getattr(first, "costs", [])
        if payer == payee
    ]
    paid_back = sum(cost["amount_minor"] for cost in costs)
    by_agreement = agreed * share if not isinstance(first, Entry.Corrected) else line.due
    told = payees_told(view, [payee])
    return {
        "division": id,
        "kind": KINDS[type(first)],
        "payee": told[payee],
        "currency": first.currency,
        "of_minor": first.amount_minor,
        "amount_minor": line.amount_minor,
        "due": str(line.due),
        "carry_before": str(line.before),
        "carry_after": str(line.after),
        "rounding": _rounding(first, entry.lines, payee),
        "terms": opened.terms,
        "agreed": first.agreed,
        "share": str(share),
        "by_agreement": str(by_agreement),
        "by_terms": str(line.due - by_agreement - paid_back),
        "costs": costs,
        "agreement": {
            "proposal": first.proposal,
            "number": first.agreement,
            "policy": noun.current.policy,
            "graph_position": noun.current.graph_position,
            "effective_at": noun.final.effective_at if noun.final else None,
        },
        "pieces": _pieces(view, noun, payee, waivers),
    }


def _pieces(
    view: View, noun: Proposal, payee: str, waivers: dict[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """Every asset in which a payee has a share, with the ways that lead to it in the lineage."""
    total = sum(Fraction(asset["value"]) for asset in noun.current.assets)
    position = noun.current.graph_position
    frozen = view if position is None else view.at(position)
    tree = lineage.ancestry(frozen, lineage.find(frozen, noun.release).number)
    ids = lineage.ids_of(frozen, tree.generation)
    numbers = {id: number for number, id in ids.items()}
    pieces = []
    for asset in noun.current.assets:
        within = sum(Fraction(share) for _, share in asset["shares"])
        for holder, share in asset["shares"]:
            if holder != payee:
                continue
            number = numbers.get(asset["asset"])
            paths = [] if number is None else tree.paths([number], attribution.PATHS)
            told = lineage.references(frozen, {work for path in paths for work in path})
            pieces.append(
                {
                    "asset": asset["asset"],
                    "title": told[number]["title"] if number in told else None,
                    "value": str(Fraction(asset["value"]) / total),
                    "share": str(Fraction(share) / within),
                    "waived_over": waivers.get((payee, asset["asset"])),
                    "paths": [
                        [{"id": told[work]["id"], "title": told[work]["title"]} for work in path]
                        for path in paths
                    ],
                }
            )
    return pieces


def _rounding(first: Entry.First, lines: Sequence[Line], payee: str) -> dict[str, Any] | None:
    """The rank of the remainder, and how many units were left over; only a division has these."""
    if not isinstance(first, Entry.Divided):
        return None
    division = divide(
        first.amount_minor,
        {line.payee: line.due for line in lines},
        carry={line.payee: line.before for line in lines if line.before},
    )
    return {
        "method": first.rounding,
        "left_over": division.left_over,
        "rank": division.ranks[payee],
        "payees": len(division.ranks),
    }
