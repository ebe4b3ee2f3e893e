"""Random histories of money against a naive model, on both engines: every cent is where it belongs.

The model knows no carry and no rounding. It holds what everybody is due as exact fractions, by the
formulas in their simplest form, over everything that was divided and not taken back.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from itertools import count
from math import ceil
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from money import AGREED, Bank, asset, bank, verify
from stories import id_of
from tied import must_tie

from domain.moment import CLOCKS_APART, instant
from domain.money.postings import (
    DIFFERENCE,
    EXCHANGED,
    IN_TRANSIT,
    OWED,
    PAID,
    RESERVED,
    SUSPENSE,
    WITHHELD,
)
from domain.money.split import PLAIN, WITH_CARRY
from domain.refusal import (
    AdjustmentUnbalanced,
    AssignedToSelf,
    AssignmentTooLarge,
    BadAmount,
    BadPolicy,
    BadShare,
    CommentsOpen,
    ContributorForgotten,
    EarnedInFuture,
    NoShare,
    NotAgreed,
    NothingReserved,
    NothingToConfirm,
    NothingToCorrect,
    NothingToPay,
    PeriodClosed,
    PeriodNotOver,
    Refusal,
    ReversalTooLarge,
    ShareInQuestion,
    UnknownPayee,
    UnknownScope,
    WindowOpen,
    WrongState,
)
from projections.money.balances import totals
from projections.money.sending import sent_told
from scripts.bundle import FoundLine, export_lines, import_lines

EXAMPLES = settings().max_examples // 8
"""``--hypothesis-profile=soak`` makes it many more."""
STEPS = 40


ADVANCE = 400
ACCEPTED = ("accepted", "carried")
DAY = 86_400


def terms_among(house: str, bank: str, guest: str) -> dict[str, Any]:
    return {
        "agreed": AGREED,
        "half": {"type": "fixed", "shares": [[house, "1/2"], ["artists", "1/2", AGREED]]},
        "fee": {
            "type": "fees",
            "fees": [{"payee": house, "rate": "1/7", "cap_minor": 50}],
            "then": AGREED,
        },
        "waterfall": {"type": "waterfall", "tranches": [[bank, 700], ["artists", None, AGREED]]},
        "escalator": {
            "type": "escalator",
            "earned_minor": 0,
            "bands": [["500", [[house, "1/3"], ["artists", "2/3", AGREED]]], [None, AGREED]],
        },
        "community": {
            "type": "community_pool",
            "line_items": [["song", 300, AGREED]],
            "operator": [house, "1/2"],
            "assets": [asset("poster", {guest: "1", bank: "2"})],
            "pools": [["everything", "1", ["poster"]]],
        },
        "advance": {
            "type": "advance",
            "account": "x",
            "accounts": [
                {
                    "account": "x",
                    "payee": house,
                    "advance_minor": ADVANCE,
                    "earned_minor": 0,
                    "paid_minor": 0,
                }
            ],
            "to": bank,
            "then": AGREED,
        },
        "rules": {
            "type": "by_sold",
            "rules": [
                {"if": {"territory": "DE"}, "then": [[house, "1/3"], ["artists", "2/3", AGREED]]}
            ],
            "otherwise": AGREED,
        },
        "senior": {
            "type": "before_expenses",
            "fees": [
                {"payee": house, "rate": "1/7", "seniority": 1},
                {"payee": guest, "unit_minor": 3, "seniority": 2},
            ],
            "then": AGREED,
        },
    }


_F = Fraction
NONE = Fraction()
BANDED = ("waterfall", "escalator", "community")
"""Terms by which what somebody gets depends on what was divided before."""


def by_terms(
    name: str,
    outside: list[str],
    amount: Fraction,
    net: Fraction,
    revenue: "Revenue",
) -> tuple[dict[str, Fraction], Fraction]:
    """What goes to whom by name, and how much by agreement, of an amount that follows others."""
    house, bank, guest = outside
    named: dict[str, Fraction] = {}
    match name:
        case "rules":
            named = {house: amount * revenue.german / 3}
        case "senior":
            named = revenue.before_expenses(outside)
        case "half":
            named = {house: amount * revenue.rate}
        case "fee":
            named = {house: min(amount / 7, _F(50))}
        case "waterfall":
            named = {bank: min(amount, max(NONE, 700 - net))}
        case "escalator":
            named = {house: min(amount, max(NONE, 500 - net)) / 3}
        case "community":
            line = min(amount, max(NONE, 300 - net))
            artists = (amount - line) / 2
            named = {house: artists, guest: artists / 3, bank: artists * 2 / 3}
    return named, amount - sum(named.values())


@dataclass
class Agreement:
    assets: list[dict[str, Any]]
    effective_at: str
    number: int
    waivers: dict[tuple[str, str], str] = field(default_factory=dict)

    def shares(self) -> dict[str, Fraction] | None:
        """None if a waived share has nobody to go to."""
        parts = self.parts()
        if parts is None:
            return None
        got = defaultdict(Fraction)
        for (payee, _), part in parts.items():
            got[payee] += part
        return dict(got)

    def parts(self) -> dict[tuple[str, str], Fraction] | None:
        """By payee and piece."""
        whole = sum(_F(each["value"]) for each in self.assets)
        held = {
            (payee, each["asset"]): _F(each["value"])
            / whole
            * _F(part)
            / sum(_F(other) for _, other in each["shares"])
            for each in self.assets
            for payee, part in each["shares"]
        }
        got = defaultdict(Fraction)
        for (payee, piece), part in held.items():
            got[payee, piece] += part if (payee, piece) not in self.waivers else 0
        for (payee, piece), scope in self.waivers.items():
            others = {
                place: part
                for place, part in held.items()
                if place not in self.waivers
                and place[0] != payee
                and scope in self.scopes(place[1])
            }
            part = held[payee, piece]
            if part and not sum(others.values()):
                return None
            for other, theirs in others.items():
                if part:
                    got[other] += part * theirs / sum(others.values())
        return dict(got)

    def scopes(self, piece: str) -> list[str]:
        for each in self.assets:
            if each["asset"] == piece:
                return [piece, *each.get("within", []), "release"]
        raise AssertionError(piece)


@dataclass
class Revenue:
    left: int
    source: str
    effective_at: str
    named: dict[str, Fraction] | None = None
    """What of it goes to whom by name, once it is divided, less what was taken back."""
    placed: dict[str, Fraction] = field(default_factory=dict)
    """The same by terms in which it has a place."""
    agreed: Fraction = NONE
    rate: Fraction = NONE
    """What the house gets by terms that halve; they are amended."""
    profit: int = 0
    profit_left: int = 0
    fees: dict[str, Fraction] = field(default_factory=dict)
    agreement: str = ""
    german: Fraction = NONE
    """How much of it came from Germany."""
    units: Fraction = NONE
    """How many units were sold for one smallest unit of it."""
    taken: int = 0
    """What it gave back for revenue below zero; negative: what that has taken back."""
    divided: int = 0
    """How many were divided before it."""
    is_touched: bool = False
    """Whether it was reversed in part, or divided again."""

    def before_expenses(self, outside: list[str]) -> dict[str, Fraction]:
        """What is taken of it before expenses, by the terms that do so."""
        house, _, guest = outside
        return {
            house: _F(self.left, 7),
            guest: min(_F(6 * self.left, 7), 3 * self.units * self.left),
        }


@dataclass
class Pool:
    terms: str
    outside: list[str]
    rounding: str
    deferral: int
    agreements: dict[str, Agreement] = field(default_factory=dict)
    revenues: dict[str, Revenue] = field(default_factory=dict)
    costs: dict[str, tuple[str, int]] = field(default_factory=dict)
    net: Fraction = NONE
    """What was divided by the terms, less what was taken back."""
    entries: int = 0
    rates: list[tuple[str, int, Fraction]] = field(default_factory=lambda: [("", 0, _F(1, 2))])
    """What the house gets by terms that halve: from when, the number, how much."""
    stated: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """What was adjusted and assigned."""

    def holds(self, effective_at: str) -> str | None:
        fitting = [
            (each.effective_at, each.number, id)
            for id, each in self.agreements.items()
            if each.effective_at <= effective_at
        ]
        return max(fitting)[2] if fitting else None

    def rate(self, effective_at: str) -> Fraction:
        return max(each for each in self.rates if each[0] <= effective_at)[2]

    def place(self) -> None:
        """Bands and tranches: what stands is divided in its order, whatever came back since."""
        if self.terms not in BANDED:
            return
        net = NONE
        stands = [each for each in self.revenues.values() if each.named is not None]
        for revenue in sorted(stands, key=lambda each: each.divided):
            how = self.terms, self.outside, _F(revenue.profit_left), net, revenue
            revenue.placed, revenue.agreed = by_terms(*how)
            net += revenue.profit_left

    def divide(self) -> None:
        for revenue in self.revenues.values():
            total = sum(
                each.left + each.taken
                for each in self.revenues.values()
                if each.source == revenue.source
            )
            holds = self.holds(revenue.effective_at)
            waits = revenue.named is None and revenue.left > 0
            is_deferred = self.deferral and total < self.deferral
            if waits and not is_deferred and holds is not None:
                revenue.agreement, profit = holds, revenue.left
                revenue.named = defaultdict(Fraction)
                revenue.divided = sum(each.named is not None for each in self.revenues.values())
                free = profit
                if self.terms == "senior":
                    free -= ceil(sum(revenue.before_expenses(self.outside).values()))
                for expense, (payer, left) in self.costs.items():
                    back = min(left, free)
                    profit, free = profit - back, free - back
                    self.costs[expense] = payer, left - back
                    revenue.named[payer] += back
                revenue.rate = self.rate(revenue.effective_at)
                how = self.terms, self.outside, _F(profit), self.net, revenue
                named, revenue.agreed = by_terms(*how)
                for payee, part in named.items() if self.terms not in BANDED else ():
                    revenue.named[payee] += part
                self.net += profit
                revenue.profit = revenue.profit_left = profit
                revenue.fees = named
                self.entries += 1

    def due(self) -> dict[str, Fraction]:
        """What everybody is due of all that was divided and not taken back."""
        self.place()
        due = defaultdict(Fraction)
        for revenue in self.revenues.values():
            if revenue.named is not None:
                for payee, amount in (*revenue.named.items(), *revenue.placed.items()):
                    due[payee] += amount
                for payee, share in (self.agreements[revenue.agreement].shares() or {}).items():
                    due[payee] += revenue.agreed * share
        if self.terms == "advance" and due:
            house, bank, _ = self.outside
            costs = sum((each.named or {}).get(house, NONE) for each in self.revenues.values())
            recouped = min(due[house] - costs, _F(ADVANCE))
            due[house] -= recouped
            due[bank] += recouped
        for payee, units in self.stated.items():
            due[payee] += units
        return due

    def give_anew(self, revenue: Revenue, payer: str, free: int) -> None:
        """Divide a revenue again, of which so much no longer pays back an expense."""
        assert revenue.named is not None
        left = revenue.profit_left
        self.take_back(revenue, left, [(payer, free)])
        free += left
        for expense, (other, open_minor) in self.costs.items():
            back = min(open_minor, free - left)
            self.costs[expense] = other, open_minor - back
            free -= back
            revenue.named[other] += back
        self.give(revenue, free)

    def give(self, revenue: Revenue, profit: int) -> None:
        """Divide what is left of a revenue by the terms."""
        assert revenue.named is not None
        named, agreed = by_terms(self.terms, self.outside, _F(profit), self.net, revenue)
        for payee, part in named.items() if self.terms not in BANDED else ():
            revenue.named[payee] += part
        revenue.agreed += agreed
        revenue.profit = revenue.profit_left = profit
        revenue.fees = named
        self.net += profit
        self.entries += 1

    def has_reversals(self) -> bool:
        """Whether anything that has a place was taken back or divided again."""
        return self.terms in (*BANDED, "advance") and any(
            each.is_touched for each in self.revenues.values()
        )

    def take_back(self, revenue: Revenue, profit: int, costs: list[tuple[str, int]]) -> None:
        """A fee gives back a part of what it was; what has a place is placed anew."""
        assert revenue.named is not None
        revenue.is_touched = True
        self.net -= profit
        revenue.profit_left -= profit
        named, agreed = by_terms(self.terms, self.outside, _F(profit), self.net, revenue)
        if self.terms in ("fee", "senior"):
            part = _F(profit, revenue.profit) if profit else NONE
            named = {payee: fee * part for payee, fee in revenue.fees.items()}
            agreed = profit - sum(named.values())
        revenue.agreed -= agreed
        for payee, part in [*(named.items() if self.terms not in BANDED else ()), *costs]:
            revenue.named[payee] -= part


MONTHS = [f"2026-{month:02}" for month in range(1, 9)]
amounts = st.one_of(st.integers(1, 2_000), st.sampled_from([1, 2, 3, 100, 333, 12_345, 10**9 + 7]))
parts = st.sampled_from(["1", "1", "2", "0", "1/3", "0.25", "17"])
kinds = st.sampled_from(sorted(terms_among("", "", "")))
months = st.sampled_from(MONTHS)
pick = st.integers(0, 1_000)
names = count()


class Money(RuleBasedStateMachine):
    told: ClassVar[Bank]
    gained: ClassVar[dict[str, Fraction]]
    """By payout of any history: what rounding its conversion gained."""
    rate: ClassVar[Fraction | None] = None
    """From dollars to dinars, in all histories."""

    @initialize(data=st.data(), terms=st.lists(kinds, min_size=2, max_size=2))
    def begin(self, data: Any, terms: list[str]) -> None:
        number = next(names)
        self.outside = [f"{name} {number}" for name in ("house", "bank", "guest")]
        self.people = [self.told.person(f"{name} {number}") for name in "abcde"]
        intro = self.told.piece(f"intro {number}", by=self.people[:1], made_at="2020")
        song = self.told.piece(f"song {number}", intro, by=self.people[1:2])
        self.pieces = [intro, song]
        # The intro once more, as somebody else posted it, with credits of d and e.
        self.double, self.joined = self.told.piece(f"again {number}", by=self.people[3:]), ""
        self.release = self.told.release(f"film {number}", *self.pieces)
        self.credits = {
            one.originator_id: (one.work, one.contributor, "granted")
            for one in self.told.since(0, "credit.granted")
            if one.work in (*self.pieces, self.double)
        }
        self.edges = {
            one.originator_id: [one.child, one.parent, "declared"]
            for one in self.told.since(0, "remix.declared")
            if one.parent in self.pieces
        }
        self.pools: dict[str, Pool] = {}
        self.spent: dict[str, tuple[str, int]] = {}
        """By expense: its pool, and what was not reversed."""
        self.proposals: dict[str, dict[str, Any]] = {}
        self.consents: dict[tuple[str, str], str] = {}
        self.answers: dict[tuple[str, str], tuple[str, str]] = {}
        self.payouts: dict[str, list[Any]] = {}
        """By payout: its state, what was owed, what was withheld, what was sent in which currency
        and what that is worth exactly."""
        self.rules: dict[str, list[tuple[str, str, Fraction]]] = defaultdict(list)
        """By payee: each rule of withholding, with its country and its rate."""
        self.countries: dict[str, str] = {}
        self.paid_in: dict[str, tuple[int, str | None]] = {}
        self.gone: dict[tuple[str, str], int] = defaultdict(int)
        """By payee and agreement: what was paid since nothing was left to be paid."""
        self.false: list[tuple[str, str, str, int]] = []
        """What was found false: a work and a person, or an edge, and when."""
        self.known: dict[tuple[str, str], int] = defaultdict(int)
        """By agreement and payee (or all): what was found false before was known then."""
        self.known_as: dict[str, list[str]] = defaultdict(list)
        """By agreement: others whose knowledge holds for it, too."""
        self.of_others: dict[tuple[str, str], dict[str, list[tuple[Fraction, list[str]]]]] = (
            defaultdict(dict)
        )
        """By agreement and payee, by piece: the parts of their share that others had, and who."""
        self.moment = 0
        self.struck: set[tuple[str, str]] = set()
        self.holds: set[str] = set()
        self.merged: dict[str, str] = {}
        self.forgotten: set[str] = set()
        for each in terms:
            self.open_pool(each, WITH_CARRY, 0)
            self.agree(data, len(self.pools) - 1, None, 3)

    def do(self, expected: type[Refusal] | None, command: str, **said: Any) -> Any:
        """Carry out a command; what should be refused is, and leaves no trace."""
        if expected is None:
            return self.told.tell(command, **said)
        head = self.told.head()
        with pytest.raises(expected):
            self.told.tell(command, **said)
        assert self.told.head() == head
        return None

    def one(self, of: Any, index: int) -> Any:
        every = list(of)
        return every[index % len(every)]

    def next(self) -> int:
        self.moment += 1
        return self.moment

    def is_ahead(self, moment: str) -> bool:
        """Whether a moment is in the future for a command, before which the clock goes on."""
        return moment > instant(self.told.clock.now + timedelta(seconds=1) + CLOCKS_APART)

    def person(self, payee: str) -> str:
        return self.person(self.merged[payee]) if payee in self.merged else payee

    # -- shares ----------------------------------------------------------------------------

    @rule(
        terms=kinds,
        rounding=st.sampled_from([WITH_CARRY, WITH_CARRY, PLAIN]),
        deferral=st.sampled_from([0, 0, 500]),
    )
    @precondition(lambda self: len(self.pools) < 4)
    def open_pool(self, terms: str, rounding: str, deferral: int) -> None:
        pool = self.told.tell(
            "open_pool",
            release=self.release,
            name="pool",
            kind="other",
            currency="USD",
            terms=terms_among(*self.outside)[terms],
            rounding=rounding,
            deferral_minor=deferral,
        ).id
        self.pools[pool] = Pool(terms, self.outside, rounding, deferral)

    def assets(self, data: Any) -> list[dict[str, Any]]:
        every = []
        for name, within in ((self.pieces[0], ["act"]), (self.pieces[1], ["act"]), ("poster", [])):
            weights = data.draw(st.lists(parts, min_size=5, max_size=5))
            shares = {
                payee: part
                for payee, part in zip([*self.people[:4], self.outside[0]], weights, strict=True)
                if data.draw(st.booleans())
            }
            if any(_F(part) for part in shares.values()):
                every.append(asset(name, shares, data.draw(st.sampled_from("12")), within))
        return every or [asset("poster", {self.people[4]: "1"})]

    @rule(data=st.data(), index=pick)
    @precondition(lambda self: self.pools)
    def propose(self, data: Any, index: int) -> None:
        pool, assets = self.one(self.pools, index), self.assets(data)
        proposal = self.told.propose(pool, assets)
        closes = self.told.clock.now.timestamp() + 14 * 86_400
        self.proposals[proposal] = {
            "pool": pool,
            "assets": assets,
            "closes": closes,
            "final": closes,
            "open": set(),
            "said": [],
            "state": "open",
            "known": self.next(),
        }

    @rule(index=pick)
    @precondition(lambda self: self.proposals)
    def comment(self, index: int) -> None:
        id = self.one(self.proposals, index)
        known = self.proposals[id]
        now = self.told.clock.now.timestamp() + 1
        refused = WrongState if known["state"] != "open" or now >= known["final"] else None
        said = {"proposal": id, "kind": "other", "text": "hm"}
        if receipt := self.do(refused, "comment_on_proposal", **said):
            known["open"].add(receipt.id)
            known["said"].append(receipt.id)
            if now >= known["final"] - DAY:
                known["final"] = max(known["final"], now + 3 * DAY)

    @rule(index=pick, data=st.data(), revise=st.booleans())
    @precondition(lambda self: any(each["said"] for each in self.proposals.values()))
    def answer(self, index: int, data: Any, revise: bool) -> None:
        id = self.one((id for id, each in self.proposals.items() if each["said"]), index)
        known = self.proposals[id]
        comment = self.one(known["said"], index)
        refused = None if known["state"] == "open" else WrongState
        if revise:
            assets = self.assets(data)
            said: dict[str, Any] = {"comments": [comment], "assets": assets, "note": str(index)}
            if self.do(refused, "revise_proposal", proposal=id, **said):
                known["assets"], known["known"] = assets, self.next()
                revised = self.told.clock.now.timestamp()
                known["final"] = max(known["final"], revised + 3 * DAY)
        else:
            text = f"{index} {next(names)}"
            self.do(refused, "answer_comment", proposal=id, comment=comment, text=text)
        if refused is None:
            known["open"].discard(comment)

    @rule(days=st.sampled_from([1, 3, 15, 15]))
    def wait(self, days: int) -> None:
        """Somebody joins now and then: a journal silent for a year doubts its clock."""
        self.told.clock.wait(days=days)
        self.told.person(f"newcomer {next(names)}")

    @rule(index=pick, since=st.sampled_from([None, None, *MONTHS]))
    @precondition(lambda self: self.proposals)
    def finalise(self, index: int, since: str | None) -> None:
        id = self.one(self.proposals, index)
        known = self.proposals[id]
        if known["state"] == "finalised":
            if known.get("confirmed"):  # only what was asked last is known to be a repetition
                return
            head = self.told.head()
            self.told.tell("finalise_proposal", proposal=id, effective_at=known["since"])
            assert self.told.head() == head
            return
        refused: type[Refusal] | None = None
        if self.told.clock.now.timestamp() + 1 < known["final"]:
            refused = WindowOpen
        elif known["open"]:
            refused = CommentsOpen
        if self.do(refused, "finalise_proposal", proposal=id, effective_at=since):
            self.is_final(id, since)

    def is_final(self, id: str, since: str | None) -> None:
        """Everybody is asked, but for those who accepted the same part of every piece before."""
        known = self.proposals[id]
        pool = self.pools[known["pool"]]
        known["state"], known["since"] = "finalised", since
        first = "" if not pool.agreements else instant(self.told.clock.now)
        effective = first if since is None else f"{since}-01T00:00:00.000000Z"
        before = pool.holds(effective)
        self.known[id, ""] = known.get("known", 0)
        pool.agreements[id] = now = Agreement(known["assets"], effective, len(pool.agreements) + 1)
        shares = now.shares() or {}
        for payee in filter(shares.get, self.people):
            self.consents[id, payee] = "offered"
            if before is not None and self.consents.get((before, payee)) in ACCEPTED:
                parts = (each.parts() or {} for each in (pool.agreements[before], now))
                was, new = ({at: x for at, x in each.items() if at[0] == payee} for each in parts)
                if was == new:
                    self.consents[id, payee] = "carried"
        pool.divide()

    @rule(data=st.data(), index=pick, since=st.sampled_from([None, *MONTHS]), again=st.booleans())
    @precondition(lambda self: self.pools)
    def record_agreement(self, data: Any, index: int, since: str | None, again: bool) -> None:
        """Agreed elsewhere: final at once, with the consents of those who signed."""
        pool = self.one(self.pools, index)
        earlier = list(self.pools[pool].agreements.values())
        assets = earlier[-1].assets if again and earlier else self.assets(data)
        signed = [each for each in self.people if data.draw(st.booleans())]
        signed = [each for each in signed if each not in self.forgotten]
        signed = [each for each in signed if any(each in dict(one["shares"]) for one in assets)]
        said = {"pool": pool, "assets": assets, "consents": signed, "effective_at": since}
        more = {"agreed_on": "2026-01", "document": str(next(names))}
        id = self.told.tell("record_agreement", **said, **more).id
        self.proposals[id] = {"pool": pool, "assets": assets, "open": set(), "said": []}
        self.proposals[id] |= {"closes": 0, "final": 0, "confirmed": True, "known": self.next()}
        self.is_final(id, since)
        for payee in signed:
            if (id, payee) in self.consents:
                self.consents[id, payee] = "accepted"

    @rule(index=pick, payee=pick, to=pick, part=st.sampled_from(["1", "1/3"]), since=months)
    @precondition(lambda self: any(each.agreements for each in self.pools.values()))
    def assign_share(self, index: int, payee: int, to: int, part: str, since: str) -> None:
        pool = self.one((id for id, each in self.pools.items() if each.agreements), index)
        known, among = self.pools[pool], [*self.people, self.outside[0]]
        who, heir = self.one(among, payee), self.one(among, to)
        holds = known.holds(f"{since}-01T00:00:00.000000Z")
        refused: type[Refusal] | None = None
        if self.person(heir) in self.forgotten:
            refused = ContributorForgotten
        elif holds is None:
            refused = NotAgreed
        elif self.person(who) == self.person(heir):
            refused = BadShare
        elif not (known.agreements[holds].shares() or {}).get(who):
            refused = NoShare
        elif self.pieces_in_question(who, holds) or self.has_of_others_in_question(who, holds):
            refused = ShareInQuestion
        said = {"pool": pool, "payee": who, "to": heir, "part": part, "effective_at": since}
        more = {"reason": str(next(names)), "evidence": "e"}
        receipt = self.do(refused, "assign_share", **said, **more)
        if receipt and holds is not None:
            assets = []
            for each in known.agreements[holds].assets:
                parts = known.agreements[holds].parts() or {}
                own = {at[0]: x for at, x in parts.items() if at[1] == each["asset"] and x}
                moved = own.get(who, NONE) * _F(part)
                shares = {**own, heir: own.get(heir, NONE) + moved}
                shares[who] = own.get(who, NONE) - moved
                held = {one: str(x) for one, x in shares.items() if x}
                if held:
                    value = str(sum(shares.values()))
                    assets.append(asset(each["asset"], held, value, each.get("within", [])))
            self.proposals[receipt.id] = {"pool": pool, "assets": assets, "open": set()}
            self.proposals[receipt.id] |= {"said": [], "closes": 0, "final": 0, "confirmed": True}
            was = self.consents.get((holds, who))
            self.is_final(receipt.id, since)
            self.known_as[receipt.id].append(holds)
            self.pass_on(receipt.id, holds, who, heir, _F(part))
            if self.consents.get((receipt.id, who)) == "offered" and was in ACCEPTED:
                self.consents[receipt.id, who] = "carried"

    def pass_on(self, now: str, before: str, who: str, heir: str, part: Fraction) -> None:
        """The heir has of others what the payee had of them, and the payee's own."""
        agreements = self.pools[self.proposals[now]["pool"]].agreements
        was = agreements[before].parts() or {}
        for (payee, piece), own in was.items():
            had = self.of_others[before, payee].get(piece, [])
            if payee not in (who, heir):
                self.of_others[now, payee][piece] = had
            elif payee == who and own:
                self.of_others[now, who][piece] = had
                moved, theirs = own * part, was.get((heir, piece), NONE)
                rest = (1 - sum(share for share, _ in had), list[str]())
                given = [(share * moved, [who, *givers]) for share, givers in [*had, rest]]
                kept = [
                    (share * theirs, givers)
                    for share, givers in self.of_others[before, heir].get(piece, [])
                ]
                whole = moved + theirs
                self.of_others[now, heir][piece] = [
                    (amount / whole, givers) for amount, givers in [*kept, *given]
                ]
            elif payee == heir and not was.get((who, piece), NONE):
                self.of_others[now, heir][piece] = had

    @rule(data=st.data(), index=pick, since=st.sampled_from([None, *MONTHS]), accepted=pick)
    @precondition(lambda self: self.pools)
    def agree(self, data: Any, index: int, since: str | None, accepted: int) -> None:
        """All of it at once, which chance alone seldom does."""
        self.propose(data, index)
        self.wait(15)
        self.finalise(len(self.proposals) - 1, since)
        for number, (proposal, _) in enumerate(list(self.consents)):
            if proposal == list(self.proposals)[-1] and number % 4 < accepted % 5:
                self.consent(number, "accept")

    @rule(index=pick, verb=st.sampled_from(["accept", "accept", "decline"]))
    @precondition(lambda self: self.consents)
    def consent(self, index: int, verb: str) -> None:
        proposal, payee = self.one(self.consents, index)
        state = self.consents[proposal, payee]
        after = {"accept": "accepted", "decline": "declined"}[verb]
        may = {
            "accept": ("offered", "declined", "carried", "waived"),
            "decline": ("offered", "carried", "waived"),
        }[verb]
        answer = verb, self.person(payee)
        refused: type[Refusal] | None = None
        if self.answers.get((proposal, payee)) != answer:  # it is not a repetition
            if state not in may:
                refused = WrongState
            elif answer[1] in self.forgotten:
                refused = ContributorForgotten
        if self.do(
            refused,
            f"{verb}_share",
            proposal=proposal,
            contributor=payee,
            actor=answer[1],
        ):
            self.consents[proposal, payee] = after
            self.answers[proposal, payee] = answer

    @rule(index=pick, scope=pick)
    @precondition(lambda self: self.consents)
    def waive(self, index: int, scope: int) -> None:
        proposal, payee = self.one(self.consents, index)
        pool = self.pools[self.proposals[proposal]["pool"]]
        agreement = pool.agreements[proposal]
        over = self.one([*self.pieces, "poster", "act", "release"], scope)
        mine = {
            (payee, each["asset"]): over
            for each in agreement.assets
            if over in agreement.scopes(each["asset"]) and payee in dict(each["shares"])
        }
        after = Agreement(
            agreement.assets,
            agreement.effective_at,
            agreement.number,
            agreement.waivers | mine,
        )
        refused: type[Refusal] | None = None
        if not mine:
            refused = UnknownScope
        elif after.shares() is None:
            refused = BadPolicy
        elif self.consents[proposal, payee] == "accepted":
            refused = WrongState
        if self.do(refused, "waive_share", proposal=proposal, contributor=payee, scope=over):
            pool.agreements[proposal] = after
            pool.entries += 1
            self.answers.pop((proposal, payee), None)
            if not (after.shares() or {}).get(payee):  # nothing is left to accept
                self.consents[proposal, payee] = "waived"

    # -- money that comes in ---------------------------------------------------------------

    @rule(
        index=pick,
        amount=amounts,
        source=st.sampled_from("xy"),
        month=st.sampled_from(MONTHS),
        again=st.booleans(),
        german=st.sampled_from([None, _F(0), _F(1, 2), _F(1, 3), _F(1)]),
        units=st.sampled_from([0, 1, 7, 300]),
    )
    @precondition(lambda self: self.pools)
    def earn(
        self,
        index: int,
        amount: int,
        source: str,
        month: str,
        again: bool,
        german: Fraction | None,
        units: int,
    ) -> None:
        pool = self.one(self.pools, index)
        known = self.pools[pool]
        said = {"source": source, "id": id_of(f"revenue {next(names)}")}
        if german is not None:  # in thousandths of a cent, so the parts are not exact
            parts = [round(amount * part * 1000) for part in (german, 1 - german)]
            lines = [{"amount": f"{part // 10**5}.{part % 10**5:05}"} for part in parts]
            said["sold"] = [lines[0] | {"territory": "DE", "units": units}, lines[1]]
            german = _F(parts[0], sum(parts))
        if self.is_ahead(f"{month}-01T00:00:00.000000Z"):
            booked = {"pool": pool, "amount_minor": amount, "effective_at": month, **said}
            self.do(EarnedInFuture, "record_revenue", **booked)
            return
        head = self.told.head()
        revenue = self.told.earn(pool, amount, month, **said)
        known.revenues[revenue] = Revenue(amount, source, f"{month}-01T00:00:00.000000Z")
        if german is not None:
            known.revenues[revenue].german = german
            known.revenues[revenue].units = _F(units, amount)
        self.net(known, head)
        known.divide()
        if again:
            head = self.told.head()
            self.told.earn(pool, amount, month, **said)
            assert self.told.head() == head

    @rule(index=pick, amount=amounts, source=st.sampled_from("xy"), month=months)
    @precondition(lambda self: self.pools)
    def fall_short(self, index: int, amount: int, source: str, month: str) -> None:
        """More came back than was sold."""
        self.earn(index, -amount, source, month, False, None, 0)

    def net(self, pool: Pool, head: int) -> None:
        """The latest gives back first, what was not divided before what was."""
        entries = iter(self.told.since(head, "entry.reversed"))
        latest = list(pool.revenues.values())[::-1]
        ordered = sorted(latest, key=lambda each: (each.named is not None, -each.divided))
        for short in pool.revenues.values():
            for each in ordered:
                if short.left < 0 < each.left:
                    units = min(-short.left, each.left)
                    if each.named is not None:
                        self.give_back(pool, each, units, next(entries))
                    each.left, short.left = each.left - units, short.left + units
                    each.taken, short.taken = each.taken + units, short.taken - units

    def give_back(self, pool: Pool, known: Revenue, taken: int, fact: Any) -> None:
        """A reversal of divided revenue, as its fact says, with what it paid back for expenses."""
        pool.entries += 1
        costs = []
        for expense, payer, units in fact.costs:
            assert units < 0
            pool.costs[expense] = payer, pool.costs[expense][1] - units
            costs.append((payer, -units))
        pool.take_back(known, taken - sum(units for _, units in costs), costs)

    @rule(index=pick, amount=amounts, payer=pick)
    @precondition(lambda self: self.pools)
    def spend(self, index: int, amount: int, payer: int) -> None:
        pool, who = self.one(self.pools, index), self.one([*self.outside, *self.people], payer)
        expense = self.told.spend(pool, amount, who)
        (recorded,) = self.told.journal.facts.streams([expense])
        payer = str(vars(recorded.fact())["payer"])
        # Somebody outside is known by where they were named first, unless the terms name them.
        assert payer == who or payer.startswith("payer/")
        self.pools[pool].costs[expense] = payer, amount
        self.spent[expense] = pool, amount

    @rule(index=pick, part=st.sampled_from([None, "1/7", "1/2", "1", "2"]))
    @precondition(lambda self: any(each.revenues for each in self.pools.values()))
    def reverse(self, index: int, part: str | None) -> None:
        pool, id = self.one(
            ((pool, id) for pool in self.pools.values() for id in pool.revenues), index
        )
        known = pool.revenues[id]
        amount = None if part is None else max(1, int(known.left * _F(part)))
        taken = known.left if amount is None else amount
        refused = ReversalTooLarge if taken > known.left or known.left <= 0 else None
        head = self.told.head()
        if self.do(
            refused, "reverse_revenue", revenue=id, amount_minor=amount, reason=str(next(names))
        ):
            known.left -= taken
            for fact in self.told.since(head, "entry.reversed"):
                self.give_back(pool, known, taken, fact)

    @rule(index=pick, part=st.sampled_from([None, "1/7", "1/2", "1", "2"]))
    @precondition(lambda self: self.spent)
    def reverse_expense(self, index: int, part: str | None) -> None:
        """What was paid back beyond what is left goes to other expenses, then by the terms."""
        expense = self.one(self.spent, index)
        id, left = self.spent[expense]
        pool = self.pools[id]
        amount = None if part is None else max(1, int(left * _F(part)))
        taken = left if amount is None else amount
        refused = ReversalTooLarge if taken > left or not left else None
        head = self.told.head()
        said = {"expense": expense, "amount_minor": amount, "reason": str(next(names))}
        if not self.do(refused, "reverse_expense", **said):
            return
        self.spent[expense] = id, left - taken
        payer, open_minor = pool.costs[expense]
        free = max(0, taken - open_minor)
        pool.costs[expense] = payer, max(0, open_minor - taken)
        redivided = self.told.since(head, "entry.redivided")
        for fact in (each for each in redivided if each.costs):  # others only moved
            (_, _, units), *_ = fact.costs
            free += units
            pool.give_anew(pool.revenues[fact.revenue], payer, -units)
        assert free == 0

    @rule(index=pick, give=pick, take=pick, amount=amounts, is_charged=st.booleans())
    @precondition(lambda self: self.pools)
    def adjust(self, index: int, give: int, take: int, amount: int, is_charged: bool) -> None:
        id = self.one(self.pools, index)
        pool, among = self.pools[id], [*self.outside, *self.people]
        one, other = self.one(among, give), self.one(among, take)
        lines = [{"payee": one, "amount_minor": amount}, {"payee": other, "amount_minor": -3}]
        payer = self.outside[2]
        change: dict[str, int] = defaultdict(int)
        for payee, units in ((one, amount), (other, -3), (payer, (3 - amount) * is_charged)):
            change[payee] += units
        refused: type[Refusal] | None = None
        if sum(change.values()) or not any(change.values()):
            refused = AdjustmentUnbalanced
        elif pool.holds(instant(self.told.clock.now)) is None:
            refused = NotAgreed
        said = {"lines": lines, "payer": payer if is_charged else None}
        if self.do(refused, "record_adjustment", pool=id, reason=str(next(names)), **said):
            self.is_stated(pool, change)

    @rule(index=pick, who=pick, other=pick, amount=amounts, since=months)
    @precondition(lambda self: self.pools)
    def take_over(self, index: int, who: int, other: int, amount: int, since: str) -> None:
        """What other books owed, or had overpaid, whatever is agreed of it."""
        id = self.one(self.pools, index)
        pool, among = self.pools[id], [*self.outside, *self.people]
        owed: dict[str, int] = defaultdict(int)
        for payee, units in ((self.one(among, who), amount), (self.one(among, other), -7)):
            owed[payee] += units
        refused: type[Refusal] | None = None
        if f"{since}-01" > instant(self.told.clock.now):
            refused = EarnedInFuture
        elif not any(owed.values()):
            refused = BadAmount
        elif pool.holds(f"{since}-01T00:00:00.000000Z") is None:
            refused = NotAgreed
        lines = [{"payee": payee, "amount_minor": units} for payee, units in owed.items()]
        said = {"pool": id, "lines": lines, "effective_at": since, "document": str(next(names))}
        if self.do(refused, "record_opening", **said):
            self.is_stated(pool, owed)

    def is_stated(self, pool: Pool, change: dict[str, int]) -> None:
        """By the latest fact; whom the pool knows as a payer is stated under the id they have."""
        fact: Any = self.told.facts()[-1].fact()
        stated = {str(payee): int(units) for payee, units, *_ in fact.lines if units}
        payers = {payee for payee in stated if payee.startswith("payer/")}
        meant = {payee: units for payee, units in change.items() if units}
        assert all(meant[payee] == stated[payee] for payee in {*stated} - payers)
        assert {*meant} - {*stated} <= {*self.outside}
        assert sorted(stated.values()) == sorted(meant.values())
        pool.entries += 1
        for payee, units in stated.items():
            pool.stated[payee] += units

    @rule(index=pick, to=pick, part=st.sampled_from([None, "1/3", "2"]))
    @precondition(lambda self: self.pools)
    def assign(self, index: int, to: int, part: str | None) -> None:
        among = [*self.outside, *self.people]
        payee, heir = self.one(among, index), self.one(among, to)
        owed = sum(
            units - self.held(who, agreement, units)
            for (who, agreement), account in self.accounts().items()
            if self.person(who) == self.person(payee) and (units := account.get(OWED, 0))
        )
        amount = None if part is None else max(1, int(owed * _F(part)))
        taken = owed if amount is None else amount
        is_same = self.person(payee) == self.person(heir)
        refused: type[Refusal] | None = None
        if self.person(heir) in self.forgotten:
            refused = ContributorForgotten
        elif is_same:
            refused = AssignedToSelf
        elif not 0 < taken <= owed:
            refused = AssignmentTooLarge
        head = self.told.head()
        said = {"payee": payee, "to": heir, "currency": "USD", "amount_minor": amount}
        more = {"reason": str(next(names)), "evidence": "e"}
        if self.do(refused, "record_assignment", **said, **more):
            for fact in self.told.since(head, "entry.assigned"):
                self.pools[fact.pool].entries += 1
                for who, units, *_ in fact.lines:
                    self.pools[fact.pool].stated[who] += units
                    if who != heir and units:
                        self.take([[who, fact.proposal, fact.pool, -units]], 1)
                    taken -= units if who == heir else 0
            assert taken == 0

    @rule(index=pick)
    @precondition(lambda self: self.pools)
    def correct(self, index: int) -> None:
        id = self.one(self.pools, index)
        pool = self.pools[id]
        wrong = [
            (each, holds)
            for each in pool.revenues.values()
            if each.named is not None
            and (holds := pool.holds(each.effective_at)) not in (None, each.agreement)
        ]
        amended = [
            each
            for each in pool.revenues.values()
            if each.named is not None and each.left and each.rate != pool.rate(each.effective_at)
        ]
        pool.place()
        moving = [each for each, _ in wrong if each.left and (each.agreed or pool.has_reversals())]
        refused = None if moving or amended else NothingToCorrect
        moves = {
            (each.agreement, str(holds)): None
            for each, holds in sorted(wrong, key=lambda one: one[0].divided)
            if each in moving
        }
        if self.do(refused, "correct_pool", pool=id, reason=str(next(names))):
            for each, holds in wrong:
                each.agreement = str(holds)
                pool.entries += 1
            for each in amended:
                profit = each.profit_left
                pool.take_back(each, profit, [])
                each.rate = pool.rate(each.effective_at)
                pool.give(each, profit)
            for agreement, holds in dict(moves.keys()).items():  # the last move completes it
                if not any(
                    each.agreed for each in pool.revenues.values() if each.agreement == agreement
                ):
                    self.known_as[agreement].append(holds)

    @rule(data=st.data(), index=pick, amount=amounts, month=months, again=st.booleans())
    @precondition(lambda self: self.pools)
    def agree_late(self, data: Any, index: int, amount: int, month: str, again: bool) -> None:
        """What was divided follows the shares that are agreed for its month afterwards."""
        self.earn(index, amount, "x", month, False, None, 0)
        self.record_agreement(data, index, month, again)
        self.correct(index)

    @rule(index=pick, since=months, rate=st.sampled_from(["1/2", "1/3", "1/5"]))
    @precondition(lambda self: any(each.terms == "half" for each in self.pools.values()))
    def amend(self, index: int, since: str, rate: str) -> None:
        id = self.one((id for id, each in self.pools.items() if each.terms == "half"), index)
        pool, rest = self.pools[id], str(1 - _F(rate))
        shares = [[pool.outside[0], rate], ["artists", rest, AGREED]]
        terms = {"type": "fixed", "shares": shares}
        said = {"pool": id, "terms": terms, "effective_at": since, "reason": str(next(names))}
        self.told.tell("amend_pool", **said)
        since = f"{since}-01T00:00:00.000000Z"
        pool.rates.append((since, len(pool.rates), _F(rate)))

    # -- money that leaves -----------------------------------------------------------------

    def held(self, payee: str, agreement: str, owed: int) -> int:
        """How much of what is owed is held: what the pieces in question brought."""
        if owed <= 0:
            return 0
        if self.consents.get((agreement, payee), "accepted") not in (*ACCEPTED, "waived"):
            return owed
        pool = self.pools[self.proposals[agreement]["pool"]]
        parts = pool.agreements[agreement].parts() or {}
        own = {piece: part for (who, piece), part in parts.items() if who == payee}
        pieces = self.pieces_in_question(payee, agreement)
        if pieces and not any(own.values()):
            return owed
        waits = sum(own[piece] for piece in pieces)
        waits += sum(
            own.get(piece, NONE) * part
            for piece, had in self.of_others[agreement, payee].items()
            for part, givers in had
            if piece not in pieces and self.is_in_question(piece, givers, payee, agreement)
        )
        came_in = owed + self.gone[payee, agreement]
        return min(owed, ceil(came_in * waits / sum(own.values()))) if waits or pieces else 0

    def is_in_question(self, piece: str, givers: list[str], payee: str, agreement: str) -> bool:
        """Whether somebody who had a part of a piece is, or was found, not to have made it."""
        people = {self.person(giver) for giver in givers}
        return any(
            (piece, who) in self.questioned() for who in people
        ) or piece in self.found_false(payee, agreement, people)

    def has_of_others_in_question(self, payee: str, agreement: str) -> bool:
        return any(
            part and self.is_in_question(piece, givers, payee, agreement)
            for piece, had in self.of_others[agreement, payee].items()
            for part, givers in had
        )

    def questioned(self) -> set[tuple[str, str]]:
        """The pieces with a credit that is disputed or on hold, and its person."""
        return {
            (self.node(work), self.person(who))
            for credit, (work, who, state) in self.credits.items()
            if state == "disputed" or credit in self.holds
        }

    def pieces_in_question(self, payee: str, agreement: str) -> set[str]:
        assets = self.proposals[agreement]["assets"]
        pieces = {each["asset"] for each in assets if payee in dict(each["shares"])}
        waiting = {
            work
            for child, parent, state in self.edges.values()
            if state == "disputed" and child in {self.release, *(one["asset"] for one in assets)}
            for work in self.above(parent)
        }
        return (
            pieces & waiting
            | {piece for piece in pieces if (piece, self.person(payee)) in self.questioned()}
            | self.found_false(payee, agreement)
        )

    def freed(self, payee: str, agreement: str) -> int:
        """What the next payout frees of what is held back for returns."""
        reserve = self.told.books().reserves.get((agreement, payee))
        now = instant(self.told.clock.now + timedelta(seconds=1))
        lots = {} if reserve is None else reserve.lots
        return sum(units for until, units in lots.items() if until and until <= now)

    @rule(
        index=pick,
        who=st.one_of(st.none(), pick),
        rate=st.sampled_from(["0", "0.2", "1/3", "1"]),
        months=st.sampled_from([None, 0, 1, 6]),
        since=months,
    )
    @precondition(lambda self: self.pools)
    def reserve(
        self, index: int, who: int | None, rate: str, months: int | None, since: str
    ) -> None:
        payee = None if who is None else self.one([*self.people, *self.outside], who)
        said = {"pool": self.one(self.pools, index), "rate": rate, "months": months}
        self.told.tell("state_reserve", payee=payee, effective_at=since, **said)

    @rule(index=pick)
    @precondition(lambda self: self.pools)
    def free(self, index: int) -> None:
        pool = self.one(self.pools, index)
        of = self.pools[pool].agreements
        accounts = [units for (_, each), units in self.accounts().items() if each in of]
        held_back = sum(units.get(RESERVED, 0) for units in accounts)
        refused = None if held_back else NothingReserved
        self.do(refused, "free_reserve", pool=pool, reason=str(next(names)))

    @invariant()
    def what_is_held_back_is_in_lots(self) -> None:
        books = self.told.books()
        for (payee, agreement), units in self.accounts().items() if self.ready() else ():
            reserve = books.reserves.get((agreement, payee))
            lots = {} if reserve is None else reserve.lots
            assert units.get(RESERVED, 0) == sum(lots.values())
            assert all(each > 0 for each in lots.values())

    def ready(self) -> bool:
        return hasattr(self, "proposals")

    def node(self, work: str) -> str:
        """The piece that a work is, after joins."""
        return self.pieces[0] if self.joined and work == self.double else work

    @rule(undo=st.booleans())
    @precondition(lambda self: self.ready())
    def join(self, undo: bool) -> None:
        """The intro was posted twice; what is in question about either is about both."""
        if not self.joined:
            said = {"work": self.double, "into": self.pieces[0], "reason": str(next(names))}
            self.joined = self.told.tell("join_works", **said).id
        elif undo:
            self.told.tell("undo_join", id=self.joined, reason=str(next(names)))
            self.joined = ""

    def above(self, work: str) -> set[str]:
        """A piece, and what it was made from."""
        intro, song = self.pieces
        counts = work == song and (song, intro) not in self.struck
        return {work, intro} if counts else {work}

    def found_false(self, payee: str, agreement: str, people: set[str] | None = None) -> set[str]:
        """The pieces in which something was found false since the share was agreed, corrected or
        confirmed; of these people, or of the payee and about edges."""
        assets = self.proposals[agreement]["assets"]
        pieces = {each["asset"] for each in assets if payee in dict(each["shares"])}
        works = {self.release, *(one["asset"] for one in assets)}
        reached = [agreement]
        for each in reached:
            reached += [by for by in self.known_as[each] if by not in reached]
        known = max(self.known[each, who] for each in reached for who in ("", payee))
        found: set[str] = set()
        for child, work, who, at in self.false:
            whose = {self.person(payee)} if people is None else people
            if at > known and child == "" and self.person(who) in whose:
                found |= pieces & {self.node(work)}
            elif at > known and child in works and people is None:
                found |= pieces & self.above(work)
        return found

    @rule(minimum=st.sampled_from([1, 1, 50, 400]))
    @precondition(lambda self: self.pools)
    def pay(self, minimum: int) -> None:
        parts: dict[str, list[tuple[str, int]]] = defaultdict(list)
        of_pool: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for (payee, agreement), account in self.accounts().items():
            units = account.get(OWED, 0) + self.freed(payee, agreement)
            waits = self.held(payee, agreement, units)
            if self.person(payee) in self.forgotten:  # nobody is left to be paid
                waits = max(0, units)
            sums = of_pool[payee, self.proposals[agreement]["pool"]]
            sums[0], sums[1] = sums[0] + units, sums[1] + waits
        for (payee, pool), (whole, waits) in of_pool.items():
            # What is held of a pool covers a debt to it before anything else does.
            if payable := max(min(whole, 0), whole - waits):
                parts[self.person(payee)].append((pool, payable))
        expected = {}
        for who, own in parts.items():
            owed, kept = sum(units for _, units in own), self.withheld(who, own)
            currency, sent, worth = self.sent(who, owed - kept)
            # Where all is withheld, nothing is sent, and the whole counts.
            if owed > 0 and (owed - kept or owed) >= minimum and (sent > 0 or kept == owed):
                expected[who] = owed, kept, currency, sent, worth
        head = self.told.head()
        payers = {payer for pool in self.pools.values() for payer, _ in pool.costs.values()}
        payees = sorted({*self.people, *self.outside, *payers})
        self.do(
            None if expected else NothingToPay,
            "issue_payouts",
            currency="USD",
            minimum_minor=minimum,
            payees=payees,
        )
        for fact in self.told.since(head, "payout.issued"):
            kept = fact.amount_minor - fact.net_minor
            owed, withheld, currency, sent, worth = expected.pop(fact.payee)
            assert (fact.amount_minor, kept, *fact.sent) == (owed, withheld, currency, sent)
            self.take(fact.parts, 1)
            self.payouts[fact.originator_id] = ["issued", owed, withheld, currency, sent, worth]
        assert not expected

    def same(self, of: dict[str, Any], who: str) -> list[Any]:
        """What was said last of any account of a person."""
        return [said for payee, said in of.items() if self.person(payee) == who]

    def withheld(self, who: str, parts: list[tuple[str, int]]) -> int:
        """What is withheld of parts of pools, by the latest rule for each country."""
        total = 0
        for country in ("US", "JP"):
            paid = sum(units for pool, units in parts if self.countries.get(pool) == country)
            rules = [rule for each in self.same(self.rules, who) for rule in each]
            rates = [rate for number, of, rate in sorted(rules) if of == country]
            if rates and paid > 0:
                total += int(paid * rates[-1] + _F(1, 2))
        return total

    def sent(self, who: str, net: int) -> tuple[str, int, Fraction]:
        """The currency, how much of it is sent, and what it should be exactly."""
        chosen = self.same(self.paid_in, who)
        into = max(chosen, key=lambda each: each[0])[1] if chosen else None
        if into is None or self.rate is None or not net:
            return "USD", net, _F(net)
        exact = net * self.rate * 10
        return into, int(exact + _F(1, 2)), exact

    @rule(index=pick, country=st.sampled_from(["US", "JP"]))
    @precondition(lambda self: self.pools)
    def locate(self, index: int, country: str) -> None:
        pool = self.one(self.pools, index)
        self.told.tell("locate_pool", pool=pool, country=country, reason=str(next(names)))
        self.countries[pool] = country

    @rule(
        index=pick,
        country=st.sampled_from(["US", "US", "JP"]),
        rate=st.sampled_from(["0.3", "1/7", "0", "1"]),
        ended=st.booleans(),
    )
    def withhold(self, index: int, country: str, rate: str, ended: bool) -> None:
        payee = self.one([*self.people, *self.outside], index)
        if ended and self.rules[payee]:
            self.told.tell("end_withholding", id=self.ended(payee), reason=str(next(names)))
            return
        said = {"payee": payee, "country": country, "rate": rate, "document": str(next(names))}
        id = self.told.tell("state_withholding", effective_at="2026", **said).id
        self.rules[payee].append((f"{self.next():06}/{id}", country, _F(rate)))

    def ended(self, payee: str) -> str:
        number, _, _ = self.rules[payee].pop(0)
        return number.partition("/")[2]

    @rule(index=pick, into=st.sampled_from(["KWD", "KWD", None]))
    def choose_currency(self, index: int, into: str | None) -> None:
        payee = self.one([*self.people, *self.outside], index)
        self.told.tell("choose_payment_currency", payee=payee, currency=into)
        self.paid_in[payee] = (self.next(), into)

    @rule(rate=st.sampled_from(["0.3077", "0.31", "0.0333333"]))
    def state_rate(self, rate: str) -> None:
        said = {"currency": "USD", "into_currency": "KWD", "source_name": str(next(names))}
        self.told.tell("state_exchange_rate", rate=rate, effective_at=f"{self.day()}", **said)
        type(self).rate = _F(rate)

    def day(self) -> str:
        return self.told.clock.now.date().isoformat()

    @rule(
        index=pick,
        payee=pick,
        month=months,
        amount=st.integers(50, 5_000),
        rate=st.sampled_from(["0.3", "1/7", "0"]),
        then=st.sampled_from([(), ("settle",), ("return", "claim"), ("settle", "return")]),
    )
    @precondition(lambda self: self.pools)
    def earn_and_pay(
        self, index: int, payee: int, month: str, amount: int, rate: str, then: tuple[str, ...]
    ) -> None:
        """All of it at once, some of it withheld and in dinars, which chance alone seldom does."""
        for number in range(payee % (1 + len(self.consents))):
            self.consent(number, "accept")
        self.earn(index, amount, "shop", month, False, None, 0)
        self.locate(index, "US")
        self.withhold(payee, "US", rate, False)
        self.choose_currency(payee + index, "KWD")
        self.state_rate("0.3077")
        self.pay(1)
        for verb in then if self.payouts else ():
            self.move_payout(len(self.payouts) - 1, verb)

    def take(self, parts: list[list[Any]], sign: int) -> None:
        """What was paid since nothing was left, or came back."""
        accounts = self.accounts()
        for payee, agreement, _, units in parts:
            left = accounts[payee, agreement].get(OWED, 0)
            gone = self.gone[payee, agreement] + sign * units
            self.gone[payee, agreement] = max(0, gone) if left else 0

    @rule(
        index=pick,
        payee=st.sampled_from([0, 1]),
        to=pick,
        part=st.sampled_from(["1", "1/3"]),
        amount=st.integers(50, 5_000),
        question=st.sampled_from(["hold", "dispute", "uphold"]),
    )
    @precondition(lambda self: any(each.agreements for each in self.pools.values()))
    def sell_and_question(
        self, index: int, payee: int, to: int, part: str, amount: int, question: str
    ) -> None:
        """A share is assigned, and then a credit of who had it is in question."""
        self.assign_share(index, payee, to, part, MONTHS[0])
        latest = list(self.proposals)[-1]
        for number, (proposal, _) in enumerate(list(self.consents)):
            if proposal == latest:
                self.consent(number, "accept")
        pool = list(self.pools).index(self.proposals[latest]["pool"])
        self.earn(pool, amount, "x", MONTHS[0], False, None, 0)
        owners = [self.person(who) for _, who, _ in self.credits.values()]
        if self.person(self.people[payee]) in owners:
            credit = owners.index(self.person(self.people[payee]))
            for _ in range(1 + (question == "uphold")):
                self.question(credit, question == "hold", question == "uphold")
        self.pay(1)

    @rule(index=pick, verb=st.sampled_from(["settle", "settle", "return", "claim"]))
    @precondition(lambda self: self.payouts)
    def move_payout(self, index: int, verb: str) -> None:
        id = self.one(self.payouts, index)
        state = self.payouts[id][0]
        may = {
            "settle": ("issued", "settled"),
            "return": ("issued", "settled", "returned"),
            "claim": ("returned", "claimed"),
        }[verb]
        more = {"reason": "r"} if verb == "return" else {}
        head = self.told.head()
        self.do(None if state in may else WrongState, f"{verb}_payout", id=id, **more)
        for fact in self.told.since(head, "payout.claimed"):
            self.take(fact.parts, -1)
        if state in may:
            after = {"settle": "settled", "return": "returned", "claim": "claimed"}
            self.payouts[id][0] = after[verb]

    @rule(index=pick, hold=st.booleans(), upheld=st.booleans())
    @precondition(lambda self: self.credits)
    def question(self, index: int, hold: bool, upheld: bool) -> None:
        credit = self.one(self.credits, index)
        work, who, state = self.credits[credit]
        if hold:
            if credit in self.holds:
                self.told.tell("lift_hold", id=credit)
            else:
                self.told.tell("hold_credit", id=credit, reason=str(next(names)))
            self.holds ^= {credit}
        else:
            if state == "revoked":
                return
            if state == "disputed" and upheld:
                verb, after, more = "settle", "revoked", {"outcome": "upheld"}
                self.false.append(("", work, who, self.next()))
            elif state == "disputed":
                verb, after, more = "settle", "granted", {"outcome": "dismissed"}
            else:
                verb, after, more = "dispute", "disputed", {"grounds": "other"}
            self.told.tell(f"{verb}_credit", id=credit, reason=str(next(names)), **more)
            self.credits[credit] = work, who, after

    @rule(index=pick, upheld=st.sampled_from([False, False, True]))
    def question_an_edge(self, index: int, upheld: bool) -> None:
        """The song was made from the intro, and the film from both."""
        edge = self.one(self.edges, index)
        said = {"id": edge, "reason": str(next(names))}
        child, parent, state = self.edges[edge]
        if state == "struck":
            return
        if upheld:
            if state == "disputed":
                self.told.tell("settle_remix", outcome="upheld", **said)
            else:
                self.told.tell("strike_remix", **said)
            self.edges[edge][2] = "struck"
            self.false.append((child, parent, "", self.next()))
            self.struck |= {(child, parent)}
        elif state == "disputed":
            self.told.tell("settle_remix", outcome="dismissed", **said)
            self.edges[edge][2] = "declared"
        else:
            self.told.tell("dispute_remix", grounds="other", **said)
            self.edges[edge][2] = "disputed"

    @rule(index=pick)
    @precondition(lambda self: self.consents)
    def confirm(self, index: int) -> None:
        proposal, payee = self.one(self.consents, index)
        is_found = self.found_false(payee, proposal) or any(
            piece in self.found_false(payee, proposal, {self.person(giver) for giver in givers})
            for piece, had in self.of_others[proposal, payee].items()
            for part, givers in had
            if part
        )
        refused = None if is_found else NothingToConfirm
        said = {"proposal": proposal, "payee": payee, "reason": str(next(names))}
        if self.do(refused, "confirm_share", **said):
            self.known[proposal, payee] = self.next()
            self.proposals[proposal]["confirmed"] = True

    @rule()
    @precondition(lambda self: self.people[0] not in self.merged)
    def merge(self) -> None:
        self.told.tell("merge_contributor", id=self.people[0], into=self.people[4])
        self.merged[self.people[0]] = self.people[4]

    @rule()
    @precondition(lambda self: self.pools and self.outside[1] not in self.merged)
    def identify(self) -> None:
        """The bank has an account of its own."""
        bank = self.outside[1]
        is_named = {each.terms for each in self.pools.values()} & {
            *("waterfall", "community", "advance")
        }
        has_account = any(payee == bank for payee, _ in self.told.books().accounts)
        refused: type[Refusal] | None = None
        if not is_named and not has_account:
            refused = UnknownPayee
        elif self.people[3] in self.forgotten:
            refused = ContributorForgotten
        said = {"name": bank, "contributor": self.people[3], "reason": str(next(names))}
        if self.do(refused, "identify_payee", **said):
            self.merged[bank] = self.people[3]

    @rule(index=st.sampled_from([2, 3]))
    def forget(self, index: int) -> None:
        who = self.people[index]
        self.told.tell("forget_contributor", id=who, ground="request")  # also once more
        self.forgotten.add(who)

    @rule(month=months)
    def close(self, month: str) -> None:
        until = f"{month}-01T00:00:00.000000Z"
        refused: type[Refusal] | None = None
        if self.is_ahead(until):
            refused = PeriodNotOver
        elif until <= self.told.books().closed_until:
            refused = PeriodClosed
        self.do(refused, "close_period", until=month)

    # -- what holds whatever happened ------------------------------------------------------

    def teardown(self) -> None:
        verify(self.told)
        if hasattr(self, "payouts"):
            self.every_payout_was_sent_as_it_should()
            must_tie(self.told, self.pools, {self.person(one) for one in self.people})

    def accounts(self) -> dict[tuple[str, str], dict[str, int]]:
        return {
            (payee, agreement): units
            for (payee, agreement), units in self.told.books().accounts.items()
            if agreement in self.proposals
        }

    @invariant()
    def everybody_has_what_they_are_due(self) -> None:
        books = self.told.books()
        for id, pool in getattr(self, "pools", {}).items():
            known = books.pools[id]
            got: dict[str, int] = defaultdict(int)
            for (payee, agreement), units in books.accounts.items():
                if agreement in pool.agreements:
                    got[payee] += sum(units.values())
            due = pool.due()
            assert sum(got.values()) == sum(due.values())
            for payee in {*got, *due, *known.carry}:
                carried = due[payee] - got[payee]
                if pool.rounding == WITH_CARRY:
                    # What is taken back in parts was due to the millionth of a unit.
                    assert abs(known.carry.get(payee, 0) - carried) < _F(pool.entries, 10**5)
                assert abs(carried) < 1 + pool.entries
            waits = {id: each.left for id, each in pool.revenues.items() if each.named is None}
            assert list(known.waiting) == [id for id, left in waits.items() if left > 0]
            assert list(known.short) == [id for id, left in waits.items() if left < 0]
            for revenue, each in pool.revenues.items():
                assert books.revenues[revenue].left_minor == each.left
            assert {cost.expense: cost.left_minor for cost in known.costs} == {
                expense: left for expense, (_, left) in pool.costs.items()
            }

    @invariant()
    def every_payout_is_where_its_state_says(self) -> None:
        expected: dict[str, int] = defaultdict(int)
        for state, owed, kept, currency, *_ in getattr(self, "payouts", {}).values():
            if state in ("issued", "settled"):
                expected[WITHHELD] += kept
                place = IN_TRANSIT if state == "issued" else PAID
                expected[place if currency == "USD" else EXCHANGED] += owed - kept
            elif state == "returned":
                expected[SUSPENSE] += owed
        accounts: dict[str, int] = defaultdict(int)
        for units in self.accounts().values() if hasattr(self, "proposals") else ():
            for name, amount in units.items():
                accounts[name] += amount
        for name in (IN_TRANSIT, PAID, SUSPENSE, WITHHELD, EXCHANGED):
            assert accounts[name] == expected[name]

    def every_payout_was_sent_as_it_should(self) -> None:
        """In which currency, how much of it, and what its rounding gained."""
        with self.told.view() as view:
            told, every = sent_told(view, self.payouts), totals(view)
        for id, (state, _, kept, currency, sent, worth) in self.payouts.items():
            how = told[id]
            assert (how["currency"], how["amount_minor"]) == (currency, sent)
            assert how["withheld_minor"] == kept
            self.gained[id] = worth - sent if state in ("issued", "settled") else NONE
        assert all(sum(units.values()) == 0 for units in every.values())
        posted = every["KWD"][DIFFERENCE] if "KWD" in every else 0
        rest = self.told.books().differences.get("KWD", NONE)
        assert posted + rest == sum(self.gained.values())


def test_random_histories_of_money_agree_with_the_naive_model(
    database: str, other_database: str
) -> None:
    """What the books and the read tables hold back is compared, and every history is verified."""
    with bank(database) as told:
        machine = type("Random", (Money,), {"told": told, "gained": {}})
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        lines = list(export_lines(told.journal))
    with bank(other_database) as copy:
        copy.clock.now = told.clock.now
        found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, start=1))
        assert import_lines(copy.journal, found).refused == []
        assert list(export_lines(copy.journal)) == lines
