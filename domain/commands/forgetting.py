"""The command that erases every text of a person; what they made stays, without a name.

No account of the person keeps a text, not even one written concurrently.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.command import Command, command
from domain.contributor import Contributor, erased_in
from domain.fact import New
from domain.past import Past
from domain.permission import OWN
from domain.values import ContributorId, ErasureGround


@command("contributor.forget", may=OWN)
class ForgetContributor(Command):
    """Erase every text of a person, in all of their accounts; ids, remixes and credits stay.

    The name disappears from every answer, including those about the past, and so do titles and
    everything else they wrote. Their keys become void, and nobody can be credited as them. What
    they are owed is held, because nobody is left to be paid.
    """

    id: ContributorId
    ground: ErasureGround

    def is_done(self, past: Past) -> bool:
        """Whether no text has come back since, such as from an older backup."""
        accounts = _accounts(past, past.contributor(self.id))
        return not past.owned([account.id for account in accounts])

    def decide(self, past: Past) -> Iterator[New]:
        accounts = _accounts(past, past.contributor(self.id))
        owned: dict[str, list[str]] = {account.id: [] for account in accounts}
        for text in past.owned(owned):
            owned[text.owner].append(text.digest)
        for account in accounts:
            for erased in erased_in(owned[account.id]):
                yield account.then(
                    Contributor.Forgotten, ground=self.ground, erased=erased, holds=True
                )
        # If they write another text concurrently, this command decides again, and erases that, too.
        past.emptied.update(owned)


def _accounts(past: Past, asked: Contributor) -> list[Contributor]:
    """Every account of a person after all merges, the requested one last."""
    others = [id for id in past.accounts(asked.id) if id != asked.id]
    return [*map(past.contributor, others), asked]
