"""Forgetting: every text of a person is erased, and what they made stays without a name.

The one rule: no account of the person has a text left, not even one written at the same moment.
"""

from __future__ import annotations

from collections.abc import Collection

from domain.contributor import Contributor, ground_named
from domain.drafting import Drafting
from domain.sheet import Receipt

ERASED_IN_ONE_FACT = 1000
"""How many commitments one fact names as erased: a leaf of the log holds less than 64 KiB."""


class Forgetting(Drafting):
    """The command that forgets a person."""

    def forget_contributor(self, *, actor: str, id: str, ground: str) -> Receipt:
        """Erase every text of a person, in all of their accounts; ids, edges and credits stay.

        The name is gone from every answer, also as known before, and so are the titles and all
        else they wrote. Their keys are void from now on, and nobody can be credited as them.
        """
        asked = self._contributor(id)
        sheet = self._permitted(actor, "forget", contributor=asked.id)
        said = {"ground": ground_named(ground)}
        accounts = {account.id: account for account in self._accounts(asked)}
        owned = self._owned(accounts)
        if not any(owned.values()) and {one.state for one in accounts.values()} == {"forgotten"}:
            return self._move(asked, sheet, Contributor.Forgotten, {**said, "erased": ""})
        for owner, digests in owned.items():
            for first in range(0, len(digests) or 1, ERASED_IN_ONE_FACT):
                sheet.add(
                    Contributor.Forgotten,
                    owner,
                    version=accounts[owner].version + 1 + first // ERASED_IN_ONE_FACT,
                    erased=" ".join(digests[first : first + ERASED_IN_ONE_FACT]),
                    **said,
                )
        receipt = self._write(asked.id, sheet)
        self.erased.update(digest for digests in owned.values() for digest in digests)
        # What they write at this moment is erased and named as well, or this is done again.
        self.emptied.update(accounts)
        for account in accounts.values():
            self._come_to(account.id, account.version)
        return receipt

    def _accounts(self, asked: Contributor) -> list[Contributor]:
        """Every account of a person after all merges, the one that was asked for last."""
        # An account that is merged into one of them at this moment is the person's, too.
        self.watched["contributor.merged"] = None
        topics = (Contributor.Merged.TOPIC,)
        recorded = [placed.fact() for placed in self.journal.read(topics=topics)]
        merged: dict[str, list[str]] = {}
        for happened in (*recorded, *self.facts):
            if isinstance(happened, Contributor.Merged):
                merged.setdefault(happened.into, []).append(happened.originator_id)
        found, waiting = [asked], [self._person(asked.id)]
        while waiting:
            id = waiting.pop()
            waiting += merged.get(id, ())
            if id != asked.id:
                found.append(self._contributor(id))
        return found[::-1]

    def _owned(self, owners: Collection[str]) -> dict[str, list[str]]:
        """The commitments to all that these owners have in the vault, or are about to."""
        owned: dict[str, list[str]] = {owner: [] for owner in owners}
        for owner, digest in self.journal.facts.owned(owners):
            owned[owner].append(digest)
        for text in self.disclosures:
            if text.owner in owned and text.digest not in self.erased:
                owned[text.owner].append(text.digest)
        return owned
