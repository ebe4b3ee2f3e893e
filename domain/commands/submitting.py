"""Submitting: a piece is posted with its authors and its sources, and may be taken back.

The one rule: a piece never stands without the authors and sources it was posted with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.commands.crediting import Crediting
from domain.commands.deriving import Deriving
from domain.contribution import Contribution
from domain.identity import part_id
from domain.permission import OPERATOR
from domain.refusal import UnknownContribution
from domain.remix import Remix, exact_rate, remix_kind
from domain.sheet import Receipt
from domain.text import hex_digest, plain_text


class Submitting(Deriving, Crediting):
    """The commands about contributions."""

    def submit_contribution(
        self,
        *,
        actor: str,
        title: str,
        medium: str,
        authors: Sequence[Mapping[str, Any]],
        sources: Sequence[Mapping[str, Any]] = (),
        made_at: str | None = None,
        licence: str | None = None,
        sha256: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Post a piece with its authors and sources, in one append."""
        sheet, new = self._sheet(actor), self._new_id(id)
        self._permit(actor, "submit")
        owner = actor if actor != OPERATOR or not authors else str(authors[0]["contributor"])
        parents = [self._source(sheet, source) for source in sources]
        made = self._made(made_at, parents)
        sheet.add(
            Contribution.Submitted,
            new,
            title=sheet.seal_text(owner, "title", title),
            medium=plain_text("medium", medium),
            made_at=made_at,
            made=made,
            licence=None if licence is None else plain_text("licence", licence),
            sha256=None if sha256 is None else hex_digest(sha256),
        )
        for number, author in enumerate(authors):
            self._credit(sheet, part_id(new, "author", number), new, actor, **author)
        for number, (source, parent) in enumerate(zip(sources, parents, strict=True)):
            sheet.add(
                Remix.Declared,
                part_id(new, "source", number),
                child=new,
                parent=parent.id,
                kind=remix_kind(source["kind"]),
                rate=exact_rate(source.get("rate")),
                evidence=sheet.seal(owner, "note", source.get("note")),
            )
        return self._born(
            new,
            sheet,
            given=id is not None,
            absent=lambda: [
                part_id(new, "author", len(authors)),
                part_id(new, "source", len(sources)),
            ],
            check=lambda: self._must_follow(new, made_at, made, parents, sheet),
        )

    def withdraw_contribution(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Take a piece back: its title goes from every answer and from the vault."""
        contribution = self._get(Contribution, id, UnknownContribution)
        sheet = self._permitted(actor, "withdraw", poster=contribution.poster)
        sealed = sheet.seal_text(actor, "reason", reason)
        receipt = self._move(contribution, sheet, Contribution.Withdrawn, {"reason": sealed})
        self.erased.add(contribution.title)
        return receipt
