"""Payees: a contributor, a work without credits, or an outsider by name.

A payee is written as one text, and only this file reads which it is.

A contributor is written as their id; what is due to a work waits for its makers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, Self

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_LIKE_A_UUID = re.compile(r"[^\w]*(urn:)?(uuid:)?(-?[0-9a-f]){32}[^\w]*\Z", re.IGNORECASE)
_WORK = "work/"


class Payee(NamedTuple):
    """Someone or something that money goes to."""

    kind: Literal["contributor", "work", "other"]
    id: str
    """The id of the contributor or the work; of anyone else the name."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The payee that a text stands for."""
        if _UUID.match(text):
            return cls("contributor", text)
        if text.startswith(_WORK):
            return cls("work", text.removeprefix(_WORK))
        return cls("other", text)

    def __str__(self) -> str:
        return _WORK + self.id if self.is_work else self.id

    @property
    def is_contributor(self) -> bool:
        """Whether it is a person on record."""
        return self.kind == "contributor"

    @property
    def is_work(self) -> bool:
        """Whether what is due waits for the makers of a work."""
        return self.kind == "work"

    @property
    def is_misspelt(self) -> bool:
        """Whether a name can only be a contributor's id in another form."""
        return self.kind == "other" and bool(_LIKE_A_UUID.match(self.id))


def people_among(payees: Iterable[str]) -> tuple[str, ...]:
    """The contributors among payees, each once."""
    return tuple(dict.fromkeys(payee for payee in payees if Payee.parse(payee).is_contributor))
