"""Disputing: an edge or a credit is called wrong, the other side answers, and the dispute ends.

The one rule: a dispute goes the same way whatever it is about; only its two sides differ.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict, Unpack

from domain.commands.crediting import Crediting
from domain.credit import NOT_COUNTED, Credit
from domain.dispute import OUTCOMES, Disputable, deadline_of, known_grounds
from domain.identity import part_id
from domain.permission import OPERATOR
from domain.refusal import BadOutcome, NotPermitted, UnknownCredit
from domain.remix import Remix
from domain.sheet import Receipt


class Complaint(TypedDict):
    """What is said to open a dispute."""

    actor: str
    id: str
    grounds: str
    reason: str
    evidence: NotRequired[str | None]
    answer_by: NotRequired[str | None]


class Reply(TypedDict):
    """What is said to answer it."""

    actor: str
    id: str
    reason: str
    evidence: NotRequired[str | None]


class Decision(TypedDict):
    """What is said to end it."""

    actor: str
    id: str
    outcome: str
    reason: str
    replaced_by: NotRequired[str | None]


class Disputing(Crediting):
    """The commands about disputes."""

    def dispute_remix(self, **said: Unpack[Complaint]) -> Receipt:
        """Say that an edge is false; the other side is told and may answer."""
        return self._dispute(Remix, **said)

    def dispute_credit(self, **said: Unpack[Complaint]) -> Receipt:
        """Say that a credit is wrong; the other side is told and may answer."""
        return self._dispute(Credit, **said)

    def answer_remix(self, **said: Unpack[Reply]) -> Receipt:
        """Answer the dispute about an edge, as the other side."""
        return self._answer(Remix, **said)

    def answer_credit(self, **said: Unpack[Reply]) -> Receipt:
        """Answer the dispute about a credit, as the other side."""
        return self._answer(Credit, **said)

    def settle_remix(self, **said: Unpack[Decision]) -> Receipt:
        """End the dispute about an edge: upheld, dismissed, corrected, withdrawn or expired."""
        return self._settle(Remix, **said)

    def settle_credit(self, **said: Unpack[Decision]) -> Receipt:
        """End the dispute about a credit: upheld, dismissed, corrected, withdrawn or expired."""
        return self._settle(Credit, **said)

    # -- whatever it is about --------------------------------------------------------------

    def _dispute(
        self,
        kind: type[Disputable],
        *,
        actor: str,
        id: str,
        grounds: str,
        reason: str,
        evidence: str | None = None,
        answer_by: str | None = None,
    ) -> Receipt:
        noun = self._get(kind, id, kind.UNKNOWN)
        sheet = self._permitted(actor, "dispute")
        content = {
            "grounds": known_grounds(grounds),
            "reason": sheet.seal_text(actor, "reason", reason),
            "deadline": deadline_of(answer_by, self.now),
            "answer_by": answer_by,
            "evidence": sheet.seal(actor, "evidence", evidence),
        }
        return self._move(noun, sheet, kind.Disputed, {**noun.line, **content})

    def _answer(
        self,
        kind: type[Disputable],
        *,
        actor: str,
        id: str,
        reason: str,
        evidence: str | None = None,
    ) -> Receipt:
        noun = self._get(kind, id, kind.UNKNOWN)
        sides = self._sides_of(noun)
        if isinstance(noun, Remix) and self._is_author(actor, noun.child, noun.parent):
            sides["author"] = actor
        sheet, dispute = self._permitted(actor, "answer", **sides), noun.dispute
        content = {
            "disputer": dispute.opened_by if dispute else OPERATOR,
            "reason": sheet.seal_text(actor, "reason", reason),
            "evidence": sheet.seal(actor, "evidence", evidence),
        }

        def check() -> None:
            assert dispute is not None
            # Asked now, not before: a merge since must not refuse what is only said again.
            if actor != OPERATOR and self._person(actor) == self._person(dispute.opened_by):
                raise NotPermitted(actor, "answer")
            noun.must_be_answerable(self.now)

        return self._move(noun, sheet, kind.Answered, {**noun.line, **content}, check)

    def _settle(
        self,
        kind: type[Disputable],
        *,
        actor: str,
        id: str,
        outcome: str,
        reason: str,
        replaced_by: str | None = None,
    ) -> Receipt:
        noun = self._get(kind, id, kind.UNKNOWN)
        other = None if replaced_by is None else self._get(kind, replaced_by, kind.UNKNOWN)
        if outcome not in OUTCOMES:
            raise BadOutcome(outcome, f"it ends {', '.join(OUTCOMES)}")
        if other is not None and (outcome != "corrected" or other.id == noun.id):
            raise BadOutcome(outcome, "only a correction names another one, that replaces this one")
        dispute = noun.dispute
        sheet = self._sheet(actor)
        if outcome != "withdrawn":
            # Whoever may undo it may also agree that the dispute about it is right.
            verb = {"upheld": noun.UNDO, "expired": "let expire"}.get(outcome, "settle")
            self._permit(actor, verb, **self._sides_of(noun))
        is_gone = outcome == "upheld" or other is not None
        content = {
            "disputer": dispute.opened_by if dispute else OPERATOR,
            "outcome": outcome,
            "stands_as": noun.GONE if is_gone or not dispute else dispute.before,
            "reason": sheet.seal_text(actor, "reason", reason),
            "replaced_by": None if other is None else other.id,
        }

        def check() -> None:
            assert dispute is not None
            if outcome == "withdrawn":
                # Asked now, not before: what is only said again may be about an earlier dispute.
                self._permit(actor, "withdraw the dispute about", disputer=dispute.opened_by)
            if outcome == "expired":
                noun.must_have_expired(self.now)

        return self._move(noun, sheet, kind.Settled, {**noun.line, **content}, check)

    # -- the two sides ---------------------------------------------------------------------

    def _sides_of(self, noun: Disputable) -> dict[str, str]:
        """Who stands in which relation to an edge or a credit."""
        if isinstance(noun, Credit):
            return self._sides(noun)
        assert isinstance(noun, Remix)
        child, parent = self._work(noun.child), self._work(noun.parent)
        posters = {"poster": child.poster, "poster_of_the_parent": parent.poster}
        return {**posters, "opener": noun.poster}

    def _is_author(self, actor: str, *works: str) -> bool:
        """Whether one of these works was posted with a credit of theirs that counts."""
        for work in works:
            number = 0
            while self._stream(id := part_id(work, "author", number)):
                credit, number = self._get(Credit, id, UnknownCredit), number + 1
                own = actor != OPERATOR and self._person(actor) == self._person(credit.contributor)
                if own and credit.state not in NOT_COUNTED:
                    return True
        return False
