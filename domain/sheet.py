"""The sheet of one command: the facts it has decided on so far, and the texts they commit to.

All facts on it have the same actor, time and signature. They hold texts people wrote only as
commitments (domain.seal).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.fact import Fact, New
from domain.seal import Disclosure, Said, seal, spell_owners
from domain.signature import Signing
from domain.text import plain_text


class Sheet:
    """The facts and texts of one command."""

    def __init__(self, actor: str, now: datetime, signing: Signing | None = None) -> None:
        self.actor, self.now, self.signing = actor, now, signing
        self.facts: list[Fact] = []
        self.disclosures: list[Disclosure] = []
        self._common: dict[str, Any] = {"timestamp": now, "actor": actor}
        """The fields that all of its facts have in common."""
        self._added: dict[str, int] = {}
        """By id: how many facts of its stream are on the sheet."""
        self._sealed: dict[tuple[str, str, str], str] = {}
        """By owner, name and text: the commitment."""
        if signing is not None:
            message = signing.disclosure()
            self.disclosures.append(message)
            self._sealed[message.owner, message.name, message.value] = message.digest
            self._common |= {"message": message.digest, "signature": signing.signature}
            if signing.bound is not None:
                self._common["binds"] = str(signing.bound)

    def write(self, new: New, after: int = 0) -> Fact:
        """Add a fact; ``after`` is how many facts its stream had before this command."""
        added = self._added[new.id] = self._added.get(new.id, 0) + 1
        content = {**new.content, **self._texts(new), **self._common}
        made = new.kind(originator_id=new.id, originator_version=after + added, **content)
        self.facts.append(made)
        return made

    def _texts(self, new: New) -> dict[str, str]:
        """The commitments to the texts of a fact, and the owners of those texts."""
        owners: dict[str, str] = {}
        sealed: dict[str, str] = {}
        for name in new.kind.SEALED:
            if (value := new.content.get(name)) is not None:
                said = value if isinstance(value, Said) else Said(self.actor, name, value)
                owners[name], sealed[name] = said.owner, self._seal(*said)
        if owners:
            sealed["owners"] = spell_owners(owners, self.actor)
        return sealed

    def _seal(self, owner: str, name: str, value: str) -> str:
        """The commitment to a text; a text repeated in one command is stored once."""
        if known := self._sealed.get((owner, name, value)):
            return known
        salt = self.signing.salt(name, value) if self.signing else None
        disclosure = seal(owner, name, plain_text(name, value), salt)
        self.disclosures.append(disclosure)
        self._sealed.setdefault((owner, name, disclosure.value), disclosure.digest)
        return disclosure.digest
