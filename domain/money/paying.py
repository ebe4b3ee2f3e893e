"""Paying: payouts in batches, what became of each, and what is held back for now.

The one rule: what leaves is taken off what is owed in the same append, so no unit leaves twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.credit import Credit
from domain.identity import part_id
from domain.money.apportionment import payee_key, whole_amount
from domain.money.books import Above, Books
from domain.money.currency import currency_code
from domain.money.hold import Hold, hold_on
from domain.money.keeping import Keeping
from domain.money.payee import is_person
from domain.money.payout import Batch, Parts, Payout
from domain.refusal import (
    BadAmount,
    IdTaken,
    NothingToPay,
    UnknownCredit,
    UnknownPayout,
    WrongState,
)
from domain.sheet import Receipt, Sheet

MOST_PARTS = 250
"""Of so many parts a payout is made at most, so that it fits into a fact."""


class Paying(Keeping):
    """The commands about what leaves, and what may not leave."""

    def issue_payouts(
        self,
        *,
        actor: str,
        currency: str,
        minimum_minor: int = 1,
        minimums: Sequence[Mapping[str, Any]] = (),
        payees: Sequence[str] | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Pay everybody who is owed enough: one payout each, less what they were paid too much.

        ``minimums`` says for whom another minimum holds, ``payees`` who is paid at all.
        """
        sheet, new = self._permitted(actor, "pay"), self._new_id(id)
        asked: dict[str, Any] = {
            "currency": currency_code(currency),
            "minimum_minor": _least(minimum_minor),
            "minimums": [[each["payee"], _least(each["minimum_minor"])] for each in minimums],
            "payees": None if payees is None else list(payees),
        }
        self._must_know([*(payees or ()), *(each["payee"] for each in minimums)])
        for position, known in self._stream(new)[:1] if id is not None else ():
            if any(getattr(known, name, asked) != said for name, said in asked.items()):
                raise IdTaken(new)
            return self._receipt(new, position)
        books = self.books()
        # Whatever may stand against a payout is looked at as a whole.
        self.watched["remix.disputed"] = None
        parents = {parent for _, parent in books.edges.values()}
        above = {each: self.journal.lineage(each, self.after, "0").nodes for each in parents}
        found = _payable(books, currency, above)
        least = {books.person(payee): minimum for payee, minimum in asked["minimums"]}
        chosen = None if payees is None else set(map(books.person, payees))
        paid = [
            (payee, _amount(part), part)
            for payee, parts in sorted(found.items(), key=lambda each: payee_key(each[0]))
            if _amount(parts) >= least.get(payee, asked["minimum_minor"])
            and (chosen is None or payee in chosen)
            for part in _in_facts(parts)
        ]
        if not paid:
            raise NothingToPay(currency, minimum_minor)
        sheet.add(
            Batch.Opened,
            new,
            **asked,
            count=len(paid),
            total_minor=sum(amount for _, amount, _ in paid),
        )
        for number, (payee, amount, parts) in enumerate(paid):
            sheet.add(
                Payout.Issued,
                part_id(new, "payout", number),
                batch=new,
                payee=payee,
                currency=currency,
                amount_minor=amount,
                parts=parts,
            )
            self._watch_money(payee, *(str(account) for account, *_ in parts))
        receipt = self._write(new, sheet)
        receipt.position -= len(paid)
        return receipt

    def settle_payout(self, *, actor: str, id: str, reference: str | None = None) -> Receipt:
        """Record that a payout has arrived."""
        noun, sheet = self._payout(id), self._permitted(actor, "pay")
        owner = noun.payee if is_person(noun.payee) else actor
        sealed = sheet.seal(owner, "reference", reference)
        return self._move(noun, sheet, Payout.Settled, {**noun.whole, "reference": sealed})

    def return_payout(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Record that a payout came back; it rests with its payee until it is claimed."""
        noun, sheet = self._payout(id), self._permitted(actor, "pay")
        last = noun.facts[-1][1]
        was = last.was if isinstance(last, Payout.Returned) else noun.state
        sealed = sheet.seal_text(actor, "reason", reason)
        content = {**noun.whole, "was": was, "reason": sealed}
        return self._move(noun, sheet, Payout.Returned, content)

    def claim_payout(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Ask for a payout that came back; it goes out with the next batch."""
        noun = self._payout(id)
        sheet = self._permitted(actor, "claim a payout", **_own(noun.payee))
        sealed = sheet.seal(actor, "reason", reason)
        return self._move(noun, sheet, Payout.Claimed, {**noun.whole, "reason": sealed})

    def _payout(self, id: str) -> Payout:
        noun = self._get(Payout, id, UnknownPayout)
        self.books()
        return noun

    # -- holds -----------------------------------------------------------------------------

    def hold_credit(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Pay nothing on a credit for now."""
        sheet, hold, line = self._held(actor, id)
        content = {**line, "reason": sheet.seal_text(actor, "reason", reason)}
        self.books()
        self._watch_money(line["contributor"])
        if self._stream(hold):
            return self._move(self._get(Hold, hold, UnknownCredit), sheet, Hold.Opened, content)
        sheet.add(Hold.Opened, hold, **content)
        return self._write(hold, sheet)

    def release_credit(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Let what was held on a credit be paid."""
        sheet, hold, line = self._held(actor, id)
        if not self._stream(hold):
            raise WrongState(Hold.NAME, id, "not open", ("open",))
        content = {**line, "reason": sheet.seal(actor, "reason", reason)}
        self.books()
        return self._move(self._get(Hold, hold, UnknownCredit), sheet, Hold.Released, content)

    def _held(self, actor: str, id: str) -> tuple[Sheet, str, dict[str, Any]]:
        """The sheet, the id of the hold on a credit, and what every fact about that names."""
        credit = self._get(Credit, id, UnknownCredit)
        sheet = self._permitted(actor, "hold money")
        return sheet, hold_on(id), {"credit": id, **credit.line}


def _payable(books: Books, currency: str, above: Above) -> dict[str, Parts]:
    """What may be paid in a currency, by the person whom every account belongs to now."""
    found: dict[str, Parts] = {}
    for payee, agreement, units in books.payable(above):
        pool = books.agreements[agreement].pool
        if books.pools[pool].opened.currency == currency:
            parts = found.setdefault(books.person(payee), [])
            parts.append([payee, agreement, pool, units])
    return found


def _in_facts(parts: Parts) -> list[Parts]:
    """The parts dealt to as many payouts as their facts need, each of more than nothing."""
    count = -(-len(parts) // MOST_PARTS)
    ordered = sorted(parts, key=lambda part: int(part[-1]), reverse=True)
    dealt = [ordered[number::count] for number in range(count)]
    # With debts that outweigh a payout of its own it waits: they are all settled together, or none.
    return dealt if all(_amount(each) > 0 for each in dealt) else []


def _amount(parts: Parts) -> int:
    return sum(int(units) for *_, units in parts)


def _least(amount_minor: object) -> int:
    if whole_amount(amount_minor) < 1:
        raise BadAmount(amount_minor, "a payout is at least 1 unit")
    return whole_amount(amount_minor)


def _own(payee: str) -> dict[str, str]:
    return {"contributor": payee} if is_person(payee) else {}
