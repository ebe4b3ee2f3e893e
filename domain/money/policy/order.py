"""Policies by order: who is paid first, up to how much, and who gets the rest.

Nothing is rounded here: a cap or a tranche may end within a unit.

One file, because it is one list of policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar

from domain.lineage import Lineage
from domain.money.policy.flow import Flow
from domain.money.policy.parts import Parts, alone, exactly, together
from domain.money.policy.reading import (
    Policy,
    PolicyEntry,
    PolicyJson,
    exact_share,
    fields_of,
    part_of_whole,
    units_minor,
)
from domain.money.policy.sold import shown_exactly
from domain.refusal import BadAmount, BadPolicy, RatesOverWhole


@dataclass(frozen=True)
class Fee:
    """What one payee gets off the top: a rate or an amount per unit sold, each perhaps capped, or a
    fixed amount."""

    payee: str
    rate: Fraction | None
    cap_minor: int | None
    minimum_minor: int
    unit_minor: Fraction | None = None

    def due(self, amount: Fraction, units: Fraction) -> Fraction:
        """min(cap, N·f), or min(cap, u·units) for a fee per unit sold.

        Refuses (``BadAmount``) if that is less than the fee's minimum.
        """
        due = Fraction(self.cap_minor or 0) if self.rate is None else amount * self.rate
        if self.unit_minor is not None:
            due = self.unit_minor * units
        if self.cap_minor is not None:
            due = min(due, Fraction(self.cap_minor))
        if amount and due < self.minimum_minor:
            reason = f"the fee of {self.payee} would be less than {self.minimum_minor}"
            raise BadAmount(amount, reason)
        return due

    def in_words(self) -> str:
        """The rate, amount per unit or fixed amount, as explanations show it."""
        if self.unit_minor is not None:
            return f"{shown_exactly(self.unit_minor)} a unit"
        return str(self.cap_minor) if self.rate is None else f"{shown_exactly(self.rate * 100)} %"


def read_fee(form: PolicyJson, value: object, path: str) -> Fee:
    """A payee with a rate or an amount per unit, perhaps capped, or with a fixed amount."""
    where = form.at(path)
    optional = ("rate", "unit_minor", "cap_minor", "amount_minor", "minimum_minor")
    fee = fields_of(value, where, BadPolicy, needed=("payee",), optional=optional)
    kinds = {"rate", "unit_minor", "amount_minor"} & set(fee)
    if len(kinds) != 1 or {"amount_minor", "cap_minor"} <= set(fee):
        raise BadPolicy(
            where, "a fee has a rate or an amount a unit, with or without a cap, or a fixed amount"
        )
    cap = fee.get("cap_minor", fee.get("amount_minor"))
    return Fee(
        form.name(fee["payee"], f"{path}.payee"),
        part_of_whole(fee["rate"], f"{where}.rate") if "rate" in fee else None,
        None if cap is None else units_minor(cap, f"{where}.cap_minor"),
        units_minor(fee.get("minimum_minor", 0), f"{where}.minimum_minor"),
        _unit_minor(fee["unit_minor"], f"{where}.unit_minor") if "unit_minor" in fee else None,
    )


def must_not_exceed(form: PolicyJson, fees: Iterable[Fee]) -> None:
    """Refuse fees whose rates sum to more than 1."""
    total = sum((fee.rate for fee in fees if fee.rate), Fraction())
    if total > 1:
        raise RatesOverWhole(form.at("fees"), total)


def _unit_minor(value: object, where: str) -> Fraction:
    """An amount per unit sold: a whole number of smallest currency units, or an exact text."""
    return (
        exact_share(value, where) if isinstance(value, str) else Fraction(units_minor(value, where))
    )


@dataclass(frozen=True)
class Fees:
    """Fees come off the whole first; another policy divides the rest.

    feeᵢ = min(capᵢ, N·fᵢ), each of the whole amount, not of what other fees left. A fixed amount is
    a fee with a cap alone; a fee per unit is multiplied by the units sold. If the fees exceed the
    amount, those listed first are paid first. ``then`` divides the rest, N − Σ fee.

    Source: Numscript's capped destination; Open Collective's host, platform and processor fees.
    """

    TYPE: ClassVar[str] = "fees"
    VERSION: ClassVar[int] = 1
    fees: tuple[Fee, ...]
    then: Policy
    where: str

    @classmethod
    def read(cls, form: PolicyJson) -> Fees:
        """``{"type": "fees", "fees": [{"payee", "rate", "cap_minor"}], "then": {…}}``."""
        fields = form.fields("fees", "then")
        fees = [read_fee(form, fee, here) for here, fee in form.each(fields["fees"], "fees")]
        must_not_exceed(form, fees)
        return cls(tuple(fees), form.policy(fields["then"], "then"), form.where)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """What the fees and everyone after them get."""
        fees = flow.fees(self.where, amount, self._due)
        left = amount
        taken = []
        for fee, due in zip(self.fees, fees, strict=True):
            part = min(left, due)
            left -= part
            taken.append(alone(fee.payee, part))
            if fee.unit_minor is not None:
                with flow.ruled_by(fee.in_words()) as ruled:
                    ruled[fee.payee] = part
        return together([*taken, self.then.parts(left, graph, flow)])

    def _due(self, amount: Fraction, units: Fraction) -> list[Fraction]:
        """Each fee of an amount; if they exceed it, those listed first are paid first."""
        left, due = amount, []
        for fee in self.fees:
            due.append(min(left, fee.due(amount, units)))
            left -= due[-1]
        return due


Tranche = tuple[PolicyEntry, int | None]
"""Who is paid, and up to how many units; None for the residual."""


@dataclass(frozen=True)
class InTurn:
    """Tranches paid one after the other, and what each was paid before the first division."""

    tranches: tuple[Tranche, ...]
    before: Mapping[str, int]
    place: str
    """The place of the running total of the rest; those of tranches add their names."""

    def pay(
        self, amount: Fraction, graph: Lineage[str] | None, flow: Flow
    ) -> tuple[list[Parts], Fraction]:
        """min(remaining, still open) for each tranche in turn, and what remains.

        A reversal takes back in the opposite order, from the last tranche paid.
        """
        sizes, rest = self._taken(amount, flow) if flow.reversal else self._given(amount, flow)
        for entry, size in self.tranches:
            if size is not None:
                flow.add(self.at(entry), sizes[entry.name])
        flow.rest(self.place, rest)
        paid = [
            entry.parts(rest if size is None else sizes[entry.name], graph, flow)
            for entry, size in self.tranches
        ]
        return paid, rest

    def at(self, entry: PolicyEntry) -> str:
        """The place of the running total of a tranche."""
        return f"{self.place} ({entry.name})"

    def _given(self, amount: Fraction, flow: Flow) -> tuple[dict[str, Fraction], Fraction]:
        """What each limited tranche gets, and what remains."""
        sizes = {}
        for entry, size in self.tranches:
            if size is not None:
                open_part = size - self.before.get(entry.name, 0) - flow.earlier(self.at(entry))
                sizes[entry.name] = min(amount, max(Fraction(), open_part))
                amount -= sizes[entry.name]
        return sizes, amount

    def _taken(self, amount: Fraction, flow: Flow) -> tuple[dict[str, Fraction], Fraction]:
        """What a reversal takes back from each limited tranche, and from the rest."""
        rest = min(amount, flow.earlier(self.place))
        amount -= rest
        sizes = {}
        for entry, size in reversed(self.tranches):
            if size is not None:
                sizes[entry.name] = min(amount, flow.earlier(self.at(entry)))
                amount -= sizes[entry.name]
        # By the first rules the rest had no total, so it may be too small to take all of it back.
        return sizes, rest + amount


def read_tranches(form: PolicyJson, value: object, path: str) -> list[Tranche]:
    """``[[name, units or null], [name, units or null, policy], …]``, no name twice."""
    tranches: list[Tranche] = []
    reason = "this is [name, units] or [name, units, policy]"
    for here, fields in form.rows(value, path, reason, 2, 3):
        name = form.name(fields[0], here)
        size = None if fields[1] is None else units_minor(fields[1], form.at(f"{here} ({name})"))
        then = form.policy(fields[2], here) if len(fields) == 3 else None
        tranches.append((PolicyEntry(name, Fraction(), then), size))
    form.once((entry.name for entry, _ in tranches), path)
    return tranches


@dataclass(frozen=True)
class Waterfall:
    """Each tranche in turn is paid what is still open; the last gets the rest.

    payᵢ = min(remaining, max(0, Tᵢ − recoupedᵢ)); the last tranche is the residual. What earlier
    divisions paid counts as recouped.

    Source: 0xSplits' waterfall module; film recoupment schedules.
    """

    TYPE: ClassVar[str] = "waterfall"
    VERSION: ClassVar[int] = 1
    tranches: InTurn

    @classmethod
    def read(cls, form: PolicyJson) -> Waterfall:
        """``{"type": "waterfall", "tranches": [["bank", "5000"], ["ana", null]]}``."""
        fields = form.fields("tranches", optional=("recouped",))
        tranches = read_tranches(form, fields["tranches"], "tranches")
        if [size is None for _, size in tranches] != [False] * (len(tranches) - 1) + [True]:
            raise BadPolicy(
                form.at("tranches"), "the last one, and no other, is null: it gets the rest"
            )
        limited = (entry.name for entry, size in tranches if size is not None)
        recouped = form.minor_by_name(fields.get("recouped", {}), "recouped", limited)
        return cls(InTurn(tuple(tranches), recouped, form.at("recouped")))

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """What every tranche gets."""
        paid, _ = self.tranches.pay(amount, graph, flow)
        return together(paid)


@dataclass(frozen=True)
class AdvanceAccount:
    """One advance (or guarantee) to one payee, and how much of it is recouped."""

    account: str
    payee: str
    where: str
    advance_minor: int
    earned_minor: int
    paid_minor: int

    @property
    def earned(self) -> str:
        """The place of the running total earned."""
        return f"{self.where}.earned_minor"

    @property
    def paid(self) -> str:
        """The place of the running total paid beyond the advance."""
        return f"{self.where}.paid_minor"

    @property
    def start_minor(self) -> int:
        """The balance before the first division."""
        return self.earned_minor - self.advance_minor - self.paid_minor

    def balance(self, flow: Flow) -> Fraction:
        """earned − advance − paid: what can be paid or, if negative, must be earned first."""
        return self.start_minor + flow.earlier(self.earned) - flow.earlier(self.paid)


@dataclass(frozen=True)
class Advance:
    """A payee recoups an advance before being paid again; a guarantee works the same way.

    payable(E) = max(0, E − advance − paid), with E all that was earned and ``paid`` all that was
    paid beyond the advance. When the payee earns another p, they get payable(E + p) − payable(E);
    the rest of p goes to ``to``, who advanced the money. With ``cross_collateral`` (default: off)
    the payee's other accounts are recouped together with this one.

    Source: recording and publishing agreements; the minimum guarantee of a licence.
    """

    TYPE: ClassVar[str] = "advance"
    VERSION: ClassVar[int] = 1
    account: str
    accounts: tuple[AdvanceAccount, ...]
    to: str
    then: Policy
    cross_collateral: bool = False

    @classmethod
    def read(cls, form: PolicyJson) -> Advance:
        """``{"type": "advance", "account", "accounts": [{…}], "to": "label", "then": {…}}``."""
        fields = form.fields("account", "accounts", "to", "then", optional=("cross_collateral",))
        accounts = []
        numbers = ("advance_minor", "earned_minor", "paid_minor")
        needed = ("account", "payee", *numbers)
        for path, line in form.objects(fields["accounts"], "accounts", *needed):
            account = form.name(line["account"], f"{path}.account")
            payee = form.name(line["payee"], f"{path}.payee")
            units = [units_minor(line[each], form.at(f"{path}.{each}")) for each in numbers]
            accounts.append(AdvanceAccount(account, payee, form.at(path), *units))
        if len({(each.account, each.payee) for each in accounts}) < len(accounts):
            raise BadPolicy(form.at("accounts"), "a payee has one line on each account")
        account = form.name(fields["account"], "account")
        if account not in {each.account for each in accounts}:
            raise BadPolicy(form.at("account"), f"“{account}” is not one of the accounts")
        return cls(
            account,
            tuple(accounts),
            form.name(fields["to"], "to"),
            form.policy(fields["then"], "then"),
            form.flag(fields.get("cross_collateral", False), "cross_collateral"),
        )

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """What the payees are paid, and what goes to the payee who advanced the money."""
        earned = self.then.parts(amount, graph, flow)
        amounts = {payee: Fraction(units, earned.scale) for payee, units in earned.units.items()}
        recouped = Fraction()
        for payee in sorted({each.payee for each in self.accounts}):
            part = amounts.setdefault(payee, Fraction())
            amounts[payee] = self.pay(payee, part, flow)
            recouped += part - amounts[payee]
        amounts[self.to] = amounts.get(self.to, Fraction()) + recouped
        return exactly(amounts, earned.waived)

    def accounts_of(self, payee: str) -> list[AdvanceAccount]:
        """The accounts of a payee that are recouped together."""
        return [
            each
            for each in self.accounts
            if each.payee == payee and (self.cross_collateral or each.account == self.account)
        ]

    def pay(self, payee: str, part: Fraction, flow: Flow) -> Fraction:
        """payable(E + p) − payable(E), with payable = max(0, earned − advance − paid)."""
        open_accounts = self.accounts_of(payee)
        if not open_accounts:
            return part
        balance = sum((each.balance(flow) for each in open_accounts), Fraction())
        paid = max(Fraction(), balance + part) - max(Fraction(), balance)
        if flow.reversal is not None:
            paid = self._taken_back(open_accounts, part, flow)
        # With cross-collateral a payee may have accounts, but none on which this is earned.
        account = min(open_accounts, key=lambda each: each.account != self.account)
        flow.add(account.earned, part)
        flow.add(account.paid, paid)
        return paid

    @staticmethod
    def _taken_back(accounts: Sequence[AdvanceAccount], part: Fraction, flow: Flow) -> Fraction:
        """What a reversal takes back: what was paid, less what is payable on the lower earnings."""
        start = Fraction(sum(each.start_minor for each in accounts))
        earned = sum((flow.earlier(each.earned) for each in accounts), Fraction())
        paid = sum((flow.earlier(each.paid) for each in accounts), Fraction())
        payable = max(Fraction(), start + earned - part) - max(Fraction(), start)
        return min(part, max(Fraction(), paid - payable))


@dataclass(frozen=True)
class Escalator:
    """Shares change as more comes in: each band of the total income has its own policy.

    Of an amount N after a total of E, the policy of band k, from aₖ to bₖ, divides
    max(0, min(E + N, bₖ) − max(E, aₖ)). Bands are marginal, so no unit is divided twice.

    Source: royalty escalators in publishing and film; the bands of an income tax.
    """

    TYPE: ClassVar[str] = "escalator"
    VERSION: ClassVar[int] = 1
    earned_minor: int
    bands: tuple[tuple[int | None, Policy], ...]
    place: str
    """The place of the running total of all income."""

    @classmethod
    def read(cls, form: PolicyJson) -> Escalator:
        """``{"type": "escalator", "earned_minor": 0, "bands": [["1000", {…}], [null, {…}]]}``."""
        fields = form.fields("earned_minor", "bands")
        bands: list[tuple[int | None, Policy]] = []
        for path, band in form.rows(fields["bands"], "bands", "a band is [up to, policy]", 2):
            limit = None if band[0] is None else units_minor(band[0], form.at(path))
            bands.append((limit, form.policy(band[1], path)))
        limits = [0, *(limit for limit, _ in bands[:-1] if limit is not None)]
        rising = all(low < high for low, high in pairwise(limits))
        if len(limits) != len(bands) or bands[-1][0] is not None or not rising:
            raise BadPolicy(form.at("bands"), "the limits must rise, and only the last may be null")
        place = form.at("earned_minor")
        return cls(units_minor(fields["earned_minor"], place), tuple(bands), place)

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        start = self.earned_minor + flow.earlier(self.place)
        if flow.reversal is not None:
            start = max(Fraction(), start - amount)
        end = start + amount
        flow.add(self.place, amount)
        parts = []
        low = Fraction()
        for limit, policy in self.bands:
            high = end if limit is None else Fraction(limit)
            within = max(Fraction(), min(end, high) - max(start, low))
            with flow.limited_to(flow.origin.times(within / amount if amount else amount)):
                parts.append(policy.parts(within, graph, flow))
            low = high
        return together(parts)
