"""Crediting: who did what in a work, whoever says so, and whether the other side agrees.

The one rule: a credit is agreed to by the side that did not say it.
"""

from __future__ import annotations

from domain.contribution import Contribution
from domain.credit import Credit, credit_kind
from domain.drafting import Drafting
from domain.fact import Fact
from domain.moment import start_of
from domain.outside import Outside
from domain.permission import OPERATOR
from domain.refusal import UnknownCredit
from domain.release import Release
from domain.role import role_named
from domain.sheet import Receipt, Sheet


class Crediting(Drafting):
    """The commands about credits, but for disputes about them."""

    def open_credit(
        self,
        *,
        actor: str,
        work: str,
        contributor: str,
        role: str,
        kind: str = "direct",
        display: str | None = None,
        evidence: str | None = None,
        effective_at: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Credit a person: granted by somebody else, claimed by the person themself."""
        new, on = self._new_id(id), self._work(work)
        sheet = self._sheet(actor)
        person = self._contributor(contributor)
        if self._person(actor) == self._person(person.id):
            self._permit(actor, "claim", contributor=person.id)
        else:
            self._permit(actor, "grant", poster=on.poster)
        self._credit(
            sheet,
            new,
            on.id,
            on.poster if isinstance(on, Contribution | Release) else OPERATOR,
            contributor=person.id,
            role=role,
            kind=kind,
            display=display,
            evidence=evidence,
            effective_at=None if effective_at is None else start_of(effective_at),
        )
        return self._born(new, sheet, given=id is not None)

    def claim_work(
        self,
        *,
        actor: str,
        id: str,
        contributor: str,
        role: str,
        evidence: str | None = None,
        credit: str | None = None,
    ) -> Receipt:
        """Say that one made a work, such as a source outside; answers the new credit."""
        work, person = self._work(id), self._contributor(contributor)
        sheet = self._permitted(actor, "claim", contributor=person.id)
        new = self._new_id(credit)
        sheet.add(
            Credit.Claimed,
            new,
            work=work.id,
            contributor=person.id,
            role=role_named(role),
            kind="direct",
            evidence=sheet.seal(person.id, "evidence", evidence),
        )
        return self._born(new, sheet, given=credit is not None)

    def accept_credit(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Agree to a credit: the person to what was granted, the poster to what was claimed."""
        return self._decide_credit(actor, id, "accept", Credit.Accepted, reason)

    def decline_credit(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Do not agree to a credit."""
        return self._decide_credit(actor, id, "decline", Credit.Declined, reason)

    def revoke_credit(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Take a credit back: it stays on record and stops counting."""
        return self._decide_credit(actor, id, "revoke", Credit.Revoked, reason)

    def _decide_credit(
        self, actor: str, id: str, verb: str, kind: type[Fact], reason: str | None
    ) -> Receipt:
        credit = self._get(Credit, id, UnknownCredit)
        sheet = self._permitted(actor, verb, **self._sides(credit))
        sealed = sheet.seal(actor, "reason", reason)
        return self._move(credit, sheet, kind, {**credit.line, "reason": sealed})

    def _credit(
        self,
        sheet: Sheet,
        id: str,
        work: str,
        poster: str,
        *,
        contributor: str,
        role: str,
        kind: str = "direct",
        display: str | None = None,
        evidence: str | None = None,
        effective_at: str | None = None,
    ) -> None:
        """Open a credit; a poster who credits themself has nobody left to ask."""
        person, actor = self._contributor(contributor), sheet.actor
        own = self._person(actor) == self._person(person.id)
        sheet.add(
            Credit.Claimed if own else Credit.Granted,
            id,
            work=work,
            contributor=person.id,
            role=role_named(role),
            kind=credit_kind(kind),
            display=sheet.seal(person.id, "display", display),
            evidence=sheet.seal(actor, "evidence", evidence),
            effective_at=effective_at,
        )
        if own and self._person(poster) == self._person(actor):
            sheet.add(Credit.Accepted, id, version=2, work=work, contributor=person.id)

    def _sides(self, credit: Credit) -> dict[str, str]:
        """Who stands in which relation to a credit."""
        on = self._work(credit.work)
        claimed = isinstance(credit.facts[0][1], Credit.Claimed)
        # A claim on a source outside is for the operator to judge: nobody here posted it.
        judge = OPERATOR if isinstance(on, Outside) else on.poster
        return {
            "poster": judge,
            "contributor": credit.contributor,
            "addressee": judge if claimed else credit.contributor,
            "opener": credit.poster,
        }
