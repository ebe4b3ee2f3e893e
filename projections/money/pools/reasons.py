"""Why a payee got an amount: their share, the pieces it is for, and the last unit.

The one rule: the parts sum to the amount, and were known when the division was made.
"""

from __future__ import annotations

from fractions import Fraction

from domain.journal import Journal
from domain.money.entry import Entry, Line
from domain.money.naming import PAYER
from domain.money.policy.assets import Holding
from domain.money.proposal import Proposal
from domain.money.shares import holdings_in, parts_of, shares_of
from domain.money.split import read_terms
from domain.readers import MONEY
from domain.refusal import NoShare, NotDivided
from domain.values import EntryId, PayeeText
from projections import lineage
from projections.ancestry import ancestry, counted_paths
from projections.money import splitting
from projections.money.agreements import waivers_of
from projections.money.payees import payees_told, titles
from projections.money.pools.accounts import as_made, terms_of
from projections.money.pools.divisions import document_of, reserved_told
from projections.money.pools.recouping import of_entry, recouped_told
from projections.money.pools.revenue import pool_of
from projections.money.pools.ruling import of_entry as of_entry_rules
from projections.money.pools.ruling import rules_told
from projections.money.pools.told import (
    AgreementTold,
    CorrectsTold,
    PayeeCost,
    PieceTold,
    RoundingTold,
    ThroughPart,
    Why,
)
from projections.money.readers import Reader
from projections.money.rows import ENTRIES
from projections.money.splitting import PartOfPath
from projections.nouns import noun_at
from projections.parts import PATHS
from projections.question import question
from projections.store import View


@question(
    "explain_line",
    "/entries/{id}/lines/{payee}/why",
    cli="why",
    may=MONEY,
    refuses=(NoShare, NotDivided),
    parts=("costs", "recouped", "rules", "reserved", "pieces"),
)
def why(view: View, journal: Journal, id: EntryId, payee: PayeeText, *, actor: str) -> Why:
    """Why a payee got this amount: shares, pieces, paths, carry, the last unit.

    The id of revenue stands for its division. For the payees of the pool, those who run its
    proposals, accountants and auditors.
    """
    id = _division_of(view, journal, id, actor)
    entry = noun_at(view, journal, Entry, id)
    first = entry.first
    Reader(view, journal, actor).must("this entry", MONEY, first.pool)
    line = _line_of(view, entry, payee)
    if line is None:
        raise NoShare(payee)
    payee = line.payee
    at = as_made(view, entry)
    noun = noun_at(at, journal, Proposal, first.proposal)
    opened = terms_of(view, journal, entry)
    waivers = waivers_of(at, journal, noun)
    share = shares_of(noun.current.assets, waivers).get(payee, Fraction())
    corrects, agreed = _corrects(view, journal, entry, payee), _agreed(entry)
    costs = _costs_of(entry, payee)
    paid_back = sum(cost["amount_minor"] for cost in costs)
    before = Fraction(corrects["agreed"]) * Fraction(corrects["share"]) if corrects else 0
    by_agreement = agreed * share - before
    is_stated = isinstance(first, Entry.Adjusted | Entry.Opened | Entry.Assigned)
    stated = line.due if is_stated else Fraction()
    told, document = payees_told(view, [payee]), document_of(first)
    texts = view.texts({first.reason, document})
    return {
        "division": id,
        "kind": ENTRIES[type(first)],
        "payee": told[payee],
        "currency": first.currency,
        "of_minor": first.amount_minor,
        "amount_minor": line.amount_minor,
        "due": str(line.due),
        "carry_before": str(line.before),
        "carry_after": str(line.after),
        "rounding": _rounding(entry, line),
        "terms": opened.terms,
        "agreed": str(agreed),
        "share": str(share),
        "corrects": corrects,
        "by_agreement": str(by_agreement),
        "by_terms": str(line.due - by_agreement - paid_back - stated),
        "costs": costs,
        "stated": str(stated),
        "reason": texts.get(first.reason),
        "document": texts.get(document),
        "recouped": recouped_told(
            view,
            (each for each in of_entry(view, journal, entry) if payee in (each.payee, each.to)),
        ),
        "rules": rules_told(view, of_entry_rules(view, journal, entry), payee),
        "reserved": reserved_told(entry, told),
        "agreement": _agreement_told(first.agreement, noun),
        "pieces": []
        if stated or isinstance(first, Entry.Freed)
        else _pieces(view, noun, payee, waivers, agreed),
    }


def _agreed(entry: Entry) -> Fraction:
    """How much goes by the agreed shares; for a correction, how much does so now."""
    return sum((Fraction(units) for _, units in entry.anew), Fraction(entry.first.agreed))


def _corrects(view: View, journal: Journal, entry: Entry, payee: str) -> CorrectsTold | None:
    """The share of a payee before a correction, and how much went by the agreed shares."""
    first = entry.first
    if not isinstance(first, Entry.Corrected):
        return None
    # What corrects for a waiver is recorded directly after it.
    at = as_made(view, entry) if first.replaces else view.at(entry.position - 2)
    noun = noun_at(at, journal, Proposal, first.replaces or first.proposal)
    shares = shares_of(noun.current.assets, waivers_of(at, journal, noun))
    return {"share": str(shares.get(payee, Fraction())), "agreed": first.agreed}


def _line_of(view: View, entry: Entry, said: str) -> Line | None:
    """The line of a payee, or of an outsider by the name given with an expense."""
    own = next((each for each in entry.lines if each.payee == said), None)
    outside = [each for each in entry.lines if each.payee.startswith(PAYER)] if not own else []
    told = payees_told(view, (each.payee for each in outside))
    return own or next((each for each in outside if told[each.payee]["name"] == said), None)


def _division_of(view: View, journal: Journal, id: EntryId, actor: str) -> EntryId:
    """The id of a revenue's division; the id of an entry is returned as it is."""
    booked: dict[str, str] = dict(
        view.rows(
            "SELECT b.kind, b.id FROM @bookings b WHERE b.revenue = :id "
            "AND b.kind IN ('revenue', 'division') AND b.position <= :as_of",
            id=id,
        )
    )
    if booked and "division" not in booked:
        Reader(view, journal, actor).must("this revenue", MONEY, pool_of(view, journal, id))
        raise NotDivided(id)
    return booked.get("division", id)


def _agreement_told(number: int, noun: Proposal) -> AgreementTold:
    return {
        "proposal": noun.id,
        "number": number,
        "policy": noun.current.policy,
        "graph_position": noun.current.graph_position,
        "effective_at": noun.final.effective_at if noun.final else None,
    }


def _costs_of(entry: Entry, payee: str) -> list[PayeeCost]:
    """What an entry pays a payee back, for each of their expenses."""
    return [
        {"expense": expense, "amount_minor": units}
        for expense, payer, units in entry.shown("costs")
        if payer == payee
    ]


def _pieces(
    view: View,
    noun: Proposal,
    payee: str,
    waivers: dict[tuple[str, str], str],
    agreed: Fraction,
) -> list[PieceTold]:
    """Every asset in which a payee has a share, with the paths to it in the lineage."""
    position = noun.current.graph_position
    frozen = view if position is None else view.at(position)
    tree = ancestry(frozen, lineage.find(frozen, noun.release).number).tree
    ids = lineage.ids_of(frozen, tree.generation)
    numbers = {id: number for number, id in ids.items()}
    through = _paths(frozen, noun)
    kept = parts_of(noun.current.assets, waivers).get(payee, {}) if waivers else {}
    called = titles(view, set(waivers.values()))
    pieces: list[PieceTold] = []
    for each in holdings_in(noun.current.assets):
        if each.payee != payee:
            continue
        number = numbers.get(each.asset)
        works = [] if number is None else [number]
        counted = counted_paths(tree, works)
        paths = tree.paths(works, PATHS)
        ends = [tree.ends_of(path) for path in paths]
        told = lineage.references(frozen, {work for end in ends for work in end.works})
        whole = [[ids[work] for work in path] for path in paths]
        parts = _parts(through, whole, is_all=counted["path_count"] == len(paths))
        over = waivers.get((payee, each.asset))
        gained = kept.get(each.asset, each.part) - each.part if over is None else Fraction()
        pieces.append(
            {
                "asset": each.asset,
                "title": told[number]["title"] if number in told else None,
                "value": str(each.value),
                "share": str(each.share),
                "part": str(each.part),
                "amount": str(agreed * each.part),
                "waived_over": over,
                "over_title": None if over is None else called.get(over),
                "from_waivers": str(agreed * gained),
                "through": _through(view, noun, each),
                **counted,
                "paths": [
                    [{"id": told[work]["id"], "title": told[work]["title"]} for work in end.works]
                    for end in ends
                ],
                "paths_left_out": [end.left_out for end in ends],
                "path_amounts": [
                    None if part is None else str(agreed * each.part * part) for part in parts
                ],
            }
        )
    return pieces


def _through(view: View, noun: Proposal, holding: Holding) -> list[ThroughPart]:
    """The groups through which a holding is held: its part of the asset, and the group's."""
    asset = next(each for each in noun.current.assets if each["asset"] == holding.asset)
    inside: dict[str, Fraction] = {who: Fraction(share) for who, share in asset["shares"]}
    whole, found = sum(inside.values(), Fraction()), list[ThroughPart]()
    for each in asset.get("through", ()):
        parts = {who: inside[who] / whole * Fraction(part) for who, part in each["shares"]}
        if holding.payee in parts:
            told = payees_told(view, [each["group"]])[each["group"]]
            of = str(sum(parts.values(), Fraction()))
            found.append({"group": told, "share": str(parts[holding.payee]), "of": of})
    return found


def _paths(view: View, noun: Proposal) -> PartOfPath | None:
    """The share through each path, if the shares were computed by a policy that defines it."""
    if noun.current.policy is None:
        return None
    number = lineage.find(view, noun.release).number
    graph = splitting.lineage_at(view, number, noun.current.default_rate).lineage
    return splitting.parts_of_paths(read_terms(noun.current.policy, graph=graph), graph)


def _parts(
    through: PartOfPath | None, paths: list[list[str]], *, is_all: bool
) -> list[Fraction | None]:
    """Which part of what a work keeps comes through each path to it."""
    if is_all and len(paths) == 1:
        return [Fraction(1)]
    if through is None or not is_all:
        return [None] * len(paths)
    shares = [through(tuple(path)) for path in paths]
    whole = sum(shares)
    return [share / whole if whole else None for share in shares]


def _rounding(entry: Entry, line: Line) -> RoundingTold | None:
    """The rank of the remainder, and the units left over; None for all but a division."""
    first = entry.first
    if line.rank is None:
        return None
    assert isinstance(first, Entry.Divided)
    return {
        "method": first.rounding,
        "left_over": first.left_over,
        "rank": line.rank,
        "payees": len(entry.lines),
    }
