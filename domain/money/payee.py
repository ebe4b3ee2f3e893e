"""Payees: a contributor, a work without credits, or an outsider by name.

A payee is one text; only this module tells the kinds apart.

A contributor is written as their id; what is due to a work waits for its makers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, Self

from domain.identity import is_id

_LIKE_A_UUID = re.compile(r"[^\w]*(urn:)?(uuid:)?(-?[0-9a-f]){32}[^\w]*\Z", re.IGNORECASE)
_WORK = "work/"


class Payee(NamedTuple):
    """Someone or something that money goes to."""

    kind: Literal["contributor", "work", "other"]
    id: str
    """The id of the contributor or the work, or the name of an outsider."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The payee of a text."""
        if is_id(text):
            return cls("contributor", text)
        if text.startswith(_WORK):
            return cls("work", text.removeprefix(_WORK))
        return cls("other", text)

    def __str__(self) -> str:
        return _WORK + self.id if self.is_work else self.id

    @property
    def is_contributor(self) -> bool:
        """Whether it is a contributor."""
        return self.kind == "contributor"

    @property
    def is_work(self) -> bool:
        """Whether it is a work, for whose maker the money waits."""
        return self.kind == "work"

    @property
    def is_misspelt(self) -> bool:
        """Whether a name is evidently meant to be a contributor's id."""
        return self.kind == "other" and bool(_LIKE_A_UUID.match(self.id))


def people_among(payees: Iterable[str]) -> tuple[str, ...]:
    """The contributors among payees, each once."""
    return tuple(dict.fromkeys(payee for payee in payees if Payee.parse(payee).is_contributor))
