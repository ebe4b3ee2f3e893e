"""The sheet of a command: the facts and texts it has decided on so far.

All facts on it have the same actor, moment and signature, and hold texts of people only as
commitments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.fact import Fact, New
from domain.seal import Disclosure, Said, seal, spell_owners
from domain.signature import Signing
from domain.text import plain_text


@dataclass
class Sheet:
    """What one command writes down."""

    actor: str
    now: datetime
    signing: Signing | None = None
    facts: list[Fact] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._added: dict[str, int] = {}
        """How many facts of each stream are on it."""
        self._sealed: dict[tuple[str, str, str], str] = {}
        """The commitments of the texts on it, by owner, name and text."""
        self._signed: dict[str, str] = {}
        if self.signing is not None:
            message = self.signing.disclosure()
            self.disclosures.append(message)
            self._sealed[message.owner, message.name, message.value] = message.digest
            self._signed = {"message": message.digest, "signature": self.signing.signature}
            if self.signing.bound is not None:
                self._signed["binds"] = str(self.signing.bound)

    def write(self, new: New, after: int = 0) -> Fact:
        """Write down a fact about something that had ``after`` facts before this command."""
        added = self._added[new.id] = self._added.get(new.id, 0) + 1
        told: dict[str, Any] = {
            **new.content,
            **self._texts(new),
            **self._signed,
            "originator_id": new.id,
            "originator_version": after + added,
            "timestamp": self.now,
            "actor": self.actor,
        }
        made = new.kind(**told)
        self.facts.append(made)
        return made

    def _texts(self, new: New) -> dict[str, str]:
        """The commitments to the texts of a fact, and whose they are."""
        owners, told, sealable = dict[str, str](), dict[str, str](), new.kind.SEALED
        for name, value in new.content.items():
            if name in sealable and value is not None:
                said = value if isinstance(value, Said) else Said(self.actor, name, value)
                owners[name], told[name] = said.owner, self._seal(*said)
        return told | {"owners": spell_owners(owners, self.actor)} if owners else told

    def _seal(self, owner: str, name: str, value: str) -> str:
        """Commit to a text; the same text several times in one command is one text."""
        if known := self._sealed.get((owner, name, value)):
            return known
        salt = self.signing.salt(name, value) if self.signing else None
        disclosure = seal(owner, name, plain_text(name, value), salt)
        self.disclosures.append(disclosure)
        self._sealed.setdefault((owner, name, disclosure.value), disclosure.digest)
        return disclosure.digest
