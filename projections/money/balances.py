"""Balances of all accounts at any position, and how much of them can be paid.

The one rule: a balance is the sum of postings, and a posting is never changed. Whether money is
held follows from consents and holds, not from an account.

One file, because every balance needs all of it: its sum, what holds it back, and whose it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from domain.engine import PLANNED_ONCE
from domain.journal import Journal
from domain.money.held import (
    DEBT,
    HELD,
    NO_ASSETS,
    NO_PARTS,
    PAYABLE,
    AllInQuestion,
    Held,
    Owed,
    PayeeClaim,
    accounting_for,
    against,
    covering_debts,
)
from domain.money.passing import NOTHING_PASSED, Passed
from domain.money.payee import Payee, people_among
from domain.money.postings import (
    ACCOUNTS,
    EXCHANGED,
    IN_TRANSIT,
    OWED,
    PAID,
    RESERVED,
    SUSPENSE,
    WITHHELD,
)
from projections import contributors, lineage
from projections.money.agreements import parts_in, passed_under
from projections.money.payees import payees_told
from projections.money.questioned import questions, with_above
from projections.money.told import PayeeRef
from projections.store import View, holds, wanted

T = TypeVar("T")

NOT_OWED = (IN_TRANSIT, PAID, SUSPENSE, WITHHELD, EXCHANGED, RESERVED)
"""The accounts of money that is no longer owed, or not yet."""


UNITS = "CAST(sum(p.amount) AS BIGINT)"
BEGUN = "HAVING min(p.born) <= :as_of"
"""SQL: only accounts with a posting up to the position of the view."""


def on_accounts(*where: str) -> str:
    """SQL for the amounts that sum to balances, of the accounts ``x`` that meet the conditions.

    The present balance, less what was posted after the position of the view, mostly nothing.
    """
    holding = "".join(f" AND {condition}" for condition in where)
    columns = "x.payee, x.proposal, x.pool, x.currency, x.account"
    return (
        f"(SELECT {columns}, x.amount, x.born FROM @sums x WHERE 1 = 1{holding} UNION ALL "
        f"SELECT {columns}, -x.amount, CAST(NULL AS BIGINT) FROM @postings x "
        f"WHERE x.position > :as_of{holding})"
    )


class Account(NamedTuple):
    """A payee's balances under one agreement, by ledger account."""

    payee: str
    proposal: str
    pool: str
    currency: str
    units: dict[str, int]

    @property
    def owed(self) -> int:
        """What is owed; a debt is negative."""
        return self.units.get(OWED, 0)


def accounts(
    view: View,
    *,
    payees: Collection[str] | None = None,
    pools: Collection[str] | None = None,
    currency: str | None = None,
) -> list[Account]:
    """The accounts of these payees, these pools and this currency; None: any."""
    where, values = wanted(
        {
            "x.payee IN :payees": None if payees is None else list(payees),
            "x.pool IN :pools": None if pools is None else list(pools),
            "x.currency = :currency": currency,
        },
        "x.proposal IS NOT NULL",
    )
    rows = view.rows(
        f"SELECT p.payee, p.proposal, p.pool, p.currency, p.account, {UNITS} "
        f"FROM {on_accounts(where)} p "
        f"GROUP BY p.payee, p.proposal, p.pool, p.currency, p.account {BEGUN} "
        "ORDER BY p.payee, p.proposal, p.account",
        **values,
    )
    found: dict[tuple[str, str], Account] = {}
    for payee, proposal, of_pool, of_currency, account, amount in rows:
        known = found.setdefault(
            (payee, proposal), Account(payee, proposal, of_pool, of_currency, {})
        )
        known.units[account] = amount
    return list(found.values())


def sent_units(view: View, payees: Collection[str]) -> list[tuple[str, str, str, int]]:
    """(payee, currency, account, units): what was sent after conversion from a pool's currency."""
    rows = view.rows(
        f"SELECT p.payee, p.currency, p.account, {UNITS} FROM "
        + on_accounts("x.payee IN :payees", "x.proposal IS NULL")
        + f" p GROUP BY p.payee, p.currency, p.account {BEGUN}",
        payees=list(payees),
    )
    return [(payee, currency, account, units) for payee, currency, account, units in rows]


def pool_units(view: View, pool: str) -> dict[str, int]:
    """By ledger account of a pool: the balance over all payees."""
    rows = view.rows(
        f"SELECT p.account, {UNITS} FROM {on_accounts('x.pool = :pool')} p "
        f"GROUP BY p.account {BEGUN}",
        pool=pool,
    )
    return dict(rows)


def totals(view: View, *where: str) -> dict[str, dict[str, int]]:
    """By currency and ledger account: the balance; those of a currency sum to zero.

    With conditions, only of the accounts ``x`` that meet them.
    """
    found: dict[str, dict[str, int]] = {}
    for currency, account, amount in view.rows(
        f"SELECT p.currency, p.account, {UNITS} FROM {on_accounts(*where)} p "
        f"GROUP BY p.currency, p.account {BEGUN} ORDER BY p.currency, p.account"
    ):
        found.setdefault(currency, dict.fromkeys(ACCOUNTS, 0))[account] = amount
    return found


Key = tuple[str, str]
"""A payee and an agreement."""


class Standing(NamedTuple):
    """What is owed on an account, split into payable, held and debt."""

    sums: Mapping[str, int]
    held: Held
    """Whether and why a part of it is on hold."""


def standings(
    view: View, journal: Journal, of: Collection[Account]
) -> Iterator[tuple[Account, Standing]]:
    """Each account with its standing; all accounts of a payee in a pool must be given together."""
    found = held(view, journal, ((each.payee, each.proposal) for each in of))
    limited = {key for key, why in found.items() if why.assets}
    parts = parts_in(view, journal, {proposal for _, proposal in limited})
    owed, of_each = owed_to(view, limited), {}
    for each in of:
        key = each.payee, each.proposal
        why, known = found.get(key, Held()), owed.get(key, Owed(each.owed))
        waits = known.held_minor(why, parts.get(each.proposal, {}).get(each.payee, NO_PARTS))
        of_each[key] = each.pool, each.owed, waits
    covered = covering_debts(of_each)
    for each in of:
        key = each.payee, each.proposal
        waits = of_each[key][-1] - covered.get(key, 0)
        sums = {PAYABLE: max(each.owed, 0) - waits, HELD: waits, DEBT: max(-each.owed, 0)}
        yield each, Standing(sums, found.get(key, Held()) if waits else Held())


def summed(
    standings: Iterable[tuple[Account, Standing]], of: Callable[[Account], T]
) -> tuple[dict[T, dict[str, int]], dict[T, dict[str, None]]]:
    """Sums of balances and reasons for holds, grouped by ``of``.

    What a payee owes is offset against what could be paid to them, as a payout does.
    """
    found: dict[T, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    reasons: dict[T, dict[str, None]] = defaultdict(dict)
    for each, stands in standings:
        sums = found[key := of(each)]
        sums["earned"] += sum(each.units.values())
        for name, owed in stands.sums.items():
            sums[name] += owed
        for account in NOT_OWED:
            sums[account] += each.units.get(account, 0)
        reasons[key] |= dict.fromkeys(stands.held.because)
    for sums in found.values():
        offset = min(sums[PAYABLE], sums[DEBT])
        sums[PAYABLE] -= offset
        sums[DEBT] -= offset
    return found, reasons


def owed_to(view: View, accounts: Collection[Key]) -> dict[Key, Owed]:
    """By payee and agreement: what is owed."""
    found: dict[Key, Owed] = {}
    for payee, proposal, units, is_paid in view.rows(
        f"{PLANNED_ONCE}SELECT p.payee, p.proposal, p.amount, "
        "CASE WHEN EXISTS (SELECT 1 FROM @payouts y WHERE y.id = p.noun) "
        "OR EXISTS (SELECT 1 FROM @bookings b WHERE b.id = p.noun AND b.kind = 'assignment' "
        "AND b.payee <> p.payee) THEN 1 ELSE 0 END "
        "FROM @postings p WHERE p.payee IN :payees AND p.proposal IN :proposals "
        "AND p.account = :owed AND p.position <= :as_of ORDER BY p.position",
        payees=sorted({payee for payee, _ in accounts}),
        proposals=sorted({proposal for _, proposal in accounts}),
        owed=OWED,
    ):
        known = found.get((payee, proposal), Owed())
        found[payee, proposal] = known.paid(-units) if is_paid else known.earned(units)
    return found


def held(view: View, journal: Journal, of: Iterable[Key]) -> dict[Key, Held]:
    """By payee and agreement: whether and why what is owed is on hold."""
    open_now = AllInQuestion(questions(view).values())
    found = {}
    for key, claim in claims(view, journal, of, is_clear=open_now.is_empty).items():
        why = against(claim, open_now)
        if why.because:
            found[key] = why
    return found


def claims(
    view: View, journal: Journal, of: Iterable[Key], *, is_clear: bool = False
) -> dict[Key, PayeeClaim]:
    """By payee and agreement: the claim, with everything that could put it on hold.

    With ``is_clear`` nothing is in question, so the works that claims depend on are not read.
    """
    asked = set(of)
    shares = _shares(view, {payee for payee, _ in asked})
    persons = persons_of(view, {payee for payee, _ in asked}, shares)
    forgotten = _forgotten(view, {persons.get(payee, payee) for payee, _ in asked})
    works = {} if is_clear else _works(view, {proposal for _, proposal in asked})
    known = _known(view, set() if is_clear else {proposal for _, proposal in asked})
    passed = {} if is_clear else _passed(view, journal, asked)
    nothing = _Works("", "")
    found = {}
    for payee, proposal in asked:
        about, person = works.get(proposal, nothing), persons.get(payee, payee)
        found[payee, proposal] = PayeeClaim(
            payee,
            person,
            shares.get((payee, proposal), _UNASKED).state,
            release=about.release,
            assets=about.pieces.get(payee, NO_ASSETS),
            works=about.every,
            named=about.named if payee in about.payees_named else (),
            known=known.upto(payee, proposal),
            is_forgotten=person in forgotten,
            passed=passed.get((payee, proposal), NOTHING_PASSED),
        )
    return found


def _passed(
    view: View, journal: Journal, asked: Collection[Key]
) -> dict[Key, dict[str, tuple[Passed, ...]]]:
    """By payee and agreement, by asset: the parts that others had before."""
    rows = view.rows(
        f"SELECT a.id FROM @proposals a WHERE a.id IN :ids AND a.is_passed = 1 AND {holds('a')}",
        ids=sorted({proposal for _, proposal in asked}),
    )
    of = {proposal: passed_under(view, journal, proposal) for (proposal,) in rows}
    found = {
        (payee, proposal): of[proposal][payee]
        for payee, proposal in asked
        if payee in of.get(proposal, ())
    }
    givers = [g for own in found.values() for of in own.values() for p in of for g in p.givers]
    persons = persons_of(view, {each.payee for each in givers}) if givers else {}
    nodes = lineage.nodes_of(view, {work for each in givers for work in each.works})

    def person(payee: str) -> str:
        return persons.get(payee, payee)

    def at_nodes(works: Iterable[str]) -> Collection[str]:
        return {nodes.get(work, work) for work in works}

    return {
        key: {asset: tuple(each.at(person, at_nodes) for each in of) for asset, of in own.items()}
        for key, own in found.items()
    }


def payees_of(view: View, id: str) -> list[str]:
    """All payees that are a contributor: accounts, names, and works whose shares they claimed.

    For a name that was never identified, only itself.
    """
    id = _whose(view, id)
    if Payee.parse(id).kind == "other":
        return [id]
    return payees_for(view, contributors.account_ids(view, id))


def paid_as(view: View, id: str) -> PayeeRef:
    """The contributor, or the name for which something was posted; else UnknownContributor."""
    id = _whose(view, id)
    if Payee.parse(id).kind == "other" and is_paid(view, id):
        return payees_told(view, [id])[id]
    number = contributors.find_person(view, id)[0]
    return {"kind": "contributor", **contributors.persons(view, [number])[number]}


def is_paid(view: View, payee: str) -> bool:
    """Whether anything was ever posted for a payee."""
    return bool(accounts(view, payees=[payee]))


def _whose(view: View, payee: str) -> str:
    """The contributor that a name was identified as; else the payee itself."""
    is_name = Payee.parse(payee).kind == "other"
    return identified(view, [payee]).get(payee, payee) if is_name else payee


def of_others(view: View) -> dict[str, str]:
    """By payee with an account that now belongs to another person: that person."""
    rows = view.rows(
        f"SELECT p.id FROM @contributors p WHERE p.merged_into IS NOT NULL AND {holds('p')} "
        "AND EXISTS (SELECT 1 FROM @sums x WHERE x.payee = p.id) UNION "
        "SELECT i.name FROM @identified i WHERE i.position <= :as_of UNION "
        "SELECT x.payee FROM @sums x WHERE x.payee >= 'work/' AND x.payee < 'work0'"
    )
    persons = persons_of(view, {payee for (payee,) in rows})
    return {payee: person for payee, person in persons.items() if person != payee}


def identified(view: View, names: Collection[str]) -> dict[str, str]:
    """By outsider's name that was identified: the contributor."""
    rows = view.rows(
        "SELECT i.name, i.contributor FROM @identified i "
        "WHERE i.name IN :names AND i.position <= :as_of",
        names=sorted(names),
    )
    return dict(rows)


def payees_for(view: View, people: Collection[str]) -> list[str]:
    """As what these accounts are paid: themselves, names that were identified as theirs, and works
    whose waiting shares they claimed."""
    rows = view.rows(
        "SELECT i.name FROM @identified i WHERE i.contributor IN :people AND i.position <= :as_of "
        f"UNION SELECT s.payee FROM @shares s WHERE s.contributor IN :people AND {holds('s')}",
        people=sorted(people),
    )
    return sorted({*people, *(payee for (payee,) in rows)})


class _Asked(NamedTuple):
    """The state of a payee's share, and who claimed the work, if it waited for its maker."""

    state: str | None
    contributor: str | None


_UNASKED = _Asked(None, None)


def _shares(view: View, payees: Iterable[str]) -> dict[Key, _Asked]:
    asked = [payee for payee in payees if Payee.parse(payee).kind != "other"]
    return {
        (payee, proposal): _Asked(state, contributor)
        for payee, proposal, state, contributor in view.rows(
            "SELECT s.payee, s.proposal, s.state, s.contributor FROM @shares s "
            f"WHERE s.payee IN :payees AND {holds('s')}",
            payees=sorted(asked),
        )
    }


def persons_of(
    view: View, payees: Collection[str], shares: Mapping[Key, _Asked] | None = None
) -> dict[str, str]:
    """By payee: the person after all merges, by a claim on the work, or by name.

    An unclaimed work becomes the node that it was joined into, or the person who claimed that.
    """
    shares = _shares(view, payees) if shares is None else shares
    joined = _joined(view, payees)
    makers = _makers(_shares(view, joined.values())) if joined else {}
    makers = {work: makers.get(node, node) for work, node in joined.items()} | _makers(shares)
    makers |= identified(view, payees)
    people = {*people_among(payees), *people_among(makers.values())}
    persons = contributors.persons_of(view, sorted(people))
    return {**persons, **{work: persons.get(maker, maker) for work, maker in makers.items()}}


def _makers(shares: Mapping[Key, _Asked]) -> dict[str, str]:
    return {payee: each.contributor for (payee, _), each in shares.items() if each.contributor}


def _joined(view: View, payees: Collection[str]) -> dict[str, str]:
    """By payee that is a work joined into another: that node, as a payee."""
    works = {one.id: payee for payee in payees if (one := Payee.parse(payee)).is_work}
    nodes = lineage.nodes_of(view, works) if works else {}
    return {works[id]: str(Payee("work", node)) for id, node in nodes.items()}


def _forgotten(view: View, people: Collection[str]) -> set[str]:
    rows = view.rows(
        "SELECT f.contributor FROM @forgotten f "
        "WHERE f.contributor IN :people AND f.position <= :as_of",
        people=sorted(people),
    )
    return {contributor for (contributor,) in rows}


@dataclass
class _Known:
    """How far agreements account for what was found false."""

    positions: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """By agreement and payee (None: all): the position up to which they do."""
    known_as: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By agreement: others whose account holds for it, too."""

    def upto(self, payee: str, proposal: str) -> int:
        """The position up to which a share accounts for what was found false."""
        every = accounting_for(proposal, self.known_as.__getitem__)
        return max(self.positions.get((each, who), 0) for each in every for who in (None, payee))


def _known(view: View, proposals: set[str]) -> _Known:
    """How far these agreements, and those that account for them, account for what was false."""
    found, fresh = _Known(), proposals
    while fresh:
        rows = view.rows(
            "SELECT k.proposal, k.payee, k.known_as, max(k.upto) FROM @known k WHERE "
            "k.proposal IN :proposals AND k.position <= :as_of "
            "GROUP BY k.proposal, k.payee, k.known_as",
            proposals=sorted(fresh),
        )
        for proposal, payee, known_as, position in rows:
            if known_as is None:
                found.positions[proposal, payee] = position
            else:
                found.known_as[proposal].append(known_as)
        proposals = proposals | fresh
        fresh = {by for each in fresh for by in found.known_as[each]} - proposals
    return found


@dataclass
class _Works:
    """The works that an agreement depends on."""

    release: str
    pool: str
    pieces: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    """By payee and asset in which they have a share: the works that the share depends on."""
    every: set[str] = field(default_factory=set)
    payees_named: Collection[str] = ()
    """The people and works that are named in the terms of the pool."""
    named: Collection[str] = ()
    """If there are any: all works, and all ancestors of the release."""


def _works(view: View, proposals: set[str]) -> dict[str, _Works]:
    """By agreement: the works that it depends on."""
    found: dict[str, _Works] = {}
    rows = view.rows(
        "SELECT q.proposal, a.pool, w.id, q.payee, q.asset, q.piece FROM @pieces q "
        f"JOIN @proposals a ON a.id = q.proposal AND q.position >= a.staged AND {holds('a')} "
        f"JOIN @pools o ON o.id = a.pool JOIN @works w ON w.number = o.release AND {holds('w')} "
        "WHERE q.proposal IN :proposals AND q.position <= :as_of",
        proposals=sorted(proposals),
    )
    nodes = lineage.nodes_of(view, {row[-1] for row in rows})
    for proposal, pool, release, payee, asset, own in rows:
        piece: str = nodes.get(own) or own
        known = found.setdefault(proposal, _Works(release, pool))
        known.pieces[payee].setdefault(asset, set()).add(piece)
        known.every |= {release, piece}
    named = _named(view, {each.pool for each in found.values()})
    for known in found.values():
        if known.pool in named:
            known.payees_named = named[known.pool]
            known.named = known.every | with_above(view, known.release)
    return found


def _named(view: View, pools: set[str]) -> dict[str, set[str]]:
    """By pool: the people and works that are named in its terms."""
    found: dict[str, set[str]] = defaultdict(set)
    for pool, payee in view.rows(
        "SELECT n.pool, n.payee FROM @named n WHERE n.pool IN :pools AND n.position <= :as_of",
        pools=sorted(pools),
    ):
        found[pool].add(payee)
    return dict(found)
