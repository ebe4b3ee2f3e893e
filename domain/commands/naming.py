"""Naming: a person changes their name, or keeps it off one of their credits.

Both without being forgotten: the account, its works, its keys and its money stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, command
from domain.contributor import Contributor
from domain.credit import Credit
from domain.fact import New
from domain.past import Past
from domain.permission import OWN
from domain.text import folded
from domain.values import ContributorId, CreditId, Example, FormerName, Name

_PATH = "/contributors"


@command("contributor.rename", f"{_PATH}/{{id}}/rename", may=OWN, then=Contributor.Renamed)
class RenameContributor(Command):
    """Change the name of a contributor; the account stays.

    The former name is erased from every answer, including those about the past and the names on
    credits that are the same. Or it is kept, and answered as what they were called formerly.
    """

    id: ContributorId
    name: Annotated[Name, Example("Bea")]
    former: FormerName = "erased"

    def decide(self, past: Past) -> Iterator[New]:
        person = past.contributor(self.id)
        erased = _texts_of(past, person) if self.former == "erased" else []
        past.warn_of_namesakes(self.name, self.id)
        yield person.then(
            Contributor.Renamed,
            name=past.text(self.id, "name", self.name),
            former=self.former,
            erased=" ".join(erased),
        )


def _texts_of(past: Past, person: Contributor) -> list[str]:
    """The former names of a person, and the names on their credits that are the same."""
    names = [name for _, happened in person.facts if (name := getattr(happened, "name", None))]
    owned = [digest for _, digest in past.owned(past.accounts(person.id))]
    texts = past.texts({*names, *owned})
    former = {folded(texts[name]) for name in names if name in texts}
    return sorted(digest for digest, text in texts.items() if folded(text) in former)


@command("credit.hide", "/credits/{id}/hide", may=OWN, then=Credit.Hidden)
class HideCredit(Command):
    """Keep your name off one credit: it counts and is paid, and is shown without it.

    That holds for every answer, about the past as well. Only the person, auditors and the operator
    still see whose it is.
    """

    id: CreditId


@command("credit.unhide", "/credits/{id}/unhide", may=OWN, then=Credit.Shown)
class UnhideCredit(Command):
    """Put your name back on a credit."""

    id: CreditId
