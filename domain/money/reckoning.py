"""Computing entries (divisions, reversals, corrections) from the current books.

The same books give the same entry, so anyone who has the journal can recompute every entry.

With t what is due to a payee and e their carry, x units are allocated, and e ← e + t − x is carried
on. A division chooses x by largest remainder; a reversal takes back lines in proportion; a
correction, whose dues sum to zero, rounds e + t. Partial reversals round dues to a millionth of a
unit, since the digits of exact parts of parts would grow without bound; the last takes the rest.

One file, because the three kinds of entries share one form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from domain.money.agreement import Agreement
from domain.money.apportionment import apportion_over, divide, settle
from domain.money.books import Books, PoolBooks
from domain.money.entry import (
    RULES,
    RULES_IN_PLACE,
    RULES_OF_DIVISIONS,
    RULES_OF_FEES,
    RULES_OF_PERSONS,
    RULES_OF_REVERSALS,
    Costs,
    Entry,
    Line,
    entry_lines,
    stated_lines,
)
from domain.money.policy.flow import FINE
from domain.money.policy.sold import Origin
from domain.money.pool import Pool
from domain.money.recouping import account_places
from domain.money.reserve import Payers, Reserved, Rows, held_back, in_force, taken_by, taken_first
from domain.money.sales import paid_first
from domain.money.shares import Shares
from domain.money.state import Cost, DivisionBooks
from domain.money.taking import (
    origin_of_entries,
    origin_of_part,
    profit_of,
    taking_of,
    up_to_redivision,
)
from domain.money.terms import (
    Taking,
    Terms,
    before_expenses,
    by_shares,
    by_terms,
    have_bands,
    look_through,
    taken_back,
)

_NONE = Fraction()


class ComputedEntry(NamedTuple):
    """An entry: its lines, and the other fields of its fact."""

    lines: list[Line]
    content: dict[str, Any]


class Change(NamedTuple):
    """A change of shares, and the divisions it applies to."""

    old: Shares
    new: Shares
    agreed: Fraction
    """How much of the divisions goes by the agreed shares, in units."""
    divisions: Sequence[str]
    """The divisions; after a waiver, listed only if terms look through to the shares."""
    is_complete: bool | None = None
    """Whether no other divisions are left under the old agreement; None after a waiver."""
    moved: Sequence[str] = ()
    """All divisions that move to the new agreement or to amended terms."""


def division_of(
    books: Books, revenue: str, agreement: Agreement, rules: int = RULES_OF_DIVISIONS
) -> ComputedEntry:
    """The division of a revenue: first expenses are paid back, then terms and shares apply."""
    known = books.revenues[revenue]
    pool = books.pools[known.recorded.pool]
    amount_minor, recorded = known.left_minor, known.recorded
    opened = books.opened[recorded.pool].version(books.terms_for(recorded.pool, revenue))
    origin = origin_of_part(recorded, amount_minor)
    costs = list(_paid_back(pool, amount_minor - before_expenses(opened, amount_minor, origin)))
    origin = origin._replace(expenses_minor=sum(units for *_, units in costs))
    profit_minor = amount_minor - origin.expenses_minor
    terms = by_shares(opened, profit_minor, pool.flow, agreement.shares, rules=rules, origin=origin)
    due = _with_costs(terms.due, costs)
    weights = {**dict.fromkeys(pool.carry, _NONE), **due}
    division = divide(amount_minor, weights, carry=pool.carry)
    content = {
        **of_agreement(agreement, pool, rules),
        "amount_minor": amount_minor,
        "agreed": str(terms.agreed),
        "revenue": revenue,
        "rounding": pool.opened.rounding,
        "left_over": division.left_over,
        "effective_at": recorded.effective_at,
        "costs": [list(cost) for cost in costs],
        "flow_before": written(pool.flow),
        "flow": written(terms.flow),
    }
    lines = entry_lines(division.units, due, pool.carry, division.ranks)
    content["reserved"] = _held_back(books, agreement, lines, costs, content)
    return ComputedEntry(lines, content)


def _held_back(
    books: Books,
    agreement: Agreement,
    lines: Sequence[Line],
    costs: Payers,
    content: Mapping[str, Any],
) -> Rows:
    effective_at = content["effective_at"]
    version = content["rules"] or 1
    person = books.person if version >= RULES_OF_PERSONS else str
    rules = in_force(books.opened[agreement.pool].reserving, effective_at, person)
    if not rules:
        return []
    of = {line.payee: rules.get(person(line.payee)) or rules.get(None) for line in lines}
    by_payee = {payee: rule for payee, rule in of.items() if rule is not None}
    reserves = books.reserves_of(agreement.proposal, by_payee)
    debts = books.debts_in(agreement.pool, by_payee) if version > 2 else {}
    held = held_back(by_payee, reserves, lines, costs, effective_at, debts)
    return [row.written() for row in held]


def _taken_first(books: Books, agreement: Agreement, lines: Sequence[Line]) -> Rows:
    if not books.opened[agreement.pool].reserving:
        return []
    taken = taken_by(lines)
    reserves = books.reserves_of(agreement.proposal, taken)
    return [row.written() for row in taken_first(reserves, taken)]


def freed_of(books: Books, proposal: str, rows: Sequence[Reserved]) -> ComputedEntry:
    """The entry that frees reserves: what was held back is owed from now on."""
    agreement = books.agreements[proposal]
    pool = books.pools[agreement.pool]
    content = {**of_agreement(agreement, pool), "amount_minor": 0, "agreed": "0"}
    content["reserved"] = [row.written() for row in rows]
    return ComputedEntry(
        stated_lines(dict.fromkeys((row.payee for row in rows), 0), pool.carry), content
    )


def rules_of_reversal(books: Books, division: Entry, before: Sequence[Entry]) -> int:
    """The version of the rules for a reversal: a division by the first rules keeps them.

    So does one of which a part was taken back by rules that took another part of fees.
    """
    given = up_to_redivision(division, before)
    looks = look_through(opened_of(books, division.id).terms)
    if given[-1].first.rules is None and looks:
        return 1
    is_older = any((each.first.rules or 1) < RULES_OF_FEES for each in before[len(given) - 1 :])
    return RULES_OF_FEES - 1 if is_older else RULES_OF_REVERSALS


def opened_of(books: Books, division: str) -> Pool.Opened:
    """The pool with the terms that a division is under now."""
    known = books.divisions[division]
    return books.opened[books.revenues[known.revenue].recorded.pool].version(known.terms)


def reversal_of(
    books: Books,
    division: Entry,
    before: Sequence[Entry],
    taken: int,
    rules: int,
    flow: Mapping[str, Fraction] | None = None,
) -> ComputedEntry:
    """The reversal of ``taken`` units of a division, after the entries ``before``.

    ``flow`` are the running totals without what moves up (see domain.money.moving), if anything.

    Usually every line gives back units in proportion to what it has left. After a correction, if
    bands have moved since, or if a line has less than nothing left, what is due by the current
    shares and bands is taken back instead.
    """
    first = division.first
    assert isinstance(first, Entry.Divided)
    known, pool = books.divisions[division.id], books.pools[first.pool]
    agreement, opened = books.agreements[known.agreement], opened_of(books, division.id)
    costs = _costs_back(division, before, taken)
    if rules == 1:
        terms = _first_taken_back(opened, division, [*before, taken]).shared(agreement.shares)
        due = terms.due
    else:
        profit_minor = taken + sum(int(units) for *_, units in costs)
        taking = taking_of(books.revenues[first.revenue].recorded, division, before, profit_minor)
        totals = pool.flow if flow is None else flow
        terms = taken_back(opened, taking, totals, agreement.shares, rules)
        due = _with_costs(terms.due, costs)
    left = _left(division, before)
    moved = have_bands(opened.terms) and rules > 1 and _is_moved(due, left, taken)
    given = {payee: units for payee, (units, _) in left.items() if units}
    # An earlier reversal may have taken a unit that was carried, and left less than nothing.
    if known.is_corrected or moved or min(given.values()) < 0:
        units = settle(summed(pool.carry, due))
    else:
        units = {payee: -back for payee, back in apportion_over(taken, given).items()}
    content = {
        **of_agreement(agreement, pool, rules),
        "amount_minor": -taken,
        "agreed": str(terms.agreed),
        "revenue": first.revenue,
        "division": division.id,
        "effective_at": first.effective_at,
        "costs": costs,
        "flow": written(terms.flow),
    }
    if flow is not None:
        content["flow_before"] = written(flow)
    lines = entry_lines(units, due, pool.carry)
    content["reserved"] = _taken_first(books, agreement, lines)
    return ComputedEntry(lines, content)


def _left(division: Entry, before: Sequence[Entry]) -> dict[str, tuple[int, Fraction]]:
    """By payee: the units and the exact dues that are left of a division."""
    left: dict[str, tuple[int, Fraction]] = {}
    for line in (line for entry in (division, *before) for line in entry.lines):
        units, due = left.get(line.payee, (0, _NONE))
        left[line.payee] = units + line.amount_minor, due + line.due
    return left


def _is_moved(
    due: Mapping[str, Fraction], left: Mapping[str, tuple[int, Fraction]], taken: int
) -> bool:
    """Whether the dues are not in proportion to what is left, because bands have moved."""
    whole = sum(units for units, _ in left.values())
    return any(
        left.get(payee, (0, _NONE))[1] * taken + due.get(payee, _NONE) * whole
        for payee in {*left, *due}
    )


def redivision_of(
    books: Books,
    division: Entry,
    before: Sequence[Entry],
    cost: Cost,
    rules: int = RULES_OF_REVERSALS,
    flow: Mapping[str, Fraction] | None = None,
) -> ComputedEntry:
    """A division divided again, after an expense that it had paid back was reversed.

    ``cost.left_minor`` is negative: what was paid back too much. It pays back other expenses first;
    the rest goes by the terms and shares. ``flow`` are the running totals without what moves up.
    """
    first = division.first
    assert isinstance(first, Entry.Divided)
    known, pool = books.divisions[division.id], books.pools[first.pool]
    agreement, totals = books.agreements[known.agreement], pool.flow if flow is None else flow
    recorded = books.revenues[first.revenue].recorded
    taking = taking_of(recorded, division, before, 0).rest
    opened = opened_of(books, division.id)
    back = taken_back(opened, taking, totals, agreement.shares, rules)
    costs: Costs = [[cost.expense, cost.payer, -cost.left_minor]]
    costs += (list(each) for each in _paid_back(pool, cost.left_minor))
    flow_before = summed(totals, back.flow)
    more = sum(int(units) for *_, units in costs)
    origin = origin_of_entries(recorded, [division, *before])
    origin = origin._replace(expenses_minor=origin.expenses_minor + more)
    left = taking.taken_minor - more
    anew = by_shares(opened, left, flow_before, agreement.shares, origin=origin)
    due = _with_costs(summed(back.due, anew.due), costs)
    content = {
        **of_agreement(agreement, pool, rules),
        "amount_minor": 0,
        "agreed": str(back.agreed + anew.agreed),
        "revenue": first.revenue,
        "division": division.id,
        "effective_at": first.effective_at,
        "costs": costs,
        "flow_before": written(flow_before),
        "flow": written(summed(back.flow, anew.flow)),
    }
    return settled(pool, due, content)


def paid_by(division: Entry, before: Sequence[Entry], expense: str) -> int:
    """How much of an expense a division paid back, less what was taken back since, in units."""
    entries = (division, *before)
    return sum(int(units) for each in entries for id, _, units in each.costs if id == expense)


def correction_in_place(
    books: Books,
    proposal: str,
    change: Change,
    entry_of: Callable[[str], Entry],
    rules: int,
) -> ComputedEntry:
    """The correction of everything divided at the place it had, after shares have changed.

    The agreed part of all divisions together is due by the difference of the shares; a division
    that depends on more than its agreed part is taken back and divided again (see ``_is_anew``).
    """
    agreement = books.agreements[proposal]
    pool = books.pools[agreement.pool]
    anew = [id for id in change.divisions if _is_anew(books, agreement.pool, id)]
    agreed = change.agreed - sum((books.divisions[id].agreed for id in anew), _NONE)
    due = {payee: agreed * part for payee, part in difference(change.old, change.new).items()}
    flow, moved = dict(pool.flow), dict[str, Fraction]()
    more_agreed: list[list[str]] = []
    for id in anew:
        entry, before = entry_of(id), [*map(entry_of, books.divisions[id].reversals)]
        revenue = books.divisions[id].revenue
        now = books.opened[agreement.pool].version(books.terms_for(agreement.pool, revenue))
        recorded = books.revenues[revenue].recorded
        opened, taking = (opened_of(books, id), now), taking_of(recorded, entry, before, 0)
        origin = origin_of_entries(recorded, [entry, *before])
        if rules < RULES_IN_PLACE:
            divided = _divided_anew(opened, taking, origin, flow, change, rules)
        else:
            flows, agreed = (flow, moved), books.divisions[id].agreed
            divided = _divided_in_place(opened, taking, origin, flows, change, agreed, rules)
        more = _NONE
        for terms in divided:
            due, flow = summed(due, terms.due), summed(flow, terms.flow)
            moved = summed(moved, terms.flow)
            more += terms.agreed
        if now != opened[0]:
            more_agreed.append([id, str(more)])
    content = {
        **of_agreement(agreement, pool, rules),
        "amount_minor": 0,
        "agreed": str(change.agreed),
    }
    if rules > 1:
        through = {place: flow[place] - pool.flow.get(place, _NONE) for place in flow}
        content |= {"flow": written(through), "is_complete": change.is_complete}
        content |= {"anew": more_agreed} if more_agreed else {}
    return settled(pool, due, content)


def _divided_anew(
    opened: tuple[Pool.Opened, Pool.Opened],
    taking: Taking,
    origin: Origin,
    flow: Mapping[str, Fraction],
    change: Change,
    rules: int,
) -> Iterator[Terms]:
    (before, now), rest = opened, taking.rest
    back = taken_back(before, rest, flow, change.old, rules)
    yield back
    yield by_shares(now, rest.taken_minor, summed(flow, back.flow), change.new, origin=origin)


def _divided_in_place(
    opened: tuple[Pool.Opened, Pool.Opened],
    taking: Taking,
    origin: Origin,
    flows: tuple[Mapping[str, Fraction], Mapping[str, Fraction]],
    change: Change,
    agreed: Fraction,
    rules: int,
) -> Iterator[Terms]:
    """The same, at the place in bands and tranches that the division had.

    ``flows`` are the running totals now, and what the correction has added to them. Only the
    accounts of advances, which depend on the shares, are taken as they stand now. What reversals
    took of the division is taken again, so that they take the same part of a fee. If it left less
    or more by the agreed shares than at its place (``agreed``), because reversals took the last
    units of a band, the division is divided at the end, as reversals are.
    """
    flow, moved = flows
    before, now = opened
    accounts = account_places(before)

    def at(bands: Mapping[str, Fraction], totals: Mapping[str, Fraction]) -> dict[str, Fraction]:
        found = {place: units for place, units in bands.items() if place not in accounts}
        return found | {place: totals.get(place, _NONE) for place in accounts}

    there = summed(*(each.flow for each in given_in_place(before, taking, change.old, rules)))
    end = at(summed(taking.flow_before, there), flow)
    back = taken_back(before, taking.rest, end, change.old, rules)
    if back.agreed != -agreed:
        yield from _divided_anew(opened, taking, origin, flow, change, rules)
        return
    yield back
    start = at(summed(taking.flow_before, moved), summed(flow, back.flow))
    yield from given_in_place(now, taking._replace(flow_before=start), change.new, rules)


def given_in_place(
    opened: Pool.Opened, taking: Taking, shares: Shares, rules: int
) -> Iterator[Terms]:
    """What a division gives after the totals before it, and what reversals take of that."""
    flow, whole = taking.flow_before, taking.whole_minor
    given = by_shares(opened, whole, flow, shares, origin=taking.origin)
    yield given
    first = taking._replace(before_minor=0, taken_minor=taking.before_minor)
    yield taken_back(opened, first, summed(flow, given.flow), shares, rules)


def changes_due(books: Books, pool: str) -> dict[tuple[str, str], Change]:
    """By old and new agreement: the divisions of a pool that have to be corrected.

    Divisions that stay under their agreement but whose terms were amended have a pair of the same
    agreement twice.
    """
    moves: dict[tuple[str, str], list[str]] = {}
    every, versions = books.divisions_of(pool), [*books.opened[pool].versions]
    # Reversals may have left nothing of the agreed part of a division that has one at its place.
    has_places = any(have_bands(each.terms) for each in versions)
    is_unsure = has_places and any(each.reversals for _, each in every)
    for id, division in every:
        revenue = books.revenues[division.revenue]
        if revenue.left_minor:
            holds = books.agreement_for(pool, revenue.recorded.effective_at)
            # A division that was reversed completely has nothing to move.
            is_other = holds is not None and holds.proposal != division.agreement
            if holds is not None and (
                (is_other and (division.agreed or is_unsure)) or _is_amended(books, pool, division)
            ):
                moves.setdefault((division.agreement, holds.proposal), []).append(id)
    looks = any(look_through(each.terms) for each in versions)
    under = Counter(each.agreement for _, each in every if each.agreed)
    return {
        (old, new): Change(
            books.agreements[old].shares,
            books.agreements[new].shares,
            sum((books.divisions[id].agreed for id in divisions), _NONE),
            [
                id
                for id in divisions
                if (looks and books.divisions[id].agreed)
                or _is_amended(books, pool, books.divisions[id])
            ],
            old != new and under[old] == sum(bool(books.divisions[id].agreed) for id in divisions),
            divisions,
        )
        for (old, new), divisions in moves.items()
    }


def _is_anew(books: Books, pool: str, division: str) -> bool:
    """Whether a division is corrected by dividing it again: by the present rules, or new terms."""
    known = books.divisions[division]
    return known.rules > 1 or _is_amended(books, pool, known)


def _is_amended(books: Books, pool: str, division: DivisionBooks) -> bool:
    """Whether the terms in force for a division differ from those it was divided by."""
    known = books.opened[pool]
    now, then = books.terms_for(pool, division.revenue), division.terms
    return known.version(now).terms != known.version(then).terms


def waived_from(books: Books, before: Agreement) -> Change:
    """The change by a waiver, for all divisions under the agreement ``before`` it."""
    now = books.agreements[before.proposal]
    looks = any(look_through(each.terms) for each in books.opened[now.pool].versions)
    divisions = [id for id, _ in books.divisions_under([now.proposal])] if looks else ()
    return Change(before.shares, now.shares, books.agreed[now.proposal], divisions)


def settled(pool: PoolBooks, due: Mapping[str, Fraction], content: dict[str, Any]) -> ComputedEntry:
    """An entry whose dues sum to zero: with the carry, they are rounded to units."""
    units = settle(summed(pool.carry, due))
    return ComputedEntry(entry_lines(units, due, pool.carry), content)


def difference(old: Shares, new: Shares) -> dict[str, Fraction]:
    """By payee whose share has changed: by how much."""
    return {
        payee: change
        for payee in dict.fromkeys([*old, *new])
        if (change := new.get(payee, _NONE) - old.get(payee, _NONE))
    }


def written(amounts: Mapping[str, Fraction]) -> list[list[str]]:
    """Exact amounts by name as a fact holds them, without zeros."""
    return [[name, str(amount)] for name, amount in amounts.items() if amount]


def of_agreement(agreement: Agreement, pool: PoolBooks, rules: int = RULES) -> dict[str, Any]:
    """The fields about its agreement that every entry has."""
    return {
        "rules": rules if rules > 1 else None,
        "pool": agreement.pool,
        "release": agreement.release,
        "proposal": agreement.proposal,
        "agreement": agreement.number,
        "currency": pool.opened.currency,
    }


def _with_costs(
    due: Mapping[str, Fraction], costs: Sequence[Sequence[str | int]]
) -> dict[str, Fraction]:
    """The dues, plus what payers are paid back for expenses (negative: less)."""
    every = dict(due)
    for _, payer, units in costs:
        every[str(payer)] = every.get(str(payer), _NONE) + int(units)
    return every


def _first_taken_back(opened: Pool.Opened, division: Entry, parts: Sequence[Entry | int]) -> Terms:
    """By the first rules: a part of what a division gave by its terms and for expenses.

    ``parts`` are the earlier reversals and, last, the units taken now. Each takes a part of what
    those before it left, so all parts sum to the whole.
    """
    flow = {place: Fraction(amount) for place, amount in division.flow_before}
    left = division.first.amount_minor
    profit_minor = left - sum(int(units) for *_, units in division.costs)
    terms = by_terms(opened, profit_minor, flow, rules=1)
    pool = opened.originator_id  # stands for the agreed part, as in the terms
    due = {**_with_costs(terms.due, division.costs), pool: terms.agreed}
    through = dict(terms.flow)
    back, flow_back = due, through
    for part in parts:
        taken = part if isinstance(part, int) else -part.first.amount_minor
        back, flow_back = due, through
        if taken < left:
            fine = {name: amount * taken * FINE / left for name, amount in due.items()}
            back = {name: Fraction(units, FINE) for name, units in settle(fine).items()}
            # Rounded down, so that no running total becomes negative.
            flow_back = {
                place: Fraction(amount * taken * FINE // left, FINE)
                for place, amount in through.items()
            }
        due = {name: amount - back[name] for name, amount in due.items()}
        through = {place: amount - flow_back[place] for place, amount in through.items()}
        left -= taken
    named = {name: -amount for name, amount in back.items()}
    agreed = named.pop(pool)
    return Terms(named, agreed, {place: -amount for place, amount in flow_back.items()})


def _paid_back(pool: PoolBooks, amount_minor: int) -> Iterator[tuple[str, str, int]]:
    """(expense, payer, units): what an amount pays back for expenses, in order of recording."""
    payers = {cost.expense: cost.payer for cost in pool.unpaid}
    paid = paid_first(amount_minor, [(cost.expense, cost.left_minor) for cost in pool.unpaid])
    for expense, units in paid.items():
        yield expense, payers[expense], units


def _costs_back(division: Entry, before: Sequence[Entry], taken: int) -> Costs:
    """``[expense, payer, −units]``: what a reversal takes back of expenses that were paid back.

    The taken units are shared between the expenses and the profit in proportion to what is left of
    each; the division's id stands for the profit.
    """
    payers = {str(id): str(who) for each in (division, *before) for id, who, _ in each.costs}
    left = {id: paid_by(division, before, id) for id in payers}
    left[division.id] = profit_of([division, *before])
    taken_from = apportion_over(taken, {name: units for name, units in left.items() if units})
    return [
        [expense, payer, -part]
        for expense, payer in payers.items()
        if (part := taken_from.get(expense, 0))
    ]


def summed(carry: Mapping[str, Fraction], due: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Both added up, name by name."""
    return {
        payee: carry.get(payee, _NONE) + due.get(payee, _NONE)
        for payee in dict.fromkeys([*carry, *due])
    }
