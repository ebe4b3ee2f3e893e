"""Commands by which people change their name, or keep it off one of their credits.

Unlike being forgotten, both leave the account, its works, its keys and its money as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, command
from domain.contributor import Contributor, erased_in
from domain.credit import Credit
from domain.fact import New
from domain.past import Past
from domain.permission import OWN
from domain.refusal import WrongState
from domain.text import searched
from domain.value import Example
from domain.values import ContributorId, CreditId, FormerName, Name
from domain.words import phrases_of, words_of

ON_CREDITS = frozenset({"credited_as", "join_phrase", "display", "character"})
"""The texts of a credit, in which a name may be among other words."""


@command("contributor.rename", may=OWN, then=Contributor.Renamed)
class RenameContributor(Command):
    """Change the name of a contributor; the account stays.

    The former name is erased from every answer, including those about the past, and so is any
    wording of credits that contains its words. Or it is kept, and shown as their former name.
    """

    id: ContributorId
    name: Annotated[Name, Example("Bea")]
    former: FormerName = "erased"

    def decide(self, past: Past) -> Iterator[New]:
        person = past.contributor(self.id)
        erased = _texts_of(past, person) if self.former == "erased" else []
        past.warn_of_namesakes(self.name, self.id)
        name = past.text(self.id, "name", self.name)
        for part in erased_in(erased):
            yield person.then(Contributor.Renamed, name=name, former=self.former, erased=part)


def _texts_of(past: Past, person: Contributor) -> list[str]:
    """The commitments of a person's former names, and of texts on credits that contain one.

    Titles stay, even one that is the same: an album may be named after its band.
    """
    owned = [
        one for one in past.owned(past.accounts(person.id)) if one.name in {"name", *ON_CREDITS}
    ]
    texts = past.texts(one.digest for one in owned)
    names = {name for _, happened in person.facts if (name := getattr(happened, "name", None))}
    former = [texts[name] for name in names if name in texts]
    return sorted(
        {
            one.digest
            for one in owned
            if any(
                _words(texts[one.digest]) == _words(name)
                or (one.name in ON_CREDITS and _contains(texts[one.digest], name))
                for name in former
            )
        }
    )


def _words(text: str) -> str:
    """A text as its words, each between spaces, so that only whole ones are found in it."""
    return f" {' '.join(words_of(text)) or searched(text)} "


def _contains(text: str, name: str) -> bool:
    """Whether every word of a name is in a text, in any order: “Dora, Ana” contains “Ana Dora”."""
    said, parts = _words(text), phrases_of(name) or [(searched(name),)]
    return all(f" {' '.join(part)} " in said for part in parts)


@command("credit.hide", may=OWN, then=Credit.Hidden)
class HideCredit(Command):
    """Hide your name on one credit: it still counts and is paid, but is shown without the name.

    This applies to every answer, including those about the past. Only you, auditors, the operator
    and those who share money with you still see whose it is; others may infer it from when things
    were recorded.
    """

    id: CreditId


@command("credit.unhide", may=OWN, then=Credit.Shown)
class UnhideCredit(Command):
    """Put your name back on a credit."""

    id: CreditId

    def decide(self, past: Past) -> Iterator[New]:
        if not past.get(Credit, self.id).is_hidden:
            raise WrongState(Credit.NAME, self.id, "shown", ("hidden",))
        yield from super().decide(past)
